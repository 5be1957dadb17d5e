"""Prints everything of one turn or question aside (`api.turned`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from genai_social_sim.api.turned import Turned, document, messages, turned
from genai_social_sim.cli import out
from genai_social_sim.cli.failing import FoundWantingError
from genai_social_sim.domain.events import (
    Answered,
    Aside,
    AttemptFailed,
    Consequence,
    Exercised,
    FellSilent,
    Probed,
    Remembered,
    Spoke,
    Taken,
)
from genai_social_sim.domain.visible import visible
from genai_social_sim.kernel.memory import kind_of
from genai_social_sim.observers.story import CAUSES_IN_WORDS, DEEDS_IN_WORDS
from genai_social_sim.observers.transcript import console_on

_BAR = "| "  # before each line of a text
_GONE = "x "  # before a part of an answer that was cut off
_WRAPPED = ": "  # before what is wrapped


def show_turn(path: Path, number: int, aside: Aside | None = None, *, as_json: bool) -> None:
    """`gss show RUN --turn N`, for a question aside with `--probe NAME --agent NAME`."""
    path = out.existing(path)
    found = turned(path, number, aside)
    if as_json:
        out.envelope(document(found))
    else:
        _printed(found)
    if found.attempts and not found.checks:
        raise FoundWantingError(
            f"the prompt of {found.title} does not match its recorded hash",
            where=str(path),
            remedy=out.command("gss verify", path),
            data=None,
        )


def _printed(turned: Turned) -> None:
    outcome = turned.outcome
    where = (
        f"{outcome.agent} in {outcome.channel}, round {outcome.round}" if outcome else "its answer has not taken effect"
    )
    out.say(f"{turned.title}: {where}", style="bold")
    for made_up in turned.remembered:
        _title(f"before, for its memory (--probe '{made_up.aside}' --agent '{made_up.agent}')")
        _remembered(made_up)
    whole = "as the study makes it" if turned.sent else "sent"
    for number, message in enumerate(messages(turned.prompt) or [], 1):
        _title(f"{whole}, message {number}: {message['role']}")
        _quoted(message["content"])
    for number, message in enumerate(messages(turned.sent) or [], 1):
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


def _attempt(taken: Taken, outcome: Consequence | None) -> None:
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
    elif kind_of(event.aside) == "summary":
        _quoted(event.text.value)
    else:
        told = json.loads(event.text.value)
        for line in [told] if isinstance(told, dict) else told:
            turn = "an opening or a broadcast" if line["turn"] < 0 else f"turn {line['turn']}"
            number = f"{line['rating']}" if "rating" in line else f"{line['score']:.3f}"
            out.say(f"{number}  {turn} of {line['speaker']}")


def _outcome(outcome: Consequence) -> None:
    if isinstance(outcome, Remembered):
        _remembered(outcome)
        return
    if isinstance(outcome, FellSilent) or (isinstance(outcome, Exercised | Probed) and outcome.cause):
        words = CAUSES_IN_WORDS[outcome.cause] if outcome.cause else ""
        out.say(f"{outcome.agent} said nothing: {words}")
        return
    if isinstance(outcome, Exercised):
        out.say(" ".join([outcome.agent, DEEDS_IN_WORDS[outcome.deed], outcome.whom or ""]).rstrip())
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
