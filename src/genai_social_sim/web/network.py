"""Who hears whom in a channel at any turn, and where it is drawn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, Final, NamedTuple

import networkx as nx
import numpy as np
from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.errors import RequestError
from genai_social_sim.web.layout import Places, layout
from genai_social_sim.web.sources import ChannelFacts, EdgeFacts, EdgeRow, Facts

_ALL: Final = 60  # members up to whom it is drawn that everybody hears everybody
_KEPT: Final = 16  # networks
_Pairs = Sequence[tuple[int, int]]


class NoSuchChannelError(RequestError):
    """The run has no channel of this name."""

    code = "no-such-channel"


class Network(TypedDict):
    """A channel's network before a turn. Edges and places go by positions in `nodes`.

    `kind` is empty where everybody hears everybody; then there are edges between all of a few, or none. `changes` are
    the turns before which edges came or went: it is the same from one of them, `since`, to the next; where it is
    `changing`, more of them may come. `places` are x and y in turn, on [-1, 1], the same at every turn. `audience` is
    by how many each is heard. `attributes` have a value for each node.
    """

    channel: str
    kind: str
    directed: bool
    since: int
    changes: list[int]
    changing: bool
    nodes: list[str]
    roles: list[str]
    speakers: list[int]
    listeners: list[int]
    places: list[float]
    audience: list[int]
    communities: list[int]
    attributes: dict[str, list[Any]]
    shown: list[str]  # what can be shown of each at any turn: `said`, and names of probes


class Edges(NamedTuple):
    """Those of a channel that come and go; `rows` None: none do."""

    rows: Sequence[EdgeRow] | None

    @property
    def changes(self) -> list[int]:
        """Turns before which an edge came or went after the beginning."""
        turns = {turn for row in self.rows or () for turn in (row.since, row.until) if turn}
        return sorted(turns)

    def at(self, turn: int) -> list[EdgeRow]:
        """Those that are there for turn `turn`."""
        return [row for row in self.rows or () if row.since <= turn and (row.until is None or turn < row.until)]


class Asked(NamedTuple):
    """Which network: of a channel before a turn, with what can be shown of its nodes.

    `record` tells apart files under one name, `changed` (a position of the log) states of one file.
    """

    record: str
    channel: str
    turn: int
    probes: Sequence[str]
    changed: int | None


class Networks:
    """Laid out once each."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, int | None, int], Network] = OrderedDict()
        self._places: OrderedDict[tuple[str, str], Places] = OrderedDict()
        self._lock = Lock()

    def of(self, asked: Asked, facts: Facts, edges: Mapping[str, Sequence[EdgeRow]] | None) -> Network:
        """Of a channel, the first one if its name is empty."""
        channel = channel_of(facts, asked.channel)
        found = Edges(None if edges is None else edges.get(channel.name))
        since = max([turn for turn in found.changes if turn <= asked.turn], default=0)
        with self._lock:
            key = (asked.record, channel.name, asked.changed, since)
            if key not in self._known:
                self._known[key] = self._made(asked.record, facts, channel, found, since)
            self._known.move_to_end(key)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return {**self._known[key], "shown": ["said", *asked.probes]}

    def _made(self, record: str, facts: Facts, channel: ChannelFacts, edges: Edges, since: int) -> Network:
        key = (record, channel.name)
        if key not in self._places:
            first = _pairs(facts, channel, edges, 0)
            ever = first or [pair for turn in edges.changes for pair in _pairs(facts, channel, edges, turn)]
            self._places[key] = layout(len(channel.members), *_ends(ever))
            while len(self._places) > _KEPT:
                self._places.popitem(last=False)
        return network(facts, channel, edges, since=since, places=self._places[key])


def network(facts: Facts, channel: ChannelFacts, edges: Edges, *, since: int, places: Places) -> Network:
    """The network of a channel from turn `since` on, drawn at `places`."""
    nodes = list(channel.members)
    pairs = _pairs(facts, channel, edges, since)
    directed = any(edge.directed for edge in _edges(facts, channel, edges, since))
    whole = not channel.network and not edges.rows
    speakers, listeners = _ends(pairs)
    heard = np.bincount(speakers, minlength=len(nodes))
    audience = heard if directed else heard + np.bincount(listeners, minlength=len(nodes))
    people = {agent.name: agent for agent in facts.agents()}
    return {
        "channel": channel.name,
        "kind": channel.network or ("changed" if edges.rows else ""),
        "directed": directed,
        "since": since,
        "changes": edges.changes,
        "changing": facts.edges_change,
        "nodes": nodes,
        "roles": [people[node].role or "" if node in people else "" for node in nodes],
        "speakers": speakers.tolist(),
        "listeners": listeners.tolist(),
        "places": np.round(places, 4).ravel().tolist(),
        "audience": [len(nodes) - 1] * len(nodes) if whole else audience.tolist(),
        "communities": [0] * len(nodes) if whole else _communities(len(nodes), pairs),
        "attributes": _attributes(nodes, people),
        "shown": [],
    }


def channel_of(facts: Facts, name: str) -> ChannelFacts:
    """A channel by its name, the first one if that is empty; raises NoSuchChannelError."""
    channels = [*facts.channels()]
    for channel in channels:
        if channel.name == name or not name:
            return channel
    remedy = f"The channels are: {', '.join([channel.name for channel in channels])}."
    raise NoSuchChannelError(f"there is no channel {name!r} in this run", remedy=remedy)


def _pairs(facts: Facts, channel: ChannelFacts, edges: Edges, turn: int) -> _Pairs:
    """Speaker and listener of each edge before a turn, as positions among the members."""
    seats = {node: at for at, node in enumerate(channel.members)}
    if not channel.network and not edges.rows:
        return [(a, b) for a in range(len(seats)) for b in range(a)] if len(seats) <= _ALL else []
    there = _edges(facts, channel, edges, turn)
    both = [(edge.speaker, edge.listener) for edge in there if edge.speaker != edge.listener]
    return [(seats[one], seats[other]) for one, other in both if one in seats and other in seats]


def _edges(facts: Facts, channel: ChannelFacts, edges: Edges, turn: int) -> Iterable[EdgeFacts]:
    return edges.at(turn) if edges.rows is not None else facts.edges(channel.name)


def _ends(pairs: _Pairs) -> tuple[Any, Any]:
    return (
        np.array([pair[0] for pair in pairs], dtype=np.int64),
        np.array([pair[1] for pair in pairs], dtype=np.int64),
    )


def _communities(count: int, pairs: _Pairs) -> list[int]:
    """The community of each node, the largest being 0 (Louvain; Blondel et al., 2008)."""
    graph = nx.Graph(pairs)
    graph.add_nodes_from(range(count))
    found = [0] * count
    parts = sorted(nx.community.louvain_communities(graph, seed=0), key=lambda part: (-len(part), min(part)))
    for number, part in enumerate(parts):
        for node in part:
            found[node] = number
    return found


def _attributes(nodes: Sequence[str], people: dict[str, Any]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for node in nodes if node in people for name in people[node].values)
    return {name: [people[node].values.get(name) if node in people else None for node in nodes] for name in names}
