"""`gss report`: the page about runs, written by `report`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from genai_social_sim.api.report import write_report
from genai_social_sim.cli import out as printed
from genai_social_sim.domain.visible import visible
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.observers.progress import StatusLine, is_watched


def report_runs(
    runs: Sequence[Path], *, out: Path, utterances: int, frozen: Path | None, figures: Path | None, as_json: bool
) -> None:
    """Write the page and say where it is."""
    paths = [*map(printed.existing, runs)]
    status = StatusLine(sys.stderr, now=SystemClock().elapsed, shown=is_watched(sys.stderr))
    try:
        made = write_report(
            paths,
            out,
            utterances=utterances,
            frozen=frozen,
            figures=figures,
            progress=lambda run, events: status.show(f"{run}: {events:,} events"),
        )
    finally:
        status.clear()
    if as_json:
        told = {"out": str(made.path), "runs": made.runs, "conditions": made.conditions}
        printed.envelope({**told, "figures": [str(path) for path in made.figures]}, warnings=made.warnings)
        return
    about = printed.number_of(made.runs, "run")
    printed.say(
        f"{made.path}  {made.path.stat().st_size:,} bytes, on {about}. Open it in a browser; it needs no network."
    )
    if made.figures and figures is not None:
        printed.say(f"{figures}  {printed.number_of(len(made.figures), 'file')}")
    for warning in made.warnings:
        printed.say(visible(warning))
