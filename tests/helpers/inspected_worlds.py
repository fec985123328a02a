"""Tiny worlds whose landscapes and lesions are known, and specimens with planted brains to live in them."""

from pathlib import Path

import numpy as np

from evolearn.config import check_config
from evolearn.genome import TRANSFORMS
from evolearn.inspection._specimen import Extent, Specimen
from evolearn.life import new_driver
from evolearn.rng import uniform
from evolearn.run import assemble, load_dna, setup_of
from evolearn.run.dna import save_dna
from evolearn.world import Box, Discrete, Signal, World

STATE = np.dtype([("shown", "f8"), ("other", "f8")], align=True)
TARGET = (0.8, -0.5)
FIRST, SECOND = TARGET
ONE = Signal("one", "1")

# Fitness is a bowl upside down in the actions, and those are linear in the weights.


def born(state, parameters, rng):
    pass


def begin(state, parameters, rng):
    state.shown = 2.0 * uniform(rng) - 1.0
    state.other = 2.0 * uniform(rng) - 1.0


def observe_one(state, parameters, observation):
    observation[0] = 1.0


def step_bowl(state, parameters, action, senses, rng):
    first, second = action[0] - FIRST, action[1] - SECOND
    return -first * first - second * second, False, False


bowl = World(
    name="bowl",
    doc="Fitness is minus the squared distance of the action from a point.",
    observations=(ONE,),
    actions=Box(2),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe_one,
    step=step_bowl,
)

# Two observations, of which one says what to do.


def observe_both(state, parameters, observation):
    observation[0] = state.shown
    observation[1] = state.other


def step_sign(state, parameters, action, senses, rng):
    right = (action == 1) == (state.shown > 0.0)
    senses[0] = 1.0 if right else 0.0
    senses[1] = uniform(rng)
    state.shown = 2.0 * uniform(rng) - 1.0
    state.other = 2.0 * uniform(rng) - 1.0
    return 1.0 if right else 0.0, False, False


sign = World(
    name="sign",
    doc="Naming the sign of the first observation is fit; the second says nothing.",
    observations=(Signal("sole", "1"), Signal("dead", "1")),
    actions=Discrete(2),
    senses=(Signal("hint", "1"), Signal("noise", "1")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe_both,
    step=step_sign,
)


def observe_sole_and_dark(state, parameters, observation):
    observation[0] = state.shown
    observation[1] = 0.0


dark = World(
    name="dark",
    doc="As sign, but the second observation is always 0.",
    observations=(Signal("sole", "1"), Signal("dark", "1")),
    actions=Discrete(2),
    senses=(Signal("hint", "1"), Signal("noise", "1")),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe_sole_and_dark,
    step=step_sign,
)

# All that moves the action moves fitness by as much.


def observe_ones(state, parameters, observation):
    for i in range(4):
        observation[i] = 1.0


def step_sum(state, parameters, action, senses, rng):
    return action[0], False, False


ladder = World(
    name="ladder",
    doc="Fitness is the action, and every observation is always 1: each weight of the action is worth as much.",
    observations=tuple(Signal(f"one {i}", "1") for i in range(4)),
    actions=Box(1),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe_ones,
    step=step_sum,
)

TINY = Extent("tiny", 8, 10, ("zero",), 2, 5, 7, 6, 4, 400, 40)


def specimen_for(
    folder: Path,
    world,
    weights=None,
    drives=None,
    plasticity=None,
    extent=TINY,
    lifetime=200,
    workers=1,
    planted_value=None,
    **changes,
):
    """Somebody with planted genes.

    Args:
        folder: where the DNA is written.
        world: as in a config.
        weights: by name of tensor, whatever has its shape; others are drawn as at the start of evolution.
        drives: weights by name; others as at the start.
        plasticity: natural values by name; others as published.
        extent: see Extent.
        lifetime: world steps.
        workers: threads.
        planted_value: numbers of innate value by name of gene, whatever has its shape; others as at the start.
        changes: parts of the config.
    """
    part = world if isinstance(world, dict) else {"name": world}
    content = {
        "seed": 3,
        "world": part,
        "brain": {"trunk": "linear", "hidden": []},
        "learner": {"window": 10},
        "search": {"selection_lifetime": lifetime, "population": 4, "lives": 1, "generations": 1},
        "evaluation": {"lives": 2, "lifetimes": [lifetime], "birth_steps": 20, "bin_steps": 10},
    }
    setup = assemble(check_config({**content, **changes}, "planted"))
    genome = setup.pool.centre.copy()
    places = setup.pool.slices()
    given = (("weights", weights), ("drives", drives), ("plasticity", plasticity), ("value", planted_value))
    for group, planted in given:
        for name, value in (planted or {}).items():
            gene = next(gene for gene in setup.pool.genes if (gene.group, gene.name) == (group, name))
            encoded = value if group in ("weights", "value") else TRANSFORMS[gene.transform].encode(value)
            genome[places[group, name]] = np.broadcast_to(encoded, gene.shape).ravel()
    path = folder / "planted.safetensors"
    save_dna(path, setup, genome, 0.1 * setup.pool.spread, {"role": "centre", "lineage": {"generation": 0}})
    dna = load_dna(path)
    setup = setup_of(dna)
    return Specimen(dna, setup, new_driver(setup.conditions, workers), extent, lifetime)
