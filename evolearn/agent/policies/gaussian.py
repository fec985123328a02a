"""The diagonal Gaussian policy: means by the observation, standard deviations of the brain's own."""

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
    root,
    scatter,
    select,
    sincos_turn32,
    spread,
    store,
    store_part,
)
from evolearn.rng import RNG_SIZE, at_step, uniform, uniform_of, words_ahead

MIN_LOG_STDEV, MAX_LOG_STDEV = -5.0, 2.0

_LOWEST, _HIGHEST = np.float32(MIN_LOG_STDEV), np.float32(MAX_LOG_STDEV)
_ZERO, _HALF, _ONE, _MINUS_TWO = (np.float32(x) for x in (0.0, 0.5, 1.0, -2.0))


@inlined
def bounded(log_stdev: Any) -> Any:
    """A log standard deviation, or sixteen, held within the module's bounds; NaN stays."""
    held = select(log_stdev < _LOWEST, _LOWEST, log_stdev)
    return select(held > _HIGHEST, _HIGHEST, held)


@inlined
def bounded_stdev(log_stdev: Any) -> Any:
    """The standard deviation of an action: the exponential of its log, held within the module's bounds."""
    return exp32(bounded(log_stdev))


@compiled
def choose_gaussian(output: Any, plasticity: Any, rng: Any, action: Any) -> None:
    """Draw an action from an output row's diagonal Gaussian.

    Args:
        output: float32 [2 actions + 1]: means, log standard deviations, value.
        plasticity: not used.
        rng: the action stream, at this step.
        action: float32 [actions]; not clipped.
    Source: Box and Muller 1958, eq. 1.
    """
    actions = (output.size - 1) // 2
    for k in range(0, actions, 2):
        radius = root(_MINUS_TWO * log32(np.float32(uniform(rng))))
        sine, cosine = sincos_turn32(np.float32(uniform(rng)))
        action[k] = fma(bounded_stdev(output[actions + k]), radius * cosine, output[k])
        if k + 1 < actions:
            action[k + 1] = fma(bounded_stdev(output[actions + k + 1]), radius * sine, output[k + 1])


def choose_gaussian_all(
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
    """`choose_gaussian` for a team, sixteen lives at a time; see `evolearn.agent.policies.together.choose_all`."""
    columns = floats(scratch, 0, (2 * width + 4) * LANES)
    drawn = width * LANES
    for first in range(0, count, LANES):
        size = min(count - first, LANES)
        for j in range(size):
            output = floats(outputs, ((first + j) * rows + row) * width, width)
            for k in range(2 * action_size):
                columns[k * LANES + j] = output[k]
            rng = integers(rngs, (first + j) * RNG_SIZE, RNG_SIZE)
            if action_size <= 4:  # one block of words
                at = words_ahead(rng, step)
                for k in range(action_size + action_size % 2):
                    columns[drawn + k * LANES + j] = np.float32(uniform_of(rng[at + k]))
                continue
            at_step(rng, step)
            for k in range(action_size + action_size % 2):
                columns[drawn + k * LANES + j] = np.float32(uniform(rng))
        for k in range(0, action_size, 2):
            radius = root(_MINUS_TWO * log32(load(columns, drawn + k * LANES)))
            sine, cosine = sincos_turn32(load(columns, drawn + (k + 1) * LANES))
            spread_of = bounded_stdev(load(columns, (action_size + k) * LANES))
            store(columns, k * LANES, fma(spread_of, radius * cosine, load(columns, k * LANES)))
            if k + 1 < action_size:
                spread_of = bounded_stdev(load(columns, (action_size + k + 1) * LANES))
                store(columns, (k + 1) * LANES, fma(spread_of, radius * sine, load(columns, (k + 1) * LANES)))
        for j in range(size):
            action = floats(actions, (first + j) * action_size, action_size)
            for k in range(action_size):
                action[k] = columns[k * LANES + j]


@compiled
def gaussian_deltas(
    output: Any, action: Any, advantage: float, old: Any, clip: float, bonus: float, delta: Any
) -> None:
    """Derivative of ``-objective - bonus * entropy`` by the means and log standard deviations of one step.

    Log standard deviations beyond their bounds keep the objective's gradient, so that they can come back.

    Args:
        output: float32 [2 actions + 1].
        action: float32 [actions], as drawn.
        advantage: of this step.
        old: float32 [1]: log probability of the action when it was taken; NaN in the first epoch, then written.
        clip: largest change of the probability ratio from 1.
        bonus: weight of the entropy.
        delta: float32 [2 actions + 1], all but the last written.
    """
    actions = action.size
    log_probability = _ZERO  # up to a constant that cancels in the ratio
    for k in range(actions):
        log_stdev = bounded(output[actions + k])
        z = (action[k] - output[k]) * exp32(-log_stdev)
        log_probability -= _HALF * z * z + log_stdev
    ratio: Any = _ONE
    if math.isnan(old[0]):
        old[0] = log_probability
    else:
        ratio = exp32(log_probability - old[0])
    weight = np.float32(policy_weight(ratio, advantage, clip))
    for k in range(actions):
        inverse = exp32(-bounded(output[actions + k]))
        z = (action[k] - output[k]) * inverse
        delta[k] = -weight * z * inverse
        # Beyond the bound more spread changes no action: no bonus for drifting on.
        delta[actions + k] = -weight * (z * z - _ONE) - (bonus if output[actions + k] < MAX_LOG_STDEV else 0.0)


@inlined
def gaussian_slopes(
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
    """`gaussian_deltas` of a window, sixteen steps at a time; see `evolearn.agent.policies.policy.slopes_by_steps`.

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
        scratch: float32 [16 outputs], overwritten: two columns of sixteen for each action.
    """
    rows, width = slopes.shape
    actions = window.actions.shape[1]
    share, reach, worth = np.float32(1.0 / rows), np.float32(clip), np.float32(bonus)
    value_share = np.float32(value_weight) * share
    inverses = actions * LANES  # place of their columns, behind those of the scores
    for first in range(0, rows, LANES):
        count = min(rows - first, LANES)
        place = first * width
        log_probability = spread(_ZERO)
        for k in range(actions):
            log_stdev = bounded(gather(window.outputs, place + actions + k, width, count))
            inverse = exp32(-log_stdev)
            taken = gather(window.actions, first * actions + k, actions, count)
            z = (taken - gather(window.outputs, place + k, width, count)) * inverse
            store(scratch, inverses + k * LANES, inverse)
            store(scratch, k * LANES, z)
            log_probability = log_probability - fma(_HALF * z, z, log_stdev)
        weight = load_part(advantages, first, count)
        if epoch == 0:
            store_part(old, first, log_probability, count)
        else:
            weight = policy_weights(exp32(log_probability - load_part(old, first, count)), weight, reach)
        weight = -share * weight
        for k in range(actions):
            z = load(scratch, k * LANES)
            # Beyond the bound more spread changes no action: no bonus for drifting on.
            some = select(gather(window.outputs, place + actions + k, width, count) < _HIGHEST, -share * worth, _ZERO)
            slope = weight * z * load(scratch, inverses + k * LANES)
            scatter(slopes, place + k, width, slope, count)
            slope = fma(weight, fma(z, z, -_ONE), some)
            scatter(slopes, place + actions + k, width, slope, count)
        value = gather(window.outputs, place + width - 1, width, count)
        error = value - load_part(returns, first, count)
        scatter(slopes, place + width - 1, width, value_share * error, count)


GAUSSIAN = Policy(
    has_log_stdev=True,
    choose=choose_gaussian,
    deltas=gaussian_deltas,
    initial_scale=0.01,
    initial_value_scale=1.0,
    output="the mean action",
    curve="mean action",
    how_to_act="policy holds a mean per action, and the tensor policy.log_stdev a log standard deviation per action "
    "that no observation changes: draw from the normal distribution",
    # There the standard deviations are part of the output.
    how_to_act_by_graph="policy holds a mean per action, then a log standard deviation per action that no observation "
    "changes: draw from the normal distribution",
    torch_code='torch.distributions.Normal(brain(observation), weights["policy.log_stdev"].exp()).sample()',
    torch_law="evolearn.agent.torch_losses:gaussian_law",
    torch_imitation="evolearn.agent.torch_imitation:OF_NUMBERS",
    choose_all=choose_gaussian_all,
    slopes=gaussian_slopes,
    slopes_scratch=lambda outputs: LANES * outputs,
)
