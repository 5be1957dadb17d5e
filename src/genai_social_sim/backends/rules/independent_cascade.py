"""Independent cascade: who has become active tries once to infect each of those who hear it.

An agent says `active ROUND` in the round in which it becomes active, and is silent otherwise; each such line of the
round before infects its hearers with the chance `p`, or, without `p`, with the weight of the edge. For
`protocol: simultaneous`; `stop: {silence: 1}` ends the run with the cascade. The memory holds what became active in
the round before, and its own line: as many utterances as there are agents, or, where these are thousands, such as
`{kind: window, utterances: 400, own: 1, reach: 2000}`.

Source: Goldenberg, Libai and Muller (2001), Talk of the network; Kempe, Kleinberg and Tardos (2003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, last_said, number_of
from genai_social_sim.errors import CompletionError

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class IndependentCascade(Rule):
    """The options of `rule: independent_cascade`."""

    rule: Literal["independent_cascade"]
    attribute: str = Field(default="active", min_length=1, description="Whether an agent begins active.")
    p: float | None = Field(default=None, ge=0, le=1, description="The chance; left out: each edge's weight.")

    def says(self, seen: Observation) -> str | None:
        """Says it once."""
        if last_said(seen) is not None:
            return None
        if seen.round == 0:
            active = bool(number_of(seen, self.attribute))
        else:
            before = f"active {seen.round - 1}"
            weights = seen.weights or (1.0,) * len(seen.heard)
            fresh = [weight for (_, text), weight in zip(seen.heard, weights, strict=True) if text == before]
            active = any(seen.dice.unit() < self._chance(seen, weight) for weight in fresh)
        return f"active {seen.round}" if active else None

    def _chance(self, seen: Observation, weight: float) -> float:
        if self.p is not None:
            return self.p if weight > 0 else 0.0
        if not seen.weights:
            raise CompletionError(
                f"the rule of {seen.agent} has no chance to go by",
                remedy="Write `p: 0.1` beside `rule: independent_cascade`, or give the network's edges weights.",
                retry=False,
            )
        return weight
