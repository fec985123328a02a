"""Processes that live chunks of a job: spawned, fed through pipes, and gone when the one that started them is."""

from __future__ import annotations

import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, MutableSequence
from typing import Any, NamedTuple, Protocol, TextIO

import numba

from evolearn.errors import UserError
from evolearn.life.live import Job
from evolearn.life.records import Outcome, Trace
from evolearn.world import begin_child, end_group, how_it_ended, silence_copies, where_it_stands

SECONDS_TO_END = 5.0  # that a worker has after it is told to


class Fault(NamedTuple):
    """A world's fault, in one life of a chunk."""

    place: int
    text: str
    at_once: bool  # the chunk ended there: the environment raised
    lost: bool = False  # what was lived of the chunk is not known: it hung, or its process died


# What a stepper shows of itself, an entry each: the place at work in the chunk, its age in steps, and whether it lives.
PLACE, AGE, LIVING = range(3)


def new_shown() -> MutableSequence[int]:
    """What a stepper shows, seen by its own process alone."""
    return [0] * 3


class Stepper(Protocol):
    """What lives a chunk in its process."""

    def live_unwatched(self, job: Job) -> Fault | None:
        """Live all of a job on this thread and write its outcome; the first life at fault, if any."""

    def close_here(self) -> None:
        """Let go of what it holds."""


class WorkerDied(UserError, RuntimeError):
    """A process of the stepwise driver ended before its time."""


class Answer(NamedTuple):
    """What a worker sends back."""

    fault: Fault | None
    outcome: Outcome
    trace: Trace


class Worker:
    """A process that lives chunks, seen from the process that started it."""

    def __init__(self, new_stepper: Callable[[MutableSequence[int]], Stepper]) -> None:
        # Spawned, not forked: threads and environments of this process must not be copied.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._asking, asked = context.Pipe()
        self.shown = context.RawArray("q", len(new_shown()))
        arguments = (theirs, asked, self.shown, new_stepper)
        self._process = context.Process(target=_work, args=arguments, name="evolearn-stepwise", daemon=True)
        self._process.start()
        self._pid = self._process.pid
        theirs.close()
        asked.close()

    def hand(self, job: Job) -> None:
        """Give the worker a chunk to live."""
        newborns, genomes = job.newborns.of_lives(job.genomes)
        own = dataclasses.replace(
            job, newborns=newborns, surgeries=job.surgeries.of_lives(job.genomes), genomes=genomes
        )
        try:
            self.connection.send(own)
        except OSError as error:
            raise self._died() from error

    def answer(self) -> Answer:
        """What became of the chunk."""
        try:
            answer = self.connection.recv()
        except (EOFError, OSError) as error:
            raise self._died() from error
        if isinstance(answer, UserError):
            raise answer
        if isinstance(answer, str):
            raise RuntimeError(f"a process of the stepwise driver raised:\n{answer}")
        assert isinstance(answer, Answer)
        return answer

    def dismiss(self) -> None:
        """Tell the worker to end after what it is doing."""
        self.connection.close()

    def await_end(self, seconds: float) -> None:
        """Wait for the process to end, and end it if it does not."""
        self._process.join(seconds)
        self.end_now()
        self._process.join()
        self._process.close()

    def end_now(self) -> None:
        """End the process, whatever it is doing, and all that its environments started."""
        self._process.kill()
        end_group(self._pid)

    def frames(self) -> list[traceback.FrameSummary]:
        """Where in the code the process is, the innermost frame last."""
        return where_it_stands(self._asking)

    @property
    def exit_code(self) -> int | None:
        """Of a process that ended; -N: by signal N."""
        return self._process.exitcode

    @property
    def was_killed(self) -> bool:
        """Whether somebody else ended the process, or the system did for want of memory."""
        return self.exit_code in (-signal.SIGKILL, -signal.SIGTERM)  # the latter by a scheduler

    def _died(self) -> WorkerDied:
        self._process.join(SECONDS_TO_END)
        return WorkerDied(
            f"a process of the stepwise driver {how_it_ended(self._process.exitcode)} while it lived its lives: out of "
            "memory, a crash in the environment's own code, or files closed that are not its own. Fewer workers need "
            "less memory"
        )


def those_ready(workers: list[Worker], seconds: float) -> list[Worker]:
    """Wait until workers have an answer, or have ended, which closes their end of the connection; or for `seconds`."""
    ready = multiprocessing.connection.wait([worker.connection for worker in workers], seconds)
    return [worker for worker in workers if worker.connection in ready]


def _work(connection: Any, asked: Any, shown: Any, new_stepper: Callable[..., Stepper]) -> None:
    """Live chunks until the connection closes: the whole life of a worker process, on its main thread."""
    begin_child(asked)
    silence_copies(connection)
    _use_one_thread()
    warnings.showwarning = _each_line_once()
    stepper: Stepper | None = None
    while True:
        try:
            job = connection.recv()
        except (EOFError, OSError):
            break
        try:
            stepper = stepper or new_stepper(memoryview(shown).cast("B").cast("q"))
            fault = stepper.live_unwatched(job)
            answer: Answer | str | UserError = Answer(fault, job.outcome, job.trace)
        except Exception as error:
            answer = _sendable(error)
        try:
            connection.send(answer)
        except OSError:  # the environment closed files that are not its own; who started this process says so
            os._exit(1)
    if stepper is not None:
        stepper.close_here()


def _sendable(error: Exception) -> str | UserError:
    """An error that says itself what is wrong, or else all that is known of it."""
    if isinstance(error, UserError):
        try:
            copy = pickle.loads(pickle.dumps(error))
            assert isinstance(copy, UserError)
            return copy
        except Exception:  # of a class that does not survive it
            return UserError(str(error))
    return "".join(traceback.format_exception(error))


def _each_line_once() -> Callable[..., None]:
    """A way to show warnings that shows one per line of code: an environment may warn at every step, in other words."""
    seen: set[tuple[str, int]] = set()
    show = warnings.showwarning

    def show_once(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if (filename, lineno) not in seen:
            seen.add((filename, lineno))
            show(message, category, filename, lineno, file, line)

    return show_once


def _use_one_thread() -> None:
    """Keep the libraries of an environment from using the cores of the other workers."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    numba.set_num_threads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
