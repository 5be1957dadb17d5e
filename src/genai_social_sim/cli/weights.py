"""`gss models`: the weights that the embedded backend knows, and fetching them."""

from __future__ import annotations

import sys
from typing import Any

from genai_social_sim.backends import weights
from genai_social_sim.cli import out
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.observers.progress import StatusLine, is_watched


def list_models(*, as_json: bool) -> None:
    """Which models are known, and which are at hand."""
    if as_json:
        out.envelope([_document(each) for each in weights.KNOWN.values()])
        return
    for each in weights.KNOWN.values():
        here = weights.present(each)
        state = "at hand" if here else "not fetched yet; the first run that needs it does so by itself"
        rows = [("model", each.name), ("what", each.describes), ("licence", each.licence), ("state", state)]
        rows += [("size", f"{each.size / 1e6:,.0f} MB"), ("file", str(weights.path_of(each)) if here else "")]
        out.facts(rows)
    steps = [(out.command("gss models pull", each.name), "fetch it now") for each in _missing()]
    out.advice("Next", [*steps, ("model: {backend: embedded, path: FILE}", "in a study: any other GGUF file")])


def pull_model(name: str | None, *, as_json: bool) -> None:
    """Fetch a model, unless it is there already."""
    chosen = weights.known(name or weights.DEFAULT)
    status = StatusLine(sys.stderr, now=SystemClock().elapsed, shown=is_watched(sys.stderr))
    try:
        path = weights.pull(chosen.name, status.share)
    finally:
        status.clear()
    if as_json:
        out.envelope([_document(chosen)])
    else:
        out.facts([("at hand", str(path)), ("SHA-256", f"{chosen.hash} (checked)")])


def _missing() -> list[weights.Weights]:
    return [each for each in weights.KNOWN.values() if not weights.present(each)]


def _document(each: weights.Weights) -> dict[str, Any]:
    return {
        "name": each.name,
        "about": each.describes,
        "licence": each.licence,
        "path": str(weights.path_of(each)),
        "present": weights.present(each),
        "bytes": each.size,
        "sha256": each.hash,
    }
