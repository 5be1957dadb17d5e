"""A run at a glance, counted by SQLite in one pass, so that a record of millions of turns is not loaded."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from genai_social_sim.api.cost import Cost, in_words
from genai_social_sim.api.run import Run
from genai_social_sim.cli import out
from genai_social_sim.domain.events import Event, Intervened, Opened, RunEnded, Spoke
from genai_social_sim.domain.origin import Assignment, Origin, Parent
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.export.population import written_out
from genai_social_sim.observers.story import CAUSES_IN_WORDS
from genai_social_sim.observers.transcript import CLIPPED, Transcript

_STATUS: Final = {
    "killed": "interrupted (killed: its process ended without a word; what it had committed is here)",
    "running or killed": "running or killed: its writer is on another machine, or its lock cannot be seen from here",
}
_LAST: Final = 5  # utterances shown
_MANY: Final = 12  # agents and channels named one by one
_COUNTS: Final = """
    SELECT coalesce(sum(kind = 'spoke' AND body ->> 'feed' IS NULL), 0),
           coalesce(sum(kind = 'spoke' AND body ->> 'feed' IS NOT NULL), 0), coalesce(sum(kind = 'fell_silent'), 0),
           coalesce(sum(kind = 'attempt_failed'), 0), coalesce(sum(kind = 'attempt_failed' AND body ->> 'final'), 0),
           coalesce(sum(kind = 'answered' AND body ->> 'finish' = 'length'), 0),
           coalesce(sum(kind = 'spoke' AND body ->> '$.cut[2]' = 'spoke_for'), 0),
           coalesce(sum(CASE WHEN kind <> 'answered' THEN body ->> 'tokens' END), 0),
           coalesce(sum(kind = 'probed'), 0), coalesce(sum(kind = 'intervened'), 0),
           coalesce(sum(kind = 'exercised' AND body ->> 'deed' <> 'nothing'), 0), min(at), max(at)
    FROM events
"""
_SILENCES: Final = (
    "SELECT body ->> 'cause', count(*) FROM events WHERE kind = 'fell_silent' GROUP BY 1 ORDER BY 2 DESC, 1"
)
_SESSIONS: Final = """
    SELECT e.at, coalesce((SELECT max(at) FROM events WHERE seq < coalesce(
        (SELECT min(seq) FROM events WHERE seq > e.seq AND kind = 'session_started'), 1 << 62)), e.at)
    FROM events AS e WHERE kind = 'session_started'
"""
_ABOUT: Final = (
    "SELECT (SELECT text FROM texts WHERE id = CAST(e.texts AS INTEGER)), seq FROM events AS e "
    "WHERE kind = 'session_started' ORDER BY seq DESC LIMIT 1"
)
_LATEST: Final = (
    "SELECT seq FROM events WHERE kind IN ('spoke', 'opened') AND body ->> 'feed' IS NULL "
    "ORDER BY seq DESC LIMIT 1 OFFSET ?"
)
_REASON: Final = "SELECT body ->> 'reason' FROM events WHERE kind = 'run_ended' ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """Counts of a run. Times in seconds, `began` and `last` since the epoch, `seconds` of all sessions together."""

    run: str
    study: str
    seed: int
    status: str
    reason: str
    turns: int
    utterances: int
    acts: int  # chosen in forums
    silences: Mapping[str, int]
    failed_attempts: int
    retries: int
    clipped: int
    cuts: int
    probed: int
    intervened: int
    exercised: int  # powers of roles that were used
    tokens: int
    cost: Cost | None
    sessions: int
    seconds: float
    began: float
    last: float
    digest: str
    origin: Origin


def glance(path: Path) -> Glance:
    """Count; raises RecordError for what is no record."""
    with Run(path) as run:
        reader = SqliteReader(path)
        try:
            return _counted(run, reader)
        finally:
            reader.close()


def _counted(run: Run, reader: SqliteReader) -> Glance:
    utterances, acts, _, failed, final, clipped, cuts, tokens, probed, intervened, exercised, began, last = _row(
        reader, _COUNTS
    )
    spans = [(float(str(start)), float(str(end))) for start, end in reader.query(_SESSIONS)]
    return Glance(
        run=str(run.path),
        study=str(run.study.get("name", "")),
        seed=run.seed,
        status=run.status,
        reason=str(next(reader.query(_REASON), ("",))[0]),
        turns=run.turns,
        utterances=utterances,
        acts=acts,
        silences={str(cause): int(str(count)) for cause, count in reader.query(_SILENCES)},
        failed_attempts=failed,
        retries=failed - final,
        clipped=clipped,
        cuts=cuts,
        probed=probed,
        intervened=intervened,
        exercised=exercised,
        tokens=tokens,
        cost=run.cost,
        sessions=len(spans),
        seconds=round(sum(end - start for start, end in spans), 3),
        began=began,
        last=last,
        digest=run.digest,
        origin=run.origin,
    )


def _row(reader: SqliteReader, sql: str) -> tuple[Any, ...]:
    return next(reader.query(sql))


def closing_words(path: Path, *, clipped: int = 0) -> None:
    """What came of a run, where its record is, and what to try next."""
    found = glance(path)
    counts = [out.number_of(found.turns, "turn"), *_trouble(found), out.number_of(found.tokens, "token")]
    counts += [str(found.cost)] if found.cost else []
    out.say()
    if clipped:
        out.say(f"{CLIPPED.strip()} marks an answer that ended at max_tokens", style="dim")
    rows = [(found.status, ", ".join([*counts, f"{found.seconds:,.1f} s"]))]
    out.facts([*rows, ("record", str(path)), ("digest", found.digest)])
    out.advice("Next", next_steps(path, turns=found.turns))


def next_steps(path: Path, *, turns: int) -> list[tuple[str, str]]:
    """Three things to try with a run."""
    look = "the run at a glance"
    if turns:
        look += f"; --turn {turns - 1}: exactly what the model was sent and answered"
    return [
        (out.command("gss show", path), look),
        (out.command("gss replay", path), "the same digest again, without a model"),
        (out.command("gss export", path, "--to", "csv"), "tables for a spreadsheet"),
    ]


def _trouble(found: Glance) -> Iterator[str]:
    if found.silences:
        yield out.number_of(sum(found.silences.values()), "silence")
    if found.failed_attempts:
        yield out.number_of(found.failed_attempts, "failed attempt")


def show_run(path: Path, *, as_json: bool) -> None:
    """`gss show RUN`."""
    path = out.existing(path)
    found = glance(path)
    with Run(path) as run:
        study = written_out(run.study)
    reader = SqliteReader(path)
    try:
        about = json.loads(str(next(reader.query(_ABOUT), ("{}",))[0]))
        if as_json:
            of_study = {key: study[key] for key in ("agents", "channels")}
            files = [str(each.path) for each in reader.ancestors]
            out.envelope({**asdict(found), **of_study, "models": about.get("models", []), "past": files})
            return
        past = "\n".join([f"in {each.path}" for each in reader.ancestors])
        where = (("record", str(path)), ("past", past), ("digest", found.digest))
        out.facts([*_what(found, study, about), *_counts(found), *where])
        _last_lines(reader, channels=len(study["channels"]) > 1)
    finally:
        reader.close()
    _advise(path, found)


def _what(found: Glance, study: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "study", f"{found.study}, seed {found.seed}"
    yield "condition", _place(found.origin.assignment)
    yield "fork", "" if found.origin.parent is None else _descent(found.origin.parent)
    yield "status", _STATUS.get(found.status, found.status) + (f" after {found.reason}" if found.reason else "")
    yield "agents", _listed([f"{agent['name']} ({_model_in_short(agent['model'])})" for agent in study["agents"]])
    yield "channels", _listed([_channel_in_short(name, channel) for name, channel in study["channels"].items()])
    yield "models", "\n".join([_identity(model) for model in about.get("models", [])])


def _place(assignment: Assignment) -> str:
    if not (assignment.condition or assignment.design):
        return ""
    return f"{assignment.condition}, replicate {assignment.replicate}".removeprefix(", ")


def _descent(parent: Parent) -> str:
    chance = [f"chance {parent.resample}"] if parent.resample else []
    changes = "; ".join([*parent.changes, *chance]) or "without a change"
    return f"of {parent.run or parent.id} at turn {parent.at_turn}: {changes}"


def _listed(items: list[str]) -> str:
    more = [f"and {len(items) - _MANY:,} more"] if len(items) > _MANY else []
    return "\n".join([*items[:_MANY], *more])


def _model_in_short(model: Mapping[str, Any]) -> str:
    heat = "" if model.get("temperature") is None else f", temperature {model['temperature']:g}"
    return f"{model.get('backend')}{heat}"


def _channel_in_short(name: str, channel: Mapping[str, Any]) -> str:
    members = channel.get("members", [])
    who = ", ".join(members) if len(members) <= _MANY else f"{len(members):,} members"
    act = channel.get("act", {}).get("kind", "say")
    rules = channel.get("protocol", {}).get("kind", "") + ("" if act == "say" else f"; {act}")
    return f"{name}: {who}; {rules}"


def _identity(model: Mapping[str, Any]) -> str:
    """What answered, a line for each fact, with long values (answers of a script) in short."""
    name = f"{model.get('backend', '')} {model.get('model', '')}".strip()
    told = {key: value for key, value in model.items() if key not in ("backend", "model")}
    facts = [(key, value) for key, value in told.items() if value not in ("", [], {}, None)]
    width = max((len(key) for key, _ in facts), default=0) + 2
    return "\n".join([name, *(f"  {key:<{width}}{_in_short(value)}" for key, value in facts)])


def _in_short(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join([f"{key} {_in_short(each)}" for key, each in value.items()])
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    words = words.replace("\n", " ")
    return words if len(words) <= 72 else words[:68] + "..."  # noqa: PLR2004 (sha256: and its 64 digits fit)


def _counts(found: Glance) -> Iterator[tuple[str, str]]:
    acts = f", {out.number_of(found.acts, 'act')} in forums" if found.acts else ""
    turns = f"{found.turns:,}: {out.number_of(found.utterances, 'utterance')}{acts}"
    silent = ", ".join([f"{count:,} x {_cause(cause)}" for cause, count in found.silences.items()])
    yield (
        "turns",
        f"{turns}, {out.number_of(sum(found.silences.values()), 'silence')}" + (f" ({silent})" if silent else ""),
    )
    if found.probed or found.intervened or found.exercised:
        asked = f"{out.number_of(found.probed, 'answer')} to probes"
        used = f", {out.number_of(found.exercised, 'use')} of powers" if found.exercised else ""
        yield "aside", f"{asked}, {out.number_of(found.intervened, 'intervention')}{used}"
    yield "failures", f"{out.number_of(found.failed_attempts, 'failed attempt')}, {found.retries:,} asked again"
    yield "answers", f"{found.clipped:,} ended at max_tokens, {found.cuts:,} cut where they spoke for others"
    yield "tokens", f"{found.tokens:,}"
    yield "cost", "\n".join(_cost(found.cost)) if found.cost else ""
    worked = f"{found.seconds:,.1f} s in {out.number_of(found.sessions, 'session')}"
    yield "time", f"{_moment(found.began)} to {_moment(found.last)}; {worked}"


def _cost(cost: Cost) -> Iterator[str]:
    """The sum, then the share of each model if there are several, a line each."""
    rest = f"; {cost.uncounted:,} answers without price or count of tokens are not in it" if cost.uncounted else ""
    yield f"{cost}{rest}"
    for share in cost.models if len(cost.models) > 1 else ():
        tokens = f"{share.prompt_tokens:,} + {share.answer_tokens:,} tokens"
        name = f"{share.backend} {share.model}".strip()
        yield f"{in_words(share.cost, cost.currency)}: {name}, {out.number_of(share.calls, 'call')}, {tokens}"


def _cause(cause: str) -> str:
    return next((words for known, words in CAUSES_IN_WORDS.items() if known == cause), cause)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _last_lines(reader: SqliteReader, *, channels: bool) -> None:
    for back in range(_LAST - 1, -1, -1):
        first = next(reader.query(_LATEST, back), None)
        if first is not None:
            break
    else:
        return
    out.say()
    events: list[Event] = [each.event for each in islice(reader.events(after=int(str(first[0])) - 1), 10 * _LAST)]
    Transcript(sys.stdout, channels=channels).saw(
        [event for event in events if isinstance(event, Opened | Spoke | Intervened | RunEnded)]
    )


def _advise(path: Path, found: Glance) -> None:
    steps = next_steps(path, turns=found.turns)
    if found.status != "finished":
        steps.insert(0, (out.command("gss resume", path), "go on where it stopped"))
    out.advice("Next", steps)
