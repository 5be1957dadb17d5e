"""Counterfactuals: a new record with the same past, in which something else is said or done, played on from there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from genai_social_sim.api.at_once import fewest_slots
from genai_social_sim.api.counterfactual import Counterfactual, changed_study
from genai_social_sim.api.past import Past, RecordedTimes
from genai_social_sim.api.planned import job_of, within
from genai_social_sim.api.play import Settings, last_settings, resumed, sessions_told
from genai_social_sim.api.run import Run
from genai_social_sim.domain.act import Offer
from genai_social_sim.domain.events import Answered, Aside, CallKey, Remembered, RunStarted, SessionStarted, Taken
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.origin import Assignment, Parent, parent_written
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.conductor import Conductor
from genai_social_sim.errors import RecordError, RequestError
from genai_social_sim.eventlog import lock
from genai_social_sim.eventlog.ancestry import MOST
from genai_social_sim.eventlog.making_whole import make_whole
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.kernel.acts import option_in
from genai_social_sim.kernel.errands import came_of, made_up
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.run import decide
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import RunState, start
from genai_social_sim.ports import Entry
from genai_social_sim.study.lowering import from_canonical, lower


async def forked(parent: Path, path: Path, *, at_turn: int, counterfactual: Counterfactual, settings: Settings) -> None:
    """Write the past of `parent` before `at_turn` to `path`, with what is different from there, and play on.

    Raises:
        RequestError: If the run has not come to that turn, or what is to be different makes no sense then.
    """
    reader = SqliteReader(parent)
    try:
        begin_fork(reader, path, at_turn=at_turn, counterfactual=counterfactual, settings=settings)
    finally:
        reader.close()
    await resumed(path, settings)


def begin_fork(
    reader: SqliteReader, path: Path, *, at_turn: int, counterfactual: Counterfactual, settings: Settings
) -> None:
    """Write the record of a fork up to the fork; it is gone on with like any other.

    It is made beside its place and moved there when it is whole: a process that is killed leaves none by halves.
    """
    _check_turn(reader, at_turn)
    past = _past(reader, at_turn, counterfactual)
    deep = len(reader.ancestors) >= MOST
    clock, making = RecordedTimes(), path.with_name(f"{path.name}.making")
    for left in (making, making.with_name(f"{making.name}-wal"), making.with_name(f"{making.name}-shm")):
        left.unlink(missing_ok=True)
    log = SqliteLog(making, durability=settings.durability or "full", clock=clock, create=True)
    try:
        past.write(log, clock, path=path, share=not (deep or settings.whole))
        log.append(_from_here(reader, past, path, counterfactual, deep=deep))
    except BaseException:
        log.close()
        making.unlink(missing_ok=True)
        raise
    log.close()
    making.replace(path)


def _check_turn(reader: SqliteReader, at_turn: int) -> None:
    turns = reader.head().turns
    if not 0 <= at_turn <= turns:
        raise RequestError(
            f"the run cannot be forked at turn {at_turn}: it has {turns} turns",
            where=str(reader.path),
            remedy=f"Give a turn from 0 to {turns}.",
        )


def _past(reader: SqliteReader, at_turn: int, counterfactual: Counterfactual) -> Past:
    started = next(reader.events()).event
    if not isinstance(started, RunStarted):
        raise RecordError(
            "the first event of this record is missing", where=str(reader.path), remedy=f"gss verify {reader.path}"
        )
    before = started.study.value
    text = changed_study(before, seed=started.seed, at_turn=at_turn, fork=counterfactual)
    stage = Stage(lower(from_canonical(text), seed=started.seed))
    study = started.study if text == before else Text.of(text)
    return Past(reader=reader, at_turn=at_turn, state=start(stage), study=study, whole=not counterfactual.ends)


def _from_here(
    reader: SqliteReader, past: Past, path: Path, counterfactual: Counterfactual, *, deep: bool
) -> list[Entry]:
    """The session that begins the fork, and the answers that are put in place of the agents' own."""
    if past.state.progress.turns != past.at_turn or (counterfactual.ends and past.state.progress.closing):
        raise RequestError(
            f"with this `stop` the run would have ended before turn {past.at_turn}",
            where=str(reader.path),
            remedy="Let it go on longer, or fork it earlier.",
        )
    origin = reader.origin()
    parent = Parent(
        id=origin.id,
        run=reader.path.stem,
        at_turn=past.at_turn,
        digest=past.common.digest.hex(),
        changes=counterfactual.words,
        resample=counterfactual.resample,
    )
    sessions = [event.event for event in reader.events(kinds="session_started")]
    last = json.loads(sessions[-1].about.value) if isinstance(sessions[-1], SessionStarted) else {}
    written = parent_written(parent)
    if deep:
        written["fork"]["copied"] = f"the past stands here, since it would lie in more than {MOST} run files"
    about = {**written, "settings": last.get("settings", {}), "lock": lock.place(path)}
    marker = SessionStarted(resumed=True, about=Text.of(json.dumps(about, ensure_ascii=False, sort_keys=True)))
    return [Entry(marker), *_Said(past.state, past.answers, past.at_turn).all(counterfactual.say)]


class _Said:
    """Answers that are put in place of agents' own, once what is planned at the fork has taken effect."""

    def __init__(self, state: RunState, answers: Mapping[CallKey, Taken], at_turn: int) -> None:
        conductor = Conductor(state)
        conductor.left_out()
        self._state = conductor.state
        self._answers = answers
        self._at_turn = at_turn

    def all(self, say: Mapping[str, str]) -> list[Entry]:
        floors = range(len(self._state.floors)) if say else ()
        due = [turn for index in floors for turn in decide(self._state, index)]
        return [entry for agent, text in say.items() for entry in self._said(self._turn_of(agent, due), text)]

    def _turn_of(self, agent: str, due: list[Turn]) -> Turn:
        for turn in due:
            if turn.agent == AgentId(agent):
                return turn
        names = ", ".join(dict.fromkeys(turn.agent for turn in due)) or "nobody: the run ends there"
        raise RequestError(
            f"{agent} has no turn at turn {self._at_turn}", remedy=f"Then it is the turn of: {names}. Choose another."
        )

    def _said(self, turn: Turn, text: str) -> list[Entry]:
        if self._state.stage.is_wordless(turn):
            raise RequestError(
                f"{turn.agent} has nothing to say at turn {turn.number}: the act that it chose takes no words",
                remedy="Fork at its act, the turn in which it chose.",
            )
        _check_choice(turn, text, self._state.stage.offer(turn))
        state, entries = self._state, list[Entry]()
        while errand := state.stage.errand(turn, state.floors[turn.channel_no]):
            # its memory comes first: as it did in the parent, or with nothing new
            taken = self._answers.get(errand.key)
            if taken is None:
                taken, prompt = _answered(state, errand, "")
                entries.append(Entry(taken, prompt))
            remembered = came_of(state, errand, taken)
            if not isinstance(remembered, Remembered):
                break
            state = made_up(state, remembered)
        return [*entries, Entry(*_answered(state, turn, text))]


def _answered(state: RunState, turn: Turn, text: str) -> tuple[Answered, Prompt]:
    prompt = state.stage.prompt(turn, state.floors[turn.channel_no])
    answer = Answered(
        turn=turn.number,
        attempt=1,
        asked=state.stage.asked(turn, prompt),
        raw=Text.of(text),
        finish="passed" if turn.aside else "stop",
        prompt_tokens=0,
        answer_tokens=0,
        sent_s=0.0,
        first_token_s=None,
        done_s=0.0,
        by="fork",
        notes=Text.of("{}"),
        aside=Aside(turn.aside, turn.agent) if turn.aside else None,
    )
    return answer, prompt


def _check_choice(turn: Turn, text: str, offer: Offer | None) -> None:
    if offer is not None and option_in(text, offer) is None:
        raise RequestError(
            f"{turn.agent} has to choose at turn {turn.number}, and {text!r} is none of its options",
            remedy=f"Say {offer.told}." if offer.number else f"Say one of: {', '.join(offer.meanings)}.",
        )


def fork_path(parent: Path, *, at_turn: int, counterfactual: Counterfactual) -> Path:
    """Where the record of a fork goes: the same for the same fork."""
    chance = f"c{counterfactual.resample}" if counterfactual.resample else ""
    parts = [parent.stem, f"fork{at_turn}", counterfactual.mark, chance]
    return parent.with_name("-".join([part for part in parts if part]) + parent.suffix)


def resampled(counterfactual: Counterfactual, *, replicates: int, first: int) -> list[Counterfactual]:
    """The same change with `replicates` different chances, from the number `first` on; 0 is the parent's own."""
    return [replace(counterfactual, resample=first + number) for number in range(replicates)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFork:
    """A fork of the run in `parent` that is to be played into `path`."""

    parent: Path
    path: Path
    at_turn: int
    counterfactual: Counterfactual
    assignment: Assignment
    seed: int
    fewest: Callable[[], int | None] = lambda: None  # slots of the parent's scarcest model server

    @property
    def label(self) -> str:
        """What it is called among forks of the same turn."""
        return f"chance {self.counterfactual.resample}"

    def begin(self, settings: Settings) -> None:
        """Write its record up to the fork, unless it is there; raises RequestError if another run's lies there."""
        reader = SqliteReader(self.parent)
        try:
            if self.path.exists():
                self._check_parent(reader.origin().id)
                if settings.whole:
                    make_whole(self.path)
                return
            begin_fork(reader, self.path, at_turn=self.at_turn, counterfactual=self.counterfactual, settings=settings)
        finally:
            reader.close()

    def _check_parent(self, parent: str) -> None:
        with Run(self.path) as there:
            if there.parent is None or there.parent.id != parent:
                raise RequestError(
                    "what lies there is no fork of this run",
                    where=str(self.path),
                    remedy="Move it away; another run may have had this one's name.",
                )

    async def arun(self, **settings: Any) -> Run:
        """See `Planned`."""
        chosen = fork_settings(settings, self.counterfactual)
        self.begin(chosen)
        await resumed(self.path, chosen)
        return Run(self.path)

    def job(self, settings: Mapping[str, Any], *, sharers: int) -> dict[str, Any]:
        """See `Planned`; its record is there then up to the fork."""
        chosen = fork_settings(settings, self.counterfactual)
        self.begin(chosen)
        return job_of(self.path, chosen, sharers=sharers)

    def slots(self, settings: Mapping[str, Any]) -> int | None:
        """See `Planned`."""
        return within(settings.get("parallel"), self.fewest())


def planned_forks(parent: Run, *, at_turn: int, counterfactuals: Sequence[Counterfactual]) -> tuple[PlannedFork, ...]:
    """Forks of a run at one turn."""
    fewest = cache(lambda: _fewest_slots(parent.path))
    return tuple(
        [
            PlannedFork(
                parent=parent.path,
                path=fork_path(parent.path, at_turn=at_turn, counterfactual=each),
                at_turn=at_turn,
                counterfactual=each,
                assignment=parent.origin.assignment,
                seed=parent.seed,
                fewest=fewest,
            )
            for each in counterfactuals
        ]
    )


def _fewest_slots(run: Path) -> int | None:
    with closing(SqliteReader(run)) as reader:
        started, sessions = next(reader.events()).event, sessions_told(reader)
    if not isinstance(started, RunStarted):
        return None
    known = last_settings(sessions).get("at_once", {})
    return fewest_slots(lower(from_canonical(started.study.value), seed=started.seed).models, known)


def fork_settings(given: Mapping[str, Any], counterfactual: Counterfactual) -> Settings:
    """How a fork is played; another model than the parent's is no mistake if it is what is changed."""
    other = any("model" in words for words in counterfactual.words)
    return Settings(**{"allow_other_model": other, **{key: value for key, value in given.items() if value is not None}})
