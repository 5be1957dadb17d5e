"""What holds an answer to a range: the grammar allows exactly what reading finds legal, steps apart."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.backends.choices import within_object
from genai_social_sim.backends.numbers import grammar, of_texts
from genai_social_sim.domain.act import Number, Offer
from genai_social_sim.domain.number import Range, plain
from genai_social_sim.kernel.acts import offer_of, option_in


def pattern(number: Number) -> re.Pattern[str]:
    """The grammar as a regular expression, for the few forms that it has."""
    words = grammar(number).removeprefix('root ::= " "? ')
    return re.compile(re.sub(r'"([^"]*)"', lambda found: re.escape(found[1]), words).replace(" ", ""))


def of(low: float, high: float, step: float | None = None, *, may_pass: bool = False) -> Number:
    return Number(range=Range(low=low, high=high, step=step), may_pass=may_pass)


def offered(number: Number) -> Offer:
    offer = offer_of(number, 7)
    assert offer is not None
    return offer


BOUNDS = st.integers(-1200, 1200)


@given(BOUNDS, BOUNDS, st.sampled_from([0, 1, 2]), st.integers(-1500, 1500))
def test_the_grammar_allows_the_numbers_of_the_range_and_no_others(
    one: int, other: int, decimals: int, at: int
) -> None:
    unit = Decimal(1).scaleb(-decimals)
    low, high = sorted([one, other + (one == other)])
    number = of(float(low * unit), float(high * unit), float(unit))
    written = format(at * unit, f".{number.range.decimals}f")
    allowed = pattern(number).fullmatch(written) is not None
    assert allowed == (low <= at <= high)
    assert (option_in(written, offered(number)) is not None) == allowed


@pytest.mark.parametrize(
    ("number", "raw", "read"),
    [
        (of(0, 1), "0.3141592", "0.3141592"),
        (of(0, 1), " 0.50.", "0.5"),
        (of(0, 1), '{"answer": 0.25}', "0.25"),
        (of(0, 1), "\u22120", "0"),
        (of(0, 1), "1e-3", "0.001"),
        (of(0, 1), "1.01", None),
        (of(0, 1), "about 0.5", None),
        (of(0, 1), "nan", None),
        (of(0, 1), "1e99", None),
        (of(0, 1), "0." + "1" * 60, None),
        (of(0, 1), "pass", None),
        (of(0, 1, may_pass=True), "Pass.", "pass"),
        (of(-1, 1, 0.25), "-0.75", "-0.75"),
        (of(-1, 1, 0.25), "-0.7", None),
        (of(0, 1000, 1), "1000.0", "1000"),
        (of(0, 1000, 1), "17.5", None),
        (of(0, 1, 0.1), "0.3", "0.3"),
    ],
)
def test_an_answer_is_read_exactly_or_not_at_all(number: Number, raw: str, read: str | None) -> None:
    assert option_in(raw, offered(number)) == read


def test_a_range_without_a_step_is_told_by_as_many_decimals_as_tell_a_thousand_parts() -> None:
    assert [Range(low=0, high=high).decimals for high in (1, 10, 100, 1000, 10**6)] == [3, 2, 1, 0, 0]
    assert Range(low=0, high=1).told == "a number from 0 to 1, with 3 decimals"
    assert Range(low=0, high=1000, step=1).told == "a whole number from 0 to 1000"
    assert Range(low=0, high=1, step=0.001).told == "a number from 0 to 1, in steps of 0.001"


def test_numbers_are_recorded_without_what_says_nothing() -> None:
    assert [plain(Decimal(text)) for text in ("1.50", "-0.0", "1E+2", "007")] == ["1.5", "0", "100", "7"]


def test_a_schema_names_the_bounds_and_a_pass_if_there_is_one() -> None:
    assert of_texts(of(0, 1)) == {"type": "number", "minimum": 0, "maximum": 1}
    assert of_texts(of(0, 500, 1))["type"] == "integer"
    assert {"type": "string", "enum": ["pass"]} in of_texts(of(0, 1, may_pass=True))["anyOf"]
    assert within_object(of_texts(of(0, 1)))["required"] == ["answer"]
