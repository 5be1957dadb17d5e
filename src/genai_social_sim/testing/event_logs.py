"""The examination of a log and its reader: what every `EventLog` and `EventReader` has to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final, Protocol

from genai_social_sim.domain.events import (
    Answered,
    Asked,
    Event,
    FellSilent,
    Logical,
    Opened,
    RunEnded,
    RunStarted,
    SessionEnded,
    SessionStarted,
    Spoke,
)
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.prompt import Message, Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.ports import Clock, Entry, EventLog, EventReader

UNWRITABLE: Final = "\ud800"  # half a surrogate pair, which UTF-8 cannot hold


class LogPlace(Protocol):
    """Where one log is kept; opening it again goes on where it ends."""

    def open_log(self, clock: Clock) -> EventLog:
        """Open it to append."""

    def open_reader(self) -> EventReader:
        """Open it to read, also while it is open to append."""


NewPlace = Callable[[], LogPlace]


class StoppedClock:
    """Shows one time for ever."""

    def __init__(self, seconds: float = 1_700_000_000.125) -> None:
        self.seconds = seconds

    def now(self) -> float:
        """That time."""
        return self.seconds

    def elapsed(self) -> float:
        """That time."""
        return self.seconds


def small_log(turns: int = 3) -> list[Entry]:
    """A whole run as entries: `ada` says the same thing each turn, in answer to prompts that share their pieces."""
    head = Message.of("system", (Text.of("You are ada."), Text.of("\n")))
    entries = [
        Entry(RunStarted(study=Text.of('{"name":"small"}'), seed=2**53)),
        Entry(SessionStarted(resumed=False, about=Text.of('{"python":"3"}'))),
        Entry(Opened(channel=ChannelId("hall"), speaker="system", text=Text.of("Begin: \0 \U0001f600 ''\n\r\n"))),
    ]
    for turn in range(turns):
        messages = (head, *[Message.of("user", (Text.of("ada: "), Text.of("Hello."), Text.of("\n")))] * turn)
        entries += _turn(turn, Prompt.of(messages))
    entries.append(Entry(RunEnded(reason=f"{turns} turns", turns=turns)))
    return [*entries, Entry(SessionEnded(status="finished", detail=Text.of("")))]


def _turn(turn: int, prompt: Prompt) -> list[Entry]:
    asked = Asked(prompt=prompt.digest, params=Text.of('{"max_tokens":9}'), seed=turn)
    answer = Answered(
        turn=turn,
        attempt=1,
        asked=asked,
        raw=Text.of("Hello."),
        finish="stop",
        prompt_tokens=5,
        answer_tokens=2,
        sent_s=0.000001,
        first_token_s=None if turn % 2 else 0.5,
        done_s=1.25,
        by='a "server"',
        notes=Text.of("{}"),
    )
    call = asked.bind("stop", answer.raw, prompt_tokens=5, answer_tokens=2)
    where = {"turn": turn, "round": turn, "channel": ChannelId("hall"), "agent": AgentId("ada")}
    spoke = Spoke(**where, text=answer.raw, call=call, tokens=7)  # type: ignore[arg-type]
    return [Entry(answer, prompt), Entry(spoke)]


async def check_reads_back_equal(new_place: NewPlace, entries: Sequence[Entry] | None = None) -> None:
    """What was appended is read back equal: events, positions, times and prompts."""
    entries = small_log() if entries is None else entries
    place, clock = new_place(), StoppedClock()
    with closing(place.open_log(clock)) as log:
        log.append(entries[:2])
        log.append(entries[2:])
        _check_holds(place, entries, clock.seconds)


async def check_empty_log_reads_as_empty(new_place: NewPlace) -> None:
    """A log without events has none, and no prompt."""
    place = new_place()
    with closing(place.open_log(StoppedClock())) as log:
        log.append([])
        with closing(place.open_reader()) as reader:
            assert list(reader.events()) == []
            assert reader.prompt(0) is None


async def check_survives_reopening(new_place: NewPlace, entries: Sequence[Entry] | None = None) -> None:
    """An event that was appended survives closing, and a log that is opened again goes on with the same digest."""
    entries = small_log() if entries is None else entries
    whole, parts, clock = new_place(), new_place(), StoppedClock()
    with closing(whole.open_log(clock)) as log:
        log.append(entries)
        digest = log.digest
    for entry in entries:
        with closing(parts.open_log(clock)) as log:
            log.append([entry])
    with closing(parts.open_log(clock)) as log:
        assert log.digest == digest, "the digest depends on how often the log was opened"
    _check_holds(parts, entries, clock.seconds)


async def check_digest_knows_no_time(new_place: NewPlace) -> None:
    """Two logs of the same logical events have the same digest, whenever and however they were written."""
    entries = small_log()
    slow = [Entry(_slower(entry.event), entry.prompt) for entry in entries]
    digests = []
    for events, clock in ((entries, StoppedClock()), (slow, StoppedClock(0.0))):
        with closing(new_place().open_log(clock)) as log:
            for entry in events:
                log.append([entry])
            digests.append(log.digest)
    assert digests[0] == digests[1], "the digest depends on clocks, servers or sessions"


async def check_digest_knows_every_logical_event(new_place: NewPlace) -> None:
    """Leaving out or repeating a logical event changes the digest; leaving out another does not."""
    entries = small_log(2)
    digest = _digest(new_place(), entries)
    for at, entry in enumerate(entries):
        without = _digest(new_place(), [*entries[:at], *entries[at + 1 :]])
        assert (without != digest) == isinstance(entry.event, Logical), f"the digest without {entry.event}"


async def check_all_or_none(new_place: NewPlace) -> None:
    """Of entries of which one cannot be written none is, and the log works as if they had never been tried."""
    entries, bad = small_log(), Opened(channel=ChannelId("hall"), speaker=UNWRITABLE, text=Text.of("x"))
    place, clock = new_place(), StoppedClock()
    with closing(place.open_log(clock)) as log:
        log.append(entries[:4])
        before = log.digest
        for batch in ([entries[4], Entry(bad)], [Entry(bad)], [*entries[4:], Entry(bad)]):
            try:
                log.append(batch)
            except Exception:  # noqa: BLE001 (which one is the adapter's choice)
                assert log.digest == before, "the digest has moved on although nothing was appended"
            else:
                raise AssertionError("a text that cannot be written was taken")
        log.append(entries[4:])
        after = log.digest
    _check_holds(place, entries, clock.seconds)
    assert after == _digest(new_place(), entries), "the digest remembers what was not appended"


async def check_reads_while_writing(new_place: NewPlace) -> None:
    """A reader sees what was appended since it began, and goes on after any position."""
    entries = small_log()
    place = new_place()
    with closing(place.open_log(StoppedClock())) as log, closing(place.open_reader()) as reader:
        seen = -1
        for entry in entries:
            log.append([entry])
            fresh = list(reader.events(after=seen))
            assert [recorded.event for recorded in fresh] == [entry.event], "a reader missed an event"
            seen = fresh[-1].seq
        assert [recorded.seq for recorded in reader.events(after=2)] == list(range(3, len(entries)))


async def check_latest_prompt_of_a_turn(new_place: NewPlace) -> None:
    """The prompt of a turn is that of its last call; a turn without a call has none."""
    place = new_place()
    first, second = (Prompt.of((Message.of("text", (Text.of(words),)),)) for words in ("one", "two"))
    with closing(place.open_log(StoppedClock())) as log, closing(place.open_reader()) as reader:
        log.append([_turn(4, first)[0], _turn(4, second)[0]])
        assert reader.prompt(4) == second
        assert reader.prompt(5) is None


async def check_closed_twice(new_place: NewPlace) -> None:
    """Closing again is harmless."""
    place = new_place()
    log = place.open_log(StoppedClock())
    log.append(small_log())
    reader = place.open_reader()
    for _ in range(2):
        reader.close()
        log.close()


CHECKS: Final = (
    check_reads_back_equal,
    check_empty_log_reads_as_empty,
    check_survives_reopening,
    check_digest_knows_no_time,
    check_digest_knows_every_logical_event,
    check_all_or_none,
    check_reads_while_writing,
    check_latest_prompt_of_a_turn,
    check_closed_twice,
)


def _digest(place: LogPlace, entries: Sequence[Entry]) -> bytes:
    with closing(place.open_log(StoppedClock())) as log:
        log.append(entries)
        return log.digest


def _slower(event: Event) -> Event:
    match event:
        case Answered():
            return event._replace(attempt=9, sent_s=7.5, first_token_s=8.0, done_s=9.0, by="elsewhere")
        case SessionStarted():
            return event._replace(about=Text.of('{"python":"4"}'))
        case FellSilent() | _:
            return event


def _check_holds(place: LogPlace, entries: Sequence[Entry], at: float) -> None:
    with closing(place.open_reader()) as reader:
        found = list(reader.events())
        assert [recorded.event for recorded in found] == [entry.event for entry in entries]
        assert [recorded.seq for recorded in found] == list(range(len(entries)))
        assert {recorded.at for recorded in found} <= {at}
        calls = [(entry.event, entry.prompt) for entry in entries if isinstance(entry.event, Answered)]
        prompts = {event.turn: prompt for event, prompt in calls if event.aside is None}
        for turn, prompt in prompts.items():
            assert reader.prompt(turn) == prompt, f"the prompt of turn {turn} is not the one that was sent"
