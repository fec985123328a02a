"""When to trust a cue: the map of instincts evolved for every pairing of a fixed world with a reliable cue.

In every cell of the map a small evolution of its own searches a bias and a cue weight, for lives of one cue and one
decision; then the newborn is asked what moves it. Theory: it should follow the cue where that is right more often than
the modal action is best.

Source: Stephens 1991, Change, regularity, and value in the evolution of animal learning, Behavioral Ecology 2, 77-89;
Dunlap and Stephens 2009, Components of change in the evolution of learning and unlearned preference, Proceedings of
the Royal Society B 276, 3201-3208.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from evolearn.config import Part, RunConfig, check_model
from evolearn.genome import decode
from evolearn.life import new_driver
from evolearn.run import Setup, assemble, to_genomes
from evolearn.study.bands import Measure, Measured, measure_share
from evolearn.verdict import FloatArray, Json

WORLD = "nature-nurture"
BRAIN: Mapping[str, Any] = {"trunk": "linear", "hidden": []}
MODAL, OTHER = 1, 0  # actions


class Settings(Part):
    """The map, and the evolution in each of its cells."""

    levels: tuple[Annotated[float, Field(ge=0.5, le=1)], ...] = Field(
        (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95), min_length=2, description="of fixity and of reliability"
    )
    population: int = Field(64, ge=2, le=100_000)
    generations: int = Field(20, ge=1, le=100_000)
    lives: int = Field(512, ge=1, le=100_000, description="per genome and generation, of one decision each")

    @field_validator("levels")
    @classmethod
    def _ascending(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if list(levels) != sorted(set(levels)):
            raise ValueError(f"levels={list(levels)}: must ascend, and no two may be the same")
        return levels


@dataclasses.dataclass(frozen=True)
class Instincts:
    """The instinct that each evolution came to: F fixities, R reliabilities, E evolutions in each cell."""

    levels: tuple[float, ...]
    bias: FloatArray  # [F, R, E] for the modal action, log odds
    cue_weight: FloatArray  # [F, R, E] for what the cue says, log odds
    world_steps: int
    evaluations: int  # genomes evaluated

    @property
    def follows(self) -> npt.NDArray[np.bool_]:
        """Whether what the newborn does turns with the cue, [F, R, E]."""
        return self.cue_weight > np.abs(self.bias)

    @property
    def should_follow(self) -> npt.NDArray[np.bool_]:
        """What theory says, [F, R]; nothing on the diagonal, where both earn the same."""
        levels = np.array(self.levels)
        return levels[None, :] > levels[:, None]

    @property
    def off_diagonal(self) -> npt.NDArray[np.bool_]:
        """Cells for which theory says something, [F, R]."""
        return ~np.eye(len(self.levels), dtype=bool)

    @property
    def as_theory(self) -> npt.NDArray[np.bool_]:
        """Whether an evolution came to what theory says, [F, R, E]."""
        return self.follows == self.should_follow[..., None]


def cell_config(settings: Settings, fixity: float, reliability: float, seed: int) -> RunConfig:
    """The run of one cell.

    Args:
        settings: of the map.
        fixity: probability that the modal action is the best one.
        reliability: probability that the cue names the best one.
        seed: of the evolution.
    """
    content = {
        "seed": seed,
        "world": {"name": WORLD, "parameters": {"fixity": fixity, "reliability": reliability}},
        "brain": dict(BRAIN),
        "learner": {"learn_until": 0},
        "genome": {
            "weights": {"spread": 1.0},
            "drives": {"mode": "fixed"},
            "plasticity": {"mode": "fixed"},
        },
        "search": {
            "algorithm": "cem",
            "population": settings.population,
            "generations": settings.generations,
            "lives": settings.lives,
            "selection_lifetime": 1,
            "options": {"parenthood_ratio": 0.25},
        },
        "evaluation": {"lifetimes": [4], "birth_steps": 1, "bin_steps": 1},
    }
    return check_model(RunConfig, content, f"cell fixity={fixity:g}, reliability={reliability:g}")


def instinct(setup: Setup, genome: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Bias for the modal action and weight of the cue, in log odds.

    Args:
        setup: of the cell.
        genome: [G].
    """
    weights = decode(setup.pool, genome[None]).weights[0]
    blocks: dict[str, npt.NDArray[np.float32]] = {}
    start = 0
    for tensor in setup.pool.brain.tensors:
        blocks[tensor.name] = weights[start : start + tensor.size].reshape(tensor.shape)
        start += tensor.size
    bias, by_cue = blocks["policy.bias"], blocks["policy.weight"][:, 0]
    return float(bias[MODAL] - bias[OTHER]), float(by_cue[MODAL] - by_cue[OTHER])


def live(settings: Settings, seed: int, runs: int, workers: int, done: Callable[[float], None]) -> Instincts:
    """Evolve an instinct in every cell; the same for any number of workers.

    Args:
        settings: of the map.
        seed: of everything; a cell's evolution has a seed that comes of it, the cell and the number of the run.
        runs: evolutions per cell.
        workers: threads.
        done: told the share of the work that is done.
    """
    from evolearn.run import evolve, new_search  # PyTorch takes long to import; whoever reads configs does without

    size = len(settings.levels)
    found = np.zeros((2, size, size, runs))
    steps = evaluations = 0
    places = [(row, column, run) for row in range(size) for column in range(size) for run in range(runs)]
    for number, place in enumerate(places):
        own_seed = int(np.random.SeedSequence([seed, *place]).generate_state(1)[0])
        fixity, reliability = settings.levels[place[0]], settings.levels[place[1]]
        setup = assemble(cell_config(settings, fixity, reliability, own_seed))
        search = new_search(setup)
        with contextlib.closing(new_driver(setup.conditions, workers)) as driver:
            for generation in evolve(setup, driver, search):
                steps += generation.world_steps
                evaluations += generation.evaluations
        found[:, *place] = instinct(setup, to_genomes(setup, search.centre()))
        done((number + 1) / len(places))
    return Instincts(settings.levels, found[0], found[1], steps, evaluations)


def cost(lived: Instincts) -> Json:
    """World steps, which are decisions, and genomes evaluated."""
    return {"world_steps": lived.world_steps, "evaluations": lived.evaluations, "evaluations_are": "genomes"}


def plan(settings: Settings, runs: int) -> str:
    """What will be done, in words."""
    size = len(settings.levels)
    return (
        f"A map of {size} x {size} cells, {runs} evolution{'' if runs == 1 else 's'} in each: {settings.generations} "
        f"generations of {settings.population} genomes, {settings.lives} lives each of one decision."
    )


class AsTheory(Part):
    """Arguments of `as_theory`."""

    least_apart: float = Field(0.0, ge=0, description="only cells where fixity and reliability differ by so much")


def _as_theory(lived: Instincts, of: AsTheory) -> Measured:
    """Share of evolutions off the diagonal that came to follow the cue exactly where theory says."""
    levels = np.array(lived.levels)
    apart = np.abs(levels[None, :] - levels[:, None]) >= of.least_apart - 1e-9
    cells = lived.off_diagonal & apart
    if not cells.any():
        return Measured(None, note="no cell is so far off the diagonal")
    runs = lived.follows.shape[2]
    return measure_share(lived.as_theory[cells].ravel(), "cells" if runs == 1 else f"evolutions, {runs} per cell")


MEASURES: Mapping[str, Measure] = {
    "as_theory": Measure("share of cells off the diagonal that are as theory says", AsTheory, _as_theory)
}


def pictures(lived: Instincts) -> Json:
    """The map, by fixity (rows) and reliability (columns)."""
    return {
        "levels": list(lived.levels),
        "follows": lived.follows.mean(axis=2),
        "as_theory": np.where(lived.off_diagonal, lived.as_theory.mean(axis=2), np.nan),
        "bias": lived.bias.mean(axis=2),
        "cue_weight": lived.cue_weight.mean(axis=2),
    }
