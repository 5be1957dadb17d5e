"""How agents by the thousand are made: attributes and what each is drawn from. Nobody is drawn here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from genai_social_sim.domain.distribution import Distribution, Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """`options` in shares that are met as exactly as the number of agents allows (largest remainder)."""

    options: tuple[Scalar, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A template over the agent's `number` and other attributes, of which it `needs` some; it may print a number."""

    template: str
    needs: tuple[str, ...]
    numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """Drawn from another source for each value (as text) of the attribute `by`; `otherwise` for all others."""

    by: str
    each: tuple[tuple[str, Source], ...]
    otherwise: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Whole rows of a table: each of `columns` becomes an attribute.

    Of its `count` rows those that will be drawn are among `used`, by their position from 0. Without `replace` no row
    is drawn twice.
    """

    columns: tuple[str, ...]
    count: int
    replace: bool
    used: tuple[tuple[int, tuple[Scalar | None, ...]], ...]


Source = Distribution | Quota | Filled | Grouped | Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """What is drawn under a name; numbers are rounded to `digits` after the point, 0 making them whole."""

    name: str
    source: Source
    digits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copula:
    """Correlations between the normal draws that stand behind attributes.

    `factor` is the lower triangle of the Cholesky factor of their matrix, a row for each of `names`.
    """

    names: tuple[str, ...] = ()
    factor: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """`size` agents, named by a template over `number` (from 1) and attributes, or agent0001, agent0002 and so on."""

    size: int
    name: str | None
    attributes: tuple[Attribute, ...]
    copula: Copula = Copula()


class People(NamedTuple):
    """A population as drawn: names, and each attribute's values, in the order of the agents' numbers."""

    names: Sequence[str]
    columns: Mapping[str, Sequence[Scalar | None]]  # None: no value

    def attributes(self, at: int) -> dict[str, Scalar]:
        """Those of one agent, from 0; those without a value left out."""
        found = {name: values[at] for name, values in self.columns.items()}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """On one attribute: one of `values` (as texts), or a number from `low` to `high`, both included."""

    attribute: str
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Who is meant: whoever meets all conditions."""

    conditions: tuple[Condition, ...]

    def fits(self, attributes: Mapping[str, Scalar]) -> bool:
        """Whether an agent with these attributes is meant; one without an attribute does not meet what it asks."""
        return all(_meets(condition, attributes.get(condition.attribute)) for condition in self.conditions)


def as_text(value: Scalar | None) -> str:
    """A value as study files write it where it stands for a group."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def factor_of(matrix: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...] | None:
    """The lower triangle L of a matrix that is L times its transpose (Cholesky); None if no such one exists."""
    rows: list[tuple[float, ...]] = []
    for at, given in enumerate(matrix):
        row: list[float] = []
        for column in range(at):
            known = sum([row[k] * rows[column][k] for k in range(column)])
            row.append((given[column] - known) / rows[column][column])
        left = given[at] - sum([each * each for each in row])
        if left <= 0.0:
            return None
        rows.append((*row, sqrt(left)))
    return tuple(rows)


def _meets(condition: Condition, value: Scalar | None) -> bool:
    if value is None:
        return False
    if condition.values:
        return as_text(value) in condition.values
    if isinstance(value, str):
        return False
    above = condition.low is None or value >= condition.low
    return above and (condition.high is None or value <= condition.high)
