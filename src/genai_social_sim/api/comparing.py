"""Compares recorded runs: by condition, by the levels of a factor, or forks with the runs that they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genai_social_sim.analysis.comparison import SEED, Question, table
from genai_social_sim.analysis.comparison import compare as compared
from genai_social_sim.analysis.measure import OwnMeasure, Scope
from genai_social_sim.analysis.run_value import PARENT, UNCHANGED, At, run_values
from genai_social_sim.analysis.statistics import CONFIDENCE
from genai_social_sim.api.run import Run
from genai_social_sim.api.tables import sources_of
from genai_social_sim.errors import RequestError

if TYPE_CHECKING:
    from genai_social_sim.export.tables import Table


def compare(
    runs: Sequence[Run | str | Path],
    *measures: str | OwnMeasure,
    by: str | None = None,
    baseline: str | None = None,
    of: str | None = None,
    at: At = "last",
    scope: Scope | None = None,
    forks: bool = False,
    confidence: float = CONFIDENCE,
    seed: int = SEED,
) -> Table:
    """Compare groups of runs by one number for each run; needs the extra `statistics`.

    Args:
        runs: Recorded runs or their files.
        measures: What to compare, by name or as functions of your own.
        by: Compare the levels of this factor; by default conditions.
        baseline: The group that the others are compared with; by default the first one of the design.
        of: The channel or the probe, where a measure has values of several; by default each.
        at: Which round's value stands for a run: `last`, `first`, `mean` of all, or a number.
        scope: Of values that stand for a run; by default its own, else those of its rounds, else of its agents.
        forks: Compare forks, by what was changed, with the runs that they come from. Otherwise forks are left out.
        confidence: Of all intervals, on (0, 1).
        seed: Of the bootstrap.

    Returns:
        A row for each group and measure: estimate, interval, difference from the baseline, effect sizes, p-values.

    Raises:
        RequestError: If there is no such measure, factor, group or subject, or a package is missing.
    """
    paths = [run.path if isinstance(run, Run) else Path(run) for run in runs]
    with sources_of(paths) as sources:
        found = run_values(sources, measures, by=by, at=at, scope=scope, forks=forks)
    questions = [
        Question(measure=measure, of=subject, values=tuple(values), baseline=baseline)
        for (measure, subject), values in found.items()
        if of is None or subject == of
    ]
    _check(questions, sorted({str(subject) for _, subject in found if subject}), of=of, baseline=baseline)
    if forks and baseline is None:
        questions = [_beside_unchanged(question) for question in questions]
    return table(compared(questions, confidence=confidence, seed=seed))


def _beside_unchanged(question: Question) -> Question:
    """Forks are compared with forks without a change, if there are any, else with their parents."""
    groups = {value.group for value in question.values}
    return replace(question, baseline=UNCHANGED if UNCHANGED in groups else PARENT)


def _check(questions: Sequence[Question], subjects: Sequence[str], *, of: str | None, baseline: str | None) -> None:
    if not questions:
        remedy = (
            f"It has values of: {', '.join(subjects)}." if of and subjects else "`gss measure RUN` shows which have."
        )
        words = f" of {of!r}" if of else ""
        raise RequestError(f"no run has a value of this measure{words}", remedy=remedy)
    groups = dict.fromkeys([value.group for question in questions for value in question.values])
    if baseline is not None and baseline not in groups:
        raise RequestError(f"there is no group {baseline!r}", remedy=f"The groups are: {', '.join(groups)}.")
