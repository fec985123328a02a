"""The README's world and config, run as they stand there."""

import re
from pathlib import Path

from evolearn.run import ARMS
from tests.helpers.command import evolearn
from tests.helpers.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def test_the_world_of_the_readme_runs(tmp_path: Path) -> None:
    _, world = blocks("python")  # the first one loads an export: tests/test_export.py
    _, config = blocks("yaml")
    assert len(world.splitlines()) <= 60
    (tmp_path / "valley.py").write_text(world)
    (tmp_path / "valley.yaml").write_text(config)
    toy = ["search.generations=1", "search.population=4", "evaluation.lives=2", "evaluation.lifetimes=[600]"]
    done = evolearn("run", "valley.yaml", *toy, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Run directory: runs/valley-seed0-1" in done.stdout


def test_the_study_of_the_readme_is_planned_as_it_stands_there(tmp_path: Path) -> None:
    config, _ = blocks("yaml")
    (tmp_path / "drives.yaml").write_text(config)
    done = evolearn("study", "drives.yaml", "--dry-run", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "evolved, but rewarded by fitness alone" in " ".join(done.stdout.split())
    assert not (tmp_path / "runs").exists()


def test_the_table_of_arms_is_the_programs() -> None:
    table = README.split("| arm | origin |")[1].split("\n\n")[0]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert [row[0] for row in rows] == list(ARMS)
    for name, origin, weights, drives, plasticity, learns in rows:
        part = ARMS[name]
        assert [origin, weights, drives, plasticity] == [part.origin, part.weights, part.drives, part.plasticity]
        assert learns.startswith("yes" if part.learns else "no")
        assert {"uniform": "uniform", "oracle": "oracle"}.get(part.actions, "") in learns


def test_nothing_is_left_to_fill_in_and_every_link_leads_somewhere() -> None:
    assert "@@" not in README
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / link).is_file(), link


def test_every_package_is_in_the_table_of_the_house() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = guide.split("| package |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(rows) == 15
    named = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in rows))
    package = ROOT / "evolearn"
    there = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert sorted(named) == sorted(there - {"__init__"})


def test_files_that_the_guide_to_contributing_names_are_there() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:evolearn|tests|docs|configs)/[\w/]+\.\w+)`", guide)
    assert len(named) > 10
    assert [name for name in named if "NAME" not in name and not (ROOT / name).is_file()] == []
