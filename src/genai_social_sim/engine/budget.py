"""What a run may use up before it is interrupted in good order, and what it has used up so far."""

from __future__ import annotations

import math
from dataclasses import dataclass

from genai_social_sim.domain.events import Answered, Taken
from genai_social_sim.errors import SocialSimError


class BudgetError(SocialSimError):
    """The budget is used up; the run can be resumed with a larger one."""

    code = "budget"
    exit_code = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a run may use up in all before it is interrupted, to be resumed with more; None is no limit."""

    tokens: int | None = None
    seconds: float | None = None  # of this session
    cost: float | None = None  # in the currency of the study's prices


class Spending:
    """What a run has used up, held against its budget.

    Args:
        budget: The limits.
        cost: Of the answers in the log already.
        began: When this session began, on the clock by which it is asked later.
    """

    def __init__(self, budget: Budget, *, cost: float, began: float) -> None:
        self._budget = budget
        self._cost = cost
        self._began = began
        self._uncounted = ""  # who answered without saying how many tokens that took

    def add(self, taken: Taken) -> None:
        """Count what one more answer cost."""
        if not isinstance(taken, Answered):
            return
        if taken.cost is not None:
            self._cost += taken.cost
        elif self._budget.cost is not None:
            self._uncounted = taken.by or f"turn {taken.turn}"

    def left_s(self, now: float) -> float:
        """Seconds until the time is used up."""
        limit = self._budget.seconds
        return math.inf if limit is None else max(0.0, limit - (now - self._began))

    def check(self, *, tokens: int, now: float) -> None:
        """Raises BudgetError if a limit is reached, or cannot be kept. `tokens`: of the turns committed so far."""
        budget = self._budget
        if budget.tokens is not None and tokens >= budget.tokens:
            raise BudgetError(f"the budget of {budget.tokens:,} tokens is used up ({tokens:,})")
        if budget.cost is not None and self._cost >= budget.cost:
            raise BudgetError(f"the budget of {budget.cost:g} is used up (the calls cost {self._cost:.6g})")
        if self._uncounted:
            raise BudgetError(
                f"the budget on cost cannot be kept: {self._uncounted} does not say how many tokens a call took",
                remedy="Set budget.time or stop.turns in its place.",
            )
        if not self.left_s(now):
            raise BudgetError(f"the budget of {budget.seconds:g} s is used up")
