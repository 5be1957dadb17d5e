"""`gss export`: tables of runs, written by `export`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from genai_social_sim.api.exporting import export_runs
from genai_social_sim.cli import out as printed
from genai_social_sim.domain.visible import visible
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.export.dataset import Terms
from genai_social_sim.observers.progress import StatusLine, is_watched

_UNLICENSED: Final = "No licence was stated: whoever gets this dataset may not use it. Say one with --licence."


def export_tables(
    runs: Sequence[Path], *, form: str, out: Path, tables: Sequence[str] = (), terms: Terms, as_json: bool
) -> None:
    """Write tables of some runs into the folder `out`: `tables`, or all; a run named twice is written once."""
    paths = [*map(printed.existing, runs)]
    status = StatusLine(sys.stderr, now=SystemClock().elapsed, shown=is_watched(sys.stderr))
    with ExitStack() as stack:
        stack.callback(status.clear)
        written = export_runs(
            paths,
            form,
            out,
            tables=tables,
            terms=terms,
            progress=lambda events: status.show(f"{events:,} events"),
        )
    warnings = [_UNLICENSED] if form == "dataset" and not terms.licence else []
    if as_json:
        printed.envelope({"out": str(out), "files": [str(file) for file in written.files]}, warnings=warnings)
        return
    printed.say(f"{printed.number_of(written.runs, 'run')} written to {out}:")
    for file in written.files:
        printed.say(f"  {visible(file.name)}  {file.stat().st_size:,} bytes")
    printed.say("codebook.md explains every column.")
    for warning in warnings:
        printed.say(warning)
