"""What a compiled world drew for a life: fields of its state at birth, and what its oracle would do with them.

A life's actions lead the world through it once more, see `evolearn.life.walk`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.inspection._specimen import IntArray
from evolearn.life import Conditions, Trace, Walk
from evolearn.verdict import FloatArray
from evolearn.world import World


@dataclasses.dataclass(frozen=True)
class Draws:
    """What some lives hid, at some of their ages. L lives, S ages, F fields that differed between lives at birth."""

    names: tuple[str, ...]  # [F] of the fields; entries of one that is an array by place
    values: FloatArray  # [L, S, F], at each age; those of ages that were not lived are those of the last that was
    fixed: npt.NDArray[np.bool_]  # [F], in no life did it change from its birth on, but for a second birth of its world
    oracle: FloatArray | None  # [L, S, action size], what the oracle would do; None: the world has none


def hidden_draws(conditions: Conditions, keys: IntArray, trace: Trace, lived: IntArray, ages: IntArray) -> Draws:
    """Look at the states of lives that were lived.

    Args:
        conditions: with a compiled world.
        keys: int64 [L, 4], of the lives.
        trace: theirs, [L, T, ..].
        lived: [L], steps that each of them lived.
        ages: [S], ascending, world steps below T.
    Raises:
        WorldError: the same actions lead to other observations.
    """
    world = conditions.world
    assert isinstance(world, World)
    at_birth, states, oracles = [], [], []
    for place, key in enumerate(keys):
        walk = Walk(conditions, key)
        at_birth.append(walk.state)
        before, wished = _look(walk, world.oracle is not None, trace.of(place), int(lived[place]), ages)
        states.append(before)
        oracles.append(wished)
    names, born = _numbers(np.stack(at_birth), world.state)
    _, now = _numbers(np.stack(states).reshape(-1, at_birth[0].size), world.state)
    now = now.reshape(len(keys), len(ages), -1)
    differs = (born != born[:1]).any(axis=0)
    later = ages >= (ages[-1] + 1 if conditions.switch_at is None else conditions.switch_at)
    fixed = (now[:, ~later] == born[:, None]).all(axis=(0, 1))
    if later.any():
        fixed &= (now[:, later] == now[:, later][:, :1]).all(axis=(0, 1))
    return Draws(
        tuple(name for name, yes in zip(names, differs, strict=True) if yes),
        now[:, :, differs],
        fixed[differs],
        None if world.oracle is None else np.stack(oracles).astype(np.float64),
    )


def _look(walk: Walk, oracle: bool, trace: Trace, lived: int, ages: IntArray) -> tuple[list[Any], list[Any]]:
    """States [S, bytes] and, if asked for, the oracle's actions [S, A] before the steps of these ages; see `Draws`."""
    states: list[Any] = []
    wished: list[Any] = []
    for t in walk.along(trace, lived):
        while len(states) < len(ages) and (t == ages[len(states)] or t == lived):
            states.append(walk.state)
            wished.append(walk.ask_oracle() if oracle else None)
        if len(states) == len(ages):
            break
    return states, wished


def _numbers(states: npt.NDArray[np.uint8], kind: np.dtype[Any]) -> tuple[list[str], FloatArray]:
    """The fields of states [n, bytes] as numbers [n, F], and their names; what is no number is left out."""
    records = np.ascontiguousarray(states[:, : kind.itemsize]).view(kind).reshape(len(states))
    names: list[str] = []
    columns = []
    for field in kind.names or ():
        part = records[field]
        if part.dtype.kind not in "biuf":
            continue
        flat = part.reshape(len(states), -1).astype(np.float64)
        names += [field] if part.ndim == 1 else [f"{field} {_place(at, part.shape[1:])}" for at in range(flat.shape[1])]
        columns.append(flat)
    return names, np.concatenate(columns, axis=1) if columns else np.zeros((len(states), 0))


def _place(flat: int, shape: tuple[int, ...]) -> str:
    return ", ".join(str(at) for at in np.unravel_index(flat, shape))
