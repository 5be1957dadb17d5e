"""What a backend gives back, looked at once. Never compiled: compiled code takes values at their types' word."""

from __future__ import annotations

import math
from operator import index
from typing import Final, get_args

from genai_social_sim.domain.events import Finish
from genai_social_sim.ports import Answer

_FINISHES: Final = get_args(Finish)


def checked(answer: Answer) -> Answer:
    """The answer with numbers of Python's own, whatever library they are of.

    Raises:
        TypeError: If no record could hold it, which is a bug of the backend.
    """
    text, finish, prompt_tokens, answer_tokens, first, by, mass, _ = answer
    words = isinstance(text, str) and isinstance(by, str) and finish in _FINISHES
    if not words or not (first is None or math.isfinite(first)):
        raise TypeError(f"a backend gave back what no record can hold: {answer!r}")
    if type(prompt_tokens) is type(answer_tokens) is int and first is None and mass is None:
        return answer
    return answer._replace(
        prompt_tokens=index(prompt_tokens),
        answer_tokens=index(answer_tokens),
        first_token_s=None if first is None else float(first),
        legal_mass=None if mass is None else float(mass),
    )
