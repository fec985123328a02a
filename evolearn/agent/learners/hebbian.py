"""Weights that change by rules that evolve: Hebbian plasticity, with a rule for each layer or for each connection.

A connection from a unit with activity x to one with activity y changes in every step by ``rate (A x y + B x + C y +
D)``; where the rule is rewarded, times how much better the step was than expected.

- Activities are those with which a step was lived: what the brain was told, what its hidden units said, and of the
  policy's units what was done, 1 for the choice taken and 0 for the others, or the numbers of the action. So a rule
  knows what exploring came to; the logits say only what was likely. A bias is a connection from a unit that is always
  1. The value head and log standard deviations stay as they were born.
- Reward is felt less its running mean. Times the reward as it is, a rule strengthens whatever is done where rewards
  are positive; see Fremaux, Sprekeler and Gerstner 2010. An expectation rate near 0 leaves the reward as it is.
- Hebbian growth has no bound of its own. A layer that has changed, biases included, is divided by as much as brings its
  largest weight back to `largest_weight`: what its units compute keeps its proportions, and what is not strengthened
  fades. A layer whose rate is 0 is left alone.

Sources: Najarro and Risi 2020, "Meta-learning through Hebbian plasticity in random networks", eq. 1, where a layer is
divided by its largest weight in any case; Soltoggio, Stanley and Risi 2018, "Born to learn", section 4.2, for rules
that reward gates.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from evolearn.agent.brain import PLAIN, BrainSpec, trunk_of
from evolearn.agent.learners.learner import INITIAL_SCALE_GENE, Learner, LearnerSettings, PlasticityGene
from evolearn.agent.trunks.mlp import dense_tensors
from evolearn.agent.trunks.trunk import Window
from evolearn.numerics import (
    LANES,
    compiled,
    fma,
    highest,
    inlined,
    load,
    load_part,
    select,
    spread,
    store,
    store_part,
    vector,
)

# Places in its plasticity; natural units. The rules begin at the third, or behind the expectation rate. Each layer has
# its rate there, then A, B, C and D: a number each, or as many as the layer has connections, in the order of weights.
LARGEST_WEIGHT, EXPECTATION_RATE = 1, 2
LETTERS = ("A", "B", "C", "D")

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_STRIDE = 4 * LANES


@inlined
def changed(weight: Any, source: Any, target: Any, step: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """A connection's weight after one step, of one or of sixteen.

    Args:
        weight: before.
        source: activity where the connection begins.
        target: where it ends.
        step: rate, times the reward beyond expectation if that gates.
        a: of both activities.
        b: of the source's.
        c: of the target's.
        d: of none.
    Source: Najarro and Risi 2020, eq. 1.
    """
    return fma(step, fma(source, fma(a, target, b), fma(c, target, d)), weight)


@inlined
def _read(array: Any, place: int, count: int) -> Any:
    if count >= LANES:
        return load(array, place)
    return load_part(array, place, count)


@inlined
def change_rows(
    weights: Any,
    start: int,
    rows: Any,
    size: int,
    columns: Any,
    from_rows: bool,
    step: Any,
    plasticity: Any,
    rule: int,
    between: int,
) -> None:
    """Change a block of weights, a row for each unit on one side, a column for each on the other.

    Args:
        weights: float32 [W], changed.
        start: of the block.
        rows: float32, activities of the units that have rows; those that are missing at the end are 1.
        size: how many rows there are.
        columns: float32, activities of the units that have columns.
        from_rows: whether connections lead from rows to columns; else the other way.
        step: see `changed`.
        plasticity: float32, natural values.
        rule: where the A of the first connection is.
        between: how far B is from A, C from B, D from C; 1: all connections share them.
    """
    width = columns.size
    shared = between == 1
    a, b = spread(plasticity[rule]), spread(plasticity[rule + between])
    c, d = spread(plasticity[rule + 2 * between]), spread(plasticity[rule + 3 * between])
    for first in range(0, width, LANES):
        count = min(width - first, LANES)
        column = _read(columns, first, count)
        for i in range(size):
            row = rows[i] if i < rows.size else _ONE
            place = i * width + first
            if not shared:
                own = rule + place
                a, b = _read(plasticity, own, count), _read(plasticity, own + between, count)
                c, d = _read(plasticity, own + 2 * between, count), _read(plasticity, own + 3 * between, count)
            before = _read(weights, start + place, count)
            if from_rows:
                after = changed(before, row, column, step, a, b, c, d)
            else:
                after = changed(before, column, row, step, a, b, c, d)
            if count == LANES:
                store(weights, start + place, after)
            else:
                store_part(weights, start + place, after, count)


@inlined
def larger(most: Any, some: Any) -> Any:
    """The sizes of sixteen numbers where they are above `most`, else `most`."""
    size = select(some < _ZERO, -some, some)
    return select(size > most, size, most)


@inlined
def largest_of(weights: Any, start: int, size: int) -> Any:
    """The largest size of `size` weights from place `start` on."""
    first, second, third, fourth = spread(_ZERO), spread(_ZERO), spread(_ZERO), spread(_ZERO)
    end = start + size
    whole = start + size - size % _STRIDE
    for i in range(start, whole, _STRIDE):  # four that do not wait for each other
        first = larger(first, load(weights, i))
        second = larger(second, load(weights, i + LANES))
        third = larger(third, load(weights, i + 2 * LANES))
        fourth = larger(fourth, load(weights, i + 3 * LANES))
    for i in range(whole, end, LANES):
        first = larger(first, load_part(weights, i, end - i))
    return highest(larger(larger(first, second), larger(third, fourth)))


@inlined
def multiply(weights: Any, start: int, size: int, factor: Any) -> None:
    """Multiply `size` weights from place `start` on by a factor."""
    for first in range(0, size, LANES):
        count = min(size - first, LANES)
        store_part(weights, start + first, factor * _read(weights, start + first, count), count)


@inlined
def show_deeds(window: Window, row: int, deeds: Any) -> None:
    """Write the activities of the policy's units in one step: what was done.

    Args:
        window: actions are read.
        row: which step.
        deeds: float32 [actions], written; with more of them than an action has numbers it is a choice.
    """
    is_choice = window.outputs.shape[1] == deeds.size + 1
    for k in range(deeds.size):
        if is_choice:
            deeds[k] = _ONE if k == int(window.actions[row, 0]) else _ZERO
        else:
            deeds[k] = window.actions[row, k]


@inlined
def change_layer(
    weights: Any,
    start: int,
    source: Any,
    target: Any,
    step: Any,
    limit: Any,
    plasticity: Any,
    rule: int,
    by_connection: bool,
) -> None:
    """Change a layer of a trunk: a row of weights for each source, then the biases."""
    size = (source.size + 1) * target.size
    between = size if by_connection else 1
    change_rows(weights, start, source, source.size + 1, target, True, step, plasticity, rule, between)
    largest = largest_of(weights, start, size)
    if largest > limit:
        multiply(weights, start, size, limit / largest)


@inlined
def change_policy(
    weights: Any,
    start: int,
    outputs: int,
    source: Any,
    deeds: Any,
    step: Any,
    limit: Any,
    plasticity: Any,
    rule: int,
    by_connection: bool,
) -> None:
    """Change the policy head: a row of weights for each of its units; behind those of all `outputs` the biases."""
    actions, inputs = deeds.size, source.size
    size = actions * inputs
    bias = start + outputs * inputs
    between = size + actions if by_connection else 1
    change_rows(weights, start, deeds, actions, source, False, step, plasticity, rule, between)
    own = rule + size if by_connection else rule
    nothing = vector(source, 0, 0)
    change_rows(weights, bias, nothing, 1, deeds, True, step, plasticity, own, between)
    largest = max(largest_of(weights, start, size), largest_of(weights, bias, actions))
    if largest > limit:
        multiply(weights, start, size, limit / largest)
        multiply(weights, bias, actions, limit / largest)


@inlined
def apply_rules(
    weights: Any, layers: Any, plasticity: Any, window: Window, memory: Any, by_connection: bool, rewarded: bool
) -> bool:
    """Change the weights by the rules, for a window's steps in order, with the activities that they were lived with.

    Args:
        weights: float32 [W], changed.
        layers: int64 [1 + trunk layers], units per layer, what the brain is told first.
        plasticity: float32, see the module's constants.
        window: N steps; how they ended changes nothing.
        memory: float32 [hebbian_memory(spec, N)]; its first number is the reward expected, 0 at birth.
        by_connection: whether each connection has a rule of its own; else each layer.
        rewarded: whether rewards gate.
    Returns:
        True. Weights that leave the finite numbers are not held back: the life diverges at its next thought.
    """
    told = layers[0]
    units = window.activations.shape[1]
    parameters = window.outputs.shape[1] - 1
    trunk = 0
    for layer in range(1, layers.size):
        trunk += (layers[layer - 1] + 1) * layers[layer]
    read = layers[layers.size - 1]
    outputs = (weights.size - trunk - parameters - 1) // read
    deeds = vector(memory, LANES, outputs - 1)
    limit = plasticity[LARGEST_WEIGHT]
    for row in range(window.rewards.size):
        gate = _ONE
        if rewarded:
            gate = window.rewards[row] - memory[0]
            memory[0] = fma(plasticity[EXPECTATION_RATE], gate, memory[0])
        rule = EXPECTATION_RATE + 1 if rewarded else EXPECTATION_RATE
        start = 0
        place = row * units
        source = vector(window.observations, row * told, told)
        for layer in range(1, layers.size):
            target = vector(window.activations, place, layers[layer])
            size = (source.size + 1) * target.size
            step = gate * plasticity[rule]
            if step != _ZERO:
                change_layer(weights, start, source, target, step, limit, plasticity, rule + 1, by_connection)
            rule += 1 + len(LETTERS) * (size if by_connection else 1)
            start += size
            place += target.size
            source = target
        step = gate * plasticity[rule]
        if step != _ZERO:
            show_deeds(window, row, deeds)
            change_policy(weights, start, outputs, source, deeds, step, limit, plasticity, rule + 1, by_connection)
    return True


@compiled
def learn_hebbian(
    think: Any,
    backward: Any,
    deltas: Any,
    weights: Any,
    layers: Any,
    plasticity: Any,
    settings: LearnerSettings,
    window: Window,
    memory: Any,
    update: int,
) -> bool:
    """`apply_rules` with a rule for each layer."""
    return apply_rules(weights, layers, plasticity, window, memory, False, False)


@compiled
def learn_hebbian_connections(
    think: Any,
    backward: Any,
    deltas: Any,
    weights: Any,
    layers: Any,
    plasticity: Any,
    settings: LearnerSettings,
    window: Window,
    memory: Any,
    update: int,
) -> bool:
    """The same with a rule for each connection."""
    return apply_rules(weights, layers, plasticity, window, memory, True, False)


@compiled
def learn_rewarded_hebbian(
    think: Any,
    backward: Any,
    deltas: Any,
    weights: Any,
    layers: Any,
    plasticity: Any,
    settings: LearnerSettings,
    window: Window,
    memory: Any,
    update: int,
) -> bool:
    """`apply_rules` gated by rewards, a rule for each layer."""
    return apply_rules(weights, layers, plasticity, window, memory, False, True)


@compiled
def learn_rewarded_hebbian_connections(
    think: Any,
    backward: Any,
    deltas: Any,
    weights: Any,
    layers: Any,
    plasticity: Any,
    settings: LearnerSettings,
    window: Window,
    memory: Any,
    update: int,
) -> bool:
    """The same with a rule for each connection."""
    return apply_rules(weights, layers, plasticity, window, memory, True, True)


def hebbian_memory(spec: BrainSpec, window: int) -> int:
    """Floats of memory that `apply_rules` needs for one life: the reward expected, and what was done."""
    return LANES + spec.actions


def plastic_layers(brain: BrainSpec) -> dict[str, int]:
    """The layers whose weights rules change, in order, and how many connections each has, biases included.

    Raises:
        ValueError: the trunk's layers are not dense, or the heads read it by its product.
    """
    if brain.readout != PLAIN:
        raise ValueError(f"no rule says how the weights of brain.readout={brain.readout!r} change; set it to {PLAIN}")
    trunk = trunk_of(brain)
    dense = [(tensor.name, tensor.shape) for tensor in dense_tensors(brain.layers, 1.0)]
    found = [(tensor.name, tensor.shape) for tensor in trunk.tensors(brain.layers)]
    if found != dense or trunk.carry(brain.layers) > 0 or trunk.units is not None:
        raise ValueError(
            f"it changes the weights of dense layers, and brain.trunk={brain.trunk!r} has others; set brain.trunk=mlp "
            "or relu, or linear with brain.hidden=[]"
        )
    ends = itertools.pairwise(brain.layers)
    sizes = {f"hidden{number}": (inputs + 1) * units for number, (inputs, units) in enumerate(ends, start=1)}
    return {**sizes, "policy": (brain.layers[-1] + 1) * brain.actions}


_HEBB = "Hebb 1949: what is active together grows together, and nothing else changes"
_RULE = dict(zip(LETTERS, (1.0, 0.0, 0.0, 0.0), strict=True))


def rules_by_layer(brain: BrainSpec) -> tuple[PlasticityGene, ...]:
    """Rate, A, B, C and D of every layer.

    Raises:
        ValueError: see `plastic_layers`.
    """
    return _rules({name: () for name in plastic_layers(brain)})


def rules_by_connection(brain: BrainSpec) -> tuple[PlasticityGene, ...]:
    """Rate of every layer; A, B, C and D of every connection, in the order of weights, biases last.

    A rate for each connection would only scale its A, B, C and D, which evolve anyway.

    Raises:
        ValueError: see `plastic_layers`.
    """
    return _rules({name: (size,) for name, size in plastic_layers(brain).items()})


def _rules(shapes: Mapping[str, tuple[int, ...]]) -> tuple[PlasticityGene, ...]:
    genes = []
    for name, shape in shapes.items():
        genes.append(PlasticityGene(f"{name} rate", "log", 0.01, "Miconi, Stanley and Clune 2018, of Hebbian traces"))
        genes += [
            PlasticityGene(f"{name} {letter}", "identity", default, _HEBB, shape) for letter, default in _RULE.items()
        ]
    return tuple(genes)


HEBBIAN = Learner(
    learn=learn_hebbian,
    memory=hebbian_memory,
    policies={"discrete": "categorical", "box": "gaussian"},
    settings=frozenset(),
    plasticity=(
        INITIAL_SCALE_GENE,
        PlasticityGene("largest_weight", "log", 1.0, "Najarro and Risi 2020, section 3"),
    ),
    rules=rules_by_layer,
)
HEBBIAN_CONNECTIONS = dataclasses.replace(HEBBIAN, learn=learn_hebbian_connections, rules=rules_by_connection)
REWARDED_HEBBIAN = dataclasses.replace(
    HEBBIAN,
    learn=learn_rewarded_hebbian,
    plasticity=(
        *HEBBIAN.plasticity,
        PlasticityGene("expectation_rate", "logit", 0.1, "Sutton and Barto 2018, exercise 2.5"),
    ),
)
REWARDED_HEBBIAN_CONNECTIONS = dataclasses.replace(
    REWARDED_HEBBIAN, learn=learn_rewarded_hebbian_connections, rules=rules_by_connection
)
