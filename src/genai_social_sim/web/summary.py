"""What the list of runs says of each: read once a file and again only when it changes, a little at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, Final, NamedTuple

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.domain.events import RunStarted, SessionStarted
from genai_social_sim.domain.origin import Origin
from genai_social_sim.errors import RecordError, SocialSimError
from genai_social_sim.web.folder import Folder, RunFile, Stamp
from genai_social_sim.web.sources import Record, Sources

_PATIENCE_S: Final = 0.25  # spent on reading before what is known is shown
LIVELY: Final = ("running", "running or killed")
_LAST_AT: Final = "SELECT at FROM events ORDER BY seq DESC LIMIT 1"


class ParentDocument(TypedDict):
    """The run that a fork comes from, by its `id` and the name that its file had, and what was changed in it."""

    id: str
    run: str
    at_turn: int
    changes: list[str]


class RunRow(TypedDict):
    """A run in the list. `problem` says why a file cannot be read as one; all else is empty then.

    `status` is empty for a file that has not been looked at yet.
    """

    run: str
    file: str
    path: str  # from where the page was started, for command lines
    problem: str
    study: str
    study_digest: str
    condition: str
    levels: dict[str, str]  # of factors, by name
    replicate: int
    seed: int | None
    status: str
    turns: int
    most: int | None  # turns after which it ends at the latest, if known
    agents: int
    channels: list[str]
    models: list[str]
    began: float | None
    last: float | None  # when the last event was written
    digest: str
    seq: int
    id: str  # tells records apart; equal for copies of a file
    parent: ParentDocument | None


class Runs(TypedDict):
    """All run files of the folder; `unread` of them have not been looked at yet and will be when asked again."""

    folder: str
    version: str
    runs: list[RunRow]
    unread: int
    now: float


class _Known(NamedTuple):
    row: RunRow
    stamp: Stamp | None  # None: look again
    fixed: RunRow | None = None  # what never changes, once read


class Summaries:
    """Rows of the list, kept while their files do not change."""

    def __init__(self, folder: Folder, sources: Sources) -> None:
        self._folder = folder
        self._sources = sources
        self._known: dict[str, _Known] = {}
        self._lock = Lock()

    def all(self) -> Runs:
        """Every run file, each with what is known of it by now."""
        with self._lock:
            files = self._folder.files()
            for gone in self._known.keys() - files.keys():
                del self._known[gone]
            until = self._sources.clock.elapsed() + _PATIENCE_S
            unread = sum(not self._refreshed(file, until) for file in self._urgent(files))
            rows = [self._known[run].row if run in self._known else _empty(file) for run, file in files.items()]
        return {
            "folder": self._folder.root.name,
            "version": self._sources.version,
            "runs": rows,
            "unread": unread,
            "now": self._sources.clock.now(),
        }

    def one(self, run: str) -> RunRow:
        """The row of one run, as it is now; raises NoSuchRunError."""
        self._folder.path(run)
        file = self._folder.files()[run]
        with self._lock:
            self._refreshed(file, float("inf"))
            return self._known[run].row

    def _urgent(self, files: Mapping[str, RunFile]) -> Iterator[RunFile]:
        """Those that run first, then those that nobody has looked at, the newest of them first."""
        running = [run for run, known in self._known.items() if known.row["status"] in LIVELY and run in files]
        yield from [files[run] for run in running]
        rest = [file for run, file in files.items() if run not in set(running)]
        yield from sorted(rest, key=lambda file: file.stamp, reverse=True)

    def _refreshed(self, file: RunFile, until: float) -> bool:
        """Whether the row of a file is that of now."""
        known = self._known.get(file.run)
        if known is not None and known.stamp == file.stamp:
            return True
        if self._sources.clock.elapsed() >= until:
            return False
        self._known[file.run] = self._read(file, known)
        return True

    def _read(self, file: RunFile, known: _Known | None) -> _Known:
        try:
            with self._folder.record(file.run) as record:
                fixed = (known and known.fixed) or self._fixed(file, record)
                row = _now(fixed, record)
        except SocialSimError as fault:
            return _Known({**_empty(file), "problem": fault.problem, "status": "unreadable"}, file.stamp)
        # One that runs is looked at again even if its file stays as it is: its process may be killed meanwhile.
        return _Known(row, None if row["status"] in LIVELY else file.stamp, fixed)

    def _fixed(self, file: RunFile, record: Record) -> RunRow:
        first = next(iter(record.events()), None)
        if first is None or not isinstance(first.event, RunStarted):
            raise RecordError("this record holds no events yet")
        facts, origin = self._sources.facts(first.event), record.origin()
        return {
            **_empty(file),
            "study": facts.name or "",
            "study_digest": facts.digest,
            "seed": first.event.seed,
            "most": self._sources.bound(first.event) if record.standing() != "finished" else None,
            "agents": len(facts.names),
            "channels": [channel.name for channel in facts.channels()],
            "models": _models(about_first_session(record)),
            "began": first.at,
            "condition": origin.assignment.condition,
            "levels": dict(origin.assignment.levels),
            "replicate": origin.assignment.replicate,
            "id": origin.id,
            "parent": _parent(origin),
        }


def _now(fixed: RunRow, record: Record) -> RunRow:
    head, status = record.head(), record.standing()
    last = next(iter(record.query(_LAST_AT)), None)
    row = {**fixed, "status": status, "turns": head.turns, "seq": head.seq, "digest": head.digest.hex()}
    return {**row, "last": None if last is None else float(last[0])}  # type: ignore[typeddict-item]


def about_first_session(record: Record) -> Mapping[str, Any]:
    """What the record says of its first session; empty if nothing that can be read."""
    first = next(iter(record.events(kinds="session_started")), None)
    if first is None or not isinstance(first.event, SessionStarted):
        return {}
    try:
        about = json.loads(first.event.about.value)
    except ValueError:
        return {}
    return about if isinstance(about, dict) else {}


def _models(about: Mapping[str, Any]) -> list[str]:
    """Names of what answers, each once."""
    found = [model for model in about.get("models") or () if isinstance(model, dict)]
    names = [f"{model.get('backend', '')} {model.get('model', '')}".strip() for model in found]
    return list(dict.fromkeys(names))


def _parent(origin: Origin) -> ParentDocument | None:
    parent = origin.parent
    if parent is None:
        return None
    return {"id": parent.id, "run": parent.run, "at_turn": parent.at_turn, "changes": [*parent.changes]}


def _empty(file: RunFile) -> RunRow:
    return {
        "run": file.run,
        "file": file.file,
        "path": file.given,
        "problem": "",
        "study": "",
        "study_digest": "",
        "condition": "",
        "levels": {},
        "replicate": 0,
        "seed": None,
        "status": "",
        "turns": 0,
        "most": None,
        "agents": 0,
        "channels": [],
        "models": [],
        "began": None,
        "last": None,
        "digest": "",
        "seq": -1,
        "id": "",
        "parent": None,
    }
