"""Everything of one turn or question aside: what the model was sent, byte for byte, and what became of its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from genai_social_sim.api.run import Run
from genai_social_sim.domain.events import (
    Answered,
    Aside,
    AttemptFailed,
    Consequence,
    Exercised,
    FellSilent,
    Probed,
    Remembered,
    Taken,
)
from genai_social_sim.domain.power import POWERS_ASKED
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.errors import NoSuchTurnError
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.kernel.memory import RATING, RECALL, SUMMARY, is_rating, kind_of
from genai_social_sim.study.refusals import listed

ASIDES: Final = {SUMMARY: "the summary", RECALL: "what came to mind", POWERS_ASKED: "its powers"}


@dataclass(frozen=True, slots=True)
class Turned:
    """What is recorded of a turn, or of a question `aside`. `outcome` is None while its answer has not taken effect."""

    number: int
    aside: Aside | None
    attempts: Sequence[Taken]
    outcome: Consequence | None
    prompt: Prompt | None
    sent: Prompt | None  # what went out, if the backend left out a part of the prompt
    remembered: Sequence[Remembered] = ()  # how the agent's memory was made up before

    @property
    def title(self) -> str:
        """Which it is."""
        if self.aside is None:
            return f"turn {self.number}"
        name = self.aside.name
        what = f"the rating of line {name.removeprefix(RATING)}" if is_rating(name) else ASIDES.get(name, name)
        return f"{what}, before turn {self.number}"

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the backend noted of its last attempt."""
        last = self.attempts[-1] if self.attempts else None
        return json.loads(last.notes.value) if isinstance(last, Answered) else {}

    @property
    def checks(self) -> bool:
        """Whether the prompt, put together again from the record, has the hash that was recorded when it was sent."""
        return self.prompt is not None and all(self.prompt.digest == taken.asked.prompt for taken in self.attempts)


def turned(path: Path, number: int, aside: Aside | None = None) -> Turned:
    """What is recorded of a turn or a question aside; raises NoSuchTurnError."""
    key = number if aside is None else (number, *aside)
    with Run(path) as run:
        everything = run.turn(number)
        recorded = [each for each in everything if getattr(each.event, "key", None) == key]
        if not recorded:
            raise _absent(run, number, aside)
        attempts = [each.event for each in recorded if isinstance(each.event, Answered | AttemptFailed)]
        cut = any(isinstance(taken, Answered) and '"dropped_oldest"' in taken.notes.value for taken in attempts)
        sent = run.sent(number) if cut and aside is None else None
    asked = [each.seq for each in recorded if isinstance(each.event, Answered | AttemptFailed)]
    reader = SqliteReader(path)
    try:
        prompt = reader.sent(asked[-1]) if asked else None
    finally:
        reader.close()
    outcomes = [each.event for each in recorded if isinstance(each.event, Consequence)]
    made_up = [each.event for each in everything if isinstance(each.event, Remembered)] if aside is None else []
    return Turned(number, aside, attempts, next(iter(outcomes), None), prompt, sent, made_up)


def _absent(run: Run, number: int, aside: Aside | None) -> NoSuchTurnError:
    if aside is None:
        held = f"It holds {run.turns} turns, from 0."
        return NoSuchTurnError(f"this record holds no turn {number}", where=str(run.path), remedy=held)
    told = sorted({(str(row["turn"]), str(row["probe"])) for row in run.probes if row["agent"] == aside.agent})
    asked = f"It was asked: {listed([f'{probe} before turn {turn}' for turn, probe in told])}."
    problem = f"{aside.agent} was not asked {aside.name} before turn {number}"
    return NoSuchTurnError(problem, where=str(run.path), remedy=asked if told else "It was asked nothing aside.")


def document(turned: Turned) -> dict[str, Any]:
    """It as plain values."""
    outcome = turned.outcome
    asked = turned.attempts[-1].asked if turned.attempts else None
    return {
        "turn": turned.number,
        "probe": turned.aside.name if turned.aside else None,
        "round": outcome.round if outcome else None,
        "channel": outcome.channel if outcome else None,
        "agent": outcome.agent if outcome else None,
        "outcome": _outcome_document(outcome),
        "ratings": [_remembered_document(each) for each in turned.remembered if is_rating(each.aside)],
        "remembered": next(
            (_remembered_document(each) for each in turned.remembered if not is_rating(each.aside)), None
        ),
        "prompt": messages(turned.prompt),
        "sent": messages(turned.sent or turned.prompt),
        "prompt_hash": asked.prompt.hex() if asked else None,
        "prompt_checks": turned.checks,
        "parameters": json.loads(asked.params.value) if asked else None,
        "seed": asked.seed if asked else None,
        "attempts": [_attempt_document(taken) for taken in turned.attempts],
    }


def _remembered_document(event: Remembered) -> dict[str, Any]:
    kind = kind_of(event.aside)
    found = {"kind": "remembered", "memory": kind, "cause": event.cause}
    name = {"summary": "summary", "recall": "recalled", "rating": "rated"}[kind]
    told = event.text.value if kind == "summary" or event.cause else json.loads(event.text.value)
    return {**found, name: told, "tokens": event.tokens, "call": event.call.hex()}


def _outcome_document(outcome: Consequence | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    if isinstance(outcome, Remembered):
        return _remembered_document(outcome)
    common = {"tokens": outcome.tokens, "call": outcome.call.hex()}
    if isinstance(outcome, FellSilent):
        return {"kind": "fell_silent", "cause": outcome.cause, **common}
    if isinstance(outcome, Exercised):
        did = {"deed": outcome.deed, "whom": outcome.whom, "cause": outcome.cause}
        return {"kind": "exercised", **did, **common}
    if isinstance(outcome, Probed):
        return {
            "kind": "probed",
            "text": outcome.text.value,
            "choice": outcome.choice,
            "cause": outcome.cause,
            **common,
        }
    cut = outcome.cut
    span = None if cut is None else {"start": cut.start, "end": cut.end, "why": cut.why, "other": cut.other}
    return {
        "kind": "spoke",
        "text": outcome.text.value,
        "cut": span,
        "choice": outcome.choice,
        "stand_in": outcome.stand_in,
        **common,
    }


def messages(prompt: Prompt | None) -> list[dict[str, str]] | None:
    """The messages as they are sent, those of one role in a row being one; None for no prompt."""
    if prompt is None:
        return None
    if prompt.is_text:
        return [{"role": "text", "content": prompt.text}]
    return [{"role": role, "content": content} for role, content in prompt.chat()]


def _attempt_document(taken: Taken) -> dict[str, Any]:
    document: dict[str, Any] = {"attempt": taken.attempt, "sent_s": taken.sent_s, "done_s": taken.done_s}
    if isinstance(taken, AttemptFailed):
        return document | {"cause": taken.cause, "detail": taken.detail.value, "final": taken.final}
    return document | {
        "first_token_s": taken.first_token_s,
        "raw": taken.raw.value,
        "finish": taken.finish,
        "prompt_tokens": taken.prompt_tokens,
        "answer_tokens": taken.answer_tokens,
        "by": taken.by,
        "notes": json.loads(taken.notes.value),
        "cost": taken.cost,
    }
