"""Deffuant: two who meet move towards each other if they are near enough already.

x_i <- x_i + mu (x_j - x_i) if |x_i - x_j| < epsilon, for whom it has just heard. Both move at once with
`protocol: {kind: pairwise, acts: both, announce: true}`.

Source: Deffuant, Neau, Amblard and Weisbuch (2000), Mixing beliefs among interacting agents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, numbers, own_number, parameter

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class Deffuant(Rule):
    """The options of `rule: deffuant`."""

    rule: Literal["deffuant"]
    attribute: str = Field(default="opinion", min_length=1, description="The first opinion.")
    epsilon: Annotated[float, Field(ge=0)] | Annotated[str, Field(min_length=1)] = Field(
        description="How far apart is too far: a number for all, or the attribute that holds each one's."
    )
    mu: float = Field(default=0.5, gt=0, le=1, description="The share of the way that is gone.")

    def says(self, seen: Observation) -> str:
        """The first opinion, then where meetings move it."""
        own, begun = own_number(seen, self.attribute)
        others = numbers(seen)
        if not begun or not others:
            return repr(own)
        distance = others[-1][0] - own
        return repr(own + self.mu * distance if abs(distance) < parameter(seen, self.epsilon) else own)
