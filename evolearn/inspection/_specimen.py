"""Somebody to be inspected: DNA with its world, a driver, and how much is to be lived for the answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.life import Driver
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import DNA, Setup
from evolearn.world import GYMNASIUM

Json = dict[str, Any]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]  # done, of how many; called as often as one likes

FIRST_GENERATION = 1000  # of the validation key space: the closing table and the choice of the best use those below


@dataclasses.dataclass(frozen=True)
class Extent:
    """How much is lived: numbers that never depend on the clock, so that the same command gives the same answers."""

    name: str
    birth_lives: int  # lives for a birth score
    lives: int  # lives for the effect of one lesion, or for one ancestor
    lesion_modes: tuple[str, ...]  # of zero, mean, permuted
    shams: int  # sham lesions of each size, at least
    grid: int  # points along each side of the landscape's plane, odd: the evolved point is in the middle
    line: int  # points along the line, 3 k + 1: the evolved point is one of them
    landscape_lives: int  # lives per point
    ancestors: int  # at most, of the lineage
    lifetime_limit: int  # world steps of a life, where none was asked for
    memory_lives: int  # of which the states that they carry are read
    note: str = ""  # what a reader should know of it


FULL = Extent("full", 128, 16, ("zero", "mean", "permuted"), 20, 15, 31, 12, 24, 20_000, 256)
QUICK = Extent("quick", 32, 12, ("zero",), 20, 7, 13, 6, 12, 2_000, 96)

# Worlds that are stepped in Python, not compiled: some 20 times slower, so that less is lived for the same answers.
_STEPPED = "Gymnasium environments are stepped one by one, which is slow: less is lived of them than of compiled worlds"
STEPPED = {
    FULL.name: dataclasses.replace(
        FULL, lives=12, lesion_modes=("zero",), grid=9, line=16, landscape_lives=6, ancestors=12, lifetime_limit=2_000,
        memory_lives=96,
        note=f"{_STEPPED}: lives of 2,000 steps at most, lesions by setting to zero only, and coarser grids.",
    ),
    QUICK.name: dataclasses.replace(
        QUICK, lifetime_limit=500, memory_lives=48, note=f"{_STEPPED}: lives of 500 steps at most."
    ),
}  # fmt: skip


def extent_of(dnas: Iterable[DNA], quick: bool) -> Extent:
    """How much is lived to inspect some DNA, or to compare several: less if any of their worlds is not compiled."""
    extent = QUICK if quick else FULL
    return STEPPED[extent.name] if any(dna.world.startswith(GYMNASIUM) for dna in dnas) else extent


@dataclasses.dataclass(frozen=True)
class Specimen:
    """Somebody to be inspected."""

    dna: DNA
    setup: Setup  # of the world in which it is looked at
    driver: Driver  # for the setup's conditions
    extent: Extent
    lifetime: int  # world steps of a life with learning
    progress: Progress = lambda done, of: None

    @property
    def birth_steps(self) -> int:
        """World steps of the birth score."""
        return min(self.setup.config.evaluation.birth_steps, self.lifetime)

    def keys(self, count: int, batch: int = 0) -> IntArray:
        """Keys int64 [count, 4] of validation lives that neither evolution nor a run's closing table has lived.

        Args:
            count: lives.
            batch: lives of two batches have nothing in common; those of one are the same in every section.
        """
        return life_keys(self.setup.config.seed, VALIDATION, FIRST_GENERATION + batch, count)


def lifetime_of(dna: DNA, extent: Extent, asked: int | None) -> int:
    """World steps of a life: as asked, else the selection lifetime within the extent's limit."""
    return asked or min(dna.config.search.selection_lifetime, extent.lifetime_limit)
