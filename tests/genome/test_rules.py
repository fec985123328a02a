"""Genes that depend on the brain: a few numbers for each layer, or one for each connection."""

import numpy as np
import pytest

from evolearn.agent import BrainSpec
from evolearn.agent.learners.hebbian import plastic_layers
from evolearn.genome import EVOLVED, FIXED, FRESH, decode, draw_fresh, encoded, gene_pool, plasticity_by_gene
from evolearn.rng import SELECTION, life_keys

SPEC = BrainSpec("mlp", 3, (4, 2), 2, "categorical")
SIZES = {"hidden1": 16, "hidden2": 10, "policy": 6}
SHARED, OWN = "rewarded_hebbian", "rewarded_hebbian_connections"


def pool_with(learner, mode=EVOLVED, weights=EVOLVED, **centres):
    modes = {"weights": weights, "drives": FIXED, "plasticity": mode}
    spreads = {"weights": 0.2, "drives": 0.3, "plasticity": 0.4}
    return gene_pool(SPEC, learner, ("fitness",), modes, {"fitness": 1.0}, centres, spreads, 1)


def plasticity_genes(pool):
    return [gene for gene in pool.genes if gene.group == "plasticity"]


@pytest.mark.parametrize("learner", [SHARED, OWN])
def test_every_layer_has_a_rate_and_a_rule(learner):
    assert plastic_layers(SPEC) == SIZES
    genes = plasticity_genes(pool_with(learner))
    rules = [f"{layer} {part}" for layer in SIZES for part in ("rate", "A", "B", "C", "D")]
    assert [gene.name for gene in genes] == ["initial_scale", "largest_weight", "expectation_rate", *rules]
    for gene in genes:
        is_array = learner == OWN and gene.name[-1] in "ABCD"
        assert gene.shape == ((SIZES[gene.name.split()[0]],) if is_array else ()), gene.name
        assert gene.published == {"A": 1.0, "B": 0.0, "C": 0.0, "D": 0.0}.get(gene.name[-1], gene.published)


@pytest.mark.parametrize("learner", [SHARED, OWN])
def test_every_number_reaches_its_own_place(learner):
    pool = pool_with(learner)
    base = decode(pool, pool.centre[None])
    assert base.plasticity.shape == (1, sum(gene.size for gene in plasticity_genes(pool)))
    whole = slice(pool.slices()["plasticity", "initial_scale"].start, pool.size)
    for column, place in enumerate(range(whole.start, whole.stop)):
        genome = pool.centre.copy()
        genome[place] += 0.5
        born = decode(pool, genome[None])
        np.testing.assert_array_equal(np.flatnonzero(born.plasticity[0] != base.plasticity[0]), [column])
        np.testing.assert_array_equal(born.weights, base.weights)


def test_a_start_is_one_number_for_all_or_a_list():
    pool = pool_with(OWN, **{"hidden2 A": 0.25, "policy D": [1, 2, 3, 4, 5, 6], "policy rate": 0.5})
    born = plasticity_by_gene(pool, decode(pool, pool.centre[None]).plasticity[0])
    np.testing.assert_array_equal(born["hidden2 A"], np.full(10, 0.25))
    np.testing.assert_array_equal(born["policy D"], [1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(born["hidden1 A"], np.ones(16))
    assert born["policy rate"] == pytest.approx(0.5)
    assert born["largest_weight"] == 1.0
    np.testing.assert_array_equal(encoded("log", [1.0, np.e]), [0.0, 1.0])


def test_rules_may_be_drawn_afresh_in_every_life():
    pool = pool_with(OWN, mode=FRESH, weights=FRESH)
    newborns = decode(pool, np.zeros((2, pool.size)))
    keys = life_keys(0, SELECTION, 0, 3)
    own, born_as = draw_fresh(pool, newborns, np.array([0, 1, 0]), keys)
    assert born_as.tolist() == [0, 1, 2]
    again, _ = draw_fresh(pool, newborns, np.array([1, 1]), np.ascontiguousarray(keys[:2]))
    np.testing.assert_array_equal(again.plasticity, own.plasticity[:2])
    rules = np.concatenate([np.array(life["hidden1 A"]) for life in (plasticity_by_gene(pool, row) for row in own[2])])
    assert len(set(rules.tolist())) == 3 * 16, "every number of every life is a draw of its own"
    assert abs(rules.std() - 0.4) < 0.12
    np.testing.assert_array_equal(own.scale, own.plasticity[:, 0])
    assert len(set(own.scale.tolist())) == 3
