"""Lives on a Ray cluster: the only importer of ray.

A job is cut into pieces, ranges of lives, and every piece is a stateless task: any worker can do it, and do it again.
A life depends on its newborn and its key alone, so results are those of one process, bit for bit, whatever the pieces,
the workers and the accidents.
"""

from __future__ import annotations

import os
import secrets
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolearn.drivers import Drivers

LOCAL = "local"


def prepare(address: str) -> None:
    """Settle what Ray reads when it is imported, by EvoTorch too: call this before, or set such variables yourself.

    Ray that is started here lets nobody in but this process: other users of the machine reach its ports.
    """
    if address == LOCAL and "ray" not in sys.modules and "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    # Ray prints what its hosts say of dead workers and hosts on the driver's terminal; the display says it better.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    # Requests for a worker that a silent host never answers count against this limit, 10 if not set: after a few of
    # them no task would begin anywhere, not even when the host is known to be gone.
    os.environ.setdefault("RAY_max_pending_lease_requests_per_scheduling_category", "1000")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # Ray's own advice against its warning


def open_cluster(address: str, *arguments: Any, **more: Any) -> Drivers:
    """Start Ray here, or join a cluster; see `evolearn.pool.cluster.ClusterDrivers` for the arguments."""
    prepare(address)
    from evolearn.pool.cluster import ClusterDrivers

    return ClusterDrivers(address, *arguments, **more)
