"""DeGroot: everybody takes on the weighted mean of the opinions heard.

x_i(t+1) = sum_j w_ij x_j(t) / sum_j w_ij, over those heard. Weights are those of the network's edges. `own` is that of
the agent's own opinion; left out it is its loop's where edges have weights (0 without a loop), else 1, as all others'.
Edges have weights once one is written, be it 1: `[ADA, BO, 1]`.

Source: DeGroot (1974), Reaching a consensus, JASA 69; Golub and Jackson (2010), Naive learning in social networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, numbers, own_number, parameter

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class Averaging(Rule):
    """What rules that take means have in common."""

    attribute: str = Field(default="opinion", min_length=1, description="The first opinion.")
    own: Annotated[float, Field(ge=0)] | Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="How much the own opinion counts: a number for all, or the attribute that holds it."
    )

    def mean(self, seen: Observation, opinion: float) -> float:
        """The weighted mean of the opinions heard; the own `opinion` if nobody's counts."""
        others = numbers(seen)
        weight = _of_loop(seen) if self.own is None else parameter(seen, self.own)
        total = weight + sum(weight for _, weight in others)
        if not total > 0:
            return opinion
        return (weight * opinion + sum(value * weight for value, weight in others)) / total


class DeGroot(Averaging):
    """The options of `rule: degroot`."""

    rule: Literal["degroot"]

    def says(self, seen: Observation) -> str:
        """The first opinion, then means."""
        opinion, begun = own_number(seen, self.attribute)
        return repr(self.mean(seen, opinion) if begun else opinion)


def _of_loop(seen: Observation) -> float:
    rows = zip(seen.heard, seen.weights or (1.0,) * len(seen.heard), strict=True)
    return next((weight for (speaker, _), weight in rows if speaker == seen.agent), 1.0)
