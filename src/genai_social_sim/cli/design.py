"""`gss run` for a study with conditions or replicates: plays what is missing and says what became of each run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from genai_social_sim.api.outcome import Outcome
from genai_social_sim.api.run import Run
from genai_social_sim.api.study import Study
from genai_social_sim.cli import out
from genai_social_sim.cli.freezing import noting
from genai_social_sim.cli.many import play_many, told
from genai_social_sim.cli.playing import Wish, play
from genai_social_sim.errors import RequestError
from genai_social_sim.kernel.stopping import bound


def play_study(
    path: Path,
    wish: Wish,
    *,
    seed: int | None,
    changes: Sequence[str],
    runs: Path,
    again: bool,
    jobs: int,
    only: Sequence[str],
) -> None:
    """`gss run`: one run with its conversation, or all that a design asks for."""
    study, warnings = noting(Study.load(path, changes=changes), path, seed=seed)
    doubts = study.doubts(seed=seed)
    if wish.as_json:
        warnings += doubts
    else:
        out.warn(doubts)
    if not study.has_design:
        study.planned(only=only)  # refuses what this study does not have
        play(study, wish, seed=seed, runs=runs, again=again, warnings=warnings)
        return
    if again:
        raise RequestError(
            "--again is for a study that is one run",
            remedy="To play all runs of this one anew, give a folder of their own: --runs FOLDER",
        )
    play_design(study, wish, seed=seed, runs=runs, jobs=jobs, only=only, warnings=warnings)


def play_design(
    study: Study,
    wish: Wish,
    *,
    seed: int | None,
    runs: Path,
    jobs: int,
    only: Sequence[str],
    warnings: Sequence[str] = (),
) -> None:
    """Play what is missing of a study; raises UnfinishedError or InterruptedRunError with what became of each run."""
    planned = study.planned(seed=seed, runs=runs, only=only)
    most = {name: _most(condition) for name, condition in study.conditions.items()}
    outcomes = play_many(planned, wish, jobs=jobs, most=lambda each: most[each.assignment.condition])
    _report(outcomes, wish, warnings, runs=runs)


def _most(study: Study) -> int | None:
    plan = study.plan()
    most = bound(plan.stop, plan.round_size)
    return None if math.isinf(most) else int(most)


def _report(outcomes: Sequence[Outcome], wish: Wish, warnings: Sequence[str], *, runs: Path) -> None:
    if wish.as_json:
        out.envelope([told(outcome) for outcome in outcomes], warnings=warnings)
        return
    conditions = len({outcome.planned.assignment.condition for outcome in outcomes})
    turns = out.number_of(sum(outcome.turns for outcome in outcomes), "turn")
    counts = f"{out.number_of(len(outcomes), 'run')} of {out.number_of(conditions, 'condition')}, {turns}"
    out.say()
    out.facts([("finished", counts), ("records", str(runs))])
    for words in warnings:
        out.say(f"-- {words}", style="dim")
    first = outcomes[0].planned.path
    rows = [
        (out.command("gss show", first), "one run at a glance"),
        (f"{out.command('gss export')} {_all_of(first, runs)} --to csv", "tables of all of them"),
    ]
    out.advice("Next", rows)


def _all_of(first: Path, runs: Path) -> str:
    """All records of a study, for a shell; its name is a slug, which needs no quotes."""
    with Run(first) as run:
        name = run.study["name"]
    return f"{out.command(str(runs))}/{name}-*.sqlite"
