"""Sixteen float32 at a time: arithmetic in explicit vectors, and words that mean the same of one number and of sixteen.

A loop that adds is turned into vectors only by leave to reorder sums, and then in an order that depends on the width of
the processor's registers. Here the order is written down: lane by lane, and in `total` pairwise. So bits are the same
on every processor, whether it takes sixteen lanes in one register or in four.

In compiled code the operators ``+ - * /``, unary minus and comparisons work on lanes, and a float32 beside them stands
for sixteen of it. In plain Python lanes are a NumPy array of sixteen numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import PrimitiveModel
from numba.core.imputils import lower_builtin, lower_cast
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import register_model, type_callable

LANES = 16  # of float32: one cache line
# Added to a number below 2**22, it leaves the nearest whole number, the even one of two, in the lowest bits.
SHIFT = np.float32(1.5 * 2**23)

_ELEMENTS = {"float32": ir.FloatType(), "boolean": ir.IntType(1)}
_WORD = ir.IntType(32)


class Lanes(types.Type):  # type: ignore[misc]
    """Numba's type of sixteen numbers of one kind, or of the sixteen truths of a comparison."""

    def __init__(self, element: str) -> None:
        self.element = element
        super().__init__(name=f"lanes({element})")


LANES_TYPE, MASK_TYPE = Lanes("float32"), Lanes("boolean")
_SCALARS = (types.float32, types.float64)


@register_model(Lanes)
class _LanesModel(PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, ir.VectorType(_ELEMENTS[lanes.element], LANES))


def _spread(builder: Any, value: Any) -> Any:
    """Sixteen of one number."""
    vector = ir.VectorType(value.type, LANES)
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, value, _WORD(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_WORD, LANES), [0] * LANES))


@lower_cast(types.float32, LANES_TYPE)
def _cast_to_lanes(context: Any, builder: Any, from_type: Any, to_type: Any, value: Any) -> Any:
    return _spread(builder, value)


# --- operators ---


def _joined(kinds: tuple[Any, ...]) -> Any:
    """The type in which numbers and lanes meet; None if none of them is lanes, or one is of another kind."""
    if LANES_TYPE in kinds and all(kind in (LANES_TYPE, types.float32) for kind in kinds):
        return LANES_TYPE
    return None


def _define(function: Any, arguments: int, result: Any, build: Callable[..., Any]) -> None:
    class Template(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            if _joined(args) is None:
                return None
            return signature(result, *(LANES_TYPE,) * arguments)

    infer_global(function)(Template)

    @lower_builtin(function, *(LANES_TYPE,) * arguments)
    def _lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return build(builder, *values)


_define(operator.add, 2, LANES_TYPE, lambda builder, a, b: builder.fadd(a, b))
_define(operator.sub, 2, LANES_TYPE, lambda builder, a, b: builder.fsub(a, b))
_define(operator.mul, 2, LANES_TYPE, lambda builder, a, b: builder.fmul(a, b))
_define(operator.truediv, 2, LANES_TYPE, lambda builder, a, b: builder.fdiv(a, b))
_define(operator.neg, 1, LANES_TYPE, lambda builder, a: builder.fneg(a))
_define(operator.lt, 2, MASK_TYPE, lambda builder, a, b: builder.fcmp_ordered("<", a, b))
_define(operator.gt, 2, MASK_TYPE, lambda builder, a, b: builder.fcmp_ordered(">", a, b))
_define(operator.eq, 2, MASK_TYPE, lambda builder, a, b: builder.fcmp_ordered("==", a, b))


# --- words of one number or sixteen ---


def _word(function: Any, result: Callable[..., Any], build: Callable[..., Any]) -> None:
    """Give a plain function its compiled form: `result` of the argument types, `build` of builder, type and values."""

    class Template(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            kind = result(*args)
            return None if kind is None else signature(kind, *args)

    infer_global(function)(Template)

    @lower_builtin(function, types.VarArg(types.Any))
    def _lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = signature.return_type == LANES_TYPE
        given = [kind == types.float32 for kind in signature.args]
        values = [_spread(builder, x) if lanes and single else x for x, single in zip(values, given, strict=True)]
        return build(builder, signature.return_type, values)


def _same(*kinds: Any) -> Any:
    return _joined(kinds) or (kinds[0] if kinds[0] in _SCALARS and len(set(kinds)) == 1 else None)


_NAMES = {types.float32: "f32", types.float64: "f64", LANES_TYPE: f"v{LANES}f32"}


def _intrinsic(name: str) -> Callable[..., Any]:
    """Code that calls one of LLVM's intrinsics, whose arguments and result are of one type."""

    def build(builder: Any, result: Any, values: Any) -> Any:
        kind = values[0].type
        function = ir.FunctionType(kind, [kind] * len(values))
        called = cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.{_NAMES[result]}")
        return builder.call(called, values)

    return build


def _wider(x: Any) -> Any:
    return np.float64(x) if np.ndim(x) == 0 else np.asarray(x, np.float64)


def fma(a: Any, x: Any, c: Any) -> Any:
    """``a * x + c``, rounded once; of float32, float64 or lanes. In plain Python twice, but the product exactly.

    Of float64 plain Python rounds the product as well, where no longer number is at hand.
    """
    if isinstance(a, float) or isinstance(x, float) or isinstance(c, float):  # np.float64 is one
        return np.float64(np.longdouble(a) * np.longdouble(x) + np.longdouble(c))
    with np.errstate(all="ignore"):
        total = _wider(a) * _wider(x) + _wider(c)
        return np.float32(total) if np.ndim(total) == 0 else total.astype(np.float32)


def select(condition: Any, where_true: Any, where_false: Any) -> Any:
    """One of two numbers or lanes, each lane by its own truth; both are computed."""
    if np.ndim(condition) == 0 and np.ndim(where_true) == 0 and np.ndim(where_false) == 0:
        return where_true if condition else where_false
    return np.where(condition, where_true, where_false).astype(np.float32)


def root(x: Any) -> Any:
    """The square root."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(x)


def power_of_two(shifted: Any) -> Any:
    """2 to the power of ``shifted - SHIFT``, a whole number in -126 .. 127; of any other some number, but no trap."""
    with np.errstate(all="ignore"):
        bits = (np.asarray(shifted, np.float32).view(np.int32) << 23) + np.int32(127 << 23)
        return bits.view(np.float32)[()]


def exponent(x: Any) -> Any:
    """The whole float32 e for which x / 2**e is in 2**-.5 .. 2**.5, of a positive normal x."""
    bits = np.asarray(x, np.float32).view(np.int32)
    return ((bits - np.int32(_ROOT_HALF)) >> 23).astype(np.float32)[()]


def mantissa(x: Any) -> Any:
    """Of a positive normal x, x / 2**e, see `exponent`."""
    bits = np.asarray(x, np.float32).view(np.int32)
    return (bits - (((bits - np.int32(_ROOT_HALF)) >> 23) << 23)).view(np.float32)[()]


_ROOT_HALF = 0x3F3504F3  # the bits of 2**-.5


def _integers(value: Any, number: int) -> Any:
    kind = _integer_type(value.type)
    return ir.Constant(kind, [number] * LANES) if isinstance(kind, ir.VectorType) else ir.Constant(kind, number)


def _integer_type(kind: Any) -> Any:
    return ir.VectorType(_WORD, LANES) if isinstance(kind, ir.VectorType) else _WORD


def _build_power_of_two(builder: Any, result: Any, values: Any) -> Any:
    (shifted,) = values
    bits = builder.shl(builder.bitcast(shifted, _integer_type(shifted.type)), _integers(shifted, 23))
    return builder.bitcast(builder.add(bits, _integers(shifted, 127 << 23)), shifted.type)


def _whole_exponent(builder: Any, x: Any) -> tuple[Any, Any]:
    bits = builder.bitcast(x, _integer_type(x.type))
    return bits, builder.ashr(builder.sub(bits, _integers(x, _ROOT_HALF)), _integers(x, 23))


def _build_exponent(builder: Any, result: Any, values: Any) -> Any:
    (x,) = values
    return builder.sitofp(_whole_exponent(builder, x)[1], x.type)


def _build_mantissa(builder: Any, result: Any, values: Any) -> Any:
    (x,) = values
    bits, power = _whole_exponent(builder, x)
    return builder.bitcast(builder.sub(bits, builder.shl(power, _integers(x, 23))), x.type)


def _chosen(condition: Any, *kinds: Any) -> Any:
    if condition == MASK_TYPE:
        return LANES_TYPE if all(kind in (LANES_TYPE, types.float32) for kind in kinds) else None
    return _same(*kinds) if condition == types.boolean else None


def _build_select(builder: Any, result: Any, values: Any) -> Any:
    condition, where_true, where_false = values
    return builder.select(condition, where_true, where_false)


def _single(kind: Any) -> Any:
    return kind if kind in (types.float32, LANES_TYPE) else None


_word(fma, _same, _intrinsic("fma"))
_word(root, _same, _intrinsic("sqrt"))
_word(select, _chosen, _build_select)
_word(power_of_two, _single, _build_power_of_two)
_word(exponent, _single, _build_exponent)
_word(mantissa, _single, _build_mantissa)


# --- between lanes and arrays; no index is checked in compiled code ---


def spread(x: Any) -> Any:
    """Sixteen of one float32."""
    return np.full(LANES, x, np.float32)


def load(array: Any, place: int) -> Any:
    """Sixteen entries of a C-contiguous float32 array from flat place `place` on."""
    return _within(array, place, LANES).copy()


def load_part(array: Any, place: int, count: int) -> Any:
    """As `load`, the first `count` of them; the others are 0, and nothing there is read. `count` above 16 is 16."""
    lanes = np.zeros(LANES, np.float32)
    lanes[:count] = _within(array, place, min(count, LANES))
    return lanes


def gather(array: Any, place: int, stride: int, count: int) -> Any:
    """A piece of a column: `count` entries of a C-contiguous float32 array, flat from `place` on, `stride` apart.

    As of `load_part`, the others are 0, and 16 are the most.
    """
    lanes = np.zeros(LANES, np.float32)
    count = min(count, LANES)
    lanes[:count] = _within(array, place, (count - 1) * stride + 1)[::stride]
    return lanes


def scatter(array: Any, place: int, stride: int, lanes: Any, count: int) -> None:
    """Write what `gather` reads."""
    count = min(count, LANES)
    _within(array, place, (count - 1) * stride + 1)[::stride] = lanes[:count]


def store(array: Any, place: int, lanes: Any) -> None:
    """Write sixteen entries of a C-contiguous float32 array from flat place `place` on."""
    _within(array, place, LANES)[:] = lanes


def store_part(array: Any, place: int, lanes: Any, count: int) -> None:
    """As `store`, the first `count` of them; nothing is written behind. `count` above 16 is 16."""
    _within(array, place, min(count, LANES))[:] = lanes[:count]


def total(lanes: Any) -> Any:
    """The sum of sixteen: upper half to lower half, until one is left."""
    half = LANES // 2
    with np.errstate(all="ignore"):
        while half:
            lanes = lanes[:half] + lanes[half : 2 * half]
            half //= 2
    return lanes[0]


def highest(lanes: Any) -> Any:
    """The largest of sixteen numbers; those that are none are passed over, or give one that is none."""
    half = LANES // 2
    while half:
        lanes = select(lanes[:half] > lanes[half : 2 * half], lanes[:half], lanes[half : 2 * half])
        half //= 2
    return lanes[0]


def some(lanes: Any) -> Any:
    """Whether any of sixteen numbers is other than 0; what is no number is."""
    return bool(np.any(lanes != 0.0))


def _within(array: Any, place: int, count: int) -> Any:
    if place < 0 or place + count > array.size:
        raise IndexError(f"{count} entries from place {place} on are out of bounds for size {array.size}")
    return array.reshape(-1)[place : place + count]


_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_ALIGN = 4  # bytes; an array may begin at any float


def _is_floats(array: Any) -> bool:
    return isinstance(array, types.Array) and array.dtype == types.float32 and array.layout == "C"


def _pointer(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), _VECTOR.as_pointer())


def _mask(builder: Any, count: Any) -> Any:
    """Which lanes are below `count`, an int64."""
    most = ir.Constant(count.type, LANES)
    some = builder.trunc(builder.select(builder.icmp_signed("<", count, most), count, most), _WORD)
    numbers = ir.Constant(ir.VectorType(_WORD, LANES), list(range(LANES)))
    return builder.icmp_signed("<", numbers, _spread(builder, some))


@type_callable(spread)
def _type_spread(context: Any) -> Any:
    return lambda x: LANES_TYPE if x == types.float32 else None


@lower_builtin(spread, types.float32)
def _lower_spread(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    return _spread(builder, values[0])


@type_callable(load)
def _type_load(context: Any) -> Any:
    return lambda array, place: LANES_TYPE if _is_floats(array) and isinstance(place, types.Integer) else None


@lower_builtin(load, types.Array, types.Integer)
def _lower_load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    place = context.cast(builder, values[1], signature.args[1], types.intp)
    return builder.load(_pointer(context, builder, signature.args[0], values[0], place), align=_ALIGN)


@type_callable(load_part)
def _type_load_part(context: Any) -> Any:
    return lambda array, place, count: LANES_TYPE if _is_floats(array) else None


@lower_builtin(load_part, types.Array, types.Integer, types.Integer)
def _lower_load_part(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    place, count = (context.cast(builder, values[i], signature.args[i], types.intp) for i in (1, 2))
    pointer = _pointer(context, builder, signature.args[0], values[0], place)
    mask = _mask(builder, count)
    kinds = [pointer.type, _WORD, mask.type, _VECTOR]
    name = f"llvm.masked.load.v{LANES}f32.p0"
    called = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_VECTOR, kinds), name)
    return builder.call(called, [pointer, _WORD(_ALIGN), mask, ir.Constant(_VECTOR, [0.0] * LANES)])


def _is_whole(builder: Any, count: Any) -> Any:
    return builder.icmp_signed(">=", count, ir.Constant(count.type, LANES))


@type_callable(gather)
def _type_gather(context: Any) -> Any:
    return lambda array, place, stride, count: LANES_TYPE if _is_floats(array) else None


@lower_builtin(gather, types.Array, types.Integer, types.Integer, types.Integer)
def _lower_gather(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    place, stride, count = (context.cast(builder, values[i], signature.args[i], types.intp) for i in (1, 2, 3))
    data = context.make_array(signature.args[0])(context, builder, values[0]).data
    result = cgutils.alloca_once(builder, _VECTOR)
    with builder.if_else(_is_whole(builder, count)) as (whole, part):
        with whole:
            lanes, at = ir.Constant(_VECTOR, ir.Undefined), place
            for number in range(LANES):
                lanes = builder.insert_element(lanes, builder.load(builder.gep(data, [at])), _WORD(number))
                at = builder.add(at, stride)
            builder.store(lanes, result)
        with part:
            builder.store(ir.Constant(_VECTOR, [0.0] * LANES), result)
            with cgutils.for_range(builder, count) as loop:
                number = builder.load(builder.gep(data, [builder.add(place, builder.mul(loop.index, stride))]))
                lanes = builder.insert_element(builder.load(result), number, builder.trunc(loop.index, _WORD))
                builder.store(lanes, result)
    return builder.load(result)


@type_callable(scatter)
def _type_scatter(context: Any) -> Any:
    return lambda array, place, stride, lanes, count: types.none if _is_floats(array) and lanes == LANES_TYPE else None


@lower_builtin(scatter, types.Array, types.Integer, types.Integer, LANES_TYPE, types.Integer)
def _lower_scatter(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    place, stride, count = (context.cast(builder, values[i], signature.args[i], types.intp) for i in (1, 2, 4))
    lanes = values[3]
    data = context.make_array(signature.args[0])(context, builder, values[0]).data
    with builder.if_else(_is_whole(builder, count)) as (whole, part):
        with whole:
            at = place
            for number in range(LANES):
                builder.store(builder.extract_element(lanes, _WORD(number)), builder.gep(data, [at]))
                at = builder.add(at, stride)
        with part, cgutils.for_range(builder, count) as loop:
            number = builder.extract_element(lanes, builder.trunc(loop.index, _WORD))
            builder.store(number, builder.gep(data, [builder.add(place, builder.mul(loop.index, stride))]))
    return context.get_dummy_value()


@type_callable(store)
def _type_store(context: Any) -> Any:
    return lambda array, place, lanes: types.none if _is_floats(array) and lanes == LANES_TYPE else None


@lower_builtin(store, types.Array, types.Integer, LANES_TYPE)
def _lower_store(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    place = context.cast(builder, values[1], signature.args[1], types.intp)
    builder.store(values[2], _pointer(context, builder, signature.args[0], values[0], place), align=_ALIGN)
    return context.get_dummy_value()


@type_callable(store_part)
def _type_store_part(context: Any) -> Any:
    return lambda array, place, lanes, count: types.none if _is_floats(array) and lanes == LANES_TYPE else None


@lower_builtin(store_part, types.Array, types.Integer, LANES_TYPE, types.Integer)
def _lower_store_part(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    place, count = (context.cast(builder, values[i], signature.args[i], types.intp) for i in (1, 3))
    pointer = _pointer(context, builder, signature.args[0], values[0], place)
    kinds = [_VECTOR, pointer.type, _WORD, ir.VectorType(ir.IntType(1), LANES)]
    name = f"llvm.masked.store.v{LANES}f32.p0"
    called = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), kinds), name)
    # Many processors take ten times as long for a store with a mask.
    with builder.if_else(_is_whole(builder, count)) as (whole, part):
        with whole:
            builder.store(values[2], pointer, align=_ALIGN)
        with part:
            builder.call(called, [values[2], pointer, _WORD(_ALIGN), _mask(builder, count)])
    return context.get_dummy_value()


@type_callable(total)
def _type_total(context: Any) -> Any:
    return lambda lanes: types.float32 if lanes == LANES_TYPE else None


def _fold(builder: Any, lanes: Any, join: Callable[[Any, Any], Any]) -> Any:
    """Sixteen lanes joined, lower half with upper half, until one is left."""
    half = LANES // 2
    while half:
        places = ir.VectorType(_WORD, half)
        low = builder.shuffle_vector(lanes, lanes, ir.Constant(places, list(range(half))))
        high = builder.shuffle_vector(lanes, lanes, ir.Constant(places, list(range(half, 2 * half))))
        lanes = join(low, high)
        half //= 2
    return builder.extract_element(lanes, _WORD(0))


@lower_builtin(total, LANES_TYPE)
def _lower_total(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    return _fold(builder, values[0], builder.fadd)


@type_callable(some)
def _type_some(context: Any) -> Any:
    return lambda lanes: types.boolean if lanes == LANES_TYPE else None


@lower_builtin(some, LANES_TYPE)
def _lower_some(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    others = builder.fcmp_unordered("!=", values[0], ir.Constant(_VECTOR, [0.0] * LANES))
    bits = ir.IntType(LANES)
    return builder.icmp_unsigned("!=", builder.bitcast(others, bits), bits(0))


@type_callable(highest)
def _type_highest(context: Any) -> Any:
    return lambda lanes: types.float32 if lanes == LANES_TYPE else None


@lower_builtin(highest, LANES_TYPE)
def _lower_highest(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    return _fold(builder, values[0], lambda a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b))
