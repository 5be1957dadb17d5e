"""Order in one channel: what those whose roles have powers did there, and who of them is still to be asked.

A holder is asked after its turn: in simultaneous rounds once the round is over, in a forum after the words, and a
moderator after the speech that it chose. It knows nothing of other channels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import groupby
from typing import Final, NamedTuple

from genai_social_sim.domain.act import Offer
from genai_social_sim.domain.events import FellSilent, Outcome, Probed
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import ByAuthority, RandomOrder, RunPlan
from genai_social_sim.domain.power import Deed, Power
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.kernel.room import Room
from genai_social_sim.kernel.speech import shown

_WORDS: Final[Mapping[Deed, str]] = {
    "nothing": "nothing",
    "choose_next": "give the floor to ",
    "mute": "mute ",
    "unmute": "let speak again: ",
    "close": "close the conversation",
}
_UNASKED: Final = frozenset({"muted", "absent", "closed"})

Powers = Mapping[AgentId, frozenset[Power]]  # of those who have some


class Disclosed(NamedTuple):
    """An answer to a probe, as those may see it who have the power."""

    turn: int  # turns taken before
    probe: str
    agent: AgentId
    text: Text


class Order(NamedTuple):
    """What holders of powers did in a channel."""

    muted: frozenset[AgentId] = frozenset()
    closed: AgentId | None = None  # who closed it
    called: AgentId | None = None  # who has the next turn
    asking: tuple[AgentId, ...] = ()  # who is to be asked, the first first
    after: int = -1  # the turn after which
    answers: tuple[Disclosed, ...] = ()  # the last two of each agent to each probe, in order, where somebody sees them


def powers_of(plan: RunPlan) -> Powers:
    """Who has which."""
    roles = {role.name: frozenset(role.powers) for role in plan.roles if role.powers}
    if not roles:
        return {}
    return {agent.name: roles[agent.role] for agent in plan.agents if agent.role in roles}


def usable(powers: Collection[Power], room: Room) -> frozenset[Power]:
    """Those of `powers` that a member can do something with here."""
    alone, drawn = len(room.members) == 1, isinstance(room.protocol, RandomOrder | ByAuthority)
    wanted: dict[Power, bool] = {"choose_next": drawn and not alone, "mute": not alone, "close": True}
    return frozenset([power for power, useful in wanted.items() if useful and power in powers])


def after_turn(
    room: Room, order: Order | None, powers: Powers, outcome: Outcome, place: tuple[int, int]
) -> Order | None:
    """Order once the turn at a place, a round and a position in it, has been taken."""
    before = order or Order()
    asking = () if room.is_break(*place) else before.asking
    if _is_asked(room, powers, outcome, place[1]) and outcome.agent not in asking:
        asking = (*asking, outcome.agent)
    if order is None and not asking:
        return None
    return before._replace(called=None, asking=asking, after=outcome.turn)


def _is_asked(room: Room, powers: Powers, outcome: Outcome, position: int) -> bool:
    unasked = isinstance(outcome, FellSilent) and outcome.cause in _UNASKED
    in_part = room.forum is not None and not room.is_words(position)
    return not (unasked or in_part) and bool(usable(powers.get(outcome.agent, ()), room))


def offer_to(room: Room, order: Order, powers: Collection[Power], agent: AgentId, absent: Collection[AgentId]) -> Offer:
    """What a holder can do now; doing nothing always."""
    here, can = [each for each in room.members if each != agent and each not in absent], usable(powers, room)
    options = [_WORDS["nothing"]]
    if "choose_next" in can:
        options += [_WORDS["choose_next"] + each for each in here if each not in order.muted]
    if "mute" in can:
        options += [_WORDS["unmute" if each in order.muted else "mute"] + each for each in here]
    if "close" in can:
        options.append(_WORDS["close"])
    return Offer(tuple(options))


def deed_in(option: str) -> tuple[Deed, AgentId | None]:
    """What an option of such an offer is, and whom it concerns."""
    for deed, words in _WORDS.items():
        if option == words:
            return deed, None
        if words[-1] == " " and option.startswith(words):
            return deed, AgentId(option[len(words) :])
    return "nothing", None


def done(order: Order, agent: AgentId, deed: Deed, whom: AgentId | None) -> Order:
    """Order after `agent` was asked."""
    rest = order._replace(asking=order.asking[order.asking.index(agent) + 1 :])
    if deed == "close":
        return rest._replace(closed=agent)
    if whom is None:
        return rest
    if deed == "choose_next":
        return rest._replace(called=whom)
    return rest._replace(muted=rest.muted | {whom} if deed == "mute" else rest.muted - {whom})


def disclosed(order: Order | None, event: Probed) -> Order:
    """Order with an answer that holders of `see_probes` are shown from the next turn on.

    That before it is kept: who is asked at the same moment is shown that one, whoever answers first.
    """
    before = order or Order()
    new = Disclosed(event.turn, event.probe, event.agent, event.text)
    same = [each for each in before.answers if _names(each) == _names(new)]
    others = [each for each in before.answers if _names(each) != _names(new)]
    return before._replace(answers=tuple(sorted((*others, *same[-1:], new), key=_names)))


def _names(answer: Disclosed) -> tuple[str, AgentId]:
    return answer.probe, answer.agent


def answers_shown(order: Order, agent: AgentId, turn: int) -> Text:
    """What `agent` is shown of others' answers before its turn of this number: whole lines, no speaker's among them."""
    last = {_names(each): each for each in order.answers if each.agent != agent and each.turn < turn}
    lines = []
    for probe, answers in groupby(last.values(), key=lambda each: each.probe):
        told = "; ".join([f"{each.agent} answered {shown(each.text, inline=True).value}" for each in answers])
        lines.append(f"(Asked aside, {probe}: {told})\n")
    return Text.of("".join(lines)) if lines else EMPTY
