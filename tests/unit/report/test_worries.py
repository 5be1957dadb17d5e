"""What a report warns of, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from genai_social_sim.domain.origin import Assignment, Origin
from genai_social_sim.report.collecting import Calls, Series, Told, by_condition
from genai_social_sim.report.worrying import worries


def run(label: str = "a", **parts: Any) -> Told:
    about = {"status": "finished", "turns": 100, "digest": label} | parts.pop("run", {})
    return Told(label=label, origin=Origin(), run=about, **parts)


def told(*runs: Told) -> dict[str, str]:
    return {each.what: each.facts for each in worries({"": [*runs]})}


def sound(**parts: Any) -> list[Told]:
    return [run(f"run{number}", **parts) for number in range(5)]


def test_sound_runs_give_no_reason_to_worry() -> None:
    assert told(*sound()) == {}


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        ("Turns without an answer", {"silences": {"timeout": 3}}),
        ("Answers cut off", {"calls": Calls(answered=10, truncated=3)}),
        ("Low legal mass", {"calls": Calls(answered=10, legal=10, legal_mass=1.0, low_mass=9)}),
        ("One answer nearly always", {"choices": {"left": 95, "right": 5}}),
        ("Echo loops", {"whole": {Series("longest_echo_loop", None): 6.0}}),
        ("Low variance between agents", {"whole": {Series("opinion_variance_between_agents", "hall"): 0.02}}),
        ("Low variance between agents", {"whole": {Series("length_variance_between_agents", None): -0.01}}),
        ("Loops of thanks", {"whole": {Series("longest_gratitude_loop", None): 4.0}}),
    ],
)
def test_each_of_these_is_told_with_its_numbers(what: str, parts: dict[str, Any]) -> None:
    assert set(told(*sound(**parts))) == {what}


@pytest.mark.parametrize(
    "parts",
    [
        {"silences": {"passed": 20, "muted": 20, "absent": 5, "wordless": 50}},  # as the study wants it
        {"calls": Calls(answered=10, truncated=2)},
        {"calls": Calls(answered=10, legal=10, legal_mass=6.0)},
        {"choices": {"left": 90, "right": 10}},
        {"choices": {"left": 100}},  # nothing else could be chosen, or nothing else is known
        {"whole": {Series("longest_echo_loop", None): 3.0}},
        {
            "whole": {
                Series("opinion_variance_between_agents", "hall"): 0.2,
                Series("length_variance_between_agents", None): 0.0,
            }
        },
    ],
)
def test_what_is_in_order_is_not_told(parts: dict[str, Any]) -> None:
    assert told(*sound(**parts)) == {}


def test_an_unfinished_run_is_named() -> None:
    runs = [*sound(), run("late", run={"status": "killed"})]
    assert "late (killed)" in told(*runs)["1 runs are not finished"]


def test_few_runs_are_told() -> None:
    assert "all runs: 2" in told(run("a"), run("b"))["Few runs"]


def test_replicates_with_one_digest_are_one_observation() -> None:
    assert set(told(*[run("same") for _ in range(5)])) == {"Runs that are the same"}


def test_runs_of_different_studies_without_a_condition_are_told_apart() -> None:
    first = [run(f"a{number}", run={"name": "talk", "study_digest": "1" * 64}) for number in range(5)]
    other = [run(f"b{number}", run={"name": "talk", "study_digest": "2" * 64}) for number in range(5)]
    found = by_condition([*first, *other])
    assert found == {"talk (study 11111111)": first, "talk (study 22222222)": other}
    facts = {each.what: each.facts for each in worries(found)}
    assert "11111111 (such as a0), 22222222 (such as b0)" in facts["Runs of different studies"]


def test_conditions_of_one_design_are_no_different_studies() -> None:
    there = [
        Told(
            label=f"{level}{number}",
            origin=Origin(assignment=Assignment(condition=level)),
            run={"status": "finished", "digest": f"{level}{number}", "study_digest": level},
        )
        for level in ("calm", "alarm")
        for number in range(5)
    ]
    assert [*by_condition(there)] == ["calm", "alarm"]
    assert worries(by_condition(there)) == []


LETTERED: dict[str, Any] = {
    "channels": {"hall": {"act": {"kind": "choose", "options": ["left", "right"], "labels": True}}},
    "probes": [{"name": "mood", "act": {"kind": "rate", "scale": [1, 2, 3, 4], "labels": True}}],
}


def answered(**letters: int) -> dict[str, Any]:
    return {"study": LETTERED, "calls": Calls(letters={"hall": letters})}


def test_a_letter_that_is_answered_oftener_than_it_is_drawn_is_told() -> None:
    facts = told(*sound(**answered(A=80, B=20)))["A letter is preferred"]
    assert facts.startswith("hall: A is 80% of 500 answers.")
    assert "50% would be chance" in facts


def test_letters_that_chance_explains_are_not_told() -> None:
    # 500 answers of two letters: four standard errors are 4 * sqrt(0.25 / 500) = 0.0894, so 58.9 % is the most
    assert told(*sound(**answered(A=58, B=42))) == {}
    assert "A letter is preferred" in told(*sound(**answered(A=59, B=41)))


def test_letters_of_a_probe_are_looked_at_by_its_own_number_of_options() -> None:
    calls = Calls(letters={"probe mood": {"A": 10, "B": 10, "C": 10, "D": 30}})
    assert told(*sound(study=LETTERED, calls=calls))["A letter is preferred"].startswith("probe mood: D is 50% of 300")


def test_single_letters_where_none_are_drawn_are_words() -> None:
    assert told(*sound(study={"channels": {"hall": {"act": None}}}, calls=Calls(letters={"hall": {"A": 99}}))) == {}


def test_letters_that_conditions_have_in_common_are_counted_once() -> None:
    # 4 standard errors of 500 letters are 8.9 %, of 2,500 they would be 4.0 %: the same letters five times are no more
    those = {name: sound(**answered(A=56, B=44)) for name in ("calm", "alarm", "null", "wide", "deep")}
    assert "A letter is preferred" not in {each.what for each in worries(those)}
    alarmed = worries({**those, "alarm": sound(**answered(A=80, B=20))})
    (facts,) = [each.facts for each in alarmed if each.what == "A letter is preferred"]
    assert facts.startswith("alarm, hall: A is 80% of 500 answers.")
