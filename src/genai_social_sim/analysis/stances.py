"""What agents hold, as they state it by choices, ratings, numbers and answers to probes. It measures nothing."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from genai_social_sim.analysis.society import Scale, Society
from genai_social_sim.domain.events import Event, Probed, Spoke


class Stances:
    """What each agent stated last on one subject: a channel, or a probe at one time.

    `scale`: its ends as the study gives them; else, once numbers were stated in a whole round, theirs.
    """

    def __init__(self, of: str, scale: Scale | None, members: int) -> None:
        self.of = of
        self.scale = scale
        self.members = members
        self.last: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self._numbers: dict[str, float] = {}

    def state(self, agent: str, view: str) -> str | None:
        """An agent states its view; what it stated before, None the first time."""
        before = self.last.get(agent)
        if before == view:
            return before
        self.last[agent] = view
        self.counts[view] = self.counts.get(view, 0) + 1
        if before is not None:
            self.counts[before] -= 1
            if not self.counts[before]:
                del self.counts[before]
        value = number_in(view)
        if value is None:
            self._numbers.pop(agent, None)
        else:
            self._numbers[agent] = value
        return before

    def numbers(self) -> list[float]:
        """All of them, if all are numbers; else none."""
        return [*self._numbers.values()] if len(self._numbers) == len(self.last) else []


def number_in(view: str) -> float | None:
    """The number that a view is; None for other words."""
    try:
        value = float(view)
    except ValueError:
        return None
    return value if isfinite(value) else None


def stated(society: Society, event: Event) -> tuple[str, str] | None:
    """On which subject an event states which view; None for anything else.

    Choices, ratings and answers to probes with options do; where anything may be said, numbers do, and what agents
    say that follow a rule.
    """
    last, found = society.last_stated  # several measures ask for the same event's
    if last is not event:
        found = _stated(society, event)
        society.last_stated = (event, found)
    return found


def _stated(society: Society, event: Event) -> tuple[str, str] | None:
    match event:
        case Probed(probe=probe, choice=str(choice)):
            return probe, choice
        case Spoke(choice=str(choice)) if not society.is_procedure(event):
            return event.channel, choice
        case Spoke(choice=None, text=text) if not society.is_procedure(event):
            value = text.value.strip()
            if number_in(value) is not None or event.agent in society.ruled:
                return event.channel, value
        case _:
            pass  # whatever else is said or done states nothing
    return None


def is_talk(society: Society, event: Spoke) -> bool:
    """Whether it is words, and no choice, number or state."""
    return stated(society, event) is None and not society.is_procedure(event)


def subjects(society: Society) -> Iterator[Stances]:
    """One for each channel, before anything was said."""
    for name, hall in society.halls.items():
        yield Stances(name, hall.scale, len(hall.members))
