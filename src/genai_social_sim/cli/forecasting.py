"""`gss run --dry-run`: what a study would cost."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from genai_social_sim.api.cost import in_words as in_price
from genai_social_sim.api.forecast import Forecast
from genai_social_sim.api.study import Study
from genai_social_sim.cli import out
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.observers.progress import StatusLine, in_words, is_watched


def forecast_study(
    study: Path, *, seed: int | None, changes: Sequence[str], only: Sequence[str], as_json: bool
) -> None:
    """Say how many calls and tokens a study needs, and about how long; nothing is recorded.

    Of several replicates of a condition the first one is looked at and stands for all.
    """
    loaded = Study.load(study, changes=changes)
    doubts = loaded.doubts(seed=seed)
    status = StatusLine(sys.stderr, now=SystemClock().elapsed, shown=is_watched(sys.stderr))
    firsts = [each for each in loaded.planned(seed=seed, only=only) if each.replicate == 0]
    try:
        found = [each.study.forecast(seed=each.seed, progress=status.share) for each in firsts]
    finally:
        status.clear()
    design = {"replicates": loaded.replicates} if loaded.has_design else {}
    if as_json:
        names = [{"condition": each.condition} if design else {} for each in firsts]
        out.envelope(
            [{**name, **design, **asdict(each)} for name, each in zip(names, found, strict=True)], warnings=doubts
        )
        return
    out.warn(doubts)
    if not design:
        out.facts(_told(loaded.name, found[0]))
    else:
        for each, forecast in zip(firsts, found, strict=True):
            out.facts(_told(f"{loaded.name} {each.condition}".strip(), forecast))
            out.say()
        out.facts(_all_told(found, loaded.replicates))


def _all_told(found: Sequence[Forecast], replicates: int) -> Iterator[tuple[str, str]]:
    conditions = out.number_of(len(found), "condition")
    yield "in all", f"{len(found) * replicates:,} runs: {conditions} with {out.number_of(replicates, 'replicate')} each"
    unknown = sum(each.turns is None for each in found)
    yield "calls", f"{replicates * sum(each.calls for each in found):,}" + (", at least" if unknown else "")
    prompts, answers = sum(each.prompt_tokens for each in found), sum(each.answer_tokens for each in found)
    yield "tokens", f"about {replicates * prompts:,} of prompts and {replicates * answers:,} of answers"
    if all(each.cost is not None for each in found):
        cost = replicates * sum(each.cost or 0.0 for each in found)
        yield "cost", f"about {in_price(cost, found[0].currency)}"
    if all(each.seconds is not None for each in found):
        yield "time", f"{_about(replicates * sum(each.seconds or 0.0 for each in found))}, one after the other"


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
        yield "time", f"{_about(found.seconds)} ({how})"


def _about(seconds: float) -> str:
    return in_words(seconds) if seconds < 1 else f"about {in_words(seconds)}"
