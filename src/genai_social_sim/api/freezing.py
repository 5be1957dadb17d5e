"""The design of a study as it stood before the data: written down with its digest, and compared with the runs later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from genai_social_sim.api.card import card
from genai_social_sim.api.planned import digest_of
from genai_social_sim.errors import RecordError, RequestError
from genai_social_sim.export.facts import undrawn_digest
from genai_social_sim.ports import Clock

if TYPE_CHECKING:
    from genai_social_sim.api.run import Run
    from genai_social_sim.api.study import Study

ENDING: Final = ".frozen.json"
_WHAT: Final = (
    "The design of a study of genai-social-sim before its data: every condition with its resolved study, every run "
    "with its seed. `digest` is the SHA-256 of `design` as JSON with sorted keys and without blanks, in UTF-8."
)
Kind = Literal["earlier", "not_planned", "other_study", "other_seed", "unfinished", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A frozen design. `at`: when, in seconds since the epoch; it is in no digest."""

    digest: str
    at: float
    design: Mapping[str, Any]

    def _repr_html_(self) -> str:
        counts = {"conditions": len(self.design["conditions"]), "runs": len(self.design["runs"])}
        return card("Frozen design", {"digest": self.digest, **counts})


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """In what the runs are not what was frozen. `run` is empty for one that is missing."""

    kind: Kind
    words: str
    condition: str
    replicate: int
    run: str = ""


def freeze(study: Study, *, seed: int | None = None, clock: Clock) -> Frozen:
    """The resolved design of a study as it is now; `seed` in place of the study's own."""
    design = study.design(seed=seed)
    return Frozen(digest=digest_of(design), at=clock.now(), design=design)


def beside(study: Path) -> Path:
    """Where the frozen design of a study file lies unless it is told otherwise."""
    return study.with_name(study.stem + ENDING)


def write(frozen: Frozen, path: Path) -> bool:
    """Write it; False if the same design lies there already. Raises RequestError for another one, which stays."""
    if path.exists():
        if read(path).digest == frozen.digest:
            return False
        raise RequestError(
            "another design was frozen there before, and stays",
            where=str(path),
            remedy="Write to another file with --out; or move that one away if it was never published.",
        )
    document = {
        "what": _WHAT,
        "package": version("genai-social-sim"),
        "frozen_at": datetime.fromtimestamp(frozen.at, UTC).isoformat(),
        "digest": frozen.digest,
        "design": frozen.design,
    }
    try:
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as fault:
        raise RecordError(f"it cannot be written ({fault.strerror})", where=str(path)) from fault
    return True


def read(path: Path) -> Frozen:
    """Read it back; raises RecordError if it is none or was changed."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        frozen = Frozen(
            digest=str(document["digest"]),
            at=datetime.fromisoformat(document["frozen_at"]).timestamp(),
            design=document["design"],
        )
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise RecordError(f"this is no frozen design ({fault})", where=str(path)) from fault
    if digest_of(frozen.design) != frozen.digest:
        raise RecordError(
            "this frozen design was changed: it does not match its digest",
            where=str(path),
            remedy="Restore it from a copy, or move it away.",
        )
    return frozen


def departures(frozen: Frozen, runs: Iterable[Run]) -> tuple[Departure, ...]:
    """In what `runs` are not what was frozen; forks are no part of a design and are passed over."""
    studies = {each["name"]: undrawn_digest(each["study"]) for each in frozen.design["conditions"]}
    seeds = {(each["condition"], each["replicate"]): each["seed"] for each in frozen.design["runs"]}
    found: list[Departure] = []
    seen = set()
    for run in runs:
        if run.parent is None:
            seen.add((run.condition, run.replicate))
            found += _of_run(run, frozen, studies, seeds)
    for condition, replicate in seeds:
        if (condition, replicate) not in seen:
            found.append(
                Departure(kind="missing", words="there is no run of it", condition=condition, replicate=replicate)
            )
    return tuple(found)


def _of_run(
    run: Run, frozen: Frozen, studies: Mapping[str, str], seeds: Mapping[tuple[str, int], int]
) -> Iterator[Departure]:
    place = (run.condition, run.replicate)
    for kind, words in _differences(run, frozen, studies.get(run.condition), seeds.get(place)):
        yield Departure(kind=kind, words=words, condition=place[0], replicate=place[1], run=run.path.stem)


def _differences(run: Run, frozen: Frozen, study: str | None, seed: int | None) -> Iterator[tuple[Kind, str]]:
    if study is None or seed is None:
        yield "not_planned", "no such run was planned"
        return
    if undrawn_digest(run.study) != study:
        yield "other_study", "its study is not the one that was frozen"
    if run.seed != seed:
        yield "other_seed", f"its seed is {run.seed}, not {seed}"
    if next(run.events()).at < frozen.at:
        yield "earlier", "it was begun before the design was frozen"
    if run.status != "finished":
        yield "unfinished", f"it is {run.status}"
