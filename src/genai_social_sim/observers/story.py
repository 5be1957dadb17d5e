"""From events to what is told of them: who said what, and notes on everything else. It prints nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from genai_social_sim.domain.events import (
    Answered,
    Aside,
    AttemptFailed,
    CallKey,
    Cause,
    Event,
    Exercised,
    FellSilent,
    Intervened,
    Notice,
    Noticed,
    Opened,
    Probed,
    Remembered,
    RunEnded,
    RunStarted,
    SessionEnded,
    SessionStarted,
    Spoke,
)
from genai_social_sim.domain.power import POWERS_ASKED, Deed
from genai_social_sim.observers.changes import told_of

CAUSES_IN_WORDS: Final[Mapping[Cause, str]] = {
    "passed": "it passed",
    "muted": "it is muted",
    "absent": "it is not there",
    "closed": "the conversation is closed",
    "empty": "its answer was empty",
    "spoke_for": "it spoke for others only",
    "unreadable": "its answer was none of the options",
    "wordless": "what it had chosen takes no words",
    "timeout": "no answer in time",
    "unreachable": "the model could not be reached",
    "refused": "the model refused",
    "denied": "the model's server does not accept the key",
    "too_long": "the prompt does not fit the model's context",
    "garbled": "the answer could not be read",
    "error": "the model failed",
}
DEEDS_IN_WORDS: Final[Mapping[Deed, str]] = {
    "nothing": "does nothing",
    "choose_next": "gives the floor to",
    "mute": "mutes",
    "unmute": "lets speak again:",
    "close": "closes the conversation",
}
_NOTICED: Final[Mapping[Notice, str]] = {
    "server_down": "a model server does not answer",
    "server_up": "a model server answers again",
    "stalled": "waited for in vain",
    "observer_dropped": "an observer failed and was dropped",
    "broker_away": "the broker is away, everything waits",
    "broker_back": "the broker is back",
    "worker_joined": "a worker joined",
    "worker_refused": "a worker refuses",
    "worker_missing": "no worker",
    "result_unused": "a result was not used",
    "message_dropped": "a message from outside was dropped",
    "sent_again": "handed out again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An utterance or an opening. `clipped`: the answer ended at `max_tokens`.

    `how`: what there is to know beside the speaker's name: whom alone it is for, or which post of a forum it is.
    """

    channel: str
    speaker: str
    text: str
    clipped: bool = False
    how: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Anything else worth telling; `channel` is empty for what concerns the whole run."""

    words: str
    channel: str = ""


Told = Said | Note


class Story:
    """Tells events in the order in which they come; it remembers which answers were clipped until they take effect.

    It counts the posts of forums, if it was there from the beginning of the run.
    """

    def __init__(self) -> None:
        self._posts: dict[str, int] | None = None  # in each forum so far; None: who knows
        self._clipped: set[CallKey] = set()
        self._retries: dict[CallKey, str] = {}  # why the last attempt at a call failed, in words

    def tell(self, event: Event) -> Iterator[Told]:  # noqa: C901, PLR0912 (one line a kind)
        """What there is to tell of one event; nothing for most of those that only say how things came about."""
        match event:
            case Opened():
                yield self._put_in(event)
            case Spoke():
                yield from self._spoke(event)
            case FellSilent(cause="wordless"):
                pass  # its act has been told
            case FellSilent():
                words = f"{event.agent} said nothing: {self._why(event)} (turn {event.turn})"
                yield Note(words=words, channel=event.channel)
            case Answered():
                if event.finish == "length":
                    self._clipped.add(event.key)
            case AttemptFailed():
                yield from self._failed(event)
            case Probed():
                yield Note(words=self._probed(event), channel=event.channel)
            case Exercised():
                yield from self._exercised(event)
            case Remembered():
                yield from self._remembered(event)
            case Intervened():
                yield from map(self._put_in, event.said)
                if event.injected or not event.said:
                    yield Note(words=f"{told_of(event.change.value)} (intervention {event.number})")
            case Noticed():
                first = event.detail.value.partition("\n")[0]  # what follows is for who reads the record
                yield Note(words=f"{_NOTICED[event.what]}: {first}")
            case RunStarted():
                self._posts = dict.fromkeys(_forums_in(event.study.value), 0)
                yield from _of_the_run(event)
            case RunEnded() | SessionStarted() | SessionEnded():
                yield from _of_the_run(event)
            case _ as unknown:
                assert_never(unknown)

    def _spoke(self, event: Spoke) -> Iterator[Told]:
        clipped = event.key in self._clipped
        self._clipped.discard(event.key)
        if event.feed is not None:
            yield from _done(event)
        else:
            how = f"to {event.to} alone" if event.to is not None else self._post(event.channel, event.doing)
            said = event.text.value
            yield Said(channel=event.channel, speaker=event.agent, text=said, clipped=clipped, how=how)
        if event.cut is not None and event.cut.why == "spoke_for":
            own = event.cut.other == event.agent
            how = "began another line of its own" if own else f"went on to speak as {event.cut.other}"
            yield Note(words=f"cut: {event.agent} {how} (turn {event.turn})", channel=event.channel)
        if event.stand_in is not None:
            why = self._retries.pop(event.key, CAUSES_IN_WORDS[event.stand_in])
            words = f"{event.agent} was made to say this: {why} (turn {event.turn})"
            yield Note(words=words, channel=event.channel)

    def _put_in(self, event: Opened) -> Said:
        """An opening or a broadcast, in a forum a thread."""
        here = self._posts is not None and event.channel in self._posts
        how = self._post(event.channel, "post") if here else ""
        return Said(channel=event.channel, speaker=event.speaker, text=event.text.value, how=how)

    def _post(self, channel: str, doing: str) -> str:
        """Which post of a forum these words are; empty for what is none."""
        if not doing:
            return ""
        known = []
        if self._posts is not None:
            self._posts[channel] = self._posts.get(channel, 0) + 1
            known = [f"#{self._posts[channel]}"]
        return ", ".join([*known, *([f"in reply to #{doing.rpartition(' ')[2]}"] if doing != "post" else [])])

    def _failed(self, event: AttemptFailed) -> Iterator[Told]:
        why = CAUSES_IN_WORDS[event.cause] + (f" ({event.detail.value})" if event.detail.value else "")
        if event.final:
            self._retries[event.key] = f"{why}, {_counted(event.attempt, 'attempt')}"
        else:
            call = f"turn {event.turn}" if event.aside is None else _named(event.aside)
            yield Note(words=f"{call}, attempt {event.attempt} failed: {why}; it is asked again")

    def _probed(self, event: Probed) -> str:
        asked = f"asked aside ({event.probe}), {event.agent}"
        clipped = " [cut at max_tokens]" if event.key in self._clipped else ""
        self._clipped.discard(event.key)
        if event.cause is None:
            return f"{asked} answers: {event.text.value}{clipped}"
        return f"{asked} does not answer: {self._retries.pop(event.key, CAUSES_IN_WORDS[event.cause])}"

    def _exercised(self, event: Exercised) -> Iterator[Note]:
        self._clipped.discard(event.key)
        if event.cause is not None:
            why = self._retries.pop(event.key, CAUSES_IN_WORDS[event.cause])
            yield Note(words=f"{event.agent} makes no use of its powers: {why}", channel=event.channel)
        elif event.deed != "nothing":
            words = " ".join([event.agent, DEEDS_IN_WORDS[event.deed], event.whom or ""]).rstrip()
            yield Note(words=f"{words} (its power, after turn {event.turn - 1})", channel=event.channel)

    def _remembered(self, event: Remembered) -> Iterator[Note]:
        self._clipped.discard(event.key)
        if event.cause is not None:
            why = self._retries.pop(event.key, CAUSES_IN_WORDS[event.cause])
            words = f"nothing new is remembered by {event.agent}: {why} (turn {event.turn})"
            yield Note(words=words, channel=event.channel)

    def _why(self, event: FellSilent) -> str:
        self._clipped.discard(event.key)
        return self._retries.pop(event.key, CAUSES_IN_WORDS[event.cause])


def _named(aside: Aside) -> str:
    if aside.name == POWERS_ASKED:
        return f"powers of {aside.agent}"
    return f"memory of {aside.agent}" if aside.name.startswith("~") else f"probe {aside.name} of {aside.agent}"


def _of_the_run(event: RunStarted | RunEnded | SessionStarted | SessionEnded) -> Iterator[Note]:
    match event:
        case RunStarted():
            yield Note(words=f"{_name_in(event.study.value)}, seed {event.seed}")
        case RunEnded():
            turns = _counted(event.turns, "turn")
            yield Note(words=f"the end: {turns}" + ("" if event.reason == turns else f"; {event.reason}"))
        case SessionStarted(resumed=True):
            yield Note(words="goes on where it stopped")
        case SessionEnded(status="failed"):
            yield Note(words=f"failed: {event.detail.value}")
        case SessionEnded(status="interrupted"):
            yield Note(words="interrupted")
        case _:
            pass  # a first session, or one that played to the end


def _done(event: Spoke) -> Iterator[Note]:
    """An act in a forum that is told by itself, a vote; of others their words tell."""
    verb, _, post = event.text.value.partition(" ")
    if verb in ("upvote", "downvote") and event.stand_in is None:
        yield Note(words=f"{event.agent} votes #{post} {verb.removesuffix('vote')}", channel=event.channel)


def _forums_in(study: str) -> list[str]:
    try:
        channels = json.loads(study)["channels"]
        return [name for name, channel in channels.items() if channel["protocol"]["kind"] == "forum"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _name_in(study: str) -> str:
    try:
        return str(json.loads(study)["name"])
    except (ValueError, KeyError, TypeError):
        return "a study without a name"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
