"""Configs: what a run is made of, and the only reader of YAML.

Every field states its unit, range and default. A config is checked twice: its own shape here, and against the world
and the search algorithm that it names in `evolearn.assemble`; both raise `ConfigError` with the same kind of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import yaml
from pydantic import Field

from evolearn.errors import UserError, offer


class ConfigError(UserError, ValueError):
    """A config that cannot be run; each line names a field, its value, what is allowed and what to do."""


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


Positive = Annotated[float, Field(gt=0)]
Mode = Literal["evolved", "fixed", "fresh"]


class WorldPart(_Part):
    """Where lives are lived."""

    name: str = Field(description="registered name, package.module:attribute, file.py:attribute or gymnasium:ID")
    parameters: dict[str, float] = Field({}, description="values that differ from the world's defaults")


class BrainPart(_Part):
    """What a brain is made of."""

    trunk: str = Field("mlp", description="kind of trunk")
    hidden: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(
        (24,), min_length=1, max_length=16, description="units per trunk layer"
    )


class LearnerPart(_Part):
    """How a life learns, as far as it does not evolve."""

    name: str = Field("actor_critic", description="kind of learner")
    window: int = Field(20, ge=2, le=4096, description="steps between two learning updates")
    epochs: int = Field(1, ge=1, le=64, description="passes over a window; 1: actor-critic, more: PPO")
    clip: float = Field(0.2, gt=0, le=1, description="PPO: largest change of a probability ratio")
    gradient_norm: Positive = Field(0.5, description="longer gradients are shortened to this")
    first_decay: float = Field(0.9, ge=0, lt=1, description="Adam's first decay")
    second_decay: float = Field(0.999, ge=0, lt=1, description="Adam's second decay")
    epsilon: Positive = Field(1e-5, description="Adam's epsilon")
    plasticity: dict[str, float] = Field(
        {}, description="natural values at the start of evolution that differ from the published defaults"
    )
    learn_from: int = Field(0, ge=0, description="age at which learning starts, steps")
    learn_until: int | None = Field(None, ge=0, description="age at which learning stops, steps; 0: never learns")


class DrivesPart(_Part):
    """What a newborn may want."""

    generic: tuple[str, ...] = Field((), description="generic drives beside fitness and the world's senses")
    weights: dict[str, float] = Field(
        {"fitness": 1.0}, description="drive weights at the start of evolution; 0 for those not named"
    )


class GroupPart(_Part):
    """How one gene group comes into a life."""

    mode: Mode = Field("evolved", description="evolved: searched; fixed: as at the start; fresh: drawn in each life")
    spread: Positive = Field(0.3, description="standard deviation at the start, gene units")


class GenomePart(_Part):
    """What evolution searches."""

    encoding: str = Field("direct", description="how genes become weights")
    weights: GroupPart = GroupPart(spread=0.15)
    drives: GroupPart = GroupPart()
    plasticity: GroupPart = GroupPart()


class SearchPart(_Part):
    """The outer loop."""

    algorithm: str = Field("pgpe", description="pgpe, snes, xnes, cem, cmaes or genetic")
    generations: int = Field(30, ge=1, le=1_000_000, description="generations in a run")
    population: int = Field(64, ge=2, le=1_000_000, description="genomes per generation")
    lives: int = Field(4, ge=1, le=100_000, description="lives per genome and generation")
    selection_lifetime: int = Field(6000, ge=1, le=100_000_000, description="world steps in a life while evolving")
    options: dict[str, Any] = Field({}, description="hyperparameters of the algorithm, by EvoTorch's names")


class EvaluationPart(_Part):
    """How the result is judged."""

    lives: int = Field(128, ge=2, le=100_000, description="validation lives")
    lifetimes: tuple[Annotated[int, Field(ge=1, le=100_000_000)], ...] = Field(
        (20_000,), min_length=1, description="evaluation lifetimes in world steps; all are lived as the longest"
    )
    birth_steps: int = Field(600, ge=1, description="window of the birth score, world steps")
    bin_steps: int = Field(100, ge=1, description="resolution of scores by age, world steps")


class RunConfig(_Part):
    """One evolution run."""

    seed: int = Field(0, ge=0, lt=2**32, description="of everything random in the run")
    world: WorldPart
    brain: BrainPart = BrainPart()
    learner: LearnerPart = LearnerPart()
    drives: DrivesPart = DrivesPart()
    genome: GenomePart = GenomePart()
    search: SearchPart = SearchPart()
    evaluation: EvaluationPart = EvaluationPart()
    checkpoint_every: int = Field(1, ge=1, description="generations between two checkpoints")
    hang_seconds: Positive = Field(
        30.0, description="a life in a compiled world without a finished step for so long is a fault, seconds"
    )

    @pydantic.model_validator(mode="after")
    def _parts_fit(self) -> RunConfig:
        evaluation = self.evaluation
        for name in ("birth_steps", "bin_steps"):
            value = getattr(evaluation, name)
            if value > max(evaluation.lifetimes):
                raise ValueError(
                    f"evaluation.{name}={value}: must be at most the longest of evaluation.lifetimes, "
                    f"{max(evaluation.lifetimes)}"
                )
        if max(evaluation.lifetimes) < 4 * evaluation.bin_steps:
            raise ValueError(
                f"evaluation.lifetimes={list(evaluation.lifetimes)}: the longest must be at least four times "
                f"evaluation.bin_steps, {evaluation.bin_steps}"
            )
        learner = self.learner
        until = self.search.selection_lifetime
        if learner.learn_until is not None:
            until = min(until, learner.learn_until)
        steps = max(0, until - learner.learn_from)
        if learner.learn_until != 0 and steps < learner.window:
            raise ValueError(
                f"learner.window={learner.window}: nothing would ever be learned in the {steps} steps between "
                "learner.learn_from and the end of learning or of a life of search.selection_lifetime; "
                "make the window smaller, or set learner.learn_until=0 for a life without learning"
            )
        for value in (evaluation.birth_steps, *evaluation.lifetimes):
            if value % evaluation.bin_steps:
                name = "birth_steps" if value == evaluation.birth_steps else "lifetimes"
                raise ValueError(
                    f"evaluation.{name}={value}: must be a multiple of evaluation.bin_steps, {evaluation.bin_steps}"
                )
        return self


SHIPPED = "configs"


def shipped_configs() -> dict[str, Path]:
    """Configs that come with evolearn, by name: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    folder = package / SHIPPED if (package / SHIPPED).is_dir() else package.parent / SHIPPED
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_config(name: str) -> Path:
    """The file of a config given by path or by shipped name.

    Raises:
        ConfigError: there is none; names the shipped ones, the nearest first.
    """
    path = Path(name)
    try:
        if path.is_file():
            return path
        if path.is_dir():
            remedy = f"evolearn resume {name} continues it" if (path / "run.json").exists() else "name a file in it"
            raise ConfigError(f"CONFIG={name}: is a directory; {remedy}")
    except OSError as error:
        raise ConfigError(f"CONFIG={name[:80]}: cannot be read: {error.strerror}") from error
    shipped = shipped_configs()
    if name in shipped:
        return shipped[name]
    raise ConfigError(f"CONFIG={name}: no such file, and no config of that name is shipped.{offer(name, shipped)}")


def read_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run's config.

    Args:
        path: a YAML file.
        overrides: ``dotted.key=value``, the value in YAML; applied in order.
    Raises:
        ConfigError: the file does not parse, or a field is unknown, of the wrong type or out of range.
    """
    return check_config(override(read_yaml(path), overrides), str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """Parse a YAML file into a mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start}); is it a config?") from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{path}: is not YAML: {where}: {problem}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold fields (`key: value`), but holds {type(content).__name__}")
    return content


def override(content: dict[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Apply ``dotted.key=value`` overrides to a mapping; the value is YAML. The mapping itself is not changed."""
    result = _copied(content)
    for entry in overrides:
        key, equals, text = entry.partition("=")
        parts = key.split(".")
        if not equals or not all(parts):
            raise ConfigError(f"{entry}: overrides have the form key=value, for example search.population=32")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"{entry}: the value is not YAML: {getattr(error, 'problem', error)}") from error
        if isinstance(value, str):
            value = _number_or_text(value)
        here = result
        for part in parts[:-1]:
            inner = here.setdefault(part, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"{entry}: {part} is a value, not a section")
            here = inner
        here[parts[-1]] = value
    return result


def check_config(content: dict[str, Any], source: str) -> RunConfig:
    """Check a mapping against the schema.

    Raises:
        ConfigError: one line per problem: field, value, what is allowed, what to do.
    """
    try:
        return RunConfig.model_validate(_numbers_repaired(content))
    except pydantic.ValidationError as error:
        lines = [_explain(problem, RunConfig) for problem in error.errors()]
        raise ConfigError("\n".join([f"{source}:", *(f"  {line}" for line in lines)])) from error


def dump_config(config: RunConfig) -> str:
    """The config as YAML, every default filled in; `read_config` reads it back equal."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, default_flow_style=None)


def explain_validation(error: pydantic.ValidationError, model: type[pydantic.BaseModel], prefix: str) -> str:
    """The same kind of text for a model that is checked later, its fields under `prefix`."""
    return "\n".join(f"{prefix}.{_explain(problem, model)}" for problem in error.errors())


def _explain(problem: Any, model: type[pydantic.BaseModel]) -> str:
    place = [part for part in problem["loc"] if part not in ("int", "float")]
    field = ".".join(str(part) for part in place)
    value = problem["input"]
    kind = problem["type"]
    if kind == "extra_forbidden":
        return f"{field}={value!r}: unknown key.{offer(str(place[-1]), _fields_at(model, place[:-1]))}"
    if kind == "missing":
        return f"{field}: missing; this field has no default"
    if kind == "value_error":
        return str(problem["ctx"]["error"])
    return f"{field}={value!r}: {_requirement(problem)}{_hint(model, place)}"


_BOUNDS = ("ge", "le", "min_length", "max_length")


def _requirement(problem: Any) -> str:
    """What pydantic asks for, in the words of this project."""
    context = problem.get("ctx", {})
    requirements = {
        "greater_than_equal": "must be {ge} or more",
        "less_than_equal": "must be {le} or less",
        "too_short": "must have at least {min_length} entry",
        "too_long": "must have at most {max_length} entries",
        "tuple_type": "must be a list, for example [24]",
        "dict_type": "must be a section of fields",
        "model_type": "must be a section of fields",
        "int_parsing": "must be an integer",
        "int_type": "must be an integer",
        "int_from_float": "must be an integer",
        "float_parsing": "must be a number",
        "float_type": "must be a number",
    }
    if problem["type"] in requirements:
        bounds = {name: value for name, value in context.items() if name in _BOUNDS}
        plain = {name: int(value) if value == int(value) else value for name, value in bounds.items()}
        return requirements[problem["type"]].format(**plain)
    return str(problem["msg"]).replace("Input should be", "must be").replace("a valid", "a")


def _fields_at(model: type[pydantic.BaseModel], place: Sequence[Any]) -> list[str]:
    for part in place:
        annotation = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def _hint(model: type[pydantic.BaseModel], place: Sequence[Any]) -> str:
    names = [part for part in place if isinstance(part, str)]
    for part in names[:-1]:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)):
            return ""
        model = annotation
    described = model.model_fields.get(names[-1]) if names else None
    return f" ({described.description})" if described is not None and described.description else ""


def _copied(content: dict[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in content.items()}


def _number_or_text(text: str) -> Any:
    """YAML 1.1 reads 1e-3 as text; everybody who writes it means a number."""
    try:
        return float(text)
    except ValueError:
        return text


def _numbers_repaired(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _numbers_repaired(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_numbers_repaired(value) for value in content]
    return _number_or_text(content) if isinstance(content, str) and content[:1] in "+-.0123456789" else content
