"""The canonical form: what a record holds, and what two studies share that are the same run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.study.studies import SMALL, changed, loaded, with_change

from genai_social_sim.errors import SpecError
from genai_social_sim.study.lowering import canonical, from_canonical, lower, parse
from genai_social_sim.study.models import SAMPLING_KEYS

_LETTERS = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_TEXT = st.text(_LETTERS, max_size=30)
_SAID = _TEXT.map(lambda text: f"x{text}")
_NUMBER = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_SCALAR = st.booleans() | _NUMBER | _TEXT
_OPTIONS = st.recursive(_SCALAR | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=5)
_SAMPLING: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.none() | st.integers(0, 2) | st.floats(0, 2),
    "top_p": st.none() | st.floats(0, 1),
    "top_k": st.none() | st.integers(0, 100),
    "min_p": st.none() | st.floats(0, 1),
    "repeat_penalty": st.none() | st.floats(1, 2),
    "max_tokens": st.integers(1, 1000),
}
_MODEL = st.fixed_dictionaries(
    {}, optional={**_SAMPLING, "backend": st.sampled_from(["embedded", "rule"]), "zeta": _OPTIONS, "omega": _OPTIONS}
)
_PERSONA = st.sampled_from(["", "Plain.", "{{ name }}, {{ age }}.", "{% if calm %}calm{% endif %} {{ name | upper }}"])
_RULE = st.recursive(
    st.fixed_dictionaries(
        {"turns": st.integers(1, 99)}, optional={"silence": st.just("2 rounds"), "tokens": st.just(9)}
    ),
    lambda inner: st.dictionaries(st.sampled_from(["any", "all"]), st.lists(inner, min_size=1, max_size=3), min_size=1),
    max_leaves=4,
)


@st.composite
def studies(draw: st.DrawFn) -> dict[str, Any]:
    """Studies of all sorts, as plain values."""
    names = draw(st.lists(st.sampled_from(["Ada", "Bo", "Cy", "Di é", "E.F"]), min_size=1, unique=True))
    agents = [draw(_agent(name)) for name in names]
    channels = {name: draw(_channel(names)) for name in draw(st.sets(st.sampled_from("xyz"), min_size=1))}
    others = {
        "model": _MODEL,
        "protocol": st.sampled_from(["random", {"kind": "round_robin"}, "simultaneous"]),
        "memory": st.sampled_from(["none", {"kind": "window", "utterances": 0}, {"kind": "window"}]),
        "prompt": st.fixed_dictionaries({}, optional={"layout": st.just("script"), "cue": st.just("{{ name }}:")}),
        "timeouts": st.sampled_from([{"answer": "1 min"}, {"on_failure": {"say": "Hm."}}, {"on_failure": "stop"}]),
    }
    optional = draw(st.fixed_dictionaries({}, optional=others))
    return {"name": "s", "agents": agents, "channels": channels, "stop": draw(_RULE), **optional}


def _agent(name: str) -> st.SearchStrategy[dict[str, Any]]:
    attributes = st.fixed_dictionaries({"age": _SCALAR, "calm": _SCALAR})
    needed = {"name": st.just(name), "persona": _PERSONA, "attributes": attributes}
    return st.fixed_dictionaries(needed, optional={"model": _MODEL})


def _channel(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "members": st.permutations(names),
        "protocol": st.sampled_from(
            ["random", "simultaneous", *({"kind": "round_robin", "first": first} for first in (names[-1], "random"))]
        ),
        "opening": st.fixed_dictionaries({"text": _SAID}),
        "memory": st.sampled_from(["none", {"kind": "window", "utterances": 5}]),
        "act": st.sampled_from(
            [
                "say",
                {"kind": "say", "may_pass": True},
                {"kind": "choose", "options": ["yes", "no"], "may_pass": True},
                {"kind": "rate", "scale": [-1, 0, 0.5], "may_pass": True},
            ]
        ),
    }
    return st.fixed_dictionaries({}, optional=optional)


@given(studies())
def test_the_canonical_form_says_all_and_says_it_the_same_way(values: dict[str, Any]) -> None:
    study = parse(json.dumps(values, ensure_ascii=False), source="s")
    text = canonical(study)
    again = from_canonical(text)
    assert canonical(again) == text
    assert lower(again, seed=3) == lower(study, seed=3)


def test_every_default_is_filled_in() -> None:
    value = json.loads(canonical(loaded()))
    assert value["channels"]["general"]["memory"] == {"kind": "window", "utterances": 20}
    assert value["channels"]["general"]["members"] == ["BOT1", "BOT2"]
    assert value["timeouts"] == {"answer": 120.0, "attempts": 3, "backoff": 0.5, "on_failure": "skip"}
    assert value["prompt"]["layout"] == "transcript_first"
    assert set(value["agents"][0]["model"]) == {"backend", *SAMPLING_KEYS}


@pytest.mark.parametrize(
    "addition",
    ["description: x\n", "durability: process\n", "parallel: 3\n", "# a comment\n", "memory: window\n", "act: say\n"],
)
def test_what_changes_nothing_leaves_the_canonical_form_alone(addition: str) -> None:
    assert canonical(loaded(SMALL + addition)) == canonical(loaded())


def test_seed_and_speed_are_no_part_of_it() -> None:
    assert canonical(changed("seed: 42", "seed: 43")) == canonical(loaded())
    assert canonical(changed("max_tokens: 60", "max_tokens: 60, parallel: 4")) == canonical(loaded())


def test_how_many_servers_answer_still_reaches_the_backend() -> None:
    assert lower(changed("max_tokens: 60", "max_tokens: 60, parallel: 4")).agents[0].model.options == '{"parallel":4}'


def test_listing_agents_in_another_order_leaves_a_random_channel_alone() -> None:
    text = with_change("{kind: round_robin, first: BOT2}", "random")
    lines = text.splitlines(keepends=True)
    swapped = "".join([*lines[:4], lines[5], lines[4], *lines[6:]])
    assert canonical(loaded(swapped)) == canonical(loaded(text))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"name": NaN}', '{"seed": 1e999}'])
def test_a_damaged_recorded_study_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="recorded study"):
        from_canonical(text)


def test_a_recorded_study_can_be_read_without_its_backend() -> None:
    study = parse(with_change("embedded", "elsewhere"), source="s", backends=["elsewhere"])
    assert from_canonical(canonical(study)).document.agents[0].name == "BOT1"
