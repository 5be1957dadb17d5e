"""Measures what is said in words: how long and how varied it is, how often it repeats, echoes and thanks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, Final, TypeVar

from genai_social_sim.analysis.measure import Measure, Meter, Value
from genai_social_sim.analysis.society import Society
from genai_social_sim.analysis.stances import is_talk
from genai_social_sim.analysis.trend import Mean, Slope
from genai_social_sim.analysis.words import MovingRatio, mtld, overlap, thanks, trigrams, words
from genai_social_sim.domain.events import Event, Spoke
from genai_social_sim.export.source import Step

T = TypeVar("T")
MOST_AGENTS: Final = 10_000  # whose words are remembered: those who spoke first
MOST_CHANNELS: Final = 1_000
REMEMBERED: Final = 10  # utterances of a channel that a new one is compared with
STRETCH: Final = 1_000  # words at a time from which MTLD is taken
WINDOW: Final = 50  # words of a moving ratio
NEAR: Final = 0.5  # overlap of trigrams from which an utterance is a copy of another
_LIMIT: Final = f"Of at most {MOST_AGENTS:,} agents, those who spoke first."
_PLACES: Final = f"Of at most {MOST_CHANNELS:,} channels, those in which somebody spoke first."
_CAMEL: Final = "The loops that Li et al. (2023), arXiv:2303.17760, report of agents that talk to each other"
LENGTH: Final = Measure(
    name="utterance_words",
    about="Mean number of words of an utterance.",
    unit="words",
    scopes=("round", "run"),
    source="Word: letters and digits, with apostrophes and hyphens inside",
)
LENGTH_DRIFT: Final = Measure(
    name="length_drift",
    about="By how many words utterances grow a round: slope of their length over rounds, by least squares.",
    unit="words a round",
    scopes=("run",),
    source="Ordinary least squares",
)
MTLD: Final = Measure(
    name="mtld",
    about=f"Lexical diversity: how many words on average keep a ratio of types to tokens above 0.72, forwards and "
    f"backwards; of each {STRETCH:,} words of an agent in a row, averaged by their number; of a run: the mean over "
    f"agents. {_LIMIT}",
    unit="words",
    scopes=("run", "agent"),
    source="McCarthy & Jarvis (2010), doi:10.3758/BRM.42.2.381",
)
MATTR: Final = Measure(
    name="mattr",
    about=f"Lexical diversity: mean ratio of types to tokens over all windows of {WINDOW} words in a row; of a "
    "round: over those that end in it.",
    unit="ratio",
    scopes=("run", "round"),
    source="Covington & McFall (2010), doi:10.1080/09296171003643098",
)
SELF_REPETITION: Final = Measure(
    name="self_repetition",
    about=f"Mean share of an utterance's trigrams that its speaker said within the last {REMEMBERED} utterances of the "
    f"channel. {_PLACES}",
    unit="share",
    scopes=("round", "run"),
    source="After the n-gram repetition of Li et al. (2016), arXiv:1510.03055",
)
ECHO: Final = Measure(
    name="echo",
    about=f"Mean share of an utterance's trigrams that others said within the last {REMEMBERED} utterances of the "
    f"channel. {_PLACES}",
    unit="share",
    scopes=("round", "run"),
    source="Lexical alignment, Pickering & Garrod (2004), doi:10.1017/S0140525X04000056",
)
ECHO_LOOP: Final = Measure(
    name="longest_echo_loop",
    about=f"Most utterances in a row in one channel each of which is nearly one of the two before it (they share at "
    f"least {NEAR:.0%} of all their trigrams). {_PLACES}",
    unit="utterances",
    scopes=("run",),
    source=_CAMEL,
)
GRATITUDE: Final = Measure(
    name="gratitude",
    about="Share of utterances that thank or take leave, by a list of English words.",
    unit="share",
    scopes=("round", "run"),
    source=_CAMEL,
)
GRATITUDE_LOOP: Final = Measure(
    name="longest_gratitude_loop",
    about=f"Most utterances in a row in one channel that thank or take leave. {_PLACES}",
    unit="utterances",
    scopes=("run",),
    source=_CAMEL,
)


class _Diversity:
    """MTLD of a stream of words, a stretch at a time."""

    __slots__ = ("_held", "_sum", "_weight")

    def __init__(self) -> None:
        self._held: list[str] = []
        self._sum = self._weight = 0.0

    def read(self, tokens: tuple[str, ...]) -> None:
        self._held.extend(tokens)
        while len(self._held) >= STRETCH:
            self._count(self._held[:STRETCH])
            del self._held[:STRETCH]

    def value(self) -> float | None:
        self._count(self._held)
        self._held = []
        return self._sum / self._weight if self._weight else None

    def _count(self, tokens: list[str]) -> None:
        found = mtld(tokens)
        if found is not None:
            self._sum += found * len(tokens)
            self._weight += len(tokens)


class _Channel:
    """The last utterances of a channel, and the loops it is in."""

    def __init__(self) -> None:
        self.last: deque[tuple[str, frozenset[tuple[str, ...]]]] = deque(maxlen=REMEMBERED)
        self.echoing = self.thanking = 0
        self.longest_echo = self.longest_thanks = 0

    def compare(self, agent: str, text: str) -> tuple[float, float] | None:
        """Shares of its trigrams that the agent itself and that others said lately; None for one without words."""
        mine = trigrams(text)
        if not mine:
            return None
        own = [said for who, said in self.last if who == agent]
        others = [said for who, said in self.last if who != agent]
        near = [overlap(mine, said) for _, said in [*self.last][-2:]]
        self.echoing = self.echoing + 1 if max(near, default=0.0) >= NEAR else 0
        self.longest_echo = max(self.longest_echo, self.echoing)
        self.last.append((agent, mine))
        return _share(mine, own), _share(mine, others)

    def thank(self, does: bool) -> None:
        self.thanking = self.thanking + 1 if does else 0
        self.longest_thanks = max(self.longest_thanks, self.thanking)


def _share(mine: frozenset[tuple[str, ...]], said: list[frozenset[tuple[str, ...]]]) -> float:
    """Which part of `mine`, which is not empty, is in any of the others."""
    return (len(mine) - len(mine.difference(*said))) / len(mine)


class TextMeter(Meter):
    """Of what agents say; choices, numbers and states of rules are left out."""

    measures: ClassVar[tuple[Measure, ...]] = (
        LENGTH, LENGTH_DRIFT, MTLD, MATTR, SELF_REPETITION, ECHO, ECHO_LOOP, GRATITUDE, GRATITUDE_LOOP,
    )  # fmt: skip
    _averaged: ClassVar[tuple[Measure, ...]] = (LENGTH, SELF_REPETITION, ECHO, GRATITUDE)

    def __init__(self, society: Society) -> None:
        super().__init__(society)
        self._means = {measure.name: (Mean(), Mean()) for measure in self._averaged}  # of the round, of the run
        self._slope = Slope()
        self._ratio = MovingRatio(WINDOW)
        self._by_agent: dict[str, _Diversity] = {}
        self._channels: dict[str, _Channel] = {}

    def take(self, event: Event, step: Step) -> Iterable[Value]:
        if not isinstance(event, Spoke) or not is_talk(self.society, event):
            return ()
        text = event.text.value
        tokens = words(text)
        self._add(LENGTH, len(tokens))
        self._slope.add(event.round, len(tokens))
        self._ratio.read(tokens)
        diversity = kept(self._by_agent, event.agent, _Diversity, MOST_AGENTS)
        if diversity is not None:
            diversity.read(tokens)
        thanking = thanks(text)
        self._add(GRATITUDE, thanking)
        channel = kept(self._channels, event.channel, _Channel, MOST_CHANNELS)
        if channel is not None:
            channel.thank(thanking)
            shares = channel.compare(event.agent, text)
            for measure, share in zip((SELF_REPETITION, ECHO), shares or (), strict=False):
                self._add(measure, share)
        return ()

    def round_ended(self, number: int) -> Iterator[Value]:
        for name, (of_round, of_run) in self._means.items():
            if of_round.value is not None:
                yield Value(name, "round", of_round.value, round=number)
            self._means[name] = (Mean(), of_run)
        ratio = self._ratio.since()
        if ratio is not None:
            yield Value(MATTR.name, "round", ratio, round=number)

    def end(self) -> Iterator[Value]:
        found = {name: of_run.value for name, (_, of_run) in self._means.items()}
        found |= {LENGTH_DRIFT.name: self._slope.value, MATTR.name: self._ratio.value}
        by_agent = {agent: value for agent, each in self._by_agent.items() if (value := each.value()) is not None}
        found[MTLD.name] = sum(by_agent.values()) / len(by_agent) if by_agent else None
        if self._channels:
            found[ECHO_LOOP.name] = max(channel.longest_echo for channel in self._channels.values())
            found[GRATITUDE_LOOP.name] = max(channel.longest_thanks for channel in self._channels.values())
        for name, value in found.items():
            if value is not None:
                yield Value(name, "run", float(value))
        for agent, value in by_agent.items():
            yield Value(MTLD.name, "agent", value, agent=agent)

    def _add(self, measure: Measure, value: float) -> None:
        for mean in self._means[measure.name]:
            mean.add(value)


def kept(known: dict[str, T], name: str, make: Callable[[], T], most: int) -> T | None:
    """What is remembered of a name; made anew for the first `most` names, None for all others."""
    found = known.get(name)
    if found is None and len(known) < most:
        found = known[name] = make()
    return found
