"""Every section there is, of a toy run: made, shown, and the same again."""

import json
import shutil
from pathlib import Path

import pytest

from evolearn.inspection import Wishes, compare_dna, inspect_dna
from evolearn.inspection._sections import PARTS
from evolearn.life import OwnDrivers
from evolearn.report import write_inspection_report
from evolearn.report.inspection.files import INSPECTION_FILE
from evolearn.report.inspection.sections import BUILDERS
from evolearn.run import start_run
from tests.helpers.dna_configs import config
from tests.helpers.inspections import Notes
from tests.helpers.runs import Watcher

QUICK = Wishes(quick=True)
KEYS = ["genes", "weights", "drives", "repertoire", "memory", "lesions", "landscape", "lineage"]
# A brain that is told all there is, and remembers.
TOLD = ["observation", "last_observation", "last_action", "last_reward", "new_episode"]
GATED = {"trunk": "gru", "hidden": [4], "inputs": TOLD, "readout": "product"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    start_run(config(), "toy", folder / "run", OwnDrivers(1), Watcher())
    inspect_dna(folder / "run", QUICK, None, 1, Notes())
    return folder


def numbers(directory: Path):
    """What may not differ between two inspections of the same DNA."""
    content = json.loads((directory / INSPECTION_FILE).read_text())
    for entry in content["sections"]:
        del entry["seconds"]
    return {name: content[name] for name in ("about", "sections", "replays")}


def test_every_section_has_numbers_and_words_in_the_order_of_the_page(folder: Path) -> None:
    assert [part.key for part in PARTS] == KEYS
    assert set(BUILDERS) == {*KEYS, "comparison"}
    page, sections = write_inspection_report(folder / "run" / "inspection")
    assert [section.key for section in sections] == KEYS
    missing = {section.key: section.missing for section in sections if section.missing}
    assert missing == {"memory": missing.get("memory")}
    assert missing["memory"].startswith("it carries no state from step to step"), "its brain has none"
    for section in sections:
        if section.missing:
            continue
        assert section.sentences, section.key
        assert section.charts, section.key
        for chart in section.charts:
            assert chart.title, chart.key
            assert chart.sentence, chart.key
            assert chart.key.startswith(section.key), chart.key
    assert page.stat().st_size < 6_000_000


def test_the_same_command_gives_the_same_numbers_with_any_workers(folder: Path, tmp_path: Path) -> None:
    inspect_dna(folder / "run", QUICK, tmp_path / "again", 2, Notes())
    assert numbers(tmp_path / "again") == numbers(folder / "run" / "inspection")


def test_dna_that_was_sent_has_all_but_its_lineage(folder: Path, tmp_path: Path) -> None:
    sent = tmp_path / "sent.safetensors"
    shutil.copy(folder / "run" / "dna.safetensors", sent)
    wishes = Wishes(quick=True, only=("genes", "drives", "lineage"))
    inspected = inspect_dna(sent, wishes, tmp_path / "out", 1, Notes())
    assert [bool(section.missing) for section in inspected.sections] == [False, False, True]


def test_two_dnas_are_compared(folder: Path, tmp_path: Path) -> None:
    other = folder / "run" / "ancestors" / "generation_000000.safetensors"
    compared = compare_dna(folder / "run", other, QUICK, tmp_path / "out", 1, Notes())
    (section,) = compared.sections
    assert (section.key, section.missing) == ("comparison", "")
    assert section.sentences
    assert section.tables or section.charts


@pytest.mark.parametrize("memory", ["episode", "life"])
def test_every_section_is_made_of_a_brain_that_remembers_or_says_why_not(tmp_path: Path, memory: str) -> None:
    start_run(config(brain={**GATED, "memory": memory}), "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    inspect_dna(tmp_path / "run", QUICK, None, 1, Notes())
    _, sections = write_inspection_report(tmp_path / "run" / "inspection")
    assert [section.key for section in sections] == KEYS
    assert [section.missing for section in sections] == [""] * len(KEYS)
    said = {section.key: " ".join(section.sentences) for section in sections}
    assert all(said.values())
    for key in ("weights", "repertoire"):  # what has no answer without the state
        assert "carries a state from step to step" in said[key]
    assert "the carried state held at zero" in said["lesions"]
    assert "can be read with a skill of" in said["memory"]
    charts = {chart.key for section in sections for chart in section.charts}
    assert {"weights_spectra", "memory_past", "memory_example", "lesions_at_birth", "landscape_plane"} <= charts
    other = tmp_path / "run" / "ancestors" / "generation_000000.safetensors"
    (compared,) = compare_dna(tmp_path / "run", other, QUICK, tmp_path / "out", 1, Notes()).sections
    assert compared.missing == ""
    assert "Two random initialisations are" in " ".join(compared.sentences)
