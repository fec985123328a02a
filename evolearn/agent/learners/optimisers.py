"""From a gradient to a change of weights: the optimisers, and what keeps a gradient in bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.numerics import (
    LANES,
    compiled,
    fma,
    inlined,
    load,
    load_part,
    root,
    spread,
    store,
    total,
)

# As `settings.optimiser` has it.
ADAM, SGD = 0, 1
OPTIMISERS = {"adam": ADAM, "sgd": SGD}

_ZERO, _ONE, _NAN = np.float32(0.0), np.float32(1.0), np.float32(np.nan)
_STRIDE = 4 * LANES  # of four sums that do not wait for each other


@inlined
def norm(gradient: Any) -> Any:
    """The Euclidean norm, float32; not finite if an entry is not, or if its square overflows.

    Its sums are lane by lane over every fourth piece of sixteen, then pairwise.
    """
    size = gradient.size
    first, second, third, fourth = spread(_ZERO), spread(_ZERO), spread(_ZERO), spread(_ZERO)
    whole = size - size % _STRIDE
    for i in range(0, whole, _STRIDE):
        slope = load(gradient, i)
        first = fma(slope, slope, first)
        slope = load(gradient, i + LANES)
        second = fma(slope, slope, second)
        slope = load(gradient, i + 2 * LANES)
        third = fma(slope, slope, third)
        slope = load(gradient, i + 3 * LANES)
        fourth = fma(slope, slope, fourth)
    for i in range(whole, size, LANES):
        slope = load_part(gradient, i, size - i)
        first = fma(slope, slope, first)
    return root(total((first + second) + (third + fourth)))


@inlined
def shortening(gradient: Any, longest: float) -> Any:
    """The factor, float32, that brings `gradient` to a norm of at most `longest`; NaN if it is not finite.

    Source: Pascanu, Mikolov and Bengio 2013, algorithm 1.
    """
    length = norm(gradient)
    if not math.isfinite(length):
        return _NAN
    if length > longest:
        return np.float32(longest / length)
    return _ONE


@compiled
def shorten(gradient: Any, longest: float) -> bool:
    """Scale `gradient` to a norm of at most `longest`; False, and nothing done, if it is not finite."""
    scale = shortening(gradient, longest)
    if math.isnan(scale):
        return False
    if scale != _ONE:
        for i in range(gradient.size):
            gradient[i] *= scale
    return True


@inlined
def power(base: float, exponent: int) -> float:
    """`base` to a whole power >= 0, by squaring: the same bits everywhere."""
    result = 1.0
    while exponent > 0:
        result *= base if exponent & 1 else 1.0
        base *= base
        exponent >>= 1
    return result


@inlined
def moved_by_adam(
    slope: Any, first: Any, second: Any, weight: Any, add_first: Any, add_second: Any, size: Any, epsilon: Any
) -> tuple[Any, Any, Any]:
    """The new means of the slope and of its square, and the new weight, of one or of sixteen."""
    # On many processors sums wait for another circuit than products, roots and quotients do: as few of these as can be.
    mean = fma(add_first, slope - first, first)
    square = fma(add_second, slope * slope - second, second)
    return mean, square, fma(-size, mean / (root(square) + epsilon), weight)


@inlined
def adam(
    weights: Any, gradient: Any, first: Any, second: Any, rate: float, settings: Any, step: int, scale: Any = _ONE
) -> None:
    """One step of Adam.

    Args:
        weights: float32 [W], changed.
        gradient: float32 [W].
        first: float32 [W], running mean of the gradient, changed.
        second: float32 [W], running mean of its square, changed.
        rate: learning rate.
        settings: decays and epsilon, see `evolearn.agent.learners.learner.LearnerSettings`.
        step: 1 for the first.
        scale: of the gradient, a float32.
    Source: Kingma and Ba 2015, algorithm 1.
    """
    add_first = np.float32(1.0 - settings.first_decay)
    add_second = np.float32(1.0 - settings.second_decay)
    # The second moment's correction is taken out of the root, and with it out of the loop.
    correction = math.sqrt(1.0 - power(settings.second_decay, step))
    size = np.float32(rate * correction / (1.0 - power(settings.first_decay, step)))
    epsilon, factor = np.float32(settings.epsilon * correction), np.float32(scale)
    count = weights.size
    whole = count - count % LANES
    for i in range(0, whole, LANES):
        slope = factor * load(gradient, i)
        mean, square, weight = moved_by_adam(
            slope, load(first, i), load(second, i), load(weights, i), add_first, add_second, size, epsilon
        )
        store(first, i, mean)
        store(second, i, square)
        store(weights, i, weight)
    for i in range(whole, count):
        first[i], second[i], weights[i] = moved_by_adam(
            factor * gradient[i], first[i], second[i], weights[i], add_first, add_second, size, epsilon
        )


@inlined
def sgd(weights: Any, gradient: Any, rate: float, scale: Any = _ONE) -> None:
    """One step of plain gradient descent.

    Args:
        weights: float32 [W], changed.
        gradient: float32 [W].
        rate: learning rate.
        scale: of the gradient, a float32.
    Source: Robbins and Monro 1951, eq. 6.
    """
    size, factor = np.float32(rate), np.float32(scale)
    count = weights.size
    whole = count - count % LANES
    for i in range(0, whole, LANES):
        store(weights, i, fma(-size, factor * load(gradient, i), load(weights, i)))
    for i in range(whole, count):
        weights[i] = fma(-size, factor * gradient[i], weights[i])


@inlined
def descend(
    weights: Any, gradient: Any, first: Any, second: Any, rate: float, settings: Any, step: int, scale: Any = _ONE
) -> None:
    """One step of the optimiser that `settings` names; arguments as those of `adam`."""
    if settings.optimiser == SGD:
        sgd(weights, gradient, rate, scale)
    else:
        adam(weights, gradient, first, second, rate, settings, step, scale)


@compiled
def whole_lines(floats: int) -> int:
    """`floats` rounded up to whole cache lines of 16, so that blocks of memory begin on one."""
    return (floats + 15) // 16 * 16
