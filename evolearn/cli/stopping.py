"""What stops a command: Ctrl-C, a signal that asks it to end, a closed terminal, or a limit on its time.

All of them are a `Stop` in the main thread, once: what is finished is then kept, and a second signal does not cut that
short.
"""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from evolearn.errors import UserError

EXIT_TIME_IS_UP = 124  # as of the command `timeout`
PATIENCE = 30.0  # seconds that saving may take until another signal is heeded
LONGEST = 366 * 86_400  # seconds of a limit

_OURS = Path(__file__).parents[1]
_OF_TORCH = {"torch", "evotorch"}  # folders
_SIGNALS = {
    signal.SIGINT: "Interrupted",
    signal.SIGTERM: "Told to end (SIGTERM)",
    signal.SIGHUP: "The terminal was closed (SIGHUP)",
}
_IN_UNITS = re.compile(r"(?:([0-9.]+)d)?(?:([0-9.]+)h)?(?:([0-9.]+)m)?(?:([0-9.]+)s)?")
_IN_COLONS = re.compile(r"(?:([0-9]+)-)?([0-9]+):([0-5]?[0-9]):([0-5]?[0-9])")  # as Slurm writes it
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0)


class Stop(KeyboardInterrupt):
    """A command is to stop; raised in the main thread."""

    def __init__(self, words: str, code: int) -> None:
        """Say why.

        Args:
            words: begin what the user reads.
            code: with which the command ends.
        """
        super().__init__(words)
        self.words = words
        self.code = code


class Stops:
    """What stops one command."""

    def __init__(self) -> None:
        """Nothing has yet."""
        self.stop: Stop | None = None  # the one that came
        self._since = 0.0
        self._put_off = 0.0  # when the first was, that came where a library would not pass it on
        self._limit: str | None = None  # once it has passed
        self._before: dict[signal.Signals, Any] = {}

    @contextlib.contextmanager
    def heeded(self, limit: str | None = None) -> Iterator[None]:
        """Heed signals, and a limit, to the end of the block.

        Args:
            limit: on the time from here on, see `seconds_of`; none without.
        Raises:
            Stop: one came, or the time is up.
            UserError: the limit is none.
        """
        seconds = None if limit is None else seconds_of(limit)
        if threading.current_thread() is not threading.main_thread():  # which alone hears signals
            yield
            return
        # Not what whoever started the command has it ignore, as nohup does.
        self._before = {one: old for one in _SIGNALS if (old := signal.getsignal(one)) not in (None, signal.SIG_IGN)}
        self.listen()
        over = threading.Event()
        if seconds is not None:
            threading.Thread(target=self._end_time_at_last, args=(limit, seconds, over), daemon=True).start()
        try:
            yield
        finally:
            over.set()
            for one, old in self._before.items():
                signal.signal(one, old)
            self._before = {}

    def listen(self) -> None:
        """Heed signals again where a library that was imported meanwhile has others in its place, as Ray has."""
        for one in self._before:
            signal.signal(one, self._heed)

    def _end_time_at_last(self, limit: str, seconds: float, over: threading.Event) -> None:
        """Say that the limit has passed, again and again: what ran at that moment may have swallowed it."""
        while not over.wait(seconds):
            self.end_time(limit)
            seconds = 1.1 * PATIENCE

    def end_time(self, limit: str) -> None:
        """The limit has passed; from any thread."""
        self._limit = limit
        known = next((one for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) if one in self._before), None)
        if known is not None:
            # Not only noted, as interrupt_main would: what waits wakes up.
            signal.pthread_kill(threading.main_thread().ident or 0, known)

    def insist(self) -> None:
        """Raise once more what came, where work goes on as if nothing had: what it came upon has swallowed it.

        Raises:
            Stop: it came, and nothing is being handled now.
        """
        if self.stop is not None and sys.exception() is None:
            raise self.stop

    def _heed(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.stop is not None and now - self._since < PATIENCE:
            return
        self._put_off = self._put_off or now
        if now - self._put_off < PATIENCE and (_imports_library(frame) or _is_in_torch(frame)):
            # C++ may end the process if Python raises there, lose what is raised, or make another error of it; so it
            # comes again.
            again = threading.Timer(0.05, signal.pthread_kill, (threading.main_thread().ident or 0, number))
            again.daemon = True
            again.start()
            return
        self._since = now
        if self.stop is None and self._limit is not None:
            self.stop = Stop(f"--time-limit {self._limit}: the time is up", EXIT_TIME_IS_UP)
        self.stop = self.stop or Stop(_SIGNALS[signal.Signals(number)], 128 + number)
        raise self.stop


def _imports_library(frame: FrameType | None) -> bool:
    """Whether an installed module is being imported; a user's own file may not come back from that."""
    while frame is not None:
        code, frame = frame.f_code, frame.f_back
        if code.co_name == "<module>" and "site-packages" in code.co_filename and frame is not None:
            return "importlib" in frame.f_code.co_filename  # not one that is run, as by python -m
    return False


def _is_in_torch(frame: FrameType | None) -> bool:
    """Whether PyTorch, whose C++ calls Python, is at work: the innermost package of those installed and ours."""
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        is_heeding = file == Path(__file__)  # one signal in the midst of another
        if not is_heeding and ("site-packages" in file.parts or file.is_relative_to(_OURS)):
            return not _OF_TORCH.isdisjoint(file.parts)
        frame = frame.f_back
    return False


def seconds_of(text: str) -> float:
    """A length of time as a person, or a cluster's scheduler, writes it.

    >>> seconds_of("1h30m"), seconds_of("90s"), seconds_of("02:00:00"), seconds_of("1-00:00:00")
    (5400.0, 90.0, 7200.0, 86400.0)

    Raises:
        UserError: it is none.
    """
    seconds = 0.0
    if found := _IN_UNITS.fullmatch(text) or _IN_COLONS.fullmatch(text):
        with contextlib.suppress(ValueError):  # 1.2.3
            seconds = sum(float(part) * unit for part, unit in zip(found.groups(), _UNITS, strict=True) if part)
    if not 0.0 < seconds <= LONGEST:
        raise UserError(
            f"--time-limit {text}: must be a length of time with its units, above 0 and up to a year: 30m, 1h30m, 90s, "
            "or 02:00:00 for two hours"
        )
    return seconds
