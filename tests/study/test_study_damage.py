"""Study directories that miss something or hold something else: made again, or named with what to do."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evolearn.errors import RunDirectoryError
from evolearn.life import OwnDrivers
from evolearn.study import extend_study, open_study, resume_study
from evolearn.study._held_out import read_table, write_table
from evolearn.study.directory import StudyDirectory
from tests.helpers.study_watch import Onlooker, page_only, results


@pytest.fixture(autouse=True)
def _quick_report(monkeypatch) -> None:
    monkeypatch.setattr("evolearn.study.study.write_report", page_only)


@pytest.fixture
def copied(study_of_few: Path, tmp_path: Path) -> Callable[[], Path]:
    def copy() -> Path:
        return Path(shutil.copytree(study_of_few, tmp_path / "copy"))

    return copy


def test_a_missing_run_is_made_again_with_the_same_result(copied) -> None:
    path = copied()
    before = results(path)
    shutil.rmtree(path / "runs/as-it-is/evolved/run_01")
    (path / "verdict.json").unlink()
    onlooker = Onlooker()
    resume_study(open_study(path), OwnDrivers(1), onlooker)
    assert results(path) == before
    assert onlooker.jobs == [("as it is", "evolved", 1, "evolved")]


def test_missing_dna_is_made_again_from_its_last_checkpoint(copied) -> None:
    path = copied()
    before = results(path)
    (path / "runs/as-it-is/evolved/run_01/dna.safetensors").unlink()
    (path / "verdict.json").unlink()
    onlooker = Onlooker()
    resume_study(open_study(path), OwnDrivers(1), onlooker)
    assert results(path) == before
    assert sum(onlooker.generations.values()) == 0


def test_missing_test_lives_are_lived_again_with_the_same_result(copied) -> None:
    path = copied()
    before = results(path)
    (path / "lives/as-it-is/evolved/run_01.parquet").unlink()
    (path / "verdict.json").unlink()
    resume_study(open_study(path), OwnDrivers(1), Onlooker())
    assert results(path) == before


@pytest.mark.parametrize(
    ("file", "damage", "text"),
    [
        ("lives/as-it-is/evolved/run_01.parquet", b"PAR1 no more", "is damaged: .*; remove it, and evolearn resume"),
        ("lives/as-it-is/oracle/run_00.parquet", None, "is damaged: .*3 rows are not whole lives|is damaged: .* lives"),
        ("runs/as-it-is/evolved/run_01/dna.safetensors", b"no dna", "dna.safetensors: is not a DNA file of evolearn"),
        ("runs/as-it-is/evolved/run_01/run.json", b"", "its run.json is damaged"),
        ("runs/as-it-is/evolved/run_01/config.yaml", b"seed: 1\n", "config.yaml: was altered since the run was made"),
        (
            "runs/as-it-is/evolved/run_01/generations.jsonl",
            b"",
            "generations.jsonl: has 0 whole rows, must have 2; put the file back, or remove .*run_01: evolearn resume",
        ),
    ],
    ids=["garbage for lives", "lives cut off", "garbage for dna", "no label", "altered run config", "no rows"],
)
def test_a_damaged_part_is_named_with_what_to_do(file: str, damage: bytes | None, text: str, copied) -> None:
    path = copied()
    if damage is None:
        table = read_table(path / file)
        write_table(table.slice(0, table.num_rows - 3), path / file)
    else:
        (path / file).write_bytes(damage)
    (path / "verdict.json").unlink()
    with pytest.raises(RunDirectoryError, match=text):
        resume_study(open_study(path), OwnDrivers(1), Onlooker())
    assert not (path / "verdict.json").exists()


def test_fewer_test_lives_than_planned_are_found(copied) -> None:
    path = copied()
    file = path / "lives/as-it-is/evolved/run_01.parquet"
    table = read_table(file)
    write_table(table.filter([life < 2 for life in table["life"].to_pylist()]), file)
    (path / "verdict.json").unlink()
    with pytest.raises(RunDirectoryError, match=r"run_01\.parquet: is damaged: 2 lives, must be 3; remove it"):
        resume_study(open_study(path), OwnDrivers(1), Onlooker())


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (None, r"STUDY=.*: is not a study directory \(no study\.json\)"),
        ("{", "its study.json is damaged"),
        ('{"kind": "study"}', "its study.json is damaged: 'format'"),
        (
            '{"kind": "study", "format": 99, "evolearn": "9.9"}',
            r"has format 99 \(made by evolearn 9\.9\), this evolearn",
        ),
        (  # whose birth scores are of all bodies
            '{"kind": "study", "format": 1, "evolearn": "0.1"}',
            r"has format 1 \(made by evolearn 0\.1\), this evolearn reads 2; use that version, or start a new study",
        ),
    ],
)
def test_what_is_no_study_is_told(label: str | None, text: str, tmp_path: Path) -> None:
    if label is not None:
        (tmp_path / "study.json").write_text(label)
    with pytest.raises(RunDirectoryError, match=text):
        open_study(tmp_path)


def test_a_study_whose_config_is_gone_is_told(copied) -> None:
    path = copied()
    (path / "study.yaml").unlink()
    with pytest.raises(RunDirectoryError, match=r"study\.yaml: cannot be read: No such file"):
        extend_study(open_study(path), 1, (), OwnDrivers(1), Onlooker())


def test_names_become_folders_that_stay_inside_the_study(tmp_path: Path) -> None:
    study = StudyDirectory(tmp_path / "study")
    assert study.run("../../etc", "evolved", 3).path == tmp_path / "study/runs/etc/evolved/run_03"
