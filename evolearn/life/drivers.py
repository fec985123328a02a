"""Where lives are lived: the driver that a world needs, and the drivers of a run or a study, here or on a cluster."""

from __future__ import annotations

import dataclasses
import functools
import os
from typing import Any, Protocol

from evolearn.config import HANG_SECONDS
from evolearn.life._fused import FusedDriver
from evolearn.life._paired import PairedDriver
from evolearn.life._stepwise import StepwiseDriver
from evolearn.life.capacity import most_workers
from evolearn.life.live import Conditions, Driver
from evolearn.world import World


def new_driver(conditions: Conditions, workers: int = 1, hang_seconds: float = HANG_SECONDS) -> Driver:
    """The driver that the world needs, with `workers` threads or processes, or as many as are of any use."""
    fused = isinstance(conditions.world, World)
    workers = min(workers, most_workers(processes=not fused))
    if conditions.opponent is not None:
        return PairedDriver(conditions, workers, hang_seconds)
    if fused:
        return FusedDriver(conditions, workers, hang_seconds)
    return StepwiseDriver(conditions, workers, hang_seconds=hang_seconds)


@dataclasses.dataclass(frozen=True)
class Effort:
    """What a cluster did since it was last asked: costs and accidents, none of which changes a result."""

    hosts: int  # now
    cores: int  # in use, now
    processors: tuple[str, ...]  # types of those that did work so far, see `evolearn.numerics.processor.processor_type`
    tasks: int
    retries: int  # tasks done again after their worker was lost
    copies: int  # tasks done a second time since the first was overdue
    lost_workers: int  # processes that died
    lost_hosts: int
    busy_seconds: float  # that cores spent in lives and sums, together
    bytes_sent: int  # arrays sent to tasks and received from them; what all tasks share counts once per host
    driver_seconds: float  # of processor time that this process took meanwhile


@dataclasses.dataclass(frozen=True)
class ClusterStatus:
    """How a cluster is doing at this moment."""

    hosts: int
    cores: int
    in_flight: int  # tasks handed out
    retries: int  # since the beginning; the next two likewise
    lost_workers: int
    lost_hosts: int
    waiting: str  # what work waits for; empty: for nothing


class ClusterWatch(Protocol):
    """What shows a cluster at work."""

    def warning(self, text: str) -> None:
        """Something that a user should know, and that did not stop the run."""

    def notice(self, text: str) -> None:
        """Something worth knowing."""

    def cluster(self, status: ClusterStatus) -> None:
        """How the cluster is doing; several times a second while it works."""


class Drivers(Protocol):
    """The drivers of a run or a study, one for all lives under the same conditions."""

    def of(self, conditions: Conditions, hang_seconds: float) -> Driver:
        """The driver for some conditions; made when it is first asked for.

        Args:
            conditions: under which its lives are lived.
            hang_seconds: a life without a finished step for so long is a fault of its world, seconds.
        """

    def effort(self) -> Effort | None:
        """What a cluster did since the last call; None where there is none."""

    def describe(self) -> dict[str, Any]:
        """For environment.json: what lives are lived on."""

    def close(self) -> None:
        """Close every driver, and let go of workers."""


class OwnDrivers:
    """Drivers in this process, or in processes that it starts."""

    def __init__(self, workers: int) -> None:
        """Give each driver so many threads or processes."""
        self._workers = workers
        self._made: list[tuple[Conditions, Driver]] = []

    def of(self, conditions: Conditions, hang_seconds: float) -> Driver:
        """The driver for some conditions; see `Drivers.of`."""
        for known, driver in self._made:
            if known == conditions:
                return driver
        driver = new_driver(conditions, self._workers, hang_seconds)
        if isinstance(driver, StepwiseDriver) and driver.is_bounded:
            driver.before_lives = functools.partial(self._close_all_but, driver)
        self._made.append((conditions, driver))
        return driver

    def _close_all_but(self, one: Driver) -> None:
        """Let go of the environments of other drivers; they make them again when they need them."""
        for _, driver in self._made:
            if driver is not one and isinstance(driver, StepwiseDriver):
                driver.close()

    def effort(self) -> None:
        """Not measured here."""

    def describe(self) -> dict[str, Any]:
        """Workers and cores."""
        return {"workers": self._workers, "cores": os.cpu_count()}

    def close(self) -> None:
        """Close every driver."""
        for _, driver in self._made:
            driver.close()
        self._made.clear()
