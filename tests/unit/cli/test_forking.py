"""`gss fork` and `gss diff`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.records import spoiled
from tests.unit.cli.conftest import Gss, document

from genai_social_sim import Run


def test_a_fork_without_a_change_is_the_same_run(gss: Gss, record: Path) -> None:
    result = gss("fork", record, "--at", "2")
    assert result.exit_code == 0
    assert "the same run: 6 turns, equal digests" in result.stdout
    assert Run(record).digest in result.stdout


def test_what_was_said_instead_is_played_on_and_the_divergence_named(gss: Gss, record: Path) -> None:
    result = gss("fork", record, "--at", "2", "--say", "ADA=I was wrong.")
    assert "ADA: I was wrong." in result.stdout
    assert "the runs part at turn 2 of ADA: another answer" in result.stdout


def test_the_same_fork_again_is_left_as_it_is(gss: Gss, record: Path) -> None:
    words = ("fork", record, "--at", "2", "--say", "ADA=No.", "--json")
    (once,) = document(gss(*words))["data"]
    (again,) = document(gss(*words))["data"]
    assert once == again
    assert len([*record.parent.glob("*fork*.sqlite")]) == 1


def test_json_tells_parent_change_and_first_divergence(gss: Gss, record: Path) -> None:
    (told,) = document(gss("fork", record, "--at", "2", "--mute", "BO", "--json"))["data"]
    assert (told["parent"], told["at_turn"], told["changes"]) == (str(record), 2, ["mute BO"])
    assert (told["same"], told["first"]["what"], told["first"]["turn"]) == (False, "intervention", 2)
    assert told["status"] == "finished"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_replicates_have_other_chances_and_the_first_one_its_parents(gss: Gss, record: Path, jobs: str) -> None:
    told = document(gss("fork", record, "--at", "2", "--replicates", "3", "--jobs", jobs, "--json"))["data"]
    assert [each["resample"] for each in told] == [0, 1, 2]
    assert [each["same"] for each in told] == [True, False, False]
    assert len({each["digest"] for each in told}) == 3
    result = gss("fork", record, "--at", "2", "--replicates", "2", "--resample")
    assert (result.exit_code, "2 forks" in result.stdout) == (0, True)
    assert "came to the digest" not in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "7"], "it has 6 turns"),
        (["--at", "2", "--say", "BO=No."], "it is the turn of: ADA"),
        (["--at", "2", "--say", "No."], "says nobody's words"),
        (["--at", "2", "--mute", "BOB"], "Did you mean `BO`?"),
        (["--at", "2", "--set", "agents=[]"], "cannot be changed on the way"),
        (["--at", "2", "--intervene", "{kind: broadcst, text: Hm.}"], "Did you mean `broadcast`?"),
        (["--at", "2", "--intervene", "{text: Hm.}"], "no intervention at the fork"),
    ],
)
def test_mistakes_are_told_and_leave_no_record(gss: Gss, record: Path, words: list[str], said: str) -> None:
    result = gss("fork", record, *words)
    assert (result.exit_code, said in result.stderr) == (2, True)
    assert [*record.parent.glob("*fork*")] == []


def test_diff_of_equal_runs_succeeds_and_of_others_names_where_they_part(gss: Gss, record: Path) -> None:
    (fork,) = document(gss("fork", record, "--at", "2", "--say", "ADA=No.", "--json"))["data"]
    assert gss("diff", record, record).exit_code == 0
    result = gss("diff", record, fork["run"])
    assert result.exit_code == 1
    assert "the runs part at turn 2 of ADA: another answer" in result.stderr
    assert f"gss show {record} --turn 2" in result.stderr
    told = document(gss("diff", record, fork["run"], "--json"))
    assert (told["ok"], told["data"]["turns"], told["data"]["first"]["there"]) == (False, 2, "ADA: No.")
    assert document(gss("diff", record, record, "--json"))["data"]["same"]


def test_show_tells_what_a_fork_is(gss: Gss, record: Path) -> None:
    (fork,) = document(gss("fork", record, "--at", "2", "--say", "ADA=No.", "--json"))["data"]
    shown = gss("show", fork["run"]).stdout
    assert f"of {record.stem} at turn 2: say ADA=No." in shown
    assert f"past in {record}" in " ".join(shown.split())
    assert "past in" not in " ".join(gss("show", record).stdout.split())
    told = [document(gss("show", each, "--json"))["data"]["past"] for each in (fork["run"], record)]
    assert told == [[str(record)], []]


def test_a_fork_of_another_run_under_the_same_name_is_not_taken_for_this_ones(gss: Gss, record: Path) -> None:
    gss("fork", record, "--at", "2")
    fork = record.with_name(f"{record.stem}-fork2.sqlite")
    fork.write_bytes(record.read_bytes())
    result = gss("fork", record, "--at", "2")
    assert (result.exit_code, "no fork of this run" in result.stderr) == (2, True)


def test_verify_says_where_the_past_is_and_what_of_it_was_changed(gss: Gss, record: Path) -> None:
    (fork,) = document(gss("fork", record, "--at", "2", "--mute", "BO", "--json"))["data"]
    told = document(gss("verify", fork["run"], "--json"))["data"]
    assert (told["ok"], [part["file"] for part in told["past"]]) == (True, [str(record)])
    assert f"{told['past'][0]['events']} events of these in {record}" in gss("verify", fork["run"]).stdout
    spoiled(record.read_bytes(), record, ("UPDATE events SET at = at + 1 WHERE seq = 3", ()))
    result = gss("verify", fork["run"])
    assert (result.exit_code, f"{fork['run']}, event 3 (in {record})" in result.stderr) == (1, True)


def test_forks_are_made_whole_by_one_command_or_from_the_start(gss: Gss, record: Path) -> None:
    words = ("fork", record, "--at", "2", "--replicates", "2", "--json")
    shared = [each["run"] for each in document(gss(*words))["data"]]
    (whole,) = [each["run"] for each in document(gss("fork", record, "--at", "3", "--whole", "--json"))["data"]]
    told = document(gss("make-whole", *shared, whole, "--json"))["data"]
    assert [each["run"] for each in told] == [*shared, whole]
    assert [each["copied"] > 0 for each in told] == [True, True, False]
    assert "it held all of its events" in gss("make-whole", *shared).stdout.replace("\n", " ")
    record.unlink()
    assert [gss("verify", each).exit_code for each in (*shared, whole)] == [0, 0, 0]


def test_an_existing_fork_is_made_whole_when_that_is_asked_for(gss: Gss, record: Path) -> None:
    (fork,) = document(gss("fork", record, "--at", "2", "--json"))["data"]
    (again,) = document(gss("fork", record, "--at", "2", "--whole", "--json"))["data"]
    assert again == fork
    assert Run(fork["run"]).past == ()


def test_a_fork_whose_parent_is_gone_is_refused_with_the_remedy(gss: Gss, record: Path) -> None:
    (fork,) = document(gss("fork", record, "--at", "2", "--json"))["data"]
    moved = record.rename(record.with_name("moved.sqlite"))
    for command, *more in (["verify"], ["show"], ["replay"], ["resume"], ["export", "--to", "csv"]):
        result = gss(command, fork["run"], *more)
        assert (result.exit_code, f"{record}: there is no such run file" in result.stderr) == (1, True), command
        assert f"gss make-whole {fork['run']} --past FILE" in result.stderr
    assert gss("make-whole", fork["run"], "--past", moved).exit_code == 0
    assert gss("verify", fork["run"]).exit_code == 0
