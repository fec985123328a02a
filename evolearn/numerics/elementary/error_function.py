"""The error function and its complement in plain arithmetic; slow (a microsecond or two), as they are rarely used."""

from __future__ import annotations

import math
from fractions import Fraction

from numba.extending import register_jitable

from evolearn.numerics.elementary.bits import scale
from evolearn.numerics.elementary.exponential import exp_pair, rounded
from evolearn.numerics.elementary.pairs import Pair, add, divide, multiply, multiply_exactly, pair_of

# 2 / sqrt(pi)
_FACTOR = Fraction(
    "1.1283791670955125738961589031215451716881012586579977136881714434212849368829868289734873204042147269"
)
_FACTOR_PAIR = pair_of(_FACTOR)
_HALF_FACTOR_PAIR = pair_of(_FACTOR / 2)
_SERIES_UNTIL = 2.0
_SERIES_TERMS = 60
_FRACTION_LEVELS, _LEVELS_IN_PAIRS = 70, 14


@register_jitable
def _power(x: float) -> tuple[Pair, int]:
    """exp(-x**2) as a pair and an exponent of two."""
    square = multiply_exactly(x, x)
    return exp_pair((-square[0], -square[1]))


@register_jitable
def _series(x: float) -> Pair:
    """Erf for x from 0 to 2. Source: Abramowitz and Stegun 1964, eq. 7.1.6."""
    square = multiply_exactly(x, x)
    total = (1.0, 0.0)
    for n in range(_SERIES_TERMS, 0, -1):
        total = add((1.0, 0.0), divide(multiply(total, (2.0 * square[0], 2.0 * square[1])), (2.0 * n + 1.0, 0.0)))
    power, exponent = _power(x)
    power = scale(power[0], exponent), scale(power[1], exponent)
    return multiply(multiply(total, multiply(power, _FACTOR_PAIR)), (x, 0.0))


@register_jitable
def _continued_fraction(x: float) -> float:
    """Erfc for x from 2 to 28. Source: Abramowitz and Stegun 1964, eq. 7.1.14, from the inside out."""
    inner = x
    for level in range(_FRACTION_LEVELS, _LEVELS_IN_PAIRS, -1):
        inner = x + 0.5 * level / inner
    denominator = (inner, 0.0)
    for level in range(_LEVELS_IN_PAIRS, 0, -1):
        denominator = add((x, 0.0), divide((0.5 * level, 0.0), denominator))
    power, exponent = _power(x)
    return rounded(multiply(divide(power, denominator), _HALF_FACTOR_PAIR), exponent)


@register_jitable
def erf(x: float) -> float:
    """Error function."""
    size = abs(x)
    if x != x:
        return x
    if size < 2.0**-28:
        return x * _FACTOR_PAIR[0]
    if size > 6.0:
        return math.copysign(1.0, x)
    result = _series(size)[0] if size < _SERIES_UNTIL else 1.0 - _continued_fraction(size)
    return math.copysign(result, x)


@register_jitable
def erfc(x: float) -> float:
    """1 - erf(x), good also where that is small."""
    if x != x:
        return x
    if abs(x) < _SERIES_UNTIL:
        result = _series(abs(x))
        sign = math.copysign(1.0, x)
        return add((1.0, 0.0), (-sign * result[0], -sign * result[1]))[0]
    if x < 0.0:
        return 2.0 - _continued_fraction(-x) if x > -6.0 else 2.0
    return _continued_fraction(x) if x < 28.0 else 0.0
