"""The status line."""

import io

import pytest
from tests.unit.observers.test_story import FAILED, SILENT, SPOKE

from genai_social_sim.domain.events import Event
from genai_social_sim.observers.progress import Progress, StatusLine, is_watched

ERASE = "\r\x1b[2K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ticking:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")


def test_turns_are_counted_from_where_the_run_stood() -> None:
    progress = Progress(StatusLine(io.StringIO(), now=Ticking(), shown=False), turns=3, most=1000)
    events: list[Event] = [SPOKE, SILENT, FAILED]
    progress.saw(events)
    assert progress.words().startswith("5 of 1,000 turns, 1 failed attempt ")


def test_a_line_is_redrawn_and_taken_away() -> None:
    out = Terminal()
    status = StatusLine(out, now=Ticking(), shown=True)
    status.show("one")
    status.show("two")
    status.clear()
    status.clear()
    assert out.getvalue() == f"{ERASE}one{ERASE}two{ERASE}"


def test_a_share_is_drawn_a_few_times_a_second_and_at_its_end() -> None:
    out, clock = Terminal(), Ticking()
    status = StatusLine(out, now=clock, shown=True)
    for share in (0.1, 0.2, 0.5, 1.0):
        status.share("Fetching", share)
    assert out.getvalue().count(ERASE) == 2
    assert out.getvalue().endswith("[####################] 100%")


def test_a_long_line_is_cut_and_control_characters_are_shown() -> None:
    out = Terminal()
    StatusLine(out, now=Ticking(), shown=True).show("x\x1b[31m\n" + "y" * 200)
    line = out.getvalue().removeprefix(ERASE)
    assert (len(line), "\x1b" in line, "\n" in line) == (59, False, False)


def test_nothing_is_written_where_nobody_watches() -> None:
    out = io.StringIO()
    StatusLine(out, now=Ticking(), shown=False).show("x")
    assert out.getvalue() == ""


def test_a_terminal_that_is_gone_is_left_alone() -> None:
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise OSError

    StatusLine(Gone(), now=Ticking(), shown=True).show("x")


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("TERM", "dumb")])
def test_build_servers_and_dumb_terminals_are_not_watched(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert is_watched(Terminal())
    monkeypatch.setenv(name, value)
    assert not is_watched(Terminal())
    assert not is_watched(io.StringIO())
