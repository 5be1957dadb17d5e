"""All cases by name: what `make validate` runs, and in fewer runs the tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from validation import chance_cases, exact_cases, game_cases, pair_cases
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
    yield from chance_cases.judges(runs=40 if quick else 300)


def _voter(*, quick: bool) -> Iterator[Finding]:
    yield from chance_cases.voters(20, runs=12 if quick else 200)
    if not quick:
        yield from chance_cases.voters(50, runs=20)


def _cascades(*, quick: bool) -> Iterator[Finding]:
    yield from chance_cases.cascades(runs=60 if quick else 400)


def _large_cascades(*, quick: bool) -> Iterator[Finding]:
    yield from chance_cases.large_cascades(runs=4 if quick else 20)


def _deffuant(*, quick: bool) -> Iterator[Finding]:
    if quick:
        yield from pair_cases.deffuant(0.5, runs=2, rounds=15)
        return
    for epsilon, rounds in ((0.5, 30), (0.4, 40), (0.3, 60), (0.2, 60), (0.1, 80)):
        yield from pair_cases.deffuant(epsilon, runs=20, rounds=rounds)


def _naming(*, quick: bool) -> Iterator[Finding]:
    yield from pair_cases.naming(50, runs=3 if quick else 60)
    if not quick:
        yield from pair_cases.naming(100, runs=10)


def _watts(*, quick: bool) -> Iterator[Finding]:
    yield from chance_cases.watts(runs=2 if quick else 60)


def _commons(*, quick: bool) -> Iterator[Finding]:
    yield from game_cases.commons()


def _guessing(*, quick: bool) -> Iterator[Finding]:
    yield from game_cases.guesses(runs=1 if quick else 20)


def _diversity(*, quick: bool) -> Iterator[Finding]:
    yield from game_cases.diversity()


def _forces(*, quick: bool) -> Iterator[Finding]:
    yield from game_cases.forces(rounds=300 if quick else 4000)


def _conventions(*, quick: bool) -> Iterator[Finding]:
    yield from game_cases.conventions(runs=30 if quick else 400)


LONG: Final = {"cascades-large", "watts"}  # not for the tests: a run of one or two thousand agents takes many seconds
CASES: Final[Mapping[str, Case]] = {
    "degroot": _degroot,
    "thresholds": _thresholds,
    "majority": _majority,
    "voter": _voter,
    "cascades": _cascades,
    "cascades-large": _large_cascades,
    "deffuant": _deffuant,
    "naming": _naming,
    "watts": _watts,
    "commons": _commons,
    "guessing": _guessing,
    "diversity": _diversity,
    "majority-force": _forces,
    "conventions": _conventions,
}
