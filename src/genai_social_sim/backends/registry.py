"""Finds a backend by its name: ours, or one that an installed package offers as an entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final

from genai_social_sim.errors import RequestError
from genai_social_sim.ports import LanguageModel

BACKENDS: Final[Mapping[str, str]] = {
    "embedded": "genai_social_sim.backends.embedded:open_backend",
    "rule": "genai_social_sim.backends.rule:open_backend",
    "scripted": "genai_social_sim.backends.scripted:open_backend",
}
ENTRY_POINTS: Final = "genai_social_sim.backends"
Function = Callable[..., Any]
Progress = Callable[[str, float], None]  # (what is being done, share done from 0 to 1)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a backend may use of the program that opens it: Python functions by name, and a place to show progress."""

    functions: Mapping[str, Function] = field(default_factory=dict)
    progress: Progress = lambda what, share: None


OpenBackend = Callable[[Mapping[str, Any], Surroundings], LanguageModel]


def names() -> list[str]:
    """The names of all backends that can be used here."""
    return sorted({*BACKENDS, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def find(name: str) -> OpenBackend:
    """The function that opens a backend; raises RequestError for an unknown name."""
    if name in BACKENDS:
        module, _, function = BACKENDS[name].partition(":")
        opener: OpenBackend = getattr(import_module(module), function)
        return opener
    for point in entry_points(group=ENTRY_POINTS, name=name):
        loaded: OpenBackend = point.load()
        return loaded
    raise RequestError(f"there is no backend {name!r}", remedy=f"Use one of: {', '.join(names())}.")
