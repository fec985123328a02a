"""From a gradient to a change of weights: the optimisers, and what keeps a gradient in bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.numerics import compiled

# As `settings.optimiser` has it.
ADAM, SGD = 0, 1
OPTIMISERS = {"adam": ADAM, "sgd": SGD}

_ZERO = np.float32(0.0)


@compiled
def norm(gradient: Any) -> float:
    """The Euclidean norm; not finite if an entry is not, or if its square overflows float32."""
    square = _ZERO
    for i in range(gradient.size):
        square += gradient[i] * gradient[i]
    return math.sqrt(square)


@compiled
def shorten(gradient: Any, longest: float) -> bool:
    """Scale `gradient` to a norm of at most `longest`; False, and nothing done, if it is not finite.

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1.
    """
    length = norm(gradient)
    if not math.isfinite(length):
        return False
    if length > longest:
        scale = np.float32(longest / length)
        for i in range(gradient.size):
            gradient[i] *= scale
    return True


@compiled
def adam(weights: Any, gradient: Any, first: Any, second: Any, rate: float, settings: Any, step: int) -> None:
    """One step of Adam.

    Args:
        weights: float32 [W], changed.
        gradient: float32 [W].
        first: float32 [W], running mean of the gradient, changed.
        second: float32 [W], running mean of its square, changed.
        rate: learning rate.
        settings: decays and epsilon, see `evolearn.agent.learners.learner.LearnerSettings`.
        step: 1 for the first.
    Source: Kingma and Ba 2015, algorithm 1.
    """
    keep_first = np.float32(settings.first_decay)
    add_first = np.float32(1.0 - settings.first_decay)
    keep_second = np.float32(settings.second_decay)
    add_second = np.float32(1.0 - settings.second_decay)
    size = np.float32(rate / (1.0 - settings.first_decay**step))
    correction = np.float32(1.0 / (1.0 - settings.second_decay**step))
    epsilon = np.float32(settings.epsilon)
    for i in range(weights.size):
        slope = gradient[i]
        mean = keep_first * first[i] + add_first * slope
        square = keep_second * second[i] + add_second * slope * slope
        first[i] = mean
        second[i] = square
        weights[i] -= size * mean / (np.sqrt(square * correction) + epsilon)


@compiled
def sgd(weights: Any, gradient: Any, rate: float) -> None:
    """One step of plain gradient descent.

    Args:
        weights: float32 [W], changed.
        gradient: float32 [W].
        rate: learning rate.
    Source: Robbins and Monro 1951, eq. 6.
    """
    size = np.float32(rate)
    for i in range(weights.size):
        weights[i] -= size * gradient[i]


@compiled
def descend(weights: Any, gradient: Any, first: Any, second: Any, rate: float, settings: Any, step: int) -> None:
    """One step of the optimiser that `settings` names; arguments as those of `adam`."""
    if settings.optimiser == SGD:
        sgd(weights, gradient, rate)
    else:
        adam(weights, gradient, first, second, rate, settings, step)


@compiled
def whole_lines(floats: int) -> int:
    """`floats` rounded up to whole cache lines of 16, so that blocks of memory begin on one."""
    return (floats + 15) // 16 * 16
