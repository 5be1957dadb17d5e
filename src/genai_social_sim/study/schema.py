"""The JSON schema of study files, for editors. What only the whole study can tell (who knows whom) is not in it."""

from __future__ import annotations

from typing import Any, Final

from genai_social_sim.study import (
    acts,
    changes,
    design,
    document,
    memory,
    models,
    networks,
    people,
    population,
    probes,
    protocols,
    triggers,
)
from genai_social_sim.study.base import Doc
from genai_social_sim.study.document import StudyDoc

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
EXAMPLE: Final = {
    "name": "rare-earths",
    "seed": 42,
    "model": {"backend": "embedded", "temperature": 0.7, "top_p": 0.95, "max_tokens": 60},
    "agents": [
        {"name": "BOT1", "persona": "A cautious geologist who weighs evidence."},
        {"name": "BOT2", "persona": "A trade negotiator who wants a deal."},
    ],
    "channels": {
        "general": {
            "protocol": {"kind": "round_robin", "first": "BOT2"},
            "opening": {"from": "system", "text": "Discuss current issues surrounding rare earth metals."},
        }
    },
    "stop": {"turns": 12},
}


def json_schema() -> dict[str, Any]:
    """The schema of a study file, draft 2020-12."""
    schema = StudyDoc.model_json_schema(by_alias=True, mode="validation")
    for name, definition in schema.get("$defs", {}).items():
        _without_null(definition, _kinds()[name])
    _without_null(schema, StudyDoc)
    return {"$schema": DIALECT, **schema, "title": "Study", "examples": [EXAMPLE]}


def _kinds() -> dict[str, type[Doc]]:
    modules = (
        acts,
        changes,
        design,
        memory,
        models,
        networks,
        people,
        population,
        probes,
        protocols,
        triggers,
        document,
    )
    return {name: kind for module in modules for name, kind in vars(module).items()}


def _without_null(definition: dict[str, Any], kind: type[Doc]) -> None:
    """A key left out is None in Python; in a file, `null` is refused where it means nothing."""
    for name, value in definition.get("properties", {}).items():
        if name in kind.may_be_null or "anyOf" not in value:
            continue
        if value.get("default", ...) is None:
            del value["default"]
        choices = [choice for choice in value.pop("anyOf") if choice != {"type": "null"}]
        value.update(choices[0] if len(choices) == 1 else {"anyOf": choices})
