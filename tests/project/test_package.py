"""The package as it is shipped: a wheel that runs in an empty folder, without the repository."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.helpers.places import ROOT


@pytest.mark.whole
def test_a_wheel_runs_a_shipped_config_in_an_empty_folder(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    # The dependencies are those of this environment; evolearn itself comes from the wheel alone.
    environment = tmp_path / "environment"
    venv.EnvBuilder(with_pip=True, symlinks=True).create(environment)
    python = environment / "bin" / "python"
    packages = next((environment / "lib").glob("python*")) / "site-packages"
    install = [str(python), "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(here) + "\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    settings = ["search.generations=1", "search.population=4", "search.lives=1", "search.selection_lifetime=50"]
    settings += ["evaluation.lives=2", "evaluation.lifetimes=[600]"]
    command = [str(environment / "bin" / "evolearn"), "run", "zebra", *settings]
    run = subprocess.run(command, capture_output=True, text=True, cwd=empty, timeout=300)
    assert run.returncode == 0, run.stderr
    assert "Run directory: runs/zebra-seed0-1" in run.stdout
    small = [
        "looks=[1]",
        "define={}",
        "margins.head_start=900",
        "resamples=100",
        "replay.steps=20",
        "run.search.generations=1",
        "run.search.population=8",
    ]
    small += ["run.search.selection_lifetime=40", "run.evaluation.lives=2", "run.evaluation.lifetimes=[1200]"]
    command = [str(environment / "bin" / "evolearn"), "study", "zebra", *small, "--out", "study"]
    study = subprocess.run(command, capture_output=True, text=True, cwd=empty, timeout=300)
    assert study.returncode == 0, study.stderr
    assert (empty / "study" / "report" / "index.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    for arguments, said in ((["zoo"], "zoo/foal"), (["replay", "zoo/foal"], "foal-replay.html")):
        command = [str(environment / "bin" / "evolearn"), *arguments]
        shown = subprocess.run(command, capture_output=True, text=True, cwd=empty, timeout=300)
        assert shown.returncode == 0, shown.stderr
        assert said in shown.stdout
    assert "the same life" in (empty / "foal-replay.html").read_text(encoding="utf-8")
    where = subprocess.run(
        [str(python), "-c", "import evolearn, evolearn.worlds as w; print(evolearn.__file__); print(*w.__path__)"],
        capture_output=True,
        text=True,
        cwd=empty,
        check=True,
        timeout=60,
    )
    assert all(str(packages) in line for line in where.stdout.splitlines()), where.stdout
