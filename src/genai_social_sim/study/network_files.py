"""Edges from a file in the study's folder: CSV, GraphML, JSON or an adjacency list. It knows no agents."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final, NamedTuple

from genai_social_sim.study.networks import EdgeRow

MAX_BYTES: Final = 512 * 1024 * 1024
_COLUMNS: Final = ["source", "target", "weight"]


class Found(NamedTuple):
    """Edges, and whether they have a direction."""

    edges: tuple[EdgeRow, ...]
    directed: bool
    from_file: bool = False


def edges_in(name: str, *, folder: Path | None, directed: bool | None) -> Found:
    """Read a file; raises ValueError with what is wrong and, on the next line, what to do."""
    path = _inside(name, folder)
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as fault:
        raise ValueError(f"the file {name} cannot be read: {fault.strerror}\nCheck its name and place.") from None
    if raw is None:
        raise ValueError(f"the file {name} is larger than {MAX_BYTES // 2**20} MiB\nCheck that it is the one you mean.")
    ending = path.suffix.lower()
    if ending == ".graphml":
        edges, has_direction = _graphml(raw, name)
        return Found(edges, has_direction if directed is None else directed, from_file=True)
    readers = {".csv": _csv, ".json": _json, ".adjlist": _adjacency}
    if ending not in readers:
        raise ValueError(f"{name} is of no known kind\nName a file that ends in .csv, .graphml, .json or .adjlist.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not UTF-8\nSave it as UTF-8.") from None
    return Found(tuple(readers[ending](text, name)), bool(directed), from_file=True)


def _inside(name: str, folder: Path | None) -> Path:
    if folder is None:
        raise ValueError("a study that is no file has no folder to look in\nWrite the edges into it: `kind: edges`.")
    home = folder.resolve()
    path = (home / name).resolve()
    if not path.is_relative_to(home):
        raise ValueError(f"{name} lies outside of the study's folder\nPut the file beside the study.")
    return path


def _csv(text: str, name: str) -> Iterator[EdgeRow]:
    rows = csv.reader(StringIO(text))
    head = [cell.strip().lower() for cell in next(rows, [])]
    if head not in (_COLUMNS, _COLUMNS[:2]):
        raise ValueError(f"{name} does not begin with the line source,target or source,target,weight\nWrite it there.")
    for number, row in enumerate(rows, 2):
        if row:
            if len(row) != len(head):
                raise ValueError(f"{name}:{number}: {len(row)} cells, not {len(head)}\nCorrect this line.")
            yield row[0], row[1], _weight(row[2] if len(row) == len(_COLUMNS) else None, f"{name}:{number}")


def _json(text: str, name: str) -> Iterator[EdgeRow]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"{name} is no JSON: {fault}\nCorrect it.") from None
    if isinstance(value, dict):
        yield from _by_speaker(value, name)
    elif isinstance(value, list):
        for row in value:
            if not isinstance(row, list) or len(row) not in (2, 3):
                raise ValueError(f"{name}: {row!r} is no edge\nWrite [[NAME, NAME], [NAME, NAME, WEIGHT], ...].")
            yield str(row[0]), str(row[1]), _weight(row[2] if len(row) == len(_COLUMNS) else None, f"{name}: {row!r}")
    else:
        remedy = "Write a list of edges, or for each name the names that hear it."
        raise ValueError(f"{name} holds no edges\n{remedy}")  # noqa: TRY004 (a fault of the file)


def _adjacency(text: str, name: str) -> Iterator[EdgeRow]:
    """As networkx writes it: on each line a name and, after blanks, those that hear it; # begins a remark."""
    for line in text.splitlines():
        speaker, *hearers = line.partition("#")[0].split() or [""]
        yield from [(speaker, listener, None) for listener in hearers]


def _by_speaker(value: dict[str, Any], name: str) -> Iterator[EdgeRow]:
    for speaker, hearers in value.items():
        if not isinstance(hearers, list | dict):
            remedy = "Write {NAME: [NAME, ...], ...}."
            raise ValueError(f"{name}: {speaker!r} has no list of names\n{remedy}")  # noqa: TRY004 (as above)
        for listener in hearers:
            yield speaker, str(listener), _weight(hearers[listener] if isinstance(hearers, dict) else None, name)


def _graphml(raw: bytes, name: str) -> tuple[tuple[EdgeRow, ...], bool]:
    import networkx as nx

    try:
        graph: Any = nx.read_graphml(BytesIO(raw))
    except Exception as fault:  # noqa: BLE001 (whatever the parser finds wrong)
        raise ValueError(f"{name} is no GraphML: {fault}\nCheck that it is the file you mean.") from None
    labels = {node: str(data.get("label", data.get("name", node))) for node, data in graph.nodes(data=True)}
    rows = [
        (labels[one], labels[other], _weight(data.get("weight"), name)) for one, other, data in graph.edges(data=True)
    ]
    return tuple(rows), bool(graph.is_directed())


def _weight(value: Any, where: str) -> float | None:
    if value is None:
        return None
    try:
        weight = float(value)
    except (TypeError, ValueError):
        weight = -1.0
    if isinstance(value, bool) or not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"{where}: {value!r} is no weight\nWrite a number from 0.")
    return weight
