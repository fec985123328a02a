"""A prediction head in a run: what fits, what is said where it does not, and DNA that carries it."""

import numpy as np
import pytest

from evolearn.agent import DRIVES
from evolearn.config import ConfigError, check_config
from evolearn.run import assemble, load_dna, remarks_on, setup_of
from evolearn.run.dna import save_dna

TABLES = {"trunk": "linear", "hidden": []}
HEAD = {"prediction": True}
Q = {"name": "q_learning", "window": 1}


def setup_with(world="rooms", **sections):
    return assemble(check_config({"world": {"name": world}, **sections}, "test"))


def genes_of(setup, group):
    return {gene.name: gene for gene in setup.pool.genes if gene.group == group}


def test_the_head_is_genes_among_the_weights_and_its_rate_the_last_of_plasticity():
    setup = setup_with(brain=HEAD)
    without = setup_with()
    weights = genes_of(setup, "weights")
    brain = setup.conditions.brain
    assert weights["prediction.weight"].shape == (4, brain.observations + 2, 24)
    assert weights["prediction.bias"].shape == (4, brain.observations + 2)
    assert not weights["prediction.weight"].centre.any()
    assert [*weights][:-2] == [*genes_of(without, "weights")]
    plasticity = genes_of(setup, "plasticity")
    assert [*plasticity] == [*genes_of(without, "plasticity"), "prediction_rate"]
    assert plasticity["prediction_rate"].published == 0.1
    shaped = setup_with(brain=HEAD, learner={"auxiliary": True})
    assert [*genes_of(shaped, "plasticity")] == [*plasticity, "prediction_weight"]
    given = setup_with(brain=HEAD, learner={"plasticity": {"prediction_rate": 0.5}})
    assert genes_of(given, "plasticity")["prediction_rate"].centre[0] == 0.0  # logit of a half


def test_a_box_has_a_block_for_any_action_and_one_for_each_number():
    setup = setup_with("savannah", brain={**HEAD, "trunk": "gru", "readout": "product"})
    assert genes_of(setup, "weights")["prediction.bias"].shape == (5, setup.conditions.brain.observations + 2)


def test_what_is_asked_for_reaches_the_life():
    learner = {**Q, "imagined": 5, "remembered": 60, "repeated": 2}
    conditions = setup_with(brain={**TABLES, **HEAD}, learner=learner).conditions
    assert (conditions.imagined, conditions.remembered, conditions.repeated) == (5, 60, 2)


@pytest.mark.parametrize(
    ("sections", "text"),
    [
        (
            {"drives": {"generic": ["surprise"]}},
            "drives.generic: 'surprise' reads what the brain's prediction head foresees, and brain.prediction is "
            "false: set brain.prediction=true, or choose another drive, such as linear_surprise, which has a model of "
            "its own",
        ),
        (
            {"drives": {"generic": ["empowerment"]}},
            "brain.prediction is false: set brain.prediction=true, or choose another drive",
        ),
        (
            {"learner": {"auxiliary": True}},
            "learner.auxiliary=true: must be false with brain.prediction=false, since there is nothing to predict "
            "with; set brain.prediction=true, or leave learner.auxiliary out",
        ),
        (
            {"brain": {**TABLES, **HEAD}, "learner": {"auxiliary": True}},
            "learner.auxiliary=true: must be false with brain.trunk='linear', which has no weights that errors could "
            "change; leave it out, or set brain.trunk to 'mlp' or 'relu' or 'gru'",
        ),
        (
            {
                "brain": HEAD,
                "learner": {"auxiliary": True, "optimiser": "sgd"},
                "search": {"algorithm": "maml"},
                "genome": {"drives": {"mode": "fixed"}, "plasticity": {"mode": "fixed"}},
            },
            "learner.auxiliary=true: must be false with search.algorithm='maml', whose gradient through learning knows "
            "the learner's update alone; leave it out, or set search.algorithm=reptile",
        ),
        (
            {"brain": HEAD, "learner": {"imagined": 5}},
            "learner.imagined=5: must be 0 with learner.name='actor_critic', which learns from what its policy does "
            "now and from nothing else; leave it out, or set learner.name='q_learning'",
        ),
        (
            {"learner": {"repeated": 5}},
            "learner.repeated=5: must be 0 with learner.name='actor_critic', which learns from what its policy does",
        ),
        (
            {"learner": {**Q, "imagined": 5}},
            "learner.imagined=5: must be 0 with brain.prediction=false, since nothing can be imagined without a head "
            "that predicts; set brain.prediction=true, or leave learner.imagined out",
        ),
        (
            {"brain": {**HEAD, "inputs": ["observation", "last_action"]}, "learner": {**Q, "imagined": 5}},
            "learner.imagined=5: must be 0 with brain.trunk='mlp' and brain.inputs=['observation', 'last_action'], "
            "since an imagined step holds what the world shows and nothing of what was before; set "
            "brain.inputs=[observation] and a trunk that carries nothing, or leave learner.imagined out",
        ),
        (
            {"brain": HEAD, "learner": {**Q, "remembered": 9}},
            "learner.remembered=9: is read where steps are imagined, and learner.imagined is 0; set learner.imagined, "
            "or leave learner.remembered out",
        ),
        ({"learner": {"imagined": 1001}}, "learner.imagined=1001: must be 1000 or less"),
        ({"learner": {"remembered": 0}}, "learner.remembered=0: must be 1 or more"),
        (
            {"brain": HEAD, "learner": {"plasticity": {"prediction_rate": 1.0}}},
            "learner.plasticity.prediction_rate=1: must fit its gene",
        ),
        ({"learner": {"plasticity": {"prediction_rate": 0.5}}}, "learner.plasticity: 'prediction_rate' is unknown"),
    ],
)
def test_what_does_not_fit_is_named_with_a_remedy(sections, text):
    with pytest.raises(ConfigError) as caught:
        setup_with(**sections)
    assert text in str(caught.value)


def test_a_bound_on_gradients_is_heeded_where_errors_change_the_trunk():
    setup = setup_with(brain=HEAD, learner={**Q, "auxiliary": True, "gradient_norm": 2.0})
    assert setup.conditions.settings.gradient_norm == 2.0


def test_a_head_that_nothing_reads_is_remarked_upon():
    (remark,) = remarks_on(setup_with(brain=HEAD))
    assert remark.startswith("brain.prediction=true: nothing reads what the head foresees, and learning it takes time")
    for name, row in DRIVES.items():
        if row.reads_prediction:
            assert name in remark
            assert remarks_on(setup_with(brain=HEAD, drives={"generic": [name]})) == ()
    assert remarks_on(setup_with(brain=HEAD, learner={"auxiliary": True})) == ()
    assert remarks_on(setup_with(brain={**TABLES, **HEAD}, learner={**Q, "imagined": 1})) == ()


@pytest.mark.parametrize("world", ["rooms", "savannah"])
def test_dna_carries_the_head(tmp_path, world):
    setup = setup_with(world, brain=HEAD, learner={"auxiliary": True}, drives={"generic": ["progress"]})
    genome = np.random.default_rng(0).standard_normal(setup.pool.size).astype(np.float32)
    path = tmp_path / "some.safetensors"
    save_dna(path, setup, genome, np.ones_like(genome), {"role": "centre", "lineage": {"generation": 0}})
    dna = load_dna(path)
    assert dna.brain == setup.conditions.brain
    assert dna.header["brain"]["prediction"] == ("choices" if world == "rooms" else "numbers")
    assert setup_of(dna).conditions.brain == dna.brain
    np.testing.assert_array_equal(dna.newborns.weights[0], genome[: dna.brain.weights])
