"""Supervised regression by gradient: the teacher's signal, which arrives as the reward, is what to put out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent.brain import BrainSpec
from evolearn.agent.learners.learner import (
    INITIAL_SCALE_GENE,
    LEARNING_RATE as NAMED_RATE,
    Learner,
    LearnerSettings,
    PlasticityGene,
)
from evolearn.agent.learners.optimisers import descend, shortening, whole_lines
from evolearn.agent.learners.workspace import descent_views
from evolearn.agent.trunks.trunk import Window, think_again
from evolearn.numerics import compiled, matrix, vector

# Place of its plasticity; natural units.
LEARNING_RATE = 0

_ZERO = np.float32(0.0)


@compiled
def squared_error_slopes(window: Window, slopes: Any) -> None:
    """Derivative of the mean over the window of ``(output - reward)^2`` by the outputs.

    Args:
        window: rewards and the first output of rows 0 .. N - 1 are read.
        slopes: float32 [N, outputs], written.
    """
    rows = window.rewards.size
    share = np.float32(2.0 / rows)
    slopes[:] = _ZERO
    for row in range(rows):
        slopes[row, 0] = share * (window.outputs[row, 0] - window.rewards[row])


@compiled
def learn_regression(
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
    """Take a gradient step (one per epoch) on a window's mean squared error between output and reward.

    Args:
        think: the trunk's forward pass, needed from the second epoch on.
        backward: the trunk's backward pass.
        deltas: not used.
        weights: float32 [W], changed.
        layers: int64, the trunk's description.
        plasticity: float32 [2]: learning rate, initial scale.
        settings: epochs, bound on the gradient, optimiser.
        window: N steps; how they ended changes nothing.
        memory: float32 [regression_memory(spec, N)], zero at birth, kept from window to window.
        update: 0 for the first window.
    Returns:
        False if a gradient was not finite; that step and the rest of the window are then skipped.
    Source: the inner step of Finn, Abbeel and Levine 2017, algorithm 2 with eq. 2.
    """
    size = weights.size
    rows = window.rewards.size
    width = window.outputs.shape[1]
    gradient, first, second, at = descent_views(memory, size)
    slopes = matrix(memory, at, rows, width)
    at += rows * width
    scratch = vector(memory, at, memory.size - at)
    for epoch in range(settings.epochs):
        if epoch > 0:
            think_again(think, weights, layers, window)
        gradient[:] = _ZERO
        squared_error_slopes(window, slopes)
        backward(weights, layers, window, slopes, gradient, scratch)
        scale = shortening(gradient, settings.gradient_norm)
        if math.isnan(scale):
            return False
        step = update * settings.epochs + epoch + 1
        descend(weights, gradient, first, second, plasticity[LEARNING_RATE], settings, step, scale)
    return True


def regression_memory(spec: BrainSpec, window: int) -> int:
    """Floats of memory that `learn_regression` needs for one life."""
    return 3 * whole_lines(spec.weights) + window * spec.outputs + spec.scratch(window)


REGRESSION = Learner(
    learn=learn_regression,
    memory=regression_memory,
    policies={"box": "deterministic"},
    settings=frozenset(LearnerSettings._fields) - {"clip"},
    plasticity=(
        PlasticityGene(NAMED_RATE, "log", 0.01, "Finn et al. 2017, appendix A.1"),
        INITIAL_SCALE_GENE,
    ),
    most_actions=1,
    taught=True,
    recurrent=True,
    torch_loss="evolearn.agent.torch_losses:regression_loss",
)
