"""The documentation: examples in docstrings hold, every page is in the navigation, a broken link fails the build."""

import doctest
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from evolearn.run import ArmPart, load_dna
from evolearn.study.config import StudyConfig, ThresholdPart
from evolearn.verdict import METRICS
from tests.helpers.command import evolearn
from tests.helpers.doors import exports
from tests.helpers.places import ROOT

PACKAGE = ROOT / "evolearn"
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
WITH_EXAMPLES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))


class _Settings(yaml.SafeLoader):
    """Reads mkdocs.yml, whose tags of Python objects are of no matter here."""


_Settings.add_multi_constructor("!", lambda loader, suffix, node: suffix)
_Settings.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: suffix)


def settings() -> dict:
    return yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), _Settings)


def pages_of(nav: object) -> list[str]:
    """Every page that a navigation names."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [page for part in parts for page in pages_of(part)]


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of `folder` into `folder`/site."""
    command = [sys.executable, "-m", "mkdocs", "build"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "default"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=300)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The documentation without the reference, which takes most of the time: to be broken."""
    for folder in ("docs", "cluster", "configs", "evolearn", "examples", "worlds"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path / file)
    content = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    content, cut = re.subn(r"^  - mkdocstrings:\n(?:    .*\n)+", "", content, flags=re.M)
    assert cut == 1
    # without the reference there is nothing for links into it to lead to
    (tmp_path / "mkdocs.yml").write_text(content.replace("anchors: warn", "anchors: info"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_examples_in_docstrings_hold(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    outcome = doctest.testmod(importlib.import_module(name), report=True)
    assert outcome.attempted
    assert not outcome.failed


def test_there_are_examples() -> None:
    assert len(WITH_EXAMPLES) >= 8


def test_every_page_is_in_the_navigation() -> None:
    named = pages_of(settings()["nav"])
    assert len(set(named)) == len(named)
    assert set(PAGES) <= set(named)


def test_every_module_that_a_door_exports_from_is_on_a_page_of_the_reference() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))
    named = re.findall(r"^::: (evolearn[\w.]*)$", text, re.M)
    whole = tuple(f"{package}." for package in re.findall(r"^::: (.+)\n.*\n +show_submodules: true$", text, re.M))
    assert len(set(named)) == len(named)
    assert [name for name in named if importlib.util.find_spec(name) is None] == []
    rooms = [path.parent.name for path in PACKAGE.glob("*/__init__.pyi")]
    assert len(rooms) > 10
    exported = {f"evolearn.{path.stem}" for path in PACKAGE.glob("*.py")} - {"evolearn.__init__"}
    for room in (f"evolearn.{name}" for name in rooms):
        behind = exports(room, ROOT)
        exported |= {f"{room}.{module}" for module in {*behind, *behind.get("", ())} - {""}}
    assert sorted(name for name in exported - set(named) if not name.startswith(whole)) == []


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith("reference/")])
def test_links_of_pages_lead_to_files_also_on_disk(page: str) -> None:
    text = re.sub(r"^```.*?^```", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        assert "://" in link or (DOCS / page).parent.joinpath(link).is_file(), link


def test_no_page_holds_a_place_that_was_to_be_filled() -> None:
    pages = [*DOCS.rglob("*.md"), *(ROOT / "cluster").glob("*.md"), ROOT / "README.md"]
    assert len(pages) > len(PAGES) + 1
    left = ("@@", "<!-- sections -->")
    assert [page for page in pages if any(place in page.read_text(encoding="utf-8") for place in left)] == []


def test_tests_that_the_honesty_rules_name_are_there() -> None:
    text = (DOCS / "honesty.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", text)
    assert len(named) > 30
    assert [name for name in named if f"def {name}(" not in source] == []
    files = re.findall(r"`(tests/[\w/]+\.py)`", text)
    assert files
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_the_study_that_is_explained_is_planned_as_it_stands_there(tmp_path: Path) -> None:
    config, *_ = re.findall(r"^```yaml\n(.*?)^```", (DOCS / "studies.md").read_text(encoding="utf-8"), re.M | re.S)
    (tmp_path / "small.yaml").write_text(config)
    done = evolearn("study", "small.yaml", "--dry-run", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "evolved, but learning as published" in " ".join(done.stdout.split())
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]


def test_every_key_of_a_study_and_of_an_arm_is_explained() -> None:
    text = (DOCS / "studies.md").read_text(encoding="utf-8")
    tables = [table.split("\n\n")[0] for table in text.split("| key | default |")[1:]]
    rows = [re.findall(r"^\| `(\w+)` \|", table, re.M) for table in tables]
    assert rows == [list(part.model_fields) for part in (StudyConfig, ArmPart, ThresholdPart)]
    metrics = text.split("Metrics are ")[1].split(";")[0]
    assert re.findall(r"`(\w+)`", metrics) == list(METRICS)


def test_the_drive_and_the_encoding_that_are_explained_run(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / "learners.md").read_text(encoding="utf-8"), re.M | re.S)
    whole = [block for block in blocks if " = Drive(" in block or " = Encoding(" in block]
    assert len(whole) == 2
    (tmp_path / "mine.py").write_text("\n".join(whole))
    (tmp_path / "mine.yaml").write_text(
        'world: {name: cart-pole}\nbrain: {hidden: [5]}\ngenome: {encoding: "mine.py:FOLDED"}\n'
        'drives: {generic: ["mine.py:wonder"], weights: {fitness: 1, wonder: 0.1}}\n'
    )
    toy = ["search.generations=1", "search.population=4", "search.selection_lifetime=50", "evaluation.lives=2"]
    done = evolearn("run", "mine.yaml", *toy, "evaluation.lifetimes=[600]", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    genes = load_dna(tmp_path / "runs" / "mine-seed0-1").pool.genes
    (halves,) = [gene for gene in genes if gene.group == "weights"]
    assert halves.size == (5 * 5 + 3 * 6 + 1) // 2  # of a brain of 4 observations, 5 units, 2 choices and a value


@pytest.mark.whole
def test_runs_of_the_first_ten_minutes_run(tmp_path: Path) -> None:
    text = (DOCS / "first-ten-minutes.md").read_text(encoding="utf-8")
    commands = [line.split() for line in re.findall(r"^evolearn (run .*=.*)$", text, re.M)]
    assert len(commands) == 2
    toy = ["search.generations=1", "search.lives=1", "search.selection_lifetime=50", "evaluation.lives=2"]
    for command in commands:
        done = evolearn(*command, *toy, "evaluation.lifetimes=[600]", folder=tmp_path)
        assert done.returncode == 0, done.stderr
    for folder in set(re.findall(r"runs/[\w-]+", text)):
        assert (tmp_path / folder).is_dir()


def test_what_a_page_loads_from_elsewhere_is_noticed() -> None:
    sys.path.insert(0, str(DOCS / "making"))
    try:
        hooks = importlib.import_module("hooks")
    finally:
        sys.path.remove(str(DOCS / "making"))
    loads = (
        '<link href="https://fonts.example/a.css" rel="stylesheet"><script defer src=//cdn.example/b.js></script>'
        "<img alt='' src='http://example.org/c.png'><style>p{background:url(https://example.org/d.png)}</style>"
    )
    assert [address.rsplit("/")[-1] for address in hooks.loaded_from_elsewhere(loads)] == [
        "a.css",
        "b.js",
        "c.png",
        "d.png",
    ]
    assert hooks.loaded_from_elsewhere('<a href="https://example.org">x</a><script src="a/b.js"></script>') == []


@pytest.mark.whole
def test_the_site_builds_without_a_warning_and_opens_without_a_network(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        found = re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"?https?:", page.read_text())
        assert not found, page
    reference = (tmp_path / "site" / "reference" / "statistics.html").read_text()
    assert 'id="evolearn.verdict.stats.iqm"' in reference
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", reference))
    # sections without blank lines between them, and the comment beside a record's field
    assert re.search(r"Returns: FloatArray . \[\.\.\] 0 \.\. 1, Mann and Whitney.{0,40}Source: Mann and Whitney", words)
    assert "score over the first birth_steps, learning off" in words


@pytest.mark.whole
def test_the_copy_that_is_broken_below_is_whole(copied: Path) -> None:
    done = build(copied)
    assert done.returncode == 0, done.stderr


@pytest.mark.whole
def test_what_leads_nowhere_fails_the_build(copied: Path) -> None:
    faults = [
        ("docs/kernel.md", "[no page](nowhere.md)", "'nowhere.md', but the target is not found"),
        ("docs/kernel.md", "[no code](../evolearn/nowhere.py)", "'../evolearn/nowhere.py', but the target"),
        (
            "docs/portable.md",
            "[no heading](#nothing-of-the-kind)",
            "'#nothing-of-the-kind', but there is no such anchor",
        ),
        ("README.md", "[no page](docs/gone.md)", "'docs/gone.md', but the target is not found"),
        ("cluster/README.md", "[no file](gone.yaml)", "'gone.yaml', but the target is not found"),
        ("docs/maml.md", "![from elsewhere](https://example.org/x.png)", "maml.md loads https://example.org/x.png"),
        ("docs/orphan.md", "# In no navigation", "orphan.md"),
    ]
    for page, text, _ in faults:
        path = copied / page
        path.write_text((path.read_text() if path.exists() else "") + f"\n{text}\n")
    settings_file = copied / "mkdocs.yml"
    settings_file.write_text(settings_file.read_text().replace("anchors: info", "anchors: warn"))
    done = build(copied)
    assert done.returncode != 0
    warnings = done.stderr.split("WARNING")[1:]
    for _, _, complaint in faults:
        assert any(complaint in warning for warning in warnings), complaint
