"""The config of a study: which arms, under which conditions, how often, and what is to be compared.

Everything that a verdict rests on is fixed here before the first run: the primary contrast and its metric, the margins
of equivalence, the threshold. The hash of the resolved config is written down with the study.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from evolearn.config import (
    STUDIES,
    ConfigError,
    Layer,
    Part,
    RunConfig,
    check_model,
    layers_of,
    merged,
    override,
    set_dotted,
)
from evolearn.run import ARMS, ArmPart
from evolearn.study._problems import problems, seen_problems
from evolearn.study.bands.measures import StudyFacts, check_bands
from evolearn.study.bands.parts import ReplicationPart
from evolearn.study.tuned import resolve_tuned
from evolearn.verdict import OPTIONAL, SEEN, Look, spent_evenly

USUAL_METRICS = ("birth", "catch_up", "threshold", "ceiling", "gain", "total", "transfer_ratio")  # of a contrast

Share = Annotated[float, Field(gt=0, le=1)]


class ContrastPart(Part):
    """One arm against another, in one metric."""

    arm: str = Field(description="the arm that is claimed to differ")
    against: str = Field(description="the arm that it is compared with")
    metric: str = Field("head_start", description="see `evolearn.verdict.metrics.METRICS`")


class ContrastsPart(Part):
    """One arm against another, in several metrics."""

    arm: str
    against: str
    metrics: tuple[str, ...] = Field(USUAL_METRICS, min_length=1, description="see `evolearn.verdict.metrics.METRICS`")


class ConditionPart(Part):
    """One setting of the dial."""

    name: str = Field(min_length=1, max_length=60, description="unique in the study")
    set: dict[str, Any] = Field({}, description="dotted keys of the run that differ here")
    settings: dict[str, dict[str, Any]] = Field(
        {}, description="by arm, dotted keys that differ in its evolution here; they win over the arm's own settings"
    )
    evolved_in: str | None = Field(None, description="condition whose DNA is judged here; none: evolve here")
    primary: ContrastPart | None = Field(None, description="of this condition, if it is not the study's")

    @property
    def folder(self) -> str:
        """Its name as that of a folder."""
        return slug(self.name)

    @model_serializer(mode="wrap")
    def _without_what_is_not_said(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As a condition was written before arms had settings under one, where none has any."""
        content: dict[str, Any] = write(self)
        if not self.settings:
            content.pop("settings", None)
        return content


class ThresholdPart(Part):
    """The score that counts as having learned the task."""

    share: Share = Field(0.9, description="of the way from the random arm's birth score to the scale's top")
    of: Literal["oracle", "best"] = Field(
        "oracle", description="top of the scale: the oracle or the best arm's ceiling"
    )


class ConvergencePart(Part):
    """When a search counts as still climbing, and which of its runs as stuck."""

    tolerance: float = Field(
        0.02,
        gt=0,
        le=1000,
        description="runs climb, each or all, if the last quarter surely gained more, of the way from random to oracle",
    )
    stuck_share: Share = Field(
        0.25, description="a run that ended further below the arm's best one is stuck, of the way from random to oracle"
    )
    double_budget: bool = Field(False, description="evolve the primary contrast's arms again, twice as long")


class ReplayPart(Part):
    """The lives that the page replays."""

    arms: tuple[str, ...] = Field((), max_length=2, description="two arms, side by side; none: the primary contrast's")
    steps: int = Field(
        1800,
        ge=10,
        le=20_000,
        description="world steps of a life: half from birth on, the others at a tenth, in the middle and at the end",
    )
    runs: int = Field(3, ge=1, le=1000, description="evolution runs whose newborns live it, the first ones")


class StudyConfig(Part):
    """Conditions x arms x evolution runs."""

    title: str = Field("", max_length=200)
    seed: int = Field(0, ge=0, lt=2**32, description="of everything random in the study")
    runs: int = Field(10, ge=1, le=1000, description="independent evolution runs per arm and condition")
    looks: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        (),
        max_length=1000,
        description="numbers of runs at which conditions are judged, each until it is decided, the last of them runs; "
        "none: once, at runs",
    )
    look_levels: tuple[Share, ...] = Field(
        (), max_length=1000, description="what each look spends of level, level or less in all; none: equal parts of it"
    )
    sequence: tuple[str, ...] = Field(
        (),
        description="all conditions in the order in which their primary contrasts are tested, each only if those "
        "before it were found; none: all together, under Holm",
    )
    run: RunConfig = Field(description="what all evolution runs share; evaluation.lives are test lives per run")
    conditions: tuple[ConditionPart, ...] = Field(min_length=1, max_length=10_000)
    arms: tuple[str, ...] = Field(
        min_length=2, max_length=1000, description="see `evolearn.run.arms.ARMS` and `define`"
    )
    define: dict[str, ArmPart] = Field({}, description="arms of one's own, from the same parts")
    primary: ContrastPart
    secondary: tuple[ContrastsPart, ...] = ()
    margins: dict[str, Annotated[float, Field(gt=0, le=1e15)]] = Field(
        {}, description="margin of equivalence per metric, in the metric's unit"
    )
    level: float = Field(0.05, gt=0, lt=0.5, description="of every test; intervals cover 1 - level")
    catch_up_share: Share = Field(
        1.0, description="of the way from the random arm's to the evolved birth score that counts as caught up"
    )
    threshold: ThresholdPart = ThresholdPart()
    convergence: ConvergencePart = ConvergencePart()
    resamples: int = Field(2000, ge=100, le=100_000, description="of the bootstrap")
    expect_identical: tuple[tuple[str, str], ...] = Field(
        (), description="pairs of arms that may live identical lives, as in an A/A comparison"
    )
    replay: ReplayPart = ReplayPart()
    replication: ReplicationPart | None = Field(None, description="of a classical result, with its acceptance bands")

    @model_validator(mode="before")
    @classmethod
    def _runs_of_the_last_look(cls, content: Any) -> Any:
        """Looks say how many runs there may be."""
        looks = content.get("looks") if isinstance(content, Mapping) else None
        if looks and "runs" not in content and isinstance(looks, list | tuple):
            return {**content, "runs": looks[-1]}
        return content

    @field_validator("define", mode="before")
    @classmethod
    def _filled_in(cls, define: Any) -> Any:
        """Arms that are like one of the table, with its parts filled in: a resolved config defines them in full."""
        if not isinstance(define, Mapping):
            return define
        return {name: _like_its_model(name, parts) for name, parts in define.items()}

    @model_validator(mode="after")
    def _parts_fit(self) -> StudyConfig:
        for problem in problems(self):
            raise ValueError(problem)
        return self

    def arm(self, name: str) -> ArmPart:
        """The definition of an arm, the study's own or the table's."""
        return self.define[name] if name in self.define else ARMS[name]

    def lenders(self, name: str) -> tuple[str, ...]:
        """The arms that an arm takes something from, and those that these do, each after those that it needs itself.

        Raises:
            RecursionError: one of them needs itself.
        """
        found: dict[str, None] = {}
        for needed in self.arm(name).needs():
            found.update(dict.fromkeys((*self.lenders(needed), needed)))
        return tuple(found)

    def condition(self, name: str) -> ConditionPart:
        """The condition of that name."""
        return next(condition for condition in self.conditions if condition.name == name)

    def arm_under(self, condition: ConditionPart, name: str) -> ArmPart:
        """An arm as it evolves under a condition: with the settings that it has there alone."""
        part = self.arm(name)
        there = condition if condition.evolved_in is None else self.condition(condition.evolved_in)
        return part.model_copy(update={"settings": {**part.settings, **there.settings.get(name, {})}})

    def primary_of(self, condition: ConditionPart) -> ContrastPart:
        """The one contrast that decides a condition."""
        return condition.primary or self.primary

    @property
    def planned_looks(self) -> tuple[Look, ...]:
        """When the study is judged, and at which levels: once at the level of the study if no looks are planned."""
        if not self.looks:
            return (Look(self.runs, self.level),)
        levels = self.look_levels or spent_evenly(self.level, len(self.looks))
        return tuple(map(Look, self.looks, levels))

    def compared(self, condition: ConditionPart) -> list[tuple[str, str, str]]:
        """Arm, against and metric of every contrast that decides a condition or is secondary."""
        first = self.primary_of(condition)
        others = [(row.arm, row.against, metric) for row in self.secondary for metric in row.metrics]
        return [(first.arm, first.against, first.metric), *others]

    def births_of(self, arm: str) -> str | None:
        """The arm whose evolution's births are the seen ones of an arm: that of its DNA, else the first that evolves.

        None where an arm lives as long as an evolution, or none evolves.
        """
        part = self.arm(arm)
        if part.one_life:
            return None
        if part.has_origin:
            return arm if part.evolves else part.origin
        return next((name for name in self.arms if self.arm(name).evolves), None)

    def asks_for(self, metric: str) -> bool:
        """Whether a contrast, or an acceptance band, is about a metric."""
        compared = {name for condition in self.conditions for _, _, name in self.compared(condition)}
        bands = self.replication.bands if self.replication is not None else ()
        return metric in compared or any(band.of.get("metric") == metric for band in bands)

    def run_of(self, condition: ConditionPart) -> RunConfig:
        """The run that all arms of a condition start from.

        Raises:
            ConfigError: the condition's keys do not fit a run.
        """
        content = copy.deepcopy(self.run.model_dump(mode="json"))
        for key, value in condition.set.items():
            set_dotted(content, key.split("."), value, f"conditions {condition.name!r}: set.{key}")
        return check_model(RunConfig, content, f"condition {condition.name!r}")


def slug(name: str) -> str:
    """A condition's name as a folder."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.").lower() or "condition"


def read_study(path: Path, overrides: Sequence[str] = ()) -> StudyConfig:
    """Read a study's config, with what its arms' `tuned` files say in their place.

    Args:
        path: a YAML file.
        overrides: ``dotted.key=value``, the value in YAML; applied in order.
    Raises:
        ConfigError: the file does not parse, or a field is unknown, of the wrong type, out of range or missing.
    """
    *bases, own = layers_of(path, (), STUDIES)
    given = replace(own, content=override(dict(own.content), overrides))
    return check_study(merged([*map(_with_tuned, bases), _with_tuned(given)]), str(path))


def study_layers(path: Path) -> list[Layer]:
    """The layers of a study's config, with what its arms' `tuned` files say; see `evolearn.config.layers_of`."""
    return [*map(_with_tuned, layers_of(path, (), STUDIES))]


def _with_tuned(layer: Layer) -> Layer:
    return replace(layer, content=resolve_tuned(layer.content, Path(layer.source).parent))


def check_study(content: Mapping[str, Any], source: str) -> StudyConfig:
    """Check a mapping against the schema of a study; see `check_model`."""
    if "run" not in content and "world" in content:
        raise ConfigError(f"{source}: is the config of a run, not of a study; use evolearn run")
    config = check_model(StudyConfig, content, source)
    if config.run.seed:
        raise ConfigError(f"{source}: run.seed={config.run.seed}: a study derives its runs' seeds; set seed instead")
    runs = [config.run_of(condition) for condition in config.conditions]
    _check_optional(config, runs, source)
    for problem in seen_problems(config):
        raise ConfigError(f"{source}: {problem}")
    check_replication(config, source)
    return config


def _check_optional(config: StudyConfig, runs: Sequence[RunConfig], source: str) -> None:
    """Refuse a metric that no condition gives, of those that not all do."""
    no_set = all(run.world.set is None for run in runs)
    without = {
        "window_after": all(run.window_after is None for run in runs),
        **dict.fromkeys(SEEN, no_set),
    }
    for metric in (name for name, lacking in without.items() if lacking and config.asks_for(name)):
        raise ConfigError(
            f"{source}: metric={metric!r}: under no condition is there such a score, since {OPTIONAL[metric]}; or "
            "name another metric"
        )


def check_replication(
    config: StudyConfig,
    source: str,
    genes: Mapping[str, Sequence[str]] | None = None,
    dying: Sequence[str] | None = None,
) -> None:
    """Refuse acceptance bands that ask for what the study will not have.

    Args:
        config: of the study.
        source: named in the error.
        genes: names by group, where the world is known.
        dying: conditions in whose world termination is a death, where the world is known.
    Raises:
        ConfigError: names the band.
    """
    if config.replication is None:
        return
    facts = StudyFacts(
        arms=config.arms,
        evolving=[name for name in config.arms if config.arm(name).evolves],
        conditions=[condition.name for condition in config.conditions],
        lifetimes=config.run.evaluation.lifetimes,
        contrasts={condition.name: config.compared(condition) for condition in config.conditions},
        dying=dying,
    )
    try:
        check_bands(config.replication, facts, genes)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def _like_its_model(name: str, parts: Any) -> Any:
    """The parts of an arm as given, and where none is, those of the arm it is like; its namesake if it has one."""
    if isinstance(parts, ArmPart):
        parts = parts.model_dump(exclude_unset=True)
    if not isinstance(parts, Mapping):
        return parts
    model = parts.get("like") or name
    if not isinstance(model, str) or model not in ARMS:
        return parts
    return {**ARMS[model].model_dump(), **parts, "like": None}
