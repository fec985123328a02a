"""What is kept of a generation: the rows of `generations.jsonl`.

Apart from how they come about, so that who only looks at runs imports no search, and no PyTorch.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated, Any

import pydantic

from evolearn.life import Effort

# NaN, which JSON has no number for, is null in the file.
_Fitness = Annotated[float, pydantic.BeforeValidator(lambda value: math.nan if value is None else value)]


@dataclasses.dataclass(frozen=True)
class OpponentGeneration:
    """What a generation of opponents came to; see `Generation`, whose fields of these names say the same."""

    fitness_mean: _Fitness
    fitness_best: _Fitness
    fitness_centre: _Fitness
    world_steps: int  # among those of the whole generation
    evaluations: int
    fitness_sha256: str
    search_stdev: float
    diverged_lives: int
    skipped_updates: int


@dataclasses.dataclass(frozen=True)
class Generation:
    """One row of `generations.jsonl`. Fitness is the mean over the generation's lives.

    A genome one of whose lives diverged ranks last, and has no fitness: it is left out here, and a number that no
    genome is left for is NaN, null in the file.
    """

    generation: int  # from 0
    # over the population; trainers of weights, reptile and maml: over their updates; clone: over lives of lessons
    fitness_mean: _Fitness
    fitness_std: _Fitness  # likewise; 0 if nothing was told apart: then the search makes no step
    fitness_best: _Fitness  # likewise; on the lives that chose it: inflated by luck
    # of the centre before this generation's update; genetic: last champion; trainers of weights: after it
    fitness_centre: _Fitness
    # lived in this generation, centre included; those in which there was a teacher count twice, and those of opponents
    # that evolve as well count too
    world_steps: int
    seconds: float  # of wall clock
    steps_per_second: float
    evaluations: int  # genomes evaluated, centre included
    fitness_sha256: str  # of the fitness vector, float64 little-endian; then what was learned, where it is used
    paired_correlation: float | None  # mean correlation over lives between two genomes; None if they share no lives
    search_stdev: float  # mean standard deviation of the search, in spreads
    diverged_lives: int  # lives whose brain, or whose fitness, left the finite numbers
    skipped_updates: int  # learning updates skipped because a gradient was not finite
    peak_memory: int  # bytes, the most that this process has had in RAM since it began
    restart: int = 0  # of the search, from 0
    cluster: Effort | None = None  # what a cluster did; None in process
    teacher_steps: int = 0  # of the world steps, those that are a teacher's, asked or watched
    # of the centre's lineages, by cultural generation, mean over lineages and siblings; None where lives are alone
    cultural: tuple[_Fitness, ...] | None = None
    # of opponents that evolve as well, of each population if there are several; None: there are none
    opponent: OpponentGeneration | tuple[OpponentGeneration, ...] | None = None

    def row(self) -> dict[str, Any]:
        """The record as a mapping, in order; without opponents where there are none."""
        row = dataclasses.asdict(self)
        if self.opponent is None:
            del row["opponent"]
        return row
