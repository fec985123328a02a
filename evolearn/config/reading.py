"""Reading configs: the only reader of YAML, and the texts of what can be wrong in it.

Every model of a config derives from `Part`. A file is parsed by `read_yaml`, changed by `override`, checked by
`check_model`; what is wrong comes out as one line per problem: field, value, what is allowed, what to do.
"""

from __future__ import annotations

import copy
import hashlib
import re
import types as python_types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic
from pydantic_core import PydanticKnownError

from evolearn.config.plain_yaml import DEEPEST, MOST_CHARACTERS, YamlError, dump_yaml, parse_yaml
from evolearn.errors import UserError, offer
from evolearn.files import FileUnfit, read_text


class ConfigError(UserError, ValueError):
    """A config that cannot be run; each line names a field, its value, what is allowed and what to do."""


class Part(pydantic.BaseModel):
    """A section of a config: unknown keys are refused, values do not change."""

    model_config = pydantic.ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",  # arguments of an environment may be infinite, and would become null
    )

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: pydantic.ValidationInfo) -> Any:
        """Pydantic takes true for 1."""
        if _holds_truth(value):
            kinds = _kinds(cls.model_fields[str(info.field_name)].annotation)
            if kinds & {int, float} and not kinds & {bool, Any}:
                raise PydanticKnownError("int_type" if int in kinds else "float_type")
        return value


def _felt(value: float) -> float:
    if 0 < value < _SMALLEST:
        raise PydanticKnownError("greater_than_equal", {"ge": _SMALLEST})
    return value


_SMALLEST = 1e-12
# A number that is none of nothing in float32, in which lives and searches compute, and whose square is no infinity.
Positive = Annotated[float, pydantic.Field(gt=0, le=1e9), pydantic.AfterValidator(_felt)]

Model = TypeVar("Model", bound=Part)


SHIPPED = "configs"
STUDIES = "studies"


def shipped_configs(folder: str = "") -> dict[str, Path]:
    """Configs that come with evolearn, by name: inside the installed package, or beside it in a checkout.

    Args:
        folder: below `configs`: none for runs, STUDIES for studies. A study's name is its path below that folder.
    """
    package = Path(__file__).parents[1]
    root = package / SHIPPED if (package / SHIPPED).is_dir() else package.parent / SHIPPED
    found = sorted((root / folder).rglob("*.yaml") if folder else root.glob("*.yaml"))
    return {path.relative_to(root / folder).with_suffix("").as_posix(): path for path in found}


def find_config(name: str, folder: str = "") -> Path:
    """The file of a config given by path or by shipped name.

    Args:
        name: as a user gives it.
        folder: see `shipped_configs`.
    Raises:
        ConfigError: there is none; names the shipped ones, the nearest first.
    """
    path = Path(name)
    shipped = shipped_configs(folder)
    try:
        if path.is_file():
            return path
        if path.is_dir() and name not in shipped:
            resumable = any((path / label).exists() for label in ("run.json", "study.json"))
            remedy = f"evolearn resume {name} continues it" if resumable else "name a file in it"
            raise ConfigError(f"CONFIG={name}: is a directory; {remedy}")
        if name not in shipped and path.exists():
            raise ConfigError(f"CONFIG={name}: is not a regular file")
    except OSError as error:
        raise ConfigError(f"CONFIG={name[:80]}: cannot be read: {error.strerror}") from error
    if name in shipped:
        return shipped[name]
    if name in shipped_configs("" if folder else STUDIES):
        is_a, command = ("run", "run") if folder else ("study", "study")
        raise ConfigError(f"CONFIG={name}: is a {is_a}; evolearn {command} {name}")
    known = offer(name, shipped)
    if re.fullmatch(r"[\w/-]+-v\d+", name) and not folder:
        known = _offer_environment(name, shipped)
    raise ConfigError(f"CONFIG={name}: no such file, and no config of that name is shipped.{known}")


def _offer_environment(name: str, shipped: Mapping[str, Path]) -> str:
    """What to say after the name of a Gymnasium environment, where a config is wanted."""
    world = f"gymnasium:{name}"
    configs = [
        f"evolearn run {config}" for config, path in shipped.items() if read_yaml(path)["world"]["name"] == world
    ]
    suited = f"evolearn run {world} takes settings suited to any environment"
    chosen = f"{' and '.join(configs)} has settings chosen for it, " if configs else ""
    return f" As a Gymnasium environment: {chosen}{suited}"


def read_yaml(path: Path) -> dict[str, Any]:
    """Parse a YAML file into a mapping."""
    try:
        return yaml_fields(read_text(path, "put it there, or give another path", most=4 * MOST_CHARACTERS), path)
    except FileUnfit as error:
        raise ConfigError(str(error)) from error


def yaml_fields(text: str, path: Path) -> dict[str, Any]:
    """The mapping that a text in YAML holds.

    Args:
        text: what is in the file.
        path: of the file, for the error.
    Raises:
        ConfigError: it is not YAML as `evolearn.config.plain_yaml` takes it, or holds something else.
    """
    try:
        content = parse_yaml(text)
    except YamlError as error:
        raise ConfigError(f"{path}: is not YAML: {error}") from error
    if not isinstance(content, dict):
        held = "nothing" if content is None else _WORDS.get(type(content), "a number")
        raise ConfigError(f"{path}: must hold fields (`key: value`), but holds {held}")
    return content


_WORDS = {list: "a list", str: "a text", bool: "a truth value"}


def override(content: dict[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Apply ``dotted.key=value`` overrides to a mapping; the value is YAML. The mapping itself is not changed."""
    result = copy.deepcopy(content)
    for entry in overrides:
        key, equals, text = entry.partition("=")
        parts = key.split(".")
        if not equals or not all(parts):
            raise ConfigError(f"{entry}: overrides have the form key=value, for example search.population=32")
        try:
            value = parse_yaml(text)
        except YamlError as error:
            raise ConfigError(f"{entry}: the value is not YAML: {error}") from error
        set_dotted(result, parts, value, entry)
    return result


def dotted(settings: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Settings with sections inside them by dotted key; an empty section stays one, and lists stay whole.

    >>> dotted({"search": {"lives": 2}, "genome": {}, "seed": 0})
    {'search.lives': 2, 'genome': {}, 'seed': 0}
    """
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        inner = isinstance(value, Mapping) and value
        flat |= dotted(value, f"{before}{key}.") if inner else {f"{before}{key}": value}
    return flat


def set_dotted(content: dict[str, Any], parts: Sequence[str], value: Any, entry: str) -> None:
    """Set a field given by the parts of its dotted key, in place; `entry` names it in errors."""
    for part in parts[:-1]:
        inner = content.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{entry}: {part} is a value, not a section")
        content = inner
    content[parts[-1]] = value


def check_model(model: type[Model], content: Mapping[str, Any], source: str) -> Model:
    """Check a mapping against a model of a config.

    Raises:
        ConfigError: one line per problem, under the name of `source`.
    """
    try:
        _check_texts(content, ())
        return model.model_validate(content)
    except _Unreadable as error:
        raise ConfigError(f"{source}:\n  {error}") from error
    except pydantic.ValidationError as error:
        raise ConfigError("\n".join([f"{source}:", *(f"  {line}" for line in _explained(error, model))])) from error


def dump_config(config: Part) -> str:
    """The config as YAML, every default filled in; read back, it is equal."""
    return dump_yaml(config.model_dump(mode="json"), default_flow_style=None)


def config_sha256(config: Part) -> str:
    """SHA-256 of a resolved config as it is written, hexadecimal."""
    return hashlib.sha256(dump_config(config).encode()).hexdigest()


def explain_validation(error: pydantic.ValidationError, model: type[pydantic.BaseModel], prefix: str) -> str:
    """The same kind of text for a model that is checked later, its fields under `prefix`."""
    return "\n".join(f"{prefix}.{line}" for line in _explained(error, model))


_MOST_LINES = 20


def _explained(error: pydantic.ValidationError, model: type[pydantic.BaseModel]) -> list[str]:
    """A line for each of the first few problems."""
    found = error.errors()
    places = {problem["loc"][:-1] for problem in found}
    # Of a list with unfit entries pydantic also says that it has too few.
    told = [problem for problem in found if problem["type"] != "too_short" or problem["loc"] not in places]
    lines = [_explain(problem, model) for problem in told[:_MOST_LINES]]
    return lines + ([f"and {len(told) - _MOST_LINES} more"] if len(told) > _MOST_LINES else [])


def shown(value: Any) -> str:
    """A value as an error shows it, however long it is."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits
        return "(a number too long to be shown)" if isinstance(value, int) else "(too much to be shown)"
    return text if len(text) <= 200 else f"{text[:160]}... ({len(text):,} characters)"


def _holds_truth(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return isinstance(value, bool) or any(isinstance(entry, bool) for entry in inner)


def _kinds(annotation: Any) -> set[Any]:
    """What an annotation is made of: {int, NoneType} of `int | None`."""
    inner = typing.get_args(annotation)
    return set().union(*map(_kinds, inner)) if inner else {annotation}


def _explain(problem: Any, model: type[pydantic.BaseModel]) -> str:
    place = [part for part in problem["loc"] if part not in ("int", "float")]
    field = ".".join(str(part) for part in place)
    value = problem["input"]
    kind = problem["type"]
    if kind == "extra_forbidden":
        return f"{field}={shown(value)}: unknown key.{offer(str(place[-1]), _fields_at(model, place[:-1]))}"
    if kind == "missing":
        return f"{field}: missing; this field has no default"
    if kind == "value_error":
        said = str(problem["ctx"]["error"])
        # One of several parts with names of their own does not know its own.
        return f"{field}.{said}" if _is_named(model, place) else said
    return f"{field}={shown(value)}: {_requirement(problem)}{_hint(model, place)}"


def _is_named(model: type[pydantic.BaseModel], place: list[Any]) -> bool:
    """Whether a place is that of a whole part in a section whose keys are names, such as define.mine."""
    return len(place) == 2 and typing.get_origin(model.model_fields[place[0]].annotation) is dict


_BOUNDS = ("ge", "le", "min_length", "max_length")


def _requirement(problem: Any) -> str:
    """What pydantic asks for, in the words of this project."""
    context = problem.get("ctx", {})
    requirements = {
        "greater_than_equal": "must be {ge} or more",
        "less_than_equal": "must be {le} or less",
        "too_short": "must have at least {min_length} {entries}",
        "too_long": "must have at most {max_length} entries",
        "tuple_type": "must be a list, for example [24]",
        "dict_type": "must be a section of fields",
        "model_type": "must be a section of fields",
        "int_parsing": "must be an integer",
        "int_parsing_size": "must be an integer that is not so large",
        "int_type": "must be an integer",
        "int_from_float": "must be an integer",
        "float_parsing": "must be a number",
        "float_type": "must be a number",
    }
    if problem["type"] in requirements:
        bounds = {name: value for name, value in context.items() if name in _BOUNDS}
        entries = "entry" if context.get("min_length") == 1 else "entries"
        plain = {
            name: int(value) if value == int(value) and abs(value) < 1e15 else value for name, value in bounds.items()
        }
        return requirements[problem["type"]].format(**plain, entries=entries)
    return str(problem["msg"]).replace("Input should be", "must be").replace("a valid", "a")


def _model_at(model: type[pydantic.BaseModel], place: Sequence[Any]) -> type[pydantic.BaseModel] | None:
    """The section at a place: numbers are places in a list, and a mapping of sections has names of its own."""
    here: Any = model
    for part in place:
        if isinstance(here, type) and issubclass(here, pydantic.BaseModel):
            here = here.model_fields[str(part)].annotation if str(part) in here.model_fields else None
        else:
            # dict[str, Section], tuple[Section, ...], Section | None
            inside = [entry for entry in typing.get_args(here) if isinstance(entry, type)]
            here = next((entry for entry in inside if issubclass(entry, pydantic.BaseModel)), None)
    if isinstance(here, python_types.UnionType):  # Section | None
        inside = [entry for entry in typing.get_args(here) if isinstance(entry, type)]
        here = next((entry for entry in inside if issubclass(entry, pydantic.BaseModel)), None)
    return here if isinstance(here, type) and issubclass(here, pydantic.BaseModel) else None


def _fields_at(model: type[pydantic.BaseModel], place: Sequence[Any]) -> list[str]:
    section = _model_at(model, place)
    return list(section.model_fields) if section else []


def _hint(model: type[pydantic.BaseModel], place: Sequence[Any]) -> str:
    place = list(place)
    while place and isinstance(place[-1], int):
        place.pop()
    section = _model_at(model, place[:-1]) if place else None
    described = section.model_fields.get(str(place[-1])) if section else None
    return f" ({described.description})" if described is not None and described.description else ""


_LONGEST_TEXT = 1 << 16  # characters of a value
_LONGEST_NAME = 1000  # characters of a key


class _Unreadable(ValueError):
    """A value that no field takes; begins with its place."""


def _check_texts(content: Any, place: tuple[str, ...]) -> None:
    """Refuse what is nested too deeply, keys that are no texts, and texts that are none or are too long."""
    if len(place) > DEEPEST:
        raise _Unreadable(f"{'.'.join(place)[:100]}...: nested more than {DEEPEST} deep")
    if isinstance(content, Mapping):
        for key, value in content.items():
            if problem := _no_text(key, _LONGEST_NAME):
                raise _Unreadable(f"{'.'.join(place) or 'config'}: key {shown(key)} {problem}")
            _check_texts(value, (*place, key))
    elif isinstance(content, list | tuple):
        for number, value in enumerate(content):
            _check_texts(value, (*place, str(number)))
    elif isinstance(content, str) and (problem := _no_text(content, _LONGEST_TEXT)):
        raise _Unreadable(f"{'.'.join(place)}={shown(content)}: {problem}")


def _no_text(text: Any, most: int) -> str:
    """What is wrong with a text; empty: nothing."""
    if not isinstance(text, str):
        return f'must be a text; write "{text}" in quotes, or give a list'
    if len(text) > most:
        return f"has {len(text):,} characters, must have at most {most:,}"
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return "must be text, without zero bytes and halves of characters"
    return ""
