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

LIVES, GUILTY, GENOMES = 16, 13, 4


def draw_at_birth(life):
    """The first draw at birth of one of the lives."""
    rng = new_rng()
    open_stream(rng, life_keys(1, SELECTION, 3, LIVES)[life], BIRTH)
    return uniform(rng)


def guilty_bounds():
    """Bounds of the first draw at birth that hold for life GUILTY alone."""
    draw = draw_at_birth(GUILTY)
    return {"low": draw - 1e-9, "high": draw + 1e-9}


def live_among_the_faulty(kind, at=7, workers=2, hang_seconds=30.0, **bounds):
    return live_among(faulty, workers, hang_seconds, kind=kind, at=at, **(bounds or guilty_bounds()))


def live_among(world, workers=2, hang_seconds=30.0, **parameters):
    conditions = conditions_for(world, **parameters)
    driver = FusedDriver(conditions, workers, hang_seconds)
    genomes = np.arange(LIVES) % GENOMES
    keys = life_keys(1, SELECTION, 3, LIVES)
    return lives(driver, conditions, newborns_for(conditions, GENOMES), genomes, keys, Plan(40, bin_steps=10))[0]
