"""Measures of words: against brute force, hand counts, numpy and scipy."""

from __future__ import annotations

from itertools import permutations
from random import Random
from statistics import fmean

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.analysis.runs import by_agent, by_role, play, study_of, talk, values

from genai_social_sim.analysis import words
from genai_social_sim.analysis.participation import gini
from genai_social_sim.analysis.trend import Between, Slope
from genai_social_sim.analysis.words import MovingRatio, mtld, thanks
from genai_social_sim.ports import Request

texts = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), min_size=1, max_size=60)


@given(texts, st.integers(1, 12))
def test_a_moving_ratio_is_the_mean_over_all_windows(tokens: list[str], window: int) -> None:
    ratio = MovingRatio(window)
    ratio.read(tokens[:7])
    ratio.read(tokens[7:])
    windows = [tokens[at : at + window] for at in range(len(tokens) - window + 1)]
    if not windows:
        assert ratio.value is None
    else:
        assert ratio.value == pytest.approx(sum([len({*each}) / window for each in windows]) / len(windows))


def test_a_moving_ratio_tells_what_came_since_it_was_asked() -> None:
    ratio = MovingRatio(2)
    assert ratio.since() is None
    ratio.read(["a", "a", "b"])
    assert ratio.since() == 0.75  # a a, a b
    ratio.read(["b"])
    assert ratio.since() == 0.5  # b b
    assert ratio.since() is None


def test_a_moving_ratio_may_forget_words_older_than_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = Random(3)
    tokens = [draw.choice("abcdefgh") for _ in range(200)]
    ratio, forgetful = MovingRatio(4), MovingRatio(4)
    ratio.read(tokens)
    monkeypatch.setattr(words, "_MOST_WORDS", 5)
    for token in tokens:
        forgetful.read([token])
    assert forgetful.value == ratio.value


@given(st.lists(st.integers(0, 60), min_size=1, max_size=300))
def test_mtld_is_what_reading_word_by_word_gives(numbers: list[int]) -> None:
    tokens = [f"w{number}" for number in numbers]
    factors = [_factors_word_by_word(tokens), _factors_word_by_word(tokens[::-1])]
    found = mtld(tokens)
    if all(factors):
        assert found == pytest.approx(fmean([len(tokens) / each for each in factors]))
    else:
        assert found is None


def _factors_word_by_word(tokens: list[str]) -> float:
    """As McCarthy & Jarvis (2010) describe it: a stretch ends with the word at which the ratio falls below 0.72."""
    count, stretch = 0.0, list[str]()
    for token in tokens:
        stretch.append(token)
        if len(set(stretch)) / len(stretch) < 0.72:
            count, stretch = count + 1, []
    return count + ((1 - len(set(stretch)) / len(stretch)) / 0.28 if stretch else 0)


def test_mtld_counts_stretches_and_the_rest_in_proportion() -> None:
    # Forwards: "a b a" falls to 2/3 < .72 (one factor), "b c" stays at 1 (none): 5 / 1.
    # Backwards: c b a b (3/4) a (3/5): one factor after five words: 5 / 1.
    assert mtld(["a", "b", "a", "b", "c"]) == 5
    # Forwards: "a b c a" is at 3/4: (1 - .75) / .28 of a factor; the same backwards.
    assert mtld(["a", "b", "c", "a"]) == pytest.approx(4 / (0.25 / 0.28))


def test_words_that_never_come_again_have_no_mtld() -> None:
    assert mtld(["each", "of", "these", "words", "comes", "once"]) is None


def test_mtld_of_an_agent_is_that_of_all_it_said() -> None:
    source = talk(("ada", "of the people by the"), ("bo", "Hm."), ("ada", "people for the people"))
    assert by_agent(source, "mtld") == {"ada": 9}


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20))
def test_the_gini_coefficient_is_half_the_mean_difference_over_the_mean(amounts: list[int]) -> None:
    if not sum(amounts):
        assert gini(amounts) is None
        return
    n = len(amounts)
    difference = sum([abs(one - other) for one in amounts for other in amounts]) / n**2
    assert gini(amounts) == pytest.approx(difference / 2 / (sum(amounts) / n), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-50, 50)), min_size=2, max_size=40))
def test_a_slope_is_numpys(pairs: list[tuple[int, int]]) -> None:
    slope = Slope()
    for x, y in pairs:
        slope.add(x, y)
    if len({x for x, _ in pairs}) == 1:
        assert slope.value is None
    else:
        x, y = np.array(pairs, dtype=float).T
        assert slope.value == pytest.approx(float(np.polyfit(x, y, 1)[0]), abs=1e-6)


def test_the_share_between_groups_is_what_the_f_test_gives() -> None:
    draw = Random(2)
    groups = [[draw.gauss(centre, 1) for _ in range(size)] for centre, size in ((0, 9), (1, 14), (3, 6))]
    between = Between()
    for name, group in zip("abc", groups, strict=True):
        for value in group:
            between.add(name, value)
    f, k, n = scipy.stats.f_oneway(*groups).statistic, 3, 29
    assert between.share == pytest.approx((f - 1) * (k - 1) / (f * (k - 1) + n - k))


def test_lengths_drift_by_their_slope_over_rounds() -> None:
    source = talk(*[(who, "word " * (3 + 2 * number)) for number in range(5) for who in ("ada", "bo")])
    assert values(source, "utterance_words", "round") == [3, 5, 7, 9, 11]
    assert values(source, "length_drift") == [pytest.approx(2)]


def test_who_says_again_what_it_said_repeats_itself() -> None:
    source = talk(("ada", "one two three four"), ("bo", "five six seven"), ("ada", "one two three nine"), ("bo", "ten"))
    # ada's second utterance has two trigrams, one of which it said before; the other three have none.
    assert values(source, "self_repetition") == [pytest.approx(0.5 / 4)]
    assert values(source, "echo") == [0]


def test_who_says_what_others_said_echoes_them() -> None:
    source = talk(("ada", "we all agree on this"), ("bo", "we all agree on this"))
    assert values(source, "echo", "round") == [0.5]
    assert values(source, "self_repetition", "round") == [0]


def test_a_loop_of_echoes_is_as_long_as_it_lasts() -> None:
    loop = [("ada", "so it goes on"), ("bo", "and so it goes")] * 3
    source = talk(("ada", "one two three four five"), ("bo", "six seven eight nine"), *loop)
    assert values(source, "longest_echo_loop") == [4]  # each from the third of them on repeats the one before the last


@pytest.mark.parametrize("text", ["Thank you!", "I appreciate that.", "You're welcome.", "GOODBYE", "with gratitude"])
def test_it_thanks_or_takes_leave(text: str) -> None:
    assert thanks(text)


@pytest.mark.parametrize("text", ["We need a tank.", "No.", "The welcome mat is wet."])
def test_it_neither_thanks_nor_takes_leave(text: str) -> None:
    assert not thanks(text)


def test_gratitude_loops_are_counted_in_a_row() -> None:
    source = talk(("ada", "Hello."), ("bo", "Thanks!"), ("ada", "Thank you."), ("bo", "My pleasure."), ("ada", "Well."))
    assert values(source, "longest_gratitude_loop") == [3]
    assert values(source, "gratitude") == [pytest.approx(3 / 5)]


def test_an_agent_that_repeats_itself_is_wholly_similar_to_itself() -> None:
    source = talk(("ada", "one two"), ("bo", "three"), ("ada", "two one"), ("bo", "four"))
    assert values(source, "self_similarity", "round") == [0.5]  # 1 for ada, 0 for bo; before that, nothing to compare
    assert values(source, "other_similarity") == [0]


def test_what_is_said_in_the_words_of_ones_persona_fits_it() -> None:
    agents = [
        {"name": "ada", "persona": "You like iron and steel."},
        {"name": "bo", "persona": "You like wool and linen."},
    ]
    said = {"ada": "Iron, steel!", "bo": "Wool and linen."}
    source = play(study_of() | {"agents": agents}, lambda request: said[request.agent])
    assert values(source, "persona_fit")[0] > 0.5


def test_who_takes_up_the_others_words_loses_its_persona() -> None:
    agents = [
        {"name": "ada", "persona": "You like iron and steel."},
        {"name": "bo", "persona": "You like wool and linen."},
    ]

    def say(request: Request) -> str:
        return "Iron and steel." if (request.agent == "ada") == (request.round < 3) else "Wool and linen."

    source = play(study_of(turns=12) | {"agents": agents}, say)
    fits = values(source, "persona_fit", "round")
    assert fits[:3] == [pytest.approx(-each) for each in fits[3:]]
    assert values(source, "persona_drift")[0] < 0


def test_choices_are_no_words() -> None:
    hall = {"act": {"kind": "choose", "options": ["red", "blue"]}}
    source = play(study_of(channels={"hall": hall}), lambda request: "red")
    assert values(source, "utterance_words") == []
    assert values(source, "self_similarity") == []


def test_shares_are_of_all_that_is_said_and_roles_hold_their_agents() -> None:
    agents = [{"name": "ada", "role": "chair"}, {"name": "bo", "role": "member"}, {"name": "cy", "role": "member"}]
    said = {"ada": "one two three four five six", "bo": "one two", "cy": "one"}
    source = play(study_of(turns=6) | {"agents": agents, "roles": {"chair": {}, "member": {}}}, lambda r: said[r.agent])
    assert by_agent(source, "word_share") == {"ada": 6 / 9, "bo": 2 / 9, "cy": 1 / 9}
    assert by_role(source, "word_share") == {"chair": 6 / 9, "member": 3 / 9}
    assert by_role(source, "utterance_share") == {"chair": pytest.approx(1 / 3), "member": pytest.approx(2 / 3)}
    assert by_role(source, "word_share_per_member") == {"chair": 2, "member": 0.5}
    assert values(source, "utterance_gini") == [pytest.approx(0)]


def test_to_go_on_as_somebody_else_is_an_intrusion() -> None:
    source = play(study_of(turns=4), lambda request: "Yes.\nbo: No." if request.agent == "ada" else "Hm.")
    assert by_agent(source, "intrusions") == {"ada": 1, "bo": 0}
    assert values(source, "intrusions") == [0.5]


def test_the_variance_between_agents_is_nought_on_average_over_all_shuffles() -> None:
    groups, numbers = "aabbbc", [0.0, 1.0, 1.0, 5.0, 7.0, 20.0]
    shares = []
    for shuffled in permutations(numbers):
        between = Between()
        for group, number in zip(groups, shuffled, strict=True):
            between.add(group, number)
        shares.append(between.share or 0.0)
    assert max(shares) > 0.5
    assert fmean(shares) == pytest.approx(0.0, abs=1e-12)
