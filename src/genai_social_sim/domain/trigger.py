"""What must hold for something planned to be done, in measures of the run so far. How to get them it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Measure = Literal["consensus", "share", "mean", "spread", "silence", "messages", "tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A measure lies between `low` and `high`, both included; where it has no value this does not hold.

    `consensus`: the largest share that gave the same answer, on [0, 1]. `share`: that which gave the answer `option`.
    `mean`, `spread`: of the answers that are numbers, the spread as a population standard deviation. These are of what
    each agent said last in its turns, or with `of` of what each who was asked answered last to that probe; shares are
    of all agents, or of all whom the probe is for.

    `silence`: rounds in which nobody said anything. `messages`, `tokens`: counted from the beginning.
    """

    measure: Measure
    low: float | None = None
    high: float | None = None
    of: str | None = None
    option: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """All of some triggers hold, or any of them."""

    triggers: tuple[Trigger, ...]
    every: bool


Trigger = Measured | Several


def parts_of(trigger: Trigger) -> Iterator[Measured]:
    """What it is made of."""
    if isinstance(trigger, Measured):
        yield trigger
    else:
        for each in trigger.triggers:
            yield from parts_of(each)
