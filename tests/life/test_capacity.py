"""No more threads and processes than are of any use, whatever is asked for."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from evolearn.cli.terminal import worker_count
from evolearn.config import check_config
from evolearn.life import available_memory, capacity, most_workers, new_driver
from evolearn.run import assemble
from tests.helpers.runs import toy

GIB = 1 << 30


@pytest.fixture
def two_cores(monkeypatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)


@pytest.mark.parametrize(
    ("processes", "memory", "most"),
    [(False, 0, 8), (True, None, 16), (True, 100 * GIB, 16), (True, GIB, 3), (True, 0, 1)],
)
@pytest.mark.usefixtures("two_cores")
def test_workers_are_bounded_by_cores_and_memory(processes: bool, memory: int | None, most: int, monkeypatch) -> None:
    monkeypatch.setattr(capacity, "available_memory", lambda: memory)
    assert most_workers(processes) == most


@pytest.mark.parametrize(
    ("asked", "used", "said"), [(None, 1, "1 of 2 cores are used: memory is free for 1 process"), (1, 1, "")]
)
@pytest.mark.usefixtures("two_cores")
def test_fewer_workers_than_cores_that_nobody_asked_for_are_said(asked, used: int, said: str, monkeypatch) -> None:
    monkeypatch.setattr(capacity, "available_memory", lambda: 0)
    console = Console(file=io.StringIO(), width=200)
    assert worker_count(console, asked, processes=True) == used
    assert console.file.getvalue().startswith(said)
    assert bool(console.file.getvalue()) == bool(said)


@pytest.mark.parametrize(("world", "most"), [("cart-pole", 8), ("gymnasium:CartPole-v1", 3)])
@pytest.mark.usefixtures("two_cores")
def test_a_driver_starts_no_more_than_that(world: str, most: int, monkeypatch) -> None:
    monkeypatch.setattr(capacity, "available_memory", lambda: GIB)
    conditions = assemble(check_config(toy(world={"name": world}), "toy")).conditions
    driver = new_driver(conditions, 5000)
    assert driver.workers == most
    driver.close()


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ({"/proc/meminfo": "MemTotal: 9 kB\nMemAvailable:    2048 kB\n"}, 2 << 20),
        ({"/sys/fs/cgroup/memory.max": "max\n", "/sys/fs/cgroup/memory.current": "5\n"}, None),
        ({"/sys/fs/cgroup/memory.max": "100\n", "/sys/fs/cgroup/memory.current": "30\n"}, 70),
        (
            {
                "/sys/fs/cgroup/memory.max": "100\n",
                "/sys/fs/cgroup/memory.current": "95\n",
                "/sys/fs/cgroup/memory.stat": "anon 30\ninactive_file 60\n",
            },
            65,
        ),
        (
            {
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "100\n",
                "/sys/fs/cgroup/memory/memory.usage_in_bytes": "95\n",
                "/sys/fs/cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 60\n",
            },
            65,
        ),
        ({}, None),
    ],
)
def test_memory_is_that_of_the_machine_or_of_the_container(
    said: dict[str, str], known: int | None, monkeypatch
) -> None:
    monkeypatch.setattr(capacity, "_said", lambda file: said.get(file, ""))
    assert available_memory() == known


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert capacity._said(str(tmp_path / "none")) == ""
