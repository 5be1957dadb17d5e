"""`gss import-config`: a study file from the original's configuration."""

from __future__ import annotations

import sys
from pathlib import Path

from genai_social_sim.backends import registry
from genai_social_sim.cli import out
from genai_social_sim.domain.visible import visible
from genai_social_sim.errors import RequestError, SocialSimError, SpecError
from genai_social_sim.study.importing import study_text
from genai_social_sim.study.lowering import lower, parse
from genai_social_sim.study.original import Original, read_original


def import_study(app: Path, seed: Path | None, path: Path, *, as_json: bool) -> None:
    """Write the study to `path`; raises RequestError if it exists, SpecError if a file is wrong."""
    original = read_original(app, seed)
    sources = visible(" and ".join([str(source) for source in (app, seed) if source]), keep="")
    text = study_text(original, name="imported", sources=sources)
    _check(text, app)
    _write(path, text)
    if as_json:
        told = {"study": str(path), "broker": original.broker, "opening": original.message is not None}
        out.envelope(told, warnings=original.warnings)
    else:
        _tell(path, original)


def _check(text: str, app: Path) -> None:
    """Whether the study runs, before it is written."""
    try:
        lower(parse(text, source="the study", backends=registry.names()), check_options=registry.check_options)
    except SpecError as fault:
        raise SpecError(f"this does not make a study: {fault.problem}", where=str(app), remedy=fault.remedy) from None


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        remedy = "Name another file with --out, or remove it first."
        raise RequestError("this is there already, and nothing was changed", where=str(path), remedy=remedy) from None
    except OSError as fault:
        problem = f"the study cannot be written ({fault.strerror})"
        raise SocialSimError(problem, where=str(path), remedy="Name another file with --out.") from fault


def _tell(path: Path, original: Original) -> None:
    for warning in original.warnings:
        sys.stderr.write(f"warning: {visible(warning)}\n")
    out.say(f"Wrote {path}; its comments say what became of each part.")
    run = out.command("gss run", path)
    begin = (run, "play it and print the conversation")
    if original.message is None:
        begin = (f"{run} --wait", "start the agents; then, elsewhere: gss seed CHANNEL --text ...")
    out.advice("Next", [begin, (f"{run} --dry-run", "only say how much it would ask of the model")])
