"""Choices put to a model: how it is held to them, and how much it wanted each of them."""

from __future__ import annotations

import math

from genai_social_sim.backends.choices import Token, Wanted, grammar, wanted

HALF, QUARTER = math.log(0.5), math.log(0.25)


def of(*tokens: Token, choices: tuple[str, ...] = ("yes", "no")) -> Wanted:
    found = wanted(tokens, choices)
    assert found is not None
    return found


def test_the_mass_is_that_of_tokens_that_begin_a_choice() -> None:
    first = Token.of("ye", HALF, [("ye", HALF), ("no", QUARTER), ("perhaps", QUARTER / 2)])
    assert of(first, Token.of("s", 0.0, [])) == Wanted(0.75, (0.5, 0.25))


def test_the_mass_is_taken_where_the_answer_stands_within_json() -> None:
    opening = [Token.of(text, -9.0, [("Well", -0.1)]) for text in ('{"', "answer", '":', ' "')]
    first = Token.of("yes", HALF, [("no", QUARTER), ("x", QUARTER)])
    assert of(*opening, first).mass == 0.75
    assert of(Token.of('"', -7.0, []), first).mass == 0.75


def test_a_blank_before_the_answer_counts_with_its_own_probability() -> None:
    blank = Token.of(" ", QUARTER, [(" yes", HALF), ("Well", QUARTER)])
    assert of(blank, Token.of("no", HALF, [("yes", HALF)])) == Wanted(0.75, (0.625, 0.125))


def test_a_longer_number_is_not_a_choice() -> None:
    first = Token.of("1", HALF, [("10", QUARTER), (" 1", QUARTER)])
    assert of(first, choices=("1", "2")).mass == 0.75


def test_a_token_that_begins_several_choices_counts_for_none_of_them() -> None:
    first = Token.of("-", HALF, [("0", QUARTER)])
    assert of(first, choices=("-2", "-1", "0")) == Wanted(0.75, (None, None, 0.25))


def test_without_alternatives_there_is_no_mass() -> None:
    assert wanted([], ("yes",)) is None
    assert wanted([Token.of("yes", None, [])], ("yes",)) is None
    assert wanted([Token.of("yes", math.nan, [])], ("yes",)) is None


def test_a_grammar_quotes_its_choices() -> None:
    assert grammar(('say "hi"', "ä")) == 'root ::= " "? ("say \\"hi\\"" | "ä")'
