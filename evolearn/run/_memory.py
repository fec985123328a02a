"""Whether a run fits into the memory of this machine, before it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evolearn.agent import MOST_WEIGHTS, BrainSpec
from evolearn.config import ConfigError, RunConfig
from evolearn.genome import FRESH
from evolearn.life import available_memory
from evolearn.search import evaluations_per_generation

if TYPE_CHECKING:
    from evolearn.run.setup import Setup

# Copies that are there at once, about: of a population in the search, in its state, and decoded; of its fitness; and of
# what a life leaves behind.
_GENOMES, _FITNESS, _SCORES = 8, 4, 12
_NUMBER = 4  # bytes of a gene or weight
_LIVES_AT_ONCE = 64  # side by side, at most for each worker
_SCORE = 8  # bytes


class Need(NamedTuple):
    """What part of a run needs so much, and what to do."""

    bytes: int
    field: str
    what: str
    remedy: str


def check_brain_size(config: RunConfig, brain: BrainSpec) -> None:
    """Refuse brains that nobody has the memory for, before memory is asked for.

    Raises:
        ConfigError: names the field.
    """
    if brain.weights > MOST_WEIGHTS:
        inputs = "observations" if brain.told == brain.observations else "inputs"
        raise ConfigError(
            f"brain.hidden={list(brain.hidden)}: makes {brain.weights:,} weights with {brain.told:,} {inputs} and "
            f"{brain.actions:,} action outputs: must be at most {MOST_WEIGHTS:,}; make layers smaller"
        )


def check_memory(setup: Setup) -> None:
    """Refuse a run that needs more memory than there is.

    Raises:
        ConfigError: names the field that needs most, how much, and what to do.
    """
    free = available_memory()
    parts = run_needs(setup)
    together, largest = sum(part.bytes for part in parts), max(parts, key=lambda part: part.bytes)
    if free is not None and together > free:
        of_all = f" of {together / 1e9:,.1f} GB for all that is held at once" if largest.bytes <= free else ""
        raise ConfigError(
            f"{largest.field}: {largest.what} need about {largest.bytes / 1e9:,.1f} GB of memory{of_all}, and "
            f"{free / 1e9:,.1f} GB are free; {largest.remedy}"
        )


def run_needs(setup: Setup) -> tuple[Need, ...]:
    """What the largest parts of a run need, about, with what its lives remember."""
    return (*needs(setup.config, setup.pool.size, setup.conditions.brain.weights), _remembered(setup))


def _remembered(setup: Setup) -> Need:
    """What imagined steps need to begin at: what lives side by side remember."""
    conditions = setup.conditions
    numbers = conditions.brain.observations + conditions.world.action_size
    steps = conditions.remembered if conditions.imagined else 0
    return Need(
        _LIVES_AT_ONCE * steps * numbers * _NUMBER,
        f"learner.remembered={conditions.remembered}",
        f"up to {_LIVES_AT_ONCE} lives side by side that remember {numbers} numbers of each step",
        "lower it",
    )


def needs(config: RunConfig, genes: int, weights: int) -> tuple[Need, ...]:
    """What the largest parts of a run need, about.

    Args:
        config: of the run.
        genes: length of a genome.
        weights: of a brain.
    """
    search, evaluation = config.search, config.evaluation
    genomes = evaluations_per_generation(search.algorithm, search.population)
    held = 1 if search.sampling == "blockwise" else genomes
    drawn = config.genome.weights.mode == FRESH
    bins = max(evaluation.lifetimes) // evaluation.bin_steps
    return (
        Need(
            _GENOMES * held * genes * _NUMBER,
            f"search.population={search.population}",
            f"{genomes:,} genomes of {genes:,} genes",
            "lower it, choose a smaller brain.hidden, or search.sampling=blockwise where the algorithm has it",
        ),
        Need(
            _FITNESS * genomes * search.lives * _SCORE,
            f"search.lives={search.lives}",
            f"{genomes:,} genomes with {search.lives:,} lives each",
            "lower it, or search.population",
        ),
        Need(
            2 * search.lives * weights * _NUMBER if drawn else 0,
            f"search.lives={search.lives}",
            f"{search.lives:,} lives with {weights:,} weights of their own each",
            "lower it, or choose a smaller brain.hidden",
        ),
        Need(
            2 * search.lives * config.lineage.siblings * weights * _NUMBER if config.lineage else 0,
            f"lineage.siblings={config.lineage.siblings if config.lineage else 0}",
            f"{search.lives:,} lineages with {weights:,} weights of every sibling",
            "lower it, or search.lives",
        ),
        Need(
            evaluation.lives * (_SCORES * bins * _SCORE + 2 * weights * _NUMBER),
            f"evaluation.lives={evaluation.lives}",
            f"{evaluation.lives:,} lives with {bins:,} age bins and {weights:,} weights each",
            "lower it, or evaluation.lifetimes, choose a larger evaluation.bin_steps, or a smaller brain.hidden",
        ),
    )
