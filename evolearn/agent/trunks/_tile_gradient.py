"""Code of a dense brain's gradient over a window: `evolearn.agent.trunks.mlp.backward_dense`, the same steps.

Almost all of it is one thing, products of matrices: `product`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from evolearn.agent.trunks._tile_cuts import Work, chunks, columns_of, tile_for
from evolearn.numerics import VectorCode, lanes_of

_TYPICAL_WINDOW = 16  # rows for which tiles are chosen; windows of any length are computed
_FEW = 6  # terms that are not worth a loop


class Matrix(NamedTuple):
    """Floats in rows: from one row to the next `down`, from one column to the next `across`."""

    pointer: Any
    down: int
    across: int = 1


# From a sum, its row and column, and how many rows and columns after these, to what is written.
Finish = Callable[[Any, Any, Any, int, int], Any]


def backpropagate(
    work: Work, weights: Any, observations: Any, activations: Any, deltas: Any, gradient: Any, scratch: Any, rows: Any
) -> None:
    """Add a window's gradient; arguments as those of `backward_dense`."""
    code, shape, _ = work
    layers = shape.layers

    def source(layer: int) -> Matrix:
        """What the units of a layer read."""
        if layer == 0:
            return Matrix(observations, layers[0])
        return Matrix(code.move(activations, shape.columns[layer - 1]), shape.columns[-1])

    inputs, start = layers[-1], shape.starts[-1]
    top = source(len(layers) - 1)
    heads_gradient(work, top, deltas, code.move(gradient, start), rows)
    if len(layers) == 1:
        return
    widest = max(layers[1:])
    above, below = scratch, code.move(scratch, code.times(rows, widest))
    transposed = code.move(scratch, code.times(rows, 2 * widest))
    slopes = Matrix(above, inputs)
    heads_slopes(work, deltas, code.move(weights, start), slopes, rows, _slopes(work, top))
    for layer in range(len(layers) - 2, -1, -1):
        inputs, units = layers[layer : layer + 2]
        start = shape.starts[layer]
        below_it = source(layer)
        share = Matrix(code.move(gradient, start), units)
        # The bias lies below the matrix, as one row more, of an input that is always one.
        product(work, inputs + 1, rows, units, Matrix(below_it.pointer, 1, below_it.down), slopes, share, ones=True)
        if layer:
            transpose(code, code.move(weights, start), transposed, inputs, units)
            target = Matrix(below, inputs)
            product(work, rows, units, inputs, slopes, Matrix(transposed, inputs), target, _slopes(work, below_it))
            slopes = target
            above, below = below, above


def heads_gradient(work: Work, top: Matrix, deltas: Any, gradient: Any, rows: Any) -> None:
    """Add the gradient of the heads, which read `top`."""
    code, shape, _ = work
    inputs, width, linear = shape.layers[-1], shape.outputs, shape.linear
    heads = Matrix(gradient, inputs)
    sum_deltas(work, deltas, code.move(heads.pointer, inputs * linear), rows)
    if shape.log_stdevs == 0:
        product(work, linear, rows, inputs, Matrix(deltas, 1, width), top, heads)
    else:
        value_head = Matrix(code.move(heads.pointer, inputs * (linear - 1)), inputs)
        product(work, linear - 1, rows, inputs, Matrix(deltas, 1, width), top, heads)
        product(work, 1, rows, inputs, Matrix(code.move(deltas, width - 1), 1, width), top, value_head)


def heads_slopes(work: Work, deltas: Any, weights: Any, slopes: Matrix, rows: Any, finish: Finish) -> None:
    """Write what `finish` makes of the derivative by what the heads read."""
    shape = work.shape
    inputs, width, linear = shape.layers[-1], shape.outputs, shape.linear
    value_term = (width - 1, inputs * (linear - 1))
    product(work, rows, linear - 1, inputs, Matrix(deltas, width), Matrix(weights, inputs), slopes, finish, value_term)


def product(
    work: Work,
    rows: Any,
    terms: Any,
    columns: int,
    left: Matrix,
    right: Matrix,
    target: Matrix,
    finish: Finish | None = None,
    last: tuple[int, int] | None = None,
    ones: bool = False,
) -> None:
    """Write ``target[m, u] = sum of left[m, k] * right[k, u] over k``, or add it, term by term, where `finish` is None.

    Args:
        work: see `Work`.
        rows: of left and target; a Python number or a value.
        terms: columns of left, rows of right; a Python number or a value.
        columns: of right and target.
        left: see above.
        right: see above.
        target: see above.
        finish: see `Finish`.
        last: places, in left and in right, of the first row's and column's factors of one more term.
        ones: the last row of left is not there, it is all ones; `rows` is a Python number then.
    """
    code, _, registers = work
    typical = rows if isinstance(rows, int) else _TYPICAL_WINDOW
    tile = tile_for(typical, len(chunks(columns, registers.lanes)), registers)

    def write_tile(row: Any, height: int, column: Any, vectors: list[tuple[int, int]], has_ones: bool = False) -> None:
        here = code.move(code.move(target.pointer, code.times(row, target.down)), column)
        lefts = code.move(left.pointer, code.times(row, left.down))
        rights = code.move(right.pointer, column)

        def begin(i: int, at: int, lanes: int) -> Any:
            return code.constant(0.0, lanes) if finish else code.load(here, i * target.down + at, lanes)

        sums = [[code.variable(begin(i, at, lanes)) for at, lanes in vectors] for i in range(height)]

        def add(left_place: Any, right_place: Any) -> None:
            factors = [code.load(code.move(rights, right_place), at, lanes) for at, lanes in vectors]
            for i in range(height):
                if has_ones and i == height - 1:
                    for total, factor in zip(sums[i], factors, strict=True):
                        total.value = code.add(total.value, factor)
                    continue
                value = code.load(code.move(lefts, left_place), i * left.down, 1)
                for total, factor in zip(sums[i], factors, strict=True):
                    total.value = code.fma(code.spread(value, lanes_of(factor)), factor, total.value)

        if isinstance(terms, int) and terms <= _FEW:
            for k in range(terms):
                add(k * left.across, k * right.down)
        else:
            with code.loop(terms) as k:
                add(code.times(k, left.across), code.times(k, right.down))
        if last:
            add(*last)
        for i in range(height):
            for total, (at, _) in zip(sums[i], vectors, strict=True):
                value = finish(total.value, row, column, i, at) if finish else total.value
                code.store(value, here, i * target.down + at)

    for column, vectors in columns_of(work, columns, tile.vectors):
        if isinstance(rows, int):
            whole, rest = divmod(rows, tile.rows)
            if ones and rest == 0:
                whole, rest = whole - 1, tile.rows
            if whole:
                with code.loop(whole) as number:
                    write_tile(code.times(number, tile.rows), tile.rows, column, vectors)
            if rest:
                write_tile(whole * tile.rows, rest, column, vectors, ones)
        else:
            whole = code.builder.sdiv(rows, code.place(tile.rows))
            with code.loop(whole) as number:
                write_tile(code.times(number, tile.rows), tile.rows, column, vectors)
            if tile.rows > 1:
                done = code.times(whole, tile.rows)
                with code.loop(code.builder.sub(rows, done)) as number:
                    write_tile(code.plus(done, number), 1, column, vectors)


def _slopes(work: Work, active: Matrix) -> Finish:
    """From the derivative by an activation to that by the sum below it."""
    code, shape, _ = work

    def finish(value: Any, row: Any, column: Any, rows: int, columns: int) -> Any:
        here = code.move(code.move(active.pointer, code.times(row, active.down)), column)
        unit = code.load(here, rows * active.down + columns, lanes_of(value))
        if shape.activation == "relu":
            return code.where_positive(unit, value)
        return code.mul(value, code.fma(code.negative(unit), unit, code.constant(1.0, lanes_of(value))))

    return finish


def sum_deltas(work: Work, deltas: Any, bias: Any, rows: Any) -> None:
    """Add the gradient by the heads' biases and the log standard deviations, which lie after them."""
    code, shape, _ = work
    actions = shape.linear - 1
    # Where they are in a row of deltas, where they go, how many.
    for source, goal, floats in (
        (0, 0, actions),
        (actions, shape.linear, shape.log_stdevs),
        (shape.outputs - 1, actions, 1),
    ):
        for here, vectors in columns_of(work, floats, 4):
            target = code.move(bias, code.plus(here, goal))
            sums = [code.variable(code.load(target, at, lanes)) for at, lanes in vectors]
            with code.loop(rows) as row:
                place = code.plus(code.times(row, shape.outputs), code.plus(here, source))
                for total, (at, lanes) in zip(sums, vectors, strict=True):
                    total.value = code.add(total.value, code.load(code.move(deltas, place), at, lanes))
            for total, (at, _) in zip(sums, vectors, strict=True):
                code.store(total.value, target, at)


def transpose(code: VectorCode, source: Any, target: Any, rows: int, columns: int) -> None:
    """Write the transpose of a matrix: squares of eight by eight in registers, the rest one by one."""
    down, across = rows // 8, columns // 8
    if down and across:
        with code.loop(down) as i, code.loop(across) as j:
            square = code.move(source, code.plus(code.times(i, 8 * columns), code.times(j, 8)))
            vectors = [code.load(square, k * columns, 8) for k in range(8)]
            for size in (1, 2, 4):  # squares of this size change places across the diagonal
                upper = [n if not n & size else 8 + n - size for n in range(8)]
                lower = [n + size if not n & size else 8 + n for n in range(8)]
                for k in (k for k in range(8) if not k & size):
                    pair = vectors[k], vectors[k + size]
                    vectors[k], vectors[k + size] = code.shuffled(*pair, upper), code.shuffled(*pair, lower)
            goal = code.move(target, code.plus(code.times(j, 8 * rows), code.times(i, 8)))
            for k, vector in enumerate(vectors):
                code.store(vector, goal, k * rows)
    # Right of the squares, and below them.
    for top, height, left, width in (
        (0, 8 * down, 8 * across, columns - 8 * across),
        (8 * down, rows - 8 * down, 0, columns),
    ):
        if height and width:
            with code.loop(height) as number, code.loop(width) as other:
                i, j = code.plus(number, top), code.plus(other, left)
                value = code.load(code.move(source, code.plus(code.times(i, columns), j)), 0, 1)
                code.store(value, code.move(target, code.plus(code.times(j, rows), i)), 0)
