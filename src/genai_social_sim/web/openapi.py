"""The OpenAPI document of the API, made from the list of endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from genai_social_sim.web.endpoints import Endpoint
from genai_social_sim.web.history import Item
from genai_social_sim.web.queries import OfHistory

STREAM: Final = "/api/runs/{run}/stream"
_AT: Final = "#/components/schemas/{model}"
_SENT: Final = {  # of each event
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "id": {"type": "string", "description": "Its position of the log."},
        "event": {"type": "string", "description": "Its kind; `end` at the end."},
        "data": {"type": "string", "description": "JSON: an Item or, at the end, status, turns and digest."},
    },
}
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
    paths[STREAM] = {"get": _streamed(schemas)}
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


def _streamed(schemas: dict[str, Any]) -> dict[str, Any]:
    """The stream of what happens: server-sent events whose data are items, as in `history`."""
    about = (
        "Everything that happens in a run, as server-sent events until it no longer runs. The `id` of each is its "
        "position of the log, `event` its kind, `data` an Item as JSON; the last one is `end`, with status, turns and "
        "digest. A reader that was cut off sends the last id as `Last-Event-ID` and misses nothing."
    )
    endpoint = Endpoint(path=STREAM, name="stream", about=about, query=OfHistory, gives=Item, call=lambda *_: None)
    operation = _operation(endpoint, schemas)
    operation["summary"] = "Everything that happens in a run, as it happens."
    operation["description"] = about
    operation["responses"]["200"]["content"] = {"text/event-stream": {"schema": _SENT}}
    after = {"type": "integer", "minimum": -1, "maximum": 2**62}
    words = "The last event that arrived: goes on after it, in place of `after`."
    header = {"name": "Last-Event-ID", "in": "header", "required": False, "description": words, "schema": after}
    operation["parameters"].append(header)
    return operation


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
