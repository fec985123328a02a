"""Arithmetic on pairs (high, low) of float64 whose unevaluated sum carries about 106 bits.

Plain scalar code: it runs as it is, and inside compiled code that is strict, that is, without fast-math flags. High
and low do not overlap: ``high + low == high``.

Source: Dekker 1971, "A floating-point technique for extending the available precision"; Knuth, "The art of computer
programming", volume 2, section 4.2.2, theorem B.
"""

from __future__ import annotations

from fractions import Fraction

from numba.extending import register_jitable

from evolearn.numerics.elementary.bits import fma

Pair = tuple[float, float]


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
    """A times b without error, where nothing overflows or underflows."""
    high = a * b
    return high, fma(a, b, -high)


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
