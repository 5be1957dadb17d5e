"""From a network's document to who hears whom among the members of one channel. networkx draws what is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple, assert_never

from genai_social_sim.domain.agenda import ChangeNetwork
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.network import Edge, Network
from genai_social_sim.study.network_files import Found, edges_in
from genai_social_sim.study.networks import (
    BarabasiAlbertDoc,
    CliquesDoc,
    CompleteDoc,
    EdgesDoc,
    ErdosRenyiDoc,
    GridDoc,
    GroupedDoc,
    NetworkDoc,
    NetworkFileDoc,
    PowerlawClusterDoc,
    RandomRegularDoc,
    RingDoc,
    StarDoc,
    StochasticBlockDoc,
    WattsStrogatzDoc,
)
from genai_social_sim.study.refusals import listed, nearest

Value = str | int | float | bool
_SEEDS: Final = 2**32


class Unfit(Exception):  # noqa: N818 (it becomes a Problem, with the place that the document has)
    """A network that these members cannot have: the key that is to blame, why, and what to write."""

    def __init__(self, key: str, text: str, remedy: str) -> None:
        super().__init__(text)
        self.key, self.text, self.remedy = key, text, remedy


class Place(NamedTuple):
    """The channel that a network is for."""

    channel: str
    members: tuple[AgentId, ...]
    attributes: Mapping[AgentId, tuple[tuple[str, Value], ...]]  # of all agents of the study
    own: bool  # whether the network is the channel's own; the study's may name agents that are not here
    folder: Path | None  # of the study file
    draw: str = ""  # which of several networks of this channel; empty: the one with which it begins


def network_of(doc: NetworkDoc, place: Place, seed: int) -> Network | None:
    """Who hears whom, None for everybody everybody; raises Unfit."""
    if isinstance(doc, CompleteDoc):
        return None
    if doc.drawn is not None:
        return _named(Found(doc.drawn.edges, doc.drawn.directed), place)
    network = _unshuffled(doc, place, seed)
    return _shuffled(network, place, seed) if doc.shuffled else network


def _shuffled(network: Network, place: Place, seed: int) -> Network:
    """The same network, with every member at a place that is drawn."""
    members = tuple(sorted(place.members))
    places = dict(zip(members, Dice(seed, "shuffled", place.channel).shuffled(members), strict=True))
    edges = [Edge(places[edge.speaker], places[edge.listener], edge.weight) for edge in network.edges]
    return Network.of(place.members, edges, directed=network.directed, weighted=network.weighted)


def _unshuffled(doc: NetworkDoc, place: Place, seed: int) -> Network:
    if isinstance(doc, EdgesDoc):
        return _named(Found(doc.edges, doc.directed), place)
    if isinstance(doc, NetworkFileDoc):
        return _named(_from_file(doc, place), place)
    own = getattr(doc, "seed", None)
    more = (place.draw,) if place.draw else ()
    dice = Dice(seed if own is None else own, "network", place.channel, *more)
    groups = _groups(doc, place) if isinstance(doc, GroupedDoc) else ()
    return _generated(doc, place.members, groups, dice.below(_SEEDS))


def network_written(doc: NetworkDoc, network: Network | ChangeNetwork, *, drawn: bool) -> dict[str, Any]:
    """A network as the record holds it; without `drawn` only what does not depend on the run's seed."""
    edges = edges_written(network.edges, weighted=network.weighted)
    if isinstance(doc, EdgesDoc) and not doc.shuffled:
        return {"kind": "edges", "directed": network.directed, "edges": edges}
    if isinstance(doc, CompleteDoc):
        return {"kind": "complete"}
    unsaid = {"drawn"} if doc.shuffled else {"drawn", "shuffled"}
    written = doc.model_dump(mode="json", exclude_none=True, exclude=unsaid)
    settled = doc.drawn is not None or (getattr(doc, "seed", 0) is not None and not doc.shuffled)
    return written | ({"drawn": {"directed": network.directed, "edges": edges}} if drawn or settled else {})


def edges_written(edges: Iterable[Edge], *, weighted: bool) -> list[Any]:
    """As a study file has them: weights of 1 are left out if there are others, or if there are no weights."""
    rows = [*edges]
    plain = not weighted or any(edge.weight != 1 for edge in rows)
    return [edge[:2] if edge.weight == 1 and plain else edge for edge in rows]


def _named(found: Found, place: Place) -> Network:
    """The edges between members; nobody else may be named but other agents, in a network of the whole study."""
    members = {*place.members}
    known = members if place.own else {*place.attributes}
    edges = []
    for speaker, listener, weight in found.edges:
        for end in (speaker, listener):
            if end not in known:
                what = f"member of the channel {place.channel!r}" if place.own else "agent"
                remedy = f"{nearest(end, known)}Known: {listed(sorted(known))}."
                raise Unfit("path" if found.from_file else "edges", f"there is no {what} {end!r}", remedy)
        if speaker in members and listener in members:
            edges.append(Edge(AgentId(speaker), AgentId(listener), 1.0 if weight is None else weight))
    weighted = any(weight is not None for _, _, weight in found.edges)
    return Network.of(place.members, edges, directed=found.directed, weighted=weighted)


def _from_file(doc: NetworkFileDoc, place: Place) -> Found:
    try:
        return edges_in(doc.path, folder=place.folder, directed=doc.directed)
    except ValueError as fault:
        problem, _, remedy = str(fault).partition("\n")
        raise Unfit("path", problem, remedy or "Check the file.") from fault


def _groups(doc: GroupedDoc, place: Place) -> tuple[tuple[AgentId, ...], ...]:
    """The members of each group, groups in the order of their values or of the sizes."""
    ordered = sorted(place.members)
    if (doc.sizes is None) == (doc.by is None):
        raise Unfit("kind", "groups are told either by `sizes` or by `by`", "Write `sizes: [5, 5]` or `by: party`.")
    if doc.sizes is not None:
        if sum(doc.sizes) != len(ordered):
            text = f"the groups have {sum(doc.sizes)} members, but the channel {place.channel!r} has {len(ordered)}"
            raise Unfit("sizes", text, "Let the sizes add up to it.")
        ends = [0]
        for size in doc.sizes:
            ends.append(ends[-1] + size)
        return tuple([tuple(ordered[start:end]) for start, end in pairwise(ends)])
    found: dict[tuple[str, Value], list[AgentId]] = {}
    for member in ordered:
        value = dict(place.attributes[member]).get(str(doc.by))
        if value is None:
            raise Unfit("by", f"{member} has no attribute {doc.by!r}", "Give it to all members, or write `sizes`.")
        found.setdefault((type(value).__name__, value), []).append(member)
    return tuple([tuple(found[key]) for key in sorted(found)])


@lru_cache(maxsize=8)
def _generated(
    doc: NetworkDoc, members: tuple[AgentId, ...], groups: tuple[tuple[AgentId, ...], ...], seed: int
) -> Network:
    """Drawn among the members in the order of their names; kept, since a study is looked at several times."""
    order = tuple([member for group in groups for member in group]) or tuple(sorted(members))
    directed = getattr(doc, "directed", False)
    pairs = _pairs(doc, order, [len(group) for group in groups], seed)
    edges = [Edge(order[speaker], order[listener]) for speaker, listener in pairs if speaker != listener]
    return Network.of(members, edges, directed=directed)


def _pairs(doc: NetworkDoc, order: Sequence[AgentId], sizes: Sequence[int], seed: int) -> Iterable[tuple[int, int]]:
    """Edges between positions in `order`."""
    match doc:
        case StarDoc():
            return _star(doc, order)
        case CliquesDoc():
            return _cliques(doc, sizes, seed)
        case GridDoc():
            return _grid(doc, len(order))
        case _:
            return _by_networkx(doc, len(order), sizes, seed)


def _star(doc: StarDoc, order: Sequence[AgentId]) -> Iterator[tuple[int, int]]:
    center = doc.center or order[0]
    if center not in order:
        raise Unfit("center", f"{center!r} is no member", f"{nearest(center, order)}The members are: {listed(order)}.")
    middle = order.index(AgentId(center))
    return ((middle, at) for at in range(len(order)) if at != middle)


def _cliques(doc: CliquesDoc, sizes: Sequence[int], seed: int) -> Iterator[tuple[int, int]]:
    dice, start, groups = Dice(seed, "bridges"), 0, []
    for size in sizes:
        groups.append(range(start, start + size))
        start += size
    for group in groups:
        yield from combinations(group, 2)
    for one, other in combinations(groups, 2):
        places = len(one) * len(other)
        if doc.bridges > places:
            text = f"there can be no {doc.bridges} bridges between groups of {len(one)} and {len(other)}"
            raise Unfit("bridges", text, f"Write at most {places}.")
        picked: set[int] = set()
        while len(picked) < doc.bridges:
            picked.add(dice.below(places))
        yield from ((one[place // len(other)], other[place % len(other)]) for place in sorted(picked))


def _grid(doc: GridDoc, size: int) -> Iterator[tuple[int, int]]:
    from networkx import grid_2d_graph

    if size % doc.rows:
        raise Unfit("rows", f"{size} members do not fill {doc.rows} rows", f"Write a divisor of {size}.")
    columns = size // doc.rows
    graph = grid_2d_graph(doc.rows, columns, periodic=doc.periodic)
    return ((row * columns + column, below * columns + beside) for (row, column), (below, beside) in graph.edges)


def _by_networkx(  # noqa: C901 (one case for each kind)
    doc: NetworkDoc, size: int, sizes: Sequence[int], seed: int
) -> Iterable[tuple[int, int]]:
    """The edges of a graph over 0 to `size` - 1."""
    import networkx as nx

    match doc:
        case RingDoc():
            graph = nx.cycle_graph(size, create_using=nx.DiGraph if doc.directed else None)
        case WattsStrogatzDoc(k=k, p=p):
            _below(k, "k", size)
            if k % 2:
                raise Unfit("k", f"{k} is odd; there are as many neighbours on each side", f"Write {k - 1} or {k + 1}.")
            graph = nx.watts_strogatz_graph(size, k, p, seed=seed)
        case BarabasiAlbertDoc(m=m):
            _below(m, "m", size)
            graph = nx.barabasi_albert_graph(size, m, seed=seed)
        case PowerlawClusterDoc(m=m, p=p):
            _below(m, "m", size)
            graph = nx.powerlaw_cluster_graph(size, m, p, seed=seed)
        case ErdosRenyiDoc(p=p, directed=directed):
            graph = nx.fast_gnp_random_graph(size, p, seed=seed, directed=directed)
        case RandomRegularDoc(d=d):
            _below(d, "d", size)
            if size * d % 2:
                raise Unfit("d", f"{size} members cannot have {d} neighbours each", "Let one of the two be even.")
            graph = nx.random_regular_graph(d, size, seed=seed)
        case StochasticBlockDoc(p_in=p_in, p_out=p_out):
            chances = [[p_in if one == other else p_out for other in range(len(sizes))] for one in range(len(sizes))]
            graph = nx.stochastic_block_model(sizes, chances, seed=seed)
        case CompleteDoc() | GridDoc() | StarDoc() | CliquesDoc() | EdgesDoc() | NetworkFileDoc():
            raise TypeError(f"{doc.kind} is not drawn by networkx")
        case _ as unknown:
            assert_never(unknown)
    edges: Iterable[tuple[int, int]] = graph.edges
    return edges


def _below(value: int, key: str, size: int) -> None:
    if value >= size:
        raise Unfit(key, f"{value} is too much for {size} members", f"Write at most {size - 1}.")
