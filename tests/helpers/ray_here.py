"""One Ray on this machine for all tests of a process: to start one takes seconds."""

from collections.abc import Iterator

import pytest

from evolearn.life import ClusterStatus
from tests.helpers.places import ROOT
from tests.helpers.runs import Watcher

CORES = 4


class ClusterWatcher(Watcher):
    """Watches a run and its cluster."""

    def notice(self, text: str) -> None:
        """Hear what is worth knowing."""

    def cluster(self, status: ClusterStatus) -> None:
        """Hear how the cluster is doing."""


def local_ray() -> Iterator[str]:
    """Start Ray as `--address local` does, let its address be used, and end it."""
    import ray

    from evolearn.cluster._connecting import connect
    from evolearn.cluster._drivers import _runtime_env
    from evolearn.cluster._shipping import Parcel

    # Its tasks find the worlds of tests where they are; nothing is shipped.
    connect("local", CORES, _runtime_env(Parcel(None, {}, ()), {"env_vars": {"PYTHONPATH": str(ROOT)}}))
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


def stay_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever starts Ray here have the one that is there, and whoever ends it leave it."""
    import ray

    monkeypatch.setattr("evolearn.cluster._drivers.connect", lambda address, cores, runtime_env: None)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    # Every module that the tests of this process have loaded, otherwise.
    monkeypatch.setattr("evolearn.cluster._shipping._modules_of_users", lambda: iter(()))
