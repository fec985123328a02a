"""Runs in which brains, or the search, leave the finite numbers: nobody wins by it, and nothing of it is written."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from evolearn.cli.show_run import RunScreen
from evolearn.config import check_config, override
from evolearn.genome import GenePool, from_z
from evolearn.life import OwnDrivers
from evolearn.run import (
    Checkpoint,
    DNAError,
    Generation,
    RunDirectory,
    SearchDiverged,
    assemble,
    load_dna,
    open_run,
    resume_run,
    start_run,
)
from evolearn.run._generation import with_learned
from evolearn.run.choosing import _best_on_validation
from evolearn.run.dna import save_dna
from tests.helpers.runs import Watcher, toy, toy_with

COSTS = {"name": "gymnasium:MountainCar-v0"}  # -1 in every step: the life that ends first has lost least
SHORT = {"lives": 2, "lifetimes": [40], "birth_steps": 20, "bin_steps": 10}
LEAVES = {"options": {"stdev_learning_rate": 1e4}}


def strictly(text: str) -> dict:
    """JSON without the NaN that Python's own reader takes."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_of_a_last_generations_leaders_none_whose_brain_diverges_is_the_best() -> None:
    setup = assemble(check_config(toy_with("pgpe", {"selection_lifetime": 20}, world=COSTS), "toy"))
    leaders = np.zeros((3, setup.pool.size), np.float32)
    leaders[0], leaders[2] = np.nan, np.inf
    drivers = OwnDrivers(1)
    try:
        best, _ = _best_on_validation(setup, setup.driver(drivers), leaders)
    finally:
        drivers.close()
    assert np.isfinite(best).all()


@pytest.mark.parametrize("sampling", ["whole", "blockwise"])
def test_genomes_that_diverge_rank_last_and_are_left_out_of_the_row(sampling: str, tmp_path: Path, monkeypatch) -> None:
    def with_two_broken(pool: GenePool, z: np.ndarray) -> np.ndarray:
        genomes = from_z(pool, z)
        if genomes.ndim > 1 and len(genomes) > 1:  # not the centre, where it lives alone
            genomes[:2] = np.nan
        return genomes

    monkeypatch.setattr("evolearn.run.setup.from_z", with_two_broken)
    monkeypatch.setattr("evolearn.search.drawn_blocks.from_z", with_two_broken)
    monkeypatch.setattr("evolearn.search.draws.BLOCKS", 2)
    content = toy_with("cem", {"selection_lifetime": 20, "generations": 2, "sampling": sampling}, world=COSTS)
    watcher = Watcher()
    start_run(check_config(content | {"evaluation": SHORT}, "toy"), "toy", tmp_path / "run", OwnDrivers(1), watcher)
    first = watcher.rows[0]
    assert first.diverged_lives == (4 if sampling == "whole" else 8), "two genomes of each block"
    assert first.fitness_best == first.fitness_mean == -20.0, "not the 0 of a life that ended at its first step"
    assert np.isfinite(load_dna(tmp_path / "run").genome).all()


def test_a_row_of_which_no_genome_is_left_is_null(tmp_path: Path, monkeypatch) -> None:
    def broken(pool: GenePool, z: np.ndarray) -> np.ndarray:
        return np.full_like(z, np.nan) if z.ndim > 1 else from_z(pool, z)

    monkeypatch.setattr("evolearn.run.setup.from_z", broken)
    content = toy_with("pgpe", {"selection_lifetime": 20, "generations": 2}, world=COSTS, evaluation=SHORT)
    with pytest.raises(
        SearchDiverged, match=r"no genome of the last generation can live: the best genome has .* finite"
    ):
        start_run(check_config(content, "toy"), "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    rows = [strictly(line) for line in (tmp_path / "run" / "generations.jsonl").read_text().splitlines()]
    assert [row["diverged_lives"] for row in rows] == [18, 18]
    assert {row[f"fitness_{name}"] for row in rows for name in ("mean", "std", "best", "centre")} == {None}
    assert rows[0]["search_stdev"] == rows[1]["search_stdev"], "no step"
    assert not (tmp_path / "run" / "dna.safetensors").exists()


def test_a_closing_table_counts_diverged_lives_as_the_worst_of_any_arm(tmp_path: Path, monkeypatch) -> None:
    content = toy_with("pgpe", {"selection_lifetime": 20, "generations": 1}, world=COSTS, evaluation=SHORT)
    config = check_config(content, "toy")
    genome = np.full(assemble(config).pool.size, np.nan, np.float32)
    monkeypatch.setattr(RunDirectory, "load_dna", lambda self: type("NoDNA", (), {"genome": genome}))
    result = start_run(config, "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    evolved, blank = result.scores("evolved"), result.scores("blank")
    assert (evolved.diverged, blank.diverged) == (2, 0)
    assert evolved.birth == blank.birth == -20.0
    assert evolved.by_lifetime == blank.by_lifetime == (-40.0,)
    assert evolved.quarters == blank.quarters
    assert strictly((tmp_path / "run" / "result.json").read_text())["arms"][1]["diverged"] == 2


@pytest.fixture(scope="module")
def left(tmp_path_factory) -> tuple[Path, str]:
    """A run whose search left the finite numbers in its second generation, and what it said."""
    path = tmp_path_factory.mktemp("left") / "run"
    with pytest.raises(SearchDiverged) as caught:
        start_run(check_config(toy_with("snes", LEAVES), "toy"), "toy", path, OwnDrivers(1), Watcher())
    return path, str(caught.value)


def test_a_search_that_leaves_the_finite_numbers_ends_its_run_with_the_cause_and_the_remedy(left) -> None:
    path, text = left
    assert text.startswith(f"RUN={path}: generation 2 of 4 was not made: the new population has ")
    assert "A step of search.algorithm=snes was too large, or its spread became too small (search.options: " in text
    assert "stdev_learning_rate=10000" in text
    assert text.endswith(f"begin anew, with smaller steps: evolearn run {path / 'config.yaml'} search.options={{}}")


def test_what_was_made_before_is_kept_and_no_dna_that_is_not_finite_is_written(left) -> None:
    path, text = left
    directory = open_run(path)
    assert [row["generation"] for row in directory.rows()] == [0]
    checkpoint = next(directory.checkpoints())
    assert isinstance(checkpoint, Checkpoint)
    assert (checkpoint.generation, directory.has_dna) == (0, False)
    assert np.isfinite(load_dna(path / "ancestors" / "generation_000000.safetensors").genome).all()
    with pytest.raises(SearchDiverged) as again:
        resume_run(directory, OwnDrivers(1), Watcher())
    assert str(again.value) == text, "the same end, as the text says"


def test_the_remedy_works(left, tmp_path: Path) -> None:
    _, text = left
    remedy = text.rsplit("config.yaml ", 1)[1].split()
    config = check_config(override(toy_with("snes", LEAVES), remedy), "toy")
    start_run(config, "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    assert open_run(tmp_path / "run").is_finished


@pytest.mark.parametrize("place", ["genome", "stdev"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_dna_that_is_not_finite_is_neither_written_nor_read(
    place: str, bad: float, tmp_path: Path, monkeypatch
) -> None:
    setup = assemble(check_config(toy(), "toy"))
    parts = {name: np.zeros(setup.pool.size, np.float32) for name in ("genome", "stdev")}
    parts[place][3] = bad
    about = {"role": "centre", "lineage": {"generation": 0}}
    path = tmp_path / "dna.safetensors"
    text = f"{place}: 1 of {setup.pool.size} numbers are not finite"
    with pytest.raises(DNAError, match=text):
        save_dna(path, setup, parts["genome"], parts["stdev"], about)
    assert not path.exists()
    with monkeypatch.context() as older:
        older.setattr("evolearn.run.dna._require_finite", lambda *_: None)
        save_dna(path, setup, parts["genome"], parts["stdev"], about)
    with pytest.raises(DNAError, match=text):
        load_dna(path)


def test_learned_weights_that_a_narrow_spread_makes_infinite_are_not_inherited() -> None:
    genome = {"weights": {"spread": 1e-12}, "inheritance": "lamarckian"}
    setup = assemble(check_config(toy("genetic", genome=genome), "toy"))
    z = np.zeros((2, setup.pool.size), np.float32)
    learned = np.zeros((2, setup.conditions.brain.weights), np.float32)
    learned[1] = 1e30
    assert np.isfinite(with_learned(setup, z, learned)).all()


def test_the_screen_counts_lives_that_diverged_and_shows_no_nan(capsys) -> None:
    screen = RunScreen(Console(width=200, force_terminal=False))
    setup = assemble(check_config(toy(), "toy"))
    screen.starting(setup, Path("run"), 0)
    nothing = dict.fromkeys(("fitness_mean", "fitness_std", "fitness_best", "fitness_centre"), math.nan)
    numbers = {"generation": 0, "world_steps": 1, "seconds": 1.0, "steps_per_second": 1.0, "evaluations": 9}
    rest = {"fitness_sha256": "", "paired_correlation": None, "search_stdev": 1.0, "skipped_updates": 0}
    screen.made(Generation(**nothing, **numbers, **rest, diverged_lives=18, peak_memory=1))
    screen.close()
    text = capsys.readouterr().out
    assert "best none  mean none  centre none" in text
    assert "18 lives diverged" in text
