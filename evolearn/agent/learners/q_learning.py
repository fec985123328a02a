"""Epsilon-greedy Q-learning: tabular on one-hot observations with the linear trunk, semi-gradient with any other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent.brain import BrainSpec
from evolearn.agent.learners.learner import (
    DISCOUNT as NAMED_DISCOUNT,
    INITIAL_VALUE,
    LEARNING_RATE as NAMED_RATE,
    Learner,
    LearnerSettings,
    PlasticityGene,
)
from evolearn.agent.learners.optimisers import norm, sgd, whole_lines
from evolearn.agent.trunks.trunk import GOES_ON, TRUNCATED, Window
from evolearn.numerics import compiled, fma, matrix, vector

# Places of its plasticity; natural units. The third is the policy's, `evolearn.agent.policies.epsilon_greedy.EPSILON`.
LEARNING_RATE, DISCOUNT = 0, 1

_ZERO = np.float32(0.0)


@compiled
def largest_value(output: Any) -> Any:
    """Largest action value of an output row; its last entry is none."""
    largest = output[0]
    for k in range(1, output.size - 1):
        if output[k] > largest:
            largest = output[k]
    return largest


@compiled
def temporal_difference(window: Window, row: int, discount: float) -> Any:
    """Error of the value of the action taken at one step.

    Args:
        window: see `Window`; outputs of this row and of the next, and final outputs, are read.
        row: 0 .. N - 1.
        discount: 0 .. 1.
    Source: Sutton and Barto 2018, eq. 6.8.
    """
    width = window.outputs.shape[1]
    if window.ends[row] == GOES_ON:
        value_next = largest_value(vector(window.outputs, (row + 1) * width, width))
    elif window.ends[row] == TRUNCATED:
        value_next = largest_value(vector(window.final_outputs, row * width, width))
    else:  # no bootstrap: death ends the future
        value_next = _ZERO
    target = fma(np.float32(discount), value_next, window.rewards[row])
    return target - window.outputs[row, int(window.actions[row, 0])]


@compiled
def update_linear(weights: Any, window: Window, row: int, step: float) -> None:
    """Move the taken action's weights along the observation; biases are no features and stay as they were born."""
    inputs = window.observations.shape[1]
    taken = vector(weights, int(window.actions[row, 0]) * inputs, inputs)
    observation = vector(window.observations, row * inputs, inputs)
    size = np.float32(step)
    for i in range(inputs):
        taken[i] = fma(size, observation[i], taken[i])


@compiled
def update_deep(
    backward: Any, weights: Any, layers: Any, window: Window, row: int, rate: float, error: float, memory: Any
) -> bool:
    """Step along the gradient of the taken action's value; False, and nothing done, if it is not finite."""
    size = weights.size
    width = window.outputs.shape[1]
    gradient = vector(memory, 0, size)
    slopes = matrix(memory, whole_lines(size), 1, width)
    start = whole_lines(size) + width
    scratch = vector(memory, start, memory.size - start)
    gradient[:] = _ZERO
    slopes[:] = _ZERO
    slopes[0, int(window.actions[row, 0])] = -error
    backward(weights, layers, one_step(window, row), slopes, gradient, scratch)
    if not math.isfinite(norm(gradient)):
        return False
    sgd(weights, gradient, rate)
    return True


@compiled
def one_step(window: Window, row: int) -> Window:
    """The window of one step that begins at `row`."""
    inputs = window.observations.shape[1]
    units = window.activations.shape[1]
    width = window.outputs.shape[1]
    actions = window.actions.shape[1]
    return Window(
        matrix(window.observations, row * inputs, 2, inputs),
        matrix(window.activations, row * units, 2, units),
        matrix(window.outputs, row * width, 2, width),
        matrix(window.actions, row * actions, 1, actions),
        vector(window.rewards, row, 1),
        vector(window.ends, row, 1),
        matrix(window.final_outputs, row * width, 1, width),
        window.carry,
        window.lessons,
        window.taught,
    )


@compiled
def learn_q(
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
    """Learn from a window step by step, in order, each with the weights that the one before left.

    The step is ``learning_rate * error * gradient of the action's value``, and nothing else: no optimiser, no bound on
    the gradient. In windows of several steps the values after a truncated episode are those of the weights that lived
    it.

    Args:
        think: the trunk's forward pass, needed from the second step of a window on.
        backward: the trunk's backward pass; not used by the linear trunk.
        deltas: not used.
        weights: float32 [W], changed.
        layers: int64, the trunk's description; of one entry for the linear trunk.
        plasticity: float32 [3 or 4]: learning rate, discount, epsilon; an initial value, which is not used here.
        settings: not used.
        window: N steps and the output row after them.
        memory: float32 [q_learning_memory(spec, N)], overwritten.
        update: not used.
    Returns:
        False if an error or a gradient was not finite; that step and the rest of the window are then skipped.
    Source: Watkins 1989, "Learning from delayed rewards", chapter 7; Sutton and Barto 2018, section 6.5, and eq. 9.3
    with a bootstrapped target for trunks with hidden layers.
    """
    rate = plasticity[LEARNING_RATE]
    for row in range(window.rewards.size):
        if row > 0:
            think(weights, layers, window, row)
            think(weights, layers, window, row + 1)
        error = temporal_difference(window, row, plasticity[DISCOUNT])
        if not math.isfinite(error):
            return False
        if layers.size == 1:
            update_linear(weights, window, row, rate * error)
        elif not update_deep(backward, weights, layers, window, row, rate, error, memory):
            return False
    return True


def q_learning_memory(spec: BrainSpec, window: int) -> int:
    """Floats of memory that `learn_q` needs for one life: the gradient of one step, and what makes it."""
    if not spec.hidden:
        return 0
    return whole_lines(spec.weights) + spec.outputs + spec.scratch(1)


def initial_value_gene(spec: BrainSpec) -> tuple[PlasticityGene, ...]:
    """Where action values start, if that is a gene: an optimist tries what it has not, a pessimist stays."""
    if not spec.first_value_is_a_gene:
        return ()
    return (PlasticityGene(INITIAL_VALUE, "symlog", 0.0, "Sutton and Barto 2018, section 2.6: 0 is no optimist"),)


_DQN = "Mnih et al. 2015, extended data table 1"
Q_LEARNING = Learner(
    learn=learn_q,
    memory=q_learning_memory,
    policies={"discrete": "epsilon_greedy"},
    settings=frozenset(),
    plasticity=(
        PlasticityGene(NAMED_RATE, "log", 0.1, "Sutton and Barto 2018, figure 6.5"),
        PlasticityGene(NAMED_DISCOUNT, "logit", 0.99, _DQN),
        PlasticityGene("epsilon", "logit", 0.1, _DQN),
    ),
    off_policy=True,
    rules=initial_value_gene,
)
