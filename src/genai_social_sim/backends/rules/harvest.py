"""Takes from a stock that all share: each round the same, or the share that would last for ever.

With `takes` so much, while there is anything; without, an equal share of what regrows: of the stock S that it heard
last, (S - S / growth) / takers. For the rule `stock`.

Source: the harvest game; Piatti et al. (2024), Cooperate or collapse (GovSim), 2404.16698.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, numbers, parameter

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class Harvest(Rule):
    """The options of `rule: harvest`."""

    rule: Literal["harvest"]
    takes: float | str | None = Field(
        default=None, description="How much: a number for all, or the attribute that holds each one's.", examples=[10]
    )
    takers: int = Field(default=1, ge=1, description="Without `takes`: how many share.", examples=[5])
    growth: float = Field(default=2.0, ge=1, description="Without `takes`: that of the stock.")

    def says(self, seen: Observation) -> str:
        """How much it takes; 0 of nothing."""
        heard = numbers(seen)
        stock = heard[-1][0] if heard else 0.0
        if stock <= 0:
            return "0"
        if self.takes is not None:
            return _shown(parameter(seen, self.takes))
        return _shown((stock - stock / self.growth) / self.takers)


def _shown(amount: float) -> str:
    return str(int(amount)) if amount.is_integer() else str(amount)
