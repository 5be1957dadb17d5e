"""What is told of events."""

import json
from typing import Final

import pytest

from genai_social_sim.domain.events import (
    Answered,
    Asked,
    AttemptFailed,
    Cut,
    Event,
    FellSilent,
    Intervened,
    RunEnded,
    SessionEnded,
    SessionStarted,
    Spoke,
)
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.observers.story import Note, Said, Story, Told

ASKED: Final = Asked(prompt=b"", params=EMPTY, seed=1)
ANSWERED: Final = Answered(
    turn=4,
    attempt=1,
    asked=ASKED,
    raw=Text.of("Well"),
    finish="stop",
    prompt_tokens=1,
    answer_tokens=1,
    sent_s=0.0,
    first_token_s=None,
    done_s=1.0,
    by="",
    notes=EMPTY,
)
FAILED: Final = AttemptFailed(
    turn=4,
    attempt=1,
    asked=ASKED,
    cause="timeout",
    detail=Text.of("no answer within 2 s"),
    sent_s=0.0,
    done_s=2.0,
    final=False,
)
SPOKE: Final = Spoke(
    turn=4, round=2, channel=ChannelId("hall"), agent=AgentId("ADA"), text=Text.of("Well"), call=b"", tokens=2
)
SILENT: Final = FellSilent(
    turn=4, round=2, channel=ChannelId("hall"), agent=AgentId("ADA"), cause="timeout", call=b"", tokens=0
)


def told(*events: Event) -> list[Told]:
    story = Story()
    return [each for event in events for each in story.tell(event)]


def words(*events: Event) -> list[str]:
    return [each.words for each in told(*events) if isinstance(each, Note)]


def test_an_answer_that_ended_at_max_tokens_is_marked() -> None:
    (said,) = told(ANSWERED._replace(finish="length"), SPOKE)
    assert said == Said(channel="hall", speaker="ADA", text="Well", clipped=True)


def test_an_answer_of_its_own_accord_is_not() -> None:
    assert told(ANSWERED, SPOKE) == [Said(channel="hall", speaker="ADA", text="Well")]


def test_a_cut_names_whom_the_answer_went_on_as() -> None:
    cut = Cut(start=0, end=4, why="spoke_for", other="bo")
    assert words(SPOKE._replace(cut=cut)) == ["cut: ADA went on to speak as bo (turn 4)"]
    own = Cut(start=0, end=4, why="spoke_for", other="ADA")
    assert words(SPOKE._replace(cut=own)) == ["cut: ADA began another line of its own (turn 4)"]
    assert words(SPOKE._replace(cut=Cut(start=1, end=4, why="trimmed"))) == []


def test_a_retry_is_told_with_its_cause() -> None:
    assert words(FAILED) == ["turn 4, attempt 1 failed: no answer in time (no answer within 2 s); it is asked again"]


def test_a_silence_after_the_last_attempt_says_why_and_how_often() -> None:
    last = FAILED._replace(attempt=2, final=True)
    assert words(last, SILENT) == ["ADA said nothing: no answer in time (no answer within 2 s), 2 attempts (turn 4)"]


def test_words_in_the_place_of_an_answer_are_marked() -> None:
    last = FAILED._replace(final=True)
    assert words(last, SPOKE._replace(stand_in="timeout")) == [
        "ADA was made to say this: no answer in time (no answer within 2 s), 1 attempt (turn 4)"
    ]


def test_what_befalls_the_run_is_told() -> None:
    assert words(
        RunEnded(reason="12 turns", turns=12),
        RunEnded(reason="silence of 2 rounds", turns=12),
        SessionStarted(resumed=False, about=EMPTY),
        SessionStarted(resumed=True, about=EMPTY),
        SessionEnded(status="finished", detail=EMPTY),
        SessionEnded(status="interrupted", detail=EMPTY),
        SessionEnded(status="failed", detail=Text.of("ValueError: x")),
    ) == [
        "the end: 12 turns",
        "the end: 12 turns; silence of 2 rounds",
        "goes on where it stopped",
        "interrupted",
        "failed: ValueError: x",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ('{"kind":"mute","agents":["bo","cy"],"lifted":false}', "muted: bo, cy (intervention 2)"),
        ('{"kind":"mute","agents":["bo"],"lifted":true}', "given a voice again: bo (intervention 2)"),
        (f'{{"kind":"remove","agents":{json.dumps(["x"] * 300)}}}', "gone: 300 agents (intervention 2)"),
        (
            '{"kind":"change_sampling","agents":["bo"],"temperature":0.5}',
            "asked otherwise (temperature 0.5): bo (intervention 2)",
        ),
        (
            '{"kind":"change_topic","channels":["hall"],"topic":"fish"}',
            "the topic of hall is now: fish (intervention 2)",
        ),
    ],
)
def test_a_change_is_told_in_words(change: str, expected: str) -> None:
    assert words(Intervened(turn=3, number=2, change=Text.of(change))) == [expected]
