"""Who writes in a directory is on record there, for as long as it does."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from evolearn.errors import RunDirectoryError
from evolearn.files import LOCK, holding, is_held, locks
from evolearn.files.locks import DirectoryHeld

HOLDING = """
import sys, pathlib
from evolearn.files import holding
with holding(pathlib.Path(sys.argv[1]), "RUN=there"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextlib.contextmanager
def held_elsewhere(lock: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDING, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        try:
            yield other
        finally:
            other.kill()


def left_by(lock: Path, **different: object) -> None:
    """A lock's file as a process left it that could not remove it."""
    with holding(lock, "RUN=a"):
        said = json.loads(lock.read_text())
    lock.touch()
    lock.write_text(json.dumps(said | {"file": lock.stat().st_ino} | different))


def test_another_process_is_refused_and_named_until_it_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / LOCK
    assert not is_held(lock)
    with held_elsewhere(lock) as other:
        assert is_held(lock)
        with pytest.raises(DirectoryHeld) as refused, holding(lock, "RUN=here"):
            pass
        text = str(refused.value)
        assert text.startswith(f"RUN=here: is being written by process {other.pid} on host {socket.gethostname()}")
        assert " UTC: -c " in text
        other.kill()
        other.wait()
        assert lock.exists(), "nobody removed it"
        assert not is_held(lock), "at once, not after minutes of silence"
        with holding(lock, "RUN=here"):
            assert json.loads(lock.read_text())["pid"] == os.getpid()
    assert not lock.exists()


def test_nothing_is_left_of_a_lock_and_it_can_be_had_again(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), holding(tmp_path / LOCK, "RUN=a"):
            raise ZeroDivisionError
        assert list(tmp_path.iterdir()) == []


def test_another_thread_of_the_same_process_is_refused(tmp_path: Path) -> None:
    refused: list[str] = []

    def try_it() -> None:
        try:
            with holding(tmp_path / LOCK, "RUN=a"):
                pass
        except DirectoryHeld as error:
            refused.append(str(error))

    with holding(tmp_path / LOCK, "RUN=a"):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
        assert (tmp_path / LOCK).exists()
    assert len(refused) == 1
    assert "by this process itself" in refused[0]


def test_a_process_of_another_host_is_there_until_it_is_silent(tmp_path: Path) -> None:
    lock = tmp_path / LOCK
    left_by(lock, host="elsewhere", pid=1)
    with pytest.raises(DirectoryHeld, match=r"process 1 on host elsewhere, since .* remove ") as refused:
        locks._acquired(lock, "RUN=a")
    assert str(lock) in str(refused.value)
    assert is_held(lock)
    long_ago = lock.stat().st_mtime - locks.SILENCE - 1
    os.utime(lock, (long_ago, long_ago))
    assert not is_held(lock)
    with holding(lock, "RUN=a"):
        pass


@pytest.mark.parametrize("different", [{"pid": 2**22 + 1}, {"began": "another boot 1"}])
def test_a_process_of_this_host_that_is_gone_is_seen_through(different: dict[str, object], tmp_path: Path) -> None:
    left_by(tmp_path / LOCK, **{"pid": os.getppid(), **different})
    with holding(tmp_path / LOCK, "RUN=a"):
        pass


def test_one_that_lives_is_believed_where_the_system_has_no_locks(tmp_path: Path, monkeypatch) -> None:
    def no_locks(file: int, how: int) -> None:
        raise OSError(locks.errno.ENOLCK, "No locks available")

    left_by(tmp_path / LOCK, pid=os.getppid(), began=locks._began(os.getppid()))
    monkeypatch.setattr(locks.fcntl, "flock", no_locks)
    with pytest.raises(DirectoryHeld, match=f"by process {os.getppid()} "):
        locks._acquired(tmp_path / LOCK, "RUN=a")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b'{"pid": "x"}'])
def test_a_file_that_says_nothing_is_no_lock(content: bytes, tmp_path: Path) -> None:
    (tmp_path / LOCK).write_bytes(content)
    with holding(tmp_path / LOCK, "RUN=a"):
        pass


def test_a_copied_directory_is_not_held(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with holding(tmp_path / "run" / LOCK, "RUN=a"):
        shutil.copytree(tmp_path / "run", tmp_path / "copy")
        assert is_held(tmp_path / "run" / LOCK)
        assert not is_held(tmp_path / "copy" / LOCK)
        with holding(tmp_path / "copy" / LOCK, "RUN=b"):
            pass
    assert list((tmp_path / "copy").iterdir()) == []


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_neither_keeps_a_lock_nor_removes_it(tmp_path: Path) -> None:
    held = locks._acquired(tmp_path / LOCK, "RUN=a")
    child = os.fork()
    if child == 0:
        held.release()
        os._exit(0 if held._file == -1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / LOCK).exists()
    held.release()


def test_a_disk_without_room_for_a_lock_is_left_as_it_was(tmp_path: Path, monkeypatch) -> None:
    def full(*arguments: object) -> int:
        raise OSError(locks.errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(locks.os, "pwrite", full)
    with pytest.raises(RunDirectoryError, match="RUN=a: cannot be written: No space left on device; free space"):
        locks._acquired(tmp_path / LOCK, "RUN=a")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / LOCK).mkdir()
    with pytest.raises(RunDirectoryError, match="RUN=a: cannot be written: Is a directory"):
        locks._acquired(tmp_path / LOCK, "RUN=a")
    with pytest.raises(RunDirectoryError, match="RUN=a: cannot be written: No such file"):
        locks._acquired(tmp_path / "gone" / LOCK, "RUN=a")
