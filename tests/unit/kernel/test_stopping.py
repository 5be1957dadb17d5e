"""When a run ends: exactly, and in words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from tests.support.folding import folded, opened

from genai_social_sim.domain.plan import AllOf, AnyOf, Channel, Consensus, Rounds, Silence, StopRule, Tokens, Turns
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.run import decide, ending
from genai_social_sim.kernel.stopping import bound, on_outcomes
from genai_social_sim.testing.plans import small_channel, small_plan
from genai_social_sim.testing.strategies import stop_rules

ROUND_ROBIN = (small_channel("hall", members="ada bo cy"),)
SIMULTANEOUS = (small_channel("hall", members="ada bo cy", protocol="simultaneous"),)
TWO = (small_channel("hall", members="ada bo"), small_channel("yard", members="cy"))


def end_of(
    channels: tuple[Channel, ...], rule: StopRule, *, tokens: int = 10, quiet_after: int = 10**9
) -> tuple[int, str]:
    def say(turn: Turn) -> str:
        return "Hm." if turn.number < quiet_after else ""

    run = folded(small_plan(*channels, stop=rule), say, tokens=tokens)
    assert run.ended is not None
    assert run.ended.turns == len(run.turns)
    return run.ended.turns, run.ended.reason


@pytest.mark.parametrize("channels", [ROUND_ROBIN, SIMULTANEOUS, TWO], ids=["one", "simultaneous", "two"])
@pytest.mark.parametrize(
    ("rule", "turns", "words"),
    [
        (Turns(count=1), 1, "1 turn"),
        (Turns(count=7), 7, "7 turns"),
        (Rounds(count=2), 6, "2 rounds"),
        (AnyOf(rules=(Turns(count=5), Rounds(count=2))), 5, "5 turns"),
        (AnyOf(rules=(Turns(count=9), Rounds(count=2))), 6, "2 rounds"),
        (AllOf(rules=(Turns(count=5), Rounds(count=2))), 6, "5 turns and 2 rounds"),
        (AllOf(rules=(Turns(count=8), Rounds(count=2))), 8, "8 turns and 2 rounds"),
        (AnyOf(rules=(AllOf(rules=(Turns(count=2), Turns(count=4))), Turns(count=9))), 4, "2 turns and 4 turns"),
    ],
)
def test_a_rule_on_counts_holds_after_exactly_that_turn(
    channels: tuple[Channel, ...], rule: StopRule, turns: int, words: str
) -> None:
    assert end_of(channels, rule) == (turns, words)


@pytest.mark.parametrize(
    ("channels", "turns"), [(ROUND_ROBIN, 5), (SIMULTANEOUS, 6), (TWO, 6)], ids=["one", "simultaneous", "two"]
)
def test_a_rule_on_tokens_is_looked_at_after_each_wave(channels: tuple[Channel, ...], turns: int) -> None:
    assert end_of(channels, Tokens(count=50)) == (turns, "50 tokens")


@pytest.mark.parametrize(
    ("channels", "turns"), [(ROUND_ROBIN, 10), (SIMULTANEOUS, 12), (TWO, 12)], ids=["one", "simultaneous", "two"]
)
def test_a_run_ends_once_nobody_said_anything_for_so_many_rounds(channels: tuple[Channel, ...], turns: int) -> None:
    assert end_of(channels, Silence(rounds=2), quiet_after=4) == (turns, "silence of 2 rounds")


def test_one_word_breaks_a_silence() -> None:
    run = folded(small_plan(*ROUND_ROBIN, stop=Silence(rounds=1)), lambda turn: "Hm." if turn.number in (2, 4) else "")
    assert len(run.turns) == 8


def test_of_several_rules_the_first_that_holds_names_the_end() -> None:
    rule = AnyOf(rules=(Silence(rounds=1), Turns(count=3)))
    assert end_of(ROUND_ROBIN, rule, quiet_after=0) == (3, "silence of 1 round")


def test_all_of_several_rules_have_to_hold_at_the_same_time() -> None:
    rule = AllOf(rules=(Turns(count=7), Tokens(count=30)))
    assert end_of(ROUND_ROBIN, rule) == (7, "7 turns and 30 tokens")
    assert end_of(TWO, rule) == (9, "7 turns and 30 tokens")  # seven is not the end of a wave


def test_a_sure_end_is_sharp_although_another_rule_looks_at_outcomes() -> None:
    rule = AnyOf(rules=(Turns(count=5), Tokens(count=10**6)))
    assert end_of(TWO, rule) == (5, "5 turns")
    assert end_of(SIMULTANEOUS, rule) == (5, "5 turns")


def test_once_it_has_ended_nothing_is_due_and_it_does_not_end_again() -> None:
    run = folded(small_plan(*TWO, stop=4))
    assert run.ended is not None
    from genai_social_sim.kernel.run import apply

    state = apply(run.state, run.ended)
    assert ending(state) is None
    assert [decide(state, index) for index in (0, 1)] == [(), ()]


@pytest.mark.parametrize(
    ("rule", "turns", "looks"),
    [
        (Turns(count=5), 5, False),
        (Rounds(count=5), 20, False),
        (Tokens(count=5), math.inf, True),
        (Silence(rounds=5), math.inf, True),
        (AnyOf(rules=(Turns(count=5), Tokens(count=1))), 5, True),
        (AllOf(rules=(Turns(count=5), Tokens(count=1))), math.inf, True),
        (AllOf(rules=(Turns(count=5), Rounds(count=2))), 8, False),
    ],
)
def test_how_long_a_run_may_get_is_known_beforehand(rule: StopRule, turns: float, looks: bool) -> None:
    assert (bound(rule, 4), on_outcomes(rule)) == (turns, looks)


@given(stop_rules())
def test_no_run_gets_longer_than_that(rule: StopRule) -> None:
    for channels in (ROUND_ROBIN, SIMULTANEOUS, TWO):
        run = folded(small_plan(*channels, stop=rule), tokens=10)
        assert len(run.turns) <= bound(rule, 3)
        assert opened(run.state.stage.plan).progress.ended == ""


def agreeing(rule: StopRule, *rounds: str, agents: str = "ada bo cy") -> tuple[int, str]:
    """Where a run ends in which, round by round, each agent says its letter; a blank is a silence."""

    def say(turn: Turn) -> str:
        return rounds[turn.round][turn.position].strip()

    sure = AnyOf(rules=(rule, Rounds(count=len(rounds))))
    run = folded(small_plan(small_channel("hall", members=agents), agents=agents, stop=sure), say)
    assert run.ended is not None
    return run.ended.turns, run.ended.reason


def test_a_consensus_ends_the_run_at_the_end_of_the_round_in_which_it_has_held_long_enough() -> None:
    assert agreeing(Consensus(share=1.0), "aab", "aaa", "aaa") == (6, "consensus of 1 for 1 round")
    assert agreeing(Consensus(share=1.0, rounds=2), "aaa", "aaa", "aaa") == (6, "consensus of 1 for 2 rounds")
    assert agreeing(Consensus(share=1.0, rounds=2), "aaa", "aab", "aaa", "aaa") == (12, "consensus of 1 for 2 rounds")


def test_a_share_is_one_of_all_agents_and_who_is_silent_keeps_what_it_said() -> None:
    assert agreeing(Consensus(share=0.6), "ab ", "aa ", "bbb")[0] == 6
    assert agreeing(Consensus(share=1.0), "aa ", "aaa", "bbb")[0] == 6
    assert agreeing(Consensus(share=1.0), "aab", "  a", "bbb")[0] == 6


def test_nobody_agrees_before_anybody_has_spoken() -> None:
    assert agreeing(Consensus(share=0.5), "   ", "   ")[1] == "2 rounds"


def test_several_rules_of_agreement_are_counted_apart() -> None:
    both = AllOf(rules=(Consensus(share=0.6, rounds=3), Consensus(share=1.0)))
    assert agreeing(both, "aab", "aab", "aaa", "aaa") == (
        9,
        "consensus of 0.6 for 3 rounds and consensus of 1 for 1 round",
    )
