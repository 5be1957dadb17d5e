"""Who hears whom in a channel, and where it is drawn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any, Final

import networkx as nx
import numpy as np
from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.errors import RequestError
from genai_social_sim.web.layout import layout
from genai_social_sim.web.sources import ChannelFacts, Facts

_ALL: Final = 60  # members up to whom it is drawn that everybody hears everybody
_KEPT: Final = 16  # networks


class NoSuchChannelError(RequestError):
    """The run has no channel of this name."""

    code = "no-such-channel"


class Network(TypedDict):
    """A channel's network as the run began. Edges and places go by positions in `nodes`.

    `kind` is empty where everybody hears everybody; then there are edges between all of a few, or none. `places` are x
    and y in turn, on [-1, 1]. `audience` is by how many each is heard. `attributes` have a value for each node.
    """

    channel: str
    kind: str
    directed: bool
    nodes: list[str]
    roles: list[str]
    speakers: list[int]
    listeners: list[int]
    places: list[float]
    audience: list[int]
    communities: list[int]
    attributes: dict[str, list[Any]]
    shown: list[str]  # what can be shown of each at any turn: `said`, and names of probes


class Networks:
    """Laid out once each."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Network] = OrderedDict()
        self._lock = Lock()

    def of(self, run: str, mark: str, facts: Facts, channel: str, probes: Sequence[str]) -> Network:
        """Of a channel, the first one if its name is empty; `mark` tells apart files under one name."""
        with self._lock:
            key = (f"{run}\n{mark}", channel)
            found = self._known.get(key)
            if found is None:
                found = self._known[key] = network(facts, channel, probes)
                while len(self._known) > _KEPT:
                    self._known.popitem(last=False)
            return found


def network(facts: Facts, name: str, probes: Sequence[str] = ()) -> Network:
    """The network of a channel; raises NoSuchChannelError."""
    channel = _channel(facts, name)
    nodes = list(channel.members)
    seats = {node: at for at, node in enumerate(nodes)}
    edges = [edge for edge in facts.edges(channel.name) if edge.speaker in seats and edge.listener in seats]
    pairs = [(seats[edge.speaker], seats[edge.listener]) for edge in edges if edge.speaker != edge.listener]
    directed = any(edge.directed for edge in edges)
    whole = not channel.network
    if whole and len(nodes) <= _ALL:
        pairs = [(a, b) for a in range(len(nodes)) for b in range(a)]
    speakers = np.array([pair[0] for pair in pairs], dtype=np.int64)
    listeners = np.array([pair[1] for pair in pairs], dtype=np.int64)
    audience = np.bincount(speakers, minlength=len(nodes)) + (
        0 if directed else np.bincount(listeners, minlength=len(nodes))
    )
    people = {agent.name: agent for agent in facts.agents()}
    return {
        "channel": channel.name,
        "kind": channel.network or "",
        "directed": directed,
        "nodes": nodes,
        "roles": [people[node].role or "" if node in people else "" for node in nodes],
        "speakers": speakers.tolist(),
        "listeners": listeners.tolist(),
        "places": np.round(layout(len(nodes), speakers, listeners), 4).ravel().tolist(),
        "audience": [len(nodes) - 1] * len(nodes) if whole else audience.tolist(),
        "communities": [0] * len(nodes) if whole else _communities(len(nodes), pairs),
        "attributes": _attributes(nodes, people),
        "shown": ["said", *probes],
    }


def _channel(facts: Facts, name: str) -> ChannelFacts:
    channels = [*facts.channels()]
    for channel in channels:
        if channel.name == name or not name:
            return channel
    remedy = f"The channels are: {', '.join([channel.name for channel in channels])}."
    raise NoSuchChannelError(f"there is no channel {name!r} in this run", remedy=remedy)


def _communities(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
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
