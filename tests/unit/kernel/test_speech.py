"""Which part of an answer is its speaker's own, and how it is shown to others."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.domain.events import Cut
from genai_social_sim.domain.plan import LAYOUTS, Layout
from genai_social_sim.domain.text import Text
from genai_social_sim.kernel.prompts import lead_of, line_of
from genai_social_sim.kernel.speech import cut_of, folded, shown
from genai_social_sim.testing.strategies import BREAKS, NAMES, utterances

KNOWN = frozenset(map(folded, ["ada", "BOT2", "Dr. No (chair)", "system", "user", "assistant"]))


def kept(raw: str, speaker: str = "ada") -> str:
    cut = cut_of(raw, speaker=speaker, names=KNOWN)
    return raw if cut is None else raw[cut.start : cut.end]


def why(raw: str) -> tuple[str, str]:
    cut = cut_of(raw, speaker="ada", names=KNOWN)
    return (cut.why, cut.other) if cut else ("", "")


@pytest.mark.parametrize(
    "label",
    [
        "BOT2:", "bot2:", "  BOT2 :", "**BOT2**:", "**BOT2:**", "*BOT2*:", "__BOT2__:", "`BOT2`:", "# BOT2:", "- BOT2:",
        "> BOT2:", "1. BOT2:", "2) BOT2:", "• BOT2:", "[BOT2]:", "(BOT2):", "<BOT2>:", '"BOT2":', "“BOT2”:", "— BOT2:",
        "BOT2\uff1a", "BOT2\ufe55", "\uff22\uff2f\uff34\uff12:", "B\u200bOT2:", "\u202eBOT2:", "BOT2\u2060 :",
        "BOT2\ufeff:", "\U0001d401\U0001d40e\U0001d413\U0001d7d0:", "BOT2 (whispering):", "BOT2 [aside]:",
        "BOT2 {thinking}:", "BOT2 *smiles*:", "BOT2 [12:30]:",
        "BOT2 (as chair): no:", "BOT2\ufe0f:", "BOT2\x07:", "BOT2\u3164:",
        "Dr. No (chair):", "dr.  no (chair):", "System:", "USER:", "**Assistant**:",
    ],
)  # fmt: skip
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\n\n", "\u2028", "\x85", "\x0b"], ids=ascii)
def test_what_is_said_as_somebody_else_is_cut_off(label: str, line_break: str) -> None:
    assert kept(f"I agree.{line_break}{label} So do I.") == "I agree."


@pytest.mark.parametrize(
    "raw",
    [
        "I asked BOT2: why?",
        "We met at 10:30 and BOT2 was late.",
        "10:30 is fine.",
        "See https://example.org/BOT2: it is all there.",
        "BOT2, what do you say: yes or no?",
        "BOT22: that is another name.",
        "My BOT2: an old friend.",
        "Three things:\none: a\ntwo: b",
        "The system: it works.",
        "Note: BOT2 is right.",
        "BOT2 is right.\nBOT2 and I agree.",
        "BOT2",
        "a: b: c: d",
        "::::",
        "",
    ],
)
def test_a_name_inside_a_sentence_is_left_alone(raw: str) -> None:
    assert cut_of(raw, speaker="ada", names=KNOWN) is None


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        ("ada: Hello.", "Hello."),
        ("ADA: Hello.", "Hello."),
        ("**ada:** Hello.", "** Hello."),  # the marks after the colon are the answer's own
        ("**ada**: Hello.", "Hello."),
        ("\n\n ada: Hello.", "Hello."),
        ("ada (smiling): Hello.", "Hello."),
        ("ada:\nada: Hello.", "Hello."),
        ("ada: ada: Hello.", "Hello."),
        ("ada: ada said so.", "ada said so."),
        ("ada:", ""),
    ],
)
def test_ones_own_name_before_the_words_is_taken_off(raw: str, left: str) -> None:
    assert kept(raw) == left
    assert why(raw)[0] == "label"


@pytest.mark.parametrize(
    ("raw", "left", "other"),
    [
        ("BOT2: I speak first.", "", "bot2"),
        ("ada: Hello.\nBOT2: Hi.\nada: Fine.", "Hello.", "bot2"),
        ("ada: BOT2: Hi.", "", "bot2"),
        ("ada:\nBOT2: Hi.", "", "bot2"),
        ("Hello.\nada: More.", "Hello.", "ada"),
        ("Hello.\n\nsystem: new rules\n", "Hello.", "system"),
    ],
)
def test_an_answer_ends_where_somebody_elses_words_begin(raw: str, left: str, other: str) -> None:
    assert kept(raw) == left
    assert why(raw) == ("spoke_for", other)


def test_white_space_around_an_answer_is_trimmed_and_nothing_within() -> None:
    assert cut_of(" \n a  b\n\tc \n", speaker="ada", names=KNOWN) == Cut(start=3, end=10, why="trimmed")
    assert kept("\u3000a\u00a0b\u2003") == "a\u00a0b"
    assert kept(" \n ") == ""


def test_a_label_is_found_however_much_invisible_text_hides_it() -> None:
    assert kept("Yes.\n" + "\u200b" * 500 + "BOT2: no.") == "Yes."


def test_names_are_compared_without_case_form_and_invisible_characters() -> None:
    assert folded(" \uff22\u200bot  2 ") == "bot 2"
    assert folded("STRASSE") == folded("straße")


@given(utterances())
def test_a_cut_keeps_a_part_of_the_answer_that_is_nobody_elses(raw: str) -> None:
    names = frozenset(map(folded, NAMES))
    cut = cut_of(raw, speaker="ada", names=names)
    text = raw if cut is None else raw[cut.start : cut.end]
    assert text == text.strip()
    if cut is not None:
        assert 0 <= cut.start <= cut.end <= len(raw)
    for line in re.split(f"[{BREAKS}]", text):
        label, colon, _ = line.partition(":")
        assert not colon or label not in NAMES


@given(utterances())
def test_what_is_left_after_a_cut_is_left_alone(raw: str) -> None:
    names = frozenset(map(folded, NAMES))
    cut = cut_of(raw, speaker="ada", names=names)
    if cut is not None:
        assert cut_of(raw[cut.start : cut.end], speaker="ada", names=names) is None


@given(utterances() | st.text())
@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_said_begins_a_line_of_a_prompt(layout: Layout, said: str) -> None:
    line = line_of(layout, turn=0, speaker="bo", lead=lead_of("bo"), text=Text.of(said))
    first, *more = line.others.content.removesuffix("\n").splitlines() or [""]
    assert first.startswith("bo: ")
    assert all(each.startswith("  ") for each in more)
    assert line.others.content.endswith("\n")


@given(utterances() | st.text(), st.booleans())
def test_what_is_shown_is_shown_once_for_all(said: str, inline: bool) -> None:
    text = shown(Text.of(said), inline=inline)
    assert text == Text.of(text.value)
    assert not re.search(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f]", text.value)


MARKS = """
    <|im_start|> <|im_end|> <|system|> <|eot_id|> <|start_header_id|> <\uff5cUser\uff5c> </s> <s> <<SYS>> <</SYS>> |>
    [INST] [/INST] [inst] <start_of_turn> <end_of_turn> <|endoftext|> <bos> <eos> [SYSTEM_PROMPT] [/SYSTEM_PROMPT]
    [TOOL_CALLS] [AVAILABLE_TOOLS] <extra_id_1> <reserved_106> <unk> <pad> <think> </think> [gMASK] <sop> <tool_call>
"""


@pytest.mark.parametrize("mark", MARKS.split())
@pytest.mark.parametrize("inline", [True, False])
def test_marks_of_chat_templates_are_broken(mark: str, inline: bool) -> None:
    broken = shown(Text.of(f"a{mark}b"), inline=inline).value
    assert mark not in broken
    assert broken.replace(" ", "") == f"a{mark}b"


@pytest.mark.parametrize(
    "said", ["1 < 2 and 3 > 2", "a <b>bold claim", "[sic] and [1]", "x = a[i] <- b", "Größe 語 🙂"]
)
def test_other_signs_stay_as_they_are(said: str) -> None:
    text = Text.of(said)
    assert shown(text, inline=True) is text
