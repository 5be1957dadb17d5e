"""All cases by name: what `make validate` runs, and in fewer runs the tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from validation import chance_cases, exact_cases
from validation.findings import Finding


class Case(Protocol):
    """Runs studies and says what they came to; `quick`: within seconds."""

    def __call__(self, *, quick: bool) -> Iterator[Finding]:
        """The findings, one by one."""


def _degroot(*, quick: bool) -> Iterator[Finding]:
    yield from exact_cases.degroot()


def _thresholds(*, quick: bool) -> Iterator[Finding]:
    yield from exact_cases.thresholds()


def _majority(*, quick: bool) -> Iterator[Finding]:
    yield from chance_cases.judges(runs=40 if quick else 1000)


def _voter(*, quick: bool) -> Iterator[Finding]:
    yield from chance_cases.voters(20, runs=12 if quick else 300)
    if not quick:
        yield from chance_cases.voters(50, runs=40)


def _cascades(*, quick: bool) -> Iterator[Finding]:
    yield from chance_cases.cascades(runs=60 if quick else 1000)


CASES: Final[Mapping[str, Case]] = {
    "degroot": _degroot,
    "thresholds": _thresholds,
    "majority": _majority,
    "voter": _voter,
    "cascades": _cascades,
}
