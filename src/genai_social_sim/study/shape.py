"""What the documents know at a path: keys, and what to write there. It looks at classes, never at a study's sense."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.source import Path

_PLAIN: Final = re.compile(r"[A-Za-z][\w .-]*|[0-9.]+ [a-z]+")  # texts of examples that need no quotes


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a study: the path as far as values go, the types that may stand there, and its field."""

    path: Path
    kinds: tuple[Any, ...]
    field: FieldInfo | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that may stand here; none if this is no document or its keys are the user's."""
        return tuple(dict.fromkeys(key for kind in self.kinds for key in _fields(kind)))

    @property
    def takes_new_key(self) -> bool:
        """Whether keys beyond `keys` may be added: attributes and a backend's options, but no channels."""
        return not self.kinds or any(_is_open(kind) for kind in self.kinds)  # no kinds: inside a backend's option

    @property
    def example(self) -> str:
        """What could be written here, as YAML on one line; empty if there is no example."""
        if self.field is None or not isinstance(self.path[-1], str):
            return ""
        value = self.field.examples[0] if self.field.examples else self.field.get_default(call_default_factory=False)
        return "" if value is None or value is PydanticUndefined else f"{self.path[-1]}: {in_yaml(value)}"


def spot_at(path: Sequence[str | int], values: Any, documents: tuple[Any, ...] = (StudyDoc,)) -> Spot:
    """The spot at `path` in `values`; parts that neither the values nor the documents know are left out.

    So is the kind of what stands at a place, which pydantic names before the keys of it.
    """
    spot, named = Spot((), documents), False
    for part in path:
        named = not named and _names_kind(spot, part, values)
        if named:
            continue
        after = step(spot, part, values)
        if after.kinds or _has(values, part):
            spot = after
            values = values[part] if _has(values, part) else None
    return replace(spot, kinds=_meant(spot.kinds, values))


def _names_kind(spot: Spot, part: str | int, values: Any) -> bool:
    """Whether a part says which of several kinds is meant, rather than one of its keys."""
    several = len(spot.kinds) > 1 and isinstance(values, dict) and values.get("kind") == part
    return several and any(part in _tags(kind) for kind in spot.kinds)


def step(spot: Spot, part: str | int, values: Any) -> Spot:
    """One part further; `values` are those at `spot`, and say which of several kinds is meant."""
    found, field = [], None
    for kind in _meant(spot.kinds, values):
        inner, own = _inside(kind, part)
        found += inner
        field = own or field
    return Spot((*spot.path, part), tuple(found), field)


def in_yaml(value: Any) -> str:
    """A value as YAML in flow style."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {in_yaml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(in_yaml, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _inside(kind: Any, part: str | int) -> tuple[list[Any], FieldInfo | None]:
    if isinstance(part, int):
        return (_members(get_args(kind)[0]) if get_origin(kind) is tuple else []), None
    if get_origin(kind) is dict:
        return _members(get_args(kind)[1]), None
    field = _fields(kind).get(part)
    return ([], None) if field is None else (_members(field.annotation), field)


def _meant(kinds: tuple[Any, ...], values: Any) -> tuple[Any, ...]:
    word = values.get("kind") if isinstance(values, dict) else values
    fits = tuple(kind for kind in kinds if isinstance(word, str) and word in _tags(kind))
    return fits or kinds


def _tags(kind: Any) -> tuple[Any, ...]:
    field = _fields(kind).get("kind")
    return () if field is None else get_args(field.annotation)


def _members(kind: Any) -> list[Any]:
    """The alternatives of a type, without None and annotations."""
    if get_origin(kind) is Annotated:
        return _members(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [inner for member in get_args(kind) for inner in _members(member)]
    return [] if kind is type(None) else [kind]


def _fields(kind: Any) -> dict[str, FieldInfo]:
    if not _is_document(kind):
        return {}
    return {field.alias or name: field for name, field in kind.model_fields.items()}


def _is_open(kind: Any) -> bool:
    if get_origin(kind) is dict:
        return not any(map(_is_document, _members(get_args(kind)[1])))
    return _is_document(kind) and kind.model_config.get("extra") == "allow"


def _is_document(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _has(values: Any, part: str | int) -> bool:
    if isinstance(values, dict):
        return part in values
    return isinstance(values, list) and isinstance(part, int) and 0 <= part < len(values)
