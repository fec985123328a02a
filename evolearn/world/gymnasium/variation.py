"""What of a Gymnasium environment differs from life to life: drawn at birth, and written to where it belongs.

A draw comes from the birth stream of the life's key, at a step of its own that follows from the variation's name: it
is the same whichever other variations there are, and whatever the life does.
"""

from __future__ import annotations

import copy
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.wrappers import OrderEnforcing, TimeLimit

from evolearn.config import CONSTRUCTOR, VariationPart
from evolearn.errors import SettingRefused, nearest
from evolearn.rng import Rng, at_step, integer, normal, open_birth, uniform

Environment = gymnasium.Env[Any, Any]

NEVER = 2**62  # steps
_EPISODE = "max_episode_steps"


def draw(vary: Mapping[str, VariationPart], key: Any, rng: Rng, again: bool = False) -> dict[str, Any]:
    """What a life is born into: a value, or a factor, per variation.

    Args:
        vary: by name.
        key: int64 [4], of the life; or [12], see `evolearn.rng.with_births`.
        rng: overwritten.
        again: draw its second birth.
    """
    values = {}
    numbers = np.asarray(key, np.int64)
    for name, variation in vary.items():
        open_birth(rng, numbers, int(again))
        at_step(rng, 1 + zlib.crc32(name.encode()) % 2**31)  # step 0 seeds the first episode
        values[name] = _value(variation, rng)
    return values


def _value(variation: VariationPart, rng: Rng) -> Any:
    low, high = variation.low, variation.high
    if variation.values is not None:
        return variation.values[integer(rng, 0, len(variation.values))]
    if variation.distribution == "normal":
        assert variation.mean is not None
        assert variation.stdev is not None
        value = variation.mean + variation.stdev * float(normal(rng))
        return min(max(value, -np.inf if low is None else low), np.inf if high is None else high)
    assert low is not None
    assert high is not None
    share = float(uniform(rng))
    if variation.distribution == "log_uniform":
        return float(low * (high / low) ** share)
    return low + (high - low) * share


def drawn_arguments(
    vary: Mapping[str, VariationPart], drawn: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """The constructor's arguments among what was drawn.

    Args:
        vary: by name.
        drawn: see `draw`.
        defaults: of the constructor's arguments.
    Raises:
        SettingRefused: the default is no number that could be multiplied.
    """
    arguments = {}
    for name, variation in vary.items():
        for path in variation.paths(name):
            if not path.startswith(CONSTRUCTOR):
                continue
            argument = path.removeprefix(CONSTRUCTOR)
            value = drawn[name]
            if variation.mode == "times":
                default = defaults.get(argument)
                _check_number(f"world.vary.{name}", path, default)
                value = value * default
            arguments[argument] = value
    return arguments


def check_arguments(vary: Mapping[str, VariationPart], defaults: Mapping[str, Any]) -> None:
    """See that draws for the constructor are of its arguments' kinds; one whose default is None may be of any.

    Args:
        vary: by name.
        defaults: of the constructor's arguments.
    Raises:
        SettingRefused: numbers are drawn for what is none, or texts for a number.
    """
    for name, variation in vary.items():
        for path in variation.paths(name):
            default = defaults.get(path.removeprefix(CONSTRUCTOR)) if path.startswith(CONSTRUCTOR) else None
            if default is not None and variation.mode == "absolute":
                _check_kind(f"world.vary.{name}", path, variation, default)


class Attributes:
    """Attributes of one environment that lives vary, with the values that it was made with."""

    def __init__(self, environment: Environment, vary: Mapping[str, VariationPart]) -> None:
        """Find every attribute.

        Args:
            environment: fresh; it is reset where that makes an attribute that is not there yet.
            vary: by name.
        Raises:
            SettingRefused: there is no such attribute, or it does not fit its distribution.
        """
        self._written: list[tuple[str, _Place, Any]] = []  # variation, where, default to be multiplied
        for name, variation in vary.items():
            for path in variation.paths(name):
                if not path.startswith(CONSTRUCTOR):
                    place = _Place(environment, path)
                    default = _default(name, variation, place)
                    self._written.append((name, place, default if variation.mode == "times" else None))

    def write(self, drawn: Mapping[str, Any]) -> None:
        """Set every attribute as drawn for a life, see `draw`."""
        for name, place, default in self._written:
            place.write(drawn[name] if default is None else drawn[name] * default)


class _Place:
    """A path in an environment or its wrappers, looked up anew each time: a reset may replace what is on the way."""

    def __init__(self, environment: Environment, path: str) -> None:
        self.environment = environment
        self.path = path
        self._steps = tuple(_steps(path))

    def read(self) -> Any:
        """The value there."""
        return _followed(self._layer(), self._steps)

    def write(self, value: Any) -> None:
        """Set it; all entries of an array that the path does not index."""
        *way, last = self._steps
        holder = _followed(self._layer(), way)
        if isinstance(last, tuple):
            holder[last if len(last) > 1 else last[0]] = value
            return
        before = getattr(holder, last)
        if isinstance(before, np.ndarray):
            before[...] = value
        else:
            setattr(holder, last, value)

    def names(self) -> list[str]:
        """Names that a path in this environment may begin with."""
        return [name for layer in layers(self.environment) for name in vars(layer) if not name.startswith("_")]

    def _layer(self) -> Any:
        """The outermost wrapper, or the environment, that has the attribute that the path begins with."""
        first = self._steps[0]
        assert isinstance(first, str)
        for layer in layers(self.environment):
            if hasattr(layer, first):
                return layer
        raise AttributeError(f"neither the environment nor a wrapper has an attribute {first}")


def layers(environment: Environment) -> Iterator[Environment]:
    """Wrappers from the outermost on, and the environment itself."""
    while isinstance(environment, gymnasium.Wrapper):
        yield environment
        environment = environment.env
    yield environment


def without_overseers(environment: Environment) -> tuple[Environment, int]:
    """The environment without the outermost wrappers whose work is done here, and the steps of its episodes.

    gymnasium.make puts them around every environment: one truncates, one makes sure that it is reset first. They take
    up to a tenth of the time of a simple one.
    """
    limit = NEVER
    if type(environment) is TimeLimit:
        limit, environment = int(environment.get_wrapper_attr("_max_episode_steps")), environment.env
    if type(environment) is OrderEnforcing:
        environment = environment.env
    return environment, limit


def _steps(path: str) -> Iterator[str | tuple[int, ...]]:
    """The names and indices of a path: ``opt.gravity[2]`` is opt, gravity, (2,)."""
    for part in path.split("."):
        name, *indices = re.split(r"\[([^]]*)\]", part)
        yield name
        for index in indices[::2]:
            yield tuple(int(number) for number in index.split(","))


def _followed(value: Any, steps: Sequence[str | tuple[int, ...]]) -> Any:
    for step in steps:
        value = getattr(value, step) if isinstance(step, str) else value[step if len(step) > 1 else step[0]]
    return value


def _default(name: str, variation: VariationPart, place: _Place) -> Any:
    """A copy of the value before anything is varied."""
    field = f"world.vary.{name}"
    if place.path.startswith("spec."):
        known = f"{CONSTRUCTOR}{_EPISODE}" if place.path.endswith(_EPISODE) else f"{CONSTRUCTOR}NAME"
        raise SettingRefused(
            f"{field}: {place.path} only describes the environment, and setting it changes nothing; vary an argument "
            f"of the constructor, as {known}"
        )
    try:
        try:
            value = place.read()
        except (AttributeError, TypeError):
            place.environment.reset(seed=0)
            value = place.read()
    except (AttributeError, TypeError, IndexError, KeyError) as error:
        if place.path.endswith(_EPISODE):
            raise SettingRefused(
                f"{field}: there is no {place.path}; the length of episodes is varied as {CONSTRUCTOR}{_EPISODE}"
            ) from error
        likely = nearest(place.path, place.names())
        raise SettingRefused(
            f"{field}: there is no {place.path}: {error}.{f' Did you mean {likely}?' if likely else ''} An argument of "
            f"the constructor is varied as {CONSTRUCTOR}NAME"
        ) from error
    if variation.mode == "times":
        _check_number(field, place.path, value)
    if isinstance(value, np.ndarray | np.generic) and np.issubdtype(value.dtype, np.integer):
        if variation.distribution != "choice" or variation.mode == "times":
            raise SettingRefused(
                f"{field}: {place.path} holds whole numbers, which {variation.distribution} draws would be cut to; set "
                "distribution=choice with whole values and mode=absolute"
            )
    elif callable(value):
        raise SettingRefused(f"{field}: {place.path} is a method; name an attribute that holds a value")
    if variation.mode == "absolute":
        _check_kind(field, place.path, variation, value)
    return copy.deepcopy(value)


def _check_number(field: str, path: str, default: Any) -> None:
    if isinstance(default, bool) or not isinstance(default, int | float | np.number | np.ndarray):
        raise SettingRefused(
            f"{field}: the default of {path} is {default!r}, no number that a draw could multiply; set mode=absolute"
        )


def _check_kind(field: str, path: str, variation: VariationPart, default: Any) -> None:
    """Refuse numbers for what is no number, and texts for what is one."""
    kind = getattr(default, "dtype", np.dtype(object)).kind
    is_truth, is_text = isinstance(default, bool) or kind == "b", isinstance(default, str) or kind == "U"
    is_number = not is_truth and (isinstance(default, int | float) or kind in "iuf")
    if variation.values is None and (is_truth or is_text or default is None):
        raise SettingRefused(
            f"{field}.distribution={variation.distribution}: draws numbers, and the default of {path} is {default!r}; "
            "set distribution=choice with the values that it may have"
        )
    for value in variation.values or ():
        if isinstance(value, str) and is_number:
            raise SettingRefused(
                f"{field}.values: {value!r} is a text, and the default of {path} is the number {default!r}; choose "
                "among numbers"
            )
        if isinstance(value, int | float) and not isinstance(value, bool) and (is_truth or is_text):
            raise SettingRefused(
                f"{field}.values: {value!r} is a number, and the default of {path} is {default!r}; choose among "
                f"{'true and false' if is_truth else 'texts'}"
            )
