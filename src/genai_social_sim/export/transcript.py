"""Kinds of tables with a row for each thing that happened: utterances, turns, calls, events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    Consequence,
    Cut,
    Event,
    FellSilent,
    Intervened,
    Opened,
    Spoke,
    Taken,
)
from genai_social_sim.domain.text import Text
from genai_social_sim.export.kinds import Fold, Kind, moment
from genai_social_sim.export.source import Step
from genai_social_sim.export.tables import Cell, Column, Row
from genai_social_sim.ports import Recorded

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_AS_IT_IS: Final = frozenset([str, int, float, bool, type(None)])
RUN: Final = Column("run", "text", "Which run: the label given to it for this export.")
SEQ: Final = Column("seq", "integer", "Position of the event in the run's log, from 0.")
_TURN: Final = Column("turn", "integer", "Number of the turn in the run's logical order, from 0.")
_ROUND: Final = Column("round", "integer", "Round of the channel, from 0.")
_CHANNEL: Final = Column("channel", "text", "Name of the channel.")
_TOKENS: Final = Column("tokens", "integer", "Tokens of prompt and answer together, as the backend counted them.")


class _Utterances(Fold):
    takes = (Spoke, Opened, Intervened)

    def take(self, step: Step) -> Iterable[Row]:
        recorded = step.recorded
        if recorded is None:
            return ()
        match recorded.event:
            case Spoke() as event if event.feed is None:  # else it is an act
                return (self._spoken(recorded, event, step),)
            case Opened() as event:
                return (self._put_in(recorded, event),)
            case Intervened() as event:
                how = "inject" if event.injected else "broadcast"
                return [self._put_in(recorded, said, how) for said in event.said]
            case _:
                return ()

    def _put_in(self, recorded: Recorded, event: Opened, how: str = "opening") -> Row:
        head = (self.run, recorded.seq, None, None, event.channel, event.speaker, event.text.value, moment(recorded.at))
        return (*head, None, False, None, None, None, None, None, None, how)

    def _spoken(self, recorded: Recorded, event: Spoke, step: Step) -> Row:
        where = (self.run, recorded.seq, event.turn, event.round, event.channel, event.agent)
        said = (event.text.value, moment(recorded.at))
        raw = step.answer.raw.value if event.cut is not None and step.answer else None
        how = (*_cut(event.cut), event.stand_in, raw)
        return (*where, *said, event.choice, *how, event.tokens, event.to, None)


def _cut(cut: Cut | None) -> tuple[bool, str | None, str | None]:
    return (False, None, None) if cut is None else (True, cut.why, cut.other or None)


UTTERANCES: Final = Kind(
    name="utterances",
    description=(
        "One row for each utterance, openings and broadcasts included, in the order in which they took effect. Acts in "
        "forums stand in table `acts`."
    ),
    columns=(
        RUN,
        SEQ,
        Column("turn", "integer", "Number of the turn, from 0; no value for what was put in."),
        Column("round", "integer", "Round of the channel, from 0; no value for what was put in."),
        _CHANNEL,
        Column(
            "speaker", "text", "Name of the agent, or the name that the study puts before an opening or a broadcast."
        ),
        Column("text", "text", "What was said, as the others heard it."),
        Column("said_at", "time", "When it was written to the record."),
        Column(
            "choice",
            "text",
            "The option that was chosen, as the study names it; no value where it did not have to choose.",
        ),
        Column("cut", "flag", "Whether this is a part of what the model answered, the rest being left out."),
        Column(
            "cut_why",
            "text",
            "Why: trimmed (only white space around it), label (only its own name before it), address (the name of whom "
            "alone it is for) or spoke_for (it went on speaking as somebody else).",
        ),
        Column("cut_other", "text", "With spoke_for: as whom it went on."),
        Column(
            "stand_in",
            "text",
            "The failure in whose place the study made the agent say this (timeout, unreachable...); no value if the "
            "model said it.",
        ),
        Column("raw_text", "text", "The model's whole answer if it was cut; no value if `text` is the answer."),
        _TOKENS,
        Column("addressee", "text", "Who alone heard it, of a direct message; no value for what was said to all."),
        Column(
            "put_in",
            "text",
            "How it came if not by a turn: opening, broadcast, or inject (an intervention put it into its mouth).",
        ),
    ),
    fold=_Utterances,
)


class _Turns(Fold):
    takes = (Spoke, FellSilent)

    def take(self, step: Step) -> Iterable[Row]:
        recorded = step.recorded
        event = recorded.event if recorded else None
        if recorded is None or not isinstance(event, Spoke | FellSilent):
            return ()
        where = (self.run, event.turn, event.round, event.channel, event.agent)
        outcome = ("spoke", event.stand_in) if isinstance(event, Spoke) else ("silent", event.cause)
        last = step.attempts[-1].event if step.attempts else None
        latency = last.done_s if isinstance(last, Taken) else None
        attempts = last.attempt if isinstance(last, Taken) else 0
        return ((*where, *outcome, attempts, latency, event.tokens, moment(recorded.at), recorded.seq),)


TURNS: Final = Kind(
    name="turns",
    description="One row for each turn that was taken, whatever became of it, in logical order.",
    columns=(
        RUN,
        _TURN,
        _ROUND,
        _CHANNEL,
        Column("agent", "text", "Name of the agent whose turn it was."),
        Column("outcome", "text", "spoke or silent."),
        Column(
            "cause",
            "text",
            "Why it was silent: passed (it had nothing to say), empty, spoke_for (all it said was in somebody else's "
            "name), unreadable (its answer was none of the options), wordless (in a forum: what it had chosen takes no "
            "words) or the failure of its last attempt. After spoke: "
            "the failure in whose place the study's words are.",
        ),
        Column("attempts", "integer", "Attempts that were made until the outcome."),
        Column(
            "latency_s",
            "number",
            "Seconds from when the turn fell due to the end of its last attempt; waiting for a free slot, earlier "
            "attempts and pauses included.",
        ),
        _TOKENS,
        Column("at", "time", "When the outcome was written to the record."),
        SEQ,
    ),
    fold=_Turns,
)


class _Calls(Fold):
    def take(self, step: Step) -> Iterable[Row]:
        event = step.recorded.event if step.recorded else None
        who: tuple[Cell, ...] = (None, None, None)
        if isinstance(event, Consequence):
            who = (event.agent, event.channel, event.round)
        for attempt in step.attempts:
            if isinstance(attempt.event, Taken):
                aside = attempt.event.aside
                asked = who if aside is None else (aside.agent, *who[1:])
                yield self._call(attempt, attempt.event, (aside and aside.name, *asked))

    def _call(self, recorded: Recorded, event: Taken, who: tuple[Cell, ...]) -> Row:
        asked = event.asked
        came = _failed(event) if isinstance(event, AttemptFailed) else _answered(event)
        what = (asked.prompt.hex(), asked.params.value, asked.seed)
        return (self.run, event.turn, event.attempt, *who, *what, *came, moment(recorded.at), recorded.seq)


def _answered(event: Answered) -> tuple[Cell, ...]:
    first = None if event.first_token_s is None else round(event.first_token_s - event.sent_s, 6)
    times = (event.sent_s, first, round(event.done_s - event.sent_s, 6))
    by = (event.by or None, legal_mass(event.notes.value), event.notes.value)
    used = (event.prompt_tokens, event.answer_tokens, event.cost)
    return ("answered", None, None, event.finish, event.finish == "length", *used, *times, *by, event.raw.value)


def legal_mass(notes: str) -> float | None:
    """What the notes of a call say of it; None if nothing."""
    if '"legal_mass"' not in notes:  # as in most: not worth reading
        return None
    mass = json.loads(notes).get("legal_mass")
    return mass if isinstance(mass, int | float) else None


def _failed(event: AttemptFailed) -> tuple[Cell, ...]:
    times = (event.sent_s, None, round(event.done_s - event.sent_s, 6))
    return ("failed", event.cause, event.detail.value, *[None] * 5, *times, *[None] * 4)


CALLS: Final = Kind(
    name="calls",
    description=(
        "One row for each attempt at a model call that reported back, those of one turn or one question aside "
        "together, in logical order; attempts at turns without an outcome (the run stopped before) come last."
    ),
    columns=(
        RUN,
        _TURN,
        Column("attempt", "integer", "Number of the attempt at this turn, from 1."),
        Column(
            "probe",
            "text",
            "Name of the probe, if an agent was asked aside; `turn` counts the turns before then. ~summary, ~recall or "
            "~rating-N: its memory was made up for that turn; ~powers: it was asked what it does with the powers of "
            "its role.",
        ),
        Column("agent", "text", "Who was asked; no value if a turn has no outcome."),
        Column("channel", "text", "In which channel; no value if the turn has no outcome."),
        Column("round", "integer", "In which round, from 0; no value if the turn has no outcome."),
        Column("prompt_hash", "text", "SHA-256 of the prompt, hexadecimal. `gss show RUN --turn N` prints the prompt."),
        Column("params", "json", "Decoding parameters and stop sequences that were asked for."),
        Column(
            "seed", "integer", "What the model was seeded with: derived from the run's seed, the same for each attempt."
        ),
        Column("outcome", "text", "answered or failed."),
        Column("cause", "text", "Why it failed: timeout, unreachable, refused, denied, too_long, garbled or error."),
        Column("detail", "text", "The failure in words."),
        Column("finish", "text", "Why the answer ended: stop (by itself), length (at max_tokens) or passed."),
        Column("truncated", "flag", "Whether the answer was cut off at max_tokens: finish is length."),
        Column("prompt_tokens", "integer", "Tokens of the prompt; 0 if the backend does not count them."),
        Column("answer_tokens", "integer", "Tokens of the answer; 0 if the backend does not count them."),
        Column(
            "cost",
            "number",
            "What the answer cost at the study's prices, in the currency of table `runs`; no value without a price or "
            "a count of tokens.",
        ),
        Column("queued_s", "number", "Seconds from when the turn fell due until this attempt was sent."),
        Column("first_token_s", "number", "Seconds from sent to the first token; no value if the backend cannot tell."),
        Column("total_s", "number", "Seconds from sent to the last token, or to the failure."),
        Column("answered_by", "text", "Which server or function answered."),
        Column(
            "legal_mass",
            "number",
            "About how much probability the model gave to the options before it was held to them, on [0, 1]; no value "
            "if it did not have to choose or the backend cannot tell. By option: `option_mass` in `notes`.",
        ),
        Column("notes", "json", "What else the backend reported."),
        Column("raw_answer", "text", "The answer as it came, before anything was cut."),
        Column("at", "time", "When it was written to the record."),
        SEQ,
    ),
    fold=_Calls,
)


class _Events(Fold):
    def take(self, step: Step) -> Iterable[Row]:
        recorded = step.recorded
        if recorded is None:
            return ()
        event = recorded.event
        content = _encode(_plain(event))
        turn = getattr(event, "turn", None)
        return ((self.run, recorded.seq, kind_of(event), turn, moment(recorded.at), content),)


def kind_of(event: Event) -> str:
    """The word by which records name this kind of event."""
    kind: Any = type(event)
    return _named(kind)


@lru_cache
def _named(kind: Any) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is Text:
        return value.value
    if kind is bytes:
        return value.hex()
    names = getattr(kind, "_fields", None)  # events are named tuples to the bottom
    parts = [part if type(part) in _AS_IT_IS else _plain(part) for part in value]
    return parts if names is None else dict(zip(names, parts, strict=True))


EVENTS: Final = Kind(
    name="events",
    description="One row for each recorded event, in the order of the log: everything, the study included.",
    columns=(
        RUN,
        SEQ,
        Column(
            "kind",
            "text",
            "run_started, session_started, opened, answered, attempt_failed, spoke, fell_silent, exercised, probed, "
            "intervened, run_ended or session_ended.",
        ),
        Column("turn", "integer", "Number of the turn, from 0; no value if the event belongs to none."),
        Column("at", "time", "When it was written to the record."),
        Column("event", "json", "The event with all its parts; hashes are hexadecimal, times are seconds."),
    ),
    fold=_Events,
)
