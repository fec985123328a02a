"""Trigonometric functions of float64 and their inverses in plain arithmetic.

Coefficients without another source are those of Chebyshev interpolations on the interval named, made with 60 digits.
"""

from __future__ import annotations

import math
from fractions import Fraction

from numba.extending import register_jitable

from evolearn.numerics.elementary.bits import cubic, fma, from_bits, out_of_line, power_of_two, to_bits
from evolearn.numerics.elementary.pairs import add, multiply, pair_of

_INF = math.inf
_NAN = math.nan
_ROUNDER = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to a whole number, and leaves that in the lowest bits
_FAR = 2.0**30  # up to there three parts of pi are enough, and pi/2 divides x with a rest that is right

_PI = Fraction(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651"
)
_PI_HIGH, _PI_LOW = pair_of(_PI)
_HALF_PI_PAIR = pair_of(_PI / 2)
_HALF_PI_HIGH, _HALF_PI_LOW = _HALF_PI_PAIR
# The same in three parts, none of them negative: -0 then stays -0 when they are taken from it.
_PART_2 = math.nextafter(_HALF_PI_LOW, 0.0)
_PART_3 = float(_PI / 2 - Fraction(_HALF_PI_HIGH) - Fraction(_PART_2))
_PER_HALF_PI = float(2 / _PI)
_QUARTER_PI, _QUARTER_PI_LOW = pair_of(_PI / 4)
_THREE_QUARTERS_PI = float(3 * _PI / 4)

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
def _rest(x: float, turns: float) -> float:
    """X - turns * pi/2. The first step has no error, for what is left has fewer bits than x; the others hardly any."""
    return fma(-turns, _PART_3, fma(-turns, _PART_2, fma(-turns, _HALF_PI_HIGH, x)))


@register_jitable
def _sine(r: float) -> float:
    """Sine for |r| up to pi/4 and a little more."""
    z = r * r
    z2 = z * z
    tail = fma(z, 1.5918092905114907e-10, -2.5051131339848143e-08)
    low = cubic(z, z2, -0.16666666666666666, 0.008333333333330946, -0.000198412698367539, 2.7557316100128336e-06)
    # A product, not a sum with r: that would lose the sign of -0.
    return r * fma(z, fma(z2 * z2, tail, low), 1.0)


@register_jitable
def _cosine(r: float) -> float:
    """Cosine for |r| up to pi/4 and a little more."""
    z = r * r
    z2 = z * z
    tail = fma(z2, -1.1367972121509096e-11, fma(z, 2.087588628788687e-09, -2.755731556350145e-07))
    low = cubic(z, z2, -0.5, 0.04166666666666664, -0.0013888888888880764, 2.480158729368528e-05)
    return fma(z, fma(z2 * z2, tail, low), 1.0)


@register_jitable
def _turned(r: float, quadrant: int) -> float:
    """The sine of r + quadrant * pi/2; the quadrant modulo 4. Without branches, which nobody could foresee."""
    chosen = -(quadrant & 1)
    size = (to_bits(_sine(r)) & ~chosen) | (to_bits(_cosine(r)) & chosen)
    return from_bits(size ^ ((quadrant & 2) << 62))


@register_jitable
def sin(x: float) -> float:
    """Sine."""
    if not abs(x) < _FAR:
        return sin_far(x)
    counter = fma(x, _PER_HALF_PI, _ROUNDER)
    return _turned(_rest(x, counter - _ROUNDER), to_bits(counter))


@register_jitable
def cos(x: float) -> float:
    """Cosine."""
    if not abs(x) < _FAR:
        return cos_far(x)
    counter = fma(x, _PER_HALF_PI, _ROUNDER)
    return _turned(_rest(x, counter - _ROUNDER), to_bits(counter) + 1)


@register_jitable
def _tangent(r: float, quadrant: int) -> float:
    """Tangent of r + quadrant * pi/2, for |r| up to pi/4 and a little more."""
    sine, cosine = _sine(r), _cosine(r)
    return -cosine / sine if quadrant & 1 else sine / cosine


@register_jitable
def tan(x: float) -> float:
    """Tangent."""
    if not abs(x) < _FAR:
        return tan_far(x)
    counter = fma(x, _PER_HALF_PI, _ROUNDER)
    return _tangent(_rest(x, counter - _ROUNDER), to_bits(counter))


@out_of_line
def sin_far(x: float) -> float:
    """Sine of what `sin` does not take: large numbers, infinities, NaN."""
    if not abs(x) < _INF:
        return _NAN if x == x else x
    r, quadrant = _reduce_many_turns(x)
    return _turned(r, quadrant)


@out_of_line
def cos_far(x: float) -> float:
    """Cosine of what `cos` does not take."""
    if not abs(x) < _INF:
        return _NAN if x == x else x
    r, quadrant = _reduce_many_turns(x)
    return _turned(r, quadrant + 1)


@out_of_line
def tan_far(x: float) -> float:
    """Tangent of what `tan` does not take."""
    if not abs(x) < _INF:
        return _NAN if x == x else x
    r, quadrant = _reduce_many_turns(x)
    return _tangent(r, quadrant)


@register_jitable
def _reduce_many_turns(x: float) -> tuple[float, int]:
    """A large finite x as r + quadrant * pi/2 with |r| at most pi/4; the quadrant modulo 4.

    By whole numbers: x = m * 2**e, and only those digits of 2/pi count that leave less than a turn.

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
        return -r[0], (4 - quadrant) & 3
    return r[0], quadrant


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
def _arcsine_ratio(z: float) -> float:
    """(asin(x) - x) / x**3 for z = x**2 up to 1/4."""
    z2 = z * z
    z4 = z2 * z2
    low = cubic(z, z2, 0.1666666666666665, 0.07500000000020764, 0.044642857103423646, 0.03038194736709848)
    middle = cubic(z, z2, 0.02237204763174451, 0.017355259955786323, 0.013929652902326633, 0.011875494382636922)
    high = cubic(z, z2, 0.0078029494773533175, 0.01603551434914882, -0.010749050339697808, 0.028169218060881414)
    return fma(z4, fma(z4, high, middle), low)


@register_jitable
def _half_arcsine(size: float) -> float:
    """asin(sqrt((1 - size) / 2)) for size from 1/2 to 1, so that acos(size) is twice that; NaN beyond."""
    z = 0.5 * (1.0 - size)
    root = math.sqrt(z)
    return fma(root, z * _arcsine_ratio(z), root)


@register_jitable
def asin(x: float) -> float:
    """Arcsine."""
    size = abs(x)
    if size < 0.5:
        z = x * x
        return x * fma(z, _arcsine_ratio(z), 1.0)
    return math.copysign(_HALF_PI_HIGH - fma(2.0, _half_arcsine(size), -_HALF_PI_LOW), x)


@register_jitable
def acos(x: float) -> float:
    """Arccosine."""
    size = abs(x)
    if size < 0.5:
        z = x * x
        return _HALF_PI_HIGH - (fma(x, z * _arcsine_ratio(z), x) - _HALF_PI_LOW)
    twice = 2.0 * _half_arcsine(size)
    return twice if x > 0.0 else _PI_HIGH - (twice - _PI_LOW)


@register_jitable
def _angle(high: float, wide: float) -> float:
    """Arctangent of high / wide, both not negative and not both 0, without overflow of their sum."""
    smaller, larger = (wide, high) if high > wide else (high, wide)
    above = smaller > 0.41421356237309503 * larger  # tan(pi/8); arctan(t) = pi/4 + arctan((t - 1) / (t + 1))
    t = (smaller - larger if above else smaller) / (smaller + larger if above else larger)
    z = t * t
    z2 = z * z
    z4 = z2 * z2
    low = cubic(z, z2, -0.3333333333333333, 0.19999999999995519, -0.14285714284666276, 0.11111111015234812)
    middle = cubic(z, z2, -0.09090904577248296, 0.0769218317048485, -0.06664511160859166, 0.058581464238093545)
    high_part = fma(z2, -0.019176426315546866, fma(z, 0.039231282023743305, -0.050854367132677145))
    angle = fma(t, z * fma(z4, fma(z4, high_part, middle), low), t)
    angle = _QUARTER_PI + (angle + _QUARTER_PI_LOW) if above else angle
    return _HALF_PI_HIGH - (angle - _HALF_PI_LOW) if high > wide else angle


@register_jitable
def atan(x: float) -> float:
    """Arctangent."""
    size = abs(x)
    size = 1e18 if size > 1e18 else size  # from there on pi/2
    return math.copysign(_angle(size, 1.0), x)


@register_jitable
def atan2(y: float, x: float) -> float:
    """The angle of the point (x, y)."""
    high, wide = abs(y), abs(x)
    larger = high if high > wide else wide
    if not (larger > 0.0 and high + wide < _INF):
        return atan2_far(y, x)
    angle = _angle(high, wide)
    behind = to_bits(x) < 0
    return math.copysign(_PI_HIGH - (angle - _PI_LOW) if behind else angle, y)


@out_of_line
def atan2_far(y: float, x: float) -> float:
    """`atan2` of zeros, infinities, NaN and what is nearly too large. Source: C99, F.9.1.4."""
    if x != x or y != y:
        return _NAN
    behind = math.copysign(1.0, x) < 0.0
    high, wide = abs(y), abs(x)
    if high == _INF:
        if wide == _INF:
            return math.copysign(_THREE_QUARTERS_PI if behind else _QUARTER_PI, y)
        return math.copysign(_HALF_PI_HIGH, y)
    if high == 0.0 or wide == _INF:
        return math.copysign(_PI_HIGH if behind else 0.0, y)
    angle = _angle(0.25 * high, 0.25 * wide)
    return math.copysign(_PI_HIGH - (angle - _PI_LOW) if behind else angle, y)
