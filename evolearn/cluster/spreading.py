"""Spreading pieces of work over a cluster, and getting every one of them back, whatever dies meanwhile."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import queue
import time
from collections.abc import Callable, Iterable
from typing import Any

import ray
import ray.exceptions as failures

from evolearn.cluster._hosts import GO_ON, ClusterLost, Hosts
from evolearn.cluster._tasks import Done, Refused, Where
from evolearn.cluster.addresses import ClusterError
from evolearn.cluster.schedule import Hopeless, Piece, Schedule
from evolearn.errors import UserError, WorldNotFound
from evolearn.life import ClusterStatus, ClusterWatch, Effort

STORE_SHARE = 0.25  # of the smallest object store that tasks under way may fill
WAITING_TO_GROW = 16  # tasks that wait at least, on a cluster that may grow: its autoscaler sees them
LARGEST_MESSAGE = 8_000_000  # bytes that a task brings or takes, about
_TICK = 0.2  # seconds between two looks at clock and cluster
_SECONDS_OF_SILENCE = 60.0  # after which the display says what is waited for

# The worker died, its host lives on: the work may be to blame.
_CRASHES = (failures.WorkerCrashedError, failures.OutOfMemoryError)
# Nobody's fault: the host is gone, or an object with it.
_LOSSES = (
    failures.NodeDiedError,
    failures.ObjectLostError,
    failures.TaskUnschedulableError,
    failures.TaskCancelledError,
)


class WorkerDied(UserError, RuntimeError):
    """Every process that tried a unit of work died."""

    def __init__(self, unit: int, text: str) -> None:
        """Name the unit within its work."""
        super().__init__(unit, text)
        self.unit = unit
        self.text = text

    def __str__(self) -> str:
        return self.text


@dataclasses.dataclass
class Work:
    """Units to be done by tasks."""

    units: int
    submit: Callable[[int, int], Any]  # hands units first .. last - 1 out as a task, gives its reference
    take: Callable[[int, int, Any], None]  # gets a task's result
    unit_bytes: float = 0.0  # that a unit takes to its worker and back, about
    piece_bytes: float = 0.0  # that a piece takes beside its units
    seconds_per_unit: float | None = None  # of earlier work of the kind; afterwards: of this

    def size(self, pieces: int, units: int) -> float:
        """Bytes of some pieces with so many units in all."""
        return pieces * self.piece_bytes + units * self.unit_bytes


class Spreader:
    """Hands work out to the cores of a cluster."""

    def __init__(
        self, hosts: Hosts, most: int | None, watch: ClusterWatch, may_grow: bool = False, unlike_matter: bool = False
    ) -> None:
        """Use the cluster that Ray is connected to.

        Args:
            hosts: of the cluster.
            most: cores to use at most; none: all there are, also those that come later.
            watch: shows what happens.
            may_grow: an autoscaler may add hosts.
            unlike_matter: results may depend on the processor, as those of environments do.
        """
        self._hosts = hosts
        self._may_grow = may_grow
        self._unlike_matter = unlike_matter
        self.most = most
        self._watch = watch
        self._processors: dict[str, set[str]] = {}  # type -> names
        self._said_mixed = False
        self._retries = self._lost_workers = 0
        self._since = _Tally(time.process_time())
        self._heard = time.monotonic()  # a task came back

    @property
    def workers(self) -> int:
        """Cores in use."""
        cores = self._hosts.cores
        return cores if self.most is None else min(cores, self.most)

    def count_shared(self, size: int) -> None:
        """Something of `size` bytes goes to every host once."""
        self._since.bytes += size * max(1, len(self._hosts.workers))

    def count(self, size: int) -> None:
        """A task brought `size` bytes that its work's `unit_bytes` left out."""
        self._since.bytes += size

    def effort(self) -> Effort:
        """What was done since the last call."""
        tally, self._since = self._since, _Tally(time.process_time(), self._hosts.lost)
        return Effort(
            hosts=len(self._hosts.workers),
            cores=self.workers,
            processors=tuple(sorted(self._processors)),
            tasks=tally.tasks,
            retries=tally.retries,
            copies=tally.copies,
            lost_workers=tally.lost_workers,
            lost_hosts=self._hosts.lost - tally.hosts_lost_before,
            busy_seconds=tally.busy,
            bytes_sent=round(tally.bytes),
            driver_seconds=time.process_time() - tally.processor_time,
        )

    def do(self, work: Work) -> None:
        """Do all units of a work.

        Raises:
            WorkerDied: every process that tried a certain unit died.
            ClusterError: the cluster is lost, or a worker has other code than this process.
        """
        largest = max(1, int((LARGEST_MESSAGE - work.piece_bytes) / max(work.unit_bytes, 1.0)))
        schedule = Schedule(work.units, work.seconds_per_unit, largest)
        back: queue.SimpleQueue[tuple[Piece, Any]] = queue.SimpleQueue()
        out: dict[int, Any] = {}  # id of a piece -> its reference, which keeps the task alive
        self._heard = time.monotonic()
        try:
            while not schedule.is_done:
                lost = self._hosts.lost
                self._hosts.look()
                if self._hosts.lost > lost:
                    schedule.try_again(time.monotonic())
                for piece in self._next_pieces(schedule, work):
                    reference = work.submit(piece.first, piece.last)
                    out[id(piece)] = reference
                    future = reference.future()
                    future.add_done_callback(lambda done, piece=piece: back.put((piece, done)))
                for piece, future in _those_back(back):
                    del out[id(piece)]
                    self._heard = time.monotonic()
                    self._take_back(schedule, work, piece, future)
                self._show(schedule)
        except Hopeless as error:
            raise WorkerDied(
                error.unit,
                f"{error.crashes} worker processes died while they lived it alone: out of memory, or a crash in the "
                "world's own code",
            ) from None
        finally:
            self._call_off(out.values())
        work.seconds_per_unit = schedule.seconds_per_unit
        self._since.copies += schedule.copies

    def _call_off(self, references: Iterable[Any]) -> None:
        """Copies that nobody waits for: what is queued need not begin."""
        with contextlib.suppress(failures.RayError, ConnectionError, RuntimeError):  # the cluster may be gone
            for reference in references:
                ray.cancel(reference, force=False)

    def _next_pieces(self, schedule: Schedule, work: Work) -> Iterable[Piece]:
        """Pieces to hand out now: enough for all workers, not more than their memory holds."""
        workers = self.workers
        room = STORE_SHARE * self._hosts.smallest_store
        copies = schedule.copies
        busy, units = schedule.busy(time.monotonic())
        held = work.size(busy, units)
        # Where not all cores are to be used, what Ray is given begins at once on the others.
        limit = workers if workers < self._hosts.cores else math.inf
        # Also without a core: an autoscaler goes by the tasks that wait.
        waiting = WAITING_TO_GROW if self._may_grow else 1
        while busy < limit and (held < room or not busy):
            now = time.monotonic()
            if not schedule.has_room(workers, now, waiting):
                break
            piece = schedule.next_piece(max(1, workers), now)
            if piece is None:
                break
            busy += 1
            held += work.size(1, piece.units)
            self._since.tasks += 1
            self._since.bytes += work.size(1, piece.units)
            yield piece
        if schedule.copies and not copies:
            self._watch.notice("a task is long overdue, its worker slow or silent: others do its work too")

    def _take_back(self, schedule: Schedule, work: Work, piece: Piece, future: Any) -> None:
        error = future.exception()
        if error is None:
            answer = future.result()
            if isinstance(answer, Refused):
                raise ClusterError(
                    f"host {answer.where.host} has other code than this process: {'; '.join(answer.differs)}. Results "
                    "would differ: install the same on every host"
                )
            assert isinstance(answer, Done)
            self._meet(answer.where)
            self._since.busy += answer.seconds
            if schedule.finished(piece, answer.seconds).any():
                work.take(piece.first, piece.last, answer.result)
            return
        crashed = isinstance(error, _CRASHES)
        if not crashed and not isinstance(error, _LOSSES):
            raise _explained(error) from error
        before = schedule.retries
        schedule.lost(piece, crashed)
        self._since.retries += schedule.retries - before
        self._retries += schedule.retries - before
        if crashed:
            self._since.lost_workers += 1
            self._lost_workers += 1
            why = "out of memory" if isinstance(error, failures.OutOfMemoryError) else "it crashed, or was killed"
            self._watch.warning(f"a worker process died ({why}); its work is done again")

    def _meet(self, where: Where) -> None:
        """Say once if hosts have different types of processors and that can matter."""
        self._processors.setdefault(where.processor_type, set()).add(where.processor)
        if self._unlike_matter and len(self._processors) > 1 and not self._said_mixed:
            self._said_mixed = True
            types = "; ".join(f"{', '.join(sorted(names))} ({kind})" for kind, names in self._processors.items())
            self._watch.warning(
                f"hosts with different processors or C libraries: {types}. What a Gymnasium environment computes may "
                "differ in last bits between them, so this run may not be repeatable bit for bit"
            )

    def _show(self, schedule: Schedule) -> None:
        waiting = ""
        if not self.workers:
            waiting = "the cluster has no cores: waiting for a host to join"
        elif time.monotonic() - self._heard > _SECONDS_OF_SILENCE:
            waiting = f"no task came back for {time.monotonic() - self._heard:.0f} s"
        self._watch.cluster(self.status(schedule.in_flight, waiting))

    def status(self, in_flight: int = 0, waiting: str = "") -> ClusterStatus:
        """How the cluster is doing."""
        return ClusterStatus(
            len(self._hosts.workers),
            self.workers,
            in_flight,
            self._retries,
            self._lost_workers,
            self._hosts.lost,
            waiting,
        )


@dataclasses.dataclass
class _Tally:
    """Costs since the effort was last asked for."""

    processor_time: float
    hosts_lost_before: int = 0
    tasks: int = 0
    retries: int = 0
    copies: int = 0
    lost_workers: int = 0
    busy: float = 0.0  # seconds in lives and sums
    bytes: float = 0.0


def _those_back(back: queue.SimpleQueue[tuple[Piece, Any]]) -> Iterable[tuple[Piece, Any]]:
    """What has come back, after a short wait for the first."""
    try:
        yield back.get(timeout=_TICK)
        while True:
            yield back.get_nowait()
    except queue.Empty:
        return


def _explained(error: BaseException) -> Exception:
    """An error that no retry mends, for a person."""
    if isinstance(error, (failures.LocalRayletDiedError, ConnectionError)):
        return ClusterLost(f"Ray on this host, or the way to it, is gone. {GO_ON}")
    if isinstance(error, failures.RuntimeEnvSetupError):
        return ClusterError(f"workers cannot be given the code that they need: {error}")
    if isinstance(error, (failures.ObjectStoreFullError, failures.OutOfDiskError)):
        return ClusterError(
            "an object store of the cluster is full, and so is the disk that it spills to: start Ray with a larger "
            "--object-store-memory, or lower search.population"
        )
    cause = getattr(error, "cause", None)
    if isinstance(error, failures.RayTaskError) and isinstance(cause, WorldNotFound):
        return WorldNotFound(
            f"on a worker: {cause}\nInstall its package on every host, or name it in the file that --runtime-env takes"
        )
    if isinstance(cause, ModuleNotFoundError) or "ModuleNotFoundError" in str(error):
        return ClusterError(
            f"a worker lacks a module: {_last_line(error)}. Install evolearn, and what your world imports, for the "
            "Python that Ray runs with on every host, or name it in --runtime-env"
        )
    if isinstance(cause, UserError):
        return cause  # a life at fault in a block, say
    if isinstance(error, Exception):
        return error
    return RuntimeError(str(error))


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "ModuleNotFoundError" in line), lines[-1] if lines else "")
