"""Pairs: who meets, who acts, what each is shown, and who hears it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.support.folding import Folded, folded, opened, spoke

from genai_social_sim.domain.plan import Pairwise, Rounds, RunPlan
from genai_social_sim.kernel.run import decide, hear
from genai_social_sim.testing.plans import small_channel, small_plan


def met(
    protocol: Pairwise, *, members: str = "ada bo cy di", edges: str | None = None, rounds: int = 20, seed: int = 7
) -> Folded:
    return folded(hall(protocol, members=members, edges=edges, rounds=rounds, seed=seed))


def hall(protocol: Pairwise, *, members: str, edges: str | None, rounds: int, seed: int = 7) -> RunPlan:
    channel = small_channel("hall", members=members, protocol=protocol, edges=edges, opening="")
    return small_plan(channel, agents=members, stop=Rounds(count=rounds), seed=seed)


def pairs(run: Folded) -> Counter[tuple[str, str]]:
    speakers, listeners = run.turns[::2], run.turns[1::2]
    return Counter((one.agent, other.agent) for one, other in zip(speakers, listeners, strict=True))


def test_every_ordered_pair_is_as_likely_as_the_next() -> None:
    counts = pairs(met(Pairwise(), rounds=1200))
    assert len(counts) == 12
    assert all(abs(count - 200) < 55 for count in counts.values())  # 4 standard deviations


def test_only_pairs_that_the_network_carries_meet() -> None:
    for protocol in (Pairwise(pick="link"), Pairwise(pick="speaker"), Pairwise(pick="listener")):
        counts = pairs(met(protocol, edges="ada>bo bo>cy", rounds=50))
        assert {*counts} == {("ada", "bo"), ("bo", "cy")}


def test_in_a_star_a_link_a_speaker_and_a_listener_are_drawn_with_different_chances() -> None:
    """Of a star's 3 leaves and hub: the hub listens in 1/2 of links, in 1/4 of listeners drawn, 3/4 of speakers."""
    shares = {Pairwise(pick="link"): 1 / 2, Pairwise(pick="listener"): 1 / 4, Pairwise(pick="speaker"): 3 / 4}
    for protocol, share in shares.items():
        counts = pairs(met(protocol, edges="ada-bo ada-cy ada-di", rounds=1000))
        hub = sum(count for (_, listener), count in counts.items() if listener == "ada") / counts.total()
        assert abs(hub - share) < 0.045  # 4 standard deviations


def test_partners_are_drawn_by_the_weights_of_edges() -> None:
    counts = pairs(met(Pairwise(), edges="ada>bo:3 cy>di:1", rounds=1000))
    assert abs(counts["ada", "bo"] / counts.total() - 0.75) < 0.04


def test_the_listener_hears_the_speaker_and_nobody_else_does() -> None:
    run = met(Pairwise(shows="nothing"), rounds=10)
    heard: dict[str, list[str]] = {name: [] for name in ("ada", "bo", "cy", "di")}
    for turn, shown in zip(run.turns, run.shown, strict=True):
        assert shown == heard[turn.agent][-20:]
        other = run.turns[turn.number + 1 if turn.number % 2 == 0 else turn.number - 1].agent
        for agent in (turn.agent, other):
            heard[agent].append(f"{turn.agent} {turn.number}")


def test_a_listener_that_alone_acts_sees_last_what_the_speaker_said_last() -> None:
    run = met(Pairwise(acts="listener", pick="listener", announce=True), members="ada bo", rounds=6)
    words = {"ada": "ada 0", "bo": "bo 1"}
    assert run.shown[:2] == [[], []]
    for turn, shown in list(zip(run.turns, run.shown, strict=True))[2:]:
        other = "bo" if turn.agent == "ada" else "ada"
        assert shown[-1] == words[other]
        words[turn.agent] = f"{turn.agent} {turn.number}"


def test_both_act_on_what_the_other_said_before_they_met() -> None:
    run = met(Pairwise(acts="both", announce=True), rounds=30)
    words = {turn.agent: f"{turn.agent} {turn.number}" for turn in run.turns[:4]}
    for at in range(4, len(run.turns), 2):
        one, other = run.turns[at : at + 2]
        assert (run.shown[at][-1], run.shown[at + 1][-1]) == (words[other.agent], words[one.agent])
        words |= {turn.agent: f"{turn.agent} {turn.number}" for turn in (one, other)}


def test_both_are_asked_at_once() -> None:
    state = opened(hall(Pairwise(acts="both"), members="ada bo cy di", edges=None, rounds=3))
    assert len(decide(state, 0)) == 2


def test_in_one_direction_one_of_the_two_hears_nothing() -> None:
    run = met(Pairwise(acts="both"), members="ada bo", edges="ada>bo", rounds=3)
    assert all(all(line.startswith("ada") for line in shown) for turn, shown in told(run) if turn == "ada")
    assert run.shown[-1]


def told(run: Folded) -> list[tuple[str, list[str]]]:
    return [(turn.agent, shown) for turn, shown in zip(run.turns, run.shown, strict=True)]


def test_a_meeting_is_told_the_name_of_the_partner_alone() -> None:
    run = met(Pairwise(), rounds=1)
    first, second = run.turns[:2]
    names = [name for name in ("ada", "bo", "cy", "di") if name in run.prompt(0).split("\n")[0]]
    assert names == sorted([first.agent, second.agent])


@given(seed=st.integers(0, 10_000), rounds=st.integers(2, 12))
def test_averaging_in_pairs_at_once_keeps_the_sum(seed: int, rounds: int) -> None:
    """Deffuant's rule with mu .5 and no bound: each moves half way to what the other said before they met."""
    mine = {"ada": 0.0, "bo": 1.0, "cy": 8.0, "di": 64.0}
    state = opened(
        hall(Pairwise(acts="both", announce=True), members=" ".join(mine), edges=None, rounds=rounds, seed=seed)
    )
    while turns := decide(state, 0):
        for turn in turns:
            heard = state.stage.heard(turn, state.floors[0])
            if turn.round:
                mine[turn.agent] = (mine[turn.agent] + float(heard[-1].text.value)) / 2
        state = hear(state, *[spoke(turn, repr(mine[turn.agent])) for turn in turns])
    assert sum(mine.values()) == 73.0


def test_who_is_asked_aside_is_shown_what_it_has_heard_and_nothing_of_a_partner() -> None:
    run = met(Pairwise(announce=True), rounds=1)
    for turn in run.turns:
        aside = turn._replace(round=1, position=-1, aside="stance")
        heard = run.state.stage.heard(aside, run.state.floors[0])
        assert [line.speaker for line in heard] == [turn.agent]
