"""What is heard and counted in one step comes to what it does one by one."""

from __future__ import annotations

from hypothesis import given
from tests.laws.test_laws import SEEDS, instant, looks, opened

from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.events import FellSilent, Outcome, Spoke
from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.kernel.run import hear, taken_alone, tallied
from genai_social_sim.testing.plans import small_plan
from genai_social_sim.testing.strategies import plans


@given(plans(), SEEDS, SEEDS)
def test_turns_heard_and_counted_together_come_to_what_they_do_one_by_one(plan: RunPlan, seed: int, luck: int) -> None:
    played = instant(plan, seed).play()
    outcomes: list[Outcome] = played.of(Spoke, FellSilent)
    dice, one = Dice(luck, "together"), opened(played.events, plan)
    many = one
    for outcome in outcomes:
        one = hear(one, outcome)
    for channel in plan.channels:
        left = [each for each in outcomes if each.channel == channel.name]
        while left:
            size = 1 + dice.below(len(left))
            many, left = hear(many, *left[:size]), left[size:]
    assert looks(one) == looks(many)
    if one.stage.counts_alone:
        counted = tallied(many, *outcomes).progress
        for outcome in outcomes:
            one = tallied(one, outcome)
        assert counted == one.progress


@given(plans(), SEEDS)
def test_a_turn_that_is_heard_and_counted_in_one_step_comes_to_what_it_does_in_two(plan: RunPlan, seed: int) -> None:
    played = instant(plan, seed).play()
    state = opened(played.events, plan)
    for outcome in played.of(Spoke, FellSilent):
        index = state.stage.channel_index[outcome.channel]
        at_once, state = taken_alone(state, index, outcome), tallied(hear(state, outcome), outcome)
        assert at_once is None or (looks(at_once), at_once.progress) == (looks(state), state.progress)


def test_a_plain_conversation_goes_on_in_one_step_until_its_last_turn() -> None:
    played = instant(small_plan(stop=5), 1).play()
    state, steps = opened(played.events, played.plan), []
    for outcome in played.of(Spoke, FellSilent):
        steps.append(taken_alone(state, 0, outcome) is not None)
        state = tallied(hear(state, outcome), outcome)
    assert steps == [True] * 4 + [False]
