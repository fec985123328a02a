"""Brains, learners and drives against the world and each other: what fits, and what is said where it does not."""

import numpy as np
import pytest

from evolearn.config import ConfigError, check_config
from evolearn.genome import decode, draw_fresh
from evolearn.life import Plan, lives
from evolearn.life._fused import FusedDriver
from evolearn.rng import SELECTION, life_keys
from evolearn.run import ARMS, arm_config, assemble, natural_values
from evolearn.run.transplant import transplanted
from tests.helpers.probe_worlds import restless

TABLES = {"trunk": "linear", "hidden": []}


def setup_of(world="savannah", **sections):
    return assemble(check_config({"world": {"name": world}, **sections}, "test"))


def error_of(world="savannah", **sections):
    with pytest.raises(ConfigError) as caught:
        setup_of(world, **sections)
    return str(caught.value)


@pytest.mark.parametrize(
    ("sections", "text"),
    [
        (
            {"brain": {"hidden": []}},
            "brain.hidden=[]: must have at least 1 entry with brain.trunk='mlp'; name units per layer, for example "
            "[24], or set brain.trunk=linear",
        ),
        (
            {"brain": {"trunk": "relu", "hidden": []}},
            "brain.hidden=[]: must have at least 1 entry with brain.trunk='relu'",
        ),
        (
            {"brain": {"trunk": "linear", "hidden": [8]}},
            "brain.hidden=[8]: must be [] with brain.trunk='linear', which has no hidden layers; set brain.hidden=[], "
            "or brain.trunk=mlp or relu or gru",
        ),
        (
            {"brain": {"trunk": "gru"}, "learner": {"name": "q_learning"}, "world": "rooms"},
            "learner.name='q_learning': must be 'actor_critic' or 'regression' or 'imitation' or 'rewarded_imitation' "
            "with brain.trunk='gru', which carries a state from step to step: it would learn from each step as if "
            "nothing had been before; set one of these, or learner.learn_until=0 for weights that never change",
        ),
        (
            {"brain": {"memory": "life"}},
            "brain.memory='life': must be 'episode' with brain.trunk='mlp', which carries nothing from step to step, "
            "and brain.inputs=['observation'], which tell nothing of the step before; leave brain.memory out, choose a "
            "recurrent trunk, or add last_action and last_reward to brain.inputs",
        ),
        (
            {"brain": {"memory": "life", "inputs": ["observation", "new_episode"]}},
            "brain.inputs=['observation', 'new_episode'], which tell nothing of the step before",
        ),
        (
            {"brain": {"trunk": "linear", "hidden": [], "readout": "product"}},
            "brain.readout='product': must be 'plain' with brain.trunk='linear', which has no readout by product; set "
            "brain.readout=plain",
        ),
        (
            {
                "brain": {"inputs": ["observation", "last_reward"]},
                "search": {"algorithm": "maml", "selection_lifetime": 6000},
                "genome": {"drives": {"mode": "fixed"}, "plasticity": {"mode": "fixed"}},
            },
            "brain.inputs=['observation', 'last_reward']: must be ['observation'] with search.algorithm='maml'",
        ),
        (
            {"learner": {"first_value": 1}},
            "learner.first_value=1: must be 0 with policy 'gaussian' of learner.name='actor_critic', whose outputs are "
            "no values of actions; leave it out, or set learner.name=q_learning",
        ),
        ({"brain": {"trunk": "rleu"}}, "brain.trunk: 'rleu' is unknown. Did you mean relu?"),
        (
            {"learner": {"name": "q_learning"}},
            "learner.name='q_learning': cannot teach the actions of world savannah, Box(4); must be one of: "
            "actor_critic",
        ),
        ({"learner": {"name": "regression"}}, "cannot teach the actions of world savannah, Box(4)"),
        (
            {"learner": {"name": "q_learning"}, "world": "tests.helpers.probe_worlds:luck"},
            "cannot teach the actions of world luck, Box(1); must be one of: actor_critic, regression",
        ),
        (
            {"learner": {"name": "regression"}, "world": "tests.helpers.probe_worlds:luck"},
            "drives.weights.fitness=1: must be 0 with learner.name='regression', which takes the reward for its "
            "teacher's signal",
        ),
        (
            {"learner": {"name": "regression"}, "drives": {"weights": {}}, "world": "sinusoid"},
            "drives.weights={}: must weigh a sense with learner.name='regression'",
        ),
        (
            {"learner": {"name": "regression"}, "drives": {"weights": {"target": 1}}, "world": "sinusoid"},
            "genome.drives.mode='evolved': the drive fitness must not be a gene with learner.name='regression'",
        ),
        (
            {"learner": {"name": "regression", "clip": 0.1}, "world": "tests.helpers.probe_worlds:luck"},
            "learner.clip=0.1: learner regression does not use it; leave it out, or 0.2",
        ),
        (
            {
                "learner": {"name": "regression", "plasticity": {"discount": 0.9}},
                "world": "tests.helpers.probe_worlds:luck",
            },
            "learner.plasticity: 'discount' is unknown.",
        ),
        ({"drives": {"evolved": ["upright"]}}, "drives.evolved: 'upright' is unknown. Did you mean uprightness?"),
        (
            {"drives": {"evolved": ["uprightness"]}, "genome": {"drives": {"mode": "fixed"}}},
            "drives.evolved=['uprightness']: no drive weight is a gene with genome.drives.mode='fixed'; leave "
            "drives.evolved out, or set genome.drives.mode=evolved",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_the_remedy(sections, text):
    assert text in error_of(**sections)


def test_a_learner_that_uses_no_settings_refuses_them():
    text = error_of_discrete({"name": "q_learning", "window": 1, "optimiser": "sgd"})
    assert "learner.optimiser=sgd: learner q_learning does not use it; leave it out, or adam" in text


def error_of_discrete(learner):
    return error_of("tests.helpers.probe_worlds:restless", brain=TABLES, learner=learner)


@pytest.mark.parametrize(("trunk", "hidden"), [("linear", []), ("relu", [6]), ("mlp", [6])])
def test_q_learning_runs_with_every_trunk_from_tables_of_zeros(trunk, hidden):
    setup = setup_of(
        "tests.helpers.probe_worlds:restless",
        brain={"trunk": trunk, "hidden": hidden},
        learner={"name": "q_learning", "window": 1},
    )
    assert setup.conditions.brain.policy == "epsilon_greedy"
    newborns = decode(setup.pool, setup.pool.centre[None])
    heads = 4 * (setup.conditions.brain.layers[-1] + 1)
    assert not newborns.weights[0, -heads:].any()
    np.testing.assert_allclose(newborns.plasticity[0], [0.1, 0.99, 0.1], rtol=1e-5)


@pytest.mark.parametrize("mode", ["evolved", "fresh"])
def test_action_values_begin_at_the_first_value_and_nothing_else_changes(mode):
    def born(first_value):
        learner = {"name": "q_learning", "window": 1, "first_value": first_value}
        genome = {"weights": {"mode": mode}}
        setup = setup_of("tests.helpers.probe_worlds:restless", brain={"hidden": [6]}, learner=learner, genome=genome)
        newborns = decode(setup.pool, setup.pool.centre[None])
        return setup.conditions.brain, newborns.weights[0]

    (brain, plain), (_, hopeful) = born(0.0), born(1.5)
    choices = brain.actions
    assert brain.tensors[-2].name == "policy.bias"
    assert hopeful[-choices - 1 : -1].tolist() == [1.5] * choices
    assert hopeful[: -choices - 1].tobytes() == plain[: -choices - 1].tobytes()
    assert hopeful[-1] == plain[-1]


def test_fresh_tables_are_zeros():
    fresh = {"genome": {"weights": {"mode": "fresh"}}, "learner": {"name": "q_learning"}, "brain": TABLES}
    setup = setup_of("tests.helpers.probe_worlds:restless", **fresh)
    newborns = decode(setup.pool, setup.pool.centre[None])
    plan = Plan(20, learn_until=0, final_weights=True)
    driver = FusedDriver(setup.conditions)
    outcome, _ = lives(driver, setup.conditions, newborns, np.zeros(2, int), life_keys(0, SELECTION, 0, 2), plan)
    assert restless.name == setup.conditions.world.name
    assert not outcome.final_weights.any()


WANTS = {"weights": {"fitness": 1.0, "uprightness": 0.3, "approach": -20.0}, "evolved": ["approach"]}


def drives_of(setup, z=0.0):
    newborns = decode(setup.pool, setup.pool.centre[None] + z * setup.pool.spread)
    return dict(zip(setup.conditions.drive_names, newborns.drives[0].tolist(), strict=True))


@pytest.mark.parametrize("transform", ["identity", "symlog"])
def test_only_the_drives_named_are_genes_and_the_others_stay(transform):
    setup = setup_of(drives={**WANTS, "transform": transform})
    genes = [name for group, name in setup.pool.slices() if group == "drives"]
    assert genes == ["approach"]
    start, moved = drives_of(setup), drives_of(setup, z=2.0)
    expected = {name: WANTS["weights"].get(name, 0.0) for name in start}
    assert start == pytest.approx(expected, rel=1e-5)
    assert moved.pop("approach") > start.pop("approach")
    assert moved == start
    # What evolution sees of the genes: nothing but that one.
    assert setup.pool.size == setup_of(drives=WANTS | {"evolved": None}).pool.size - len(start)


def test_a_symlog_gene_moves_a_large_weight_in_proportion():
    setup = setup_of(drives={**WANTS, "transform": "symlog"})
    assert drives_of(setup, z=1.0)["approach"] == pytest.approx(-(21 * np.exp(-0.3) - 1), rel=1e-5)


def test_where_drives_are_drawn_afresh_the_others_stay_too():
    setup = setup_of(drives=WANTS, genome={"drives": {"mode": "fresh"}})
    newborns = decode(setup.pool, setup.pool.centre[None])
    own, _ = draw_fresh(setup.pool, newborns, np.zeros(3, int), life_keys(0, SELECTION, 0, 3))
    place = setup.conditions.drive_names.index("approach")
    assert len(set(own.drives[:, place])) == 3
    np.testing.assert_array_equal(np.delete(own.drives, place, 1), np.delete(newborns.drives[[0, 0, 0]], place, 1))


@pytest.mark.parametrize("arm", ["tuned_learner", "evolved_weights", "pretrained", "tuned_blank", "evolved"])
def test_arms_with_evolutions_of_their_own_assemble_with_some_drives_held(arm):
    setup = setup_of(drives={**WANTS, "transform": "symlog"})
    lent = natural_values(setup.pool, setup.pool.centre + setup.pool.spread)
    config = arm_config(setup.config, arm, ARMS[arm], {"tuned_blank": lent})
    found = drives_of(assemble(config))
    wanted = {"fitness": 1.0} if ARMS[arm].drives == "fitness" else WANTS["weights"]
    wanted = lent["drives"] if arm == "pretrained" else wanted
    assert found == pytest.approx({name: wanted.get(name, 0.0) for name in found}, rel=1e-5)


def test_transplanted_arms_carry_the_gene_and_what_is_held():
    setup = setup_of(drives={**WANTS, "transform": "symlog"})
    genome = setup.pool.centre + 0.5 * setup.pool.spread
    wanted = natural_values(setup.pool, genome)["drives"]
    for arm in ("evolved_drives", "shuffled", "evolved_frozen"):
        pool, carried = transplanted(setup.pool, genome, "actor_critic", ARMS[arm])
        assert natural_values(pool, carried)["drives"] == pytest.approx(wanted), arm
    pool, carried = transplanted(setup.pool, genome, "actor_critic", ARMS["blank"])
    assert natural_values(pool, carried)["drives"] == pytest.approx({**dict.fromkeys(wanted, 0.0), "fitness": 1.0})
