"""A few real calls before a run: how a model's tokens count, how long its answers are, and how quick it is now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from genai_social_sim.api.walking import Call, Typical
from genai_social_sim.domain.plan import Model
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import CompletionError
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.ports import Answer, LanguageModel, Limits, Request

CHARACTERS: Final = 4.0  # of a token, about, in English; where nothing was measured
SHARE: Final = 0.7  # of max_tokens that an answer takes, about; where nothing was measured
_SAMPLES: Final = 2  # answers to a run's first prompt
_MOST_AT_ONCE: Final = 16
_ENOUGH_S: Final = 10.0  # of timed calls at one place


def guessed(model: Model) -> Typical:
    """What a model is taken to answer that nobody asked."""
    tokens = max(1, round(model.sampling.max_tokens * SHARE))
    return Typical([" word" * round(CHARACTERS * tokens / len(" word"))], tokens, CHARACTERS)


class Trials:
    """Calls to one model, and what they showed."""

    def __init__(self, model: LanguageModel, stage: Stage) -> None:
        self.slots = model.slots
        self.calls = self.prompt_tokens = self.answer_tokens = 0
        self._timed: list[float] = []
        self._model = model
        self._stage = stage
        self._clock = SystemClock()
        self._characters = 0
        self._texts: list[str] = []

    @property
    def typical(self) -> Typical:
        """What the answers were like."""
        texts = [text for text in self._texts if text] or ["..."]
        return Typical(texts, self.answer_tokens / max(1, self.calls), self.characters)

    @property
    def characters(self) -> float:
        """Of a token of its prompts, what is put around messages included; infinite if it does not count them."""
        return self._characters / self.prompt_tokens if self.prompt_tokens else float("inf")

    @property
    def each_s(self) -> float:
        """Seconds of a run for each call, with as many at once as the run has; over the places where it was timed."""
        return sum(self._timed) / max(1, len(self._timed))

    async def sample(self, call: Call) -> None:
        """Ask what the run will ask first, more than once: this also wakes a model that has to be loaded."""
        for seed in range(_SAMPLES):
            await self._asked(call, seed)

    async def time(self, waves: Iterable[Sequence[Call]]) -> None:
        """Ask as the run will at some place: the first wave fills caches, and those after it are timed."""
        spent, timed, each_s = 0.0, 0, 0.0
        for number, wave in enumerate(waves):
            calls = wave[: min(self.slots, _MOST_AT_ONCE)]
            began = self._clock.elapsed()
            async with asyncio.TaskGroup() as tasks:
                for call in calls:
                    tasks.create_task(self._asked(call, number))
            took = self._clock.elapsed() - began
            if number == 0:
                each_s = took / len(calls)  # holds if there is no further wave
                continue
            spent, timed = spent + took, timed + len(calls)
            each_s = spent / timed
            if spent > _ENOUGH_S:
                break
        self._timed.append(each_s)

    async def _asked(self, call: Call, seed: int) -> None:
        turn = call.turn
        agent, limit_s = self._stage.agents[turn.agent], self._stage.plan.timeouts.answer_s
        request = Request(
            turn=turn.number,
            attempt=1,
            channel=turn.channel,
            round=turn.round,
            agent=turn.agent,
            persona=agent.persona,
            heard=call.heard,
            prompt=call.prompt,
            sampling=self._stage.sampling(turn),
            stop=self._stage.stops(turn),
            seed=seed,
            limits=Limits(answer_s=limit_s),
            attributes=agent.attributes,
        )
        try:
            async with asyncio.timeout(limit_s):
                answer = await self._model.complete(request)
        except TimeoutError:
            raise CompletionError(
                f"a trial call was not answered within {limit_s:g} s",
                cause="timeout",
                remedy="Set a longer timeouts.answer.",
            ) from None
        self._note(call, answer)

    def _note(self, call: Call, answer: Answer) -> None:
        self.calls += 1
        self._characters += len(call.prompt.text)
        self.prompt_tokens += answer.prompt_tokens
        self.answer_tokens += answer.answer_tokens
        self._texts.append(" ".join(answer.text.split()))


async def made(
    models: Mapping[Model, LanguageModel], stage: Stage, firsts: Mapping[Model, Call]
) -> dict[Model, Trials]:
    """Trials of each model of which a first call is known, after the samples."""
    trials = {model: Trials(models[model], stage) for model in firsts}
    for model, call in firsts.items():
        await trials[model].sample(call)
    return trials
