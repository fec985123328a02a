"""From output rows to actions, for a team: the loop around a policy's `choose`, compiled once for each policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types

from evolearn.agent import CHOOSE_TYPE, find_policy, plugged
from evolearn.life.records import DIVERGED, PLACE, UNFINISHED
from evolearn.numerics import COMPILES, compiled, floats, integers, is_ours, specialised
from evolearn.rng import RNG_SIZE, at_step

CHOOSE_ALL_TYPE = types.int64(*(types.uintp,) * 6, *(types.int64,) * 7)


def choose(output: Any, plasticity: Any, rng: Any, action: Any) -> None:
    """Stand in for a policy's."""


@compiled
def is_finite(output: Any) -> bool:
    """Whether every entry is finite."""
    total = output[0] * 0.0
    for i in range(1, output.size):
        total += output[i] * 0.0
    return total == 0.0


def choose_all(
    outputs: Any,
    plasticity: Any,
    rngs: Any,
    actions: Any,
    status: Any,
    where: Any,
    rows: int,
    row: int,
    width: int,
    genes: int,
    action_size: int,
    count: int,
    t: int,
) -> int:
    """Draw the action of every life that goes on.

    Args:
        outputs: handle of float32 [count, rows, width].
        plasticity: handle of float32 [count, genes].
        rngs: handle of int64 [count, RNG_SIZE], the action streams.
        actions: handle of float32 [count, action_size], written.
        status: handle of int64 [count]; DIVERGED is written where an output is not finite.
        where: handle of int64 [3], see `evolearn.life.records.Team`.
        rows: rows of a window and one.
        row: which of them.
        width: length of an output row.
        genes: numbers of plasticity.
        action_size: length of an action.
        count: lives.
        t: age of every life.
    Returns:
        How many diverged here.
    """
    status, where = integers(status, 0, count), integers(where, 0, 3)
    diverged = 0
    for place in range(count):
        if status[place] != UNFINISHED:
            continue
        where[PLACE] = place
        output = floats(outputs, (place * rows + row) * width, width)
        if not is_finite(output):
            status[place] = DIVERGED
            diverged += 1
            continue
        rng = integers(rngs, place * RNG_SIZE, RNG_SIZE)
        # Step 0 of the streams belongs to birth, so that a life's first step has draws of its own.
        at_step(rng, t + 1)
        choose(output, floats(plasticity, place * genes, genes), rng, floats(actions, place * action_size, action_size))
    return diverged


def choose_all_by(policy: str) -> Callable[..., int]:
    """`choose_all` for the policy of a name, ready for the kernel.

    Raises:
        PartError: its `choose` does not compile.
    """
    row = find_policy(policy)
    ready = plugged(row.choose, CHOOSE_TYPE, "policy", policy)
    if not COMPILES:
        return specialised(choose_all, CHOOSE_ALL_TYPE, policy, choose=ready)
    # A user's is kept by itself, see `plugged`; the loop around it takes a moment.
    kept = is_ours(getattr(row.choose, "py_func", row.choose))
    return specialised(choose_all, CHOOSE_ALL_TYPE, policy, kept, choose=row.choose if kept else ready)
