"""Waiting for the answer to one call, as long as its study allows. It knows no order and no log."""

from __future__ import annotations

import asyncio

from genai_social_sim.engine.calls import Caller, Job, Report
from genai_social_sim.errors import CompletionError
from genai_social_sim.kernel.state import RunState
from genai_social_sim.ports import LanguageModel


async def watched(caller: Caller, model: LanguageModel, job: Job, state: RunState) -> Report:
    """Ask and wait, at most as long as the study allows for an answer and for the turn."""
    sent, request, limit = caller.begun(job, state)
    if not limit:
        return caller.failed(sent, _too_late())
    try:
        async with asyncio.timeout(limit):
            answer = await model.complete(request)
    except TimeoutError:
        return caller.failed(sent, CompletionError(f"no answer within {limit:g} s", cause="timeout"))
    except CompletionError as fault:
        return caller.failed(sent, fault)
    return caller.answered(sent, answer)


async def trusted(caller: Caller, model: LanguageModel, job: Job, state: RunState) -> Report:
    """Ask a backend that holds the deadline itself, and wait as long as it takes."""
    sent, request, limit = caller.begun(job, state)
    if not limit:
        return caller.failed(sent, _too_late())
    try:
        answer = await model.complete(request._replace(limits=request.limits._replace(answer_s=limit)))
    except CompletionError as fault:
        return caller.failed(sent, fault)
    return caller.answered(sent, answer)


def _too_late() -> CompletionError:
    return CompletionError("the time of the whole turn was up before it could be asked again", cause="timeout")
