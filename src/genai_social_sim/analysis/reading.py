"""One run as a measure reads it: a stream of events, as often as it asks. It knows no particular measure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from genai_social_sim.analysis.measure import Found, Meter, OwnMeasure, Value, described
from genai_social_sim.analysis.society import Society
from genai_social_sim.domain.events import Event, FellSilent, Probed, RunStarted, Spoke
from genai_social_sim.errors import RequestError
from genai_social_sim.export.source import Source, Step, steps

_NOTHING: Final[tuple[Value, ...]] = ()


class Reading:
    """What a measure of one's own is given. Each of its streams begins anew with each call."""

    def __init__(self, source: Source, society: Society) -> None:
        self.source = source
        self.society = society

    @property
    def agents(self) -> list[str]:
        """The agents' names, in their order."""
        return self.society.facts.names

    def events(self) -> Iterator[Event]:
        """All events, in the order of the log."""
        return (step.recorded.event for step in steps(self.source) if step.recorded is not None)

    def spoken(self) -> Iterator[Spoke]:
        """What agents said, in order; openings, moderators' choices and acts in forums are not among it."""
        for event in self.events():
            if isinstance(event, Spoke) and not self.society.is_procedure(event):
                yield event

    def probed(self) -> Iterator[Probed]:
        """What agents answered aside, in order."""
        return (event for event in self.events() if isinstance(event, Probed))


class Gauge:
    """Meters and own measures over one run, an event at a time."""

    def __init__(self, source: Source, meters: Sequence[type[Meter]], own: Sequence[OwnMeasure] = ()) -> None:
        self._source = source
        self._makers = meters
        self._own = own
        self._meters: list[Meter] = []
        self._reading: Reading | None = None
        self._round: int | None = None

    @property
    def society(self) -> Society | None:
        """Who takes part; None before the run's first event."""
        return self._reading.society if self._reading else None

    def take(self, step: Step) -> Iterable[Value]:
        """The values that follow from one more step."""
        event = step.recorded.event if step.recorded else None
        if event is None:
            return _NOTHING
        if isinstance(event, RunStarted):
            society = Society(event)
            self._reading = Reading(self._source, society)
            self._meters = [make(society) for make in self._makers]
        if isinstance(event, Spoke | FellSilent) and event.round != self._round:
            before = self._of_round()
            self._round = event.round
            return [*before, *self._taken(event, step)]
        return self._taken(event, step)

    def end(self) -> Iterator[Value]:
        """The last round's values, then those that only the whole run gives."""
        yield from self._of_round()
        yield from chain.from_iterable(meter.end() for meter in self._meters)
        if self._reading is not None:
            for function in self._own:
                yield from own_values(function, self._reading)

    def _taken(self, event: Event, step: Step) -> Iterable[Value]:
        if self._reading is not None:
            self._reading.society.take(event)
        found: list[Value] | None = None
        for meter in self._meters:
            values = meter.take(event, step)
            if values:
                found = [*(found or ()), *values]
        return found or _NOTHING

    def _of_round(self) -> list[Value]:
        if self._round is None:
            return []
        number = self._round
        return [value for meter in self._meters for value in meter.round_ended(number)]


def own_values(function: OwnMeasure, reading: Reading) -> Iterator[Value]:
    """The values of somebody's own measure; raises RequestError for what does not fit its scope."""
    about = described(function)
    found = function(reading)
    (scope,) = about.scopes
    try:
        yield from _own(about.name, scope, found)
    except (TypeError, ValueError, AttributeError) as fault:
        wanted = {"run": "a number", "agent": "a mapping of agents to numbers", "round": "a mapping of rounds to them"}
        raise RequestError(
            f"the measure {about.name!r} with the scope {scope!r} returned {type(found).__name__} ({fault})",
            remedy=f"Return {wanted.get(scope, 'numbers')}, or None.",
        ) from fault


def _own(name: str, scope: str, found: Found) -> Iterator[Value]:
    if found is None:
        return
    if scope == "run":
        yield Value(name, "run", float(found))  # type: ignore[arg-type]  # refused above if it is none
        return
    for key, value in found.items():  # type: ignore[union-attr]
        if value is None:
            continue
        if scope == "agent":
            yield Value(name, "agent", float(value), agent=str(key))
        else:
            yield Value(name, "round", float(value), round=int(key))


def values(source: Source, meters: Sequence[type[Meter]], own: Sequence[OwnMeasure] = ()) -> Iterator[Value]:
    """All values of some meters and own measures over one run, in one pass for all meters and one for each own."""
    gauge = Gauge(source, meters, own)
    for step in steps(source):
        yield from gauge.take(step)
    yield from gauge.end()
