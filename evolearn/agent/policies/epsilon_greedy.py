"""The epsilon-greedy policy over action values."""

from __future__ import annotations

from typing import Any

from evolearn.agent.policies.policy import Policy, no_deltas
from evolearn.numerics import compiled
from evolearn.rng import integer, uniform

EPSILON = 2  # place in the plasticity of every learner that has this policy


@compiled
def choose_epsilon_greedy(output: Any, plasticity: Any, rng: Any, action: Any) -> None:
    """Choose an action of largest value, or with probability epsilon any action, all equally likely.

    Among several of the largest value, all are equally likely.

    Args:
        output: float32 [choices + 1]: action values, and an entry that is not used.
        plasticity: float32, epsilon at EPSILON.
        rng: the action stream, at this step.
        action: float32 [1], written: the choice as a number.
    Source: Sutton and Barto 2018, section 2.2.
    """
    choices = output.size - 1
    if uniform(rng) < plasticity[EPSILON]:
        action[0] = integer(rng, 0, choices)
        return
    largest = output[0]
    ties = 0
    for k in range(choices):
        if output[k] > largest:
            largest = output[k]
            ties = 0
        ties += output[k] == largest
    left = integer(rng, 0, ties)
    for k in range(choices):
        if output[k] == largest:
            if left == 0:
                action[0] = k
            left -= 1


# Action values start at 0: Sutton and Barto 2018, section 6.5, with Q arbitrary.
EPSILON_GREEDY = Policy(
    has_log_stdev=False,
    choose=choose_epsilon_greedy,
    deltas=no_deltas,
    initial_scale=0.0,
    initial_value_scale=0.0,
    has_value=False,
    genes=("epsilon",),
    output="the value of a choice",
    curve="action value",
    how_to_act="policy holds a value per action: take the largest, ties evenly; with probability "
    "plasticity.epsilon take any, all equally likely",
    torch_code="brain(observation).argmax(-1)",
)
