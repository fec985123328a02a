"""What a compiled world drew for a life: fields of its state at birth, and what its oracle would do with them.

A life's actions lead the world through it once more, as `evolearn.study.replay` does, and what the newborn saw there
must be what the trace says that it saw.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.inspection._specimen import IntArray
from evolearn.life import Conditions, Trace
from evolearn.numerics import COMPILES
from evolearn.rng import WORLD, at_step, new_rng, open_birth, open_stream
from evolearn.verdict import FloatArray
from evolearn.world import World, WorldError, compile_world


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
    looks = [_Look(conditions, key) for key in keys]
    states, oracles = [], []
    for place, look in enumerate(looks):
        before, wished = look.along(trace.of(place), int(lived[place]), ages)
        states.append(before)
        oracles.append(wished)
    at_birth = np.stack([look.at_birth for look in looks])
    names, born = _numbers(at_birth, world.state)
    _, now = _numbers(np.stack(states).reshape(-1, at_birth.shape[-1]), world.state)
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


class _Look:
    """One life, led through its actions once more."""

    def __init__(self, conditions: Conditions, key: npt.NDArray[np.int64]) -> None:
        world = conditions.world
        assert isinstance(world, World)
        self._world, self._compiled = world, compile_world(world, conditions.parameters, by_hand=True)
        self._key, self._switch_at = key, conditions.switch_at
        self._state = np.zeros(self._compiled.state_size, np.uint8)
        buffers = (self._state, self._compiled.parameters)
        self._handles: Any = tuple(buffer.ctypes.data for buffer in buffers) if COMPILES else buffers
        self._rng = new_rng()
        open_birth(self._rng, key, 0)
        self._compiled.born(*self._handles, self._rng)
        self.at_birth = self._state.copy()
        open_stream(self._rng, key, WORLD)

    def along(self, trace: Trace, lived: int, ages: IntArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """States [S, bytes] and the oracle's actions [S, A] before the steps of these ages; see `Draws.values`."""
        compiled, handles, world = self._compiled, self._handles, self._world
        observation = np.zeros(len(world.observations), np.float32)
        sensed = np.zeros(len(world.senses), np.float32)
        states = np.zeros((len(ages), len(self._state)), np.uint8)
        wished = np.zeros((len(ages), world.action_size), np.float32)
        compiled.begin(*handles, self._rng)
        compiled.observe(*handles, observation)
        looked = 0
        for t in range(int(ages[-1]) + 1):
            if t < lived and observation.tobytes() != trace.observations[t].tobytes():
                raise WorldError(
                    f"world {world.name}, step {t}: the same actions lead to observations {observation.tolist()} "
                    f"where they led to {trace.observations[t].tolist()} before; keep everything that changes in the "
                    "state, and draw only from `rng`"
                )
            if t == ages[looked] or t >= lived:
                states[looked:] = self._state
                if world.oracle is not None:
                    compiled.oracle(*handles, wished[looked])
                    wished[looked:] = wished[looked]
                looked += 1
            if t >= lived or looked == len(ages):
                break
            at_step(self._rng, t + 1)
            _, terminated, truncated = compiled.step(*handles, trace.actions[t], sensed, self._rng)
            if t + 1 == self._switch_at:
                births = new_rng()
                open_birth(births, self._key, 1)
                compiled.reborn(*handles, births)
            if terminated or truncated or t + 1 == self._switch_at:
                compiled.begin(*handles, self._rng)
            compiled.observe(*handles, observation)
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
