"""How a Gymnasium environment is made: its constructor, its wrappers, and what to say of arguments that do not fit."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.wrappers import vector

from evolearn.config import WorldPart, WrapperPart
from evolearn.errors import SettingRefused, WorldNotFound, nearest, offer, shortened_traceback
from evolearn.plugins import is_file, module_of
from evolearn.world.gymnasium.variation import Environment, layers
from evolearn.world.names import GYMNASIUM

SECONDS_TO_CLOSE = 5.0  # that an environment has, where it can be given up
_FORMS = "gymnasium:ID or gymnasium:package.module:ID"
_REMEMBERING = (
    gymnasium.wrappers.NormalizeObservation,
    gymnasium.wrappers.NormalizeReward,
    vector.NormalizeObservation,
    vector.NormalizeReward,
)


def id_of(part: WorldPart) -> str:
    """The environment's id as gymnasium.make takes it: ``ID`` or ``module:ID``."""
    return part.name.removeprefix(GYMNASIUM)


def import_registering(part: WorldPart) -> None:
    """Import the module that registers an environment, if its name has one.

    Raises:
        WorldNotFound: there is no such module, or it does not import.
    """
    module, colon, _ = id_of(part).rpartition(":")
    if not colon:
        return
    asked = f"world {part.name!r}"
    if is_file(module):
        raise WorldNotFound(f"{asked}: {module} is a file; must be {_FORMS}, started in the folder where the module is")
    module_of(asked, module, _FORMS, "start evolearn in the folder where it is")


def make_environment(part: WorldPart, drawn: Mapping[str, Any]) -> Environment:
    """A new environment in its wrappers.

    Args:
        part: what it is, and what it is made with.
        drawn: arguments of the constructor that this life varies.
    Raises:
        WorldNotFound: see `import_registering`.
        SettingRefused: a wrapper does not fit, or keeps something from life to life.
        Exception: whatever the constructor raises.
    """
    import_registering(part)
    _refuse_unversioned(part)
    environment: Environment = gymnasium.make(id_of(part), disable_env_checker=True, **{**part.kwargs, **drawn})
    try:
        _refuse_remembering(f"world.name={part.name!r}", environment)
        for place, wrapper in enumerate(part.wrappers):
            environment = _wrapped(environment, place, wrapper)
    except BaseException:
        close_quietly(environment)
        raise
    return environment


def close_quietly(environment: Environment) -> str:
    """Close an environment. What it raises, which harms no life that is over, is only told; empty: it did not raise."""
    try:
        environment.close()
    except BaseException as error:  # sys.exit among them
        return f"{type(error).__name__}: {error}"
    return ""


def _refuse_unversioned(part: WorldPart) -> None:
    """Refuse an id that leaves its version to what is installed: a config is to mean the same next year."""
    name = id_of(part).rpartition(":")[2]
    if name in gymnasium.registry:
        return
    try:
        namespace, plain, version = gymnasium.envs.registration.parse_env_id(name)
    except gymnasium.error.Error:
        return  # gymnasium.make says more of it
    latest = gymnasium.envs.registration.find_highest_version(namespace, plain) if version is None else None
    if latest is not None:
        raise WorldNotFound(
            f"world {part.name!r}: names no version, and what it means would change with the next one; write "
            f"{part.name}-v{latest}"
        )


def _wrapped(environment: Environment, place: int, wrapper: WrapperPart) -> Environment:
    wrap = wrapper_class(place, wrapper)
    field = f"world.wrappers.{place}"
    try:
        result = wrap(environment, **_with_tuples(wrapper.kwargs))
    except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
        raise _lacks(f"{field}.name={wrapper.name!r}", error) from error
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        known = list(arguments_of(wrap))[1:]
        name = unexpected_argument(error)
        if name in wrapper.kwargs:
            raise SettingRefused(f"{field}.kwargs.{name}: unknown for {wrapper.name}.{offer(name, known)}") from error
        raise SettingRefused(
            f"{field} ({wrapper.name}, kwargs={wrapper.kwargs}): cannot be put around the environment; correct its "
            f"kwargs (known: {', '.join(known) or '(none)'}), or the wrapper:\n"
            f"{shortened_traceback(error, is_of_environment)}"
        ) from error
    if not isinstance(result, gymnasium.Env):
        came = "None" if result is None else f"a {type(result).__name__}"
        raise SettingRefused(
            f"{field}.name={wrapper.name!r}: returned {came}, which is no gymnasium.Env; name a "
            "class derived from gymnasium.Wrapper, or a function that returns the wrapped environment"
        )
    _refuse_remembering(f"{field}.name={wrapper.name!r}", result)
    return result


def _with_tuples(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The same with tuples for lists: YAML has no tuples, and wrappers of Gymnasium insist on them for shapes."""

    def given(value: Any) -> Any:
        return tuple(map(given, value)) if isinstance(value, list) else value

    return {name: given(value) for name, value in kwargs.items()}


def _refuse_remembering(field: str, environment: Environment) -> None:
    for layer in layers(environment):
        if isinstance(layer, _REMEMBERING):
            raise _remembering(field, type(layer))


def _remembering(field: str, kind: type) -> SettingRefused:
    return SettingRefused(
        f"{field}: {kind.__name__} goes on with its running mean and variance from life to life, so that results would "
        "depend on which lives an environment was used for before, and on the number of workers; scale by fixed "
        "numbers (gymnasium.wrappers.TransformObservation or TransformReward in a function of yours)"
    )


def wrapper_class(place: int, wrapper: WrapperPart) -> Callable[..., Environment]:
    """What a wrapper's name stands for.

    Raises:
        SettingRefused: there is no such wrapper, or it keeps something from life to life.
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
        try:
            return _no_remembering(asked, getattr(gymnasium.wrappers, attribute))
        except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
            raise _lacks(asked, error) from error
    if not source or not attribute:
        raise SettingRefused(f"{asked}: must be {forms}")
    try:
        module = module_of(asked, source, forms)
    except WorldNotFound as error:
        raise SettingRefused(str(error)) from error
    found = getattr(module, attribute, None)
    if not callable(found):
        classes = [name for name, value in vars(module).items() if inspect.isclass(value)]
        raise SettingRefused(f"{asked}: no class or function {attribute} there.{offer(attribute, classes)}")
    return _no_remembering(asked, found)


def _no_remembering(asked: str, wrap: Any) -> Callable[..., Environment]:
    if inspect.isclass(wrap) and issubclass(wrap, _REMEMBERING):
        raise _remembering(asked, wrap)
    return wrap


def _lacks(field: str, error: Exception) -> SettingRefused:
    return SettingRefused(f"{field}: the wrapper needs what is not installed: {error}; install it, or leave it out")


def unexpected_argument(error: BaseException) -> str:
    """The argument that a constructor does not know, if that is what it raised; else an empty text."""
    found = re.search(r"unexpected keyword argument '(\w+)'", str(error)) if isinstance(error, TypeError) else None
    return found.group(1) if found else ""


def constructor_arguments(environment_id: str) -> dict[str, Any]:
    """The arguments that an environment's constructor takes, with their defaults; what has none stands as None."""
    spec = gymnasium.spec(environment_id.rpartition(":")[2])
    creator = creator_of(environment_id)
    known = arguments_of(creator) if creator is not None else {}
    return {"max_episode_steps": spec.max_episode_steps, **known, **spec.kwargs}


def creator_of(environment_id: str) -> Any:
    """The class or function that makes an environment; its module is imported."""
    entry = gymnasium.spec(environment_id.rpartition(":")[2]).entry_point
    return gymnasium.envs.registration.load_env_creator(entry) if isinstance(entry, str) else entry


def arguments_of(creator: Any) -> dict[str, Any]:
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


_OURS = Path(__file__).parents[2]
_GYMNASIUM = Path(gymnasium.__file__).parent


def is_of_environment(file: str) -> bool:
    """Whether an error's frame in `file` tells of the environment, not of what called it."""
    path = Path(file)
    if _GYMNASIUM in path.parents:
        return _GYMNASIUM / "envs" in path.parents and path.name != "registration.py"
    return not is_own_file(file)


def is_own_file(file: str) -> bool:
    """Whether `file` is a room of this package."""
    return _OURS in Path(file).parents
