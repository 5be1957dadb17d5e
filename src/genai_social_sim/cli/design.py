"""`gss run` for a study with conditions or replicates: plays what is missing and says what became of each run."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genai_social_sim.api.batch import play_all
from genai_social_sim.api.outcome import Outcome, UnfinishedError, standing
from genai_social_sim.api.planned import PlannedRun
from genai_social_sim.api.run import Run
from genai_social_sim.api.study import Study
from genai_social_sim.cli import out
from genai_social_sim.cli.failing import InterruptedRunError
from genai_social_sim.cli.freezing import noting
from genai_social_sim.cli.interrupts import Interrupts
from genai_social_sim.cli.playing import Wish, play
from genai_social_sim.domain.visible import visible
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import RequestError
from genai_social_sim.kernel.stopping import bound
from genai_social_sim.observers.many import ManyRuns
from genai_social_sim.observers.progress import is_watched

_SAME = "Do the same again to go on; what is finished is left as it is."


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
    if wish.mirror is not None:
        raise RequestError(
            "a mirror takes the events of one run, and this study is more than one",
            remedy="Leave --mirror out; or go on with single runs: gss resume RUN --mirror URL",
        )
    planned = study.planned(seed=seed, runs=runs, only=only)
    view = _View(planned, wish)
    interrupts = Interrupts(f"All records are in order. {_SAME}")
    try:
        with view.block:
            outcomes = interrupts.run(play_all(planned, view.settings(interrupts, jobs), jobs=jobs, watch=view))
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise _interrupted(planned) from None
    if any(outcome.status != "finished" for outcome in outcomes):
        raise UnfinishedStudyError(outcomes)
    _report(outcomes, wish, warnings, runs=runs)


class UnfinishedStudyError(UnfinishedError):
    """The same with `data`, which `--json` prints beside it."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__(outcomes)
        self.data = [told(outcome) for outcome in outcomes]


class _View:
    """Who is told how it goes: lines on standard output, and a block on a terminal."""

    def __init__(self, planned: Sequence[PlannedRun], wish: Wish) -> None:
        self._wish = wish
        self._most = {each.condition: _most(each) for each in {each.condition: each for each in planned}.values()}
        done = sum(standing(each).status == "finished" for each in planned)
        self.block = ManyRuns(
            sys.stderr, now=SystemClock().elapsed, runs=len(planned), done=done, shown=is_watched(sys.stderr)
        )

    def settings(self, interrupts: Interrupts, jobs: int) -> dict[str, Any]:
        """As for `Study.run`."""

        def loading(what: str, share: float) -> None:
            interrupts.check()
            self.block.loading(what, share)

        return {**self._wish.settings(), **({"progress": loading} if jobs == 1 else {})}

    def began(self, planned: PlannedRun) -> None:
        """See `Watch`."""
        turns = standing(planned).turns
        self.block.began(str(planned.path), label(planned), turns=turns, most=self._most[planned.condition])

    def moved(self, planned: PlannedRun, turns: int) -> None:
        """See `Watch`."""
        self.block.moved(str(planned.path), turns)

    def ended(self, outcome: Outcome) -> None:
        """See `Watch`."""
        self.block.ended(str(outcome.planned.path), finished=outcome.status == "finished")
        if not (self._wish.quiet or self._wish.as_json):
            out.say(_in_a_line(outcome))
            sys.stdout.flush()

    def said(self, planned: PlannedRun, words: str) -> None:
        """See `Watch`."""
        sys.stderr.write(f"{label(planned)}: {visible(words)}\n")


def label(planned: PlannedRun) -> str:
    """What a run is called among those of its study."""
    return f"{planned.condition} replicate {planned.replicate}".strip()


def told(outcome: Outcome) -> dict[str, Any]:
    """A run as `--json` tells it."""
    planned, more = outcome.planned, {}
    if outcome.status == "finished":
        with Run(planned.path) as run:
            more = {"cost": run.cost.sum, "currency": run.cost.currency} if run.cost else {}
    elif outcome.fault is not None:
        fault = asdict(outcome.fault)
        more = {"error": {"code": fault["code"], "message": fault["problem"], **_rest(fault)}}
    return {
        "run": str(planned.path),
        "condition": planned.condition,
        "levels": dict(planned.assignment.levels),
        "replicate": planned.replicate,
        "seed": planned.seed,
        "status": outcome.status or "not begun",
        "turns": outcome.turns,
        "digest": outcome.digest,
        **more,
    }


def _rest(fault: dict[str, str]) -> dict[str, str]:
    return {"where": fault["where"], "remedy": fault["remedy"]}


def _most(planned: PlannedRun) -> int | None:
    plan = planned.study.plan(seed=planned.seed)
    most = bound(plan.stop, plan.round_size)
    return None if math.isinf(most) else int(most)


def _in_a_line(outcome: Outcome) -> str:
    what = f"{label(outcome.planned)}: {outcome.status or 'not begun'}"
    if outcome.status == "finished":
        return f"{what}, {out.number_of(outcome.turns, 'turn')}, digest {outcome.digest[:12]}"
    return f"{what}: {outcome.fault.problem}" if outcome.fault else what


def _interrupted(planned: Sequence[PlannedRun]) -> InterruptedRunError:
    outcomes = [standing(each) for each in planned]
    done = sum(outcome.status == "finished" for outcome in outcomes)
    words = f"interrupted with {done:,} of {out.number_of(len(planned), 'run')} finished; all records are in order"
    return InterruptedRunError(words, remedy=_SAME, data=[told(outcome) for outcome in outcomes])


def _report(outcomes: Sequence[Outcome], wish: Wish, warnings: Sequence[str], *, runs: Path) -> None:
    if wish.as_json:
        out.envelope([told(outcome) for outcome in outcomes], warnings=warnings)
        return
    conditions = len({outcome.planned.condition for outcome in outcomes})
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
