"""Forums and direct messages in study files: what is refused, and with which remedy."""

from __future__ import annotations

import json

import pytest

from genai_social_sim.domain.plan import Forum
from genai_social_sim.errors import SpecError
from genai_social_sim.kernel.run import decide
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import start
from genai_social_sim.study.lowering import canonical, from_canonical, lower, parse

STUDY = """
name: s
model: {backend: scripted, words: 3}
agents: [{name: A}, {name: B}]
channels: {c: {%s}}
stop: {turns: 2}
%s
"""


def refusal_of(channel: str, beside: str = "") -> str:
    with pytest.raises(SpecError) as caught:
        lower(parse(STUDY % (channel, beside), source="study.yaml", backends=None))
    return str(caught.value)


@pytest.mark.parametrize(
    ("channel", "beside", "words"),
    [
        ("protocol: {kind: forum, ranking: best}", "", "Did you mean `newest`?"),
        ("protocol: {kind: forum, decay: 3}", "", "`decay` belongs to `ranking: hot`"),
        ("protocol: {kind: forum, acts: [post, like]}", "", "Write `post`, `reply`, `upvote` or `downvote`"),
        ("protocol: {kind: forum, acts: [post, post]}", "", "one or more, each once"),
        ("protocol: {kind: forum, feed: 20, replies: 5}", "", "make up to 361 acts; at most 128 can be chosen from"),
        ("protocol: {kind: forum, labels: true}", "", "make up to 46 acts; at most 26 have letters"),
        ("protocol: {kind: forum, cue: 'Act!'}", "", "Put `{{ options | join(', ') }}` into it"),
        ("protocol: {kind: forum, words: '{{ nobody }}'}", "", "channels.c.protocol.words: the template does not work"),
        ("protocol: forum, direct: true", "", "nothing in it is for one alone"),
        ("protocol: forum, act: {kind: rate, scale: [1, 2]}", "", "channels.c.act: what is done in a forum is chosen"),
        ("protocol: forum", "act: {kind: rate, scale: [1, 2]}", "study.yaml:7:1: act: what is done in a forum"),
        ("protocol: forum", "memory: interactions", "only meetings in which both act at once are remembered so"),
        ("protocol: pairwise, direct: true", "", "heard by the partner alone as it is"),
        ("direct: true", "act: {kind: rate, scale: [1, 2]}", "only who says what it likes can address it"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(channel: str, beside: str, words: str) -> None:
    assert words in refusal_of(channel, beside)


@pytest.mark.parametrize(
    "memory", ["none", "summary", "{kind: window, own: 3}", "{kind: retrieval, embedding: lexical}"]
)
def test_an_agent_may_have_a_memory_of_its_own_in_a_forum(memory: str) -> None:
    text = STUDY.replace("{name: B}", f"{{name: B, memory: {memory}}}") % ("protocol: forum", "")
    loaded = parse(text, source="study.yaml", backends=None)
    again = from_canonical(canonical(loaded, seed=0))
    assert lower(again, seed=0) == lower(loaded, seed=0)
    (a, b), room = lower(loaded).agents, lower(loaded).channels[0]
    assert room.memory_of(a) != room.memory_of(b)


@pytest.mark.parametrize("setting", ["", ", ranking: hot", ", ranking: hot, decay: 2.5", ", acts: [upvote, post]"])
def test_a_forum_comes_back_from_a_record_as_it_was(setting: str) -> None:
    loaded = parse(STUDY % (f"protocol: {{kind: forum{setting}}}, memory: none", ""), source="s", backends=None)
    again = from_canonical(canonical(loaded, seed=0))
    assert lower(again, seed=0).channels == lower(loaded, seed=0).channels
    assert canonical(again, seed=0) == canonical(loaded, seed=0)


def test_acts_stand_in_one_order_however_they_are_listed() -> None:
    loaded = parse(STUDY % ("protocol: {kind: forum, acts: [upvote, post]}", ""), source="s", backends=None)
    forum = lower(loaded).channels[0].protocol
    assert isinstance(forum, Forum)
    assert forum.acts == ("post", "upvote")


def test_a_study_without_direct_messages_says_nothing_of_them() -> None:
    """So that studies from before there were any have the digests that they had."""
    plain = canonical(parse(STUDY % ("", ""), source="s", backends=None))
    direct = canonical(parse(STUDY % ("direct: true", ""), source="s", backends=None))
    assert "direct" not in plain
    assert json.loads(direct)["channels"]["c"]["direct"] is True


@pytest.mark.parametrize("layout", ["script", "persona_first", "transcript_first"])
def test_prompts_say_what_is_rated(layout: str) -> None:
    rated = "act: {kind: rate, scale: [0, 1], about: How warm is it?, anchors: [cold, hot]}"
    loaded = parse(STUDY % (rated, f"prompt: {{layout: {layout}}}"), source="s", backends=None)
    stage = Stage(lower(loaded))
    turn = decide(start(stage), 0)[0]
    prompt = stage.prompt(turn, start(stage).floors[0]).text
    assert "How warm is it?" in prompt
    assert "0 (cold)" in prompt


def test_a_scale_without_more_to_it_is_asked_as_it_always_was() -> None:
    """So that studies from before there was more have the digests that they had."""
    plain = canonical(parse(STUDY % ("act: {kind: rate, scale: [0, 1]}", ""), source="s", backends=None))
    assert json.loads(plain)["channels"]["c"]["act"] == {"kind": "rate", "scale": [0, 1], "may_pass": False}
    assert "about" not in plain


def test_what_a_probe_asks_about_stands_in_its_text() -> None:
    probes = "probes: [{name: p, at: end, text: Well?, act: {kind: rate, scale: [0, 1], about: it}}]"
    assert "Write it into `text`" in refusal_of("", probes)
