"""What `gss measure` and `gss compare` print: all of it as JSON, or a line for each measure and each group."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from genai_social_sim.analysis.measure import OwnMeasure, described
from genai_social_sim.analysis.own import function_in
from genai_social_sim.analysis.registry import find, measures
from genai_social_sim.analysis.table import known, measured
from genai_social_sim.api.comparing import compare
from genai_social_sim.api.tables import sources_of
from genai_social_sim.cli import out
from genai_social_sim.export.source import Source
from genai_social_sim.export.tables import Cell

_WIDE: Final = 34  # of the column with the names of measures
_KINDS: Final = {
    "mean": "mean and its interval (t)",
    "share": "share of runs and its interval (Wilson)",
    "time": "restricted mean time and its interval",
}


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
    asked = _asked(wanted)
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


def compare_runs(paths: Sequence[Path], wanted: Sequence[str], *, as_json: bool, **settings: Any) -> None:
    """`gss compare RUN...`."""
    rows = compare([*map(out.existing, paths)], *_asked(wanted), **settings).rows()
    if as_json:
        out.envelope(rows)
        return
    title = ("", "")
    for row in rows:
        if (row["measure"], row["of"]) != title:
            title = (str(row["measure"]), row["of"])  # type: ignore[assignment]  # None: of the whole run
            of = f" ({row['of']})" if row["of"] else ""
            out.say(f"{row['measure']}{of}: {_KINDS[str(row['kind'])]}", style="bold")
        runs, of_them = int(str(row["runs"])), int(str(row["observations"]))
        words = f"{_interval(row, 'estimate', 'low', 'high')}, {out.number_of(runs, 'run')}"
        words += (
            f" with {out.number_of(of_them, 'seed' if not settings['forks'] else 'parent')}" if of_them < runs else ""
        )
        out.say(f"  {row['group']!s:<{_WIDE}}  {words}")
        if row["baseline"] is not None:
            out.say(f"  {'':<{_WIDE}}  {_effect(row)}", style="dim")


def _effect(row: Mapping[str, Cell]) -> str:
    pairs = " in pairs" if row["paired"] else ""
    parts = [f"{_interval(row, 'difference', 'difference_low', 'difference_high')} from {row['baseline']}{pairs}"]
    if row["hedges_g"] is not None:
        parts.append(f"g {_interval(row, 'hedges_g', 'hedges_g_low', 'hedges_g_high')}")
    if row["cliffs_delta"] is not None:
        parts.append(f"delta {_interval(row, 'cliffs_delta', 'cliffs_delta_low', 'cliffs_delta_high')}")
    if row["p"] is not None:
        parts.append(f"p {_short(float(str(row['p'])))}, by Holm {_short(float(str(row['p_holm'])))}")
    return "; ".join(parts)


def _interval(row: Mapping[str, Cell], value: str, low: str, high: str) -> str:
    numbers = [None if row[name] is None else _short(float(str(row[name]))) for name in (value, low, high)]
    if numbers[0] is None:
        return "no value"
    return numbers[0] if numbers[1] is None else f"{numbers[0]} [{numbers[1]}, {numbers[2]}]"


def _asked(wanted: Sequence[str]) -> list[str | OwnMeasure]:
    return [function_in(each) if ".py:" in each else each for each in wanted]


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
