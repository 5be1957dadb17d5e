"""Tables of choices: read from a model once, in every order; drawn from in thousands of runs."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from genai_social_sim import Request, Run, Study
from genai_social_sim.api.tabulate import Tabulation
from genai_social_sim.api.tabulating import Answers, Tabulator
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.cli.app import app
from genai_social_sim.errors import RequestError, SocialSimError, SpecError
from genai_social_sim.ports import Answer

STUDY = """
name: game
seed: 3
model: {model}
agents: [{{name: Ada}}, {{name: Bo}}]
channels: {{hall: {{}}}}
protocol: {{kind: pairwise, acts: both, shows: nothing}}
act: {{kind: choose, options: [Q, M], shuffle: true}}
memory: {{kind: interactions, last: {last}, payoffs: {{match: 100, mismatch: -50}}}}
stop: {{turns: {turns}}}
"""
COPIES = """state,option,probability
[],Q,0.25
[],M,0.75
"[[""Q"",""Q""]]",Q,1
"[[""Q"",""M""]]",M,1
"[[""M"",""Q""]]",Q,1
"[[""M"",""M""]]",M,1
"""


def study(model: str = "{backend: response_table, path: table.csv}", *, last: int = 1, turns: int = 8) -> str:
    return STUDY.format(model=model, last=last, turns=turns)


def loaded(folder: Path, text: str, table: str = COPIES) -> Study:
    (folder / "table.csv").write_text(table, encoding="utf-8")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return Study.load(folder / "study.yaml")


def wants_the_first(request: Request) -> Answer:
    """Wants Q with 0.3 after nothing, else M; and what is shown first with 0.2 more. 0.5 lies on neither."""
    base = {"Q": 0.1, "M": 0.2} if not request.heard else {"Q": 0.2, "M": 0.1}
    masses = {option: mass + (0.1 if option == request.meanings[0] else 0.0) for option, mass in base.items()}
    text = request.choices[0]
    return Answer(text=text, legal_mass=sum(masses.values()), notes={"option_mass": masses})


def only_says(request: Request) -> Answer:
    """Q in three of four draws, M else; it tells no probabilities."""
    return Answer(text="M" if request.seed % 4 == 0 else "Q")


async def rows_of(folder: Path, function: Any, *, draws: int = 40, check: int = 0, temperature: float = 1.0) -> Any:
    text = study(f"{{backend: scripted, function: wants, temperature: {temperature}}}")
    tabulation = Tabulation(Study.parse(text).plan())
    answers = Answers(folder / "answers.jsonl")
    tabulator = Tabulator(tabulation, answers, draws=draws, parallel=None)
    try:
        rows, checked = await tabulator.table(Surroundings({"wants": function}), check=check)
    finally:
        answers.close()
    return rows, checked, tabulator.calls


@pytest.mark.parametrize(("last", "states"), [(1, 5), (2, 21), (3, 85), (4, 341), (5, 1365)])
def test_there_are_as_many_states_as_ways_in_which_meetings_can_have_gone(last: int, states: int) -> None:
    tabulation = Tabulation(Study.parse(study("{backend: scripted, answers: [Q]}", last=last)).plan())
    found = list(tabulation.states())
    assert (len(found), len({*found}), tabulation.count) == (states, states, states)


async def test_what_a_model_likes_about_places_evens_out(tmp_path: Path) -> None:
    """After nothing, Q is wanted with (.2 / .4 + .1 / .4) / 2 = .375 of the legal mass, which is .4."""
    rows, _, calls = await rows_of(tmp_path, wants_the_first)
    assert rows[0].state == "[]"
    assert rows[0].probabilities == pytest.approx({"Q": 0.375, "M": 0.625})
    assert rows[1].probabilities == pytest.approx({"Q": 0.625, "M": 0.375})
    assert [row.legal_mass for row in rows] == pytest.approx([0.4] * 5)
    assert calls == 5 * 2


async def test_the_studys_temperature_sharpens_what_was_wanted(tmp_path: Path) -> None:
    """At temperature .5 masses are squared: (.04 / .08 + .01 / .1) / 2."""
    rows, _, _ = await rows_of(tmp_path, wants_the_first, temperature=0.5)
    assert rows[0].probabilities["Q"] == pytest.approx((0.04 / 0.08 + 0.01 / 0.10) / 2)
    cold, _, _ = await rows_of(tmp_path, wants_the_first, temperature=0.0)
    assert cold[0].probabilities == {"Q": 0.25, "M": 0.75}  # a tie in one order, M in the other


async def test_where_no_probabilities_are_told_choices_are_counted_and_agree_with_direct_ones(tmp_path: Path) -> None:
    rows, checked, calls = await rows_of(tmp_path, only_says, draws=100, check=200)
    assert all(0.6 < row.probabilities["Q"] < 0.9 for row in rows)
    assert calls == 5 * 2 * 100 + 200
    assert all(each.agrees for each in checked)
    assert sum(each.chosen for each in checked) == 200


async def test_a_table_that_is_not_what_the_model_does_is_found_wanting(tmp_path: Path) -> None:
    """It wants Q with .375 or .625, but answers what stands first: half the time."""
    _, checked, _ = await rows_of(tmp_path, wants_the_first, check=40)
    assert all(each.agrees for each in checked)

    def liar(request: Request) -> Answer:
        return Answer(text="Q", notes=dict(wants_the_first(request).notes))

    _, checked, _ = await rows_of(tmp_path / "other", liar, check=100)
    assert not any(each.agrees for each in checked)


async def test_what_was_answered_is_not_asked_again_even_after_a_line_cut_in_half(tmp_path: Path) -> None:
    first, _, _ = await rows_of(tmp_path, wants_the_first)
    kept = tmp_path / "answers.jsonl"
    lines = kept.read_text(encoding="utf-8").rstrip("\n")
    kept.write_text(lines[:-20], encoding="utf-8")
    again, _, calls = await rows_of(tmp_path, wants_the_first)
    assert (again, calls) == (first, 1)


async def test_who_names_no_option_ever_cannot_be_tabulated(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"in the state \[\] no answer named an option"):
        await rows_of(tmp_path, lambda request: Answer(text="hm"), draws=2)


def test_choices_are_drawn_as_the_table_has_them(tmp_path: Path) -> None:
    """Of 2 x 500 first choices a quarter is Q: 250, with a standard deviation of 13.7."""
    text = study(turns=1000).replace("seed: 3", "seed: 1")
    always = "state,option,probability\n" + "".join(
        f'"{state}",{option},{share}\n'
        for state in ("[]", *[f'[[""{own}"",""{other}""]]' for own in "QM" for other in "QM"])
        for option, share in (("Q", 0.25), ("M", 0.75))
    )
    run = loaded(tmp_path, text, always).run(runs=tmp_path)
    chosen = [row["text"] for row in run.utterances]
    assert len(chosen) == 1000
    assert 195 < chosen.count("Q") < 305


def test_after_the_first_meeting_each_does_what_its_memory_says(tmp_path: Path) -> None:
    run = loaded(tmp_path, study()).run(runs=tmp_path)
    rounds = [[str(row["text"]) for row in run.utterances][at : at + 2] for at in range(0, 8, 2)]
    speakers = [[row["speaker"] for row in run.utterances][at : at + 2] for at in range(0, 8, 2)]
    of = [dict(zip(who, what, strict=True)) for who, what in zip(speakers, rounds, strict=True)]
    for before, after in pairwise(of):
        assert after == {"Ada": before["Bo"], "Bo": before["Ada"]}


def test_the_record_holds_the_table_so_that_a_run_needs_the_file_no_more(tmp_path: Path) -> None:
    made = loaded(tmp_path, study())
    (tmp_path / "table.csv").rename(tmp_path / "other.csv")
    run = made.run(runs=tmp_path)
    assert run.replay().ok
    assert run.study["agents"][0]["model"]["table"]["states"]["[]"] == [0.75, 0.25]
    (tmp_path / "study.yaml").write_text(study("{backend: response_table, path: other.csv}"), encoding="utf-8")
    with Run(run.path) as first:
        again = Study.load(tmp_path / "study.yaml").run(runs=tmp_path / "again")
        assert again.digest == first.digest  # what is in the table counts, not what it is called


def test_a_state_that_the_table_lacks_is_a_failure_of_the_turn(tmp_path: Path) -> None:
    run = loaded(tmp_path, study(), COPIES.partition('"[[')[0]).run(runs=tmp_path)
    failed = [row["detail"] for row in run.calls if row["outcome"] == "failed"]
    assert failed
    assert 'the table has no state [["' in str(failed[0])


@pytest.mark.parametrize(
    ("table", "model", "words"),
    [
        (COPIES, "path: ../table.csv", "lies outside of the study's folder"),
        (COPIES, "path: none.csv", "there is no file none.csv"),
        (COPIES, "path: table.txt", "is no table that can be read"),
        (COPIES, "x: 1", "has no table"),
        ("state,option\n[],Q\n", "path: table.csv", "has no column 'probability'"),
        (COPIES.replace("0.25", "0.5"), "path: table.csv", "add up to 1.25"),
        (COPIES.replace("0.25", "much"), "path: table.csv", "has the probability 'much'"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_where_the_study_names_it(
    tmp_path: Path, table: str, model: str, words: str
) -> None:
    with pytest.raises(SpecError) as refused:
        loaded(tmp_path, study(f"{{backend: response_table, {model}}}"), table).run(runs=tmp_path)
    assert words in str(refused.value)
    assert "study.yaml:4:" in str(refused.value)


@pytest.mark.parametrize(
    "change", ["memory: window", "act: {kind: choose, options: [Q, M], may_pass: true}", "protocol: round_robin"]
)
def test_only_choices_by_meetings_are_tabulated(change: str) -> None:
    key = change.partition(":")[0]
    lines = [
        change if line.startswith(f"{key}:") else line
        for line in study("{backend: scripted, answers: [Q]}").splitlines()
    ]
    with pytest.raises(SocialSimError):
        Tabulation(Study.parse("\n".join(lines)).plan())


def test_the_command_writes_a_table_that_a_study_can_name(tmp_path: Path) -> None:
    (tmp_path / "ask.yaml").write_text(study("{backend: scripted, choose: true}"), encoding="utf-8")
    words = ["tabulate", str(tmp_path / "ask.yaml"), "--to", str(tmp_path / "table.csv"), "--draws", "10", "--json"]
    for calls in (100, 0):
        found = CliRunner().invoke(app, words)
        assert found.exit_code == 0, found.output
        data = json.loads(found.output)["data"]
        assert (data["states"], data["calls_now"], data["legal_mass"]) == (5, calls, None)
    (tmp_path / "study.yaml").write_text(study(), encoding="utf-8")
    assert Study.load(tmp_path / "study.yaml").run(runs=tmp_path).turns == 8


def test_the_command_refuses_a_name_that_is_no_tables(tmp_path: Path) -> None:
    (tmp_path / "ask.yaml").write_text(study("{backend: scripted, choose: true}"), encoding="utf-8")
    found = CliRunner().invoke(app, ["tabulate", str(tmp_path / "ask.yaml"), "--to", "table.xlsx", "--json"])
    assert found.exit_code == 2
    assert "has to end in one of: .csv, .jsonl, .parquet" in found.output
