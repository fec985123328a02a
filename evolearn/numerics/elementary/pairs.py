"""Arithmetic on pairs (high, low) of float64 whose unevaluated sum carries about 106 bits.

Plain scalar code: it runs as it is, and inside compiled code that is strict, that is, without fast-math flags. High
and low do not overlap: ``high + low == high``.

Source: Dekker 1971, "A floating-point technique for extending the available precision"; Knuth, "The art of computer
programming", volume 2, section 4.2.2, theorem B.
"""

from __future__ import annotations

import math
from fractions import Fraction

from numba.extending import register_jitable

Pair = tuple[float, float]

_SPLITTER = 134217729.0  # 2**27 + 1


def pair_of(value: Fraction) -> Pair:
    """The pair nearest to an exact number."""
    high = float(value)
    return high, float(value - Fraction(high))


@register_jitable
def add_exactly(a: float, b: float) -> Pair:
    """A + b without error. Source: Knuth, theorem B."""
    high = a + b
    other = high - a
    return high, (a - (high - other)) + (b - other)


@register_jitable
def add_smaller(a: float, b: float) -> Pair:
    """A + b without error, for |a| >= |b|. Source: Dekker 1971, eq. 4.6."""
    high = a + b
    return high, b - (high - a)


@register_jitable
def multiply_exactly(a: float, b: float) -> Pair:
    """A times b without error, for |a| and |b| below 2**995 and no underflow. Source: Dekker 1971, eq. 5.14."""
    high = a * b
    large = _SPLITTER * a
    a_high = large - (large - a)
    a_low = a - a_high
    large = _SPLITTER * b
    b_high = large - (large - b)
    b_low = b - b_high
    return high, ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low


@register_jitable
def add(a: Pair, b: Pair) -> Pair:
    """A + b, also where they nearly cancel."""
    high, low = add_exactly(a[0], b[0])
    more, less = add_exactly(a[1], b[1])
    high, low = add_smaller(high, low + more)
    return add_smaller(high, low + less)


@register_jitable
def multiply(a: Pair, b: Pair) -> Pair:
    """A times b."""
    high, low = multiply_exactly(a[0], b[0])
    return add_smaller(high, low + (a[0] * b[1] + a[1] * b[0]))


@register_jitable
def divide(a: Pair, b: Pair) -> Pair:
    """A / b, by long division with two digits and a correction."""
    first = a[0] / b[0]
    product = multiply((first, 0.0), b)
    rest = add(a, (-product[0], -product[1]))
    second = rest[0] / b[0]
    product = multiply((second, 0.0), b)
    rest = add(rest, (-product[0], -product[1]))
    high, low = add_smaller(first, second)
    return add_smaller(high, low + rest[0] / b[0])


@register_jitable
def square_root(a: Pair) -> Pair:
    """The root of a positive pair; of 0, 0. One Newton step from the rounded root."""
    if a[0] == 0.0:
        return 0.0, 0.0
    root = math.sqrt(a[0])
    square = multiply_exactly(root, root)
    rest = add(a, (-square[0], -square[1]))
    return add_smaller(root, rest[0] / (2.0 * root))
