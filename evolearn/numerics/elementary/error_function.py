"""The error function and its complement in plain arithmetic.

Coefficients are those of Chebyshev interpolations on the interval named, made with 60 digits.
"""

from __future__ import annotations

import math

from numba.extending import register_jitable

from evolearn.numerics.elementary.bits import cubic, fma, out_of_line
from evolearn.numerics.elementary.exponential import exp

_FACTOR = 1.1283791670955126  # 2 / sqrt(pi)


@register_jitable
def _near_0(x: float) -> float:
    """Erf for |x| up to 1."""
    z = x * x
    z2 = z * z
    z4 = z2 * z2
    low = cubic(z, z2, -0.37612638903183754, 0.11283791670955111, -0.026866170645123838, 0.005223977625303518)
    middle = cubic(
        z, z2, -0.0008548327010033328, 0.00012055332214716276, -1.4925622504489842e-05, 1.6461446656928561e-06
    )
    high = cubic(z, z2, -1.6355118610877705e-07, 1.4692484859133263e-08, -1.1500357159785296e-09, 6.174097221305255e-11)
    return x * fma(z, fma(z4, fma(z4, high, middle), low), _FACTOR)


@register_jitable
def _beyond(x: float) -> float:
    """Erfc for x from 1/2 to 28, as exp(-x**2) / (1 + 2 x) times something flat.

    Source: Shepherd and Laframboise 1981, "Chebyshev approximation of (1 + 2 x) exp(x**2) erfc x in 0 <= x < inf",
    in t = (x - 3.5) / (x + 3.5).
    """
    t = (x - 3.5) / (x + 3.5)
    t2 = t * t
    t4 = t2 * t2
    a = cubic(t, t2, 1.2423492448711544, -0.14000918013761976, -0.010555596332209562, 0.09751909515331704)
    b = cubic(t, t2, -0.11508959816063745, 0.08798315382224188, -0.04882332581915687, 0.019099330993291818)
    c = cubic(t, t2, -0.004215019994051275, -0.00030226840135499244, 0.0005643849001421296, -0.00012150925051707105)
    d = cubic(t, t2, -4.27838464499188e-05, 2.424908920915716e-05, 2.3315785842567057e-06, -3.7867649485668245e-06)
    e = cubic(t, t2, -4.810084666634351e-08, 5.609892727277139e-07, -5.5369478996770994e-09, -6.212188432075697e-08)
    flat = fma(t4, fma(t4, fma(t4, fma(t4, e, d), c), b), a)
    square = x * x
    lost = fma(x, x, -square)
    return exp(-square) * (flat - flat * lost) / fma(2.0, x, 1.0)


@out_of_line
def erf(x: float) -> float:
    """Error function."""
    size = abs(x)
    if size < 0.5:
        return _near_0(x)
    return math.copysign(1.0 - _beyond(size) if size < 6.0 else 1.0, x) if x == x else x


@out_of_line
def erfc(x: float) -> float:
    """1 - erf(x), good also where that is small."""
    if abs(x) < 0.5:
        return 1.0 - _near_0(x)
    if x < 0.0:
        return 2.0 - _beyond(-x) if x > -6.0 else 2.0
    return (_beyond(x) if x < 28.0 else 0.0) if x == x else x
