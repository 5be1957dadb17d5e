"""Everything of one turn or question aside: what the model was sent, byte for byte, and what became of its answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from genai_social_sim.api.run import Run
from genai_social_sim.cli import out
from genai_social_sim.cli.failing import FoundWantingError
from genai_social_sim.domain.events import (
    Answered,
    Aside,
    AttemptFailed,
    FellSilent,
    Outcome,
    Probed,
    Remembered,
    Spoke,
    Taken,
)
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.visible import visible
from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.kernel.memory import RECALL, SUMMARY
from genai_social_sim.observers.story import CAUSES_IN_WORDS
from genai_social_sim.observers.transcript import console_on
from genai_social_sim.study.refusals import listed

MEMORIES: Final = {SUMMARY: "the summary", RECALL: "what came to mind"}
_BAR = "| "  # before each line of a text
_GONE = "x "  # before a part of an answer that was cut off
_WRAPPED = ": "  # before what is wrapped


@dataclass(frozen=True, slots=True)
class Turned:
    """What is recorded of a turn, or of a question `aside`. `outcome` is None while its answer has not taken effect."""

    number: int
    aside: Aside | None
    attempts: Sequence[Taken]
    outcome: Outcome | Probed | Remembered | None
    prompt: Prompt | None
    sent: Prompt | None  # what went out, if the backend left out a part of the prompt
    remembered: Remembered | None = None  # how the agent's memory was made up before

    @property
    def title(self) -> str:
        """Which it is."""
        if self.aside is None:
            return f"turn {self.number}"
        return f"{MEMORIES.get(self.aside.name, self.aside.name)}, before turn {self.number}"

    @property
    def checks(self) -> bool:
        """Whether the prompt, put together again from the record, has the hash that was recorded when it was sent."""
        return self.prompt is not None and all(self.prompt.digest == taken.asked.prompt for taken in self.attempts)


def show_turn(path: Path, number: int, aside: Aside | None = None, *, as_json: bool) -> None:
    """`gss show RUN --turn N`, for a question aside with `--probe NAME --agent NAME`."""
    path = out.existing(path)
    turned = _found(path, number, aside)
    if as_json:
        out.envelope(_document(turned))
    else:
        _printed(turned)
    if turned.attempts and not turned.checks:
        raise FoundWantingError(
            f"the prompt of {turned.title} does not match its recorded hash",
            where=str(path),
            remedy=out.command("gss verify", path),
            data=None,
        )


def _found(path: Path, number: int, aside: Aside | None) -> Turned:
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
    outcomes = [each.event for each in recorded if isinstance(each.event, Spoke | FellSilent | Probed | Remembered)]
    made_up = [each.event for each in everything if isinstance(each.event, Remembered)] if aside is None else []
    outcome, remembered = next(iter(outcomes), None), next(iter(made_up), None)
    return Turned(number, aside, attempts, outcome, prompt, sent, remembered)


def _absent(run: Run, number: int, aside: Aside | None) -> RecordError:
    if aside is None:
        held = f"It holds {run.turns} turns, from 0."
        return RecordError(f"this record holds no turn {number}", where=str(run.path), remedy=held)
    told = sorted({(str(row["turn"]), str(row["probe"])) for row in run.probes if row["agent"] == aside.agent})
    asked = f"It was asked: {listed([f'{probe} before turn {turn}' for turn, probe in told])}."
    problem = f"{aside.agent} was not asked {aside.name} before turn {number}"
    return RecordError(problem, where=str(run.path), remedy=asked if told else "It was asked nothing aside.")


def _document(turned: Turned) -> dict[str, Any]:
    outcome = turned.outcome
    asked = turned.attempts[-1].asked if turned.attempts else None
    return {
        "turn": turned.number,
        "probe": turned.aside.name if turned.aside else None,
        "round": outcome.round if outcome else None,
        "channel": outcome.channel if outcome else None,
        "agent": outcome.agent if outcome else None,
        "outcome": _outcome_document(outcome),
        "remembered": None if turned.remembered is None else _remembered_document(turned.remembered),
        "prompt": _messages(turned.prompt),
        "sent": _messages(turned.sent or turned.prompt),
        "prompt_hash": asked.prompt.hex() if asked else None,
        "prompt_checks": turned.checks,
        "parameters": json.loads(asked.params.value) if asked else None,
        "seed": asked.seed if asked else None,
        "attempts": [_attempt_document(taken) for taken in turned.attempts],
    }


def _remembered_document(event: Remembered) -> dict[str, Any]:
    found = {"kind": "remembered", "memory": event.aside.removeprefix("~"), "cause": event.cause}
    recalled = event.aside == RECALL and event.cause is None
    told = {"recalled": json.loads(event.text.value)} if recalled else {"summary": event.text.value}
    return {**found, **told, "tokens": event.tokens, "call": event.call.hex()}


def _outcome_document(outcome: Outcome | Probed | Remembered | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    if isinstance(outcome, Remembered):
        return _remembered_document(outcome)
    common = {"tokens": outcome.tokens, "call": outcome.call.hex()}
    if isinstance(outcome, FellSilent):
        return {"kind": "fell_silent", "cause": outcome.cause, **common}
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


def _messages(prompt: Prompt | None) -> list[dict[str, str]] | None:
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
    }


def _printed(turned: Turned) -> None:
    outcome = turned.outcome
    where = (
        f"{outcome.agent} in {outcome.channel}, round {outcome.round}" if outcome else "its answer has not taken effect"
    )
    out.say(f"{turned.title}: {where}", style="bold")
    if turned.remembered is not None:
        _title(f"before, for its memory (--probe '{turned.remembered.aside}' --agent '{turned.remembered.agent}')")
        _remembered(turned.remembered)
    whole = "as the study makes it" if turned.sent else "sent"
    for number, message in enumerate(_messages(turned.prompt) or [], 1):
        _title(f"{whole}, message {number}: {message['role']}")
        _quoted(message["content"])
    for number, message in enumerate(_messages(turned.sent) or [], 1):
        _title(f"sent, without what was heard first, message {number}: {message['role']}")
        _quoted(message["content"])
    if turned.attempts:
        _title("asked for")
        out.facts(_parameters(turned))
    for taken in turned.attempts:
        _attempt(taken, turned.outcome)
    if outcome is not None:
        _title("what became of it")
        _outcome(outcome)


def _parameters(turned: Turned) -> Iterator[tuple[str, str]]:
    asked = turned.attempts[-1].asked
    yield "prompt hash", f"{asked.prompt.hex()} ({'it checks' if turned.checks else 'IT DOES NOT CHECK'})"
    yield "seed", str(asked.seed)
    for name, value in json.loads(asked.params.value).items():
        yield name, json.dumps(value, ensure_ascii=False)


def _attempt(taken: Taken, outcome: Outcome | Probed | Remembered | None) -> None:
    times = f"sent after {taken.sent_s:.3f} s, done after {taken.done_s:.3f} s"
    if isinstance(taken, AttemptFailed):
        _title(f"attempt {taken.attempt} failed: {CAUSES_IN_WORDS[taken.cause]}; {times}")
        _quoted(taken.detail.value)
        return
    first = "" if taken.first_token_s is None else f", first token after {taken.first_token_s:.3f} s"
    _title(f"attempt {taken.attempt} answered; {times}{first}")
    counts = f"{taken.prompt_tokens:,} in the prompt, {taken.answer_tokens:,} in the answer"
    ended = {"stop": "of its own accord", "length": "at max_tokens", "passed": "it passed"}[taken.finish]
    cost = "" if taken.cost is None else f"{taken.cost:.6g}"
    out.facts([("ended", ended), ("tokens", counts), ("cost", cost), ("by", taken.by), *_noted(taken)])
    raw, cut = taken.raw.value, outcome.cut if isinstance(outcome, Spoke) else None
    start, end = (0, len(raw)) if cut is None else (cut.start, cut.end)
    _cut_off(raw[:start])
    _quoted(raw[start:end])
    _cut_off(raw[end:])


def _noted(taken: Answered) -> Iterator[tuple[str, str]]:
    """What the backend says that it did, a line each."""
    for name, value in json.loads(taken.notes.value).items():
        if name == "dropped_oldest":
            yield "left out", f"the {out.number_of(value, 'line')} heard first, so that the prompt fits"
        elif name == "summaries":
            yield "told in short", "\n".join([str(told["text"]) for told in value])
        elif isinstance(value, dict):
            yield name, "\n".join([f"{key} {json.dumps(each, ensure_ascii=False)}" for key, each in value.items()])
        else:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut_off(part: str) -> None:
    if part and not part.strip():
        part = f"(white space: {json.dumps(part)})"
    if part:
        _quoted(part, bar=_GONE)


def _remembered(event: Remembered) -> None:
    if event.cause is not None:
        out.say(f"nothing new: {CAUSES_IN_WORDS[event.cause]}")
    elif event.aside == RECALL:
        for line in json.loads(event.text.value):
            turn = "an opening or a broadcast" if line["turn"] < 0 else f"turn {line['turn']}"
            out.say(f"{line['score']:.3f}  {turn} of {line['speaker']}")
    else:
        _quoted(event.text.value)


def _outcome(outcome: Outcome | Probed | Remembered) -> None:
    if isinstance(outcome, Remembered):
        _remembered(outcome)
        return
    if isinstance(outcome, FellSilent) or (isinstance(outcome, Probed) and outcome.cause):
        words = CAUSES_IN_WORDS[outcome.cause] if outcome.cause else ""
        out.say(f"{outcome.agent} said nothing: {words}")
        return
    if isinstance(outcome, Probed):
        _quoted(outcome.text.value)
        return
    if outcome.stand_in is not None:
        out.say(f"{outcome.agent} was made to say this by the study: {CAUSES_IN_WORDS[outcome.stand_in]}", style="dim")
    if outcome.cut is not None and outcome.cut.why == "spoke_for":
        out.say(f"the answer was cut where it went on as {outcome.cut.other}", style="dim")
    _quoted(outcome.text.value)


def _title(words: str) -> None:
    out.say()
    out.say(words, style="bold cyan")


def _quoted(text: str, *, bar: str = _BAR) -> None:
    """A text with a bar before each of its lines, so that nothing in it can pass for a line of ours."""
    console = console_on(sys.stdout)
    for line in Text(visible(text, keep="\n\t")).split("\n", allow_blank=True):
        pieces = line.wrap(console, max(console.width - len(bar), 2)) if console.is_terminal and line.plain else [line]
        for number, piece in enumerate(pieces):
            lead = Text(bar if number == 0 else _WRAPPED, style="dim")
            console.print(Text().append_text(lead).append_text(piece), soft_wrap=True)
