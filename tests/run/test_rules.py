"""Runs whose brains learn by rules: what is refused, what DNA keeps, what arms and tuning make of it, what evolves."""

from pathlib import Path

import numpy as np
import pytest

import evolearn
from evolearn.config import ConfigError, check_config
from evolearn.export.brains import description_of, export
from evolearn.genome import TRANSFORMS, decode, plasticity_by_gene
from evolearn.inspection._genes import inspect_genes
from evolearn.life import OwnDrivers
from evolearn.run import ARMS, arm_config, assemble, load_dna, natural_values, ready_arm, start_run
from evolearn.tuning._starts import searched_genes, start_range
from tests.helpers.runs import Watcher, toy

OWN = "rewarded_hebbian_connections"
START = {"hidden1 A": 0.25, "policy B": [0.5, -0.5, 0.25, 0.0, 1.0, -1.0, 2.0, -2.0, 0.125, 3.0], "policy rate": 0.02}


def config_with(name: str = OWN, brain: dict | None = None, **learner):
    return check_config(toy(learner={"name": name, "window": 1, **learner}, brain=brain or {"hidden": [4]}), "test")


@pytest.mark.parametrize(
    ("name", "brain", "learner", "text"),
    [
        (
            "hebbian",
            {"trunk": "gru"},
            {},
            "learner.name='hebbian': cannot teach this brain: it changes the weights of dense layers, and "
            "brain.trunk='gru' has others; set brain.trunk=mlp or relu, or linear with brain.hidden=[]; or choose "
            "another learner.name",
        ),
        (
            OWN,
            {"trunk": "gru"},
            {"learn_until": 0},
            "learner.name='rewarded_hebbian_connections': cannot teach this brain: it changes the weights of dense",
        ),
        ("hebbian", {"trunk": "tests.helpers.elman:ELMAN"}, {}, "brain.trunk='tests.helpers.elman:ELMAN' has others"),
        (
            "rewarded_hebbian",
            {"readout": "product"},
            {},
            "learner.name='rewarded_hebbian': cannot teach this brain: no rule says how the weights of "
            "brain.readout='product' change; set it to plain; or choose another learner.name",
        ),
        ("hebbian", {}, {"epochs": 2}, "learner.epochs=2: learner hebbian does not use it; leave it out, or 1"),
        (
            "hebbian",
            {},
            {"plasticity": {"expectation_rate": 0.1}},
            "learner.plasticity: 'expectation_rate' is unknown.",
        ),
        (
            "hebbian",
            {"hidden": [4, 3]},
            {"plasticity": {"hidden3 A": 0.1}},
            "learner.plasticity: 'hidden3 A' is unknown.",
        ),
        (
            OWN,
            {"hidden": [4]},
            {"plasticity": {"policy A": [1.0, 2.0]}},
            "learner.plasticity.policy A: has 2 numbers, must have one, or 10, one for each connection",
        ),
        (
            "hebbian",
            {},
            {"plasticity": {"policy A": [1.0]}},
            "learner.plasticity.policy A: has 1 numbers, must have one",
        ),
        (
            "hebbian",
            {},
            {"plasticity": {"policy rate": -1}},
            "learner.plasticity.policy rate=-1: must fit its gene, value = exp(gene), positive",
        ),
    ],
)
def test_what_does_not_fit_is_refused(name: str, brain: dict, learner: dict, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        assemble(config_with(name, brain, **learner))
    assert text in str(caught.value)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "run"
    start_run(config_with(plasticity=START), "rules", path, OwnDrivers(1), Watcher())
    return path


def test_dna_keeps_a_rule_for_each_connection(run: Path) -> None:
    dna = load_dna(run)
    sizes = {gene.name: gene.size for gene in dna.pool.evolved}
    assert (sizes["hidden1 A"], sizes["policy A"], sizes["policy rate"]) == (20, 10, 1)
    started = plasticity_by_gene(dna.pool, decode(dna.pool, dna.pool.centre[None]).plasticity[0])
    for name, value in START.items():
        np.testing.assert_allclose(started[name], np.float32(value), rtol=1e-6)
    born = plasticity_by_gene(dna.pool, dna.newborns.plasticity[0])
    assert len(set(np.asarray(born["hidden1 A"]).tolist())) == 20, "each evolved by itself"
    newborn = evolearn.load(run).newborn
    np.testing.assert_array_equal(newborn.plasticity["hidden1 A"], born["hidden1 A"])
    with pytest.raises(ValueError, match="read-only"):
        newborn.plasticity["hidden1 A"][0] = 1.0
    assert newborn.plasticity["policy rate"] == born["policy rate"]
    assert "hidden1 A of 20, " in repr(evolearn.load(run))
    found = evolearn.load(run).genes
    assert (found.gene == "hidden1 A").sum() == 20


def test_inspection_names_the_connection_of_each_number(run: Path) -> None:
    dna = load_dna(run)
    genes = inspect_genes(dna)["genes"]
    rules = [name for name, group in zip(genes["name"], genes["group"], strict=True) if group == "plasticity"]
    assert f"hidden1 A, weight[{dna.inputs[0]} -> 0]" in rules
    assert "hidden1 D, bias[3]" in rules
    assert f"policy B, weight[2 -> {dna.actions[1]}]" in rules
    assert len(set(rules)) == len(rules) == 3 + 2 + 4 * 30
    value = [read for name, read in zip(genes["name"], genes["read"], strict=True) if name.startswith("value.")]
    assert value
    assert not any(value), "no rule changes the value head, and nobody reads it"


def test_an_exported_brain_says_by_what_rules_it_learned(run: Path, tmp_path: Path) -> None:
    dna = load_dna(run)
    export(dna, tmp_path / "brain.safetensors")
    told = description_of(tmp_path / "brain.safetensors")["plasticity"]
    born = plasticity_by_gene(dna.pool, dna.newborns.plasticity[0])
    np.testing.assert_allclose(told["policy C"], born["policy C"])
    assert told["policy rate"] == born["policy rate"]


def test_arms_lend_and_publish_rules(run: Path) -> None:
    dna = load_dna(run)
    lent = natural_values(dna.pool, dna.genome)
    pool = assemble(arm_config(dna.config, "pretrained", ARMS["pretrained"], {"tuned_blank": lent})).pool
    born = decode(pool, pool.centre[None])
    np.testing.assert_allclose(born.plasticity, dna.newborns.plasticity, rtol=1e-6)
    blank = ready_arm("blank", ARMS["blank"], dna.pool, dna.genome, dna.config.learner)
    published = plasticity_by_gene(blank.pool, decode(blank.pool, blank.genome[None]).plasticity[0])
    np.testing.assert_array_equal(published["policy A"], np.ones(10))
    np.testing.assert_array_equal(published["policy B"], np.zeros(10))
    assert published["policy rate"] == pytest.approx(0.01)


def test_starts_of_rules_are_searched_around_the_start_and_hebbs_rule() -> None:
    pool = assemble(config_with(plasticity={"policy A": 0.5})).pool
    ranges = {gene.name: start_range(gene) for gene in searched_genes(pool)}
    assert ranges["policy A"] == pytest.approx((0.5 - 3.0, 1.0 + 3.0))
    assert ranges["policy B"] == pytest.approx((-3.0, 3.0))
    rate = TRANSFORMS["log"].encode(0.01)
    assert ranges["policy rate"] == pytest.approx((rate - 3.0, rate + 3.0), abs=1e-5)


@pytest.mark.parametrize("name", ["rewarded_hebbian", OWN])
def test_rules_evolve_that_find_out_what_random_weights_cannot_know(name: str, tmp_path: Path) -> None:
    """Which arm pays is redrawn at birth, as are the weights: without learning there is nothing but chance."""
    content = {
        "seed": 0,
        "world": {"name": "tests.helpers.probe_worlds:only_learning"},
        "brain": {"trunk": "linear", "hidden": []},
        "learner": {"name": name, "window": 1},
        "genome": {"weights": {"mode": "fresh"}, "drives": {"mode": "fixed"}},
        "search": {"algorithm": "snes", "population": 24, "generations": 12, "lives": 16, "selection_lifetime": 60},
        "evaluation": {"lives": 64, "lifetimes": [60], "birth_steps": 15, "bin_steps": 15},
    }
    watcher = Watcher()
    start_run(check_config(content, "test"), "rules", tmp_path / "run", OwnDrivers(1), watcher)
    centres = [row.fitness_centre for row in watcher.rows]
    assert centres[0] < 0.75
    assert centres[-1] > 0.85
    dna = load_dna(tmp_path / "run")
    born = plasticity_by_gene(dna.pool, dna.newborns.plasticity[0])
    assert born["policy rate"] > 0.02, "who has so little time must learn faster than the published rate"
