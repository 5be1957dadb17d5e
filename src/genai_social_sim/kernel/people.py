"""Draws a population: the same people for the same seed, whatever its size, and whatever else is drawn.

Each draw has dice of its own, named by the attribute and the agent's number. What depends on the size is a quota, which
is about all agents at once. It knows nothing of where rows of a table came from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from math import isfinite
from typing import Final, NamedTuple

from genai_social_sim.domain.arithmetic import normal_quantile, normal_share
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.distribution import Beta, Constant, Distribution, Scalar, drawing, quantile
from genai_social_sim.domain.population import (
    Attribute,
    Copula,
    Filled,
    Grouped,
    People,
    Population,
    Quota,
    Rows,
    Source,
    as_text,
)
from genai_social_sim.kernel.templates import TemplateProblem, compile_template

Values = dict[int, Scalar]  # by agent, from 0; those without a value left out
_PURPOSE: Final = "population"
_LEAST: Final = 2.0**-53  # as far from 0 and 1 as dice come
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]{1,3})?", re.ASCII)


class DrawProblem(Exception):  # noqa: N818 (a reason, which becomes part of an error that users see)
    """Why an attribute of a population, or the name if `attribute` is None, cannot be drawn."""

    def __init__(self, attribute: str | None, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.attribute = attribute
        self.reason = reason
        self.remedy = remedy


class _Drawn(NamedTuple):
    """What is known of a population while it is drawn."""

    seed: int
    size: int
    values: dict[str, Values]
    copula: Copula

    def dice(self, name: str, agent: int) -> Dice:
        return Dice(self.seed, _PURPOSE, name, agent)


def people(population: Population, seed: int) -> People:
    """All of a population; raises DrawProblem."""
    drawn = _Drawn(seed, population.size, {}, population.copula)
    for attribute in in_order(population.attributes):
        drawn.values.update(_attribute(drawn, attribute))
    agents = range(population.size)
    columns = {name: [values.get(agent) for agent in agents] for name, values in sorted(drawn.values.items())}
    if population.name is None:
        return People([f"agent{agent + 1:04d}" for agent in agents], columns)
    template, nameless = compile_template(population.name), People((), columns)
    return People([_rendered(None, template, agent, nameless.attributes(agent)) for agent in agents], columns)


def in_order(attributes: Sequence[Attribute]) -> list[Attribute]:
    """Each after those that it needs; raises DrawProblem if they need each other."""
    giving = {name: attribute for attribute in attributes for name in names_of(attribute)}
    graph = {
        attribute.name: sorted({giving[need].name for need in needs_of(attribute.source) if need in giving})
        for attribute in sorted(attributes, key=lambda attribute: attribute.name)
    }
    own = {attribute.name: attribute for attribute in attributes}
    try:
        return [own[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as fault:
        circle = fault.args[1]
        words = f"it is drawn from itself: {' needs '.join(reversed(circle))}"
        raise DrawProblem(circle[0], words, "Let one of them be drawn without the others.") from None


def names_of(attribute: Attribute) -> tuple[str, ...]:
    """The attributes that agents get of it."""
    return attribute.source.columns if isinstance(attribute.source, Rows) else (attribute.name,)


def needs_of(source: Source) -> Iterator[str]:
    """The attributes that have to be known before."""
    if isinstance(source, Filled):
        yield from source.needs
    elif isinstance(source, Grouped):
        yield source.by
        for inner in [each for _, each in source.each] + ([source.otherwise] if source.otherwise else []):
            yield from needs_of(inner)


def picks(seed: int, name: str, *, size: int, count: int, replace: bool) -> list[int]:
    """The rows of a table that `size` agents get: the first of them are the same whatever the size."""
    dice = (Dice(seed, _PURPOSE, name, agent) for agent in range(size))
    if replace:
        return [each.below(count) for each in dice]
    moved: dict[int, int] = {}  # a shuffle from the front, of which only what it moved is kept
    picked = []
    for agent, each in enumerate(dice):
        at = agent + each.below(count - agent)
        picked.append(moved.get(at, at))
        moved[at] = moved.pop(agent, agent)
    return picked


def shares_met(weights: Sequence[float], size: int) -> list[int]:
    """Whole numbers that add up to `size` in proportion to `weights`: largest remainder, the first of equals."""
    exact = [Fraction(str(weight)) for weight in weights]
    due = [size * weight / sum(exact) for weight in exact]
    counts = [int(each) for each in due]
    order = sorted(range(len(due)), key=lambda at: (counts[at] - due[at], at))
    for at in order[: size - sum(counts)]:
        counts[at] += 1
    return counts


def _attribute(drawn: _Drawn, attribute: Attribute) -> dict[str, Values]:
    name, source = attribute.name, attribute.source
    if isinstance(source, Rows):
        return _rows(drawn, name, source)
    values = _values(drawn, name, source, range(drawn.size))
    return {name: values if attribute.digits is None else _rounded(values, attribute.digits)}


def _rows(drawn: _Drawn, name: str, rows: Rows) -> dict[str, Values]:
    used = dict(rows.used)
    columns: list[Values] = [{} for _ in rows.columns]
    for agent, row in enumerate(picks(drawn.seed, name, size=drawn.size, count=rows.count, replace=rows.replace)):
        for column, value in zip(columns, used[row], strict=True):
            if value is not None:
                column[agent] = value
    return dict(zip(rows.columns, columns, strict=True))


def _values(drawn: _Drawn, name: str, source: Source, agents: Iterable[int]) -> Values:
    match source:
        case Quota():
            return _exactly(drawn, name, source, agents)
        case Filled():
            return _filled(drawn, name, source, agents)
        case Grouped():
            return _by_group(drawn, name, source, agents)
        case Rows():
            raise TypeError("rows of a table are drawn for all agents, not by group")
        case _:
            return _each(drawn, name, source, agents)


def _each(drawn: _Drawn, name: str, source: Distribution, agents: Iterable[int]) -> Values:
    if isinstance(source, Constant):
        return dict.fromkeys(agents, source.value)
    if isinstance(source, Beta) or name not in drawn.copula.names:
        draw = drawing(source)
        return {agent: draw(drawn.dice(name, agent)) for agent in agents}
    value, share = quantile(source), _shares(drawn, name)
    return {agent: value(share(agent)) for agent in agents}


def _shares(drawn: _Drawn, name: str) -> Callable[[int], float]:
    """An agent's uniform number behind a correlated attribute."""
    row = drawn.copula.factor[drawn.copula.names.index(name)]
    mixed = [(drawn.copula.names[at], weight) for at, weight in enumerate(row) if weight]
    if len(mixed) == 1:
        return lambda agent: drawn.dice(name, agent).between()

    def share(agent: int) -> float:
        total = sum([weight * normal_quantile(drawn.dice(other, agent).between()) for other, weight in mixed])
        return min(max(normal_share(total), _LEAST), 1.0 - _LEAST)

    return share


def _exactly(drawn: _Drawn, name: str, quota: Quota, agents: Iterable[int]) -> Values:
    order = sorted(agents, key=lambda agent: (drawn.dice(name, agent).word(), agent))
    counts = shares_met(quota.weights, len(order))
    given = [option for option, count in zip(quota.options, counts, strict=True) for _ in range(count)]
    return dict(zip(order, given, strict=True))


def _by_group(drawn: _Drawn, name: str, source: Grouped, agents: Iterable[int]) -> Values:
    groups: dict[str, list[int]] = {}
    known = drawn.values[source.by]
    for agent in agents:
        groups.setdefault(as_text(known.get(agent)), []).append(agent)
    each, values = dict(source.each), {}
    for group in sorted(groups):
        inner = each.get(group, source.otherwise)
        if inner is None:
            words = f"for agents whose {source.by} is {group!r} nothing is said"
            raise DrawProblem(name, words, f"Add {group!r} under `each`, or what holds `otherwise`.")
        values.update(_values(drawn, name, inner, groups[group]))
    return values


def _filled(drawn: _Drawn, name: str, source: Filled, agents: Iterable[int]) -> Values:
    template, values = compile_template(source.template), {}
    for agent in agents:
        known = {need: drawn.values[need][agent] for need in source.needs if agent in drawn.values.get(need, ())}
        text = _rendered(name, template, agent, known)
        values[agent] = _number(name, text) if source.numeric else text
    return values


def _rendered(name: str | None, template: Callable[..., str], agent: int, known: dict[str, Scalar]) -> str:
    try:
        return template(**known, number=agent + 1).strip()
    except TemplateProblem as fault:
        words = f"the template does not work for agent {agent + 1}: {fault.reason}"
        raise DrawProblem(name, words, "Values that may be missing need `| default(...)`.") from None


def _number(name: str, text: str) -> int | float:
    number = int(text) if _WHOLE.fullmatch(text) else float(text) if _DECIMAL.fullmatch(text) else float("nan")
    if not isfinite(number):
        raise DrawProblem(name, f"its template gives {text[:40]!r}, which is no number", "Let it print a number alone.")
    return number


def _rounded(values: Values, digits: int) -> Values:
    return {agent: _round(value, digits) for agent, value in values.items()}


def _round(value: Scalar, digits: int) -> Scalar:
    if isinstance(value, bool | str | int):
        return value
    return round(value, digits) if digits else round(value)
