"""`gss export`: tables of runs, written by `export`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from genai_social_sim.cli import out as printed
from genai_social_sim.domain.visible import visible
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.export.files import write
from genai_social_sim.export.source import Source, distinct_labels
from genai_social_sim.observers.progress import StatusLine, is_watched


def export_runs(runs: Sequence[Path], *, form: Literal["csv", "jsonl", "parquet"], out: Path, as_json: bool) -> None:
    """Write the tables of some runs into the folder `out`; a run named twice is written once."""
    paths = list({path.resolve(): path for path in map(printed.existing, runs)}.values())
    status = StatusLine(sys.stderr, now=SystemClock().elapsed, shown=is_watched(sys.stderr))
    with ExitStack() as stack:
        stack.callback(status.clear)
        sources = []
        for path, label in zip(paths, distinct_labels(paths), strict=True):
            reader = SqliteReader(path)
            stack.callback(reader.close)
            head = reader.head()
            digest = head.digest.hex()
            sources.append(Source(run=label, record=reader, status=reader.standing(), digest=digest, last=head.seq))
        files = write(sources, form, out, progress=lambda events: status.show(f"{events:,} events"))
    if as_json:
        printed.envelope({"out": str(out), "files": [str(file) for file in files]})
        return
    printed.say(f"{printed.number_of(len(paths), 'run')} written to {out}:")
    for file in files:
        printed.say(f"  {visible(file.name)}  {file.stat().st_size:,} bytes")
    printed.say("codebook.md explains every column.")
