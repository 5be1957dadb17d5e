"""One number for each run: the values of a measure, brought to one. It compares nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from genai_social_sim.analysis.measure import Measure, OwnMeasure, Scope, Value, described
from genai_social_sim.analysis.opinion_meter import REACHED, TIME
from genai_social_sim.analysis.reading import Gauge
from genai_social_sim.analysis.registry import Chosen, chosen, find
from genai_social_sim.analysis.trend import Mean
from genai_social_sim.domain.events import RunStarted
from genai_social_sim.domain.origin import Origin
from genai_social_sim.errors import RequestError
from genai_social_sim.export.facts import Facts
from genai_social_sim.export.source import Source, steps

At = Literal["last", "first", "mean"] | int
PARENT: Final = "parent"
UNCHANGED: Final = "no change"
EVERYTHING: Final = "all runs"
_COMPARABLE: Final[tuple[Scope, ...]] = ("run", "round", "agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunValue:
    """One number of one run, or the mean of several `runs` that chance has in common.

    `pair` names what it has in common with one of each other group: replicate and seed. `reached` is whether a time
    came to its event; None if the number is no time.
    """

    run: str
    group: str
    value: float
    pair: tuple[str, ...] | None = None
    reached: bool | None = None
    runs: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run stands in a comparison."""

    group: str
    pair: tuple[str, ...]


class _Numbers:
    """The values of one run, brought to one for each measure and each of its subjects."""

    def __init__(self, scopes: Mapping[str, Scope], at: At) -> None:
        self._scopes = scopes
        self._at = at
        self._found: dict[tuple[str, str | None], float | Mean] = {}

    def take(self, value: Value) -> None:
        """One more value; those of other scopes are passed over."""
        if self._scopes.get(value.measure) != value.scope:
            return
        key = (value.measure, value.of)
        if value.scope == "agent" or (value.scope == "round" and self._at == "mean"):
            mean = self._found.setdefault(key, Mean())
            if isinstance(mean, Mean):
                mean.add(value.value)
        elif value.scope == "run" or self._at in ("last", value.round):
            self._found[key] = value.value
        elif self._at == "first":
            self._found.setdefault(key, value.value)

    def found(self) -> dict[tuple[str, str | None], float]:
        """By measure and subject."""
        values = {key: each.value if isinstance(each, Mean) else each for key, each in self._found.items()}
        return {key: value for key, value in values.items() if value is not None}


def run_values(
    sources: Sequence[Source],
    wanted: Sequence[str | OwnMeasure],
    *,
    by: str | None = None,
    at: At = "last",
    scope: Scope | None = None,
    forks: bool = False,
) -> dict[tuple[str, str | None], list[RunValue]]:
    """The numbers of some runs, by measure and by what it is of (a channel, a probe; None is the whole run).

    Runs of one group with the same replicate and seed are one observation, their mean, but for consensus_time: censored
    times have no mean, so that whoever compares them brings them together by `pair`.

    Args:
        sources: The runs; each is read once.
        wanted: Measures, by name or as functions.
        by: Groups are the levels of this factor; a run that has none of them, such as one of a null arm, stands in the
            group of its condition. By default conditions; those of different studies are groups of their own.
        at: Which round's value stands for the run, for measures that have one for each round.
        scope: Of values that stand for the run: its own, or those of its rounds or agents (their mean); by default the
            first of these that the measure has.
        forks: Groups are the changes that forks made, beside the runs that they come from. Otherwise forks are left
            out: a fork is no replicate.

    Raises:
        RequestError: If a measure, the scope, or the factor is not there, or `by` would pool different studies.
    """
    scopes = _scopes_of(wanted, scope)
    measured = _Measured(chosen([*wanted]), scopes | ({REACHED.name: "run"} if TIME.name in scopes else {}), at)
    places = _places(sources, by=by, forks=forks)
    found: dict[tuple[str, str | None], list[RunValue]] = {}
    for source in sorted(sources, key=lambda each: by is not None and by not in each.origin.assignment.levels):
        place = places.get(source.run)
        if place is None:
            continue
        seed, held = measured.numbers(source)
        pair = place.pair if forks else (*place.pair, seed)
        for (measure, of), value in held.items():
            if measure in scopes:
                reached = held.get((REACHED.name, of)) if measure == TIME.name else None
                each = RunValue(
                    run=source.run,
                    group=place.group,
                    value=value,
                    pair=pair,
                    reached=None if reached is None else bool(reached),
                )
                found.setdefault((measure, of), []).append(each)
    return {key: values if key[0] == TIME.name else _one_a_pair(values) for key, values in found.items()}


class _Measured(NamedTuple):
    """What is read of each run, and how it is brought to one number."""

    wanted: Chosen
    scopes: Mapping[str, Scope]
    at: At

    def numbers(self, source: Source) -> tuple[str, dict[tuple[str, str | None], float]]:
        """The seed of a run, and its numbers by measure and subject."""
        gauge, numbers = Gauge(source, self.wanted.meters, self.wanted.own), _Numbers(self.scopes, self.at)
        for step in steps(source):
            for value in gauge.take(step):
                numbers.take(value)
        for value in gauge.end():
            numbers.take(value)
        return str(gauge.society.seed) if gauge.society is not None else "", numbers.found()


def _scopes_of(wanted: Sequence[str | OwnMeasure], scope: Scope | None) -> dict[str, Scope]:
    return {
        measure.name: _scope_of(measure, scope)
        for measure in (find(each) if isinstance(each, str) else described(each) for each in wanted)
    }


def _scope_of(measure: Measure, scope: Scope | None) -> Scope:
    there = [each for each in _COMPARABLE if each in measure.scopes]
    if scope is None and there:
        return there[0]
    if scope is None or scope not in there:
        remedy = f"It has values of: {', '.join(there)}." if there else "Compare another measure."
        raise RequestError(
            f"the measure {measure.name!r} has no values of a {scope or 'run, round or agent'}", remedy=remedy
        )
    return scope


def _places(sources: Sequence[Source], *, by: str | None, forks: bool) -> dict[str, Place]:
    """Of the runs that are compared, by their labels."""
    if forks:
        return _places_of_forks(sources)
    found = {source.run: _placed(source.origin, by) for source in sources if source.origin.parent is None}
    studies = {source.run: _study(source) for source in sources if source.run in found}
    if by is None:
        return _told_apart(found, studies)
    assignments = {source.run: source.origin.assignment for source in sources if source.run in found}
    if not any(by in assignment.levels for assignment in assignments.values()):
        known = ", ".join(dict.fromkeys([factor for each in assignments.values() for factor in each.levels]))
        remedy = f"The factors are: {known}." if known else "Its study has no factors; leave --by out."
        raise RequestError(f"these runs have no factor {by!r}", remedy=remedy)
    _of_one_study({run: assignment.condition for run, assignment in assignments.items()}, studies)
    return found


class _Study(NamedTuple):
    """What a run is of: the study's name, and the first digits of its digest, as a report has them."""

    name: str
    digest: str


def _of_one_study(conditions: Mapping[str, str], studies: Mapping[str, _Study]) -> None:
    """Raises RequestError for runs, by label, of different studies: levels of the one are not those of another."""
    first: dict[tuple[str, str], str] = {}  # of each name and each condition: a run
    for run, condition in conditions.items():
        name, digest = studies[run]
        for key in (("", ""), (name, condition)):
            other = first.setdefault(key, run)
            theirs = studies[other]
            if theirs.name != name or (key[0] and theirs.digest != digest):
                raise RequestError(
                    f"these runs are of different studies: {other} of {theirs.name!r} ({theirs.digest}), "
                    f"{run} of {name!r} ({digest})",
                    remedy="Name the runs of one study, or leave --by out: conditions of each are told apart.",
                )


def _told_apart(places: Mapping[str, Place], studies: Mapping[str, _Study]) -> dict[str, Place]:
    """Runs of one condition that are of different studies are groups of their own, by the digests of their studies."""
    of_group: dict[str, set[str]] = {}
    for run, place in places.items():
        of_group.setdefault(place.group, set()).add(studies[run].digest)
    return {
        run: place
        if len(of_group[place.group]) == 1
        else replace(place, group=f"{place.group} (study {studies[run].digest})")
        for run, place in places.items()
    }


def _study(source: Source) -> _Study:
    started = next((each.event for each in source.record.events()), None)
    facts = Facts(started) if isinstance(started, RunStarted) else None
    return _Study("", "") if facts is None else _Study(facts.name or "", facts.digest[:8])


def _placed(origin: Origin, by: str | None) -> Place:
    assignment = origin.assignment
    level = assignment.levels.get(by) if by is not None else None
    return Place(group=level or assignment.condition or EVERYTHING, pair=(str(assignment.replicate),))


def _places_of_forks(sources: Sequence[Source]) -> dict[str, Place]:
    parents = {source.origin.parent.id for source in sources if source.origin.parent is not None}
    found = {}
    for source in sources:
        parent = source.origin.parent
        if parent is not None:
            found[source.run] = Place(group="; ".join(parent.changes) or UNCHANGED, pair=(parent.id,))
        elif source.origin.id in parents:
            found[source.run] = Place(group=PARENT, pair=(source.origin.id,))
    if not found:
        raise RequestError("none of these runs is a fork", remedy="Name forks, and the runs that they come from.")
    return found


def _one_a_pair(values: Sequence[RunValue]) -> list[RunValue]:
    """Runs of a group that chance has in common are one observation, their mean.

    Such are forks of one run with the same change, and runs with one seed that differ in factors that are not compared.
    """
    together: dict[tuple[str, tuple[str, ...] | None], list[RunValue]] = {}
    for value in values:
        together.setdefault((value.group, value.pair), []).append(value)
    return [
        RunValue(
            run=several[0].run,
            group=group,
            value=sum([each.value for each in several]) / len(several),
            pair=pair,
            runs=len(several),
        )
        for (group, pair), several in together.items()
    ]
