"""Every key of the published schema: a wrong value, and an unknown key beside it, are refused where they stand."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest
from tests.unit.study.studies import refusal_of

from genai_social_sim.study.refusals import shown
from genai_social_sim.study.schema import EXAMPLE, json_schema

Path = tuple[str | int, ...]
SCHEMA: Final = json_schema()
PARTS: Final = SCHEMA["$defs"]
WRONG: Final[dict[str, Any]] = {"?": [[]]}  # neither a number, a text nor a list, and no mapping that anything takes
OPEN: Final = {"model", "options", "rule_based", "set", "values"}  # mappings with keys of their own; for these a number
NAMED: Final = "someone"  # a key where a study names things itself


class Place(NamedTuple):
    """A part of a study in a study that has it: the study, and where the part stands in it."""

    study: dict[str, Any]
    path: Path
    part: dict[str, Any]

    def with_(self, key: str, value: Any) -> str:
        """The study as text, with one key of the part set."""
        study = copy.deepcopy(self.study)
        at: Any = study
        for step in self.path:
            at = at[step]
        at[key] = value
        return json.dumps(study)

    def inside(self, key: str, value: Any, below: Path, part: dict[str, Any]) -> Place:
        """The place of a part under a key of this one."""
        return Place(json.loads(self.with_(key, value)), (*self.path, key, *below), part)


def parts_in(value: dict[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    """The parts that a value may be or hold: where below it, as what, and by which name."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        yield (), skeleton(PARTS[name]), name
    for choice in (*value.get("anyOf", ()), *value.get("oneOf", ())):
        yield from parts_in(choice)
    if isinstance(items := value.get("items"), dict):
        yield from [((0, *below), [inner], name) for below, inner, name in parts_in(items)]
    if isinstance(each := value.get("additionalProperties"), dict):
        yield from [((NAMED, *below), {NAMED: inner}, name) for below, inner, name in parts_in(each)]


def skeleton(part: dict[str, Any]) -> dict[str, Any]:
    """The least that a part holds: its required keys, as their examples have them."""
    return {key: part["properties"][key]["examples"][0] for key in part.get("required", ())}


def places() -> dict[str, Place]:
    """Each part once, by its name, the nearest to the top."""
    found: dict[str, Place] = {}
    waiting = [("StudyDoc", Place(EXAMPLE, (), SCHEMA))]
    while waiting:
        name, place = waiting.pop(0)
        if name in found:
            continue
        found[name] = place
        for key, value in place.part["properties"].items():
            for below, inner, inside in parts_in(value):
                waiting.append((inside, place.inside(key, inner, below, PARTS[inside])))
    return found


PLACES: Final = places()
KEYS: Final = [(name, key) for name, place in PLACES.items() for key in place.part["properties"]]


def test_every_part_of_the_schema_has_a_place() -> None:
    assert PLACES.keys() - {"StudyDoc"} == PARTS.keys()


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_a_wrong_value_is_refused_where_it_stands_with_a_remedy(name: str, key: str) -> None:
    place = PLACES[name]
    error = refusal_of(place.with_(key, 7.5 if key in OPEN else WRONG))
    at = place.path if key == "kind" else (*place.path, key)  # an unknown kind is told of what has it
    assert error.problem.replace("[0]", "").startswith(shown(at).replace("[0]", ""))  # a list of one may be left out
    assert error.where.startswith("study.yaml:")
    assert error.remedy.partition("\n")[0].endswith(".")


@pytest.mark.parametrize(
    "name", [name for name, place in PLACES.items() if place.part.get("additionalProperties") is False]
)
def test_an_unknown_key_is_refused_with_those_that_are_known(name: str) -> None:
    place = PLACES[name]
    error = refusal_of(place.with_("zzz", 1))
    assert error.problem.replace("[0]", "").startswith(f"{shown((*place.path, 'zzz'))}: unknown key".replace("[0]", ""))
    assert next(iter(place.part["properties"])) in error.remedy
