"""The prediction head: what comes next, linear in what the other heads read, by what is done.

From the trunk's last activations h (H numbers) and the action it predicts Z = O + 2 numbers: the change of each of the
O numbers that the world shows, the reward felt, and whether the world ends the episode here, 1 or 0.

- Of choices each has a matrix and a bias of its own: ``W_k h + b_k``.
- Of numbers a_1 .. a_A, clipped to -1 .. 1 as worlds do, it is bilinear: ``W_0 h + b_0 + sum_i a_i (W_i h + b_i)``, so
  that its derivative by the action depends on the state.

Its weights, at the end of the flat weight vector: matrices ``[A', Z, H]``, biases ``[A', Z]``; A' is the number of
choices, or 1 + A. Both are zero at the standard initialisation: nothing changes, and nothing is paid.

It learns by normalised least mean squares, one step for each step of life. Source: Widrow and Hoff 1960; Nagumo and
Noda 1967, "A learning method for system identification", for the normalised form.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent.trunks.trunk import Tensor
from evolearn.numerics import LANES, compiled, fma, inlined, load_part, spread, store_part, total

# What an action is to the head; without a head NO_PREDICTION.
NO_PREDICTION, OF_CHOICES, OF_NUMBERS = "none", "choices", "numbers"
BESIDE = 2  # outcomes beside the change of what the world shows: the reward, then the end
_REWARD, _END = 0, 1  # among them

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_TINY = np.float32(1e-12)  # |h|^2 of observations that are all zero: nothing is learned from them


def prediction_tensors(kind: str, observations: int, actions: int, inputs: int) -> tuple[Tensor, ...]:
    """Blocks of the head.

    Args:
        kind: NO_PREDICTION, OF_CHOICES or OF_NUMBERS.
        observations: O, that the world shows.
        actions: choices, or numbers of an action.
        inputs: H, numbers that the heads read.
    """
    if kind == NO_PREDICTION:
        return ()
    blocks = actions if kind == OF_CHOICES else 1 + actions
    outcomes = observations + BESIDE
    return (
        Tensor("prediction.weight", (blocks, outcomes, inputs), 0.0),
        Tensor("prediction.bias", (blocks, outcomes), 0.0),
    )


@inlined
def _product(weights: Any, start: int, source: Any) -> Any:
    """`source` times as many weights from place `start` on; sixteen sums side by side, then pairwise."""
    sums = spread(_ZERO)
    for first in range(0, source.size, LANES):
        count = source.size - first
        sums = fma(load_part(weights, start + first, count), load_part(source, first, count), sums)
    return total(sums)


@inlined
def _add(weights: Any, start: int, size: Any, source: Any) -> None:
    """Add `size` times `source` to as many weights from place `start` on."""
    for first in range(0, source.size, LANES):
        count = source.size - first
        after = fma(size, load_part(source, first, count), load_part(weights, start + first, count))
        store_part(weights, start + first, after, count)


@inlined
def _clipped(number: Any) -> Any:
    return min(max(number, -_ONE), _ONE)


@inlined
def _add_block(model: Any, source: Any, block: int, factor: Any, outcome: Any) -> None:
    """Add `factor` times what one of the matrices, and its bias, make of `source`."""
    inputs, outcomes = source.size, outcome.size
    weights = block * outcomes * inputs
    biases = model.size // (inputs + 1) * inputs + block * outcomes
    for i in range(outcomes):
        made = _product(model, weights + i * inputs, source) + model[biases + i]
        outcome[i] = fma(factor, made, outcome[i])


@compiled
def foresee_choice(model: Any, source: Any, choice: int, outcome: Any) -> None:
    """Predict what a choice would lead to.

    Args:
        model: float32 [A' Z (H + 1)], the head's share of the weights.
        source: float32 [H], what the heads read.
        choice: 0 .. A' - 1.
        outcome: float32 [Z], written: changes of what the world shows, reward, end.
    """
    for i in range(outcome.size):
        outcome[i] = _ZERO
    _add_block(model, source, choice, _ONE, outcome)


@compiled
def foresee(model: Any, source: Any, action: Any, choices: int, outcome: Any) -> None:
    """Predict what an action would lead to.

    Args:
        model: float32 [A' Z (H + 1)], the head's share of the weights.
        source: float32 [H], what the heads read.
        action: float32 [A]; of a choice [1], its number.
        choices: how many there are; 0 for an action of numbers.
        outcome: float32 [Z], written: changes of what the world shows, reward, end.
    """
    foresee_choice(model, source, int(action[0]) if choices > 0 else 0, outcome)
    if choices == 0:
        for i in range(action.size):
            _add_block(model, source, 1 + i, _clipped(action[i]), outcome)


@compiled
def foresee_control(model: Any, source: Any, choices: int, outcome: Any, control: Any) -> None:
    """What the world shows next, as predicted: its derivative by the action.

    Args:
        model: float32 [A' Z (H + 1)], the head's share of the weights.
        source: float32 [H], what the heads read.
        choices: how many there are; 0 for an action of numbers.
        outcome: float32 [Z], overwritten.
        control: float32 [O, A], written. Of choices, which have no derivative, each one's prediction less the mean of
            all of them.
    """
    observations, actions = control.shape
    for k in range(actions):
        foresee_choice(model, source, k if choices > 0 else 1 + k, outcome)
        for i in range(observations):
            control[i, k] = outcome[i]
    if choices > 0:
        share = _ONE / np.float32(actions)
        for i in range(observations):
            mean = _ZERO
            for k in range(actions):
                mean += control[i, k]
            mean *= share
            for k in range(actions):
                control[i, k] -= mean


@inlined
def errors_of(model: Any, source: Any, action: Any, choices: int, target: Any, errors: Any) -> bool:
    """Write what came less what was predicted, float32 [Z]; False if a number of them is not finite.

    The other arguments as those of `foresee`; `target` is what came.
    """
    foresee(model, source, action, choices, errors)
    check = _ZERO
    for i in range(errors.size):
        errors[i] = target[i] - errors[i]
        check += errors[i] * _ZERO  # 0 for a finite number, NaN for any other
    return check == _ZERO


@compiled
def correct(
    model: Any, source: Any, action: Any, choices: int, target: Any, rate: float, has_bias: bool, errors: Any
) -> bool:
    """Learn from one step by normalised least mean squares: at rate 1 the same step would be predicted exactly.

    A block's step is ``rate * factor * error h / (factors^2 (1 + |h|^2))``, its bias's the same with 1 for h; the
    factor of the taken choice is 1, those of an action of numbers are 1 and the clipped numbers.

    Args:
        model: float32 [A' Z (H + 1)], changed.
        source: float32 [H].
        action: see `foresee`.
        choices: see `foresee`.
        target: float32 [Z], what came.
        rate: 0 .. 1.
        has_bias: whether biases learn. Without, the step is ``error h / |h|^2``: with observations of a single 1 each
            is an entry of a table.
        errors: float32 [Z], written: what came less what had been predicted.
    Returns:
        False, and nothing learned, if an error or |h|^2 is not finite.
    """
    power = _product(source, 0, source)
    if not errors_of(model, source, action, choices, target, errors) or not math.isfinite(power):
        return False
    power = _ONE + power if has_bias else max(power, _TINY)
    if choices > 0:
        _correct_block(model, source, int(action[0]), np.float32(rate) / power, has_bias, errors)
        return True
    reach = _ONE
    for i in range(action.size):
        reach += _clipped(action[i]) * _clipped(action[i])
    step = np.float32(rate) / (power * reach)
    _correct_block(model, source, 0, step, has_bias, errors)
    for i in range(action.size):
        _correct_block(model, source, 1 + i, step * _clipped(action[i]), has_bias, errors)
    return True


@inlined
def _correct_block(model: Any, source: Any, block: int, step: Any, has_bias: bool, errors: Any) -> None:
    inputs, outcomes = source.size, errors.size
    weights = block * outcomes * inputs
    biases = model.size // (inputs + 1) * inputs + block * outcomes
    for i in range(outcomes):
        size = step * errors[i]
        _add(model, weights + i * inputs, size, source)
        if has_bias:
            model[biases + i] += size


@compiled
def slopes_below_prediction(model: Any, action: Any, choices: int, errors: Any, share: Any, slopes: Any) -> None:
    """Derivative by the head's inputs of ``share / 2 * sum of squared errors`` of one step.

    Args:
        model: float32 [A' Z (H + 1)].
        action: see `foresee`.
        choices: see `foresee`.
        errors: float32 [Z], what came less what was predicted.
        share: float32.
        slopes: float32 [H], written.
    """
    for j in range(slopes.size):
        slopes[j] = _ZERO
    _add_slopes(model, int(action[0]) if choices > 0 else 0, -share, errors, slopes)
    if choices == 0:
        for i in range(action.size):
            _add_slopes(model, 1 + i, -share * _clipped(action[i]), errors, slopes)


@inlined
def _add_slopes(model: Any, block: int, factor: Any, errors: Any, slopes: Any) -> None:
    inputs, outcomes = slopes.size, errors.size
    for first in range(0, inputs, LANES):
        count = inputs - first
        sums = load_part(slopes, first, count)
        for i in range(outcomes):
            weights = load_part(model, (block * outcomes + i) * inputs + first, count)
            sums = fma(factor * errors[i], weights, sums)
        store_part(slopes, first, sums, count)
