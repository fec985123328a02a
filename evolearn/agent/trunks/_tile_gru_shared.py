"""Code of a recurrent brain for lives that share its weights: a life in each lane.

The sums of `evolearn.agent.trunks._tile_gru` in the same order, so the same bits. A weight is read once for all lives
of a vector; gates fill every lane, however few units there are; and an output takes no sum across lanes.

Activations are not written: nobody reads them but learning, which would change the weights.
"""

from __future__ import annotations

from typing import Any

from evolearn.agent.trunks._tile_cuts import Shape, Work, columns_of
from evolearn.agent.trunks._tile_gru import PARTS, STEP, GruShape, sigmoid
from evolearn.agent.trunks._tile_think import UNROLLED, copy, tanh
from evolearn.agent.trunks.trunk import Layers
from evolearn.numerics import VectorCode

_FLOATS_PER_LINE = 16
_GATES = 4
MOST_SCRATCH = 1 << 15  # floats; a thread has a few megabytes of stack


def scratch_of(shape: GruShape, lanes: int) -> int:
    """Floats that a vector of lives needs: what is told, states before and after, factors, outputs."""
    return lanes * sum(_columns(shape))


def _columns(shape: GruShape) -> tuple[int, ...]:
    factors = shape.layers[-1] if shape.known else 0
    return (shape.layers[0], shape.states, shape.states, factors, shape.linear)


def think_gru_shared(
    work: Work,
    shape: GruShape,
    observation: Any,
    weights: Any,
    observations: Any,
    outputs: Any,
    carry: Any,
    rows: Any,
    count: Any,
    row: Any,
) -> None:
    """Think for lives with the weights at one place, so many at once as a register has lanes."""
    code, heads, registers = work
    lanes, inputs = registers.lanes, shape.layers[0]
    scratch = code.array(scratch_of(shape, lanes), 4 * _FLOATS_PER_LINE)
    places = [lanes * sum(_columns(shape)[:number]) for number in range(5)]
    told, before, after, read, spoken = (code.move(scratch, place) for place in places)
    last = code.builder.sub(count, code.place(1))
    goes_on = code.builder.icmp_signed("<", row, code.builder.sub(rows, code.place(1)))

    def row_of(array: Any, life: Any, length: int) -> Any:
        return code.move(array, code.times(code.plus(code.times(life, rows), row), length))

    groups = code.builder.sdiv(code.plus(count, lanes - 1), code.place(lanes))
    with code.loop(groups) as group:
        first = code.times(group, lanes)
        size = code.lesser(lanes, code.builder.sub(count, first))
        # Lanes without a life follow the last one.
        living = [code.lesser(code.plus(first, lane), last) for lane in range(lanes)]
        states = [code.move(carry, code.times(life, shape.carry)) for life in living]
        _to_lanes(work, [code.move(observation, code.times(life, inputs)) for life in living], told, inputs)
        _to_lanes(work, states, before, shape.states)
        source = told
        for layer, start in enumerate(shape.starts[:-1]):
            old, new = (code.move(column, lanes * shape.befores[layer]) for column in (before, after))
            _think_layer(work, shape.layers[layer : layer + 2], source, old, code.move(weights, start), new)
            source = new
        above = shape.starts[-1]
        if shape.known:
            _multiply(work, shape.known, told, source, code.move(weights, above), read)
            source, above = read, above + shape.known * shape.layers[-1]
        _speak(work, source, code.move(weights, above), spoken)
        with code.loop(size) as lane:
            life = code.plus(first, lane)
            seen = code.move(observation, code.times(life, inputs))
            copy(work, seen, row_of(observations, life, inputs), inputs)
            _from_lane(code, spoken, row_of(outputs, life, heads.outputs), lane, lanes, heads)
            bias = code.move(weights, above + shape.layers[-1] * shape.linear)
            said = code.move(row_of(outputs, life, heads.outputs), shape.linear - 1)
            copy(work, code.move(bias, shape.linear), said, shape.log_stdevs)
        # Row N only looks ahead.
        with code.builder.if_then(goes_on):
            _from_lanes(work, after, states, shape.states)
            for goal in states:
                code.store(code.constant(1.0, 1), goal, shape.states)


def _each(code: VectorCode, times: int) -> Any:
    return code.loop(code.place(times))


def _to_lanes(work: Work, sources: list[Any], columns: Any, floats: int) -> None:
    """Write what each life has down its lane."""
    code, _, registers = work
    for here, vectors in columns_of(work, floats, 1):
        for at, width in vectors:
            rows = [code.load(code.move(source, here), at, width) for source in sources]
            goal = code.move(columns, code.times(code.plus(here, at), registers.lanes))
            if width == 1:
                for lane, value in enumerate(rows):
                    code.store(value, goal, lane)
                continue
            for number, column in enumerate(code.transposed([code.joined(rows[row::width]) for row in range(width)])):
                code.store(column, goal, number * registers.lanes)


def _from_lanes(work: Work, columns: Any, goals: list[Any], floats: int) -> None:
    """Write what `_to_lanes` reads. Where several lanes are one life's, they hold the same."""
    code, _, registers = work
    lanes = registers.lanes
    for here, vectors in columns_of(work, floats, 1):
        for at, width in vectors:
            source = code.move(columns, code.times(code.plus(here, at), lanes))
            if width == 1:
                for lane, goal in enumerate(goals):
                    code.store(code.load(source, lane, 1), code.move(goal, here), at)
                continue
            rows = code.transposed([code.load(source, number * lanes, lanes) for number in range(width)])
            for lane, goal in enumerate(goals):
                part = code.piece(rows[lane % width], lane // width * width, width)
                code.store(part, code.move(goal, here), at)


def _from_lane(code: VectorCode, columns: Any, output: Any, lane: Any, lanes: int, heads: Shape) -> None:
    """Write a lane to one life's row of outputs: policy parameters, and the value at its end."""
    for k in range(heads.linear):
        value = code.load(code.move(columns, code.plus(lane, k * lanes)), 0, 1)
        code.store(value, output, k if k < heads.linear - 1 else heads.outputs - 1)


def _add(work: Work, rows: int, width: int, source: Any, matrix: Any, sums: list[Any], units: int) -> None:
    """As of `_tile_gru`, for every sum of several units side by side."""
    code, _, registers = work
    lanes = registers.lanes

    def add(first: Any, count: int) -> None:
        here = code.move(source, code.times(first, lanes))
        weights = code.move(matrix, code.times(first, width))
        for i in range(count):
            value = code.load(here, i * lanes, lanes)
            for place, parts in sums:
                weight = code.spread(code.load(weights, i * width + place, 1), lanes)
                part = parts[i % PARTS]
                part.value = code.fma(value, weight, part.value)

    rounds = rows // STEP if rows * len(sums) > UNROLLED else 0
    if rounds:
        with code.loop(rounds) as number:
            add(code.times(number, STEP), STEP)
    add(rounds * STEP, rows - rounds * STEP)


def _side_by_side(units: int, registers: Any) -> int:
    """How many units are worked on at once: few enough for the sums of their gates to stay in registers."""
    most = max(1, (registers.number - 4) // (_GATES * PARTS))
    return next((size for size in range(most, most // 2, -1) if units % size == 0), most)


def _units(work: Work, units: int) -> Any:
    """For each group of units, inside a loop where there are several alike: where it begins, and how many they are."""
    size = min(units, _side_by_side(units, work.registers))
    whole = units // size
    if whole:
        with work.code.loop(whole) as number:
            yield work.code.times(number, size), size
    if units % size:
        yield whole * size, units % size


def _think_layer(work: Work, layer: Layers, source: Any, old: Any, weights: Any, goal: Any) -> None:
    code, _, registers = work
    lanes = registers.lanes
    inputs, units = layer
    state = 3 * inputs * units
    bias = state + 3 * units * units
    for first, count in _units(work, units):
        here = code.move(weights, first)
        gates: list[list[list[Any]]] = []
        for unit in range(count):
            parts = []
            for gate in range(_GATES):
                value = code.spread(code.load(here, bias + gate * units + unit, 1), lanes)
                parts.append(
                    [code.variable(value if part == 0 else code.constant(0.0, lanes)) for part in range(PARTS)]
                )
            gates.append(parts)
        # Candidate, reset and update of what is told; reset, update and what is recalled of the states.
        told = [(gate * units + unit, gates[unit][gate]) for unit in range(count) for gate in range(3)]
        kept = [(gate * units + unit, gates[unit][gate + 1]) for unit in range(count) for gate in range(3)]
        _add(work, inputs, 3 * units, source, here, told, units)
        _add(work, units, 3 * units, old, code.move(here, state), kept, units)
        before_here, goal_here = (code.move(states, code.times(first, lanes)) for states in (old, goal))
        for unit, parts in enumerate(gates):
            candidate, reset, update, recalled = (code.total([part.value for part in pair]) for pair in parts)
            reset, update = sigmoid(code, reset), sigmoid(code, update)
            candidate = tanh(code, code.fma(reset, recalled, candidate))
            before = code.load(before_here, unit * lanes, lanes)
            new = code.fma(update, code.add(before, code.negative(candidate)), candidate)
            code.store(new, goal_here, unit * lanes)


def _multiply(work: Work, known: int, told: Any, top: Any, gains: Any, goal: Any) -> None:
    """`evolearn.agent.trunks.product.multiply`."""
    code, shape, registers = work
    lanes = registers.lanes
    units = shape.layers[-1]
    with _each(code, units) as unit:
        sums = [code.variable(code.constant(0.0 if part else 1.0, lanes)) for part in range(PARTS)]
        _add(work, known, units, told, code.move(gains, unit), [(0, sums)], units)
        at = code.times(unit, lanes)
        factor = code.total([part.value for part in sums])
        code.store(code.mul(factor, code.load(code.move(top, at), 0, lanes)), code.move(goal, at), 0)


def _speak(work: Work, source: Any, weights: Any, goal: Any) -> None:
    """`evolearn.agent.trunks.heads.speak`: eight sums that take turns, added by halves; then what is left over."""
    code, shape, registers = work
    lanes = registers.lanes
    inputs, linear = shape.layers[-1], shape.linear
    whole = inputs // 8
    with _each(code, linear) as output:
        row = code.move(weights, code.times(output, inputs))
        sums = [code.variable(code.constant(0.0, lanes)) for _ in range(8)]

        def weight(place: Any, number: int, row: Any = row) -> Any:
            return code.spread(code.load(code.move(row, place), number, 1), lanes)

        def value(place: Any, number: int) -> Any:
            return code.load(code.move(source, code.times(place, lanes)), number * lanes, lanes)

        with code.loop(whole) as number:
            place = code.times(number, 8)
            for lane, total in enumerate(sums):
                total.value = code.fma(value(place, lane), weight(place, lane), total.value)
        values = [total.value for total in sums]
        at = 8 * whole
        for half in (4, 2, 1):
            values = [code.add(values[number], values[number + half]) for number in range(half)]
            if (inputs - 8 * whole) & half:
                rest = [code.mul(value(at, number), weight(at, number)) for number in range(half)]
                values = [code.add(total, more) for total, more in zip(values, rest, strict=True)]
                at += half
        bias = code.spread(code.load(code.move(weights, code.plus(output, inputs * linear)), 0, 1), lanes)
        code.store(code.add(values[0], bias), code.move(goal, code.times(output, lanes)), 0)
