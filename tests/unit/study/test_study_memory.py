"""Memories in the study file: what is taken, refused, and written back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from genai_social_sim.backends.registry import check_options
from genai_social_sim.domain.memory import Memory, Retrieval, Summary, Window
from genai_social_sim.errors import SpecError
from genai_social_sim.study.lowering import canonical, from_canonical, lower, parse
from genai_social_sim.study.memory import SUMMARY_TEXT

BASE = (
    "name: s\nagents: [{name: ADA}, {name: BO}]\nchannels: {hall: {}}\nmodel: {backend: scripted, answers: [x]}\n"
    "stop: {turns: 2}\n"
)


def memory_of(written: str) -> Memory | None:
    (hall,) = lower(parse(f"{BASE}memory: {written}\n", source="s.yaml")).channels
    return hall.memory


def refused(text: str, **more: Any) -> SpecError:
    with pytest.raises(SpecError) as fault:
        lower(parse(text, source="s.yaml"), **more)
    return fault.value


def test_a_word_alone_is_a_memory_with_its_defaults() -> None:
    assert memory_of("summary") == Summary(utterances=10, every=10, max_tokens=160, text=SUMMARY_TEXT, reach=200)
    assert memory_of("retrieval") == Retrieval(utterances=5, k=5, embedding="minilm", reach=500)
    assert memory_of("window") is None  # the channel's window says it all


@pytest.mark.parametrize(("written", "own"), [("true", None), ("false", 0), ("3", 3)])
def test_own_utterances_count_like_others_or_not_at_all_or_so_many(written: str, own: int | None) -> None:
    found = memory_of(f"{{kind: summary, own: {written}}}")
    assert isinstance(found, Summary)
    assert found.own == own


def test_a_channel_keeps_as_much_as_the_longest_memory_in_it_needs() -> None:
    text = BASE.replace("{name: BO}", "{name: BO, memory: {kind: retrieval, reach: 77}}")
    plan = lower(parse(text, source="s.yaml"))
    (hall,) = plan.channels
    assert (hall.window, hall.memory) == (77, Window(utterances=20))
    assert [type(hall.memory_of(agent)).__name__ for agent in plan.agents] == ["Window", "Retrieval"]


def test_a_population_and_its_groups_have_memories_and_the_nearest_counts() -> None:
    text = (
        "name: s\nmodel: {backend: scripted, answers: [x]}\nchannels: {hall: {}}\nstop: {turns: 2}\n"
        "population:\n  size: 2\n  attributes: {party: {quota: {left: 1, right: 1}}}\n  memory: summary\n"
        "  groups: [{where: {party: left}, memory: none}]\n"
    )
    found = {dict(agent.attributes)["party"]: agent.memory for agent in lower(parse(text, source="s.yaml")).agents}
    assert found["left"] == Window(utterances=0)
    assert isinstance(found["right"], Summary)
    assert lower(from_canonical(canonical(parse(text, source="s.yaml"), seed=0)), seed=0).agents


@pytest.mark.parametrize(
    "written",
    [
        "none",
        "{kind: window, utterances: 3, own: 1, reach: 9}",
        '{kind: summary, utterances: 2, every: 3, max_tokens: 9, text: "So, {{ name }}?", own: false, reach: 9}',
        "{kind: retrieval, k: 2, embedding: lexical, half_life: 3.5, importance: authority, weights: {recency: 0.5}}",
        "{kind: retrieval, importance: rating, embedding: lexical}",
        '{kind: retrieval, importance: rating, embedding: lexical, text: "How much, {{ name }}?"}',
    ],
)
def test_the_recorded_study_makes_the_same_memory(written: str) -> None:
    loaded = parse(f"{BASE}memory: {written}\n", source="s.yaml")
    again = from_canonical(canonical(loaded, seed=0))
    assert lower(again, seed=0) == lower(loaded, seed=0)
    assert canonical(again, seed=0) == canonical(loaded, seed=0)


def test_a_study_with_a_window_is_written_as_ever() -> None:
    """Digests of older runs stay what they were."""
    (channel,) = json.loads(canonical(parse(BASE, source="s.yaml"), seed=0))["channels"].values()
    assert channel["memory"] == {"kind": "window", "utterances": 20}


@pytest.mark.parametrize(
    ("written", "where", "words"),
    [
        ("{kind: summary, text: '{{ nmae }}'}", "s.yaml:6:31", "'nmae' is undefined"),
        ("{kind: summary, utterances: 9, reach: 9}", "s.yaml:6:47", "the last 9 are shown anyway"),
        ("{kind: retrieval, k: 0}", "s.yaml:6:30", "must be at least 1"),
        ("{kind: window, own: -1}", "s.yaml:6:29", "neither true, false nor a number"),
        ("{kind: retrieval, embedding: bert}", "s.yaml:6:38", "there is no embedding 'bert'"),
        ("{kind: retrieval, text: 'How?'}", "s.yaml:6:33", "Set `importance: rating`"),
        ("{kind: retrieval, importance: rating, text: '{{ nmae }}'}", "s.yaml:6:53", "'nmae' is undefined"),
        ("{kind: retrieval, importance: rating, text: ' '}", "s.yaml:6:53", "text"),
        ("{kind: retrieval, importance: ratings}", "s.yaml:6:39", "rating"),
        ("{kind: recall}", "s.yaml:6:9", "window"),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands(written: str, where: str, words: str) -> None:
    fault = refused(f"{BASE}memory: {written}\n", check_options=check_options)
    assert where in str(fault)
    assert words in str(fault)


def test_no_study_can_name_the_encoder_as_a_model() -> None:
    refused(BASE.replace("backend: scripted, answers: [x]", 'backend: "~encoder"'))
