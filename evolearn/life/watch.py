"""Noticing that a life hangs: work on a thread of its own, and a watch that compares what it shows with the clock."""

from __future__ import annotations

import contextvars
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple


class Watch:
    """Notices when what a worker shows has not changed for a while."""

    def __init__(self, seconds: float) -> None:
        """Allow `seconds` without a change."""
        self._seconds = seconds
        self._seen: dict[int, tuple[object, float]] = {}

    def stands_still(self, worker: int, shown: object) -> bool:
        """Whether `worker` has been showing the same for too long."""
        now = time.monotonic()
        before, since = self._seen.get(worker, (None, now))
        if shown != before:
            self._seen[worker] = (shown, now)
            return False
        return now - since > self._seconds


class Done(NamedTuple):
    """What became of a task: its value, or what it raised."""

    value: Any
    error: BaseException | None


class OwnThread:
    """A thread that does what it is given, one task after another, while its owner watches.

    A daemon: a task that hangs must not keep the program from ending.
    """

    def __init__(self) -> None:
        """Start the thread."""
        self._tasks: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def begin(self, task: Callable[[], Any]) -> None:
        """Give the thread its next task; every task's end must be taken with `wait` or be given up with the thread."""
        context = contextvars.copy_context()  # in which code is trusted, or is not
        self._tasks.put(lambda: context.run(task))

    def wait(self, seconds: float) -> Done | None:
        """What became of the task; None if it goes on for longer than `seconds`."""
        try:
            return self._done.get(timeout=seconds)
        except queue.Empty:
            return None

    def dismiss(self) -> None:
        """Let the thread end after its task."""
        self._tasks.put(None)

    def where(self) -> list[traceback.FrameSummary]:
        """Where in the code the thread is, the innermost frame last."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        return list(traceback.extract_stack(frame)) if frame is not None else []

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                done = Done(task(), None)
            except BaseException as error:  # the owner's to handle
                done = Done(None, error)
            self._done.put(done)
            del task, done  # what they hold must not stay until the next task
