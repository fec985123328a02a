import pytest

from tests.hosts.clusters import Cluster
from tests.hosts.commands import config, in_process
from tests.hosts.lan import Lan, what_is_missing


@pytest.fixture(scope="session")
def lan():
    """A network of hosts on this machine."""
    missing = what_is_missing()
    if missing:
        pytest.skip(missing)
    made = Lan()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Directory of the undisturbed run in one process that all others must equal."""
    return in_process(tmp_path_factory.mktemp("whole"), config())


@pytest.fixture(scope="session")
def shared_cluster(lan):
    return Cluster(lan)


@pytest.fixture
def cluster(shared_cluster):
    """A cluster of three hosts, whatever the test before did to it."""
    shared_cluster.repair(3)
    return shared_cluster


@pytest.fixture
def small_cluster(lan):
    """A cluster of one host, of this test alone."""
    made = Cluster(lan)
    made.repair(1)
    try:
        yield made
    finally:
        made.close()
