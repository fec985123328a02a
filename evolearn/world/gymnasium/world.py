"""Any Gymnasium environment as a world: how its spaces become observations and actions, and what it is made with.

Observations: a Box of any shape, flattened to float32, or a Discrete, one-hot. Actions: a Discrete, or a Box of one
dimension, to whose low .. high the policy's -1 .. 1 is clipped and scaled; a dimension without both bounds is passed
on unscaled. Fitness is the environment's reward.

Source: Towers et al. 2024, "Gymnasium: a standard interface for reinforcement learning environments".
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import inspect
import math
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

from evolearn.config import CONSTRUCTOR, WorldPart, world_part
from evolearn.errors import SettingRefused, UserError, WorldNotFound, offer, shortened_traceback
from evolearn.rng import SELECTION, life_keys, new_rng
from evolearn.world.contract import ABLE, MEAN_RETURN_PER_EPISODE, Box, Declaration, Discrete, Signal, WorldError
from evolearn.world.gymnasium.answers import (
    WrongAnswer,
    check_within,
    taken_flag,
    taken_reset,
    taken_reward,
    taken_step,
)
from evolearn.world.gymnasium.making import (
    close_quietly,
    constructor_arguments,
    creator_of,
    id_of,
    import_registering,
    is_of_environment,
    make_environment,
    unexpected_argument,
    wrapper_class,
)
from evolearn.world.gymnasium.variation import (
    Attributes,
    Environment,
    check_arguments,
    draw,
    drawn_arguments,
    without_overseers,
)
from evolearn.world.names import GYMNASIUM

_REMEDY = (
    "wrap the environment in a function of yours (gymnasium.wrappers.TransformObservation, TransformAction) and name "
    "it in world.wrappers, as [your_module:function]"
)
MOST_NUMBERS = 250_000  # of a space; a picture of 256 by 256 in colours has fewer
_FLATTENED = (
    gymnasium.spaces.Dict,
    gymnasium.spaces.Tuple,
    gymnasium.spaces.MultiDiscrete,
    gymnasium.spaces.MultiBinary,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GymnasiumWorld(Declaration):
    """A Gymnasium environment, declared as a world; `declare` makes one."""

    full_name: str  # see WorldPart.full_name
    bounds: tuple[tuple[float, ...], tuple[float, ...]] | None = None  # low and high, of a Box of actions
    solved_at: float | None = None  # return of an episode at which its registration calls it solved; None: not known

    @functools.cached_property
    def part(self) -> WorldPart:
        """The settings: constructor's arguments, wrappers, what varies."""
        return world_part(self.full_name)

    def load(self) -> None:
        """Import what the environment and its wrappers need; that may take long, and is no part of a life."""
        import_registering(self.part)
        creator_of(id_of(self.part))
        for place, wrapper in enumerate(self.part.wrappers):
            wrapper_class(place, wrapper)

    def make(self, drawn: Mapping[str, Any] | None = None) -> Environment:
        """A new environment in its wrappers.

        Args:
            drawn: arguments of the constructor that this life varies.
        Raises:
            SettingRefused: a wrapper does not fit, or keeps something from life to life.
            Exception: whatever the environment's constructor raises.
        """
        return make_environment(self.part, drawn or {})

    def drawn(self, key: Any) -> dict[str, Any]:
        """What the life named by `key` (int64 [4]) is born into: a value, or a factor, per variation."""
        return draw(self.part.vary, key, new_rng())

    def arguments(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the constructor among what was drawn, for `make`."""
        return drawn_arguments(self.part.vary, drawn, self.defaults)

    @functools.cached_property
    def defaults(self) -> dict[str, Any]:
        """Arguments of the constructor as they are if nothing varies; one without a default stands as None."""
        import_registering(self.part)
        return {**constructor_arguments(id_of(self.part)), **self.part.kwargs}


def gymnasium_world(environment_id: str, **arguments: Any) -> GymnasiumWorld:
    """Declare a Gymnasium environment as a world.

    Args:
        environment_id: as gymnasium.make takes it: ``CartPole-v1``, or ``module:ID`` to import `module` first.
        arguments: of the environment's constructor: numbers, texts, lists and tables.

    Raises:
        WorldNotFound, SettingRefused, WorldError: see `declare`.
    """
    return declare_here(WorldPart(name=f"{GYMNASIUM}{environment_id}", kwargs=arguments))


def _close(environment: Environment) -> None:
    close_quietly(environment)


def declare_here(
    part: WorldPart, close: Callable[[Environment], None] = _close, making: Callable[[], None] = lambda: None
) -> GymnasiumWorld:
    """Declare what a config's section `world` describes, by making its environment in this process.

    Args:
        part: the section.
        close: what is done with the environment in the end.
        making: called when all is imported, and the first environment is about to be made.
    Raises:
        WorldNotFound: Gymnasium has no such environment, or something that it needs is not installed.
        SettingRefused: the environment does not take an argument, a wrapper or a variation.
        WorldError: the environment does not start, or has spaces that are not supported.
    """
    try:
        full_name = part.full_name
    except ValueError as error:
        raise WorldError(str(error)) from error
    probe = GymnasiumWorld(
        name=part.name,
        doc="",
        observations=(Signal("observation 0", ""),),
        actions=Discrete(1),
        fitness_rule=MEAN_RETURN_PER_EPISODE,
        full_name=full_name,
    )
    with unmoved():
        return _declared(probe, close, making)


def _declared(
    probe: GymnasiumWorld, close: Callable[[Environment], None], making: Callable[[], None]
) -> GymnasiumWorld:
    part = probe.part
    import_registering(part)
    making()
    environment = _first_environment(probe, close)
    try:
        space = _space(part.name, environment, "observation_space")
        observations = _observation_size(part.name, space)
        first = int(getattr(space, "start", 0))  # of a Discrete, one-hot
        numbers = range(first, first + observations)
        action_space = _space(part.name, environment, "action_space")
        declared = dataclasses.replace(
            probe,
            doc=_description(environment, id_of(part)),
            observations=tuple(Signal(f"observation {number}", "as the environment gives it") for number in numbers),
            actions=_actions(part.name, action_space),
            bounds=_bounds(action_space),
            solved_at=_solved_at(environment, part),
            termination_is_death=_said(environment, part, "termination_is_death", False),
            able=_said(environment, part, "able", ABLE),
        )
    finally:
        close(environment)
    if part.vary:
        _try_choices(probe)  # now: there may be room for one environment at a time
    return declared


def _solved_at(environment: Environment, part: WorldPart) -> float | None:
    """The registration's threshold, as far as the environment is the one that was registered."""
    if part.wrappers or part.vary or part.kwargs or environment.spec is None:
        return None
    threshold = environment.spec.reward_threshold
    return None if threshold is None else float(threshold)


@contextlib.contextmanager
def unmoved() -> Iterator[None]:
    """Within, an environment may move to another folder, or have NumPy raise: afterwards all is as it was."""
    folder = Path.cwd()
    with np.errstate():
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.chdir(folder)


def _space(name: str, environment: Environment, which: str) -> gymnasium.Space[Any]:
    """A space of an environment.

    Raises:
        WorldError: it has none.
    """
    try:
        space = getattr(environment, which)
    except Exception as error:
        wrapper = isinstance(environment, gymnasium.Wrapper)
        remedy = (
            f"; does the __init__ of the wrapper {type(environment).__name__} call super().__init__(env)?"
            if wrapper and "_action_space" not in vars(environment)
            else f"; set self.{which} in its __init__"
        )
        raise WorldError(f"world {name}: has no {which} ({type(error).__name__}: {error}){remedy}") from error
    if not isinstance(space, gymnasium.Space):
        kind = "None" if space is None else f"a {type(space).__module__}.{type(space).__qualname__}"
        raise WorldError(
            f"world {name}: its {which} is {kind}: must be a space of gymnasium.spaces as soon as it is made; set "
            f"self.{which} in its __init__"
        )
    return space


def _bounds(space: gymnasium.Space[Any]) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    if not isinstance(space, gymnasium.spaces.Box):
        return None
    return tuple(map(float, space.low.ravel())), tuple(map(float, space.high.ravel()))


def _said(environment: Environment, part: WorldPart, name: str, default: Any) -> Any:
    """What the config says of a world, or else its environment or a wrapper of it, by an attribute; or the default."""
    if (told := getattr(part, name)) is not None:
        return told
    try:
        return environment.get_wrapper_attr(name) if environment.has_wrapper_attr(name) else default
    except Exception as error:  # of a property or a __getattr__
        raise WorldError(
            f"world {part.name}: asked for its attribute {name}, the environment raises {type(error).__name__}: "
            f"{error}; where it has none it must raise AttributeError. Or set world.{name}"
        ) from error


def _first_environment(world: GymnasiumWorld, close: Callable[[Environment], None]) -> Environment:
    """An environment as some life would have it, whose attributes that lives vary have been tried."""
    part = world.part
    drawn = world.drawn(life_keys(0, SELECTION, 0, 1)[0])
    environment = _started(world, drawn, part.vary)
    try:
        if part.vary:
            _try_attributes(without_overseers(environment)[0], part, drawn)
    except BaseException:
        close(environment)
        raise
    return environment


def _started(world: GymnasiumWorld, drawn: Mapping[str, Any], tried: Iterable[str]) -> Environment:
    """An environment of a life that was born into `drawn`; if it fails, the variations `tried` may be to blame."""
    part = world.part
    try:
        if part.vary:
            check_arguments(part.vary, world.defaults)
        return world.make(world.arguments(drawn) if part.vary else None)
    except (UserError, WorldError):
        raise
    except (gymnasium.error.Error, ImportError) as error:
        raise WorldNotFound(f"world {part.name!r}: {error}") from error
    except (Exception, SystemExit) as error:
        _explain_argument(part, error)
        varied = [
            f"world.vary.{name} (here {drawn[name]!r})"
            for name in tried
            if any(path.startswith(CONSTRUCTOR) for path in part.vary[name].paths(name))
        ]
        shown = shortened_traceback(error, is_of_environment)
        if isinstance(error, SystemExit):
            shown += "\n  (sys.exit: an environment must raise an exception instead)"
        raise WorldError(
            f"world {part.name}: the environment does not start; check "
            f"{' and '.join([f'world.kwargs={part.kwargs}', *varied])}:\n{shown}"
        ) from error


def _try_attributes(environment: Environment, part: WorldPart, drawn: Mapping[str, Any]) -> None:
    attributes = Attributes(environment, part.vary)
    for name, variation in part.vary.items():
        for value in variation.values or (drawn[name],):
            try:
                attributes.write({**drawn, name: value})
            except Exception as error:
                raise SettingRefused(
                    f"world.vary.{name}: {value!r} cannot be set: {type(error).__name__}: {error}; choose other values "
                    "or another attribute"
                ) from error


@functools.cache  # a study asks hundreds of times
def _try_choices(world: GymnasiumWorld) -> None:
    """Make an environment for every value that the constructor may be given."""
    drawn = world.drawn(life_keys(0, SELECTION, 0, 1)[0])
    for name, variation in world.part.vary.items():
        if any(path.startswith(CONSTRUCTOR) for path in variation.paths(name)):
            for value in variation.values or ():
                _close(_started(world, {**drawn, name: value}, [name]))


def _explain_argument(part: WorldPart, error: BaseException) -> None:
    """Refuse an argument that the environment's constructor does not know, if it was that."""
    if missing := _missing_arguments(error):
        wanted = ", ".join(f"{name}: .." for name in missing)
        raise SettingRefused(
            f"world.kwargs: {part.name} needs {' and '.join(missing)}; give world.kwargs={{{wanted}}}"
        ) from error
    name = unexpected_argument(error)
    if not name:
        return
    known = sorted(set(constructor_arguments(id_of(part))) - {name})
    varied = [
        entry
        for entry, variation in part.vary.items()
        if any(f"{CONSTRUCTOR}{name}" == path for path in variation.paths(entry))
    ]
    if not varied and name not in part.kwargs:
        raise SettingRefused(
            f"world.name={part.name!r}: is registered with the argument {name}, which its constructor does not know; "
            "correct the kwargs of its gymnasium.register"
        ) from error
    field = f"world.vary.{varied[0]}: argument {name}" if varied else f"world.kwargs.{name}"
    raise SettingRefused(f"{field}: unknown for {part.name}.{offer(name, known)}") from error


def _missing_arguments(error: BaseException) -> list[str]:
    """Arguments that a constructor needs and was not given, if that is what it raised."""
    text = str(error) if isinstance(error, TypeError) else ""
    found = re.search(r"__init__\(\) missing \d+ required (?:keyword-only|positional) arguments?: (.*)", text)
    return re.findall(r"'(\w+)'", found.group(1)) if found else []


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
        return _bearable(name, "observation", int(space.n))
    if isinstance(space, gymnasium.spaces.Box) and 0 not in space.shape:
        return _bearable(name, "observation", math.prod(space.shape))
    remedy = (
        "flatten it: world.wrappers=[FlattenObservation]"
        if isinstance(space, _FLATTENED) and space.is_np_flattenable
        else _REMEDY
    )
    raise WorldError(
        f"world {name}: observation space {space} is not supported: must be a Box that is not empty, or a Discrete; "
        f"{remedy}"
    )


def _bearable(name: str, kind: str, numbers: int) -> int:
    """The numbers of a space, each of which is an input or an output of the brain, with a name."""
    if numbers > MOST_NUMBERS:
        raise WorldError(
            f"world {name}: {kind} space of {numbers:,} numbers (a choice counts one each): must be at most "
            f"{MOST_NUMBERS:,}, each of which is an input or an output of the brain; make it smaller: {_REMEDY}"
        )
    return numbers


def _actions(name: str, space: gymnasium.Space[Any]) -> Box | Discrete:
    if isinstance(space, gymnasium.spaces.Discrete):
        return Discrete(_bearable(name, "action", int(space.n)), start=int(space.start))
    if (
        isinstance(space, gymnasium.spaces.Box)
        and len(space.shape) == 1
        and space.shape[0] > 0
        and np.issubdtype(space.dtype, np.floating)
    ):
        return Box(_bearable(name, "action", space.shape[0]))
    raise WorldError(
        f"world {name}: action space {space} is not supported: must be a Discrete, or a Box of real numbers of one "
        f"dimension; {_REMEDY}"
    )


# What it warns of and does not matter here: wrappers are meant, observations are taken as they come, actions scaled.
_OF_NO_CONCERN = (
    "is different from the unwrapped version",
    "Box observation space minimum value is -infinity",
    "Box observation space maximum value is infinity",
    "Box action space minimum value is -infinity",
    "Box action space maximum value is infinity",
    "recommend using a symmetric and normalized space",
    "Casting input x to numpy array",
    "precision lowered by casting",
)
_THEIRS = "WARN: "  # begins what Gymnasium warns of; an environment's own warnings are shown where it lives
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


_LOOKED_AT = 5  # steps, before Gymnasium's checker goes over an environment


@functools.cache  # a study asks hundreds of times
def remarks_here(world: GymnasiumWorld, close: Callable[[Environment], None] = _close) -> tuple[str, ...]:
    """Check a world's environment in its wrappers; takes some milliseconds, and the environment is thrown away.

    Returns:
        What a user should know, though lives can be lived: a sentence each.
    Raises:
        SettingRefused: the environment breaks the contract of `gymnasium.Env`.
    """
    with unmoved():
        environment = world.make(world.arguments(world.drawn((0, 0, 0, 0))) if world.part.vary else None)
        try:
            with warnings.catch_warnings(record=True) as raised:
                warnings.simplefilter("always")
                _look_at(environment)
                check_env(_Copying(environment), skip_render_check=True, skip_close_check=True)
        except (Exception, SystemExit) as error:
            raise _refused_by_checker(world, error) from error
        finally:
            close(environment)
    return tuple(_in_plain_words(world.name, raised))


class _Copying(gymnasium.ObservationWrapper[Any, Any, Any]):
    """What an environment shows, as the driver takes it: at once, so that one buffer may serve again and again."""

    def observation(self, observation: Any) -> Any:
        """A copy, as an array of the space's type if it is none."""
        space = self.observation_space
        if isinstance(observation, np.ndarray) or not isinstance(space, gymnasium.spaces.Box):
            return copy.copy(observation)
        return np.array(observation, space.dtype)


def _refused_by_checker(world: GymnasiumWorld, error: BaseException) -> SettingRefused:
    remedy = (
        "Correct the environment or its wrappers; if it is known to work as it is, set world.check=false: results may "
        "then depend on the number of workers, if the environment keeps anything from before a reset"
    )
    if isinstance(error, WrongAnswer):
        return SettingRefused(f"world.name={world.name!r}: the environment's {error}\n{remedy}")
    shown = shortened_traceback(error, lambda file: is_of_environment(file) and "env_checker" not in file)
    return SettingRefused(f"world.name={world.name!r}: Gymnasium's checker refuses the environment:\n{shown}\n{remedy}")


def _look_at(environment: Environment) -> None:
    """See that a few answers are what they must be: the checker's words for what is not are hard to read.

    Raises:
        WrongAnswer: one is not.
    """
    inner, limit = without_overseers(environment)
    space = environment.observation_space
    environment.action_space.seed(0)

    def see(observation: Any) -> None:
        if isinstance(space, gymnasium.spaces.Box):
            check_within(observation, space)

    see(taken_reset(inner.reset(seed=0)))
    for _ in range(min(_LOOKED_AT, limit)):
        observation, reward, terminated, truncated, _ = taken_step(inner.step(environment.action_space.sample()))
        see(observation)
        number = taken_reward(reward)
        if not np.isfinite(number):
            raise WrongAnswer(f"reward is {number}: must be a finite number")
        if taken_flag("terminated", terminated) or taken_flag("truncated", truncated):
            break


def _in_plain_words(name: str, raised: list[warnings.WarningMessage]) -> list[str]:
    said = {_COLOUR.sub("", str(warning.message)) for warning in raised}
    texts = {text.removeprefix(_THEIRS).strip() for text in said if text.startswith(_THEIRS)}
    return [
        f"world {name}: Gymnasium's checker remarks: {text}"
        for text in sorted(texts)
        if not any(known in text for known in _OF_NO_CONCERN)
    ]
