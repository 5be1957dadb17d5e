"""Hegselmann-Krause: the mean of all opinions that are near enough, one's own among them.

x_i(t+1) = mean of x_j(t) over those heard with |x_j - x_i| <= epsilon. Weights of edges do not count, but that an edge
of weight 0 carries nothing.

Source: Hegselmann and Krause (2002), Opinion dynamics and bounded confidence, JASSS 5(3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, numbers, own_number, parameter

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class HegselmannKrause(Rule):
    """The options of `rule: hegselmann_krause`."""

    rule: Literal["hegselmann_krause"]
    attribute: str = Field(default="opinion", min_length=1, description="The first opinion.")
    epsilon: Annotated[float, Field(ge=0)] | Annotated[str, Field(min_length=1)] = Field(
        description="How far apart is just near enough: a number for all, or the attribute that holds each one's."
    )

    def says(self, seen: Observation) -> str:
        """The first opinion, then means."""
        own, begun = own_number(seen, self.attribute)
        if not begun:
            return repr(own)
        most = parameter(seen, self.epsilon)
        near = [own, *[value for value, weight in numbers(seen) if weight > 0 and abs(value - own) <= most]]
        return repr(sum(near) / len(near))
