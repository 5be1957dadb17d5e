"""How many calls each model may be given at once: options that change nothing that is said.

So they are not in a record's study. Its sessions have them, so that a run is played in other processes, gone on with
and forked as its study file says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from genai_social_sim.backends import registry
from genai_social_sim.domain.plan import Model
from genai_social_sim.study.models import UNHEARD_OPTIONS, heard

AtOnce = Mapping[str, Mapping[str, Any]]  # of each model, by backend and the rest of its options


def at_once(models: Iterable[Model]) -> dict[str, dict[str, Any]]:
    """What some models' options say of it."""
    found: dict[str, dict[str, Any]] = {}
    for model in dict.fromkeys(models):
        given = {key: value for key, value in json.loads(model.options).items() if key in UNHEARD_OPTIONS}
        if given:
            found.setdefault(_name(model), given)
    return found


def options_of(model: Model, known: AtOnce) -> dict[str, Any]:
    """A model's options, with what is `known` of it."""
    return {**json.loads(model.options), **known.get(_name(model), {})}


def fewest_slots(models: Iterable[Model], known: AtOnce) -> int | None:
    """How many calls the server may be given that may be given the fewest; None if there is no server."""
    found = [
        slots
        for model in dict.fromkeys(models)
        if (slots := registry.slots_of(model.backend, options_of(model, known))) is not None
    ]
    return min(found, default=None)


def _name(model: Model) -> str:
    return f"{model.backend} {heard(model).options}"
