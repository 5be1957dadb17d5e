"""Whose turn it is, and what is heard before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.folding import Folded, folded, opened, spoke

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.network import Edge, complete
from genai_social_sim.domain.plan import (
    ByAuthority,
    Moderated,
    Protocol,
    RandomOrder,
    RoundRobin,
    Rounds,
    RunPlan,
    Simultaneous,
)
from genai_social_sim.domain.taking import Moment
from genai_social_sim.kernel.floor import Floor, Turn, due
from genai_social_sim.kernel.run import decide, hear
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import RunState
from genai_social_sim.kernel.taking import who
from genai_social_sim.testing.plans import small_channel, small_plan


def hall(protocol: object, *, members: str = "ada bo cy", stop: int = 7, window: int = 20, seed: int = 7) -> RunPlan:
    channel = small_channel("hall", members=members, protocol=protocol, window=window)  # type: ignore[arg-type]
    return small_plan(channel, stop=stop, seed=seed)


def test_in_a_round_robin_members_speak_in_their_order() -> None:
    assert folded(hall("round-robin", members="cy ada bo")).speakers == "cy ada bo cy ada bo cy"


def test_the_first_speaker_opens_every_round_and_the_order_goes_on_from_there() -> None:
    run = folded(hall(RoundRobin(first=AgentId("bo")), members="cy ada bo"))
    assert run.speakers == "bo cy ada bo cy ada bo"
    assert [(turn.round, turn.position) for turn in run.turns[:4]] == [(0, 0), (0, 1), (0, 2), (1, 0)]


def test_a_drawn_first_speaker_opens_every_round_of_its_run() -> None:
    begun: Counter[str] = Counter()
    for seed in range(300):
        names = folded(hall(RoundRobin(drawn=True), members="cy ada bo", seed=seed)).speakers.split()
        assert names[:3] == names[3:6]
        assert " ".join(names[:3]) in "cy ada bo cy ada"
        begun[names[0]] += 1
    assert all(70 < begun[name] < 130 for name in ("ada", "bo", "cy"))  # 3.7 standard deviations


@pytest.mark.parametrize("protocol", [RoundRobin(first=AgentId("bo")), Simultaneous()])
def test_an_order_that_is_the_same_in_every_round_is_kept_as_the_protocol_gives_it(protocol: Protocol) -> None:
    """The floor goes by what is kept (`Room.standing`) and asks those protocols nothing."""
    plan = hall(protocol, members="cy ada bo")
    room = Stage(plan).rooms[0]
    for position in range(0, 3, room.wave(0)):
        agents = [turn.agent for turn in due(room, Floor(round=2, position=position))]
        where = {"channel": room.channel.name, "members": room.members, "round": 2, "position": position}
        moment = Moment(**where, last=None, said=None, network=None, authority={}, seed=7)  # type: ignore[arg-type]
        assert [*who(room, moment)] == agents


def test_one_alone_talks_to_itself() -> None:
    for protocol in ("round-robin", "random", "simultaneous"):
        assert folded(hall(protocol, members="ada", stop=3)).speakers == "ada ada ada"


@pytest.mark.parametrize("members", ["ada bo", "ada bo cy", "ada bo cy di"])
def test_without_repeats_nobody_has_two_turns_in_a_row(members: str) -> None:
    channel = small_channel("hall", members=members, protocol="random")
    run = folded(small_plan(channel, agents="ada bo cy di", stop=400))
    assert all(one.agent != two.agent for one, two in pairwise(run.turns))


def test_without_repeats_each_of_the_others_is_equally_likely() -> None:
    run = folded(hall("random", stop=3000))
    counts = Counter((one.agent, two.agent) for one, two in pairwise(run.turns))
    assert len(counts) == 6
    assert all(abs(count - 500) < 75 for count in counts.values())  # 3.6 standard deviations


def test_with_repeats_everybody_is_equally_likely_after_anybody() -> None:
    run = folded(hall("random-with-repeats", stop=2700))
    counts = Counter((one.agent, two.agent) for one, two in pairwise(run.turns))
    assert len(counts) == 9
    assert all(abs(count - 300) < 60 for count in counts.values())


def test_a_silence_is_a_turn_too() -> None:
    quiet, loud = (folded(hall("random", stop=60), say) for say in (lambda turn: "", lambda turn: "Hm."))
    assert quiet.speakers == loud.speakers


def test_another_seed_is_another_order() -> None:
    orders = {folded(hall("random", stop=20, seed=seed)).speakers for seed in range(20)}
    assert len(orders) == 20


def test_each_channel_draws_for_itself() -> None:
    channels = [small_channel(name, members="ada bo cy", protocol=RandomOrder()) for name in ("hall", "yard")]
    both = folded(small_plan(*channels, stop=60))
    alone = folded(small_plan(channels[1], stop=30))
    in_the_yard = [turn.agent for turn in both.turns if turn.channel == "yard"]
    assert in_the_yard == [turn.agent for turn in alone.turns]
    assert in_the_yard != [turn.agent for turn in both.turns if turn.channel == "hall"]


def test_in_a_simultaneous_round_all_turns_are_due_at_once() -> None:
    state = opened(hall("simultaneous"))
    assert [(turn.agent, turn.number) for turn in decide(state, 0)] == [("ada", 0), ("bo", 1), ("cy", 2)]


def test_in_a_simultaneous_round_nobody_sees_what_is_said_in_it() -> None:
    run = folded(hall("simultaneous", stop=7))
    first, second = ["ada 0", "bo 1", "cy 2"], ["ada 3", "bo 4", "cy 5"]
    assert run.shown[:3] == [["Begin."]] * 3
    assert run.shown[3:6] == [["Begin.", *first]] * 3
    assert run.shown[6] == ["Begin.", *first, *second]


def test_in_a_round_robin_everybody_sees_what_was_just_said() -> None:
    assert folded(hall("round-robin", stop=3)).shown == [["Begin."], ["Begin.", "ada 0"], ["Begin.", "ada 0", "bo 1"]]


@pytest.mark.parametrize("protocol", ["round-robin", "random", "simultaneous"])
@given(window=st.integers(0, 9), rounds=st.integers(1, 5))
def test_a_window_shows_the_last_utterances_and_no_more(protocol: str, window: int, rounds: int) -> None:
    channel = small_channel("hall", members="ada bo cy", protocol=protocol, window=window)
    run = folded(small_plan(channel, stop=Rounds(count=rounds)))
    said = ["Begin.", *[f"{turn.agent} {turn.number}" for turn in run.turns]]
    for turn, shown in zip(run.turns, run.shown, strict=True):
        known = said[: 1 + (3 * turn.round if protocol == "simultaneous" else turn.number)]
        assert shown == known[max(len(known) - window, 0) :]


def test_a_silence_takes_no_place_in_the_window() -> None:
    run = folded(hall("round-robin", window=2, stop=7), lambda turn: "" if turn.agent == "bo" else str(turn.number))
    assert run.shown[6] == ["3", "5"]


def test_without_an_opening_the_first_speaker_sees_nothing() -> None:
    channel = small_channel("hall", members="ada bo", opening="")
    assert folded(small_plan(channel, stop=2)).shown == [[], ["ada 0"]]


def test_in_a_sequential_round_each_has_one_turn_in_an_order_drawn_for_it() -> None:
    run = folded(hall("sequential", stop=300))
    rounds = [tuple(turn.agent for turn in run.turns[at : at + 3]) for at in range(0, 300, 3)]
    assert all(sorted(each) == ["ada", "bo", "cy"] for each in rounds)
    assert len({*rounds}) == 6
    assert run.shown[2] == ["Begin.", *[f"{turn.agent} {turn.number}" for turn in run.turns[:2]]]


def by_authority(*, repeat: bool, stop: int = 3000) -> list[str]:
    plan = hall(ByAuthority(repeat=repeat), stop=stop)
    weighed = [replace(agent, authority=weight) for agent, weight in zip(plan.agents, (1.0, 2.0, 5.0), strict=True)]
    return [str(turn.agent) for turn in folded(replace(plan, agents=tuple(weighed))).turns]


def test_the_chance_of_the_floor_is_in_proportion_to_authority() -> None:
    counts = Counter(by_authority(repeat=True))
    for name, share in (("ada", 1 / 8), ("bo", 2 / 8), ("cy", 5 / 8)):
        assert abs(counts[name] / 3000 - share) < 0.036  # 4 standard deviations


def test_without_repeats_the_others_are_weighed_against_each_other() -> None:
    pairs = Counter(pairwise(by_authority(repeat=False)))
    assert len(pairs) == 6
    for last, one, other, share in (("ada", "bo", "cy", 2 / 7), ("bo", "ada", "cy", 1 / 6), ("cy", "ada", "bo", 1 / 3)):
        after = pairs[last, one] + pairs[last, other]
        assert abs(pairs[last, one] / after - share) < 0.075  # 4 standard deviations of the rarest


def chaired(choose: Callable[[Turn], str], *, stop: int = 8) -> Folded:
    return folded(hall(Moderated(moderator=AgentId("ada"), cue="{{ name }}, who is next?"), stop=stop), choose)


def test_a_moderator_chooses_and_the_chosen_one_speaks() -> None:
    run = chaired(lambda turn: ("cy" if turn.round else "bo") if turn.agent == "ada" else f"I am {turn.agent}.")
    assert run.speakers == "ada bo ada bo ada cy ada cy"
    assert run.shown[-1] == ["Begin.", "I am bo.", "I am bo.", "I am cy."]


def test_on_a_network_too_whom_a_moderator_chooses_is_heard_by_nobody() -> None:
    protocol = Moderated(moderator=AgentId("ada"), cue="{{ name }}, who is next?")
    channel = small_channel("hall", members="ada bo cy", protocol=protocol, edges="ada-bo bo-cy")
    run = folded(small_plan(channel, stop=5), lambda turn: "bo" if turn.agent == "ada" else f"bo {turn.number}")
    assert run.speakers == "ada bo ada bo ada"
    assert run.shown == [["Begin."]] * 2 + [["Begin.", "bo 1"]] * 2 + [["Begin.", "bo 1", "bo 3"]]


def test_a_moderator_is_offered_all_others_and_asked_in_words_of_its_own() -> None:
    run = chaired(lambda turn: "bo", stop=1)
    offer = run.state.stage.offer(run.turns[0])
    assert offer is not None
    assert offer.options == ("bo", "cy")
    assert run.prompt(0).endswith("ada, who is next?")


def test_a_choice_that_names_nobody_is_drawn() -> None:
    run = chaired(lambda turn: "ada" if turn.round % 2 else "", stop=400)
    counts = Counter(str(turn.agent) for turn in run.turns[1::2])
    assert {*counts} == {"bo", "cy"}
    assert abs(counts["bo"] - 100) < 30


def test_in_a_network_only_neighbours_hear_and_the_window_counts_what_they_heard() -> None:
    channel = small_channel("hall", members="ada bo cy", window=2, edges="ada-bo")
    run = folded(small_plan(channel, stop=9))
    assert run.shown[3:6] == [["ada 0", "bo 1"], ["bo 1", "ada 3"], ["Begin.", "cy 2"]]


def test_in_simultaneous_rounds_a_silence_leaves_no_gap_and_who_hears_nobody_hears_itself() -> None:
    channel = small_channel(
        "hall", members="ada bo cy di", protocol="simultaneous", edges="ada-bo bo-cy", opening="", window=3
    )
    run = folded(small_plan(channel, stop=12), lambda turn: "" if turn.number == 1 else f"{turn.agent} {turn.number}")
    assert run.shown[4:8] == [["ada 0"], ["ada 0", "cy 2"], ["cy 2"], ["di 3"]]
    assert run.shown[8:] == [
        ["ada 0", "ada 4", "bo 5"],
        ["ada 4", "bo 5", "cy 6"],
        ["cy 2", "bo 5", "cy 6"],
        ["di 3", "di 7"],
    ]


def test_edges_that_change_count_from_the_next_turn_and_what_was_heard_stays_heard() -> None:
    channel = small_channel("hall", members="ada bo cy", protocol="simultaneous", opening="", edges="ada-bo")
    plan = small_plan(channel, stop=99)
    state = spoken(opened(plan))
    network = channel.network
    assert network is not None
    fewer = network.without([(AgentId("ada"), AgentId("bo"))]).with_([Edge(AgentId("cy"), AgentId("ada"))])
    state = state._replace(stage=Stage(replace(plan, channels=(replace(channel, network=fewer),))))
    heard = {turn.agent: state.stage.heard(turn, state.floors[0]) for turn in decide(state, 0)}
    assert [line.speaker for line in heard[AgentId("ada")]] == ["ada", "cy"]
    state = spoken(state)
    heard = {turn.agent: state.stage.heard(turn, state.floors[0]) for turn in decide(state, 0)}
    assert [line.speaker for line in heard[AgentId("bo")]] == ["bo", "bo"]


def spoken(state: RunState) -> RunState:
    """After a round in which all speak."""
    return hear(state, *[spoke(turn, str(turn.number)) for turn in decide(state, 0)])


def test_a_room_whose_first_edge_is_taken_away_goes_on_from_what_all_have_heard() -> None:
    channel = small_channel("hall", members="ada bo cy")
    plan = small_plan(channel, stop=99)
    state = spoken(opened(plan))
    cut = complete(channel.members).without([(AgentId("ada"), AgentId("bo"))])
    state = state._replace(stage=Stage(replace(plan, channels=(replace(channel, network=cut),))))
    for _ in range(2):
        state = spoken(state)
    (turn,) = decide(state, 0)
    shown = [line.text.value for line in state.stage.heard(turn, state.floors[0])]
    assert (turn.agent, shown) == ("ada", ["Begin.", "0", "2"])
