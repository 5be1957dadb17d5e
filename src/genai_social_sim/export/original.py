"""The two tables of the program that this one follows, their columns' names kept and their numbers defined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    FellSilent,
    Intervened,
    Opened,
    Outcome,
    RunStarted,
    Spoke,
)
from genai_social_sim.export.facts import Facts
from genai_social_sim.export.kinds import Fold, Kind, moment
from genai_social_sim.export.source import Source, Step
from genai_social_sim.export.tables import Column, Row
from genai_social_sim.export.transcript import RUN
from genai_social_sim.ports import Recorded


class _Chat(Fold):
    takes = (Spoke, Opened, Intervened)

    def take(self, step: Step) -> Iterable[Row]:
        recorded = step.recorded
        if recorded is None:
            return
        name, at = f"{self.run}:{recorded.seq}", moment(recorded.at)
        match recorded.event:
            case Spoke() as event if event.feed is None:  # else it is an act in a forum
                said = (event.channel, event.agent, event.text.value)
                yield (*said, name, event.turn, event.round, at, self.run, event.stand_in is not None, event.to)
            case Opened() as event:
                yield (event.channel, event.speaker, event.text.value, name, None, None, at, self.run, False, None)
            case Intervened() as event:
                for put_in in event.said:
                    where = (put_in.channel, put_in.speaker, put_in.text.value)
                    yield (*where, f"{name}:{put_in.channel}", None, None, at, self.run, False, None)
            case _:
                pass  # nothing was said


CHAT: Final = Kind(
    name="chat_export",
    description="The original's file: one row for each utterance, openings and broadcasts included. CSV only.",
    columns=(
        Column("channel", "text", "Name of the channel."),
        Column("sender", "text", "Who said it."),
        Column("message", "text", "What was said."),
        Column(
            "id",
            "text",
            "Unique within the export: the run's label, the event's position in its log and for a broadcast the "
            "channel, with colons between.",
        ),
        Column("turn", "integer", "Number of the turn, from 0; no value for an opening."),
        Column("round", "integer", "Round of the channel, from 0; no value for an opening."),
        Column("timestamp", "time", "When it was written to the record."),
        RUN,
        Column("stand_in", "flag", "Whether these are the study's words in place of a failed answer."),
        Column("addressee", "text", "Who alone heard it, of a direct message; no value for what was said to all."),
    ),
    fold=_Chat,
)
_HEARD_IN_PART: Final = ("pairwise", "moderated", "forum", "own")  # not the same by all members


@dataclass(slots=True)
class _Tally:
    """One agent in one channel. Positions count the channel's utterances, the opening included, from 0."""

    generations: int = 0
    turns: int = 0
    silences: int = 0
    stand_ins: int = 0
    failures: int = 0
    retries: int = 0
    truncated: int = 0
    spoke_for: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float = 0.0
    words: int = 0
    characters: int = 0
    own: int = 0  # utterances under its name
    shown: int = 0  # utterances of others that were in a prompt of its
    looked: int = 0  # utterances before this position have been shown to it or never will be
    own_since: list[int] = field(default_factory=list)  # positions >= looked that are its own

    def prompted(self, *, start: int, end: int) -> None:
        """Its prompt held the utterances at `start` <= position < `end`."""
        start = max(start, self.looked)
        if end > start:
            self.shown += end - start - sum([start <= position < end for position in self.own_since])
        self.looked = max(self.looked, end)
        self.own_since = [position for position in self.own_since if position >= self.looked]

    def took(self, recorded: Recorded) -> None:
        """Count an attempt."""
        match recorded.event:
            case Answered() as event:
                self.generations += 1
                self.truncated += event.finish == "length"
                self.prompt_tokens += event.prompt_tokens
                self.answer_tokens += event.answer_tokens
                self.seconds += event.done_s - event.sent_s
            case AttemptFailed():
                self.failures += 1
            case _:
                pass  # no attempt

    def spoke(self, event: Spoke) -> None:
        """Count an utterance."""
        self.turns += 1
        self.stand_ins += event.stand_in is not None
        self.spoke_for += event.cut is not None and event.cut.why == "spoke_for"
        self.words += len(event.text.value.split())
        self.characters += len(event.text.value)


@dataclass(slots=True)
class _Hall:
    """A channel: how much was said, and how much of it those who are asked now can have heard."""

    window: int | None
    simultaneous: bool
    tallies: dict[str, _Tally] = field(default_factory=dict)
    said: int = 0
    heard: int = 0
    round: int = -1  # of the last turn

    def opened(self, event: Opened) -> None:
        """Its opening, or a broadcast."""
        self._say(event.speaker)

    def take(self, event: Outcome, attempts: Sequence[Recorded]) -> None:
        """A turn and what led to it."""
        tally = self.tallies.setdefault(event.agent, _Tally())
        if not self.simultaneous or event.round != self.round:
            self.round, self.heard = event.round, self.said
        if self.window:
            tally.prompted(start=self.heard - self.window, end=self.heard)
        for attempt in attempts:
            tally.took(attempt)
        tally.retries += max(0, len(attempts) - 1)
        if isinstance(event, FellSilent):
            tally.silences += event.cause != "wordless"
        elif event.feed is None:
            tally.spoke(event)
            self._say(event.agent)

    def _say(self, speaker: str) -> None:
        tally = self.tallies.get(speaker)
        if tally is not None:
            tally.own += 1
            if self.window:
                tally.own_since.append(self.said)
        self.said += 1


class Counts:
    """What the original counts of each agent in each channel, over one run's steps."""

    def __init__(self) -> None:
        self._halls: dict[str, _Hall] = {}

    def take(self, step: Step) -> None:
        """Count one more step."""
        match step.recorded.event if step.recorded else None:
            case RunStarted() as event:
                for channel in Facts(event).channels():
                    all_hear = channel.network is None and channel.protocol not in _HEARD_IN_PART and not channel.direct
                    hall = _Hall(channel.window if all_hear else None, channel.protocol == "simultaneous")
                    hall.tallies = {name: _Tally() for name in channel.members}
                    self._halls[channel.name] = hall
            case Opened() as event:
                self._hall(event.channel).opened(event)
            case Intervened() as event:
                for put_in in event.said:
                    self._hall(put_in.channel).opened(put_in)
            case Spoke() | FellSilent() as event:
                self._hall(event.channel).take(event, step.attempts)
            case _:
                pass  # attempts come again with their outcome

    def rows(self) -> Iterator[Row]:
        """The cells of `ANALYTICS`, but for the run."""
        for channel, hall in self._halls.items():
            for agent, tally in hall.tallies.items():
                yield self._row(agent, channel, hall, tally)

    def _hall(self, channel: str) -> _Hall:
        return self._halls.setdefault(channel, _Hall(None, simultaneous=False))

    def _row(self, agent: str, channel: str, hall: _Hall, tally: _Tally) -> Row:
        received = hall.said - tally.own
        ignored = None if hall.window is None else received - tally.shown
        mean = round(tally.seconds / tally.generations, 6) if tally.generations else None
        theirs = (agent, channel, tally.generations, tally.turns, received, ignored, mean)
        failures = (tally.silences, tally.stand_ins, tally.failures, tally.retries, tally.truncated, tally.spoke_for)
        return (*theirs, *failures, tally.prompt_tokens, tally.answer_tokens, tally.words, tally.characters)


class _Analytics(Fold):
    takes = (RunStarted, Opened, Intervened, Spoke, FellSilent)

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._counts = Counts()

    def take(self, step: Step) -> Iterable[Row]:
        self._counts.take(step)
        return ()

    def end(self) -> Iterable[Row]:
        return ((*row, self.run) for row in self._counts.rows())


ANALYTICS: Final = Kind(
    name="analytics_export",
    description=(
        "The original's file: one row for each agent in each channel of which it is a member, over all turns that have "
        "an outcome. CSV only."
    ),
    columns=(
        Column("Bot", "text", "Name of the agent."),
        Column("Channel", "text", "Name of the channel."),
        Column("Generations", "integer", "Answers that its model gave, whatever became of them."),
        Column("Turns", "integer", "Turns in which it spoke: its utterances, stand-ins included."),
        Column(
            "MessagesReceived",
            "integer",
            "Utterances in the channel under other names than its own, the opening included, to the record's end.",
        ),
        Column(
            "MessagesIgnored",
            "integer",
            "Those of MessagesReceived that were in no prompt it was sent in this channel: they had left its memory "
            "window before its next turn, or it had no turn after them. All of them without a memory; no value if the "
            "window is unknown, or where not all members hear all that is said.",
        ),
        Column("AvgProcessingTime", "number", "Mean seconds from sent to done over Generations; no value without any."),
        Column("Silences", "integer", "Turns in which it said nothing."),
        Column("StandIns", "integer", "Of Turns: those with the study's words in place of a failed answer."),
        Column("Failures", "integer", "Attempts at a call that failed."),
        Column("Retries", "integer", "Attempts after the first one of a turn."),
        Column("Truncated", "integer", "Answers that were cut off at max_tokens."),
        Column("SpokeFor", "integer", "Utterances that were cut because the model went on as somebody else."),
        Column("PromptTokens", "integer", "Tokens of the prompts that were answered."),
        Column("AnswerTokens", "integer", "Tokens of the answers."),
        Column("Words", "integer", "Words in its utterances: what stands between white space."),
        Column("Characters", "integer", "Characters in its utterances (Unicode code points)."),
        RUN,
    ),
    fold=_Analytics,
)
