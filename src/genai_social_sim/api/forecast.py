"""What a study would cost: how many calls, about how many tokens, and how long at the speed its backend shows now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from genai_social_sim.api.models import opened
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.events import Spoke
from genai_social_sim.domain.plan import Model, RunPlan
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.engine.conductor import Conductor
from genai_social_sim.errors import CompletionError
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.run import apply, openings, start
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.stopping import bound
from genai_social_sim.ports import LanguageModel, Limits, Request

_CHARACTERS: Final = 4  # of a token, about, in English
_WALKED: Final = 2000  # turns that are walked through; a longer run is taken to go on like their second half
_SHARE: Final = 0.7  # of max_tokens that an answer takes, about
_TRIALS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run would take, about. `seconds` is None if it was not measured.

    `turns` is None if only what is said can end it; then the rest is for `walked` turns.
    """

    turns: int | None
    walked: int
    prompt_tokens: int
    answer_tokens: int
    at_once: float  # calls that can be under way at the same time, on average
    seconds: float | None
    measured: Mapping[str, float]  # seconds of a trial call, by backend


async def forecast(plan: RunPlan, surroundings: Surroundings, *, measure: bool) -> Forecast:
    """Walk through a run with answers of a likely length; with `measure`, make a few real calls to time them.

    Raises:
        SocialSimError: If a backend cannot be opened, or its trial call fails.
    """
    most = bound(plan.stop, plan.round_size)
    walk = _Walk(plan)
    walk.go(int(min(most, _WALKED)))
    factor = 1.0 if most <= _WALKED or most == float("inf") else most / walk.turns
    trials = await _timed(plan, walk, surroundings) if measure and walk.turns else {}
    seconds = None
    if trials:
        alone = sum(trials[model][0] * count for model, count in walk.calls.items()) * factor
        slots = max(slots for _, slots in trials.values())
        seconds = alone / max(1.0, min(walk.at_once, slots))
    return Forecast(
        turns=None if most == float("inf") else int(most),
        walked=walk.turns,
        prompt_tokens=round(walk.prompt_tokens * factor),
        answer_tokens=round(walk.answer_tokens * factor),
        at_once=walk.at_once,
        seconds=seconds,
        measured={model.backend: each for model, (each, _) in trials.items()},
    )


class _Walk:
    """A run through the real kernel in which nobody is asked."""

    def __init__(self, plan: RunPlan) -> None:
        self.stage = Stage(plan)
        self.turns = self.prompt_tokens = self.answer_tokens = self._waves = 0
        self.calls: dict[Model, int] = {}
        self.typical: dict[Model, tuple[Turn, Prompt]] = {}  # the call of each model that was walked through last

    @property
    def at_once(self) -> float:
        """Turns that fall due together, on average."""
        return self.turns / max(1, self._waves)

    def go(self, most: int) -> None:
        """Take at most so many turns."""
        state = start(self.stage)
        for event in openings(state):
            state = apply(state, event)
        conductor = Conductor(state)
        while self.turns < most and not conductor.ended and (due := conductor.due()):
            self._waves += 1
            for turn in due[: most - self.turns]:
                conductor.take(turn, self._taken(conductor, turn))
            conductor.settle()

    def _taken(self, conductor: Conductor, turn: Turn) -> Spoke:
        model = self.stage.agents[turn.agent].model
        prompt = self.stage.prompt(turn, conductor.state.floors[turn.channel_no])
        asked, said = len(prompt.text) // _CHARACTERS + 1, max(1, round(model.sampling.max_tokens * _SHARE))
        self.turns += 1
        self.prompt_tokens += asked
        self.answer_tokens += said
        self.calls[model] = self.calls.get(model, 0) + 1
        self.typical[model] = (turn, prompt)
        text = Text.of(f"{turn.number}" + " word" * (_CHARACTERS * said // len(" word")))
        where = {"turn": turn.number, "round": turn.round, "channel": turn.channel, "agent": turn.agent}
        return Spoke(**where, text=text, call=b"", tokens=asked + said)  # type: ignore[arg-type]


async def _timed(plan: RunPlan, walk: _Walk, surroundings: Surroundings) -> dict[Model, tuple[float, int]]:
    """Seconds of one call and calls at once, for each model."""
    clock, limit = SystemClock(), plan.timeouts.answer_s
    found: dict[Model, tuple[float, int]] = {}
    async with opened(plan, surroundings) as models:
        for model, (turn, prompt) in walk.typical.items():
            began = clock.elapsed()
            for trial in range(_TRIALS):
                await _tried(models[model], walk.stage, turn, prompt, seed=trial, limit_s=limit)
            found[model] = ((clock.elapsed() - began) / _TRIALS, models[model].slots)
    return found


async def _tried(model: LanguageModel, stage: Stage, turn: Turn, prompt: Prompt, *, seed: int, limit_s: float) -> None:
    agent = stage.agents[turn.agent]
    request = Request(
        turn=turn.number,
        attempt=1,
        channel=turn.channel,
        round=turn.round,
        agent=turn.agent,
        persona=agent.persona,
        heard=(),
        prompt=prompt,
        sampling=agent.model.sampling,
        stop=stage.stops(turn),
        seed=seed,
        limits=Limits(answer_s=limit_s),
    )
    try:
        async with asyncio.timeout(limit_s):
            await model.complete(request)
    except TimeoutError:
        raise CompletionError(
            f"a trial call was not answered within {limit_s:g} s",
            cause="timeout",
            remedy="Set a longer timeouts.answer.",
        ) from None
