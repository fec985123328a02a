"""A life gone through once more: its actions lead a compiled world along the same states, for somebody to look at.

Whoever lived the life, its actions are in its trace. What the newborn saw on the way must be, bit for bit, what the
trace says that it saw: the states are those of the life that was lived.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.life.live import Conditions
from evolearn.life.records import Trace
from evolearn.numerics import handle_of
from evolearn.rng import WORLD, LifeKey, at_step, new_rng, open_birth, open_stream
from evolearn.world import World, WorldError, compile_world


class Walk:
    """The world of one life, led through what was done in it, by the calls of `evolearn.life._kernel.live`."""

    def __init__(self, conditions: Conditions, key: npt.NDArray[np.int64]) -> None:
        """Let the world be born.

        Args:
            conditions: of the life, with a compiled world.
            key: int64 [4], of the life; or [12], see `evolearn.rng.with_births`.
        """
        world = conditions.world
        assert isinstance(world, World)
        self._world, self._compiled = world, compile_world(world, conditions.parameters, by_hand=True)
        self._key, self._switch_at = key, conditions.switch_at
        self._state = np.zeros(self._compiled.state_size, np.uint8)
        self._handles = handle_of(self._state), handle_of(self._compiled.parameters)
        self._observation = np.zeros(len(world.observations), np.float32)
        self._rng = new_rng()
        open_birth(self._rng, key, 0)
        self._compiled.born(*self._handles, self._rng)
        open_stream(self._rng, key, WORLD)

    @property
    def state(self) -> npt.NDArray[np.uint8]:
        """Bytes of the world's state, a copy: whatever becomes of it, the life goes on as it went."""
        return self._state.copy()

    @property
    def parameters(self) -> npt.NDArray[np.uint8]:
        """Bytes of the world's parameters, a copy."""
        return self._compiled.parameters.copy()

    def ask_oracle(self) -> npt.NDArray[np.float32]:
        """What the world's oracle would do now, float32 [A]."""
        action = np.zeros(self._world.action_size, np.float32)
        self._compiled.oracle(*self._handles, action)
        return action

    def along(self, trace: Trace, lived: int) -> Iterator[int]:
        """Go through the life, once; at every age the world is as it was before the step at that age.

        Args:
            trace: the life's, [T, ..].
            lived: steps of it that were lived, 0 .. T.
        Yields:
            Ages 0 .. lived, in world steps.
        Raises:
            WorldError: the same actions lead to other observations.
        """
        senses = np.zeros(len(self._world.senses), np.float32)
        self._begin()
        for t in range(lived):
            self._check(trace.observations[t], t)
            yield t
            at_step(self._rng, t + 1)
            _, terminated, truncated = self._compiled.step(*self._handles, trace.actions[t], senses, self._rng)
            self._compiled.observe(*self._handles, self._observation)
            switches = t + 1 == self._switch_at
            if switches:
                births = new_rng()
                open_birth(births, self._key, 1)
                self._compiled.reborn(*self._handles, births)
            if terminated or truncated or switches:
                self._begin()
        yield lived

    def _begin(self) -> None:
        self._compiled.begin(*self._handles, self._rng)
        self._compiled.observe(*self._handles, self._observation)

    def _check(self, before: Any, t: int) -> None:
        if self._observation.tobytes() != before.tobytes():
            raise WorldError(
                f"world {self._world.name}, life {LifeKey.of(self._key)}, step {t}: the same actions lead to "
                f"observations {self._observation.tolist()} where they led to {before.tolist()} before; keep "
                "everything that changes in the state, and draw only from `rng`"
            )
