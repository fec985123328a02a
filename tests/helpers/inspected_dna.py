"""DNA made by hand, alive in its world: what is in it is known."""

import dataclasses

import numpy as np

from evolearn.config import check_config
from evolearn.inspection._specimen import QUICK, Specimen
from evolearn.life import new_driver
from evolearn.run import assemble, load_dna
from evolearn.run.dna import save_dna

EXTENT = dataclasses.replace(QUICK, birth_lives=6, lives=3)


def config(world="cart-pole", **changes):
    content = {
        "seed": 3,
        "world": {"name": world},
        "brain": {"hidden": [4]},
        "learner": {"window": 8},
        "search": {"generations": 2, "population": 4, "lives": 1, "selection_lifetime": 120},
        "evaluation": {"lives": 2, "lifetimes": [120], "birth_steps": 60, "bin_steps": 20},
    }
    return check_config(content | changes, "toy")


def made_dna(path, run_config, planted=None, left=0.5):
    """DNA that is the start of evolution but for what is planted.

    Args:
        path: of the file.
        run_config: of the run that never was.
        planted: (group, gene) -> values in gene units.
        left: spread left, as a share of the spread at the start.
    """
    setup = assemble(run_config)
    genome = setup.pool.centre.copy()
    for name, values in (planted or {}).items():
        genome[setup.pool.slices()[name]] = np.asarray(values, np.float32).reshape(-1)
    about = {"role": "centre", "lineage": {"generation": 1}}
    save_dna(path, setup, genome, np.float32(left) * setup.pool.spread, about)
    return load_dna(path)


def alive(dna, driver=None, extent=EXTENT, lifetime=120):
    """A specimen; whoever gives no driver closes the new one."""
    setup = assemble(dna.config)
    return Specimen(dna, setup, driver or new_driver(setup.conditions), extent, lifetime)
