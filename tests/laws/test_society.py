"""Laws of societies, for plans that nobody chose: voices, powers, probes, and what a prompt can hold.

Each reads the log a second time, in a way of its own that knows nothing of the kernel's state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.laws.test_laws import SEEDS, anything, listened, patient, said
from tests.support.scenario import Played, Scenario, scripted

from genai_social_sim.domain.agenda import After, Intervention, Mute
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    Event,
    Exercised,
    FellSilent,
    Intervened,
    Opened,
    Outcome,
    Probed,
    Remembered,
    Spoke,
)
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import RunPlan, Turns
from genai_social_sim.domain.power import Power
from genai_social_sim.domain.trigger import parts_of
from genai_social_sim.ports import Answer, Request
from genai_social_sim.testing.plans import PROTOCOLS, small_channel, small_plan
from genai_social_sim.testing.strategies import NAMES, crowds, plans


@dataclass
class Voices:
    """Who is muted where, by one or the other, and who is not there."""

    by_plan: set[str] = field(default_factory=set)
    by_power: set[tuple[str, str]] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    roles: dict[str, str | None] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """What an event changes."""
        if isinstance(event, Exercised):
            self._exercised(event)
        elif isinstance(event, Intervened):
            change = json.loads(event.change.value)
            if change["kind"] == "mute":
                muted = set(change["agents"])
                self.by_plan = self.by_plan - muted if change["lifted"] else self.by_plan | muted
            elif change["kind"] == "change_role":
                self.roles.update(dict.fromkeys(change["agents"], change.get("role")) if "role" in change else {})

    def _exercised(self, event: Exercised) -> None:
        pair = (event.channel, str(event.whom))
        if event.deed == "mute":
            self.by_power.add(pair)
        elif event.deed == "unmute":
            self.by_power.discard(pair)
        elif event.deed == "close":
            self.closed.add(event.channel)

    def may_speak(self, channel: str, agent: str) -> bool:
        """Whether a turn of an agent there is not passed over for want of a voice."""
        return agent not in self.by_plan and (channel, agent) not in self.by_power and channel not in self.closed


def before_each(played: Played) -> Iterator[tuple[Voices, Event]]:
    """Each event with what held right before it; the same object, as it is then."""
    voices = Voices(roles={agent.name: agent.role for agent in played.plan.agents})
    for event in played.events:
        yield voices, event
        voices.take(event)


def powerful(seed: int) -> Callable[[Request], Answer | str]:
    """Everybody says what holders of powers may say, holders one of their options."""

    def answer(request: Request) -> Answer | str:
        dice = Dice(seed, "powerful", request.seed)
        if request.choices and dice.below(4):
            return dice.choice(request.choices)
        name = dice.choice(NAMES)
        return dice.choice([f"mute {name}", "close the conversation", f"give the floor to {name}", "nothing", "word"])

    return answer


def played_by(plan: RunPlan, answer: Callable[[Request], Any]) -> Played:
    return Scenario(plan=patient(plan), model=scripted(answer)).play()


@given(anything() | crowds(minding=True, powered=True), SEEDS)
def test_who_has_no_voice_is_passed_over_and_not_even_asked(plan: RunPlan, seed: int) -> None:
    played = played_by(plan, powerful(seed))
    asked = {event.turn for event in played.of(Answered, AttemptFailed) if event.aside is None}
    for voices, event in before_each(played):
        if isinstance(event, Outcome) and not voices.may_speak(event.channel, event.agent):
            assert isinstance(event, FellSilent)
            assert event.cause in ("muted", "absent", "closed")
            assert event.turn not in asked
        elif isinstance(event, FellSilent):
            assert event.cause not in ("muted", "closed")


@settings(max_examples=40)
@given(st.sampled_from(sorted(PROTOCOLS)), SEEDS, st.sampled_from(NAMES), st.booleans())
def test_under_every_protocol_who_is_muted_says_nothing(protocol: str, seed: int, whom: str, by_power: bool) -> None:
    """By who has the power, once it may; or by the plan, after a turn."""
    others = [name for name in NAMES if name != whom]
    powers: dict[str, Sequence[Power]] = dict.fromkeys(others, ("mute",)) if by_power else {}
    room = small_channel("hall", members=" ".join(NAMES), protocol=protocol)
    mute = Intervention(when=(After(count=1, unit="turns"),), change=Mute(agents=(AgentId(whom),)))
    planned = () if by_power else (mute,)
    plan = small_plan(
        room, agents=" ".join(NAMES), powers=powers, interventions=planned, stop=Turns(count=40), seed=seed
    )

    asked: list[int] = []

    def answer(request: Request) -> str:
        asked.extend([request.turn] if (request.agent, request.aside) == (whom, "") else [])
        if request.aside == "~powers":
            return f"mute {whom}" if f"mute {whom}" in request.choices else "nothing"
        return request.choices[0] if request.choices else "word"

    played = played_by(plan, answer)
    (muted,) = [event.turn for event in played.of(Exercised, Intervened) if getattr(event, "deed", "mute") == "mute"]
    assert [event.turn for event in played.of(Spoke) if event.agent == whom and event.turn >= muted] == []
    assert [turn for turn in asked if turn >= muted] == []
    assert all(event.cause != "muted" or event.agent == whom for event in played.of(FellSilent))


@given(plans(minding=True, powered=True), SEEDS)
def test_only_who_holds_a_power_is_asked_what_it_does_and_can_do_no_more_than_it_allows(
    plan: RunPlan, seed: int
) -> None:
    powers = {role.name: role.powers for role in plan.roles}
    needs = {"mute": "mute", "unmute": "mute", "close": "close", "choose_next": "choose_next"}
    for voices, event in before_each(played_by(plan, powerful(seed))):
        if isinstance(event, Answered | AttemptFailed) and event.aside is not None and event.aside.name == "~powers":
            assert powers[voices.roles[event.aside.agent]]  # type: ignore[index]  # it has a role
        if isinstance(event, Exercised) and event.deed != "nothing":
            assert needs[event.deed] in powers[voices.roles[event.agent]]  # type: ignore[index]
            assert event.whom != event.agent


def unasked(plan: RunPlan) -> RunPlan:
    """The same without its probes."""
    return replace(plan, probes=())


def steady(plan: RunPlan) -> RunPlan:
    """The same without what goes by probes: rules and triggers on tokens, which they take too; `see_probes`."""
    triggers = [probe.trigger for probe in plan.probes] + [change.trigger for change in plan.interventions]
    for trigger in triggers:
        assume(trigger is None or all(part.measure != "tokens" for part in parts_of(trigger)))
    roles = [replace(role, powers=tuple([each for each in role.powers if each != "see_probes"])) for role in plan.roles]
    return replace(plan, stop=Turns(count=12), roles=tuple(roles))


@given(crowds(minding=True, probed=True) | crowds(minding=True, powered=True, probed=True), SEEDS)
def test_a_probe_leaves_no_trace(plan: RunPlan, seed: int) -> None:
    """Same words, prompts, parameters and seeds of all other calls, same changes: whatever the protocol and memory."""
    plan = steady(plan)
    with_probes, without = played_by(plan, said(seed)), played_by(unasked(plan), said(seed))
    names = {probe.name for probe in plan.probes}

    def trace(played: Played) -> tuple[list[Event], list[Any]]:
        happened = played.of(Opened, Spoke, FellSilent, Exercised, Remembered, Intervened)
        calls = {event.key: (event.asked, event.raw) for event in played.of(Answered) if not of_probe(event, names)}
        return happened, sorted(calls.items(), key=repr)

    assert trace(with_probes) == trace(without)


def of_probe(event: Answered, names: set[str]) -> bool:
    return event.aside is not None and event.aside.name in names


@given(anything(), SEEDS)
def test_a_prompt_holds_no_utterance_that_its_agent_was_not_shown(plan: RunPlan, seed: int) -> None:
    """Each says a word of its own, which is looked for in the very text of all later prompts."""
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        if request.choices:
            return Dice(seed, "chosen", request.seed).choice(request.choices)
        return "aside" if request.aside else f"w{request.turn}w"

    played = played_by(plan, answer)
    spoken = {event.text.value for event in played.of(Spoke)}
    for request in seen:
        shown = {line.text.value for line in request.heard} | {post.text for post in request.feed}
        assert {f"w{turn}w" for turn in re.findall(r"w(\d+)w", request.prompt.text)} & spoken <= shown


@given(crowds(minding=True, powered=True, probed=True), SEEDS)
def test_who_may_not_see_probes_is_shown_no_answer_to_one(plan: RunPlan, seed: int) -> None:
    sees = {role.name for role in plan.roles if "see_probes" in role.powers}
    played, seen = listened(plan, seed)
    roles: dict[tuple[int, str], str | None] = {}
    for voices, event in before_each(played):
        if isinstance(event, Outcome | Exercised | Probed):
            roles[event.turn, event.agent] = voices.roles[event.agent]
    for request in seen:
        if "(Asked aside, " in request.prompt.text:
            assert roles[request.turn, request.agent] in sees
