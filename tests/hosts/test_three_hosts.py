"""The same numbers on three hosts, and users' worlds on hosts that cannot see the files of the driver."""

import textwrap

import pytest
import yaml

from tests.helpers.places import ROOT
from tests.helpers.studies import TOY
from tests.helpers.world_files import WORLD_FILE
from tests.hosts.commands import Evolearn, config, digests, write_config

pytestmark = [pytest.mark.ray, pytest.mark.cluster]


@pytest.fixture
def evolearn(cluster, tmp_path):
    """Starts a command with the cluster's token, in the test's folder; ended at the latest with the test."""
    commands = []

    def start(*arguments, through=(), **variables):
        environment = cluster.head.environment(**variables)
        commands.append(Evolearn(*arguments, environment=environment, folder=tmp_path, through=through))
        return commands[-1]

    yield start
    for command in commands:
        command.kill()


def test_a_run(cluster, evolearn, whole, tmp_path) -> None:
    file = write_config(tmp_path, config())
    text = evolearn("run", file, "--out", "run", "--address", cluster.head.address).ends(0)
    assert digests(tmp_path / "run") == digests(whole)
    assert (tmp_path / "run" / "result.json").read_bytes() == (whole / "result.json").read_bytes()
    assert "useful" in text
    for noise in ("(raylet)", "rpc_client", "WARNING", "INFO", "Metrics agent"):
        assert noise not in text


def test_a_study(cluster, evolearn, tmp_path) -> None:
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(TOY | {"title": "A toy", "runs": 1, "resamples": 100}))
    evolearn("study", "toy.yaml", "--out", "here", "--workers", "2").ends(0, seconds=240)
    evolearn("study", "toy.yaml", "--out", "there", "--address", cluster.head.address).ends(0, seconds=240)
    here, there = tmp_path / "here", tmp_path / "there"
    assert (there / "verdict.json").read_bytes() == (here / "verdict.json").read_bytes()
    rows = sorted(file.relative_to(here) for file in here.rglob("generations.jsonl"))
    assert rows
    for file in rows:
        assert digests((there / file).parent) == digests((here / file).parent)


def test_from_outside_through_ray_client(lan, cluster, evolearn, whole, tmp_path) -> None:
    file = write_config(tmp_path, config())
    address = ("--address", cluster.head.client_address)
    evolearn("run", file, "--out", "run", *address, through=lan.outside(cluster.head)).ends(0)
    assert digests(tmp_path / "run") == digests(whole)


def small(world: str) -> dict:
    content = config(population=8, lives=2, selection_lifetime=300, generations=2)
    return {**content, "world": {"name": world}}


def write_package(folder, top: str) -> None:
    """A world in a package that imports from a sibling file, and is told of by a file beside it."""
    package = folder / top / "worlds"
    package.mkdir(parents=True)
    (folder / top / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "sides.py").write_text("HEADS = 1.0\n")
    coin = textwrap.dedent(WORLD_FILE).replace("HEADS = 1.0\n", f"from {top}.worlds.sides import HEADS\n")
    (package / "coins.py").write_text(coin)


@pytest.mark.parametrize("form", ["file", "package", "registered"])
def test_a_world_that_only_the_driver_has(form: str, cluster, evolearn, tmp_path) -> None:
    variables = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    if form == "file":
        (tmp_path / "coins.py").write_text(textwrap.dedent(WORLD_FILE))
        name = "coins.py:coin"
    else:
        write_package(tmp_path, f"mint_{form}")
        name = f"mint_{form}.worlds.coins:coin"
    if form == "registered":
        about = tmp_path / "mint-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mint\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[evolearn.worlds]\nsome-coin = {name}\n")
        name = "some-coin"
    file = write_config(tmp_path, small(name))
    evolearn("run", file, "--out", "here", "--workers", "1", **variables).ends(0)
    evolearn("run", file, "--out", "there", "--address", cluster.head.address, **variables).ends(0)
    assert digests(tmp_path / "there") == digests(tmp_path / "here")
