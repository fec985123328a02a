"""One generation: the lives of its genomes, and what its search is told of them.

What a search may ask of lives changes this room; which search there is, and how generations follow one another,
`evolearn.run.evolution`; what is kept of a generation, `evolearn.run.record`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import resource
import sys

import numpy as np
import numpy.typing as npt

from evolearn.config import RunConfig
from evolearn.genome import FloatArray
from evolearn.life import Driver, Effort, Evaluation, Plan, evaluate
from evolearn.rng import SELECTION, life_keys
from evolearn.run._cloning import lesson_lives
from evolearn.run._rivals import Meeting
from evolearn.run.births import selection_births
from evolearn.run.record import Generation, OpponentGeneration
from evolearn.run.setup import Setup, to_genomes
from evolearn.search import (
    BlockLives,
    BlockSums,
    Draw,
    Fitness,
    Lessons,
    MetaLives,
    Noise,
    Restarting,
    Rivals,
    Search,
    Weights,
    differentiate,
    lessons_of,
    live_in_blocks,
    sum_in_blocks,
)


def restart_of(search: Search) -> int:
    """The restart that made a search's last generation, from 0."""
    return search.restart if isinstance(search, Restarting) else 0


def selection_keys(config: RunConfig, generation: int, batch: int = 0, space: int = SELECTION) -> npt.NDArray[np.int64]:
    """Keys of a batch of a generation's selection lives: fresh ones for every generation and batch.

    Int64 [L, 4], or [L, 12] where they are born from a set, see `selection_births`.
    """
    count = config.search.lives
    keys = life_keys(config.seed, space, generation, count)
    keys[:, 3] += batch * count
    return selection_births(config, keys, generation, batch, space)


def with_learned(setup: Setup, z: FloatArray, learned: FloatArray) -> FloatArray:
    """Genomes z [P, G] with learned weights in the place of the weights genes; the other genes stay.

    Args:
        setup: its encoding is direct, its weights evolve.
        z: as born.
        learned: [P, W], see `learned_weights`; a row that is not finite leaves its genome as it was born.
    """
    places = [place for (group, _), place in setup.pool.slices().items() if group == "weights"]
    weights = np.r_[tuple(places)]
    result = z.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        inherited = (learned - setup.pool.centre[weights]) / setup.pool.spread[weights]
    rows = np.isfinite(inherited).all(axis=1)
    result[np.ix_(rows, weights)] = inherited[rows]
    return result


def meta_lives(setup: Setup, z: FloatArray, generation: int, batch: int, first_order: bool, number: int) -> MetaLives:
    """The lives of one meta-update.

    Args:
        setup: its search trains weights by the gradient through learning.
        z: [G], the weights at birth.
        generation: from 0.
        batch: of the generation.
        first_order: see `MAMLOptions`.
        number: of the genome in its generation, for errors.
    """
    keys = selection_keys(setup.config, generation, batch, setup.space)
    return MetaLives(setup.pool, to_genomes(setup, z), number, keys, setup.selection, first_order)


class Trial:
    """One generation under way: what was lived, and what came out."""

    def __init__(
        self, setup: Setup, driver: Driver, search: Search, generation: int, meeting: Meeting | None = None
    ) -> None:
        self._meeting = Meeting(setup, search, generation) if isinstance(search, Rivals) else meeting
        self._of_opponents: list[Trial] = []
        self._setup = setup
        self._driver = driver
        self._search = search
        self._generation = generation
        self._learning = dataclasses.replace(setup.selection, final_weights=True)
        self._evaluations: list[Evaluation] = []
        self._lived = 0  # genomes so far
        self._fitness: list[Fitness] = []  # without the centre's
        self._learned: list[FloatArray] = []  # z; or gradients by z; or a teacher's answers
        self._shared: list[Fitness] = []  # [.., L], of genomes that shared their lives, the centre included
        self._centre_fitness = float("nan")
        self._cultural: tuple[float, ...] | None = None

    def evaluate(self, z: FloatArray) -> Fitness:
        """Mean fitness [P] of genomes z [P, G]; the first call lives the centre as well."""
        return self._live_population(z, self._setup.selection)[0]

    def learn(self, z: FloatArray) -> tuple[Fitness, FloatArray]:
        """The same, and the genomes z [P, G] with the weights that their lives ended with."""
        fitness, learned = self._live_population(z, self._learning)
        return fitness, self._inherit(z, learned)

    def learn_alone(self, z: FloatArray, batch: int) -> FloatArray:
        """The genome z [G] with the weights that its lives of this batch ended with."""
        evaluation = self._live(z[None], self._learning, batch)
        self._fitness.append(evaluation.means)
        return self._inherit(z[None], evaluation.learned)[0]

    def differentiate(self, z: FloatArray, batch: int, first_order: bool) -> FloatArray:
        """Gradient [G] by z of the loss after learning, the mean over the lives of this batch."""
        lives = meta_lives(self._setup, z, self._generation, batch, first_order, self._lived)
        evaluation, gradient = differentiate(self._driver, lives)
        self._count(evaluation)
        self._fitness.append(evaluation.means)
        self._learned.append((gradient * self._setup.pool.spread).astype(np.float32))
        return self._learned[-1].copy()

    def lessons(self, z: FloatArray, batch: int) -> Lessons:
        """What the teacher of the genome z [G] does, or answers, in the lives of this batch."""
        keys = selection_keys(self._setup.config, self._generation, batch, self._setup.space)
        lives = lesson_lives(self._setup, to_genomes(self._setup, z), keys, self._lived)
        evaluation, lessons = lessons_of(self._driver, lives)
        self._count(evaluation)
        self._fitness.append(evaluation.means)
        self._learned.append(lessons.answers)
        return lessons

    def judge_centre(self, z: FloatArray, batch: int) -> None:
        """Live the centre z [G] on the lives of this batch, for the record."""
        self._centre_fitness = float(self._live(z[None], self._setup.selection, batch).means[0])

    def evaluate_drawn(self, draw: Draw) -> Fitness:
        """Mean fitness [P] of a drawn population, in blocks; its centre is lived as well."""
        setup = self._setup
        keys = selection_keys(setup.config, self._generation, space=setup.space)
        evaluation = live_in_blocks(self._driver, BlockLives(draw, setup.pool, keys, setup.selection))
        self._count(evaluation)
        return self._keep(evaluation, draw.noise.population)

    def sum_drawn(self, noise: Noise, first: Weights, second: Weights) -> npt.NDArray[np.float64]:
        """Weighted sums [2, G] over a population's noise and over its squares, in blocks of genes."""
        return sum_in_blocks(self._driver, BlockSums(noise, first, second))

    def of_opponents(self, population: int) -> Trial:
        """The lives of the same generation of a population of opponents, from 0."""
        meeting = self._meeting
        assert meeting is not None
        turned, search = dataclasses.replace(meeting, population=population), meeting.search.opponents[population]
        trial = Trial(self._setup.opponents[population], self._driver, search, self._generation, turned)
        self._of_opponents.append(trial)
        return trial

    def _inherit(self, z: FloatArray, learned: FloatArray | None) -> FloatArray:
        assert learned is not None, "the plan keeps final weights"
        self._learned.append(with_learned(self._setup, z, learned))
        return self._learned[-1].copy()

    def _live_population(self, z: FloatArray, plan: Plan) -> tuple[Fitness, FloatArray | None]:
        """Mean fitness [P] and, if the plan keeps them, learned weights [P, W], on lives that all genomes share."""
        with_centre = not self._evaluations
        everyone = np.concatenate([z, self._search.centre()[None]]) if with_centre else z
        evaluation = self._live(everyone, plan, 0)
        fitness = self._keep(evaluation, len(z))
        return fitness, None if evaluation.learned is None else evaluation.learned[: len(z)]

    def _keep(self, evaluation: Evaluation, population: int) -> Fitness:
        """Write down lives that all genomes shared, with the centre after the population or without it."""
        self._shared.append(evaluation.fitness[~evaluation.broken.any(axis=1)])
        means = evaluation.means
        if len(means) > population:
            self._centre_fitness = float(means[-1])
            if evaluation.by_generation is not None:
                self._cultural = tuple(evaluation.by_generation[-1].mean(axis=0).tolist())
        self._fitness.append(means[:population])
        return self._fitness[-1]

    def _live(self, z: FloatArray, plan: Plan, batch: int) -> Evaluation:
        setup = self._setup
        genomes = to_genomes(setup, z)
        keys = selection_keys(setup.config, self._generation, batch, setup.space)
        if self._meeting is None:
            evaluation = evaluate(self._driver, setup.conditions, setup.pool, genomes, keys, plan, self._lived)
        else:
            evaluation = self._meeting.evaluate(self._driver, genomes, keys, plan, self._lived)
        self._count(evaluation)
        return evaluation

    def _count(self, evaluation: Evaluation) -> None:
        """Write down what was lived."""
        self._evaluations.append(evaluation)
        self._lived += len(evaluation.fitness)

    @property
    def steps(self) -> int:
        """World steps lived so far, those of opponents that evolve as well."""
        opponents = sum(trial.steps for trial in self._of_opponents)
        return opponents + sum(evaluation.world_steps for evaluation in self._evaluations)

    def record(self, seconds: float, effort: Effort | None) -> Generation:
        """The row of this generation."""
        fitness = np.concatenate(self._fitness)
        whole = fitness[np.isfinite(fitness)]
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = (float(whole.mean()), float(whole.std())) if len(whole) else (math.nan, math.nan)
        steps = self.steps
        learned = b"".join(z.astype("<f4").tobytes() for z in self._learned)
        others = tuple(trial.record_of_opponents() for trial in self._of_opponents)
        return Generation(
            generation=self._generation,
            fitness_mean=mean,
            fitness_std=std,
            fitness_best=float(whole.max()) if len(whole) else math.nan,
            fitness_centre=self._centre_fitness if math.isfinite(self._centre_fitness) else math.nan,
            world_steps=steps,
            seconds=seconds,
            steps_per_second=steps / seconds,
            evaluations=self._lived,
            fitness_sha256=hashlib.sha256(fitness.astype("<f8").tobytes() + learned).hexdigest(),
            paired_correlation=paired_correlation(np.concatenate(self._shared)) if self._shared else None,
            search_stdev=float(self._search.stdev().mean()),
            diverged_lives=sum(evaluation.diverged for evaluation in self._evaluations),
            skipped_updates=sum(evaluation.skipped_updates for evaluation in self._evaluations),
            peak_memory=_peak_memory(),
            restart=restart_of(self._search),
            cluster=effort,
            teacher_steps=sum(evaluation.teacher_steps for evaluation in self._evaluations),
            cultural=self._cultural,
            opponent=others if len(others) > 1 else next(iter(others), None),
        )

    def record_of_opponents(self) -> OpponentGeneration:
        """What of the row of this trial is written down of opponents."""
        row = self.record(1.0, None)
        return OpponentGeneration(
            **{field.name: getattr(row, field.name) for field in dataclasses.fields(OpponentGeneration)}
        )


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # the system's unit


def paired_correlation(fitness: Fitness) -> float | None:
    """Mean Pearson correlation over lives between two genomes of a population.

    Args:
        fitness: [P, L]; genomes whose fitness is the same in every life are left out.
    Returns:
        -1 .. 1, or None if fewer than two genomes or lives differ.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        deviations = fitness - fitness.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(deviations, axis=1)
    known = (lengths > 1e-12) & np.isfinite(lengths)
    directions = deviations[known] / lengths[known, None]
    count = len(directions)
    if count < 2 or fitness.shape[1] < 2:
        return None
    return float((np.square(directions.sum(axis=0)).sum() - count) / (count * (count - 1)))
