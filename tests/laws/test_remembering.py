"""Laws of memories, for plans that nobody chose; and that the plans of all laws make memories up."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from tests.laws.test_laws import SEEDS, anything, crossing, instant, listened, waiting

from genai_social_sim.domain.events import Remembered
from genai_social_sim.domain.memory import Retrieval, Summary, rates
from genai_social_sim.domain.plan import RunPlan


@pytest.mark.parametrize("aside", ["~summary", "~recall", "~rating"])
def test_among_these_plans_are_some_in_which_each_kind_of_memory_is_made_up(aside: str) -> None:
    """So that the laws below are about them too."""

    def made_up(plan: RunPlan) -> bool:
        memories = [room.memory for room in plan.channels]
        if not any(isinstance(memory, Summary if aside == "~summary" else Retrieval) for memory in memories):
            return False
        if aside == "~rating" and not any(memory is not None and rates(memory) for memory in memories):
            return False
        events = instant(plan, 1).play().of(Remembered)
        return any(event.aside.startswith(aside) and event.cause is None for event in events)

    few = settings(max_examples=1000, database=None, derandomize=True, phases=[Phase.generate])
    find(anything(), made_up, settings=few)


@settings(max_examples=15)
@given(anything(), SEEDS, SEEDS, st.integers(1, 40))
def test_with_memories_across_channels_it_is_the_same_run_whatever_comes_first_and_wherever_it_stops(
    plan: RunPlan, seed: int, luck: int, every: int
) -> None:
    plan = crossing(plan)
    one = instant(plan, seed).play()
    assert waiting(plan, seed, luck=luck, slots=3).play().digest == one.digest
    stopped = waiting(plan, seed, luck=luck, slots=2).cancelled(after_events=every)
    assert instant(plan, seed).play(stopped.entries()).digest == one.digest


@settings(max_examples=40)
@given(anything(), SEEDS)
def test_each_line_is_rated_once_by_who_hears_it_before_it_comes_to_mind(plan: RunPlan, seed: int) -> None:
    played, seen = listened(plan, seed)
    ratings = [each for each in seen if each.aside.startswith("~rating") and each.attempt == 1]
    asked = Counter(
        [(each.channel, each.agent, line.turn) for each in ratings for line in each.heard if line.turn >= 0]
    )
    assert set(asked.values()) <= {1}
    raters = {room.name for room in plan.channels if room.memory is not None and rates(room.memory)}
    for event in played.of(Remembered):
        if event.aside == "~recall" and event.channel in raters:
            found = [line["turn"] for line in json.loads(event.text.value or "[]")]
            assert all((event.channel, event.agent, turn) in asked for turn in found if turn >= 0)
