"""What an attribute of one agent is drawn from. The same draws give the same values on any machine.

An invertible one takes one number on (0, 1), so that draws can be correlated through it. It knows nothing
of other agents.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import sqrt
from typing import Final, assert_never

from genai_social_sim.domain.arithmetic import exp, ln, normal_quantile, normal_share
from genai_social_sim.domain.dice import Dice

Scalar = str | int | float | bool
LEAST_SHARE: Final = 1e-9  # of a distribution that bounds have to leave
MAX_POISSON: Final = 500.0
LEAST_SHAPE: Final = 0.05  # of a Beta; below, its draws could fall below what a float can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """Around `mean` with standard deviation `sd` > 0, both before it is cut off outside of `low` and `high`."""

    mean: float
    sd: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal:
    """e to the power of a normal draw, cut off outside of `low` and `high`; `sigma` > 0."""

    mu: float
    sigma: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """Each number from `low` to `high` equally likely."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeNumber:
    """Each whole number from `low` to `high`, both included, equally likely; at most 2^52 of them."""

    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisson:
    """How many of many rare things happen; `mean` > 0."""

    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta:
    """A Beta(`a`, `b`) draw, stretched from [0, 1] to [`low`, `high`]; `a` and `b` >= `LEAST_SHAPE`.

    It has no quantile here: to find it takes too long.
    """

    a: float
    b: float
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of `options`, likely in proportion to `weights`."""

    options: tuple[Scalar, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """The same for everybody."""

    value: Scalar


Invertible = Normal | LogNormal | Uniform | WholeNumber | Poisson | Choice | Constant
Distribution = Invertible | Beta


def share_between(low: float | None, high: float | None) -> float:
    """The share of the standard normal distribution between two bounds; None is no bound."""
    below, above = _mirrored(low, high)[:2]
    return above - below


def drawing(distribution: Distribution) -> Callable[[Dice], Scalar]:
    """What makes a value of dice that nobody else throws."""
    if isinstance(distribution, Beta):
        return lambda dice: _beta(distribution, dice)
    value = quantile(distribution)
    return lambda dice: value(dice.between())


def quantile(distribution: Invertible) -> Callable[[float], Scalar]:
    """From a number on (0, 1) to the value below which so large a share of draws stays."""
    match distribution:
        case Normal(mean=mean, sd=sd, low=low, high=high):
            return _scaled(mean, sd, low, high)
        case LogNormal(mu=mu, sigma=sigma, low=low, high=high):
            bounds = [None if bound is None else ln(bound) for bound in (low, high)]
            return _exponential(_scaled(mu, sigma, bounds[0], bounds[1]), low, high)
        case Uniform(low=least, high=most):
            return lambda share: least + share * (most - least)
        case WholeNumber(low=first, high=last):
            return lambda share: first + int(share * (last - first + 1))
        case Poisson(mean=mean):
            return _first_above(_poisson_shares(mean), None)
        case Choice(options=options, weights=weights):
            total = sum(weights)
            return _first_above([each / total for each in accumulate(weights)][:-1], options)
        case Constant(value=value):
            return lambda _: value
        case _ as unknown:
            assert_never(unknown)


def _scaled(mean: float, sd: float, low: float | None, high: float | None) -> Callable[[float], float]:
    """The quantile of a normal distribution between bounds, taken in the tail in which it is exact."""
    if low is None and high is None:
        return lambda share: mean + sd * normal_quantile(share)
    below, above, sign = _mirrored(_standard(low, mean, sd), _standard(high, mean, sd))

    def value(share: float) -> float:
        share = share if sign > 0 else 1.0 - share
        return _within(mean + sign * sd * normal_quantile(below + share * (above - below)), low, high)

    return value


def _standard(bound: float | None, mean: float, sd: float) -> float | None:
    return None if bound is None else (bound - mean) / sd


def _mirrored(low: float | None, high: float | None) -> tuple[float, float, int]:
    """Shares of the standard normal below two bounds, and 1; or those of the mirror image, and -1."""
    if low is not None and low > 0:
        return (0.0 if high is None else normal_share(-high)), normal_share(-low), -1
    return (0.0 if low is None else normal_share(low)), (1.0 if high is None else normal_share(high)), 1


def _exponential(of: Callable[[float], float], low: float | None, high: float | None) -> Callable[[float], float]:
    return lambda share: _within(exp(of(share)), low, high)


def _within(value: float, low: float | None, high: float | None) -> float:
    if low is not None and value < low:
        return low
    return high if high is not None and value > high else value


def _poisson_shares(mean: float) -> list[float]:
    """Shares of draws of at most 0, 1, ...; until no more is left that a draw could tell."""
    chance = share = exp(-mean)
    shares = [share]
    while chance > 0.0 and (len(shares) <= mean or share + chance > share):
        chance *= mean / len(shares)
        share += chance
        shares.append(share)
    return shares


def _first_above(shares: Sequence[float], options: Sequence[Scalar] | None) -> Callable[[float], Scalar]:
    if options is None:
        return lambda share: bisect_right(shares, share)
    return lambda share: options[bisect_right(shares, share)]


def _beta(beta: Beta, dice: Dice) -> float:
    one, other = _gamma(beta.a, dice), _gamma(beta.b, dice)
    return beta.low + one / (one + other) * (beta.high - beta.low)


def _gamma(shape: float, dice: Dice) -> float:
    """A gamma draw of scale 1.

    Source: Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000), 363-372.
    """
    if shape < 1.0:
        return exp(ln(dice.between()) / shape) * _gamma(shape + 1.0, dice)
    size = shape - 1.0 / 3.0
    while True:
        normal = normal_quantile(dice.between())
        root = 1.0 + normal / (3.0 * sqrt(size))
        if root <= 0.0:
            continue
        cube = root * root * root
        if ln(dice.between()) < 0.5 * normal * normal + size * (1.0 - cube + ln(cube)):
            return size * cube
