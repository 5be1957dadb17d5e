"""What becomes of a turn."""

from __future__ import annotations

import pytest
from hypothesis import given

from genai_social_sim.domain.events import (
    CAUSES,
    Answered,
    Asked,
    AttemptFailed,
    Cut,
    Exercised,
    FellSilent,
    Finish,
    Outcome,
    Probed,
    Spoke,
)
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.plan import Timeouts
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.outcome import outcome_of
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.testing.plans import small_plan
from genai_social_sim.testing.strategies import utterances

TURN = Turn(number=4, channel=ChannelId("hall"), channel_no=0, round=1, position=1, agent=AgentId("bo"))
ASKED = Asked(prompt=bytes(32), params=Text.of("{}"), seed=3)
ANSWERED = Answered(
    turn=4,
    attempt=1,
    asked=ASKED,
    raw=Text.of("Yes."),
    finish="stop",
    prompt_tokens=30,
    answer_tokens=2,
    sent_s=0.0,
    first_token_s=None,
    done_s=1.0,
    by="",
    notes=Text.of("{}"),
)
FAILED = AttemptFailed(
    turn=4, attempt=3, asked=ASKED, cause="timeout", detail=Text.of("late"), sent_s=0.0, done_s=9.0, final=True
)


def of_answer(raw: str, finish: Finish = "stop") -> Outcome | Exercised | Probed | None:
    return outcome_of(Stage(small_plan()), TURN, ANSWERED._replace(raw=Text.of(raw), finish=finish))


def of_failure(timeouts: Timeouts) -> Outcome | Exercised | Probed | None:
    return outcome_of(Stage(small_plan(timeouts=timeouts)), TURN, FAILED)


def test_an_answer_is_what_was_said_and_is_bound_to_its_call() -> None:
    call = ASKED.bind("stop", Text.of("Yes."), prompt_tokens=30, answer_tokens=2)
    assert of_answer("Yes.") == Spoke(
        turn=4,
        round=1,
        channel=ChannelId("hall"),
        agent=AgentId("bo"),
        text=Text.of("Yes."),
        call=call,
        tokens=32,
    )


def test_a_cut_is_on_the_record_beside_what_was_kept() -> None:
    outcome = of_answer("bo: Yes. \nada: No.")
    assert isinstance(outcome, Spoke)
    assert outcome.text.value == "Yes."
    assert outcome.cut == Cut(start=4, end=8, why="spoke_for", other="ada")


@pytest.mark.parametrize(
    ("raw", "finish", "cause"),
    [
        ("", "stop", "empty"),
        (" \n ", "stop", "empty"),
        ("bo: ", "stop", "empty"),
        ("", "length", "empty"),
        ("ada: I speak for bo.", "stop", "spoke_for"),
        ("", "passed", "passed"),
        ("Never mind.", "passed", "passed"),
    ],
)
def test_an_answer_without_words_is_a_silence_with_a_cause(raw: str, finish: Finish, cause: str) -> None:
    outcome = of_answer(raw, finish)
    assert isinstance(outcome, FellSilent)
    assert (outcome.cause, outcome.tokens) == (cause, 32)
    assert outcome.call == ASKED.bind(finish, Text.of(raw), prompt_tokens=30, answer_tokens=2)


def test_an_answer_that_was_cut_at_max_tokens_is_said_as_far_as_it_goes() -> None:
    outcome = of_answer("Yes, beca", "length")
    assert isinstance(outcome, Spoke)
    assert outcome.text.value == "Yes, beca"


def test_a_failure_is_skipped_as_a_silence() -> None:
    outcome = of_failure(Timeouts(on_failure="skip"))
    assert isinstance(outcome, FellSilent)
    assert (outcome.cause, outcome.tokens) == ("timeout", 0)
    assert outcome.call == ASKED.bind("timeout", EMPTY, prompt_tokens=0, answer_tokens=0)


def test_a_failure_stops_the_run() -> None:
    assert of_failure(Timeouts(on_failure="stop")) is None


def test_a_failure_is_covered_by_the_words_that_the_study_gives() -> None:
    outcome = of_failure(Timeouts(on_failure="say", say="No comment."))
    assert isinstance(outcome, Spoke)
    assert (outcome.text.value, outcome.stand_in, outcome.tokens) == ("No comment.", "timeout", 0)


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_of_a_failure_has_a_call_of_its_own(cause: str) -> None:
    stage = Stage(small_plan())
    others = [outcome_of(stage, TURN, FAILED._replace(cause=other)) for other in CAUSES if other != cause]
    (own,) = [outcome_of(stage, TURN, FAILED._replace(cause=cause))]  # type: ignore[arg-type]
    assert own is not None
    assert own.call not in {other.call for other in others if other}


@given(utterances())
def test_the_same_answer_always_becomes_the_same(raw: str) -> None:
    assert of_answer(raw) == of_answer(raw)
