"""Whether a prompt fits, told from its text."""

from __future__ import annotations

import pytest

from genai_social_sim.backends.fitting import at_least, surely_exceeds
from genai_social_sim.domain.prompt import Message, Prompt
from genai_social_sim.domain.text import Text


def prompt(text: str) -> Prompt:
    return Prompt.of((Message.of("text", (Text.of(text),)),))


def test_a_run_of_one_character_counts_once() -> None:
    assert at_least(prompt("a" * 8000 + "b" * 8000 + "\n" * 80)) == 0
    assert at_least(prompt("ab" * 8000)) == 2000


@pytest.mark.parametrize("text", ["", "ab" * 40, "a" * 80, "a" * 80 + "bc" * 40])
@pytest.mark.parametrize("tokens", [-1, 0, 9, 10, 11, 20, 21])
def test_a_prompt_surely_exceeds_what_is_less_than_it_has_at_least(text: str, tokens: int) -> None:
    assert surely_exceeds(prompt(text), tokens) == (at_least(prompt(text)) > tokens)
