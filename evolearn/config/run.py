"""The config of a run: what it is made of.

A config is checked twice: its own shape here and in `evolearn.config.parts`, and against the world and the search
algorithm that it names in `evolearn.run.setup`; both raise `ConfigError` with the same kind of text.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pydantic
from pydantic import Field

from evolearn.config.layers import read_layered
from evolearn.config.parts import (
    BrainPart,
    DrivesPart,
    EvaluationPart,
    GenomePart,
    GroupPart,
    GrowthPart,
    LearnerPart,
    LineagePart,
    OpponentPart,
    SearchPart,
    TeacherPart,
    ValuePart,
    WindowAfterPart,
)
from evolearn.config.reading import ConfigError, Part, check_model
from evolearn.config.world import WorldPart

_MOST_LIVES = 10_000_000  # of a generation: their keys and scores must fit in memory
_MOST_STEPS = 10**15  # of a run: decades of a fast computer
_MOST_SCORES = 100_000_000  # by age, of a run's evaluation
HANG_SECONDS = 30.0  # without a finished step until a life counts as hanging, if nothing else is said


class RunConfig(Part):
    """One evolution run."""

    seed: int = Field(0, ge=0, lt=2**32, description="of everything random in the run")
    world: WorldPart
    brain: BrainPart = BrainPart()
    learner: LearnerPart = LearnerPart()
    drives: DrivesPart = DrivesPart()
    value: ValuePart | None = Field(None, description="an innate value; null: newborns have none")
    growth: GrowthPart | None = Field(None, description="what of a brain changes with age; null: nothing")
    teacher: TeacherPart | None = Field(None, description="somebody to imitate; null: there is nobody")
    lineage: LineagePart | None = Field(None, description="how lives follow one another; null: each is by itself")
    opponent: OpponentPart | None = Field(
        None, description="a second agent that evolves against the first; null: the world scripts its part"
    )
    genome: GenomePart = GenomePart()
    search: SearchPart = SearchPart()
    evaluation: EvaluationPart = EvaluationPart()
    checkpoint_every: int = Field(1, ge=1, le=1_000_000, description="generations between two checkpoints")
    hang_seconds: float = Field(
        HANG_SECONDS,
        gt=0,
        le=1e6,
        description="a life without a finished step for so long is a fault of its world, seconds",
    )

    @property
    def lives_each(self) -> int:
        """Lives that are lived where one is asked for: those of a whole lineage."""
        return 1 if self.lineage is None else self.lineage.lives

    @pydantic.model_validator(mode="before")
    @classmethod
    def _without_portable(cls, given: Any) -> Any:
        if not (isinstance(given, Mapping) and isinstance(given.get("portable"), bool)):
            return given
        warnings.warn(
            "portable: is no longer a setting: every run has the same bits on every processor; leave it out",
            FutureWarning,
            stacklevel=2,
        )
        return {name: value for name, value in given.items() if name != "portable"}

    @pydantic.model_serializer(mode="wrap")
    def _without_what_is_not_there(self, write: pydantic.SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As a config was written before there were innate values, predictions, given weights and teachers, without."""
        content: dict[str, Any] = write(self)
        for name in ("teacher", "lineage", "growth"):
            if getattr(self, name) is None:
                content.pop(name, None)
        if self.value is None:
            content.pop("value", None)
            content.get("genome", {}).pop("value", None)
        elif self.value.read == "innate":
            content["value"].pop("read", None)
        if not self.brain.prediction:
            content.get("genome", {}).pop("prediction", None)
        if not self.brain.weights:
            content.get("brain", {}).pop("weights", None)
        if self.genome.critic == "inherited":
            content.get("genome", {}).pop("critic", None)
        if self.opponent is None:
            content.pop("opponent", None)
        elif self.opponent.populations == 1:
            content["opponent"].pop("populations", None)
        return content

    @pydantic.model_validator(mode="after")
    def _parts_fit(self) -> RunConfig:
        _check_heads(self.genome, self.brain)
        for problem in _opponent_problems(self):
            raise ValueError(problem)
        if self.value is None and self.genome.value != GroupPart():
            raise ValueError(
                f"genome.value={self.genome.value.model_dump()}: must be left out without the section value, since "
                "there are no such genes; write value: {uses: [potential]}, or leave genome.value out"
            )
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
        for problem in _switch_problems(self):
            raise ValueError(problem)
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
        for problem in _excesses(self.search, evaluation):
            raise ValueError(problem)
        for value in (evaluation.birth_steps, *evaluation.lifetimes):
            if value % evaluation.bin_steps:
                name = "birth_steps" if value == evaluation.birth_steps else "lifetimes"
                raise ValueError(
                    f"evaluation.{name}={value}: must be a multiple of evaluation.bin_steps, {evaluation.bin_steps}"
                )
        for problem in _window_problems(self):
            raise ValueError(problem)
        return self

    @property
    def window_after(self) -> WindowAfterPart | None:
        """Where `window_after` is measured; None: nowhere."""
        switch = self.world.switch_at
        if self.evaluation.window_after is not None or switch is None:
            return self.evaluation.window_after
        return WindowAfterPart(age=switch, width=self.evaluation.birth_steps)


def _check_heads(genome: GenomePart, brain: BrainPart) -> None:
    if genome.prediction == "learned" and not brain.prediction:
        raise ValueError(
            f"genome.prediction={genome.prediction!r}: must be 'inherited' with brain.prediction=false, since there is "
            "no head to learn; set brain.prediction=true, or leave genome.prediction out"
        )


def _switch_problems(config: RunConfig) -> Iterator[str]:
    switch, longest = config.world.switch_at, max(config.evaluation.lifetimes)
    learner = config.learner
    if switch is None:
        if learner.reset != "none":
            yield (
                f"learner.reset={learner.reset!r}: must be 'none' without world.switch_at, since weights are reset "
                "when a world is born a second time; set world.switch_at, or leave learner.reset out"
            )
        return
    if learner.reset != "none" and (switch - learner.learn_from) % learner.window:
        yield (
            f"world.switch_at={switch}: must be learner.learn_from={learner.learn_from} and a multiple of "
            f"learner.window={learner.window} with learner.reset={learner.reset!r}, or weights that were just reset "
            "would learn from what others did; change one of the three"
        )
    if switch >= longest:
        yield (
            f"world.switch_at={switch}: must be less than the longest of evaluation.lifetimes, {longest}, or nobody "
            "would be judged after the switch; make it smaller, or the lifetime longer"
        )
    if config.world.set == 1:
        yield (
            "world.set=1: must be at least 2 with world.switch_at, since the second birth is the next of the set and "
            "would be the first again; set world.set=2 or more"
        )


def _opponent_problems(config: RunConfig) -> Iterator[str]:
    """What of a config does not fit an opponent that evolves."""
    part, search = config.opponent, config.search
    if part is None:
        return
    if part.against != "archive" and part.archive is not None:
        yield (
            f"opponent.archive={part.archive}: must be left out with opponent.against={part.against!r}, which does not "
            "heed it; or set opponent.against=archive"
        )
    if part.against == "present" and part.share != OpponentPart.model_fields["share"].default:
        yield (
            f"opponent.share={part.share:g}: must be left out with opponent.against='present', which keeps nobody to "
            "be met again; or set opponent.against=archive"
        )
    if part.archive is not None and part.archive > search.generations:
        yield (
            f"opponent.archive={part.archive}: must be at most search.generations, {search.generations}: each keeps "
            "one centre; make it smaller, or set opponent.against=all"
        )
    for field, value, must in (
        ("search.restart", search.restart, "none"),
        ("search.sampling", search.sampling, "whole"),
        ("genome.inheritance", config.genome.inheritance, "darwinian"),
        ("opponent.genome.inheritance", part.genome.inheritance, "darwinian"),
    ):
        if value != must:
            yield f"{field}={value!r}: must be {must!r} with an opponent that evolves; leave one of the two out"
    if search.algorithm in ("genetic", "reptile", "maml", "clone"):
        yield (
            f"search.algorithm={search.algorithm!r}: must be one that draws around a centre with an opponent that "
            "evolves, since opponents meet whom it draws: pgpe, snes, xnes, cem or cmaes"
        )
    if config.teacher is not None:
        yield (
            "teacher: must be left out with an opponent that evolves: lives in pairs have no teacher; leave one of the "
            "two out"
        )
    if config.lineage is not None:
        yield (
            "lineage: must be left out with an opponent that evolves: lives in pairs follow no others; leave one of "
            "the two out"
        )
    if config.growth is not None:
        yield (
            f"growth.of={list(config.growth.of)}: must be left out with an opponent that evolves: brains of lives in "
            "pairs do not grow; leave one of the two out"
        )
    if config.world.switch_at is not None:
        yield (
            f"world.switch_at={config.world.switch_at}: must be left out with an opponent that evolves: lives in pairs "
            "are born once"
        )


def _window_problems(config: RunConfig) -> Iterator[str]:
    """What is wrong with the window of `window_after`, whether it was given or follows from the switch."""
    window, evaluation = config.window_after, config.evaluation
    if window is None:
        return
    longest, bin_steps = max(evaluation.lifetimes), evaluation.bin_steps
    given = evaluation.window_after is not None
    first = "evaluation.window_after.age" if given else "world.switch_at"
    second = "evaluation.window_after.width" if given else "evaluation.birth_steps"
    otherwise = "" if given else ", or set evaluation.window_after={age: .., width: ..}"
    for field, value in ((first, window.age), (second, window.width)):
        if value % bin_steps:
            yield f"{field}={value}: must be a multiple of evaluation.bin_steps, {bin_steps}{otherwise}"
    if window.age + window.width > longest:
        yield (
            f"{first}={window.age}: the window of window_after would end at {window.age + window.width} steps with "
            f"{second}={window.width}: must end by the longest of evaluation.lifetimes, {longest}; make one of the two "
            f"smaller{otherwise}"
        )


def _excesses(search: SearchPart, evaluation: EvaluationPart) -> Iterator[str]:
    """What numbers that are fine one by one ask for together."""
    lives = search.population * search.lives
    steps = search.generations * lives * search.selection_lifetime
    scores = evaluation.lives * (max(evaluation.lifetimes) // evaluation.bin_steps)
    if lives > _MOST_LIVES:
        yield (
            f"search.population={search.population}: makes {lives:,} lives a generation with "
            f"search.lives={search.lives}: must be at most {_MOST_LIVES:,}; make one of the two smaller"
        )
    if steps > _MOST_STEPS:
        yield (
            f"search.generations={search.generations}: makes {steps:,} world steps with search.population, "
            f"search.lives and search.selection_lifetime: must be at most {_MOST_STEPS:,}; make one of them smaller"
        )
    if scores > _MOST_SCORES:
        yield (
            f"evaluation.bin_steps={evaluation.bin_steps}: makes {scores:,} scores by age with evaluation.lives and "
            f"evaluation.lifetimes: must be at most {_MOST_SCORES:,}; make it larger"
        )


def read_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run's config.

    Args:
        path: a YAML file.
        overrides: ``dotted.key=value``, the value in YAML; applied in order.
    Raises:
        ConfigError: the file does not parse, or a field is unknown, of the wrong type or out of range.
    """
    return check_config(read_layered(path, overrides), str(path))


def check_kept_config(content: Mapping[str, Any], source: str) -> RunConfig:
    """Check the resolved config that a run, a life or DNA keeps; see `check_config` and `as_kept`."""
    return check_config(as_kept(content), source)


def as_kept(content: Any) -> Any:
    """The resolved config of a run as this version says it.

    Where it says nothing of drives.centred, it is of a time when no drive was.
    """
    drives = content.get("drives") if isinstance(content, Mapping) else None
    if not isinstance(drives, Mapping) or "centred" in drives:
        return content
    return {**content, "drives": {**drives, "centred": "none"}}


def check_config(content: Mapping[str, Any], source: str) -> RunConfig:
    """Check a mapping against the schema of a run; see `check_model`."""
    if "world" not in content and ("run" in content or "experiment" in content):
        raise ConfigError(f"{source}: is the config of a study, not of a run; use evolearn study")
    return check_model(RunConfig, content, source)
