"""Rogers' paradox: copying spreads since it is cheap, and in the end nobody is better off for it.

In each generation the environment changes with some probability, and then nothing that was learned is right any more.
Who learns alone pays for it and is right with some probability; who copies does for nothing what a random member of the
generation before did; who copies critically learns alone where the copy turns out wrong. Ways of learning are inherited
in proportion to fitness. Copiers prosper while there are few of them, so evolution leads to where they fare no better
than who learns alone, whose fitness does not depend on anybody. Critical copiers end the paradox. Where the environment
changes as often as who learns alone is wrong, or where a mistake is death, mere copiers do not even spread.

Source: Rogers 1988, Does biology constrain culture?, American Anthropologist 90, 819-831; Enquist, Eriksson and
Ghirlanda 2007, Critical social learning: a solution to Rogers's paradox of nonadaptive culture, American Anthropologist
109, 727-734.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from evolearn.config import Part
from evolearn.experiments._pictures import over_runs, picture, theory, view
from evolearn.experiments._side_by_side import side_by_side
from evolearn.study.bands import Measure, Measured, measure_over_runs
from evolearn.verdict import FloatArray, Json

Kinds = npt.NDArray[np.int8]  # [N]
Flags = npt.NDArray[np.bool_]  # [N]

LEARNS, COPIES, CRITICAL = range(3)  # alone, another, another unless that is wrong
KINDS = {"learns": LEARNS, "copies": COPIES, "critical": CRITICAL}
SERIES = {"alone": 1, "copiers": 2, "critical": 3}  # how many of these kinds there are
_NAMES = {
    "alone": "individual learners alone",
    "copiers": "with copiers",
    "critical": "with critical copiers too",
}
Series = Literal["alone", "copiers", "critical"]
BASE = 1.0  # fitness of who neither gains nor loses


class Environment(Part):
    """How often what is right changes, and what it is worth."""

    change: float = Field(gt=0, le=1, description="probability in a generation")
    gain: float = Field(gt=0, le=1, description="in fitness, of who is right; who is wrong loses as much")


class Settings(Part):
    """The population, and what learning costs and brings."""

    agents: int = Field(1000, ge=2, le=100_000)
    generations: int = Field(600, ge=1, le=100_000)
    settled: int = Field(250, ge=0, description="generation from which on means are taken")
    environments: dict[str, Environment] = Field(
        {"mild": Environment(change=0.1, gain=0.2), "harsh": Environment(change=0.2, gain=1.0)},
        min_length=1,
        description="by name",
    )
    right: float = Field(0.75, gt=0, le=1, description="probability that who learns alone is right")
    cost: float = Field(0.4, ge=0, le=1, description="of learning alone, in gains")
    mutation: float = Field(0.001, ge=0, le=1, description="probability of a random way of learning")

    @model_validator(mode="after")
    def _settles(self) -> Settings:
        if self.settled > self.generations:
            raise ValueError(f"settled={self.settled}: must be settings.generations={self.generations} or less")
        return self


@dataclasses.dataclass(frozen=True)
class Course:
    """One population from generation 0 on, in which all learn alone."""

    fitness: FloatArray  # [generations + 1] mean over agents
    shares: FloatArray  # [generations + 1, 3] of LEARNS, COPIES, CRITICAL


@dataclasses.dataclass(frozen=True)
class Populations:
    """All populations."""

    settings: Settings
    courses: Mapping[tuple[str, str], tuple[Course, ...]]  # series, environment -> a course for each run


def grow_up(
    kinds: Kinds, models: Flags, changed: bool, gain: float, settings: Settings, random: np.random.Generator
) -> tuple[Flags, FloatArray]:
    """Who is right, [N], and the fitness they have for it, [N] >= 0.

    Args:
        kinds: of the agents.
        models: [M] who of the generation before was right.
        changed: whether the environment has changed since; then none of them is.
        gain: of who is right.
        settings: of the model.
        random: draws.
    """
    seen = models[random.integers(0, len(models), len(kinds))] & (not changed)
    learns = (kinds == LEARNS) | ((kinds == CRITICAL) & ~seen)
    right = np.where(learns, random.random(len(kinds)) < settings.right, seen)
    fitness = BASE + gain * (np.where(right, 1.0, -1.0) - settings.cost * learns)
    return right, np.maximum(fitness, 0.0)


def children(kinds: Kinds, fitness: FloatArray, count: int, mutation: float, random: np.random.Generator) -> Kinds:
    """The next generation [N]: parents in proportion to fitness, and now and then one of `count` kinds at random."""
    bounds = np.cumsum(fitness if fitness.any() else np.ones(len(fitness)))
    born = kinds[np.searchsorted(bounds, random.random(len(kinds)) * bounds[-1], side="right")]
    return np.where(random.random(len(kinds)) < mutation, random.integers(0, count, len(kinds)), born).astype(np.int8)


def follow(settings: Settings, count: int, environment: Environment, random: np.random.Generator) -> Course:
    """Follow one population.

    Args:
        settings: of the model.
        count: how many of LEARNS, COPIES, CRITICAL there can be, in this order.
        environment: that it lives in.
        random: draws.
    """
    kinds = np.full(settings.agents, LEARNS, np.int8)
    right = np.zeros(settings.agents, bool)
    means, shares = [], []
    for generation in range(settings.generations + 1):
        changed = random.random() < environment.change
        right, fitness = grow_up(kinds, right, changed, environment.gain, settings, random)
        means.append(fitness.mean())
        shares.append(np.bincount(kinds, minlength=3) / len(kinds))
        if generation < settings.generations:
            kinds = children(kinds, fitness, count, settings.mutation, random)
    return Course(np.array(means), np.array(shares))


def fitness_alone(settings: Settings, gain: float) -> float:
    """Mean fitness of who learns alone, whatever the others do and however often the environment changes."""
    right, wrong = (max(0.0, BASE + gain * (sign - settings.cost)) for sign in (1.0, -1.0))
    return settings.right * right + (1 - settings.right) * wrong


def fitness_critical(settings: Settings, environment: Environment) -> float:
    """Mean fitness where all copy critically: n generations after a change, (1 - right)^n of the models are wrong."""
    change = environment.change
    seen = 1.0 - change / (1.0 - (1.0 - change) * (1.0 - settings.right))
    return (BASE + environment.gain) * seen + fitness_alone(settings, environment.gain) * (1.0 - seen)


def copiers_in_theory(settings: Settings, environment: Environment) -> float:
    """Share of copiers at which they fare as who learns alone does; 0 where they never do.

    A copier is right as often as a random agent of the generation before, if nothing has changed since.
    """
    lasts, gain = 1.0 - environment.change, environment.gain
    needed = (fitness_alone(settings, gain) - (BASE - gain)) / (2.0 * gain)  # of copiers that must be right
    if needed >= settings.right * lasts:
        return 0.0
    return min(1.0, (settings.right * lasts - needed) / (lasts * (settings.right - needed)))


def live(settings: Settings, seed: int, runs: int, workers: int, done: Callable[[float], None]) -> Populations:
    """Follow all populations; the same for any number of workers.

    Args:
        settings: of the model.
        seed: of everything; a population's draws come of it, its kinds, the place of its environment and its number.
        runs: populations of each series in each environment.
        workers: threads.
        done: told the share of the work that is done.
    """
    kinds = [(series, name) for series in SERIES for name in settings.environments]
    jobs = [(series, name, run) for series, name in kinds for run in range(runs)]
    places = {name: place for place, name in enumerate(settings.environments)}

    def one(job: tuple[str, str, int]) -> Course:
        series, name, run = job
        random = np.random.default_rng([seed, SERIES[series], places[name], run])
        return follow(settings, SERIES[series], settings.environments[name], random)

    followed = iter(side_by_side(one, jobs, workers, done))
    return Populations(settings, {kind: tuple(next(followed) for _ in range(runs)) for kind in kinds})


def cost(settings: Settings, runs: int) -> Json:
    """Lives lived, of one decision each."""
    populations = runs * len(SERIES) * len(settings.environments)
    lives = populations * settings.agents * (settings.generations + 1)
    return {"world_steps": 0, "evaluations": lives, "evaluations_are": "lives of one decision"}


def plan(settings: Settings, runs: int) -> str:
    """What will be done, in words."""
    return (
        f"{runs} population{'' if runs == 1 else 's'} of {settings.agents:,} agents who learn alone, as many with "
        f"copiers, and as many with critical copiers too, over {settings.generations} generations in each environment: "
        f"{', '.join(settings.environments)}."
    )


class Fitness(Part):
    """Arguments of `fitness`."""

    series: Series
    environment: str


class Against(Fitness):
    """Arguments of `advantage`."""

    against: Series


class Share(Fitness):
    """Arguments of `share`."""

    kind: Literal["learns", "copies", "critical"]


def _settled(lived: Populations, series: str, environment: str) -> FloatArray | None:
    """Mean fitness of each run once settled, [R]."""
    courses = lived.courses.get((series, environment))
    if courses is None:
        return None
    return np.array([course.fitness[lived.settings.settled :].mean() for course in courses])


def _fitness(lived: Populations, of: Fitness) -> Measured:
    """Mean fitness once settled, over runs."""
    values = _settled(lived, of.series, of.environment)
    return _no_such(of.environment) if values is None else measure_over_runs(values, lambda drawn: drawn.mean(axis=-1))


def _advantage(lived: Populations, of: Against) -> Measured:
    """Mean fitness once settled minus that of another series, over runs."""
    one, other = (_settled(lived, series, of.environment) for series in (of.series, of.against))
    if one is None or other is None:
        return _no_such(of.environment)
    return measure_over_runs(one - other, lambda drawn: drawn.mean(axis=-1))


def _share(lived: Populations, of: Share) -> Measured:
    """Share of agents of a kind once settled, over runs."""
    courses = lived.courses.get((of.series, of.environment))
    if courses is None:
        return _no_such(of.environment)
    values = [course.shares[lived.settings.settled :, KINDS[of.kind]].mean() for course in courses]
    return measure_over_runs(np.array(values), lambda drawn: drawn.mean(axis=-1))


def _no_such(environment: str) -> Measured:
    return Measured(None, note=f"no environment is named {environment!r}; settings.environments names those there are")


MEASURES: Mapping[str, Measure] = {
    "fitness": Measure("mean fitness once settled", Fitness, _fitness),
    "advantage": Measure("the same, minus that of another series", Against, _advantage),
    "share": Measure("share of a way of learning once settled", Share, _share),
}


def pictures(lived: Populations) -> Json:
    """Fitness by generation, and who there is where all ways of learning may come up."""
    settings = lived.settings
    generations = np.arange(settings.generations + 1)
    fitness, kinds = [], []
    for name, environment in settings.environments.items():
        curves = [
            over_runs(text, generations, np.array([course.fitness for course in lived.courses[series, name]]))
            for series, text in _NAMES.items()
        ]
        ends = {
            "alone, in theory": fitness_alone(settings, environment.gain),
            "all critical, in theory": fitness_critical(settings, environment),
        }
        curves += [theory(text, (0, settings.generations), (level, level)) for text, level in ends.items()]
        fitness.append(view(name, ("generation", "mean fitness"), curves))
        for series in ("copiers", "critical"):
            shares = np.array([course.shares for course in lived.courses[series, name]])
            texts = ("learn alone", "copy", "copy critically")[: SERIES[series]]
            rows = [over_runs(text, generations, shares[:, :, kind]) for kind, text in enumerate(texts)]
            kinds.append(view(f"{name}: {_NAMES[series]}", ("generation", "share of agents"), rows, span=(-0.02, 1.02)))
    return {
        "charts": [
            picture(
                "fitness",
                "What copying is worth",
                "Mean fitness of a population, mean over populations with its interval. Copiers come up and leave "
                "everybody where they were, as all learned alone; critical copiers lift everybody.",
                "environment",
                fitness,
            ),
            picture(
                "kinds",
                "Who is there in the end",
                "Share of each way of learning, mean over populations with its interval.",
                "environment and who may come up",
                kinds,
            ),
        ]
    }
