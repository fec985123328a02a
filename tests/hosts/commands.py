"""evolearn as users start it: a process of its own, watched from outside."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.helpers.places import ROOT
from tests.hosts.lan import Process, until

GENERATIONS = 5


def config(**search: object) -> dict:
    """A run whose generations take a few seconds on one core."""
    return {
        "seed": 7,
        "world": {"name": "cart-pole", "parameters": {"predictability": 0.5}},
        "brain": {"hidden": [16, 16]},
        "learner": {"window": 32},
        "search": {
            "algorithm": "snes",
            "population": 32,
            "generations": GENERATIONS,
            "lives": 4,
            "selection_lifetime": 30000,
            **search,
        },
        "evaluation": {"lives": 8, "lifetimes": [600], "birth_steps": 200, "bin_steps": 100},
    }


class Evolearn(Process):
    """The command line, at work."""

    def __init__(
        self, *arguments: object, environment: dict[str, str], folder: Path | None = None, through: Sequence[str] = ()
    ) -> None:
        """Start it, in a folder, and through another command if wanted."""
        command = [*through, sys.executable, "-m", "evolearn.cli.app", *map(str, arguments)]
        if folder is not None:
            command = ["env", f"--chdir={folder}", *command]
        super().__init__(command, environment, Path(tempfile.mkdtemp(prefix="evo-command-")))

    def ends(self, code: int, seconds: float = 120.0) -> str:
        """Wait for its end; what it printed."""
        until(lambda: self.code is not None, lambda: f"an end of:\n{self.text}", seconds)
        assert self.code == code, f"ended with {self.code}:\n{self.text}"
        return self.text

    def says(self, text: str, seconds: float = 60.0) -> None:
        """Wait until it has printed something."""
        until(lambda: text in self.text or self.code is not None, lambda: f"{text!r} in:\n{self.text}", seconds)
        assert text in self.text, f"{text!r} not in:\n{self.text}"


def rows(run: Path) -> list[dict]:
    """Whole rows of a run so far."""
    file = run / "generations.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def until_generation(run: Path, count: int, command: Evolearn, seconds: float = 90.0) -> None:
    """Wait until a run has made so many generations."""
    until(
        lambda: len(rows(run)) >= count or command.code is not None,
        lambda: f"generation {count} of:\n{command.text}",
        seconds,
    )
    assert len(rows(run)) >= count, command.text


def digests(run: Path) -> list[tuple[int, str]]:
    """Generation and digest of every row: none lost, none twice."""
    return [(row["generation"], row["fitness_sha256"]) for row in rows(run)]


def write_config(folder: Path, content: dict) -> Path:
    """A config in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    return folder / "config.yaml"


def in_process(folder: Path, content: dict, **more: str) -> Path:
    """The directory of an undisturbed run in one process."""
    run = folder / "run"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "evolearn.cli.app",
            "run",
            write_config(folder, content),
            "--out",
            run,
            "--workers",
            "2",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), **more},
        check=True,
        capture_output=True,
    )
    return run
