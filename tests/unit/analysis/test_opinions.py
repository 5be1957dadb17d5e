"""Measures of opinions: against the definitions' own examples, scipy, and runs whose course is known."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.analysis.runs import by_agent, play, study_of, values, votes

from genai_social_sim.analysis import opinion
from genai_social_sim.analysis.table import measured
from genai_social_sim.ports import Request

ratings = st.lists(st.integers(-2, 2).map(float), min_size=1, max_size=30)
SCALE = {"kind": "rate", "scale": [-2, -1, 0, 1, 2]}


@given(ratings)
def test_polarisation_is_a_share(opinions: list[float]) -> None:
    found = opinion.polarisation(opinions, -2, 2)
    assert found is not None
    assert 0 <= found <= 1 + 1e-12


@given(ratings)
def test_bimodality_is_what_scipys_moments_give(opinions: list[float]) -> None:
    assume(len(opinions) > 3 and len({*opinions}) > 1)
    n = len(opinions)
    skew = scipy.stats.skew(opinions, bias=False)
    kurtosis = scipy.stats.kurtosis(opinions, bias=False)
    expected = (skew**2 + 1) / (kurtosis + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)))
    assert opinion.bimodality(opinions) == pytest.approx(expected)


def test_a_uniform_distribution_has_a_bimodality_of_five_ninths() -> None:
    assert opinion.bimodality([float(each) for each in range(10_000)]) == pytest.approx(5 / 9, abs=1e-3)


def test_two_equal_camps_are_as_bimodal_as_can_be() -> None:
    assert opinion.bimodality([-1.0] * 500 + [1.0] * 500) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("opinions", [[], [1.0], [1.0, 2.0, 3.0], [1.0] * 9])
def test_where_it_is_not_defined_there_is_no_bimodality(opinions: list[float]) -> None:
    assert opinion.bimodality(opinions) is None


def test_small_camps_do_not_count() -> None:
    many = [0.0] * 50 + [1.0] * 50
    assert opinion.clusters([*many, 0.5], gap=0.1) == 2
    assert opinion.clusters([*many, *[0.5] * 10], gap=0.1) == 3


@given(ratings)
def test_effective_opinions_lie_between_one_and_how_many_there_are(opinions: list[float]) -> None:
    counts = {str(each): opinions.count(each) for each in opinions}
    found = opinion.held(counts)
    assert found is not None
    assert 1 - 1e-12 <= found <= len(counts) + 1e-12


def test_degroot_agents_have_the_means_that_the_matrix_gives() -> None:
    # W = [[0,.5,.5],[1,0,0],[0,1,0]], x0 = (1,0,0): x1 = (0,1,0), x2 = (.5,0,1), x3 = (.5,.5,0) (Golub & Jackson 2010).
    edges = [["bo", "ada", 0.5], ["cy", "ada", 0.5], ["ada", "bo", 1], ["bo", "cy", 1]]
    study: dict[str, Any] = {
        "name": "degroot",
        "agents": [
            {"name": name, "attributes": {"opinion": value}} for name, value in (("ada", 1), ("bo", 0), ("cy", 0))
        ],
        "model": {"backend": "scripted", "function": "say"},
        "protocol": "simultaneous",
        "network": {"kind": "edges", "directed": True, "edges": edges},
        "channels": {"hall": {}},
        "stop": {"rounds": 4},
    }
    course = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.5, 0.0, 1.0), (0.5, 0.5, 0.0))

    def say(request: Request) -> str:
        return str(course[request.round][["ada", "bo", "cy"].index(request.agent)])

    found = values(play(study, say), "opinion_mean", "round")
    assert found == pytest.approx([1 / 3, 1 / 3, 1.5 / 3, 1 / 3])


def test_ten_agents_two_at_each_point_have_the_diversity_of_the_paper() -> None:
    views = [str(each) for each in (-2, -1, 0, 1, 2) for _ in range(2)]
    source = votes([views], " ".join([f"a{number}" for number in range(10)]), act=SCALE)
    assert values(source, "opinion_spread", "round") == [pytest.approx(1.49, abs=0.005)]
    assert values(source, "opinion_mean", "round") == [0]


def test_an_agent_that_states_nothing_in_a_round_still_holds_what_it_stated_before() -> None:
    source = votes([["1", "2", "2"], ["2", "", ""]], act=SCALE)
    assert values(source, "opinion_mean", "round") == [pytest.approx(5 / 3), 2]
    assert values(source, "agreement", "round") == [pytest.approx(2 / 3), 1]


def test_who_has_not_stated_anything_does_not_agree_yet() -> None:
    assert values(votes([["red", "red", ""]]), "agreement", "round") == [pytest.approx(2 / 3)]


def test_words_have_no_mean_but_a_number_of_opinions() -> None:
    source = votes([["red", "blue", "red"]])
    assert values(source, "opinion_mean", "round") == []
    assert values(source, "opinions_held", "round") == [pytest.approx(9 / 5)]


def test_consensus_is_dated_by_the_first_round_at_whose_end_all_agree() -> None:
    source = votes([["red", "blue", "blue"], ["blue", "blue", "blue"], ["red", "blue", "blue"]])
    assert values(source, "consensus_time") == [2]
    assert values(source, "consensus_reached") == [1]


def test_a_run_without_consensus_is_censored_at_the_rounds_that_were_seen() -> None:
    source = votes([["red", "blue", "blue"]] * 5)
    assert values(source, "consensus_time") == [5]
    assert values(source, "consensus_reached") == [0]


def test_the_share_at_which_a_study_stops_is_the_one_that_counts() -> None:
    stop = {"any": [{"turns": 99}, {"consensus": {"share": 0.6}}]}
    hall = {"act": {"kind": "choose", "options": ["red", "blue"]}}
    said = {"ada": "red", "bo": "blue", "cy": "blue"}
    source = play(study_of("ada bo cy", channels={"hall": hall}, stop=stop), lambda request: said[request.agent])
    assert (values(source, "consensus_time"), values(source, "consensus_reached")) == ([1], [1])


def test_a_probe_is_a_subject_of_its_own_each_time_that_it_is_asked() -> None:
    probe = {"name": "stance", "every": "1 rounds", "scale": [-2, -1, 0, 1, 2], "text": "Where?"}

    def say(request: Request) -> str:
        if not request.aside:
            return "I say nothing of it."
        return str(request.turn // 2 if request.agent == "ada" else 0)

    source = play(study_of(turns=4, probes=[probe]), say)
    rows = measured(source, wanted=["opinion_mean"]).rows()
    assert [(row["of"], row["round"], row["value"]) for row in rows] == [("stance", 1, 0.5), ("stance", 2, 1.0)]


def test_changes_and_shifts_are_counted_from_an_agents_first_statement() -> None:
    source = votes([["1", "2", "0"], ["2", "2", "0"], ["2", "1", "0"]], act=SCALE)
    assert values(source, "opinion_changes") == [pytest.approx(2 / 6)]
    assert by_agent(source, "opinion_changes") == {"ada": 0.5, "bo": 0.5, "cy": 0}
    assert by_agent(source, "opinion_shift") == {"ada": 1, "bo": -1, "cy": 0}


def test_the_order_of_agents_does_not_matter() -> None:
    views = [str(each) for each in (-2, 0, 1, 1, 2)]
    shuffled = Random(1).sample(views, len(views))
    one, other = (votes([each], "a b c d e", act=SCALE) for each in (views, shuffled))
    for measure in ("opinion_mean", "opinion_spread", "opinion_bimodality", "opinion_clusters", "opinions_held"):
        assert values(one, measure, "round") == pytest.approx(values(other, measure, "round"))
