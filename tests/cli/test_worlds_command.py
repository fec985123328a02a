"""`evolearn worlds new` and `check` as a user meets them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from evolearn.plugins import NewFileError
from evolearn.world import new_world
from tests.helpers.command import evolearn


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mine")
    done = evolearn("worlds", "new", "forager", folder=folder)
    assert done.returncode == 0, done.stderr
    for line in (
        "Wrote forager.py: the world; as it stands, a small complete one",
        "Wrote test_forager.py: its test",
        "Wrote forager.yaml: a run in it",
        "  evolearn worlds check forager.py:forager --config forager.yaml --quick",
        "  pytest test_forager.py  # after pip install pytest",
        "  evolearn run forager.yaml",
    ):
        assert line in done.stdout.splitlines()
    return folder


def test_a_new_world_is_three_documented_files_without_a_trace_of_the_template(made: Path) -> None:
    files = {path.name: path.read_text() for path in made.iterdir()}
    assert set(files) == {"forager.py", "test_forager.py", "forager.yaml"}
    assert all("NAME" not in text for text in files.values())
    assert len(files["forager.py"].splitlines()) <= 80
    for word in ("Fixed", "Redrawn at birth", "Fitness", "Source"):
        assert word in files["forager.py"]
    assert yaml.safe_load(files["forager.yaml"])["world"]["name"] == "forager.py:forager"


def test_unedited_it_passes_its_check_and_is_read(made: Path, shared_probes) -> None:
    done = evolearn("worlds", "check", "forager.py:forager", "--config", "forager.yaml", "--quick", folder=made)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILS" not in done.stdout
    for word in ("ok    as in plain Python", "blank slate", "evolved, no learning", "oracle", "At a rough look, "):
        assert word in done.stdout
    assert "/forager.py:forager, settings from forager.yaml\n" in done.stdout
    assert "--quick cut search and lives short" in " ".join(done.stdout.split())
    assert set(path.suffix for path in made.iterdir() if path.is_file()) == {".py", ".yaml"}


@pytest.mark.whole
def test_unedited_its_own_test_passes(made: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_forager.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=made, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


@pytest.mark.whole
def test_unedited_it_evolves_and_what_evolved_beats_a_blank_slate(made: Path) -> None:
    from evolearn.run import open_run

    done = evolearn("run", "forager.yaml", "--out", "run", folder=made)
    assert done.returncode == 0, done.stderr
    arms = {
        row["arm"]: row for row in yaml.safe_load((open_run(made / "run").path / "result.json").read_text())["arms"]
    }
    assert arms["evolved"]["by_lifetime"][-1] > 5.0 * arms["blank"]["by_lifetime"][-1]
    assert arms["evolved"]["quarters"][-1] > 0.5 * arms["oracle"]["quarters"][-1]


def test_nothing_is_overwritten(made: Path) -> None:
    before = (made / "forager.py").read_text()
    done = evolearn("worlds", "new", "forager", folder=made)
    assert done.returncode == 2
    assert "forager.yaml: exists already, and nothing is overwritten; choose another NAME or --folder" in done.stderr
    assert (made / "forager.py").read_text() == before


def test_a_folder_is_made_and_entered(tmp_path: Path) -> None:
    done = evolearn("worlds", "new", "forager", "--folder", "some/where", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "  cd some/where" in done.stdout
    assert (tmp_path / "some/where/forager.py").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("my-world", r"NAME=my-world: must be a Python name: .*; for example my_world"),
        ("2d", "for example my_2d"),
        ("Savannah", "for example savannah"),
        ("class", "for example my_class"),
        ("", "for example my"),
        ("../up", "for example up"),
        ("step", "NAME=step: is used in the world's own code already; for example my_step"),
        ("uniform", "is used in the world's own code already"),
        ("min", "is used in the world's own code already"),
        ("random", "NAME=random: is a module already .*, which its test would import; for example my_random"),
        ("evolearn", "is a module already"),
    ],
)
def test_bad_names_are_refused_with_a_better_one(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(NewFileError, match=text):
        new_world(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NewFileError, match=r"cannot be written: .*; choose another NAME or --folder"):
        new_world("forager", tmp_path / "file" / "below")
    with pytest.raises(NewFileError, match=r"cannot be written: .*; choose another NAME or --folder"):
        new_world("x" * 300, tmp_path)


BROKEN = """
    if animal.place > 0.5:
        raise ValueError("the end of the line")
"""


def test_a_broken_world_ends_with_code_2_and_says_where(tmp_path: Path, shared_probes) -> None:
    new_world("forager", tmp_path)
    path = tmp_path / "forager.py"
    text = path.read_text()
    path.write_text(text.replace("    senses[0] = 10.0", BROKEN + "    senses[0] = 10.0"))
    done = evolearn("worlds", "check", "forager.py:forager", "--config", "forager.yaml", "--quick", folder=tmp_path)
    assert done.returncode == 2
    assert "FAILS runs: no function raises" in done.stdout
    assert "ValueError: the end of the line (life" in done.stdout
    assert re.search(r'forager.py, line \d+, in step: raise ValueError\("the end of the line"\)', done.stdout)
    assert "blank slate" not in done.stdout, "a broken world is not calibrated"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["check", "savana"], "did you mean savannah?"),
        (["check", "nowhere.py:world"], "there is no file nowhere.py"),
        (["check", "cart-pole", "--config", "nowhere.yaml"], "nowhere.yaml: is missing"),
        (["check", "cart-pole", "--config", "other.yaml"], "is for the world savannah, not for cart-pole"),
        (["check", "cart-pole", "world.parameters.predictability=2"], "must be 0 to 1"),
        (["check", "cart-pole", "nonsense"], "overrides have the form key=value"),
        (["new", "my-world"], "for example my_world"),
    ],
)
def test_mistakes_end_with_code_2_and_one_error(arguments: list[str], text: str, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("world: {name: savannah}\n")
    done = evolearn("worlds", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
