"""What follows from a plan and is kept, and that keeping it changes nothing."""

from __future__ import annotations

import pytest
from tests.support.folding import folded

from genai_social_sim.kernel import stage as stage_module
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.testing.plans import small_channel, small_plan


def test_a_stage_that_keeps_little_gives_the_same_prompts_and_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    channels = [small_channel(name, members="ada bo cy di") for name in ("hall", "yard")]
    plan = small_plan(*channels, agents="ada bo cy di", stop=40, layout="persona_first")
    run = folded(plan)
    roomy = Stage(plan)
    monkeypatch.setattr(stage_module, "_MOST_PARTS", 2)
    cramped = Stage(plan)
    for turn in run.turns:
        floor = run.state.floors[turn.channel_no]
        prompt = roomy.prompt(turn, floor)
        assert cramped.prompt(turn, floor) == prompt
        assert cramped.asked(turn, prompt) == roomy.asked(turn, prompt)
        assert cramped.stops(turn) == roomy.stops(turn)
