"""What a study would cost: how many calls, about how many tokens, what those cost, and how long it takes now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from genai_social_sim.api.models import opened
from genai_social_sim.api.trials import Trials, guessed, made
from genai_social_sim.api.walking import Call, Walk
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import Model, RunPlan
from genai_social_sim.domain.price import Prices
from genai_social_sim.kernel.stopping import bound

_WALKED: Final = 2000  # turns that are walked through; a longer run is taken to go on like their second half


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run would take, about.

    `turns` is None if only what is said can end it; then the rest is for `walked` turns. `seconds` is None if nothing
    was measured, `cost` if the study gives no prices. `trials` were made to find out, and are in no count.
    """

    turns: int | None
    walked: int
    calls: int  # without further attempts; none for a turn that is passed over
    probes: int  # of the calls
    prompt_tokens: int
    answer_tokens: int
    at_once: float  # calls that can be under way at the same time, on average
    seconds: float | None
    cost: float | None
    currency: str
    trials: int
    measured: Mapping[str, float]  # seconds of the run for each call, by backend


async def forecast(plan: RunPlan, surroundings: Surroundings, *, prices: Prices, measure: bool) -> Forecast:
    """Walk through a run with answers of a likely length; with `measure`, make a few real calls to know that length.

    Raises:
        SocialSimError: If a backend cannot be opened, or its trial call fails.
    """
    most = bound(plan.stop, plan.round_size)
    typical = {agent.model: guessed(agent.model) for agent in plan.agents}
    walk = Walk(plan, typical, int(min(most, _WALKED)))
    trials: dict[Model, Trials] = {}
    if measure and walk.turns:
        async with opened((agent.model for agent in plan.agents), surroundings) as models:
            trials = await made(models, walk.stage, walk.firsts)
            walk = Walk(plan, typical | {model: each.typical for model, each in trials.items()}, walk.turns)
            for model, each in trials.items():
                for waves in _of(model, walk):
                    await each.time(waves)
    return _told(walk, trials, prices, turns=most)


def _of(model: Model, walk: Walk) -> Iterator[list[Sequence[Call]]]:
    """The waves from each place of a run, as far as they go to one model."""
    for place in walk.places:
        waves = [[call for call in wave if walk.stage.agents[call.turn.agent].model == model] for wave in place]
        if asked := [calls for calls in waves if calls]:
            yield [*asked]


def _told(walk: Walk, trials: Mapping[Model, Trials], prices: Prices, *, turns: float) -> Forecast:
    prompts, answers, cost, seconds = 0.0, 0.0, 0.0, 0.0
    counts = walk.counts(walk.turns if turns == inf else turns)
    for name, count in counts.items():
        model = walk.stage.agents[name].model
        typical = trials[model].typical if model in trials else guessed(model)
        prompt_tokens, answer_tokens = count.characters / typical.characters, count.calls * typical.tokens
        prompts, answers = prompts + prompt_tokens, answers + answer_tokens
        if price := prices.of.get(AgentId(name)):
            cost += price.of(prompt_tokens=prompt_tokens, answer_tokens=answer_tokens)
        seconds += count.calls * trials[model].each_s if model in trials else 0.0
    return Forecast(
        turns=None if turns == inf else int(turns),
        walked=walk.turns,
        calls=round(sum(count.calls for count in counts.values())),
        probes=round(sum(count.probes for count in counts.values())),
        prompt_tokens=round(prompts),
        answer_tokens=round(answers),
        at_once=walk.at_once,
        seconds=seconds if trials else None,
        cost=cost if prices else None,
        currency=prices.currency,
        trials=sum(each.calls for each in trials.values()),
        measured={model.backend: each.each_s for model, each in trials.items()},
    )
