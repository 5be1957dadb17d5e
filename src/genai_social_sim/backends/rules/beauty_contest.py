"""Guess a share of the average: a level-k thinker's number, or one drawn.

A thinker of level 0 says `anchor`, one of level k the best answer to all others' being of level k-1: `share` times
their number, so anchor share^k. Without a level it says a whole number from `low` to `high`, each as likely.

Source: Nagel (1995), Unraveling in guessing games, American Economic Review 85.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, parameter

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class BeautyContest(Rule):
    """The options of `rule: beauty_contest`."""

    rule: Literal["beauty_contest"]
    level: float | str | None = Field(
        default=None, description="A number for all, or the attribute that holds each one's; left out: one drawn."
    )
    share: float = Field(default=2 / 3, gt=0, le=1, description="The share of the average that wins.")
    anchor: float = Field(default=50.0, description="What a thinker of level 0 says.")
    low: int = Field(default=0, description="The least number that is drawn.")
    high: int = Field(default=100, description="The greatest.")

    def says(self, seen: Observation) -> str:
        """The number."""
        if self.level is None:
            return str(self.low + seen.dice.below(max(1, self.high - self.low + 1)))
        number = self.anchor
        for _ in range(round(parameter(seen, self.level))):
            number *= self.share
        return str(number)
