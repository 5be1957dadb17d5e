"""`gss verify` and `gss replay`: is a record what was written, and does it come to the same again?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from genai_social_sim.api.run import Run
from genai_social_sim.cli import out
from genai_social_sim.cli.failing import FoundWantingError
from genai_social_sim.eventlog.verification import Verdict, verify


def verify_run(path: Path, *, as_json: bool) -> None:
    """Check a record; raises FoundWantingError naming the first bad event."""
    path = out.existing(path)
    verdict = verify(path)
    data = {"run": str(path), **asdict(verdict)}
    if not verdict.ok:
        raise FoundWantingError(
            verdict.problem,
            where=f"{path}, event {verdict.event}{_standing_in(verdict)}",
            remedy="Do not trust this file: restore it from a copy, or play the study again (gss run STUDY --again).",
            data=data,
        )
    if as_json:
        out.envelope(data)
        return
    counts = f"{out.number_of(verdict.events, 'event')}, {out.number_of(verdict.turns, 'turn')}, {verdict.status}"
    out.facts([("intact", counts), ("past", _past(verdict)), ("digest", verdict.digest)])


def _past(verdict: Verdict) -> str:
    """What of the record was read in other files."""
    return "\n".join([f"{out.number_of(part.events, 'event')} of these in {part.file}" for part in verdict.past])


def _standing_in(verdict: Verdict) -> str:
    return f" (in {verdict.file})" if verdict.past else ""


def replay_run(path: Path, *, as_json: bool) -> None:
    """Replay a record; raises FoundWantingError naming the first difference."""
    path = out.existing(path)
    with Run(path) as run:
        verdict = run.replay()
    data = {"run": str(path), **asdict(verdict)}
    if not verdict.ok:
        raise FoundWantingError(
            f"the replay differs: {verdict.problem}",
            where=str(path),
            remedy=f"See whether the record itself is sound: {out.command('gss verify', path)}",
            data=data,
        )
    if as_json:
        out.envelope(data)
        return
    words = f"{out.number_of(verdict.turns, 'turn')} played again from the recorded answers; no model was asked"
    out.facts([("the same", words), ("digest", verdict.digest)])
