"""What a model gives for an item within its deadline, or why it gives nothing. It knows no broker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, get_args

from genai_social_sim.domain.events import CAUSES, Finish
from genai_social_sim.errors import CompletionError
from genai_social_sim.ports import Answer, Failure, InstantModel, LanguageModel, Request

_LETS_GO_S: Final = 5.0  # how long a model may take to end a call that is given up
_FINISHES: Final = get_args(Finish)


async def answered(model: LanguageModel, request: Request) -> Answer | Failure:
    """What comes of a request; nothing is raised."""
    try:
        return await _within(request.limits.answer_s, model.complete(request))
    except Exception as fault:  # noqa: BLE001 (as below)
        return _failure(fault)


def answered_at_once(model: InstantModel, request: Request) -> Answer | Failure:
    """The same of a model that answers without waiting."""
    try:
        return _checked(model.answer(request))
    except Exception as fault:  # noqa: BLE001 (a bug of a backend ends one attempt, and the run's record says which)
        return _failure(fault)


def _failure(fault: Exception) -> Failure:
    if not isinstance(fault, CompletionError):
        return Failure(problem=f"a mistake in the backend: {type(fault).__name__}: {fault}")
    return Failure(
        problem=fault.problem,
        cause=fault.cause if fault.cause in CAUSES else "error",
        remedy=fault.remedy,
        retry=fault.retry,
        retry_after_s=fault.retry_after_s,
    )


async def _within(limit_s: float, completion: Awaitable[Answer]) -> Answer | Failure:
    """The answer, unless it takes longer, also if the backend does not let go then."""
    call = asyncio.ensure_future(completion)
    try:
        done, _ = await asyncio.wait({call}, timeout=limit_s)
        if done:
            return _checked(call.result())
        call.cancel()
        await asyncio.wait({call}, timeout=_LETS_GO_S)
        return Failure(problem=f"no answer within {limit_s:g} s", cause="timeout")
    finally:
        call.cancel()


def _checked(answer: Answer) -> Answer:
    if not isinstance(answer, Answer) or not isinstance(answer.text, str) or answer.finish not in _FINISHES:
        raise TypeError(f"it gave back what no record can hold: {answer!r}")
    return answer
