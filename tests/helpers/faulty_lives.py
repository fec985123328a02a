"""Shared by tests: live_among_the_faulty."""

import numpy as np

from evolearn.life import Plan, lives
from evolearn.life._fused import FusedDriver
from evolearn.rng import BIRTH, SELECTION, life_keys, new_rng, open_stream, uniform
from tests.helpers.probe_worlds import (
    conditions_for,
    faulty,
    newborns_for,
)

LIVES, GUILTY, GENOMES = 8, 5, 4


def guilty_bounds():
    """Bounds of the first draw at birth that hold for life GUILTY alone."""
    rng = new_rng()
    draws = []
    for key in life_keys(1, SELECTION, 3, LIVES):
        open_stream(rng, key, BIRTH)
        draws.append(uniform(rng))
    return {"low": draws[GUILTY] - 1e-9, "high": draws[GUILTY] + 1e-9}


def live_among_the_faulty(kind, at=7, workers=2, hang_seconds=30.0, **bounds):
    conditions = conditions_for(faulty, kind=kind, at=at, **(bounds or guilty_bounds()))
    driver = FusedDriver(conditions, workers, hang_seconds)
    genomes = np.arange(LIVES) % GENOMES
    keys = life_keys(1, SELECTION, 3, LIVES)
    return lives(driver, conditions, newborns_for(conditions, GENOMES), genomes, keys, Plan(40, bin_steps=10))[0]
