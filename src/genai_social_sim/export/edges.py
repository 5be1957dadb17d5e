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


class Edges:
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


class Networks:
    """The edges of a run's channels as they change; only of runs in which some do."""

    def __init__(self, facts: Facts) -> None:
        self.networks: dict[str, Edges] = {}
        self._members = {channel.name: channel.members for channel in facts.channels()}
        for channel in self._members:
            for edge in facts.edges(channel):
                network = self.networks.setdefault(channel, Edges(directed=edge.directed))
                network.add(edge.speaker, edge.listener, edge.weight, 0)

    def change(self, event: Intervened) -> None:
        """An intervention; one that changes no edges is passed over."""
        change: Mapping[str, Any] = json.loads(event.change.value)
        turn = event.turn
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

    def _anew(self, network: Edges, change: Mapping[str, Any], turn: int) -> None:
        new = {(speaker, listener): weight for speaker, listener, weight in change["edges"]}
        for speaker, listener in [*network.there]:
            same = (speaker, listener) in new or (not network.directed and (listener, speaker) in new)
            if not same or network.directed != change["directed"]:
                network.remove(speaker, listener, turn)
        network.directed = change["directed"]
        for (speaker, listener), weight in new.items():
            network.add(speaker, listener, weight, turn)

    def _network(self, name: str) -> Edges:
        """That of a channel; where everybody heard everybody, all those edges."""
        if name not in self.networks:
            network = self.networks[name] = Edges(directed=False)
            for one, other in combinations(self._members.get(name, ()), 2):
                network.add(one, other, 1.0, 0)
        return self.networks[name]


class _Edges(Fold):
    takes = (RunStarted, Intervened)

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._networks: Networks | None = None

    def take(self, step: Step) -> Iterable[Row]:
        event = step.recorded.event if step.recorded else None
        if isinstance(event, RunStarted):
            yield from self._began(Facts(event))
        elif isinstance(event, Intervened) and self._networks is not None:
            self._networks.change(event)

    def end(self) -> Iterable[Row]:
        found = self._networks.networks if self._networks else {}
        return [(self.run, name, *row) for name, network in sorted(found.items()) for row in network.rows()]

    def _began(self, facts: Facts) -> Iterator[Row]:
        if facts.edges_change:
            self._networks = Networks(facts)
            return
        for channel in facts.channels():
            for edge in facts.edges(channel.name):
                yield (self.run, channel.name, *edge, 0, None)


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
