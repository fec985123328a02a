"""A brain that grows from config to newborn: its genes, DNA and arms, and what is said where it does not fit."""

import numpy as np
import pytest

from evolearn.agent import find_learner
from evolearn.config import ConfigError, check_config
from evolearn.genome import decode
from evolearn.inspection._genes import inspect_genes
from evolearn.rng import SELECTION, life_keys
from evolearn.run import ARMS, arm_config, assemble, ready_arm
from tests.helpers.inspected_dna import made_dna

GROWTH = {"of": ["weights", "rate"]}
KEYS = life_keys(0, SELECTION, 0, 3)


def config_of(world="cart-pole", switch_at=None, **sections):
    small = {
        "brain": {"hidden": [4]},
        "learner": {"window": 8},
        "search": {"generations": 2, "population": 4, "lives": 1, "selection_lifetime": 120},
        "evaluation": {"lives": 2, "lifetimes": [120], "birth_steps": 60, "bin_steps": 20},
    }
    return check_config({"world": {"name": world, "switch_at": switch_at}, **small, **sections}, "test")


def setup_of(world="cart-pole", **sections):
    return assemble(config_of(world, **sections))


def gene_of(setup, newborns, name):
    start = 0
    for gene in find_learner(setup.conditions.learner).genes(setup.conditions.brain):
        if gene.name == name:
            return newborns.plasticity[:, start : start + gene.size]
        start += gene.size
    raise KeyError(name)


def test_a_config_without_it_is_written_as_it_was_before_there_was_any():
    plain, grown = config_of().model_dump(mode="json"), config_of(growth=GROWTH).model_dump(mode="json")
    assert set(grown) - set(plain) == {"growth"}
    for content in (plain, grown):
        assert check_config(content, "again").model_dump(mode="json") == content


def test_old_weights_start_where_young_ones_do_and_as_wide():
    brain = {"hidden": [4], "weights": {"policy.bias": 0.7}}
    setup = setup_of(growth=GROWTH, brain=brain, genome={"weights": {"spread": 0.9}, "plasticity": {"spread": 0.2}})
    plain = setup_of(brain=brain)
    assert [gene.name for gene in setup.pool.genes[: len(plain.pool.genes)]] == [gene.name for gene in plain.pool.genes]
    newborn = decode(setup.pool, setup.pool.centre[None])
    np.testing.assert_array_equal(gene_of(setup, newborn, "grown_weight"), newborn.weights)
    assert gene_of(setup, newborn, "grown").tolist() == [[1.0]]
    spreads = {gene.name: set(gene.spread.tolist()) for gene in setup.pool.evolved if gene.group == "plasticity"}
    assert "grown" not in spreads, "it is no gene"
    assert spreads["grown_weight"] == {np.float32(0.9)}
    assert spreads["grown_onset"] == spreads["late_rate"] == {np.float32(0.2)}
    assert setup.conditions.grown_life == 120


def test_dna_keeps_it(tmp_path):
    planted = {("plasticity", "grown_onset"): np.linspace(0.1, 0.7, 7), ("plasticity", "late_rate"): -1.0}
    dna = made_dna(tmp_path / "dna.safetensors", config_of(growth=GROWTH), planted)
    assert dna.pool.brain.growth == ("weights", "rate")
    setup = assemble(dna.config)
    np.testing.assert_allclose(gene_of(setup, dna.newborns, "grown_onset")[0], np.linspace(0.1, 0.7, 7))
    assert gene_of(setup, dna.newborns, "late_rate") == pytest.approx(np.exp(-1.0))
    inspected = inspect_genes(dna)
    assert "grown" in [row["block"] for row in inspected["not_evolved"]]
    names = inspected["genes"]["name"]
    assert {"old hidden1.bias[3]", "grown_onset[angle]", "grown_width[policy]", "late_rate"} <= set(names)
    still = made_dna(tmp_path / "still.safetensors", config_of(growth=GROWTH, learner={"window": 8, "learn_until": 0}))
    read = dict(zip(names, inspect_genes(still)["genes"]["read"], strict=True))
    assert [read[name] for name in ("grown_onset[policy]", "old policy.bias[push left]", "late_rate")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("name", ["evolved", "evolved_frozen", "evolved_drives", "shuffled", "blank"])
def test_only_weights_that_are_inherited_grow(name):
    setup = setup_of(growth=GROWTH)
    arm = ready_arm(name, ARMS[name], setup.pool, setup.pool.centre, setup.config.learner)
    newborns, _ = arm.born(KEYS)
    assert (gene_of(setup, newborns, "grown") == (1.0 if "frozen" in name or name == "evolved" else 0.0)).all()


@pytest.mark.parametrize(("name", "extent"), [("instinct", 0.0), ("tuned_blank", 0.0), ("evolved_weights", 1.0)])
def test_an_evolution_of_an_arms_own_grows_where_weights_and_plasticity_evolve(name, extent):
    setup = assemble(arm_config(config_of(growth=GROWTH), name, ARMS[name], {}))
    newborns = decode(setup.pool, setup.pool.centre[None])
    assert gene_of(setup, newborns, "grown").tolist() == [[extent]]


SQUARE = """
from evolearn.agent import find_trunk
import dataclasses
MLP = find_trunk("mlp")
TURNED = dataclasses.replace(MLP, tensors=lambda layers: MLP.tensors(layers)[::-1])
"""


@pytest.mark.parametrize(
    ("sections", "text"),
    [
        ({"growth": {"of": []}}, r"growth.of=\[\]: must have at least 1 entry"),
        ({"growth": {"of": ["rate", "rate"]}}, r"growth.of=\['rate', 'rate'\]: must name each once"),
        (
            {"learner": {"window": 8, "plasticity": {"grown_onset": 1.2}}},
            r"learner.plasticity.grown_onset=1.2: must fit its gene, .* held between 0 and 1",
        ),
        (
            {"learner": {"window": 8, "plasticity": {"grown_onset": [0.1, 0.2]}}},
            "learner.plasticity.grown_onset: has 2 numbers, must have one, or 7",
        ),
        ({"learner": {"window": 8, "learn_from": 20}}, "learner.learn_from=20: must be a multiple of learner.window=8"),
        ({"learner": {"name": "hebbian", "window": 8}}, r"rate must be left out with learner.name='hebbian'"),
        (
            {"learner": {"window": 8, "reset": "heads"}, "switch_at": 40},
            "learner.reset='heads': must be 'none' with growth.of",
        ),
        (
            {"genome": {"inheritance": "lamarckian"}, "search": {"algorithm": "genetic", "selection_lifetime": 120}},
            "must be left out with genome.inheritance='lamarckian'",
        ),
        (
            {
                "genome": {"drives": {"mode": "fixed"}, "plasticity": {"mode": "fixed"}},
                "search": {"algorithm": "reptile", "selection_lifetime": 120},
            },
            "must be left out with search.algorithm='reptile'",
        ),
        ({"lineage": {"generations": 2, "inherit": "weights"}}, "must be left out with lineage.inherit='weights'"),
    ],
)
def test_what_does_not_fit_is_said_with_its_field_and_remedy(sections, text):
    with pytest.raises(ConfigError, match=text):
        setup_of(**{"growth": GROWTH, **sections})


def test_a_brain_whose_senses_have_no_rows_cannot_grow(tmp_path):
    (tmp_path / "turned.py").write_text(SQUARE)
    brain = {"trunk": f"{tmp_path / 'turned.py'}:TURNED", "hidden": [5]}
    assert setup_of(brain=brain).pool.size > 0
    with pytest.raises(ConfigError, match=r"its first weights are \[5\]: must be \[4, \.\.\], a row for each number"):
        setup_of(brain=brain, growth=GROWTH)


def test_brains_of_pairs_do_not_grow():
    with pytest.raises(ConfigError, match=r"growth.of=\['weights', 'rate'\]: must be left out with an opponent"):
        config_of("pursuit", growth=GROWTH, opponent={"world": "pursuit-predator"})
