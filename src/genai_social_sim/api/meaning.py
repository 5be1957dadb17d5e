"""Measures how agents keep to their personas by what they mean, as an encoder tells; the shipped ones go by words.

They are no part of `run.measures`: an encoder takes time and, for meaning, the extra `retrieval`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from genai_social_sim.analysis.measure import OwnMeasure, measure
from genai_social_sim.analysis.reading import Reading
from genai_social_sim.analysis.stances import is_talk
from genai_social_sim.analysis.text_meter import MOST_AGENTS
from genai_social_sim.analysis.trend import Mean, Slope
from genai_social_sim.backends.recall import encoder
from genai_social_sim.domain.dice import Dice
from genai_social_sim.ports import Encoder

_SOURCE = "After the persona drift of Li et al. (2024), arXiv:2402.10962"


def persona_fit_by_meaning(embedding: str = "minilm") -> OwnMeasure:
    """`persona_fit` by an encoder, round by round; raises RequestError or BackendError without that encoder."""
    opened = encoder(embedding)

    @measure(unit="likeness", scope="round", source=f"{_SOURCE}; encoder {embedding}")
    def persona_fit_by_meaning(reading: Reading) -> dict[int, float]:
        """Mean likeness of utterances to their speaker's persona less that to another agent's, drawn for each."""
        rounds: dict[int, Mean] = {}
        for number, fit in _fits(reading, opened):
            rounds.setdefault(number, Mean()).add(fit)
        return {number: mean.value for number, mean in rounds.items() if mean.value is not None}

    return persona_fit_by_meaning


def persona_drift_by_meaning(embedding: str = "minilm") -> OwnMeasure:
    """`persona_drift` by an encoder: how `persona_fit_by_meaning` changes; raises as that does."""
    opened = encoder(embedding)

    @measure(unit="likeness a round", source=f"{_SOURCE}; encoder {embedding}")
    def persona_drift_by_meaning(reading: Reading) -> float | None:
        """By how much persona_fit_by_meaning changes a round: slope by least squares. Below 0 agents lose theirs."""
        slope = Slope()
        for number, fit in _fits(reading, opened):
            slope.add(number, fit)
        return slope.value

    return persona_drift_by_meaning


def _fits(reading: Reading, opened: Encoder) -> Iterator[tuple[int, float]]:
    """The round of each utterance, and how much nearer it is to its speaker's persona than to another one."""
    found = islice(reading.society.facts.agents(), MOST_AGENTS)
    personas = {agent.name: agent.persona for agent in found if agent.persona}
    names = [*personas]
    if len({*personas.values()}) < 2:  # noqa: PLR2004 (nothing to tell apart)
        return
    for event in reading.spoken():
        mine = personas.get(event.agent)
        if mine is not None and is_talk(reading.society, event):
            other = names[Dice(reading.society.seed, "shuffled-persona", event.turn).below(len(names) - 1)]
            theirs = personas[names[-1] if other == event.agent else other]
            own, baseline = opened.likeness(event.text.value, [mine, theirs])
            yield event.round, float(own) - float(baseline)
