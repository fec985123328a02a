"""What may happen to a cluster while a run is under way: nothing is lost, nothing counts twice, and it is said."""

import os
import signal
import subprocess

import pytest

from tests.hosts.commands import (
    GENERATIONS,
    Evolearn,
    config,
    digests,
    in_process,
    rows,
    until_generation,
    write_config,
)
from tests.hosts.lan import SMALLEST_STORE, until

pytestmark = [pytest.mark.ray, pytest.mark.cluster]

ENDLESS = 1000  # generations: however fast the machine, the run outlasts Ray's finding out who died or came


@pytest.fixture
def begin(tmp_path):
    """Starts the run that `whole` is, on a cluster; ended at the latest with the test."""
    commands = []

    def start(cluster, *more, content=None, **how):
        file = write_config(tmp_path, content or config())
        address = ("--address", cluster.head.address)
        how = {"environment": cluster.head.environment(), **how}
        commands.append(Evolearn("run", file, "--out", tmp_path / "run", *address, *more, **how))
        return tmp_path / "run", commands[-1]

    yield start
    for command in commands:
        command.kill()


@pytest.fixture
def resume():
    """Continues a run; ended at the latest with the test."""
    commands = []

    def start(run, *more, environment):
        commands.append(Evolearn("resume", run, *more, environment=environment))
        return commands[-1]

    yield start
    for command in commands:
        command.kill()


def test_a_killed_worker_process_costs_its_piece_alone(cluster, begin, whole) -> None:
    run, command = begin(cluster, content=config(generations=ENDLESS))
    until_generation(run, 2, command)
    os.kill(cluster.hosts[2].worker(), signal.SIGKILL)
    command.says("Warning: a worker process died (it crashed, or was killed); its work is done again")
    # Ray may find out when all generations with a known answer are over: then its own must come to its end, too.
    until(lambda: any(row["cluster"]["lost_workers"] for row in rows(run)), lambda: f"a row of it: {command.text}")
    text = ends_with(run, command)
    assert digests(run)[:GENERATIONS] == digests(whole)
    assert "(raylet)" not in text
    lost = [(row["cluster"]["lost_workers"], row["cluster"]["retries"]) for row in rows(run)]
    assert sum(workers for workers, _ in lost) == 1
    assert sum(retries for _, retries in lost) <= 1, "none, where somebody else did that piece already, as a copy"


def test_a_host_that_dies_in_mid_generation(cluster, begin, whole) -> None:
    run, command = begin(cluster, content=config(generations=ENDLESS))
    until_generation(run, 2, command)
    cluster.hosts[3].worker()
    cluster.hosts[3].kill()
    command.says(f"Warning: host host3 ({cluster.hosts[3].address}) is gone; its work goes to others")
    text = ends_with(run, command, hosts=2)
    assert digests(run)[:GENERATIONS] == digests(whole)
    assert "(raylet)" not in text


def test_a_host_that_joins_in_mid_run_is_used(small_cluster, begin, whole) -> None:
    run, command = begin(small_cluster, content=config(generations=ENDLESS))
    until_generation(run, 1, command)
    joining = small_cluster.start(2)
    joining.worker()
    command.says(f"host host2 ({joining.address}) joined with 1 core")
    ends_with(run, command, cores=2)
    assert rows(run)[0]["cluster"]["cores"] == 1
    assert digests(run)[:GENERATIONS] == digests(whole)


def ends_with(run, command, **cluster):
    """Wait until a generation was lived by such a cluster, and all that have a known answer; then stop the run."""

    def is_there():
        known = rows(run)
        return len(known) >= GENERATIONS and cluster.items() <= known[-1]["cluster"].items()

    until(is_there, lambda: f"a generation with {cluster}: {command.text}")
    os.kill(command.pid, signal.SIGINT)
    return command.ends(130)


def test_a_worker_that_stands_still_is_not_waited_for(cluster, begin, whole) -> None:
    run, command = begin(cluster)
    until_generation(run, 1, command)
    stopped = cluster.worker()  # of whatever host has one that far
    os.kill(stopped, signal.SIGSTOP)
    try:
        text = command.ends(0)
    finally:
        os.kill(stopped, signal.SIGKILL)
    assert digests(run) == digests(whole)
    assert sum(row["cluster"]["copies"] for row in rows(run)) >= 1, text
    assert "a task is long overdue, its worker slow or silent: others do its work too" in text


@pytest.mark.parametrize(
    ("generations", "where"), [(0, "here"), (1, "same"), (3, "other"), (5, "here")], ids=lambda value: str(value)
)
def test_a_killed_driver_leaves_a_run_to_be_resumed(generations, where, cluster, begin, resume, whole, request) -> None:
    run, command = begin(cluster)
    if generations == 5:
        command.says("validation lives 2/5")
    elif generations == 0:
        command.says("5 generations")
        until(lambda: any(host.processes("ray::live_piece") for host in cluster.hosts.values()), "the first lives")
    else:
        until_generation(run, generations, command)
    os.kill(command.pid, signal.SIGKILL)
    until(lambda: command.code is not None, "the end of the driver")
    made = len(rows(run))
    assert made >= generations
    if where == "here":
        address, environment = (), cluster.head.environment(RAY_AUTH_MODE=None, RAY_AUTH_TOKEN=None)
    else:
        there = cluster if where == "same" else request.getfixturevalue("small_cluster")
        address, environment = ("--address", there.head.address), there.head.environment()
    text = resume(run, *address, environment=environment).ends(0)
    assert digests(run) == digests(whole)
    assert (run / "result.json").read_bytes() == (whole / "result.json").read_bytes()
    assert made == 0 or f"from generation {made + 1}" in text


def test_the_driver_ends_by_itself_when_the_head_dies(lan, small_cluster, cluster, begin, resume, whole) -> None:
    run, command = begin(small_cluster)
    until_generation(run, 2, command)
    small_cluster.head.kill()
    text = command.ends(2, seconds=60.0)
    made = len(rows(run))
    assert f"Error: the head of the cluster ({small_cluster.head.address}) has not answered for" in text
    assert "evolearn resume" in text
    for noise in ("(raylet)", "rpc_client.h", "*** SIG", "Traceback", "StackTrace", "gcs_client"):
        assert noise not in text
    small_cluster.hosts[1].kill()
    text = resume(run, "--address", cluster.head.address, environment=cluster.head.environment()).ends(0)
    assert f"from generation {made + 1}" in text
    assert digests(run) == digests(whole)


def test_a_full_disk_ends_the_run_and_freeing_it_goes_on(cluster, resume, whole, tmp_path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], check=True)
    try:
        environment = cluster.head.environment()
        file = write_config(tmp_path, config())
        address = ("--address", cluster.head.address)
        run = disk / "run"
        command = Evolearn("run", file, "--out", run, *address, environment=environment)
        try:
            until_generation(run, 1, command)
            fill(disk / "ballast")
            text = command.ends(2)
        finally:
            command.kill()
        made = len(rows(run))
        assert made < len(rows(whole))
        assert "No space left on device" in text
        assert "what was written before is whole: free space" in text
        assert "evolearn resume" in text
        (disk / "ballast").unlink()
        resume(run, *address, environment=environment).ends(0)
        assert digests(run) == digests(whole)
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(file) -> None:
    with file.open("wb", buffering=0) as ballast:
        for size in (4096, 1):
            try:
                while True:
                    ballast.write(bytes(size))
            except OSError:
                pass


def test_a_population_larger_than_the_object_stores(lan, begin, tmp_path) -> None:
    from tests.hosts.clusters import Cluster

    large = config(population=100, lives=1, selection_lifetime=100, generations=2)
    large["brain"] = {"hidden": [512, 512]}
    genes = 270_000
    assert 100 * genes * 4 > SMALLEST_STORE
    reference = in_process(tmp_path / "reference", large)
    cluster = Cluster(lan, store=SMALLEST_STORE)
    try:
        for number in (1, 2):
            cluster.start(number, store=SMALLEST_STORE)
        cluster.repair(2)
        run, command = begin(cluster, content=large)
        command.ends(0, seconds=240)
        assert digests(run) == digests(reference)
    finally:
        cluster.close()


def test_a_cluster_that_shrinks_to_nothing_is_waited_for(small_cluster, begin, whole) -> None:
    run, command = begin(small_cluster)
    until_generation(run, 2, command)
    small_cluster.hosts[1].kill()
    command.says("Waiting: the cluster has no cores: waiting for a host to join")
    made = len(rows(run))
    assert list((run / "checkpoints").glob("*.safetensors"))
    small_cluster.start(2)
    command.ends(0)
    assert made < len(rows(run))
    assert digests(run) == digests(whole)


def test_more_workers_than_there_are_cores_are_waited_for(small_cluster, begin, whole) -> None:
    run, command = begin(small_cluster, "--workers", 2)
    command.says("waiting for 2 cores, as --workers 2 asks: the cluster has 1 core on 1 host")
    assert not rows(run)
    small_cluster.start(2)
    text = command.ends(0)
    assert "host host2" in text
    assert digests(run) == digests(whole)
