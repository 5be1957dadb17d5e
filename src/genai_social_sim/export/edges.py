"""The kind of table with a row for each edge of a network, and the time through which it was there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, Final, NamedTuple

from genai_social_sim.domain.events import Intervened, RunStarted
from genai_social_sim.export.facts import Facts
from genai_social_sim.export.kinds import Fold, Kind
from genai_social_sim.export.source import Source, Step
from genai_social_sim.export.tables import Column, Row
from genai_social_sim.export.transcript import RUN

_Ends = tuple[str, str]


class _Since(NamedTuple):
    """An edge that is there: its weight, and how many turns had been taken when it came to have it."""

    weight: float | None
    turn: int


class _Network:
    """The edges of one channel as they come and go."""

    def __init__(self, *, directed: bool) -> None:
        self.directed = directed
        self.there: dict[_Ends, _Since] = {}
        self.gone: list[tuple[_Ends, bool, _Since, int]] = []  # with the turn until which it was there

    def add(self, speaker: str, listener: str, weight: float | None, turn: int) -> None:
        """From a turn on."""
        ends = self._ends(speaker, listener)
        if ends not in self.there or self.there[ends].weight != weight:
            self.remove(speaker, listener, turn)
            self.there[ends] = _Since(weight, turn)

    def remove(self, speaker: str, listener: str, turn: int) -> None:
        """From a turn on; nothing if it is not there."""
        ends = self._ends(speaker, listener)
        since = self.there.pop(ends, None)
        if since is not None:
            self.gone.append((ends, self.directed, since, turn))

    def _ends(self, speaker: str, listener: str) -> _Ends:
        """As it is held: without direction an edge is known whichever way it is named."""
        turned = not self.directed and (listener, speaker) in self.there
        return (listener, speaker) if turned else (speaker, listener)

    def rows(self) -> Iterator[tuple[str, str, float | None, bool, int, int | None]]:
        """All of it, those that are gone first."""
        for ends, directed, since, until in self.gone:
            yield (*ends, since.weight, directed, since.turn, until)
        for ends, since in self.there.items():
            yield (*ends, since.weight, self.directed, since.turn, None)


class _Edges(Fold):
    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._networks: dict[str, _Network] = {}  # kept only where something will change
        self._members: dict[str, tuple[str, ...]] = {}

    def take(self, step: Step) -> Iterable[Row]:
        event = step.recorded.event if step.recorded else None
        if isinstance(event, RunStarted):
            yield from self._began(Facts(event))
        elif isinstance(event, Intervened):
            self._changed(json.loads(event.change.value), event.turn)

    def end(self) -> Iterable[Row]:
        return [(self.run, name, *row) for name, network in sorted(self._networks.items()) for row in network.rows()]

    def _began(self, facts: Facts) -> Iterator[Row]:
        changes = facts.edges_change
        for channel in facts.channels():
            self._members[channel.name] = channel.members
            for edge in facts.edges(channel.name):
                if changes:
                    network = self._networks.setdefault(channel.name, _Network(directed=edge.directed))
                    network.add(edge.speaker, edge.listener, edge.weight, 0)
                else:
                    yield (self.run, channel.name, *edge, 0, None)

    def _changed(self, change: Mapping[str, Any], turn: int) -> None:
        match change.get("kind"):
            case "add_edges":
                for name, rows in change["edges"]:
                    for speaker, listener, weight in rows:
                        self._network(name).add(speaker, listener, weight, turn)
            case "remove_edges":
                for name, rows in change["edges"]:
                    for speaker, listener in rows:
                        self._network(name).remove(speaker, listener, turn)
            case "change_network":
                self._anew(self._network(change["channel"]), change, turn)
            case _:
                pass  # nothing else changes edges

    def _anew(self, network: _Network, change: Mapping[str, Any], turn: int) -> None:
        new = {(speaker, listener): weight for speaker, listener, weight in change["edges"]}
        for speaker, listener in [*network.there]:
            same = (speaker, listener) in new or (not network.directed and (listener, speaker) in new)
            if not same or network.directed != change["directed"]:
                network.remove(speaker, listener, turn)
        network.directed = change["directed"]
        for (speaker, listener), weight in new.items():
            network.add(speaker, listener, weight, turn)

    def _network(self, name: str) -> _Network:
        """That of a channel; where everybody heard everybody, all those edges."""
        if name not in self._networks:
            network = self._networks[name] = _Network(directed=False)
            for one, other in combinations(self._members.get(name, ()), 2):
                network.add(one, other, 1.0, 0)
        return self._networks[name]


EDGES: Final = Kind(
    name="edges",
    description="One row for each edge of a channel's network and each time through which it was there; none where "
    "everybody hears everybody from beginning to end.",
    columns=(
        RUN,
        Column("channel", "text", "Name of the channel."),
        Column("speaker", "text", "Who is heard."),
        Column("listener", "text", "By whom."),
        Column(
            "weight", "number", "How much that counts for agents that follow a rule; 1 if the network has no weights."
        ),
        Column("directed", "flag", "Whether only the listener hears the speaker; else both hear each other."),
        Column("from_turn", "integer", "Turns that had been taken when it came to be; 0 as the run began."),
        Column("until_turn", "integer", "Turns that had been taken when it went; no value if it never did."),
    ),
    fold=_Edges,
)
