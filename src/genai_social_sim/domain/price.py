"""What a model's tokens cost, as the study says: no list of prices is kept here, for no such list stays true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from genai_social_sim.domain.ids import AgentId

PER: Final = 1_000_000  # tokens that a price is for
_DIGITS: Final = 12  # after the point; a token of the cheapest models costs about 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """For a million tokens, in the study's currency."""

    prompt: float
    answer: float

    @property
    def free(self) -> bool:
        """Whether it costs nothing, however many tokens there are."""
        return not (self.prompt or self.answer)

    def of(self, *, prompt_tokens: float, answer_tokens: float) -> float:
        """What so many tokens cost, in the currency of the price."""
        return round((prompt_tokens * self.prompt + answer_tokens * self.answer) / PER, _DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The price of each agent's model, for those that have one. `currency`: for people; may be empty."""

    of: Mapping[AgentId, Price] = field(default_factory=dict)
    currency: str = ""

    def __bool__(self) -> bool:
        return bool(self.of)
