"""One life in a compiled world, as a Gymnasium environment.

An environment is one animal. What was drawn for it at birth, a motor map or where the goal is, holds over its deaths:
`reset` after the end of an episode begins a new body in the same life, as evolearn's own lives do. ``reset(seed=n)``
begins another life, and so does the `reset` after a life's end. The same key and actions give the same numbers, bit for
bit, as in a life of evolearn.

Source: Towers et al. 2024, "Gymnasium: a standard interface for reinforcement learning environments".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from evolearn.config import SearchPart
from evolearn.numerics import handle_of
from evolearn.rng import BIRTH, SELECTION, TUNING, WORLD, LifeKey, at_step, new_rng, open_stream
from evolearn.world import (
    Bounds,
    Box,
    Shape,
    World,
    WorldError,
    bounds_of,
    compile_world,
    find_world,
    paint,
    shapes_of,
    with_margin,
)

LIFETIME: int = SearchPart.model_fields["selection_lifetime"].default  # world steps

_MOST = 2**32  # parts of a key are below it
_WIDTH = 480  # of a picture, pixels
_LEAST_HEIGHT = 120
_LOOK_AHEAD = 100  # steps by chance that show how much space a world takes


class WorldEnv(gymnasium.Env[npt.NDArray[np.float32], Any]):
    """A compiled world for any learner that takes Gymnasium environments.

    - Observations: ``Box(-inf, inf, [O], float32)``, the world's own, in the order that it names them.
    - Actions: ``Discrete(choices)``, or ``Box(-action_limit, action_limit, [A], float32)``. What lies beyond the limit
      goes to the world all the same, and the world clips as it sees fit.
    - Reward: fitness, what evolution selects on.
    - Terminated and truncated: as the world says; a life's last step is truncated too.
    - Info of a step: ``senses``, a number by name, which a shaped reward may weigh, and ``age``, steps of this life.
      Info of a reset: ``key`` of this life, and ``age``.
    - Render: "rgb_array", uint8 [height, 480, 3], of a world that has a drawing.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012  # so by Gymnasium

    def __init__(
        self,
        world: str | World,
        parameters: Mapping[str, float] | None = None,
        key: Sequence[int] | None = None,
        action_limit: float = 1.0,
        lifetime: int | None = LIFETIME,
        render_mode: str | None = None,
    ) -> None:
        """Compile a world; the life begins with the first `reset`.

        Args:
            world: as `find_world` takes it, or a declaration.
            parameters: values that differ from the world's defaults.
            key: of the life that `reset` begins if it is told no seed, see `LifeKey`. None: one drawn by chance.
            action_limit: bounds of the actions' Box, > 0; of no matter to worlds with choices.
            lifetime: world steps of a life, >= 1, whatever the number of its episodes; the last one is truncated, and
                the next `reset` begins the life after it, with the same key but for its number, one more. None: a life
                goes on for as long as somebody steps.
            render_mode: "rgb_array", for pictures by `render`, or None.
        Raises:
            WorldNotFound: there is no such world.
            WorldError: it is no compiled world, or does not compile.
            ValueError: a parameter, the key, the limit or the lifetime is out of range, or there are no such pictures;
                the message names it and the range.
        """
        declared = find_world(world) if isinstance(world, str) else world
        if not isinstance(declared, World):
            raise WorldError(f"world {declared.name}: is a Gymnasium environment already; gymnasium.make makes it")
        if not 0.0 < action_limit < np.inf:
            raise ValueError(f"action_limit={action_limit:g}: must be a finite number above 0")
        if lifetime is not None and lifetime < 1:
            raise ValueError(f"lifetime={lifetime}: must be >= 1 step, or None for lives without an end")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f'render_mode={render_mode!r}: must be "rgb_array", or None')
        if render_mode is not None and declared.draw is None:
            raise ValueError(
                f"render_mode={render_mode!r}: world {declared.name} has no drawing; give it a draw, see "
                "evolearn.world.World, or leave render_mode out"
            )
        self.world = declared
        self.render_mode = render_mode
        self.lifetime = lifetime
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
        self._view: Bounds | None = None  # what pictures of the life under way show
        self._height: int | None = None  # of all pictures, pixels

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Begin another life, or a new body in this one.

        Args:
            seed: begins the life with the key ``(seed, SELECTION, 0, 0)``, 0 .. 2**32 - 1. None: if there is a life
                under way it goes on with a new body, or the next one begins if it has ended; else the one begins that
                the environment was made for.
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
        elif self._has_ended:
            self._be_born(_checked((*self._key[:3], self._key.life + 1)))
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
        truncated = bool(truncated) or (self._has_ended and not terminated)
        self._over = bool(terminated) or truncated
        named = {sense.name: float(value) for sense, value in zip(self.world.senses, senses, strict=True)}
        info = {"senses": named, "age": self._age}
        return self._observe(), float(fitness), bool(terminated), truncated, info

    def render(self) -> npt.NDArray[np.uint8] | None:
        """The world as it is now, drawn as in a replay.

        What is in the picture is what the beginning of this life takes up if it is lived by chance, and more from when
        it must be.

        Returns:
            Red, green and blue, uint8 [height, 480, 3], the same height for every picture of this environment; None
            without a render mode, and Gymnasium says so.
        Raises:
            ResetNeeded: of Gymnasium, before the first `reset`.
            WorldError: the world's `draw` is at fault.
        """
        if self.render_mode is None:
            gymnasium.logger.warn("render() without a render mode; make the environment with render_mode='rgb_array'")
            return None
        if self._key is None:
            raise gymnasium.error.ResetNeeded(f"world {self.world.name}: nobody is born yet; call reset() first")
        if self._view is None:
            self._view = self._look_ahead(self._key)
        shapes = self._shapes()
        self._view = _around(self._view, bounds_of(shapes))
        left, right, bottom, top = view = with_margin(self._view or (0.0, 1.0, 0.0, 1.0))
        if self._height is None:
            self._height = min(max(round(_WIDTH * (top - bottom) / (right - left)), _LEAST_HEIGHT), _WIDTH)
        return paint(shapes, view, _WIDTH, self._height)

    def _shapes(self) -> tuple[Shape, ...]:
        where = f"world {self.world.name}, life {self._key}, step {self._age}"
        return shapes_of(self.world, self._state.copy(), self._compiled.parameters.copy(), where)

    def _look_ahead(self, key: LifeKey) -> Bounds | None:
        """Around all that is seen while somebody else lives the beginning of this life by chance."""
        scout = WorldEnv(self.world, self.parameters, key, lifetime=None)
        scout.action_space.seed(0)
        scout.reset()
        view = bounds_of(scout._shapes())
        for _ in range(_LOOK_AHEAD):
            _, _, terminated, truncated, _ = scout.step(scout.action_space.sample())
            view = _around(view, bounds_of(scout._shapes()))
            if terminated or truncated:
                scout.reset()
        return view

    @property
    def _has_ended(self) -> bool:
        """Whether the life under way is as old as lives become."""
        return self.lifetime is not None and self._age >= self.lifetime

    def _be_born(self, key: LifeKey) -> None:
        self._key, self._age, self._view = key, 0, None
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


class NamedWorldEnv(WorldEnv):
    """What `gymnasium.make` makes: keywords that `WorldEnv` does not know are parameters of the world."""

    def __init__(self, world: str, **given: Any) -> None:
        """See `WorldEnv`."""
        how = {name: given.pop(name) for name in ("key", "action_limit", "lifetime", "render_mode") if name in given}
        super().__init__(world, given, **how)


def _around(one: Bounds | None, other: Bounds | None) -> Bounds | None:
    """The smallest bounds around both."""
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), max(one[3], other[3])


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
