"""A stock that all share: an agent that stands for it says each round how much there is, as far as others take of it.

It says a number, first `start`; then what is left once it has heard all takings, which grows again: 0 if less than
`collapse` is left, else `growth` times that, at most `capacity`. Who takes says a number, on a star around the stock,
so that takers hear the stock and not each other: `protocol: {kind: round_robin, first: STOCK}`, `network: {kind: star,
hub: STOCK}`. A taker may be any agent, a language model with `act: rate` among them.

Source: the harvest game; Piatti et al. (2024), Cooperate or collapse (GovSim), 2404.16698.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, number_in

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class Stock(Rule):
    """The options of `rule: stock`."""

    rule: Literal["stock"]
    start: float = Field(default=100.0, ge=0, description="How much there is at first.")
    capacity: float = Field(default=100.0, gt=0, description="How much there can be.")
    growth: float = Field(default=2.0, ge=1, description="What is left grows by this factor each round.")
    collapse: float = Field(default=5.0, ge=0, description="If less than this is left, nothing grows any more.")

    def says(self, seen: Observation) -> str:
        """How much there is."""
        own = [at for at, (speaker, _) in enumerate(seen.heard) if speaker == seen.agent]
        if not own:
            return _shown(min(self.start, self.capacity))
        before = number_in(seen.heard[own[-1]][1]) or 0.0
        taken = sum(max(0.0, number_in(text) or 0.0) for _, text in seen.heard[own[-1] + 1 :])
        left = max(0.0, before - taken)
        return _shown(0.0 if left < self.collapse else min(self.capacity, self.growth * left))


def _shown(amount: float) -> str:
    return str(int(amount)) if amount.is_integer() else str(amount)
