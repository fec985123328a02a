"""Blockwise sampling: EvoTorch's update to rounding, any workers, little memory, and refusals."""

import dataclasses
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
import safetensors.torch
import torch
from evolearn.worlds.cart_pole import cart_pole

from evolearn.cli.show_life import relive_life
from evolearn.config import ConfigError, check_config
from evolearn.genome import from_z
from evolearn.life import LifeFault, OwnDrivers, new_driver
from evolearn.rng import SELECTION, life_keys
from evolearn.run import assemble, evolve, new_search, open_run, start_run
from evolearn.run.relive import Wanted
from evolearn.search import (
    ALGORITHMS,
    BlockLives,
    BlockSums,
    BlockwiseSearch,
    Draw,
    Noise,
    PopulationSearch,
    check_search,
    drawn_blocks,
    draws,
)
from evolearn.search.drawn_blocks import CENTRE, live_block, sum_block
from tests.helpers.faulty_runs import GUILTY, SEED, Listener, faulty_run
from tests.helpers.probe_worlds import NAN_FITNESS
from tests.helpers.runs import Watcher
from tests.helpers.training import CLONING
from tests.helpers.trials import Asked, towards_half

GENES, POPULATION, GENERATIONS = 10, 20, 12
RANKINGS = ("centered", "linear", "nes", "normalized", "raw")
VARIANTS = [
    *(("pgpe", {"ranking_method": ranking}) for ranking in RANKINGS),
    *(("pgpe", {"ranking_method": ranking, "symmetric": False}) for ranking in RANKINGS),
    ("pgpe", {"optimizer": "adam"}),
    ("pgpe", {"optimizer": "sgd", "center_learning_rate": 0.2, "stdev_min": 0.9, "stdev_max": 1.05}),
    *(("snes", {"ranking_method": ranking}) for ranking in RANKINGS),
    ("snes", {"optimizer": "sgd", "optimizer_config": {"momentum": 0.9}, "center_learning_rate": 0.1}),
    ("cem", {}),
    ("cem", {"parenthood_ratio": 0.7, "stdev_max_change": 0.05}),
]


def options_of(algorithm: str, options: dict):
    return check_search(algorithm, options, POPULATION, GENES, "blockwise")


def blockwise(algorithm: str, options: dict) -> BlockwiseSearch:
    return BlockwiseSearch(algorithm, options_of(algorithm, options), GENES, POPULATION, seed=3)


def evaluated(search: BlockwiseSearch, generations: int, seen: list) -> None:
    trial = Asked()
    for _ in range(generations):
        search.step(trial)
    seen.extend(trial.seen)


@pytest.mark.parametrize(("algorithm", "options"), VARIANTS, ids=str)
def test_an_update_is_that_of_evotorch_for_the_same_population(algorithm: str, options: dict) -> None:
    trial = Asked()
    search = blockwise(algorithm, options)
    twin = PopulationSearch(algorithm, options_of(algorithm, options), GENES, POPULATION, seed=3)
    twin.step(trial)
    for generation in range(4):
        search.step(trial)
        # The twin is given the same population, fitness, distribution and optimizer, and updates by itself.
        state = {name: value for name, value in search.state().items() if name.partition(".")[1]}
        population = {
            "population.values": torch.from_numpy(trial.seen[-1]),
            "population.evals": search.state()["fitness"][:, None],
        }
        before = twin.state()
        kept = {name: before[name] for name in ("generator", "first_iter")}
        twin.restore({**kept, **state, **population, "steps": torch.tensor(generation + 1)})
        following = BlockwiseSearch(algorithm, options_of(algorithm, options), GENES, POPULATION, seed=3)
        following.restore(search.state())
        twin.step(Asked())
        following.step(Asked())
        moved = np.abs(twin.centre() - search.centre()).max()
        assert moved > 1e-3
        np.testing.assert_allclose(following.centre(), twin.centre(), rtol=1e-6, atol=1e-6 * moved + 1e-7)
        np.testing.assert_allclose(following.stdev(), twin.stdev(), rtol=1e-6)
        assert not np.array_equal(twin.stdev(), search.stdev())


@pytest.mark.parametrize("algorithm", ["pgpe", "snes", "cem"])
def test_it_climbs_as_well_as_sampling_the_whole(algorithm: str) -> None:
    seen: dict[str, list[np.ndarray]] = {"blockwise": [], "whole": []}
    search = blockwise(algorithm, {})
    evaluated(search, 60, seen["blockwise"])
    evaluated(PopulationSearch(algorithm, options_of(algorithm, {}), GENES, POPULATION, seed=3), 60, seen["whole"])
    reached = {name: towards_half(populations[-1]).mean() for name, populations in seen.items()}
    start = towards_half(seen["blockwise"][0]).mean()
    assert reached["blockwise"] > start + 2.0
    assert reached["blockwise"] - start > 0.8 * (reached["whole"] - start)
    assert search.stdev().shape == (GENES,)
    last = seen["blockwise"][-1]
    np.testing.assert_array_equal(search.best(3), last[np.argsort(-towards_half(last), kind="stable")[:3]])
    assert search.best(99).shape == (POPULATION, GENES)


@pytest.mark.parametrize("algorithm", ["pgpe", "snes", "cem"])
def test_the_centre_during_and_after_a_step_is_that_of_the_population_that_was_judged(algorithm: str) -> None:
    search = blockwise(algorithm, {})
    judged = []

    class Watched(Asked):
        def evaluate_drawn(self, draw: Draw) -> np.ndarray:
            np.testing.assert_array_equal(search.centre(), draw.centre)
            np.testing.assert_array_equal(search.stdev(), draw.stdev)
            judged.append(draw)
            return super().evaluate_drawn(draw)

    for generation in range(4):
        search.step(Watched())
        np.testing.assert_array_equal(search.centre(), judged[-1].centre)
        assert judged[-1].noise.generation == generation
    assert len({draw.centre.tobytes() for draw in judged}) == 4


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_what_cannot_sample_blockwise_says_why(algorithm: str) -> None:
    reasons = {
        "xnes": "full covariance is updated by products of whole genomes",
        "cmaes": "covariance and paths are updated by products of whole genomes",
        "genetic": "breeds from the genomes of the last generation",
        "reptile": "has no population to sample",
        "maml": "has no population to sample",
        "clone": "has no population to sample",
    }
    if algorithm not in reasons:
        check_search(algorithm, {}, 8, 10, "blockwise")
        return
    with pytest.raises(ConfigError) as caught:
        check_search(algorithm, CLONING if algorithm == "clone" else {}, 8, 10, "blockwise")
    text = str(caught.value)
    assert f"search.sampling='blockwise': must be 'whole' with search.algorithm={algorithm!r}" in text
    assert reasons[algorithm] in text
    assert "set search.sampling=whole, or search.algorithm to one of pgpe, snes, cem" in text


def toy(world: str = "cart-pole", **search) -> dict:
    defaults = {"algorithm": "snes", "population": 12, "generations": 3, "lives": 2, "selection_lifetime": 60}
    return {
        "world": {"name": world},
        "brain": {"hidden": [4]},
        "learner": {"window": 8},
        "search": {**defaults, "sampling": "blockwise", **search},
        "evaluation": {"lives": 2, "lifetimes": [600]},
    }


def test_lamarckian_inheritance_is_refused() -> None:
    for algorithm, text in (("genetic", "search.sampling='blockwise'"), ("snes", "genome.inheritance='lamarckian'")):
        config = {**toy(algorithm=algorithm), "genome": {"inheritance": "lamarckian"}}
        with pytest.raises(ConfigError, match=text):
            assemble(check_config(config, "toy"))


def test_an_unknown_sampling_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"search.sampling='blocks': must be 'whole' or 'blockwise'"):
        check_config(toy(sampling="blocks"), "toy")


def test_an_optimizer_that_evotorch_refuses_is_refused() -> None:
    setup = assemble(check_config(toy(algorithm="pgpe", options={"optimizer_config": {"speed": 1.0}}), "toy"))
    with pytest.raises(ConfigError, match="EvoTorch refuses them"):
        new_search(setup)


def rows_of(config: dict, workers: int) -> list[dict]:
    setup = assemble(check_config(config, "toy"))
    driver = new_driver(setup.conditions, workers, 30.0)
    try:
        rows = [row.row() for row in evolve(setup, driver, new_search(setup))]
    finally:
        driver.close()
    assert all(row.pop("peak_memory") > 50e6 and row.pop("seconds") > 0 for row in rows)
    return [{name: value for name, value in row.items() if name != "steps_per_second"} for row in rows]


@pytest.mark.parametrize("algorithm", ["pgpe", "snes", "cem"])
def test_rows_are_the_same_for_any_workers_and_any_size_of_blocks(algorithm: str, monkeypatch) -> None:
    config = toy(algorithm=algorithm)
    expected = rows_of(config, 1)
    assert [row["evaluations"] for row in expected] == [13] * 3
    assert [row["world_steps"] for row in expected] == [13 * 2 * 60] * 3
    assert all(row["paired_correlation"] is not None for row in expected)
    assert rows_of(config, 2) == expected
    monkeypatch.setattr(draws, "BLOCKS", 1)
    assert Noise(0, 0, 12, 40, True).blocks == 1
    assert rows_of(config, 3) == expected
    assert rows_of({**config, "search": {**config["search"], "sampling": "whole"}}, 1) != expected


def test_worlds_that_are_lived_step_by_step_can_be_searched_too() -> None:
    config = toy("gymnasium:CartPole-v1", population=4, generations=2, lives=1, selection_lifetime=20)
    assert rows_of(config, 2) == rows_of(config, 1)


def test_cart_pole_is_learned(tmp_path) -> None:
    config = toy(algorithm="pgpe", population=40, generations=25, lives=2, selection_lifetime=400)
    config["learner"]["learn_until"] = 0
    rows = rows_of(config, 2)
    first, last = (np.mean([row["fitness_centre"] for row in some]) for some in (rows[:3], rows[-3:]))
    assert last > 2.5 * first


def test_any_life_of_a_blockwise_run_is_lived_again(tmp_path) -> None:
    config = check_config(toy(algorithm="pgpe", population=8), "toy")
    start_run(config, "toy", tmp_path / "run", OwnDrivers(1), Watcher())
    directory = open_run(tmp_path / "run")
    for generation in (0, 2):
        state = safetensors.torch.load_file(directory.path / "checkpoints" / f"generation_{generation:06}.safetensors")
        earned = [*state["fitness"].tolist(), directory.rows()[generation]["fitness_centre"]]
        for genome in (0, 5, 8):
            lives = [
                relive_life(directory.path, Wanted(generation, genome, life), False, 1, Listener()) for life in (0, 1)
            ]
            assert np.mean([life.fitness for life in lives]) == pytest.approx(earned[genome], rel=1e-6)
        assert len(set(earned)) > 3


def test_a_fault_has_the_number_of_its_genome_in_the_whole_population() -> None:
    setup = assemble(faulty_run(NAN_FITNESS))
    driver = new_driver(setup.conditions, 1, 30.0)
    draw = Draw(Noise(SEED, 0, 12, setup.pool.size, False), *np.zeros((2, setup.pool.size), np.float32))
    shared = BlockLives(draw, setup.pool, np.array([GUILTY]), setup.selection)
    assert draw.noise.block_size == 2
    for block, number in ((0, 0), (3, 6), (CENTRE, 12)):
        with pytest.raises(LifeFault) as caught:
            live_block(driver, shared, block)
        assert caught.value.genome == number
        assert pickle.loads(pickle.dumps(caught.value)).genome == number


def test_a_block_needs_to_write_nothing_of_what_it_is_asked() -> None:
    """Ray's workers see what is shared in memory that they must not write."""
    setup = assemble(check_config(toy(), "toy"))
    driver = new_driver(setup.conditions, 1, 30.0)
    genes, keys = setup.pool.size, life_keys(0, SELECTION, 0, 2)
    draw = Draw(Noise(0, 0, 12, genes, True), *np.ones((2, genes), np.float32))
    sums = BlockSums(draw.noise, *np.random.default_rng(0).normal(size=(2, 6)))
    lives = BlockLives(draw, setup.pool, keys, setup.selection)
    expected = (
        live_block(driver, lives, 1).fitness,
        live_block(driver, lives, CENTRE).fitness,
        sum_block(driver, sums, 0),
    )
    genes_of_pool = (array for gene in setup.pool.genes for array in (gene.centre, gene.spread))
    for array in (draw.centre, draw.stdev, keys, sums.first, sums.second, *genes_of_pool):
        array.flags.writeable = False
    found = live_block(driver, lives, 1).fitness, live_block(driver, lives, CENTRE).fitness, sum_block(driver, sums, 0)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_asked_of_a_block_travels(driver_for) -> None:
    setup = assemble(check_config(toy(), "toy"))
    draw = Draw(Noise(0, 0, 12, setup.pool.size, False), *np.zeros((2, setup.pool.size), np.float32))
    shared = BlockLives(draw, setup.pool, life_keys(0, SELECTION, 0, 2), setup.selection)
    back = pickle.loads(pickle.dumps(shared))
    for field in dataclasses.fields(back.draw):
        np.testing.assert_array_equal(getattr(back.draw, field.name), getattr(draw, field.name))
    np.testing.assert_array_equal(from_z(back.pool, draw.centre), setup.pool.centre)
    assert pickle.loads(pickle.dumps(live_block)) is live_block
    assert len(pickle.dumps(shared)) < 40 * setup.pool.size + 10_000


def test_a_worker_needs_no_torch() -> None:
    imported = f"import sys, {drawn_blocks.__name__}, evolearn.life.drivers"
    code = f"{imported}; assert not {{'torch', 'evotorch'}} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def doubled(driver, shared, block):
    assert driver.workers == 1
    return shared * block


def failing(driver, seventh_may_fail, block):
    if block == 9:
        seventh_may_fail.set()
        raise ValueError("block 9, which comes later")
    if block == 7:
        assert seventh_may_fail.wait(10)
        raise ValueError("block 7")


def test_blocks_are_answered_in_order_and_the_first_that_fails_is_named(driver_for) -> None:
    for workers in (1, 3):
        driver = driver_for(cart_pole, workers=workers)
        assert driver.over_blocks(doubled, 2, range(50, 0, -1)) == list(range(100, 0, -2))
        assert driver.over_blocks(doubled, 2, []) == []
        assert driver.workers == workers
    with pytest.raises(ValueError, match="block 7"):
        driver.over_blocks(failing, threading.Event(), [1, 2, 7, 3, 9, 4])
    with pytest.raises(ValueError, match="block 9"):
        driver_for(cart_pole, workers=1).over_blocks(failing, threading.Event(), [1, 9, 7])


LARGE = """
import resource, sys
from evolearn.run.setup import assemble
from evolearn.config.run import check_config
from evolearn.life.drivers import OwnDrivers, new_driver
from evolearn.run.evolution import evolve, new_search
config = check_config({
    "world": {"name": "cart-pole"}, "brain": {"hidden": [135, 135]}, "learner": {"window": 2, "learn_until": 0},
    "search": {"algorithm": "snes", "sampling": sys.argv[1], "population": 2000, "generations": int(sys.argv[2]),
               "lives": 1, "selection_lifetime": 2},
}, "large")
setup = assemble(config)
driver = new_driver(setup.conditions, 2, 30.0)
search = new_search(setup)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
peak = [row.peak_memory for row in evolve(setup, driver, search)][-1]
print(setup.pool.size, peak - 1024 * before)
"""


def test_a_large_search_takes_far_less_memory_than_its_population() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LARGE, "blockwise", "3"], capture_output=True, text=True, check=True
    ).stdout
    genes, added = map(int, done.split())
    assert 19_000 < genes < 21_000
    assert added < 0.3 * genes * 2000 * 4
