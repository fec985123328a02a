"""The stepwise driver: lives in worlds that cannot be compiled, a chunk of them in lock-step.

Everything but the world is the fused kernel's: the same compiled `be_born`, `act`, `experience` and `learn_when_full`,
in small loops over the lives of a chunk; Python only steps the environments in between. A life depends on its newborn
and its key alone, so chunks of any size, on any number of processes, give bitwise the same.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evolearn.config import HANG_SECONDS
from evolearn.errors import PartError
from evolearn.life._lockstep import (
    ACT_ALL_TYPE,
    BORN_ALL_TYPE,
    CLOSE_ALL_TYPE,
    EXPERIENCE_ALL_TYPE,
    LEARN_ALL_TYPE,
    OPERATE_ALL_TYPE,
    act_all,
    be_born_all,
    close_all,
    direct,
    experience_all,
    learn_all,
    operate_all,
    parts_of,
)
from evolearn.life.live import (
    FAULTS,
    Conditions,
    Driver,
    Job,
    fault_in,
    machinery,
    name_culprit,
    one_after_another,
    own_parts,
)
from evolearn.life.processes import SECONDS_TO_END, Fault, Worker, those_ready
from evolearn.life.records import FINISHED, FROM_ORACLE, Course, Desk, Outcome, Trace, new_desks
from evolearn.life.watch import OwnThread, Watch
from evolearn.world import (
    EnvironmentFault,
    Environments,
    GymnasiumEnvironments,
    GymnasiumWorld,
    WorldError,
    is_of_environment,
    is_own_file,
)

LIVES_AT_ONCE = 64  # in a chunk: enough to make the calls into compiled code cheap, few enough to share among workers
# The same for environments whose steps take long: those calls weigh less, and what an engine of physics keeps per
# environment should stay in the processor's cache from step to step.
SLOW_LIVES_AT_ONCE = 16
SLOW_STEP = 25e-6  # s of a life's step, learning included

EnvironmentsMaker = Callable[[Conditions], Environments]


class ChunkStepper:
    """Lives chunks in this process, on a thread of its own, so that an environment that hangs is noticed.

    It is always the same thread, until one hangs: some environments must be used by the thread that made them.
    """

    def __init__(
        self, conditions: Conditions, make_environments: EnvironmentsMaker, hang_seconds: float = HANG_SECONDS
    ) -> None:
        self._conditions = conditions
        self._make_environments = make_environments
        self._hang_seconds = hang_seconds
        self._environments = make_environments(conditions)
        self._thread: OwnThread | None = None
        self._t = 0  # age of the lives under way
        self._machinery = machinery(conditions, 0, np.zeros(0, np.uint8))
        self._parts = parts_of(self._machinery)
        self._be_born_all = direct(be_born_all, BORN_ALL_TYPE)
        self._operate_all = direct(operate_all, OPERATE_ALL_TYPE)
        self._act_all = direct(act_all, ACT_ALL_TYPE)
        self._experience_all = direct(experience_all, EXPERIENCE_ALL_TYPE)
        self._learn_all = direct(learn_all, LEARN_ALL_TYPE)
        self._close_all = direct(close_all, CLOSE_ALL_TYPE)

    def close(self) -> None:
        """Let go of the environments."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        thread.begin(self._environments.close)
        thread.dismiss()
        done = thread.wait(SECONDS_TO_END)
        if done is None:
            self._environments = self._make_environments(self._conditions)
        elif done.error is not None:
            raise done.error

    def live(self, job: Job) -> Fault | None:
        """Live all of a job in lock-step and write its outcome; the first life at fault, if any."""
        thread = self._thread = self._thread or OwnThread()
        watch = Watch(self._hang_seconds)
        stop = threading.Event()
        self._t = 0
        thread.begin(functools.partial(self._live, job, stop))
        try:
            while (done := thread.wait(0.2)) is None:
                place = self._environments.place
                if watch.stands_still(0, (self._t, place)):
                    job.outcome.age[place] = self._t
                    reason = self._hanging(thread)
                    self._give_up(stop)
                    return Fault(place, reason, at_once=True)
        except BaseException:  # Ctrl-C: what is closed next must not be at work any more
            stop.set()
            if thread.wait(SECONDS_TO_END) is None:
                self._give_up(stop)
            raise
        if done.error is not None:
            raise done.error
        return done.value

    def _hanging(self, thread: OwnThread) -> str:
        """What to say of an environment that does not come back, and where in its code it is."""
        inner = itertools.takewhile(lambda frame: not is_own_file(frame.filename), reversed(thread.where()))
        frames = [frame for frame in inner if is_of_environment(frame.filename)][2::-1]
        return "\n".join(
            [
                f"no step finished for {self._hang_seconds:g} s; look for a loop without end in the environment's "
                "code, or raise hang_seconds if it is only slow",
                *(f"  {frame.filename}, line {frame.lineno}, in {frame.name}: {frame.line}" for frame in frames),
            ]
        )

    def _give_up(self, stop: threading.Event) -> None:
        """Leave the thread and its environments alone; if it ever comes back, it ends."""
        stop.set()
        if self._thread is not None:
            self._thread.dismiss()
        self._thread = None
        self._environments = self._make_environments(self._conditions)

    def _live(self, job: Job, stop: threading.Event) -> Fault | None:
        conditions = self._conditions
        count = len(job.genomes)
        course = self._machinery.course(conditions, job.plan)
        body = self._machinery.body
        desks = new_desks(count, body, course, conditions.brain.weights, len(conditions.drive_names))
        status = np.full(count, FINISHED, np.int64)
        ages = np.full(count, course.steps, np.int64)
        self._be_born_all(job.newborns, job.genomes, job.keys, course, desks)
        fault = self._live_in_step(job, course, desks, status, ages, stop)
        if fault is not None:
            return fault
        self._close_all(job.outcome, desks, status, ages)
        faulty = np.flatnonzero(np.isin(status, list(FAULTS)))
        if not faulty.size:
            return None
        place = int(faulty[0])
        what = FAULTS[int(status[place])]
        return Fault(place, name_culprit(conditions, what, desks.observation[place], desks.drives[place]), False)

    def _live_in_step(
        self,
        job: Job,
        course: Course,
        desks: Desk,
        status: npt.NDArray[np.int64],
        ages: npt.NDArray[np.int64],
        stop: threading.Event,
    ) -> Fault | None:
        """Steps from birth to end; writes all but the end of the outcome, `status`, and `ages` of who ends early."""
        environments = self._environments
        count = status.size
        fitness = np.zeros(count)
        terminated, truncated = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        layers = self._machinery.body.layers
        brain = (self._parts, layers, course, desks)
        record = (job.outcome, job.trace, status)
        lesson = (self._parts, layers, self._conditions.settings, desks, job.newborns, job.genomes, job.outcome, status)
        world = (desks.action, desks.observation, desks.sensed, fitness, terminated, truncated)
        places = list(range(count))
        t = 0
        try:
            environments.begin_all(job.keys, desks.observation)
            for t in range(course.steps):
                if stop.is_set():
                    break
                self._t = t
                if t == course.operate_at:
                    self._operate_all(job.surgeries, job.genomes, desks, status)
                if self._act_all(*brain, job.newborns, job.genomes, status, t):
                    places = _who_goes_on(places, status, ages, t)
                endings = environments.step_all(t, places, *world)
                if self._experience_all(*brain, *record, t, fitness, terminated, truncated):
                    places = _who_goes_on(places, status, ages, t)
                for place in endings:
                    environments.begin_again(place, t, desks.observation[place])
                if t < course.learn_until:
                    self._learn_all(*lesson)
                if not places:
                    break
        except EnvironmentFault as fault:
            job.outcome.age[fault.place] = t
            return Fault(fault.place, fault.text, at_once=True)
        except Exception as error:
            if own := own_parts(self._conditions):
                raise PartError(f"{own}: at age {t}, raised {type(error).__name__}: {error}") from error
            raise
        return None


def _who_goes_on(places: list[int], status: npt.NDArray[np.int64], ages: npt.NDArray[np.int64], t: int) -> list[int]:
    """The places that go on; the age of those that ended is written down."""
    for place in places:
        if status[place] != FINISHED:
            ages[place] = t
    return [place for place in places if status[place] == FINISHED]


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
    ) -> None:
        """Compile or load what `conditions` need.

        Args:
            conditions: what all lives share.
            workers: processes; 1 is this one. Others start with the first job and stay until `close`.
            chunk: lives in lock-step, at most; changes no result. None: as many as suits the environment's speed.
            make_environments: gives the environments of a process; a function of a module where `workers` > 1.
            hang_seconds: lives without a finished step for so long are a fault.
        """
        make_environments = make_environments or gymnasium_environments
        self.conditions = conditions
        self.workers = workers
        self._chunk = chunk
        self._step_seconds = 0.0  # of a life's step, the fastest so far; 0: none yet
        self.hang_seconds = hang_seconds
        self._make_environments = make_environments
        # Also with several workers: they then find everything compiled.
        self._stepper = ChunkStepper(conditions, make_environments, hang_seconds)
        self._crew: list[Worker] = []

    @property
    def chunk(self) -> int:
        """Lives in lock-step, at most."""
        return self._chunk or (SLOW_LIVES_AT_ONCE if self._step_seconds > SLOW_STEP else LIVES_AT_ONCE)

    def close(self) -> None:
        """Let go of environments and processes; a driver that lives another job starts them again."""
        self._stepper.close()
        crew, self._crew = self._crew, []
        for worker in crew:
            worker.dismiss()
        for worker in crew:
            worker.await_end(SECONDS_TO_END)

    def live(self, job: Job) -> None:
        """Live every life of `job`.

        Raises:
            LifeFault: an environment raised, hung or gave a number that is not finite; names life and step.
            WorkerDied: a process ended before its time.
        """
        if job.plan.source == FROM_ORACLE:
            raise WorldError(f"world {self.conditions.world.name} has no oracle; choose another source of actions")
        faults: dict[int, str] = {}
        tasks = self._tasks(job)
        for first, fault in self._live_here(tasks) if self.workers == 1 else self._live_on_crew(tasks):
            if fault is None:
                continue
            faults[first + fault.place] = fault.text
            if fault.at_once:
                self._end_now()  # environments too: what raised may not be in a state to be reset
                faults = {first + fault.place: fault.text}
                break
        if faults:
            life = min(faults)
            raise fault_in(self.conditions, job, life, faults[life])

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
            new_stepper = functools.partial(ChunkStepper, self.conditions, self._make_environments, self.hang_seconds)
            self._crew = [Worker(new_stepper) for _ in range(self.workers)]
        at_work: dict[Worker, _Task] = {}
        begun: dict[Worker, float] = {}
        try:
            for worker in self._crew:
                begun[worker] = time.perf_counter()
                _hand_out(worker, tasks, at_work)
            while at_work:
                for worker in those_ready(list(at_work)):
                    task = at_work.pop(worker)
                    answer = worker.answer()
                    for mine, theirs in zip(
                        (*task.job.outcome, *task.job.trace), (*answer.outcome, *answer.trace), strict=True
                    ):
                        mine[...] = theirs
                    self._note_speed(task, time.perf_counter() - begun[worker])
                    begun[worker] = time.perf_counter()
                    _hand_out(worker, tasks, at_work)
                    yield task.first, answer.fault
        except BaseException:
            self._end_now()
            raise

    def _end_now(self) -> None:
        """End the processes, whatever they are doing."""
        for worker in self._crew:
            worker.end_now()
        self.close()


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
