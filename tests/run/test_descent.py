"""Who descends from whom, on disk: one row for every genome that was lived, whatever happened to the run."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from evolearn.config import check_config
from evolearn.errors import RunDirectoryError
from evolearn.genome import decode
from evolearn.inspection._descent import inspect_descent, line_of
from evolearn.life import OwnDrivers
from evolearn.report.inspection.descent import descent_chart, descent_words
from evolearn.run import DESCENT, load_dna, open_run, read_descent, resume_run, start_run
from tests.helpers.runs import Watcher, toy_with

POPULATION, GENERATIONS = 8, 5


def config():
    search = {"population": POPULATION, "generations": GENERATIONS}
    drives = {"generic": ["novelty"], "weights": {"fitness": 1, "novelty": 0.1}}
    return check_config(toy_with("genetic", search, drives=drives, checkpoint_every=2), "toy")


class Stops(Watcher):
    """Stops a run after so many generations, as Ctrl-C does."""

    def __init__(self, after):
        super().__init__()
        self._left = after

    def made(self, generation):
        super().made(generation)
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("descent") / "run"
    start_run(config(), "toy", path, OwnDrivers(1), Watcher())
    return path


def test_every_genome_that_was_lived_has_a_row(run):
    table = pq.read_table(run / DESCENT).to_pydict()
    # the population of the start, and as many children in each generation
    assert table["genome"] == list(range(POPULATION * (1 + GENERATIONS)))
    assert table["generation"] == [0] * 2 * POPULATION + [g for g in range(1, GENERATIONS) for _ in range(POPULATION)]
    assert table["parent"][:POPULATION] == [None] * POPULATION
    for child, parents in enumerate(zip(table["parent"], table["other_parent"], strict=True)):
        assert all(parent is None or parent < child for parent in parents)
    assert not (run / "descent").exists()
    dna = load_dna(run)
    born = [table[f"drive.{name}"] for name in dna.drives if f"drive.{name}" in table]
    evolved = [place for place, name in enumerate(dna.drives) if f"drive.{name}" in table]
    drives = decode(dna.pool, dna.genome[None]).drives[0][evolved]
    assert np.isclose(np.transpose(born), drives, atol=1e-5).all(axis=1).any(), "the DNA was lived"


def test_a_run_that_was_stopped_has_the_same_rows(run, tmp_path):
    path = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        start_run(config(), "toy", path, OwnDrivers(1), Stops(3))
    so_far = read_descent(path)
    assert so_far.num_rows == POPULATION * (1 + 3)
    assert not (path / DESCENT).exists()
    resume_run(open_run(path), OwnDrivers(1), Watcher())
    assert (path / DESCENT).read_bytes() == (run / DESCENT).read_bytes()


def test_a_search_that_breeds_no_genomes_from_genomes_has_no_rows(tmp_path):
    start_run(check_config(toy_with("snes"), "toy"), "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    assert read_descent(tmp_path / "run") is None
    assert not (tmp_path / "run/descent").exists()
    assert inspect_descent(load_dna(tmp_path / "run")) is None


def test_a_damaged_file_is_named(run, tmp_path):
    (tmp_path / DESCENT).write_bytes((run / DESCENT).read_bytes()[:100])
    with pytest.raises(RunDirectoryError, match=r"descent\.parquet: is damaged: .*; remove it, or run it again"):
        read_descent(tmp_path)


def test_a_line_follows_the_parent_whose_weight_is_nearer():
    parents = np.array([[-1, -1], [-1, -1], [0, 1], [1, -1], [2, 3]])
    weights = np.array([0.0, 1.0, 0.9, 5.0, 1.2])
    assert line_of(4, parents, weights) == [1, 2, 4]
    assert line_of(0, parents, weights) == [0]


def test_a_picture_leads_from_the_start_to_this_dna(run):
    assert open_run(run).is_finished
    found = inspect_descent(load_dna(run))
    assert found["genomes"] == POPULATION * (1 + GENERATIONS)
    assert 0 < found["founders"] <= found["ancestors"] < found["genomes"]
    assert f"{POPULATION} of them at the start; it is number {found['own']}" in descent_words(found)
    chart = descent_chart(found)
    assert [view.name for view in chart.views] == found["drives"]
    drives = dict(
        zip(load_dna(run).drives, decode(load_dna(run).pool, load_dna(run).genome[None]).drives[0], strict=True)
    )
    for view in chart.views:
        (line,) = [series for series in view.panels[0].series if series.name == "this DNA"]
        assert line.x[0] == 0
        assert line.y[-1] == pytest.approx(drives[view.name], abs=1e-5)
