"""Shared by tests: PUBLISHED, evolution_of, run_config."""

import copy

import numpy as np

from evolearn.agent import LEARNERS
from evolearn.config import RunConfig, check_config
from evolearn.run import ARMS, Setup, arm_config, assemble, lent_values
from tests.helpers.studies import TOY

PUBLISHED = {gene.name: gene.default for gene in LEARNERS["actor_critic"].plasticity}


def run_config(**more) -> RunConfig:
    return check_config({**copy.deepcopy(TOY["run"]), **more}, "toy")


def evolution_of(name: str) -> tuple[Setup, np.ndarray]:
    """The setup of an arm's own evolution and a genome that it may have ended with, other numbers for every arm."""
    config = run_config()
    if name == "lamarckian":
        config = run_config(search={**TOY["run"]["search"], "algorithm": "genetic"})
    if name == "maml":
        config = run_config(learner={**TOY["run"]["learner"], "optimiser": "sgd"})
    borrowed = {lender: lent_values(ARMS[name], lender, *dna_of(lender)) for lender in ARMS[name].needs()}
    setup = assemble(arm_config(config, name, ARMS[name], borrowed))
    random = np.random.default_rng(list(name.encode()))
    genome = (setup.pool.centre + setup.pool.spread * random.standard_normal(setup.pool.size)).astype(np.float32)
    return setup, genome


def dna_of(name: str):
    setup, genome = evolution_of(name)
    return setup.pool, genome
