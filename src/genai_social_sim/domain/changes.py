"""A change as the text by which a record holds it, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from genai_social_sim.domain.agenda import (
    AddEdges,
    Admit,
    Broadcast,
    Change,
    ChangeChance,
    ChangeModel,
    ChangeNetwork,
    ChangePersona,
    ChangeRole,
    ChangeSampling,
    ChangeTopic,
    Inject,
    Mute,
    Remove,
    RemoveEdges,
)
from genai_social_sim.domain.model import Model, Sampling
from genai_social_sim.domain.network import Edge

_TYPES: Final[tuple[type[Change], ...]] = (
    AddEdges,
    Admit,
    Broadcast,
    ChangeChance,
    ChangeModel,
    ChangeNetwork,
    ChangePersona,
    ChangeRole,
    ChangeSampling,
    ChangeTopic,
    Inject,
    Mute,
    Remove,
    RemoveEdges,
)


def kind_of(change: type[Change]) -> str:
    """The word by which records name a kind of change: `change_role` for ChangeRole."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", change.__name__).lower()


_KINDS: Final[Mapping[str, type[Change]]] = {kind_of(each): each for each in _TYPES}


def written(change: Change) -> str:
    """Canonical JSON: its kind and its parts, those left out that are None."""
    told = {key: value for key, value in asdict(change).items() if value is not None}
    words = {"kind": kind_of(type(change)), **told}
    return json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read(text: str) -> Change:
    """The change that is `written` so; raises ValueError if it is of no kind that this release knows."""
    told = json.loads(text)
    kind = _KINDS.get(told.pop("kind", ""))
    if kind is None:
        raise ValueError(f"no change that this release knows: {text[:80]}")
    if kind is ChangeModel:
        return ChangeModel(models=tuple([(name, _model(model)) for name, model in told["models"]]))
    if kind is AddEdges:
        return AddEdges(edges=tuple([(channel, _edges(rows)) for channel, rows in told["edges"]]))
    if kind is ChangeNetwork:
        return ChangeNetwork(**{**told, "edges": _edges(told["edges"])})
    return kind(**{key: _frozen(value) for key, value in told.items()})


def _model(told: Mapping[str, Any]) -> Model:
    return Model(backend=told["backend"], options=told["options"], sampling=Sampling(**told["sampling"]))


def _edges(rows: list[list[Any]]) -> tuple[Edge, ...]:
    return tuple([Edge(*row) for row in rows])


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
