"""One life of a run lived again, by itself: the one that ended the run, or any of the lives that selected its genomes.

A life is a function of its newborn, its key and how it is lived. A faulty life is kept whole. Any other newborn of a
run is found again by making its generation's population again: from the newest checkpoint before it, or the start.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evolearn.config import ConfigError, SearchPart
from evolearn.errors import RunDirectoryError, shortened_traceback
from evolearn.genome import GROUPS, FloatArray, Newborns, decode, draw_fresh
from evolearn.life import (
    Conditions,
    Driver,
    Evaluation,
    Job,
    LifeFault,
    Outcome,
    Plan,
    Trace,
    empty_outcome,
    empty_trace,
    evaluate,
    life_fitness,
    new_driver,
    own_code,
)
from evolearn.rng import KEY_SIZE, Keys, LifeKey
from evolearn.run._cloning import lesson_lives
from evolearn.run._generation import meta_lives, selection_keys, with_learned
from evolearn.run._resuming import standing
from evolearn.run.directory import RunDirectory
from evolearn.run.evolution import evolve
from evolearn.run.faulty_life import load_faulty_life
from evolearn.run.record import Generation
from evolearn.run.scores import quarters
from evolearn.run.setup import Setup, assemble, to_genomes
from evolearn.search import (
    BlockSums,
    CloneOptions,
    Draw,
    Fitness,
    LeftFinite,
    Lessons,
    Noise,
    Search,
    Weights,
    differentiate,
    draw_genomes,
    evaluations_per_generation,
    is_whole,
    lessons_of,
    restarted_population,
    sum_in_blocks,
)
from evolearn.world import World


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A selection life of a run. All numbers from 0."""

    generation: int  # as in generations.jsonl
    genome: int  # in the order in which the generation lived them
    life: int  # of those that the genome lived


def wanted_life(generation: int | None, genome: int | None, life: int | None) -> Wanted | None:
    """The life that options name; None if they name none.

    Raises:
        ConfigError: some are given, others are not.
    """
    given = {"--generation": generation, "--genome": genome, "--life": life}
    missing = [name for name, number in given.items() if number is None]
    if generation is None or genome is None or life is None:
        if len(missing) < len(given):
            raise ConfigError(
                f"{', '.join(missing)}: missing; a life is named by --generation G --genome I --life L together, all "
                "from 0. Without any of them the life is lived at which the world was at fault"
            )
        return None
    return Wanted(generation, genome, life)


class ReliveDisplay(Protocol):
    """What shows how a generation is made again."""

    def remaking(self, generation: int, checkpoint: int | None) -> None:
        """Generation `generation` is about to be made, from the state after `checkpoint`; none: from the start."""

    def made(self, generation: Generation) -> None:
        """A generation before it is finished."""

    def warning(self, text: str) -> None:
        """Something that a user should know, and that did not stop the command."""


@dataclasses.dataclass(frozen=True)
class Relived:
    """What came of a life that was lived again."""

    setup: Setup
    doing: str  # of what the life was a part
    newborn: Newborns  # one
    key: LifeKey
    plan: Plan
    before: LifeFault | None  # how it ended the run; None for a life that was asked for by its numbers
    fault: LifeFault | None  # how it ended now, if by the world's fault
    outcome: Outcome  # [1, ..]; of a faulty life: until the fault
    trace: Trace  # [T, ..] of all steps that were finished; of length 0 if it was not asked for
    fitness: float  # life fitness by the world's rule; NaN of a faulty life
    quarters: tuple[float, ...]  # score by quarter of life; none of a faulty life
    lines: str  # of the compiled world's own file, or of users' parts, that led to its exception; empty if not known


@dataclasses.dataclass(frozen=True)
class _Life:
    """Who lives which life, and how."""

    setup: Setup
    doing: str
    newborn: Newborns  # one
    key: LifeKey
    plan: Plan
    genome: int  # its number, for errors
    before: LifeFault | None = None
    births: tuple[int, ...] = ()  # see `LifeFault`


def relive_fault(directory: Path, traced: bool) -> Relived:
    """Live the life again that ended a run or a study.

    Args:
        directory: of the run or the study, opened before.
        traced: write down every step.
    Raises:
        RunDirectoryError: no life ended it.
        ConfigError: the world is no longer found.
    """
    return _lived(_faulty_life(directory), traced)


def relive_selection(run: RunDirectory, wanted: Wanted, traced: bool, workers: int, display: ReliveDisplay) -> Relived:
    """Live one of the lives again that selected a run's genomes.

    Args:
        run: from `open_run`.
        wanted: which life.
        traced: write down every step.
        workers: threads or processes, of use since a generation must be made again.
        display: shows how that goes on.
    Raises:
        ConfigError: `wanted` is out of range, or the world is no longer found.
        LifeFault: the world is at fault in a life before the one that is asked for.
    """
    if run.read_config().lineage is not None:
        raise ConfigError(
            f"RUN={run.path}: its lives follow one another (section lineage), and none of them can be lived by itself; "
            "leave out --generation, --genome and --life"
        )
    return _lived(_selection_life(run, wanted, workers, display), traced)


def _faulty_life(path: Path) -> _Life:
    """The life that ended a run or a study."""
    kept = load_faulty_life(path)
    if kept is None:
        raise RunDirectoryError(
            f"RUN={path}: no life on record at which its world was at fault; name a life with --generation G "
            "--genome I --life L"
        )
    fault = kept.fault
    doing = ", ".join(f"{name} {value}" for name, value in kept.doing.items())
    setup = assemble(kept.config)
    own = decode(setup.pool, setup.pool.centre[None])
    born, here = ([getattr(one, group).shape[1] for group in GROUPS] for one in (fault.newborn, own))
    if born != here:
        raise RunDirectoryError(
            f"{path}: the life on record is born with {born[0]} weights, {born[1]} drives, {born[2]} numbers of "
            f"plasticity and {born[3]} of innate value, its world has {here[0]}, {here[1]}, {here[2]} and {here[3]} "
            "here: it was changed since, or "
            "is another; name a life with --generation, --genome and --life"
        )
    return _Life(setup, doing, fault.newborn, fault.key, fault.plan, fault.genome, fault, fault.births)


def _selection_life(directory: RunDirectory, wanted: Wanted, workers: int, display: ReliveDisplay) -> _Life:
    """A life that selected genomes; its population is made again."""
    setup = assemble(directory.read_config())
    if setup.opponent is not None:
        raise ConfigError(
            f"RUN={directory.path}: its opponent evolves as well, and its selection lives were lived in pairs, which "
            "are not lived again one by one; look at its DNA: evolearn inspect"
        )
    _check_range(setup, directory, wanted)
    stands = standing(setup, directory, before=wanted.generation)
    search, first = stands.search, stands.first
    for complaint in stands.complaints:
        display.warning(complaint)
    display.remaking(wanted.generation, first - 1 if first else None)
    driver = new_driver(setup.conditions, workers, setup.config.hang_seconds)
    try:
        if first < wanted.generation:
            _evolve_until(setup, driver, search, first, directory, wanted.generation, display)
        genome, keys = _find(setup, driver, search, wanted)
    finally:
        driver.close()
    one = np.zeros(1, np.int64)
    newborns, _ = draw_fresh(setup.pool, decode(setup.pool, to_genomes(setup, genome[None])), one, keys)
    doing = f"generation {wanted.generation}, genome {wanted.genome}, life {wanted.life}"
    numbers = keys[0].tolist()
    key, births = LifeKey.of(numbers), tuple(numbers[KEY_SIZE:])
    return _Life(setup, doing, newborns, key, setup.selection, wanted.genome, births=births)


def _check_range(setup: Setup, directory: RunDirectory, wanted: Wanted) -> None:
    search = setup.config.search
    # The one that was under way when the run ended has no row.
    rows = directory.rows()
    begun = min(len(rows) + 1, search.generations)
    if is_whole(search, [row["evaluations"] for row in rows]):
        begun = len(rows)
    genomes = _most_genomes(search, rows, wanted.generation)
    if isinstance(setup.options, CloneOptions) and 0 <= wanted.genome < genomes - 1:
        raise ConfigError(
            f"--genome {wanted.genome}: must be {genomes - 1}, the clone, with search.algorithm='clone': the lives "
            "before it are lessons, of a teacher or of who asks it"
        )
    for name, value, count, of in (
        ("generation", wanted.generation, begun, f"the generations that {directory.path} has begun"),
        ("genome", wanted.genome, genomes, "the genomes that a generation lives, the centre among them"),
        ("life", wanted.life, search.lives, "the selection lives of each genome"),
    ):
        if not 0 <= value < count:
            raise ConfigError(f"--{name} {value}: must be 0 .. {count - 1}, {of}")


def _most_genomes(search: SearchPart, rows: Sequence[Mapping[str, Any]], generation: int) -> int:
    """Genomes that a generation lived; of one that has no row at most so many: it may be the first of a restart."""
    if search.restart == "none" or not rows:
        return evaluations_per_generation(search.algorithm, search.population)
    if 0 <= generation < len(rows):
        return int(rows[generation]["evaluations"])
    return evaluations_per_generation(search.algorithm, restarted_population(search, rows[-1]["restart"] + 1))


def _evolve_until(
    setup: Setup,
    driver: Driver,
    search: Search,
    first: int,
    directory: RunDirectory,
    last: int,
    display: ReliveDisplay,
) -> None:
    """Make the generations `first` .. `last` - 1 again, and say where they differ from those on record."""
    rows = directory.rows()
    for generation in evolve(setup, driver, search, first):
        number = generation.generation
        display.made(generation)
        if number >= len(rows) or rows[number]["fitness_sha256"] != generation.fitness_sha256:
            display.warning(
                f"generation {number} differs from {directory.path / 'generations.jsonl'}: the world, a version or the "
                "processor is not the one that made it, and the life shown is not the one lived then"
            )
        if number == last - 1:
            return


class _Met(Exception):  # not an error: what was looked for
    """The genome that was looked for is about to live."""

    def __init__(self, z: FloatArray, batch: int) -> None:
        super().__init__()
        self.z = z
        self.batch = batch


def _find(setup: Setup, driver: Driver, search: Search, wanted: Wanted) -> tuple[FloatArray, Keys]:
    """The genome z [G] that is wanted, and the keys of its life; what lives before it in its generation, lives."""
    try:
        search.step(_Until(setup, driver, search, wanted))
    except _Met as met:
        keys = selection_keys(setup.config, wanted.generation, met.batch)
        return met.z, keys[wanted.life : wanted.life + 1]
    except LeftFinite as error:
        raise ConfigError(
            f"--generation {wanted.generation}: has no such life: it was not made, since {error}; name one before it"
        ) from error
    raise ConfigError(f"--genome {wanted.genome}: generation {wanted.generation} did not live so many genomes")


class _Until:
    """A generation under way until one of its genomes is met: a `Trial`, see `evolearn.search.search`."""

    def __init__(self, setup: Setup, driver: Driver, search: Search, wanted: Wanted) -> None:
        self._setup = setup
        self._driver = driver
        self._search = search
        self._wanted = wanted
        self._learning = dataclasses.replace(setup.selection, final_weights=True)
        self._lived = 0  # genomes

    def evaluate(self, z: FloatArray) -> Fitness:
        """See Trial."""
        return self._live_population(z, self._setup.selection).means[: len(z)]

    def learn(self, z: FloatArray) -> tuple[Fitness, FloatArray]:
        """See Trial."""
        evaluation = self._live_population(z, self._learning)
        assert evaluation.learned is not None, "the plan keeps final weights"
        return evaluation.means[: len(z)], with_learned(self._setup, z, evaluation.learned[: len(z)])

    def learn_alone(self, z: FloatArray, batch: int) -> FloatArray:
        """See Trial."""
        evaluation = self._live(z[None], self._learning, batch)
        assert evaluation.learned is not None, "the plan keeps final weights"
        return with_learned(self._setup, z[None], evaluation.learned)[0]

    def differentiate(self, z: FloatArray, batch: int, first_order: bool) -> FloatArray:
        """See Trial."""
        number = self._count(z[None], batch)
        lives = meta_lives(self._setup, z, self._wanted.generation, batch, first_order, number)
        _, gradient = differentiate(self._driver, lives)
        return (gradient * self._setup.pool.spread).astype(np.float32)

    def lessons(self, z: FloatArray, batch: int) -> Lessons:
        """See Trial."""
        self._lived += 1  # who lives there is looked for by nobody, see `_check_range`
        setup = self._setup
        keys = selection_keys(setup.config, self._wanted.generation, batch)
        return lessons_of(self._driver, lesson_lives(setup, to_genomes(setup, z), keys, batch))[1]

    def judge_centre(self, z: FloatArray, batch: int) -> None:
        """See Trial."""
        self._live(z[None], self._setup.selection, batch)

    def of_opponents(self, population: int) -> _Until:
        """See Trial; nobody gets here: lives in pairs are refused before."""
        return self

    def evaluate_drawn(self, draw: Draw) -> Fitness:
        """See Trial."""
        population = draw.noise.population
        if self._wanted.genome < population:
            raise _Met(draw_genomes(draw, np.array([self._wanted.genome]))[0], 0)
        if self._wanted.genome == population:
            raise _Met(draw.centre, 0)
        raise ConfigError(f"--genome {self._wanted.genome}: must be 0 .. {population}, the last one being the centre")

    def sum_drawn(self, noise: Noise, first: Weights, second: Weights) -> npt.NDArray[np.float64]:
        """See Trial; over the population before, which is not asked for."""
        return sum_in_blocks(self._driver, BlockSums(noise, first, second))

    def _live_population(self, z: FloatArray, plan: Plan) -> Evaluation:
        # The centre lives along with the first.
        return self._live(z if self._lived else np.concatenate([z, self._search.centre()[None]]), plan, 0)

    def _count(self, z: FloatArray, batch: int) -> int:
        """Count genomes z [P, G] that are about to live; the number of the first. Raises if the wanted one is met."""
        before = self._lived
        self._lived += len(z)
        if before <= self._wanted.genome < self._lived:
            raise _Met(z[self._wanted.genome - before], batch)
        return before

    def _live(self, z: FloatArray, plan: Plan, batch: int) -> Evaluation:
        setup, before = self._setup, self._count(z, batch)
        keys = selection_keys(setup.config, self._wanted.generation, batch)
        return evaluate(self._driver, setup.conditions, setup.pool, to_genomes(setup, z), keys, plan, before)


def _lived(life: _Life, traced: bool) -> Relived:
    """Live a life, and once more for its score by quarter if it is whole and its plan is not that fine."""
    setup, plan = life.setup, life.plan
    rule = setup.conditions.world.fitness_rule
    driver = new_driver(setup.conditions, 1, setup.config.hang_seconds)
    try:
        outcome, trace, fault = _live_alone(life, driver, plan, plan.lifetime if traced else 0)
        by_quarter: tuple[float, ...] = ()
        if fault is None:
            finer = plan if plan.bins >= 4 else dataclasses.replace(plan, bin_steps=-(-plan.lifetime // 4))
            again = outcome if finer is plan else _live_alone(life, driver, finer, 0)[0]
            by_quarter = tuple(quarters(again, rule, finer)[0].tolist())
    finally:
        driver.close()
    lived = int(outcome.age[0])
    return Relived(
        setup=setup,
        doing=life.doing,
        newborn=life.newborn,
        key=life.key,
        plan=plan,
        before=life.before,
        fault=fault,
        outcome=outcome,
        trace=Trace(*(array[:lived] for array in trace)),
        fitness=float(life_fitness(outcome, rule, plan)[0]) if fault is None else float("nan"),
        quarters=by_quarter,
        lines=_lines_of(setup.conditions, fault),
    )


def _lines_of(conditions: Conditions, fault: LifeFault | None) -> str:
    world = conditions.world
    if fault is None or fault.__cause__ is None or not isinstance(world, World):
        return ""
    own = {inspect.getfile(getattr(function, "py_func", function)) for function in (world.step, *own_code(conditions))}
    shown = shortened_traceback(fault.__cause__, lambda file: file in own)
    return "\n".join(shown.splitlines()[:-1])  # without the error itself, which is the fault's reason


def _live_alone(life: _Life, driver: Driver, plan: Plan, trace_steps: int) -> tuple[Outcome, Trace, LifeFault | None]:
    conditions = life.setup.conditions
    outcome = empty_outcome(1, plan, len(conditions.drive_names), conditions.brain.weights)
    trace = empty_trace(trace_steps, conditions)
    keys: npt.NDArray[np.int64] = np.array([(*life.key, *life.births)], np.int64)
    # Not `lives`: what a faulty life left behind until its fault is of interest here.
    try:
        driver.live(Job(life.newborn, np.zeros(1, np.int64), keys, plan, outcome, trace))
    except LifeFault as fault:
        again = fault.altered(genome=life.genome)
        again.__cause__ = fault.__cause__
        return outcome, trace.of(0), again
    return outcome, trace.of(0), None
