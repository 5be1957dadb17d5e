"""Measures the opinions that agents state, round by round and probe by probe, and when they agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from genai_social_sim.analysis import opinion
from genai_social_sim.analysis.measure import Measure, Meter, Value
from genai_social_sim.analysis.society import Scale, Society
from genai_social_sim.analysis.stances import Stances, number_in, stated, subjects
from genai_social_sim.domain.events import Event, Probed, Spoke
from genai_social_sim.export.source import Step

_BRAMSON: Final = "Bramson et al. (2016), doi:10.1080/0022250X.2016.1147443"
_CHUANG: Final = "Chuang et al. (2024), arXiv:2311.09618"
MEAN: Final = Measure(
    name="opinion_mean",
    about="Mean of the numbers that agents stated last.",
    unit="points of the scale",
    scopes=("round",),
    source=f"The bias B of {_CHUANG}",
)
SPREAD: Final = Measure(
    name="opinion_spread",
    about="Sample standard deviation (ddof 1) of the numbers that agents stated last.",
    unit="points of the scale",
    scopes=("round",),
    source=f"The diversity D of {_CHUANG}",
)
DISPERSION: Final = Measure(
    name="opinion_dispersion",
    about="Mean squared distance from their mean of the numbers that agents stated last.",
    unit="points squared",
    scopes=("round",),
    source=f"Population variance; the dispersion of {_BRAMSON}",
)
POLARISATION: Final = Measure(
    name="opinion_polarisation",
    about="Dispersion as a share of the most that the scale allows: 0 is consensus, 1 two equal camps at its ends. "
    "Without a scale in the study: of the range stated in the first round.",
    unit="share",
    scopes=("round",),
    source=f"{_BRAMSON}; the bound of Popoviciu (1935)",
)
BIMODALITY: Final = Measure(
    name="opinion_bimodality",
    about="Sarle's coefficient of bimodality; a uniform distribution has 0.556. From four agents on.",
    unit="coefficient",
    scopes=("round",),
    source="SAS Institute (1990); Pfister et al. (2013), doi:10.3389/fpsyg.2013.00700",
)
CLUSTERS: Final = Measure(
    name="opinion_clusters",
    about="Camps with at least 5 % of the agents each, parted where the numbers in order leave more than 5 % of the "
    "scale free; its width as for opinion_polarisation.",
    unit="camps",
    scopes=("round",),
    source="After Deffuant et al. (2000), doi:10.1142/S0219525900000078",
)
HELD: Final = Measure(
    name="opinions_held",
    about="Effective number of different opinions: 1 / sum of squared shares of the agents that stated each.",
    unit="opinions",
    scopes=("round",),
    source="Laakso & Taagepera (1979), doi:10.1177/001041407901200101; the inverse of Simpson (1949)",
)
AGREEMENT: Final = Measure(
    name="agreement",
    about="Share of all members of the channel, or of all who were asked, that stated last what most of them did.",
    unit="share",
    scopes=("round",),
    source="What the stopping rule `consensus` goes by, channel by channel",
)
TIME: Final = Measure(
    name="consensus_time",
    about="Rounds until agreement first came to the share at which the study stops (all, if it has no such rule); in a "
    "run that never did, the rounds that were seen: then it is censored, and consensus_reached is 0.",
    unit="rounds",
    scopes=("run",),
    source="First passage time; censored as in Kaplan & Meier (1958)",
)
REACHED: Final = Measure(
    name="consensus_reached",
    about="Whether agreement came to that share: 1, or 0 for a consensus_time that is censored.",
    unit="0 or 1",
    scopes=("run",),
    source="As consensus_time",
)
CHANGES: Final = Measure(
    name="opinion_changes",
    about="Share of an agent's statements after its first that differ from the one before.",
    unit="share",
    scopes=("run", "agent"),
    source=f"Share switched of {_CHUANG}",
)
SHIFT: Final = Measure(
    name="opinion_shift",
    about="The number that an agent stated last minus the one that it stated first.",
    unit="points of the scale",
    scopes=("agent",),
    source=f"Opinion change of {_CHUANG}",
)


class _History:
    """What a subject comes to over the whole run."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}
        self.last: dict[str, str] = {}
        self.statements: dict[str, int] = {}
        self.changes: dict[str, int] = {}
        self.rounds = 0
        self.agreed_after: int | None = None

    def state(self, agent: str, view: str) -> None:
        before = self.last.get(agent)
        if before is None:
            self.first[agent] = view
            self.statements[agent] = self.changes[agent] = 0
        else:
            self.statements[agent] += 1
            self.changes[agent] += view != before
        self.last[agent] = view


class OpinionMeter(Meter):
    """Of each channel what was stated last, at the end of each round; of each probe what was answered each time."""

    measures: ClassVar[tuple[Measure, ...]] = (
        MEAN, SPREAD, DISPERSION, POLARISATION, BIMODALITY, CLUSTERS, HELD, AGREEMENT, TIME, REACHED, CHANGES, SHIFT,
    )  # fmt: skip

    def __init__(self, society: Society) -> None:
        super().__init__(society)
        self._channels = {each.of: each for each in subjects(society)}
        self._histories: dict[str, _History] = {}
        self._asked: Stances | None = None  # the probe whose answers come in now
        self._asked_at: tuple[str, int, int] = ("", -1, -1)  # its name, the turn, the round

    def take(self, event: Event, step: Step) -> Iterable[Value]:
        if not isinstance(event, Spoke | Probed):
            return ()
        finished: Iterable[Value] = ()
        if isinstance(event, Probed):
            if (event.probe, event.turn) != self._asked_at[:2]:
                finished = [*self._of_probe()]
                self._asked_at = (event.probe, event.turn, event.round)
                self._asked = Stances(event.probe, self.society.probes.get(event.probe), 0)
            if self._asked is not None:
                self._asked.members += 1
        found = stated(self.society, event)
        if found is not None:
            of, view = found
            stances = self._asked if isinstance(event, Probed) else self._channels.get(of)
            if stances is not None:
                stances.state(event.agent, view)
                self._histories.setdefault(of, _History()).state(event.agent, view)
        return finished

    def round_ended(self, number: int) -> Iterator[Value]:
        for of, stances in self._channels.items():
            if stances.last:
                yield from self._at(stances, number, self._histories[of], completed=number + 1)

    def end(self) -> Iterator[Value]:
        yield from self._of_probe()
        for of, history in self._histories.items():
            yield from _of_run(of, history)

    def _of_probe(self) -> Iterator[Value]:
        asked, self._asked = self._asked, None
        _, _, number = self._asked_at
        if asked is not None and asked.last:
            yield from self._at(asked, number, self._histories[asked.of], completed=number)

    def _at(self, stances: Stances, number: int, history: _History, *, completed: int) -> Iterator[Value]:
        numbers = stances.numbers()
        if stances.scale is None and len(numbers) > 1:
            stances.scale = Scale(min(numbers), max(numbers))
        for measure, value in _numeric(numbers, stances.scale):
            if value is not None:
                yield Value(measure.name, "round", float(value), stances.of, number)
        share = opinion.agreement(stances.counts, stances.members) or 0.0
        yield Value(HELD.name, "round", opinion.held(stances.counts) or 0.0, stances.of, number)
        yield Value(AGREEMENT.name, "round", share, stances.of, number)
        history.rounds = completed
        if history.agreed_after is None and share >= self.society.consensus_share:
            history.agreed_after = completed


def _numeric(numbers: list[float], scale: Scale | None) -> Iterator[tuple[Measure, float | None]]:
    yield MEAN, opinion.mean(numbers)
    yield SPREAD, opinion.spread(numbers)
    yield DISPERSION, opinion.dispersion(numbers)
    yield BIMODALITY, opinion.bimodality(numbers)
    if scale is not None:
        yield POLARISATION, opinion.polarisation(numbers, *scale)
        yield CLUSTERS, opinion.clusters(numbers, gap=opinion.GAP * scale.width)


def _of_run(of: str, history: _History) -> Iterator[Value]:
    reached = history.agreed_after
    yield Value(TIME.name, "run", float(history.rounds if reached is None else reached), of)
    yield Value(REACHED.name, "run", float(reached is not None), of)
    statements = sum(history.statements.values())
    if statements:
        yield Value(CHANGES.name, "run", sum(history.changes.values()) / statements, of)
    for agent, count in history.statements.items():
        if count:
            yield Value(CHANGES.name, "agent", history.changes[agent] / count, of, agent=agent)
        first, last = (number_in(each[agent]) for each in (history.first, history.last))
        if first is not None and last is not None:
            yield Value(SHIFT.name, "agent", last - first, of, agent=agent)
