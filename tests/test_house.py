"""The house as it is: few modules in the hall, no circles, doors that are light and hold what others use."""

import ast
import graphlib
import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from tests.helpers.doors import Doors, exports, is_inside
from tests.helpers.places import ROOT

PACKAGE = ROOT / "evolearn"
ROOMS = sorted(stub.parent.name for stub in PACKAGE.glob("*/__init__.pyi"))
HEAVY = {"numba", "torch", "ray", "evotorch", "pandas", "matplotlib", "scipy"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("evolearn", cache_dir=None)


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_few_modules_stand_in_the_hall() -> None:
    modules = sorted(path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py")
    assert len(modules) <= 6, modules


def test_no_circle_goes_through_the_rooms(graph) -> None:
    needs: dict[str, set[str]] = {}
    for module in graph.modules - {"evolearn"}:
        below = {room_of(other) for other in graph.find_modules_directly_imported_by(module) if other != "evolearn"}
        needs.setdefault(room_of(module), set()).update(below - {room_of(module)})
    order = list(graphlib.TopologicalSorter(needs).static_order())  # raises CycleError, with the circle
    assert order.index("evolearn.errors") < order.index("evolearn.world") < order.index("evolearn.cli")


def test_the_order_of_the_rooms_is_read_at_a_glance() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [one for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    assert contract["exhaustive"]
    assert len(contract["layers"]) <= 15


@pytest.mark.parametrize("room", ROOMS)
def test_a_door_exports_what_is_there_under_names_that_are_no_modules(room: str) -> None:
    door = importlib.import_module(f"evolearn.{room}")
    modules = {path.stem for path in (PACKAGE / room).iterdir()}
    for module, names in exports(f"evolearn.{room}", ROOT).items():
        assert not any(part.startswith("_") for part in module.split(".")), f"{module}: is for its own room alone"
        for name in names:
            assert hasattr(door, name), name
            assert module == "" or name not in modules, f"{name}: a module has that name, and hides what is exported"
    public = {module.split(".")[0] for module in exports(f"evolearn.{room}", ROOT)} | set(door.__all__)
    inside = {path.stem for path in (PACKAGE / room).glob("*.py")} - {"__init__"}
    assert [name for name in inside if name not in public and not name.startswith("_")] == [], "for its own room alone"
    assert sorted(door.__all__) == sorted(
        name for names in exports(f"evolearn.{room}", ROOT).values() for name in names
    )


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Pairs of a module and a name that a file imports from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((str(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_whatever_a_door_exports_somebody_outside_uses() -> None:
    used: set[tuple[str, str]] = set()
    for folder in ("evolearn", "worlds", "benchmarks", "examples", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            own = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
            used |= {pair for pair in imported(path) if pair[0] != own}
    used |= {(f"evolearn.{module}", name) for module, names in exports("evolearn", ROOT).items() for name in names}
    # What is no Python yet: the templates of a world, the notebooks, the pages, the users' files that tests write.
    texts = [*PACKAGE.rglob("templates/*"), *(ROOT / "examples").glob("*.ipynb"), *(ROOT / "docs").rglob("*.md")]
    texts += (ROOT / "tests").rglob("*.py")
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*texts, ROOT / "README.md"] if path.is_file())
    for module, one, several in re.findall(r"from (evolearn\.\w+) import (?:([\w, ]+)|\(([^)]+)\))", text):
        used |= {(module, name.split(" as ")[0].strip()) for name in (one or several).split(",")}
    used |= set(re.findall(r"\b(evolearn\.\w+)\.(\w+)", text))
    unused = [
        f"{room}.{name}"
        for room in ROOMS
        for names in exports(f"evolearn.{room}", ROOT).values()
        for name in names
        if (f"evolearn.{room}", name) not in used
    ]
    assert unused == []


def test_doors_are_light() -> None:
    script = (
        "import json, sys, evolearn.world, evolearn.cluster, evolearn.cli.app; "
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not HEAVY & set(json.loads(done.stdout))


def test_no_test_file_imports_another() -> None:
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    assert len(files) > 50
    names = {path.stem for path in files}
    for path in files:
        of_tests = {f"{module}.{name}" for module, name in imported(path) if module.partition(".")[0] == "tests"}
        assert not {part for one in of_tests for part in one.split(".")} & names, path


@pytest.mark.parametrize(
    ("module", "imported", "inside"),
    [
        ("evolearn.run.run", "evolearn.life.live", True),
        ("worlds.savannah", "evolearn.world.contract", True),
        ("evolearn.cli.app", "evolearn.life.live.Plan", True),
        ("evolearn.run.run", "evolearn.life", False),
        ("evolearn.life._fused", "evolearn.life.live", False),
        ("evolearn.report.report", "evolearn.verdict.stats", False),  # a module that the door exports
        ("evolearn.run.run", "evolearn.errors", False),
        ("evolearn.run.run", "numpy.random", False),
    ],
)
def test_what_goes_past_a_door_is_told_apart(module: str, imported: str, inside: bool, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    assert is_inside("evolearn", module, imported) is inside


def test_an_import_past_a_door_breaks_the_contract(graph, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    contract = Doors("doors", {}, {"package": "evolearn"})
    assert contract.check(graph, verbose=False).kept
    graph.add_import(
        importer="evolearn.run.run",
        imported="evolearn.life._lockstep",
        line_number=7,
        line_contents="from evolearn.life._lockstep import Lockstep",
    )
    found = contract.check(graph, verbose=False)
    assert not found.kept
    assert [detail["line_number"] for detail in found.metadata["inside"]] == [7]
