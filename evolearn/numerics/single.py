"""Elementary functions of float32 without a branch or a call: of one number, or of sixteen `lanes` at a time.

Polynomials of the functions' remainders, fitted for this project by least squares reweighted towards the smallest
largest error, on Chebyshev nodes, with coefficients rounded to float32 one after the other. Errors below are in units
in the last place (ulp) of the correctly rounded result, the largest over every float32 of the range.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.numerics.compiler import inlined
from evolearn.numerics.lanes import SHIFT, exponent, fma, mantissa, power_of_two, select

_ZERO, _HALF, _ONE, _FOUR = (np.float32(x) for x in (0.0, 0.5, 1.0, 4.0))
_INFINITY, _NAN = np.float32(np.inf), np.float32(np.nan)

# The logarithm of 2 in two parts: whole multiples of the first up to 2**15 are exact.
_LOG_2, _LOG_2_REST = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LOG_2_E = np.float32(1.44269504)
_EXP_LOWEST, _EXP_HIGHEST = np.float32(-105.0), np.float32(90.0)  # beyond them it is 0 and infinite
# exp(r) = 1 + r + r^2 (..), |r| <= log(2) / 2.
_EXP = tuple(
    np.float32(c) for c in (4.999999404e-01, 1.666652113e-01, 4.166828841e-02, 8.368703537e-03, 1.381893875e-3)
)
# log(1 + f) = f - f^2 / 2 + f^3 (..), 1 + f in 2**-.5 .. 2**.5.
_LOG = tuple(
    np.float32(c)
    for c in (
        *(3.333333135e-01, -2.500081956e-01, 2.000124305e-01, -1.662341058e-01),
        *(1.420153975e-01, -1.315955073e-01, 1.276248544e-01, -7.636940479e-02),
    )
)
_SMALLEST_NORMAL, _NORMALISES, _NORMALISED = np.float32(2.0**-126), np.float32(2.0**24), np.float32(-24.0)
# sin(2 pi r) = 2 pi r + r^3 (..), cos(2 pi r) = 1 + r^2 (..), in powers of r^2, |r| <= 1/8.
_TURN, _TURN_REST = np.float32(6.2831855), np.float32(-1.748455531e-07)
_SIN = tuple(np.float32(c) for c in (-4.134167099e01, 8.159342957e01, -7.542739105e01))
_COS = tuple(np.float32(c) for c in (-1.973920822e01, 6.493914795e01, -8.542452240e01, 5.862105179e01))
_QUARTER = np.float32(0.25)


@inlined
def exp32(x: Any) -> Any:
    """E to the power of a float32."""
    held = select(x > _EXP_HIGHEST, _EXP_HIGHEST, x)
    held = select(held < _EXP_LOWEST, _EXP_LOWEST, held)
    n = fma(held, _LOG_2_E, SHIFT) - SHIFT
    r = fma(n, -_LOG_2_REST, fma(n, -_LOG_2, held))
    square = r * r
    low = fma(r, _EXP[1], _EXP[0])
    high = fma(square, _EXP[4], fma(r, _EXP[3], _EXP[2]))
    power = fma(square, fma(square, high, low), r) + _ONE
    # In two steps, so that results below the smallest normal number are rounded, and those above the largest infinite.
    half = fma(n, _HALF, SHIFT)
    return power * power_of_two(half) * power_of_two(n - (half - SHIFT) + SHIFT)


@inlined
def log32(x: Any) -> Any:
    """The natural logarithm of a float32; NaN below 0."""
    tiny = x < _SMALLEST_NORMAL
    normal = select(tiny, x * _NORMALISES, x)
    e = exponent(normal) + select(tiny, _NORMALISED, _ZERO)
    f = mantissa(normal) - _ONE
    square = f * f
    fourth = square * square
    low = fma(square, fma(f, _LOG[3], _LOG[2]), fma(f, _LOG[1], _LOG[0]))
    high = fma(square, fma(f, _LOG[7], _LOG[6]), fma(f, _LOG[5], _LOG[4]))
    rest = f * fma(fourth, high, low) - _HALF
    found = fma(e, _LOG_2, fma(square, rest, fma(e, _LOG_2_REST, f)))
    found = select(x > _ZERO, found, select(x < _ZERO, _NAN, x - _INFINITY))
    return select(x < _INFINITY, found, x + x)


@inlined
def sincos_turn32(u: Any) -> Any:
    """Sine and cosine of 2 pi u, of a float32 in -2**20 .. 2**20; NaN stays."""
    quarters = fma(u, _FOUR, SHIFT) - SHIFT
    r = fma(quarters, -_QUARTER, u)
    square = r * r
    fourth = square * square
    sine = fma(r, _TURN, r * fma(fourth, fma(square, _SIN[2], _SIN[1]), fma(square, _SIN[0], _TURN_REST)))
    cosine = fma(square, fma(fourth, fma(square, _COS[3], _COS[2]), fma(square, _COS[1], _COS[0])), _ONE)
    # Quarters of a turn beyond whole turns, -2 .. 2.
    place = fma(fma(quarters, _QUARTER, SHIFT) - SHIFT, -_FOUR, quarters)
    distance = select(place < _ZERO, -place, place)
    sideways = distance == _ONE
    first = select(sideways, cosine, sine)
    second = select(sideways, sine, cosine)
    backwards = distance > _ONE
    # A quarter on, sine becomes cosine, and cosine the negative of sine.
    return (
        select(backwards, -first, select(place < _ZERO, -first, first)),
        select(backwards, -second, select(place == _ONE, -second, second)),
    )
