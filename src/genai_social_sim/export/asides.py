"""Kinds of tables with a row for each thing that happened between turns: answers to probes, and interventions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from genai_social_sim.domain.events import Exercised, Intervened, Probed, Remembered
from genai_social_sim.export.kinds import Fold, Kind, moment
from genai_social_sim.export.source import Step
from genai_social_sim.export.tables import Column, Row
from genai_social_sim.export.transcript import RUN, SEQ, legal_mass
from genai_social_sim.kernel.memory import kind_of

_BEFORE: Final = Column("turn", "integer", "Turns that had been taken before, in all channels.")
_AT: Final = Column("at", "time", "When it was written to the record.")


class _Probes(Fold):
    takes = (Probed,)

    def take(self, step: Step) -> Iterable[Row]:
        recorded = step.recorded
        event = recorded.event if recorded else None
        if recorded is None or not isinstance(event, Probed):
            return ()
        answer = step.answer
        mass, raw = (legal_mass(answer.notes.value), answer.raw.value) if answer else (None, None)
        where = (self.run, recorded.seq, event.turn, event.round, event.probe, event.channel, event.agent)
        text = None if event.cause else event.text.value
        return ((*where, text, event.choice, event.cause, event.tokens, mass, raw, moment(recorded.at)),)


PROBES: Final = Kind(
    name="probes",
    description="One row for each agent that was asked aside, whatever came of it, in the order of the log.",
    columns=(
        RUN,
        SEQ,
        _BEFORE,
        Column("round", "integer", "Rounds of all channels that had been completed."),
        Column("probe", "text", "Name of the probe."),
        Column("channel", "text", "Name of the channel whose conversation the question followed."),
        Column("agent", "text", "Name of the agent."),
        Column("text", "text", "What it answered; no value if `cause` says why not."),
        Column("choice", "text", "The option or number that this names; no value where anything could be said."),
        Column(
            "cause",
            "text",
            "Why there is no answer: passed, empty, spoke_for, unreadable, absent or the failure of its last attempt.",
        ),
        Column("tokens", "integer", "Tokens of prompt and answer together, as the backend counted them."),
        Column("legal_mass", "number", "As in table `calls`."),
        Column("raw_text", "text", "The model's whole answer as it came; no value if it gave none."),
        _AT,
    ),
    fold=_Probes,
)


class _Powers(Fold):
    takes = (Exercised,)

    def take(self, step: Step) -> Iterable[Row]:
        recorded = step.recorded
        event = recorded.event if recorded else None
        if recorded is None or not isinstance(event, Exercised):
            return ()
        answer = step.answer
        mass, raw = (legal_mass(answer.notes.value), answer.raw.value) if answer else (None, None)
        where = (self.run, recorded.seq, event.turn, event.round, event.channel, event.agent)
        return ((*where, event.deed, event.whom, event.cause, event.tokens, mass, raw, moment(recorded.at)),)


POWERS: Final = Kind(
    name="powers",
    description="One row for each time an agent was asked what it does with its powers, in the order of the log.",
    columns=(
        RUN,
        SEQ,
        _BEFORE,
        Column("round", "integer", "Rounds of all channels that had been completed."),
        Column("channel", "text", "Name of the channel in which it has them."),
        Column("agent", "text", "Name of the agent."),
        Column("deed", "text", "What it did: nothing, choose_next, mute, unmute or close."),
        Column("whom", "text", "Whom that concerns; no value if nobody."),
        Column(
            "cause",
            "text",
            "Why it did nothing: unreadable, empty, passed, absent, muted, closed or the failure of its last attempt.",
        ),
        Column("tokens", "integer", "Tokens of prompt and answer together, as the backend counted them."),
        Column("legal_mass", "number", "As in table `calls`."),
        Column("raw_text", "text", "The model's whole answer as it came; no value if it gave none."),
        _AT,
    ),
    fold=_Powers,
)


class _Memories(Fold):
    takes = (Remembered,)

    def take(self, step: Step) -> Iterable[Row]:
        recorded = step.recorded
        event = recorded.event if recorded else None
        if recorded is None or not isinstance(event, Remembered):
            return ()
        raw = step.answer.raw.value if step.answer else None
        where = (self.run, recorded.seq, event.turn, event.round, event.channel, event.agent)
        kind = kind_of(event.aside)
        made = [
            event.text.value if kind == each and not event.cause else None for each in ("summary", "recall", "rating")
        ]
        return ((*where, kind, *made, event.cause, event.tokens, raw, moment(recorded.at)),)


MEMORIES: Final = Kind(
    name="memories",
    description="One row for each time an agent's memory was made up before its turn, in the order of the log.",
    columns=(
        RUN,
        SEQ,
        Column("turn", "integer", "The turn for which it was made up."),
        Column("round", "integer", "The round of that turn, from 0."),
        Column("channel", "text", "Name of the channel."),
        Column("agent", "text", "Name of the agent."),
        Column("kind", "text", "summary; or recall and rating, for a memory that looks things up."),
        Column("summary", "text", "The new summary, as the model gave it; no value for another kind."),
        Column(
            "recalled",
            "json",
            "What came to mind, a list: each line's position among those looked through (`at`), in a forum the number "
            "of the `post`, its turn (-1: an opening or a broadcast), its speaker, and the sum of relevance, recency "
            "and importance (`score`).",
        ),
        Column(
            "rated",
            "json",
            "How important its model found one line: its position (`at`), `post`, turn and speaker as for `recalled`, "
            "and `rating`, from 1 to 10.",
        ),
        Column(
            "cause", "text", "Why nothing came of it: passed, empty, unreadable, or the failure of its last attempt."
        ),
        Column("tokens", "integer", "Tokens of prompt and answer together, as the backend counted them."),
        Column("raw_text", "text", "The whole answer as it came: the model's, or the encoder's list of likenesses."),
        _AT,
    ),
    fold=_Memories,
)


class _Interventions(Fold):
    takes = (Intervened,)

    def take(self, step: Step) -> Iterable[Row]:
        recorded = step.recorded
        event = recorded.event if recorded else None
        if recorded is None or not isinstance(event, Intervened):
            return ()
        what = (event.number, _kind(event.change.value), event.change.value)
        return ((self.run, recorded.seq, event.turn, *what, moment(recorded.at)),)


def _kind(change: str) -> str:
    """As study files call it."""
    told = json.loads(change)
    kind = str(told.get("kind", "")).removeprefix("change_")
    return "unmute" if kind == "mute" and told.get("lifted") else kind


INTERVENTIONS: Final = Kind(
    name="interventions",
    description="One row for each planned change that took effect, in the order of the log.",
    columns=(
        RUN,
        SEQ,
        _BEFORE,
        Column("number", "integer", "Position of the intervention in the study, from 0."),
        Column(
            "kind",
            "text",
            "As in the study: broadcast, inject, mute, unmute, remove, admit, persona, topic, sampling, role, model, "
            "add_edges, remove_edges or network.",
        ),
        Column("change", "json", "The change in full."),
        _AT,
    ),
    fold=_Interventions,
)
