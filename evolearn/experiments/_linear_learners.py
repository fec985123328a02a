"""What a linear learner does and by what it changes, compiled: see `evolearn.experiments._labels_reward_selection`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.numerics import compiled, within


@within
def answer(weights: Any, row: Any) -> int:
    """The action of the highest score; of equals, the first. `weights` [D, A], `row` [D]."""
    best, highest = 0, -math.inf
    for action in range(weights.shape[1]):
        score = 0.0
        for place in range(row.size):
            score += row[place] * weights[place, action]
        if score > highest:
            best, highest = action, score
    return best


@compiled
def answers(weights: Any, inputs: Any) -> Any:
    """The action for each input, [N]. `inputs` [N, D]."""
    found = np.empty(len(inputs), np.int64)
    for number in range(len(inputs)):
        found[number] = answer(weights, inputs[number])
    return found


@compiled
def share_right(weights: Any, inputs: Any, right: Any) -> float:
    """Share of inputs [N, D] that are answered as in `right` [N]."""
    count = 0
    for number in range(len(inputs)):
        count += answer(weights, inputs[number]) == right[number]
    return count / len(inputs)


@within
def chances(weights: Any, row: Any, into: Any) -> None:
    """Probabilities of the actions, [A]: softmax of the scores."""
    for action in range(into.size):
        score = 0.0
        for place in range(row.size):
            score += row[place] * weights[place, action]
        into[action] = score
    highest, total = into.max(), 0.0
    for action in range(into.size):
        into[action] = math.exp(into[action] - highest)
        total += into[action]
    for action in range(into.size):
        into[action] /= total


@within
def add_log_gradient(gradient: Any, row: Any, by: Any, action: int, factor: float) -> None:
    """Add `factor` times the gradient of the log probability of `action`, where `by` [A] are the probabilities."""
    for other in range(by.size):
        slope = factor * ((1.0 if other == action else 0.0) - by[other])
        for place in range(row.size):
            gradient[place, other] += slope * row[place]


@compiled
def label_gradient(weights: Any, inputs: Any, right: Any) -> Any:
    """Gradient [D, A] of the mean log probability of the right actions [N]."""
    gradient, by = np.zeros(weights.shape), np.empty(weights.shape[1])
    for number in range(len(inputs)):
        chances(weights, inputs[number], by)
        add_log_gradient(gradient, inputs[number], by, right[number], 1.0 / len(inputs))
    return gradient


@compiled
def reward_gradient(weights: Any, inputs: Any, right: Any, draws: Any, delay: int) -> Any:
    """The policy gradient [D, A] from a reward for every `delay` decisions: how many of them were right.

    Rewards are taken relative to their mean, in standard deviations; with all of them equal nothing is learned.

    Args:
        weights: [D, A].
        inputs: [B * delay, D].
        right: [B * delay] actions.
        draws: [B * delay] in 0 .. 1, of which actions are drawn.
        delay: decisions.
    """
    count = len(inputs) // delay
    by = np.empty((len(inputs), weights.shape[1]))
    taken = np.empty(len(inputs), np.int64)
    rewards = np.zeros(count)
    for number in range(len(inputs)):
        chances(weights, inputs[number], by[number])
        action, below = 0, by[number, 0]
        while below <= draws[number] and action < weights.shape[1] - 1:
            action += 1
            below += by[number, action]
        taken[number] = action
        rewards[number // delay] += action == right[number]
    gradient = np.zeros(weights.shape)
    spread = rewards.std()
    if spread > 0.0:
        for number in range(len(inputs)):
            advantage = (rewards[number // delay] - rewards.mean()) / spread
            add_log_gradient(gradient, inputs[number], by[number], taken[number], advantage)
    return gradient / (count * math.sqrt(delay))
