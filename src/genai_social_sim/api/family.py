"""Forks as a tree: which of some runs come from which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genai_social_sim.api.run import Run

if TYPE_CHECKING:
    from genai_social_sim.domain.origin import Parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A fork with its parent, for paired comparisons.

    `pair` is equal for forks of one run at one turn that have the same chance from there on, whatever was changed: what
    differs between them is due to the change. `changes` is empty for one without a change, with which others compare.
    """

    run: Run
    parent: Run | None  # None if it is not among the runs that were looked at
    at_turn: int
    changes: tuple[str, ...]
    resample: int

    @property
    def pair(self) -> tuple[str, int, int]:
        """Parent, turn and chance."""
        origin = self.run.parent
        return (origin.id if origin else "", self.at_turn, self.resample)


def forks_among(runs: Iterable[Run]) -> tuple[Fork, ...]:
    """All forks among some runs, in their order, each with its parent if that is among them, too."""
    known = list(runs)
    by_id = {run.origin.id: run for run in known}
    return tuple([_fork(run, run.parent, by_id.get(run.parent.id)) for run in known if run.parent is not None])


def runs_in(folder: str | Path) -> list[Run]:
    """All runs of a folder, forks included, by the names of their files."""
    return [Run(path) for path in sorted(Path(folder).glob("*.sqlite"))]


def _fork(run: Run, origin: Parent, parent: Run | None) -> Fork:
    return Fork(run=run, parent=parent, at_turn=origin.at_turn, changes=origin.changes, resample=origin.resample)
