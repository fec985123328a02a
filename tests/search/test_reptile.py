"""Reptile: the update rule, what it costs, and that it teaches newborns."""

import dataclasses

import numpy as np
import pytest

from evolearn.config import ConfigError, check_config
from evolearn.life import Plan, evaluate, new_driver
from evolearn.life.evaluation import live_each
from evolearn.rng import SELECTION, VALIDATION, life_keys
from evolearn.run import (
    assemble,
    evolve,
    new_search,
    to_genomes,
)
from evolearn.search import Reptile, ReptileOptions
from tests.helpers.runs import toy
from tests.helpers.training import WEIGHTS_ONLY


class Pulling:
    """A trial whose lives all end at one point of z, and which remembers what was judged."""

    def __init__(self, point: float) -> None:
        self.point = point
        self.batches: list[int] = []
        self.judged: list[tuple[np.ndarray, int]] = []

    def learn_alone(self, z: np.ndarray, batch: int) -> np.ndarray:
        self.batches.append(batch)
        return np.full_like(z, self.point)

    def judge_centre(self, z: np.ndarray, batch: int) -> None:
        self.judged.append((z.copy(), batch))


def setup_of(**search):
    content = toy("reptile", genome=WEIGHTS_ONLY)
    content["search"].update(search)
    return assemble(check_config(content, "toy"))


def test_each_update_goes_a_share_of_the_way_to_the_learned_weights() -> None:
    search = Reptile(ReptileOptions(step_size=0.25, anneal=False), genes=3, population=2, generations=5)
    search.step(Pulling(1.0))
    np.testing.assert_allclose(search.centre(), 1.0 - 0.75**2, rtol=1e-6)
    search.step(Pulling(1.0))
    np.testing.assert_allclose(search.centre(), 1.0 - 0.75**4, rtol=1e-6)


def test_the_share_falls_linearly_to_nothing_over_the_run() -> None:
    search = Reptile(ReptileOptions(step_size=0.8), genes=1, population=2, generations=2)
    sizes = []

    class Watching(Pulling):
        def learn_alone(self, z: np.ndarray, batch: int) -> np.ndarray:
            sizes.append(search.step_size())
            return super().learn_alone(z, batch)

    search.step(Watching(1.0))
    search.step(Watching(1.0))
    assert sizes == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert search.step_size() == 0.0
    np.testing.assert_allclose(search.centre(), 1.0 - 0.2 * 0.4 * 0.6 * 0.8, rtol=1e-6)


def test_a_generation_judges_its_result_on_lives_that_trained_nothing() -> None:
    search = Reptile(ReptileOptions(), genes=3, population=4, generations=5)
    trial = Pulling(1.0)
    search.step(trial)
    assert trial.batches == [0, 1, 2, 3]
    ((judged, batch),) = trial.judged
    assert batch == 4
    np.testing.assert_array_equal(judged, search.centre())
    np.testing.assert_array_equal(search.best(8), search.centre()[None])
    np.testing.assert_array_equal(search.stdev(), np.zeros(3))


def test_an_update_is_the_mean_over_lives_of_what_was_learned() -> None:
    setup = setup_of(population=2, generations=1, lives=3)
    driver = new_driver(setup.conditions, 2, 30.0)
    search = new_search(setup)
    (row,) = evolve(setup, driver, search)
    phi = setup.pool.centre
    for batch, share in enumerate((1.0, 0.5)):
        keys = life_keys(5, SELECTION, 0, 9)[3 * batch : 3 * batch + 3]
        outcome = live_each(driver, setup.conditions, setup.pool, phi[None], keys, Plan(60, final_weights=True))
        assert not np.allclose(outcome.final_weights, phi, atol=1e-4), "something is learned"
        phi = phi + share * (outcome.final_weights.mean(axis=0) - phi)
    np.testing.assert_allclose(to_genomes(setup, search.centre()), phi, atol=1e-6)
    result = to_genomes(setup, search.centre()[None])
    judged = evaluate(driver, setup.conditions, setup.pool, result, life_keys(5, SELECTION, 0, 9)[6:], setup.selection)
    assert row.fitness_centre == judged.fitness.mean()
    assert row.paired_correlation is None, "no two genomes share a life"
    driver.close()


def test_the_digest_covers_what_was_learned_as_well_as_fitness(monkeypatch) -> None:
    setup = setup_of(generations=1)
    driver = new_driver(setup.conditions, 1, 30.0)

    def learning_more(*arguments):
        found = evaluate(*arguments)
        return found if found.learned is None else dataclasses.replace(found, learned=found.learned + np.float32(0.5))

    def one_update():
        (row,) = evolve(setup, driver, Reptile(ReptileOptions(), setup.pool.size, population=1, generations=1))
        return row

    row = one_update()
    monkeypatch.setattr("evolearn.run._generation.evaluate", learning_more)
    other = one_update()
    driver.close()
    assert other.fitness_mean == row.fitness_mean
    assert other.fitness_sha256 != row.fitness_sha256


def test_no_life_is_used_twice(monkeypatch) -> None:
    setup = setup_of(population=4, generations=3)
    driver = new_driver(setup.conditions, 1, 30.0)
    used = []

    def watched(*arguments):
        used.append(arguments[4].copy())
        return evaluate(*arguments)

    monkeypatch.setattr("evolearn.run._generation.evaluate", watched)
    rows = list(evolve(setup, driver, new_search(setup)))
    driver.close()
    keys = np.concatenate(used)
    assert len(np.unique(keys, axis=0)) == len(keys) == 3 * (4 + 1) * 2
    assert [row.world_steps for row in rows] == [(4 + 1) * 2 * 60] * 3


def test_newborns_are_born_with_what_the_lives_before_them_learned() -> None:
    content = toy("reptile", genome=WEIGHTS_ONLY)
    content["world"] = {"name": "tests.helpers.probe_worlds:reward_by_action"}
    content["search"] |= {"generations": 3, "selection_lifetime": 400}
    content["learner"]["plasticity"] = {"learning_rate": 0.01}
    setup = assemble(check_config(content, "toy"))
    driver = new_driver(setup.conditions, 2, 30.0)
    search = new_search(setup)
    start = search.centre()
    list(evolve(setup, driver, search))
    genomes = to_genomes(setup, np.stack([start, search.centre()]))
    keys = life_keys(5, VALIDATION, 0, 8)
    before, after = evaluate(driver, setup.conditions, setup.pool, genomes, keys, Plan(100, learn_until=0)).fitness
    driver.close()
    assert before.mean() < 0.8
    assert after.mean() > 0.95


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"genome": {}},
            "genome.drives.mode='evolved': must be 'fixed' or 'fresh' with search.algorithm='reptile', which trains "
            "weights only; set genome.drives.mode=fixed",
        ),
        (
            {"genome": {"drives": {"mode": "fixed"}}},
            "genome.plasticity.mode='evolved': must be 'fixed' or 'fresh' with search.algorithm='reptile'",
        ),
        (
            {"genome": {**WEIGHTS_ONLY, "weights": {"mode": "fresh"}}},
            "genome.weights.mode='fresh': must be 'evolved' with search.algorithm='reptile', which changes "
            "weights that are genes; set genome.weights.mode=evolved",
        ),
        (
            {"genome": WEIGHTS_ONLY, "learner": {"learn_until": 0}},
            "learner.learn_until=0: must be at least 1, or null, with search.algorithm='reptile': nothing would be "
            "learned; leave learner.learn_until out",
        ),
    ],
)
def test_what_reptile_cannot_train_is_refused(changes: dict, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        assemble(check_config(toy("reptile", **changes), "toy"))
    assert text in str(caught.value)
