"""What a worker of a cluster does: live a piece of a job with the ordinary driver of one process.

Tasks keep nothing but what is compiled, so any worker can do any of them, and do it again. This file must be found on
the workers under its name: evolearn is installed there, in the version that the driver has.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import pickle
import platform
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import filelock

from evolearn.cluster.lives import Lives
from evolearn.environment import code_differences, code_identity
from evolearn.life import (
    Conditions,
    Driver,
    LifeFault,
    Outcome,
    new_driver,
)
from evolearn.numerics import cache_folder, processor_type
from evolearn.plugins import as_told
from evolearn.world import World, find_world


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Conditions as they travel: the world by name, since its functions cannot."""

    world: str  # as the worker finds it
    hang_seconds: float
    others: Mapping[str, Any]  # every field of Conditions but the world, how it is found, and the opponent
    opponent: Mapping[str, Any] | None  # the same of the opponent's conditions, in the world that the world has for it

    @classmethod
    def of(cls, conditions: Conditions, world: str, hang_seconds: float) -> Recipe:
        """The recipe of conditions whose world is found under the name `world`."""
        other = conditions.opponent
        return cls(world, hang_seconds, _of_no_world(conditions), None if other is None else _of_no_world(other))

    def conditions(self) -> Conditions:
        """The conditions again.

        Raises:
            WorldNotFound: the world is not here. A part that is not is missed when a driver is made.
        """
        world = find_world(self.world)
        other = None
        if self.opponent is not None:
            assert isinstance(world, World)
            assert world.opponent is not None
            other = Conditions(world.opponent.world, **self.opponent)
        return Conditions(world, found_as=self.world, opponent=other, **self.others)


def _of_no_world(conditions: Conditions) -> dict[str, Any]:
    """Fields of conditions that are values, and travel as they are."""
    fields = {field.name: getattr(conditions, field.name) for field in dataclasses.fields(conditions)}
    for name in ("world", "found_as", "opponent"):
        del fields[name]
    return {**fields, "parameters": dict(conditions.parameters)}


class Order(NamedTuple):
    """What every task is told."""

    recipe: bytes  # of a Recipe, pickled
    identity: Mapping[str, str]  # see `code_identity`: of the driver


class Where(NamedTuple):
    """Who did a task."""

    host: str
    processor: str  # as a person calls it
    processor_type: str  # what libraries choose their code by, those of environments for one


class Refused(NamedTuple):
    """A worker with other code than the driver."""

    where: Where
    differs: tuple[str, ...]  # "numba 0.68.1 here, 0.67.0 there"


class Faulty(NamedTuple):
    """A life at fault."""

    life: int  # within the piece
    step: int
    reason: str


class Done(NamedTuple):
    """What came of a piece."""

    result: Any
    seconds: float  # that lives, or sums, took
    where: Where


def live_piece(order: Order, lives: Lives, opponents: Lives | None = None) -> Done | Refused:
    """Live a piece of a job; its result is the `Outcome` of each side, or a `Faulty`.

    Args:
        order: of the conditions.
        lives: as the agents lead them.
        opponents: the same lives as their opponents do, if the conditions have one.
    """

    def live(driver: Driver) -> list[Outcome] | Faulty:
        conditions, other = driver.conditions, driver.conditions.opponent
        job = lives.job(conditions, None if opponents is None or other is None else opponents.job(other))
        try:
            driver.live(job)
        except LifeFault as fault:
            return Faulty(fault.life, fault.step, fault.reason)
        return [side.outcome for side in job.sides]

    return _do(order, live)


def do_blocks(
    order: Order, function: Callable[[Driver, Any, int], Any], shared: Any, blocks: list[int]
) -> Done | Refused:
    """Call `function(driver, shared, block)` for some blocks; its result is the list of what they gave."""
    return _do(order, lambda driver: [function(driver, shared, block) for block in blocks])


def ask_autoscaler(cores: int) -> None:
    """Ask for a cluster of so many cores; 0 withdraws what was asked for before."""
    from ray.autoscaler.sdk import request_resources

    request_resources(num_cpus=cores)


def _do(order: Order, work: Callable[[Driver], Any]) -> Done | Refused:
    where = _where()
    differs = code_differences(order.identity, code_identity())
    if differs:
        return Refused(where, tuple(differs))
    with _to_its_end():
        driver = _driver(order.recipe)
        started = time.perf_counter()
        result = work(driver)
        return Done(result, time.perf_counter() - started, where)


@contextlib.contextmanager
def _to_its_end() -> Iterator[None]:
    """Let a task that is called off go on to its end, which is near.

    Ray calls off by an interrupt. One that breaks in on Numba while it compiles, or loads, leaves it broken: every
    later task of the process would fail to compile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # interrupts go to the main thread
        return
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


DRIVERS_KEPT = 4  # by a worker; those of a study's conditions take turns
_drivers: dict[bytes, Driver] = {}  # of this process, the one used last at the end


def _driver(recipe: bytes) -> Driver:
    driver = _drivers.pop(recipe, None)
    if driver is None:
        made: Recipe = pickle.loads(recipe)
        with _one_compiler(recipe), as_told():
            driver = new_driver(made.conditions(), 1, made.hang_seconds)
    _drivers[recipe] = driver
    for old in list(_drivers)[:-DRIVERS_KEPT]:
        _drivers.pop(old).close()
    return driver


@contextlib.contextmanager
def _one_compiler(recipe: bytes) -> Iterator[None]:
    """Let one process of a host compile while the others wait and then load what it made."""
    folder = cache_folder()
    if folder is None:
        yield
        return
    ready = folder / f"ready_{hashlib.sha256(recipe).hexdigest()[:16]}"
    if ready.exists():
        yield
        return
    lock = filelock.FileLock(ready.with_suffix(".lock"))
    with contextlib.suppress(OSError):  # a full disk: everybody compiles
        lock.acquire()
    try:
        yield
        with contextlib.suppress(OSError):
            ready.touch()
    finally:
        lock.release()


def _where() -> Where:
    processor, kind = processor_type()
    return Where(socket.gethostname() or platform.node(), processor, kind)
