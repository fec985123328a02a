"""One life in a compiled world, as a Gymnasium environment.

An environment is one animal. What was drawn for it at birth, a motor map or where the goal is, holds over its deaths:
`reset` after the end of an episode begins a new body in the same life, as evolearn's own lives do. ``reset(seed=n)``
begins another life. The same key and actions give the same numbers, bit for bit, as in a life of evolearn.

Source: Towers et al. 2024, "Gymnasium: a standard interface for reinforcement learning environments".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from evolearn.numerics import handle_of
from evolearn.rng import BIRTH, SELECTION, TUNING, WORLD, LifeKey, at_step, new_rng, open_stream
from evolearn.world import Box, World, WorldError, compile_world, find_world

_MOST = 2**32  # parts of a key are below it


class WorldEnv(gymnasium.Env[npt.NDArray[np.float32], Any]):
    """A compiled world for any learner that takes Gymnasium environments.

    - Observations: ``Box(-inf, inf, [O], float32)``, the world's own, in the order that it names them.
    - Actions: ``Discrete(choices)``, or ``Box(-action_limit, action_limit, [A], float32)``. What lies beyond the limit
      goes to the world all the same, and the world clips as it sees fit.
    - Reward: fitness, what evolution selects on.
    - Terminated and truncated: as the world says.
    - Info of a step: ``senses``, a number by name, which a shaped reward may weigh, and ``age``, steps of this life.
      Info of a reset: ``key`` of this life, and ``age``.

    There is nothing to render.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  # declared so by Gymnasium

    def __init__(
        self,
        world: str | World,
        parameters: Mapping[str, float] | None = None,
        key: Sequence[int] | None = None,
        action_limit: float = 1.0,
    ) -> None:
        """Compile a world; the life begins with the first `reset`.

        Args:
            world: as `find_world` takes it, or a declaration.
            parameters: values that differ from the world's defaults.
            key: of the life that `reset` begins if it is told no seed, see `LifeKey`. None: one drawn by chance.
            action_limit: bounds of the actions' Box, > 0; of no matter to worlds with choices.
        Raises:
            WorldNotFound: there is no such world.
            WorldError: it is no compiled world, or does not compile.
            ValueError: a parameter, the key or the limit is out of range; the message names it and the range.
        """
        declared = find_world(world) if isinstance(world, str) else world
        if not isinstance(declared, World):
            raise WorldError(f"world {declared.name}: is a Gymnasium environment already; gymnasium.make makes it")
        if not 0.0 < action_limit < np.inf:
            raise ValueError(f"action_limit={action_limit:g}: must be a finite number above 0")
        self.world = declared
        self.parameters = declared.resolve(parameters or {})
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (len(declared.observations),), np.float32)
        self.action_space: gymnasium.Space[Any] = (
            gymnasium.spaces.Box(-action_limit, action_limit, (declared.actions.size,), np.float32)
            if isinstance(declared.actions, Box)
            else gymnasium.spaces.Discrete(declared.actions.choices)
        )
        self._compiled = compile_world(declared, self.parameters, by_hand=True)
        self._state = np.zeros(self._compiled.state_size, np.uint8)
        self._rng = new_rng()
        self._next_key = None if key is None else _checked(key)
        self._key: LifeKey | None = None  # of the life under way
        self._age = 0
        self._over = True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Begin another life, or a new body in this one.

        Args:
            seed: begins the life with the key ``(seed, SELECTION, 0, 0)``, 0 .. 2**32 - 1. None: if there is a life
                under way it goes on with a new body; else the one begins that the environment was made for.
            options: ``key``: begins the life with that key, whatever the seed.
        Returns:
            The first observation, float32 [O], and ``{"key": LifeKey, "age": steps}``.
        Raises:
            ValueError: a seed or a key is out of range.
        """
        super().reset(seed=seed)
        key = (options or {}).get("key")
        if key is not None:
            self._be_born(_checked(key))
        elif seed is not None:
            self._be_born(_checked((seed, SELECTION, 0, 0)))
        elif self._key is None:
            chance = LifeKey(int(self.np_random.integers(_MOST)), SELECTION, 0, 0)
            self._be_born(self._next_key or chance)
        self._compiled.begin(*self._handles(), self._rng)
        self._over = False
        return self._observe(), {"key": self._key, "age": self._age}

    def step(self, action: Any) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """One step of the world.

        Args:
            action: a whole number, or float [A].
        Returns:
            The observation after the step, float32 [O]; fitness; terminated; truncated; ``{"senses": {name: value},
            "age": steps}``.
        Raises:
            ResetNeeded: of Gymnasium, if no episode is under way.
            InvalidAction: of Gymnasium, if the action has another shape, is not finite or is no choice of this world.
        """
        if self._over:
            raise gymnasium.error.ResetNeeded(f"world {self.world.name}: no episode is under way; call reset() first")
        given = self._as_floats(action)
        senses = np.zeros(len(self.world.senses), np.float32)
        self._age += 1
        at_step(self._rng, self._age)  # step 0 belongs to birth
        fitness, terminated, truncated = self._compiled.step(*self._handles(), given, senses, self._rng)
        self._over = bool(terminated or truncated)
        named = {sense.name: float(value) for sense, value in zip(self.world.senses, senses, strict=True)}
        info = {"senses": named, "age": self._age}
        return self._observe(), float(fitness), bool(terminated), bool(truncated), info

    def _be_born(self, key: LifeKey) -> None:
        self._key, self._age = key, 0
        row = np.array(key, np.int64)
        self._state[:] = 0
        open_stream(self._rng, row, BIRTH)
        self._compiled.born(*self._handles(), self._rng)
        open_stream(self._rng, row, WORLD)

    def _observe(self) -> npt.NDArray[np.float32]:
        observation = np.zeros(len(self.world.observations), np.float32)
        self._compiled.observe(*self._handles(), observation)
        return observation

    def _as_floats(self, action: Any) -> npt.NDArray[np.float32]:
        """The action as the world takes it; compiled code looks at no bounds, so this does."""
        given = np.array(action, np.float32)
        size = self.world.action_size
        fits = given.shape == (size,) or (self.world.is_discrete and given.shape == ())
        if not fits or not np.isfinite(given).all():
            kind = f"a whole number below {self.world.action_outputs}" if self.world.is_discrete else f"{size} numbers"
            raise gymnasium.error.InvalidAction(f"world {self.world.name}: action={action!r}: must be {kind}, finite")
        given = given.reshape(size)
        if self.world.is_discrete and given[0] not in range(self.world.action_outputs):
            raise gymnasium.error.InvalidAction(
                f"world {self.world.name}: action={action!r}: must be a whole number from 0 to "
                f"{self.world.action_outputs - 1}"
            )
        return given

    def _handles(self) -> tuple[Any, Any]:
        # Asked for anew each time: in a copy of this environment they are others.
        return handle_of(self._state), handle_of(self._compiled.parameters)


def _checked(key: Sequence[int]) -> LifeKey:
    """A key as `LifeKey`, if it is one."""
    parts = tuple(key)
    if len(parts) != 4:
        raise ValueError(f"key={key!r}: must be four whole numbers: seed, space, generation, life")
    for name, part in zip(LifeKey._fields, parts, strict=True):
        most = TUNING if name == "space" else _MOST - 1
        if not 0 <= part <= most or part != int(part):
            raise ValueError(f"key: {name}={part}: must be a whole number from 0 to {most}")
    return LifeKey.of(parts)
