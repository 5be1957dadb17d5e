"""The report: one HTML file without scripts that needs nothing beside it. Whatever a model said is inert in it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final, NamedTuple

from genai_social_sim.analysis.measure import Measure
from genai_social_sim.analysis.registry import measures
from genai_social_sim.domain.visible import visible
from genai_social_sim.report import drawing
from genai_social_sim.report.collecting import Told, all_series, conditions_or_forks, summed
from genai_social_sim.report.comparing import compared, constant, curves, interval_words
from genai_social_sim.report.drawing import number
from genai_social_sim.report.methods import description, methods
from genai_social_sim.report.picturing import places
from genai_social_sim.report.worrying import LOOKED_FOR, worries

_NAMED: Final = 40  # nodes whose names a picture shows
_MOST_CURVES: Final = 40
_MOST_PICTURES: Final = 6


class Figure(NamedTuple):
    """A picture with a heading, the facts below it, and a table of the same numbers."""

    heading: str
    svg: str
    caption: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a report tells of. `departures`: in what runs are not what was frozen; None: no frozen design was given."""

    runs: Sequence[Told]
    departures: Sequence[str] | None = None


def html(wanted: Wanted) -> Iterator[str]:
    """The page, piece by piece."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(_template),
    )
    environment.filters |= {"seen": lambda value: visible("" if value is None else str(value)), "number": number}
    environment.globals["safe"] = jinja2.filters.Markup  # type: ignore[attr-defined]
    return environment.get_template("report.html.j2").generate(**_values(wanted))


def _template(name: str) -> str:
    return (files("genai_social_sim.report") / "templates" / name).read_text(encoding="utf-8")


def _values(wanted: Wanted) -> dict[str, Any]:
    runs, style = [*wanted.runs], _template("report.css")
    conditions = conditions_or_forks(runs)
    known = {each.name: each for each in measures()}
    told = {series.measure for whole in (True, False) for series in all_series(runs, whole=whole)}
    return {
        "title": next((str(run.run["name"]) for run in runs if run.run.get("name")), "Report"),
        "version": version("genai-social-sim"),
        "style": style,
        "style_hash": b64encode(sha256(style.encode()).digest()).decode(),
        "description": next((words for run in runs if (words := description(run))), ""),
        "runs": runs,
        "forks": [run for run in runs if run.origin.parent is not None],
        "conditions": conditions,
        "factors": _factors(runs),
        "departures": wanted.departures,
        "intervals": interval_words(),
        "comparisons": [*_comparisons(conditions, known)],
        "constant": [(series.words, number(value)) for series, value in constant(conditions)],
        "overs": [*_overs(conditions, known)],
        "answers": [*_answers(conditions)],
        "networks": [*_networks(conditions)],
        "transcripts": [those[0] for those in conditions.values()],
        "worries": worries(conditions),
        "looked_for": LOOKED_FOR,
        "methods": methods(runs),
        "known": [each for each in known.values() if each.name in told],
        "left_out": _left_out(runs),
    }


def _factors(runs: Sequence[Told]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for factor, level in run.origin.assignment.levels.items():
            found.setdefault(factor, {})[level] = None
    return {factor: [*levels] for factor, levels in found.items()}


def _comparisons(conditions: Mapping[str, Sequence[Told]], known: Mapping[str, Measure]) -> Iterator[Figure]:
    for found in compared(conditions):
        measure = known[found.series.measure]
        rows = tuple(
            [
                (each.name, str(len(each.values)), *map(number, (each.value, each.low, each.high)))
                for each in found.spreads
            ]
        )
        yield Figure(
            found.words,
            drawing.intervals(found.spreads, title=f"{found.words} by condition", unit=measure.unit),
            measure.about,
            ("condition", "n", "mean", "low", "high"),
            rows,
        )


def _overs(conditions: Mapping[str, Sequence[Told]], known: Mapping[str, Measure]) -> Iterator[Figure]:
    runs = [run for those in conditions.values() for run in those]
    for series in [*all_series(runs, whole=False)][:_MOST_CURVES]:
        found = curves(conditions, series)
        if not found:
            continue
        rows = tuple([(each.name, number(each.mean[0][1]), number(each.mean[-1][1])) for each in found])
        yield Figure(
            series.words,
            drawing.lines(found, title=f"{series.words} over rounds", unit=known[series.measure].unit),
            known[series.measure].about,
            ("condition", "first", "last"),
            rows,
        )


def _answers(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Figure]:
    for name, those in conditions.items():
        counted = {"choices": summed(run.choices for run in those)}
        for probe in dict.fromkeys([name for run in those for name in run.probes]):
            counted[f"probe {probe}"] = summed(run.probes.get(probe, {}) for run in those)
        for what, counts in counted.items():
            if counts:
                ordered = dict(sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:12])
                heading = f"{what}, {name}" if name else what
                yield Figure(heading, drawing.bars(ordered, title=heading), f"{sum(counts.values()):,} answers")


def _networks(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Figure]:
    drawn = 0
    for name, those in conditions.items():
        rows = those[0].rows.get("edges", [])
        for channel in dict.fromkeys([str(row["channel"]) for row in rows]):
            if drawn >= _MOST_PICTURES:
                return
            drawn += 1
            yield _network(those[0], channel, name)


def _network(run: Told, channel: str, condition: str) -> Figure:
    edges = [(str(row["speaker"]), str(row["listener"])) for row in run.rows["edges"] if row["channel"] == channel]
    nodes = [*dict.fromkeys([name for edge in edges for name in edge])]
    heading = f"{channel}, {condition}" if condition else channel
    told = f"{len(nodes):,} agents, {len(edges):,} edges, as the run {run.label} began"
    svg = drawing.network(places(nodes, edges), edges, title=f"Network of {heading}", named=len(nodes) <= _NAMED)
    return Figure(heading, svg, told)


def _left_out(runs: Sequence[Told]) -> list[str]:
    words = []
    for run in runs:
        words += [f"{run.label}: {count:,} rows of {name}" for name, count in run.left_out.items()]
    return words
