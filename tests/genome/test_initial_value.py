"""Where action values start, as a gene: of fresh weights the biases of the policy head, in every life by its genes."""

import numpy as np
import pytest

from evolearn.config import ConfigError, check_config
from evolearn.genome import decode
from evolearn.life import OwnDrivers, Plan
from evolearn.life.evaluation import live_each
from evolearn.rng import SELECTION, life_keys
from evolearn.run import assemble
from evolearn.run.transplant import run_arms

WORLD = "tests.helpers.probe_worlds:restless"
TABLES = {"trunk": "linear", "hidden": []}
DEEP = {"hidden": [5]}
FROZEN = Plan(20, learn_until=0, final_weights=True)
LEARNING = Plan(60, final_weights=True)


def setup_of(plasticity=None, brain=TABLES, weights="fresh", mode="evolved", **learner):
    content = {
        "world": {"name": WORLD},
        "brain": brain,
        "learner": {"name": "q_learning", "window": 1, "plasticity": plasticity or {}, **learner},
        "genome": {"weights": {"mode": weights}, "plasticity": {"mode": mode}},
    }
    return assemble(check_config(content, "values"))


def final_weights(setup, genomes, plan, lives=2):
    drivers = OwnDrivers(1)
    try:
        driver, keys = setup.driver(drivers), life_keys(0, SELECTION, 0, lives)
        return live_each(driver, setup.conditions, setup.pool, np.float32(genomes), keys, plan).final_weights
    finally:
        drivers.close()


def biases(setup, weights):
    blocks = np.split(weights, np.cumsum([tensor.size for tensor in setup.conditions.brain.tensors])[:-1], axis=1)
    return dict(zip((tensor.name for tensor in setup.conditions.brain.tensors), blocks, strict=True))


def test_it_is_a_gene_only_where_the_config_names_it():
    def names(pool):
        return [gene.name for gene in pool.evolved if gene.group == "plasticity"]

    published = ["learning_rate", "discount", "epsilon"]
    assert names(setup_of().pool) == published
    pool = setup_of({"initial_value": 1.5}).pool
    assert names(pool) == [*published, "initial_value"]
    assert decode(pool, pool.centre[None]).plasticity[0, 3] == pytest.approx(1.5)


@pytest.mark.parametrize("brain", [TABLES, DEEP], ids=["table", "deep"])
def test_every_life_starts_with_the_values_of_its_own_genes(brain):
    setup = setup_of({"initial_value": 0.5}, brain)
    genomes = np.tile(setup.pool.centre, (3, 1))
    genomes[:, -1] = [0.0, np.log(3.0), -np.log(1.25)]  # values 0, 2 and -.25
    blocks = biases(setup, final_weights(setup, genomes, FROZEN))
    for life, value in enumerate([0.0, 0.0, 2.0, 2.0, -0.25, -0.25]):
        np.testing.assert_allclose(blocks["policy.bias"][life], value, rtol=1e-6)
    assert not blocks["policy.weight"].any()
    for name, block in blocks.items():
        if name != "policy.bias":  # all else is the life's own draw, whoever lives it
            np.testing.assert_array_equal(block[:2], block[2:4])


@pytest.mark.parametrize("brain", [TABLES, DEEP], ids=["table", "deep"])
def test_an_initial_value_of_zero_changes_no_bit_of_a_life(brain):
    plain, gene = setup_of(None, brain, mode="fixed"), setup_of({"initial_value": 0.0}, brain, mode="fixed")
    lived = [final_weights(setup, setup.pool.centre[None], LEARNING) for setup in (plain, gene)]
    assert lived[0].tobytes() == lived[1].tobytes()


def test_learning_leaves_it_in_a_table():
    setup = setup_of({"initial_value": 0.7})
    blocks = biases(setup, final_weights(setup, setup.pool.centre[None], LEARNING))
    np.testing.assert_allclose(blocks["policy.bias"], 0.7, rtol=1e-6)
    assert blocks["policy.weight"].any()


def test_drawn_afresh_every_life_has_its_own():
    setup = setup_of({"initial_value": 0.0}, mode="fresh")
    found = biases(setup, final_weights(setup, setup.pool.centre[None], FROZEN, lives=40))["policy.bias"]
    assert len(set(found[:, 0].tolist())) == 40
    np.testing.assert_array_equal(found, np.repeat(found[:, :1], found.shape[1], axis=1))
    assert 0.2 < found[:, 0].std() < 0.5


def test_where_weights_are_inherited_it_is_where_they_start_and_published_arms_start_at_zero():
    setup = setup_of({"initial_value": 1.5}, weights="evolved")
    genomes = np.tile(setup.pool.centre, (2, 1))
    genomes[1, -1] = 3.0
    weights = decode(setup.pool, genomes).weights
    np.testing.assert_array_equal(weights[0], weights[1])
    assert biases(setup, weights)["policy.bias"][0].tolist() == [1.5] * setup.conditions.brain.actions
    drifted = setup.pool.centre.copy()
    drifted[-1] = 9.0
    blank = {arm.name: arm for arm in run_arms(setup, drifted)}["blank"]
    newborns = decode(blank.pool, blank.genome[None])
    assert not newborns.weights.any()
    assert newborns.plasticity[0, -1] == 0.0


@pytest.mark.parametrize(
    ("learner", "text"),
    [
        (
            {"plasticity": {"initial_value": 0.5}, "first_value": 1.0},
            "learner.first_value=1: must be 0 with learner.plasticity.initial_value, which says where action values "
            "start and is a gene; leave one of the two out",
        ),
        ({"plasticity": {"initial_value": [0.5, 1.0]}}, "learner.plasticity.initial_value: has 2 numbers, must have"),
        (
            {"name": "actor_critic", "plasticity": {"initial_value": 0.5}},
            "learner.plasticity: 'initial_value' is unknown.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(learner, text):
    with pytest.raises(ConfigError) as caught:
        setup_of(**learner)
    assert text in str(caught.value)
