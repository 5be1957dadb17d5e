"""When probes and interventions are due: at points between turns, in an order that the plan settles.

At a point come the probes, in the order of the study, each asking its agents in the order of their names; then the
interventions, in the order of the study. Channels wait for each other at such a point and nowhere else.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Final, NamedTuple, assert_never

from genai_social_sim.domain.agenda import After, AtEnd, Every, Probe, When
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.kernel.floor import Turn


class Intervening(NamedTuple):
    """An intervention that is due: its position in the plan."""

    number: int


Item = Turn | Intervening  # a turn here is an agent to be asked aside
Key = tuple[str, int]  # "probe" or "change", and its position in the plan
NOTHING: Final = frozenset[Key]()


class Agenda:
    """The points of a plan at which something is due, in turns."""

    def __init__(self, plan: RunPlan) -> None:
        self._plan: Final = plan
        moments = [when for probe in plan.probes for when in probe.when]
        moments += [when for intervention in plan.interventions for when in intervention.when]
        self.empty: Final = not moments
        self._steps: Final = {when.count * _size(plan, when) for when in moments if isinstance(when, Every)}
        self._points: Final = sorted({when.count * _size(plan, when) for when in moments if isinstance(when, After)})
        self._sized: tuple[int, bool, frozenset[Key], int] = (-1, False, NOTHING, 0)
        channels = reversed(plan.channels)
        self._home: Final = {member: channel.name for channel in channels for member in channel.members}
        self._index: Final = {channel.name: index for index, channel in enumerate(plan.channels)}

    def next(self, turns: int) -> float:
        """The next point after `turns` turns; infinite if there is none."""
        at = bisect_right(self._points, turns)
        points = [(turns // step + 1) * step for step in self._steps] + self._points[at : at + 1]
        return min(points, default=math.inf)

    def size(self, turns: int, *, closing: bool, held: frozenset[Key] = NOTHING) -> int:
        """How many items are due after `turns` turns."""
        if self._sized[:3] != (turns, closing, held):  # every channel asks
            self._sized = (turns, closing, held, len(self.items(turns, closing=closing, held=held)))
        return self._sized[3]

    def items(self, turns: int, *, closing: bool, held: frozenset[Key] = NOTHING) -> list[Item]:
        """What is due after `turns` turns, in order.

        Args:
            turns: How many turns have been taken.
            closing: Whether a stopping rule holds; then what is due at the end is, and nothing is changed any more.
            held: Whose triggers hold at this point.
        """
        changes = self._interventions(turns, closing=closing, held=held)
        following = [probe for probe in self._plan.probes if not {*changes}.isdisjoint(probe.after)]
        first = self._asides(self._probes(turns, closing=closing, held=held), turns)
        return [*first, *map(Intervening, changes), *self._asides(following, turns)]

    def asked(self, turns: int, *, closing: bool, held: frozenset[Key] = NOTHING) -> int:
        """How many agents are asked aside after `turns` turns, before anything is changed."""
        return sum(len(self._whom(probe, turns)) for probe in self._probes(turns, closing=closing, held=held))

    def comes(self, moments: tuple[When, ...], turns: int, *, closing: bool) -> bool:
        """Whether one of these moments is after `turns` turns."""
        return any(self._holds(when, turns, closing=closing) for when in moments)

    def _asides(self, probes: list[Probe], turns: int) -> list[Turn]:
        return [self._aside(probe, agent, turns) for probe in probes for agent in self._whom(probe, turns)]

    def _probes(self, turns: int, *, closing: bool, held: frozenset[Key]) -> list[Probe]:
        planned = enumerate(self._plan.probes)
        return [
            probe
            for number, probe in planned
            if (probe.trigger is None or ("probe", number) in held) and self.comes(probe.when, turns, closing=closing)
        ]

    def _interventions(self, turns: int, *, closing: bool, held: frozenset[Key]) -> list[int]:
        if closing:
            return []
        planned = enumerate(self._plan.interventions)
        return [
            number
            for number, each in planned
            if (each.trigger is None or ("change", number) in held) and self.comes(each.when, turns, closing=False)
        ]

    def _holds(self, when: When, turns: int, *, closing: bool) -> bool:
        match when:
            case AtEnd():
                return closing
            case Every(count=count):
                return turns > 0 and turns % (count * _size(self._plan, when)) == 0
            case After(count=count):
                return turns == count * _size(self._plan, when)
            case _ as unknown:
                assert_never(unknown)

    def _whom(self, probe: Probe, turns: int) -> tuple[AgentId, ...]:
        if probe.sample is None or probe.sample >= len(probe.asked):
            return probe.asked
        dice = Dice(self._plan.seed, "probe sample", probe.name, turns)
        return tuple(sorted(dice.shuffled(probe.asked)[: probe.sample]))

    def _aside(self, probe: Probe, agent: AgentId, turns: int) -> Turn:
        channel = probe.channel or self._home[agent]
        return Turn(
            number=turns,
            channel=channel,
            channel_no=self._index[channel],
            round=turns // self._plan.round_size,
            position=-1,
            agent=agent,
            aside=probe.name,
        )


def _size(plan: RunPlan, when: Every | After) -> int:
    return plan.round_size if when.unit == "rounds" else 1


def first_point(plan: RunPlan, moments: tuple[When, ...]) -> float:
    """After how many turns something is due for the first time; infinite if at the end alone."""
    counted = [when for when in moments if not isinstance(when, AtEnd)]
    return min((when.count * _size(plan, when) for when in counted), default=math.inf)
