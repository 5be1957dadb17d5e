"""`gss observe`: prints a run from its record, also while another process writes it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

from genai_social_sim.api.run import Run
from genai_social_sim.cli import out
from genai_social_sim.domain.text import Text
from genai_social_sim.eventlog.codec import encode
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.observers.transcript import Transcript
from genai_social_sim.ports import Recorded

_POLL_S: Final = 0.02  # SQLite tells nobody of a commit; asking costs microseconds
_LOOKED_AFTER: Final = 25  # polls without news, after which to see whether its process lives
_QUIET_AFTER: Final = 3000  # polls without news, after which somebody may wonder


def watch(path: Path, *, follow: bool, as_json: bool) -> None:
    """Print what a record holds and, with `follow`, what is added until the run is no longer running."""
    path = out.existing(path)
    with Run(path) as run:
        channels = len(run.study["channels"]) > 1
    reader = SqliteReader(path)
    try:
        _print_all(_followed(reader) if follow else _so_far(reader), as_json=as_json, channels=channels)
        head, status = reader.head(), reader.standing()
    finally:
        reader.close()
    if as_json:
        out.envelope({"run": str(path), "status": status, "turns": head.turns, "digest": head.digest.hex()})
    elif status == "killed":
        out.hint(f"-- it was killed; it can go on: {out.command('gss resume', path)}")
    elif status.startswith("running"):
        out.hint(f"-- it is still {status}: {out.command('gss observe', path, '--follow')}")


def _so_far(reader: SqliteReader) -> Iterator[list[Recorded]]:
    for recorded in reader.events():
        yield [recorded]


def _followed(reader: SqliteReader) -> Iterator[list[Recorded]]:
    """Events as they are committed, until the run is no longer running, or was killed as far as can be told here."""
    after = -1
    while True:
        version, head = reader.version(), reader.head()
        for recorded in reader.events(after=after):
            after = recorded.seq
            yield [recorded]
        if head.status != "running" and after >= head.seq == reader.head().seq:
            return
        for polls in count(1):
            time.sleep(_POLL_S)
            if reader.version() != version:
                break
            if polls % _LOOKED_AFTER == 0 and reader.standing() == "killed":
                return
            if polls == _QUIET_AFTER:
                out.hint(f"-- nothing new for a minute; if it was killed: {out.command('gss resume', reader.path)}")


def _print_all(pages: Iterator[list[Recorded]], *, as_json: bool, channels: bool) -> None:
    transcript = Transcript(sys.stdout, channels=channels)
    for page in pages:
        if as_json:
            for recorded in page:
                out.json_line(_document(recorded))
        else:
            transcript.saw([recorded.event for recorded in page])
            if transcript.fault is not None:
                raise transcript.fault


def _document(recorded: Recorded) -> dict[str, Any]:
    """An event as plain values, without the texts of prompts."""
    event = recorded.event
    return {"seq": recorded.seq, "at": recorded.at, "kind": encode(event).kind, **_plain(event)}


def _plain(value: Any) -> Any:
    if isinstance(value, Text):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):  # events are named tuples to the bottom
        return {name: _plain(part) for name, part in value._asdict().items()}  # type: ignore[attr-defined]
    return value
