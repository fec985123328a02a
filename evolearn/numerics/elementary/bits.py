"""What all functions here are made of: fused multiply-add, the bits of a float64, calls that stay calls.

In plain Python and in compiled code alike.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload, register_jitable

_LARGEST_STEP = 1000  # 2.0**1000 and 2.0**-1000 are normal numbers
_DOUBLE = ir.DoubleType()

OUT_OF_LINE: dict[str, Callable[..., float]] = {}


def out_of_line(function: Callable[..., float]) -> Callable[..., float]:
    """Keep what is rare or long out of those who call it: a function of float64 that compiled code calls by its symbol.

    The linker of `evolearn.numerics._same_bits` brings what stands behind the symbol.
    """
    OUT_OF_LINE[function.__name__] = function

    def called(builder: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_DOUBLE, [_DOUBLE] * len(arguments))
        symbol = f"evolearn.{function.__name__}"
        target = builder.module.globals.get(symbol) or ir.Function(builder.module, kind, symbol)
        return builder.call(target, arguments)

    @intrinsic
    def of_one(typing_context: Any, x: Any) -> Any:
        return types.float64(types.float64), lambda context, builder, signature, given: called(builder, given)

    @intrinsic
    def of_two(typing_context: Any, x: Any, y: Any) -> Any:
        signature = types.float64(types.float64, types.float64)
        return signature, lambda context, builder, signature, given: called(builder, given)

    if function.__code__.co_argcount == 1:
        overload(function)(lambda x: lambda x: of_one(x))
    else:
        overload(function)(lambda x, y: lambda x, y: of_two(x, y))
    return function


def fma(x: float, y: float, z: float) -> float:
    """X * y + z, rounded once."""
    if not math.isfinite(x * y + z):
        return x * y + z
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    return float(exact) if exact else x * y + z  # the sum has the right sign of zero


@intrinsic
def _fused(typing_context: Any, x: Any, y: Any, z: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@overload(fma)
def _fma_compiled(x, y, z):  # type: ignore[no-untyped-def]
    return lambda x, y, z: _fused(x, y, z)


def to_bits(x: float) -> int:
    """The 64 bits of `x` as a signed integer."""
    return struct.unpack("<q", struct.pack("<d", x))[0]


def from_bits(bits: int) -> float:
    """The float64 that has these bits, the lowest 64."""
    return struct.unpack("<d", struct.pack("<Q", bits & 0xFFFFFFFFFFFFFFFF))[0]


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
def cubic(x: float, square: float, a: float, b: float, c: float, d: float) -> float:
    """A + b x + c x**2 + d x**3. Source: Estrin's scheme: half as deep as Horner's, and fixed."""
    return fma(square, fma(x, d, c), fma(x, b, a))


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
def split_normal(x: float) -> tuple[float, int]:
    """A positive normal x as m * 2**exponent, with m from sqrt(1/2) to sqrt(2)."""
    bits = to_bits(x)
    # What is added here takes a mantissa from sqrt(2) on into the next binade.
    exponent = ((bits + 0x95F619980C433) >> 52) - 1023
    return from_bits(bits - (exponent << 52)), exponent


@register_jitable
def split(x: float) -> tuple[float, int]:
    """A positive finite x as m * 2**exponent, with m from sqrt(1/2) to sqrt(2)."""
    if x < 2.2250738585072014e-308:  # subnormal
        m, exponent = split_normal(x * 18014398509481984.0)  # 2**54
        return m, exponent - 54
    return split_normal(x)


@register_jitable
def shrunk(x: float, exponent: int) -> float:
    """X * 2.0**-exponent, exact where the result is normal, for any finite x and its own or a larger exponent."""
    first = -exponent // 2
    return x * power_of_two(first) * power_of_two(-exponent - first)
