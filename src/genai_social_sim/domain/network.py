"""Who hears whom among the members of a channel. It knows nothing of how a network was made."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from genai_social_sim.domain.ids import AgentId


class Edge(NamedTuple):
    """`listener` hears `speaker`; without direction the other way round too."""

    speaker: AgentId
    listener: AgentId
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A graph over `members`, as positions in them, so that a million agents stay small; make one with `Network.of`.

    Everybody hears what it says itself; a loop only says with which weight.
    """

    members: tuple[AgentId, ...]
    sources: tuple[tuple[int, ...], ...]  # whom each member hears, ascending, itself left out
    weights: tuple[tuple[float, ...], ...] = ()  # of those, in the same order; () if all are 1
    own: tuple[float, ...] = ()  # weight of what each says itself; () if there are no weights
    directed: bool = False
    rewired: bool = False  # whether its edges have changed since the run began
    seats: Mapping[AgentId, int] = field(init=False, repr=False, compare=False)  # positions in `members`

    def __post_init__(self) -> None:
        object.__setattr__(self, "seats", {member: at for at, member in enumerate(self.members)})

    @classmethod
    def of(
        cls, members: Sequence[AgentId], edges: Iterable[Edge], *, directed: bool = False, weighted: bool = False
    ) -> Network:
        """A network of these edges; of several between the same two the last one counts.

        It has weights if one of them is not 1 or a loop, and with `weighted` in any case.

        Raises:
            KeyError: If an edge names nobody of `members`.
        """
        size = len(members)
        empty = cls(members=tuple(members), sources=((),) * size, directed=directed)
        if weighted:
            empty = replace(empty, weights=((),) * size, own=(0.0,) * size)
        return empty.with_(edges)

    @property
    def weighted(self) -> bool:
        """Whether its edges have weights."""
        return bool(self.weights)

    @property
    def edges(self) -> Iterator[Edge]:
        """Each edge once, loops with a weight included, in the order of the members."""
        for listener, sources in enumerate(self.sources):
            if self.own and self.own[listener]:
                yield Edge(self.members[listener], self.members[listener], self.own[listener])
            for at, speaker in enumerate(sources):
                if self.directed or speaker < listener:
                    weight = self.weights[listener][at] if self.weights else 1.0
                    yield Edge(self.members[speaker], self.members[listener], weight)

    def with_(self, edges: Iterable[Edge]) -> Network:
        """With `edges` added; one that is there gets the new weight."""
        rows: dict[int, dict[int, float]] = {}
        for edge in edges:
            speaker, listener = self.seats[edge.speaker], self.seats[edge.listener]
            self._row(rows, listener)[speaker] = edge.weight
            if not self.directed:
                self._row(rows, speaker)[listener] = edge.weight
        return self._changed(rows)

    def without(self, edges: Iterable[tuple[AgentId, AgentId]]) -> Network:
        """Without the edges between these (speaker, listener); those that are not there are passed over."""
        rows: dict[int, dict[int, float]] = {}
        for pair in edges:
            speaker, listener = self.seats[pair[0]], self.seats[pair[1]]
            self._row(rows, listener).pop(speaker, None)
            if not self.directed:
                self._row(rows, speaker).pop(listener, None)
        return self._changed(rows)

    def weight(self, *, speaker: AgentId, listener: AgentId) -> float:
        """How much `listener` minds `speaker`: 0 if it does not hear it, 1 if edges have no weights.

        What it says itself has the weight of its loop, 0 without one.
        """
        seat, other = self.seats[listener], self.seats[speaker]
        if seat == other:
            return self.own[seat] if self.own else 0.0
        at = _found(self.sources[seat], other)
        if at is None:
            return 0.0
        return self.weights[seat][at] if self.weights else 1.0

    def _row(self, rows: dict[int, dict[int, float]], seat: int) -> dict[int, float]:
        """What `seat` hears, as it is being changed."""
        row = rows.get(seat)
        if row is None:
            weights = self.weights[seat] if self.weights else (1.0,) * len(self.sources[seat])
            row = rows[seat] = dict(zip(self.sources[seat], weights, strict=True))
            if self.own and self.own[seat]:
                row[seat] = self.own[seat]
        return row

    def _changed(self, rows: dict[int, dict[int, float]]) -> Network:
        sources = list(self.sources)
        for seat, row in rows.items():
            sources[seat] = tuple(sorted([other for other in row if other != seat]))
        plain = all(weight == 1.0 for seat, row in rows.items() for other, weight in row.items() if other != seat)
        loops = any(row.get(seat) for seat, row in rows.items())
        if plain and not loops and not self.weights:
            return replace(self, sources=tuple(sources))
        weights = list(self.weights) or [(1.0,) * len(row) for row in sources]
        own = list(self.own) or [0.0] * len(self.members)
        for seat, row in rows.items():
            weights[seat] = tuple([row[other] for other in sources[seat]])
            own[seat] = row.get(seat, 0.0)
        return replace(self, sources=tuple(sources), weights=tuple(weights), own=tuple(own))


def hears(network: Network | None, *, speaker: AgentId, listener: AgentId) -> bool:
    """Whether `listener` hears what `speaker` says; without a network everybody hears everybody."""
    if network is None or speaker == listener:
        return True
    return _found(network.sources[network.seats[listener]], network.seats[speaker]) is not None


def complete(members: Sequence[AgentId]) -> Network:
    """Everybody hears everybody, as edges: what a channel without a network is before one of them is taken away."""
    seats = range(len(members))
    sources = tuple([tuple([other for other in seats if other != seat]) for seat in seats])
    return Network(members=tuple(members), sources=sources)


def _found(sources: tuple[int, ...], seat: int) -> int | None:
    at = bisect_left(sources, seat)
    return at if at < len(sources) and sources[at] == seat else None
