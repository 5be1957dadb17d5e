"""Friedkin-Johnsen: the mean of the opinions heard, drawn back to where one began.

x_i(t+1) = s_i m_i(t) + (1 - s_i) x_i(0), with the mean m of `degroot`. `susceptibility` s is on [0, 1]: 1 is DeGroot, 0
a mind that is never changed.

Source: Friedkin and Johnsen (1990), Social influence and opinions, Journal of Mathematical Sociology 15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import number_of, own_number, parameter
from genai_social_sim.backends.rules.degroot import Averaging

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class FriedkinJohnsen(Averaging):
    """The options of `rule: friedkin_johnsen`."""

    rule: Literal["friedkin_johnsen"]
    susceptibility: Annotated[float, Field(ge=0, le=1)] | Annotated[str, Field(min_length=1)] = Field(
        description="A number for all, or the attribute that holds each one's."
    )

    def says(self, seen: Observation) -> str:
        """The first opinion, then means drawn back to it."""
        own, begun = own_number(seen, self.attribute)
        if not begun:
            return repr(own)
        share = parameter(seen, self.susceptibility)
        return repr(share * self.mean(seen, own) + (1 - share) * number_of(seen, self.attribute))
