"""A chain that fits is not enough: `verify` also finds events that do not follow from each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from genai_social_sim.domain.events import Answered, RunEnded, Spoke
from genai_social_sim.domain.prompt import Message, Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.eventlog.verification import Verdict, verify
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.ports import Entry
from genai_social_sim.testing.event_logs import StoppedClock, small_log

OTHER = Prompt.of((Message.of("text", (Text.of("another prompt"),)),))
Forge = Callable[[list[Entry]], list[Entry]]


def forged(path: Path, forge: Forge) -> Verdict:
    """A record of other events, written by the writer itself, so that every hash fits."""
    with closing(SqliteLog(path, durability="process", clock=StoppedClock(), create=True)) as log:
        log.append(forge(small_log(3)))
    return verify(path)


def each(kind: type, change: Callable[[Entry], Entry]) -> Forge:
    return lambda entries: [change(entry) if isinstance(entry.event, kind) else entry for entry in entries]


def without(kind: type) -> Forge:
    return lambda entries: [entry for entry in entries if not isinstance(entry.event, kind)]


def spoke(entry: Entry, **change: object) -> Entry:
    assert isinstance(entry.event, Spoke)
    return Entry(entry.event._replace(**change))  # type: ignore[arg-type]


CASES: dict[str, tuple[Forge, int, str]] = {
    "no answer before it": (without(Answered), 3, "does not follow from the recorded answer"),
    "another call": (each(Spoke, lambda entry: spoke(entry, call=bytes(32))), 4, "does not follow"),
    "another turn": (lambda entries: [*entries[:3], *entries[5:]], 4, "is turn 1, but turn 0 is next"),
    "said twice": (lambda entries: [*entries[:5], *entries[3:]], 6, "is turn 0, but turn 1 is next"),
    "another prompt": (each(Answered, lambda entry: Entry(entry.event, OTHER)), 3, "prompt of event 3 was changed"),
    "no prompt": (each(Answered, lambda entry: Entry(entry.event)), 3, "prompt of event 3 was changed"),
    "a prompt too many": (each(Spoke, lambda entry: Entry(entry.event, OTHER)), 4, "a spoke event has no prompt"),
    "gone on after its end": (lambda entries: [*entries, *entries[3:5]], 12, "after the run had ended"),
    "ended twice": (lambda entries: [*entries[:-1], *entries[-2:]], 10, "after the run had ended"),
}


@pytest.mark.parametrize("case", CASES)
def test_events_that_do_not_follow_from_each_other_are_found(case: str, tmp_path: Path) -> None:
    forge, event, words = CASES[case]
    verdict = forged(tmp_path / "run.sqlite", forge)
    assert (verdict.ok, verdict.event) == (False, event), verdict
    assert words in verdict.problem


def test_what_the_writer_is_given_as_it_happened_is_good(tmp_path: Path) -> None:
    verdict = forged(tmp_path / "run.sqlite", list)
    assert (verdict.ok, verdict.turns, verdict.status, verdict.problem) == (True, 3, "finished", "")


def test_a_run_that_goes_on_is_good_as_far_as_it_is(tmp_path: Path) -> None:
    for length in range(1, len(small_log(3))):
        verdict = forged(tmp_path / f"{length}.sqlite", lambda entries: entries[:length])  # noqa: B023 (used at once)
        assert (verdict.ok, verdict.events) == (True, length), verdict
    assert verdict.status == "finished"
    assert isinstance(small_log(3)[length - 1].event, RunEnded)
