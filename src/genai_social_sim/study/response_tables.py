"""Tables of choices that a study names, read when the study is: what is loaded, and recorded, holds them whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, Final

from genai_social_sim.study.refusals import Problem, refused
from genai_social_sim.study.source import Marks, Path
from genai_social_sim.study.tables import TableProblem, opened

BACKEND: Final = "response_table"
COLUMNS: Final = ("state", "option", "probability")
MOST_ROWS: Final = 200_000
_WITHIN: Final = "Name a file in the study's folder, or in a folder within it."


def with_tables(values: dict[str, Any], folder: FilePath, marks: Marks) -> dict[str, Any]:
    """The study with each such table in place; raises SpecError."""
    for path, model in _models(values):
        if model.get("backend") == BACKEND and isinstance(model.get("path"), str):
            try:
                model["table"] = _table(folder, model["path"])
            except TableProblem as fault:
                raise refused([Problem((*path, "path"), fault.reason, fault.remedy)], marks) from None
            del model["path"]  # what is in it counts, not what it is called
    return values


def _models(values: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each model that is written, as far as the study has the form of one."""
    population = values.get("population")
    groups = population.get("groups") if isinstance(population, dict) else None
    places: list[tuple[Path, Any]] = [((), values), (("population",), population)]
    lists: list[tuple[Path, Any]] = [(("agents",), values.get("agents")), (("population", "groups"), groups)]
    for path, parts in lists:
        places += [((*path, at), part) for at, part in enumerate(parts if isinstance(parts, list) else ())]
    for path, part in places:
        model = part.get("model") if isinstance(part, dict) else None
        if isinstance(model, dict):
            yield (*path, "model"), model


def _table(folder: FilePath, name: str) -> dict[str, Any]:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise TableProblem(f"{name} lies outside of the study's folder", _WITHIN)
    file = opened(path)
    missing = [column for column in COLUMNS if column not in file.columns]
    if missing:
        raise TableProblem(f"{name} has no column {missing[0]!r}", f"It needs: {', '.join(COLUMNS)}.")
    if file.count > MOST_ROWS:
        raise TableProblem(f"{name} has {file.count:,} rows", f"At most {MOST_ROWS:,} are read.")
    found: dict[str, dict[str, float]] = {}
    for state, option, probability in file.rows(range(file.count), COLUMNS).values():
        if isinstance(probability, bool) or not isinstance(probability, int | float):
            raise TableProblem(f"{name} has the probability {probability!r}", "Write numbers from 0 to 1.")
        found.setdefault(str(state), {})[str(option)] = float(probability)
    options = sorted({option for shares in found.values() for option in shares})
    states = {state: [shares.get(option, 0.0) for option in options] for state, shares in sorted(found.items())}
    return {"options": options, "states": states}
