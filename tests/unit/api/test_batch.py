"""All runs of a design: what is missing is played, whatever becomes of any of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from genai_social_sim import Request, Run, Study, compare, write_report
from genai_social_sim.api.batch import Unwatched, play_all
from genai_social_sim.api.outcome import UnfinishedError
from genai_social_sim.api.planned import Planned
from genai_social_sim.api.tables import KINDS, sources_of
from genai_social_sim.domain.events import SessionStarted
from genai_social_sim.errors import RequestError
from genai_social_sim.export.kinds import named

DESIGN = """
name: warm
seed: 3
durability: process
model: {backend: scripted, words: 4}
agents: [{name: Ada}, {name: Bo}, {name: Cy}]
channels: {hall: {opening: {text: "Hello."}}}
factors:
  framing: {path: channels.hall.opening.text, values: {calm: "Hello.", alarm: "Fire!"}}
replicates: 2
stop: {rounds: 4}
"""
FUNCTION = DESIGN.replace("words: 4", "function: speak").replace("durability: process\n", "")


def test_every_condition_and_replicate_is_one_record_that_knows_its_place(tmp_path: Path) -> None:
    runs = Study.parse(DESIGN).run_all(runs=tmp_path)
    found = [(run.condition, dict(run.levels), run.replicate, run.status) for run in runs]
    assert found == [
        ("framing=calm", {"framing": "calm"}, 0, "finished"),
        ("framing=alarm", {"framing": "alarm"}, 0, "finished"),
        ("framing=calm", {"framing": "calm"}, 1, "finished"),
        ("framing=alarm", {"framing": "alarm"}, 1, "finished"),
    ]
    assert [run.seed for run in runs[:2]] == [3, 3]
    assert runs[2].seed == runs[3].seed != 3
    assert len({run.digest for run in runs}) == 4
    assert {*tmp_path.glob("*.sqlite")} == {run.path for run in runs}


def test_conditions_stand_in_the_order_of_the_design_whatever_their_files_are_called(tmp_path: Path) -> None:
    runs = Study.parse(DESIGN).run_all(runs=tmp_path)
    paths = sorted(run.path for run in runs)  # alarm before calm
    assert [row["group"] for row in compare(paths, "utterance_words")] == ["framing=calm", "framing=alarm"]
    assert [row["group"] for row in compare(paths, "utterance_words", by="framing")] == ["calm", "alarm"]
    with sources_of(paths) as sources:
        rows = named(KINDS, "runs").table(*sources).rows()
    assert [(row["condition"], row["replicate"]) for row in rows] == [
        ("framing=calm", 0),
        ("framing=calm", 1),
        ("framing=alarm", 0),
        ("framing=alarm", 1),
    ]
    page = write_report(paths, tmp_path / "report.html").path.read_text(encoding="utf-8")
    assert 0 < page.index("calm") < page.index("alarm")


def test_a_run_of_a_design_is_the_run_of_its_study_by_hand(tmp_path: Path) -> None:
    study = Study.parse(DESIGN)
    by_hand = Study.parse(DESIGN.split("factors:", maxsplit=1)[0].replace("Hello.", "Fire!") + "stop: {rounds: 4}\n")
    (alarm,) = study.run_all(runs=tmp_path / "all", only=["framing=alarm"], seed=9)[:1]
    assert alarm.digest == by_hand.run(runs=tmp_path / "one", seed=9).digest
    assert alarm.digest == study.conditions["framing=alarm"].run(runs=tmp_path / "two", seed=9).digest


def test_several_jobs_come_to_the_same_digests(tmp_path: Path) -> None:
    study = Study.parse(f"{DESIGN}description: Does it matter?\n")
    one, many = (study.run_all(runs=tmp_path / str(jobs), jobs=jobs) for jobs in (1, 3))
    assert [run.digest for run in many] == [run.digest for run in one]
    assert all(run.verify().ok for run in many)
    assert [(run.origin.assignment, run.path.name) for run in many] == [
        (run.origin.assignment, run.path.name) for run in one
    ]
    for run in (*one, *many):
        (about,) = [each.event.about.value for each in run.events() if isinstance(each.event, SessionStarted)]
        assert json.loads(about)["description"] == "Does it matter?"


def test_finished_runs_are_left_as_they_are_and_others_go_on_where_they_were(tmp_path: Path) -> None:
    study = Study.parse(FUNCTION)
    asked: list[int] = []

    def fails_once(request: Request) -> str:
        asked.append(request.turn)
        if len(asked) == 30:
            raise RuntimeError("a mistake in somebody's function")
        return f"{request.seed}"

    with pytest.raises(UnfinishedError, match="1 of 4 runs are not finished") as caught:
        study.run_all(runs=tmp_path, functions={"speak": fails_once})
    assert [outcome.status for outcome in caught.value.outcomes] == ["finished", "finished", "failed", "finished"]
    before = {path: path.read_bytes() for path in tmp_path.glob("*.sqlite")}
    runs = study.run_all(runs=tmp_path, functions={"speak": fails_once})
    assert [run.status for run in runs] == ["finished"] * 4
    assert [run.path.read_bytes() == before[run.path] for run in runs] == [True, True, False, True]
    assert len(asked) == 4 * 12 + 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_fails_does_not_stop_the_others_and_is_told(tmp_path: Path, jobs: int) -> None:
    text = DESIGN.replace("words: 4", "answers: [Yes.]") + "timeouts: {attempts: 1, on_failure: stop}\n"
    text = text.replace(
        "factors:\n", "factors:\n  faults: {levels: {none: {}, all: {model.faults: {error: 1.0}}}}\n"
    ).replace("replicates: 2", "replicates: 1")
    study = Study.parse(text)
    with pytest.raises(UnfinishedError, match="2 of 4 runs are not finished") as caught:
        study.run_all(runs=tmp_path, jobs=jobs)
    assert [outcome.status for outcome in caught.value.outcomes] == ["finished", "finished", "failed", "failed"]
    fault = caught.value.outcomes[2].fault
    assert fault is not None
    assert "on_failure is stop" in fault.problem
    assert fault.problem in str(caught.value)


class KillsTheFirst(Unwatched):
    """Kills whoever plays the first run that moves."""

    def __init__(self, children: set[int]) -> None:
        self.children = children
        self.killed = False

    def moved(self, planned: Planned, turns: int) -> None:
        if not self.killed and turns:
            self.killed = True
            (child,) = _children() - self.children
            os.kill(child, signal.SIGKILL)


def _children() -> set[int]:
    return {*map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())}


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for its children in /proc")
def test_a_process_that_dies_takes_down_its_run_alone_and_the_run_can_go_on(tmp_path: Path) -> None:
    study = Study.parse(DESIGN.replace("words: 4", "words: 4, latency: 0.02").replace("rounds: 4", "rounds: 12"))
    planned = study.planned(runs=tmp_path)[:3]
    settings = {"durability": "full"}
    watch = KillsTheFirst(_children())

    async def one_child() -> list[str]:
        from genai_social_sim.api.elsewhere import Elsewhere

        async with Elsewhere(settings, watch, sharers=1) as player:
            return [fault.problem if (fault := await player.play(each)) else "" for each in planned]

    problems = asyncio.run(one_child())
    assert problems[0].startswith("the process that played it ended by signal 9")
    assert problems[1:] == ["", ""]
    assert Run(planned[0].path).status == "killed"
    outcomes = asyncio.run(play_all(planned, {}))
    assert [outcome.status for outcome in outcomes] == ["finished"] * 3
    assert Run(planned[0].path).verify().ok


def test_only_plays_what_is_meant(tmp_path: Path) -> None:
    runs = Study.parse(DESIGN).run_all(runs=tmp_path, only=["framing=alarm"])
    assert [run.condition for run in runs] == ["framing=alarm"] * 2


def test_functions_cannot_be_handed_to_other_processes(tmp_path: Path) -> None:
    study = Study.parse(FUNCTION)
    with pytest.raises(RequestError, match="`functions` cannot be handed to other processes"):
        study.run_all(runs=tmp_path, jobs=2, functions={"speak": str})
    with pytest.raises(RequestError, match="0 jobs make no sense"):
        study.run_all(runs=tmp_path, jobs=0)


def test_a_design_is_not_one_run(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"2 conditions with 2 replicates each.*study\.run_all\(\)"):
        Study.parse(DESIGN).run(runs=tmp_path)


def test_file_names_stay_when_levels_and_replicates_are_added(tmp_path: Path) -> None:
    more = DESIGN.replace('alarm: "Fire!"', 'alarm: "Fire!", joy: "Sun."').replace("replicates: 2", "replicates: 5")
    few, many = ({each.path for each in Study.parse(text).planned(runs=tmp_path)} for text in (DESIGN, more))
    assert few < many
    assert len(many) == 15


def test_a_study_without_a_design_has_the_file_name_it_always_had(tmp_path: Path) -> None:
    study = Study.parse(DESIGN.split("factors:", maxsplit=1)[0] + "stop: {rounds: 4}\n")
    (planned,) = study.planned(runs=tmp_path)
    assert planned.path == study.record_path(runs=tmp_path)
    assert planned.path.name == "warm-" + planned.path.name.split("-")[1] + "-seed3.sqlite"
    (run,) = study.run_all(runs=tmp_path)
    assert (run.condition, run.replicate, dict(run.levels), run.parent) == ("", 0, {}, None)
