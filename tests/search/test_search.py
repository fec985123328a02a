"""Searches: they maximise, cost what was said, and refuse what they cannot do."""

import numpy as np
import pytest

from evolearn.config import ConfigError, check_config
from evolearn.life import new_driver
from evolearn.run import assemble, evolve, new_search as search_of
from evolearn.search import ALGORITHMS, PopulationSearch, check_search, evaluations_per_generation, planned_outer_steps
from evolearn.search.options import OPTIONS
from tests.helpers.training import CLONING
from tests.helpers.trials import Asked, towards_half

GENES, POPULATION, GENERATIONS = 10, 20, 12


def new_search(algorithm: str, options: dict) -> PopulationSearch:
    return PopulationSearch(algorithm, check_search(algorithm, options, POPULATION, GENES), GENES, POPULATION, seed=3)


def evaluated(search: PopulationSearch, generations: int, seen: list) -> None:
    trial = Asked()
    for _ in range(generations):
        search.step(trial)
    seen.extend(trial.seen)


@pytest.mark.parametrize("algorithm", list(OPTIONS))
def test_every_search_climbs(algorithm: str) -> None:
    search = new_search(algorithm, {})
    seen: list[np.ndarray] = []
    evaluated(search, 60, seen)
    assert towards_half(seen[-1]).mean() > towards_half(seen[0]).mean() + 2.0
    assert search.stdev().shape == (GENES,)
    assert search.best(3).shape == (3, GENES)
    assert towards_half(search.best(1))[0] == pytest.approx(towards_half(search.best(20)).max())


@pytest.mark.parametrize("algorithm", [name for name in OPTIONS if name != "genetic"])
def test_the_centre_seen_during_a_step_made_that_population(algorithm: str) -> None:
    search = new_search(algorithm, {})
    centres = []

    def evaluate(z: np.ndarray) -> np.ndarray:
        centres.append((search.centre(), z.mean(axis=0)))
        return towards_half(z)

    search.step(Asked(evaluate))
    assert np.array_equal(centres[0][0], np.zeros(GENES))
    for _ in range(5):
        search.step(Asked(evaluate))
    for centre, mean in centres:
        assert np.abs(centre - mean).max() < 1.5, "the mean of 20 draws lies near their centre"


def test_a_genetic_algorithm_shows_its_last_champion_as_centre() -> None:
    search = new_search("genetic", {})
    search.step(Asked())
    champion = search.best(1)[0]
    seen = []
    search.step(Asked(lambda z: (seen.append(search.centre()), towards_half(z))[1]))
    assert np.array_equal(seen[0], champion)
    assert len(seen) == 2, "parents, then children"


@pytest.mark.parametrize(
    ("algorithm", "options", "population", "genes", "text"),
    [
        ("pgp", {}, 8, 10, "search.algorithm='pgp': unknown. Did you mean pgpe? Known: pgpe, snes"),
        ("pgpe", {"center_lr": 1}, 8, 10, "search.options.center_lr=1: unknown key. Did you mean"),
        ("pgpe", {"stdev_learning_rate": -1}, 8, 10, "search.options.stdev_learning_rate=-1: must be greater than 0"),
        ("pgpe", {"optimizer": "rmsprop"}, 8, 10, "search.options.optimizer='rmsprop': must be 'clipup', 'adam' or"),
        ("pgpe", {}, 7, 10, "search.population=7: must be even for pgpe"),
        ("genetic", {}, 3, 10, "search.population=3: must be at least 4 for genetic: tournaments are among 4"),
        ("cem", {"parenthood_ratio": 0.1}, 10, 10, "search.population=10: must be at least 20 for cem"),
        ("cmaes", {}, 3, 10, "search.population=3: must be at least 4 for cmaes"),
        ("cmaes", {}, 8, 5000, "quadratic in genes, and there are 5000: must be at most 2000; use search.options.sep"),
        ("xnes", {}, 8, 5000, "must be at most 2000; use snes or pgpe"),
        ("snes", {}, 8, 0, "no gene group has mode evolved"),
        ("reptile", {"step_size": 2}, 8, 10, "search.options.step_size=2: must be 1 or less"),
    ],
)
def test_what_a_search_cannot_do_is_refused(algorithm, options, population, genes, text) -> None:
    with pytest.raises(ConfigError) as caught:
        check_search(algorithm, options, population, genes)
    assert text in str(caught.value)


def test_separable_cmaes_takes_many_genes() -> None:
    check_search("cmaes", {"separable": True}, 8, 5000)


@pytest.mark.parametrize(
    ("algorithm", "options"),
    [(name, CLONING if name == "clone" else {}) for name in ALGORITHMS]
    + [("genetic", {"cross_over": "none"}), ("genetic", {"elitist": False}), ("pgpe", {"symmetric": False})],
)
def test_what_a_search_costs_is_known_exactly_before_it_begins(algorithm: str, options: dict) -> None:
    trains = ALGORITHMS[algorithm].trains_weights
    genome = {"drives": {"mode": "fixed"}, "plasticity": {"mode": "fixed"}} if trains else {}
    search = {"algorithm": algorithm, "options": options, "population": 8, "generations": 3, "lives": 2}
    config = check_config(
        {
            "world": {"name": "cart-pole"},
            "brain": {"hidden": [4]},
            "learner": {"window": 8, "optimiser": "sgd" if algorithm == "maml" else "adam"},
            "genome": genome,
            "search": {**search, "selection_lifetime": 30},
        },
        "toy",
    )
    setup = assemble(config)
    driver = new_driver(setup.conditions, 1, 30.0)
    rows = list(evolve(setup, driver, search_of(setup)))
    driver.close()
    assert [row.diverged_lives for row in rows] == [0, 0, 0]
    assert [row.evaluations for row in rows] == [evaluations_per_generation(algorithm, 8)] * 3
    assert sum(row.world_steps for row in rows) == planned_outer_steps(config.search)
