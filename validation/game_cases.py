"""Cases of games and choices: a stock that all share, guessing, the pull of a majority, conventions of two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt, tanh
from typing import Final

from genai_social_sim.analysis.opinion import spread
from validation.findings import Finding, exact, mean, share
from validation.playing import Said, played, states

# GovSim (2404.16698): months survived, what each gains, efficiency in per cent of 12 months at 50 for all.
_COMMONS: Final = {10: (12, 120.0, 100.0), 20: (1, 20.0, 100 / 6), 15: (2, 25.0, 125 / 6)}
_LEVELS: Final = (50.0, 100 / 3, 200 / 9, 400 / 27)  # Nagel (1995)
_UNIFORM_SD: Final = sqrt((101**2 - 1) / 12)  # of a whole number from 0 to 100: 29.15
_FORCES: Final = ((1.0, 0.2, 7), (1.0, 0.2, 4), (0.24, 0.0, 7))  # beta, h, how many of nine are up


def commons() -> Iterator[Finding]:
    """How long a stock lasts."""
    for takes, (months, gain, efficiency) in _COMMONS.items():
        (said,) = played("commons", f"population.model.takes={takes}")
        stocks = _stocks(said)
        gains = [_gain(said, month, stock) for month, stock in enumerate(stocks)]
        alive = sum(stock > 0 for stock in stocks)
        yield exact("commons", f"months, {takes} each", alive, months)
        yield exact("commons", f"gain of each, {takes} each", sum(gains) / 5, gain)
        yield exact("commons", f"efficiency in %, {takes} each", 100 * sum(gains) / (12 * 50), efficiency)
    (said,) = played("commons", "population.model.takes=15")
    yield exact("commons", "stock as 100, 50, 0", sum(map(float.__eq__, _stocks(said), (100.0, 50.0, 0.0))), 3)


def guesses(*, runs: int) -> Iterator[Finding]:
    """What is guessed."""
    (said,) = played("guessing-levels")
    found = [float(text) for _, text in sorted(states(said, 0).items())]
    for level, (value, expected) in enumerate(zip(found, _LEVELS, strict=True)):
        yield exact("guessing-levels", f"level {level}", value, expected)
    numbers = [float(each.text) for said in played("guessing", runs=runs) for each in said]
    error = _UNIFORM_SD / sqrt(len(numbers))
    yield Finding("guessing", "mean", len(numbers), sum(numbers) / len(numbers), 50.0, error, 4 * error)


def diversity() -> Iterator[Finding]:
    """The sample standard deviation of two people at each of -2..2 (Chuang et al., 2311.09618): 1.49."""
    (said,) = played("diversity")
    found = spread([float(text) for text in states(said, 0).values()])
    yield exact("diversity", "D", found if found is not None else -1.0, sqrt(20 / 9))


def forces(*, rounds: int) -> Iterator[Finding]:
    """How often one follows a majority (De Marzo et al., 2409.02822): (1 + tanh(beta (m + h))) / 2."""
    for beta, field, up in _FORCES:
        (said,) = played(
            "majority-force",
            f"model.beta={beta}",
            f"model.h={field}",
            f"population.attributes.side.quota={{up: {up}, down: {9 - up}}}",
            f"stop.rounds={rounds}",
        )
        chosen = [each.text == "1" for each in said if each.agent == "ADA" and each.round > 0]
        expected = (1 + tanh(beta * ((2 * up - 9) / 9 + field))) / 2
        yield share("majority-force", f"P(m), beta {beta}, h {field}, {up} of 9", chosen, expected)


def conventions(*, runs: int) -> Iterator[Finding]:
    """Meetings until two agree who draw anew whenever they do not: each agrees with the chance 1/2, so 2 on average."""
    found = [len(said) // 2 for said in played("convention-pair", runs=runs)]
    yield mean("convention-pair", "meetings to agreement", found, 2.0)


def _stocks(said: Sequence[Said]) -> list[float]:
    return [float(each.text) for each in said if each.agent == "STOCK"]


def _gain(said: Sequence[Said], month: int, stock: float) -> float:
    """What all take in a month: what they want, or what there is."""
    wanted = sum(float(each.text) for each in said if each.round == month and each.agent != "STOCK")
    return min(wanted, stock)
