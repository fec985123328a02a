"""The hosts of a cluster as the driver sees them: who joined, who is gone, how many cores there are."""

from __future__ import annotations

import dataclasses
import time

import ray

from evolearn.cluster._connecting import is_reachable
from evolearn.cluster.addresses import ClusterError
from evolearn.life import ClusterWatch

LOOK_EVERY = 1.0  # seconds
HEAD_SILENT = 10.0  # seconds without an answer of the head, after which the cluster counts as lost

GO_ON = (
    "Every finished generation is on disk: start a cluster again, and continue with evolearn resume DIRECTORY "
    "--address ADDRESS, or without --address on this machine"
)


class ClusterLost(ClusterError):
    """The head of the cluster is gone, and with it the cluster."""


@dataclasses.dataclass(frozen=True)
class Host:
    """A host that is alive."""

    address: str
    name: str
    cores: float
    store: float  # bytes of its object store


class Hosts:
    """Looks at the cluster now and then, and says what changed."""

    def __init__(self, address: str, watch: ClusterWatch) -> None:
        """Look at the cluster that Ray is connected to.

        Args:
            address: as given by the user, for texts.
            watch: told who joins and who leaves.
        """
        self._watch = watch
        self._knock_at = address if address.startswith("ray://") else ray.get_runtime_context().gcs_address
        self._known: dict[str, Host] = {}
        self._looked = 0.0
        self._silent_since: float | None = None  # the head
        self.lost = 0  # hosts
        self.look(force=True)

    @property
    def workers(self) -> tuple[Host, ...]:
        """Hosts with cores for tasks."""
        return tuple(host for host in self._known.values() if host.cores >= 1)

    @property
    def cores(self) -> int:
        """Cores for tasks."""
        return sum(int(host.cores) for host in self._known.values())

    @property
    def smallest_store(self) -> float:
        """Bytes of the smallest object store."""
        return min((host.store for host in self._known.values()), default=0.0)

    def look(self, force: bool = False) -> None:
        """Bring the picture up to date, at most once in LOOK_EVERY seconds.

        Raises:
            ClusterLost: the head has not answered for HEAD_SILENT seconds.
        """
        now = time.monotonic()
        if not force and now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        # Ray's own calls wait for minutes if the head is gone, and then end this process.
        if not is_reachable(self._knock_at):
            self._silent_since = self._silent_since or now
            if time.monotonic() - self._silent_since > HEAD_SILENT:
                raise ClusterLost(
                    f"the head of the cluster ({self._knock_at}) has not answered for {HEAD_SILENT:g} s: it is "
                    f"down, or cannot be reached. {GO_ON}"
                )
            return
        self._silent_since = None
        found = {
            node["NodeID"]: Host(
                node["NodeManagerAddress"],
                node["NodeManagerHostname"],
                node["Resources"].get("CPU", 0.0),
                node["Resources"].get("object_store_memory", 0.0),
            )
            for node in ray.nodes()  # type: ignore[no-untyped-call]
            if node["Alive"]
        }
        first = not self._known
        for node in found.keys() - self._known.keys():
            if not first and found[node].cores >= 1:
                self._watch.notice(f"{_named(found[node])} joined with {counted(found[node].cores, 'core')}")
        for node in self._known.keys() - found.keys():
            self.lost += 1
            self._watch.warning(f"{_named(self._known[node])} is gone; its work goes to others")
        self._known = found


def counted(number: float, name: str) -> str:
    """A number with its noun: 1 core, 2 cores."""
    return f"{number:g} {name}{'' if number == 1 else 's'}"


def _named(host: Host) -> str:
    return f"host {host.name} ({host.address})" if host.name != host.address else f"host {host.address}"
