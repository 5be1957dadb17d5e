"""A report on run files, written where it was asked for. What stands in it is `report`'s."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from os import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from genai_social_sim.analysis.registry import find
from genai_social_sim.api import freezing
from genai_social_sim.api.run import Run
from genai_social_sim.api.tables import sources_of
from genai_social_sim.errors import RecordError, RequestError
from genai_social_sim.report.collecting import Told, grouped, told
from genai_social_sim.report.page import Wanted, html
from genai_social_sim.report.worrying import different_studies

if TYPE_CHECKING:
    from genai_social_sim.report.figures import Picture

UTTERANCES: Final = 200  # of one run in each condition
_MOST_PLACES: Final = 3  # that are named of one kind of departure
_ENDINGS: Final = (".html", ".htm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was written. `warnings`: what is wrong with how the runs were put together."""

    path: Path
    runs: int
    conditions: int
    figures: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()


def write_report(
    runs: Sequence[str | Path | Run],
    out: str | Path = "report.html",
    *,
    utterances: int = UTTERANCES,
    frozen: str | Path | None = None,
    figures: str | Path | None = None,
    progress: Callable[[str, int], None] = lambda run, events: None,
) -> Report:
    """Write one HTML file about some runs: design, comparison of conditions, transcripts, methods. It needs no network.

    Args:
        runs: Runs, or the paths of their records.
        out: The file; one that is there is replaced.
        utterances: How many to show of one run in each condition.
        frozen: A design that `gss freeze` wrote: the report tells in what the runs are not as it says.
        figures: A folder for the figures as SVG and PNG; needs the extra `figures`.
        progress: Told how many events of a run were read.

    Raises:
        RequestError: If there is no run, `out` is not the name of an HTML file, or matplotlib is missing.
        RecordError: If one of the runs is no record, or `frozen` no design.
    """
    paths = [run.path if isinstance(run, Run) else Path(run) for run in runs]
    path = _page(Path(out))
    if not paths:
        raise RequestError("there is no run to report on", remedy="Name run files: gss report runs/*.sqlite")
    departures = None if frozen is None else _departures(Path(frozen), paths)
    with sources_of(paths) as sources:
        found = [told(source, most=utterances, heard=_heard(progress, source.run)) for source in sources]
    _write(path, Wanted(runs=found, departures=departures))
    drawn = _figures(found, Path(figures)) if figures is not None else ()
    conditions = grouped(found)
    warnings = tuple([f"{each.what}. {each.facts}" for each in different_studies(conditions)])
    return Report(path=path, runs=len(found), conditions=len(conditions), figures=drawn, warnings=warnings)


def pictures(runs: Sequence[str | Path | Run], *wanted: str) -> list[Picture]:
    """The figures of a report, for a notebook or a paper: measures compared between conditions, and over rounds.

    Args:
        runs: Runs, or the paths of their records.
        wanted: Names of measures; all that have something to show if there are none.

    Raises:
        RequestError: If there is no such measure, or matplotlib (the extra `figures`) is missing.
        RecordError: If one of the runs is no record.
    """
    from genai_social_sim.report import figures

    for name in wanted:
        find(name)
    paths = [run.path if isinstance(run, Run) else Path(run) for run in runs]
    with sources_of(paths) as sources:
        return figures.pictures([told(source, most=0, heard=lambda _: None) for source in sources], wanted)


def _heard(progress: Callable[[str, int], None], run: str) -> Callable[[int], None]:
    return lambda events: progress(run, events)


def _page(path: Path) -> Path:
    if path.suffix.lower() not in _ENDINGS:
        raise RequestError(
            "a report is an HTML file",
            where=str(path),
            remedy=f"Give it such a name: --out {path.stem or 'report'}.html",
        )
    if path.is_dir():
        raise RequestError("this is a folder", where=str(path), remedy="Name a file: --out report.html")
    return path


def _write(path: Path, wanted: Wanted) -> None:
    """All or nothing: an older report stays until the new one is whole."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(html(wanted))
        replace(part, path)
    except OSError as fault:
        part.unlink(missing_ok=True)
        raise RecordError(f"the report cannot be written ({fault.strerror})", where=str(path)) from fault


def _departures(path: Path, runs: Sequence[Path]) -> list[str]:
    frozen = freezing.read(path)
    with ExitStack() as stack:
        found = freezing.departures(frozen, [stack.enter_context(Run(each)) for each in runs])
    places: dict[str, list[str]] = {}
    for each in found:
        where = f"{each.condition} " if each.condition else ""
        place = f"{where}replicate {each.replicate}{f' ({each.run})' if each.run else ''}"
        places.setdefault(each.words, []).append(place)
    return [f"{words}: {_listed(those)}" for words, those in places.items()]


def _listed(places: Sequence[str]) -> str:
    more = len(places) - _MOST_PLACES
    return "; ".join(places) if more <= 0 else f"{len(places)} runs, such as {'; '.join(places[:_MOST_PLACES])}"


def _figures(runs: Sequence[Told], folder: Path) -> tuple[Path, ...]:
    from genai_social_sim.report.figures import draw

    return tuple(draw(runs, folder))
