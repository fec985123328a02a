"""Any Gymnasium environment as a world: how its spaces become observations and actions, and how episodes are seeded.

Observations: a Box of any shape, flattened to float32, or a Discrete, one-hot. Actions: a Discrete, or a Box of one
dimension, to whose low .. high the policy's -1 .. 1 is clipped and scaled; a dimension without both bounds is passed
on unscaled. Fitness is the environment's reward. A life's episodes are seeded from its key, so that it depends on
its key alone, as far as the environment keeps to ``reset(seed=..)``.

Source: Towers et al. 2024, "Gymnasium: a standard interface for reinforcement learning environments".
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt

from evolearn.compiled import compiled
from evolearn.errors import WorldNotFound, shortened_traceback
from evolearn.rng import BIRTH, WORLD, Rng, at_step, integer, new_rng, open_stream
from evolearn.world import MEAN_RETURN_PER_EPISODE, Box, Declaration, Discrete, Signal, WorldError

FloatArray = npt.NDArray[np.float32]
Environment = gymnasium.Env[Any, Any]

_REMEDY = (
    "wrap the environment in a function of yours (gymnasium.wrappers.FlattenObservation, TransformObservation, "
    "TransformAction), give that to gymnasium.register as entry_point, and name the world gymnasium:your_module:ID"
)
_UNBOUNDED = float(np.finfo(np.float32).max)  # a bound that large is none


class EnvironmentFault(Exception):
    """An environment raised; `place` says which of a chunk, the text says what and where."""

    def __init__(self, place: int, text: str) -> None:
        super().__init__(place, text)
        self.place = place
        self.text = text


class Environments(Protocol):
    """The worlds of a chunk of C lives, one place each, as the stepwise driver sees them.

    Every method may raise EnvironmentFault.
    """

    place: int  # the life whose environment is at work, or was last

    def begin_all(self, keys: npt.NDArray[np.int64], observations: FloatArray) -> None:
        """Give birth to a life per key, int64 [C, 4], and write its first observation, float32 [C, O]."""

    def step_all(
        self,
        t: int,
        places: Sequence[int],
        actions: FloatArray,
        observations: FloatArray,
        senses: FloatArray,
        fitness: npt.NDArray[np.float64],
        terminated: npt.NDArray[np.bool_],
        truncated: npt.NDArray[np.bool_],
    ) -> list[int]:
        """Step the environments at `places`, and write what comes of it.

        Args:
            t: age of every life, in steps.
            places: lives that go on, ascending.
            actions: float32 [C, action size].
            observations: float32 [C, O], written: after the step, before a new episode.
            senses: float32 [C, senses], written.
            fitness: float64 [C], written.
            terminated: bool [C], all of it written.
            truncated: bool [C], all of it written.

        Returns:
            The places whose episode ended, ascending.
        """

    def begin_again(self, place: int, t: int, observation: FloatArray) -> None:
        """Start a new episode at `place` after step `t` and write its first observation, float32 [O]."""

    def close(self) -> None:
        """Let go of the environments; `begin_all` makes new ones."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GymnasiumWorld(Declaration):
    """A Gymnasium environment, declared as a world; `gymnasium_world` makes one."""

    environment_id: str  # as gymnasium.make takes it
    arguments: tuple[tuple[str, Any], ...] = ()  # of the environment's constructor, by keyword

    def make(self) -> Environment:
        """A new environment."""
        return gymnasium.make(self.environment_id, disable_env_checker=True, **dict(self.arguments))


def gymnasium_world(environment_id: str, **arguments: Any) -> GymnasiumWorld:
    """Declare a Gymnasium environment as a world.

    Args:
        environment_id: as gymnasium.make takes it: ``CartPole-v1``, or ``module:ID`` to import `module` first.
        arguments: of the environment's constructor; plain hashable values.

    Raises:
        WorldNotFound: Gymnasium has no such environment, or something that it needs is not installed.
        WorldError: the environment does not start, or has spaces that are not supported.
    """
    name = f"gymnasium:{environment_id}"
    try:
        hash(tuple(arguments.values()))
    except TypeError as error:
        raise WorldError(f"world {name}: {error}: arguments must be plain hashable values, tuples for lists") from error
    try:
        environment: Environment = gymnasium.make(environment_id, disable_env_checker=True, **arguments)
    except (gymnasium.error.Error, ImportError) as error:
        raise WorldNotFound(f"world {name!r}: {error}") from error
    except Exception as error:
        shown = shortened_traceback(error, is_of_environment)
        raise WorldError(f"world {name}: the environment does not start; check its arguments:\n{shown}") from error
    try:
        observations = _observation_size(name, environment.observation_space)
        return GymnasiumWorld(
            name=name,
            doc=_description(environment, environment_id),
            observations=tuple(Signal(f"observation {i}", "as the environment gives it") for i in range(observations)),
            actions=_actions(name, environment.action_space),
            fitness_rule=MEAN_RETURN_PER_EPISODE,
            environment_id=environment_id,
            arguments=tuple(sorted(arguments.items())),
        )
    finally:
        environment.close()


def _description(environment: Environment, environment_id: str) -> str:
    """The first paragraph of the environment's own docstring, headings and links' targets left out."""
    text = inspect.cleandoc(type(environment.unwrapped).__doc__ or "")
    paragraphs = [
        " ".join(line for line in part.splitlines() if not line.startswith("#")) for part in text.split("\n\n")
    ]
    first = next((paragraph.strip() for paragraph in paragraphs if paragraph.strip()), "")
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", first) or f"Gymnasium environment {environment_id}"


def _observation_size(name: str, space: gymnasium.Space[Any]) -> int:
    if isinstance(space, gymnasium.spaces.Discrete):
        return int(space.n)
    if isinstance(space, gymnasium.spaces.Box) and np.prod(space.shape) > 0:
        return int(np.prod(space.shape))
    raise WorldError(
        f"world {name}: observation space {space} is not supported: must be a Box that is not empty, or a Discrete; "
        f"{_REMEDY}"
    )


def _actions(name: str, space: gymnasium.Space[Any]) -> Box | Discrete:
    if isinstance(space, gymnasium.spaces.Discrete):
        return Discrete(int(space.n))
    if (
        isinstance(space, gymnasium.spaces.Box)
        and len(space.shape) == 1
        and space.shape[0] > 0
        and np.issubdtype(space.dtype, np.floating)
    ):
        return Box(space.shape[0])
    raise WorldError(
        f"world {name}: action space {space} is not supported: must be a Discrete, or a Box of real numbers of one "
        f"dimension; {_REMEDY}"
    )


def action_converter(space: gymnasium.Space[Any]) -> Callable[[FloatArray], Any]:
    """A function from actions float32 [C, action size] to a sequence of C actions in `space`."""
    if isinstance(space, gymnasium.spaces.Discrete):
        start = int(space.start)
        return lambda actions: (actions[:, 0].astype(np.int64) + start).tolist()
    assert isinstance(space, gymnasium.spaces.Box)
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    bounded = (np.abs(low) < _UNBOUNDED) & (np.abs(high) < _UNBOUNDED)
    with np.errstate(invalid="ignore"):  # inf - inf, of dimensions that are not scaled
        half, centre = np.where(bounded, 0.5 * (high - low), 1.0), np.where(bounded, 0.5 * (high + low), 0.0)
    dtype = space.dtype

    def convert(actions: FloatArray) -> Any:
        return np.clip(actions * half + centre, low, high).astype(dtype)

    return convert


@compiled
def draw_seed(key: Any, stream: int, step: int, rng: Any) -> int:
    """Seed of the episode that begins at `step` of a stream of the life named by `key`, 0 .. 2**31 - 1."""
    open_stream(rng, key, stream)
    at_step(rng, step)
    return integer(rng, 0, 2147483648)  # some environments hand their seed to C


_OURS = Path(__file__).parent
_GYMNASIUM = Path(gymnasium.__file__).parent


def is_of_environment(file: str) -> bool:
    """Whether an error's frame in `file` tells of the environment, not of what called it."""
    path = Path(file)
    if _GYMNASIUM in path.parents:
        return _GYMNASIUM / "envs" in path.parents and path.name != "registration.py"
    return not is_ours(file)


def is_ours(file: str) -> bool:
    """Whether `file` is a room of this package."""
    return Path(file).parent == _OURS


class GymnasiumEnvironments:
    """Environments of one GymnasiumWorld; made as they are needed, and used again for life after life."""

    def __init__(self, world: GymnasiumWorld) -> None:
        self._world = world
        self.place = 0
        self._environments: list[Environment] = []
        self._steps: list[Callable[[Any], Any]] = []
        self._keys: npt.NDArray[np.int64] = np.zeros((0, 4), np.int64)
        self._rng: Rng = new_rng()
        self._convert: Callable[[FloatArray], Any] = lambda actions: actions
        self._shape: tuple[int, ...] = ()
        self._first: int | None = None  # smallest observation of a Discrete

    def begin_all(self, keys: npt.NDArray[np.int64], observations: FloatArray) -> None:
        """See Environments."""
        while len(self._environments) < len(keys):
            self._add(len(self._environments))
        self._keys = keys
        for place in range(len(keys)):
            self._begin(place, BIRTH, 0, observations[place])

    def begin_again(self, place: int, t: int, observation: FloatArray) -> None:
        """See Environments."""
        # Step 0 belongs to birth, as in the fused life: step t draws at t + 1.
        self._begin(place, WORLD, t + 1, observation)

    def step_all(
        self,
        t: int,
        places: Sequence[int],
        actions: FloatArray,
        observations: FloatArray,
        senses: FloatArray,
        fitness: npt.NDArray[np.float64],
        terminated: npt.NDArray[np.bool_],
        truncated: npt.NDArray[np.bool_],
    ) -> list[int]:
        """See Environments."""
        chosen = self._convert(actions)
        steps = self._steps
        endings = []
        terminated[:] = False
        truncated[:] = False
        flat = len(self._shape) == 1 and self._first is None
        place = -1
        try:
            for place in places:
                self.place = place
                observation, reward, has_terminated, has_truncated, _ = steps[place](chosen[place])
                if flat and np.shape(observation) == self._shape:  # any other shape is explained below
                    observations[place] = observation
                else:
                    self._show(observation, observations[place])
                fitness[place] = reward
                if has_terminated or has_truncated:
                    terminated[place] = has_terminated
                    truncated[place] = has_truncated
                    endings.append(place)
        except Exception as error:
            raise self._fault(place, error) from error
        return endings

    def close(self) -> None:
        """See Environments."""
        environments, self._environments, self._steps = self._environments, [], []
        for environment in environments:
            environment.close()

    def _add(self, place: int) -> None:
        self.place = place
        try:
            environment = self._world.make()
        except Exception as error:
            raise self._fault(place, error) from error
        space = environment.observation_space
        self._convert = action_converter(environment.action_space)
        self._shape = space.shape or ()
        self._first = int(space.start) if isinstance(space, gymnasium.spaces.Discrete) else None
        self._environments.append(environment)
        self._steps.append(environment.step)

    def _begin(self, place: int, stream: int, step: int, row: FloatArray) -> None:
        seed = int(draw_seed(self._keys[place], stream, step, self._rng))
        self.place = place
        try:
            observation, _ = self._environments[place].reset(seed=seed)
            self._show(observation, row)
        except Exception as error:
            raise self._fault(place, error) from error

    def _show(self, observation: Any, row: FloatArray) -> None:
        """Write an observation into its row."""
        if self._first is not None:
            at = int(observation) - self._first
            if not 0 <= at < row.size:
                raise ValueError(
                    f"observation {observation}: must lie in {self._first} .. {self._first + row.size - 1}"
                )
            row[:] = 0.0
            row[at] = 1.0
            return
        if np.shape(observation) != self._shape:
            raise ValueError(f"observation of shape {np.shape(observation)}: must be of shape {self._shape}")
        row[:] = np.ravel(observation)

    def _fault(self, place: int, error: Exception) -> EnvironmentFault:
        return EnvironmentFault(place, f"the environment raised:\n{shortened_traceback(error, is_of_environment)}")
