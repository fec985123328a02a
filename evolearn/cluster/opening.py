"""Opening a cluster without importing Ray before it is told what it reads when it is imported."""

from __future__ import annotations

import os
import secrets
import sys
from typing import TYPE_CHECKING, Any

from evolearn.cluster.addresses import LOCAL

if TYPE_CHECKING:
    from evolearn.life import Drivers


def prepare(address: str) -> None:
    """Settle what Ray reads when it is imported, by EvoTorch too: call this before, or set such variables yourself.

    Ray that is started here lets nobody in but this process, and listens to this machine alone: its other users reach
    its ports.
    """
    if address == LOCAL and "ray" not in sys.modules:
        # Read on every system: without clusters Ray listens on the loopback interface alone.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        if "RAY_AUTH_MODE" not in os.environ:
            os.environ["RAY_AUTH_MODE"] = "token"
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    # Ray prints what its hosts say of dead workers and hosts on the driver's terminal; the display says it better.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    # Requests for a worker that a silent host never answers count against this limit, 10 if not set: after a few of
    # them no task would begin anywhere, not even when the host is known to be gone.
    os.environ.setdefault("RAY_max_pending_lease_requests_per_scheduling_category", "1000")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # Ray's own advice against its warning


def open_cluster(address: str, *arguments: Any, **more: Any) -> Drivers:
    """Start Ray here, or join a cluster; see `evolearn.cluster._drivers.ClusterDrivers` for the arguments."""
    prepare(address)
    from evolearn.cluster._drivers import ClusterDrivers

    return ClusterDrivers(address, *arguments, **more)
