"""Processes that live chunks of a job: spawned, fed through pipes, and gone when the one that started them is."""

from __future__ import annotations

import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numba

from evolearn.errors import UserError
from evolearn.life.live import Job
from evolearn.life.records import Outcome, Trace

SECONDS_TO_END = 5.0  # that a worker has after it is told to


class Fault(NamedTuple):
    """A world's fault, in one life of a chunk."""

    place: int
    text: str
    at_once: bool  # the chunk ended there: the environment raised


class Stepper(Protocol):
    """What lives a chunk in its process."""

    def live(self, job: Job) -> Fault | None:
        """Live all of a job and write its outcome; the first life at fault, if any."""

    def close(self) -> None:
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

    def __init__(self, new_stepper: Callable[[], Stepper]) -> None:
        # Spawned, not forked: threads and environments of this process must not be copied.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, new_stepper), name="evolearn-stepwise", daemon=True)
        self._process.start()
        theirs.close()

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
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def end_now(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()

    def _died(self) -> WorkerDied:
        self._process.join(SECONDS_TO_END)
        code = self._process.exitcode
        how = f"ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        return WorkerDied(
            f"a process of the stepwise driver {how} while it lived its lives: out of memory, or a crash in the "
            "environment's own code. Fewer workers need less memory; with workers=1 the crash happens in this process"
        )


def those_ready(workers: list[Worker]) -> list[Worker]:
    """Wait until workers have an answer, or have ended, which closes their end of the connection."""
    ready = multiprocessing.connection.wait([worker.connection for worker in workers])
    return [worker for worker in workers if worker.connection in ready]


def _work(connection: Any, new_stepper: Callable[[], Stepper]) -> None:
    """Live chunks until the connection closes: the whole life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _use_one_thread()
    stepper: Stepper | None = None
    while True:
        try:
            job = connection.recv()
        except EOFError:
            break
        try:
            stepper = stepper or new_stepper()
            fault = stepper.live(job)
            answer: Answer | str = Answer(fault, job.outcome, job.trace)
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
