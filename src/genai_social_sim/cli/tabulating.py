"""`gss tabulate`: a table of how a model chooses in each state of its memory."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from genai_social_sim.api.study import Study
from genai_social_sim.api.tabulate import Row, Tabulation
from genai_social_sim.api.tabulating import Answers, Checked, Tabulator, written
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.cli import out
from genai_social_sim.cli.failing import FoundWantingError
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import RequestError
from genai_social_sim.export.formats import FORMATS, Format, open_sink
from genai_social_sim.export.tables import Column
from genai_social_sim.observers.progress import StatusLine, is_watched

COLUMNS: Final = (
    Column("state", "json", "The last meetings, oldest first, each [own choice, the other's]."),
    Column("option", "text", "What can be chosen."),
    Column("probability", "number", "How likely it is chosen, on average over orders and letters."),
    Column("legal_mass", "number", "Probability on all options together, before the model was held to them."),
    Column("calls", "integer", "Calls made for this state."),
    Column("unread", "integer", "Of these, answers that named no option, where answers had to be counted."),
)


def tabulate_study(study: Path, *, to: Path | None, changes: Sequence[str], as_json: bool, **how: Any) -> None:
    """Ask what is not known yet, and write the table."""
    loaded = Study.load(study, changes=changes)
    target = to or study.with_name(f"{loaded.name}-table.csv")
    kind = target.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        ends = ", ".join(f".{each}" for each in FORMATS)
        raise RequestError(f"{target.name} is no name for a table", remedy=f"Its name has to end in one of: {ends}.")
    tabulation = Tabulation(loaded.plan(), agent=how["agent"])
    answers = Answers(target.with_name(f"{target.name}.answers.jsonl"))
    tabulator = Tabulator(tabulation, answers, draws=how["draws"], parallel=how["parallel"])
    status = StatusLine(sys.stderr, now=SystemClock().elapsed, shown=is_watched(sys.stderr))
    try:
        surroundings = Surroundings(progress=status.share)
        rows, checked = asyncio.run(tabulator.table(surroundings, check=how["check"]))
    finally:
        status.clear()
        answers.close()
    _write(target, kind, rows)
    found = _document(target, rows, checked, tabulator.calls)
    if not all(each.agrees for each in checked):
        raise FoundWantingError(
            "what was chosen directly is not what the table leads one to expect",
            where=str(target),
            remedy="Look at top_p, top_k and min_p, which no table knows, and at legal_mass.",
            data=found,
        )
    if as_json:
        out.envelope(found)
    else:
        out.facts(_told(found, checked))


def _write(target: Path, kind: Format, rows: Sequence[Row]) -> None:
    beside = target.with_name(f"{target.name}.part")
    sink = open_sink(kind, beside, COLUMNS, description="One row for each state and option.")
    try:
        for row in written(rows):
            sink.put(tuple(row[column.name] for column in COLUMNS))
        sink.close()
    except BaseException:
        sink.abandon()
        raise
    beside.replace(target)


def _document(target: Path, rows: Sequence[Row], checked: Sequence[Checked], calls: int) -> dict[str, Any]:
    masses = [row.legal_mass for row in rows if row.legal_mass is not None]
    return {
        "table": str(target),
        "states": len(rows),
        "calls": sum(row.calls for row in rows),
        "calls_now": calls,
        "legal_mass": sum(masses) / len(masses) if masses else None,
        "unread": sum(row.unread for row in rows),
        "check": [{**each._asdict(), "agrees": each.agrees} for each in checked],
    }


def _told(found: dict[str, Any], checked: Sequence[Checked]) -> Iterator[tuple[str, str]]:
    yield "table", f"{found['table']}, {out.number_of(found['states'], 'state')}"
    yield "calls", f"{found['calls']:,}, {found['calls_now']:,} of them now; {found['unread']:,} named no option"
    mass = found["legal_mass"]
    yield "legal mass", "not told" if mass is None else f"{mass:.3g} on average"
    for each in checked:
        words = f"{each.chosen} of {each.made} direct choices, {each.expected:.1f} expected"
        yield "checked", f"{each.option}: {words} (standard error {each.spread:.1f})"
