"""How learning can guide evolution: 20 switches, one right setting, and no way there but guessing within a life.

A genome is a row of alleles: RIGHT, WRONG or OPEN. Open switches are guessed in life, and who finds the right setting
early has more offspring. Nothing is inherited of what was found. Selection in proportion to fitness, one-point
crossover, no mutation.

Source: Hinton and Nowlan 1987, How Learning Can Guide Evolution, Complex Systems 1, 495-502.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from evolearn.config import Part
from evolearn.experiments._pictures import mean_curve
from evolearn.experiments._side_by_side import side_by_side
from evolearn.study.bands import Measure, Measured, measure_over_runs, measure_share
from evolearn.verdict import FloatArray, Json

Alleles = npt.NDArray[np.int8]  # [N, loci]

WRONG, RIGHT, OPEN = range(3)
ALLELES = {"wrong": WRONG, "right": RIGHT, "open": OPEN}
BEST = 20.0  # fitness of who needs no guess
LEARNING, LONG, WITHOUT = range(3)  # the three series of runs, in seeds
Generation = Annotated[int, Field(ge=0)]


class Settings(Part):
    """The original's numbers, and how long its populations are followed."""

    agents: int = Field(1000, ge=2, le=100_000)
    loci: int = Field(20, ge=2, le=62)
    guesses: int = Field(1000, ge=1, le=1_000_000, description="in a life")
    generations: int = Field(60, ge=1, le=10_000, description="after the first, with learning and without")
    long_runs: int = Field(20, ge=0, le=10_000, description="runs that are followed for longer")
    long_generations: int = Field(1000, ge=1, le=100_000)


@dataclasses.dataclass(frozen=True)
class Course:
    """One population from generation 0 on."""

    shares: FloatArray  # [generations + 1, 3] of alleles, by WRONG, RIGHT, OPEN
    fitness: FloatArray  # [generations + 1] mean over agents
    perfect: npt.NDArray[np.bool_]  # [generations + 1] whether anybody has every switch right at birth


@dataclasses.dataclass(frozen=True)
class Populations:
    """All populations."""

    learning: tuple[Course, ...]
    long: tuple[Course, ...]
    without: tuple[Course, ...]  # the control: nobody learns


def guesses_needed(open_switches: npt.NDArray[np.int64], random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Guesses until all open switches are right at once, [N] >= 1: geometric, p = 2^-open.

    Args:
        open_switches: [N].
        random: draws.
    """
    return random.geometric(0.5**open_switches)


def fitness(alleles: Alleles, learns: bool, settings: Settings, random: np.random.Generator) -> FloatArray:
    """1 + 19 n / guesses, [N], with n the guesses left when the right setting is found.

    Who is born right needs no guess; who has a wrong switch never finds it, nor does who has an open one and cannot
    learn.
    """
    never = (alleles == WRONG).any(axis=1)
    open_switches = (alleles == OPEN).sum(axis=1)
    left = np.full(len(alleles), settings.guesses)
    if learns:
        left = np.where(open_switches == 0, left, left - guesses_needed(open_switches, random))
    else:
        never |= open_switches > 0
    left = np.where(never, 0, np.maximum(left, 0))
    return 1.0 + (BEST - 1.0) * left / settings.guesses


def parents(of: FloatArray, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Two parents for each child, [2, N], each drawn in proportion to fitness."""
    bounds = np.cumsum(of)
    return np.searchsorted(bounds, random.random((2, len(of))) * bounds[-1], side="right")


def crossed(mothers: Alleles, fathers: Alleles, random: np.random.Generator) -> Alleles:
    """Children [N, loci]: the mother's alleles before a point, the father's from it on; 1 <= point < loci."""
    count, loci = mothers.shape
    points = random.integers(1, loci, (count, 1))
    return np.where(np.arange(loci) < points, mothers, fathers)


def follow(settings: Settings, learns: bool, generations: int, random: np.random.Generator) -> Course:
    """Follow one population.

    Args:
        settings: of the model.
        learns: whether switches can be open; else every one is right or wrong with probability 1/2.
        generations: after the first.
        random: draws.
    """
    chances = (0.25, 0.25, 0.5) if learns else (0.5, 0.5, 0.0)
    alleles = random.choice(3, (settings.agents, settings.loci), p=chances).astype(np.int8)
    shares, means, perfect = [], [], []
    for generation in range(generations + 1):
        earned = fitness(alleles, learns, settings, random)
        shares.append(np.bincount(alleles.ravel(), minlength=3) / alleles.size)
        means.append(earned.mean())
        perfect.append((alleles == RIGHT).all(axis=1).any())
        if generation < generations:
            mothers, fathers = parents(earned, random)
            alleles = crossed(alleles[mothers], alleles[fathers], random)
    return Course(np.array(shares), np.array(means), np.array(perfect))


def live(settings: Settings, seed: int, runs: int, workers: int, done: Callable[[float], None]) -> Populations:
    """Follow all populations; the same for any number of workers.

    Args:
        settings: of the model.
        seed: of everything; a population's draws come of it, its series and its number.
        runs: populations with learning, and as many without.
        workers: threads.
        done: told the share of the work that is done.
    """
    counts = {LEARNING: runs, WITHOUT: runs, LONG: settings.long_runs}
    jobs = [(series, run) for series, count in counts.items() for run in range(count)]
    lengths = {series: settings.long_generations if series == LONG else settings.generations for series in counts}

    def one(job: tuple[int, int]) -> Course:
        return follow(settings, job[0] != WITHOUT, lengths[job[0]], np.random.default_rng([seed, *job]))

    courses: dict[int, list[Course]] = {series: [] for series in counts}
    followed = side_by_side(one, jobs, workers, done, lambda job: lengths[job[0]])
    for (series, _), course in zip(jobs, followed, strict=True):
        courses[series].append(course)
    return Populations(tuple(courses[LEARNING]), tuple(courses[LONG]), tuple(courses[WITHOUT]))


def cost(settings: Settings, runs: int) -> Json:
    """Lives lived. Guesses are no world steps: how many a life needs is drawn at once."""
    generations = 2 * runs * (settings.generations + 1) + settings.long_runs * (settings.long_generations + 1)
    each = f"lives of up to {settings.guesses:,} guesses"
    return {"world_steps": 0, "evaluations": settings.agents * generations, "evaluations_are": each}


def plan(settings: Settings, runs: int) -> str:
    """What will be done, in words."""
    return (
        f"{runs} populations of {settings.agents:,} agents over {settings.generations} generations, as many that "
        f"cannot learn, and {settings.long_runs} over {settings.long_generations:,}."
    )


class AlleleShare(Part):
    """Arguments of `allele_share`."""

    allele: Literal["right", "wrong", "open"]
    generation: Generation = Field(description="beyond settings.generations: of the runs that are followed for longer")
    over_runs: Literal["mean", "median"] = "mean"


class FitnessPasses(Part):
    """Arguments of `fitness_passes`."""

    fitness: float = Field(gt=1, lt=BEST)


class FitnessLate(FitnessPasses):
    """Arguments of `fitness_late`."""

    after: Generation


class PerfectWithout(Part):
    """Arguments of `perfect_without_learning`."""

    within: Generation = 60


_TOO_SHORT = Measured(None, note="no run was followed for so long")


def _allele_share(lived: Populations, of: AlleleShare) -> Measured:
    """Share of an allele in a generation, over runs."""
    courses = lived.learning if of.generation < len(lived.learning[0].fitness) else lived.long
    if not courses or of.generation >= len(courses[0].fitness):
        return _TOO_SHORT
    values = np.array([course.shares[of.generation, ALLELES[of.allele]] for course in courses])
    statistic: Callable[..., Any] = np.mean if of.over_runs == "mean" else np.median
    measured = measure_over_runs(values, lambda drawn: statistic(drawn, axis=-1))
    return dataclasses.replace(measured, note=f"{of.over_runs} of {len(values)} runs")


def _first_past(lived: Populations, level: float) -> FloatArray:
    """Generation in which mean fitness is first above a level, [R]; infinite where it never is."""
    past = np.array([course.fitness for course in lived.learning]) > level
    return np.where(past.any(axis=1), past.argmax(axis=1), np.inf)


def _fitness_passes(lived: Populations, of: FitnessPasses) -> Measured:
    """Median over runs of the generation in which mean fitness first passes a level."""
    first = _first_past(lived, of.fitness)
    capped = np.minimum(first, len(lived.learning[0].fitness))
    never = int(np.isinf(first).sum())
    if never * 2 >= len(first):
        return Measured(None, note=f"never in {never} of {len(first)} runs")
    measured = measure_over_runs(capped, lambda drawn: np.asarray(np.median(drawn, axis=-1)))
    return dataclasses.replace(measured, note=f"median of {len(first)} runs, never in {never}")


def _fitness_late(lived: Populations, of: FitnessLate) -> Measured:
    """Share of runs in which mean fitness first passes a level after a generation, or never does."""
    if of.after >= len(lived.learning[0].fitness):
        return _TOO_SHORT
    return measure_share(_first_past(lived, of.fitness) > of.after, "runs")


def _perfect_without(lived: Populations, of: PerfectWithout) -> Measured:
    """Share of runs without learning in which somebody is born with every switch right."""
    if of.within >= len(lived.without[0].perfect):
        return _TOO_SHORT
    return measure_share([course.perfect[: of.within + 1].any() for course in lived.without], "runs")


MEASURES: Mapping[str, Measure] = {
    "allele_share": Measure("share of an allele in a generation", AlleleShare, _allele_share),
    "fitness_passes": Measure("generation in which mean fitness passes a level", FitnessPasses, _fitness_passes),
    "fitness_late": Measure("share of runs in which it passes later", FitnessLate, _fitness_late),
    "perfect_without_learning": Measure("share of runs with a perfect newborn", PerfectWithout, _perfect_without),
}


def pictures(lived: Populations) -> Json:
    """What the page draws: means over runs with their intervals, by generation."""
    return {
        "learning": _by_generation(lived.learning),
        "without": _by_generation(lived.without),
        "long": _by_generation(lived.long),
    }


def _by_generation(courses: tuple[Course, ...]) -> Json | None:
    if not courses:
        return None
    shares = np.array([course.shares for course in courses])
    means = np.array([course.fitness for course in courses])
    last = shares.shape[1] - 1
    kept = np.unique(np.round(np.linspace(0, last, min(last, 200) + 1)).astype(int))
    rows = {allele: shares[:, kept, place] for allele, place in ALLELES.items()} | {"fitness": means[:, kept]}
    curves = {name: mean_curve(values) for name, values in rows.items()}
    return {"runs": len(courses), "generation": kept.tolist(), **curves}
