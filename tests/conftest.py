import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from evolearn.cluster import prepare
from evolearn.life._fused import FusedDriver
from tests.helpers.probe_worlds import conditions_for

# Before anything imports Ray, which then lets nobody in without the token of this process.
prepare("local")

settings.register_profile(
    "evolearn",
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# For longer than the suite has time, and other examples each time.
settings.register_profile(
    "long",
    settings.get_profile("evolearn"),
    max_examples=int(os.environ.get("EVOLEARN_EXAMPLES", "20")),
    derandomize=False,
)
settings.load_profile("long" if "EVOLEARN_EXAMPLES" in os.environ else "evolearn")


# Files that take longest, from the longest on: whichever worker is left with one at the end, all others wait for it.
# The second is the longest that compiles nothing: two workers that begin at once would both compile the kernel.
LONGEST = (
    "test_on_ray.py",
    "test_verdict.py",
    "test_check.py",
    "test_stepwise.py",
    "test_shipped_studies.py",
    "test_world_environments.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Thousands of tests are made and kept: looking for garbage meanwhile takes a quarter of the time of it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items):
    """Begin with the longest files; the others in the order of their names."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session", autouse=True)
def _own_trust(tmp_path_factory):
    """What tests import is remembered as trusted for them alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def driver_for():
    """One driver per world and way of living in it, shared by all tests: a world compiles for seconds."""
    drivers = {}

    def make(world, workers=1, **how):
        asked = (world.name, workers, repr(sorted(how.items())))
        if asked not in drivers:
            drivers[asked] = FusedDriver(conditions_for(world, **how), workers)
        return drivers[asked]

    return make


@pytest.fixture(scope="session")
def probes():
    """Processes that look at many worlds; see `probes.Probes`."""
    from tests.helpers.probes import Probes

    made = Probes()
    yield made
    made.close()


@pytest.fixture
def shared_probes(probes, monkeypatch):
    """Checks of worlds ask `probes`, instead of processes of their own."""
    monkeypatch.setattr("evolearn.testing.check._probe", probes.probe)


@pytest.fixture
def quick_report(monkeypatch):
    """Studies write an empty page: what is in it has tests of its own."""
    from tests.helpers.study_watch import page_only

    monkeypatch.setattr("evolearn.study.study.write_report", page_only)


@pytest.fixture
def spy(monkeypatch):
    """Sees every life that a study lives; see `study_watch.Spy`."""
    from tests.helpers.study_watch import Spy

    return Spy(monkeypatch)


@pytest.fixture(scope="session")
def whole_study(tmp_path_factory):
    """An undisturbed study of every kind of arm, and everything that was seen of it; see `study_watch.Whole`."""
    from tests.helpers.study_watch import whole_study

    return whole_study(tmp_path_factory.mktemp("whole") / "study")


@pytest.fixture(scope="session")
def study_of_few(tmp_path_factory):
    """Directory of a finished study of few arms; not to be changed."""
    from tests.helpers.study_watch import study_of_few

    return study_of_few(tmp_path_factory.mktemp("few") / "study")


@pytest.fixture(scope="session")
def local_ray():
    """Address of a Ray with four cores on this machine, for all tests of this process."""
    from tests.helpers.ray_here import local_ray

    yield from local_ray()


@pytest.fixture
def on_ray(local_ray, monkeypatch):
    """Makes drivers for some worlds on some cores of `local_ray`; so does the command with ``--address local``."""
    from tests.helpers.ray_here import ClusterWatcher, stay_connected

    stay_connected(monkeypatch)

    def drivers(worlds, workers, watch=None):
        from evolearn.cluster import open_cluster

        return open_cluster("local", workers, worlds, watch or ClusterWatcher())

    return drivers
