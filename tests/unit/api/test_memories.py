"""Memories of whole runs: read back, exported, forked, resumed and replayed without model or encoder."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from genai_social_sim import Request, Run, Study
from genai_social_sim.backends.encoders.lexical import LexicalEncoder
from genai_social_sim.cli.app import app

STUDY = """
name: remembering
seed: 3
model: {backend: scripted, function: speak}
agents: [{name: ADA}, {name: BO, memory: {kind: summary, utterances: 1, every: 3}}]
channels: {hall: {opening: {text: "Shall we open the old mine?"}}}
memory: {kind: retrieval, utterances: 1, k: 1, embedding: lexical}
stop: {turns: 9}
"""


def speak(request: Request) -> str:
    return f"{request.aside or 'words'} {len(request.prompt.text)} {request.seed}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Study.parse(STUDY).run(runs=tmp_path_factory.mktemp("runs"), functions={"speak": speak})


def test_a_replay_needs_no_encoder(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LexicalEncoder, "likeness", None)
    assert run.replay().ok
    assert run.verify().ok


def test_each_memory_has_a_row_with_what_it_came_to(run: Run) -> None:
    rows = [*run.table("memories")]
    assert [(row["turn"], row["agent"], row["kind"]) for row in rows] == [
        (2, "ADA", "recall"),
        (3, "BO", "summary"),
        (4, "ADA", "recall"),
        (6, "ADA", "recall"),
        (7, "BO", "summary"),
        (8, "ADA", "recall"),
    ]
    assert all(str(row["summary"]).startswith("~summary ") for row in rows if row["kind"] == "summary")
    assert {len(json.loads(str(row["recalled"]))) for row in rows if row["kind"] == "recall"} == {1}


def test_the_calls_behind_them_are_among_the_calls(run: Run) -> None:
    rows = [(row["turn"], row["probe"], row["agent"]) for row in run.calls if row["probe"]]
    assert rows[:2] == [(2, "~recall", "ADA"), (3, "~summary", "BO")]


def test_show_tells_what_came_to_mind_and_with_probe_everything_about_the_call(run: Run) -> None:
    def show(*options: str) -> str:
        found = CliRunner().invoke(app, ["show", str(run.path), *options])
        assert found.exit_code == 0, found.output
        return found.output

    told = json.loads(show("--turn", "2", "--json"))["data"]
    (line,) = told["remembered"]["recalled"]
    assert line["turn"] in (-1, 0)
    assert f"{line['score']:.3f}  turn {line['turn']} of" in show("--turn", "2").replace(
        "an opening or a broadcast", "turn -1"
    )
    behind = show("--turn", "3", "--probe", "~summary", "--agent", "BO")
    assert "the summary, before turn 3: BO in hall" in behind
    assert "Sum up what has been said so far" in behind


@pytest.mark.parametrize("at_turn", [2, 3, 7])
def test_a_fork_remembers_what_the_run_remembered(run: Run, at_turn: int) -> None:
    same = run.fork(at_turn=at_turn, functions={"speak": speak})
    assert same.digest == run.digest
    who = "ADA" if at_turn % 2 == 0 else "BO"
    other = run.fork(at_turn=at_turn, say={who: "I was wrong."}, functions={"speak": speak})
    assert (other.verify().ok, other.replay().ok, other.digest != run.digest) == (True, True, True)


def test_the_record_says_which_encoder_it_was(run: Run) -> None:
    (session,) = run.table("sessions")
    assert {"backend": "encoder", "embedding": "lexical"}.items() <= json.loads(str(session["about"]))["models"][
        1
    ].items()


def test_the_tokens_that_memories_took_are_among_those_of_the_run(run: Run) -> None:
    counted = sum(int(str(row["prompt_tokens"] or 0)) + int(str(row["answer_tokens"] or 0)) for row in run.calls)
    shown = CliRunner().invoke(app, ["show", str(run.path)]).output
    assert counted > 9
    assert re.search(rf"^tokens +{counted:,}$", shown, re.MULTILINE)


RATING = """
name: rating
seed: 3
model: {backend: scripted, function: speak}
agents: [{name: ADA}, {name: BO}]
channels: {hall: {opening: {text: "Shall we open the old mine?"}}}
memory: {kind: retrieval, utterances: 1, k: 1, embedding: lexical, importance: rating}
stop: {turns: 6}
"""


def rate(request: Request) -> str:
    return str(1 + request.seed % 10) if request.choices else speak(request)


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Study.parse(RATING).run(runs=tmp_path_factory.mktemp("runs"), functions={"speak": rate})


def test_a_run_with_ratings_is_replayed_and_forked_like_any_other(rated: Run) -> None:
    assert (rated.replay().ok, rated.verify().ok) == (True, True)
    for at_turn in (2, 3):
        assert rated.fork(at_turn=at_turn, functions={"speak": rate}).digest == rated.digest
        who = "ADA" if at_turn % 2 == 0 else "BO"
        other = rated.fork(at_turn=at_turn, say={who: "I was wrong."}, functions={"speak": rate})
        assert (other.verify().ok, other.replay().ok, other.digest != rated.digest) == (True, True, True)


def test_each_rating_is_a_row_a_call_and_shown_with_its_turn(rated: Run) -> None:
    rows = [row for row in rated.table("memories") if row["kind"] == "rating" and row["turn"] == 2]
    told = [json.loads(str(row["rated"])) for row in rows]
    assert [(each["at"], each["turn"], each["speaker"]) for each in told] == [(0, -1, "system"), (1, 0, "ADA")]
    calls = [(row["probe"], row["raw_answer"], row["seed"]) for row in rated.calls if row["turn"] == 2]
    assert [(name, raw) for name, raw, _ in calls][:2] == [
        (f"~rating-{each['at']}", str(each["rating"])) for each in told
    ]
    assert len({seed for _, _, seed in calls}) == len(calls)
    shown = CliRunner().invoke(app, ["show", str(rated.path), "--turn", "2"]).output
    assert f"{told[1]['rating']}  turn 0 of ADA" in shown
    behind = CliRunner().invoke(app, ["show", str(rated.path), "--turn", "2", "--probe", "~rating-1", "--agent", "ADA"])
    assert "the rating of line 1, before turn 2: ADA in hall" in behind.output
    data = json.loads(CliRunner().invoke(app, ["show", str(rated.path), "--turn", "2", "--json"]).output)["data"]
    assert [each["rated"] for each in data["ratings"]] == told
    assert data["remembered"]["memory"] == "recall"


def posting(request: Request) -> str:
    """Replies to what stands last in the feed, or posts; rates and sums up."""
    if request.aside:
        return rate(request)
    replies = [act for act in request.meanings if act.startswith("reply")]
    return (replies or ["post"])[-1 if request.turn % 3 else 0] if request.doing == "choose" else speak(request)


@pytest.mark.parametrize("simultaneous", ["true", "false"])
def test_a_forum_with_memories_is_replayed_and_forked_like_any_other_run(simultaneous: str, tmp_path: Path) -> None:
    board = f"{{kind: forum, feed: 1, replies: 1, simultaneous: {simultaneous}}}"
    study = RATING.replace("hall: {", f"hall: {{protocol: {board}, ").replace("turns: 6", "rounds: 7")
    study = study.replace("{name: BO}", "{name: BO, memory: {kind: summary, utterances: 1, every: 2}}")
    run = Study.parse(study).run(runs=tmp_path, functions={"speak": posting})
    assert {row["kind"] for row in run.table("memories")} == {"rating", "recall", "summary"}
    assert (run.replay().ok, run.verify().ok) == (True, True)
    for at_turn in (18, 20, 22):
        assert run.fork(at_turn=at_turn, functions={"speak": posting}).digest == run.digest
    last = [*run.posts][-1]
    changed = {str(last["author"]): "I was wrong."}
    other = run.fork(at_turn=int(str(last["turn"])), say=changed, functions={"speak": posting})
    assert (other.verify().ok, other.replay().ok, other.digest != run.digest) == (True, True, True)
