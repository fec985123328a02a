"""Trigonometric functions of float64 and their inverses in plain arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

from numba.extending import register_jitable

from evolearn.numerics.elementary.bits import power_of_two, shrunk, split, to_bits, without_low_half
from evolearn.numerics.elementary.pairs import (
    Pair,
    add,
    add_exactly,
    add_smaller,
    divide,
    multiply,
    multiply_exactly,
    pair_of,
)

_INF = math.inf
_NAN = math.nan
_ROUNDER = 6755399441055744.0  # 1.5 * 2**52: adding and subtracting it rounds to a whole number
_TINY = 2.0**-28  # below, the odd functions here are x to half an ulp

_PI = Fraction(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651"
)
_HALF_PI = _PI / 2
_PER_HALF_PI = float(1 / _HALF_PI)
_HALF_PI_PAIR = pair_of(_HALF_PI)
_HALF_PI_HIGH, _HALF_PI_LOW = _HALF_PI_PAIR
_QUARTER_PI = float(_HALF_PI / 2)
_THREE_QUARTERS_PI = float(3 * _HALF_PI / 2)
_PI_HIGH, _PI_LOW = pair_of(_PI)
# pi/2 in parts of 33 bits, whose products with a whole number of up to 20 bits are exact, and the rest.
_PART_1 = float(Fraction(math.floor(_HALF_PI * 2**32), 2**32))
_PART_2 = float(Fraction(math.floor((_HALF_PI - Fraction(_PART_1)) * 2**66), 2**66))
_PART_3 = pair_of(_HALF_PI - Fraction(_PART_1) - Fraction(_PART_2))
_MANY_TURNS = 1.0e6  # beyond it the whole number of quarter turns could have more bits
_NEAR_ZERO = 2.0**-20  # a remainder that small is left with too few bits by two parts of pi/2

# 2/pi, rounded down to 1350 binary places, in digits of 27 bits.
_PER_HALF_PI_BITS = int(
    "28be60db9391054a7f09d5f47d4d377036d8a5664f10e4107f9458eaf7aef1586dc91b8e909374b801924bba827464873f87"
    "7ac72c4a69cfba208d7d4baed1213a671c09ad17df904e64758e60d4ce7d272117e2ef7e4a0ec7fe25fff7816603fbcbc462"
    "d6829b47db4d9fb3c9f2c26dd3d18fd9a797fa8b5d49eeb1faf97c5ecf41ce7de294a4ba9afed7ec47e357421580cc11bf1e"
    "daeafc33ef0826bd0d876a78e45857b986c219",
    16,
)
_DIGIT = 27
_DIGIT_MASK = 2**_DIGIT - 1
_PER_HALF_PI_DIGITS = tuple((_PER_HALF_PI_BITS >> (_DIGIT * place)) & _DIGIT_MASK for place in range(49, -1, -1))
_FRACTION_DIGITS = 8  # of the quarter turns: 216 bits, of which up to 61 may be zeros in front


@register_jitable
def _reduce(x: float) -> tuple[Pair, int]:
    """A finite x as r + quadrant * pi/2 with |r| at most pi/4 and a little more; the quadrant modulo 4."""
    if abs(x) <= _QUARTER_PI:
        return (x, 0.0), 0
    if abs(x) < _MANY_TURNS:
        turns = (x * _PER_HALF_PI + _ROUNDER) - _ROUNDER
        high, low = add_exactly(x - turns * _PART_1, -turns * _PART_2)
        if abs(high) > _NEAR_ZERO:
            return add_smaller(high, low - turns * _PART_3[0]), int(turns) & 3
        return add((high, low), multiply((-turns, 0.0), _PART_3)), int(turns) & 3
    return _reduce_many_turns(x)


@register_jitable
def _reduce_many_turns(x: float) -> tuple[Pair, int]:
    """`_reduce` by whole numbers: x = m * 2**e, and only those digits of 2/pi count that leave less than a turn.

    Source: Payne and Hanek 1983, "Radian reduction for trigonometric functions".
    """
    bits = to_bits(abs(x))
    exponent = (bits >> 52) - 1075
    mantissa = (bits & 0xFFFFFFFFFFFFF) | 0x10000000000000
    first = exponent // _DIGIT
    shift = exponent - first * _DIGIT
    # mantissa << shift has up to 79 bits: three digits.
    lower = (mantissa & _DIGIT_MASK) << shift
    upper = ((mantissa >> _DIGIT) << shift) + (lower >> _DIGIT)
    factors = (lower & _DIGIT_MASK, upper & _DIGIT_MASK, upper >> _DIGIT)
    carry = 0
    digit = 0
    fraction = (0.0, 0.0)
    missing = (0.0, 0.0)  # what the fraction lacks to 1, without cancellation
    for place in range(_FRACTION_DIGITS, 0, -1):
        digit = _product_digit(factors, first, place, carry)
        carry = digit >> _DIGIT
        digit &= _DIGIT_MASK
        weight = power_of_two(-_DIGIT * place)
        fraction = add((digit * weight, 0.0), fraction)
        missing = add(((_DIGIT_MASK - digit) * weight, 0.0), missing)
    quadrant = _product_digit(factors, first, 0, carry) & 3
    if digit >= 1 << (_DIGIT - 1):
        quadrant = (quadrant + 1) & 3
        fraction = (-missing[0], -missing[1])
    r = multiply(fraction, _HALF_PI_PAIR)
    if x < 0.0:
        return (-r[0], -r[1]), (4 - quadrant) & 3
    return r, quadrant


@register_jitable
def _product_digit(factors: tuple[int, int, int], first: int, place: int, carry: int) -> int:
    """The digit of weight 2**(-27 place) of a product with 2/pi, not yet carried on."""
    total = carry
    for which in range(3):
        index = place + first - 1 + which
        if 0 <= index < len(_PER_HALF_PI_DIGITS):
            total += factors[which] * _PER_HALF_PI_DIGITS[index]
    return total


@register_jitable
def _sine(r: Pair) -> Pair:
    """Sine for |r| up to pi/4. Source: Remez approximation, coefficients as published in fdlibm 5.3, k_sin.c."""
    x = r[0]
    z = x * x
    tail = 2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
    tail = 8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04 + z * tail)
    return add_smaller(x, z * x * (-1.66666666666666324348e-01 + z * tail) + r[1] * (1.0 - 0.5 * z))


@register_jitable
def _cosine(r: Pair, lost: float) -> Pair:
    """Cosine for |r| up to pi/4; `lost` is what rounding takes from the square of r's high part, or 0 if that may be.

    Source: Remez approximation, coefficients as published in fdlibm 5.3, k_cos.c.
    """
    x = r[0]
    z = x * x
    tail = -2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
    tail = z * (
        4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * (2.48015872894767294178e-05 + z * tail))
    )
    half = 0.5 * z
    one = 1.0 - half
    return add_smaller(one, ((1.0 - one) - half) + (z * tail - (x * r[1] + 0.5 * lost)))


@register_jitable
def _turned(r: Pair, quadrant: int) -> float:
    """The sine of r + quadrant * pi/2."""
    result = _cosine(r, 0.0) if quadrant & 1 else _sine(r)
    return -result[0] if quadrant & 2 else result[0]


@register_jitable
def sin(x: float) -> float:
    """Sine."""
    if x != x or abs(x) < _TINY:
        return x
    if abs(x) == _INF:
        return _NAN
    r, quadrant = _reduce(x)
    return _turned(r, quadrant)


@register_jitable
def cos(x: float) -> float:
    """Cosine."""
    if x != x:
        return x
    if abs(x) == _INF:
        return _NAN
    r, quadrant = _reduce(x)
    return _turned(r, (quadrant + 1) & 3)


@register_jitable
def tan(x: float) -> float:
    """Tangent."""
    if x != x or abs(x) < _TINY:
        return x
    if abs(x) == _INF:
        return _NAN
    r, quadrant = _reduce(x)
    sine = _sine(r)
    cosine = _cosine(r, multiply_exactly(r[0], r[0])[1])
    if quadrant & 1:
        return -divide(cosine, sine)[0]
    return divide(sine, cosine)[0]


@register_jitable
def _arcsine_ratio(t: float) -> float:
    """(asin(x) - x) / x**3 times t = x**2, for t up to 1/4.

    Source: Remez approximation, coefficients as published in fdlibm 5.3, e_asin.c.
    """
    p = -4.00555345006794114027e-02 + t * (7.91534994289814532176e-04 + t * 3.47933107596021167570e-05)
    p = t * (1.66666666666666657415e-01 + t * (-3.25565818622400915405e-01 + t * (2.01212532134862925881e-01 + t * p)))
    q = 2.02094576023350569471e00 + t * (-6.88283971605453293030e-01 + t * 7.70381505559019352791e-02)
    return p / (1.0 + t * (-2.40339491173441421878e00 + t * q))


@register_jitable
def _half_arcsine(size: float) -> Pair:
    """asin(sqrt((1 - size) / 2)) for size from 1/2 to 1, so that acos(size) is twice that."""
    t = 0.5 * (1.0 - size)
    root = math.sqrt(t)
    high = without_low_half(root)
    low = (t - high * high) / (root + high) if root > 0.0 else 0.0
    return add_smaller(high, low + root * _arcsine_ratio(t))


@register_jitable
def asin(x: float) -> float:
    """Arcsine."""
    size = abs(x)
    if x != x or size < _TINY:
        return x
    if size > 1.0:
        return _NAN
    if size < 0.5:
        return x + x * _arcsine_ratio(x * x)
    half = _half_arcsine(size)
    return math.copysign(add(_HALF_PI_PAIR, (-2.0 * half[0], -2.0 * half[1]))[0], x)


@register_jitable
def acos(x: float) -> float:
    """Arccosine."""
    size = abs(x)
    if x != x:
        return x
    if size > 1.0:
        return _NAN
    if size < 0.5:
        return _HALF_PI_HIGH - (x - (_HALF_PI_LOW - x * _arcsine_ratio(x * x)))
    half = _half_arcsine(size)
    if x > 0.0:
        return 2.0 * half[0] + 2.0 * half[1]
    return add((_PI_HIGH, _PI_LOW), (-2.0 * half[0], -2.0 * half[1]))[0]


_ARCTANGENTS = (  # of 1/2, 1, 3/2 and infinity
    pair_of(
        Fraction("0.46364760900080611621425623146121440202853705428612026381093308872019786416574170530060028398488789")
    ),
    pair_of(_HALF_PI / 2),
    pair_of(
        Fraction("0.98279372324732906798571061101466601449687745363162855676142508831798807154979603538970653437281731")
    ),
    _HALF_PI_PAIR,
)


@register_jitable
def _arctangent(x: Pair) -> Pair:
    """Arctangent of a positive pair.

    Source: reduction to |x| < 7/16 by the addition theorem; Remez approximation with the coefficients published in
    fdlibm 5.3, s_atan.c.
    """
    base = (0.0, 0.0)
    if x[0] >= 0.4375:
        if x[0] >= 2.4375:
            base, x = _ARCTANGENTS[3], divide((-1.0, 0.0), x)
        else:
            nearest = 0 if x[0] < 0.6875 else (1 if x[0] < 1.1875 else 2)
            centre = 0.5 + 0.5 * nearest
            base = _ARCTANGENTS[nearest]
            x = divide(add(x, (-centre, 0.0)), add((1.0, 0.0), multiply(x, (centre, 0.0))))
    r = x[0]
    z = r * r
    w = z * z
    even = 6.66107313738753120669e-02 + w * (4.97687799461593236017e-02 + w * 1.62858201153657823623e-02)
    even = 3.33333333333329318027e-01 + w * (1.42857142725034663711e-01 + w * (9.09088713343650656196e-02 + w * even))
    odd = -7.69187620504482999495e-02 + w * (-5.83357013379057348645e-02 + w * -3.65315727442169155270e-02)
    odd = -1.99999999998764832476e-01 + w * (-1.11111104054623557880e-01 + w * odd)
    return add(base, add_smaller(r, x[1] - r * (z * even + w * odd)))


@register_jitable
def atan(x: float) -> float:
    """Arctangent."""
    size = abs(x)
    if x != x or size < _TINY:
        return x
    if size > 1e18:
        return math.copysign(_HALF_PI_HIGH, x)
    return math.copysign(_arctangent((size, 0.0))[0], x)


@register_jitable
def atan2(y: float, x: float) -> float:
    """The angle of the point (x, y). Source: special cases as in C99, F.9.1.4."""
    if x != x or y != y:
        return _NAN
    behind = math.copysign(1.0, x) < 0.0
    high, wide = abs(y), abs(x)
    if high == 0.0:
        return math.copysign(_PI_HIGH if behind else 0.0, y)
    if high == _INF or wide == _INF:
        if high == wide:
            return math.copysign(_THREE_QUARTERS_PI if behind else _QUARTER_PI, y)
        if wide == _INF:
            return math.copysign(_PI_HIGH if behind else 0.0, y)
        return math.copysign(_HALF_PI_HIGH, y)
    if high > wide * 1e18:
        return math.copysign(_HALF_PI_HIGH, y)
    if high < wide * 1e-18:
        return math.copysign(_PI_HIGH if behind else high / wide, y)
    _, exponent = split(wide)
    angle = _arctangent(divide((shrunk(high, exponent), 0.0), (shrunk(wide, exponent), 0.0)))
    if behind:
        angle = add((_PI_HIGH, _PI_LOW), (-angle[0], -angle[1]))
    return math.copysign(angle[0], y)
