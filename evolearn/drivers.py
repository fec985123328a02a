"""The driver that a world needs."""

from __future__ import annotations

from evolearn.fused import FusedDriver
from evolearn.lives import Conditions, Driver
from evolearn.stepwise import StepwiseDriver
from evolearn.world import World


def new_driver(conditions: Conditions, workers: int = 1, hang_seconds: float = 30.0) -> Driver:
    """The driver that the world needs, with `workers` threads or processes."""
    if isinstance(conditions.world, World):
        return FusedDriver(conditions, workers, hang_seconds)
    return StepwiseDriver(conditions, workers, hang_seconds=hang_seconds)
