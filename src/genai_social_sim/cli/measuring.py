"""What `gss measure` prints: every value as JSON, or what they come to, a line for each measure."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from genai_social_sim.analysis.measure import OwnMeasure, described
from genai_social_sim.analysis.own import function_in
from genai_social_sim.analysis.registry import find, measures
from genai_social_sim.analysis.table import known, measured
from genai_social_sim.api.tables import sources_of
from genai_social_sim.cli import out
from genai_social_sim.export.source import Source
from genai_social_sim.export.tables import Cell

_WIDE: Final = 34  # of the column with the names of measures


@dataclass(slots=True)
class _Summary:
    """What the values of one measure in one scope come to."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, value: float) -> None:
        if not self.count:
            self.first = value
        self.count += 1
        self.last = value
        self.total += value
        self.low, self.high = min(self.low, value), max(self.high, value)

    def words(self, scope: str, unit: str) -> str:
        match scope:
            case "run":
                return f"{_short(self.last)} {unit}"
            case "round":
                return f"{_short(self.first)} to {_short(self.last)} {unit}, {out.number_of(self.count, 'round')}"
            case _:
                mean = _short(self.total / self.count)
                return f"{mean} {unit} ({_short(self.low)} to {_short(self.high)}), {out.number_of(self.count, scope)}"


def measure_runs(paths: Sequence[Path], wanted: Sequence[str], *, as_json: bool) -> None:
    """`gss measure RUN...`."""
    paths = [*map(out.existing, paths)]
    asked: list[str | OwnMeasure] = [function_in(each) if ".py:" in each else each for each in wanted]
    units = {each.name: each.unit for each in measures()}
    units |= {each.name: each.unit for each in (find(one) if isinstance(one, str) else described(one) for one in asked)}
    with sources_of(paths) as sources:
        count = 0
        for source in sources:
            rows = measured(source, wanted=asked)
            if as_json:
                for row in rows:
                    sys.stdout.write(json.dumps(row) + "\n")
                    count += 1
            else:
                _say(source, rows, units)
    if as_json:
        out.envelope({"values": count})


def list_measures(*, as_json: bool) -> None:
    """`gss measure --list`."""
    if as_json:
        out.envelope(known().rows())
        return
    for each in measures():
        out.say(each.name, style="bold")
        out.say(f"  {each.about}")
        out.say(f"  {each.unit}; {', '.join(each.scopes)}. {each.source}", style="dim")


def _say(source: Source, rows: Iterable[Mapping[str, Cell]], units: Mapping[str, str]) -> None:
    found: dict[tuple[str, str, str], _Summary] = {}
    for row in rows:
        of = str(row["of"] or "")
        if isinstance(row["value"], int | float):
            found.setdefault((str(row["measure"]), of, str(row["scope"])), _Summary()).add(row["value"])
    assignment = source.origin.assignment
    where = f", condition {assignment.condition}, replicate {assignment.replicate}" if assignment.condition else ""
    out.say(f"{source.run}{where}", style="bold")
    if not found:
        out.say("  nothing that these measures measure was said or stated")
    for (name, of, scope), summary in sorted(found.items()):
        label = f"{name} ({of})" if of else name
        out.say(f"  {label:<{_WIDE}}  {summary.words(scope, units.get(name, ''))}")


def _short(value: float) -> str:
    return f"{value:.4g}"
