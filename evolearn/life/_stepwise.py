"""The stepwise driver: lives in worlds that cannot be compiled, shared out among processes in chunks.

How a chunk is lived is `evolearn.life._in_step`'s; here is who lives which, and what becomes of processes that hang or
die. A life depends on its newborn and its key alone, so chunks of any size, on any number of processes, give bitwise
the same.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from evolearn.config import HANG_SECONDS
from evolearn.life._in_step import ChunkStepper, EnvironmentsMaker, gymnasium_environments, hanging
from evolearn.life.faults import LifeFault, LifeLost, fault_in
from evolearn.life.live import Conditions, Driver, Job, one_after_another
from evolearn.life.processes import SECONDS_TO_END, Fault, Worker, WorkerDied, those_ready
from evolearn.life.records import FROM_ORACLE, Outcome, Trace
from evolearn.life.rehearsal import Rehearsal
from evolearn.life.watch import Watch
from evolearn.world import GymnasiumWorld, WorldError, are_apart, how_it_ended

LIVES_AT_ONCE = 64  # in a chunk: enough to make the calls into compiled code cheap, few enough to share among workers
# The same for environments whose steps take long: those calls weigh less, and what an engine of physics keeps per
# environment should stay in the processor's cache from step to step.
SLOW_LIVES_AT_ONCE = 16
SLOW_STEP = 25e-6  # s of a life's step, learning included


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


def _hand_out(worker: Worker, tasks: Iterator[_Task], at_work: dict[Worker, _Task]) -> None:
    task = next(tasks, None)
    if task is not None:
        worker.hand(task.job)
        at_work[worker] = task
