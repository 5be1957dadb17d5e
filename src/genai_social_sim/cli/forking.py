"""`gss fork` and `gss diff`: what would have been, and where two runs part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genai_social_sim.api.counterfactual import Counterfactual
from genai_social_sim.api.difference import Comparison, Difference, compared
from genai_social_sim.api.fork import PlannedFork, fork_settings, planned_forks, resampled
from genai_social_sim.api.outcome import Outcome
from genai_social_sim.api.run import Run
from genai_social_sim.cli import out
from genai_social_sim.cli.failing import FoundWantingError
from genai_social_sim.cli.many import play_many, told
from genai_social_sim.cli.playing import Wish, play_on, standing
from genai_social_sim.errors import RequestError, SpecError
from genai_social_sim.eventlog.making_whole import make_whole
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.study.source import parse_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants to be different, in the words of the command line."""

    say: Sequence[str]
    mute: Sequence[str]
    changes: Sequence[str]
    interventions: Sequence[str]

    def counterfactual(self) -> Counterfactual:
        """The same as a value; raises RequestError for words that are none."""
        return Counterfactual(
            say=dict([_said(each) for each in self.say]),
            mute=tuple(self.mute),
            changes=tuple(self.changes),
            interventions=tuple([_intervention(each) for each in self.interventions]),
        )


def fork_run(
    path: Path, asked: Asked, wish: Wish, *, at: int, replicates: int | None, resample: bool, jobs: int, whole: bool
) -> None:
    """Fork a run, once or with several chances; what is finished is left as it is."""
    path = out.existing(path)
    counts = replicates or 1
    chances = resampled(asked.counterfactual(), replicates=counts, first=int(resample))
    with Run(path) as parent:
        forks = planned_forks(parent, at_turn=at, counterfactuals=chances)
    for fork in forks:
        begun = {**wish.settings(), "whole": whole}
        fork.begin(fork_settings(begun, fork.counterfactual))  # so that what is wrong is said now
    if len(forks) == 1 and not wish.as_json and standing(forks[0].path) != "finished":
        play_on(forks[0].path, wish)
        out.say(_where(_comparison(path, forks[0].path)), style="dim")
        return
    outcomes = play_many(forks, wish, jobs=jobs, most=lambda each: None)
    data = [_told(path, fork, outcome) for fork, outcome in zip(forks, outcomes, strict=True)]
    if wish.as_json:
        out.envelope(data)
        return
    same = sum(bool(each["same"]) for each in data)
    out.say()
    out.facts(
        [
            ("forks", f"{out.number_of(len(forks), 'fork')} of {path} at turn {at}"),
            ("same", f"{same:,} came to the digest of the parent" if same else ""),
            ("records", "\n".join([str(fork.path) for fork in forks[:5]])),
        ]
    )
    out.say(_where(_comparison(path, forks[0].path)), style="dim")


def _told(parent: Path, fork: PlannedFork, outcome: Outcome) -> dict[str, Any]:
    found = _comparison(parent, fork.path)
    return {
        **told(outcome),
        "parent": str(parent),
        "at_turn": fork.at_turn,
        "changes": list(fork.counterfactual.words),
        "resample": fork.counterfactual.resample,
        "same": found.same,
        "first": None if found.first is None else asdict(found.first),
    }


def make_runs_whole(paths: Sequence[Path], past: Sequence[Path], *, as_json: bool) -> None:
    """Let forks hold their past themselves; those that do are left as they are."""
    paths, past = [out.existing(path) for path in paths], [out.existing(path) for path in past]
    copied = {str(path): make_whole(path, past) for path in paths}
    if as_json:
        out.envelope([{"run": run, "copied": number} for run, number in copied.items()])
        return
    for run, number in copied.items():
        words = f"{out.number_of(number, 'event')} copied from its past" if number else "it held all of its events"
        out.facts([("whole", f"{run}: {words}")])


def diff_runs(here: Path, there: Path, *, as_json: bool) -> None:
    """Say where two runs part; raises FoundWantingError if they do."""
    here, there = out.existing(here), out.existing(there)
    found = _comparison(here, there)
    data = {"runs": [str(here), str(there)], **asdict(found)}
    if found.first is not None:
        raise FoundWantingError(
            _where(found).removeprefix("-- "),
            where=f"{here}: {found.first.here}\n{there}: {found.first.there}",
            remedy=_look(here, found.first),
            data=data,
        )
    if as_json:
        out.envelope(data)
        return
    out.facts([("the same", f"{out.number_of(found.turns, 'turn')}, equal digests")])


def _comparison(here: Path, there: Path) -> Comparison:
    mine, theirs = SqliteReader(here), SqliteReader(there)
    try:
        return compared(mine, theirs)
    finally:
        mine.close()
        theirs.close()


def _where(found: Comparison) -> str:
    """The first divergence in words."""
    first = found.first
    if first is None:
        return f"-- the same run: {out.number_of(found.turns, 'turn')}, equal digests"
    study = f"; their studies differ in {', '.join(found.study)}" if found.study else ""
    if first.turn is None:
        return f"-- the runs differ in their {first.what}{study}"
    who = f" of {first.agent}" if first.agent else ""
    what = "an intervention" if first.what == "intervention" else f"another {first.what}"
    return f"-- the runs part at turn {first.turn}{who}: {what}{study}"


def _look(here: Path, first: Difference) -> str:
    if first.turn is None or first.what == "length":
        return f"See what they are: {out.command('gss show', here)}"
    return f"See what was asked and answered: {out.command('gss show', here, '--turn', str(first.turn))}"


def _said(written: str) -> tuple[str, str]:
    agent, equals, text = written.partition("=")
    if not equals or not agent.strip():
        raise RequestError(
            f"{written!r} says nobody's words", remedy='Write AGENT=TEXT, such as --say "BOT1=I was wrong."'
        )
    return agent.strip(), text


def _intervention(written: str) -> dict[str, Any]:
    try:
        found = parse_yaml(written, name="--intervene").values
    except SpecError as fault:
        raise RequestError(fault.problem, where=fault.where, remedy=fault.remedy) from None
    if not isinstance(found, dict) or "kind" not in found or {"at", "every"} & found.keys():
        raise RequestError(
            f"{written!r} is no intervention at the fork",
            remedy="Write it as in a study file, but for `at`: '{kind: broadcast, text: \"A fact check.\"}'",
        )
    return found
