"""Acts: what a turn is offered, and how an answer is read."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.scenario import Scenario, scenario, scripted

from genai_social_sim.domain.act import Act, Choose, Offer, Rate, Say
from genai_social_sim.domain.events import FellSilent, Spoke
from genai_social_sim.domain.plan import LAYOUTS, Layout
from genai_social_sim.kernel.acts import bare, offer_of, option_in
from genai_social_sim.ports import Request
from genai_social_sim.testing.agendas import acts
from genai_social_sim.testing.plans import small_channel, small_plan
from genai_social_sim.testing.strategies import utterances

VOTE = Choose(options=("yes", "no"))
SECRET = Choose(options=("yes", "no", "not yet"), shuffle=True, labels=True)


def voting(act: Act, answers: dict[str, list[str | None]] | None = None, layout: Layout = "script") -> Scenario:
    hall = small_channel("hall", members="ada bo", act=act)
    return Scenario(plan=small_plan(hall, agents="ada bo", stop=2, layout=layout), model=scripted(answers))


def offered(act: Act, turn: int) -> Offer:
    offer = offer_of(act, 7, "hall", turn, "ada", 0)
    assert offer is not None
    return offer


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("yes", "yes"),
        (' "yes" ', "yes"),
        ("Yes.", "yes"),
        ("'NO'", "no"),
        ("**no**", "no"),
        ("\uff2e\uff2f", "no"),  # in full width
        ('{"answer": "no"}', "no"),
        ('{"answer": -2}', "-2"),
        ("\u22122", "-2"),
        ("-2.0", "-2"),
        ("", None),
        ("yes and no", None),
        ("maybe", None),
        ("2", None),
        ("[1", None),
        ("null", None),
        ('{"other": "yes"}', None),
        ('{"answer": ["yes"]}', None),
        ("{" * 9_000, None),
        ("yes" + " " * 20_000, None),
    ],
)
def test_an_answer_is_read_from_words_marks_json_and_numbers(said: str, read: str | None) -> None:
    assert option_in(said, Offer(("yes", "no", "-2"))) == read


@pytest.mark.parametrize("said", ["B", "b)", "B) no", "(B)", "no", "No."])
def test_under_letters_the_letter_counts_and_so_does_the_option(said: str) -> None:
    assert option_in(said, Offer(("yes", "no"), letters=("A", "B"))) == "no"


def test_an_answer_that_fits_two_options_is_none() -> None:
    assert option_in("1.00", Offer(("1", "1.0"))) is None
    assert option_in("1.0", Offer(("1", "1.0"))) == "1.0"


@given(acts(), st.integers(0, 50))
def test_every_legal_answer_of_an_offer_is_read_as_what_it_stands_for(act: Act, turn: int) -> None:
    offer = offer_of(act, 7, turn)
    for answer, meaning in zip(offer.answers, offer.meanings, strict=True) if offer else ():
        assert option_in(f" {answer}.\n", offer) == meaning  # type: ignore[arg-type]
        assert option_in(meaning.upper(), offer) == meaning  # type: ignore[arg-type]


@given(st.one_of(utterances(), st.text()))
def test_whatever_is_answered_is_an_option_or_none(raw: str) -> None:
    offer = offered(SECRET, 0)
    assert option_in(raw, offer) in (None, *offer.meanings)


def test_each_order_and_each_letter_is_drawn_about_as_often() -> None:
    offers = [offered(SECRET, turn) for turn in range(1800)]
    orders = Counter(offer.options for offer in offers)
    firsts = Counter((offer.options[0], offer.letters[0]) for offer in offers)
    assert {*orders} == {*permutations(SECRET.options)}
    assert all(230 < count < 370 for count in orders.values())  # 300 each, give or take four deviations
    assert len(firsts) == 9
    assert all(145 < count < 255 for count in firsts.values())  # 200 each: letter and place are drawn apart


def test_an_option_keeps_its_letter_when_the_order_is_drawn_too() -> None:
    named = offered(SECRET, 3)
    still = offered(Choose(options=SECRET.options, labels=True), 3)
    assert dict(zip(named.options, named.letters, strict=True)) == dict(zip(still.options, still.letters, strict=True))
    assert still.options == SECRET.options


def test_what_is_drawn_shifts_no_other_draw() -> None:
    def seeds(act: Act) -> list[tuple[str, int]]:
        seen: list[Request] = []
        hall = small_channel("hall", members="ada bo cy", protocol="random", act=act)
        Scenario(plan=small_plan(hall, stop=9), model=scripted(seen.append)).play()
        return [(request.agent, request.seed) for request in seen]

    assert seeds(SECRET) == seeds(Say())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_prompt_shows_what_can_be_chosen_and_the_call_asks_for_it(layout: Layout) -> None:
    played = voting(SECRET, layout=layout).play()
    for turn in (0, 1):
        (asked,) = [event.asked for event in played.events if getattr(event, "asked", None) and event.turn == turn]  # type: ignore[union-attr]
        offer = offer_of(SECRET, 7, "hall", 0, ("ada", "bo")[turn], 0)
        assert offer is not None
        assert [played.prompt(turn).text.find(line) for line in offer.shown] == sorted(
            played.prompt(turn).text.index(line) for line in offer.shown
        )
        assert f'"choices":["{offer.letters[0]}","{offer.letters[1]}","{offer.letters[2]}"]' in asked.params.value


def test_others_hear_the_option_and_never_the_letter() -> None:
    (option, letter), *_ = zip(*offer_of(SECRET, 7, "hall", 0, "ada", 0)[:2], strict=True)  # type: ignore[index]
    played = voting(SECRET, {"ada": [letter], "bo": ["?"]}).play()
    (spoke,) = played.of(Spoke)
    assert (spoke.text.value, spoke.choice) == (option, option)
    assert f"ada: {option}\n" in played.prompt(1).text


@pytest.mark.parametrize(
    ("raw", "cause"), [("Perhaps.", "unreadable"), ("ada: yes", "unreadable"), (" ", "empty"), (None, "passed")]
)
def test_an_answer_that_chooses_nothing_is_a_silence_and_not_asked_again(raw: str | None, cause: str) -> None:
    played = voting(VOTE, {"ada": ["yes"], "bo": [raw]}).play()
    (silent,) = played.of(FellSilent)
    assert (silent.turn, silent.cause) == (1, cause)
    assert len([event for event in played.events if getattr(event, "attempt", 0)]) == 2


@pytest.mark.parametrize("raw", ["bo: no", "no\nada: yes"])
def test_only_an_agents_own_words_are_read(raw: str) -> None:
    played = voting(VOTE, {"ada": ["yes"], "bo": [raw]}).play()
    assert played.said == [("ada", "yes"), ("bo", "no")]


@pytest.mark.parametrize(
    "act", [Say(may_pass=True), Choose(options=("yes", "no"), may_pass=True), Rate(scale=(0, 1), may_pass=True)]
)
def test_who_may_pass_is_told_and_passes_with_one_word(act: Act) -> None:
    played = voting(act, {"ada": ["Pass."], "bo": ["1"]}).play()
    assert played.of(FellSilent)[0].cause == "passed"
    assert "pass" in played.prompt(0).text


def test_without_leave_to_pass_it_is_a_word_like_others() -> None:
    assert voting(Say(), {"ada": ["Pass."], "bo": ["pass"]}).play().said == [("ada", "Pass."), ("bo", "pass")]
    assert voting(Choose(options=("pass", "bid")), {"ada": ["pass"], "bo": ["bid"]}).play().said[0] == ("ada", "pass")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_channel_in_which_one_says_what_one_likes_has_the_prompt_it_has_without_others(layout: Layout) -> None:
    yard = small_channel("yard", members="ada bo", act=SECRET)
    hall = small_channel("hall", members="ada bo")
    alone = Scenario(plan=small_plan(hall, agents="ada bo", stop=2, layout=layout), model=scripted()).play()
    beside = Scenario(plan=small_plan(hall, yard, agents="ada bo", stop=2, layout=layout), model=scripted()).play()
    assert [alone.prompt(turn) for turn in (0, 1)] == [beside.prompt(turn) for turn in (0, 1)]


def test_without_choices_nothing_in_a_call_speaks_of_them() -> None:
    (answered, *_) = [event for event in scenario().play().events if getattr(event, "attempt", 0)]
    assert "choices" not in answered.asked.params.value  # type: ignore[union-attr]


def test_forms_are_compared_without_case_and_marks() -> None:
    assert bare(" \u201cNot  YET\u201d. ") == "not yet"
    assert bare(".5") == ".5"


STANCE = Rate(scale=(-1, 0, 1), about="the mine", anchors=("against", "", "for"), flip=True, labels=True)


def test_a_scale_is_shown_with_its_anchors_from_an_end_that_is_drawn() -> None:
    plain = Rate(scale=(-1, 0, 1), anchors=("against", "", "for"), flip=True)
    shown = Counter(offered(plain, turn).shown for turn in range(400))
    assert shown.keys() == {("-1 (against)", "0", "1 (for)"), ("1 (for)", "0", "-1 (against)")}
    assert 140 < shown["-1 (against)", "0", "1 (for)"] < 260  # 6 standard deviations of 400 fair coins


def test_each_letter_stands_for_each_number_of_a_scale_in_some_turn() -> None:
    pairs = {pair for turn in range(200) for pair in zip(*offered(STANCE, turn)[1::-1], strict=True)}
    assert pairs == {(letter, number) for letter in "ABC" for number in ("-1", "0", "1")}


def test_what_is_shown_of_a_number_names_it() -> None:
    offer = offered(STANCE, 0)
    for answer, shown, meaning in zip(offer.answers, offer.shown, offer.meanings, strict=True):
        assert option_in(answer, offer) == option_in(shown, offer) == option_in(meaning, offer) == meaning
