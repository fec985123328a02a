"""The environments of a chunk of lives, as the stepwise driver steps them.

A life's episodes are seeded from its key, so that it depends on its key alone, as far as the environment keeps to
``reset(seed=..)``. What a life varies is written before every reset, and after it too, for environments that set the
same attribute themselves when they are reset.
"""

from __future__ import annotations

import json
from collections.abc import Callable, MutableSequence, Sequence
from typing import Any, NamedTuple, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt

from evolearn.errors import shortened_traceback
from evolearn.numerics import compiled
from evolearn.rng import BIRTH, WORLD, Rng, at_step, integer, new_rng, open_stream
from evolearn.world.gymnasium.answers import (
    MOST_REWARD,
    PLAIN,
    WrongAnswer,
    check_last,
    narrowed,
    taken_flag,
    taken_observation,
    taken_reset,
    taken_reward,
    taken_step,
)
from evolearn.world.gymnasium.making import close_quietly, is_of_environment
from evolearn.world.gymnasium.variation import NEVER, Attributes, Environment, draw, without_overseers
from evolearn.world.gymnasium.world import GymnasiumWorld

FloatArray = npt.NDArray[np.float32]

_UNBOUNDED = float(np.finfo(np.float32).max)  # a bound that large is none
_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
_EVERYTHING = slice(None)
_MISMATCH = (ValueError, BufferError, NotImplementedError)  # of arrays, where one is written over another's memory
_SPARE = 3  # environments kept for other arguments, as a multiple of those in use


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

    where: MutableSequence[int]  # first entry: the life whose environment is at work, or was last

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

    def switch(
        self, places: Sequence[int], terminated: npt.NDArray[np.bool_], truncated: npt.NDArray[np.bool_]
    ) -> list[int]:
        """Give birth a second time to the worlds at `places`, whose step is done, and cut off their episodes.

        Args:
            places: lives that go on, ascending.
            terminated: bool [C], of that step.
            truncated: bool [C], of that step; written where an episode had not ended.

        Returns:
            The places, whose episodes have all ended.
        """

    def begin_again(self, place: int, t: int, observation: FloatArray) -> None:
        """Start a new episode at `place` after step `t` and write its first observation, float32 [O]."""

    def close(self) -> None:
        """Let go of the environments; `begin_all` makes new ones."""


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


class _Home(NamedTuple):
    """An environment that a life can be lived in."""

    environment: Environment
    made_with: str  # arguments that lives vary
    limit: int  # steps of an episode after which it is truncated here
    attributes: Attributes | None  # that lives vary


class GymnasiumEnvironments:
    """Environments of one GymnasiumWorld; made as they are needed, and used again for life after life."""

    def __init__(self, world: GymnasiumWorld) -> None:
        world.load()  # here: a life that is under way is watched, and may not take long over a step
        self._world = world
        self.where: MutableSequence[int] = [0]
        self._homes: list[_Home] = []  # of the lives under way
        self._empty: dict[str, list[_Home]] = {}  # by arguments
        self._steps: list[Callable[[Any], Any]] = []
        self._drawn: list[dict[str, Any]] = []
        self._truncated_at: list[int] = []  # age, in steps
        self._keys: list[npt.NDArray[np.int64]] = []  # int64 [4] each
        self._rng: Rng = new_rng()
        self._spaces: tuple[gymnasium.Space[Any], gymnasium.Space[Any]] | None = None
        self._convert: Callable[[FloatArray], Any] = lambda actions: actions
        self._shape: tuple[int, ...] = ()
        self._first: int | None = None  # smallest observation of a Discrete
        self._is_single = False  # whether its observations are float32, as declared
        self._written: FloatArray | None = None
        self._rows: tuple[list[FloatArray], list[Any]] = [], []  # of what was written last

    def begin_all(self, keys: npt.NDArray[np.int64], observations: FloatArray) -> None:
        """See Environments."""
        self._keys = list(keys)
        self._drawn = [draw(self._world.part.vary, key, self._rng) for key in keys]
        self._truncated_at = [NEVER] * len(keys)
        self._move(len(keys))
        for place in range(len(keys)):
            self._begin(place, BIRTH, 0, observations[place])

    def switch(
        self, places: Sequence[int], terminated: npt.NDArray[np.bool_], truncated: npt.NDArray[np.bool_]
    ) -> list[int]:
        """See Environments."""
        for place in places:
            truncated[place] |= not terminated[place]
            self._drawn[place] = draw(self._world.part.vary, self._keys[place], self._rng, again=True)
        self._move(len(self._keys))
        return list(places)

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
        steps, shape, rows, views = self._steps, self._shape, *self._rows_of(observations)
        truncated_at = self._truncated_at
        endings = []
        terminated[:] = False
        truncated[:] = False
        where = self.where
        # Looked up once: this loop takes a twentieth of the time of a simple environment.
        ndarray, double, most, mismatch, everything = np.ndarray, _DOUBLE, MOST_REWARD, _MISMATCH, _EVERYTHING
        flat = len(shape) == 1 and self._first is None
        single = flat and self._is_single
        earned: Any = memoryview(fitness.data)  # an entry is written in half the time that the array takes for it
        place = -1
        try:
            for place in places:
                where[0] = place
                result: tuple[Any, Any, Any, Any, Any] = steps[place](chosen[place])
                try:
                    observation, reward, has_terminated, has_truncated, _ = result
                except (TypeError, ValueError):
                    observation, reward, has_terminated, has_truncated, _ = taken_step(result)
                # The quick ways for what nearly all environments return; the others say what is wrong.
                if single and observation.__class__ is ndarray:
                    try:
                        views[place][everything] = observation  # refuses another shape or kind of number
                    except mismatch:
                        self._show(observation, rows[place])
                elif (
                    flat
                    and observation.__class__ is ndarray
                    and observation.shape == shape
                    and observation.dtype is double
                ):
                    rows[place][...] = observation
                else:
                    self._show(observation, rows[place])
                kind = reward.__class__
                if (kind is float or kind in PLAIN) and -most <= reward <= most:
                    earned[place] = reward
                else:
                    earned[place] = taken_reward(reward)
                if has_terminated is False and has_truncated is False and t < truncated_at[place]:
                    continue
                terminated[place] = taken_flag("terminated", has_terminated)
                truncated[place] = taken_flag("truncated", has_truncated) or t >= truncated_at[place]
                if terminated[place] or truncated[place]:
                    check_last(rows[place])
                    endings.append(place)
        # An environment that leaves the program (sys.exit), or raises what Ctrl-C raises, is at fault like any other:
        # it is at work where nobody else's exit, and no Ctrl-C, arrives.
        except BaseException as error:
            raise self._fault(place, error) from error
        return endings

    def render(self, place: int) -> Any:
        """What the environment at `place` renders of the moment.

        Raises:
            EnvironmentFault: it raised.
        """
        try:
            return self._homes[place].environment.render()
        except BaseException as error:
            raise self._fault(place, error) from error

    def close(self) -> None:
        """See Environments."""
        homes = [*self._homes, *(home for some in self._empty.values() for home in some)]
        self._homes, self._empty, self._steps = [], {}, []
        for home in homes:
            close_quietly(home.environment)

    def _move(self, count: int) -> None:
        """Give each of `count` lives an environment that was made with its arguments."""
        if self._world.part.fresh:
            self.close()
        for home in reversed(self._homes):
            self._empty.setdefault(home.made_with, []).append(home)
        self._homes = []
        for place in range(count):
            self.where[0] = place
            try:
                self._homes.append(self._home_for(self._drawn[place]))
            except BaseException as error:
                others = len(self._homes) + sum(len(some) for some in self._empty.values())
                raise self._fault(place, error, _ONE_OF_MANY.format(others + 1) if others else "") from error
        self._steps = [home.environment.step for home in self._homes]
        spare = sum(len(some) for some in self._empty.values()) - _SPARE * count
        for made_with in list(self._empty) if self._world.part.vary else []:
            while self._empty[made_with] and spare > 0:
                close_quietly(self._empty[made_with].pop().environment)
                spare -= 1
            if not self._empty[made_with]:
                del self._empty[made_with]

    def _home_for(self, drawn: dict[str, Any]) -> _Home:
        world = self._world
        arguments = world.arguments(drawn) if drawn else {}
        made_with = json.dumps(arguments, sort_keys=True) if arguments else ""
        if self._empty.get(made_with):
            return self._empty[made_with].pop()
        if world.part.instances is not None:
            self._close_a_spare()
        environment, limit = without_overseers(world.make(arguments))
        self._check_spaces(environment)
        return _Home(environment, made_with, limit, Attributes(environment, world.part.vary) if drawn else None)

    def _close_a_spare(self) -> None:
        """Make room for another environment, where there is room for so many only."""
        spare = next((some for some in self._empty.values() if some), None)
        if spare is not None:
            close_quietly(spare.pop().environment)

    def _check_spaces(self, environment: Environment) -> None:
        space = environment.observation_space
        if self._spaces is None:
            self._spaces = space, environment.action_space
            self._convert = action_converter(environment.action_space)
            self._shape = space.shape or ()
            self._is_single = space.dtype == _SINGLE
            self._first = int(space.start) if isinstance(space, gymnasium.spaces.Discrete) else None
        elif space.shape != self._spaces[0].shape or environment.action_space != self._spaces[1]:
            raise ValueError(
                f"observation space {space} and action space {environment.action_space}: lives must not differ in "
                f"them, and another has {self._spaces[0]} and {self._spaces[1]}; vary something else"
            )

    def _begin(self, place: int, stream: int, step: int, row: FloatArray) -> None:
        seed = int(draw_seed(self._keys[place], stream, step, self._rng))
        self.where[0] = place
        home = self._homes[place]
        self._truncated_at[place] = step + home.limit - 1
        try:
            if home.attributes is not None:
                home.attributes.write(self._drawn[place])
            result = home.environment.reset(seed=seed)
            if result.__class__ is tuple and len(result) == 2 and result[1].__class__ is dict:
                observation = result[0]
            else:
                observation = taken_reset(result)
            if home.attributes is not None:
                home.attributes.write(self._drawn[place])
            self._show(observation, row)
        except BaseException as error:
            raise self._fault(place, error) from error

    def _rows_of(self, observations: FloatArray) -> tuple[list[FloatArray], list[Any]]:
        """Views of the rows, of two kinds, made once: a job hands the same array at every step."""
        if observations is not self._written:
            rows = list(observations)
            self._written, self._rows = observations, (rows, [memoryview(row) for row in rows])
        return self._rows

    def _show(self, observation: Any, row: FloatArray) -> None:
        """Write an observation into its row."""
        if self._first is not None:
            try:
                number = int(observation)
                whole = bool(number == observation)
            except (TypeError, ValueError, OverflowError):
                whole = False
            if not whole:
                raise WrongAnswer(f"observation {observation!r}: must be a whole number of its space")
            at = number - self._first
            if not 0 <= at < row.size:
                raise WrongAnswer(
                    f"observation {observation}: must lie in {self._first} .. {self._first + row.size - 1}"
                )
            row[:] = 0.0
            row[at] = 1.0
            return
        if (
            observation.__class__ is np.ndarray
            and observation.dtype is _SINGLE
            and observation.shape == self._shape == row.shape
        ):
            row[...] = observation
        else:
            row[:] = narrowed(taken_observation(observation, self._shape))

    def _fault(self, place: int, error: BaseException, remark: str = "") -> EnvironmentFault:
        if isinstance(error, WrongAnswer):
            return EnvironmentFault(place, f"the environment's {error}")
        raised = raised_text(error)
        return EnvironmentFault(place, f"the environment {raised}{remark}")


_ONE_OF_MANY = (
    "\nIt was number {} at once in this process; if there can be no more than so many at a time (a port, a licence, a "
    "device), say so: world.instances=1"
)


def raised_text(error: BaseException) -> str:
    """What an environment did, and where: it raised, or it left the program."""
    shown = shortened_traceback(error, is_of_environment)
    if isinstance(error, SystemExit):
        return f"ended the program by sys.exit; it must raise an exception instead, or end its episode:\n{shown}"
    return f"raised:\n{shown}"
