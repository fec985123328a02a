"""Runs with restarts: charged within the plan, resumed bit for bit, and the result is that of the best restart."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch

from evolearn.config import ConfigError, check_config
from evolearn.life import OwnDrivers, evaluate
from evolearn.run import (
    Interrupted,
    RunDirectory,
    Wanted,
    ancestors,
    assemble,
    leader_keys,
    load_dna,
    new_search,
    open_run,
    relive_selection,
    restart_keys,
    resume_run,
    start_run,
    to_genomes,
)
from evolearn.search import planned_outer_steps
from tests.helpers.runs import Watcher, digests, toy_with
from tests.helpers.training import WEIGHTS_ONLY
from tests.helpers.trials import Asked

GENERATIONS = 20
FLAT = 9  # steps in which no cart's pole falls: every genome scores the same


def stuck(algorithm: str = "snes", restart: str = "stagnation", **search) -> dict:
    """A run that stands still wherever it begins: nobody can fall."""
    return toy_with(
        algorithm,
        {
            "generations": GENERATIONS,
            "selection_lifetime": FLAT,
            "restart": restart,
            "restart_window": 2,
            **search,
        },
    )


@pytest.fixture
def often(monkeypatch) -> None:
    """Every search counts as stuck after three generations, whatever it came to."""
    monkeypatch.setattr("evolearn.search.restarts.stagnates", lambda curves, window: len(curves) >= 3)


def run(content: dict, path: Path, **watched) -> Watcher:
    watcher = Watcher(**watched)
    start_run(check_config(content, "toy"), "toy", path, OwnDrivers(1), watcher)
    return watcher


@pytest.mark.parametrize("restart", ["stagnation", "ipop"])
@pytest.mark.parametrize("kind", ["snes", "genetic", "cmaes", "blockwise"])
def test_stopped_on_both_sides_of_a_restart_it_is_the_run_that_was_never_stopped(
    kind: str, restart: str, often, tmp_path: Path
) -> None:
    more = {"sampling": "blockwise"} if kind == "blockwise" else {}
    content = toy_with(
        "cem" if kind == "blockwise" else kind, {"generations": 12, "restart": restart, "restart_window": 2, **more}
    )
    whole, path = tmp_path / "whole", tmp_path / "run"
    run(content, whole)
    rows = open_run(whole).rows()
    restarts = [row["restart"] for row in rows]
    assert restarts[:4] == [0, 0, 0, 1]
    with pytest.raises(Interrupted):
        run(content, path, stop_after=2)
    for last in (3, 4):
        with pytest.raises(Interrupted):
            resume_run(open_run(path), OwnDrivers(2), Watcher(stop_after=last))
        assert len(digests(path)) == last + 1
    resume_run(open_run(path), OwnDrivers(1), Watcher())
    assert digests(path) == digests(whole)
    assert [row["restart"] for row in open_run(path).rows()] == restarts
    files = ["dna.safetensors", "dna_best.safetensors", f"checkpoints/generation_{len(rows) - 1:06}.safetensors"]
    for name in files:
        found, expected = (safetensors.numpy.load_file(place / name) for place in (path, whole))
        assert found.keys() == expected.keys()
        assert all(found[part].tobytes() == expected[part].tobytes() for part in expected), name
    assert (path / "result.json").read_text() == (whole / "result.json").read_text()


@pytest.mark.parametrize("sampling", ["whole", "blockwise"])
def test_every_restart_draws_numbers_of_its_own_and_the_first_those_of_none(sampling: str) -> None:
    first = {}
    for restart in ("none", "stagnation"):
        search = new_search(assemble(check_config(stuck(restart=restart, sampling=sampling), "toy")))
        trial = Asked(lambda z: np.ones(len(z)))
        for _ in range(GENERATIONS):
            search.step(trial)
            if restart != "none":
                search.told(1.0, 1.0)
        first[restart] = trial.seen
    starts = [first["stagnation"][number] for number in (0, 5, 10, 15)]
    assert np.array_equal(first["none"][0], starts[0])
    assert len({start.tobytes() for start in starts}) == 4


@pytest.mark.parametrize("restart", ["stagnation", "ipop"])
def test_what_stands_still_begins_again_and_costs_no_more_than_was_planned(restart: str, tmp_path: Path) -> None:
    content = stuck(restart=restart)
    watcher = run(content, tmp_path / "run")
    rows = open_run(tmp_path / "run").rows()
    # Five generations show a standstill with a window of two; a restart needs four more.
    assert [row["restart"] for row in rows][:6] == [0, 0, 0, 0, 0, 1]
    assert max(row["restart"] for row in rows) == (3 if restart == "stagnation" else 1)
    assert sum(row["world_steps"] for row in rows) <= planned_outer_steps(check_config(content, "toy").search)
    assert watcher.result.evolution_steps == sum(row["world_steps"] for row in rows)
    if restart == "stagnation":
        assert len(rows) == GENERATIONS
    else:
        assert [row["evaluations"] for row in rows] == [9] * 5 + [17] * 7  # 16 of 180 genomes are left over


def test_the_result_is_that_of_the_best_restart_on_lives_that_chose_nothing(often, tmp_path: Path) -> None:
    path = tmp_path / "run"
    content = toy_with("snes", {"generations": 12, "restart": "stagnation", "restart_window": 2})
    run(content, path)
    setup = assemble(open_run(path).read_config())
    state = safetensors.torch.load_file(path / "checkpoints/generation_000011.safetensors")
    rows = open_run(path).rows()
    assert [row["restart"] for row in rows] == [0] * 3 + [1] * 3 + [2] * 6
    centres = [state[f"past.{number}.centre"].numpy() for number in range(2)]
    centres.append(state["search.distribution.mu"].numpy())
    genomes = to_genomes(setup, np.stack(centres))
    keys = restart_keys(setup.config.seed, setup.config.search)
    assert len(keys) == 32
    driver = setup.driver(OwnDrivers(1))
    judged = evaluate(driver, setup.conditions, setup.pool, genomes, keys, setup.selection)
    driver.close()
    best = int(judged.fitness.mean(axis=1).argmax())
    dna = load_dna(path)
    assert np.array_equal(dna.genome, genomes[best])
    lineage = dna.header["lineage"]
    assert (lineage["restart"], lineage["generation"]) == (best, [2, 5, 11][best])
    assert lineage["fitness_sha256"] == rows[dna.generation]["fitness_sha256"]
    # Three centres on 32 lives, and 8 leaders of the best restart alone on 8 lives, of 60 steps each.
    assert lineage["validation_steps"] == (3 * 32 + 8 * 8) * 60
    assert load_dna(path / "dna_best.safetensors").header["lineage"] == lineage
    spaces = [keys, leader_keys(setup.config.seed, setup.config.search)]
    assert len(np.unique(np.concatenate(spaces), axis=0)) == sum(map(len, spaces))


def test_a_search_without_a_centre_is_judged_by_its_best_in_every_restart(often, tmp_path: Path) -> None:
    path = tmp_path / "run"
    run(toy_with("genetic", {"generations": 12, "restart": "stagnation", "restart_window": 2}), path)
    lineage = load_dna(path).header["lineage"]
    assert lineage["validation_steps"] == (3 * 32 + 3 * 8 * 8) * 60
    assert np.array_equal(load_dna(path).genome, load_dna(path / "dna_best.safetensors").genome)


def test_with_one_restart_only_nothing_is_compared_and_the_result_is_that_of_none(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain", tmp_path / "run"
    run(toy_with("snes", {"generations": 4}), plain)
    run(toy_with("snes", {"generations": 4, "restart": "ipop"}), path)
    assert digests(plain) == digests(path)
    for name in ("dna.safetensors", "dna_best.safetensors"):
        found, expected = load_dna(path / name), load_dna(plain / name)
        assert np.array_equal(found.genome, expected.genome)
        assert np.array_equal(found.stdev, expected.stdev)
        assert found.header["lineage"] | {"run": ""} == expected.header["lineage"] | {"run": ""}
    assert json.loads((path / "result.json").read_text()) == json.loads((plain / "result.json").read_text())
    assert {row["restart"] for row in open_run(plain).rows()} == {0}


@pytest.mark.parametrize("generation", [2, 3, 7])
def test_a_life_of_a_restart_is_lived_again_out_of_its_own_population(generation: int, often, tmp_path: Path) -> None:
    path = tmp_path / "run"
    run(toy_with("snes", {"generations": 14, "restart": "ipop", "restart_window": 2}, checkpoint_every=4), path)
    directory = open_run(path)
    row = directory.rows()[generation]
    centre = row["evaluations"] - 1  # the last one that a generation lives
    assert centre == (8 if generation < 3 else 16)
    lives = [relive_selection(directory, Wanted(generation, centre, life), False, 1, Silent()) for life in range(2)]
    assert np.mean([life.fitness for life in lives]) == row["fitness_centre"]
    for wanted, text in (
        (Wanted(generation, centre + 1, 0), f"--genome {centre + 1}: must be 0 .. {centre}"),
        (Wanted(len(directory.rows()), 0, 0), f"--generation .*: must be 0 .. {len(directory.rows()) - 1}"),
    ):
        with pytest.raises(ConfigError, match=text):
            relive_selection(directory, wanted, False, 1, Silent())


class Silent(Watcher):
    """Shows nothing of how a generation is made again, and must not be warned."""

    def remaking(self, generation, checkpoint) -> None:
        pass

    def warning(self, text) -> None:
        raise AssertionError(text)


def test_ancestors_are_counted_from_each_restart_and_each_last_one_is_kept(often, tmp_path: Path) -> None:
    run(toy_with("snes", {"generations": 14, "restart": "stagnation", "restart_window": 2}), tmp_path / "run")
    kept = [(one.header["lineage"]["restart"], one.generation) for one in ancestors(tmp_path / "run")]
    assert [number for restart, number in kept if restart == 0] == [0, 1, 2]
    assert [number for restart, number in kept if restart == 1] == [3, 4, 5]
    assert kept[-1] == (3, 13)


def test_the_rows_on_disk_are_read_no_more_often_than_without_restarts(monkeypatch, tmp_path: Path) -> None:
    read = []
    rows = RunDirectory.rows
    monkeypatch.setattr(RunDirectory, "rows", lambda directory: read.append(directory.path.name) or rows(directory))
    monkeypatch.setattr("evolearn.search.restarts.stagnates", lambda curves, window: False)
    for restart in ("none", "stagnation"):
        run(toy_with("snes", {"generations": 12, "restart": restart}), tmp_path / restart)
    assert read.count("stagnation") == read.count("none")


@pytest.mark.parametrize(("algorithm", "optimiser"), [("reptile", "adam"), ("maml", "sgd")])
def test_what_trains_one_genome_cannot_begin_again(algorithm: str, optimiser: str) -> None:
    content = toy_with(
        algorithm, {"restart": "stagnation"}, genome=WEIGHTS_ONLY, learner={"window": 8, "optimiser": optimiser}
    )
    with pytest.raises(ConfigError, match=r"search\.restart='stagnation': must be 'none' with .*set search\.restart"):
        assemble(check_config(content, "toy"))


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ({"restart": "bipop"}, r"search\.restart='bipop': must be 'none', 'stagnation' or 'ipop'"),
        ({"restart_window": 1}, r"search\.restart_window=1: must be 2 or more"),
    ],
)
def test_a_restart_that_there_is_not_is_refused(search: dict, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        check_config(toy_with("snes", search), "toy")
