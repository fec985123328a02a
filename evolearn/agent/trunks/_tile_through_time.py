"""Code of a recurrent brain's gradient over a window: `evolearn.agent.trunks.gru.backward_gru`, the same steps."""

from __future__ import annotations

from typing import Any

from evolearn.agent.trunks._tile_cuts import Registers, Work, columns_of
from evolearn.agent.trunks._tile_gradient import Matrix, heads_gradient, heads_slopes, product, transpose
from evolearn.agent.trunks._tile_gru import GruShape
from evolearn.numerics import VectorCode, lanes_of

_PARTS = 4  # of the sum that flows to the row before; a multiply-add takes four cycles
_UNROLLED = 32  # terms of it


def backpropagate_through_time(
    code: VectorCode,
    shape: GruShape,
    registers: Registers,
    weights: Any,
    observations: Any,
    activations: Any,
    deltas: Any,
    gradient: Any,
    scratch: Any,
    rows: Any,
) -> None:
    """Add a window's gradient; arguments as those of `backward_gru`."""
    work = Work(code, shape.heads, registers)
    layers, units, told = shape.layers, shape.layers[-1], shape.layers[0]
    widest = max(layers[1:])
    by_sums = code.move(scratch, code.times(rows, widest))
    flowing = code.move(scratch, code.times(rows, 5 * widest))
    turned = code.move(flowing, widest)
    above = shape.starts[-1] + shape.known * units
    top = Matrix(code.move(activations, shape.row - units), shape.row)
    heads_gradient(work, top, deltas, code.move(gradient, above), rows)
    slopes = Matrix(scratch, units)
    heads_slopes(work, deltas, code.move(weights, above), slopes, rows, _as_it_is)
    if shape.known:
        _split(work, slopes, code.move(activations, shape.row - 3 * units), shape.row, by_sums, rows)
        share = Matrix(code.move(gradient, shape.starts[-1]), units)
        product(work, shape.known, rows, units, Matrix(observations, 1, told), Matrix(by_sums, units), share)
    for layer in range(len(layers) - 2, -1, -1):
        inputs, units = layers[layer : layer + 2]
        start = shape.starts[layer]
        state = start + 3 * inputs * units
        column, before = shape.column(layer), shape.befores[layer]
        sums = Matrix(by_sums, 4 * units)
        transpose(code, code.move(weights, state), turned, units, 3 * units)
        _through_time(work, shape, layer, activations, scratch, by_sums, turned, flowing, rows)
        below = (
            Matrix(code.move(activations, column - inputs), 1, shape.row) if layer else Matrix(observations, 1, told)
        )
        product(work, inputs, rows, 3 * units, below, sums, Matrix(code.move(gradient, start), 3 * units))
        old = Matrix(code.move(activations, before), 1, shape.row)
        recalled = Matrix(code.move(by_sums, units), 4 * units)
        product(work, units, rows, 3 * units, old, recalled, Matrix(code.move(gradient, state), 3 * units))
        bias = Matrix(code.move(gradient, state + 3 * units * units), 4 * units)
        product(work, 1, rows, 4 * units, old, sums, bias, ones=True)
        if layer:
            transpose(code, code.move(weights, start), turned, inputs, 3 * units)
            product(work, rows, 3 * units, inputs, sums, Matrix(turned, inputs), Matrix(scratch, inputs), _as_it_is)


def _as_it_is(value: Any, row: Any, column: Any, rows: int, columns: int) -> Any:
    return value


def _split(work: Work, slopes: Matrix, active: Any, length: int, by_factors: Any, rows: Any) -> None:
    """From the derivative by the product to those by its factors and, in place, by what they multiply."""
    code, shape, _ = work
    units = shape.layers[-1]
    with code.loop(rows) as row:
        for here, vectors in columns_of(work, units, 1):
            for at, lanes in vectors:
                place = code.plus(here, at)
                unit = code.move(code.move(active, code.times(row, length)), place)
                slope_at = code.move(code.move(slopes.pointer, code.times(row, units)), place)
                slope = code.load(slope_at, 0, lanes)
                goal = code.move(code.move(by_factors, code.times(row, units)), place)
                code.store(code.mul(slope, code.load(unit, 0, lanes)), goal, 0)
                code.store(code.mul(slope, code.load(unit, units, lanes)), slope_at, 0)


def _through_time(
    work: Work,
    shape: GruShape,
    layer: int,
    activations: Any,
    slopes: Any,
    by_sums: Any,
    turned: Any,
    flowing: Any,
    rows: Any,
) -> None:
    """`evolearn.agent.trunks.gru.gates_backward`."""
    code = work.code
    units = shape.layers[layer + 1]

    def over_units() -> Any:
        for here, vectors in columns_of(work, units, 1):
            for at, lanes in vectors:
                yield code.plus(here, at), lanes

    for place, lanes in over_units():
        code.store(code.constant(0.0, lanes), code.move(flowing, place), 0)
    with code.loop(rows) as number:
        row = code.builder.sub(code.builder.sub(code.place(rows), code.place(1)), code.place(number))
        kept = code.move(activations, code.times(row, shape.row))
        below = code.move(by_sums, code.times(row, 4 * units))
        link = code.load(kept, shape.states, 1)
        for place, lanes in over_units():
            one = code.constant(1.0, lanes)
            gates = code.move(code.move(kept, shape.column(layer)), place)
            candidate, reset, update, recalled = (code.load(gates, gate * units, lanes) for gate in range(4))
            old = code.load(code.move(code.move(kept, shape.befores[layer]), place), 0, lanes)
            above = code.load(code.move(code.move(slopes, code.times(row, units)), place), 0, lanes)
            flow = code.move(flowing, place)
            slope = code.add(above, code.load(flow, 0, lanes))
            held = code.mul(slope, update)
            through = code.fma(code.negative(candidate), candidate, one)
            by_candidate = code.mul(code.add(slope, code.negative(held)), through)
            by_recalled = code.mul(by_candidate, reset)
            by_reset = code.mul(code.mul(by_recalled, recalled), code.add(one, code.negative(reset)))
            change = code.add(old, code.negative(candidate))
            by_update = code.mul(code.mul(held, change), code.add(one, code.negative(update)))
            target = code.move(below, place)
            for gate, value in enumerate((by_candidate, by_reset, by_update, by_recalled)):
                code.store(value, target, gate * units)
            code.store(held, flow, 0)
        for place, lanes in over_units():
            flow = code.move(flowing, place)
            total = _flow(code, code.move(below, units), code.move(turned, place), code.load(flow, 0, lanes), units)
            # Where the state was cleared, none of it came from the row before.
            code.store(code.mul(total, code.spread(link, lanes)), flow, 0)


def _flow(code: VectorCode, below: Any, turned: Any, held: Any, units: int) -> Any:
    """What flows to the states of the row before: through what was kept, and through the gates."""
    lanes = lanes_of(held)
    parts = [code.variable(held if part == 0 else code.constant(0.0, lanes)) for part in range(_PARTS)]

    def add(first: Any, count: int) -> None:
        values = code.move(below, first)
        factors = code.move(turned, code.times(first, units))
        for k in range(count):
            value = code.spread(code.load(values, k, 1), lanes)
            part = parts[k % _PARTS]
            part.value = code.fma(value, code.load(factors, k * units, lanes), part.value)

    terms = 3 * units
    rounds = terms // 8 if terms > _UNROLLED else 0
    if rounds:
        with code.loop(rounds) as number:
            add(code.times(number, 8), 8)
    add(8 * rounds, terms - 8 * rounds)
    return code.total([part.value for part in parts])
