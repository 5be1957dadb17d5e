"""The transcript: everything that a text could do to a terminal or to another speaker, and does not."""

import io
import re
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from genai_social_sim.domain.events import Event, FellSilent, Opened, Spoke
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.text import Text
from genai_social_sim.observers.transcript import Transcript, colour_of

OURS: Final = re.compile(r"\x1b\[[0-9;]*m")  # colours, which we set
HOSTILE: Final = [
    "\x1b[2J\x1b[31mred",
    "\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\",
    "\x1b]52;c;ZWNobw==\x07",
    "mine\rBO: yours",
    "mine\b\b\b\bours",
    "\u202eevil\u202c\u2066x\u2069\u200b",
    "\x9b31m \x90 \x7f",
    "[bold]markup[/] [link=http://x]y[/link] :smile:",
    "fine\nBO: I never said this\n-- the end: 3 turns",
    "fine\x85BO: one\u2028BO: two\x0bBO: three\x0cBO: four",
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def spoke(text: str, *, agent: str = "ADA", channel: str = "general") -> Spoke:
    return Spoke(
        turn=0,
        round=0,
        channel=ChannelId(channel),
        agent=AgentId(agent),
        text=Text.of(text),
        call=b"",
        tokens=1,
    )


def printed(*events: Event, out: Callable[[], io.StringIO] = io.StringIO, channels: bool = False) -> str:
    stream = out()
    Transcript(stream, channels=channels).saw(events)
    return stream.getvalue()


@pytest.mark.parametrize("out", [io.StringIO, Terminal])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_shown_and_not_obeyed(text: str, out: Callable[[], io.StringIO]) -> None:
    shown = OURS.sub("", printed(spoke(text), out=out))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069]", shown)
    assert [line for line in shown.splitlines() if not line.startswith(" ")] == [shown.splitlines()[0]]
    assert shown.startswith("ADA:")


def test_markup_in_a_text_stays_text() -> None:
    assert printed(spoke("[bold]x[/] :smile:"), out=Terminal).endswith(": [bold]x[/] :smile:\n")


@given(text=st.text(), width=st.integers(min_value=1, max_value=100))
def test_no_line_of_a_text_begins_at_the_margin(text: str, width: int) -> None:
    stream = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        patch.setenv("LINES", "24")
        Transcript(stream).saw([spoke(text)])
    first, *others = OURS.sub("", stream.getvalue()).split("\n")[:-1]
    assert "ADA:".startswith(first[:4].rstrip())
    assert all(line.startswith(" ") for line in others)


@given(text=st.text(), width=st.integers(min_value=24, max_value=100))
def test_lines_fit_the_terminal(text: str, width: int) -> None:
    stream = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        patch.setenv("LINES", "24")
        Transcript(stream).saw([spoke(text)])
    assert max(map(cell_len, OURS.sub("", stream.getvalue()).splitlines())) <= width


def test_a_piped_transcript_is_plain_and_not_wrapped() -> None:
    assert printed(spoke("word " * 100)) == f"ADA: {'word ' * 100}\n"


def test_no_color_leaves_bold_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed(spoke("x"), out=Terminal) == "\x1b[1mADA\x1b[0m: x\n"


def test_a_speaker_has_the_same_colour_in_every_run() -> None:
    assert [colour_of(name) for name in ("BOT1", "BOT2")] == ["cyan", "bright_magenta"]
    assert len({colour_of(f"BOT{number}") for number in range(50)}) >= 6


def test_names_and_causes_are_shown_and_not_obeyed() -> None:
    silent = FellSilent(
        turn=3, round=0, channel=ChannelId("x\x1b"), agent=AgentId("A\x1bDA"), cause="timeout", call=b"", tokens=0
    )
    opened = Opened(channel=ChannelId("x\x1b"), speaker="s\u202em", text=Text.of("y"))
    shown = printed(opened, silent, channels=True)
    assert shown.splitlines() == [
        "[x⟨U+001B⟩] s⟨U+202E⟩m: y",
        "-- [x⟨U+001B⟩] A⟨U+001B⟩DA said nothing: no answer in time (turn 3)",
    ]


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError("the terminal is gone")


def test_an_output_that_fails_does_not_reach_the_run() -> None:
    transcript = Transcript(Broken())
    transcript.saw([spoke("x")])
    transcript.saw([spoke("y")])
    assert str(transcript.fault) == "the terminal is gone"
