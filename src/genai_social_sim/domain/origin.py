"""Where a run comes from: its place in the design of a study, and the run that it was forked from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

_ID: Final = 16  # digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The place of a run in the design of its study.

    `condition`: its name; empty for a study without conditions. `position`: the condition's, among all that the study
    names, from 0; None where a record does not tell. `levels`: of each factor, by name, that applies in it.
    `replicate` counts from 0. `design`: SHA-256 of the design as it was then, hexadecimal; empty without one.
    `frozen`: of the design that had been frozen before; empty if none had.
    """

    condition: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)
    replicate: int = 0
    design: str = ""
    frozen: str = ""
    position: int | None = None

    @property
    def order(self) -> tuple[int, int]:
        """Sorts runs as their design has them: by condition, then by replicate. Those that do not tell are equal."""
        return (-1, 0) if self.position is None else (self.position, self.replicate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The run that a fork comes from.

    `id`: the parent's, as `Origin.id`; empty in forks of the first release. `run`: the name of its file, without the
    ending, as it was then. `at_turn`: the first turn that is not the parent's. `digest`: of what both have in common,
    hexadecimal. `changes`: what was changed, such as `say BOT1=No.`; none for a fork without a change. `resample`:
    which of the other chances it has from there on, from 1; 0: its parent's.
    """

    id: str
    run: str
    at_turn: int
    digest: str = ""
    changes: tuple[str, ...] = ()
    resample: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a run comes from. `id` tells records apart: equal for copies of a file, and for nothing else."""

    id: str = ""
    assignment: Assignment = field(default_factory=Assignment)
    parent: Parent | None = None

    def after(self, about: str, mark: str = "") -> Origin:
        """The origin once a session says `about`, in the order of sessions; `mark` is its event's link of the chain."""
        said = _mapping(about)
        found = replace(self, id=self.id or mark[:_ID])
        if design := _mapping(said.get("design")):
            found = replace(found, assignment=_assignment(design))
        if fork := _mapping(said.get("fork")):
            found = replace(found, parent=_parent(fork), id=mark[:_ID])
        return found


def assignment_written(assignment: Assignment) -> dict[str, Any]:
    """For what a record says of its first session, under `design`; nothing for a study without conditions."""
    if assignment == Assignment():
        return {}
    levels = [list(level) for level in assignment.levels.items()]  # in their order, which sorted keys would lose
    told = {"condition": assignment.condition, "levels": levels, "replicate": assignment.replicate}
    frozen = {"frozen": assignment.frozen} if assignment.frozen else {}
    position = {} if assignment.position is None else {"position": assignment.position}
    return {"design": {**told, "digest": assignment.design, **frozen, **position}}


def parent_written(parent: Parent) -> dict[str, Any]:
    """For what a record says of the session that begins a fork, under `fork`."""
    told = {"id": parent.id, "run": parent.run, "at_turn": parent.at_turn, "digest": parent.digest}
    return {"fork": {**told, "changes": [*parent.changes], "resample": parent.resample}}


def _mapping(said: object) -> Mapping[str, Any]:
    """A mapping or JSON text of one; empty for anything else: what a record says of itself may have been changed."""
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            return {}
    return said if isinstance(said, dict) else {}


def _number(said: object) -> int:
    return said if isinstance(said, int) else 0


def _is_pair(said: object) -> bool:
    return isinstance(said, list) and len(said) == 2  # noqa: PLR2004 (a name and a level)


def _assignment(said: Mapping[str, Any]) -> Assignment:
    pairs = said.get("levels")
    levels = {str(pair[0]): str(pair[1]) for pair in pairs if _is_pair(pair)} if isinstance(pairs, list) else {}
    return Assignment(
        condition=str(said.get("condition", "")),
        levels=levels,
        replicate=_number(said.get("replicate")),
        design=str(said.get("digest", "")),
        frozen=str(said.get("frozen", "")),
        position=position if isinstance(position := said.get("position"), int) else None,
    )


def _parent(said: Mapping[str, Any]) -> Parent:
    """Forks of the first release gave the words that were put in as `say`, and no id."""
    changes = said.get("changes")
    if not isinstance(changes, list):
        changes = [f"say {agent}={text}" for agent, text in _mapping(said.get("say")).items()]
    return Parent(
        id=str(said.get("id", "")),
        run=str(said.get("run", "")),
        at_turn=_number(said.get("at_turn")),
        digest=str(said.get("digest", "")),
        changes=tuple(map(str, changes)),
        resample=_number(said.get("resample")),
    )
