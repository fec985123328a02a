"""Clusters that a run cannot be on: what a user reads, and that it ends by itself."""

import importlib.util
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.helpers.places import ROOT
from tests.hosts.clusters import Cluster
from tests.hosts.commands import Evolearn, config, rows, write_config

pytestmark = [pytest.mark.ray, pytest.mark.cluster]


@pytest.fixture
def refused(tmp_path):
    """What a run says that ends with the code of a user's error."""

    def read(cluster, *, content=None, address=None, through=(), **variables):
        file = write_config(tmp_path, content or config())
        command = Evolearn(
            *("run", file, "--out", tmp_path / "run", "--address", address or cluster.head.address),
            environment=cluster.head.environment(**variables),
            through=through,
        )
        try:
            text = command.ends(2)
        finally:
            command.kill()
        assert not rows(tmp_path / "run")
        assert "Traceback" not in text
        return text

    return read


@pytest.fixture
def hosts_with(lan):
    """A cluster of one host that does something in its shell before it joins."""
    made = []

    def start(first: str) -> Cluster:
        cluster = Cluster(lan)
        made.append(cluster)
        cluster.start(1, first=first).joined()
        return cluster

    yield start
    for cluster in made:
        cluster.close()


def test_a_host_with_another_evolearn(hosts_with, refused) -> None:
    folder = Path(tempfile.mkdtemp(prefix="evo-altered-", dir="/var/tmp"))  # hosts have a /tmp of their own
    try:
        shutil.copytree(ROOT / "evolearn", folder / "evolearn", ignore=shutil.ignore_patterns("__pycache__"))
        with (folder / "evolearn" / "rng.py").open("a") as source:
            source.write("# altered\n")
        text = refused(hosts_with(f"mount --bind {folder}/evolearn {ROOT}/evolearn"))
    finally:
        shutil.rmtree(folder)
    assert "Error: host host1 has other code than this process: evolearn 0.1.0 (" in text
    assert text.count("sources ") == 2
    assert "here" in text
    assert "there" in text
    assert "install the same on every host" in text


def test_a_host_without_a_module_that_the_world_imports(hosts_with, refused, tmp_path) -> None:
    folder = Path(importlib.util.find_spec("plotly").origin).parent
    empty = f"{tempfile.gettempdir()}/empty"
    cluster = hosts_with(f"mkdir {empty}; mount --bind {empty} {folder}")
    world = (ROOT / "worlds" / "cart_pole.py").read_text()
    (tmp_path / "cart.py").write_text(world.replace("import math\n", "import math\n\nimport plotly.colors\n"))
    text = refused(cluster, content={**config(), "world": {"name": f"{tmp_path}/cart.py:cart_pole"}})
    assert "ModuleNotFoundError: No module named 'plotly.colors'" in text
    assert "on every host" in text
    assert "--runtime-env" in text


@pytest.mark.parametrize("through", ["port", "client"])
@pytest.mark.parametrize(
    ("variables", "has"),
    [
        ({"RAY_AUTH_MODE": None, "RAY_AUTH_TOKEN": None}, "has no token"),
        ({"RAY_AUTH_TOKEN": "0" * 32}, "has another token"),
    ],
    ids=["none", "wrong"],
)
def test_a_cluster_that_asks_for_a_token(variables, has, through, cluster, refused, tmp_path) -> None:
    address = cluster.head.address if through == "port" else cluster.head.client_address
    text = refused(cluster, address=address, HOME=str(tmp_path), **variables)
    assert f"Error: --address {address}: the cluster asks for a token, and this process {has}" in text
    assert "RAY_AUTH_TOKEN" in text


def test_a_machine_that_is_not_part_of_the_cluster(lan, cluster, refused) -> None:
    text = refused(cluster, through=lan.outside(cluster.head))
    assert f"Error: --address {cluster.head.address}: this machine is not part of the cluster" in text
    assert "ray://" in text


def test_an_address_that_nobody_answers_at(lan, cluster, refused) -> None:
    address = f"{lan.address_of_nobody()}:6379"
    assert f"Error: --address {address}: " in (text := refused(cluster, address=address))
    assert "no answer within" in text or "No route to host" in text
