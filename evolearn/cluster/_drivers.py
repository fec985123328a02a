"""Drivers whose lives are lived by the tasks of a Ray cluster."""

from __future__ import annotations

import functools
import os
import pickle
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import ray
from ray.runtime_env import RuntimeEnv

from evolearn.cluster import _tasks as tasks
from evolearn.cluster._connecting import connect
from evolearn.cluster._hosts import Hosts, counted
from evolearn.cluster._shipping import Parcel, pack, renamed
from evolearn.cluster._tasks import Faulty, Order, Recipe
from evolearn.cluster.addresses import LOCAL, ClusterError, check_address
from evolearn.cluster.lives import Lives
from evolearn.cluster.spreading import LARGEST_MESSAGE, Spreader, Work, WorkerDied
from evolearn.environment import code_identity
from evolearn.life import (
    ClusterWatch,
    Conditions,
    Driver,
    Effort,
    Job,
    LifeFault,
    Outcome,
    OwnDrivers,
    Plan,
    fault_in,
)
from evolearn.plugins import Part
from evolearn.world import GYMNASIUM, WorldError, are_apart, from_anywhere


class ClusterDrivers:
    """The drivers of a run or a study, on a cluster."""

    def __init__(
        self,
        address: str,
        workers: int | None,
        worlds: Sequence[str],
        watch: ClusterWatch,
        runtime_env: Mapping[str, Any] | None = None,
        parts: Sequence[Part] = (),
    ) -> None:
        """Start Ray here, or join a cluster, and wait until it has the cores that were asked for.

        Args:
            address: local, auto, HOST:PORT or ray://HOST:PORT.
            workers: cores to use at most; none: all there are, also those that join later.
            worlds: names of all worlds to be lived in, whose code workers need.
            watch: shows what happens.
            runtime_env: of Ray, for tasks: packages to install, environment variables, ..
            parts: of agents, that somebody else brings, whose code workers need likewise.
        Raises:
            ClusterError, CannotShip, NotFound: see there.
        """
        check_address(address)
        self.address = address
        self._watch = watch
        # For traced lives, one at a time, and for rehearsals, which compare processes where lives have their own.
        self._here = OwnDrivers(2 if are_apart() else 1)
        self._made: list[tuple[Conditions, ClusterDriver]] = []
        has_environments = any(world.startswith(GYMNASIUM) for world in worlds)
        self._parcel = pack([from_anywhere(world) for world in worlds], parts)
        try:
            connect(address, workers, _runtime_env(self._parcel, runtime_env or {}))
            self._hosts = Hosts(address, watch)
            self._spreader = Spreader(
                self._hosts, workers, watch, may_grow=address != LOCAL, unlike_matter=has_environments
            )
            if workers is not None:
                self._wait_for(workers)
        except BaseException:
            self.close()
            raise

    def of(self, conditions: Conditions, hang_seconds: float) -> Driver:
        """The driver for some conditions; see `evolearn.life.drivers.Drivers.of`."""
        for known, driver in self._made:
            if known == conditions:
                return driver
        world = self._parcel.names.get(from_anywhere(conditions.found_as))
        if world is None:
            raise ClusterError(
                f"world {conditions.world.name}, found as {conditions.found_as!r}, is not among those that the cluster "
                f"was told of: {', '.join(self._parcel.names)}"
            )
        recipe = pickle.dumps(Recipe.of(renamed(conditions, self._parcel.parts), world, hang_seconds))
        order = Order(recipe, code_identity())
        driver = ClusterDriver(
            conditions,
            order,
            self._spreader,
            functools.partial(self._here.of, conditions, hang_seconds),
            self._parcel.parts,
        )
        self._made.append((conditions, driver))
        return driver

    def use(self, workers: int | None) -> None:
        """Use so many cores at most from now on; none: all there are."""
        self._spreader.most = workers

    def effort(self) -> Effort:
        """What the cluster did since the last call."""
        return self._spreader.effort()

    def describe(self) -> dict[str, Any]:
        """Address, hosts and cores."""
        return {
            "workers": self._spreader.workers,
            "cores": os.cpu_count(),
            "cluster": {
                "address": self.address,
                "hosts": [{"name": host.name, "cores": host.cores} for host in self._hosts.workers],
                "shipped": list(self._parcel.contents),
            },
        }

    def close(self) -> None:
        """Leave the cluster; one that was started for this ends."""
        self._here.close()
        ray.shutdown()
        if self._parcel.folder is not None:
            shutil.rmtree(self._parcel.folder, ignore_errors=True)

    def _wait_for(self, cores: int) -> None:
        """Wait until the cluster has so many cores, and say so; an autoscaler is told, for as long as that takes."""
        if self._hosts.cores >= cores:
            return
        # A task, since a client's own process does not reach the autoscaler.
        ask = ray.remote(num_cpus=0)(tasks.ask_autoscaler)
        asked = ask.remote(cores)
        said = -1
        try:
            while self._hosts.cores < cores:
                if self._hosts.cores != said:
                    said = self._hosts.cores
                    there = f"{counted(said, 'core')} on {counted(len(self._hosts.workers), 'host')}"
                    self._watch.notice(
                        f"waiting for {cores} cores, as --workers {cores} asks: the cluster has {there}. Ctrl-C ends "
                        "the wait; fewer --workers begin at once"
                    )
                time.sleep(0.5)
                self._hosts.look()
        finally:
            # A request stands until it is withdrawn, and hosts that nobody needs cost money.
            ray.wait([asked], timeout=5.0)
            ray.wait([ask.remote(0)], timeout=5.0)


class ClusterDriver:
    """Lives jobs as tasks of a cluster."""

    def __init__(
        self,
        conditions: Conditions,
        order: Order,
        spreader: Spreader,
        here: Callable[[], Driver],
        parts: Mapping[Part, str],
    ) -> None:
        """Spread lives under `conditions`; the driver that `here` gives lives those that leave a trace.

        `parts` of others have those names on the workers.
        """
        self._parts = parts
        self.conditions = conditions
        self._order = ray.put(order)
        self.spreader = spreader
        self._here = here
        # The same tasks are never retried by Ray: the spreader does, and says so.
        self._live_piece = ray.remote(num_cpus=1, max_retries=0)(tasks.live_piece)
        self._do_blocks = ray.remote(num_cpus=1, max_retries=0)(tasks.do_blocks)
        self._rates: dict[Any, float] = {}  # kind of work -> seconds per unit, as measured last

    @property
    def workers(self) -> int:
        """Cores in use."""
        return self.spreader.workers

    def close(self) -> None:
        """Nothing to let go of: tasks keep nothing."""

    def rehearse(self, job: Job) -> None:
        """Rehearse on this host, before any task: see `evolearn.life.rehearsal`."""
        here = self._here()
        asked = getattr(here, "rehearse", None)
        if asked is None:
            return
        try:
            asked(job)
        finally:
            here.close()  # what is lived from now on is lived by tasks

    def live(self, job: Job) -> None:
        """Live every life of `job`.

        Raises:
            LifeFault: the world is at fault in a life.
            ClusterError: see `Spreader.do`.
        """
        if any(side.trace.fitness.size for side in job.sides):
            # One life whose every step is wanted: as quick here.
            self._here().live(job)
            return

        def submit(first: int, last: int) -> Any:
            return self.hand_out(*(Lives.of(side, first, last) for side in job.sides))

        def take(first: int, last: int, result: list[Outcome] | Faulty) -> None:
            if isinstance(result, Faulty):
                raise self._fault(job, first + result.life, result.step, result.reason)
            for side, outcome in zip(job.sides, result, strict=True):
                for mine, theirs in zip(side.outcome, outcome, strict=True):
                    if len(mine):  # final weights that nobody asked for have no rows
                        mine[first:last] = theirs

        unit_bytes, piece_bytes = np.sum([_bytes_of_lives(side) for side in job.sides], axis=0).tolist()
        try:
            self._do(
                tuple(_kind(side.plan) for side in job.sides),
                Work(len(job.genomes), submit, take, unit_bytes, piece_bytes),
            )
        except WorkerDied as died:
            raise self._fault(job, died.unit, 0, died.text) from died

    def hand_out(self, *sides: Lives) -> Any:
        """Give lives, as each side leads them, to the cluster as one task; returns its reference, for `Work`."""
        return self._live_piece.remote(self._order, *sides)

    def over_blocks(self, function: Callable[[Driver, Any, int], Any], shared: Any, blocks: Sequence[int]) -> list[Any]:
        """function(driver, shared, block) for every block, in the order of `blocks`, see `Driver`."""
        results: list[Any] = [None] * len(blocks)
        shared = renamed(shared, self._parts)
        reference = ray.put(shared)
        self.spreader.count_shared(_size_of(shared))

        def submit(first: int, last: int) -> Any:
            return self._do_blocks.remote(self._order, function, reference, list(blocks[first:last]))

        def take(first: int, last: int, result: list[Any]) -> None:
            results[first:last] = result
            self.spreader.count(_size_of(result))

        try:
            self._do(function.__qualname__, Work(len(blocks), submit, take))
        except WorkerDied as died:
            raise WorldError(
                f"world {self.conditions.world.name}, {function.__name__} of block {blocks[died.unit]}: {died.text}"
            ) from died
        return results

    def _do(self, kind: Any, work: Work) -> None:
        work.seconds_per_unit = self._rates.get(kind)
        self.spreader.do(work)
        if work.seconds_per_unit is not None:
            self._rates[kind] = work.seconds_per_unit

    def _fault(self, job: Job, life: int, step: int, reason: str) -> LifeFault:
        job.outcome.age[life] = step
        return fault_in(self.conditions, job, life, reason)


def _runtime_env(parcel: Parcel, given: Mapping[str, Any]) -> dict[str, Any]:
    """Ray's runtime environment of all tasks: what the user gave, the worlds, and a thread to each."""
    unknown = sorted(set(given) - RuntimeEnv.known_fields)
    if unknown:
        raise ClusterError(f"--runtime-env: Ray does not take it: no field is called {', '.join(map(str, unknown))}")
    environment = dict(given)
    if parcel.folder is not None:
        if "working_dir" in environment:
            raise ClusterError(
                f"--runtime-env: sets working_dir, in which evolearn sends {', '.join(parcel.contents)} to the "
                "workers; leave it out, or use py_modules"
            )
        environment["working_dir"] = str(parcel.folder)
    # One thread to a task: a core each.
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    environment["env_vars"] = {**threads, **(environment.get("env_vars") or {})}
    try:
        return dict(RuntimeEnv(**environment))
    except (TypeError, ValueError) as error:
        raise ClusterError(f"--runtime-env: Ray does not take it: {error}") from error


def _kind(plan: Plan) -> Any:
    """Lives that take about as long as each other."""
    return plan.lifetime, plan.learn_from, plan.learn_until, plan.source


def _bytes_of_lives(job: Job) -> tuple[float, float]:
    """Bytes of a life of one side, and of a piece beside its lives.

    A genome whose lives are split travels with each part; of genomes that take turns a piece has each.
    """
    newborn = sum(array.nbytes / max(1, len(array)) for array in (*job.newborns[:4], *job.surgeries))
    outcome = sum(array.nbytes for array in job.outcome) / max(1, len(job.genomes))
    count = max(1, len(job.newborns.weights))
    if np.count_nonzero(np.diff(job.genomes)) >= count and count * newborn < LARGEST_MESSAGE / 2:
        return outcome, count * newborn
    lives_of_one = max(1.0, len(job.genomes) / count)
    return newborn / lives_of_one + outcome, newborn if lives_of_one > 1 else 0.0


def _size_of(something: Any) -> int:
    """Bytes of the arrays in something, about."""
    return len(pickle.dumps(something))
