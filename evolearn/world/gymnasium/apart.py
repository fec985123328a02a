"""Environments looked at in a process of their own: what blocks, leaves, crashes or rearranges its process stays there.

A command line asks for that with `environments_apart`; in a script or a notebook environments are made in its own
process, for a process of theirs would not find what the script has just defined.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait
from typing import Any

from evolearn.config import HANG_SECONDS, WorldPart, world_part
from evolearn.errors import SettingRefused, UserError
from evolearn.world.contract import WorldError
from evolearn.world.gymnasium.making import SECONDS_TO_CLOSE, close_quietly, is_of_environment, is_own_file
from evolearn.world.gymnasium.variation import Environment
from evolearn.world.gymnasium.world import GymnasiumWorld, declare_here, remarks_here
from evolearn.world.names import looked_at

_IMPORTING, _MAKING, _CLOSING = "importing", "making", "closing"
_SECONDS_TO_IMPORT = 120.0  # at least: an engine may be large, and its files on a network
_SECONDS_TO_TELL = 1.0  # where a process is
_guards: list[subprocess.Popen[bytes]] = []  # kept, so that nobody waits for it


@dataclasses.dataclass
class Looked:
    """What came of looking at an environment."""

    world: GymnasiumWorld | None = None
    error: BaseException | None = None  # in its place
    remarks: tuple[str, ...] = ()  # see `check_environment`
    refusal: BaseException | None = None  # in their place


def _looked(part: WorldPart, hang_seconds: float) -> Looked | None:
    """What another process found of an environment, which is looked at once; None if it is to be made here."""
    found = looked_at()
    if found is None:
        return None
    name = part.full_name
    if name not in found:
        looked = _look(name, hang_seconds, closes=True)
        if looked is None:
            looked = _look(name, hang_seconds, closes=False)
            assert looked is not None
            remark = f"world {part.name}: close() does not return; it is given up after {SECONDS_TO_CLOSE:g} s"
            looked.remarks = (*looked.remarks, remark)
        found[name] = looked
    looked = found[name]
    assert isinstance(looked, Looked)
    return looked


def declare(part: WorldPart, hang_seconds: float) -> GymnasiumWorld:
    """Declare what a config's section `world` describes: see `declare_here`, which does it, here or apart."""
    looked = _looked(part, hang_seconds)
    if looked is None:
        return declare_here(part)
    if looked.error is not None:
        raise looked.error
    assert looked.world is not None
    return looked.world


def check_environment(world: GymnasiumWorld, hang_seconds: float = HANG_SECONDS) -> tuple[str, ...]:
    """Check a world's environment in its wrappers: see `remarks_here`, which does it, here or apart."""
    looked = _looked(world.part, hang_seconds)
    if looked is None:
        return remarks_here(world)
    if looked.refusal is not None:
        raise looked.refusal
    return looked.remarks


def begin_child(asked: Connection) -> None:
    """Begin a process that was started for environments.

    It is the leader of a group, so that what an environment starts can be ended with it; Ctrl-C is the parent's to
    answer; it ends when its parent is gone, however that went; and it tells where its main thread is.

    Args:
        asked: where the parent asks that.
    """
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
        _have_group_ended()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Daemonic for its parent, which ends it; not for itself: an environment may have processes of its own.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    threading.Thread(target=_attend, args=(asked,), daemon=True).start()


def silence_copies(connection: Connection) -> None:
    """Keep what an environment forks, and lets go on as if it were this process, from answering beside it."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=connection.close)


def _have_group_ended() -> None:
    """Have this process's group ended when the parent is gone, also while C code lets no thread of ours run."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    with contextlib.suppress(OSError):  # no shell, or no room for a process: there is `_attend`
        # To the end of what the parent holds open; it is one of the group, and ends with it.
        _guards.append(
            subprocess.Popen(
                ["/bin/sh", "-c", "read _; kill -9 0"],
                stdin=parent.sentinel,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )


def _attend(asked: Connection) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    main = threading.main_thread().ident or 0
    waiting: list[Any] = [parent.sentinel, asked]
    while True:
        if parent.sentinel in wait(waiting):
            end_group(os.getpid())
            os._exit(1)
        try:
            asked.recv()
            frame = sys._current_frames().get(main)
            asked.send(list(traceback.extract_stack(frame)) if frame is not None else [])
        except (EOFError, OSError):
            waiting.remove(asked)


def end_group(leader: int | None) -> None:
    """End all processes of a group that `begin_child` made, the leader among them."""
    if leader is not None and hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def where_it_stands(asking: Connection) -> list[traceback.FrameSummary]:
    """Where in its code a process's main thread is, the innermost frame last; empty: it does not tell."""
    try:
        asking.send(None)
        frames: list[traceback.FrameSummary] = asking.recv() if asking.poll(_SECONDS_TO_TELL) else []
    except (EOFError, OSError):
        return []
    return frames


def standing_lines(frames: Iterable[traceback.FrameSummary]) -> list[str]:
    """Lines of an error that say where in its code an environment is."""
    inner = itertools.takewhile(lambda frame: not is_own_file(frame.filename), reversed(list(frames)))
    theirs = [frame for frame in inner if is_of_environment(frame.filename)][2::-1]
    return [f"  {frame.filename}, line {frame.lineno}, in {frame.name}: {frame.line}" for frame in theirs]


def how_it_ended(code: int | None) -> str:
    """What to say of a process that ended with an exit code."""
    return f"ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"


def _look(name: str, hang_seconds: float, closes: bool) -> Looked | None:
    """Look in a process made for it; None if closing the environment does not come back."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    asking, asked = context.Pipe()
    process = context.Process(target=_scout, args=(theirs, asked, name, closes), name="evolearn-scout", daemon=True)
    process.start()
    theirs.close()
    asked.close()
    looked, doing = Looked(), _IMPORTING
    seconds = {_IMPORTING: max(_SECONDS_TO_IMPORT, hang_seconds), _MAKING: hang_seconds, _CLOSING: SECONDS_TO_CLOSE}
    try:
        while True:
            if not ours.poll(seconds[doing]):
                if doing == _CLOSING:
                    return None
                _settle(looked, _blocks(world_part(name), doing, seconds[doing], where_it_stands(asking)))
                return looked
            try:
                told = ours.recv()
            except (EOFError, OSError):
                process.join(SECONDS_TO_CLOSE)
                _settle(looked, _ended(world_part(name), doing, process.exitcode))
                return looked
            if isinstance(told, Looked):
                return told
            if isinstance(told, GymnasiumWorld):
                looked.world = told
            else:
                doing = told
    finally:
        end_group(process.pid)
        process.kill()
        process.join()
        process.close()


def _settle(looked: Looked, error: WorldError) -> None:
    """Write down what went wrong: with the world itself, or, if that is known already, in checking it."""
    if looked.world is None:
        looked.error = error
    else:
        looked.refusal = SettingRefused(str(error))


def _blocks(part: WorldPart, doing: str, seconds: float, frames: list[traceback.FrameSummary]) -> WorldError:
    what = "its module is not imported" if doing == _IMPORTING else "its constructor, reset or step does not return"
    return WorldError(
        "\n".join(
            [
                f"world {part.name}: {what} after {seconds:g} s; look for what it waits for (a server, a window, "
                f"a file), or raise hang_seconds if it is only slow",
                *standing_lines(frames),
            ]
        )
    )


def _ended(part: WorldPart, doing: str, code: int | None) -> WorldError:
    what = "imported" if doing == _IMPORTING else "made, reset, stepped and closed for a look"
    return WorldError(
        f"world {part.name}: the process {how_it_ended(code)} while its environment was {what}: os._exit, a crash in "
        "its own code (C), out of memory, or files closed that are not its own; an environment must raise an exception "
        "instead"
    )


def _scout(connection: Connection, asked: Connection, name: str, closes: bool) -> None:
    """Look at the environment of a full name, and tell: the whole life of a scout."""
    begin_child(asked)
    silence_copies(connection)
    with contextlib.suppress(OSError):  # who cannot tell ends, and is told of
        _look_and_tell(connection, name, closes)
        os._exit(0)  # an environment's threads must not keep it
    os._exit(1)


def _look_and_tell(connection: Connection, name: str, closes: bool) -> None:
    looked = Looked()
    failed: list[str] = []

    def close(environment: Environment) -> None:
        if closes:
            connection.send(_CLOSING)
            failed.append(close_quietly(environment))
            connection.send(_MAKING)

    part = world_part(name)
    world, looked.error = _tried(lambda: declare_here(part, close, lambda: connection.send(_MAKING)))
    if world is not None:
        looked.world = world
        connection.send(world)
        if part.check:
            remarks, looked.refusal = _tried(lambda: remarks_here(world, close))
            looked.remarks = remarks or ()
    for problem in sorted({text for text in failed if text}):
        remark = f"world {part.name}: close() raises {problem}; lives are over by then, so that results stand"
        looked.remarks = (*looked.remarks, remark)
    with contextlib.suppress(Exception):  # an environment may have closed it, or taken it away
        sys.stdout.flush()
    connection.send(looked)
    connection.close()


def _tried(look: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """What came of a look: its value, or an error that can be sent."""
    try:
        return look(), None
    except BaseException as error:  # sys.exit among them
        try:
            pickle.loads(pickle.dumps(error))
            sendable = isinstance(error, UserError | WorldError)
        except Exception:
            sendable = False
        return None, error if sendable else WorldError(f"{type(error).__name__}: {error}")
