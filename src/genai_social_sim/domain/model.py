"""What answers for an agent and how it is asked. It knows nothing of any backend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Decoding options; None leaves one to the backend's own default.

    `temperature` >= 0, `top_p` and `min_p` on [0, 1], `top_k` >= 0 (0 is off), `repeat_penalty` > 0
    (1 is off), `max_tokens` >= 1.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_tokens: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Which backend answers and how it is asked.

    `options` are the backend's own keys as JSON text, so that equal models compare equal.
    """

    backend: str
    options: str = "{}"
    sampling: Sampling = Sampling()
