"""The bits of a float64, and scaling by powers of two; in plain Python and in compiled code."""

from __future__ import annotations

import struct
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload, register_jitable

_LARGEST_STEP = 1000  # 2.0**1000 and 2.0**-1000 are normal numbers


def to_bits(x: float) -> int:
    """The 64 bits of `x` as a signed integer."""
    return struct.unpack("<q", struct.pack("<d", x))[0]


def from_bits(bits: int) -> float:
    """The float64 that has these bits."""
    return struct.unpack("<d", struct.pack("<q", bits))[0]


@intrinsic
def _as_int64(typing_context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _as_float64(typing_context: Any, bits: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@overload(to_bits)
def _to_bits_compiled(x):  # type: ignore[no-untyped-def]
    return lambda x: _as_int64(x)


@overload(from_bits)
def _from_bits_compiled(bits):  # type: ignore[no-untyped-def]
    return lambda bits: _as_float64(bits)


@register_jitable
def power_of_two(exponent: int) -> float:
    """2.0**exponent, for exponents of normal numbers, -1022 .. 1023."""
    return from_bits((exponent + 1023) << 52)


@register_jitable
def scale(x: float, exponent: int) -> float:
    """X * 2.0**exponent, rounded once, for |x| from 2**-20 to 2**20 and any exponent."""
    if exponent > _LARGEST_STEP:
        x *= power_of_two(_LARGEST_STEP)
        exponent = min(exponent - _LARGEST_STEP, _LARGEST_STEP)
    elif exponent < -_LARGEST_STEP:
        x *= power_of_two(-_LARGEST_STEP)
        exponent = max(exponent + _LARGEST_STEP, -_LARGEST_STEP)
    return x * power_of_two(exponent)


@register_jitable
def split(x: float) -> tuple[float, int]:
    """A positive finite x as m * 2**exponent, with m from sqrt(1/2) to sqrt(2)."""
    exponent = 0
    if x < 2.2250738585072014e-308:  # subnormal
        x *= 18014398509481984.0  # 2**54
        exponent = -54
    bits = to_bits(x)
    # What is added here takes a mantissa from sqrt(2) on into the next binade.
    own = ((bits + 0x95F619980C433) >> 52) - 1023
    return from_bits(bits - (own << 52)), exponent + own


@register_jitable
def without_low_half(x: float) -> float:
    """X with the lower 32 of its bits cleared: its square is exact."""
    return from_bits((to_bits(x) >> 32) << 32)


@register_jitable
def shrunk(x: float, exponent: int) -> float:
    """X * 2.0**-exponent, exact where the result is normal, for any finite x and its own or a larger exponent."""
    first = -exponent // 2
    return x * power_of_two(first) * power_of_two(-exponent - first)
