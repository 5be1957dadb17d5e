"""How far a run is: one line at the bottom of a terminal, redrawn. Nothing is written where nobody watches."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from typing import Final, TextIO

from rich.cells import set_cell_size

from genai_social_sim.domain.events import AttemptFailed, Event, FellSilent, SessionStarted, Spoke
from genai_social_sim.domain.visible import visible

_BAR: Final = 20  # characters
_PAUSE_S: Final = 0.1  # between two drawings of a share
_ERASE: Final = "\r\x1b[2K"
_UNITS: Final = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


def is_watched(out: TextIO) -> bool:
    """Whether a person sees `out` as it is written: a terminal that can erase a line, and no build server."""
    return out.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def in_words(seconds: float) -> str:
    """`2.5 hours`; below a second, `less than a second`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.2g} {unit}"
    return "less than a second"


class StatusLine:
    """The line.

    Args:
        out: A terminal.
        now: Seconds on a clock that never goes back.
        shown: False for a line that is never drawn.
    """

    def __init__(self, out: TextIO, *, now: Callable[[], float], shown: bool) -> None:
        self._out = out
        self._now = now
        self._shown = shown
        self._words = ""  # what stands there now
        self._drawn_at = -_PAUSE_S

    def show(self, words: str) -> None:
        """Put `words` there."""
        if not self._shown:
            return
        room = max(shutil.get_terminal_size().columns - 1, 1)
        line = visible(words, keep="")
        line = line if len(line) < room // 2 else set_cell_size(line, room).rstrip()
        self._write(f"{_ERASE}{line}")
        self._words = line

    def share(self, what: str, share: float) -> None:
        """Show that `share` of `what` (from 0 to 1) is done, a few times a second at most."""
        now = self._now()
        if now - self._drawn_at >= _PAUSE_S or share >= 1:
            self._drawn_at = now
            done = round(_BAR * min(max(share, 0.0), 1.0))
            self.show(f"{what} [{'#' * done}{'.' * (_BAR - done)}] {share:4.0%}")

    def clear(self) -> None:
        """Take the line away."""
        if self._words:
            self._words = ""
            self._write(_ERASE)

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except (OSError, ValueError):  # the terminal is gone
            self._shown = False


class Progress:
    """An observer that counts turns on a status line.

    Args:
        status: The line.
        turns: Committed before this session.
        most: Turns after which the run ends in any case; None if the study does not say.
    """

    def __init__(self, status: StatusLine, *, turns: int = 0, most: int | None = None) -> None:
        self._status = status
        self._turns = turns
        self._most = most
        self._failures = 0

    def saw(self, events: Sequence[Event]) -> None:
        """Count, and draw the line anew."""
        for event in events:
            if isinstance(event, Spoke | FellSilent):
                self._turns += 1
            elif isinstance(event, AttemptFailed):
                self._failures += 1
            elif isinstance(event, SessionStarted):
                self._failures = 0
        self._status.show(self.words())

    def words(self) -> str:
        """What the line says."""
        of = f" of {self._most:,}" if self._most is not None else ""
        attempts = "attempt" if self._failures == 1 else "attempts"
        failures = f", {self._failures:,} failed {attempts}" if self._failures else ""
        return f"{self._turns:,}{of} turns{failures} (Ctrl-C stops; it can be resumed)"
