"""Undisturbed runs, made once for all tests of runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from evolearn.config import check_config
from evolearn.life import OwnDrivers
from evolearn.run import start_run
from tests.helpers.runs import KINDS, Watcher


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Callable[[str], Path]:
    """The directory of an undisturbed run of one kind; a test may read it, and no more."""
    folder = tmp_path_factory.mktemp("undisturbed")

    def run_of(kind: str) -> Path:
        path = folder / kind
        if not path.exists():
            start_run(check_config(KINDS[kind], kind), "toy", path, OwnDrivers(1), Watcher())
        return path

    return run_of
