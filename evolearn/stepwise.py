"""The stepwise driver: lives in worlds that cannot be compiled, a chunk of them in lock-step.

Everything but the world is the fused kernel's: the same compiled `be_born`, `act`, `experience` and `learn_when_full`,
in small loops over the lives of a chunk; Python only steps the environments in between. A life depends on its newborn
and its key alone, so chunks of any size, on any number of processes, give bitwise the same.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from evolearn.brain import BACKWARD_TYPE, THINK_TYPE
from evolearn.compiled import COMPILES, plug, vector
from evolearn.drives import FEEL_TYPE
from evolearn.gymnasium_world import EnvironmentFault, Environments, GymnasiumEnvironments, GymnasiumWorld
from evolearn.learning import LEARN_TYPE, SETTINGS_TYPE
from evolearn.life import (
    COURSE_TYPE,
    DESKS_TYPE,
    FINISHED,
    FROM_ORACLE,
    NEWBORNS_TYPE,
    OUTCOME_TYPE,
    TRACE_TYPE,
    Course,
    Desk,
    Newborns,
    Outcome,
    Trace,
    act,
    be_born,
    close_life,
    desk_of,
    experience,
    learn_when_full,
    new_desks,
    outcome_of,
    row_of,
    trace_of,
)
from evolearn.lives import FAULTS, Conditions, Job, Machinery, describe_life, empty_trace, machinery, name_culprit
from evolearn.policy import CHOOSE_TYPE, DELTAS_TYPE
from evolearn.world import WorldError

LIVES_AT_ONCE = 64  # in a chunk: enough to make the calls into compiled code cheap, few enough to share among workers
_SECONDS_TO_END = 5.0  # that a worker has after it is told to

EnvironmentsMaker = Callable[[Conditions], Environments]


class Parts(NamedTuple):
    """The functions that the compiled loops below need: by address when compiled, themselves in plain Python.

    Numba takes a function as an argument too, but needs some 0.1 ms for it, at every call.
    """

    think: Any
    backward: Any
    choose: Any
    deltas: Any
    learn: Any
    feel: Any


def _function_at(signature: Any) -> Any:
    """Turn an entry of Parts into a function again, in plain Python and in compiled code."""
    function_type = types.FunctionType(signature)

    def from_address(typing_context, address):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            made: Any = cgutils.create_struct_proxy(function_type)(context, builder)
            made.jit_addr = builder.inttoptr(arguments[0], cgutils.voidptr_t)
            return made._getvalue()

        return function_type(types.int64), generate

    compiled_form: Any = intrinsic(from_address)

    def function_at(part: Any) -> Any:
        return part

    @overload(function_at)
    def _function_at_compiled(part):  # type: ignore[no-untyped-def]  # Numba compares bare argument names
        return lambda part: compiled_form(part)

    return function_at


_think = _function_at(THINK_TYPE)
_backward = _function_at(BACKWARD_TYPE)
_choose = _function_at(CHOOSE_TYPE)
_deltas = _function_at(DELTAS_TYPE)
_learn = _function_at(LEARN_TYPE)
_feel = _function_at(FEEL_TYPE)


def _parts(compiled_parts: Machinery) -> Parts:
    functions = Parts(*(getattr(compiled_parts, name) for name in Parts._fields))
    if not COMPILES:
        return functions
    addresses = []
    for function in functions:
        result = function.overloads[function.signatures[0]]
        addresses.append(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))
    return Parts(*addresses)


_I = types.int64
_I1, _I2 = types.int64[::1], types.int64[:, ::1]
_D1 = types.float64[::1]
_B1 = types.boolean[::1]
PARTS_TYPE = types.NamedUniTuple(_I, 6, Parts)
BORN_ALL_TYPE = types.void(NEWBORNS_TYPE, _I1, _I2, COURSE_TYPE, DESKS_TYPE)
ACT_ALL_TYPE = _I(PARTS_TYPE, _I1, COURSE_TYPE, DESKS_TYPE, _I1, _I)
EXPERIENCE_ALL_TYPE = _I(
    *(PARTS_TYPE, _I1, COURSE_TYPE, DESKS_TYPE, NEWBORNS_TYPE, _I1),
    *(OUTCOME_TYPE, TRACE_TYPE, _I1, _I, _D1, _B1, _B1),
)
LEARN_ALL_TYPE = types.void(PARTS_TYPE, _I1, SETTINGS_TYPE, DESKS_TYPE, NEWBORNS_TYPE, _I1, OUTCOME_TYPE, _I1)
CLOSE_ALL_TYPE = types.void(OUTCOME_TYPE, DESKS_TYPE, _I1, _I1)


def be_born_all(newborns: Newborns, genomes: Any, keys: Any, course: Course, desks: Desk) -> None:
    """Make a desk ready for every life: see `evolearn.life.be_born`."""
    for place in range(genomes.size):
        be_born(newborns, genomes[place], row_of(keys, place), course, desk_of(desks, place))


def act_all(parts: Parts, layers: Any, course: Course, desks: Desk, status: Any, t: int) -> int:
    """Let every life that goes on decide: see `evolearn.life.act`.

    Args:
        parts: the brain's functions.
        layers: int64, the trunk's description.
        course: how to live.
        desks: of all lives of the chunk.
        status: int64 [C], FINISHED while all is well, written otherwise.
        t: age of every life.

    Returns:
        How many lives ended here.
    """
    think = _think(parts.think)
    choose = _choose(parts.choose)
    ended = 0
    for place in range(status.size):
        if status[place] == FINISHED:
            status[place] = act(think, choose, vector(layers, 0, layers.size), course, desk_of(desks, place), t)
            ended += status[place] != FINISHED
    return ended


def experience_all(
    parts: Parts,
    layers: Any,
    course: Course,
    desks: Desk,
    newborns: Newborns,
    genomes: Any,
    outcomes: Outcome,
    traces: Trace,
    status: Any,
    t: int,
    fitness: Any,
    terminated: Any,
    truncated: Any,
) -> int:
    """Let every life that goes on take in its step: see `evolearn.life.experience`.

    Args:
        parts: the brain's and the drives' functions.
        layers: int64, the trunk's description.
        course: how to live.
        desks: of all lives of the chunk.
        newborns: decoded genomes.
        genomes: int64 [C], which row of `newborns` each life is born from.
        outcomes: of the chunk.
        traces: of the chunk's first life.
        status: int64 [C], FINISHED while all is well, written otherwise.
        t: age of every life.
        fitness: float64 [C].
        terminated: bool [C].
        truncated: bool [C].

    Returns:
        How many lives ended here.
    """
    think = _think(parts.think)
    feel = _feel(parts.feel)
    outcome = outcome_of(outcomes)
    trace = trace_of(traces)
    ended = 0
    for place in range(status.size):
        if status[place] == FINISHED:
            status[place] = experience(
                think,
                feel,
                vector(layers, 0, layers.size),
                course,
                desk_of(desks, place),
                row_of(newborns.drives, genomes[place]),
                outcome,
                trace,
                place,
                t,
                fitness[place],
                terminated[place],
                truncated[place],
            )
            ended += status[place] != FINISHED
        # Only the first life leaves a trace.
        trace = Trace(trace.observations, trace.actions, trace.drives, vector(trace.fitness, 0, 0), trace.ends)
    return ended


def learn_all(
    parts: Parts,
    layers: Any,
    settings: Any,
    desks: Desk,
    newborns: Newborns,
    genomes: Any,
    outcomes: Outcome,
    status: Any,
) -> None:
    """Let every life that goes on learn, if its window is full: see `evolearn.life.learn_when_full`."""
    think = _think(parts.think)
    backward = _backward(parts.backward)
    deltas = _deltas(parts.deltas)
    learn = _learn(parts.learn)
    outcome = outcome_of(outcomes)
    for place in range(status.size):
        if status[place] == FINISHED:
            learn_when_full(
                think,
                backward,
                deltas,
                learn,
                vector(layers, 0, layers.size),
                settings,
                desk_of(desks, place),
                row_of(newborns.plasticity, genomes[place]),
                outcome,
                place,
            )


def close_all(outcome: Outcome, desks: Desk, status: Any, ages: Any) -> None:
    """Write down how every life ended: see `evolearn.life.close_life`."""
    for place in range(status.size):
        close_life(outcome, place, desk_of(desks, place), status[place], ages[place])


def _direct(function: Any, signature: Any) -> Any:
    """`function` compiled for `signature`, called without Numba's look at the types of its arguments.

    That look costs as much as the work for several lives, and the types here never change.
    """
    ready = plug(function, signature)
    return ready.overloads[ready.signatures[0]].entry_point if COMPILES else ready


class Fault(NamedTuple):
    """A world's fault, in one life of a chunk."""

    place: int
    text: str
    at_once: bool  # the chunk ended there: the environment raised


class _Stepper:
    """Lives chunks in this process."""

    def __init__(self, conditions: Conditions, make_environments: EnvironmentsMaker) -> None:
        self._conditions = conditions
        self._environments = make_environments(conditions)
        self._machinery = machinery(conditions, 0, np.zeros(0, np.uint8))
        self._parts = _parts(self._machinery)
        self._be_born_all = _direct(be_born_all, BORN_ALL_TYPE)
        self._act_all = _direct(act_all, ACT_ALL_TYPE)
        self._experience_all = _direct(experience_all, EXPERIENCE_ALL_TYPE)
        self._learn_all = _direct(learn_all, LEARN_ALL_TYPE)
        self._close_all = _direct(close_all, CLOSE_ALL_TYPE)

    def close(self) -> None:
        """Let go of the environments."""
        self._environments.close()

    def live(self, job: Job) -> Fault | None:
        """Live all of a job in lock-step and write its outcome; the first life at fault, if any."""
        conditions = self._conditions
        count = len(job.genomes)
        course = self._machinery.course(conditions, job.plan)
        body = self._machinery.body
        desks = new_desks(count, body, course, conditions.brain.weights, len(conditions.drive_names))
        status = np.full(count, FINISHED, np.int64)
        ages = np.full(count, course.steps, np.int64)
        self._be_born_all(job.newborns, job.genomes, job.keys, course, desks)
        fault = self._live_in_step(job, course, desks, status, ages)
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
        self, job: Job, course: Course, desks: Desk, status: npt.NDArray[np.int64], ages: npt.NDArray[np.int64]
    ) -> Fault | None:
        """Steps from birth to end; writes all but the end of the outcome, `status`, and `ages` of who ends early."""
        environments = self._environments
        count = status.size
        fitness = np.zeros(count)
        terminated, truncated = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        layers = self._machinery.body.layers
        brain = (self._parts, layers, course, desks)
        record = (job.newborns, job.genomes, job.outcome, job.trace, status)
        lesson = (self._parts, layers, self._conditions.settings, desks, job.newborns, job.genomes, job.outcome, status)
        world = (desks.action, desks.observation, desks.sensed, fitness, terminated, truncated)
        places = list(range(count))
        t = 0
        try:
            environments.begin_all(job.keys, desks.observation)
            for t in range(course.steps):
                if self._act_all(*brain, status, t):
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
        chunk: int = LIVES_AT_ONCE,
        make_environments: EnvironmentsMaker | None = None,
    ) -> None:
        """Compile or load what `conditions` need.

        Args:
            conditions: what all lives share.
            workers: processes; 1 is this one. Others start with the first job and stay until `close`.
            chunk: lives in lock-step, at most; changes no result.
            make_environments: gives the environments of a process; a function of a module where `workers` > 1.
        """
        make_environments = make_environments or gymnasium_environments
        self.conditions = conditions
        self.workers = workers
        self.chunk = chunk
        self._make_environments = make_environments
        # Also with several workers: they then find everything compiled.
        self._stepper = _Stepper(conditions, make_environments)
        self._crew: list[_Worker] = []

    def close(self) -> None:
        """Let go of environments and processes; a driver that lives another job starts them again."""
        self._stepper.close()
        crew, self._crew = self._crew, []
        for worker in crew:
            worker.dismiss()
        for worker in crew:
            worker.await_end(_SECONDS_TO_END)

    def live(self, job: Job) -> None:
        """Live every life of `job`.

        Raises:
            WorldError: an environment raised, or gave a number that is not finite; names life and step.
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
            raise WorldError(f"{describe_life(self.conditions, job, life)}: {faults[life]}")

    def _tasks(self, job: Job) -> Iterator[_Task]:
        count = len(job.genomes)
        # A multiple of the workers, so that none waits for the last chunk of another.
        chunks = -(-count // (self.chunk * self.workers)) * self.workers
        size = -(-count // chunks) if count else 1
        nothing = empty_trace(0, self.conditions)
        for first in range(0, count, size):
            some = slice(first, first + size)
            yield _Task(
                first,
                dataclasses.replace(
                    job,
                    genomes=job.genomes[some],
                    keys=job.keys[some],
                    outcome=Outcome(*(array[some] for array in job.outcome)),
                    trace=job.trace if first == 0 else nothing,
                ),
            )

    def _live_here(self, tasks: Iterator[_Task]) -> Iterator[tuple[int, Fault | None]]:
        for task in tasks:
            yield task.first, self._stepper.live(task.job)

    def _live_on_crew(self, tasks: Iterator[_Task]) -> Iterator[tuple[int, Fault | None]]:
        """Hand out chunks, and write what comes back into the job."""
        if not self._crew:
            self._crew = [_Worker(self.conditions, self._make_environments) for _ in range(self.workers)]
        at_work: dict[_Worker, _Task] = {}
        try:
            for worker in self._crew:
                _hand_out(worker, tasks, at_work)
            while at_work:
                for worker in _those_ready(list(at_work)):
                    task = at_work.pop(worker)
                    answer = worker.answer()
                    for mine, theirs in zip(
                        (*task.job.outcome, *task.job.trace), (*answer.outcome, *answer.trace), strict=True
                    ):
                        mine[...] = theirs
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


class WorkerDied(RuntimeError):
    """A process of the stepwise driver ended before its time."""


class _Answer(NamedTuple):
    """What a worker sends back."""

    fault: Fault | None
    outcome: Outcome
    trace: Trace


class _Worker:
    """A process that lives chunks, seen from the process that started it."""

    def __init__(self, conditions: Conditions, make_environments: EnvironmentsMaker) -> None:
        # Spawned, not forked: threads and environments of this process must not be copied.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, conditions, make_environments), name="evolearn-stepwise", daemon=True
        )
        self._process.start()
        theirs.close()

    def hand(self, task: _Task) -> None:
        """Give the worker a chunk to live."""
        job = task.job
        rows, genomes = np.unique(job.genomes, return_inverse=True)
        newborns = job.newborns
        own = newborns._replace(
            weights=newborns.weights[rows],
            drives=newborns.drives[rows],
            plasticity=newborns.plasticity[rows],
            scale=newborns.scale[rows],
        )
        try:
            self.connection.send(dataclasses.replace(job, newborns=own, genomes=genomes.astype(np.int64)))
        except OSError as error:
            raise self._died() from error

    def answer(self) -> _Answer:
        """What became of the chunk."""
        try:
            answer = self.connection.recv()
        except (EOFError, OSError) as error:
            raise self._died() from error
        if isinstance(answer, str):
            raise RuntimeError(f"a process of the stepwise driver raised:\n{answer}")
        assert isinstance(answer, _Answer)
        return answer

    def dismiss(self) -> None:
        """Tell the worker to end after what it is doing."""
        self.connection.close()

    def await_end(self, seconds: float) -> None:
        """Wait for the process to end, and end it if it does not."""
        self._process.join(seconds)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def end_now(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()

    def _died(self) -> WorkerDied:
        self._process.join(_SECONDS_TO_END)
        code = self._process.exitcode
        how = f"ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        return WorkerDied(
            f"a process of the stepwise driver {how} while it lived its lives: out of memory, or a crash in the "
            "environment's own code. Fewer workers need less memory; with workers=1 the crash happens in this process"
        )


def _hand_out(worker: _Worker, tasks: Iterator[_Task], at_work: dict[_Worker, _Task]) -> None:
    task = next(tasks, None)
    if task is not None:
        worker.hand(task)
        at_work[worker] = task


def _those_ready(workers: list[_Worker]) -> list[_Worker]:
    """Wait until workers have an answer, or have ended, which closes their end of the connection."""
    ready = multiprocessing.connection.wait([worker.connection for worker in workers])
    return [worker for worker in workers if worker.connection in ready]


def _work(connection: Any, conditions: Conditions, make_environments: EnvironmentsMaker) -> None:
    """Live chunks until the connection closes: the whole life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _use_one_thread()
    stepper = None
    while True:
        try:
            job = connection.recv()
        except EOFError:
            break
        try:
            stepper = stepper or _Stepper(conditions, make_environments)
            fault = stepper.live(job)
            answer: _Answer | str = _Answer(fault, job.outcome, job.trace)
        except Exception:
            answer = traceback.format_exc()
        connection.send(answer)
    if stepper is not None:
        stepper.close()


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)


def _use_one_thread() -> None:
    """Keep the libraries of an environment from using the cores of the other workers."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    numba.set_num_threads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
