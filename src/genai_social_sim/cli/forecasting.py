"""`gss run --dry-run`: what a study would cost."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from genai_social_sim.api.cost import in_words as in_price
from genai_social_sim.api.forecast import Forecast
from genai_social_sim.api.study import Study
from genai_social_sim.cli import out
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.observers.progress import StatusLine, is_watched

_UNITS: Final = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


def forecast_study(study: Path, *, seed: int | None, changes: Sequence[str], as_json: bool) -> None:
    """Say how many calls and tokens a study needs, and about how long; nothing is recorded."""
    loaded = Study.load(study, changes=changes)
    status = StatusLine(sys.stderr, now=SystemClock().elapsed, shown=is_watched(sys.stderr))
    try:
        found = loaded.forecast(seed=seed, progress=status.share)
    finally:
        status.clear()
    if as_json:
        out.envelope([asdict(found)])
    else:
        out.facts(_told(loaded.name, found))


def _told(name: str, found: Forecast) -> Iterator[tuple[str, str]]:
    yield "study", name
    if found.turns is None:
        yield "calls", f"no telling: only what is said ends it; the rest is for the first {found.walked:,}"
    else:
        aside = f", {found.probes:,} of them probes" if found.probes else ""
        yield "calls", f"{found.calls:,}{aside}, without further attempts; on average {found.at_once:.1f} at once"
    yield "tokens", f"about {found.prompt_tokens:,} of prompts and {found.answer_tokens:,} of answers"
    if found.cost is not None:
        yield "cost", f"about {in_price(found.cost, found.currency)}"
    if found.seconds is not None:
        speeds = ", ".join(f"{backend} {each:.2g} s a call" for backend, each in found.measured.items())
        how = f"measured now in {out.number_of(found.trials, 'call')}: {speeds}"
        yield "time", f"about {in_words(found.seconds)} ({how})"


def in_words(seconds: float) -> str:
    """`2.5 hours`; below a second, `less than a second`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.2g} {unit}"
    return "less than a second"
