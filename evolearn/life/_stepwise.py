"""The stepwise driver: lives in worlds that cannot be compiled, a chunk of them in lock-step.

Everything but the world is the fused kernel's: the same compiled `be_born`, `act`, `experience` and `learn_when_full`,
in small loops over the lives of a chunk; Python only steps the environments in between. A life depends on its newborn
and its key alone, so chunks of any size, on any number of processes, give bitwise the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, MutableSequence, Sequence
from typing import Any, NamedTuple

import numpy as np

from evolearn.config import HANG_SECONDS
from evolearn.errors import PartError
from evolearn.life._lockstep import (
    ACT_TYPE,
    BE_BORN_TYPE,
    CLOSE_TYPE,
    EXPERIENCE_TYPE,
    GET_TEACHERS_TYPE,
    GROW_TYPE,
    LEARN_ALL_TYPE,
    OPERATE_TYPE,
    Binding,
    Bound,
    act_together,
    be_born_together,
    close_together,
    direct,
    experience_together,
    get_teachers_together,
    grow_together,
    learn_together,
    operate_together,
    parts_of,
    reset_together,
)
from evolearn.life.faults import FAULTS, LifeFault, LifeLost, fault_in, name_culprit, own_parts
from evolearn.life.live import Conditions, Driver, Job, machinery, one_after_another
from evolearn.life.processes import (
    AGE,
    LIVING,
    PLACE,
    SECONDS_TO_END,
    Fault,
    Worker,
    WorkerDied,
    new_shown,
    those_ready,
)
from evolearn.life.records import FROM_ORACLE, UNFINISHED, Course, Outcome, Team, Trace
from evolearn.life.rehearsal import Rehearsal
from evolearn.life.teachers import Teachers
from evolearn.life.watch import OwnThread, Watch
from evolearn.world import (
    EnvironmentFault,
    Environments,
    GymnasiumEnvironments,
    GymnasiumWorld,
    WorldError,
    are_apart,
    how_it_ended,
    standing_lines,
)

LIVES_AT_ONCE = 64  # in a chunk: enough to make the calls into compiled code cheap, few enough to share among workers
# The same for environments whose steps take long: those calls weigh less, and what an engine of physics keeps per
# environment should stay in the processor's cache from step to step.
SLOW_LIVES_AT_ONCE = 16
SLOW_STEP = 25e-6  # s of a life's step, learning included

EnvironmentsMaker = Callable[[Conditions], Environments]


class ChunkStepper:
    """Lives chunks in this process.

    In one of its own, on its main thread, and whoever started it watches it. In the process of somebody's script on
    another thread, so that an environment that hangs is noticed: always the same one, until one hangs, since some
    environments must be used by the thread that made them.
    """

    def __init__(
        self,
        conditions: Conditions,
        make_environments: EnvironmentsMaker,
        hang_seconds: float = HANG_SECONDS,
        shown: MutableSequence[int] | None = None,
    ) -> None:
        """Compile or load what `conditions` need; environments are made for the first job.

        Args:
            conditions: what all lives share.
            make_environments: gives the environments.
            hang_seconds: lives without a finished step for so long are a fault.
            shown: what others see of the work, see `evolearn.life.processes.new_shown`.
        """
        self._conditions = conditions
        self._make_environments = make_environments
        self._hang_seconds = hang_seconds
        self._made: Environments | None = None
        self._thread: OwnThread | None = None
        self._shown = shown if shown is not None else new_shown()
        self._folder = ""  # to which environments have moved their process; none yet: where it is
        self._machinery = machinery(conditions)
        self._parts = parts_of(self._machinery)
        self._be_born = direct(be_born_together, BE_BORN_TYPE)
        self._get_teachers = direct(get_teachers_together, GET_TEACHERS_TYPE)
        self._operate = direct(operate_together, OPERATE_TYPE)
        self._reset = direct(reset_together, BE_BORN_TYPE)
        self._grow = direct(grow_together, GROW_TYPE) if conditions.brain.growth else None
        self._act = direct(act_together, ACT_TYPE)
        self._experience = direct(experience_together, EXPERIENCE_TYPE)
        self._learn = direct(learn_together, LEARN_ALL_TYPE)
        self._close = direct(close_together, CLOSE_TYPE)

    @property
    def _environments(self) -> Environments:
        if self._made is None:
            self._made = self._make_environments(self._conditions)
            self._made.where = self._shown
        return self._made

    def close_here(self) -> None:
        """Let go of the environments, on this thread."""
        if self._made is not None:
            self._made.close()

    def close(self) -> None:
        """Let go of the environments, on the thread that they are used by."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        thread.begin(self.close_here)
        thread.dismiss()
        done = thread.wait(SECONDS_TO_END)
        if done is None:
            self._made = None
        elif done.error is not None:
            raise done.error

    def live_unwatched(self, job: Job) -> Fault | None:
        """Live all of a job in lock-step on this thread; the first life at fault, if any."""
        return self._live(job, threading.Event())

    def live(self, job: Job) -> Fault | None:
        """Live all of a job in lock-step and write its outcome; the first life at fault, if any."""
        thread = self._thread = self._thread or OwnThread()
        watch = Watch(self._hang_seconds)
        stop = threading.Event()
        self._shown[LIVING] = False
        thread.begin(functools.partial(self._live_and_return, job, stop))
        try:
            while (done := thread.wait(0.2)) is None:
                place, age, living = self._shown
                if living and watch.stands_still(0, (age, place)):
                    job.outcome.age[place] = age
                    reason = hanging(self._hang_seconds, thread.where())
                    self._give_up(stop)
                    return Fault(place, reason, at_once=True, lost=True)
        except BaseException:  # Ctrl-C: what is closed next must not be at work any more
            stop.set()
            if thread.wait(SECONDS_TO_END) is None:
                self._give_up(stop)
            raise
        if done.error is not None:
            raise done.error
        return done.value

    def _give_up(self, stop: threading.Event) -> None:
        """Leave the thread and its environments alone; if it ever comes back, it ends."""
        stop.set()
        if self._thread is not None:
            self._thread.dismiss()
        self._thread = None
        self._made = None
        self._shown = new_shown()

    def _live_and_return(self, job: Job, stop: threading.Event) -> Fault | None:
        """The same as `live_unwatched`; environments may move to a folder of theirs, their process does not stay."""
        before = os.getcwd()
        try:
            with contextlib.suppress(OSError):
                os.chdir(self._folder or before)
            return self._live(job, stop)
        finally:
            with contextlib.suppress(OSError):
                self._folder = os.getcwd()
            os.chdir(before)

    def _live(self, job: Job, stop: threading.Event) -> Fault | None:
        conditions = self._conditions
        course = self._machinery.course(conditions, job)
        team = self._machinery.team(conditions, len(job.genomes), job.plan)
        memory = (team.handle, team.at, team.body)
        self._be_born(job.newborns, job.genomes, job.keys, course, *memory)
        teachers = job.teachers_of(conditions)
        self._get_teachers(teachers, job.keys, *memory)
        fault = self._live_in_step(job, course, team, teachers, stop)
        if fault is not None:
            return fault
        self._close(job.outcome, course, *memory)
        faulty = np.flatnonzero(np.isin(team["status"], list(FAULTS)))
        if not faulty.size:
            return None
        place = int(faulty[0])
        what = FAULTS[int(team["status"][place])]
        return Fault(place, name_culprit(conditions, what, team["observation"][place], team["felt"][place]), False)

    def _live_in_step(
        self, job: Job, course: Course, team: Team, teachers: Teachers, stop: threading.Event
    ) -> Fault | None:
        """Steps from birth to end; writes all but the end of the outcome of those who come to it."""
        environments, shown = self._environments, self._shown
        count = len(job.genomes)
        observation, status = team["observation"], team["status"]
        rows = list(observation)
        terminated, truncated = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        settings = self._conditions.settings
        memory = (team.handle, team.at, team.body)
        binding = Binding(
            Bound(self._parts, *memory, course, job.outcome, job.trace, terminated, truncated, settings, teachers)
        )
        bound = binding.address
        world = (
            team["action"],
            observation,
            team["felt"][:, 1 : 1 + team.body.senses],
            team["fitness"],
            terminated,
            truncated,
        )
        places = list(range(count))
        t = 0
        shown[PLACE], shown[AGE], shown[LIVING] = 0, 0, True
        try:
            environments.begin_all(job.keys, observation)
            for t in range(course.steps):
                if stop.is_set():
                    break
                shown[AGE] = t
                if t == course.switch_at and course.reset_from >= 0:
                    self._reset(job.newborns, job.genomes, job.keys, course, *memory)
                if t == course.operate_at:
                    self._operate(job.surgeries, job.genomes, *memory)
                if self._grow is not None and t % course.grow_every == 0:
                    self._grow(job.newborns, job.genomes, course, *memory, t)
                if t < course.deprived_until:
                    observation[:] = 0.0
                if self._act(bound, t):
                    places = [place for place in places if status[place] == UNFINISHED]
                endings = environments.step_all(t, places, *world)
                if t + 1 == course.switch_at:
                    endings = environments.switch(places, terminated, truncated)
                if self._experience(bound, t):
                    places = [place for place in places if status[place] == UNFINISHED]
                for place in endings:
                    environments.begin_again(place, t, rows[place])
                self._learn(bound, t)
                if not places:
                    break
        except EnvironmentFault as fault:
            job.outcome.age[fault.place] = t
            return Fault(fault.place, fault.text, at_once=True)
        except Exception as error:
            if own := own_parts(self._conditions):
                raise PartError(f"{own}: at age {t}, raised {type(error).__name__}: {error}") from error
            raise
        finally:
            shown[LIVING] = False
        return None


def hanging(seconds: float, frames: list[traceback.FrameSummary]) -> str:
    """What to say of an environment that does not come back, and where in its code it is."""
    return "\n".join(
        [
            f"no step finished for {seconds:g} s; look for a loop without end in the environment's code, or raise "
            "hang_seconds if it is only slow",
            *standing_lines(frames),
        ]
    )


class _Task(NamedTuple):
    """A chunk of a job."""

    first: int  # life
    job: Job


class StepwiseDriver:
    """Lives worlds that cannot be compiled, in this process or on several of its own."""

    def __init__(
        self,
        conditions: Conditions,
        workers: int = 1,
        chunk: int | None = None,
        make_environments: EnvironmentsMaker | None = None,
        hang_seconds: float = HANG_SECONDS,
        apart: bool | None = None,
    ) -> None:
        """Compile or load what `conditions` need.

        Args:
            conditions: what all lives share.
            workers: processes. They start with the first job and stay until `close`.
            chunk: lives in lock-step, at most; changes no result. None: as many as suits the environment's speed.
            make_environments: gives the environments of a process; a function of a module where lives are apart.
            hang_seconds: lives without a finished step for so long are a fault.
            apart: whether one worker is a process as well, or is this one. None: as `evolearn.world.are_apart` says.
        """
        self.conditions = conditions
        world = conditions.world
        part = world.part if make_environments is None and isinstance(world, GymnasiumWorld) else None
        instances = part.instances if part is not None else None
        self.workers = min(workers, instances or workers)
        self._most = instances // self.workers if instances else LIVES_AT_ONCE
        self.is_bounded = instances is not None  # there may be only so many environments
        self.before_lives: Callable[[], None] = lambda: None  # what makes room for them
        self._chunk = chunk
        self._step_seconds = 0.0  # of a life's step, the fastest so far; 0: none yet
        self.hang_seconds = hang_seconds
        self._make_environments = make_environments or gymnasium_environments
        self._apart = self.workers > 1 or (are_apart() if apart is None else apart)
        # Also if lives are apart: workers then find everything compiled.
        self._stepper = ChunkStepper(conditions, self._make_environments, hang_seconds)
        self._crew: list[Worker] = []
        # Nothing is known of the environments of others.
        self._rehearsal = Rehearsal(self, self._live) if part is not None and part.check else None

    @property
    def chunk(self) -> int:
        """Lives in lock-step, at most."""
        return min(self._most, self._chunk or (SLOW_LIVES_AT_ONCE if self._step_seconds > SLOW_STEP else LIVES_AT_ONCE))

    def close(self) -> None:
        """Let go of environments and processes; a driver that lives another job starts them again."""
        self._stepper.close()
        crew, self._crew = self._crew, []
        for worker in crew:
            worker.dismiss()
        for worker in crew:
            worker.await_end(SECONDS_TO_END)

    def renew(self) -> bool:
        """End the processes, so that what lives next does so in new ones; False: lives are lived in this one."""
        if self._apart:
            self.close()
        return self._apart

    def rehearse(self, job: Job) -> None:
        """See once, with the first life of `job`, that environments keep nothing from life to life: see `Rehearsal`.

        Raises:
            KeepsState: they do.
            LifeLost: one hangs, or ends its process.
        """
        self.before_lives()
        if self._rehearsal is not None:
            self._rehearsal.before(job)

    def live(self, job: Job) -> None:
        """Live every life of `job`.

        Raises:
            LifeFault: an environment raised, hung, ended its process, gave a number that is not finite, or keeps
                something from life to life; names life and step.
            WorkerDied: a process was ended before its time.
        """
        if job.plan.source == FROM_ORACLE:
            raise WorldError(f"world {self.conditions.world.name} has no oracle; choose another source of actions")
        if job.plan.episode_at is not None:
            raise WorldError(
                f"plan.episode_at={job.plan.episode_at}: must be None in world {self.conditions.world.name}: only "
                "compiled worlds can be made to begin an episode"
            )
        self.rehearse(job)
        self._live(job)
        if self._rehearsal is not None:
            self._rehearsal.after(job)

    def _live(self, job: Job) -> None:
        faults: dict[int, Fault] = {}
        tasks = self._tasks(job)
        for first, fault in self._live_on_crew(tasks) if self._apart else self._live_here(tasks):
            if fault is None:
                continue
            faults[first + fault.place] = fault
            if fault.at_once:
                self._end_now()  # environments too: what raised may not be in a state to be reset
                faults = {first + fault.place: fault}
                break
        if faults:
            life = min(faults)
            kind = LifeLost if faults[life].lost else LifeFault
            raise fault_in(self.conditions, job, life, faults[life].text, kind)

    def over_blocks(self, function: Callable[[Driver, Any, int], Any], shared: Any, blocks: Sequence[int]) -> list[Any]:
        """`function(driver, shared, block)` for every block, in order; the processes share the lives of each."""
        return one_after_another(self, function, shared, blocks)

    def _tasks(self, job: Job) -> Iterator[_Task]:
        count = len(job.genomes)
        # A multiple of the workers, so that none waits for the last chunk of another.
        chunks = -(-count // (self.chunk * self.workers)) * self.workers
        size = -(-count // chunks) if count else 1
        for first in range(0, count, size):
            some = slice(first, first + size)
            yield _Task(
                first,
                dataclasses.replace(
                    job,
                    genomes=job.genomes[some],
                    keys=job.keys[some],
                    teachers=job.teachers.of_lives(some),
                    outcome=Outcome(*(array[some] for array in job.outcome)),
                    trace=Trace(*(array[some] for array in job.trace)),
                ),
            )

    def _live_here(self, tasks: Iterator[_Task]) -> Iterator[tuple[int, Fault | None]]:
        for task in tasks:
            start = time.perf_counter()
            fault = self._stepper.live(task.job)
            self._note_speed(task, time.perf_counter() - start)
            yield task.first, fault

    def _note_speed(self, task: _Task, seconds: float) -> None:
        each = seconds / max(1, len(task.job.genomes) * task.job.plan.lifetime)
        self._step_seconds = min(self._step_seconds or each, each)

    def _live_on_crew(self, tasks: Iterator[_Task]) -> Iterator[tuple[int, Fault | None]]:
        """Hand out chunks, and write what comes back into the job."""
        if not self._crew:
            self._crew = [self._new_worker() for _ in range(self.workers)]
        at_work: dict[Worker, _Task] = {}
        begun: dict[Worker, float] = {}
        lost: set[int] = set()  # first lives of chunks whose worker died
        watch = Watch(self.hang_seconds)
        try:
            for worker in self._crew:
                begun[worker] = time.perf_counter()
                _hand_out(worker, tasks, at_work)
            while at_work:
                for worker in those_ready(list(at_work), 0.2):
                    task = at_work.pop(worker)
                    try:
                        answer = worker.answer()
                    except WorkerDied as death:
                        # Perhaps an accident: others may have ended it. A life's own doing comes again.
                        if task.first in lost:
                            yield task.first, _fatal(worker, task, death)
                        lost.add(task.first)
                        worker = self._replace(worker)
                        worker.hand(task.job)
                        at_work[worker], begun[worker] = task, time.perf_counter()
                        continue
                    for mine, theirs in zip(
                        (*task.job.outcome, *task.job.trace), (*answer.outcome, *answer.trace), strict=True
                    ):
                        mine[...] = theirs
                    self._note_speed(task, time.perf_counter() - begun[worker])
                    begun[worker] = time.perf_counter()
                    _hand_out(worker, tasks, at_work)
                    yield task.first, answer.fault
                for worker, task in at_work.items():
                    place, age, living = worker.shown
                    if living and watch.stands_still(id(worker), (task.first, age, place)):
                        task.job.outcome.age[place] = age
                        yield task.first, Fault(place, hanging(self.hang_seconds, worker.frames()), True, lost=True)
        except BaseException:
            self._end_now()
            raise

    def _new_worker(self) -> Worker:
        return Worker(functools.partial(ChunkStepper, self.conditions, self._make_environments, self.hang_seconds))

    def _replace(self, worker: Worker) -> Worker:
        worker.dismiss()
        worker.await_end(0.0)
        new = self._new_worker()
        self._crew[self._crew.index(worker)] = new
        return new

    def _end_now(self) -> None:
        """End the processes, whatever they are doing."""
        for worker in self._crew:
            worker.end_now()
        self.close()


def _fatal(worker: Worker, task: _Task, death: WorkerDied) -> Fault:
    """The fault of the life in which a process died, for the second time.

    Raises:
        WorkerDied: somebody else ended it; the life may be any.
    """
    place, age, living = worker.shown
    if worker.was_killed or not living:
        raise death
    task.job.outcome.age[place] = age
    return Fault(
        place,
        f"the process that lived it {how_it_ended(worker.exit_code)}, and so did another: os._exit, or a crash in the "
        "environment's own code (C); it must raise an exception instead",
        at_once=True,
        lost=True,
    )


def gymnasium_environments(conditions: Conditions) -> Environments:
    """The environments of a Gymnasium world."""
    if not isinstance(conditions.world, GymnasiumWorld):
        raise TypeError(f"world {conditions.world.name} is not a Gymnasium world")
    return GymnasiumEnvironments(conditions.world)


def _hand_out(worker: Worker, tasks: Iterator[_Task], at_work: dict[Worker, _Task]) -> None:
    task = next(tasks, None)
    if task is not None:
        worker.hand(task.job)
        at_work[worker] = task
