"""One model call, from a turn to a recorded answer or failure. It knows no order and no log."""

from __future__ import annotations

import asyncio
import json
from typing import Final, NamedTuple

from genai_social_sim.domain.events import CAUSES, Answered, Asked, AttemptFailed, Cause, Taken
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import CompletionError
from genai_social_sim.kernel.floor import Floor, Turn
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.ports import Answer, Clock, InstantModel, LanguageModel, Request

_NO_NOTES: Final = Text.of("{}")


class Job(NamedTuple):
    """A turn to be answered, its attempt (from 1), and when the turn fell due."""

    turn: Turn
    attempt: int
    due_at: float


class Report(NamedTuple):
    """What came of a job: an answer or a failure, with the prompt that was sent."""

    job: Job
    taken: Taken
    prompt: Prompt


class Caller:
    """Makes calls for the turns of one plan."""

    def __init__(self, stage: Stage, clock: Clock) -> None:
        self._stage = stage
        self._clock = clock

    def at_once(self, model: InstantModel, job: Job, floor: Floor) -> Report:
        """Ask a backend that answers without waiting."""
        prompt, asked, request = self._request(job, floor)
        sent = self._clock.elapsed()
        try:
            answer = model.answer(request)
        except CompletionError as fault:
            return self._failed(job, prompt, asked, sent, cause=_cause(fault), detail=str(fault))
        return Report(job, self._answered(job, asked, answer, sent), prompt)

    async def waiting(self, model: LanguageModel, job: Job, floor: Floor) -> Report:
        """Ask and wait, at most as long as the study allows for an answer."""
        prompt, asked, request = self._request(job, floor)
        limit = self._stage.plan.timeouts.answer_s
        sent = self._clock.elapsed()
        try:
            async with asyncio.timeout(limit):
                answer = await model.complete(request)
        except TimeoutError:
            return self._failed(job, prompt, asked, sent, cause="timeout", detail=f"no answer within {limit:g} s")
        except CompletionError as fault:
            return self._failed(job, prompt, asked, sent, cause=_cause(fault), detail=str(fault))
        return Report(job, self._answered(job, asked, answer, sent), prompt)

    def _request(self, job: Job, floor: Floor) -> tuple[Prompt, Asked, Request]:
        turn, stage = job.turn, self._stage
        agent = stage.agents[turn.agent]
        prompt = stage.prompt(turn, floor)
        asked = stage.asked(turn, prompt)
        request = Request(
            turn=turn.number,
            attempt=job.attempt,
            channel=turn.channel,
            round=turn.round,
            agent=turn.agent,
            persona=agent.persona,
            heard=floor.heard,
            prompt=prompt,
            sampling=agent.model.sampling,
            stop=stage.stops(turn),
            seed=asked.seed,
        )
        return prompt, asked, request

    def _answered(self, job: Job, asked: Asked, answer: Answer, sent: float) -> Answered:
        first = answer.first_token_s
        notes = _NO_NOTES
        if answer.notes:
            notes = Text.of(json.dumps(answer.notes, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
        return Answered(
            turn=job.turn.number,
            attempt=job.attempt,
            asked=asked,
            raw=Text.of(answer.text),
            finish=answer.finish,
            prompt_tokens=answer.prompt_tokens,
            answer_tokens=answer.answer_tokens,
            sent_s=round(sent - job.due_at, 6),
            first_token_s=None if first is None else round(sent - job.due_at + first, 6),
            done_s=round(self._clock.elapsed() - job.due_at, 6),
            by=answer.by,
            notes=notes,
        )

    def _failed(self, job: Job, prompt: Prompt, asked: Asked, sent: float, *, cause: Cause, detail: str) -> Report:
        failure = AttemptFailed(
            turn=job.turn.number,
            attempt=job.attempt,
            asked=asked,
            cause=cause,
            detail=Text.of(detail),
            sent_s=round(sent - job.due_at, 6),
            done_s=round(self._clock.elapsed() - job.due_at, 6),
            final=job.attempt % self._stage.plan.timeouts.attempts == 0,
        )
        return Report(job, failure, prompt)


def _cause(fault: CompletionError) -> Cause:
    return fault.cause if fault.cause in CAUSES else "error"
