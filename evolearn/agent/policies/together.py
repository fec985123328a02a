"""From output rows to actions, for a team of lives side by side: a policy's own way, or its `choose` life by life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types

from evolearn.agent.plugging import plain, plugged
from evolearn.agent.policies.policy import CHOOSE_TYPE, Policy
from evolearn.numerics import COMPILES, floats, integers, is_ours, specialised
from evolearn.rng import RNG_SIZE, at_step

# Handles of outputs, plasticity, action streams, actions, status, where, scratch; then sizes, see `choose_all`.
CHOOSE_ALL_TYPE = types.void(*(types.uintp,) * 7, *(types.int64,) * 7)


def choose(output: Any, plasticity: Any, rng: Any, action: Any) -> None:
    """Stand in for a policy's."""


def choose_all(
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
    """Draw the action of every life that goes on.

    Args:
        outputs: handle of float32 [count, rows, width]; finite, but for lives that are over.
        plasticity: handle of float32 [count, genes].
        rngs: handle of int64 [count, RNG_SIZE], the action streams.
        actions: handle of float32 [count, action_size], written.
        status: handle of int64 [count]; 0 of a life that goes on.
        where: handle of int64 [3]; the second is written: who is at work, for whoever watches.
        scratch: handle of float32 [16 (2 width + 4)], overwritten.
        rows: rows of a window and one.
        row: which of them.
        width: length of an output row.
        genes: numbers of plasticity.
        action_size: length of an action.
        count: lives.
        step: of the streams; 1 for a life's first, since 0 belongs to birth.
    """
    status, where = integers(status, 0, count), integers(where, 0, 3)
    for place in range(count):
        if status[place] == 0:
            where[1] = place
            rng = integers(rngs, place * RNG_SIZE, RNG_SIZE)
            at_step(rng, step)
            choose(
                floats(outputs, (place * rows + row) * width, width),
                floats(plasticity, place * genes, genes),
                rng,
                floats(actions, place * action_size, action_size),
            )


def ready_choice(policy: Policy, name: str) -> Callable[..., None]:
    """A policy's choices for a team, ready for the kernel.

    Args:
        policy: which.
        name: in the config, for errors.
    Raises:
        PartError: it does not compile.
    """
    if policy.choose_all is not None and COMPILES:
        return plugged(policy.choose_all, CHOOSE_ALL_TYPE, "policy", name)
    chosen = plain(policy.choose)
    # A user's is kept by itself, see `plugged`; the loop around it is compiled in a moment.
    kept = is_ours(chosen)
    ready = policy.choose if kept else plugged(policy.choose, CHOOSE_TYPE, "policy", name)
    label = f"choose={chosen.__module__}.{chosen.__qualname__}"
    return specialised(choose_all, CHOOSE_ALL_TYPE, label, kept, choose=ready)
