"""Dyna on a maze: how many steps of the world are saved by steps that are only imagined.

Nothing evolves here. Newborns that know nothing learn a maze by Q-learning, each in one life: with one update for each
step of life; with some more from steps that their model of the world imagines; and with as many more from the step that
was just lived, which need no model. How long an episode is tells how well the maze is known.

Source: Sutton 1990, Integrated architectures for learning, planning, and reacting based on approximating dynamic
programming; Sutton and Barto 2018, Reinforcement Learning: An Introduction, 2nd ed., example 8.1 and figure 8.2.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from evolearn.agent import GOES_ON
from evolearn.config import Part, RunConfig, check_model
from evolearn.experiments._pictures import over_runs, picture, view
from evolearn.genome import decode
from evolearn.life import new_driver, traced_lives
from evolearn.rng import SELECTION, life_keys
from evolearn.run import assemble
from evolearn.study.bands import Measure, Measured
from evolearn.verdict import FloatArray, Json, stats

NONE, IMAGINED, REPEATED = "none", "imagined", "repeated"
WAYS = (NONE, IMAGINED, REPEATED)
SERIES: Mapping[str, str] = {
    NONE: "one update for each step",
    IMAGINED: "and more from imagined steps",
    REPEATED: "and as many more from the step just lived",
}
Way = Literal["none", "imagined", "repeated"]
KNOWN_AT_ONCE = 0.9999  # of what a step teaches the model: a gene between 0 and 1, it is never 1
_RESAMPLES = 2000
_AT_ONCE = 4  # lives whose every step is kept
_DRAWN = 60  # episodes


class Settings(Part):
    """The maze, and how it is learned."""

    world: str = Field("maze", description="a world with a goal that ends episodes")
    updates: int = Field(5, ge=1, le=1000, description="beside that of the step lived, per step of life")
    learning_rate: float = Field(0.1, gt=0, le=1)
    discount: float = Field(0.95, gt=0, lt=1)
    epsilon: float = Field(0.1, gt=0, lt=1, description="share of actions that are drawn at random")
    steps: int = Field(20_000, ge=100, le=1_000_000, description="of a life, world steps")
    known_at: float = Field(20.0, gt=0, description="steps of the mean episode with which the maze counts as known")


@dataclasses.dataclass(frozen=True)
class Learned:
    """What became of R lives by each way of learning."""

    known_at: float  # steps of the mean episode
    lengths: Mapping[str, FloatArray]  # by way: steps of the first E episodes, which every life finished, [R, E]
    world_steps: int


def way_config(settings: Settings, way: str, seed: int) -> RunConfig:
    """The run whose lives are lived; nothing of it evolves.

    Args:
        settings: of the experiment.
        way: of WAYS.
        seed: of the lives.
    """
    plasticity = {name: getattr(settings, name) for name in ("learning_rate", "discount", "epsilon")}
    if way == IMAGINED:
        plasticity["prediction_rate"] = KNOWN_AT_ONCE
    content = {
        "seed": seed,
        "world": {"name": settings.world},
        "brain": {"trunk": "linear", "hidden": [], "prediction": way == IMAGINED},
        "learner": {
            "name": "q_learning",
            "window": 1,
            "plasticity": plasticity,
            **({} if way == NONE else {way: settings.updates}),
        },
        "search": {"selection_lifetime": settings.steps},
    }
    return check_model(RunConfig, content, f"way {way}")


def live(settings: Settings, seed: int, runs: int, workers: int, done: Callable[[float], None]) -> Learned:
    """Live so many lives by each way; the same for any number of workers, and the luck of lives is that of all ways.

    Args:
        settings: of the experiment.
        seed: of everything.
        runs: lives by each way.
        workers: threads.
        done: told the share of the work that is done.
    """
    lengths = {}
    for number, way in enumerate(WAYS):
        setup = assemble(way_config(settings, way, seed))
        newborns = decode(setup.pool, setup.pool.centre[None])
        keys = life_keys(seed, SELECTION, 0, runs)
        episodes: list[FloatArray] = []
        with contextlib.closing(new_driver(setup.conditions, workers)) as driver:
            for first in range(0, runs, _AT_ONCE):
                some = np.ascontiguousarray(keys[first : first + _AT_ONCE])
                _, trace = traced_lives(driver, newborns, np.zeros(len(some), np.int64), some, setup.selection)
                episodes += [episode_lengths(ends) for ends in trace.ends]
                done((number + (first + len(some)) / runs) / len(WAYS))
        least = min(map(len, episodes))
        lengths[way] = np.array([each[:least] for each in episodes])
    return Learned(settings.known_at, lengths, len(WAYS) * runs * settings.steps)


def episode_lengths(ends: npt.NDArray[np.int64]) -> FloatArray:
    """Steps of each episode that a life finished, from how its steps ended, [T]."""
    return np.diff(np.flatnonzero(ends != GOES_ON), prepend=-1).astype(np.float64)


def steps_until_known(lengths: FloatArray, known_at: float) -> FloatArray:
    """World steps, mean over lives, until the mean episode takes at most `known_at`, that one included.

    Args:
        lengths: [.., R, E] steps of episodes.
        known_at: steps.
    Returns:
        [..]; infinite where no episode is so short.
    """
    mean = lengths.mean(axis=-2)
    short = mean <= known_at
    steps = np.take_along_axis(mean.cumsum(axis=-1), short.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    return np.where(short.any(axis=-1), steps, np.inf)


def cost(lived: Learned) -> Json:
    """World steps, and lives, which are newborns that learn."""
    return {
        "world_steps": lived.world_steps,
        "evaluations": sum(len(lengths) for lengths in lived.lengths.values()),
        "evaluations_are": "lives",
    }


def plan(settings: Settings, runs: int) -> str:
    """What will be done, in words."""
    return (
        f"{runs} {'life' if runs == 1 else 'lives'} of {settings.steps:,} steps in {settings.world} by each of three "
        f"ways: one update for each step, {settings.updates} more from imagined steps, {settings.updates} more from "
        "the step just lived."
    )


class StepsOf(Part):
    """Arguments of `steps`."""

    way: Way = Field(description="of learning: none, imagined or repeated")


class RatioTo(Part):
    """Arguments of `ratio`."""

    way: Way = Field(description="of learning, that takes this many times the steps of imagined")


def _measured(lived: Learned, statistic: Callable[[Mapping[str, FloatArray]], FloatArray]) -> Measured:
    """A statistic of the lengths of every way's episodes, with its bootstrap interval over lives."""
    value = float(statistic({way: lengths[None] for way, lengths in lived.lengths.items()})[0])
    if not np.isfinite(value):
        return Measured(
            None, note=f"no mean episode of {lived.known_at:g} steps or less; live longer, in settings.steps"
        )
    runs = len(lived.lengths[NONE])
    draws = np.random.default_rng(0).integers(0, runs, (_RESAMPLES, runs))  # a life has the same luck by every way
    drawn = statistic({way: lengths[draws] for way, lengths in lived.lengths.items()})
    low, high = stats.interval(drawn, 0.05, runs)
    return Measured(value, float(low), float(high))


def _steps(lived: Learned, of: StepsOf) -> Measured:
    """World steps until the mean episode is short enough."""
    return _measured(lived, lambda lengths: steps_until_known(lengths[of.way], lived.known_at))


def _ratio(lived: Learned, of: RatioTo) -> Measured:
    """How many times as many steps another way takes as imagining does."""
    return _measured(
        lived,
        lambda lengths: (
            steps_until_known(lengths[of.way], lived.known_at) / steps_until_known(lengths[IMAGINED], lived.known_at)
        ),
    )


MEASURES: Mapping[str, Measure] = {
    "steps": Measure("world steps until the maze is known", StepsOf, _steps),
    "ratio": Measure("world steps until the maze is known, over those with imagined steps", RatioTo, _ratio),
}


def pictures(lived: Learned) -> Json:
    """Steps of an episode by its number in life, by each way."""
    curves = []
    for way, name in SERIES.items():
        lengths = lived.lengths[way][:, :_DRAWN]
        curves.append(over_runs(name, np.arange(1, lengths.shape[1] + 1), lengths))
    level = (lived.known_at, f"{lived.known_at:g}: counts as known")
    return {
        "charts": [
            picture(
                "episodes",
                "How soon a maze is known",
                "Steps of an episode by its number in life, mean over lives with its interval. With imagined steps the "
                "second episode is already much shorter; more updates from the step just lived save nothing.",
                "",
                [view("episodes", ("episode", "steps"), curves, rules=[level], logarithmic=True)],
            )
        ]
    }
