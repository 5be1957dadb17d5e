"""Memories: what an agent is shown of what it has heard. They know nothing of prompts or of how a memory is filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ALL_OWN = None  # of `own`: one's own utterances are shown like any others
_LINES_EACH: Final = 4  # of a meeting: both choices, and what the other was seen to have chosen before
Importance = Literal["none", "length", "authority", "rating"]
RATINGS: Final = tuple(range(1, 11))  # from of no importance to of the greatest


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The last `utterances`.

    `own` sets one's own apart: so many of them are shown beside the last `utterances` of others, out of the last
    `reach` that were heard; None: they count like any others', and `reach` does not. `across`, here and below: how many
    of the last utterances of each other channel are shown, as they were at the end of the round before.
    """

    utterances: int
    own: int | None = ALL_OWN
    reach: int = 200
    across: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A running summary by a model, and what was heard after it.

    Once `every` utterances or more lie before the last `utterances`, they go into the summary, at the agent's next
    turn, by a call of their own that asks `text` (a template like those of prompts) for at most `max_tokens`.
    """

    utterances: int
    every: int
    max_tokens: int
    text: str
    own: int | None = ALL_OWN
    reach: int = 200
    across: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """The last `utterances`, and `k` of those before, out of `reach`, by relevance, recency and importance.

    `relevance`, `recency` and `weight` (of `importance`) say how much each of the three counts. What was heard
    `half_life` utterances earlier is half as recent. `embedding` names what tells how alike texts are. For `rating` the
    agent's model is asked `text`, a template like those of prompts, about each utterance by a call of its own.
    """

    utterances: int
    k: int
    embedding: str
    half_life: float = 50.0
    relevance: float = 1.0
    recency: float = 1.0
    importance: Importance = "length"
    weight: float = 1.0
    text: str = ""
    own: int | None = ALL_OWN
    reach: int = 500
    across: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactions:
    """The agent's `last` meetings, as `text`, a template over `name`, `interactions` and `score`, tells of them.

    `match` and `mismatch` are the points of a meeting in which both chose the same, or not; None without payoffs.
    """

    last: int
    text: str
    match: float | None = None
    mismatch: float | None = None


Memory = Window | Summary | Retrieval | Interactions


def rates(memory: Memory) -> bool:
    """Whether it takes ratings by a model."""
    return isinstance(memory, Retrieval) and memory.importance == "rating" and memory.weight > 0


def kept(memory: Memory) -> int:
    """How many utterances have to be kept for it."""
    if isinstance(memory, Interactions):
        return _LINES_EACH * memory.last
    here = memory.utterances if isinstance(memory, Window) and memory.own is ALL_OWN else memory.reach
    return max(here, memory.across)


def across(memory: Memory) -> int:
    """How many utterances of each other channel it shows."""
    return 0 if isinstance(memory, Interactions) else memory.across
