"""The zoo: every newborn of it is read by its name, is what its table says, and refuses nobody's own files."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import evolearn
from evolearn.config import find_config, shipped_configs
from evolearn.run import ZOO, DNAError, load_dna, resident_file, residents
from evolearn.world import registered_worlds
from tests.helpers.command import evolearn as command
from tests.helpers.places import ROOT

NAMES = sorted(residents())


def test_there_are_some_and_no_file_is_left_out() -> None:
    assert len(NAMES) >= 5
    assert {"foal", "foal-70", "blank-foal", "bandit-player"} <= set(NAMES)
    files = {path.stem for path in (ROOT / "zoo").glob("*.safetensors")}
    assert files == set(NAMES)
    assert json.loads((ROOT / "zoo" / ZOO).read_text())["newborns"].keys() == files


@pytest.mark.parametrize("name", NAMES)
def test_a_newborn_is_what_the_table_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dna = load_dna(Path("zoo", name))
    assert dna.path == resident_file(name)
    assert dna.sha256 == residents()[name].sha256
    assert dna.path.stat().st_size < 32_000
    assert dna.world.startswith("gymnasium:") or dna.world in registered_worlds()
    assert not dna.header["sources"], "who opens it runs nobody's code"
    config, _, arm = residents()[name].evolved_by.partition(", ")
    assert find_config(config, "studies" if arm else "").is_file()
    assert np.array_equal(evolearn.load(f"zoo/{name}").genome, dna.genome)


def test_the_foals_are_of_the_dial_and_of_a_blank_slate() -> None:
    assert load_dna(Path("zoo/foal")).config.world.parameters == {"alpha": 0.0}
    assert load_dna(Path("zoo/foal-70")).config.world.parameters == {"alpha": 70.0}
    assert load_dna(Path("zoo/blank-foal")).pool.modes["weights"] == "fresh"
    assert load_dna(Path("zoo/bandit-player")).brain.trunk == "gru"


def test_a_file_that_lies_here_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("zoo").mkdir()
    Path("zoo/foal").write_bytes(resident_file("foal-70").read_bytes())
    assert load_dna(Path("zoo/foal")).sha256 == residents()["foal-70"].sha256


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("zoo/fowl", r"^zoo/fowl: the zoo has no such newborn\. Did you mean foal\? Known: foal, .*\.$"),
        ("zoo", r"^zoo: name one of the newborns in it: zoo/foal, .*"),
        ("elsewhere/foal", r"^elsewhere/foal: does not exist; runs with DNA here: none in runs/$"),
    ],
)
def test_what_is_not_in_it_is_said(path: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DNAError, match=text):
        load_dna(Path(path))


def test_the_command_lists_them(tmp_path: Path) -> None:
    done = command("zoo", folder=tmp_path)
    assert done.returncode == 0
    for name, resident in residents().items():
        assert re.search(rf"^zoo/{name} +{resident.birth:.3g} +{resident.random:.3g} ", done.stdout, re.M), name


def test_the_pages_table_is_the_programs() -> None:
    page = (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8")
    rows = page.split("| DNA |")[1].split("\n\n")[0].splitlines()[2:]
    assert rows == [
        f"| `zoo/{name}` | {one.birth:.3g} | {one.random:.3g} | {one.doc} | {one.evolved_by} |"
        for name, one in residents().items()
    ]
    assert "zebra" in shipped_configs("studies")
