"""`evolearn new`: what it writes passes its own test and runs, unedited."""

import subprocess
import sys
from pathlib import Path

import pytest

from evolearn.agent import KINDS, new_part
from evolearn.config import read_config
from evolearn.life import OwnDrivers
from evolearn.plugins import NewFileError
from evolearn.run import open_run, start_run
from tests.helpers.command import evolearn
from tests.helpers.runs import Watcher

SHORT = (
    "search.population=4",
    "search.generations=2",
    "search.selection_lifetime=100",
    "evaluation.lives=2",
    "evaluation.lifetimes=[600]",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mine")
    for kind in KINDS:
        new_part(kind, f"my_{kind}", folder)
    return folder


def test_the_command_says_what_it_wrote_and_what_to_type(tmp_path: Path) -> None:
    done = evolearn("new", "drive", "wonder", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    for line in (
        "Wrote wonder.py: the drive; as it stands, a small complete one",
        "Wrote test_wonder.py: its test",
        "Wrote wonder.yaml: a run that uses it",
        "  pytest test_wonder.py  # after pip install pytest",
        "  evolearn run wonder.yaml",
    ):
        assert line in done.stdout.splitlines()
    assert all("NAME" not in path.read_text() for path in tmp_path.iterdir())
    again = evolearn("new", "drive", "wonder", folder=tmp_path)
    assert again.returncode == 2
    assert "exists already, and nothing is overwritten" in again.stderr


def test_a_world_is_written_as_by_worlds_new(tmp_path: Path) -> None:
    for command, folder in ((("new", "world"), "one"), (("worlds", "new"), "two")):
        done = evolearn(*command, "forager", "--folder", folder, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    texts = [{path.name: path.read_text() for path in (tmp_path / folder).iterdir()} for folder in ("one", "two")]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("kind", KINDS)
def test_unedited_it_runs(kind: str, made: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(made)
    config = read_config(Path(f"my_{kind}.yaml"), SHORT)
    start_run(config, kind, tmp_path / "run", OwnDrivers(1), Watcher())
    assert open_run(tmp_path / "run").is_finished


@pytest.mark.whole
def test_unedited_their_own_tests_pass(made: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    assert "34 passed" in done.stdout


@pytest.mark.parametrize(
    ("kind", "name", "others"),
    [
        ("drive", "fitness", "effort, constant, change, linear_surprise, novelty"),
        ("drive", "novelty", "fitness, effort, constant, change, linear_surprise"),
        ("learner", "q_learning", "actor_critic, tabular_actor_critic, regression"),
        ("trunk", "relu", "mlp, linear"),
    ],
)
def test_a_name_that_is_taken_is_refused(kind: str, name: str, others: str, tmp_path: Path) -> None:
    with pytest.raises(NewFileError) as caught:
        new_part(kind, name, tmp_path)
    assert str(caught.value).startswith(f"NAME={name}: is the name of a {kind} already, as are {others}")
    assert str(caught.value).endswith(f"; for example my_{name}")
    assert not list(tmp_path.iterdir())


def test_a_name_that_its_code_uses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NewFileError, match="NAME=feel: is used in the drive's own code already; for example my_feel"):
        new_part("drive", "feel", tmp_path)
