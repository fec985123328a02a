"""One process at a time writes in a directory: who does so is on record there, for as long as it does.

Two things together make a lock. The system's lock on the file, which ends with the process, however that ends; and
what the file says: process, host, since when, by which command. On one host the first decides. File systems that
several hosts share may not tell one host of the locks of another, so there the second does: who writes touches the
file every few seconds, and one that has been silent for minutes is gone. A file that was copied with its directory is
no lock, since it says which file it is.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import functools
import os
import shlex
import socket
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pydantic

from evolearn.errors import RunDirectoryError
from evolearn.files.reading import Record

LOCK = ".lock"  # within a directory
REPORT_LOCK = ".report.lock"  # beside a report in a directory that somebody else may be writing in
BEAT = 15.0  # seconds between two signs of life
SILENCE = 180.0  # seconds without one, after which a process of another host is gone; caches of NFS hold 60 of them
_MOST = 65_536  # bytes of a lock's file
_NOT_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)  # file systems without locks


class DirectoryHeld(RunDirectoryError):
    """Another process writes there; the text says which, and what to do."""


class Owner(Record):
    """What a lock's file says."""

    pid: int
    began: str  # of the process, as its system counts; tells it from a later one of the same number
    host: str
    since: str  # in UTC
    command: str
    file: int  # number of the lock's file: a copy has another


@contextlib.contextmanager
def holding(lock: Path, what: str) -> Iterator[None]:
    """Be the only one who writes at a place, from here to the end of the block.

    Args:
        lock: the file that says so: `LOCK` in a directory, or one beside a file; gone at the end.
        what: begins the error, such as "RUN=runs/a".
    Raises:
        DirectoryHeld: another process, or another thread of this one, does.
        RunDirectoryError: the file cannot be written.
    """
    held = _acquired(lock, what)
    try:
        yield
    finally:
        held.release()


def is_held(lock: Path) -> bool:
    """Whether somebody writes at a place, as its lock says; nothing is taken and nothing changes.

    A process of this host is looked for. One of another host is there until it has been silent for `SILENCE` seconds,
    and so is a process that has made the file and not yet said who it is, for `BEAT`.
    """
    try:
        file = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        found, owner = os.fstat(file), _owner(file)
    finally:
        os.close(file)
    if owner is not None and owner.file != found.st_ino:
        return False  # a copy
    if owner is not None and owner.host == socket.gethostname():
        return _began(owner.pid) == owner.began
    return time.time() - found.st_mtime < (BEAT if owner is None else SILENCE)


class _Held:
    """A lock that this process has."""

    def __init__(self, lock: Path, file: int) -> None:
        self._lock = lock
        self._file = file
        self._pid = os.getpid()
        self._ends = threading.Event()
        # A child that is forked must not keep what its parent has when that is killed.
        os.register_at_fork(after_in_child=functools.partial(_leave_to_parent, weakref.ref(self)))
        threading.Thread(target=self._beat, name="evolearn-lock", daemon=True).start()

    def release(self) -> None:
        if self._file < 0 or os.getpid() != self._pid:
            return
        self._ends.set()
        file, self._file = self._file, -1
        with contextlib.suppress(OSError):
            if _is_at(self._lock, file):
                self._lock.unlink()
        os.close(file)

    def _beat(self) -> None:
        while not self._ends.wait(BEAT):
            with contextlib.suppress(OSError):
                os.utime(self._file)


def _leave_to_parent(held: weakref.ref[_Held]) -> None:
    lock = held()
    if lock is not None and lock._file >= 0:
        os.close(lock._file)
        lock._file = -1


def _acquired(lock: Path, what: str) -> _Held:
    while True:
        try:
            file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise RunDirectoryError(
                f"{what}: cannot be written: {error.strerror or error}; make it writable, or copy it to where you may "
                "write"
            ) from error
        try:
            _take(lock, what, file)
            if _is_at(lock, file):  # else whoever had it removed it meanwhile
                _sign(file)
                return _Held(lock, file)
        except OSError as error:
            if _is_at(lock, file):  # ours, and without a word in it
                lock.unlink(missing_ok=True)
            os.close(file)
            raise RunDirectoryError(f"{what}: cannot be written: {error.strerror or error}; free space") from error
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _take(lock: Path, what: str, file: int) -> None:
    """Take the system's lock on an open file.

    Raises:
        DirectoryHeld: somebody has it, by the system or by what the file says.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise _refusal(lock, what, _owner(file), "") from error
    owner = _owner(file)
    if owner is None or owner.file != os.fstat(file).st_ino:
        return
    if owner.host == socket.gethostname():
        if owner.pid != os.getpid() and _began(owner.pid) == owner.began:
            raise _refusal(lock, what, owner, "")
        return
    silent = _now_there(lock.parent) - os.fstat(file).st_mtime
    if silent < SILENCE:
        raise _refusal(
            lock,
            what,
            owner,
            f" It gave a sign of life {max(0.0, silent):.0f} s ago; if it was killed since, try again in "
            f"{SILENCE / 60:.0f} minutes, or remove {lock}.",
        )


def _refusal(lock: Path, what: str, owner: Owner | None, more: str) -> DirectoryHeld:
    if owner is None:
        return DirectoryHeld(f"{what}: another process is about to write there; wait until it has ended ({lock})")
    if owner.pid == os.getpid() and owner.host == socket.gethostname():
        return DirectoryHeld(f"{what}: is being written by this process itself, since {owner.since}; end that first")
    return DirectoryHeld(
        f"{what}: is being written by process {owner.pid} on host {owner.host}, since {owner.since}: "
        f"{owner.command}. Two at once would spoil it: wait until that has ended, or end it (Ctrl-C, or kill "
        f"{owner.pid}), and continue then.{more}"
    )


def _sign(file: int) -> None:
    owner = Owner(
        pid=os.getpid(),
        began=_began(os.getpid()),
        host=socket.gethostname(),
        since=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        command=_command(),
        file=os.fstat(file).st_ino,
    )
    os.ftruncate(file, 0)
    os.pwrite(file, owner.model_dump_json().encode(), 0)
    with contextlib.suppress(OSError):
        os.fsync(file)


def _command() -> str:
    words = [os.path.basename(sys.argv[0]) or "python", *sys.argv[1:]] if sys.argv else ["python"]
    text = shlex.join(words).encode("utf-8", "replace").decode()
    return text if len(text) <= 200 else f"{text[:197]}..."


def _owner(file: int) -> Owner | None:
    """What a lock's file says; None: nothing, or nothing that can be read."""
    try:
        return Owner.model_validate_json(os.pread(file, _MOST, 0))
    except (OSError, pydantic.ValidationError):
        return None


def _is_at(path: Path, file: int) -> bool:
    """Whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(file))
    except FileNotFoundError:
        return False


def _began(pid: int) -> str:
    """When a process of this host began, with the boot since which that is counted; empty: there is none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # Behind the name in brackets, which may hold anything.
        return f"{boot} {Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        pass
    if os.path.isdir("/proc/self"):
        return ""
    try:  # no /proc: what runs under the number is taken for the same process
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "unknown"


def _now_there(folder: Path) -> float:
    """The time by the clock of a folder's file system, which need not be that of this host."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()
