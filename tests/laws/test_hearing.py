"""What reaches whom, for plans that nobody chose: what networks carry, as they are when it is said or read."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from tests.laws.test_laws import SEEDS, broadcast_in, listened, states
from tests.support.scenario import Played

from genai_social_sim.domain.events import FellSilent, Spoke
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.network import Network, hears
from genai_social_sim.domain.plan import Forum, Moderated, Pairwise, RunPlan, Simultaneous
from genai_social_sim.ports import Request
from genai_social_sim.testing.strategies import crowds, plans


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


def at_once(plan: RunPlan) -> RunPlan:
    """The same with simultaneous rounds."""
    fields = {name: getattr(plan, name) for name in plan.__dataclass_fields__ if name not in ("round_size", "offsets")}
    rooms = [replace(room, protocol=Simultaneous()) for room in plan.channels]
    return RunPlan(**{**fields, "channels": tuple(rooms)})


@settings(max_examples=50)
@given(crowds(minding=True).map(at_once), SEEDS)
def test_in_a_simultaneous_round_nobody_sees_what_is_said_in_it_even_if_asked_last(plan: RunPlan, seed: int) -> None:
    _, seen = listened(plan, seed, one_by_one=True)
    for request in seen:
        if not request.aside:
            assert all(line.turn < request.round * plan.round_size for line in request.heard)


@given(plans(minding=True) | crowds(minding=True), SEEDS)
def test_nobody_hears_what_the_network_does_not_carry(plan: RunPlan, seed: int) -> None:
    """From when it was said until it was read; edges may have come and gone."""
    played, seen = listened(plan, seed)
    carried = Carried(played)
    for request in seen:
        index, _ = carried.rooms[request.channel]
        for line in request.heard:
            if line.turn >= 0:
                since = [carried.network(index, at) for at in range(line.turn, request.turn + 1)]
                speaker = AgentId(line.speaker)
                assert any(hears(each, speaker=speaker, listener=request.agent) for each in since)
        network = carried.network(index, request.turn)
        if network is None or not (network.weighted or network.rewired):
            assert request.weights == ()
            continue
        for line, weight in zip(request.heard, request.weights, strict=True):
            member = line.speaker in network.seats
            assert member or weight == 0
            if member and line.speaker != request.agent:
                assert weight == network.weight(speaker=AgentId(line.speaker), listener=request.agent)
