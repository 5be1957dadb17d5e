"""How far many runs are: a block of lines at the bottom of a terminal, redrawn a few times a second.

Nothing is written where nobody watches. It knows runs by their labels alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TextIO

from rich.console import Group
from rich.live import Live
from rich.text import Text

from genai_social_sim.domain.visible import visible
from genai_social_sim.observers.progress import in_words
from genai_social_sim.observers.transcript import console_on

_PER_SECOND: Final = 4
_SHOWN: Final = 16  # runs; the slowest of those at work
_BAR: Final = 20  # characters


@dataclass(slots=True)
class _AtWork:
    label: str
    most: int | None
    turns: int

    @property
    def share(self) -> float:
        return min(self.turns / self.most, 1.0) if self.most else 0.0


class ManyRuns:
    """The block.

    Args:
        out: A terminal.
        now: Seconds on a clock that never goes back.
        runs: How many there are.
        done: How many of them were finished before.
        shown: False for a block that is never drawn.
    """

    def __init__(self, out: TextIO, *, now: Callable[[], float], runs: int, done: int, shown: bool) -> None:
        self._now = now
        self._began_at = now()
        self._runs = runs
        self._done = self._done_before = done
        self._failed = 0
        self._loading = ""
        self._at_work: dict[str, _AtWork] = {}
        self._given = 0.0  # share of a run that those at work had when they were begun
        self._live = Live(
            console=console_on(out),
            get_renderable=self._lines,
            refresh_per_second=_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._shown = shown

    def __enter__(self) -> ManyRuns:
        if self._shown:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def began(self, key: str, label: str, *, turns: int, most: int | None) -> None:
        """A run is at work; `most`: turns after which it ends in any case, None if nobody knows."""
        self._at_work[key] = run = _AtWork(label, most, turns)
        self._given += run.share

    def moved(self, key: str, turns: int) -> None:
        """So many turns of it are committed."""
        self._loading = ""
        self._at_work[key].turns = turns

    def ended(self, key: str, *, finished: bool) -> None:
        """It is finished, or failed."""
        del self._at_work[key]
        self._done += finished
        self._failed += not finished

    def loading(self, what: str, share: float) -> None:
        """A model is being loaded or fetched."""
        self._loading = f"{what} {share:4.0%}" if share < 1 else ""

    def says(self, words: str) -> bool:
        """Put a line above the block; False if it has to be printed elsewhere, since nothing is drawn."""
        if self._shown:
            self._live.console.print(Text(visible(words, keep="")), soft_wrap=True)
        return self._shown

    def words(self) -> str:
        """How far all are together."""
        failed = f", {self._failed:,} failed" if self._failed else ""
        left = self.left_s()
        time = "" if left is None else f"; {'about ' if left >= 1 else ''}{in_words(left)} left"
        loading = f"; {self._loading}" if self._loading else ""
        return f"{self._done:,} of {self._runs:,} runs finished{failed}, {len(self._at_work):,} at work{time}{loading}"

    def left_s(self) -> float | None:
        """How long the rest takes, at the pace so far; None if that cannot be told yet."""
        shares = sum(run.share for run in list(self._at_work.values()))
        made = self._done - self._done_before + self._failed + shares - self._given
        left = self._runs - self._done - self._failed - shares
        return None if made <= 0 else max(left, 0.0) * (self._now() - self._began_at) / made

    def _lines(self) -> Group:
        slowest = sorted([*self._at_work.values()], key=lambda run: (run.share, run.turns))
        lines = [self.words(), *[f"  {_in_a_line(run)}" for run in slowest[:_SHOWN]]]
        if len(slowest) > _SHOWN:
            lines.append(f"  {len(slowest) - _SHOWN:,} more")
        lines.append("(Ctrl-C stops; the same command goes on)")
        return Group(*[Text(visible(line, keep=""), no_wrap=True, overflow="ellipsis") for line in lines])


def _in_a_line(run: _AtWork) -> str:
    if run.most is None:
        return f"{run.turns:,} turns  {run.label}"
    done = round(_BAR * run.share)
    return f"[{'#' * done}{'.' * (_BAR - done)}] {run.turns:,} of {run.most:,} turns  {run.label}"
