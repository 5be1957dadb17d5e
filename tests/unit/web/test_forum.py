"""Forums as threads, and what an agent had read, as the API tells them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from tests.support.pages import STUDY, Site, play, served

from genai_social_sim import Run

FORUM: Final = """
name: mine
seed: 9
model: {backend: scripted, choose: true, words: 5}
agents: [{name: ADA}, {name: BO}, {name: CY}]
channels:
  board:
    protocol: {kind: forum, ranking: hot, feed: 3, replies: 2}
    opening: {from: chair, text: "Shall we open the old mine?"}
interventions: [{at: round 4, kind: broadcast, from: mayor, text: "The mine is sold."}]
stop: {rounds: 12}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with Run(play(tmp_path_factory.mktemp("runs"), FORUM)) as run:
        yield run


@pytest.fixture(scope="module")
def site(run: Run) -> Iterator[Site]:
    with served(run.path.parent) as site:
        yield site


def threads(site: Site, run: Run, **query: Any) -> Any:
    words = "&".join(f"{key}={value}" for key, value in query.items())
    return site.api(f"/runs/{run.path.stem}/threads?{words}")


def test_threads_hold_every_post_of_the_table_with_its_votes(site: Site, run: Run) -> None:
    found = threads(site, run, turn=run.turns, limit=200)["posts"]
    keys = ("number", "thread", "parent", "author", "turn", "text", "ups", "downs")
    own = [
        tuple(row[key] for key in ("id", "thread", "parent", "author", "turn", "text", "ups", "downs"))
        for row in run.posts
    ]
    assert sorted(tuple(post[key] for key in keys) for post in found) == sorted(own)
    assert any(post["depth"] for post in found)


def test_replies_come_below_what_they_reply_to(site: Site, run: Run) -> None:
    posts = threads(site, run, turn=run.turns, order="old", limit=200)["posts"]
    path: list[int] = []
    for post in posts:
        del path[post["depth"] :]
        assert post["parent"] == (path[-1] if path else None)
        path.append(post["number"])


def test_before_a_turn_there_are_the_votes_and_posts_of_until_then(site: Site, run: Run) -> None:
    turn = 20
    found = threads(site, run, turn=turn, limit=200)["posts"]
    assert {post["number"] for post in found if post["turn"] is not None} == {
        row["id"] for row in run.posts if row["turn"] is not None and int(str(row["turn"])) < turn
    }
    voted = [row for row in run.acts if row["act"] in ("upvote", "downvote") and int(str(row["turn"])) < turn]
    last = {(row["post"], row["agent"]): row["act"] for row in voted}
    for post in found:
        votes = [act for (number, _), act in last.items() if number == post["number"]]
        assert (post["ups"], post["downs"]) == (votes.count("upvote"), votes.count("downvote"))


def test_the_most_voted_thread_comes_first(site: Site, run: Run) -> None:
    found = threads(site, run, turn=run.turns, order="top", limit=200)["posts"]
    scores = [post["ups"] - post["downs"] for post in found if post["parent"] is None]
    assert scores == sorted(scores, reverse=True)
    one = threads(site, run, turn=run.turns, order="top", skip=1, limit=1)
    assert {post["thread"] for post in one["posts"]} == {[p["thread"] for p in found if p["parent"] is None][1]}


def test_what_an_agent_had_read_is_its_exposure(site: Site, run: Run) -> None:
    for row in run.acts.rows()[:12]:
        read = site.api(f"/runs/{run.path.stem}/turns/{row['turn']}")["read"]
        shown = [each for each in run.exposures if each["turn"] == row["turn"]]
        assert [(each["post"], each["rank"]) for each in read] == [(each["post"], each["rank"]) for each in shown]


def test_a_channel_that_is_no_forum_has_no_threads(site: Site, run: Run) -> None:
    assert site.ask(f"/api/runs/{run.path.stem}/threads?channel=none").status == 404


def test_what_an_agent_had_read_in_a_conversation_is_what_its_prompt_shows(tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("runs")
    with Run(play(folder, STUDY + "memory: {kind: window, utterances: 4}\n")) as run, served(folder) as site:
        said = [row for row in run.utterances if row["channel"] == "harbour"]
        number = 30
        while run.turn(number)[-1].event.channel != "harbour":  # type: ignore[union-attr]
            number += 1
        read = site.api(f"/runs/{run.path.stem}/turns/{number}")["read"]
        before = [row for row in said if row["turn"] is None or int(str(row["turn"])) < number]
        wanted = [(row["speaker"], row["turn"]) for row in before][-4:]
    assert [(each["agent"], each["turn"]) for each in read] == wanted
