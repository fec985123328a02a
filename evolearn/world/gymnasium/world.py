"""Any Gymnasium environment as a world: how its spaces become observations and actions, and what it is made with.

Observations: a Box of any shape, flattened to float32, or a Discrete, one-hot. Actions: a Discrete, or a Box of one
dimension, to whose low .. high the policy's -1 .. 1 is clipped and scaled; a dimension without both bounds is passed
on unscaled. Fitness is the environment's reward.

Source: Towers et al. 2024, "Gymnasium: a standard interface for reinforcement learning environments".
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

from evolearn.config import CONSTRUCTOR, WorldPart, world_part
from evolearn.errors import SettingRefused, UserError, WorldNotFound, offer, shortened_traceback
from evolearn.rng import SELECTION, life_keys, new_rng
from evolearn.world.contract import ABLE, MEAN_RETURN_PER_EPISODE, Box, Declaration, Discrete, Signal, WorldError
from evolearn.world.gymnasium.making import (
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
    "wrap the environment in a function of yours (gymnasium.wrappers.FlattenObservation, TransformObservation, "
    "TransformAction), give that to gymnasium.register as entry_point, and name the world gymnasium:your_module:ID"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GymnasiumWorld(Declaration):
    """A Gymnasium environment, declared as a world; `declare` makes one."""

    full_name: str  # see WorldPart.full_name

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
    return declare(WorldPart(name=f"{GYMNASIUM}{environment_id}", kwargs=arguments))


def declare(part: WorldPart) -> GymnasiumWorld:
    """Declare what a config's section `world` describes.

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
    environment = _first_environment(probe)
    try:
        observations = _observation_size(part.name, environment.observation_space)
        first = int(getattr(environment.observation_space, "start", 0))  # of a Discrete, one-hot
        numbers = range(first, first + observations)
        return dataclasses.replace(
            probe,
            doc=_description(environment, id_of(part)),
            observations=tuple(Signal(f"observation {number}", "as the environment gives it") for number in numbers),
            actions=_actions(part.name, environment.action_space),
            termination_is_death=_said(environment, part, "termination_is_death", False),
            able=_said(environment, part, "able", ABLE),
        )
    finally:
        environment.close()


def _said(environment: Environment, part: WorldPart, name: str, default: Any) -> Any:
    """What the config says of a world, or else its environment or a wrapper of it, by an attribute; or the default."""
    if (told := getattr(part, name)) is not None:
        return told
    return environment.get_wrapper_attr(name) if environment.has_wrapper_attr(name) else default


def _first_environment(world: GymnasiumWorld) -> Environment:
    """An environment as some life would have it: every setting has been tried."""
    part = world.part
    drawn = world.drawn(life_keys(0, SELECTION, 0, 1)[0])
    environment = _started(world, drawn, part.vary)
    try:
        if part.vary:
            _try_attributes(without_overseers(environment)[0], part, drawn)
            _try_choices(world)
    except BaseException:
        environment.close()
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
    except Exception as error:
        _explain_argument(part, error)
        varied = [
            f"world.vary.{name} (here {drawn[name]!r})"
            for name in tried
            if any(path.startswith(CONSTRUCTOR) for path in part.vary[name].paths(name))
        ]
        shown = shortened_traceback(error, is_of_environment)
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
                _started(world, {**drawn, name: value}, [name]).close()


def _explain_argument(part: WorldPart, error: Exception) -> None:
    """Refuse an argument that the environment's constructor does not know, if it was that."""
    name = unexpected_argument(error)
    if not name:
        return
    known = sorted(constructor_arguments(id_of(part)))
    varied = [
        entry
        for entry, variation in part.vary.items()
        if any(f"{CONSTRUCTOR}{name}" == path for path in variation.paths(entry))
    ]
    field = f"world.vary.{varied[0]}: argument {name}" if varied else f"world.kwargs.{name}"
    raise SettingRefused(f"{field}: unknown for {part.name}.{offer(name, known)}") from error


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
        return Discrete(int(space.n), start=int(space.start))
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
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@functools.cache  # a study asks hundreds of times
def check_environment(world: GymnasiumWorld) -> tuple[str, ...]:
    """Check a world's environment in its wrappers; takes some milliseconds, and the environment is thrown away.

    Returns:
        What a user should know, though lives can be lived: a sentence each.
    Raises:
        SettingRefused: the environment breaks the contract of `gymnasium.Env`.
    """
    environment = world.make(world.arguments(world.drawn((0, 0, 0, 0))) if world.part.vary else None)
    try:
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            check_env(environment, skip_render_check=True, skip_close_check=True)
    except Exception as error:
        shown = shortened_traceback(error, lambda file: is_of_environment(file) and "env_checker" not in file)
        raise SettingRefused(
            f"world.name={world.name!r}: Gymnasium's checker refuses the environment:\n{shown}\n"
            "Correct the environment or its wrappers; if it is known to work as it is, set world.check=false: results "
            "may then depend on the number of workers, if the environment keeps anything from before a reset"
        ) from error
    finally:
        environment.close()
    return tuple(_in_plain_words(world.name, raised))


def _in_plain_words(name: str, raised: list[warnings.WarningMessage]) -> list[str]:
    texts = {_COLOUR.sub("", str(warning.message)).removeprefix("WARN: ").strip() for warning in raised}
    return [
        f"world {name}: Gymnasium's checker remarks: {text}"
        for text in sorted(texts)
        if not any(known in text for known in _OF_NO_CONCERN)
    ]
