"""How far agents agree: what each said last, counted as it goes, and for how many rounds enough said the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from genai_social_sim.domain.plan import AllOf, AnyOf, Consensus, StopRule
from genai_social_sim.domain.vector import Vector


class Views(NamedTuple):
    """What each agent said last, in the order of the plan's agents, and how many said each of it; "" is nothing yet."""

    last: Vector[str]
    counts: Mapping[str, int]


def nothing_said(agents: int) -> Views:
    """Before the first turn."""
    return Views(Vector.of([""] * agents), {})


def with_view(views: Views, agent_no: int, view: str) -> Views:
    """After an agent has said something."""
    before = views.last[agent_no]
    if before == view:
        return views
    counts = {**views.counts, view: views.counts.get(view, 0) + 1}
    if before:
        counts[before] -= 1
        if not counts[before]:
            del counts[before]
    return Views(views.last.replaced(agent_no, view), counts)


def share(views: Views) -> float:
    """The share of all agents that said last what most of them did, on [0, 1]."""
    return max(views.counts.values(), default=0) / len(views.last)


def consensus_rules(rule: StopRule) -> tuple[Consensus, ...]:
    """The rules of agreement within a rule, in order."""
    match rule:
        case Consensus():
            return (rule,)
        case AnyOf(rules=rules) | AllOf(rules=rules):
            return tuple([found for each in rules for found in consensus_rules(each)])
        case _:
            return ()


def agreed_rounds(rules: tuple[Consensus, ...], before: tuple[int, ...], views: Views) -> tuple[int, ...]:
    """For each rule how many rounds in a row it has been met, after one more round."""
    now, counts = share(views), before or (0,) * len(rules)
    return tuple([count + 1 if now >= rule.share else 0 for rule, count in zip(rules, counts, strict=True)])
