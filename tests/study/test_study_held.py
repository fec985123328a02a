"""One process at a time writes in a study's directory."""

import shutil
from pathlib import Path

import pytest

from evolearn.files import REPORT_LOCK, holding
from evolearn.files.locks import DirectoryHeld
from evolearn.life import OwnDrivers
from evolearn.study import extend_study, open_study, resume_study
from tests.helpers.command import evolearn
from tests.helpers.study_watch import Onlooker, results


def test_a_study_that_is_being_written_is_neither_continued_nor_extended(study_of_few: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(study_of_few, tmp_path / "study"))
    before = results(path)
    study = open_study(path)
    shutil.rmtree(path / "report")
    with open_study(path).hold():
        with pytest.raises(DirectoryHeld, match=f"STUDY={path}: is being written by this process itself"):
            resume_study(study, OwnDrivers(1), Onlooker())
        with pytest.raises(DirectoryHeld, match=f"STUDY={path}: is being written by this process itself"):
            extend_study(study, 1, [], OwnDrivers(1), Onlooker())
    assert results(path) == before


def test_a_page_that_is_being_written_is_not_written_twice(study_of_few: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(study_of_few, tmp_path / "study"))
    with holding(path / REPORT_LOCK, "STUDY"):
        done = evolearn("report", "study", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: DIRECTORY=study: is being written by this process itself")
