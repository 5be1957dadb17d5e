"""What triggers look at, and whether one holds. It knows nothing of when they are looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, assert_never

from genai_social_sim.domain.agenda import Intervention, Probe
from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.domain.trigger import Measured, Several, Trigger, parts_of
from genai_social_sim.kernel.agenda import NOTHING, Key
from genai_social_sim.kernel.agreement import Views, nothing_said
from genai_social_sim.kernel.stopping import Progress


class Watch(NamedTuple):
    """What is counted for triggers beyond what stopping rules look at, and which of them have held."""

    messages: int = 0
    answers: Mapping[str, Views] = MappingProxyType({})  # what each answered last, by probe
    held: frozenset[Key] = NOTHING  # whose triggers hold at this point of the run
    fired: frozenset[Key] = NOTHING  # whose triggers have held at some point


class Look(NamedTuple):
    """All that a trigger goes by."""

    plan: RunPlan
    progress: Progress
    views: Views
    watch: Watch


def begun(plan: RunPlan) -> Watch | None:
    """Before the first turn; None if nothing waits for a trigger."""
    planned: tuple[Probe | Intervention, ...] = (*plan.probes, *plan.interventions)
    triggers = [each.trigger for each in planned if each.trigger is not None]
    if not triggers:
        return None
    probes = {part.of for trigger in triggers for part in parts_of(trigger) if part.of is not None}
    return Watch(answers={name: nothing_said(len(plan.agents)) for name in sorted(probes)})


def holds(trigger: Trigger, look: Look) -> bool:
    """Whether it holds now."""
    if isinstance(trigger, Several):
        each = (holds(part, look) for part in trigger.triggers)
        return all(each) if trigger.every else any(each)
    value = _value(trigger, look)
    low = -math.inf if trigger.low is None else trigger.low
    return value is not None and low <= value <= (math.inf if trigger.high is None else trigger.high)


def _value(measured: Measured, look: Look) -> float | None:
    match measured.measure:
        case "silence":
            return look.progress.quiet / look.plan.round_size
        case "messages":
            return look.watch.messages
        case "tokens":
            return look.progress.tokens
        case "consensus" | "share":
            views, whole = _answers(measured, look)
            counted = views.counts.get(measured.option, 0) if measured.measure == "share" else _most(views)
            return counted / whole
        case "mean" | "spread":
            return _moment(_answers(measured, look)[0], spread=measured.measure == "spread")
        case _ as unknown:
            assert_never(unknown)


def _answers(measured: Measured, look: Look) -> tuple[Views, int]:
    """What each said or answered last, and of how many."""
    if measured.of is None:
        return look.views, len(look.plan.agents)
    probe = next(probe for probe in look.plan.probes if probe.name == measured.of)
    return look.watch.answers[measured.of], len(probe.asked)


def _most(views: Views) -> int:
    return max(views.counts.values(), default=0)


def _moment(views: Views, *, spread: bool) -> float | None:
    """Mean or standard deviation of the answers that are numbers; None if none is."""
    found = [(value, count) for text, count in views.counts.items() if (value := _number(text)) is not None]
    total = sum(count for _, count in found)
    if not total:
        return None
    mean = math.fsum([value * count for value, count in found]) / total
    return math.sqrt(math.fsum([(value - mean) ** 2 * count for value, count in found]) / total) if spread else mean


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
