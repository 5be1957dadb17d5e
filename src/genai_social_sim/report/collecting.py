"""What a report needs of each run, read in one pass over its events. It knows nothing of pages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from genai_social_sim.analysis.table import MEASURES
from genai_social_sim.domain.act import LETTERS
from genai_social_sim.domain.events import Event, RunStarted
from genai_social_sim.domain.origin import Origin
from genai_social_sim.export.kinds import Kind, Sorting
from genai_social_sim.export.runs import RUNS
from genai_social_sim.export.society import TIDY
from genai_social_sim.export.source import Source, steps
from genai_social_sim.export.tables import Cell

Cells = dict[str, Cell]
FREE: Final = "(free text)"  # what answers to a probe without options are counted as
MOST_EDGES: Final = 3_000  # that a picture shows
_KEPT: Final = {
    "agents": 2_000,
    "channels": 200,
    "edges": MOST_EDGES,
    "interventions": 200,
    "powers": 200,
    "sessions": 50,
}


class Point(NamedTuple):
    """A measure's value at a round; of a run without one `round` is None."""

    round: int | None
    value: float


class Series(NamedTuple):
    """Names a measure, and of what it is: a channel or a probe; None: of all."""

    measure: str
    of: str | None

    @property
    def words(self) -> str:
        """As people read it."""
        return self.measure if self.of is None else f"{self.measure} ({self.of})"


@dataclass(slots=True)
class Calls:
    """The calls of one run in sums."""

    answered: int = 0
    failed: int = 0
    truncated: int = 0
    causes: dict[str, int] = field(default_factory=dict)  # of failed attempts
    legal: int = 0  # calls whose legal mass is known
    legal_mass: float = 0.0  # their sum
    low_mass: int = 0  # of them below a tenth
    letters: dict[str, dict[str, int]] = field(default_factory=dict)  # that were the whole answer, by channel or probe
    params: dict[str, int] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)  # hashes of the first ones, of an attempt each

    def take(self, row: Cells) -> None:
        """Count one attempt."""
        if len(self.prompts) < _MOST_PROMPTS:
            self.prompts.append(str(row["prompt_hash"]))
        if row["outcome"] != "answered":
            self.failed += 1
            _more(self.causes, str(row["cause"]))
            return
        self.answered += 1
        self.truncated += bool(row["truncated"])
        if len(self.params) < _MOST_PARAMS or str(row["params"]) in self.params:
            _more(self.params, str(row["params"]))
        if row["raw_answer"] in _LETTERS:
            place = row["channel"] if row["probe"] is None else f"probe {row['probe']}"
            _more(self.letters.setdefault(str(place), {}), str(row["raw_answer"]))
        mass = row["legal_mass"]
        if isinstance(mass, int | float):
            self.legal += 1
            self.legal_mass += mass
            self.low_mass += mass < _LOW


_LOW: Final = 0.1
_LETTERS: Final = frozenset(LETTERS)
_MOST_PARAMS: Final = 20
_MOST_PROMPTS: Final = 3


@dataclass(slots=True)
class Told:
    """One run as a report tells of it."""

    label: str
    origin: Origin
    study: dict[str, Any] = field(default_factory=dict)
    run: Cells = field(default_factory=dict)
    rows: dict[str, list[Cells]] = field(default_factory=dict)  # of the tables in `_KEPT`
    left_out: dict[str, int] = field(default_factory=dict)
    said: list[Cells] = field(default_factory=list)  # the first utterances
    utterances: int = 0
    choices: dict[str, int] = field(default_factory=dict)
    silences: dict[str, int] = field(default_factory=dict)  # turns by cause
    probes: dict[str, dict[str, int]] = field(default_factory=dict)  # answers of each, unreadable ones apart
    calls: Calls = field(default_factory=Calls)
    rounds: dict[Series, list[Point]] = field(default_factory=dict)
    whole: dict[Series, float] = field(default_factory=dict)

    @property
    def condition(self) -> str:
        """Its condition, by the levels of its factors alone where that is its name; empty without one."""
        name, levels = self.origin.assignment.condition, self.origin.assignment.levels
        spelt_out = ",".join([f"{factor}={level}" for factor, level in levels.items()])
        return ", ".join(levels.values()) if name == spelt_out else name

    @property
    def study_name(self) -> str:
        """As the study calls itself."""
        return str(self.run.get("name") or "")

    @property
    def study_digest(self) -> str:
        """Equal for runs of one study in one condition, whatever their seeds."""
        return str(self.run.get("study_digest") or "")


def told(source: Source, *, most: int, heard: Callable[[int], None]) -> Told:
    """Read one run.

    Args:
        source: The run.
        most: Utterances that are kept.
        heard: Told now and then how many events were read.
    """
    run = Told(label=source.run, origin=source.origin)
    kinds = [kind for kind in (*TIDY, MEASURES) if kind.name in _TAKEN]
    folds = [(kind.fold(source), (_names(kind), _taker(run, kind.name, most))) for kind in kinds]
    takers = Sorting(folds)
    for count, step in enumerate(steps(source)):
        if step.recorded is not None:
            _note(run, step.recorded.event)
        for take, (columns, keep) in takers(step):
            for row in take(step):
                keep(dict(zip(columns, row, strict=False)))
        if not count % _TOLD_EVERY:
            heard(count)
    for fold, (columns, keep) in folds:
        for row in fold.end():
            keep(dict(zip(columns, row, strict=False)))
    return run


_TOLD_EVERY: Final = 2_000
_TAKEN: Final = {*_KEPT, RUNS.name, "utterances", "turns", "calls", "probes", MEASURES.name}


def _names(kind: Kind) -> tuple[str, ...]:
    return tuple([column.name for column in kind.columns])


def _note(run: Told, event: Event) -> None:
    if isinstance(event, RunStarted):
        try:
            study = json.loads(event.study.value)
        except ValueError:
            return
        run.study = study if isinstance(study, dict) else {}


def _taker(run: Told, name: str, most: int) -> Callable[[Cells], None]:
    match name:
        case "runs":
            return run.run.update
        case "calls":
            return run.calls.take
        case "turns":
            return lambda row: None if row["cause"] is None else _more(run.silences, str(row["cause"]))
        case "utterances":
            return lambda row: _say(run, row, most)
        case "probes":
            return lambda row: _answer(run, row)
        case "measures":
            return lambda row: _measure(run, row)
        case _:
            return lambda row: _keep(run, name, row)


def _keep(run: Told, name: str, row: Cells) -> None:
    rows = run.rows.setdefault(name, [])
    if len(rows) < _KEPT[name]:
        rows.append(row)
    else:
        _more(run.left_out, name)


def _say(run: Told, row: Cells, most: int) -> None:
    run.utterances += 1
    if len(run.said) < most:
        run.said.append(row)
    if isinstance(choice := row["choice"], str) and (choice in run.choices or len(run.choices) < _MOST_CHOICES):
        _more(run.choices, choice)


_MOST_CHOICES: Final = 50


def _answer(run: Told, row: Cells) -> None:
    answers = run.probes.setdefault(str(row["probe"]), {})
    answer = f"({row['cause']})" if row["cause"] is not None else str(row["choice"] or FREE)
    if answer in answers or len(answers) < _MOST_CHOICES:
        _more(answers, answer)


def _measure(run: Told, row: Cells) -> None:
    value, of = row["value"], row["of"]
    if not isinstance(value, int | float):
        return
    series = Series(str(row["measure"]), None if of is None else str(of))
    if row["scope"] == "round" and isinstance(row["round"], int):
        run.rounds.setdefault(series, []).append(Point(row["round"], float(value)))
    elif row["scope"] == "run":
        run.whole[series] = float(value)


def summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Several counts by name as one."""
    whole: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            whole[name] = whole.get(name, 0) + count
    return whole


def _more(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def by_condition(runs: Iterable[Told]) -> dict[str, list[Told]]:
    """The runs of each condition, forks apart: a fork is no replicate."""
    return grouped([run for run in runs if run.origin.parent is None])


def grouped(runs: Iterable[Told]) -> dict[str, list[Told]]:
    """The runs of each condition; those of different studies are not put together, whatever their conditions' names."""
    found: dict[tuple[str, str], list[Told]] = {}
    for run in runs:
        found.setdefault((run.condition, run.study_digest), []).append(run)
    studies = Counter([condition for condition, _ in found])
    return {
        condition if studies[condition] == 1 else f"{condition or those[0].study_name} (study {digest[:8]})": those
        for (condition, digest), those in found.items()
    }


def conditions_or_forks(runs: list[Told]) -> dict[str, list[Told]]:
    """`by_condition`; where all are forks, these."""
    return by_condition(runs) or {"": runs}


def all_series(runs: Iterable[Told], *, whole: bool) -> Iterator[Series]:
    """Every measure that some run has, in the order in which they come."""
    seen: dict[Series, None] = {}
    for run in runs:
        seen.update(dict.fromkeys(run.whole if whole else run.rounds))
    return iter(seen)
