"""The jobs of a study, one after another: evolve, live the test lives, record a replay.

Every finished job leaves a file behind, and a job whose file is there is never done again.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from evolearn.config import RunConfig
from evolearn.files import FileDamaged, FileMissing, Record, read_sealed, sealed
from evolearn.genome import FloatArray, GenePool, Newborns
from evolearn.life import Drivers, Outcome, Plan, life_fitness, lives, successions
from evolearn.run import (
    Generation,
    RunDirectory,
    SearchDiverged,
    Setup,
    Values,
    assemble,
    create_run,
    evolve_run,
    lent_values,
    live_births,
)
from evolearn.search import planned_evaluations
from evolearn.study._held_out import HeldOut, tabulate, write_table
from evolearn.study._pieces import Pieces, PieceUnfit
from evolearn.study.checks import Rates
from evolearn.study.config import ConditionPart, StudyConfig
from evolearn.study.directory import StudyDirectory
from evolearn.study.plan import (
    StudyArm,
    StudyJob,
    StudyPlan,
    arm_part,
    born_keys,
    check_keys,
    evolution_config,
    lineage_of,
    long_plan,
    origin_of,
    study_arm,
)
from evolearn.study.progress import Clock, Progress
from evolearn.study.replay import ReplayArm, record_replay, replay_scenes
from evolearn.verdict import Look

TOLD_EVERY = 2.0  # seconds between two generations after which the directory is told how far the study is


class ReplayOwner(Record):
    """What of a replay says whose it is."""

    of: dict[str, Any]


class StudyDisplay(Protocol):
    """What shows a study while it goes on."""

    def preparing(self, what: str) -> None:
        """Something that may take seconds is about to happen, before the plan is known."""

    def planned(self, config: StudyConfig, plan: StudyPlan, rates: Rates, left: Sequence[StudyJob]) -> None:
        """What will be done, and how long it will take, about."""

    def began(self, directory: Path) -> None:
        """The study directory is there."""

    def working(self, progress: Progress, what: str) -> None:
        """A job begins: evolving, or test lives."""

    def generation(self, progress: Progress, generation: Generation, generations: int) -> None:
        """A generation of the job is finished."""

    def done(self, progress: Progress, what: str) -> None:
        """A job is finished."""

    def warning(self, text: str) -> None:
        """Something that a user should know, and that did not stop the study."""

    def looked(self, look: Look, came_out: Sequence[str], still_open: Sequence[str], another: bool) -> None:
        """A planned look is done: conditions whose test came out at it, and those that go on if there is another."""

    def judging(self, what: str) -> None:
        """The last part begins: statistics, page."""


class StudyWork:
    """What is left to do of a study, and the doing of it."""

    def __init__(
        self,
        config: StudyConfig,
        plan: StudyPlan,
        study: StudyDirectory,
        drivers: Drivers,
        rates: Rates,
        display: StudyDisplay,
    ) -> None:
        """Look at what the directory holds already.

        Args:
            config: of the study.
            plan: of the same.
            study: the directory.
            drivers: shared by all jobs.
            rates: measured beforehand.
            display: shows what happens.
        """
        self._config = config
        self._study = study
        self._drivers = drivers
        self._display = display
        self._pieces = Pieces(config, study)
        self._all_tests = plan.tests
        self.evolutions, self.tests = self._pieces.left(plan, self._set_aside)
        self._clock = Clock(plan, [*self.evolutions, *self.tests], rates)
        self._told = -math.inf  # when the directory was told

    def jobs(self, plan: StudyPlan) -> Iterator[StudyJob]:
        """Do what is left of a part of the study, a job at a time.

        Args:
            plan: the part, see `StudyPlan.until`.
        Yields:
            Each job once it is done.
        """
        for job in [job for job in self.evolutions if job in plan.evolutions]:
            self._begin(job, "evolving")
            came_of_it = self._evolve(job)
            self._end(job, "evolved" if came_of_it else "came to no DNA", whole=came_of_it)
            self.evolutions.remove(job)
            self._check_lives_of(job)
            yield job
        self._leave_out_lives_without_dna()
        for together in self._grouped([job for job in self.tests if job in plan.tests]):
            self._begin(together[0], "living the test lives")
            self._live_held_out(together)
            for job in together:
                self._end(job, "lived the test lives")
                self.tests.remove(job)
                yield job

    def record_replays(self) -> None:
        """Record the replays that are missing or do not fit."""
        for condition in self._config.conditions:
            for run in range(min(self._config.replay.runs, self._config.planned_looks[0].runs)):
                self._record_missing(condition, run)

    def _record_missing(self, condition: ConditionPart, run: int) -> None:
        missing = []
        scenes = replay_scenes(self._config.replay.steps, max(self._config.run_of(condition).evaluation.lifetimes))
        for scene in scenes:
            path = self._study.replay(condition.name, run, scene.start)
            try:
                found = read_sealed(path, ReplayOwner)
                if found.of != self._replay_of(condition, run):
                    raise FileDamaged(f"{path}: is of another study, condition or DNA than this one's")
            except FileMissing:
                missing.append(scene)
            except FileDamaged as error:
                self._display.warning(f"{error}; {self._study.set_aside(path)}it is recorded again")
                missing.append(scene)
        if missing:
            self._record(condition, run, missing)

    def dna(self, condition: ConditionPart, origin: str, run: int) -> tuple[GenePool, FloatArray]:
        """Gene pool and DNA of an evolution run whose result is judged under a condition."""
        directory = self._study.evolved(condition, origin, run)
        dna = directory.load_dna()
        return dna.pool, dna.genome

    def _set_aside(self, job: StudyJob, unfit: PieceUnfit) -> None:
        """Say that test lives do not fit: they are lived again."""
        problem = str(unfit).rpartition("; ")[0]
        self._display.warning(f"{problem}; {self._pieces.set_aside(job)}these lives are lived again")

    def _check_lives_of(self, evolved: StudyJob) -> None:
        """Look again at the test lives of a run that was made anew: they may be of other DNA."""
        for job in self._all_tests:
            there = self._config.condition(job.condition).evolved_in or job.condition
            is_its = (there, origin_of(self._config, job.arm), job.run) == (evolved.condition, evolved.arm, evolved.run)
            if is_its and job not in self.tests and not self._pieces.are_lives_done(job, self._set_aside):
                self.tests.append(job)
                self._clock.add(job)

    def _run(self, job: StudyJob) -> RunDirectory:
        return self._study.run(job.condition, job.arm, job.run)

    def _begin(self, job: StudyJob, what: str) -> None:
        self._clock.begin(job)
        self._display.working(self._progress(), what)

    def _end(self, job: StudyJob, what: str, whole: bool = True) -> None:
        self._clock.end(job, whole)
        self._display.done(self._progress(), what)

    def _progress(self, every: float = 0.0) -> Progress:
        """How far the study is; its directory is told too, for others to see, unless it was less than `every` s ago."""
        progress, now = self._clock.progress(), time.monotonic()
        if now >= self._told + every:
            self._study.write_progress(progress.done, progress.of, progress.seconds_left)
            self._told = now
        return progress

    def _leave_out_lives_without_dna(self) -> None:
        """Test lives for which an evolution came to no DNA are not lived; see `Pieces.no_dna`."""
        for job in list(self.tests):
            if self._no_dna(job) is not None:
                self.tests.remove(job)
                self._clock.drop(job)

    def _no_dna(self, job: StudyJob) -> str | None:
        return self._pieces.no_dna(self._config.condition(job.condition), job.arm, job.run)

    def _evolve(self, job: StudyJob) -> bool:
        """Evolve a run to its end; whether there is DNA of it."""
        if self._no_dna(job) is not None:
            self._say_no_dna(job)
            return False
        directory = self._run(job)
        planned = self._config_of(job)
        if not any((directory.path / name).exists() for name in ("run.json", "generations.jsonl")):
            # A directory without its label was cut off while it was made.
            shutil.rmtree(directory.path, ignore_errors=True)
            create_run(planned, job.arm, directory.path, self._drivers.describe())
        directory, own = self._pieces.opened(job)
        self._pieces.check_run(job, own, planned)
        setup = assemble(own)
        try:
            with directory.hold(), directory.keeping_faulty_life(setup.config):
                evolve_run(setup, self._drivers, directory, _OneRun(self._display, self._clock, self._progress))
        except SearchDiverged as error:
            self._pieces.seal_diverged(job, error)
            self._say_no_dna(job)
            return False
        self._pieces.check_run(job, own, planned, directory.rows(), directory.load_dna())
        self._pieces.seal_run(job)
        return True

    def _say_no_dna(self, job: StudyJob) -> None:
        self._display.warning(
            f"{job.arm} under {job.condition}, run {job.run}: {self._no_dna(job)}. So there is no DNA, and no verdict "
            f"on {job.arm} there, nor on arms that need its DNA; the others are judged, and this run is not repeated. "
            f"To have {job.arm} judged, begin a study anew with smaller steps: as run.search.options of "
            f"{self._study.path / 'study.yaml'}, or in define.{job.arm}.settings"
        )

    def _config_of(self, job: StudyJob) -> RunConfig:
        condition = self._config.condition(job.condition)
        borrowed: dict[str, Values] = {}
        part = arm_part(self._config, job.arm)
        for lender in part.needs():
            borrowed[lender] = lent_values(part, lender, *self.dna(condition, lender, job.run))
        return evolution_config(self._config, condition, job.arm, job.run, borrowed)

    def _grouped(self, jobs: Sequence[StudyJob]) -> list[list[StudyJob]]:
        """Test jobs that are lived together: the single long lives of all runs of an arm share the cores."""
        groups: dict[tuple[str, str, int], list[StudyJob]] = {}
        for job in jobs:
            run = -1 if arm_part(self._config, job.arm).one_life else job.run
            groups.setdefault((job.condition, job.arm, run), []).append(job)
        return list(groups.values())

    def _live_held_out(self, jobs: Sequence[StudyJob]) -> None:
        """Open the test lives of some runs of an arm, once, and write down what came of them."""
        config = self._config
        condition = config.condition(jobs[0].condition)
        arms = [self._study_arm(condition, job.arm, job.run) for job in jobs]
        keys = [born_keys(config, condition, job.arm, job.run, arm.setup) for job, arm in zip(jobs, arms, strict=True)]
        birth_steps = arms[0].setup.config.evaluation.birth_steps
        plan = long_plan(config, condition, jobs[0].arm)
        with self._study.keeping_faulty_life(arms[0].setup.config, condition.name, jobs[0].arm):
            births = [
                live_births(arm.setup, arm.setup.driver(self._drivers), arm.arm, of_run, birth_steps)
                for arm, of_run in zip(arms, keys, strict=True)
            ]
            if lineage_of(config, condition, jobs[0].arm) is None:
                outcomes = self._live_together(arms, keys, plan)
            else:
                outcomes = [self._live_lineages(arm, of_run, plan) for arm, of_run in zip(arms, keys, strict=True)]
        for job, birth, outcome in zip(jobs, births, outcomes, strict=True):
            held_out = HeldOut(birth.plan, birth.outcome, birth.score, plan, outcome)
            table = tabulate(job.condition, job.arm, job.run, held_out)
            self._pieces.seal_lives(job, write_table(table, self._study.lives(job.condition, job.arm, job.run)))

    def _live_together(self, arms: Sequence[StudyArm], keys: Sequence[np.ndarray], plan: Plan) -> list[Outcome]:
        born = [arm.arm.born(of_run) for arm, of_run in zip(arms, keys, strict=True)]
        first = np.cumsum([0, *(len(newborns.weights) for newborns, _ in born)])
        newborns = _joined([newborns for newborns, _ in born])
        born_as = np.concatenate([rows + start for (_, rows), start in zip(born, first[:-1], strict=True)])
        setup = arms[0].setup
        how = arms[0].arm.plan(plan.lifetime, plan.bin_steps)
        outcome, _ = lives(setup.driver(self._drivers), setup.conditions, newborns, born_as, np.concatenate(keys), how)
        edges = np.cumsum([len(of_run) for of_run in keys])[:-1]
        split = [np.split(column, edges) if len(column) else [column] * len(keys) for column in outcome]
        return [Outcome(*parts) for parts in zip(*split, strict=True)]

    def _live_lineages(self, arm: StudyArm, keys: np.ndarray, plan: Plan) -> Outcome:
        """Lineages, each as one life of the plan's length."""
        conditions = arm.setup.conditions
        assert conditions.lineage is not None, "there is one"
        each = arm.arm.plan(plan.lifetime // conditions.lineage.generations, plan.bin_steps)

        def earned(outcome: Outcome) -> np.ndarray:
            return life_fitness(outcome, conditions.world.fitness_rule, each)

        return successions(arm.setup.driver(self._drivers), conditions, arm.arm.born, keys, each, earned)

    def _study_arm(self, condition: ConditionPart, arm: str, run: int) -> StudyArm:
        return study_arm(self._config, condition, arm, lambda origin: self.dna(condition, origin, run))

    def _record(self, condition: ConditionPart, run: int, scenes: Sequence[range]) -> None:
        """Let two arms live the same validation life: test lives are for the verdict alone."""
        names = self._replayed(condition)
        for name in names:
            if (why := self._pieces.no_dna(condition, name, run)) is not None:
                self._display.warning(f"no replay of {condition.name}: {name} has no DNA in run {run}: {why}")
                return
        key = check_keys(self._config)[:1]
        arms = []
        setup: Setup | None = None
        for name in names:
            ready = self._study_arm(condition, name, run)
            setup = setup or ready.setup
            if ready.setup.conditions != setup.conditions:
                if run == 0:
                    self._display.warning(
                        f"no replay of {condition.name}: {' and '.join(names)} do not live under the same conditions"
                    )
                return
            newborns, born_as = ready.arm.born(key)
            arms.append(ReplayArm(name, ready.arm.doc, newborns, int(born_as[0]), ready.arm.plan(1)))
        assert setup is not None
        driver, conditions = setup.driver(self._drivers), setup.conditions
        for scene in scenes:
            with self._study.keeping_faulty_life(setup.config, condition.name, " or ".join(names)):
                replay = record_replay(
                    driver,
                    conditions,
                    arms,
                    key[0],
                    scene.stop - scene.start,
                    scene.step,
                    condition.name,
                    scene.start,
                    score_steps=setup.config.evaluation.birth_steps,
                )
            content = sealed({**replay, "run": run, "of": self._replay_of(condition, run)})
            self._study.write_json(self._study.replay(condition.name, run, scene.start), content, compact=True)

    def _replayed(self, condition: ConditionPart) -> tuple[str, ...]:
        """The arms that live the replay of a condition."""
        primary = self._config.primary_of(condition)
        return self._config.replay.arms or (primary.arm, primary.against)

    def _replay_of(self, condition: ConditionPart, run: int) -> dict[str, Any]:
        """Whose a replay is: study, condition, and the DNA that lives it by arm."""
        return {
            "study": self._study.first_config_sha256,
            "condition": condition.name,
            "dna": {name: self._pieces.dna_of(condition, name, run) for name in self._replayed(condition)},
        }


class _OneRun:
    """Passes on what happens in one evolution run."""

    def __init__(self, display: StudyDisplay, clock: Clock, progress: Callable[[float], Progress]) -> None:
        self._display = display
        self._clock = clock
        self._progress = progress
        self._generations = 1
        self._planned = 1  # genomes
        self._lived = 0

    def starting(self, setup: Setup, directory: Path, first: int) -> None:
        self._generations = setup.config.search.generations
        self._planned = planned_evaluations(setup.config.search)
        self._lived = sum(row["evaluations"] for row in RunDirectory(directory).rows()) if first else 0
        self._clock.within(self._lived / self._planned, counted=False)

    def warning(self, text: str) -> None:
        self._display.warning(text)

    def made(self, generation: Generation) -> None:
        self._lived += generation.evaluations
        self._clock.within(self._lived / self._planned)
        self._display.generation(self._progress(TOLD_EVERY), generation, self._generations)

    def choosing(self, what: str, number: int, of: int) -> None:
        self._display.working(self._progress(TOLD_EVERY), f"validation lives {number + 1}/{of}: {what}")


def _joined(newborns: Sequence[Newborns]) -> Newborns:
    """One record of all newborns; what is drawn afresh is drawn alike."""
    return newborns[0]._replace(
        **{
            field: np.concatenate([getattr(entry, field) for entry in newborns])
            for field in ("weights", "drives", "plasticity", "scale", "value")
        }
    )
