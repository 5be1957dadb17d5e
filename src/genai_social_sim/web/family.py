"""Runs that come from one another: each fork below the run that it was forked from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.web.summary import ParentDocument, RunRow


class Relative(TypedDict):
    """A run of a family. `run` is empty where its file is not in the folder: then only its forks tell of it.

    `parent` is a position in the family; `at_turn`, `changes` and `resample` say what its fork was.
    """

    run: str
    name: str
    parent: int | None
    depth: int
    at_turn: int | None
    changes: list[str]
    resample: int
    status: str
    turns: int
    most: int | None
    seed: int | None
    condition: str
    digest: str


class Family(TypedDict):
    """Parents before their forks, which stand in the order of the turns at which they part."""

    members: list[Relative]
    unread: int  # files of the folder that have not been looked at yet


class _Place(NamedTuple):
    """What stands in the tree: a run of the folder, or one that is known from its forks alone."""

    key: str
    row: RunRow | None
    name: str


def family(rows: Sequence[RunRow], run: str, unread: int) -> Family:
    """All that comes from the same run as `run` does, that one included."""
    places = _places(rows)
    by_run = {place.row["run"]: place for place in places.values() if place.row is not None}
    if run not in by_run:
        return {"members": [], "unread": unread}
    forks: dict[str, list[_Place]] = {}
    for place in places.values():
        parent = _parent(place)
        if parent is not None:
            forks.setdefault(_key(parent), []).append(place)
    root, seen = by_run[run], {run}
    while (parent := _parent(root)) is not None and _key(parent) in places and _key(parent) not in seen:
        seen.add(_key(parent))
        root = places[_key(parent)]
    return {"members": [*_told(root, forks)], "unread": unread}


def _places(rows: Sequence[RunRow]) -> Mapping[str, _Place]:
    """Everything that can stand in a tree. Of copies of one file the first is a parent, and all are forks."""
    places: dict[str, _Place] = {}
    for row in sorted(rows, key=lambda row: row["file"]):
        if row["id"]:
            key = row["id"] if row["id"] not in places else row["run"]
            places[key] = _Place(key, row, row["run"])
    for row in rows:
        if row["parent"] is not None and _key(row["parent"]) not in places:
            key = _key(row["parent"])
            places[key] = _Place(key, None, row["parent"]["run"] or "a run that is not here")
    return places


def _parent(place: _Place) -> ParentDocument | None:
    return place.row["parent"] if place.row is not None else None


def _key(parent: ParentDocument) -> str:
    return parent["id"] or parent["run"]  # forks of the first release have the name alone


def _told(root: _Place, forks: Mapping[str, Sequence[_Place]]) -> Iterator[Relative]:
    todo: list[tuple[_Place, int | None, int]] = [(root, None, 0)]
    seen, number = set[str](), 0
    while todo:
        place, parent, depth = todo.pop()
        if place.key in seen:  # a record that was changed may name itself
            continue
        seen.add(place.key)
        yield _relative(place, parent, depth)
        below = sorted(forks.get(place.key, ()), key=_order, reverse=True)
        todo += [(fork, number, depth + 1) for fork in below]
        number += 1


def _order(place: _Place) -> tuple[int, str]:
    parent = _parent(place)
    return (parent["at_turn"] if parent else 0, place.name)


def _relative(place: _Place, parent: int | None, depth: int) -> Relative:
    row, comes = place.row, _parent(place)
    return {
        "run": row["run"] if row else "",
        "name": place.name,
        "parent": parent,
        "depth": depth,
        "at_turn": comes["at_turn"] if comes else None,
        "changes": comes["changes"] if comes else [],
        "resample": comes["resample"] if comes else 0,
        "status": row["status"] if row else "",
        "turns": row["turns"] if row else 0,
        "most": row["most"] if row else None,
        "seed": row["seed"] if row else None,
        "condition": row["condition"] if row else "",
        "digest": row["digest"] if row else "",
    }
