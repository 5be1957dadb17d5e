"""What reaches whom, for plans that nobody chose: what networks carry, as they are when it is said or read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.laws.test_laws import SEEDS, broadcast_in, listened, patient, states
from tests.support.scenario import Played, Scenario, scripted

from genai_social_sim.domain.act import Say
from genai_social_sim.domain.agenda import After, Inject, Intervention
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.events import FellSilent, Intervened, Opened, Spoke
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.network import Edge, Network, hears
from genai_social_sim.domain.plan import Forum, Moderated, Pairwise, RoundRobin, RunPlan, Simultaneous
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.taking import pair_at, partner_of
from genai_social_sim.ports import Request
from genai_social_sim.testing.strategies import crowds, pairwise, plans


@given(plans() | crowds(), SEEDS)
def test_everybody_hears_all_that_was_said_before_their_wave_and_that_reaches_them(plan: RunPlan, seed: int) -> None:
    """Up to the window. In pairs what reaches an agent is another matter: see `test_pairs`; broadcasts: test_agenda."""
    played, seen = listened(plan, seed)
    assume(not broadcast_in(played))
    carried = Carried(played)
    for request in seen:
        index, room = carried.rooms[request.channel]
        if isinstance(room.protocol, Pairwise | Forum) or request.aside:
            continue
        wave = wave_of(plan, index, request)
        assume(not carried.forgot(index, wave))
        known = [-1] if room.opening else []
        for event in played.of(Spoke):
            unheard = isinstance(room.protocol, Moderated) and event.agent == room.protocol.moderator
            apart = event.to is not None and request.agent not in (event.to, event.agent)
            if event.channel == room.name and event.turn < wave and not unheard and not apart:
                known += [event.turn] * carried.to(request.agent, index, event)
        assert [line.turn for line in request.heard] == known[max(0, len(known) - room.window) :]


def wave_of(plan: RunPlan, index: int, turn: Request | Spoke) -> int:
    """The first turn of the wave to which a turn belongs."""
    position = turn.turn - turn.round * plan.round_size - plan.offsets[index]
    return turn.turn - position % plan.channels[index].waves[turn.round > 0]


class Carried:
    """What the networks of a run carried, as they were when it was said or read."""

    def __init__(self, played: Played) -> None:
        self.plan = played.plan
        self.rooms = {channel.name: (index, channel) for index, channel in enumerate(self.plan.channels)}
        known = zip(states(played), played.events, strict=False)
        self.plans = [state.stage.plan for state, event in known if isinstance(event, Spoke | FellSilent)]
        self.plans.append(states(played)[-1].stage.plan)

    def network(self, index: int, turn: int) -> Network | None:
        """That in force when a turn was taken."""
        return self.plans[min(turn, len(self.plans) - 1)].channels[index].network

    def before(self, index: int, turn: int) -> Network | None:
        """That before anything was changed between the turn before and this one."""
        return self.network(index, turn - 1) if turn else self.plan.channels[index].network

    def ends(self, index: int, turn: int) -> int:
        """The last turn of the wave that begins with a turn."""
        return turn + self.plan.channels[index].waves[turn >= self.plan.round_size] - 1

    def to(self, listener: AgentId, index: int, said: Spoke) -> bool:
        """Whether an utterance reached a listener."""
        room = self.plan.channels[index]
        network = self.network(index, self.ends(index, wave_of(self.plan, index, said)))
        if (
            network is not None and isinstance(room.protocol, Simultaneous) and not room.direct
        ):  # read when one's next turn comes
            seat = room.members.index(listener)
            network = self.network(index, (said.round + 1) * self.plan.round_size + self.plan.offsets[index] + seat)
        return hears(network, speaker=said.agent, listener=listener)

    def forgot(self, index: int, turn: int) -> bool:
        """Whether a first edge went in a wave that is longer than the window: what is out of it is forgotten by all."""
        room = self.plan.channels[index]
        longest = max(room.waves)
        both = [(self.network(index, at), self.network(index, at + 1)) for at in range(turn)]
        return longest > max(room.window, 1) and any(one is None and other is not None for one, other in both)


def with_rooms(plan: RunPlan, **changes: Any) -> RunPlan:
    """The same with something else in each of its channels."""
    return replace(plan, channels=tuple([replace(room, **changes) for room in plan.channels]))


def at_once(plan: RunPlan) -> RunPlan:
    """The same with simultaneous rounds."""
    return with_rooms(plan, protocol=Simultaneous())


def on_ring(plan: RunPlan) -> RunPlan:
    """The same of one channel in which each member hears the one before it alone."""
    (room,) = plan.channels
    seats = room.members
    ring = [Edge(speaker, seats[(seat + 1) % len(seats)]) for seat, speaker in enumerate(seats)]
    return with_rooms(plan, network=Network.of(seats, ring))


def in_pairs(plan: RunPlan, pairs: Pairwise) -> RunPlan:
    """The same on a ring, in pairs."""
    return with_rooms(on_ring(plan), protocol=pairs, direct=False)


def by_address(plan: RunPlan) -> RunPlan:
    """The same on a ring, in turns in which one may speak to another alone."""
    return with_rooms(on_ring(plan), protocol=RoundRobin(), act=Say(), direct=True)


def with_words(plan: RunPlan) -> RunPlan:
    """The same on a ring, and after two turns words are put into the mouth of the first member."""
    (room,) = plan.channels
    words = Inject(speaker=room.members[0], text="I do.", channel=room.name)
    return replace(on_ring(plan), interventions=(Intervention(when=(After(count=2, unit="turns"),), change=words),))


def sparse() -> SearchStrategy[RunPlan]:
    """Plans in which most members do not hear most others, by what carries words to single ones."""
    crowd = crowds(minding=True)
    return st.builds(in_pairs, crowd, pairwise(announced=False)) | crowd.map(by_address) | crowd.map(with_words)


def meetings() -> SearchStrategy[RunPlan]:
    """Plans of one channel in pairs, on its own network or on a ring, of which nothing is changed while they run."""
    crowd = crowds().map(lambda plan: replace(plan, interventions=()))
    free = st.builds(
        lambda plan, pairs: with_rooms(plan, protocol=pairs, direct=False), crowd, pairwise(announced=False)
    )
    return free | st.builds(in_pairs, crowd, pairwise(announced=False))


@settings(max_examples=50)
@given(meetings(), SEEDS)
def test_in_pairs_each_is_shown_what_it_has_heard_and_at_the_end_what_its_partner_said_last(
    plan: RunPlan, seed: int
) -> None:
    """A second reading of the log, by lists of turns; whom it saw then is part of its own past from then on."""
    played, seen = listened(plan, seed)
    (room,), table = plan.channels, Stage(plan).rooms[0]
    assert isinstance(room.protocol, Pairwise)
    heard: dict[str, list[int]] = {member: [-1] if room.opening else [] for member in room.members}
    last, held = dict[str, int](), list[tuple[str, str, int]]()
    asked = {request.turn: [line.turn for line in request.heard] for request in seen if not request.aside}
    for event in played.of(Spoke, FellSilent):
        position = event.turn % plan.round_size
        other = partner_of(table, event.agent, event.round, position)
        assert other is not None
        pair = pair_at(table, event.round, position)
        replies = room.protocol.acts == "in_turn" and pair and room.members[pair.listener] == event.agent
        carried = hears(room.network, speaker=other, listener=event.agent)
        if room.protocol.shows == "partner" and not replies and other in last and carried:
            heard[event.agent] = [turn for turn in heard[event.agent] if turn != last[other]] + [last[other]]
        heard[event.agent] = heard[event.agent][max(0, len(heard[event.agent]) - room.window) :]
        assert asked.get(event.turn, heard[event.agent]) == heard[event.agent]
        held += [(event.agent, other, event.turn)] if isinstance(event, Spoke) else []
        if (position + 1) % table.wave(event.round) == 0:
            for speaker, listener, turn in held:
                heard[speaker].append(turn)
                last[speaker] = turn
                if room.protocol.acts != "listener" and hears(
                    room.network, speaker=AgentId(speaker), listener=AgentId(listener)
                ):
                    heard[listener].append(turn)
            held.clear()


def chaired(plan: RunPlan) -> RunPlan:
    """The same with a member who chooses who speaks next."""
    (room,) = plan.channels
    return with_rooms(plan, protocol=Moderated(moderator=room.members[0], cue="Who is next?"), act=Say(), direct=False)


@settings(max_examples=25)
@given(crowds(minding=True).map(chaired), SEEDS)
def test_whom_a_moderator_chooses_is_recorded_and_shown_to_nobody(plan: RunPlan, seed: int) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return Dice(seed, request.seed).choice(request.choices) if request.choices else f"word {request.turn}"

    played = Scenario(plan=patient(plan), model=scripted(answer)).play()
    choices = {event.turn for event in played.of(Spoke) if event.choice is not None}
    assume(choices)
    assert all(line.turn not in choices for request in seen for line in request.heard)


@settings(max_examples=50)
@given(crowds(minding=True).map(at_once), SEEDS)
def test_in_a_simultaneous_round_nobody_sees_what_is_said_in_it_even_if_asked_last(plan: RunPlan, seed: int) -> None:
    _, seen = listened(plan, seed, one_by_one=True)
    for request in seen:
        if not request.aside:
            assert all(line.turn < request.round * plan.round_size for line in request.heard)


@given(plans(minding=True) | crowds(minding=True) | sparse(), SEEDS)
def test_nobody_hears_what_the_network_does_not_carry(plan: RunPlan, seed: int) -> None:
    """From when it was said until it was read; edges may have come and gone."""
    played, seen = listened(plan, seed, to_one=any(room.direct for room in plan.channels))
    carried = Carried(played)
    mouths = put_into_mouths(played)
    for request in seen:
        index, _ = carried.rooms[request.channel]
        for line in request.heard:
            first = line.turn if line.turn >= 0 else mouths.get((request.channel, line.speaker, line.text.value))
            if first is not None:
                since = [carried.network(index, at) for at in range(first, request.turn + 1)]
                speaker = AgentId(line.speaker)
                assert any(hears(each, speaker=speaker, listener=request.agent) for each in since)
        network = carried.network(index, request.turn)
        if request.aside and carried.before(index, request.turn) != network:
            continue  # it was changed between the same two turns, before or after this was asked
        if network is None or not (network.weighted or network.rewired):
            assert request.weights == ()
            continue
        for line, weight in zip(request.heard, request.weights, strict=True):
            member = line.speaker in network.seats
            assert member or weight == 0
            if member and line.speaker != request.agent:
                assert weight == network.weight(speaker=AgentId(line.speaker), listener=request.agent)


def put_into_mouths(played: Played) -> dict[tuple[str, str, str], int]:
    """Before which turn agents were first made to say something that nothing else says: by channel, agent and text."""
    others = {(said.channel, said.speaker, said.text.value) for said in played.of(Opened)}
    found: dict[tuple[str, str, str], int] = {}
    for event in played.of(Intervened):
        for said in event.said:
            key = (said.channel, said.speaker, said.text.value)
            if event.injected:
                found.setdefault(key, event.turn)
            else:
                others.add(key)
    return {key: turn for key, turn in found.items() if key not in others}
