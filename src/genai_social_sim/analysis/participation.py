"""Measures who takes part how much: agents, roles, and how unequally. It counts by the original's analytics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from genai_social_sim.analysis.measure import Measure, Meter, Value
from genai_social_sim.analysis.society import Society
from genai_social_sim.domain.events import Event
from genai_social_sim.export import original
from genai_social_sim.export.source import Step

_ANALYTICS: Final = "The original's analytics_export"
# The original's column, the measure that it is, and its unit.
_COUNTED: Final = (
    ("Generations", "generations", "answers"),
    ("Turns", "utterances", "utterances"),
    ("MessagesReceived", "messages_received", "utterances"),
    ("MessagesIgnored", "messages_ignored", "utterances"),
    ("AvgProcessingTime", "processing_time", "seconds"),
    ("Silences", "silences", "turns"),
    ("Failures", "failures", "attempts"),
    ("Truncated", "truncated", "answers"),
    ("SpokeFor", "spoke_for", "utterances"),
    ("Words", "words", "words"),
)
_SHARES: Final = "Bales et al. (1951), Channels of communication in small groups"
UTTERANCE_SHARE: Final = Measure(
    name="utterance_share",
    about="Share of all utterances that are an agent's, or those of a role's agents together.",
    unit="share",
    scopes=("agent", "role"),
    source=_SHARES,
)
WORD_SHARE: Final = Measure(
    name="word_share",
    about="Share of all words that are an agent's, or those of a role's agents together.",
    unit="share",
    scopes=("agent", "role"),
    source=_SHARES,
)
SHARE_PER_MEMBER: Final = Measure(
    name="word_share_per_member",
    about="A role's share of all words over its share of all agents: 1 is as much as their number would have it.",
    unit="ratio",
    scopes=("role",),
    source=_SHARES,
)
UTTERANCE_GINI: Final = Measure(
    name="utterance_gini",
    about="How unequally utterances are spread over agents: 0 is equal, towards 1 one says everything.",
    unit="coefficient",
    scopes=("run",),
    source="Gini (1912)",
)
WORD_GINI: Final = Measure(
    name="word_gini",
    about="How unequally words are spread over agents: 0 is equal, towards 1 one says everything.",
    unit="coefficient",
    scopes=("run",),
    source="Gini (1912)",
)
INTRUSIONS: Final = Measure(
    name="intrusions",
    about="Share of utterances that were cut because the model went on as somebody else. Turns here cannot be "
    "interrupted; to take another's turn within one's own is the nearest to it.",
    unit="share",
    scopes=("run", "agent", "role"),
    source="In place of the interruptions of Zimmerman & West (1975)",
)


def gini(amounts: Sequence[float]) -> float | None:
    """The Gini coefficient of amounts from 0 up, on [0, 1 - 1/n]; None without any or if all are 0.

    Source: Gini (1912); the form for sorted amounts in Sen (1973).

    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 1])
    (0.0, 0.75)
    """
    total, n = sum(amounts), len(amounts)
    if not total:
        return None
    ranked = sum([rank * amount for rank, amount in enumerate(sorted(amounts), start=1)])
    return 2 * ranked / (n * total) - (n + 1) / n


def _measure_of(column: str, name: str, unit: str) -> Measure:
    words = next(each.description for each in original.ANALYTICS.columns if each.name == column)
    return Measure(name=name, about=words, unit=unit, scopes=("agent",), source=f"{_ANALYTICS}: {column}")


class ParticipationMeter(Meter):
    """Of each agent in each channel what the original counts; over all channels, the shares."""

    measures: ClassVar[tuple[Measure, ...]] = (
        *[_measure_of(*each) for each in _COUNTED],
        UTTERANCE_SHARE, WORD_SHARE, SHARE_PER_MEMBER, UTTERANCE_GINI, WORD_GINI, INTRUSIONS,
    )  # fmt: skip

    def __init__(self, society: Society) -> None:
        super().__init__(society)
        self._counts = original.Counts()

    def take(self, event: Event, step: Step) -> Iterable[Value]:
        self._counts.take(step)
        return ()

    def end(self) -> Iterator[Value]:
        names = [column.name for column in original.ANALYTICS.columns[:-1]]
        totals: dict[str, list[int]] = {}
        for row in self._counts.rows():
            cells: dict[str, Any] = dict(zip(names, row, strict=True))
            agent, channel = cells["Bot"], cells["Channel"]
            for column, name, _ in _COUNTED:
                if cells[column] is not None:
                    yield Value(name, "agent", float(cells[column]), channel, agent=agent)
            counts = totals.setdefault(agent, [0, 0, 0])
            for at, column in enumerate(("Turns", "Words", "SpokeFor")):
                counts[at] += cells[column]
        yield from _shares(totals)
        yield from _of_roles(totals, self.society.roles)


def _shares(totals: Mapping[str, Sequence[int]]) -> Iterator[Value]:
    utterances, words, intrusions = (sum([counts[at] for counts in totals.values()]) for at in range(3))
    for agent, counts in totals.items():
        if utterances:
            yield Value(UTTERANCE_SHARE.name, "agent", counts[0] / utterances, agent=agent)
        if words:
            yield Value(WORD_SHARE.name, "agent", counts[1] / words, agent=agent)
        if counts[0]:
            yield Value(INTRUSIONS.name, "agent", counts[2] / counts[0], agent=agent)
    for measure, at in ((UTTERANCE_GINI, 0), (WORD_GINI, 1)):
        found = gini([counts[at] for counts in totals.values()])
        if found is not None:
            yield Value(measure.name, "run", found)
    if utterances:
        yield Value(INTRUSIONS.name, "run", intrusions / utterances)


def _of_roles(totals: Mapping[str, Sequence[int]], roles: Mapping[str, str]) -> Iterator[Value]:
    utterances, words = (sum([counts[at] for counts in totals.values()]) for at in range(2))
    for role in sorted({*roles.values()}):
        held = [counts for agent, counts in totals.items() if roles.get(agent) == role]
        said, spoken, intruded = (sum([counts[at] for counts in held]) for at in range(3))
        if utterances:
            yield Value(UTTERANCE_SHARE.name, "role", said / utterances, role)
        if words:
            yield Value(WORD_SHARE.name, "role", spoken / words, role)
            if held:
                yield Value(SHARE_PER_MEMBER.name, "role", spoken / words * len(totals) / len(held), role)
        if said:
            yield Value(INTRUSIONS.name, "role", intruded / said, role)
