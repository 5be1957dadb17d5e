"""Functions that have to be the same on any machine, against Python's own and against published values."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from statistics import NormalDist
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.domain.arithmetic import exp, ln, normal_quantile, normal_share

NORMAL: Final = NormalDist()
MOST_ULPS: Final = 1.0  # what fdlibm promises


def ulps(found: float, exact: Decimal) -> float:
    """How far off a float is, in units of its last place."""
    return float(abs(Decimal(found) - exact) / Decimal(math.ulp(found)))


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_the_logarithm_is_right_to_one_unit_in_the_last_place(value: float) -> None:
    with localcontext(prec=60):
        assert ulps(ln(value), Decimal(value).ln()) < MOST_ULPS


@given(st.floats(min_value=-700, max_value=700))
def test_the_exponential_is_right_to_one_unit_in_the_last_place(value: float) -> None:
    with localcontext(prec=60):
        assert ulps(exp(value), Decimal(value).exp()) < MOST_ULPS


def test_an_exponential_too_small_for_a_float_is_0() -> None:
    assert [exp(-745.0), exp(-800.0), exp(-1e9)] == [math.exp(-745.0), 0.0, 0.0]


@pytest.mark.parametrize(
    ("share", "value"),
    [
        (0.5, 0.0),
        (0.975, 1.959963984540054),
        (0.1, -1.2815515655446004),
        (0.999, 3.090232306167813),
        (1e-9, -5.997807015007686),
        (1e-20, -9.262340089798408),
    ],
)
def test_quantiles_are_those_of_tables(share: float, value: float) -> None:
    assert normal_quantile(share) == pytest.approx(value, rel=1e-14, abs=1e-16)


@given(st.floats(min_value=2.0**-53, max_value=1 - 2.0**-53))
def test_quantiles_are_those_of_the_standard_library(share: float) -> None:
    assert normal_quantile(share) == pytest.approx(NORMAL.inv_cdf(share), rel=1e-13, abs=1e-15)


@given(st.floats(min_value=-37, max_value=8))
def test_shares_are_those_of_the_complementary_error_function(value: float) -> None:
    assert normal_share(value) == pytest.approx(0.5 * math.erfc(-value / math.sqrt(2)), rel=5e-13)


@given(st.floats(min_value=-6, max_value=6))
def test_the_quantile_undoes_the_share(value: float) -> None:
    assert normal_quantile(normal_share(value)) == pytest.approx(value, abs=1e-6)
