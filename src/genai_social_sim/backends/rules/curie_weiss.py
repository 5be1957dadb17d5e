"""Curie-Weiss: one of two states, the likelier the more of those heard have it.

States are `1` and `-1`; P(1) = (1 + tanh(beta (m + h))) / 2, with the mean m of the states heard, by the weights of the
edges if they have any. The agent itself does not count. With `protocol: {kind: random, repeat: true}` this is the heat
bath of the mean-field Ising model.

Source: Glauber (1963), Time-dependent statistics of the Ising model; De Marzo, Castellano and Garcia,
2409.02822.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, numbers, own_number

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class CurieWeiss(Rule):
    """The options of `rule: curie_weiss`."""

    rule: Literal["curie_weiss"]
    attribute: str = Field(default="opinion", min_length=1, description="The first state: above 0 or not.")
    beta: float = Field(description="How much others count (majority force).")
    h: float = Field(default=0.0, description="A field that favours 1, or below 0 the other state.")

    def says(self, seen: Observation) -> str:
        """The first state, then one drawn."""
        own, begun = own_number(seen, self.attribute)
        if not begun:
            return _state(up=own > 0)
        heard = numbers(seen)
        total = sum(weight for _, weight in heard)
        mean = sum(state * weight for state, weight in heard) / total if total > 0 else 0.0
        return _state(up=seen.dice.unit() < (1 + math.tanh(self.beta * (mean + self.h))) / 2)


def _state(*, up: bool) -> str:
    return "1" if up else "-1"
