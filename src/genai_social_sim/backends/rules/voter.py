"""Voter: takes over the state of another.

With `copies: last` (for `protocol: pairwise`) that of whom it has just heard; with `copies: drawn` that of one drawn
among those heard, by the weights of the edges. States are any words or numbers.

Source: Clifford and Sudbury (1973), A model for spatial conflict, Biometrika 60; Holley and Liggett (1975).
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, attribute_of, last_said, voices

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class Voter(Rule):
    """The options of `rule: voter`."""

    rule: Literal["voter"]
    attribute: str = Field(default="opinion", min_length=1, description="The first state.")
    copies: Literal["last", "drawn"] = Field(default="last", description="Whose state is taken over.")

    def says(self, seen: Observation) -> str:
        """The first state, then another's."""
        own = last_said(seen)
        if own is None:
            return str(attribute_of(seen, self.attribute))
        others = [voice for voice in voices(seen) if voice.weight > 0]
        if not others:
            return own
        if self.copies == "last":
            return others[-1].text
        return others[seen.dice.weighed(tuple(accumulate(voice.weight for voice in others)))].text
