"""Majority: takes on the state that most of those heard have, by the weights of the edges if they have any.

With `own: true` its own state counts as one of them (where edges have weights, as its loop's). Between states that are
as frequent it keeps its own, if that is one of them, or draws one.

Source: Galam (2002), Minority opinion spreading in random geometry; for independent judges Condorcet (1785).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from genai_social_sim.backends.rules.base import Rule, attribute_of, last_said, voices

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class Majority(Rule):
    """The options of `rule: majority`."""

    rule: Literal["majority"]
    attribute: str = Field(default="opinion", min_length=1, description="The first state.")
    own: bool = Field(default=True, description="Whether the agent's own state counts.")

    def says(self, seen: Observation) -> str:
        """The first state, then that of most."""
        own = last_said(seen)
        if own is None:
            return str(attribute_of(seen, self.attribute))
        counts: dict[str, float] = {}
        for voice in voices(seen, own=self.own):
            if voice.weight > 0:
                counts[voice.text] = counts.get(voice.text, 0.0) + voice.weight
        most = [state for state, count in sorted(counts.items()) if count == max(counts.values())]
        return own if not most or own in most else seen.dice.choice(most)
