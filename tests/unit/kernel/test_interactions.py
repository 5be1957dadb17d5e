"""Meetings as they are remembered: both choices, numbered in the window, with the points that they bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.support.scenario import Scenario, scripted

from genai_social_sim.domain.act import Choose
from genai_social_sim.domain.memory import Interactions, kept
from genai_social_sim.domain.plan import Pairwise
from genai_social_sim.ports import Request
from genai_social_sim.study.memory import INTERACTIONS_TEXT
from genai_social_sim.testing.plans import small_channel, small_plan

GAME = Choose(options=("Q", "M"))
MEETING = Pairwise(acts="both", shows="nothing")


PAYOFFS = {"match": 100.0, "mismatch": -50.0}


def asked(
    choices: Sequence[str],
    *,
    last: int = 2,
    agents: str = "ada bo",
    shows: str = "nothing",
    opening: str = "",
    payoffs: Mapping[str, float] = PAYOFFS,
) -> list[Request]:
    """What was asked in as many turns as there are choices, in which these were made."""
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return choices[request.turn]

    memory = Interactions(last=last, text=INTERACTIONS_TEXT, **payoffs)
    protocol = Pairwise(acts="both", shows=shows)  # type: ignore[arg-type]
    hall = small_channel(
        "hall", members=agents, protocol=protocol, act=GAME, opening=opening, window=kept(memory), memory=memory
    )
    Scenario(plan=small_plan(hall, agents=agents, stop=len(choices)), model=scripted(answer)).play()
    return seen


def test_at_the_first_meeting_nothing_is_told() -> None:
    first = asked(["Q", "M"])[0]
    assert "Round" not in first.prompt.text
    assert "Score" not in first.prompt.text
    assert first.heard == ()


def test_each_is_told_both_choices_as_its_own_and_the_others_and_their_points() -> None:
    seen = {request.agent: request for request in asked(["Q", "M", "Q", "Q"])[2:]}
    (first, second), choices = sorted(seen), ["Q", "M"]
    whose = {request.agent: choices[request.turn] for request in asked(["Q", "M", "Q", "Q"])[:2]}
    told = f"Round 1: {first} chose {whose[first]}, the other chose {whose[second]}: -50 points."
    assert told in seen[first].prompt.text
    assert f"Score of {first} in these rounds: -50 points." in seen[first].prompt.text
    assert [line.text.value for line in seen[first].heard] == [whose[first], whose[second]]


def test_rounds_are_numbered_in_the_window_and_points_added_up_within_it() -> None:
    last = asked(["Q", "Q", "M", "M", "Q", "M", "Q", "Q"])[-1]
    assert "Round 1: " in last.prompt.text
    assert "Round 2: " in last.prompt.text
    assert "Round 3: " not in last.prompt.text
    assert "in these rounds: 50 points." in last.prompt.text  # 100 - 50: the first of the three is forgotten


def test_without_payoffs_the_choices_are_told_and_no_points() -> None:
    told = asked(["Q", "M", "Q", "Q"], payoffs={})[-1].prompt.text
    assert "Round 1: " in told
    assert "points" not in told


def test_an_opening_is_no_choice_of_anybody() -> None:
    told = asked(["Q", "M", "Q", "Q"], opening="ada: Q")[-1]
    assert told.prompt.text.count("Round") == 1
    assert [line.turn for line in told.heard] in ([0, 1], [1, 0])


def test_a_meeting_in_which_one_said_nothing_that_can_be_read_is_none() -> None:
    last = asked(["Q", "Q", "Q", "neither", "Q", "Q"], last=9)[-1]
    assert last.prompt.text.count("Round") == 1


def test_what_the_other_chose_in_meetings_with_others_is_none_of_ones_own() -> None:
    seen = asked(["Q"] * 40, last=9, agents="ada bo cy di", shows="partner")
    met: dict[str, int] = {}
    for turn in range(0, 40, 2):
        pair = seen[turn : turn + 2]
        for request in pair:
            assert len(request.heard) == 2 * min(9, met.get(request.agent, 0))
        met |= {request.agent: met.get(request.agent, 0) + 1 for request in pair}


def test_an_agent_that_follows_a_rule_gets_the_lines_in_the_order_own_other() -> None:
    last = asked(["Q", "Q", "M", "M", "Q", "M", "Q", "Q"])[-1]
    speakers = [line.speaker for line in last.heard]
    assert speakers[::2] == [last.agent] * 2
    assert last.agent not in speakers[1::2]
