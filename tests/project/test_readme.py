"""The README: short, its commands those of the program, its numbers those of the pages; and what stands beside it."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from evolearn.cli.app import app
from evolearn.run import ARMS
from tests.helpers.command import evolearn
from tests.helpers.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MOST_WORDS = 1500


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def commands(text: str) -> list[str]:
    """What it says to type, in blocks and in lines of prose."""
    lines = [line for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
    lines += [
        " ".join(part.split()) for part in re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    ]
    return [line.split("  #")[0].strip() for line in lines if line.startswith("evolearn ")]


def test_it_is_short() -> None:
    assert len(README.split()) <= MOST_WORDS


@pytest.mark.parametrize("page", ["README.md", "docs/zoo.md"])
def test_its_commands_are_those_of_the_program(page: str) -> None:
    typed = commands((ROOT / page).read_text(encoding="utf-8"))
    assert len(typed) >= 5
    program = typer.main.get_command(app)
    for line in typed:
        command, (_, *words) = program, shlex.split(line)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert command is not program, line
        command = getattr(command, "commands", {}).get("run", command)  # of studies, which need not be said
        options = {name for parameter in command.params for name in parameter.opts}
        assert [word for word in words if word.startswith("--") and word not in options] == [], line


def test_every_command_is_on_the_page_of_commands() -> None:
    page = "".join(blocks("docs/commands.md", ""))
    program = typer.main.get_command(app)
    assert [name for name in program.commands if not re.search(rf"^evolearn {name}\b", page, re.M)] == []


def test_what_it_says_came_out_is_what_the_page_of_the_foal_has() -> None:
    (said,) = [block for block in blocks("README.md", "") if block.startswith("alpha 0:")]
    (whole,) = [block for block in blocks("docs/foal.md", "") if block.startswith("alpha 0:")]
    assert " ".join(whole.split()).startswith(" ".join(said.split()).removesuffix("p < 0.001."))
    assert said.rstrip().endswith("p < 0.001.")


def test_its_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"^make ([\w-]+)", "".join(blocks("README.md", "") + blocks("docs/commands.md", "")), re.M))
    assert {"setup", "zebra", "zoo", "test"} <= named
    assert [name for name in named if not re.search(rf"^{name}:", makefile, re.M)] == []


def test_setup_ends_with_what_it_promises_and_the_command_is_there_before_it_is_typed(tmp_path: Path) -> None:
    setup = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nsetup:")[1].split("\n\n")[0]
    (line,) = re.findall(r"@\$\(BIN\)/evolearn (.+)", setup)
    page = tmp_path / "foal.html"
    done = evolearn(*shlex.split(line.replace("$(VENV)", str(tmp_path))))
    assert done.returncode == 0, done.stderr
    assert "the same life" in page.read_text(encoding="utf-8")
    assert ".venv/foal.html" in README
    assert README.index("`source .venv/bin/activate`") < README.index("\nevolearn ")


def test_nothing_is_left_to_fill_in_and_every_link_leads_somewhere() -> None:
    assert "@@" not in README
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert len(links) > 20
    for link in links:
        path, _, anchor = link.partition("#")
        assert (ROOT / path).is_file(), link
        headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(encoding="utf-8"), re.M) if anchor else []
        assert not anchor or anchor in [re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings]


# What used to stand there ------------------------------------------------------------------------------------------


def test_the_world_of_the_page_of_worlds_runs(tmp_path: Path) -> None:
    (world,) = [block for block in blocks("docs/worlds.md", "python") if "valley = World(" in block]
    (config,) = [block for block in blocks("docs/worlds.md", "yaml") if "valley.py:valley" in block]
    assert len(world.splitlines()) <= 60
    (tmp_path / "valley.py").write_text(world)
    (tmp_path / "valley.yaml").write_text(config)
    toy = ["search.generations=1", "search.population=4", "evaluation.lives=2", "evaluation.lifetimes=[600]"]
    done = evolearn("run", "valley.yaml", *toy, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Run directory: runs/valley-seed0-1" in done.stdout


def test_the_study_of_the_drives_is_planned_as_it_stands_there(tmp_path: Path) -> None:
    (config,) = [block for block in blocks("docs/studies.md", "yaml") if "title: Is it the drives?" in block]
    (tmp_path / "drives.yaml").write_text(config)
    done = evolearn("study", "drives.yaml", "--dry-run", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "evolved, but rewarded by fitness alone" in " ".join(done.stdout.split())
    assert not (tmp_path / "runs").exists()


def test_the_table_of_arms_is_the_programs() -> None:
    table = (ROOT / "docs/studies.md").read_text(encoding="utf-8").split("| arm | origin |")[1].split("\n\n")[0]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert [row[0] for row in rows] == list(ARMS)
    for name, origin, weights, drives, plasticity, learns in rows:
        part = ARMS[name]
        assert [origin, weights, drives, plasticity] == [part.origin, part.weights, part.drives, part.plasticity]
        assert learns.startswith("yes" if part.learns else "no")
        assert {"uniform": "uniform", "oracle": "oracle"}.get(part.actions, "") in learns


# What stands beside it ------------------------------------------------------------------------------------------------


def test_the_citation_and_the_list_of_changes_are_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == PROJECT["version"]
    assert cited["license"] == PROJECT["license"]
    assert [author["name"] for author in cited["authors"]] == [author["name"] for author in PROJECT["authors"]]
    assert {"cff-version", "message", "title", "type"} <= cited.keys()
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(PROJECT['version'])}$", changes, re.M)


def test_every_extra_is_explained_and_what_is_for_users_is_in_all() -> None:
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \|", page, re.M)
    assert rows == [name for name in PROJECT["optional-dependencies"] if name != "dev"]
    (everything,) = PROJECT["optional-dependencies"]["all"]
    assert set(re.findall(r"[\w-]+", everything.partition("[")[2])) == set(rows) - {"all", "bench", "docs", "examples"}


def test_every_package_is_in_the_table_of_the_house() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = guide.split("| package |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(rows) == 16
    named = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in rows))
    package = ROOT / "evolearn"
    there = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert sorted(named) == sorted(there - {"__init__", "__main__"})


def test_files_that_the_guide_to_contributing_names_are_there() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:evolearn|tests|docs|configs)/[\w/]+\.\w+)`", guide)
    assert len(named) > 10
    assert [name for name in named if "NAME" not in name and not (ROOT / name).is_file()] == []
