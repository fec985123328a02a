"""Exponentials, logarithms, powers and hyperbolic functions of float64 in plain arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

from numba.extending import register_jitable

from evolearn.numerics.elementary.bits import scale, shrunk, split
from evolearn.numerics.elementary.pairs import (
    Pair,
    add,
    add_exactly,
    divide,
    multiply,
    multiply_exactly,
    pair_of,
    square_root,
)

_INF = math.inf
_NAN = math.nan
_TINY = 2.0**-28  # below, the odd functions here are x to half an ulp
_LARGE = 2.0**28  # above, x**2 + 1 is x**2
_ROUNDER = 6755399441055744.0  # 1.5 * 2**52: adding and subtracting it rounds to a whole number
_OVERFLOW = 709.782712893384  # log of the largest float64
_UNDERFLOW = -745.2  # exp of less is 0

_LN2 = Fraction(
    "0.69314718055994530941723212145817656807550013436025525412068000949339362196969471560586332699641868754"
)
_LN10 = Fraction(
    "2.30258509299404568401799145468436420760110148862877297603332790096757260967735248023599720508959829834"
)
# The high part ends in 21 zero bits, so that its product with an exponent is exact.
_LN2_HIGH = float(Fraction(math.floor(_LN2 * 2**32), 2**32))
_LN2_LOW, _LN2_LOWEST = pair_of(_LN2 - Fraction(_LN2_HIGH))
_LN2_PAIR = pair_of(_LN2)
_LN10_PAIR = pair_of(_LN10)
_PER_LN2_PAIR = pair_of(1 / _LN2)
_PER_LN10_PAIR = pair_of(1 / _LN10)
_PER_LN2 = _PER_LN2_PAIR[0]

# Coefficients of exp's series: 1/n! for n from 19 down to 8, and, where every bit counts, from 7 down to 1 as pairs.
_EXP_LATE = tuple(1.0 / math.factorial(n) for n in range(19, 7, -1))
_EXP_EARLY = tuple(pair_of(Fraction(1, math.factorial(n))) for n in range(7, 0, -1))
# Coefficients of 2 atanh(s) / s in s**2: 2/(2n+1) for n from 15 down to 3, and from 2 down to 0 as pairs.
_LOG_LATE = tuple(2.0 / (2 * n + 1) for n in range(15, 2, -1))
_LOG_EARLY = tuple(pair_of(Fraction(2, 2 * n + 1)) for n in range(2, -1, -1))


@register_jitable
def exp(x: float) -> float:
    """e**x.

    Source: Remez approximation of r (exp(r) + 1) / (exp(r) - 1) in r**2 on |r| <= ln(2) / 2, with the coefficients
    published in fdlibm 5.3, e_exp.c.
    """
    if x != x:
        return x
    if x > _OVERFLOW:
        return _INF
    if x < _UNDERFLOW:
        return 0.0
    whole = (x * _PER_LN2 + _ROUNDER) - _ROUNDER
    high = x - whole * _LN2_HIGH
    low = whole * _LN2_LOW
    r = high - low
    z = r * r
    tail = 6.61375632143793436117e-05 + z * (-1.65339022054652515390e-06 + z * 4.13813679705723846039e-08)
    c = r - z * (1.66666666666666019037e-01 + z * (-2.77777777770155933842e-03 + z * tail))
    return scale(1.0 - ((low - (r * c) / (2.0 - c)) - high), int(whole))


@register_jitable
def log(x: float) -> float:
    """Natural logarithm.

    Source: log(1 + f) = 2 atanh(f / (2 + f)), Remez approximation from sqrt(1/2) to sqrt(2), with the coefficients
    published in fdlibm 5.3, e_log.c.
    """
    if not x > 0.0:
        return -_INF if x == 0.0 else _NAN
    if x == _INF:
        return x
    m, exponent = split(x)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = 1.818357216161805012e-01 + w * 1.479819860511658591e-01
    odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * odd))
    half = 0.5 * f * f
    k = float(exponent)
    return k * _LN2_HIGH - ((half - (s * (half + odd + even) + k * _LN2_LOW)) - f)


@register_jitable
def _series(r: Pair) -> Pair:
    """exp(r) - 1 for |r| <= 0.35 and a little more. Source: Taylor's series."""
    late = 0.0
    for coefficient in _EXP_LATE:
        late = late * r[0] + coefficient
    total = (late, 0.0)
    for coefficients in _EXP_EARLY:
        total = add(multiply(total, r), coefficients)
    return multiply(total, r)


@register_jitable
def exp_pair(x: Pair) -> tuple[Pair, int]:
    """exp(x) as a pair from 1/sqrt(2) to sqrt(2) and an exponent of two, for |x| below 2**20."""
    whole = (x[0] * _PER_LN2 + _ROUNDER) - _ROUNDER
    r = add((x[0] - whole * _LN2_HIGH, 0.0), (x[1], 0.0))
    r = add(r, multiply((whole, 0.0), (-_LN2_LOW, -_LN2_LOWEST)))
    return add((1.0, 0.0), _series(r)), int(whole)


@register_jitable
def _exp_minus_1(x: Pair) -> Pair:
    """exp(x) - 1, good for small x too, for x below 700."""
    if abs(x[0]) <= 0.35:
        return _series(x)
    power, exponent = exp_pair(x)
    return add((scale(power[0], exponent), scale(power[1], exponent)), (-1.0, 0.0))


@register_jitable
def rounded(power: Pair, exponent: int) -> float:
    """What `exp_pair` gives, as a float64."""
    return scale(power[0] + power[1], exponent)


@register_jitable
def _log_near_1(f: Pair) -> Pair:
    """log(1 + f) for 1 + f from sqrt(1/2) to sqrt(2) and a little more. Source: 2 atanh(f / (2 + f)), its series."""
    s = divide(f, add((2.0, 0.0), f))
    z = multiply(s, s)
    late = 0.0
    for coefficient in _LOG_LATE:
        late = late * z[0] + coefficient
    total = (late, 0.0)
    for coefficients in _LOG_EARLY:
        total = add(multiply(total, z), coefficients)
    return multiply(total, s)


@register_jitable
def log_pair(x: Pair) -> Pair:
    """log(x) for a positive finite pair."""
    m, exponent = split(x[0])
    low = shrunk(x[1], exponent)
    k = float(exponent)
    near = _log_near_1(add((m - 1.0, 0.0), (low, 0.0)))
    product = multiply((k, 0.0), (_LN2_LOW, _LN2_LOWEST))
    return add((k * _LN2_HIGH, 0.0), add(product, near))


@register_jitable
def _log_plus_1(x: Pair) -> Pair:
    """log(1 + x), good for small x too."""
    if abs(x[0]) < 0.29:
        return _log_near_1(x)
    return log_pair(add((1.0, 0.0), x))


@register_jitable
def expm1(x: float) -> float:
    """e**x - 1."""
    if x != x or abs(x) < 2.0**-54:
        return x
    if x > _OVERFLOW:
        return _INF
    if x < -40.0:
        return -1.0
    if x > 40.0:
        return exp(x)
    return _exp_minus_1((x, 0.0))[0]


@register_jitable
def exp2(x: float) -> float:
    """2**x."""
    if x != x:
        return x
    if x > 1025.0:
        return _INF
    if x < -1076.0:
        return 0.0
    whole = (x + _ROUNDER) - _ROUNDER
    power, exponent = exp_pair(multiply((x - whole, 0.0), _LN2_PAIR))
    return rounded(power, exponent + int(whole))


@register_jitable
def exp10(x: float) -> float:
    """10**x."""
    if x != x:
        return x
    power, exponent = exp_pair(multiply((min(max(x, -330.0), 330.0), 0.0), _LN10_PAIR))
    return rounded(power, exponent)


@register_jitable
def log1p(x: float) -> float:
    """Log(1 + x)."""
    if x != x or abs(x) < 2.0**-54 or x == _INF:
        return x
    if x <= -1.0:
        return -_INF if x == -1.0 else _NAN
    if x > 1e300:
        return log(x)
    return _log_plus_1((x, 0.0))[0]


@register_jitable
def log2(x: float) -> float:
    """Logarithm to base 2."""
    if not (x > 0.0 and x < _INF):
        return log(x)
    m, exponent = split(x)
    near = multiply(_log_near_1((m - 1.0, 0.0)), _PER_LN2_PAIR)
    return add((float(exponent), 0.0), near)[0]


@register_jitable
def log10(x: float) -> float:
    """Logarithm to base 10."""
    if not (x > 0.0 and x < _INF):
        return log(x)
    return multiply(log_pair((x, 0.0)), _PER_LN10_PAIR)[0]


@register_jitable
def pow(x: float, y: float) -> float:  # libm's name
    """X**y. Source: exp(y log x) on pairs; special cases as in C99, F.9.4.4."""
    if x == 1.0 or y == 0.0:
        return 1.0
    if x != x or y != y:
        return _NAN
    whole = abs(y) >= 9007199254740992.0 or y == math.floor(y)  # infinity as well
    odd = whole and abs(y) < 9007199254740992.0 and 0.5 * y != math.floor(0.5 * y)
    sign = math.copysign(1.0, x) if odd else 1.0
    size = abs(x)
    if size == 0.0 or size == _INF:
        return sign * (0.0 if (size == 0.0) == (y > 0.0) else _INF)
    if abs(y) == _INF:
        if size == 1.0:
            return 1.0
        return _INF if (size > 1.0) == (y > 0.0) else 0.0
    if x < 0.0 and not whole:
        return _NAN
    if abs(y) > 2.0**64:  # |log x| is at least 2**-53, unless x is 1
        if size == 1.0:
            return sign
        return sign * (_INF if (size > 1.0) == (y > 0.0) else 0.0)
    power = multiply(log_pair((size, 0.0)), (y, 0.0))
    if power[0] > 800.0:
        return sign * _INF
    if power[0] < -800.0:
        return sign * 0.0
    result, exponent = exp_pair(power)
    return sign * rounded(result, exponent)


@register_jitable
def sinh(x: float) -> float:
    """Hyperbolic sine."""
    size = abs(x)
    if x != x or size < _TINY:
        return x
    if size > 40.0:
        return math.copysign(cosh(size), x)
    e = _exp_minus_1((size, 0.0))
    result = add(e, divide(e, add((1.0, 0.0), e)))
    return math.copysign(0.5 * result[0], x)


@register_jitable
def cosh(x: float) -> float:
    """Hyperbolic cosine."""
    size = abs(x)
    if x != x:
        return x
    if size > 711.0:
        return _INF
    power, exponent = exp_pair((size, 0.0))
    if size > 40.0:
        return rounded(power, exponent - 1)
    e = scale(power[0], exponent), scale(power[1], exponent)
    return 0.5 * add(e, divide((1.0, 0.0), e))[0]


@register_jitable
def tanh(x: float) -> float:
    """Hyperbolic tangent."""
    size = abs(x)
    if x != x or size < _TINY:
        return x
    if size > 22.0:
        return math.copysign(1.0, x)
    e = _exp_minus_1((2.0 * size, 0.0))
    return math.copysign(divide(e, add((2.0, 0.0), e))[0], x)


@register_jitable
def asinh(x: float) -> float:
    """Inverse hyperbolic sine."""
    size = abs(x)
    if x != x or size < _TINY or size == _INF:
        return x
    if size > _LARGE:
        return math.copysign(add(log_pair((size, 0.0)), _LN2_PAIR)[0], x)
    square = multiply_exactly(size, size)
    root = square_root(add((1.0, 0.0), square))
    grown = add((size, 0.0), divide(square, add((1.0, 0.0), root)))
    return math.copysign(_log_plus_1(grown)[0], x)


@register_jitable
def acosh(x: float) -> float:
    """Inverse hyperbolic cosine."""
    if x != x or x == _INF:
        return x
    if x < 1.0:
        return _NAN
    if x > _LARGE:
        return add(log_pair((x, 0.0)), _LN2_PAIR)[0]
    above = add_exactly(x, -1.0)
    root = square_root(add(add(above, above), multiply(above, above)))
    return _log_plus_1(add(above, root))[0]


@register_jitable
def atanh(x: float) -> float:
    """Inverse hyperbolic tangent."""
    size = abs(x)
    if x != x or size < _TINY:
        return x
    if size >= 1.0:
        return math.copysign(_INF, x) if size == 1.0 else _NAN
    ratio = divide((2.0 * size, 0.0), add_exactly(1.0, -size))
    return math.copysign(0.5 * _log_plus_1(ratio)[0], x)


@register_jitable
def hypot(x: float, y: float) -> float:
    """Length of (x, y), without overflow on the way."""
    larger, smaller = max(abs(x), abs(y)), min(abs(x), abs(y))
    if abs(x) == _INF or abs(y) == _INF:
        return _INF
    if x != x or y != y:
        return _NAN
    if smaller == 0.0:
        return larger
    _, exponent = split(larger)
    larger, smaller = shrunk(larger, exponent), shrunk(smaller, exponent)
    if smaller < 2.0**-54:
        return max(abs(x), abs(y))
    root = square_root(add(multiply_exactly(larger, larger), multiply_exactly(smaller, smaller)))
    return rounded(root, exponent)


@register_jitable
def cbrt(x: float) -> float:
    """Cube root. Source: exp(log(x) / 3) on pairs."""
    size = abs(x)
    if x != x or size == 0.0 or size == _INF:
        return x
    third = divide(log_pair((size, 0.0)), (3.0, 0.0))
    power, exponent = exp_pair(third)
    return math.copysign(rounded(power, exponent), x)
