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

from evolearn.config import ConfigError, Part, check_model, explain_validation, override, read_yaml
from evolearn.errors import offer
from evolearn.experiments import _hinton_nowlan as hinton_nowlan, _nature_nurture as nature_nurture
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


EXPERIMENTS: Mapping[str, Experiment] = {
    "hinton_nowlan": Experiment(
        doc="how learning can guide evolution",
        settings=hinton_nowlan.Settings,
        live=hinton_nowlan.live,
        measures=hinton_nowlan.MEASURES,
        pictures=hinton_nowlan.pictures,
        cost=lambda settings, runs, lived: hinton_nowlan.cost(settings, runs),
        units=lambda settings, runs: runs,
        plan=hinton_nowlan.plan,
    ),
    "nature_nurture": Experiment(
        doc="when to trust a cue",
        settings=nature_nurture.Settings,
        live=nature_nurture.live,
        measures=nature_nurture.MEASURES,
        pictures=nature_nurture.pictures,
        cost=lambda settings, runs, lived: nature_nurture.cost(lived),
        units=_map_runs,
        plan=nature_nurture.plan,
    ),
}


def is_experiment(path: Path) -> bool:
    """Whether a config is that of an experiment of its own, and not of a study."""
    return "experiment" in read_yaml(path)


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """Read an experiment's config; its settings are filled in.

    Args:
        path: a YAML file.
        overrides: ``dotted.key=value``, the value in YAML; applied in order.
    Raises:
        ConfigError: the file does not parse, or a field is unknown, of the wrong type, out of range or missing.
    """
    config = check_model(ExperimentConfig, override(read_yaml(path), overrides), str(path))
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
