"""Measures how agents stay themselves: like they were, like their personas, unlike each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from math import log
from typing import ClassVar, Final

from genai_social_sim.analysis.measure import Measure, Meter, Value
from genai_social_sim.analysis.society import Society
from genai_social_sim.analysis.stances import is_talk, number_in, stated
from genai_social_sim.analysis.text_meter import MOST_AGENTS, MOST_CHANNELS, kept
from genai_social_sim.analysis.trend import Between, Mean, Slope
from genai_social_sim.analysis.words import Bag, cosine, words
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.events import Event, Probed, Spoke
from genai_social_sim.export.source import Step

_NOTHING: Final = Bag({})
_COSINE: Final = "Cosine of word counts, Salton & McGill (1983)"
_SHUFFLED: Final = "Between groups less what shuffling gives: epsilon squared, Kelley (1935), doi:10.1073/pnas.21.9.554"
_DRIFT: Final = "After the persona drift of Li et al. (2024), arXiv:2402.10962, by words alone"
SELF_SIMILARITY: Final = Measure(
    name="self_similarity",
    about=f"Mean similarity of an agent's utterance to its own one before, by the words that both use. "
    f"Of at most {MOST_AGENTS:,} agents, those who spoke first.",
    unit="cosine",
    scopes=("round", "run"),
    source=_COSINE,
)
OTHER_SIMILARITY: Final = Measure(
    name="other_similarity",
    about=f"Mean similarity of an utterance to the last one of somebody else in the channel, by the words that both "
    f"use. Of at most {MOST_CHANNELS:,} channels, those in which somebody spoke first.",
    unit="cosine",
    scopes=("round", "run"),
    source=_COSINE,
)
PERSONA_FIT: Final = Measure(
    name="persona_fit",
    about="Mean similarity of utterances to their speaker's persona less that to the persona of another agent, drawn "
    "for each utterance. Words that all personas have do not count. Of at most "
    f"{MOST_AGENTS:,} agents, the first in the order of the record.",
    unit="cosine",
    scopes=("round", "run"),
    source=f"{_DRIFT}; the weights are tf-idf, Sparck Jones (1972)",
)
PERSONA_DRIFT: Final = Measure(
    name="persona_drift",
    about="By how much persona_fit changes a round: slope over rounds, by least squares. Below 0 agents lose theirs.",
    unit="cosine a round",
    scopes=("run",),
    source=_DRIFT,
)
BETWEEN_OPINIONS: Final = Measure(
    name="opinion_variance_between_agents",
    about="Share of the variance of all numbers stated that lies between agents, above the mean over all ways to "
    "shuffle personas over statements: 0 is chance, 1 is all.",
    unit="share",
    scopes=("run",),
    source=_SHUFFLED,
)
BETWEEN_LENGTHS: Final = Measure(
    name="length_variance_between_agents",
    about="Share of the variance of the length of utterances in words that lies between agents, above the mean over "
    "all ways to shuffle personas over utterances: 0 is chance, 1 is all.",
    unit="share",
    scopes=("run",),
    source=_SHUFFLED,
)


class _Means:
    """A mean of the round and one of the run."""

    def __init__(self) -> None:
        self.of_round, self.of_run = Mean(), Mean()

    def add(self, value: float | None) -> None:
        self.of_round.add(value)
        self.of_run.add(value)


class _Latest:
    """The last utterance of a channel, and the last before it by another speaker."""

    def __init__(self) -> None:
        self._last = ("", _NOTHING)
        self._before = _NOTHING

    def of_another(self, agent: str) -> Bag:
        who, said = self._last
        return self._before if who == agent else said

    def said(self, agent: str, counted: Bag) -> None:
        who, said = self._last
        if who != agent:
            self._before = said
        self._last = (agent, counted)


class DriftMeter(Meter):
    """Of what agents say, beside what they said before, what others said, and who they were meant to be."""

    measures: ClassVar[tuple[Measure, ...]] = (
        SELF_SIMILARITY, OTHER_SIMILARITY, PERSONA_FIT, PERSONA_DRIFT, BETWEEN_OPINIONS, BETWEEN_LENGTHS,
    )  # fmt: skip

    def __init__(self, society: Society) -> None:
        super().__init__(society)
        self._own: dict[str, Bag] = {}
        self._latest: dict[str, _Latest] = {}
        self._personas = _weighed(society)
        self._names = [*self._personas]
        self._means = {each.name: _Means() for each in (SELF_SIMILARITY, OTHER_SIMILARITY, PERSONA_FIT)}
        self._slope = Slope()
        self._lengths = Between()
        self._opinions: dict[str, Between] = {}

    def take(self, event: Event, step: Step) -> Iterable[Value]:
        if not isinstance(event, Spoke | Probed):
            return ()
        found = stated(self.society, event)
        value = None if found is None else number_in(found[1])
        if found is not None and value is not None:
            self._opinions.setdefault(found[0], Between()).add(event.agent, value)
        elif isinstance(event, Spoke) and is_talk(self.society, event):
            self._spoken(event)
        return ()

    def round_ended(self, number: int) -> Iterator[Value]:
        for name, means in self._means.items():
            if means.of_round.value is not None:
                yield Value(name, "round", means.of_round.value, round=number)
            means.of_round = Mean()

    def end(self) -> Iterator[Value]:
        found = {name: means.of_run.value for name, means in self._means.items()}
        found |= {PERSONA_DRIFT.name: self._slope.value, BETWEEN_LENGTHS.name: self._lengths.share}
        for name, value in found.items():
            if value is not None:
                yield Value(name, "run", value)
        for of, between in self._opinions.items():
            if between.share is not None:
                yield Value(BETWEEN_OPINIONS.name, "run", between.share, of)

    def _spoken(self, event: Spoke) -> None:
        tokens = words(event.text.value)
        counted = Bag(Counter(tokens))
        self._lengths.add(event.agent, len(tokens))
        before = kept(self._own, event.agent, lambda: _NOTHING, MOST_AGENTS)
        if before is not None:
            self._means[SELF_SIMILARITY.name].add(cosine(counted, before))
            self._own[event.agent] = counted
        latest = kept(self._latest, event.channel, _Latest, MOST_CHANNELS)
        if latest is not None:
            self._means[OTHER_SIMILARITY.name].add(cosine(counted, latest.of_another(event.agent)))
            latest.said(event.agent, counted)
        fit = self._fit(event, counted)
        if fit is not None:
            self._means[PERSONA_FIT.name].add(fit)
            self._slope.add(event.round, fit)

    def _fit(self, event: Spoke, counted: Bag) -> float | None:
        """How much nearer an utterance is to its speaker's persona than to another one."""
        mine = self._personas.get(event.agent)
        if mine is None:
            return None
        dice = Dice(self.society.seed, "shuffled-persona", event.turn)
        other = self._names[dice.below(len(self._names) - 1)]
        if other == event.agent:
            other = self._names[-1]
        own, baseline = (cosine(counted, persona) or 0.0 for persona in (mine, self._personas[other]))
        return own - baseline


def _weighed(society: Society) -> dict[str, Bag]:
    """The words of each persona, weighted by how few personas have them; none if there is nothing to tell apart."""
    texts = [(agent.name, agent.persona or "") for agent in islice(society.facts.agents(), MOST_AGENTS)]
    counted = {name: Counter(words(text)) for name, text in texts if text}
    among = Counter([word for each in counted.values() for word in each])
    weighed = {
        name: {word: count * weight for word, count in each.items() if (weight := log(len(counted) / among[word])) > 0}
        for name, each in counted.items()
    }
    found = {name: Bag(each) for name, each in weighed.items() if each}
    return found if len(found) > 1 else {}
