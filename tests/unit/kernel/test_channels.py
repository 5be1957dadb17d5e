"""Several channels: who hears what, how turns are numbered, and how far one runs ahead of another."""

from __future__ import annotations

import pytest
from tests.support.folding import folded, opened, spoke

from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.plan import Layout, RunPlan, Silence, StopRule, Turns
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.run import apply, decide, hear, openings
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import RunState, start
from genai_social_sim.kernel.stopping import LOOKAHEAD_ROUNDS
from genai_social_sim.testing.plans import small_channel, small_plan


def two_channels(stop: StopRule | int = 10, layout: Layout = "script") -> RunPlan:
    return small_plan(
        small_channel("hall", members="ada bo cy", opening="system: In the hall."),
        small_channel("yard", members="bo di", opening="di: In the yard."),
        agents="ada bo cy di",
        stop=stop,
        layout=layout,
    )


def run_ahead(state: RunState, index: int, *, rounds: int) -> tuple[RunState, int]:
    """Let one channel go on while nothing is committed; how many turns it got."""
    got = 0
    for _ in range(rounds * len(state.stage.plan.channels[index].members)):
        turns = decide(state, index)
        if not turns:
            break
        state = hear(state, spoke(turns[0], "Hm."))
        got += 1
    return state, got


def test_a_round_goes_through_the_channels_in_the_order_of_their_names() -> None:
    run = folded(two_channels())
    assert " ".join(f"{turn.channel}:{turn.agent}" for turn in run.turns[:6]) == (
        "hall:ada hall:bo hall:cy yard:bo yard:di hall:ada"
    )
    assert [turn.number for turn in run.turns] == list(range(10))
    assert [turn.round for turn in run.turns] == [0] * 5 + [1] * 5


def test_an_agent_in_two_channels_hears_each_of_them_there_only() -> None:
    run = folded(two_channels())
    by_turn = {
        f"{turn.channel} {turn.agent} {turn.round}": shown for turn, shown in zip(run.turns, run.shown, strict=True)
    }
    assert by_turn["hall bo 1"] == ["In the hall.", "ada 0", "bo 1", "cy 2", "ada 5"]
    assert by_turn["yard bo 1"] == ["In the yard.", "bo 3", "di 4"]


def test_an_agent_is_told_who_is_with_it_in_each_channel() -> None:
    stage = Stage(two_channels(layout="persona_first"))
    state = start(stage)
    (in_yard,) = decide(state, 1)
    in_hall = Turn(number=1, channel=ChannelId("hall"), channel_no=0, round=0, position=1, agent=AgentId("bo"))
    assert "You are talking with ada, cy." in stage.prompt(in_hall, state.floors[0]).text
    assert "You are talking with di." in stage.prompt(in_yard, state.floors[1]).text
    assert stage.stops(in_hall) == ("\nada:", "\nbo:", "\ncy:")
    assert stage.stops(in_yard) == ("\nbo:", "\ndi:")


def test_openings_come_in_the_order_of_the_channels_and_once() -> None:
    state = start(Stage(two_channels()))
    assert [event.text.value for event in openings(state)] == ["In the hall.", "In the yard."]
    state = apply(state, openings(state)[0])
    assert [event.text.value for event in openings(state)] == ["In the yard."]
    state = apply(state, openings(state)[0])
    assert openings(state) == ()


@pytest.mark.parametrize("index", [0, 1])
def test_with_a_rule_on_counts_a_fast_channel_runs_ahead_as_far_as_its_bound(index: int) -> None:
    state, got = run_ahead(opened(two_channels(stop=100_000)), index, rounds=1000)
    members = len(state.stage.plan.channels[index].members)
    assert got == (LOOKAHEAD_ROUNDS + 1) * members
    assert state.progress.turns == 0


def test_with_a_rule_on_outcomes_no_channel_leaves_the_round() -> None:
    _, got = run_ahead(opened(two_channels(stop=Silence(rounds=3))), 1, rounds=10)
    assert got == 2


def test_a_channel_that_waited_goes_on_when_the_round_is_committed() -> None:
    state, _ = run_ahead(opened(two_channels(stop=Silence(rounds=3))), 1, rounds=10)
    for number in range(5):
        assert decide(state, 1) == ()
        (turn,) = decide(state, 0) if number < 3 else (_yard(number),)
        state = apply(state, spoke(turn, "Hm."))
    assert [turn.number for turn in decide(state, 1)] == [8]


def _yard(number: int) -> Turn:
    agent = AgentId(("bo", "di")[number - 3])
    return Turn(number=number, channel=ChannelId("yard"), channel_no=1, round=0, position=number - 3, agent=agent)


def test_no_turn_is_due_that_lies_beyond_the_end() -> None:
    state, got = run_ahead(opened(two_channels(stop=Turns(count=4))), 1, rounds=10)
    assert (got, decide(state, 1)) == (1, ())
    state, got = run_ahead(state, 0, rounds=10)
    assert (got, decide(state, 0)) == (3, ())


def test_a_simultaneous_round_is_due_as_far_as_the_run_goes() -> None:
    channel = small_channel("hall", members="ada bo cy", protocol="simultaneous")
    assert [turn.agent for turn in decide(opened(small_plan(channel, stop=2)), 0)] == ["ada", "bo"]


def test_hearing_a_turn_again_changes_nothing() -> None:
    state = opened(two_channels())
    (turn,) = decide(state, 0)
    once = hear(state, spoke(turn, "Hm."))
    assert hear(once, spoke(turn, "Hm.")) is once


def test_a_turn_that_comes_before_its_time_is_refused() -> None:
    state = opened(two_channels())
    (turn,) = decide(hear(state, spoke(decide(state, 0)[0], "Hm.")), 0)
    with pytest.raises(ValueError, match="turn 1 of channel hall is out of order: 0 is next"):
        hear(state, spoke(turn, "Hm."))
