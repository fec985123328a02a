"""The commands as a user meets them: output, exit codes, Ctrl-C."""

import contextlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from evolearn import __version__
from evolearn.cli.app import app
from evolearn.cli.configs import asked_run
from evolearn.cli.terminal import naming, run_and_leave
from evolearn.plugins import NotTrusted, admit
from tests.helpers.command import evolearn, line_of, started
from tests.helpers.places import ROOT

TOY = {
    "seed": 5,
    "world": {"name": "cart-pole"},
    "brain": {"hidden": [4]},
    "search": {"population": 8, "generations": 3, "lives": 2, "selection_lifetime": 60},
    "evaluation": {"lives": 4, "lifetimes": [400], "birth_steps": 200},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(TOY))
    return path


def test_help_imports_nothing_heavy() -> None:
    code = textwrap.dedent(
        """
        import sys
        from evolearn.cli.app import app
        try:
            app(["--help"])
        except SystemExit:
            pass
        heavy = [name for name in ("torch", "numba", "ray", "evotorch", "gymnasium", "pydantic") if name in sys.modules]
        assert not heavy, heavy
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for command in ("run", "resume", "worlds"):
        assert command in done.stdout


def test_who_only_looks_does_not_wait_for_pytorch(study_of_few: Path) -> None:
    code = textwrap.dedent(
        f"""
        import sys
        from evolearn.cli.app import app
        for arguments in (["claims"], ["config", "zebra"], ["runs", {str(study_of_few.parent)!r}]):
            try:
                app(arguments)
            except SystemExit as end:
                assert not end.code, arguments
            assert "torch" not in sys.modules, arguments
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert study_of_few.name in done.stdout


def test_the_version_is_that_of_the_package_however_it_is_asked_for() -> None:
    done = subprocess.run([sys.executable, "-m", "evolearn", "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"evolearn {metadata.version('evolearn')}\n"
    assert __version__ == metadata.version("evolearn")


@pytest.mark.parametrize("arguments", [["-h"], ["run", "-h"], ["study", "-h"], ["worlds", "show", "-h"]])
def test_help_has_a_short_name_everywhere(arguments: list[str]) -> None:
    done = evolearn(*arguments)
    assert done.returncode == 0
    assert "Usage: evolearn" in done.stdout


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("evolearn run gymnasium-c", "gymnasium-cartpole"),
        ("evolearn study zebra_", "zebra_full"),
        ("evolearn worlds show savan", "savannah"),
        ("evolearn claims wash", "wash-out"),
        ("evolearn rep", "report"),
    ],
)
def test_a_shell_completes_commands_and_configs(line: str, completed: str) -> None:
    asked = {"_EVOLEARN_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = CliRunner().invoke(app, [], env=asked, prog_name="evolearn")
    assert completed in done.stdout.split()


def test_worlds_are_listed_by_either_name() -> None:
    listed = evolearn("worlds", "list")
    assert "savannah" in listed.stdout
    assert listed == evolearn("worlds")


def test_a_world_without_a_config_runs_with_settings_suited_to_its_kind() -> None:
    said = Console(record=True, file=io.StringIO(), width=200)
    name, checked = asked_run(said, "gymnasium:CartPole-v1", ["search.generations=2"])
    assert name == "gymnasium-CartPole-v1"
    assert (checked.world.name, checked.search.generations) == ("gymnasium:CartPole-v1", 2)
    assert "with settings suited to any world of its kind" in said.export_text()
    assert asked_run(said, "cued-bandit-2x4", [])[1].world.name == "cued-bandit-2x4"
    assert said.export_text() != ""
    assert asked_run(said, "zebra", [])[0] == "zebra"
    assert said.export_text() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["zebra", "search.population=32"], {"population: 32": "command line", "trunk: mlp": "default"}),
        (["dial", "runs=4"], {"runs: 4": "command line", "hidden: [24]": "configs/studies/dial.yaml"}),
        (["zebra", "--study"], {"seed: 0": "configs/studies/zebra.yaml"}),
        (["replicate/mackay"], {"experiment: mackay": "configs/studies/replicate/mackay.yaml"}),
        (["cued-bandit-2x4"], {"name: cued-bandit-2x4": "suited to its kind", "trunk: mlp": "default"}),
    ],
)
def test_a_config_in_full_says_who_says_so(arguments: list[str], said: dict[str, str]) -> None:
    done = evolearn("config", *arguments, folder=ROOT)
    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for text, whose in said.items():
        assert f"{text} # {whose}" in lines, done.stdout


def test_the_schema_of_configs_is_printed_for_editors() -> None:
    for arguments, field in (([], "world"), (["--study"], "arms")):
        schema = json.loads(evolearn("config", "--schema", *arguments).stdout)
        assert {"base", field} <= set(schema["properties"])


def test_a_dry_run_says_what_a_run_takes_and_makes_nothing(config: Path, tmp_path: Path) -> None:
    done = evolearn("run", config, "--dry-run", "--workers", 1, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert re.search(r"[\d,]+ genes, 9 genomes a generation: about \d+ MB for genomes", said)
    assert "World steps: 3,240 of evolution" in said  # 3 generations, 9 genomes, 2 lives, 60 steps
    assert re.search(r"About .+, a generation .+, at .+ steps/s with learning", said)
    assert not (tmp_path / "runs").exists()


def test_the_program_ends_with_the_commands_code(tmp_path: Path) -> None:
    done = started("resume", "nowhere", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: RUN=nowhere: is not a run directory")
    assert "Traceback" not in done.stderr


def test_a_reader_that_stops_reading_is_no_error() -> None:
    command = f"{shlex.join(line_of('--help'))} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), "1 if it noticed"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (None, 0),
        (SystemExit(), 0),
        (SystemExit(2), 2),
        (SystemExit(256), 1),
        (SystemExit("no"), 1),
        (RuntimeError("a fault of ours"), 1),
    ],
)
def test_the_program_leaves_at_once_however_it_ends(end: BaseException | None, code: int, monkeypatch, capsys) -> None:
    def program() -> None:
        print("said", end="")
        if end is not None:
            raise end

    left: list[int] = []
    monkeypatch.setattr("os._exit", left.append)
    run_and_leave(program)
    assert left == [code]
    said, complaint = capsys.readouterr()
    assert said == "said"
    assert ("RuntimeError: a fault of ours" in complaint) == isinstance(end, RuntimeError)


def test_a_run_prints_a_line_per_generation_a_table_and_what_to_do_next(config: Path, tmp_path: Path) -> None:
    done = evolearn("run", config, "search.generations=2", "--seed", 7, "--workers", 1, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sum(line.startswith("generation ") for line in lines) == 2
    assert "steps/s" in done.stdout
    for arm in ("blank slate", "evolved", "evolved, learning off", "random"):
        assert any(line.strip().startswith(arm) for line in lines), arm
    assert "Catch-up: the blank slate" in done.stdout
    assert "Birth is of the first body: steps after its death count 0. With whoever is reborn" in " ".join(lines)
    assert "Run directory: runs/toy-seed7-1" in done.stdout
    assert "evolearn run runs/toy-seed7-1/config.yaml --seed 8" in done.stdout
    assert (tmp_path / "runs/toy-seed7-1/dna.safetensors").exists()


def test_more_workers_than_cores_are_accepted_and_said(config: Path, tmp_path: Path) -> None:
    many = (os.cpu_count() or 1) + 3
    done = evolearn("run", config, "--workers", many, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert f"--workers {many}: more than the {os.cpu_count()} cores here" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run", "zebrra"], "Did you mean zebra?"),
        (["run", "zebra", "search.populaton=4"], "Did you mean population?"),
        (["run", "zebra", "search.lives=0"], "search.lives=0: must be 1 or more"),
        (["run", "zebra", "search.algorithm=pgp"], "Did you mean pgpe?"),
        (["run", "zebra", "world.name=savana"], "did you mean savannah?"),
        (["run", "zebra", "world.parameters.alpha=181"], "must be 0 to 180 (degrees)"),
        (["run", "zebra", "learner.name=ppo"], "learner.name='ppo': is actor_critic with several epochs"),
        (["run", "dial"], "CONFIG=dial: is a study; evolearn study dial"),
        (["study", "cart-pole"], "CONFIG=cart-pole: is a run; evolearn run cart-pole"),
        (["run", "CartPole-v1"], "evolearn run gymnasium-cartpole has settings chosen for it"),
        (
            ["run", "Hopper-v5"],
            "As a Gymnasium environment: evolearn run gymnasium:Hopper-v5 takes settings suited to any",
        ),
        (["run", "no.such.module:world"], "no.such.module"),
        (["config"], "CONFIG: missing; name a config, such as zebra"),
        (["config", "zebra", "--schema"], "CONFIG=zebra: must be left out with --schema"),
        (["config", "zebrra"], "Did you mean zebra?"),
        (["config", "zebra", "sead=1"], "sead=1: unknown key. Did you mean seed?"),
        (["resume", "nowhere"], "RUN=nowhere: is not a run directory"),
        (["worlds", "show", "savana"], "did you mean savannah?"),
    ],
)
def test_mistakes_end_with_code_2_and_one_error(arguments: list[str], text: str, tmp_path: Path) -> None:
    done = evolearn(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not (tmp_path / "runs").exists(), "nothing is made for a run that cannot start"


def test_in_a_folder_that_was_removed_a_command_says_so(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    done = CliRunner().invoke(app, ["worlds", "show", "cart-pole"])
    assert done.exit_code == 2
    assert "the current folder was removed" in done.stderr
    assert "cd to another" in " ".join(done.stderr.split())


@pytest.mark.parametrize(("said", "answer"), [("", False), ("n\n", False), ("y\n", True)])
def test_no_answer_to_whether_code_may_run_is_no(tmp_path: Path, monkeypatch, said: str, answer: bool) -> None:
    (tmp_path / "theirs.py").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    console = Console(force_terminal=True, file=io.StringIO())
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    refused = contextlib.nullcontext() if answer else pytest.raises(NotTrusted, match="not imported, as you said")
    with naming(console, tmp_path, trust=False), refused:
        admit("world 'x'", str(tmp_path / "theirs.py"))
    assert "theirs.py" in console.file.getvalue()


def test_an_existing_directory_is_refused(config: Path, tmp_path: Path) -> None:
    done = evolearn("run", config, "--out", tmp_path)
    assert done.returncode == 2
    assert "exists already, and runs are never overwritten; name another" in done.stderr


def test_worlds_are_listed_and_shown() -> None:
    listing = evolearn("worlds")
    assert listing.returncode == 0
    for name in ("savannah", "cart-pole", "gymnasium:ID"):
        assert name in listing.stdout
    page = evolearn("worlds", "show", "savannah")
    assert page.returncode == 0
    for word in ("Redrawn at birth", "mother ahead", "uprightness", "alpha", "0 .. 180", "degrees", "mean per step"):
        assert word in page.stdout


def interrupt_after(line: str, *arguments: object) -> tuple[int, str]:
    """Start a command, send Ctrl-C when it prints `line`, and return its exit code and output."""
    with subprocess.Popen(line_of(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        output = []
        for printed in process.stdout:
            output.append(printed)
            if printed.startswith(line):
                process.send_signal(signal.SIGINT)
                break
        output.append(process.stdout.read())
        return process.wait(timeout=120), "".join(output)


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_resume(config: Path, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    settings = ["search.generations=30", "search.selection_lifetime=30000"]
    code, output = interrupt_after("generation 2/", "run", config, *settings, "--out", stopped)
    assert code == 130, output
    assert f"Interrupted. Continue with: evolearn resume {stopped}" in output
    rows = (stopped / "generations.jsonl").read_text().splitlines()
    assert 2 <= len(rows) < 30
    assert evolearn("run", config, *settings, "--out", whole).returncode == 0
    assert evolearn("resume", stopped).returncode == 0
    assert (stopped / "result.json").read_text() == (whole / "result.json").read_text()


HANGING_WORLD = '''
"""Hangs in one life."""
import numpy as np
from evolearn.rng import uniform
from evolearn.world import Box, Signal, World

STATE = np.dtype([("age", "i8"), ("spin", "f8")], align=True)


def born(state, parameters, rng):
    state.spin = 0.0


def begin(state, parameters, rng):
    state.age = 0


def observe(state, parameters, observation):
    observation[0] = 1.0


def step(state, parameters, action, senses, rng):
    state.age += 1
    if state.age == 7 and uniform(rng) < 0.5:
        while state.age > 0:
            state.spin = state.spin + 1.0
            if state.spin < 0.0:
                state.age = 0
    return 1.0, False, False


world = World(
    name="hanging", doc=__doc__, observations=(Signal("one", "1"),), actions=Box(1), state=STATE,
    born=born, begin=begin, observe=observe, step=step,
)
'''


def test_a_world_that_hangs_ends_the_run_and_is_named(config: Path, tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(HANGING_WORLD)
    done = started(
        "run", config, f"world.name={tmp_path}/hanging.py:world", "hang_seconds=1", "--out", tmp_path / "run"
    )
    assert done.returncode == 2
    assert "world hanging, life (seed 5, selection, generation 0, life" in done.stderr
    assert "step 6: no step finished for 1 s" in done.stderr


def test_a_world_file_that_does_not_import_shows_its_own_traceback(config: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import math\nvalue = math.sqroot(2)\n")
    done = evolearn("run", config, f"world.name={tmp_path}/broken.py:world")
    assert done.returncode == 2
    assert "broken.py" in done.stderr
    assert "line 2" in done.stderr
    assert "sqroot" in done.stderr
