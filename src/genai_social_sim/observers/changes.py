"""What an intervention changed, in words. It reads the text that a record holds, of any release."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_MOST_NAMED: Final = 12

Change = Mapping[str, Any]


def told_of(change: str) -> str:
    """One line; of many agents or edges only how many."""
    told = json.loads(change)
    kind = str(told.get("kind", "a change"))
    return _WORDS[kind](told) if kind in _WORDS else f"{kind.replace('_', ' ')}: {_whom(told)}"


def _whom(change: Change) -> str:
    pairs = [*change.get("personas", ()), *change.get("models", ())]
    return _listed([str(name) for name in change.get("agents", [pair[0] for pair in pairs])], "agents")


def _listed(names: Sequence[str], noun: str) -> str:
    return ", ".join(names) if len(names) <= _MOST_NAMED else f"{len(names):,} {noun}"


def _muted(change: Change) -> str:
    return f"given a voice again: {_whom(change)}" if change["lifted"] else f"muted: {_whom(change)}"


def _topic(change: Change) -> str:
    return f"the topic of {', '.join(change['channels'])} is now: {change['topic']}"


def _sampling(change: Change) -> str:
    asked = {key: value for key, value in change.items() if key not in ("kind", "agents")}
    return f"asked otherwise ({', '.join(f'{key} {value}' for key, value in asked.items())}): {_whom(change)}"


def _role(change: Change) -> str:
    role = [f"role {change['role']}"] if "role" in change else []
    authority = [f"authority {change['authority']:g}"] if "authority" in change else []
    return f"{' and '.join([*role, *authority])} from now on: {_whom(change)}"


def _model(change: Change) -> str:
    backends = sorted({model["backend"] for _, model in change["models"]})
    return f"answered for by another model from now on ({', '.join(backends)}): {_whom(change)}"


def _edges(done: str) -> Callable[[Change], str]:
    def words(change: Change) -> str:
        rows = [row for _, edges in change["edges"] for row in edges]
        return f"{_counted(len(rows))} {done}: {_listed([f'{row[0]}-{row[1]}' for row in rows], 'edges')}"

    return words


def _network(change: Change) -> str:
    return f"another network in {change['channel']} from now on, of {_counted(len(change['edges']))}"


def _counted(edges: int) -> str:
    return f"{edges:,} edge" if edges == 1 else f"{edges:,} edges"


_WORDS: Final[Mapping[str, Callable[[Change], str]]] = {
    "inject": lambda change: f"put into the mouth of {change['speaker']}",
    "mute": _muted,
    "change_chance": lambda change: f"drawn anew from now on: chance {change['draw']}",
    "remove": lambda change: f"gone: {_whom(change)}",
    "admit": lambda change: f"come in: {_whom(change)}",
    "change_persona": lambda change: f"of another persona from now on: {_whom(change)}",
    "change_topic": _topic,
    "change_sampling": _sampling,
    "change_role": _role,
    "change_model": _model,
    "add_edges": _edges("added"),
    "remove_edges": _edges("removed"),
    "change_network": _network,
}
