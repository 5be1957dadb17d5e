"""What backends give back, in whatever types: the same for both shapes of the package."""

from __future__ import annotations

from typing import Any

import pytest

from genai_social_sim.engine.replies import checked
from genai_social_sim.errors import CompletionError
from genai_social_sim.ports import Answer


class Count:
    """A whole number of some library."""

    def __index__(self) -> int:
        return 3


def test_numbers_of_any_library_become_pythons_own() -> None:
    given: Any = {"prompt_tokens": Count(), "answer_tokens": True, "first_token_s": 2, "legal_mass": 1}
    answer = checked(Answer(text="Hi.", by="mine", **given))
    assert answer == Answer(text="Hi.", by="mine", prompt_tokens=3, answer_tokens=1, first_token_s=2.0, legal_mass=1.0)
    assert [type(value) for value in answer[2:5]] == [int, int, float]
    assert type(answer.legal_mass) is float


def test_what_is_plain_already_is_left_alone() -> None:
    answer = Answer(text="Hi.", prompt_tokens=9)
    assert checked(answer) is answer


@pytest.mark.parametrize(
    "given",
    [
        {"text": None},
        {"text": b"Hi."},
        {"text": "Hi.", "by": None},
        {"text": "Hi.", "finish": "done"},
        {"text": "Hi.", "answer_tokens": 1.5},
        {"text": "Hi.", "first_token_s": float("nan")},
        {"text": "Hi.", "first_token_s": "soon"},
    ],
    ids=repr,
)
def test_what_no_record_can_hold_is_a_bug_of_the_backend(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        checked(Answer(**given))


def test_a_server_may_ask_for_whole_seconds() -> None:
    pause = CompletionError("busy", cause="refused", retry_after_s=30).retry_after_s
    assert (type(pause), pause) == (float, 30.0)
