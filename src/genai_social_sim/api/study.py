"""A study as a Python object: load it, look at it, run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from genai_social_sim.api.at_once import at_once
from genai_social_sim.api.forecast import Forecast, forecast
from genai_social_sim.api.freezing import Frozen, freeze, write
from genai_social_sim.api.models import opened
from genai_social_sim.api.outcome import UnfinishedError
from genai_social_sim.api.planned import PlannedRun, design_of, file_name, planned_runs
from genai_social_sim.api.play import Settings, played, resumed
from genai_social_sim.api.run import Run, unused
from genai_social_sim.api.waiting import finished
from genai_social_sim.backends import registry
from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.origin import Assignment
from genai_social_sim.domain.plan import Model, Opening, RunPlan
from genai_social_sim.domain.price import Prices
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.budget import Budget
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import EmptyRecordError, RecordError, RequestError, SpecError
from genai_social_sim.kernel.encoders import encoders
from genai_social_sim.study.conditions import conditions_of, has_design, in_condition
from genai_social_sim.study.design import NULL_FACTOR
from genai_social_sim.study.doubts import doubts
from genai_social_sim.study.lowering import (
    LoadedStudy,
    canonical,
    load,
    lower,
    override,
    parse,
    unopened,
    with_openings,
)
from genai_social_sim.study.null_arms import check_rule
from genai_social_sim.study.prices import prices_of
from genai_social_sim.study.residents import residents

RUNS = "runs"  # the folder that run files go to, below the working directory


class Study:
    """A checked study. Make one with `Study.load` or `Study.parse`.

    Raises:
        SpecError: If the study file is wrong; it says where and what to write instead.
    """

    def __init__(self, loaded: LoadedStudy, *, assignment: Assignment | None = None) -> None:
        self._loaded = loaded
        self._assignment = assignment or Assignment()

    @classmethod
    def load(cls, path: str | Path, *, changes: Sequence[str] = ()) -> Study:
        """Read a study file; `changes` are of the form `path.in.the.study=value`."""
        return cls._changed(load(Path(path), backends=registry.names()), changes)

    @classmethod
    def parse(cls, text: str, *, changes: Sequence[str] = ()) -> Study:
        """Read a study from YAML text."""
        return cls._changed(parse(text, source="<text>", backends=registry.names()), changes)

    @classmethod
    def _changed(cls, loaded: LoadedStudy, changes: Sequence[str]) -> Study:
        study = cls(override(loaded, *changes) if changes else loaded)
        for name, condition in study.conditions.items():  # so that whatever is wrong is said now
            try:
                plan = condition.plan()
            except SpecError as fault:
                raise in_condition(fault, name) from None
            if condition.levels.get(NULL_FACTOR) == "rule_based":
                check_rule(plan, study._loaded, name)
        return study

    @property
    def name(self) -> str:
        """The study's name."""
        return self._loaded.document.name

    @property
    def description(self) -> str | None:
        """What the study asks, for people; None if it does not say."""
        return self._loaded.document.description

    @property
    def seed(self) -> int:
        """The seed in the study file."""
        return self._loaded.document.seed

    @cached_property
    def conditions(self) -> Mapping[str, Study]:
        """Its conditions by name, each a study without a design; without one, the study itself under the empty name."""
        if not self.has_design:
            return {"": self}
        return {
            each.name: Study(
                each.study, assignment=Assignment(condition=each.name, levels=each.levels, frozen=self.frozen)
            )
            for each in conditions_of(self._loaded)
        }

    @property
    def has_design(self) -> bool:
        """Whether it is more than one run: it has factors, conditions, null arms or replicates."""
        return has_design(self._loaded.document)

    @property
    def condition(self) -> str:
        """Of which condition it is the study, if it is one of the `conditions`."""
        return self._assignment.condition

    @property
    def levels(self) -> Mapping[str, str]:
        """The level of each factor in that condition, by name."""
        return self._assignment.levels

    @property
    def frozen(self) -> str:
        """The digest of the design that was frozen before, which its records note; empty if none was."""
        return self._assignment.frozen

    def with_frozen(self, digest: str) -> Study:
        """The same study, whose records note that a design with this digest had been frozen before."""
        return Study(self._loaded, assignment=replace(self._assignment, frozen=digest))

    @property
    def replicates(self) -> int:
        """How often each condition is played."""
        return self._loaded.document.replicates

    @property
    def seeds(self) -> str:
        """`paired`: a replicate has the same seed in all conditions; `independent`: all seeds differ."""
        return self._loaded.document.seeds

    def planned(
        self, *, seed: int | None = None, runs: str | Path = RUNS, only: Sequence[str] = ()
    ) -> tuple[PlannedRun, ...]:
        """All its runs, replicate by replicate, whether there are records of them or not.

        Args:
            seed: In place of the study's own; those of all replicates follow from it.
            runs: Folder of the run files.
            only: Names of conditions, or parts of them such as `framing=alarm`; all if there are none.

        Raises:
            RequestError: If there is no such condition.
        """
        return planned_runs(self, self._loaded, seed=self._checked(seed), runs=Path(runs), only=only)

    def design(self, *, seed: int | None = None) -> dict[str, Any]:
        """The resolved design as plain values: every condition with its study, every run with its seed."""
        return design_of(self, self._loaded, seed=self._checked(seed))

    def freeze(self, out: str | Path, *, seed: int | None = None) -> Frozen:
        """Write its design before the data; raises RequestError if another one was frozen there.

        `study.with_frozen(frozen.digest)` is a study whose records note it.
        """
        frozen = freeze(self, seed=seed, clock=SystemClock())
        write(frozen, Path(out))
        return frozen

    @cached_property
    def text(self) -> str:
        """The resolved study as canonical JSON: equal for equal studies, whatever the seed."""
        return canonical(self._loaded)

    @property
    def unopened(self) -> tuple[str, ...]:
        """The channels that have no opening; `with_openings` gives them one."""
        return unopened(self._loaded)

    def with_openings(self, openings: Mapping[ChannelId, Opening]) -> Study:
        """The study as if these openings stood in it, by channel; its runs are the same, to the digest."""
        return Study(with_openings(self._loaded, openings))

    def recorded(self, *, seed: int | None = None) -> str:
        """What a record holds of the study: its `text`, and the people and networks that the seed draws."""
        return canonical(self._loaded, seed=self.seed if seed is None else seed)

    def plan(self, *, seed: int | None = None) -> RunPlan:
        """Everything that determines one run; raises RequestError for a study with conditions, which is several."""
        self._refuse_design()
        return lower(self._loaded, seed=seed, check_options=registry.check_options)

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """The models of its agents, each once."""
        return tuple(dict.fromkeys(self.plan().models))

    def record_path(self, *, seed: int | None = None, runs: str | Path = RUNS, again: bool = False) -> Path:
        """Where the record of a run goes: name, the study's hash and the seed tell runs apart.

        With `again`: a path at which there is no record yet.
        """
        self._refuse_design()
        number = self._checked(seed)
        if self.condition:
            name = file_name(self, self._assignment, seed=number)
        else:
            name = f"{self.name}-{sha256(self.text.encode()).hexdigest()[:8]}-seed{number}.sqlite"
        path = Path(runs) / name
        return unused(path) if again else path

    def run(self, *, seed: int | None = None, runs: str | Path = RUNS, again: bool = False, **settings: Any) -> Run:
        """Run it and wait for its end; the record can be watched from elsewhere meanwhile.

        Args:
            seed: In place of the study's own.
            runs: Folder of the run files.
            again: Make a new record although this run is finished; else a finished run is given back as it is and an
                interrupted one goes on.
            settings: `functions`: Python functions by name, for backends rule and scripted. `observers`: told events.
                `progress`: called with (what, share) while models load. `durability`: "full" or "process".
                `parallel`: calls at once. `broker`: the address of a broker whose workers answer.
                `workers`: how many processes of this machine answer. `budget`: a `Budget` in place of the study's.

        Raises:
            RequestError: If the study has conditions or replicates; `run_all` plays them.
            SocialSimError: With what went wrong and what to do; the record is in order and can be resumed.
        """
        return finished(self.arun(seed=seed, runs=runs, again=again, **settings))

    async def arun(
        self, *, seed: int | None = None, runs: str | Path = RUNS, again: bool = False, **settings: Any
    ) -> Run:
        """`run`, for code that waits."""
        path = self.record_path(seed=seed, runs=runs, again=again)
        return await self.aplay(path, seed=seed, assignment=self._assignment, settings=settings)

    async def aplay(self, path: Path, *, seed: int | None, assignment: Assignment, settings: Mapping[str, Any]) -> Run:
        """Play one run of it into `path`, or go on with the one that is there; for `settings` see `run`."""
        chosen = replace(self.settings(settings, seed), assignment=assignment, description=self.description)
        if begun(path):
            await resumed(path, replace(chosen, at_once=at_once(self.models)))
        else:
            make_room(path)
            await played(path, self.plan(seed=seed), Text.of(self.recorded(seed=seed)), chosen)
        return Run(path)

    def run_all(
        self,
        *,
        jobs: int = 1,
        seed: int | None = None,
        runs: str | Path = RUNS,
        only: Sequence[str] = (),
        **settings: Any,
    ) -> list[Run]:
        """Play all that is missing of it: finished runs are left, interrupted ones go on.

        Args:
            jobs: How many runs at once; more than one are played by processes of their own.
            seed: In place of the study's own.
            runs: Folder of the run files.
            only: Names of conditions, or parts of them such as `framing=alarm`; all if there are none.
            settings: As for `run`; `functions` and `observers` with one job only.

        Returns:
            The runs, replicate by replicate.

        Raises:
            UnfinishedError: If some could not be finished, after all others were; it names each with its reason.
        """
        return finished(self.arun_all(jobs=jobs, seed=seed, runs=runs, only=only, **settings))

    async def arun_all(
        self,
        *,
        jobs: int = 1,
        seed: int | None = None,
        runs: str | Path = RUNS,
        only: Sequence[str] = (),
        **settings: Any,
    ) -> list[Run]:
        """`run_all`, for code that waits."""
        from genai_social_sim.api.batch import play_all

        planned = self.planned(seed=seed, runs=runs, only=only)
        outcomes = await play_all(planned, settings, jobs=jobs)
        if any(outcome.status != "finished" for outcome in outcomes):
            raise UnfinishedError(outcomes)
        return [Run(each.path) for each in planned]

    def forecast(self, *, seed: int | None = None, measure: bool = True, **settings: Any) -> Forecast:
        """How many calls a run would make, about how many tokens and at what cost, and how long that would take.

        Args:
            seed: As for `run`.
            measure: Make a few real calls, to see how quick the models are and how long their answers.
            settings: `functions` and `progress`, as for `run`.

        Raises:
            SocialSimError: If a backend cannot be opened or does not answer.
        """
        chosen = self.settings(settings, seed)
        surroundings = registry.Surroundings(chosen.functions, chosen.progress)
        prices = chosen.prices or Prices()
        return finished(forecast(self.plan(seed=seed), surroundings, prices=prices, measure=measure))

    def doubts(self, *, seed: int | None = None) -> tuple[str, ...]:
        """What it may not mean, though it can be played, in its conditions: each with its place and a remedy."""
        each = [doubts(one._loaded, one.plan(seed=seed)) for one in self.conditions.values()]
        return tuple(dict.fromkeys([words for found in each for words in found]))

    async def acheck_models(self, **settings: Any) -> None:
        """Open the models of its agents once, as a run would; raises SocialSimError if one cannot be had."""
        chosen = self.settings(settings, None)
        plan = self.plan()
        wanted = (*plan.models, *encoders(plan))
        async with opened(wanted, registry.Surroundings(chosen.functions, chosen.progress)):
            pass

    def settings(self, given: Mapping[str, Any], seed: int | None) -> Settings:
        """How a run of it is played: as the study says, and over that what is `given`."""
        document = self._loaded.document
        limits = document.budget
        own = {
            "durability": document.durability,
            "parallel": document.parallel,
            "budget": Budget(tokens=limits.tokens, seconds=limits.time, cost=limits.cost),
            "prices": prices_of(document, residents(self._loaded, self.seed if seed is None else seed)),
        }
        return Settings(**{**own, **{name: value for name, value in given.items() if value is not None}})

    def _refuse_design(self) -> None:
        if self.has_design:
            counts = f"{len(self.conditions)} conditions with {self.replicates} replicates each"
            raise RequestError(
                f"this study is more than one run: {counts}",
                remedy="Play all of it with study.run_all(); or one condition: study.conditions[NAME].run(seed=7).",
            )

    def _checked(self, seed: int | None) -> int:
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise RequestError(f"a seed is a whole number, not {seed!r}", remedy="For example: study.run(seed=7)")
        return self.seed if seed is None else seed

    def __repr__(self) -> str:
        if not self.has_design:
            return f"<Study {self.name}>"
        return f"<Study {self.name}: {len(self.conditions)} conditions x {self.replicates} replicates>"

    def _repr_html_(self) -> str:
        """The design as a table for notebooks: a row for each condition."""
        from genai_social_sim.api.card import grid

        factors = [*dict.fromkeys([factor for each in self.conditions.values() for factor in each.levels])]
        rows = [
            (name, *[each.levels.get(factor, "") for factor in factors], self.replicates)
            for name, each in self.conditions.items()
        ]
        title = f"{self.name}: {self.description}" if self.description else self.name
        return grid(title, ("condition", *factors, "replicates"), rows)


def begun(path: Path) -> bool:
    """Whether there is a record to go on with; raises RecordError if one was there and is gone."""
    left = path.with_name(path.name + "-wal")
    if not path.exists() and left.exists() and left.stat().st_size:
        raise RecordError(
            "the record is gone, but its last events lie here still",
            where=str(left),
            remedy=f"Put {path.name} back beside it; or move this file away to begin anew.",
        )
    if not path.exists() or path.stat().st_size == 0:
        return False
    try:
        Run(path).close()
    except EmptyRecordError:
        return False  # killed before its first event was written
    return True


def make_room(path: Path) -> None:
    """The folder that `path` is in, made if it is missing; raises RecordError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise RecordError(
            f"the folder for run files cannot be made ({fault.strerror})",
            where=str(path.parent),
            remedy="Choose another one with --runs FOLDER.",
        ) from fault
