"""What the list of runs says of each: read once a file and again only when it changes, a little at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final, NamedTuple

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.domain.events import RunStarted, SessionStarted
from genai_social_sim.domain.origin import Origin
from genai_social_sim.errors import PastError, RecordError, SocialSimError
from genai_social_sim.web.folder import Folder, RunFile, Stamp
from genai_social_sim.web.sources import Record, Sources

_FIRST_S: Final = 0.05  # spent on reading before anything is shown
_PATIENCE_S: Final = 0.2  # spent on reading before what is known is shown
LIVELY: Final = ("running", "running or killed")
_LAST_AT: Final = "SELECT at, seq FROM events ORDER BY seq DESC LIMIT 1"
_COUNTED_AT_ONCE: Final = 50_000  # positions of a log, so that a long one holds nobody up
_USED: Final = """
    SELECT sum(CASE WHEN kind <> 'answered' THEN body ->> 'tokens' END),
           sum(CASE WHEN kind = 'answered' THEN body ->> 'cost' END)
    FROM events WHERE seq > ? AND seq <= ?
    AND kind IN ('spoke', 'fell_silent', 'probed', 'remembered', 'exercised', 'answered')
"""


class ParentDocument(TypedDict):
    """The run that a fork comes from, by its `id` and the name that its file had, and what was changed in it."""

    id: str
    run: str
    at_turn: int
    changes: list[str]
    resample: int  # which of the other chances it has from there on; 0: its parent's


class RunRow(TypedDict):
    """A run in the list. `problem` says why a file cannot be read as one; all else is empty then.

    `tokens` are null until they are counted, `cost` is null where no answer had a price.
    """

    run: str
    file: str
    path: str  # from where the page was started, for command lines
    problem: str
    study: str
    study_digest: str
    condition: str
    position: int | None  # of the condition, among all that its study names
    levels: dict[str, str]  # of factors, by name
    replicate: int
    seed: int | None
    status: str
    turns: int
    most: int | None  # turns after which it ends at the latest, if known
    tokens: int | None
    cost: float | None
    currency: str
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
    """Run files of the folder: all of them if it is `whole`, else those whose rows changed after a revision.

    `revision` is what to ask after next. `unread` files have not been looked at since they came or changed: what they
    hold comes when it is asked again.
    """

    folder: str
    version: str
    runs: list[RunRow]
    whole: bool
    revision: int
    unread: int
    now: float


class _Used(NamedTuple):
    """Counted up to a position of the log."""

    seq: int = -1
    tokens: int = 0
    cost: float | None = None


class _Known(NamedTuple):
    row: RunRow
    stamp: Stamp | None  # None: look again
    fixed: RunRow | None = None  # what never changes, once read
    used: _Used = _Used()
    revision: int = 0


class Summaries:
    """Rows of the list, kept while their files do not change."""

    def __init__(self, folder: Folder, sources: Sources) -> None:
        self._folder = folder
        self._sources = sources
        self._known: dict[str, _Known] = {}
        self._lock = Lock()
        # Beyond those of a server that ran before, so that its readers take the whole list again.
        self._shrunk = self._revision = int(1000 * sources.clock.now())

    def all(self, after: int = -1) -> Runs:
        """Every run file that was looked at by now, one more at least; or those that changed after a revision."""
        with self._lock:
            files = self._folder.files()
            self._forget(files)
            until = self._sources.clock.elapsed() + (_PATIENCE_S if self._known else _FIRST_S)
            urgent = self._urgent(files)
            for file in urgent[:1]:
                self._refreshed(file, float("inf"))
            unread = sum(not self._refreshed(file, until) for file in urgent[1:])
            whole = not self._shrunk <= after <= self._revision
            known, revision = [self._known[run] for run in files if run in self._known], self._revision
        return {
            "folder": self._folder.root.name,
            "version": self._sources.version,
            "runs": [each.row for each in known if whole or each.revision > after],
            "whole": whole,
            "revision": revision,
            "unread": unread,
            "now": self._sources.clock.now(),
        }

    def _forget(self, files: Mapping[str, RunFile]) -> None:
        """Forgets files that are gone."""
        gone = self._known.keys() - files.keys()
        for run in gone:
            del self._known[run]
        if gone:
            self._revision += 1
            self._shrunk = self._revision

    def _note(self, run: str, found: _Known) -> None:
        """What is known of a run now; a row that is another than before is of a new revision."""
        before = self._known.get(run)
        if before is None or before.row != found.row:
            self._revision += 1
            found = found._replace(revision=self._revision)
        else:
            found = found._replace(revision=before.revision)
        self._known[run] = found

    def one(self, run: str) -> RunRow:
        """The row of one run, as it is now; raises NoSuchRunError."""
        self._folder.path(run)
        file = self._folder.files()[run]
        with self._lock:
            self._refreshed(file, float("inf"))
            return self._known[run].row

    def _urgent(self, files: Mapping[str, RunFile]) -> list[RunFile]:
        """Those to be looked at: that run first, the newest of the others next."""
        changed = [file for run, file in files.items() if self._stamp_of(run) != file.stamp]
        return sorted(changed, key=self._urgency, reverse=True)

    def _stamp_of(self, run: str) -> Stamp | None:
        known = self._known.get(run)
        return known and known.stamp

    def _urgency(self, file: RunFile) -> tuple[bool, Stamp]:
        known = self._known.get(file.run)
        return known is not None and known.row["status"] in LIVELY, file.stamp

    def _refreshed(self, file: RunFile, until: float) -> bool:
        """Whether the row of a file is that of now."""
        known = self._known.get(file.run)
        if known is not None and known.stamp == file.stamp:
            return True
        if self._sources.clock.elapsed() >= until:
            return False
        self._note(file.run, self._read(file, known))
        return True

    def _read(self, file: RunFile, known: _Known | None) -> _Known:
        try:
            with self._folder.record(file.run) as record:
                fixed = (known and known.fixed) or self._fixed(file, record)
                row = _now(fixed, record)
                used = _counted(record, known.used if known else _Used(), row["seq"])
        except SocialSimError as fault:
            stamp = (
                None if isinstance(fault, PastError) else file.stamp
            )  # the file may be well, and that of its past not
            return _Known({**_empty(file), "problem": fault.problem, "status": "unreadable"}, stamp)
        if used.seq >= row["seq"]:
            row = {**row, "tokens": used.tokens, "cost": used.cost}
        # One that runs is looked at again even if its file stays as it is: its process may be killed meanwhile.
        lively = row["status"] in LIVELY or used.seq < row["seq"]
        return _Known(row, None if lively else file.stamp, fixed, used)

    def _fixed(self, file: RunFile, record: Record) -> RunRow:
        first = next(iter(record.events()), None)
        if first is None or not isinstance(first.event, RunStarted):
            raise RecordError("this record holds no events yet")
        facts, origin = self._sources.facts(first.event), record.origin()
        about = about_first_session(record)
        return {
            **_empty(file),
            "study": facts.name or "",
            "study_digest": facts.digest,
            "seed": first.event.seed,
            "most": self._sources.bound(first.event) if record.standing() != "finished" else None,
            "agents": len(facts.names),
            "channels": [channel.name for channel in facts.channels()],
            "models": _models(about),
            "currency": _currency(about),
            "began": first.at,
            "condition": origin.assignment.condition,
            "position": origin.assignment.position,
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


def _counted(record: Record, before: _Used, seq: int) -> _Used:
    """What was used up to a position, or as far as one look counts."""
    if before.seq > seq:  # another file under the same name
        before = _Used()
    if before.seq == seq:
        return before
    last = min(seq, before.seq + _COUNTED_AT_ONCE)
    tokens, cost = next(iter(record.query(_USED, before.seq, last)))
    paid = before.cost if cost is None else (before.cost or 0.0) + float(cost)
    return _Used(last, before.tokens + int(tokens or 0), paid)


def _currency(about: Mapping[str, Any]) -> str:
    settings = about.get("settings")
    return str(settings.get("currency") or "") if isinstance(settings, dict) else ""


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
    return {
        "id": parent.id,
        "run": parent.run,
        "at_turn": parent.at_turn,
        "changes": [*parent.changes],
        "resample": parent.resample,
    }


def _empty(file: RunFile) -> RunRow:
    return {
        "run": file.run,
        "file": file.file,
        "path": file.given,
        "problem": "",
        "study": "",
        "study_digest": "",
        "condition": "",
        "position": None,
        "levels": {},
        "replicate": 0,
        "seed": None,
        "status": "",
        "turns": 0,
        "most": None,
        "tokens": None,
        "cost": None,
        "currency": "",
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
