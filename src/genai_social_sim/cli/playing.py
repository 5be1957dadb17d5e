"""Plays runs for `gss run` and `gss resume`: prints them, stops them in good order, and says what came of them."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genai_social_sim.api.play import Settings, resumed
from genai_social_sim.api.run import Run
from genai_social_sim.api.study import Study
from genai_social_sim.cli import out
from genai_social_sim.cli.broadcasting import broadcasting
from genai_social_sim.cli.failing import InterruptedRunError
from genai_social_sim.cli.glance import closing_words
from genai_social_sim.cli.going_on import departures
from genai_social_sim.cli.interrupts import Interrupts
from genai_social_sim.cli.mirroring import mirroring
from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.domain.visible import visible
from genai_social_sim.engine.budget import Budget, BudgetError
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import RecordError, RequestError, SocialSimError
from genai_social_sim.kernel.stopping import bound
from genai_social_sim.observers.progress import Progress, StatusLine, is_watched
from genai_social_sim.observers.story import Note
from genai_social_sim.observers.transcript import Transcript
from genai_social_sim.ports import Observer
from genai_social_sim.study.lowering import from_canonical, lower


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How somebody wants a run to be played and shown."""

    parallel: int | None
    workers: int | None
    durability: Literal["full", "process"] | None
    allow_other_model: bool
    quiet: bool
    as_json: bool
    broker: str | None = None
    mirror: str | None = None
    budget: Budget | None = None  # in place of the study's

    def settings(self) -> dict[str, Any]:
        """As for `Study.run`; raises RequestError if nobody would answer."""
        if self.workers == 0 and self.broker is None:
            raise RequestError(
                "--workers 0 leaves all answers to workers elsewhere, which need a broker",
                remedy="Name it: --broker redis://HOST:PORT; or start workers here: --workers 4",
            )
        own = {} if self.budget is None else {"budget": self.budget}
        return {
            **own,
            "durability": self.durability,
            "parallel": self.parallel,
            "broker": None if self.workers is None else self.broker,
            "workers": self.workers or 0,
            "allow_other_model": self.allow_other_model,
        }


def play(loaded: Study, wish: Wish, *, seed: int | None, runs: Path, again: bool, warnings: Sequence[str] = ()) -> None:
    """Play a study in the record that is its own, or in a new one."""
    path = loaded.record_path(seed=seed, runs=runs, again=again)
    before = standing(path)
    if before == "finished":
        _already(path, wish, "with --again it is played in a new record")
        return
    session = _Session(path, wish, loaded.plan(seed=seed), begun=bool(before), warnings=warnings)
    session.play(lambda **settings: loaded.arun(seed=seed, runs=runs, again=again, **settings))


def play_on(path: Path, wish: Wish) -> None:
    """`gss resume`."""
    path = out.existing(path)
    with Run(path) as run:
        if run.status == "finished":
            _already(path, wish, "there is nothing to go on with")
            return
        plan = lower(from_canonical(json.dumps(run.study)), seed=run.seed)
        others = departures(run, path, hands_out=wish.workers is not None, limited=wish.budget is not None)
        for words in others:
            sys.stderr.write(f"note: {visible(words)}\n")
    session = _Session(path, wish, plan, begun=True, warnings=others if wish.as_json else ())
    session.play(lambda **settings: resumed(path, Settings(**settings)))  # an open reader would leave a log beside it


class _Session:
    """One process's work on one run, as its user sees it."""

    def __init__(self, path: Path, wish: Wish, plan: RunPlan, *, begun: bool, warnings: Sequence[str] = ()) -> None:
        self._warnings = warnings
        self._path = path
        self._wish = wish
        self._begun = begun
        self._interrupts = Interrupts(f"The record is in order; go on with: {out.command('gss resume', path)}")
        watched = is_watched(sys.stderr)
        self._status = StatusLine(sys.stderr, now=SystemClock().elapsed, shown=watched)
        self._transcript = Transcript(sys.stdout, channels=len(plan.channels) > 1, before=self._status.clear)
        most = bound(plan.stop, plan.round_size)
        turns = _turns(path) if begun else 0
        self._progress = Progress(self._status, turns=turns, most=None if math.isinf(most) else int(most))
        self._turns = turns
        self._publishers: Sequence[Observer] = ()

    def play(self, work: Callable[..., Coroutine[Any, Any, object]]) -> None:
        """Play to the end, whatever it is, and say what came of it."""
        live = broadcasting(self._wish.broker, run=self._path.stem)
        with live as publishers, mirroring(self._wish.mirror, self._path) as mirrors:
            self._publishers = [*publishers, *mirrors]
            self._play(work)
        self._report()

    def _play(self, work: Callable[..., Coroutine[Any, Any, object]]) -> None:
        if self._begun and not self._silent:
            self._transcript.show(Note(words=f"going on at turn {self._turns} of {self._path}"))
        try:
            self._interrupts.run(work(**self._settings()))
        except (asyncio.CancelledError, KeyboardInterrupt):
            self._status.clear()
            raise self._stopped() from None
        except RequestError:
            raise
        except SocialSimError as fault:
            if self._interrupts.asked:  # what it was waiting for was interrupted, too: a download, a server
                raise self._stopped() from fault
            raise self._advised(fault) from fault
        finally:
            self._status.clear()

    @property
    def _silent(self) -> bool:
        return self._wish.quiet or self._wish.as_json

    def _settings(self) -> dict[str, Any]:
        observers: list[Observer] = [self._progress] if self._silent else [self._transcript, self._progress]
        own = {"observers": [*observers, *self._publishers], "progress": self._loading, "say": self._say}
        return {**self._wish.settings(), **own}

    def _say(self, words: str) -> None:
        self._status.clear()
        sys.stderr.write(f"{visible(words)}\n")

    def _loading(self, what: str, share: float) -> None:
        self._interrupts.check()
        self._status.share(what, share)

    def _stopped(self) -> InterruptedRunError:
        if not standing(self._path):
            return InterruptedRunError("interrupted before it began; nothing was recorded")
        turns = out.number_of(_turns(self._path), "turn")
        remedy = out.command("gss resume", self._path)
        return InterruptedRunError(
            f"interrupted after {turns}; the record is in order", where=str(self._path), remedy=remedy
        )

    def _advised(self, fault: SocialSimError) -> SocialSimError:
        """The same failure with what can be done about it, where it does not say so itself."""
        if isinstance(fault, BudgetError):
            go_on = out.command("gss resume", self._path)
            fault.remedy = f"{fault.remedy or 'Raise it in the study and run that again.'} Without a budget: {go_on}"
        elif not fault.remedy and standing(self._path):
            fault.where = fault.where or str(self._path)
            fault.remedy = f"The record is in order; once it can work: {out.command('gss resume', self._path)}"
        return fault

    def _report(self) -> None:
        if self._transcript.fault is not None:
            raise self._unprinted(self._transcript.fault)
        if self._wish.as_json:
            out.envelope([_told(self._path)], warnings=self._warnings)
        else:
            for words in self._warnings:
                out.say(f"-- {words}", style="dim")
            closing_words(self._path, clipped=0 if self._wish.quiet else self._transcript.clipped)

    def _unprinted(self, fault: OSError) -> Exception:
        if isinstance(fault, BrokenPipeError):
            return fault
        return SocialSimError(
            f"the run is finished, but what was said could not be printed ({fault.strerror})",
            where="standard output",
            remedy=f"To print it again: {out.command('gss observe', self._path)}",
        )


def _already(path: Path, wish: Wish, words: str) -> None:
    note = f"this run is finished already; {words}"
    if wish.as_json:
        out.envelope([_told(path)], warnings=[note])
    else:
        out.say(f"-- {note}", style="dim")
        closing_words(path)


def standing(path: Path) -> str:
    """The status of the run in `path`; empty if there is none."""
    try:
        with Run(path) as run:
            return run.status
    except RecordError:  # no file, or one without events; what else is wrong is said when it is opened to be written
        return ""


def _turns(path: Path) -> int:
    with Run(path) as run:
        return run.turns


def _told(path: Path) -> dict[str, Any]:
    with Run(path) as run:
        found = {"seed": run.seed, "status": run.status, "turns": run.turns, "digest": run.digest}
        cost = {"cost": run.cost.sum, "currency": run.cost.currency} if run.cost else {}
        place = {"condition": run.condition, "replicate": run.replicate}
    return {"run": str(path), **place, **found, **cost}
