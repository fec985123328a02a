"""The policy without chance: the action is what the brain puts out."""

from __future__ import annotations

from typing import Any

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
