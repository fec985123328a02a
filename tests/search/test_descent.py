"""Who descends from whom: children are made of the parents that are named, and survivors keep their numbers."""

import numpy as np
import pytest

from evolearn.search import PopulationSearch, check_search

GENES, POPULATION, GENERATIONS = 7, 12, 6


class Trial:
    """Fitness by a genome's first number, and noise of the generation's own."""

    def __init__(self, generation):
        self._rng = np.random.default_rng(generation)

    def evaluate(self, z):
        return z[:, 0] + self._rng.normal(size=len(z))

    def learn(self, z):
        return self.evaluate(z), z + 100.0


def searched(lamarckian=False, **options):
    options = check_search("genetic", options, POPULATION, GENES)
    return PopulationSearch("genetic", options, GENES, POPULATION, 3, lamarckian, range(GENES))


def births_of(search, first=0, generations=GENERATIONS):
    found = []
    for generation in range(first, first + generations):
        search.step(Trial(generation))
        found.append(search.births())
    return found


def together(found):
    """Genomes and parents by number, over all generations."""
    assert np.concatenate([births.numbers for births in found]).tolist() == list(range(sum(len(b.z) for b in found)))
    return np.concatenate([births.z for births in found]), np.concatenate([births.parents for births in found])


@pytest.mark.parametrize("elitist", [True, False])
def test_a_crossed_child_begins_as_one_parent_and_ends_as_the_other(elitist):
    z, parents = together(births_of(searched(elitist=elitist, mutation_stdev=1e-6)))
    assert (parents[:POPULATION] == -1).all()
    points = []
    for child, pair in zip(z[POPULATION:], parents[POPULATION:], strict=True):
        first, second = z[pair]
        ways = [(first, second), (second, first)]  # the two children of a pair
        fits = [
            point
            for one, other in ways
            for point in range(1, GENES)
            if np.allclose(child, np.concatenate([other[:point], one[point:]]), atol=1e-4)
        ]
        assert fits
        points += fits[:1]
    assert len(set(points)) > 3


def test_a_child_that_is_only_mutated_has_one_parent():
    z, parents = together(births_of(searched(cross_over="none", mutation_stdev=1e-6)))
    np.testing.assert_allclose(z[POPULATION:], z[parents[POPULATION:, 0]], atol=1e-4)
    assert (parents[:, 1] == -1).all()


@pytest.mark.parametrize("options", [{}, {"elitist": False}, {"cross_over": "none"}])
def test_nobody_descends_from_who_was_not_selected(options):
    search = searched(**options)
    alive, born, found = set(range(POPULATION)), 0, []
    for generation in range(GENERATIONS):
        search.step(Trial(generation))
        births = search.births()
        assert set(births.parents[births.parents >= 0].tolist()) <= alive
        assert births.numbers.tolist() == list(range(born, born + len(births.z)))
        born += len(births.z)
        alive = set(search.state()["descent.living"].tolist())
        assert len(alive) == POPULATION
        found.append(births)
        z, _ = together(found)
        np.testing.assert_array_equal(
            z[search.state()["descent.living"].numpy()], search.best(POPULATION)[_order(search)]
        )


def _order(search):
    """Where the population's members stand among the best."""
    evals = search.state()["population.evals"][:, 0].numpy()
    return np.argsort(np.argsort(-evals, kind="stable"), kind="stable")


def test_lamarckian_genomes_are_told_as_they_were_born():
    z, parents = together(births_of(searched(lamarckian=True, mutation_stdev=1e-6, cross_over="none")))
    lived = z[parents[POPULATION:, 0]]
    times = (z[POPULATION:] - lived) / 100.0  # what was learned in each life of the parent since it was born
    np.testing.assert_allclose(times, np.round(times), atol=1e-4)
    assert (np.round(times) >= 0).all()
    assert (np.round(times) >= 1).any()


def test_a_restored_search_goes_on_counting():
    whole = births_of(searched())
    search = searched()
    births_of(search, 0, 3)
    other = searched()
    other.restore(search.state())
    for one, two in zip(whole[3:], births_of(other, 3, 3), strict=True):
        for field in ("numbers", "parents", "z", "fitness"):
            np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
