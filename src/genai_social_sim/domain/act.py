"""What an agent is asked to do with its turn. It knows nothing of how an answer is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from genai_social_sim.domain.number import Range

PASS: Final = "pass"  # what an agent answers that has nothing to say
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """It says what it likes; with `may_pass`, the one word `pass` is silence."""

    may_pass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """It chooses one of `options`, at least two, alike in nothing that reading overlooks (case, quotes, full stops).

    With `shuffle` the order in which they are shown is drawn each turn. With `labels` they are shown under letters,
    drawn each turn, and it answers with a letter; then there are at most 26.
    """

    options: tuple[str, ...]
    shuffle: bool = False
    labels: bool = False
    may_pass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """It answers with one number of `scale`, on what `about` says, if that is not empty.

    `anchors` are words for numbers, in the order of `scale`, () or empty for none. They are shown in that order or,
    with `flip`, from the other end, as drawn each turn. With `labels` they are shown under letters, drawn each turn,
    and it answers with a letter; then there are at most 26.
    """

    scale: tuple[int | float, ...]
    may_pass: bool = False
    about: str = ""
    anchors: tuple[str, ...] = ()
    flip: bool = False
    labels: bool = False
    told: str = ""  # words that prompts show in place of the numbers

    @property
    def options(self) -> tuple[str, ...]:
        """The numbers as they are shown, answered and recorded."""
        return tuple(map(str, self.scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """It answers with a number of `range`, on what `about` says, if that is not empty."""

    range: Range
    may_pass: bool = False
    about: str = ""


Act = Say | Choose | Rate | Number


class Offer(NamedTuple):
    """What one turn can be answered with: `options` as the study names them, in the order in which they are shown.

    `letters` are those under which they are shown, () if they stand for themselves. `anchors` are words that stand
    after them, () or empty for none. With `told` these words are shown in place of them all.
    With a `number` all of its range are legal, and there are no options.
    """

    options: tuple[str, ...]
    letters: tuple[str, ...] = ()
    may_pass: bool = False
    told: str = ""
    anchors: tuple[str, ...] = ()
    number: Number | None = None

    @property
    def shown(self) -> tuple[str, ...]:
        """The options as prompts show them."""
        if self.told:
            return (self.told,)
        shown = self.options
        if self.anchors:
            both = zip(shown, self.anchors, strict=True)
            shown = tuple([f"{option} ({words})" if words else option for option, words in both])
        if not self.letters:
            return shown
        return tuple([f"{letter}) {option}" for letter, option in zip(self.letters, shown, strict=True)])

    @property
    def answers(self) -> tuple[str, ...]:
        """The legal answers: for each of `meanings`, the letter or the option itself; () for a number."""
        if self.number is not None:
            return ()
        return (self.letters or self.options) + ((PASS,) if self.may_pass else ())

    @property
    def meanings(self) -> tuple[str, ...]:
        """What each of `answers` stands for."""
        if self.number is not None:
            return ()
        return self.options + ((PASS,) if self.may_pass else ())
