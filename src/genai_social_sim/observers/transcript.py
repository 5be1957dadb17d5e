"""Prints the conversation as it happens. Model texts are shown, never obeyed, and cannot pass for another speaker.

Every line that begins at the left margin is ours: `NAME: ...` for an utterance, `-- ...` for a note. What else a text
brings, its own line breaks and what is wrapped, is indented.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from genai_social_sim.domain.events import Event
from genai_social_sim.domain.visible import visible
from genai_social_sim.observers.story import Note, Said, Story, Told

_COLOURS: Final = ("cyan", "green", "magenta", "yellow", "bright_blue", "bright_cyan", "bright_magenta", "bright_red")
_INDENT: Final = "    "
_NARROW: Final = 24  # columns; below that the indentation is one blank
CLIPPED: Final = " [...]"


def colour_of(name: str) -> str:
    """The colour of a speaker, the same in every run."""
    return _COLOURS[int.from_bytes(sha256(name.encode()).digest()[:4], "big") % len(_COLOURS)]


class PlainConsole(Console):
    """A console that does not end the process when nobody reads any more: a run goes on."""

    def on_broken_pipe(self) -> None:
        """Let whoever prints decide."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def console_on(out: TextIO) -> Console:
    """A console that takes texts as they are: no markup, no emoji codes, no guessed colours."""
    return PlainConsole(file=out, highlight=False, markup=False, emoji=False)


class Transcript:
    """An observer that prints.

    Args:
        out: Where to.
        channels: Whether to name the channel before each line.
        before: Called before something is printed, to take a status line away.
    """

    def __init__(self, out: TextIO, *, channels: bool = False, before: Callable[[], None] = lambda: None) -> None:
        self._out = out
        self._console = console_on(out)
        self._channels = channels
        self._before = before
        self._story = Story()
        self.fault: OSError | None = None  # why nothing is printed any more
        self.clipped = 0  # utterances that ended at `max_tokens`

    def saw(self, events: Sequence[Event]) -> None:
        """Print what these events tell. Once it cannot (`| head` has seen enough, the disk is full) it stays silent."""
        if self.fault is not None:
            return
        try:
            self._before()
            for event in events:
                for told in self._story.tell(event):
                    self.show(told)
            self._out.flush()
        except OSError as fault:
            self.fault = fault

    def show(self, told: Told) -> None:
        """Print one thing."""
        match told:
            case Said():
                self.clipped += told.clipped
                self._print(self._said(told))
            case Note():
                lead = f"[{visible(told.channel, keep='')}] " if self._channels and told.channel else ""
                self._print(Text(f"-- {lead}{visible(told.words, keep='')}", style="dim"))

    def _said(self, said: Said) -> Text:
        name = visible(said.speaker, keep="")
        line = Text()
        if self._channels:
            line.append(f"[{visible(said.channel, keep='')}] ", style="dim")
        line.append(name, style=f"bold {colour_of(said.speaker)}")
        if said.how:
            line.append(f" ({visible(said.how, keep='')})", style="dim")
        line.append(": ").append(visible(said.text, keep="\n\t"))
        if said.clipped:
            line.append(CLIPPED, style="dim")
        return line

    def _print(self, line: Text) -> None:
        if not self._console.is_terminal:
            self._out.write(line.plain.replace("\n", f"\n{_INDENT}") + "\n")
            return
        width = self._console.width
        indent = _INDENT if width >= _NARROW else " "
        for number, piece in enumerate(line.wrap(self._console, max(width - len(indent), 2))):
            piece.rstrip()
            shown = piece if number == 0 else Text(indent).append_text(piece)
            self._console.print(shown, soft_wrap=True)
