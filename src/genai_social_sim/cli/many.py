"""Plays many runs, of a design or forks: lines and a block on a terminal while they go, and what became of each."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from genai_social_sim.api.batch import play_all
from genai_social_sim.api.outcome import Outcome, UnfinishedError, standing
from genai_social_sim.api.planned import Planned
from genai_social_sim.api.run import Run
from genai_social_sim.cli import out
from genai_social_sim.cli.failing import InterruptedRunError
from genai_social_sim.cli.interrupts import Interrupts
from genai_social_sim.cli.playing import Wish
from genai_social_sim.domain.visible import visible
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import RequestError
from genai_social_sim.observers.many import ManyRuns
from genai_social_sim.observers.progress import is_watched

_SAME: Final = "Do the same again to go on; what is finished is left as it is."


def play_many(
    planned: Sequence[Planned], wish: Wish, *, jobs: int, most: Callable[[Planned], int | None]
) -> tuple[Outcome, ...]:
    """Play what is not finished.

    Args:
        planned: The runs.
        wish: How.
        jobs: How many at once.
        most: After how many turns one of them ends in any case; None if nobody knows.

    Raises:
        UnfinishedStudyError: If some could not be finished; it has what became of each.
        InterruptedRunError: If somebody stopped them.
    """
    if wish.mirror is not None:
        raise RequestError(
            "a mirror takes the events of one run, and this is more than one",
            remedy="Leave --mirror out; or go on with single runs: gss resume RUN --mirror URL",
        )
    view = _View(planned, wish, most)
    interrupts = Interrupts(f"All records are in order. {_SAME}")
    try:
        with view.block:
            outcomes = interrupts.run(play_all(planned, view.settings(interrupts, jobs), jobs=jobs, watch=view))
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise _interrupted(planned) from None
    if any(outcome.status != "finished" for outcome in outcomes):
        raise UnfinishedStudyError(outcomes)
    return outcomes


class UnfinishedStudyError(UnfinishedError):
    """The same with `data`, which `--json` prints beside it."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__(outcomes)
        self.data = [told(outcome) for outcome in outcomes]


class _View:
    """Who is told how it goes: lines on standard output, and a block on a terminal."""

    def __init__(self, planned: Sequence[Planned], wish: Wish, most: Callable[[Planned], int | None]) -> None:
        self._wish = wish
        self._most = most
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

    def began(self, planned: Planned) -> None:
        """See `Watch`."""
        turns = standing(planned).turns
        self.block.began(str(planned.path), planned.label, turns=turns, most=self._most(planned))

    def moved(self, planned: Planned, turns: int) -> None:
        """See `Watch`."""
        self.block.moved(str(planned.path), turns)

    def ended(self, outcome: Outcome) -> None:
        """See `Watch`."""
        self.block.ended(str(outcome.planned.path), finished=outcome.status == "finished")
        if self._wish.quiet or self._wish.as_json:
            return
        line = _in_a_line(outcome)
        if not (sys.stdout.isatty() and self.block.says(line)):
            out.say(line)
            sys.stdout.flush()

    def said(self, planned: Planned, words: str) -> None:
        """See `Watch`."""
        sys.stderr.write(f"{planned.label}: {visible(words)}\n")


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
        "condition": planned.assignment.condition,
        "levels": dict(planned.assignment.levels),
        "replicate": planned.assignment.replicate,
        "seed": planned.seed,
        "status": outcome.status or "not begun",
        "turns": outcome.turns,
        "digest": outcome.digest,
        **more,
    }


def _rest(fault: dict[str, str]) -> dict[str, str]:
    return {"where": fault["where"], "remedy": fault["remedy"]}


def _in_a_line(outcome: Outcome) -> str:
    what = f"{outcome.planned.label}: {outcome.status or 'not begun'}"
    if outcome.status == "finished":
        return f"{what}, {out.number_of(outcome.turns, 'turn')}, digest {outcome.digest[:12]}"
    return f"{what}: {outcome.fault.problem}" if outcome.fault else what


def _interrupted(planned: Sequence[Planned]) -> InterruptedRunError:
    outcomes = [standing(each) for each in planned]
    done = sum(outcome.status == "finished" for outcome in outcomes)
    words = f"interrupted with {done:,} of {out.number_of(len(planned), 'run')} finished; all records are in order"
    return InterruptedRunError(words, remedy=_SAME, data=[told(outcome) for outcome in outcomes])
