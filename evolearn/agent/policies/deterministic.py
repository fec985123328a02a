"""The policy without chance: the action is what the brain puts out."""

from __future__ import annotations

from typing import Any

from evolearn.agent.policies.policy import Policy, no_deltas
from evolearn.numerics import compiled


@compiled
def choose_deterministic(output: Any, plasticity: Any, rng: Any, action: Any) -> None:
    """Take the outputs as action.

    Args:
        output: float32 [actions + 1]: actions, and an entry that is not used.
        plasticity: not used.
        rng: not used.
        action: float32 [actions], written; not clipped.
    """
    for k in range(action.size):
        action[k] = output[k]


DETERMINISTIC = Policy(
    has_log_stdev=False,
    choose=choose_deterministic,
    deltas=no_deltas,
    initial_scale=1.0,
    initial_value_scale=0.0,
    has_value=False,
    output="the mean action",
    curve="mean action",
    how_to_act="policy holds the action itself",
    torch_code="brain(observation)",
)
