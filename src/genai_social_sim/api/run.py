"""A recorded run: what it said, what its models were sent, whether it can be trusted, and how it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_social_sim.api.answers import Answers
from genai_social_sim.api.cost import Cost, cost_of
from genai_social_sim.api.counterfactual import Counterfactual
from genai_social_sim.api.play import Settings, resumed
from genai_social_sim.api.waiting import finished
from genai_social_sim.backends.shortening import sent_as_noted
from genai_social_sim.domain.events import (
    Answered,
    Between,
    RunStarted,
)
from genai_social_sim.domain.origin import Origin, Parent
from genai_social_sim.engine.recovery import shown_before
from genai_social_sim.engine.replay import replay
from genai_social_sim.errors import NoSuchTurnError, RecordError
from genai_social_sim.eventlog.memory import DigestLog
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.verification import Verdict, verify
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.ports import Recorded
from genai_social_sim.study.lowering import from_canonical, lower

if TYPE_CHECKING:
    from genai_social_sim.analysis.measure import OwnMeasure
    from genai_social_sim.api.difference import Comparison
    from genai_social_sim.api.frame import Frame
    from genai_social_sim.domain.prompt import Prompt
    from genai_social_sim.export.source import Source
    from genai_social_sim.export.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayVerdict:
    """Whether a replay came to the recorded digest."""

    ok: bool
    turns: int
    digest: str
    recorded: str
    problem: str = ""


class Run:
    """One run's record, open for reading; it may be finished, interrupted or still being written.

    Args:
        path: The run file.
        past: Of a fork: where the files that hold its past lie now, if they were moved; see `make_whole`.

    Raises:
        RecordError: If there is no such file or it is no record.
        PastError: If a file that holds its past is missing, or is not the right one.
    """

    def __init__(self, path: str | Path, *, past: Sequence[str | Path] = ()) -> None:
        self.path = Path(path)
        self._moved = tuple(map(Path, past))
        self._reader = SqliteReader(self.path, self._moved)
        self._reader.head()

    @property
    def digest(self) -> str:
        """Over all that happened so far, as 64 hexadecimal digits: equal exactly for equal runs."""
        return self._reader.head().digest.hex()

    @property
    def status(self) -> str:
        """`running`, `finished`, `interrupted`, `failed` or `killed`: its process ended without a word.

        `running or killed`: the record knows no end, and its writer was on a machine that cannot be asked from here.
        """
        return self._reader.standing()

    @property
    def turns(self) -> int:
        """Turns committed so far."""
        return self._reader.head().turns

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self._started().seed

    @property
    def study(self) -> Mapping[str, Any]:
        """The resolved study, as it is recorded."""
        study: Mapping[str, Any] = json.loads(self._started().study.value)
        return study

    @property
    def origin(self) -> Origin:
        """Where it comes from: its place in the design of its study, and the run that it was forked from."""
        return self._reader.origin()

    @property
    def condition(self) -> str:
        """The condition of its study that it belongs to; empty for a study without conditions."""
        return self.origin.assignment.condition

    @property
    def levels(self) -> Mapping[str, str]:
        """The level of each factor in its condition, by name."""
        return self.origin.assignment.levels

    @property
    def replicate(self) -> int:
        """Which repetition of its condition it is, from 0."""
        return self.origin.assignment.replicate

    @property
    def parent(self) -> Parent | None:
        """The run that it was forked from, and where; None for a run that is no fork."""
        return self.origin.parent

    @property
    def past(self) -> tuple[Path, ...]:
        """The files that hold the past of a fork, the nearest first; none if its own file holds all of it."""
        return tuple([each.path for each in self._reader.ancestors])

    @property
    def cost(self) -> Cost | None:
        """What its calls cost so far, at the study's prices; None without prices."""
        return cost_of(self._reader, self.study)

    def events(self, *, after: int = -1) -> Iterator[Recorded]:
        """Every recorded event with its position and time, in order; those after position `after`."""
        return self._reader.events(after=after)

    def turn(self, number: int) -> list[Recorded]:
        """Everything that is recorded of one turn; raises NoSuchTurnError if there is nothing."""
        events = self._reader.of_turn(number)
        if not events:
            raise NoSuchTurnError(
                f"this record holds no turn {number}",
                where=str(self.path),
                remedy=f"It holds turns 0 to {self.turns - 1}." if self.turns else "It holds no turn yet.",
            )
        return events

    def prompt(self, turn: int) -> Prompt | None:
        """Exactly what the model was sent in a turn, checked against the recorded hash.

        Raises:
            RecordError: If there is no such turn, or the hash does not match.
        """
        self.turn(turn)  # so that one that is not there is told
        prompt = self._reader.prompt(turn)
        taken = Answers(self._reader).of(turn)
        if prompt is not None and taken is not None and prompt.digest != taken.asked.prompt:
            raise RecordError(
                f"the prompt of turn {turn} does not match its hash",
                where=str(self.path),
                remedy=f"gss verify {self.path}",
            )
        return prompt

    def sent(self, turn: int) -> Prompt | None:
        """What went out in a turn: its `prompt`, but for lines that the backend left out or told in short.

        Raises:
            RecordError: As for `prompt`.
        """
        prompt, taken = self.prompt(turn), Answers(self._reader).of(turn)
        notes = json.loads(taken.notes.value) if isinstance(taken, Answered) else {}
        if prompt is None or not notes.get("dropped_oldest"):
            return prompt
        started = self._started()
        stage = Stage(lower(from_canonical(started.study.value), seed=started.seed))
        shown = shown_before(stage, turn, self._reader.events())
        return None if shown is None else sent_as_noted(prompt, shown.view.heard, shown.agent, notes)

    def transcript(self) -> str:
        """What was said, a line an utterance."""
        return "\n".join(f"{row['speaker']}: {row['text']}" for row in self.utterances)

    def verify(self) -> Verdict:
        """Check that the record is what was written."""
        return verify(self.path)

    def replay(self) -> ReplayVerdict:
        """Play the run again from its recorded answers, without a model, and compare the digest."""
        started, head = self._started(), self._reader.head()
        stage = Stage(lower(from_canonical(started.study.value), seed=started.seed))
        last = [recorded.event for recorded in self._reader.of_turn(head.turns)]
        beside = sum(isinstance(event, Between) for event in last)
        found = Answers(self._reader)
        played = replay(stage, started.study, DigestLog(), found.of, turns=head.turns, beside=beside)
        problem = played.differs
        if not problem and played.digest != head.digest:
            problem = "the digest differs from the recorded one"
        return ReplayVerdict(
            ok=not problem,
            turns=played.turns,
            digest=played.digest.hex(),
            recorded=head.digest.hex(),
            problem=problem,
        )

    def resume(self, **settings: Any) -> Run:
        """Go on where the log ends, to the run's end; a finished run is left as it is.

        Args:
            settings: As for `Study.run`: functions, observers, progress, durability, parallel.
        """
        finished(self.aresume(**settings))
        return self

    async def aresume(self, **settings: Any) -> Run:
        """`resume`, for code that waits."""
        await resumed(self.path, Settings(**settings))
        return self

    def fork(
        self,
        *,
        at_turn: int,
        say: Mapping[str, str] | None = None,
        mute: Sequence[str] = (),
        changes: Sequence[str] = (),
        interventions: Sequence[Mapping[str, Any]] = (),
        resample: int = 0,
        **settings: Any,
    ) -> Run:
        """Another run with the same past: from `at_turn` on something is different; then it is played to its end.

        Chance that the change does not touch stays the same. Without a change it comes to this run's own digest.

        Args:
            at_turn: The first turn that is played anew, from 0.
            say: What agents whose turn it is then are made to say, by name.
            mute: Agents that lose their voice.
            changes: What is changed from there on, as `path.in.the.study=value`, such as `model.temperature=0.2`.
            interventions: Further ones that take effect then, as in a study file without `at`.
            resample: Which other chance everything has from there on, from 1; 0: this run's.
            settings: As for `Study.run`; and `whole`: its file holds the past, too, which else stays in this run's.

        Raises:
            RequestError: If the run has not come to that turn, or what is to be different makes no sense then.
        """
        counterfactual = Counterfactual(
            say=say or {}, mute=mute, changes=changes, interventions=interventions, resample=resample
        )
        return finished(self.afork(at_turn=at_turn, counterfactual=counterfactual, **settings))

    def diff(self, other: Run) -> Comparison:
        """Where this run and another one part, as `gss diff` tells."""
        from genai_social_sim.api.difference import compared

        return compared(self._reader, other._reader)

    def make_whole(self) -> int:
        """Copy the past of a fork into its own file, so that it needs no other; how many events that were.

        Raises:
            RecordError: If somebody works on the run, or what its past is read from was changed.
        """
        from genai_social_sim.eventlog.making_whole import make_whole

        copied = make_whole(self.path, self._moved)
        self._reader.close()
        self._reader = SqliteReader(self.path)
        return copied

    async def afork(self, *, at_turn: int, counterfactual: Counterfactual | None = None, **settings: Any) -> Run:
        """`fork`, for code that waits."""
        from genai_social_sim.api.fork import fork_path, fork_settings, forked

        change = counterfactual or Counterfactual()
        path = unused(fork_path(self.path, at_turn=at_turn, counterfactual=change))
        chosen = fork_settings(settings, change)
        await forked(self.path, path, at_turn=at_turn, counterfactual=change, settings=chosen)
        return Run(path)

    @property
    def utterances(self) -> Table:
        """What was said, openings included, a row each."""
        return self._table("utterances")

    @property
    def posts(self) -> Table:
        """One row for each post of a forum."""
        return self._table("posts")

    @property
    def acts(self) -> Table:
        """One row for each turn in which an agent chose what to do in a forum."""
        return self._table("acts")

    @property
    def exposures(self) -> Table:
        """One row for each post that an agent was shown in a forum."""
        return self._table("exposures")

    @property
    def probes(self) -> Table:
        """What agents answered aside, a row each."""
        return self._table("probes")

    @property
    def calls(self) -> Table:
        """Every attempt at a model call that reported back, a row each."""
        return self._table("calls")

    @property
    def measures(self) -> Table:
        """Every value of every measure that is known, a row each; all that was said is read for it."""
        return self._table("measures")

    def measure(self, *wanted: str | OwnMeasure) -> Table:
        """The same for some measures: by name, or functions of your own.

        Raises:
            RequestError: If there is no measure of a name.
        """
        from genai_social_sim.analysis.table import measured

        return measured(self._source(), wanted=wanted)

    def table(self, name: str) -> Table:
        """One of the tidy tables; the codebook describes them."""
        return self._table(name)

    def page(self, *, height: int = 600, embed: str = "") -> Frame:
        """The run on the page, served by this process and shown in a notebook; needs the extra `page`.

        `height` is in pixels, `embed` the origin of a notebook that is not on this machine (`https://hub.example`).
        """
        from genai_social_sim.api.frame import Frame

        return Frame(self.path, height=height, embed=embed)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Run {self.path.name}: {self.status}, {self.turns} turns, digest {self.digest[:12]}>"

    def _repr_html_(self) -> str:
        """A card for notebooks."""
        from genai_social_sim.api.card import card

        parent = self.parent
        facts = {
            "condition": self.condition,
            "replicate": self.replicate if self.condition else None,
            "fork of": f"{parent.run} at turn {parent.at_turn}" if parent else None,
            "changed": "; ".join(parent.changes) if parent else None,
            "seed": self.seed,
            "status": self.status,
            "turns": f"{self.turns:,}",
            "digest": self.digest,
            "tables": "utterances, turns, calls, probes, measures...: .df(), .pl(), .arrow(), .rows()",
        }
        return card(f"Run {self.path.name}", facts)

    def _table(self, name: str) -> Table:
        from genai_social_sim.api.tables import ALL
        from genai_social_sim.export.kinds import named

        return named(ALL, name).table(self._source())

    def _source(self) -> Source:
        from genai_social_sim.api.tables import source_of

        return source_of(self._reader, self.path.stem)

    def _started(self) -> RunStarted:
        first = next(iter(self._reader.events()), None)
        if first is None or not isinstance(first.event, RunStarted):
            raise RecordError(
                "the first event of this record is missing", where=str(self.path), remedy=f"gss verify {self.path}"
            )
        return first.event


def unused(path: Path) -> Path:
    """`path`, or the first of its numbered neighbours that does not exist."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate
