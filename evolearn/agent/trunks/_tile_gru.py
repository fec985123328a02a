"""Code of a recurrent brain of a team of lives: `evolearn.agent.trunks.gru.think_gru`, the same steps.

A unit's sums are added up in two parts that take turns, from the bias on, over what is told and then over the states.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

from evolearn.agent.trunks._tile_cuts import Registers, Shape, Work, columns_of, whole_lines
from evolearn.agent.trunks._tile_think import UNROLLED, copy, speak, tanh
from evolearn.agent.trunks.trunk import Layers
from evolearn.numerics import VectorCode, lanes_of

STEP = 8  # inputs per round of a loop, a multiple of PARTS
PARTS = 2  # of a sum; with its gates a unit has four sums, and other lives fill what time is left
_CANDIDATE, _RESET, _UPDATE, _RECALLED = range(4)


class GruShape(NamedTuple):
    """Of a recurrent brain: all that its code depends on."""

    layers: Layers  # what it is told, then units per layer
    known: int  # observations of the world, with the readout by product; else 0
    linear: int  # linear outputs: policy, then value
    log_stdevs: int
    spare: int = 0  # floats of a life's weights behind these, which others read

    @property
    def states(self) -> int:
        """Units of all layers."""
        return sum(self.layers[1:])

    @property
    def carry(self) -> int:
        """The states of all layers and the link."""
        return self.states + 1

    @property
    def row(self) -> int:
        """Length of a row of activations."""
        return self.carry + 5 * self.states + (2 * self.layers[-1] if self.known else 0)

    @property
    def starts(self) -> tuple[int, ...]:
        """Place of each layer in the weights, and of what comes after them."""
        sizes = [3 * (inputs + units) * units + 4 * units for inputs, units in itertools.pairwise(self.layers)]
        return tuple(itertools.accumulate(sizes, initial=0))

    @property
    def befores(self) -> tuple[int, ...]:
        """Place of each layer's state among those carried."""
        return tuple(itertools.accumulate(self.layers[1:], initial=0))

    @property
    def heads(self) -> Shape:
        """What comes after the layers is those of a brain without any."""
        return Shape((self.layers[-1],), self.linear, self.log_stdevs, "tanh")

    @property
    def weights(self) -> int:
        """How many there are."""
        return self.starts[-1] + self.known * self.layers[-1] + self.heads.weights

    @property
    def stride(self) -> int:
        """Floats from one life's weights to the next's: whole cache lines."""
        return whole_lines(self.weights + self.spare)

    def column(self, layer: int) -> int:
        """Place of a layer's candidates in a row of activations; its states are 4 H on."""
        return self.carry + 5 * self.befores[layer]


def think_gru_team(
    code: VectorCode,
    shape: GruShape,
    registers: Registers,
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
    """Think layer by layer over the team, so that one life's multiply-adds fill the time that another's gates take."""
    work = Work(code, shape.heads, registers)
    told, units = shape.layers[0], shape.layers[-1]

    def row_of(array: Any, life: Any, length: int, column: int = 0) -> Any:
        return code.move(code.move(array, code.times(code.plus(code.times(life, rows), row), length)), column)

    def weights_of(life: Any, start: int) -> Any:
        return code.move(weights, code.plus(code.times(life, shape.stride), start))

    with code.loop(count) as life:
        copy(work, code.move(observation, code.times(life, told)), row_of(observations, life, told), told)
        copy(work, code.move(carry, code.times(life, shape.carry)), row_of(activations, life, shape.row), shape.carry)
    for layer, start in enumerate(shape.starts[:-1]):
        with code.loop(count) as life:
            if layer:
                source = row_of(activations, life, shape.row, shape.column(layer) - shape.layers[layer])
            else:
                source = code.move(observation, code.times(life, told))
            old = row_of(activations, life, shape.row, shape.befores[layer])
            goal = row_of(activations, life, shape.row, shape.column(layer))
            _think_layer(work, shape.layers[layer : layer + 2], source, old, weights_of(life, start), goal)
    if shape.known:
        with code.loop(count) as life:
            active = row_of(activations, life, shape.row, shape.row - 3 * units)
            _multiply(
                work,
                shape.known,
                code.move(observation, code.times(life, told)),
                active,
                weights_of(life, shape.starts[-1]),
            )
    above = shape.starts[-1] + shape.known * units
    with code.loop(count) as life:
        top = row_of(activations, life, shape.row, shape.row - units)
        speak(work, top, weights_of(life, above), row_of(outputs, life, shape.heads.outputs))
    # Row N only looks ahead.
    goes_on = code.builder.icmp_signed("<", row, code.builder.sub(rows, code.place(1)))
    with code.builder.if_then(goes_on), code.loop(count) as life:
        goal = code.move(carry, code.times(life, shape.carry))
        for layer, size in enumerate(shape.layers[1:]):
            new = row_of(activations, life, shape.row, shape.column(layer) + 4 * size)
            copy(work, new, code.move(goal, shape.befores[layer]), size)
        code.store(code.constant(1.0, 1), goal, shape.states)


def _add(
    work: Work, rows: int, width: int, source: Any, matrix: Any, sums: list[list[Any]], lanes: int, units: int
) -> None:
    """Add what rows of a matrix make of some floats to sums of units side by side, one for each gate."""
    code = work.code

    def add(first: Any, count: int) -> None:
        here = code.move(source, first)
        weights = code.move(matrix, code.times(first, width))
        for i in range(count):
            value = code.spread(code.load(here, i, 1), lanes)
            for gate, parts in enumerate(sums):
                weight = code.load(weights, i * width + gate * units, lanes)
                part = parts[i % PARTS]
                part.value = code.fma(value, weight, part.value)

    rounds = rows // STEP if rows * len(sums) > UNROLLED else 0
    if rounds:
        with code.loop(rounds) as number:
            add(code.times(number, STEP), STEP)
    add(rounds * STEP, rows - rounds * STEP)


def _think_layer(work: Work, layer: Layers, source: Any, old: Any, weights: Any, goal: Any) -> None:
    code = work.code
    inputs, units = layer
    state = 3 * inputs * units
    bias = code.move(weights, state + 3 * units * units)
    for here, vectors in columns_of(work, units, 1):
        for at, lanes in vectors:
            place = code.plus(here, at)
            biases = [code.load(code.move(bias, place), gate * units, lanes) for gate in range(4)]
            zero = code.constant(0.0, lanes)
            sums = [[code.variable(value if part == 0 else zero) for part in range(PARTS)] for value in biases]
            _add(work, inputs, 3 * units, source, code.move(weights, place), sums[:_RECALLED], lanes, units)
            matrix = code.move(code.move(weights, state), place)
            _add(work, units, 3 * units, old, matrix, sums[_RESET:], lanes, units)
            candidate, reset, update, recalled = (code.total([part.value for part in parts]) for parts in sums)
            reset, update = sigmoid(code, reset), sigmoid(code, update)
            candidate = tanh(code, code.fma(reset, recalled, candidate))
            before = code.load(code.move(old, place), 0, lanes)
            new = code.fma(update, code.add(before, code.negative(candidate)), candidate)
            target = code.move(goal, place)
            for number, value in enumerate((candidate, reset, update, recalled, new)):
                code.store(value, target, number * units)


def sigmoid(code: VectorCode, x: Any) -> Any:
    """`evolearn.agent.trunks.gru.sigmoid` of every lane."""
    half = code.constant(0.5, lanes_of(x))
    return code.fma(half, tanh(code, code.mul(half, x)), half)


def _multiply(work: Work, known: int, observation: Any, active: Any, gains: Any) -> None:
    """`evolearn.agent.trunks.product.multiply`."""
    code, shape, _ = work
    units = shape.layers[-1]
    for here, vectors in columns_of(work, units, 1):
        for at, lanes in vectors:
            place = code.plus(here, at)
            sums = [[code.variable(code.constant(0.0 if part else 1.0, lanes)) for part in range(PARTS)]]
            _add(work, known, units, observation, code.move(gains, place), sums, lanes, units)
            factor = code.total([part.value for part in sums[0]])
            target = code.move(active, place)
            code.store(factor, target, units)
            code.store(code.mul(factor, code.load(target, 0, lanes)), target, 2 * units)
