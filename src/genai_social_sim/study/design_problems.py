"""What is wrong with a design in itself: levels that no factor has, names that are there twice.

Whether the values fit into the study is found where conditions are made (`conditions`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from genai_social_sim.study.design import ConditionDoc, FactorDoc, NullArmDoc, arm_name
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.refusals import Problem, listed, nearest
from genai_social_sim.study.source import Path
from genai_social_sim.study.words import folded


def levels_of(factor: FactorDoc) -> tuple[str, ...]:
    """The names of its levels, in their order."""
    return tuple(factor.levels if factor.levels is not None else factor.values or {})


def problems_of_design(study: StudyDoc) -> Iterator[Problem]:
    """All that is wrong."""
    above: dict[str, FactorDoc] = {}
    for name, factor in study.factors.items():
        path: Path = ("factors", name)
        yield from _shape(factor, path)
        for other, levels in (factor.within or {}).items():
            yield from _levels(other, levels, above, (*path, "within"))
        above[name] = factor
    seen: dict[str, str] = {}
    for index, condition in enumerate(study.conditions):
        first = seen.setdefault(folded(condition.name), condition.name)
        if first is not condition.name:
            text = f"there are two conditions {condition.name!r}"
            yield Problem(("conditions", index, "name"), text, "Give each its own name.")
        for name, level in condition.levels.items():
            yield from _levels(name, (level,), study.factors, ("conditions", index, "levels"))
    yield from _arms(study.null_arms or (), study.conditions)


def _shape(factor: FactorDoc, path: Path) -> Iterator[Problem]:
    if (factor.path is None) != (factor.values is None) or (factor.values is None) == (factor.levels is None):
        text = "a factor has a `path` and its `values`, or `levels` that set several"
        yield Problem(path, text, "Write for example `{path: network.p, values: [0.0, 0.1, 1.0]}`.")
    elif not levels_of(factor):
        yield Problem((*path, "values"), "this factor has no level", "Write at least one, better two.")


def _levels(name: str, levels: Sequence[str], factors: Mapping[str, FactorDoc], path: Path) -> Iterator[Problem]:
    factor = factors.get(name)
    if factor is None:
        known = f"There: {listed(tuple(factors))}." if factors else "None is there."
        where = "above this one " if path[-1] == "within" else ""
        yield Problem((*path, name), f"there is no factor {name!r} {where}".strip(), f"{nearest(name, factors)}{known}")
        return
    for level in levels:
        if level not in levels_of(factor):
            yield _no_level(name, level, levels_of(factor), (*path, name))


def _no_level(factor: str, level: str, known: Collection[str], path: Path) -> Problem:
    remedy = f"{nearest(level, known)}Its levels are: {listed(tuple(known))}."
    return Problem(path, f"the factor {factor!r} has no level {level!r}", remedy)


def _arms(arms: Sequence[NullArmDoc], conditions: Sequence[ConditionDoc]) -> Iterator[Problem]:
    names = [arm_name(arm) for arm in arms]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Problem(("null_arms", index), f"the null arm {name!r} is there twice", "Delete one of the two.")
