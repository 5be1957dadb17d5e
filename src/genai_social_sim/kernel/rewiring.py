"""What becomes of a channel whose edges change, and which edges a planned change comes to when it is due.

What was heard stays heard. In simultaneous rounds, where an agent reads when its turn comes what was said in the round
before, it reads what those said whom it hears then. Knows nothing of when a change is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from genai_social_sim.domain.agenda import AddEdges, ChangeNetwork, EdgesBetween, RemoveEdges
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.network import Edge, Network, complete, hears
from genai_social_sim.domain.plan import Channel
from genai_social_sim.kernel.hearing import begun_in_wave
from genai_social_sim.kernel.state import RunState, restaged

Rewire = Callable[[Network], Network]


def rewired(state: RunState, changes: Mapping[ChannelId, Rewire]) -> RunState:
    """The state after the edges of some channels have changed."""
    plan, floors = state.stage.plan, state.floors
    channels = [_with_network(each, changes.get(each.name)) for each in plan.channels]
    after = restaged(state, replace(plan, channels=tuple(channels)))
    for channel in changes:
        index = after.stage.channel_index[channel]
        floor = floors[index]
        if floor.held_back:
            ears = begun_in_wave(after.stage.rooms[index], floor.heard, floor.held_back, floor.round)
            floors = floors.replaced(index, floor._replace(held_back=(), ears=ears))
    return after._replace(floors=floors)


def with_edges(edges: Iterable[Edge]) -> Rewire:
    """More edges."""
    return lambda network: network.with_(edges)


def without_edges(pairs: Iterable[tuple[AgentId, AgentId]]) -> Rewire:
    """Fewer edges."""
    return lambda network: network.without(pairs)


def anew(change: ChangeNetwork) -> Rewire:
    """Other edges."""
    return lambda network: Network.of(network.members, change.edges, directed=change.directed, weighted=change.weighted)


def between(state: RunState, planned: EdgesBetween, number: int) -> AddEdges | RemoveEdges:
    """The edges that an intervention of this number comes to now."""
    found = [(name, _drawn(state, planned, number, name)) for name in planned.channels]
    if planned.added:
        rows = [(name, tuple([Edge(*pair, planned.weight) for pair in pairs])) for name, pairs in found]
        return AddEdges(edges=tuple([(name, edges) for name, edges in rows if edges]))
    return RemoveEdges(edges=tuple([(name, pairs) for name, pairs in found if pairs]))


def _drawn(state: RunState, planned: EdgesBetween, number: int, name: ChannelId) -> tuple[tuple[AgentId, AgentId], ...]:
    """The share that is drawn of the edges in question, in their order."""
    network = network_in(state.stage.plan.channels[state.stage.channel_index[name]])
    pairs = [*(_missing(network, planned) if planned.added else _there(network, planned))]
    count = int(planned.share * len(pairs) + 0.5)
    if count == len(pairs):
        return tuple(pairs)
    dice = Dice(state.stage.plan.seed, "edges", name, number, state.progress.turns)
    return tuple([pairs[at] for at in sorted(dice.shuffled(range(len(pairs)))[:count])])


def _there(network: Network, planned: EdgesBetween) -> Iterator[tuple[AgentId, AgentId]]:
    one, other = frozenset(planned.one), frozenset(planned.other)
    for speaker, listener, _ in network.edges:
        if speaker != listener and ((speaker in one and listener in other) or (speaker in other and listener in one)):
            yield speaker, listener


def _missing(network: Network, planned: EdgesBetween) -> Iterator[tuple[AgentId, AgentId]]:
    """Each pair once; in a network with direction each way by itself."""
    seats = network.seats
    one, other = [[seats[each] for each in group if each in seats] for group in (planned.one, planned.other)]
    pairs = {(a, b) for a in one for b in other if a != b}
    pairs = pairs | {(b, a) for a, b in pairs} if network.directed else {(min(pair), max(pair)) for pair in pairs}
    for speaker, listener in sorted(pairs):
        speaking, listening = network.members[speaker], network.members[listener]
        if not hears(network, speaker=speaking, listener=listening):
            yield speaking, listening


def network_in(channel: Channel) -> Network:
    """Who hears whom in it; where there is no network, everybody everybody."""
    return channel.network or complete(channel.members)


def _with_network(channel: Channel, change: Rewire | None) -> Channel:
    if change is None:
        return channel
    return replace(channel, network=replace(change(network_in(channel)), rewired=True))
