"""Characters that act are shown, others stay as they are."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.domain.visible import visible

ACTING = ("Cc", "Cf", "Zl", "Zp")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "⟨U+001B⟩[31mred"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("ad\u200ba", "ad⟨U+200B⟩a"),
        ("a\r\nb\tc", "a⟨U+000D⟩\nb⟨U+0009⟩c"),
        ("\ufeffx\u2028y", "⟨U+FEFF⟩x⟨U+2028⟩y"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("a\u200db", "a⟨U+200D⟩b"),
    ],
)
def test_what_acts_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text", ["plain", "Größe 語 🙂", "👨\u200d👩\u200d👧", "\u0645\u06cc\u200c\u062e\u0648", "क्\u200dष", "a\nb"]
)
def test_what_is_seen_stays(text: str) -> None:
    assert visible(text) == text


def test_what_to_keep_is_the_callers_choice() -> None:
    assert visible("a\tb\n", keep="\n\t") == "a\tb\n"
    assert visible("a\nb", keep="") == "a⟨U+000A⟩b"


def test_every_format_and_control_character_that_python_knows_is_covered() -> None:
    for char in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(char) in ACTING:
            assert visible(f"a{char}b", keep="") == f"a⟨U+{ord(char):04X}⟩b"


@given(st.text())
def test_nothing_that_acts_is_left_but_joiners_in_their_place(text: str) -> None:
    left = {char for char in visible(text, keep="") if unicodedata.category(char) in ACTING}
    assert left <= {"\u200c", "\u200d"}
