"""Code of the dense brain of a team of lives: `evolearn.agent.trunks.mlp.think_dense`, the same steps."""

from __future__ import annotations

from typing import Any

from evolearn.agent.trunks._tile_cuts import Work, chunks, columns_of
from evolearn.agent.trunks.dense import TANH_DENOMINATOR, TANH_LIMIT, TANH_NUMERATOR
from evolearn.numerics import VectorCode, lanes_of

UNROLLED = 128  # multiply-adds of vectors in a row; more are done in a loop
_STEP = 8  # inputs per round of it, a multiple of all `_chains`
_OUTPUTS = 6  # at a time


def think_team(
    work: Work,
    observation: Any,
    weights: Any,
    observations: Any,
    activations: Any,
    outputs: Any,
    carry: Any,
    rows: Any,
    count: Any,
    row: Any,
) -> None:
    """Think layer by layer over the team, so that one life's multiply-adds fill the time that another's tanh takes.

    Nothing is carried.
    """
    code, shape, _ = work
    inputs, units = shape.layers[0], shape.columns[-1]

    def row_of(array: Any, life: Any, length: int) -> Any:
        return code.move(array, code.times(code.plus(code.times(life, rows), row), length))

    def weights_of(life: Any, start: int) -> Any:
        return code.move(weights, code.plus(code.times(life, shape.stride), start))

    def source_of(life: Any, layer: int) -> Any:
        if layer == 0:
            return code.move(observation, code.times(life, inputs))
        return code.move(row_of(activations, life, units), shape.columns[layer - 1])

    with code.loop(count) as life:
        copy(work, source_of(life, 0), row_of(observations, life, inputs), inputs)
    for layer, start in enumerate(shape.starts[:-1]):
        with code.loop(count) as life:
            target = code.move(row_of(activations, life, units), shape.columns[layer])
            _think_layer(work, layer, source_of(life, layer), weights_of(life, start), target)
    with code.loop(count) as life:
        source = source_of(life, len(shape.layers) - 1)
        speak(work, source, weights_of(life, shape.starts[-1]), row_of(outputs, life, shape.outputs))


def copy(work: Work, source: Any, target: Any, floats: int) -> None:
    """Copy so many floats."""
    code = work.code
    for here, vectors in columns_of(work, floats, 4):
        for at, lanes in vectors:
            code.store(code.load(code.move(source, here), at, lanes), code.move(target, here), at)


def _chains(inputs: int, units: int) -> int:
    """In how many parts a unit's sum is added up: as many as fill the time that a multiply-add takes.

    About eight are on their way at a time. Part of what a brain computes, so it asks no processor.
    """
    if inputs < 8:
        return 1
    vectors = len(chunks(units, 8))
    return 4 if vectors <= 2 else 2 if vectors <= 6 else 1


def _think_layer(work: Work, layer: int, source: Any, matrix: Any, target: Any) -> None:
    code, shape, registers = work
    inputs, units = shape.layers[layer : layer + 2]
    parts = range(_chains(inputs, units))
    for here, vectors in columns_of(work, units, (registers.number - 4) // len(parts)):
        weights = code.move(matrix, here)
        bias = [code.load(code.move(weights, inputs * units), at, lanes) for at, lanes in vectors]
        zero = [code.constant(0.0, lanes) for _, lanes in vectors]
        sums = [[code.variable(value) for value in (zero if part else bias)] for part in parts]

        def add(first: Any, count: int, weights: Any = weights, vectors: Any = vectors, sums: Any = sums) -> None:
            inputs_here = code.move(source, first)
            weights_here = code.move(weights, code.times(first, units))
            for i in range(count):
                value = code.load(inputs_here, i, 1)
                for total, (at, lanes) in zip(sums[i % len(sums)], vectors, strict=True):
                    weight = code.load(weights_here, i * units + at, lanes)
                    total.value = code.fma(code.spread(value, lanes), weight, total.value)

        rounds = inputs // _STEP if inputs * len(vectors) > UNROLLED else 0
        if rounds:
            with code.loop(rounds) as number:
                add(code.times(number, _STEP), _STEP)
        add(rounds * _STEP, inputs - rounds * _STEP)
        for number, (at, _) in enumerate(vectors):
            total = code.total([part[number].value for part in sums])
            activate = _relu if shape.activation == "relu" else tanh
            code.store(activate(code, total), code.move(target, here), at)


def _relu(code: VectorCode, x: Any) -> Any:
    """`evolearn.agent.trunks.relu.relu` of every lane."""
    return code.at_least(x, 0.0)


def tanh(code: VectorCode, x: Any) -> Any:
    """`evolearn.agent.trunks.dense.tanh` of every lane, with fused multiply-adds."""
    x = code.at_most(code.at_least(x, -TANH_LIMIT), TANH_LIMIT)
    square = code.mul(x, x)

    def polynomial(factors: tuple[float, ...]) -> Any:
        value = code.constant(factors[-1], lanes_of(x))
        for factor in factors[-2::-1]:
            value = code.fma(square, value, code.constant(factor, lanes_of(x)))
        return value

    return code.div(code.mul(x, polynomial(TANH_NUMERATOR)), polynomial(TANH_DENOMINATOR))


def speak(work: Work, source: Any, weights: Any, output: Any) -> None:
    """`evolearn.agent.trunks.heads.speak`."""
    code, shape, _ = work
    inputs, linear = shape.layers[-1], shape.linear
    bias = code.move(weights, inputs * linear)
    rounds = (linear - 1) // _OUTPUTS
    if rounds:
        with code.loop(rounds) as number:
            first = code.times(number, _OUTPUTS)
            sums = _dots(code, source, code.move(weights, code.times(first, inputs)), inputs, _OUTPUTS)
            for k, total in enumerate(sums):
                code.store(code.add(total, code.load(code.move(bias, first), k, 1)), code.move(output, first), k)
    done = rounds * _OUTPUTS
    for k, total in enumerate(_dots(code, source, code.move(weights, done * inputs), inputs, linear - done), done):
        code.store(code.add(total, code.load(bias, k, 1)), output, k if k < linear - 1 else shape.outputs - 1)
    copy(work, code.move(bias, linear), code.move(output, linear - 1), shape.log_stdevs)


def _dots(code: VectorCode, source: Any, weights: Any, inputs: int, count: int) -> list[Any]:
    """`source` times each of `count` rows: eight sums that take turns, added by halves; then what is left over."""
    whole = inputs // 8
    sums = [code.variable(code.constant(0.0, 8)) for _ in range(count)]

    def add(place: Any) -> None:
        values = code.load(code.move(source, place), 0, 8)
        for k, total in enumerate(sums):
            total.value = code.fma(values, code.load(code.move(weights, place), k * inputs, 8), total.value)

    if whole * count > UNROLLED:
        with code.loop(whole) as number:
            add(code.times(number, 8))
    else:
        for number in range(whole):
            add(8 * number)
    totals = []
    for k, total in enumerate(sums):
        value = total.value
        rest = {
            lanes: code.mul(code.load(source, at, lanes), code.load(weights, k * inputs + at, lanes))
            for at, lanes in chunks(inputs, 8)[whole:]
        }
        for lanes in (4, 2, 1):
            value = code.halved(value)
            if lanes in rest:
                value = code.add(value, rest[lanes])
        totals.append(value)
    return totals
