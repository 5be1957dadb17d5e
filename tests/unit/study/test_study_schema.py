"""The JSON schema for editors."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.study.studies import loaded

from genai_social_sim.study import document, models, people
from genai_social_sim.study.base import Doc
from genai_social_sim.study.lowering import canonical, parse
from genai_social_sim.study.models import ModelDoc
from genai_social_sim.study.schema import EXAMPLE, json_schema

PARTS: list[type[Doc]] = [
    kind
    for module in (document, models, people)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Doc) and kind is not Doc
]


def test_it_says_what_it_is() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "Study"
    assert {"name", "channels", "stop"} == set(schema["required"])


def test_its_example_is_the_small_study() -> None:
    assert canonical(parse(json.dumps(EXAMPLE), source="s")) == canonical(loaded())


def test_every_key_is_described() -> None:
    for part in PARTS:
        assert part.__doc__
        for name, field in part.model_fields.items():
            assert (field.description or "").endswith("."), f"{part.__name__}.{name}"


def test_null_is_offered_only_where_it_means_something() -> None:
    def nulls(value: Any, path: str) -> list[str]:
        if isinstance(value, dict):
            here = [path] if value.get("type") == "null" else []
            return here + [found for key, inner in value.items() for found in nulls(inner, f"{path}.{key}")]
        return [found for inner in value for found in nulls(inner, path)] if isinstance(value, list) else []

    assert {path.split(".")[4] for path in nulls(json_schema(), "")} == set(ModelDoc.may_be_null)


def test_words_for_kinds_are_allowed() -> None:
    assert "simultaneous" in json.dumps(json_schema()["properties"]["protocol"])
