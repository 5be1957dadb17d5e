"""A text and its hash, whatever characters it holds."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.domain.text import EMPTY, Text

ANYTHING = st.text(st.characters(exclude_categories=()))  # halves of surrogate pairs too


@given(st.text())
def test_the_hash_is_that_of_the_utf8_bytes(value: str) -> None:
    assert Text.of(value) == Text(value, sha256(value.encode()).digest())


@given(ANYTHING)
def test_every_text_can_be_written_to_a_file_and_hashes_as_what_is_written(value: str) -> None:
    text = Text.of(value)
    assert text.digest == sha256(text.value.encode()).digest()
    assert Text.of(text.value) == text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\udc00", "\ufffd"),
        ("end\ud83d", "end\ufffd"),
        ("\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        ("\ud83d\ude00", "\U0001f600"),  # two halves that belong together
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("\ufeffkept\ud800", "\ufeffkept\ufffd"),
        ("\0\ud800\n", "\0\ufffd\n"),
    ],
)
def test_halves_of_surrogate_pairs_are_replaced_and_nothing_else_is(value: str, kept: str) -> None:
    assert Text.of(value).value == kept


def test_equal_texts_are_equal_whoever_made_them() -> None:
    assert {Text.of("a"), Text.of("a"), EMPTY} == {Text.of("a"), Text.of("")}
