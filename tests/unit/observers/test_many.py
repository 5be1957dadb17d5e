"""How far many runs are, on a terminal."""

from __future__ import annotations

import io
import re

from genai_social_sim.observers.many import ManyRuns


class Terminal(io.StringIO):
    """Where somebody looks."""

    def isatty(self) -> bool:
        return True


def block(now: list[float], *, runs: int = 60, done: int = 0) -> ManyRuns:
    return ManyRuns(Terminal(), now=lambda: now[0], runs=runs, done=done, shown=False)


def lines(many: ManyRuns) -> list[str]:
    return [str(text) for text in many._lines().renderables]


def test_the_time_left_follows_from_what_was_done_since_it_began() -> None:
    now = [100.0]
    many = block(now, runs=60, done=20)
    assert many.left_s() is None
    many.began("a", "a", turns=50, most=100)
    now[0] = 110.0
    many.moved("a", 100)
    many.ended("a", finished=True)
    assert many.left_s() == 39 / 0.5 * 10
    assert many.words() == "21 of 60 runs finished, 0 at work; about 13 minutes left"


def test_failed_runs_are_counted_apart() -> None:
    many = block([0.0])
    many.began("a", "a", turns=0, most=None)
    many.ended("a", finished=False)
    assert "0 of 60 runs finished, 1 failed, 0 at work" in many.words()


def test_the_slowest_sixteen_are_shown_and_the_others_counted() -> None:
    many = block([0.0], runs=300)
    for number in range(256):
        many.began(str(number), f"run {number}", turns=number, most=1000)
    shown = lines(many)
    assert [re.search(r"run (\d+)", line)[1] for line in shown[1:17]] == [*map(str, range(16))]  # type: ignore[index]
    assert shown[17] == "  240 more"


def test_labels_that_would_move_the_cursor_are_shown_as_they_are() -> None:
    many = block([0.0])
    many.began("a", "x\x1b[2J", turns=1, most=None)
    assert "\x1b" not in "".join(lines(many))


def test_nothing_is_written_where_nobody_looks() -> None:
    out = io.StringIO()
    with ManyRuns(out, now=lambda: 0.0, runs=1, done=0, shown=False) as many:
        many.began("a", "a", turns=0, most=1)
        many.ended("a", finished=True)
    assert out.getvalue() == ""


def test_it_is_drawn_and_taken_away_where_somebody_looks() -> None:
    out = Terminal()
    with ManyRuns(out, now=lambda: 0.0, runs=2, done=0, shown=True) as many:
        many.began("a", "first", turns=0, most=1)
    assert "0 of 2 runs finished" in out.getvalue()


def test_a_line_is_put_above_it_where_it_is_drawn() -> None:
    out = Terminal()
    with ManyRuns(out, now=lambda: 0.0, runs=2, done=0, shown=True) as many:
        assert many.says("first: \x1b[2Jfinished")
    assert "first: ⟨U+001B⟩[2Jfinished\n" in out.getvalue()
    assert not block([0.0]).says("nobody looks")
