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
from typing import Any, NamedTuple

import numpy as np

from evolearn.agent.trunks.trunk import Tensor
from evolearn.numerics import LANES, compiled, fma, gather, inlined, load_part, scatter, some, spread, store_part, total

# What an action is to the head; without a head NO_PREDICTION.
NO_PREDICTION, OF_CHOICES, OF_NUMBERS = "none", "choices", "numbers"
BESIDE = 2  # outcomes beside the change of what the world shows: the reward, then the end
_REWARD, _END = 0, 1  # among them
MANY = 3  # inputs that are not 0, or more

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


class Lit(NamedTuple):
    """Which inputs are other than 0, where that are few: the head then reads and moves their columns alone.

    Weights of the other inputs, as long as they are finite, have no part in what is predicted, to the last bit.
    """

    found: int  # how many; MANY if there are more than two
    first: int
    second: int


@inlined
def lit_in(source: Any) -> Lit:
    """Find them."""
    count, one, other = 0, 0, 0
    for first in range(0, source.size, LANES):
        if some(load_part(source, first, source.size - first)):
            for j in range(first, min(first + LANES, source.size)):
                if source[j] != _ZERO:
                    count += 1
                    if count == MANY:
                        return Lit(MANY, one, other)
                    if count == 1:
                        one = j
                    else:
                        other = j
    return Lit(count, one, other)


@inlined
def _products(weights: Any, start: int, source: Any, lit: Lit, count: int) -> Any:
    """What `_product` gives for `count` rows, the first at `start`, of sixteen at most; of few inputs."""
    inputs = source.size
    made = spread(_ZERO)
    if lit.found > 0:
        made = fma(gather(weights, start + lit.first, inputs, count), source[lit.first], made)
    if lit.found > 1:
        more = gather(weights, start + lit.second, inputs, count)
        if (lit.second - lit.first) % LANES == 0:  # one of the sixteen sums has both
            made = fma(more, source[lit.second], made)
        else:
            made = made + fma(more, source[lit.second], spread(_ZERO))
    return made


@inlined
def _clipped(number: Any) -> Any:
    return min(max(number, -_ONE), _ONE)


@inlined
def _add_block(model: Any, source: Any, lit: Lit, block: int, factor: Any, outcome: Any) -> None:
    """Add `factor` times what one of the matrices, and its bias, make of `source`."""
    inputs, outcomes = source.size, outcome.size
    weights = block * outcomes * inputs
    biases = model.size // (inputs + 1) * inputs + block * outcomes
    if lit.found == MANY:
        for i in range(outcomes):
            made = _product(model, weights + i * inputs, source) + model[biases + i]
            outcome[i] = fma(factor, made, outcome[i])
        return
    for first in range(0, outcomes, LANES):
        count = outcomes - first
        products = _products(model, weights + first * inputs, source, lit, count)
        all_made = products + load_part(model, biases + first, count)
        store_part(outcome, first, fma(factor, all_made, load_part(outcome, first, count)), count)


@inlined
def _foresee_block(model: Any, source: Any, lit: Lit, block: int, outcome: Any) -> None:
    """Write what one of the matrices, and its bias, make of `source`."""
    for i in range(outcome.size):
        outcome[i] = _ZERO
    _add_block(model, source, lit, block, _ONE, outcome)


@compiled
def foresee_choice(model: Any, source: Any, choice: int, outcome: Any) -> None:
    """Predict what a choice would lead to.

    Args:
        model: float32 [A' Z (H + 1)], the head's share of the weights.
        source: float32 [H], what the heads read.
        choice: 0 .. A' - 1.
        outcome: float32 [Z], written: changes of what the world shows, reward, end.
    """
    _foresee_block(model, source, lit_in(source), choice, outcome)


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
    lit = lit_in(source)
    _foresee_block(model, source, lit, int(action[0]) if choices > 0 else 0, outcome)
    if choices == 0:
        for i in range(action.size):
            _add_block(model, source, lit, 1 + i, _clipped(action[i]), outcome)


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
    lit = lit_in(source)
    for k in range(actions):
        _foresee_block(model, source, lit, k if choices > 0 else 1 + k, outcome)
        for first in range(0, observations, LANES):
            count = observations - first
            scatter(control, first * actions + k, actions, load_part(outcome, first, count), count)
    if choices > 0:
        for first in range(0, observations, LANES):
            _less_their_mean(control, first, min(LANES, observations - first))


@inlined
def _less_their_mean(control: Any, first: int, count: int) -> None:
    """Take the mean of all actions off `count` rows of control, of sixteen at most."""
    actions = control.shape[1]
    start, size = first * actions, count * actions
    busy = False
    for place in range(0, size, LANES):
        busy = busy or some(load_part(control, start + place, size - place))
    if not busy:
        return
    mean = spread(_ZERO)
    for k in range(actions):
        mean = mean + gather(control, start + k, actions, count)
    mean = mean * (_ONE / np.float32(actions))
    for k in range(actions):
        scatter(control, start + k, actions, gather(control, start + k, actions, count) - mean, count)


@inlined
def errors_of(model: Any, source: Any, action: Any, choices: int, target: Any, errors: Any) -> bool:
    """Write what came less what was predicted, float32 [Z]; False if a number of them is not finite.

    The other arguments as those of `foresee`; `target` is what came.
    """
    foresee(model, source, action, choices, errors)
    check = spread(_ZERO)
    for first in range(0, errors.size, LANES):
        count = errors.size - first
        error = load_part(target, first, count) - load_part(errors, first, count)
        store_part(errors, first, error, count)
        check = fma(error, _ZERO, check)  # 0 for a finite number, NaN for any other
    return total(check) == _ZERO


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
    lit = lit_in(source)
    if choices > 0:
        _correct_block(model, source, lit, int(action[0]), np.float32(rate) / power, has_bias, errors)
        return True
    reach = _ONE
    for i in range(action.size):
        reach += _clipped(action[i]) * _clipped(action[i])
    step = np.float32(rate) / (power * reach)
    _correct_block(model, source, lit, 0, step, has_bias, errors)
    for i in range(action.size):
        _correct_block(model, source, lit, 1 + i, step * _clipped(action[i]), has_bias, errors)
    return True


@inlined
def _correct_block(model: Any, source: Any, lit: Lit, block: int, step: Any, has_bias: bool, errors: Any) -> None:
    inputs, outcomes = source.size, errors.size
    weights = block * outcomes * inputs
    biases = model.size // (inputs + 1) * inputs + block * outcomes
    for i in range(outcomes):
        size = step * errors[i]
        if size == _ZERO:  # what was foreseen exactly teaches nothing
            continue
        row = weights + i * inputs
        if lit.found == MANY:
            _add(model, row, size, source)
        else:
            if lit.found > 0:
                model[row + lit.first] = fma(size, source[lit.first], model[row + lit.first])
            if lit.found > 1:
                model[row + lit.second] = fma(size, source[lit.second], model[row + lit.second])
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
