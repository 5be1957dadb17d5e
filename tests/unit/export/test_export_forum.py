"""Tables of forums, of a run that was played: what was written, done and shown."""

from __future__ import annotations

import pytest

from genai_social_sim import Study
from genai_social_sim.api.run import Run
from genai_social_sim.ports import Request

STUDY = """
name: forum
model: {backend: scripted, function: act}
agents: [{name: ADA}, {name: BO}]
channels:
  board:
    protocol: {kind: forum, simultaneous: true, ranking: top, feed: 2, replies: 1}
    opening: {from: chair, text: "Shall we?"}
interventions: [{at: round 1, kind: broadcast, text: "A fact."}]
stop: {rounds: 4}
"""
ADA = {0: "reply to 1", 1: "upvote 1", 2: "upvote 4", 3: "downvote 4"}
BO = {0: "upvote 1", 1: "post", 2: "nothing", 3: "pass"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    def act(request: Request) -> str:
        chosen = ADA if request.agent == "ADA" else BO
        return chosen[request.round] if request.doing == "choose" else f"{request.agent} says so."

    return Study.parse(STUDY).run(runs=tmp_path_factory.mktemp("forum"), functions={"act": act})


def test_posts_have_their_thread_their_parent_and_the_last_vote_of_each_agent(run: Run) -> None:
    rows = [(row["id"], row["thread"], row["parent"], row["author"], row["ups"], row["downs"]) for row in run.posts]
    assert rows == [
        (1, 1, None, "chair", 2, 0),
        (2, 1, 1, "ADA", 0, 0),
        (3, 3, None, "system", 0, 0),
        (4, 4, None, "BO", 0, 1),
    ]
    assert [row["votes"] for row in run.posts] == [2, 0, 0, -1]


def test_acts_tell_what_was_done_on_which_post_or_why_nothing(run: Run) -> None:
    rows = [(row["agent"], row["act"], row["post"], row["cause"]) for row in run.acts]
    assert rows == [
        ("ADA", "reply", 1, None),
        ("BO", "upvote", 1, None),
        ("ADA", "upvote", 1, None),
        ("BO", "post", None, None),
        ("ADA", "upvote", 4, None),
        ("BO", None, None, "unreadable"),
        ("ADA", "downvote", 4, None),
        ("BO", "pass", None, None),
    ]


def test_exposures_tell_rank_score_and_place_at_the_time(run: Run) -> None:
    rows = [row for row in run.exposures if row["agent"] == "BO"]
    found = {
        round_no: [(row["post"], row["rank"], row["score"], row["place"]) for row in rows if row["round"] == round_no]
        for round_no in range(4)
    }
    assert found == {
        0: [(1, 1, 0, 1)],
        1: [(1, 1, 1, 1), (2, 1, 1, 2), (3, 2, 0, 3)],
        2: [(1, 1, 2, 1), (2, 1, 2, 2), (4, 2, 0, 3)],
        3: [(1, 1, 2, 1), (2, 1, 2, 2), (4, 2, 1, 3)],
    }


def test_acts_are_no_utterances(run: Run) -> None:
    assert [row["text"] for row in run.utterances] == ["Shall we?", "ADA says so.", "A fact.", "BO says so."]
