"""Study directories that miss something or hold something else: made again, or named with what to do."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evolearn.errors import RunDirectoryError
from evolearn.files import sealed
from evolearn.life import OwnDrivers
from evolearn.study import extend_study, open_study, resume_study
from evolearn.study._held_out import write_table
from evolearn.study.directory import StudyDirectory
from evolearn.study.pieces import Pieces
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
    shutil.rmtree(run)
    assert resume(path).warnings == []
    assert results(path) == before


def swapped(path: Path, one: str, other: str) -> None:
    (path / one).rename(path / "between")
    (path / other).rename(path / one)
    (path / "between").rename(path / other)


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda path: (path / LIVES).write_bytes(b"PAR1 no more"), r"run_01\.parquet: was altered or swapped"),
        (
            lambda path: swapped(path, LIVES, "lives/as-it-is/oracle/run_01.parquet"),
            r"evolved/run_01\.parquet: was altered or swapped since",
        ),
        (
            lambda path: shutil.copytree(
                path / "lives/as-it-is/oracle", path / "lives/as-it-is/evolved", dirs_exist_ok=True
            ),
            r"evolved/run_01\.json: says arm oracle, must be evolved: it belongs to something else",
        ),
        (
            lambda path: (path / LIVES).with_suffix(".json").write_text("{}"),
            r"evolved/run_01\.json: is damaged: lacks sha256",
        ),
    ],
    ids=["garbage", "another arm's file", "another arm's files", "no record of whose they are"],
)
def test_test_lives_that_do_not_fit_are_put_aside_and_lived_again(damage, text: str, copied) -> None:
    path = copied()
    before = results(path)
    damage(path)
    onlooker = resume(path)
    assert results(path) == before
    assert any(
        re.search(rf"{text}.*; it lies in damaged/lives/as-it-is/.* now, these lives", said)
        for said in onlooker.warnings
    )
    assert (path / "damaged" / LIVES).exists()
    assert ("as it is", "evolved", 1, "lived the test lives") in onlooker.jobs
    assert not any("evolved" in job[3] for job in onlooker.jobs), "nothing evolves again"
    with pytest.raises(RunDirectoryError, match="is finished"):
        resume(path)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("verdict.json", r"verdict\.json: was altered since it was written: .*; the results are made again"),
        (
            "ledger.json",
            r"ledger\.json: is damaged, or of other results than verdict\.json; the results are made again",
        ),
        ("lives.parquet", r"lives\.parquet: is damaged, or of other results than verdict\.json; the results are"),
        ("replays/as-it-is.json", r"as-it-is\.json: .*; it lies in damaged/replays/as-it-is\.json now, it is recorded"),
        (
            "environment.json",
            r"environment\.json: was altered .*; it lies in damaged/environment\.json now, it now tells",
        ),
    ],
)
def test_damaged_results_are_made_again_from_what_they_are_of(file: str, said: str, copied) -> None:
    path = copied()
    before = results(path)
    payload = (path / file).read_bytes()
    place = payload.index(b"1", len(payload) // 2) if file.endswith("json") else len(payload) // 2
    (path / file).write_bytes(payload[:place] + b"2" + payload[place + 1 :])
    with pytest.raises(RunDirectoryError, match=r"; evolearn resume"):
        extend_study(open_study(path), 1, (), OwnDrivers(1), Onlooker())
    onlooker = resume(path)
    assert re.search(said, "\n".join(onlooker.warnings))
    assert onlooker.jobs == []
    assert results(path) == before
    with pytest.raises(RunDirectoryError, match="is finished"):
        resume(path)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
@pytest.mark.parametrize(
    "name", ["verdict.json", "lives.parquet", "replays/as-it-is.json", "environment.json", LIVES, LIVES[:-8] + ".json"]
)
def test_what_is_no_file_is_put_aside_too(name: str, make: Callable[[Path], None], copied) -> None:
    path = copied()
    before = results(path)
    (path / name).unlink()
    make(path / name)
    resume(path)
    assert results(path) == before
    assert (path / "damaged" / name).exists()


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
