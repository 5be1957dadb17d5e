"""The OpenAPI document of the API, made from the list of endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from genai_social_sim.web.endpoints import Endpoint

_AT: Final = "#/components/schemas/{model}"
_FAULTS: Final = {
    "400": "The question makes no sense as it was asked.",
    "401": "A token is needed.",
    "403": "Another site asks.",
    "404": "There is nothing of this name.",
    "409": "The run file cannot be read.",
}
_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "where", "remedy"],
            "properties": {key: {"type": "string"} for key in ("code", "message", "where", "remedy")},
        }
    },
}


def document(endpoints: Sequence[Endpoint], *, version: str) -> dict[str, Any]:
    """Of version 3.1, as plain values."""
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths = {endpoint.path: {"get": _operation(endpoint, schemas)} for endpoint in endpoints}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "genai-social-sim",
            "version": version,
            "description": "What `gss serve` shows, for programs: run files and live runs, read-only.",
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    answer = _schema(endpoint.gives, schemas)
    answers: dict[str, Any] = {
        "200": {"description": endpoint.about, "content": {"application/json": {"schema": answer}}},
        **{
            status: {
                "description": words,
                "content": {"application/json": {"schema": {"$ref": _AT.format(model="Error")}}},
            }
            for status, words in _FAULTS.items()
        },
    }
    return {
        "operationId": endpoint.name,
        "summary": endpoint.about,
        "parameters": [*_parameters(endpoint.path, endpoint.query)],
        "responses": answers,
    }


def _parameters(path: str, query: type[BaseModel]) -> Iterator[dict[str, Any]]:
    schema = query.model_json_schema()
    within = set(re.findall(r"{(\w+)}", path))
    for name, about in schema.get("properties", {}).items():
        words = about.pop("description", "")
        about.pop("title", None)
        yield {
            "name": name,
            "in": "path" if name in within else "query",
            "required": name in schema.get("required", ()),
            "description": words,
            "schema": about,
        }


def _schema(gives: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    made = TypeAdapter(gives).json_schema(ref_template=_AT, mode="serialization")
    schemas.update(made.pop("$defs", {}))
    if "title" in made and made.get("type") == "object":
        schemas[made["title"]] = made
        return {"$ref": _AT.format(model=made["title"])}
    return made
