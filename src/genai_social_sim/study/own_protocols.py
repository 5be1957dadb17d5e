"""Protocols of users' own: found by name among those offered in this process and by installed packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, Final

from genai_social_sim.domain.taking import TurnTaking
from genai_social_sim.errors import RequestError

ENTRY_POINTS: Final = "genai_social_sim.protocols"
_OFFERED: Final[dict[str, Callable[..., TurnTaking]]] = {}


def offer_protocol(name: str, make: Callable[..., TurnTaking]) -> None:
    """Let studies in this process say `protocol: {kind: own, name: NAME}`.

    Records made with it can be resumed, replayed and forked by a process that offers it, too.

    Args:
        name: As studies write it.
        make: Called with the study's `options` by name, such as a class.
    """
    _OFFERED[name] = make


def taking_of(name: str, options: Mapping[str, Any]) -> TurnTaking:
    """A protocol by its name, made with `options`; raises RequestError."""
    make = _OFFERED.get(name)
    for point in entry_points(group=ENTRY_POINTS, name=name) if make is None else ():
        make = point.load()
    if make is None:
        known = sorted({*_OFFERED, *(point.name for point in entry_points(group=ENTRY_POINTS))})
        raise RequestError(
            f"there is no protocol {name!r} of your own" + (f" (known: {', '.join(known)})" if known else ""),
            remedy="Install the package that offers it, or call `offer_protocol` in Python first.",
        )
    try:
        return make(**options)
    except (TypeError, ValueError) as fault:
        raise RequestError(f"the protocol {name!r} refuses its options: {fault}", remedy="Correct them.") from fault
