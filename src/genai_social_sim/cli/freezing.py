"""`gss freeze`: the resolved design and its digest before the data; and what `gss run` says of one that is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genai_social_sim.api import freezing
from genai_social_sim.api.study import Study
from genai_social_sim.cli import out
from genai_social_sim.engine.clock import SystemClock


def freeze_study(study: Path, *, to: Path | None, seed: int | None, changes: Sequence[str], as_json: bool) -> None:
    """Write the design of a study; raises RequestError if another one was frozen there."""
    loaded = Study.load(study, changes=changes)
    frozen = freezing.freeze(loaded, seed=seed, clock=SystemClock())
    path = to or freezing.beside(study)
    new = freezing.write(frozen, path)
    runs, conditions = len(frozen.design["runs"]), len(frozen.design["conditions"])
    notes = [] if new else ["the same design was frozen there before"]
    if as_json:
        found = {"frozen": str(path), "digest": frozen.digest, "conditions": conditions, "runs": runs}
        out.envelope(found, warnings=notes)
        return
    each = out.number_of(loaded.replicates, "replicate")
    design = f"{out.number_of(conditions, 'condition')}, {each} each: {out.number_of(runs, 'run')}"
    out.facts([("frozen", str(path)), ("design", design), ("digest", frozen.digest)])
    for note in notes:
        out.say(f"-- {note}", style="dim")
    out.say("Publish the digest, or the file, before the first run; `gss run` notes it in every record.")


def noting(study: Study, path: Path, *, seed: int | None) -> tuple[Study, list[str]]:
    """The study as its records shall note it, and what is to be said of the design that lies frozen beside it."""
    place = freezing.beside(path)
    if not place.exists():
        return study, []
    before = freezing.read(place)
    noted = study.with_frozen(before.digest)
    if freezing.freeze(study, seed=seed, clock=SystemClock()).digest == before.digest:
        return noted, []
    return noted, [f"this is not the design that was frozen in {place}; the records say so"]
