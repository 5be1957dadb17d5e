"""Draws against theory.

With n draws a mean lies within 5 standard errors of the true one but once in 1.7 million tries, and a variance too, its
 standard error being sqrt((k - 1) / n) of it with k the kurtosis (fourth central moment over squared variance).
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist, fmean
from typing import Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.distribution import (
    Beta,
    Choice,
    Constant,
    Distribution,
    LogNormal,
    Normal,
    Poisson,
    Uniform,
    WholeNumber,
    drawing,
    quantile,
    share_between,
)

DRAWS: Final = 4000
ERRORS: Final = 5


class Theory(NamedTuple):
    """Mean, variance and kurtosis."""

    mean: float
    variance: float
    kurtosis: float


def beta(a: float, b: float) -> Theory:
    total = a + b
    excess = 6 * ((a - b) ** 2 * (total + 1) - a * b * (total + 2)) / (a * b * (total + 2) * (total + 3))
    return Theory(a / total, a * b / (total**2 * (total + 1)), 3 + excess)


def of_values(shares: dict[float, float]) -> Theory:
    mean = sum(value * share for value, share in shares.items())
    moments = [sum((value - mean) ** power * share for value, share in shares.items()) for power in (2, 4)]
    return Theory(mean, moments[0], moments[1] / moments[0] ** 2)


def cut(low: float, high: float) -> Theory:
    """A standard normal distribution between two bounds, by adding up a fine histogram."""
    pieces, normal = 20_000, NormalDist()
    edges = [low + (high - low) * at / pieces for at in range(pieces + 1)]
    middles = [(one + other) / 2 for one, other in pairwise(edges)]
    weights = [normal.pdf(middle) for middle in middles]
    return of_values({middle: weight / sum(weights) for middle, weight in zip(middles, weights, strict=True)})


SQUARED: Final = math.exp(0.25)  # e to the power of sigma squared, of the log-normal below
CASES: Final[dict[str, tuple[Distribution, Theory]]] = {
    "normal": (Normal(mean=3.0, sd=2.0), Theory(3.0, 4.0, 3.0)),
    "normal, cut": (Normal(mean=0.0, sd=1.0, low=-0.5, high=2.0), cut(-0.5, 2.0)),
    "normal, far tail": (Normal(mean=0.0, sd=1.0, low=4.0, high=6.0), cut(4.0, 6.0)),
    "lognormal": (
        LogNormal(mu=0.0, sigma=0.5),
        Theory(math.exp(0.125), (SQUARED - 1) * SQUARED, SQUARED**4 + 2 * SQUARED**3 + 3 * SQUARED**2 - 3),
    ),
    "uniform": (Uniform(low=-1.0, high=3.0), Theory(1.0, 16 / 12, 1.8)),
    "integer": (WholeNumber(low=1, high=6), of_values(dict.fromkeys(range(1, 7), 1 / 6))),
    "poisson": (Poisson(mean=2.5), Theory(2.5, 2.5, 3 + 1 / 2.5)),
    "poisson, many": (Poisson(mean=400.0), Theory(400.0, 400.0, 3 + 1 / 400)),
    "beta": (Beta(a=2.0, b=5.0), beta(2, 5)),
    "beta, piled up": (Beta(a=0.3, b=0.6), beta(0.3, 0.6)),
    "beta, stretched": (Beta(a=2.0, b=2.0, low=-1.0, high=1.0), Theory(0.0, 4 / 20, beta(2, 2).kurtosis)),
    "choice": (Choice(options=(0, 1, 5), weights=(1.0, 2.0, 1.0)), of_values({0: 0.25, 1: 0.5, 5: 0.25})),
}


@pytest.mark.parametrize("name", CASES)
def test_mean_and_variance_are_those_of_theory(name: str) -> None:
    distribution, theory = CASES[name]
    draw = drawing(distribution)
    values = [float(draw(Dice(1, name, number))) for number in range(DRAWS)]
    squares = [(value - theory.mean) ** 2 for value in values]
    assert abs(fmean(values) - theory.mean) < ERRORS * math.sqrt(theory.variance / DRAWS)
    assert abs(fmean(squares) - theory.variance) < ERRORS * theory.variance * math.sqrt((theory.kurtosis - 1) / DRAWS)


@given(st.floats(0.0001, 0.9999), st.floats(-10, 10), st.floats(0.1, 10), st.floats(0.1, 20))
def test_nothing_is_drawn_outside_of_the_bounds(share: float, mean: float, sd: float, width: float) -> None:
    low, high = mean - width, mean + 2 * width
    assert low <= float(quantile(Normal(mean=mean, sd=sd, low=low, high=high))(share)) <= high


@given(st.integers(0, 2**52 - 1))
def test_a_whole_number_lies_within_its_bounds_whatever_the_dice_say(word: int) -> None:
    assert -3 <= int(quantile(WholeNumber(low=-3, high=7))((word + 0.5) / 2**52)) <= 7


@pytest.mark.parametrize("share", [2.0**-53, 1 - 2.0**-53])
@pytest.mark.parametrize(
    "distribution", [each for each, _ in CASES.values() if not isinstance(each, Beta)], ids=lambda each: str(each)[:20]
)
def test_the_extreme_dice_give_a_value_too(distribution: Distribution, share: float) -> None:
    assert not isinstance(distribution, Beta)
    assert math.isfinite(float(quantile(distribution)(share)))


def test_an_option_without_weight_is_never_drawn() -> None:
    draw = quantile(Choice(options=("no", "yes", "never"), weights=(0.0, 1.0, 0.0)))
    assert {draw(share) for share in (2.0**-53, 0.5, 1 - 2.0**-53)} == {"yes"}


def test_a_constant_is_the_same_for_all() -> None:
    assert drawing(Constant(value="Bern"))(Dice(1)) == "Bern"


def test_the_share_between_bounds_is_exact_in_both_tails() -> None:
    assert share_between(8.0, 9.0) == pytest.approx(share_between(-9.0, -8.0), rel=1e-14)
    assert share_between(None, None) == 1.0
