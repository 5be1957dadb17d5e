"""Logarithm, exponential and the normal distribution, the same to the last bit on any machine.

IEEE 754 settles `+`, `-`, `*`, `/` and the square root. The C library's `log` and `exp` are settled by nothing, and
compiled code may join a product and a sum into one rounding; so neither `math` nor `statistics.NormalDist` will do
where draws have to agree between machines. Here each operation is one of Python's, with one rounding.
"""

from __future__ import annotations

from math import frexp, ldexp, sqrt
from typing import Final

_LN2: Final = (6.93147180369123816490e-01, 1.90821492927058770002e-10)  # its first 33 bits, and the rest
_ROOT_HALF: Final = 0.7071067811865476
_LEAST_EXPONENT: Final = -1080.0  # in powers of two; below, a float holds nothing
# Remez polynomials of FreeBSD's msun (fdlibm: e_log.c, e_exp.c; Sun Microsystems 1993), which are right to one unit in
# the last place; from the highest power down.
_LN: Final = (
    1.479819860511658591e-01,
    1.531383769920937332e-01,
    1.818357216161805012e-01,
    2.222219843214978396e-01,
    2.857142874366239149e-01,
    3.999999999940941908e-01,
    6.666666666666735130e-01,
)
_EXP: Final = (
    4.13813679705723846039e-08,
    -1.65339022054652515390e-06,
    6.61375632143793436117e-05,
    -2.77777777770155933842e-03,
    1.66666666666666019037e-01,
)
_SQRT_TAU: Final = 2.5066282746310002
_SERIES_TO: Final = 3.0  # standard deviations; beyond, the continued fraction is quicker and exact in the tail
_FRACTION: Final = 80  # levels of it, which give all digits from there on
_CENTRE: Final = 0.425
_NEAR_TAIL: Final = 5.0
_Polynomial = tuple[float, ...]

# Numerators and denominators of Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied
# Statistics 37 (1988), 477-484 (PPND16), from the highest power down.
_IN_CENTRE: Final[tuple[_Polynomial, _Polynomial]] = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
_IN_TAIL: Final[tuple[_Polynomial, _Polynomial]] = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ),
)
_FAR_OUT: Final[tuple[_Polynomial, _Polynomial]] = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580e0,
        5.46378491116411436990e0,
        6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)


def ln(value: float) -> float:
    """The natural logarithm of a number above 0."""
    mantissa, exponent = frexp(value)
    if mantissa < _ROOT_HALF:
        mantissa, exponent = 2.0 * mantissa, exponent - 1
    over = mantissa - 1.0
    ratio = over / (2.0 + over)
    square = ratio * ratio
    rest = 0.0
    for coefficient in _LN:
        rest = (rest + coefficient) * square
    half = 0.5 * over * over
    return exponent * _LN2[0] - ((half - (ratio * (half + rest) + exponent * _LN2[1])) - over)


def exp(value: float) -> float:
    """E to the power of `value`; raises OverflowError if no float is so large."""
    halvings = round(value / (_LN2[0] + _LN2[1]))
    if halvings < _LEAST_EXPONENT:
        return 0.0
    high, low = value - halvings * _LN2[0], halvings * _LN2[1]
    reduced = high - low
    square = reduced * reduced
    rest = 0.0
    for coefficient in _EXP:
        rest = (rest + coefficient) * square
    over = reduced - rest
    return ldexp(1.0 - ((low - reduced * over / (2.0 - over)) - high), halvings)


def normal_share(value: float) -> float:
    """The share of the standard normal distribution below `value`: Marsaglia's series, a continued fraction outside.

    Source: Marsaglia, "Evaluating the normal distribution", Journal of Statistical Software 11 (2004), no. 4.
    """
    density = exp(-0.5 * value * value) / _SQRT_TAU
    if abs(value) > _SERIES_TO:
        tail, far = 0.0, abs(value)
        for level in range(_FRACTION, 0, -1):
            tail = level / (far + tail)
        beyond = density / (far + tail)
        return beyond if value < 0 else 1.0 - beyond
    total = term = value
    power, before = 1, 0.0
    while total != before:
        before, power = total, power + 2
        term *= value * value / power
        total += term
    return 0.5 + density * total


def normal_quantile(share: float) -> float:
    """What a standard normal draw stays below with probability `share`, between 0 and 1."""
    off = share - 0.5
    if abs(off) <= _CENTRE:
        return off * _ratio(_IN_CENTRE, _CENTRE * _CENTRE - off * off)
    depth = sqrt(-ln(share if off < 0 else 1.0 - share))
    found = _ratio(_IN_TAIL, depth - 1.6) if depth <= _NEAR_TAIL else _ratio(_FAR_OUT, depth - _NEAR_TAIL)
    return -found if off < 0 else found


def _ratio(both: tuple[_Polynomial, _Polynomial], at: float) -> float:
    above = below = 0.0
    for numerator, denominator in zip(*both, strict=True):
        above, below = above * at + numerator, below * at + denominator
    return above / below
