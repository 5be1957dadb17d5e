"""Reading choices: what was chosen, and how much the model wanted any of them."""

from __future__ import annotations

import math

import pytest

from genai_social_sim.backends.choices import Token, chosen, grammar, legal_mass
from genai_social_sim.errors import CompletionError

HALF, QUARTER = math.log(0.5), math.log(0.25)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("yes", "yes"),
        (' "yes" ', "yes"),
        ('{"answer": "no"}', "no"),
        ("Yes.", "yes"),
        ("'NO'", "no"),
        ("-2", "-2"),
        ('{"answer": -2}', "-2"),
    ],
)
def test_a_choice_is_read_from_json_quotes_and_words(said: str, read: str) -> None:
    assert chosen(said, ("yes", "no", "-2")) == read


@pytest.mark.parametrize("said", ["", "yes and no", "maybe", "[1", '{"other": "yes"}', "YES"])
def test_what_is_no_choice_is_garbled_for_good(said: str) -> None:
    choices = ("yes", "Yes") if said == "YES" else ("yes", "no")
    with pytest.raises(CompletionError) as caught:
        chosen(said, choices)
    assert (caught.value.cause, caught.value.retry) == ("garbled", False)


def test_the_mass_is_that_of_tokens_that_begin_a_choice() -> None:
    first = Token.of("ye", HALF, [("ye", HALF), ("no", QUARTER), ("perhaps", QUARTER / 2)])
    assert legal_mass([first, Token.of("s", 0.0, [])], ("yes", "no")) == pytest.approx(0.75)


def test_the_mass_is_taken_where_the_answer_stands_within_json() -> None:
    opening = [Token.of(text, -9.0, [("Well", -0.1)]) for text in ('{"', "answer", '":', ' "')]
    first = Token.of("yes", HALF, [("no", QUARTER), ("x", QUARTER)])
    assert legal_mass([*opening, first], ("yes", "no")) == pytest.approx(0.75)
    assert legal_mass([Token.of('"', -7.0, []), first], ("yes", "no")) == pytest.approx(0.75)


def test_a_longer_number_is_not_a_choice() -> None:
    first = Token.of("1", HALF, [("10", QUARTER), (" 1", QUARTER)])
    assert legal_mass([first], ("1", "2")) == pytest.approx(0.75)


def test_without_alternatives_there_is_no_mass() -> None:
    assert legal_mass([], ("yes",)) is None
    assert legal_mass([Token.of("yes", None, [])], ("yes",)) is None
    assert legal_mass([Token.of("yes", math.nan, [])], ("yes",)) is None


def test_a_grammar_quotes_its_choices() -> None:
    assert grammar(('say "hi"', "ä")) == 'root ::= "say \\"hi\\"" | "ä"'
