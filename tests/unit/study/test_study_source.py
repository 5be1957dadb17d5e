"""YAML as it is read here: plain values, and the place of each."""

from __future__ import annotations

import pytest

from genai_social_sim.study.source import Mark, parse_yaml


def value_of(text: str) -> object:
    """What a value written as `text` becomes."""
    return parse_yaml(f"key: {text}", name="s").values["key"]


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "12:30", "2024-01-31", "007", "1_", "0x1F", "1.2.3", "e5", "-"]
)
def test_what_looks_like_a_text_stays_one(text: str) -> None:
    assert value_of(f"[{text}]" if text != "-" else '["-"]') == [text]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2_000_000", 2_000_000),
        ("-5", -5),
        ("+5", 5),
        ("1e6", 1e6),
        ("1.5e-3", 0.0015),
        (".5", 0.5),
        ("2.", 2.0),
        ("1_000.5", 1000.5),
        ("TRUE", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
    ],
)
def test_scalars_are_read_as_in_yaml_1_2(text: str, value: object) -> None:
    read = value_of(text)
    assert read == value
    assert type(read) is type(value)


def test_modest_aliases_repeat_their_value() -> None:
    assert parse_yaml("a: &x {b: [1, 2]}\nc: *x", name="s").values == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}


def test_every_value_and_key_has_a_place() -> None:
    marks = parse_yaml("a:\n  - b: 1\n    c: [2, 3]\n", name="s").marks
    assert marks.find(("a", 0, "c", 1)) == Mark(3, 12)
    assert marks.find(("a", 0, "c"), key=True) == Mark(3, 5)


def test_what_is_missing_stands_where_it_would_be() -> None:
    marks = parse_yaml("a:\n  - b: 1\n", name="s").marks
    assert marks.where(("a", 0, "nothing", 7)) == "s:2:5"


def test_an_alias_stands_where_it_is_used() -> None:
    marks = parse_yaml("a: &x {b: 1}\nc: *x", name="s").marks
    assert marks.where(("c",)) == "s:2:4"
