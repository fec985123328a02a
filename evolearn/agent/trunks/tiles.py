"""Dense trunks at the speed of the machine: for one shape, the brain of a team of lives and its gradient over a window.

Layouts are those of `evolearn.agent.trunks.mlp` and `evolearn.agent.trunks.trunk.Window`; the functions there say in
plain Python what is computed here. Every size but that of the window is a literal, vectors are explicit, and products
are cut into tiles, of rows by columns, whose sums stay in registers until they are done. How large tiles are depends on
the processor's registers. The order in which each sum is added up does not: bits are the same whatever the tiles, the
team and the processor.

Orders of sums, for what it is worth: a unit's from the bias on, over inputs, in `_chains` parts of every so many; an
output's in eight lanes; a gradient's from what was there on, over the window's rows; a slope's over units.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import llvmlite.binding as llvm
from numba import types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from evolearn.agent.trunks.dense import TANH_DENOMINATOR, TANH_LIMIT, TANH_NUMERATOR
from evolearn.agent.trunks.trunk import BACKWARD_TYPE, THINK_ALL_TYPE, THINK_TYPE, DenseFunctions, Layers
from evolearn.numerics import specialised
from evolearn.numerics.vectors import Words

Activation = Literal["tanh", "relu"]


class Registers(NamedTuple):
    """Of a processor: how many floats a vector register has, and how many such registers there are."""

    lanes: int
    number: int


class Shape(NamedTuple):
    """Of a brain: all that its code depends on."""

    layers: Layers
    linear: int  # linear outputs: policy, then value
    log_stdevs: int
    activation: Activation

    @property
    def outputs(self) -> int:
        """Numbers in a row of outputs: policy parameters, value."""
        return self.linear + self.log_stdevs

    @property
    def starts(self) -> tuple[int, ...]:
        """Place of each layer's matrix in the weights, and of the heads'."""
        sizes = [(inputs + 1) * units for inputs, units in itertools.pairwise(self.layers)]
        return tuple(itertools.accumulate(sizes, initial=0))

    @property
    def columns(self) -> tuple[int, ...]:
        """Place of each layer's units in a row of activations, and the length of the row."""
        return tuple(itertools.accumulate(self.layers[1:], initial=0))

    @property
    def weights(self) -> int:
        """How many there are."""
        return self.starts[-1] + (self.layers[-1] + 1) * self.linear + self.log_stdevs


@functools.cache
def registers_here() -> Registers:
    """Those of the processor that Numba compiles for: it is asked what it makes of a vector of 16 floats."""
    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    machine = llvm.Target.from_default_triple().create_target_machine(cpu=name, features=features)
    sum_ = "%x = load <16 x float>, ptr %p %y = fadd <16 x float> %x, %x store <16 x float> %y, ptr %p ret void"
    asked = llvm.parse_assembly(f"define void @f(ptr %p) {{ {sum_} }}")
    return Registers(16, 32) if "zmm" in machine.emit_assembly(asked) else Registers(8, 16)


@functools.cache
def dense_functions(
    layers: Layers,
    linear_outputs: int,
    log_stdevs: int,
    activation: Activation = "tanh",
    registers: Registers | None = None,
) -> DenseFunctions:
    """The compiled brain of one shape, from disk if it was compiled before.

    Args:
        layers: units per layer, observations first; without a hidden layer the heads read the observation.
        linear_outputs: actions and the value; >= 2.
        log_stdevs: how many numbers an output row has besides.
        activation: of the hidden layers.
        registers: for which tiles are cut; None for this processor's.
    """
    shape = Shape(layers, linear_outputs, log_stdevs, activation)
    registers = registers or registers_here()
    label = f"{shape} {registers}"
    think_all = specialised(_think_all, THINK_ALL_TYPE, label, think_rows=_think_rows(shape, registers))
    return DenseFunctions(
        think_all,
        specialised(_think, THINK_TYPE, label, think_all=think_all),
        specialised(_backward, BACKWARD_TYPE, label, backward_rows=_backward_rows(shape, registers)),
    )


think_rows: Any = None  # parts, see `dense_functions`
think_all: Any = None
backward_rows: Any = None


def _think_all(
    observation: int, weights: int, observations: int, activations: int, outputs: int, rows: int, count: int, row: int
) -> None:
    think_rows(observation, weights, observations, activations, outputs, rows, count, row)


def _think(weights: Any, layers: Any, window: Any, row: int) -> None:
    observations = window.observations.ctypes.data
    think_all(
        observations + 4 * row * window.observations.shape[1],
        weights.ctypes.data,
        observations,
        window.activations.ctypes.data,
        window.outputs.ctypes.data,
        window.observations.shape[0],
        1,
        row,
    )


def _backward(weights: Any, layers: Any, window: Any, deltas: Any, gradient: Any, scratch: Any) -> None:
    backward_rows(
        weights.ctypes.data,
        window.observations.ctypes.data,
        window.activations.ctypes.data,
        deltas.ctypes.data,
        gradient.ctypes.data,
        scratch.ctypes.data,
        deltas.shape[0],
    )


def _think_rows(shape: Shape, registers: Registers) -> Any:
    """The intrinsic behind `_think_all` and `_think`: phase by phase over the team, so that lives hide latencies."""

    @intrinsic
    def think_rows(  # type: ignore[no-untyped-def]
        typing_context, observation, weights, observations, activations, outputs, rows, count, row
    ):
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            words = Words(builder)
            observation, weights, observations, activations, outputs = map(words.pointer, arguments[:5])
            rows, count, row = arguments[5:]
            inputs, units = shape.layers[0], shape.columns[-1]
            stride = (shape.weights + 15) // 16 * 16

            def row_of(array: Any, life: Any, length: int) -> Any:
                return words.move(array, words.times(words.plus(words.times(life, rows), row), length))

            with words.loop(count) as life:
                source = words.move(observation, words.times(life, inputs))
                _copy(words, registers, source, row_of(observations, life, inputs), inputs)
            for layer in range(len(shape.layers) - 1):
                with words.loop(count) as life:
                    target = row_of(activations, life, units)
                    if layer == 0:
                        source = words.move(observation, words.times(life, inputs))
                    else:
                        source = words.move(target, shape.columns[layer - 1])
                    matrix = words.move(weights, words.plus(words.times(life, stride), shape.starts[layer]))
                    target = words.move(target, shape.columns[layer])
                    _think_layer(words, registers, shape, layer, source, matrix, target)
            with words.loop(count) as life:
                if units:
                    source = words.move(row_of(activations, life, units), shape.columns[-2])
                else:
                    source = words.move(observation, words.times(life, inputs))
                matrix = words.move(weights, words.plus(words.times(life, stride), shape.starts[-1]))
                _speak(words, registers, shape, source, matrix, row_of(outputs, life, shape.outputs))
            return context.get_dummy_value()

        places = [observation, weights, observations, activations, outputs, rows, count, row]
        return types.void(*places), generate

    return think_rows


def _chunks(floats: int, lanes: int) -> list[tuple[int, int]]:
    """Place and lanes of the vectors that `floats` floats are cut into: whole ones, then smaller and smaller."""
    cut = [(at, lanes) for at in range(0, floats - lanes + 1, lanes)]
    at = len(cut) * lanes
    while at < floats:
        lanes //= 2
        if at + lanes <= floats:
            cut.append((at, lanes))
            at += lanes
    return cut


class _Columns(NamedTuple):
    """Vectors side by side that are worked on together, some of them once more, so many columns on."""

    first: int
    width: int
    times: int
    chunks: list[tuple[int, int]]


def _column_groups(columns: int, lanes: int, most: int) -> Iterator[_Columns]:
    """Cut columns into groups of at most `most` vectors."""
    chunks = _chunks(columns, lanes)
    if len(chunks) <= most:
        yield _Columns(0, 0, 1, chunks)
        return
    whole = columns // lanes
    if whole >= most:
        size = next((size for size in range(most, most // 2, -1) if whole % size == 0), most)
        yield _Columns(0, size * lanes, whole // size, chunks[:size])
        chunks = chunks[whole // size * size :]
    while chunks:
        first = chunks[0][0]
        yield _Columns(first, 0, 1, [(at - first, width) for at, width in chunks[:most]])
        chunks = chunks[most:]


def _copy(words: Words, registers: Registers, source: Any, target: Any, floats: int) -> None:
    for group in _column_groups(floats, registers.lanes, 4):
        with words.loop(group.times) as number:
            here = words.plus(words.times(number, group.width), group.first)
            for at, lanes in group.chunks:
                words.store(words.load(words.move(source, here), at, lanes), words.move(target, here), at)


def _chains(inputs: int, units: int) -> int:
    """In how many parts a unit's sum is added up: as many as fill the time that a multiply-add takes.

    About eight are on their way at a time. Part of what a brain computes, so it asks no processor.
    """
    if inputs < 8:
        return 1
    vectors = len(_chunks(units, 8))
    return 4 if vectors <= 2 else 2 if vectors <= 6 else 1


_UNROLLED = 128  # multiply-adds of vectors in a row; more are done in a loop
_STEP = 8  # inputs per round of it, a multiple of all `_chains`


def _think_layer(
    words: Words, registers: Registers, shape: Shape, layer: int, source: Any, matrix: Any, target: Any
) -> None:
    inputs, units = shape.layers[layer : layer + 2]
    chains = _chains(inputs, units)
    for group in _column_groups(units, registers.lanes, (registers.number - 4) // chains):
        with words.loop(group.times) as number:
            here = words.plus(words.times(number, group.width), group.first)
            weights = words.move(matrix, here)
            bias = words.move(weights, inputs * units)
            sums = [
                [
                    words.variable(words.load(bias, at, lanes) if chain == 0 else words.constant(0.0, lanes))
                    for at, lanes in group.chunks
                ]
                for chain in range(chains)
            ]
            looped = inputs // _STEP if inputs * len(group.chunks) > _UNROLLED else 0
            if looped:
                with words.loop(looped) as round_:
                    first = words.times(round_, _STEP)
                    rows = words.move(weights, words.times(first, units))
                    _add_inputs(words, sums, words.move(source, first), rows, units, group.chunks, 0, _STEP)
            _add_inputs(words, sums, source, weights, units, group.chunks, looped * _STEP, inputs)
            for number, (at, _) in enumerate(group.chunks):
                total = words.total([words.builder.load(chain[number]) for chain in sums])
                words.store(_activation(words, shape, total), words.move(target, here), at)


def _add_inputs(
    words: Words, sums: Any, source: Any, weights: Any, units: int, chunks: Any, first: int, last: int
) -> None:
    for i in range(first, last):
        value = words.load(source, i, 1)
        for total, (at, lanes) in zip(sums[i % len(sums)], chunks, strict=True):
            weight = words.load(weights, i * units + at, lanes)
            words.builder.store(words.fma(words.spread(value, lanes), weight, words.builder.load(total)), total)


def _activation(words: Words, shape: Shape, x: Any) -> Any:
    """`evolearn.agent.trunks.dense.tanh` or `evolearn.agent.trunks.relu.relu` of every lane."""
    if shape.activation == "relu":
        return words.at_least(x, 0.0)
    lanes = 1 if x.type == words.constant(0.0, 1).type else x.type.count
    x = words.at_most(words.at_least(x, -TANH_LIMIT), TANH_LIMIT)
    square = words.mul(x, x)
    numerator, denominator = (
        functools.reduce(
            lambda sum_, factor: words.fma(square, sum_, words.constant(factor, lanes)),
            factors[-2::-1],
            words.constant(factors[-1], lanes),
        )
        for factors in (TANH_NUMERATOR, TANH_DENOMINATOR)
    )
    return words.div(words.mul(x, numerator), denominator)


_OUTPUTS = 6  # at a time


def _speak(words: Words, registers: Registers, shape: Shape, source: Any, weights: Any, output: Any) -> None:
    """`evolearn.agent.trunks.heads.speak`."""
    inputs, linear = shape.layers[-1], shape.linear
    bias = words.move(weights, inputs * linear)
    whole = (linear - 1) // _OUTPUTS
    if whole:
        with words.loop(whole) as number:
            first = words.times(number, _OUTPUTS)
            totals = _dots(words, source, words.move(weights, words.times(first, inputs)), inputs, _OUTPUTS)
            for k, total in enumerate(totals):
                words.store(words.add(total, words.load(words.move(bias, first), k, 1)), words.move(output, first), k)
    first = whole * _OUTPUTS
    for k, total in enumerate(_dots(words, source, words.move(weights, first * inputs), inputs, linear - first), first):
        place = k if k < linear - 1 else shape.outputs - 1
        words.store(words.add(total, words.load(bias, k, 1)), output, place)
    _copy(words, registers, words.move(bias, linear), words.move(output, linear - 1), shape.log_stdevs)


def _dots(words: Words, source: Any, weights: Any, inputs: int, count: int) -> list[Any]:
    """`source` times each of `count` rows: eight sums that take turns, added by halves; then what is left over."""
    whole = inputs // 8
    sums = [words.variable(words.constant(0.0, 8)) for _ in range(count)]

    def add_vector(place: Any) -> None:
        values = words.load(words.move(source, place), 0, 8)
        for k, total in enumerate(sums):
            weight = words.load(words.move(weights, place), k * inputs, 8)
            words.builder.store(words.fma(values, weight, words.builder.load(total)), total)

    if whole * count > _UNROLLED:
        with words.loop(whole) as number:
            add_vector(words.times(number, 8))
    else:
        for number in range(whole):
            add_vector(8 * number)
    totals = []
    for k, total in enumerate(sums):
        rest = {
            lanes: words.mul(words.load(source, at, lanes), words.load(weights, k * inputs + at, lanes))
            for at, lanes in _chunks(inputs, 8)[whole:]
        }
        value = words.builder.load(total)
        for lanes in (4, 2, 1):
            value = words.halved(value)
            if lanes in rest:
                value = words.add(value, rest[lanes])
        totals.append(value)
    return totals


class _Matrix(NamedTuple):
    """Floats in rows: from one row to the next `down`, from one column to the next `across`."""

    pointer: Any
    down: int
    across: int = 1


class _Tile(NamedTuple):
    """How many rows, and how many vectors of columns, of a product are added up at once."""

    rows: int
    vectors: int


@functools.cache
def tile_for(rows: int, vectors: int, registers: Registers) -> _Tile:
    """The tile that a product of so many rows and vectors of columns takes the fewest cycles with.

    Per term a tile takes two multiply-adds a cycle, two loads a cycle, and no less than the four cycles that a
    multiply-add takes. It needs a register per sum, one per row or vector, whichever is less, and one more.
    """

    def cost(tile: _Tile) -> tuple[float, int]:
        def parts(whole: int, part: int) -> list[tuple[int, int]]:
            return [(part, whole // part), (whole % part, min(1, whole % part))]

        total = sum(
            max(r * v / 2, (r + v) / 2, 4) * m * n
            for r, m in parts(rows, tile.rows)
            for v, n in parts(vectors, tile.vectors)
        )
        return total, tile.rows + tile.vectors

    tiles = [_Tile(r, v) for r in range(1, min(rows, 8) + 1) for v in range(1, min(vectors, 8) + 1)]
    return min((tile for tile in tiles if _needed(tile) <= registers.number), key=cost)


def _needed(tile: _Tile) -> int:
    return tile.rows * tile.vectors + tile.vectors + 1


_TYPICAL_WINDOW = 16


def _product(
    words: Words,
    registers: Registers,
    rows: Any,
    terms: Any,
    columns: int,
    left: _Matrix,
    right: _Matrix,
    target: _Matrix,
    finish: Callable[[Any, Any, Any, int, int], Any] | None = None,
    ones: bool = False,
    last: tuple[int, int] | None = None,
) -> None:
    """Write ``target[m, u] = sum of left[m, k] * right[k, u] over k``, or add it, term by term, where `finish` is None.

    Args:
        words: see `Words`.
        registers: for which tiles are cut.
        rows: of left and target; a Python number or a value.
        terms: columns of left, rows of right; a Python number or a value.
        columns: of right and target.
        left: see above.
        right: see above.
        target: see above.
        finish: what is written instead of a sum, by sum, row, column, and how many rows and columns after these.
        ones: the last row of left is not there; it is all ones.
        last: places, in left and in right, of the first row's and column's factors of one more term.
    """
    typical = rows if isinstance(rows, int) else _TYPICAL_WINDOW
    tile = tile_for(typical, len(_chunks(columns, registers.lanes)), registers)

    def do(row: Any, height: int, column: Any, chunks: list[tuple[int, int]], has_ones: bool) -> None:
        here = words.move(words.move(target.pointer, words.times(row, target.down)), column)
        lefts = words.move(left.pointer, words.times(row, left.down))
        rights = words.move(right.pointer, column)
        sums = [
            [
                words.variable(words.constant(0.0, lanes) if finish else words.load(here, i * target.down + at, lanes))
                for at, lanes in chunks
            ]
            for i in range(height)
        ]

        def add_term(lefts: Any, rights: Any) -> None:
            factors = [words.load(rights, at, lanes) for at, lanes in chunks]
            for i in range(height):
                one = has_ones and i == height - 1
                value = None if one else words.load(lefts, i * left.down, 1)
                for total, factor, (_, lanes) in zip(sums[i], factors, chunks, strict=True):
                    old = words.builder.load(total)
                    new = words.add(old, factor) if one else words.fma(words.spread(value, lanes), factor, old)
                    words.builder.store(new, total)

        if isinstance(terms, int) and terms <= _FEW:
            for k in range(terms):
                add_term(words.move(lefts, k * left.across), words.move(rights, k * right.down))
        else:
            with words.loop(terms) as k:
                add_term(words.move(lefts, words.times(k, left.across)), words.move(rights, words.times(k, right.down)))
        if last:
            add_term(words.move(lefts, last[0]), words.move(rights, last[1]))
        for i in range(height):
            for total, (at, _) in zip(sums[i], chunks, strict=True):
                value = words.builder.load(total)
                words.store(finish(value, row, column, i, at) if finish else value, here, i * target.down + at)

    for group in _column_groups(columns, registers.lanes, tile.vectors):
        with words.loop(group.times) as number:
            column = words.plus(words.times(number, group.width), group.first)
            if isinstance(rows, int):
                whole, rest = divmod(rows, tile.rows)
                if ones and rest == 0:
                    whole, rest = whole - 1, tile.rows
                if whole:
                    with words.loop(whole) as block:
                        do(words.times(block, tile.rows), tile.rows, column, group.chunks, False)
                if rest:
                    do(whole * tile.rows, rest, column, group.chunks, ones)
            else:
                whole = words.builder.sdiv(rows, words.place(tile.rows))
                with words.loop(whole) as block:
                    do(words.times(block, tile.rows), tile.rows, column, group.chunks, False)
                if tile.rows > 1:
                    done = words.times(whole, tile.rows)
                    with words.loop(words.builder.sub(rows, done)) as number:
                        do(words.plus(done, number), 1, column, group.chunks, False)


_FEW = 6  # terms that are not worth a loop


def _backward_rows(shape: Shape, registers: Registers) -> Any:
    """The intrinsic behind `_backward`."""

    @intrinsic
    def backward_rows(  # type: ignore[no-untyped-def]
        typing_context, weights, observations, activations, deltas, gradient, scratch, rows
    ):
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            words = Words(builder)
            weights, observations, activations, deltas, gradient, scratch = map(words.pointer, arguments[:6])
            _backpropagate(
                words, registers, shape, weights, observations, activations, deltas, gradient, scratch, arguments[6]
            )
            return context.get_dummy_value()

        return types.void(weights, observations, activations, deltas, gradient, scratch, rows), generate

    return backward_rows


def _backpropagate(
    words: Words,
    registers: Registers,
    shape: Shape,
    weights: Any,
    observations: Any,
    activations: Any,
    deltas: Any,
    gradient: Any,
    scratch: Any,
    rows: Any,
) -> None:
    """`evolearn.agent.trunks.mlp.backward_dense`, the same steps."""
    layers, row = shape.layers, shape.columns[-1]
    width = shape.outputs
    inputs, start = layers[-1], shape.starts[-1]

    def source(layer: int) -> _Matrix:
        """What the units of a layer read."""
        if layer == 0:
            return _Matrix(observations, layers[0])
        return _Matrix(words.move(activations, shape.columns[layer - 1]), row)

    top = source(len(layers) - 1)
    _sum_deltas(words, registers, shape, deltas, words.move(gradient, start + inputs * shape.linear), rows)
    together = shape.linear if shape.log_stdevs == 0 else shape.linear - 1
    heads = _Matrix(words.move(gradient, start), inputs)
    _product(words, registers, together, rows, inputs, _Matrix(deltas, 1, width), top, heads)
    if shape.log_stdevs:
        values = _Matrix(words.move(deltas, width - 1), 1, width)
        value_head = _Matrix(words.move(gradient, start + inputs * (shape.linear - 1)), inputs)
        _product(words, registers, 1, rows, inputs, values, top, value_head)
    if len(layers) == 1:
        return
    widest = max(layers[1:])
    above, below = scratch, words.move(scratch, words.times(rows, widest))
    spare = words.move(scratch, words.times(rows, 2 * widest))
    _product(
        words,
        registers,
        rows,
        shape.linear - 1,
        inputs,
        _Matrix(deltas, width),
        _Matrix(words.move(weights, start), inputs),
        _Matrix(above, inputs),
        _slopes(words, shape, top),
        last=(width - 1, (shape.linear - 1) * inputs),
    )
    for layer in range(len(layers) - 2, -1, -1):
        inputs, units = layers[layer : layer + 2]
        start = shape.starts[layer]
        read = source(layer)
        flipped = _Matrix(read.pointer, 1, read.down)
        slopes = _Matrix(above, units)
        share = _Matrix(words.move(gradient, start), units)
        _product(words, registers, inputs + 1, rows, units, flipped, slopes, share, ones=True)
        if layer:
            _flip(words, words.move(weights, start), spare, inputs, units)
            _product(
                words,
                registers,
                rows,
                units,
                inputs,
                slopes,
                _Matrix(spare, inputs),
                _Matrix(below, inputs),
                _slopes(words, shape, read),
            )
            above, below = below, above


def _slopes(words: Words, shape: Shape, active: _Matrix) -> Callable[[Any, Any, Any, int, int], Any]:
    """From the derivative by an activation to that by the sum below it, as `_product` finishes with."""

    def finish(value: Any, row: Any, column: Any, rows: int, columns: int) -> Any:
        lanes = 1 if value.type == words.constant(0.0, 1).type else value.type.count
        here = words.move(words.move(active.pointer, words.times(row, active.down)), column)
        unit = words.load(here, rows * active.down + columns, lanes)
        if shape.activation == "relu":
            return words.where_positive(unit, value)
        return words.mul(value, words.fma(words.negative(unit), unit, words.constant(1.0, lanes)))

    return finish


def _sum_deltas(words: Words, registers: Registers, shape: Shape, deltas: Any, bias: Any, rows: Any) -> None:
    """Add the gradient by the heads' biases and the log standard deviations."""
    actions = shape.linear - 1
    parts = ((0, 0, actions), (actions, shape.linear, shape.log_stdevs), (shape.outputs - 1, actions, 1))
    for source, target, floats in parts:
        for group in _column_groups(floats, registers.lanes, 4):
            with words.loop(group.times) as number:
                here = words.plus(words.times(number, group.width), group.first)
                goal = words.move(bias, words.plus(here, target))
                sums = [words.variable(words.load(goal, at, lanes)) for at, lanes in group.chunks]
                with words.loop(rows) as row:
                    place = words.plus(words.times(row, shape.outputs), words.plus(here, source))
                    for total, (at, lanes) in zip(sums, group.chunks, strict=True):
                        delta = words.load(words.move(deltas, place), at, lanes)
                        words.builder.store(words.add(words.builder.load(total), delta), total)
                for total, (at, _) in zip(sums, group.chunks, strict=True):
                    words.store(words.builder.load(total), goal, at)


def _flip(words: Words, source: Any, target: Any, rows: int, columns: int) -> None:
    """Write the transpose of a matrix: squares of eight by eight in registers, the rest one by one."""
    down, across = rows // 8, columns // 8
    if down and across:
        with words.loop(down) as i, words.loop(across) as j:
            square = words.move(source, words.plus(words.times(i, 8 * columns), words.times(j, 8)))
            vectors = [words.load(square, k * columns, 8) for k in range(8)]
            for size in (1, 2, 4):  # squares of this size change places across the diagonal
                upper = [n if not n & size else 8 + n - size for n in range(8)]
                lower = [n + size if not n & size else 8 + n for n in range(8)]
                for k in (k for k in range(8) if not k & size):
                    pair = vectors[k], vectors[k + size]
                    vectors[k], vectors[k + size] = words.shuffled(*pair, upper), words.shuffled(*pair, lower)
            goal = words.move(target, words.plus(words.times(j, 8 * rows), words.times(i, 8)))
            for k, vector in enumerate(vectors):
                words.store(vector, goal, k * rows)
    for first, height, left, width in (
        (0, 8 * down, 8 * across, columns - 8 * across),
        (8 * down, rows - 8 * down, 0, columns),
    ):
        if height and width:
            with words.loop(height) as i, words.loop(width) as j:
                i, j = words.plus(i, first), words.plus(j, left)
                value = words.load(words.move(source, words.plus(words.times(i, columns), j)), 0, 1)
                words.store(value, words.move(target, words.plus(words.times(j, rows), i)), 0)
