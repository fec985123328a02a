"""The experiments that are no studies: a table, a row each.

A new one is a module with a model of its settings, a function that lives it, a table of measures and what the page
draws; and a row of EXPERIMENTS.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pydantic

from evolearn.config import STUDIES, ConfigError, Part, check_model, explain_validation, read_layered
from evolearn.errors import offer
from evolearn.experiments import (
    _culture as culture,
    _dyna_maze as dyna_maze,
    _hinton_nowlan as hinton_nowlan,
    _labels_reward_selection as labels_reward_selection,
    _lock as lock,
    _mackay as mackay,
    _nature_nurture as nature_nurture,
    _numbers_game as numbers_game,
    _rogers as rogers,
)
from evolearn.study.bands import ExperimentConfig, Measure, band_arguments
from evolearn.verdict import Json


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A row of EXPERIMENTS."""

    doc: str
    settings: type[Part]
    live: Callable[[Any, int, int, int, Callable[[float], None]], Any]  # settings, seed, runs, workers, done
    measures: Mapping[str, Measure]
    pictures: Callable[[Any], Json]
    cost: Callable[[Any, int, Any], Json]  # settings, runs, what was lived
    units: Callable[[Any, int], int]  # settings, runs -> independent repetitions behind the values
    plan: Callable[[Any, int], str]  # settings, runs -> what will be done, in words


def _map_runs(settings: nature_nurture.Settings, runs: int) -> int:
    return runs * len(settings.levels) ** 2


def _runs(settings: Part, runs: int) -> int:
    return runs


def _row(module: Any, doc: str, costs: bool = False, units: Callable[[Any, int], int] = _runs) -> Experiment:
    """An experiment whose module has everything; `costs`: what was lived says what it cost, and not the settings."""
    return Experiment(
        doc=doc,
        settings=module.Settings,
        live=module.live,
        measures=module.MEASURES,
        pictures=module.pictures,
        cost=lambda settings, runs, lived: module.cost(lived) if costs else module.cost(settings, runs),
        units=units,
        plan=module.plan,
    )


EXPERIMENTS: Mapping[str, Experiment] = {
    "hinton_nowlan": _row(hinton_nowlan, "how learning can guide evolution"),
    "nature_nurture": _row(nature_nurture, "when to trust a cue", costs=True, units=_map_runs),
    "mackay": _row(mackay, "how many bits selection writes"),
    "rogers": _row(rogers, "what copying is worth"),
    "numbers_game": _row(numbers_game, "rivals without a fixed measure"),
    "labels_reward_selection": _row(labels_reward_selection, "what a decision teaches", costs=True),
    "lock": _row(lock, "what only a prior opens"),
    "culture": _row(culture, "what adds up over lives"),
    "dyna_maze": _row(dyna_maze, "learning from imagined steps", costs=True),
}


def is_experiment(path: Path) -> bool:
    """Whether a config is that of an experiment of its own, and not of a study."""
    return "experiment" in read_layered(path, (), STUDIES)


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """Read an experiment's config; its settings are filled in.

    Args:
        path: a YAML file.
        overrides: ``dotted.key=value``, the value in YAML; applied in order.
    Raises:
        ConfigError: the file does not parse, or a field is unknown, of the wrong type, out of range or missing.
    """
    config = check_model(ExperimentConfig, read_layered(path, overrides, STUDIES), str(path))
    if config.experiment not in EXPERIMENTS:
        raise ConfigError(f"{path}: experiment={config.experiment!r}: unknown.{offer(config.experiment, EXPERIMENTS)}")
    try:
        for band in config.replication.bands:
            band_arguments(band, EXPERIMENTS[config.experiment].measures)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return config.model_copy(update={"settings": settings_of(config).model_dump(mode="json")})


def settings_of(config: ExperimentConfig) -> Any:
    """The experiment's own settings, checked.

    Raises:
        ConfigError: one is unknown, of the wrong type or out of range.
    """
    model = EXPERIMENTS[config.experiment].settings
    try:
        return model.model_validate(config.settings)
    except pydantic.ValidationError as error:
        raise ConfigError(explain_validation(error, model, "settings")) from error
