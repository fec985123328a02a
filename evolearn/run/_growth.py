"""What a brain that grows needs of a config: refused early, in the words of its fields."""

from __future__ import annotations

from evolearn.agent import (
    GROWN,
    GROWN_RATE,
    GROWN_WEIGHT,
    GROWN_WEIGHTS,
    LEARNERS,
    LEARNING_RATE,
    BrainSpec,
    Learner,
    find_learner,
)
from evolearn.config import ConfigError, RunConfig
from evolearn.genome import EVOLVED, FRESH, initial_weights
from evolearn.search import ALGORITHMS


def grows(config: RunConfig) -> tuple[str, ...]:
    """What of a run's brains grows, see `evolearn.agent.BrainSpec.growth`."""
    return () if config.growth is None else config.growth.of


def growth_at_start(config: RunConfig, brain: BrainSpec) -> dict[str, float | tuple[float, ...]]:
    """Natural values of genes of growth where they are not the published ones, at which nothing grows.

    Old weights start where young ones do. Weights drawn afresh in every life do not grow into some that are known, and
    where plasticity does not evolve nothing grows either.

    Args:
        config: of the run.
        brain: what its brain is made of.
    """
    genome = config.genome
    inherits = genome.weights.mode != FRESH and genome.plasticity.mode == EVOLVED
    if GROWN_WEIGHTS not in brain.growth or not inherits:
        return {}
    start, given = 0, config.brain.weights
    weights = initial_weights(brain, config.seed)
    for tensor in brain.tensors:
        if tensor.name in given:
            weights[start : start + tensor.size] = given[tensor.name]
        start += tensor.size
    thinking = sum(tensor.size for tensor in brain.thinking.tensors)
    return {GROWN: 1.0, GROWN_WEIGHT: tuple(weights[:thinking].tolist())}


def check_growth(config: RunConfig) -> None:
    """Refuse growth that nothing could make use of, or that would be taken for what was learned.

    Raises:
        ConfigError: names the field, and what to set.
    """
    if config.growth is None:
        return
    given, learner = f"growth.of={list(config.growth.of)}", config.learner
    if GROWN_RATE in config.growth.of and not _has_rate(find_learner(learner.name)):
        able = " or ".join(repr(name) for name, row in LEARNERS.items() if _has_rate(row))
        raise ConfigError(
            f"{given}: rate must be left out with learner.name={learner.name!r}, which has no gene {LEARNING_RATE}; or "
            f"set learner.name={able}"
        )
    if learner.learn_from % learner.window:
        raise ConfigError(
            f"learner.learn_from={learner.learn_from}: must be a multiple of learner.window={learner.window} with "
            f"{given}, since brains grow between two windows; change one of the two"
        )
    if learner.reset != "none":
        raise ConfigError(
            f"learner.reset={learner.reset!r}: must be 'none' with {given}, since weights as at birth would have "
            "nothing of what has grown; leave one of the two out"
        )
    trained = config.search.algorithm
    takes = {
        f"search.algorithm={trained!r}": trained in ALGORITHMS and ALGORITHMS[trained].trains_weights,
        "genome.inheritance='lamarckian'": config.genome.inheritance == "lamarckian",
        f"lineage.inherit={config.lineage.inherit if config.lineage else ''!r}": config.lineage is not None
        and config.lineage.inherit != "nothing",
    }
    for field, is_so in takes.items():
        if is_so:
            raise ConfigError(
                f"{given}: must be left out with {field}, which would take for learned what has grown; leave one of "
                "the two out, in an arm by settings: {growth: null}"
            )


def _has_rate(learner: Learner) -> bool:
    return any(gene.name == LEARNING_RATE for gene in learner.plasticity)
