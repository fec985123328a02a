"""The categorical policy: the softmax of an output row's logits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent.policies.policy import Policy, policy_weight, policy_weights
from evolearn.agent.trunks.trunk import Window
from evolearn.numerics import (
    LANES,
    compiled,
    exp32,
    floats,
    fma,
    gather,
    inlined,
    integers,
    load,
    load_part,
    log32,
    scatter,
    select,
    spread,
    store,
    store_part,
)
from evolearn.rng import RNG_SIZE, uniform, uniform_of, words_ahead

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@compiled
def choose_categorical(output: Any, plasticity: Any, rng: Any, action: Any) -> None:
    """Draw a choice from the softmax of an output row's logits.

    Args:
        output: float32 [choices + 1].
        plasticity: not used.
        rng: the action stream, at this step.
        action: float32 [1]: the choice as a number.
    """
    choices = output.size - 1
    largest = output[0]
    for k in range(1, choices):
        largest = select(output[k] > largest, output[k], largest)
    total = _ZERO
    for k in range(choices):
        total += exp32(output[k] - largest)
    # Counted, not searched for: where the search would end no processor can foresee.
    left = np.float32(uniform(rng)) * total
    passed = _ZERO
    choice = 0
    for k in range(choices - 1):
        passed += exp32(output[k] - largest)
        choice += left > passed
    action[0] = choice


def choose_categorical_all(
    outputs: Any,
    plasticity: Any,
    rngs: Any,
    actions: Any,
    status: Any,
    where: Any,
    scratch: Any,
    rows: int,
    row: int,
    width: int,
    genes: int,
    action_size: int,
    count: int,
    step: int,
) -> None:
    """`choose_categorical` for a team, sixteen lives at a time; see `evolearn.agent.policies.together.choose_all`."""
    columns = floats(scratch, 0, (width + 2) * LANES)
    for first in range(0, count, LANES):
        size = min(count - first, LANES)
        for j in range(size):
            output = floats(outputs, ((first + j) * rows + row) * width, width)
            for k in range(width - 1):
                columns[k * LANES + j] = output[k]
            rng = integers(rngs, (first + j) * RNG_SIZE, RNG_SIZE)
            columns[width * LANES + j] = np.float32(uniform_of(rng[words_ahead(rng, step)]))
        largest = load(columns, 0)
        for k in range(1, width - 1):
            logit = load(columns, k * LANES)
            largest = select(logit > largest, logit, largest)
        whole = spread(_ZERO)
        for k in range(width - 1):
            power = exp32(load(columns, k * LANES) - largest)
            store(columns, k * LANES, power)
            whole = whole + power
        left = load(columns, width * LANES) * whole
        passed, choice = spread(_ZERO), spread(_ZERO)
        for k in range(width - 2):
            passed = passed + load(columns, k * LANES)
            choice = choice + select(left > passed, spread(_ONE), spread(_ZERO))
        store_part(floats(actions, first, size), 0, choice, size)


@compiled
def categorical_deltas(
    output: Any, action: Any, advantage: float, old: Any, clip: float, bonus: float, delta: Any
) -> None:
    """Derivative of ``-objective - bonus * entropy`` by the logits of one step.

    Args:
        output: float32 [choices + 1].
        action: float32 [1], the choice taken.
        advantage: of this step.
        old: float32 [1]: log probability of the action when it was taken; NaN in the first epoch, then written.
        clip: largest change of the probability ratio from 1.
        bonus: weight of the entropy.
        delta: float32 [choices + 1], all but the last written.
    """
    choices = output.size - 1
    largest = output[0]
    for k in range(1, choices):
        largest = select(output[k] > largest, output[k], largest)
    total = _ZERO
    for k in range(choices):
        delta[k] = exp32(output[k] - largest)
        total += delta[k]
    mean = _ZERO
    for k in range(choices):
        delta[k] /= total
        mean += delta[k] * (output[k] - largest)
    taken = int(action[0])
    log_probability = output[taken] - largest - log32(total)
    ratio: Any = _ONE
    if math.isnan(old[0]):
        old[0] = log_probability
    else:
        ratio = exp32(log_probability - old[0])
    weight = np.float32(policy_weight(ratio, advantage, clip))
    for k in range(choices):
        # The log probability, and the entropy, in which the logarithm of the total cancels.
        surprise = output[k] - largest - mean
        delta[k] = delta[k] * (weight + bonus * surprise)
    delta[taken] -= weight


@inlined
def categorical_slopes(
    deltas: Any,
    window: Window,
    epoch: int,
    advantages: Any,
    returns: Any,
    old: Any,
    clip: float,
    bonus: float,
    value_weight: float,
    slopes: Any,
    scratch: Any,
) -> None:
    """`categorical_deltas` of a window, sixteen steps at a time; see `evolearn.agent.policies.policy.slopes_by_steps`.

    Args:
        deltas: not used.
        window: see there, as for all below.
        epoch: ..
        advantages: ..
        returns: ..
        old: ..
        clip: ..
        bonus: ..
        value_weight: ..
        slopes: ..
        scratch: float32 [32 outputs], overwritten: two columns of sixteen for each choice.
    """
    rows, width = slopes.shape
    choices = width - 1
    share, reach, worth = np.float32(1.0 / rows), np.float32(clip), np.float32(bonus)
    value_share = np.float32(value_weight) * share
    powers = choices * LANES  # place of their columns, behind those of the logits
    for first in range(0, rows, LANES):
        count = min(rows - first, LANES)
        place = first * width
        largest = gather(window.outputs, place, width, count)
        store(scratch, 0, largest)
        for k in range(1, choices):
            logit = gather(window.outputs, place + k, width, count)
            store(scratch, k * LANES, logit)
            largest = select(logit > largest, logit, largest)
        value = gather(window.outputs, place + choices, width, count)
        taken = load_part(window.actions, first, count)
        total = spread(_ZERO)
        below_taken = spread(_ZERO)
        for k in range(choices):
            below = load(scratch, k * LANES) - largest
            power = exp32(below)
            store(scratch, k * LANES, below)
            store(scratch, powers + k * LANES, power)
            total = total + power
            below_taken = select(taken == np.float32(k), below, below_taken)
        part = _ONE / total
        mean = spread(_ZERO)
        for k in range(choices):
            mean = fma(load(scratch, powers + k * LANES) * part, load(scratch, k * LANES), mean)
        weight = load_part(advantages, first, count)
        log_probability = below_taken - log32(total)
        if epoch == 0:
            store_part(old, first, log_probability, count)
        else:
            weight = policy_weights(exp32(log_probability - load_part(old, first, count)), weight, reach)
        for k in range(choices):
            surprise = load(scratch, k * LANES) - mean
            slope = load(scratch, powers + k * LANES) * part * fma(worth, surprise, weight)
            slope = share * (slope - select(taken == np.float32(k), weight, _ZERO))
            scatter(slopes, place + k, width, slope, count)
        error = value - load_part(returns, first, count)
        scatter(slopes, place + choices, width, value_share * error, count)


def softmax(logits: Any) -> Any:
    """Probabilities [n, choices] of logits [n, choices], NumPy's."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


# A policy head a hundred times smaller than the value head: Andrychowicz et al. 2021, section 3.2, "What matters for
# on-policy deep actor-critic methods?".
CATEGORICAL = Policy(
    has_log_stdev=False,
    choose=choose_categorical,
    deltas=categorical_deltas,
    initial_scale=0.01,
    initial_value_scale=1.0,
    is_relative=True,
    output="the logit of a choice (against the mean of all)",
    curve="probability",
    curve_of=softmax,
    how_to_act="policy holds a logit per action: draw the action from their softmax",
    torch_code="torch.distributions.Categorical(logits=brain(observation)).sample()",
    torch_law="evolearn.agent.torch_losses:categorical_law",
    torch_imitation="evolearn.agent.torch_imitation:OF_CHOICES",
    choose_all=choose_categorical_all,
    slopes=categorical_slopes,
    slopes_scratch=lambda outputs: 2 * LANES * outputs,
)
