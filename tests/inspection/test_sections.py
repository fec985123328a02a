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
KEYS = ["genes", "weights", "drives", "repertoire", "lesions", "landscape", "lineage"]


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
    assert [section.missing for section in sections] == [""] * len(KEYS)
    for section in sections:
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
