"""What the shipped rules have in common: an agent's state is what it said last, and before that an attribute.

A rule is a pure function of an observation. It reads states out of lines; lines that say none (an opening, the words of
a language model) are passed over. Numbers are said as Python writes them, so that they are read back exactly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from genai_social_sim.errors import CompletionError

if TYPE_CHECKING:
    from genai_social_sim.backends.rule import Observation


class Rule(BaseModel):
    """The options that every shipped rule takes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    rule: str = Field(description="The rule's name.")
    quiet: bool = Field(default=False, description="Pass in turns in which the state stays what was said last.")

    def act(self, seen: Observation) -> str | None:
        """What the agent says; None to pass."""
        said = self.says(seen)
        return None if self.quiet and said is not None and said == last_said(seen) else said

    def says(self, seen: Observation) -> str | None:
        """What the agent says, whether it is new or not; None to pass."""
        raise NotImplementedError


class Voice(NamedTuple):
    """What another agent said last, and how much it counts."""

    speaker: str
    text: str
    weight: float


def last_said(seen: Observation) -> str | None:
    """What the agent itself said last; None if it remembers nothing of the kind."""
    return next((text for speaker, text in reversed(seen.heard) if speaker == seen.agent), None)


def voices(seen: Observation, *, own: bool = False) -> tuple[Voice, ...]:
    """What each of those heard said last, who was heard last at the end; with `own` the agent itself among them."""
    weights = seen.weights or (1.0,) * len(seen.heard)
    latest: dict[str, Voice] = {}
    for (speaker, text), weight in zip(seen.heard, weights, strict=True):
        if own or speaker != seen.agent:
            latest.pop(speaker, None)
            latest[speaker] = Voice(speaker, text, weight)
    return tuple(latest.values())


def number_in(text: str) -> float | None:
    """The number that a line says; None if it says none, or none that can be reckoned with."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def numbers(seen: Observation, *, own: bool = False) -> tuple[tuple[float, float], ...]:
    """The number that each of those heard said last, with its weight."""
    found = [(number_in(voice.text), voice.weight) for voice in voices(seen, own=own)]
    return tuple([(value, weight) for value, weight in found if value is not None])


def own_number(seen: Observation, attribute: str) -> tuple[float, bool]:
    """The agent's number, and whether it has said it already; else it is the attribute's."""
    said = last_said(seen)
    value = None if said is None else number_in(said)
    return (number_of(seen, attribute), False) if value is None else (value, True)


def number_of(seen: Observation, attribute: str) -> float:
    """An attribute as a number; raises CompletionError."""
    value = attribute_of(seen, attribute)
    found = number_in(str(float(value) if isinstance(value, bool) else value))
    if found is None:
        raise _unfit(f"the attribute {attribute!r} of {seen.agent} is {value!r}, which is no number", attribute)
    return found


def attribute_of(seen: Observation, attribute: str) -> str | int | float | bool:
    """An attribute of the agent; raises CompletionError if it has none of this name."""
    value = seen.attributes.get(attribute)
    if value is None:
        raise _unfit(f"{seen.agent} has no attribute {attribute!r}, with which its rule begins", attribute)
    return value


def parameter(seen: Observation, given: float | str) -> float:
    """A parameter that is the same for all, or the name of the attribute that holds each agent's own."""
    return number_of(seen, given) if isinstance(given, str) else float(given)


def _unfit(problem: str, attribute: str) -> CompletionError:
    remedy = f"Give each agent that follows the rule `attributes: {{{attribute}: ...}}`, or the population."
    return CompletionError(problem, remedy=remedy, retry=False)
