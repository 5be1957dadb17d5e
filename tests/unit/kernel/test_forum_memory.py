"""Memories in forums: of what, when they are made up, and what prompts show. That none is lost or doubled is a law."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.support.models import Overheard
from tests.support.scenario import Played, Scenario, scripted

from genai_social_sim.domain.agenda import AtEnd, Probe
from genai_social_sim.domain.events import Remembered, Spoke
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.memory import Memory, Retrieval, Summary, Window
from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.kernel.encoders import encoders
from genai_social_sim.ports import Request
from genai_social_sim.testing.plans import small_channel, small_forum, small_plan

SUMMARY = Summary(utterances=1, every=2, max_tokens=9, text="Sum it up, {{ name }}.")
LOOKS_UP = Retrieval(utterances=0, k=1, embedding="lexical", recency=0.0, importance="none")
MINE, PUMPS = "The old mine is flooded.", "Pumps cost money."


def plan(memory: Memory, *, stop: int, members: str = "ada bo", feed: int = 1) -> RunPlan:
    """Members act in the order of their names, and in a second wave write."""
    board = small_forum(simultaneous=True, feed=feed, replies=0)
    hall = small_channel("hall", members=members, protocol=board, window=99, memory=memory)
    return small_plan(hall, agents=members, stop=stop, layout="persona_first")


def played(made: RunPlan, script: dict[str, list[str]]) -> tuple[Played, list[Request]]:
    """Each agent does what its script has for it, one after the other, and passes in the end."""
    left, seen = {name: [*lines] for name, lines in script.items()}, list[Request]()

    def answer(request: Request) -> str:
        seen.append(request)
        if request.aside:
            return "7" if request.choices else f"notes of {request.agent} before {request.turn}"
        lines = left.get(request.agent, [])
        return lines.pop(0) if lines else "pass"

    overheard = {each: Overheard(seen) for each in encoders(made)}
    return Scenario(plan=made, model=scripted(answer), models=overheard).play(), seen


def texts(request: Request) -> list[str]:
    return [line.text.value for line in request.heard]


POSTS = {"ada": ["post", "One.", "post", "Two.", "post", "Three."]}  # in turns 2, 6 and 10; four turns are a round


def test_a_summary_tells_of_posts_that_are_older_than_the_last_and_out_of_the_feed() -> None:
    """Before turn 13 bo was shown the posts 1, 2, 3 and the feed shows 4: 1 and 2 are older than the last."""
    run, seen = played(plan(SUMMARY, stop=16), POSTS)
    asked = [request for request in seen if (request.agent, request.aside) == ("bo", "~summary")]
    assert [(request.turn, texts(request)) for request in asked] == [(13, ["Begin.", "One."])]
    assert "Read or written before:\n#1 system: Begin.\n#2 ada: One.\n" in asked[0].prompt.text
    assert "Sum it up, bo." in asked[0].prompt.text
    act = next(request for request in seen if (request.turn, request.agent, request.aside) == (13, "bo", ""))
    assert texts(act) == ["Two.", "Three."]
    expected = (
        "(What is remembered of what was said before: notes of bo before 13)\n"
        "Read or written before:\n#3 ada: Two.\nNow shown:\n#4 ada (0 up, 0 down): Three.\n"
    )
    assert expected in act.prompt.text
    assert [event.turn for event in run.of(Remembered) if event.agent == "bo"] == [13]


def test_what_an_agent_wrote_is_part_of_its_memory_as_far_as_it_is_set() -> None:
    _, seen = played(plan(Window(utterances=0, own=1), stop=16), POSTS)
    assert [texts(request) for request in seen if request.agent == "ada" and request.turn == 12] == [["Three."]]
    _, seen = played(plan(Window(utterances=1, own=1), stop=16, members="ada bo", feed=1), {"bo": ["post", "Mine."]})
    assert texts(seen[-1]) == ["Begin.", "Mine."]


def test_what_comes_to_mind_in_choosing_is_what_is_like_the_feed() -> None:
    script = {"ada": ["post", MINE, "post", PUMPS, "post", "Is the mine still flooded?"]}
    run, seen = played(plan(LOOKS_UP, stop=16), script)
    act = next(request for request in seen if (request.turn, request.agent, request.aside) == (13, "bo", ""))
    assert texts(act) == [MINE, "Is the mine still flooded?"]
    expected = (
        "Of what was read or written before, this comes to mind:\n#2 ada: The old mine is flooded.\n"
        "Now shown:\n#4 ada (0 up, 0 down): Is the mine still flooded?\n"
    )
    assert expected in act.prompt.text
    last = json.loads([event for event in run.of(Remembered) if event.agent == "bo"][-1].text.value)
    assert [(line["post"], line["turn"], line["speaker"]) for line in last] == [(2, 2, "ada")]


def test_before_a_reply_it_is_looked_up_again_by_what_is_answered() -> None:
    """The feed shows two threads of which bo answers the lower one, on money; the upper one is on the mine."""
    first = {
        "ada": ["post", MINE, "post", PUMPS, "post", "Who has money for that?", "post", "Is the mine still flooded?"]
    }
    run, seen = played(plan(LOOKS_UP, stop=20, feed=2), first | {"bo": ["pass"] * 4 + ["reply to 4", "Nobody."]})
    recalls = [request for request in seen if (request.agent, request.aside) == ("bo", "~recall")]
    assert [(request.turn, request.heard[-1].text.value) for request in recalls][-2:] == [
        (17, "Is the mine still flooded?\nWho has money for that?"),
        (19, "Who has money for that?"),
    ]
    words = next(request for request in seen if request.doing == "reply to 4")
    assert texts(words) == [PUMPS, "Is the mine still flooded?", "Who has money for that?"]
    assert [event.text.value for event in run.of(Spoke) if event.agent == "bo"] == ["reply to 4", "Nobody."]


def test_nothing_is_looked_up_where_no_words_are_asked_for_or_for_a_new_thread() -> None:
    """Acts are the turns 0 and 1 of each round of four. In turn 4 ada is shown post 3, and has 1 and 2 behind her."""
    script = POSTS | {"bo": ["post", "I.", "upvote 1"]}
    _, seen = played(plan(LOOKS_UP, stop=16), script)
    assert [request.turn for request in seen if request.aside and request.agent == "bo"] == [9, 13]
    assert [request.turn for request in seen if request.aside and request.agent == "ada"] == [4, 8, 12]


def test_each_post_is_rated_once_and_the_rating_says_which_it_was() -> None:
    rating = Retrieval(
        utterances=0, k=1, embedding="lexical", importance="rating", text="Weigh it, {{ name }}.", recency=0.0
    )
    run, seen = played(plan(rating, stop=16), POSTS)
    rated = [json.loads(each.text.value) for each in run.of(Remembered) if each.aside.startswith("~rating")]
    assert [(each["post"], each["rating"]) for each in rated] == [(1, 7), (2, 7)] * 2 + [(3, 7)] * 2
    asked = [request for request in seen if request.aside]
    assert all(request.doing == "" and not request.feed for request in asked)
    assert all(len(request.heard) == 1 for request in asked if request.choices)


def test_a_probe_shows_the_memory_without_a_feed() -> None:
    probe = Probe(name="why", when=(AtEnd(),), asked=(AgentId("bo"),), text="Why?")
    _, seen = played(replace(plan(SUMMARY, stop=16), probes=(probe,)), POSTS)
    asked = next(request for request in seen if request.aside == "why")
    assert texts(asked) == ["Two.", "Three."]
    assert "notes of bo before 13" in asked.prompt.text
    assert "Now shown" not in asked.prompt.text


def test_a_memory_across_channels_shows_what_was_read_in_a_forum() -> None:
    """Six turns are a round. Bo reads the first post of ada in the second round, and tells of it in the third."""
    board = small_channel(
        "board",
        members="ada bo",
        protocol=small_forum(simultaneous=True, feed=1),
        window=9,
        memory=Window(utterances=9),
    )
    hall = small_channel("hall", members="bo cy", opening="", window=9, memory=Window(utterances=9, across=2))
    _, seen = played(small_plan(board, hall, agents="ada bo cy", stop=18, layout="persona_first"), POSTS)
    last = [request for request in seen if request.channel == "hall" and request.agent == "bo"][-1]
    assert texts(last)[:2] == ["Begin.", "One."]
    assert "(In the channel board:)\n#1 system: Begin.\n#2 ada: One.\n(And here:)\n" in last.prompt.text


def test_a_summary_may_leave_out_what_an_agent_wrote_itself() -> None:
    run, _ = played(plan(replace(SUMMARY, own=0, every=1), stop=16), POSTS)
    told = [event.turn for event in run.of(Remembered) if event.agent == "ada"]
    assert told == []  # all that ada was shown of others is one post, which is never older than the last
