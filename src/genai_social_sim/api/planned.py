"""The runs that a design asks for: which condition, which replicate, which seed, and where the record goes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from genai_social_sim.api import paying
from genai_social_sim.api.at_once import at_once, fewest_slots
from genai_social_sim.domain.origin import Assignment
from genai_social_sim.errors import RequestError
from genai_social_sim.study.conditions import chosen, conditions_of, seed_of

if TYPE_CHECKING:
    from genai_social_sim.api.play import Settings
    from genai_social_sim.api.run import Run
    from genai_social_sim.api.study import Study
    from genai_social_sim.study.lowering import LoadedStudy

_SLUG: Final = 60  # characters of a condition's name in the name of a file
_MARK: Final = 8  # hexadecimal digits


class Planned(Protocol):
    """A run that is to be played into `path`."""

    @property
    def path(self) -> Path:
        """Where its record is or will be."""

    @property
    def assignment(self) -> Assignment:
        """Its place in a design."""

    @property
    def seed(self) -> int:
        """Its seed."""

    @property
    def label(self) -> str:
        """What it is called among others."""

    async def arun(self, **settings: Any) -> Run:
        """Play it, or go on with it."""

    def job(self, settings: Mapping[str, Any], *, sharers: int) -> dict[str, Any]:
        """All that another process needs to do so, as plain values."""

    def slots(self, settings: Mapping[str, Any]) -> int | None:
        """How many calls at once the scarcest of its model servers may be given; None if it asks none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run of a design. `study` is that of its condition; `path` is where its record is or will be."""

    study: Study
    assignment: Assignment
    seed: int
    path: Path

    @property
    def condition(self) -> str:
        """Its condition; empty for a study without conditions."""
        return self.assignment.condition

    @property
    def replicate(self) -> int:
        """Which repetition of its condition it is, from 0."""
        return self.assignment.replicate

    @property
    def label(self) -> str:
        """What it is called among the runs of its study."""
        return f"{self.condition} replicate {self.replicate}".strip()

    async def arun(self, **settings: Any) -> Run:
        """Play it, or go on with it; a finished run is left as it is. For `settings` see `Study.run`."""
        return await self.study.aplay(self.path, seed=self.seed, assignment=self.assignment, settings=settings)

    def job(self, settings: Mapping[str, Any], *, sharers: int) -> dict[str, Any]:
        """See `Planned`; files and population of the study are in it."""
        chosen = replace(self.study.settings(settings, self.seed), at_once=at_once(self.study.models))
        prices = chosen.prices
        return {
            **job_of(self.path, chosen, sharers=sharers),
            "study": self.study.recorded(seed=self.seed),
            "seed": self.seed,
            "assignment": asdict(self.assignment),
            "description": self.study.description,
            "paying": paying.written(prices, self.study.plan(seed=self.seed)) if prices else {},
        }

    def slots(self, settings: Mapping[str, Any]) -> int | None:
        """See `Planned`."""
        return within(self.study.settings(settings, self.seed).parallel, fewest_slots(self.study.models, {}))


def within(parallel: int | None, slots: int | None) -> int | None:
    """What is left of a server's slots where no model may be given more than `parallel` calls at once."""
    return slots if slots is None or parallel is None else min(slots, parallel)


class _Run(NamedTuple):
    condition: str
    replicate: int
    seed: int


def job_of(path: Path, settings: Settings, *, sharers: int) -> dict[str, Any]:
    """What another process needs to go on with the run in `path`."""
    parallel = settings.parallel
    own = {
        "durability": settings.durability,
        "parallel": None if parallel is None else max(1, parallel // sharers),
        "at_once": settings.at_once,
        "allow_other_model": settings.allow_other_model,
        "broker": settings.broker,
        "workers": settings.workers,
        "sharers": sharers,
    }
    return {"path": str(path), "budget": asdict(settings.budget), "settings": own}


def planned_runs(
    study: Study, loaded: LoadedStudy, *, seed: int, runs: Path, only: Sequence[str]
) -> tuple[PlannedRun, ...]:
    """All runs of a study, replicate by replicate, so that one that is stopped early has as many of each condition."""
    if not study.has_design:
        if only:
            raise RequestError("this study has no conditions", remedy="Leave out which of them are meant.")
        path, assignment = study.record_path(seed=seed, runs=runs), Assignment(frozen=study.frozen)
        return (PlannedRun(study=study, assignment=assignment, seed=seed, path=path),)
    meant = {each.name for each in chosen(conditions_of(loaded), tuple(only))}
    general = Assignment(design=digest_of(design_of(study, loaded, seed=seed)), frozen=study.frozen)
    positions = {name: position for position, name in enumerate(study.conditions)}
    found = []
    for each in _runs(study, loaded, seed=seed):
        if each.condition in meant:
            own = study.conditions[each.condition]
            assignment = replace(
                general,
                condition=each.condition,
                levels=own.levels,
                replicate=each.replicate,
                position=positions[each.condition],
            )
            path = runs / file_name(own, assignment, seed=each.seed)
            found.append(PlannedRun(study=own, assignment=assignment, seed=each.seed, path=path))
    return tuple(found)


def _runs(study: Study, loaded: LoadedStudy, *, seed: int) -> Iterator[_Run]:
    for replicate in range(study.replicates):
        for name in study.conditions:
            yield _Run(name, replicate, seed_of(loaded.document, name, replicate, seed=seed))


def file_name(study: Study, assignment: Assignment, *, seed: int) -> str:
    """A name that tells runs of all conditions apart and stays the same when conditions or replicates are added."""
    words = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(assignment.levels.values()) or assignment.condition).strip("-.")
    mark = sha256(f"{assignment.condition}\n{study.text}".encode()).hexdigest()[:_MARK]
    parts = [study.name, words[:_SLUG], mark, f"r{assignment.replicate:03}", f"seed{seed}"]
    return "-".join([part for part in parts if part]) + ".sqlite"


def design_of(study: Study, loaded: LoadedStudy, *, seed: int) -> dict[str, Any]:
    """The resolved design as plain values: every condition with its study, every run with its seed."""
    conditions = [
        {"name": name, "levels": dict(each.levels), "study": json.loads(each.text)}
        for name, each in study.conditions.items()
    ]
    return {
        "name": study.name,
        "seed": seed,
        "seeds": study.seeds,
        "replicates": study.replicates,
        "conditions": conditions,
        "runs": [each._asdict() for each in _runs(study, loaded, seed=seed)],
    }


def digest_of(design: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a design, hexadecimal."""
    text = json.dumps(design, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()
