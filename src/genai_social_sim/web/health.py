"""How a run fares: what is waited for and since when, its sessions, what was noticed, how fast it goes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.web.crew import Crew, Queue, crew
from genai_social_sim.web.history import Item, single
from genai_social_sim.web.sources import Record

_OWN: Final = "of its own"  # as a session names such a broker
_MOST: Final = 200  # notices and failed attempts, the latest
_SESSIONS: Final = """
    SELECT e.seq, e.at, e.body ->> 'resumed', (SELECT text FROM texts WHERE id = CAST(e.texts AS INTEGER))
    FROM events AS e
    WHERE e.kind = 'session_started' ORDER BY e.seq
"""
_ENDS: Final = "SELECT seq, at, body ->> 'status' FROM events WHERE kind = 'session_ended' ORDER BY seq"
_TROUBLE: Final = "SELECT seq FROM events WHERE kind IN ('noticed', 'attempt_failed') ORDER BY seq DESC LIMIT ?"
_LAST_OF: Final = "SELECT max(at) FROM events WHERE kind IN ('spoke', 'fell_silent', 'exercised', 'probed', 'opened')"
_LATELY: Final = 5_000  # positions in which a channel's last outcome is looked for
_LAST_IN: Final = """
    SELECT body ->> 'channel', max(at) FROM events WHERE seq > ? AND kind IN ('spoke', 'fell_silent', 'opened')
    GROUP BY 1
"""


class Waiting(TypedDict):
    """A call without an answer. It is asked aside for `probe`, if that is not empty."""

    turn: int
    round: int
    channel: str
    agent: str
    probe: str
    backend: str  # what answers for the agent; empty if that is not known
    since: float | None  # when the last outcome before it in its channel was committed


class Session(TypedDict):
    """A process that worked on the run. `status` is empty while nothing is known of its end."""

    began: float
    ended: float | None
    status: str
    resumed: bool
    package: str
    python: str
    platform: str
    cpu: str
    settings: dict[str, Any]
    models: list[dict[str, Any]]
    broker: dict[str, Any] | None


class Health(TypedDict):
    """What is waited for, who works, and what went wrong lately, the newest first. Times are seconds."""

    status: str
    turns: int
    most: int | None
    waiting: list[Waiting]  # as far as the record tells; at most 1,000
    waits_for: int  # how many there are
    since: float | None  # when the last outcome was committed
    at_once: int | None  # calls that the session makes at once at the most, if it was told
    crew: Crew
    queue: Queue | None  # of the broker of a run that goes on
    sessions: list[Session]
    trouble: list[Item]
    now: float


def health(
    record: Record,
    due: Sequence[Mapping[str, Any]],
    backends: Mapping[str, str],
    *,
    most: int | None,
    now: float,
    queue: Queue | None = None,
) -> Health:
    """What a record tells of its run's health; `due` are the calls without an answer, `backends` go by agent."""
    sessions = _sessions(record)
    parallel = sessions[-1]["settings"].get("parallel") if sessions else None
    last = {str(channel): float(at) for channel, at in record.query(_LAST_IN, record.head().seq - _LATELY)}
    since = next(iter(record.query(_LAST_OF)), (None,))[0]
    waiting: list[Waiting] = [
        {
            "turn": each["turn"],
            "round": each["round"],
            "channel": each["channel"],
            "agent": each["agent"],
            "probe": each["probe"],
            "backend": backends.get(each["agent"], ""),
            "since": last.get(each["channel"], None if since is None else float(since)),
        }
        for each in due[:1000]
    ]
    trouble = [single(record, int(seq)) for (seq,) in record.query(_TROUBLE, _MOST)]
    return {
        "status": record.standing(),
        "turns": record.head().turns,
        "most": most,
        "waiting": waiting,
        "waits_for": len(due),
        "since": None if since is None else float(since),
        "at_once": parallel if isinstance(parallel, int) else None,
        "crew": crew(record),
        "queue": queue,
        "sessions": sessions,
        "trouble": [item for item in trouble if item is not None],
        "now": now,
    }


class AtBroker(NamedTuple):
    """Which name a run has at its broker; `is_own`: at one that it started itself."""

    run: str
    is_own: bool


def broker_of(record: Record) -> AtBroker | None:
    """Of the last session, if turns are handed out."""
    sessions = _sessions(record)
    broker = sessions[-1]["broker"] if sessions else None
    if broker is None or not isinstance(broker.get("run"), str):
        return None
    return AtBroker(broker["run"], broker.get("url") == _OWN)


def _sessions(record: Record) -> list[Session]:
    ends = [*record.query(_ENDS)]
    starts = [*record.query(_SESSIONS)]
    found: list[Session] = []
    for number, (seq, at, resumed, text) in enumerate(starts):
        until = starts[number + 1][0] if number + 1 < len(starts) else float("inf")
        end = next(((ended, status) for place, ended, status in ends if seq < place < until), None)
        found.append(_session(_read(text), float(at), bool(resumed), end or (None, "")))
    return found


def _session(about: Mapping[str, Any], began: float, resumed: bool, end: tuple[Any, Any]) -> Session:
    broker, models = about.get("broker"), about.get("models")
    return {
        "began": began,
        "ended": end[0],
        "status": str(end[1]),
        "resumed": resumed,
        "package": str(about.get("package", "")),
        "python": str(about.get("python", "")),
        "platform": str(about.get("platform", "")),
        "cpu": str(about.get("cpu", "")),
        "settings": _mapping(about.get("settings")),
        "models": [model for model in models if isinstance(model, dict)] if isinstance(models, list) else [],
        "broker": broker if isinstance(broker, dict) else None,
    }


def _read(text: object) -> dict[str, Any]:
    try:
        return _mapping(json.loads(str(text)))
    except ValueError:
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
