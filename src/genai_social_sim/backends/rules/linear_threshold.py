"""Linear threshold: becomes active once enough of those heard are, and stays so.

States are `1` (active) and `0`. `counts: share` compares the share of active ones among those heard (Watts), by the
weights of the edges if they have any; `counts: number` how many they are (Granovetter). The agent itself does not
count.

Source: Granovetter (1978), Threshold models of collective behavior, AJS 83; Watts (2002), PNAS 99.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, numbers, own_number, parameter

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation

ACTIVE: Final = "1"
INACTIVE: Final = "0"


class LinearThreshold(Rule):
    """The options of `rule: linear_threshold`."""

    rule: Literal["linear_threshold"]
    attribute: str = Field(default="active", min_length=1, description="Whether an agent begins active.")
    threshold: Annotated[float, Field(ge=0)] | Annotated[str, Field(min_length=1)] = Field(
        description="How many are enough: a number for all, or the attribute that holds each one's."
    )
    counts: Literal["share", "number"] = Field(default="share", description="What is compared with the threshold.")

    def says(self, seen: Observation) -> str:
        """Where it begins, then whether enough are active."""
        own, begun = own_number(seen, self.attribute)
        if own or not begun:
            return ACTIVE if own else INACTIVE
        heard = numbers(seen)
        if self.counts == "number":
            enough = sum(1 for state, _ in heard if state) >= parameter(seen, self.threshold)
        else:
            active, total = sum(weight for state, weight in heard if state), sum(weight for _, weight in heard)
            enough = active >= parameter(seen, self.threshold) * total if total else False
        return ACTIVE if enough else INACTIVE
