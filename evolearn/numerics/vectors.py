"""A few words on top of llvmlite, for compiled loops whose float32 vectors stay in registers.

No instruction has a fast-math flag and a multiply-add is one instruction, so what is written here has the same bits on
every processor that has it. Vectors have 1, 2, 4, .. lanes; one lane is a plain float. A length or a place is a Python
number, which becomes a literal, or a value of LLVM.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

_FLOAT = ir.FloatType()
_LANE = ir.IntType(32)
_PLACE = ir.IntType(64)


def lanes_of(value: Any) -> int:
    """How many floats a value holds."""
    return value.type.count if isinstance(value.type, ir.VectorType) else 1


def _vector(lanes: int) -> Any:
    return _FLOAT if lanes == 1 else ir.VectorType(_FLOAT, lanes)


@functools.cache  # llvmlite takes its time to make one
def _constant(value: float, lanes: int) -> Any:
    single = float(np.float32(value))
    return ir.Constant(_vector(lanes), single if lanes == 1 else [single] * lanes)


@functools.cache
def _mask(*lanes: int) -> Any:
    return ir.Constant(ir.VectorType(_LANE, len(lanes)), list(lanes))


class Variable:
    """What is read and assigned to in loops; LLVM keeps it in a register."""

    def __init__(self, builder: Any, value: Any) -> None:
        self._builder = builder
        self._where = cgutils.alloca_once(builder, value.type)
        self.value = value

    @property
    def value(self) -> Any:
        """What was assigned last, here or in an earlier round."""
        return self._builder.load(self._where)

    @value.setter
    def value(self, value: Any) -> None:
        self._builder.store(value, self._where)


class VectorCode:
    """What is written with one builder of LLVM's code."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def place(self, number: Any) -> Any:
        """A place or length as a 64-bit value."""
        return _PLACE(number) if isinstance(number, int) else number

    def plus(self, a: Any, b: Any) -> Any:
        """The sum of two places."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        return a if b == 0 else self.builder.add(self.place(a), self.place(b))

    def times(self, a: Any, b: Any) -> Any:
        """The product of two places."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        return a if b == 1 else self.builder.mul(self.place(a), self.place(b))

    def lesser(self, a: Any, b: Any) -> Any:
        """The smaller of two places."""
        a, b = self.place(a), self.place(b)
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def array(self, floats: int, alignment: int) -> Any:
        """A pointer to so many floats of the function's own, from a multiple of `alignment` bytes on."""
        where = cgutils.alloca_once(self.builder, ir.ArrayType(_FLOAT, floats))
        where.align = alignment
        return self.builder.bitcast(where, _FLOAT.as_pointer())

    def pointer(self, address: Any) -> Any:
        """A pointer to the float32 at an address."""
        return self.builder.inttoptr(address, _FLOAT.as_pointer())

    def move(self, pointer: Any, floats: Any) -> Any:
        """The pointer that many floats on."""
        return pointer if isinstance(floats, int) and floats == 0 else self.builder.gep(pointer, [self.place(floats)])

    @contextlib.contextmanager
    def loop(self, times: Any) -> Iterator[Any]:
        """What is written inside is done `times` times, with the number of the round, from 0 on; once needs no loop."""
        if isinstance(times, int) and times == 1:
            yield 0
        else:
            with cgutils.for_range(self.builder, self.place(times)) as loop:
                yield loop.index

    def constant(self, value: float, lanes: int) -> Any:
        """A float32 in every lane."""
        return _constant(value, lanes)

    def load(self, pointer: Any, offset: int, lanes: int) -> Any:
        """The vector that begins `offset` floats after a pointer; it need not be aligned."""
        return self.builder.load(self._at(pointer, offset, lanes), align=4)

    def store(self, value: Any, pointer: Any, offset: int) -> None:
        """Write a vector `offset` floats after a pointer."""
        self.builder.store(value, self._at(pointer, offset, lanes_of(value)), align=4)

    def _at(self, pointer: Any, offset: int, lanes: int) -> Any:
        return self.builder.bitcast(self.move(pointer, offset), _vector(lanes).as_pointer())

    def variable(self, value: Any) -> Variable:
        """A register that keeps a value across rounds of loops."""
        return Variable(self.builder, value)

    def spread(self, single: Any, lanes: int) -> Any:
        """One float in every lane."""
        if lanes == 1:
            return single
        nothing = ir.Constant(_vector(lanes), ir.Undefined)
        first = self.builder.insert_element(nothing, single, _LANE(0))
        return self.shuffled(first, nothing, [0] * lanes)

    def shuffled(self, a: Any, b: Any, lanes: list[int]) -> Any:
        """Lanes of two vectors in a new order; those of `b` count on from those of `a`."""
        return self.builder.shuffle_vector(a, b, _mask(*lanes))

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """``a * b + c``, rounded once."""
        name = "llvm.fma.f32" if lanes_of(a) == 1 else f"llvm.fma.v{lanes_of(a)}f32"
        function = cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(a.type, [a.type] * 3), name)
        return self.builder.call(function, [a, b, c])

    def add(self, a: Any, b: Any) -> Any:
        """``a + b``."""
        return self.builder.fadd(a, b)

    def mul(self, a: Any, b: Any) -> Any:
        """``a * b``."""
        return self.builder.fmul(a, b)

    def div(self, a: Any, b: Any) -> Any:
        """``a / b``."""
        return self.builder.fdiv(a, b)

    def negative(self, a: Any) -> Any:
        """``-a``."""
        return self.builder.fneg(a)

    def at_least(self, x: Any, low: float) -> Any:
        """``low if x < low else x``, so a NaN stays one."""
        bound = self.constant(low, lanes_of(x))
        return self.builder.select(self.builder.fcmp_ordered("<", x, bound), bound, x)

    def at_most(self, x: Any, high: float) -> Any:
        """``high if x > high else x``, so a NaN stays one."""
        bound = self.constant(high, lanes_of(x))
        return self.builder.select(self.builder.fcmp_ordered(">", x, bound), bound, x)

    def where_positive(self, x: Any, value: Any) -> Any:
        """`value` where `x` is above 0, otherwise 0."""
        zero = self.constant(0.0, lanes_of(x))
        return self.builder.select(self.builder.fcmp_ordered(">", x, zero), value, zero)

    def halved(self, x: Any) -> Any:
        """The lower half of the lanes plus the upper half."""
        half = lanes_of(x) // 2
        nothing = ir.Constant(x.type, ir.Undefined)
        if half == 1:
            return self.add(self.builder.extract_element(x, _LANE(0)), self.builder.extract_element(x, _LANE(1)))
        lower = self.shuffled(x, nothing, list(range(half)))
        return self.add(lower, self.shuffled(x, nothing, list(range(half, 2 * half))))

    def joined(self, parts: list[Any]) -> Any:
        """Vectors one after another; a power of two of them, all of one length."""
        while len(parts) > 1:
            both = list(range(2 * lanes_of(parts[0])))
            parts = [self.shuffled(parts[at], parts[at + 1], both) for at in range(0, len(parts), 2)]
        return parts[0]

    def piece(self, x: Any, first: int, lanes: int) -> Any:
        """So many lanes from `first` on, at least two."""
        return self.shuffled(x, ir.Constant(x.type, ir.Undefined), list(range(first, first + lanes)))

    def transposed(self, rows: list[Any]) -> list[Any]:
        """Row r, lane c to row c, lane r; of as many rows as a row has lanes, or of each part of so many lanes."""
        rows, lanes, apart = list(rows), lanes_of(rows[0]), 1
        while apart < len(rows):
            # What stands off the diagonal in squares of twice that size trades places.
            upper = [lane if lane & apart == 0 else lanes + lane - apart for lane in range(lanes)]
            lower = [lane + apart if lane & apart == 0 else lanes + lane for lane in range(lanes)]
            for row in range(len(rows)):
                if row & apart == 0:
                    a, b = rows[row], rows[row + apart]
                    rows[row], rows[row + apart] = self.shuffled(a, b, upper), self.shuffled(a, b, lower)
            apart *= 2
        return rows

    def total(self, parts: list[Any]) -> Any:
        """The sum of vectors of the same lanes, by pairs: (0 + 1) + (2 + 3) .."""
        while len(parts) > 1:
            pairs = [self.add(*parts[at : at + 2]) for at in range(0, len(parts) - 1, 2)]
            parts = pairs + parts[2 * len(pairs) :]
        return parts[0]
