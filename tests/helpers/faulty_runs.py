"""Shared by tests: GUILTY, SEED, Listener, faulty_run."""

import numpy as np

from evolearn.config import check_config
from evolearn.rng import BIRTH, SELECTION, LifeKey, new_rng, open_stream, uniform
from tests.helpers.places import HELPERS
from tests.helpers.runs import toy

SEED, GENERATION, LIFE = 5, 2, 1  # of the run, and the selection life at fault


WORLD = f"{HELPERS / 'probe_worlds.py'}:faulty"


def bounds_of(key: LifeKey) -> dict[str, float]:
    """Bounds of the first draw at birth that hold for one life alone."""
    rng = new_rng()
    open_stream(rng, np.array(key), BIRTH)
    draw = uniform(rng)
    return {"low": draw - 1e-9, "high": draw + 1e-9}


GUILTY = LifeKey(SEED, SELECTION, GENERATION, LIFE)


def faulty_run(kind: int, **more):
    parameters = {"kind": kind, "at": 7, **bounds_of(GUILTY)}
    return check_config({**toy(**more), "world": {"name": WORLD, "parameters": parameters}}, "toy")


class Listener:
    """Remembers what was said while a generation was made again."""

    def __init__(self) -> None:
        self.remade: tuple[int, int | None] | None = None
        self.evolved: list[int] = []
        self.warnings: list[str] = []

    def remaking(self, generation, checkpoint) -> None:
        self.remade = (generation, checkpoint)

    def made(self, generation) -> None:
        self.evolved.append(generation.generation)

    def warning(self, text) -> None:
        self.warnings.append(text)
