"""Inheritance: learned weights reach offspring where the config says so, and never otherwise."""

import dataclasses

import numpy as np
import pytest
import torch

from evolearn.config import ConfigError, check_config
from evolearn.genome import ENCODINGS
from evolearn.life import DIVERGED, Plan, empty_outcome, evaluate, new_driver
from evolearn.life.evaluation import learned_weights, live_each
from evolearn.life.records import FINISHED
from evolearn.rng import SELECTION, life_keys
from evolearn.run import Setup, assemble, evolve, new_search, to_genomes
from evolearn.run._generation import with_learned
from evolearn.search import PopulationSearch
from evolearn.search.options import OPTIONS, GeneticOptions
from tests.helpers.runs import toy

LAMARCKIAN = {"inheritance": "lamarckian"}


def setup_of(algorithm: str = "genetic", **more) -> Setup:
    return assemble(check_config(toy(algorithm, **more), "toy"))


def state_after(setup: Setup, generations: int, workers: int = 1) -> dict[str, torch.Tensor]:
    driver = new_driver(setup.conditions, workers, 30.0)
    search = new_search(setup)
    rows = evolve(setup, driver, search)
    for _ in range(generations):
        next(rows)
    driver.close()
    return search.state()


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    assert one.keys() == other.keys()
    return all(one[name].numpy().tobytes() == other[name].numpy().tobytes() for name in one)


class Schooling:
    """A trial in which life moves every gene by a known amount, and fitness is the first gene at birth."""

    def __init__(self, moves: float) -> None:
        self.moves = moves
        self.born: list[np.ndarray] = []
        self.learned: list[np.ndarray] = []

    def learn(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.born.append(z.copy())
        self.learned.append(z + np.float32(self.moves))
        return z[:, 0].astype(float), self.learned[-1].copy()


def breeding(**options) -> PopulationSearch:
    # Mutations far below the moves of Schooling: children are their parents' genes.
    options = GeneticOptions(mutation_stdev=1e-6, tournament_size=2, **options)
    return PopulationSearch("genetic", options, genes=3, population=6, seed=1, lamarckian=True)


def all_among(children: np.ndarray, parents: np.ndarray) -> bool:
    """Whether every gene of every child is the same gene of some parent."""
    return bool((np.abs(children[:, None] - parents[None]) < 1e-4).any(axis=1).all())


@pytest.mark.parametrize("elitist", [True, False])
def test_children_of_a_cross_over_are_bred_from_what_their_parents_learned(elitist: bool) -> None:
    search = breeding(cross_over="one_point", elitist=elitist)
    trial = Schooling(10.0)
    search.step(trial)
    search.step(trial)
    parents, children, later_parents, later_children = range(4)
    assert all_among(trial.born[children], trial.learned[parents])
    assert not all_among(trial.born[children], trial.born[parents])
    survivors = trial.learned[children] if not elitist else np.concatenate(trial.learned[:2])
    assert all_among(trial.born[later_parents], survivors)
    assert all_among(trial.born[later_children], trial.learned[later_parents])
    assert search.best(6).min() > 15.0, "two lives of learning or more"


@pytest.mark.parametrize("elitist", [True, False])
def test_children_without_cross_over_are_bred_from_what_their_parents_learned(elitist: bool) -> None:
    search = breeding(cross_over="none", elitist=elitist)
    trial = Schooling(10.0)
    search.step(trial)
    search.step(trial)
    first, second = trial.born
    assert all_among(second[:6], trial.learned[0]), "survivors live again with what they learned"
    assert all_among(second[6:], second[:6]), "their children begin with it"
    assert not all_among(second[6:], first)


def test_a_genome_keeps_the_fitness_that_it_earned_while_learning() -> None:
    search = breeding(cross_over="one_point")
    trial = Schooling(10.0)
    search.step(trial)
    state = search.state()
    np.testing.assert_allclose(state["population.evals"][:, 0], state["population.values"][:, 0] - 10.0, atol=1e-5)


@pytest.mark.parametrize("algorithm", list(OPTIONS))
def test_darwinian_offspring_know_nothing_of_what_was_learned(algorithm: str) -> None:
    setup = setup_of(algorithm)
    kept = dataclasses.replace(setup, selection=dataclasses.replace(setup.selection, final_weights=True))
    assert same(state_after(setup, 2), state_after(kept, 2)), "though learned weights were there to be had"


def test_lamarckian_offspring_do() -> None:
    setup, darwinian = setup_of(genome=LAMARCKIAN), setup_of()
    assert not same(state_after(setup, 1), state_after(darwinian, 1))


def test_what_is_inherited_is_the_mean_over_lives_of_the_weights_at_their_end() -> None:
    setup = setup_of(genome=LAMARCKIAN)
    driver = new_driver(setup.conditions, 2, 30.0)
    z = np.random.default_rng(0).standard_normal((3, setup.pool.size)).astype(np.float32)
    keys = life_keys(5, SELECTION, 0, 2)
    plan = Plan(60, final_weights=True)
    genomes = to_genomes(setup, z)
    outcome = live_each(driver, setup.conditions, setup.pool, genomes, keys, plan)
    found = evaluate(driver, setup.conditions, setup.pool, genomes, keys, plan)
    driver.close()
    weights = setup.conditions.brain.weights
    by_hand = (outcome.final_weights[0::2] + outcome.final_weights[1::2]) / 2
    np.testing.assert_allclose(found.learned, by_hand, atol=1e-6)
    inherited = to_genomes(setup, with_learned(setup, z, found.learned))
    np.testing.assert_allclose(inherited[:, :weights], by_hand, atol=1e-6)
    assert np.abs(inherited[:, :weights] - genomes[:, :weights]).max() > 1e-3, "something was learned"
    np.testing.assert_array_equal(inherited[:, weights:], genomes[:, weights:])
    assert setup.pool.size > weights, "drives and plasticity evolve"


def test_diverged_lives_leave_nothing_to_inherit() -> None:
    outcome = empty_outcome(8, Plan(10, final_weights=True), 1, 2)
    outcome.status[:] = FINISHED
    outcome.final_weights[:] = np.arange(16).reshape(8, 2)
    outcome.status[2] = DIVERGED  # one life of genome 1
    outcome.final_weights[4, 1] = np.inf  # one life of genome 2
    outcome.status[6:] = DIVERGED  # both of genome 3
    learned = learned_weights(outcome, 4)
    np.testing.assert_array_equal(learned[:3], [[1, 2], [6, 7], [10, 11]])
    assert np.all(np.isnan(learned[3]))


def test_a_genome_whose_every_life_diverged_stays_as_it_was_born() -> None:
    setup = setup_of(genome=LAMARCKIAN)
    z = np.random.default_rng(0).standard_normal((2, setup.pool.size)).astype(np.float32)
    learned = np.zeros((2, setup.conditions.brain.weights), np.float32)
    learned[1] = np.nan
    inherited = with_learned(setup, z, learned)
    np.testing.assert_array_equal(inherited[1], z[1])
    assert not np.array_equal(inherited[0], z[0])


@pytest.mark.parametrize(
    ("algorithm", "changes", "text"),
    [
        (
            "pgpe",
            {},
            "genome.inheritance='lamarckian': must be 'darwinian' with search.algorithm='pgpe', which breeds from a "
            "centre and not from genomes; set search.algorithm=genetic, or genome.inheritance=darwinian",
        ),
        (
            "genetic",
            {"weights": {"mode": "fresh"}},
            "genome.weights.mode='fresh': must be 'evolved' with genome.inheritance='lamarckian', which changes "
            "weights that are genes; set genome.weights.mode=evolved",
        ),
        (
            "genetic",
            {"encoding": "folded"},
            "genome.encoding='folded': must be 'direct' with genome.inheritance='lamarckian': only there is a weight a "
            "gene; set genome.encoding=direct",
        ),
    ],
)
def test_what_cannot_be_inherited_is_refused(algorithm: str, changes: dict, text: str, monkeypatch) -> None:
    monkeypatch.setitem(ENCODINGS, "folded", ENCODINGS["direct"])
    with pytest.raises(ConfigError) as caught:
        setup_of(algorithm, genome={**LAMARCKIAN, **changes})
    assert text in str(caught.value)


def test_without_learning_there_is_nothing_to_inherit() -> None:
    with pytest.raises(ConfigError, match=r"learner.learn_until=0: must be at least 1, or null, with genome.inherit"):
        setup_of(genome=LAMARCKIAN, learner={"learn_until": 0})


def test_inheritance_is_one_of_two() -> None:
    with pytest.raises(ConfigError, match=r"genome.inheritance='epigenetic': must be 'darwinian' or 'lamarckian'"):
        check_config(toy("genetic", genome={"inheritance": "epigenetic"}), "toy")
