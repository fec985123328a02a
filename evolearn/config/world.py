"""The section `world` of a config: which world, and what a Gymnasium environment is made with and varied in."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from evolearn.config.reading import ConfigError, Part, check_model
from evolearn.files import parse_json

# Settings that other worlds have not.
OF_GYMNASIUM = ("kwargs", "wrappers", "vary", "termination_is_death", "able", "check", "instances", "fresh")
CONSTRUCTOR = "kwargs."  # begins the path of what is an argument of the constructor
_NEEDED = {
    "uniform": ("low", "high"),
    "log_uniform": ("low", "high"),
    "normal": ("mean", "stdev"),
    "choice": ("values",),
}
_ALLOWED = {**_NEEDED, "normal": ("mean", "stdev", "low", "high")}
_STEP = r"[A-Za-z_]\w*(\[-?\d+(, *-?\d+)*\])*"
_PATH = re.compile(rf"{_STEP}(\.{_STEP})*", re.ASCII)


def _or_its_name(schema: dict[str, Any]) -> None:
    """What editors are told of a wrapper: its name alone will do."""
    section = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string"}, section]


class WrapperPart(Part):
    """A wrapper around a Gymnasium environment."""

    model_config = ConfigDict(json_schema_extra=_or_its_name)

    name: str = Field(description="of gymnasium.wrappers, package.module:Class or path/to/file.py:Class")
    kwargs: dict[str, Any] = Field({}, description="arguments of its constructor, after the environment")


class VariationPart(Part):
    """Something of a Gymnasium environment that is drawn at birth and holds for a life."""

    distribution: Literal["uniform", "log_uniform", "normal", "choice"]
    low: float | None = Field(None, description="uniform, log_uniform: smallest value; normal: values below become it")
    high: float | None = Field(None, description="uniform, log_uniform: largest value; normal: values above become it")
    mean: float | None = Field(None, description="normal: mean")
    stdev: float | None = Field(None, description="normal: standard deviation")
    values: tuple[Any, ...] | None = Field(None, description="choice: what is chosen from, all equally likely")
    mode: Literal["absolute", "times"] = Field("absolute", description="times: the draw multiplies the default")
    sets: tuple[str, ...] = Field(
        (), description="paths of all that is set to the draw, or multiplied by it; none: the variation's own name"
    )

    def paths(self, name: str) -> tuple[str, ...]:
        """What a draw is written to: attribute paths, and arguments of the constructor as ``kwargs.NAME``."""
        return self.sets or (name,)


class WorldPart(Part):
    """Where lives are lived."""

    name: str = Field(
        min_length=1,
        max_length=1000,
        description="registered name, package.module:attribute, file.py:attribute or gymnasium:ID",
    )
    parameters: dict[str, float] = Field({}, description="values that differ from the world's defaults")
    set: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="births from which all lives are born that select genomes; null: every life has a birth of its own",
    )
    switch_at: int | None = Field(
        None,
        ge=1,
        le=100_000_000,
        description="age at which the world is born a second time, steps; the brain goes on; null: never",
    )
    kwargs: dict[str, Any] = Field({}, description="Gymnasium: arguments of the environment's constructor")
    wrappers: tuple[WrapperPart, ...] = Field(
        (), max_length=100, description="Gymnasium: put around the environment, in this order"
    )
    vary: dict[str, VariationPart] = Field({}, description="Gymnasium: what is drawn at birth and holds for a life")
    termination_is_death: bool | None = Field(
        None, description="Gymnasium: whether a terminated episode is a death; none: as the environment says, or not"
    )
    able: str | None = Field(None, description="Gymnasium: one word for what a newborn does that has mastered the task")
    check: bool = Field(
        True,
        description="Gymnasium: whether its environment checker goes first, and lives in used environments are "
        "compared with the same in fresh ones",
    )
    instances: int | None = Field(
        None, ge=1, description="Gymnasium: environments that may exist at once, on one machine; none: as many as suit"
    )
    fresh: bool = Field(
        False, description="Gymnasium: whether every life gets a new environment, for those that keep something"
    )

    @field_validator("wrappers", mode="before")
    @classmethod
    def _named(cls, wrappers: Any) -> Any:
        """A wrapper without arguments may be given by its name alone."""
        if not isinstance(wrappers, list | tuple):
            return wrappers
        return [{"name": wrapper} if isinstance(wrapper, str) else wrapper for wrapper in wrappers]

    @field_validator("name")
    @classmethod
    def _alone(cls, name: str) -> str:
        if "{" in name:
            raise ValueError(
                f"world.name={name!r}: must be a name alone, without {{; settings stand in fields of their own, such "
                "as world.kwargs"
            )
        return name

    @model_validator(mode="after")
    def _variations_fit(self) -> WorldPart:
        if "disable_env_checker" in self.kwargs:
            raise ValueError("world.kwargs.disable_env_checker: is not for here; set world.check=false")
        for name, variation in self.vary.items():
            problem = _problem(variation) or _misplaced(name, variation)
            if problem:
                raise ValueError(f"world.vary.{name}{problem}")
        _check_places(self.vary)
        return self

    @property
    def full_name(self) -> str:
        """Name and settings in one text that `evolearn.world.find.find_world` takes: what workers are told.

        The same for equal settings in any order.
        """
        content = self.model_dump(include=set(OF_GYMNASIUM), exclude_defaults=True)
        if not content:
            return self.name
        try:
            return self.name + json.dumps(content, sort_keys=True, separators=(",", ":"))
        except TypeError as error:
            raise ValueError(
                f"world {self.name}: {error}: settings must be numbers, texts, lists and tables"
            ) from error


def world_part(full_name: str) -> WorldPart:
    """The section that has this full name, see `WorldPart.full_name`.

    Raises:
        ValueError: the settings are not a table of settings as JSON.
    """
    name, brace, content = full_name.partition("{")
    try:
        settings = parse_json(brace + content) if brace else {}
    except ValueError as error:
        raise ValueError(f"its settings are not JSON: {error}") from error
    try:
        return check_model(WorldPart, {**settings, "name": name}, "world")
    except ConfigError as error:
        raise ValueError(f"its settings do not fit: {error}") from error


def _problem(variation: VariationPart) -> str:
    """What is wrong with the numbers of a variation, from the field's name on; empty: nothing."""
    kind = variation.distribution
    given = [name for name in ("low", "high", "mean", "stdev", "values") if getattr(variation, name) is not None]
    for name in _NEEDED[kind]:
        if name not in given:
            return f".{name}: missing; distribution {kind} needs {' and '.join(_NEEDED[kind])}"
    for name in given:
        if name not in _ALLOWED[kind]:
            return (
                f".{name}={getattr(variation, name)!r}: distribution {kind} takes {' and '.join(_ALLOWED[kind])}; "
                f"leave {name} out, or choose another distribution"
            )
    low, high, stdev = variation.low, variation.high, variation.stdev
    if low is not None and high is not None and low > high:
        return f".low={low:g}: must be at most high, {high:g}; exchange the two"
    if kind == "log_uniform" and low is not None and low <= 0:
        return f".low={low:g}: must be above 0 for distribution log_uniform; take uniform, or a larger low"
    if stdev is not None and stdev < 0:
        return f".stdev={stdev:g}: must be 0 or more"
    if variation.values is not None:
        return _wrong_values(variation.values, variation.mode)
    return ""


def _wrong_values(values: tuple[Any, ...], mode: str) -> str:
    if not values:
        return ".values=[]: must have at least one entry"
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and not math.isfinite(value):
            return f".values: {value}: must be finite"
        if mode == "times" and not is_number:
            return f".values: {value!r}: must be a number with mode times; set mode=absolute"
    return ""


def _misplaced(name: str, variation: VariationPart) -> str:
    for path in variation.paths(name):
        if not _PATH.fullmatch(path):
            field = f".sets: {path!r}" if variation.sets else ""
            return (
                f"{field}: must be a path like length, model.opt.gravity[2] or {CONSTRUCTOR}NAME; a name of another "
                "form needs paths in sets"
            )
        if path.startswith(CONSTRUCTOR) and not path.removeprefix(CONSTRUCTOR).isidentifier():
            return f": {path!r}: must be {CONSTRUCTOR}NAME, an argument of the constructor as a whole"
    return ""


def _check_places(vary: dict[str, VariationPart]) -> None:
    """Refuse two draws for one place, or for a whole and a part of it: one would be lost."""
    places = [(name, path) for name, variation in vary.items() for path in variation.paths(name)]
    for (name, path), (other, earlier) in ((one, two) for i, one in enumerate(places) for two in places[:i]):
        steps, before = (re.findall(r"\w+|-\d+", text) for text in (path, earlier))
        shared = min(len(steps), len(before))
        if steps[:shared] == before[:shared]:
            where = f"world.vary.{name}.sets" if vary[name].sets else f"world.vary.{name}"
            raise ValueError(
                f"{where}: {path} is written by world.vary.{other} already, as {earlier}; leave one of the two out"
            )
