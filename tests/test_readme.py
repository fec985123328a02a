"""The README's world and config, run as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)
    assert len(found) == 1
    return found[0]


def test_the_world_of_the_readme_runs(tmp_path: Path) -> None:
    world = block("python")
    assert len(world.splitlines()) <= 60
    (tmp_path / "valley.py").write_text(world)
    (tmp_path / "valley.yaml").write_text(block("yaml"))
    toy = ["search.generations=1", "search.population=4", "evaluation.lives=2", "evaluation.lifetimes=[600]"]
    command = [sys.executable, "-m", "evolearn.cli", "run", "valley.yaml", *toy]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Run directory: runs/valley-seed0-1" in done.stdout


def test_nothing_is_left_to_fill_in_and_every_link_leads_somewhere() -> None:
    assert "@@" not in README
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    for link in links:
        assert (Path(__file__).parent.parent / link).is_file(), link


def test_every_room_is_in_the_table() -> None:
    table = README.split("| room |")[1].split("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", table))
    package = Path(__file__).parent.parent / "evolearn"
    assert {path.stem for path in package.glob("*.py")} - {"__init__"} <= named
