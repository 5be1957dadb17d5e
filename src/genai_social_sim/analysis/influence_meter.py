"""Measures who moves whom, who goes with the majority, and how much of what is heard is in what is stated next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from math import log2
from typing import ClassVar, Final, NamedTuple

from genai_social_sim.analysis.measure import Measure, Meter, Value
from genai_social_sim.analysis.society import Scale, Society
from genai_social_sim.analysis.stances import number_in, stated
from genai_social_sim.domain.events import Event, Spoke
from genai_social_sim.export.source import Step

MOST_HEARD: Final = 100  # in a channel without a network: larger ones have no influence of one on another
STATES: Final = 5  # into which a scale is cut for the flow of information; also the most different words
_CREDIT: Final = "Partial credits of Goyal, Bonchi & Lakshmanan (2010), doi:10.1145/1718487.1718518"
INFLUENCE: Final = Measure(
    name="influence",
    about="How far an agent moved others, or another one: each change of what somebody states counts as the distance "
    "on the scale (1 for words), in equal parts for those heard who had stated just that (numbers: who stood on the "
    f"side to which it moved). Not in channels without a network of more than {MOST_HEARD} members.",
    unit="points of the scale, or changes",
    scopes=("agent", "pair"),
    source=_CREDIT,
)
CONFORMITY: Final = Measure(
    name="conformity",
    about="Of the statements of agents that had stated something else than more than half of those they heard: the "
    "share that went over to these.",
    unit="share",
    scopes=("run", "agent"),
    source="After Asch (1956), doi:10.1037/h0093718, with what was heard in place of confederates",
)
CONFORMITY_CHANCES: Final = Measure(
    name="conformity_chances",
    about="How many statements conformity is the share of.",
    unit="statements",
    scopes=("run",),
    source="As conformity",
)
FLOW: Final = Measure(
    name="information_flow",
    about=f"Transfer entropy from what is heard to what is stated next, beyond what was stated before; all pairs "
    f"pooled, numbers cut into {STATES} equal parts of the scale. Above 0 also by chance: compare it with a null arm. "
    f"No value where more than {STATES} different words are stated.",
    unit="bits",
    scopes=("run",),
    source="Schreiber (2000), doi:10.1103/PhysRevLett.85.461",
)


def transfer_entropy(counts: Mapping[tuple[str, str, str], int]) -> float | None:
    """Bits that y tells of the next x beyond the x before, from counts of (next x, x, y); None without any.

    Source: Schreiber (2000), doi:10.1103/PhysRevLett.85.461, one step back.

    >>> transfer_entropy({("a", "a", "a"): 1, ("b", "a", "b"): 1, ("a", "b", "a"): 1, ("b", "b", "b"): 1})
    1.0
    """
    total = sum(counts.values())
    if not total:
        return None
    moved: Counter[tuple[str, str]] = Counter()
    before: Counter[str] = Counter()
    known: Counter[tuple[str, str]] = Counter()
    for (after, own, other), count in counts.items():
        moved[after, own] += count
        before[own] += count
        known[own, other] += count
    bits = [
        count / total * log2(count * before[own] / (known[own, other] * moved[after, own]))
        for (after, own, other), count in counts.items()
    ]
    return max(0.0, sum(bits))


class _Tried(NamedTuple):
    """How often an agent could have gone over to a majority, and did."""

    chances: int = 0
    taken: int = 0


class _Minds:
    """What the members of one channel have stated, as others could hear it."""

    def __init__(self, of: str, scale: Scale | None) -> None:
        self.of = of
        self.last: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.credit: dict[tuple[str, str], float] = {}
        self.tried: dict[str, _Tried] = {}
        self.flow: Counter[tuple[str, str, str]] = Counter()
        self._scale = scale
        self._words: set[str] = set()
        self._wave: Hashable = None
        self._held: dict[str, str] = {}  # stated in this wave, heard by nobody yet

    def state(self, agent: str, view: str, heard: Sequence[str] | None, wave: Hashable) -> None:
        """An agent states a view after it heard `heard`; None is everybody."""
        if wave != self._wave:
            for each, said in self._held.items():
                self._said(each, said)
            self._held, self._wave = {}, wave
        before = self.last.get(agent)
        if before is not None:
            views = self._views(agent, before, heard)
            self._conform(agent, before, view, views)
            self._inform(before, view, views)
            if view != before:
                self._credit(agent, before, view, heard)
        self._held[agent] = view

    def _said(self, agent: str, view: str) -> None:
        before = self.last.get(agent)
        if before is not None:
            self.counts[before] -= 1
            if not self.counts[before]:
                del self.counts[before]
        self.last[agent] = view
        self.counts[view] += 1
        if len(self._words) <= STATES:
            self._words.add(view)

    def _views(self, agent: str, before: str, heard: Sequence[str] | None) -> Mapping[str, int]:
        """How many of those heard had stated what."""
        if heard is None:
            return self.counts - Counter([before])
        return Counter([self.last[each] for each in heard if each in self.last and each != agent])

    def _conform(self, agent: str, before: str, view: str, views: Mapping[str, int]) -> None:
        most = max(views, key=views.__getitem__, default=before)
        if most == before or views[most] * 2 <= sum(views.values()):
            return
        chances, taken = self.tried.get(agent, _Tried())
        self.tried[agent] = _Tried(chances + 1, taken + (view == most))

    def _inform(self, before: str, view: str, views: Mapping[str, int]) -> None:
        after, own = self._part(view), self._part(before)
        for other, count in views.items():
            self.flow[after, own, self._part(other)] += count

    def _part(self, view: str) -> str:
        """A view, or the part of the scale in which it lies."""
        value = number_in(view) if self._scale else None
        if value is None or self._scale is None or not self._scale.width:
            return view if len(self._words) <= STATES else ""
        return str(max(0, min(STATES - 1, int((value - self._scale.low) / self._scale.width * STATES))))

    def _credit(self, agent: str, before: str, view: str, heard: Sequence[str] | None) -> None:
        if heard is None and len(self.last) > MOST_HEARD:
            return
        others = [each for each in (self.last if heard is None else heard) if each in self.last and each != agent]
        old, new = number_in(before), number_in(view)
        if old is None or new is None:
            moved, pulling = 1.0, [each for each in others if self.last[each] == view]
        else:
            moved, pulling = abs(new - old), [each for each in others if _pulls(self.last[each], old, new)]
        for each in pulling:
            self.credit[each, agent] = self.credit.get((each, agent), 0.0) + moved / len(pulling)

    @property
    def flows(self) -> bool:
        """Whether there are few enough states for a flow of information."""
        return self._scale is not None or len(self._words) <= STATES


def _pulls(view: str, old: float, new: float) -> bool:
    """Whether a view lies on the side of `old` to which somebody moved."""
    value = number_in(view)
    return value is not None and (value - old) * (new - old) > 0


class InfluenceMeter(Meter):
    """Of what agents state in channels, beside what those whom they hear had stated."""

    measures: ClassVar[tuple[Measure, ...]] = (INFLUENCE, CONFORMITY, CONFORMITY_CHANCES, FLOW)

    def __init__(self, society: Society) -> None:
        super().__init__(society)
        self._minds = {name: _Minds(name, hall.scale) for name, hall in society.halls.items()}

    def take(self, event: Event, step: Step) -> Iterable[Value]:
        found = stated(self.society, event) if isinstance(event, Spoke) else None
        if found is not None and isinstance(event, Spoke) and found[0] in self._minds:
            heard, wave = self.society.heard(event), self.society.wave(event)
            self._minds[found[0]].state(event.agent, found[1], heard, wave)
        return ()

    def end(self) -> Iterator[Value]:
        for minds in self._minds.values():
            yield from _of(minds)


def _of(minds: _Minds) -> Iterator[Value]:
    given: dict[str, float] = {}
    for (agent, other), credit in minds.credit.items():
        given[agent] = given.get(agent, 0.0) + credit
        yield Value(INFLUENCE.name, "pair", credit, minds.of, agent=agent, other=other)
    for agent, credit in given.items():
        yield Value(INFLUENCE.name, "agent", credit, minds.of, agent=agent)
    chances = sum([tried.chances for tried in minds.tried.values()])
    if chances:
        taken = sum([tried.taken for tried in minds.tried.values()])
        yield Value(CONFORMITY.name, "run", taken / chances, minds.of)
        yield Value(CONFORMITY_CHANCES.name, "run", float(chances), minds.of)
    for agent, tried in minds.tried.items():
        yield Value(CONFORMITY.name, "agent", tried.taken / tried.chances, minds.of, agent=agent)
    flow = transfer_entropy(minds.flow) if minds.flows else None
    if flow is not None:
        yield Value(FLOW.name, "run", flow, minds.of)
