"""Study directories that miss something or hold something else: made again, or named with what to do."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evolearn.errors import RunDirectoryError, UserError
from evolearn.files import FileDamaged, sealed
from evolearn.life import OwnDrivers
from evolearn.report import write_report
from evolearn.study import extend_study, open_study, resume_study
from evolearn.study._held_out import write_table
from evolearn.study._pieces import Pieces
from evolearn.study.directory import StudyDirectory
from evolearn.study.plan import StudyJob
from tests.helpers.study_watch import Onlooker, page_only, results

LIVES = "lives/as-it-is/evolved/run_01.parquet"


@pytest.fixture(autouse=True)
def _quick_report(monkeypatch) -> None:
    monkeypatch.setattr("evolearn.study.study.write_report", page_only)


@pytest.fixture
def copied(study_of_few: Path, tmp_path: Path) -> Callable[[], Path]:
    def copy() -> Path:
        return Path(shutil.copytree(study_of_few, tmp_path / "copy"))

    return copy


def resume(path: Path) -> Onlooker:
    onlooker = Onlooker()
    resume_study(open_study(path), OwnDrivers(1), onlooker)
    return onlooker


def test_a_missing_run_is_made_again_with_the_same_result(copied) -> None:
    path = copied()
    before = results(path)
    shutil.rmtree(path / "runs/as-it-is/evolved/run_01")
    (path / "verdict.json").unlink()
    onlooker = Onlooker()
    resume_study(open_study(path), OwnDrivers(1), onlooker)
    assert results(path) == before
    assert onlooker.jobs == [("as it is", "evolved", 1, "evolved")]


def test_test_lives_of_other_dna_than_a_run_comes_to_when_it_is_made_again_are_lived_again(copied) -> None:
    """As on another type of processor, where it may come to something else."""
    path = copied()
    before = results(path)
    shutil.rmtree(path / "runs/as-it-is/evolved/run_01")
    seal = (path / LIVES).with_suffix(".json")
    seal.write_text(json.dumps(sealed({**json.loads(seal.read_text()), "dna": "0" * 64})))
    onlooker = resume(path)
    assert [job[1:] for job in onlooker.jobs] == [
        ("evolved", 1, "evolved"),
        ("evolved", 1, "lived the test lives"),
    ]
    assert re.search(r"run_01\.json: says dna 0000", "\n".join(onlooker.warnings))
    assert results(path) == before


def test_a_file_in_the_place_of_the_report_is_told(copied, monkeypatch) -> None:
    monkeypatch.setattr("evolearn.study.study.write_report", write_report)
    path = copied()
    shutil.rmtree(path / "report")
    (path / "report").touch()
    with pytest.raises(UserError, match=r"report is in the way \(File exists\); remove it"):
        resume(path)


def test_a_run_without_its_label_is_told_and_not_thrown_away(copied) -> None:
    path = copied()
    run = path / "runs/as-it-is/evolved/run_01"
    for name in ("run.json", "dna.safetensors"):
        (run / name).unlink()
    with pytest.raises(RunDirectoryError, match=r"run_01.*no run\.json.*; put it back, or remove .*run_01: evolearn"):
        resume(path)
    assert (run / "generations.jsonl").exists()


def test_a_run_that_goes_on_must_be_the_one_that_was_planned(copied) -> None:
    path = copied()
    runs = path / "runs/as-it-is/evolved"
    shutil.rmtree(runs / "run_01")
    shutil.copytree(runs / "run_00", runs / "run_01")
    (runs / "run_01/dna.safetensors").unlink()
    with pytest.raises(
        RunDirectoryError, match=r"config\.yaml: is of another run than evolved under as it is, run 1: s"
    ):
        resume(path)


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
        ("dna.safetensors", b"no dna", r"dna\.safetensors: was altered or swapped since it was written"),
        ("dna.safetensors", "run_00", r"dna\.safetensors: is DNA of a run with seed \d+, must be of seed \d+"),
        ("config.yaml", b"seed: 1\n", r"config\.yaml: was altered or swapped since it was written"),
        ("generations.jsonl", b"", r"generations\.jsonl: was altered or swapped since it was written"),
        ("generations.jsonl", None, r"generations\.jsonl: is missing"),
    ],
    ids=["garbage for dna", "another run's dna", "altered run config", "no rows", "rows are gone"],
)
def test_a_run_that_does_not_fit_is_named_with_what_to_do(
    file: str, damage: bytes | str | None, text: str, copied
) -> None:
    """It is the work of days, perhaps: nothing of it is thrown away unasked."""
    path = copied()
    run = path / "runs/as-it-is/evolved/run_01"
    if damage is None:
        (run / file).unlink()
    else:
        (run / file).write_bytes(damage if isinstance(damage, bytes) else (run.parent / damage / file).read_bytes())
    before = results(path)
    for command in (resume, lambda path: extend_study(open_study(path), 1, (), OwnDrivers(1), Onlooker())):
        with pytest.raises(RunDirectoryError, match=rf"{text}.*; put it back, or remove .*run_01: evolearn resume"):
            command(path)
    assert results(path) == before


def swapped(path: Path, one: str, other: str) -> None:
    (path / one).rename(path / "between")
    (path / other).rename(path / one)
    (path / "between").rename(path / other)


def test_test_lives_that_do_not_fit_are_put_aside_and_lived_again(copied) -> None:
    path = copied()
    before = results(path)
    lives = path / "lives/as-it-is"
    (lives / "evolved/run_01.parquet").write_bytes(b"PAR1 no more")
    swapped(lives, "random/run_00.parquet", "oracle/run_00.parquet")
    (lives / "tuned_blank/run_00.json").write_text("{}")
    for name in ("run_01.parquet", "run_01.json"):
        shutil.copy(lives / "oracle" / name, lives / "tuned_blank" / name)
    onlooker = resume(path)
    assert results(path) == before
    changed = r"parquet: was altered or swapped since it was written: its bytes do not match the checksum .* beside it"
    told = {
        "evolved/run_01": changed,
        "random/run_00": changed,
        "oracle/run_00": changed,
        "tuned_blank/run_00": "json: is damaged: lacks sha256",
        "tuned_blank/run_01": "json: says arm oracle, must be tuned_blank: it belongs to something else",
    }
    for piece, text in told.items():
        said = rf"{piece}\.{text}; it lies in damaged/lives/as-it-is/{piece}\.parquet now, these lives are lived again"
        assert re.search(said, "\n".join(onlooker.warnings)), piece
        assert (path / f"damaged/lives/as-it-is/{piece}.json").exists()
    assert sorted(f"{arm}/run_{run:02d}" for _, arm, run, what in onlooker.jobs) == sorted(told)
    assert not any("evolved" in what for *_, what in onlooker.jobs), "nothing evolves again"
    with pytest.raises(RunDirectoryError, match="is finished"):
        resume(path)


def test_damaged_results_are_made_again_from_what_they_are_of(copied) -> None:
    path = copied()
    before = results(path)
    told = {
        "verdict.json": "was altered since it was written: it does not match its checksum",
        "ledger.json": r"is damaged, or of other results than verdict\.json",
        "lives.parquet": r"is damaged, or of other results than verdict\.json",
        "replays/as-it-is.json": r"is damaged, or of other results than verdict\.json",
        "environment.json": "is damaged, or of another one than the rest",
    }
    damaged = {}
    for name, text in told.items():
        whole = (path / name).read_bytes()
        place = whole.index(b"1", len(whole) // 2) if name.endswith("json") else len(whole) // 2
        damaged[name] = whole[:place] + b"2" + whole[place + 1 :]
        (path / name).write_bytes(damaged[name])
        with pytest.raises(
            RunDirectoryError, match=rf"{name}: {text}; evolearn resume .* makes it again|writes it again"
        ):
            extend_study(open_study(path), 1, (), OwnDrivers(1), Onlooker())
        (path / name).write_bytes(whole)
    for name, payload in damaged.items():
        (path / name).write_bytes(payload)
    onlooker = resume(path)
    for name in ("replays/as-it-is.json", "environment.json"):
        assert re.search(rf"{name}: was altered .*; it lies in damaged/{name} now, it", "\n".join(onlooker.warnings))
    assert onlooker.jobs == []
    assert results(path) == before
    with pytest.raises(RunDirectoryError, match="is finished"):
        resume(path)


def test_a_verdict_to_be_read_that_is_damaged_or_not_there_yet_is_told(copied) -> None:
    study = open_study(copied())
    file = study.path / "verdict.json"
    assert study.read_verdict() == json.loads(file.read_text())
    file.write_text("[1]")
    with pytest.raises(FileDamaged, match=rf"verdict\.json: is damaged.*evolearn resume {study.path} writes it again"):
        study.read_verdict()
    file.unlink()
    with pytest.raises(RunDirectoryError, match=f"has no verdict yet; evolearn resume {study.path} finishes it"):
        study.read_verdict()


def test_what_is_no_file_is_put_aside_too(copied) -> None:
    path = copied()
    before = results(path)
    made = {
        "verdict.json": os.mkfifo,
        "lives.parquet": os.mkdir,
        "replays/as-it-is.json": os.mkfifo,
        "environment.json": os.mkdir,
        LIVES: os.mkfifo,
        LIVES.replace("01.parquet", "00.json"): os.mkdir,
    }
    for name, make in made.items():
        (path / name).unlink()
        make(path / name)
    resume(path)
    assert results(path) == before
    assert all((path / "damaged" / name).exists() for name in made)


def test_a_table_that_was_removed_is_made_again(copied) -> None:
    path = copied()
    before = results(path)
    (path / "lives.parquet").unlink()
    onlooker = resume(path)
    assert onlooker.jobs == onlooker.warnings == []
    assert results(path) == before


def test_fewer_test_lives_than_planned_are_found(copied) -> None:
    """Also where they are sealed as if they were whole."""
    path = copied()
    study = open_study(path)
    pieces = Pieces(study.read_config(), study)
    job = StudyJob("as it is", "evolved", 1, 0, True)
    table = pieces.table(job)
    pieces.seal_lives(job, write_table(table.filter([life < 2 for life in table["life"].to_pylist()]), path / LIVES))
    (path / "verdict.json").unlink()
    with pytest.raises(RunDirectoryError, match=r"run_01\.parquet: is damaged: has 18 rows, must have 27; remove it"):
        resume(path)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (None, r"STUDY=.*: is not a study directory \(no study\.json\)"),
        ("{", r"study\.json: is damaged: .*; put it back, or start a new study from"),
        ('{"kind": "study"}', r"study\.json: is damaged: lacks format; start a new study from"),
        ('{"kind": "study", "format": 3}', r"study\.json: is damaged: lacks sha256; put it back, or start a new study"),
        (
            '{"kind": "study", "format": 99, "evolearn": "9.9"}',
            r"has format 99 \(made by evolearn 9\.9\), this evolearn",
        ),
        (  # whose birth scores are of all bodies
            '{"kind": "study", "format": 1, "evolearn": "0.1"}',
            r"has format 1 \(made by evolearn 0\.1\), this evolearn reads 3; use that version, or start a new study",
        ),
    ],
)
def test_what_is_no_study_is_told(label: str | None, text: str, tmp_path: Path) -> None:
    if label is not None:
        (tmp_path / "study.json").write_text(label)
    with pytest.raises(RunDirectoryError, match=text):
        open_study(tmp_path).label()


def test_a_study_whose_config_is_gone_is_told(copied) -> None:
    path = copied()
    (path / "study.yaml").unlink()
    with pytest.raises(RunDirectoryError, match=r"study\.yaml: is missing; put it back"):
        extend_study(open_study(path), 1, (), OwnDrivers(1), Onlooker())


def test_names_become_folders_that_stay_inside_the_study(tmp_path: Path) -> None:
    study = StudyDirectory(tmp_path / "study")
    assert study.run("../../etc", "evolved", 3).path == tmp_path / "study/runs/etc/evolved/run_03"
