"""Exponentials, logarithms, powers and hyperbolic functions of float64 in plain arithmetic.

Coefficients without another source are those of Chebyshev interpolations on the interval named, made with 60 digits.
"""

from __future__ import annotations

import math
from fractions import Fraction

from numba.extending import register_jitable

from evolearn.numerics.elementary.bits import (
    cubic,
    fma,
    from_bits,
    out_of_line,
    power_of_two,
    scale,
    shrunk,
    split,
    split_normal,
    to_bits,
)
from evolearn.numerics.elementary.pairs import Pair, add_exactly, add_smaller, multiply_exactly, pair_of

_INF = math.inf
_NAN = math.nan
_ROUNDER = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to a whole number, and leaves that in the lowest bits
_NORMAL = 708.0  # exp of numbers up to this size is a normal number
_ONE = 0x3FF0000000000000  # the bits of 1.0
_LEAST = 2.2250738585072014e-308  # the smallest normal number

_LN2 = Fraction(
    "0.69314718055994530941723212145817656807550013436025525412068000949339362196969471560586332699641868754"
)
_LN2_HIGH, _LN2_LOW = pair_of(_LN2)
_PER_LN2 = float(1 / _LN2)
_LN10 = Fraction(
    "2.30258509299404568401799145468436420760110148862877297603332790096757260967735248023599720508959829834"
)
_LOG10_2 = float(_LN2 / _LN10)
_PER_LN10 = float(1 / _LN10)
_TWO_THIRDS, _TWO_THIRDS_LOW = pair_of(Fraction(2, 3))
# The short part ends in 21 zero bits, so that its product with an exponent is exact.
_LN2_SHORT = float(Fraction(math.floor(_LN2 * 2**32), 2**32))
_LN2_REST = float(_LN2 - Fraction(_LN2_SHORT))


@register_jitable
def _exp_minus_1(r: float) -> float:
    """exp(r) - 1 for |r| up to ln(2)/2 and a little more; the sign of -0 is lost."""
    r2 = r * r
    return fma(r2, _exp_curve(r, r2), r)


@register_jitable
def _exp_of_rest(r: float) -> float:
    """exp(r) for |r| up to ln(2)/2 and a little more."""
    r2 = r * r
    return fma(r2, _exp_curve(r, r2), 1.0 + r)


@register_jitable
def _exp_curve(r: float, r2: float) -> float:
    """(exp(r) - 1 - r) / r**2."""
    r4 = r2 * r2
    low = cubic(r, r2, 0.5, 0.16666666666666669, 0.04166666666662404, 0.008333333333330055)
    high = cubic(r, r2, 0.0013888888917258759, 0.00019841269863088255, 2.4801521225986432e-05, 2.7557268406190795e-06)
    top = fma(r, 2.51004110820149e-08, 2.7620121717381933e-07)
    return fma(r4, fma(r4, top, high), low)


@register_jitable
def _whole_twos(x: float) -> tuple[float, float]:
    """How many times ln(2) goes into x, plus `_ROUNDER`, and what is left."""
    counter = fma(x, _PER_LN2, _ROUNDER)
    whole = counter - _ROUNDER
    return counter, fma(-whole, _LN2_LOW, fma(-whole, _LN2_HIGH, x))


@register_jitable
def exp(x: float) -> float:
    """e**x."""
    if not abs(x) < _NORMAL:
        return exp_far(x)
    counter, r = _whole_twos(x)
    return _exp_of_rest(r) * from_bits(_ONE + (to_bits(counter) << 52))


@out_of_line
def exp_far(x: float) -> float:
    """`exp` where it is no normal number, or nearly none."""
    if x != x:
        return x
    if abs(x) > 1000.0:
        return _INF if x > 0.0 else 0.0
    counter, r = _whole_twos(x)
    return scale(_exp_of_rest(r), int(counter - _ROUNDER))


@register_jitable
def exp2(x: float) -> float:
    """2**x."""
    if x != x:
        return x
    if abs(x) > 2000.0:
        return _INF if x > 0.0 else 0.0
    whole = (x + _ROUNDER) - _ROUNDER
    return scale(_exp_of_rest((x - whole) * _LN2_HIGH), int(whole))


@register_jitable
def expm1(x: float) -> float:
    """e**x - 1."""
    if not abs(x) < _NORMAL:
        return exp(x) - 1.0
    counter, r = _whole_twos(x)
    power = from_bits(_ONE + (to_bits(counter) << 52))
    return math.copysign(fma(power, _exp_minus_1(r), power - 1.0), x)


@register_jitable
def _log_curve(s: float, start: float) -> float:
    """Start + 2 atanh(s) - 2 s, where (1 + s) / (1 - s) is from sqrt(1/2) to sqrt(2)."""
    z = s * s
    z2 = z * z
    low = cubic(z, z2, 0.666666666666667, 0.39999999999899455, 0.2857142862599856, 0.2222221113102852)
    high = fma(z2, 0.14616562422104645, fma(z, 0.15331712479381301, 0.1818288939967772))
    return fma(s * z, fma(z2 * z2, high, low), start)


@register_jitable
def _log_near_1(f: float) -> float:
    """log(1 + f) = 2 atanh(f / (2 + f)) for 1 + f from sqrt(1/2) to sqrt(2)."""
    s = f / (2.0 + f)
    return _log_curve(s, 2.0 * s)


@register_jitable
def _log_normal(x: float, added: int) -> float:
    """Logarithm of x * 2**added for a positive normal x."""
    m, exponent = split_normal(x)
    s = (m - 1.0) / (m + 1.0)
    k = float(exponent + added)
    return fma(k, _LN2_HIGH, _log_curve(s, fma(k, _LN2_LOW, 2.0 * s)))


@register_jitable
def log(x: float) -> float:
    """Natural logarithm."""
    if not (x >= _LEAST and x < _INF):
        return log_far(x)
    return _log_normal(x, 0)


@out_of_line
def log_far(x: float) -> float:
    """`log` of what is no positive normal number."""
    if not x > 0.0:
        return -_INF if x == 0.0 else _NAN
    return x if x == _INF else _log_normal(x * 18014398509481984.0, -54)  # 2**54


@register_jitable
def log1p(x: float) -> float:
    """log(1 + x)."""
    if x > -0.25 and x < 0.4:
        return _log_near_1(x) if abs(x) > 2.0**-54 else x
    whole = 1.0 + x
    if not (whole > 0.0 and whole < 1e300):
        return log(whole)
    lost = x - (whole - 1.0) if x < 1.0 else 1.0 - (whole - x)
    return log(whole) + lost / whole


@register_jitable
def log2(x: float) -> float:
    """Logarithm to base 2, exact for powers of 2."""
    if not (x > 0.0 and x < _INF):
        return log(x)
    m, exponent = split(x)
    return fma(_log_near_1(m - 1.0), _PER_LN2, float(exponent))


@register_jitable
def log10(x: float) -> float:
    """Logarithm to base 10."""
    if not (x > 0.0 and x < _INF):
        return log(x)
    m, exponent = split(x)
    return fma(_log_near_1(m - 1.0), _PER_LN10, float(exponent) * _LOG10_2)


@register_jitable
def _log_pair(x: float) -> Pair:
    """log(x) = k ln(2) + 2 s + 2/3 s**3 + ... for a positive finite number, as a pair right to about 64 bits."""
    m, exponent = split(x)
    f = m - 1.0
    d = 2.0 + f
    s = f / d
    s_low = (fma(-s, d, f) - s * (f - (d - 2.0))) / d
    z, z_low = multiply_exactly(s, s)
    cube, cube_low = multiply_exactly(s, z)
    cube_low += s * z_low + 3.0 * z * s_low
    third, third_low = multiply_exactly(cube, _TWO_THIRDS)
    third_low += cube * _TWO_THIRDS_LOW + cube_low * _TWO_THIRDS
    # From the fifth power on it is at most a thousandth of the first, and its own last bits need not be right.
    z2 = z * z
    tail = fma(z2, 0.12913597064656068, fma(z, 0.13285959102550726, 0.15385574746296488))
    low = cubic(z, z2, 0.40000000000000024, 0.28571428571338514, 0.22222222271098122, 0.1818180824823313)
    tail = s * z2 * fma(z2 * z2, tail, low)
    k = float(exponent)
    high, low = add_exactly(k * _LN2_SHORT, 2.0 * s)
    high, lower = add_exactly(high, third)
    low += lower + fma(k, _LN2_REST, 2.0 * s_low) + third_low + tail
    return add_smaller(high, low)


@register_jitable
def pow(x: float, y: float) -> float:  # libm's name
    """X**y. What a number in the source says is known while compiling, so that a square is a multiplication."""
    if y == 2.0:
        return x * x
    if y == 1.0:
        return x
    if y == -1.0:
        return 1.0 / x
    if y == 0.5 and x >= 0.0 and x < _INF:
        return math.sqrt(x) + 0.0
    return pow_far(x, y)


@out_of_line
def pow_far(x: float, y: float) -> float:
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
    high, low = _log_pair(size)
    power = y * high
    low = fma(y, high, -power) + y * low
    if abs(power) > 800.0:
        return sign * (_INF if power > 0.0 else 0.0)
    counter, r = _whole_twos(power)
    return sign * scale(_exp_of_rest(r + low), int(counter - _ROUNDER))


@register_jitable
def sinh(x: float) -> float:
    """Hyperbolic sine."""
    size = abs(x)
    if not size < _NORMAL:
        half = exp(0.5 * size)
        return math.copysign((0.5 * half) * half, x)
    e = expm1(size)
    return math.copysign(0.5 * (e + e / (1.0 + e)), x)


@register_jitable
def cosh(x: float) -> float:
    """Hyperbolic cosine."""
    size = abs(x)
    if not size < _NORMAL:
        half = exp(0.5 * size)
        return (0.5 * half) * half
    e = exp(size)
    return 0.5 * e + 0.5 / e


@register_jitable
def tanh(x: float) -> float:
    """Hyperbolic tangent; 1 from 22 on."""
    size = abs(x)
    size = 22.0 if size > 22.0 else size
    counter, r = _whole_twos(2.0 * size)
    power = from_bits(_ONE + (to_bits(counter) << 52))
    e = fma(power, _exp_minus_1(r), power - 1.0)
    return math.copysign(e / (2.0 + e), x)


@register_jitable
def asinh(x: float) -> float:
    """Inverse hyperbolic sine."""
    size = abs(x)
    if size > 2.0**28:
        return math.copysign(log(0.5 * size) + 2.0 * _LN2_HIGH, x)
    square = size * size
    return math.copysign(log1p(size + square / (1.0 + math.sqrt(1.0 + square))), x)


@register_jitable
def acosh(x: float) -> float:
    """Inverse hyperbolic cosine."""
    if x > 2.0**28:
        return log(0.5 * x) + 2.0 * _LN2_HIGH
    if not x >= 1.0:
        return _NAN
    above = x - 1.0
    return log1p(above + math.sqrt(fma(above, above, 2.0 * above)))


@register_jitable
def atanh(x: float) -> float:
    """Inverse hyperbolic tangent."""
    size = abs(x)
    return math.copysign(0.5 * log1p(2.0 * size / (1.0 - size)), x)


@register_jitable
def hypot(x: float, y: float) -> float:
    """Length of (x, y), without overflow on the way."""
    x, y = abs(x), abs(y)
    larger, smaller = (x, y) if x > y else (y, x)
    if not (larger < 1e150 and smaller > 1e-140):
        return hypot_far(larger, smaller)
    return math.sqrt(fma(larger, larger, smaller * smaller))


@out_of_line
def hypot_far(x: float, y: float) -> float:
    """`hypot` of zeros, infinities, NaN, and what is very small or very large; not negative."""
    if x == _INF or y == _INF:
        return _INF
    if x != x or y != y:
        return _NAN
    larger, smaller = max(x, y), min(x, y)
    if smaller == 0.0:
        return larger
    _, exponent = split(larger)
    a, b = shrunk(larger, exponent), shrunk(smaller, exponent)
    return larger if b < 2.0**-54 else scale(math.sqrt(fma(a, a, b * b)), exponent)


@register_jitable
def cbrt(x: float) -> float:
    """Cube root. Source: a third of the exponent to begin with, and four steps of Halley's method."""
    size = abs(x)
    if not (size > 0.0 and size < _INF):
        return x
    m, exponent = split(size)
    third = exponent // 3
    m *= power_of_two(exponent - 3 * third)
    root = 0.6 + 0.35 * m
    for _ in range(4):
        cube = root * root * root
        root *= (cube + 2.0 * m) / (2.0 * cube + m)
    return math.copysign(root * power_of_two(third), x)
