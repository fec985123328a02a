"""Any Gymnasium environment as a world: how its spaces become observations and actions, and what it is made with.

Observations: a Box of any shape, flattened to float32, or a Discrete, one-hot. Actions: a Discrete, or a Box of one
dimension, to whose low .. high the policy's -1 .. 1 is clipped and scaled; a dimension without both bounds is passed
on unscaled. Fitness is the environment's reward.

Source: Towers et al. 2024, "Gymnasium: a standard interface for reinforcement learning environments".
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from evolearn.errors import SettingRefused, WorldNotFound, nearest, offer, shortened_traceback
from evolearn.gymnasium_variation import Attributes, Environment, draw, drawn_arguments
from evolearn.importing import module_of
from evolearn.rng import SELECTION, life_keys, new_rng
from evolearn.world import MEAN_RETURN_PER_EPISODE, Box, Declaration, Discrete, Signal, WorldError
from evolearn.world_config import WorldPart, WrapperPart, world_part

_PREFIX = "gymnasium:"
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
        module, colon, _ = _id_of(self.part).rpartition(":")
        if colon:
            importlib.import_module(module)
        _creator(_id_of(self.part))
        for place, wrapper in enumerate(self.part.wrappers):
            _wrapper_class(place, wrapper)

    def make(self, drawn: Mapping[str, Any] | None = None) -> Environment:
        """A new environment in its wrappers.

        Args:
            drawn: arguments of the constructor that this life varies.
        """
        environment: Environment = gymnasium.make(
            _id_of(self.part), disable_env_checker=True, **{**self.part.kwargs, **(drawn or {})}
        )
        for place, wrapper in enumerate(self.part.wrappers):
            environment = _wrapper_class(place, wrapper)(environment, **wrapper.kwargs)
        return environment

    def drawn(self, key: Any) -> dict[str, Any]:
        """What the life named by `key` (int64 [4]) is born into: a value, or a factor, per variation."""
        return draw(self.part.vary, key, new_rng())

    def arguments(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the constructor among what was drawn, for `make`."""
        return drawn_arguments(self.part.vary, drawn, self._defaults)

    @functools.cached_property
    def _defaults(self) -> dict[str, Any]:
        return {**_constructor_arguments(_id_of(self.part)), **self.part.kwargs}


def gymnasium_world(environment_id: str, **arguments: Any) -> GymnasiumWorld:
    """Declare a Gymnasium environment as a world.

    Args:
        environment_id: as gymnasium.make takes it: ``CartPole-v1``, or ``module:ID`` to import `module` first.
        arguments: of the environment's constructor: numbers, texts, lists and tables.

    Raises:
        WorldNotFound, SettingRefused, WorldError: see `declare`.
    """
    return declare(WorldPart(name=f"{_PREFIX}{environment_id}", kwargs=arguments))


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
        return dataclasses.replace(
            probe,
            doc=_description(environment, _id_of(part)),
            observations=tuple(Signal(f"observation {i}", "as the environment gives it") for i in range(observations)),
            actions=_actions(part.name, environment.action_space),
        )
    finally:
        environment.close()


def _id_of(part: WorldPart) -> str:
    return part.name.removeprefix(_PREFIX)


def _first_environment(world: GymnasiumWorld) -> Environment:
    """An environment as some life would have it: every setting has been tried."""
    part = world.part
    key = life_keys(0, SELECTION, 0, 1)[0]
    try:
        drawn = world.drawn(key)
        environment = world.make(world.arguments(drawn) if part.vary else None)
        if part.vary:
            _try_variations(environment, part, drawn)
    except (SettingRefused, WorldNotFound, WorldError):
        raise
    except (gymnasium.error.Error, ImportError) as error:
        raise WorldNotFound(f"world {part.name!r}: {error}") from error
    except Exception as error:
        _explain_argument(part, error)
        shown = shortened_traceback(error, is_of_environment)
        raise WorldError(f"world {part.name}: the environment does not start; check its arguments:\n{shown}") from error
    return environment


def _try_variations(environment: Environment, part: WorldPart, drawn: Mapping[str, Any]) -> None:
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


def _wrapper_class(place: int, wrapper: WrapperPart) -> Callable[..., Environment]:
    """What a wrapper's name stands for.

    Raises:
        SettingRefused: there is no such wrapper.
    """
    asked = f"world.wrappers.{place}.name={wrapper.name!r}"
    source, colon, attribute = wrapper.name.rpartition(":")
    forms = "one of gymnasium.wrappers, package.module:Class or path/to/file.py:Class"
    if not colon:
        known = [name for name in gymnasium.wrappers.__all__ if name[0].isupper()]
        if attribute not in known:
            close = nearest(attribute, known)
            meant = f" Did you mean {close}?" if close else ""
            raise SettingRefused(f"{asked}: gymnasium.wrappers has no such wrapper; must be {forms}.{meant}")
        return getattr(gymnasium.wrappers, attribute)
    if not source or not attribute:
        raise SettingRefused(f"{asked}: must be {forms}")
    try:
        module = module_of(asked, source, forms)
    except WorldNotFound as error:
        raise SettingRefused(str(error)) from error
    made = getattr(module, attribute, None)
    if not callable(made):
        classes = [name for name, value in vars(module).items() if inspect.isclass(value)]
        raise SettingRefused(f"{asked}: no class or function {attribute} there.{offer(attribute, classes)}")
    return made


def _explain_argument(part: WorldPart, error: Exception) -> None:
    """Refuse an argument that a constructor does not know, if it was that."""
    found = re.search(r"unexpected keyword argument '(\w+)'", str(error)) if isinstance(error, TypeError) else None
    if found is None:
        return
    name = found.group(1)
    for place, wrapper in enumerate(part.wrappers):
        if name in wrapper.kwargs:
            known = list(_arguments_of(_wrapper_class(place, wrapper)))[1:]
            raise SettingRefused(
                f"world.wrappers.{place}.kwargs.{name}: unknown for {wrapper.name}.{offer(name, known)}"
            ) from error
    known = sorted(_constructor_arguments(_id_of(part)))
    varied = [
        entry
        for entry, variation in part.vary.items()
        if any(f"kwargs.{name}" == path for path in variation.paths(entry))
    ]
    field = f"world.vary.{varied[0]}: argument {name}" if varied else f"world.kwargs.{name}"
    raise SettingRefused(f"{field}: unknown for {part.name}.{offer(name, known)}") from error


def _constructor_arguments(environment_id: str) -> dict[str, Any]:
    """The arguments that an environment's constructor takes, with their defaults; what has none stands as None."""
    spec = gymnasium.spec(environment_id.rpartition(":")[2])
    creator = _creator(environment_id)
    known = _arguments_of(creator) if creator is not None else {}
    return {"max_episode_steps": spec.max_episode_steps, **known, **spec.kwargs}


def _creator(environment_id: str) -> Any:
    """The class or function that makes an environment; its module is imported."""
    entry = gymnasium.spec(environment_id.rpartition(":")[2]).entry_point
    return gymnasium.envs.registration.load_env_creator(entry) if isinstance(entry, str) else entry


def _arguments_of(creator: Any) -> dict[str, Any]:
    """Names of arguments and their defaults, of base classes too as far as arguments are passed on to them."""
    known: dict[str, Any] = {}
    owners = [base for base in inspect.getmro(creator) if "__init__" in vars(base)] if inspect.isclass(creator) else []
    for function in [vars(base)["__init__"] for base in owners] or [creator]:
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):  # of C
            break
        for parameter in parameters[1 if owners else 0 :]:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                default = None if parameter.default is parameter.empty else parameter.default
                known.setdefault(parameter.name, default)
        if not any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters):
            break
    return known


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
