"""What follows from a plan, and what a call's hash binds."""

from __future__ import annotations

from hashlib import sha256

import pytest

from genai_social_sim.domain.events import CAUSES, Asked
from genai_social_sim.domain.text import Text
from genai_social_sim.testing.plans import small_channel, small_plan

ASKED = Asked(prompt=b"p" * 32, params=Text.of("{}"), seed=9)


def test_a_round_holds_one_turn_for_each_member_of_each_channel() -> None:
    plan = small_plan(
        small_channel("yard", members="bo"),
        small_channel("hall", members="ada bo cy"),
        small_channel("tub", members="cy ada"),
    )
    assert [channel.name for channel in plan.channels] == ["hall", "tub", "yard"]
    assert (plan.round_size, plan.offsets) == (6, (0, 3, 5))


def test_a_call_is_bound_to_what_was_asked_and_what_came_of_it() -> None:
    by_hand = sha256(b"p" * 32 + sha256(b"{}").digest() + sha256(b"Hi.").digest() + b"9 stop 5 2").digest()
    assert ASKED.bind("stop", Text.of("Hi."), prompt_tokens=5, answer_tokens=2) == by_hand


@pytest.mark.parametrize(
    "change",
    [{"outcome": "length"}, {"text": Text.of("Hi")}, {"prompt_tokens": 6}, {"answer_tokens": 3}],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_an_answer_counts(change: dict[str, object]) -> None:
    given: dict[str, object] = {"outcome": "stop", "text": Text.of("Hi."), "prompt_tokens": 5, "answer_tokens": 2}
    assert ASKED.bind(**{**given, **change}) != ASKED.bind(**given)  # type: ignore[arg-type]


def test_the_causes_of_a_failure_are_known_by_name() -> None:
    assert set(CAUSES) == {
        "passed", "muted", "absent", "closed", "empty", "spoke_for", "unreadable", "wordless",
        "timeout", "unreachable", "refused", "denied", "too_long", "garbled", "error",
    }  # fmt: skip
