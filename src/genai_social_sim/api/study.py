"""A study as a Python object: load it, look at it, run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from genai_social_sim.api.forecast import Forecast, forecast
from genai_social_sim.api.models import opened
from genai_social_sim.api.play import Settings, played, resumed
from genai_social_sim.api.run import Run, unused
from genai_social_sim.api.waiting import finished
from genai_social_sim.backends import registry
from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening, RunPlan
from genai_social_sim.domain.price import Prices
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.budget import Budget
from genai_social_sim.errors import EmptyRecordError, RecordError, RequestError
from genai_social_sim.kernel.stage import encoders
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
from genai_social_sim.study.prices import prices_of
from genai_social_sim.study.residents import residents

RUNS = "runs"  # the folder that run files go to, below the working directory


class Study:
    """A checked study. Make one with `Study.load` or `Study.parse`.

    Raises:
        SpecError: If the study file is wrong; it says where and what to write instead.
    """

    def __init__(self, loaded: LoadedStudy) -> None:
        self._loaded = loaded

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
        study.plan()  # so that whatever is wrong is said now
        return study

    @property
    def name(self) -> str:
        """The study's name."""
        return self._loaded.document.name

    @property
    def seed(self) -> int:
        """The seed in the study file."""
        return self._loaded.document.seed

    @property
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
        """Everything that determines one run."""
        return lower(self._loaded, seed=seed, check_options=registry.check_options)

    def record_path(self, *, seed: int | None = None, runs: str | Path = RUNS, again: bool = False) -> Path:
        """Where the record of a run goes: name, the study's hash and the seed tell runs apart.

        With `again`: a path at which there is no record yet.
        """
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise RequestError(f"a seed is a whole number, not {seed!r}", remedy="For example: study.run(seed=7)")
        mark = sha256(self.text.encode()).hexdigest()[:8]
        path = Path(runs) / f"{self.name}-{mark}-seed{self.seed if seed is None else seed}.sqlite"
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
            SocialSimError: With what went wrong and what to do; the record is in order and can be resumed.
        """
        return finished(self.arun(seed=seed, runs=runs, again=again, **settings))

    async def arun(
        self, *, seed: int | None = None, runs: str | Path = RUNS, again: bool = False, **settings: Any
    ) -> Run:
        """`run`, for code that waits."""
        path = self.record_path(seed=seed, runs=runs, again=again)
        chosen = self._settings(settings, seed)
        if _begun(path):
            await resumed(path, chosen)
        else:
            _make_room(path)
            await played(path, self.plan(seed=seed), Text.of(self.recorded(seed=seed)), chosen)
        return Run(path)

    def forecast(self, *, seed: int | None = None, measure: bool = True, **settings: Any) -> Forecast:
        """How many calls a run would make, about how many tokens and at what cost, and how long that would take.

        Args:
            seed: As for `run`.
            measure: Make a few real calls, to see how quick the models are and how long their answers.
            settings: `functions` and `progress`, as for `run`.

        Raises:
            SocialSimError: If a backend cannot be opened or does not answer.
        """
        chosen = self._settings(settings, seed)
        surroundings = registry.Surroundings(chosen.functions, chosen.progress)
        prices = chosen.prices or Prices()
        return finished(forecast(self.plan(seed=seed), surroundings, prices=prices, measure=measure))

    async def acheck_models(self, **settings: Any) -> None:
        """Open the models of its agents once, as a run would; raises SocialSimError if one cannot be had."""
        chosen = self._settings(settings, None)
        plan = self.plan()
        wanted = (*[agent.model for agent in plan.agents], *encoders(plan))
        async with opened(wanted, registry.Surroundings(chosen.functions, chosen.progress)):
            pass

    def _settings(self, given: dict[str, Any], seed: int | None) -> Settings:
        document = self._loaded.document
        limits = document.budget
        own = {
            "durability": document.durability,
            "parallel": document.parallel,
            "budget": Budget(tokens=limits.tokens, seconds=limits.time, cost=limits.cost),
            "prices": prices_of(document, residents(self._loaded, self.seed if seed is None else seed)),
        }
        return Settings(**{**own, **{name: value for name, value in given.items() if value is not None}})

    def __repr__(self) -> str:
        return f"<Study {self.name}>"


def _begun(path: Path) -> bool:
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


def _make_room(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise RecordError(
            f"the folder for run files cannot be made ({fault.strerror})",
            where=str(path.parent),
            remedy="Choose another one with --runs FOLDER.",
        ) from fault
