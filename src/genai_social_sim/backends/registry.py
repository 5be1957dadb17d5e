"""Finds a backend by its name: ours, or one that an installed package offers as an entry point.

A backend is a module with `open_backend(options, surroundings) -> LanguageModel`, which may be `async`, and, if its
options can be checked without opening it, `check_options(options)`. One that asks a server may have
`slots_of(options)`: how many calls at once that may be given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final

from genai_social_sim.errors import RequestError
from genai_social_sim.ports import LanguageModel

BACKENDS: Final[Mapping[str, str]] = {  # name: module with open_backend and check_options
    "embedded": "genai_social_sim.backends.embedded",
    "ollama": "genai_social_sim.backends.ollama",
    "openai": "genai_social_sim.backends.openai",
    "response_table": "genai_social_sim.backends.response_table",
    "rule": "genai_social_sim.backends.rule",
    "scripted": "genai_social_sim.backends.scripted",
}
_INNER: Final = {"~encoder": "genai_social_sim.backends.recall"}  # no study can name it
ENTRY_POINTS: Final = "genai_social_sim.backends"
Function = Callable[..., Any]
Progress = Callable[[str, float], None]  # (what is being done, share done from 0 to 1)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a backend may use of the program that opens it: Python functions by name, and a place to show progress.

    `sharers`: how many processes of this machine, this one included, open such a backend at the same time.
    """

    functions: Mapping[str, Function] = field(default_factory=dict)
    progress: Progress = lambda what, share: None
    sharers: int = 1


OpenBackend = Callable[[Mapping[str, Any], Surroundings], LanguageModel | Awaitable[LanguageModel]]


def names() -> list[str]:
    """The names of all backends that can be used here."""
    return sorted({*BACKENDS, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def find(name: str) -> OpenBackend:
    """The function that opens a backend; raises RequestError for an unknown name."""
    opener: OpenBackend | None = _loaded(name, "open_backend")
    if opener is None:
        raise RequestError(f"there is no backend {name!r}", remedy=f"Use one of: {', '.join(names())}.")
    return opener


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Raises RequestError if a backend would refuse these options of a study; does not open it."""
    check = _loaded(name, "check_options")
    if check is not None:
        check(options)


def slots_of(name: str, options: Mapping[str, Any]) -> int | None:
    """How many calls at once a backend may give its server, without opening it; None if it has none or does not say."""
    slots = _loaded(name, "slots_of")
    return None if slots is None else int(slots(options))


def _loaded(name: str, function: str) -> Any:
    """A function of a backend's module: ours, or the one that an entry point names; None if there is none."""
    module = BACKENDS.get(name) or _INNER.get(name)
    if module is None:
        points = list(entry_points(group=ENTRY_POINTS, name=name))
        if not points:
            return None
        module = points[0].module
    return getattr(import_module(module), function, None)
