"""Hyperparameters of the search algorithms, with ranges and defaults, and what a search costs.

EvoTorch's algorithms keep its names.

Spreads and centres come from the genes and are not hyperparameters: every search runs in z, where a gene is its
centre plus its spread times z.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import pydantic
from pydantic import Field

from evolearn.config import ConfigError, Part, Positive, SearchPart, explain_validation
from evolearn.errors import offer

Ranking = Literal["centered", "linear", "nes", "normalized", "raw"]


class Options(Part):
    """Base of every algorithm's options."""

    # Whether it trains the weights of one genome, each update on lives of its own, instead of choosing among genomes.
    trains_weights: ClassVar[bool] = False


class _Gaussian(Options):
    stdev_min: Positive | None = Field(None, description="smallest standard deviation, in spreads")
    stdev_max: Positive | None = Field(None, description="largest standard deviation, in spreads")


class PGPEOptions(_Gaussian):
    """Sehnke et al. 2010, with ClipUp (Toklu et al. 2020)."""

    center_learning_rate: Positive | None = Field(
        None, description="step of the centre, in spreads; none: a tenth of the search's radius, sqrt(genes)"
    )
    stdev_learning_rate: Positive = Field(0.1, description="step of the standard deviations")
    optimizer: Literal["clipup", "adam", "sgd"] = Field("clipup", description="of the centre")
    optimizer_config: dict[str, float] | None = Field(None, description="arguments of the optimizer")
    ranking_method: Ranking = Field("centered", description="fitness shaping")
    stdev_max_change: Positive | None = Field(0.2, description="largest relative change of a standard deviation")
    symmetric: bool = Field(True, description="antithetic pairs; needs an even population")


class _NES(Options):
    center_learning_rate: Positive | None = Field(None, description="step of the centre; none: EvoTorch's rule")
    stdev_learning_rate: Positive | None = Field(None, description="step of the shape; none: EvoTorch's rule")
    scale_learning_rate: bool = Field(True, description="scale the step of the shape by EvoTorch's rule")
    optimizer: Literal["clipup", "adam", "sgd"] | None = Field(None, description="of the centre")
    optimizer_config: dict[str, float] | None = Field(None, description="arguments of the optimizer")
    ranking_method: Ranking = Field("nes", description="fitness shaping")


class SNESOptions(_NES, _Gaussian):
    """Schaul, Glasmachers and Schmidhuber 2011."""

    stdev_max_change: Positive | None = Field(None, description="largest relative change of a standard deviation")


class XNESOptions(_NES):
    """Glasmachers et al. 2010."""


class CEMOptions(_Gaussian):
    """Rubinstein 1999, as in EvoTorch."""

    parenthood_ratio: float = Field(0.25, gt=0, le=1, description="share of the population that makes the next")
    stdev_max_change: Positive | None = Field(None, description="largest relative change of a standard deviation")


class CMAESOptions(_Gaussian):
    """Hansen and Ostermeier 2001."""

    c_m: Positive = Field(1.0, description="learning rate of the centre")
    c_sigma: Positive | None = Field(None, description="learning rate of the step size; none: the rule of thumb")
    c_sigma_ratio: Positive = Field(1.0, description="multiplies c_sigma")
    damp_sigma: Positive | None = Field(None, description="damping of the step size; none: the rule of thumb")
    damp_sigma_ratio: Positive = Field(1.0, description="multiplies damp_sigma")
    c_c: Positive | None = Field(None, description="learning rate of the rank-1 path; none: the rule of thumb")
    c_c_ratio: Positive = Field(1.0, description="multiplies c_c")
    c_1: Positive | None = Field(None, description="learning rate of the rank-1 update; none: the rule of thumb")
    c_1_ratio: Positive = Field(1.0, description="multiplies c_1")
    c_mu: Positive | None = Field(None, description="learning rate of the rank-mu update; none: the rule of thumb")
    c_mu_ratio: Positive = Field(1.0, description="multiplies c_mu")
    active: bool = Field(True, description="negative weights for the worst half")
    csa_squared: bool = Field(False, description="squared rule for the step size")
    separable: bool = Field(False, description="diagonal covariance only: linear instead of quadratic in genes")
    limit_C_decomposition: bool = Field(True, description="decompose the covariance only now and then")


class GeneticOptions(Options):
    """A genetic algorithm of EvoTorch's operators."""

    tournament_size: int = Field(4, ge=1, le=1_000_000, description="parents compete in groups of so many")
    cross_over: Literal["one_point", "none"] = Field("one_point", description="operator before mutation")
    mutation_stdev: Positive = Field(0.3, description="standard deviation of mutations, in spreads")
    mutation_probability: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="share of genes mutated; none: all"
    )
    elitist: bool = Field(True, description="parents compete with children for survival")


class ReptileOptions(Options):
    """Nichol, Achiam and Schulman 2018; the defaults are those of their image experiments."""

    trains_weights: ClassVar[bool] = True

    step_size: float = Field(1.0, gt=0, le=1, description="share of the way to the learned weights, at the start")
    anneal: bool = Field(True, description="let the step size fall linearly to 0 over the run")


class MAMLOptions(Options):
    """Finn, Abbeel and Levine 2017, algorithms 1 to 3, with Adam (Kingma and Ba 2015) as meta-optimiser."""

    trains_weights: ClassVar[bool] = True

    step_size: Positive = Field(0.01, description="Adam's step of the weights at birth, in spreads")
    inner_updates: int = Field(
        1, ge=1, le=1000, description="updates that a selection life learns in, and that the gradient goes through"
    )
    first_order: bool = Field(
        False, description="leave out second derivatives (section 5.2): cheaper, and often as good"
    )


ORACLE = "oracle"  # the teacher that is the world's own

Numbers = dict[str, Annotated[float, Field(ge=-1e30, le=1e30)] | tuple[Annotated[float, Field(ge=-1e30, le=1e30)], ...]]


class TeacherPart(Part):
    """A newborn that teaches, in natural values by gene: what a run keeps of the DNA that its config names."""

    weights: Numbers = Field(description="by tensor")
    drives: Numbers = Field(description="what it learns from, if it learns")
    plasticity: Numbers = Field(description="how it learns, if it learns")
    steps: int = Field(0, ge=0, description="world steps that its evolution took")


class CloneOptions(Options):
    """Cloning before birth: the weights of a newborn are fitted to what a teacher does, or answers."""

    trains_weights: ClassVar[bool] = True

    teacher: TeacherPart | str = Field(
        description="oracle, the world's own; or the DNA that teaches, a file or a run directory"
    )
    privileged: bool = Field(
        False,
        description="whether the teacher knows what its pupil cannot: the oracle each life's hidden draw, a learned "
        "adult its own life. Must be said, so that a config says it",
    )
    lessons: Literal["watch", "ask"] = Field(
        "watch",
        description="watch: the teacher lives, and the pupil is fitted to what it did (behaviour cloning); ask: the "
        "pupil lives, and is fitted to what the teacher answers where it came to (DAgger)",
    )
    age: int = Field(
        0,
        ge=0,
        le=100_000_000,
        description="world steps that a teacher of DNA lives and learns before its lessons; 0: a newborn, which does "
        "not learn",
    )
    epochs: int = Field(4, ge=1, le=10_000, description="passes over the lessons of a generation")
    minibatch: int = Field(256, ge=1, le=1_000_000, description="steps of lessons in one step of Adam")
    window: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="of a trunk that carries a state: consecutive steps that the gradient goes back through; a "
        "minibatch has that many of each of its lives; none: 32",
    )
    step_size: Positive = Field(0.003, description="Adam's step of the weights, or of a code's genes, at the start")
    anneal: bool = Field(True, description="let the step size fall linearly to 0 over the run")
    gain: Positive = Field(1.0, description="what multiplies the policy's layer once it is cloned")
    stdev: float | None = Field(
        None, ge=0.007, le=7, description="standard deviation of a clone's actions at birth, of a Box; none: 0.05"
    )


# Searches over a population of genomes.
OPTIONS: Mapping[str, type[Options]] = {
    "pgpe": PGPEOptions,
    "snes": SNESOptions,
    "xnes": XNESOptions,
    "cem": CEMOptions,
    "cmaes": CMAESOptions,
    "genetic": GeneticOptions,
}

# Every value of `search.algorithm`.
ALGORITHMS: Mapping[str, type[Options]] = {
    **OPTIONS,
    "reptile": ReptileOptions,
    "maml": MAMLOptions,
    "clone": CloneOptions,
}

# What a search does with its population that blockwise sampling, which never has all of it, cannot give.
_NEEDS_THE_WHOLE: Mapping[str, str] = {
    "xnes": "whose full covariance is updated by products of whole genomes",
    "cmaes": "whose covariance and paths are updated by products of whole genomes",
    "genetic": "which breeds from the genomes of the last generation",
    "reptile": "which has no population to sample",
    "maml": "which has no population to sample",
    "clone": "which has no population to sample",
}

# Full covariance: memory and time grow with the square of the genes (2,000 genes: gigabytes, seconds a generation).
QUADRATIC_LIMIT = 2000
SHORTEST_WINDOW = 5  # generations that a restart compares, if the config does not say


def check_search(
    algorithm: str,
    options: Mapping[str, Any],
    population: int,
    genes: int,
    sampling: str = "whole",
    restart: str = "none",
) -> Options:
    """Check a search against the algorithm it names.

    Args:
        algorithm: a name in ALGORITHMS.
        options: of `search.options`.
        population: genomes per generation.
        genes: length of a genome.
        sampling: of `search.sampling`.
        restart: of `search.restart`.
    Returns:
        The options with defaults filled in.
    Raises:
        ConfigError: unknown algorithm or option, value out of range, population too small, too many genes, an
            algorithm that cannot sample blockwise, or not begin again.
    """
    if algorithm not in ALGORITHMS:
        raise ConfigError(f"search.algorithm={algorithm!r}: unknown.{offer(algorithm, ALGORITHMS)}")
    model = ALGORITHMS[algorithm]
    try:
        checked = model.model_validate(dict(options))
    except pydantic.ValidationError as error:
        raise ConfigError(explain_validation(error, model, "search.options")) from error
    if sampling == "blockwise" and algorithm in _NEEDS_THE_WHOLE:
        able = ", ".join(name for name in ALGORITHMS if name not in _NEEDS_THE_WHOLE)
        raise ConfigError(
            f"search.sampling={sampling!r}: must be 'whole' with search.algorithm={algorithm!r}, "
            f"{_NEEDS_THE_WHOLE[algorithm]}; set search.sampling=whole, or search.algorithm to one of {able}"
        )
    if restart != "none" and model.trains_weights:
        raise ConfigError(
            f"search.restart={restart!r}: must be 'none' with search.algorithm={algorithm!r}, which draws nothing at "
            "random: it would begin again at the same weights; set search.restart=none"
        )
    smallest, why = _smallest_population(algorithm, checked)
    if population < smallest:
        raise ConfigError(f"search.population={population}: must be at least {smallest} for {algorithm}: {why}")
    if population % 2 and (getattr(checked, "symmetric", False) or getattr(checked, "cross_over", "") == "one_point"):
        raise ConfigError(
            f"search.population={population}: must be even for {algorithm}, whose genomes come in pairs; "
            f"use {population + 1}"
        )
    quadratic = algorithm == "xnes" or (algorithm == "cmaes" and not checked.model_dump()["separable"])
    if quadratic and genes > QUADRATIC_LIMIT:
        remedy = "search.options.separable=true, or snes or pgpe" if algorithm == "cmaes" else "snes or pgpe"
        raise ConfigError(
            f"search.algorithm={algorithm!r}: its cost is quadratic in genes, and there are {genes}: must be at most "
            f"{QUADRATIC_LIMIT}; use {remedy}, or a smaller brain.hidden"
        )
    if genes == 0:
        raise ConfigError("genome: no gene group has mode evolved, so there is nothing to search; set one")
    if genes == 1 and algorithm == "cmaes":
        raise ConfigError(
            "search.algorithm='cmaes': adapts a covariance, and a genome of one gene has none; use snes or pgpe"
        )
    if genes == 1 and getattr(checked, "cross_over", "") == "one_point":
        raise ConfigError(
            "search.options.cross_over='one_point': must be 'none' with a genome of one gene, which cannot be cut in "
            "two; set search.options.cross_over=none"
        )
    return checked


def _smallest_population(algorithm: str, options: Options) -> tuple[int, str]:
    if algorithm == "cem":
        ratio = float(options.model_dump()["parenthood_ratio"])
        return max(2, -int(-2 // ratio)), f"at least two parents at parenthood_ratio={ratio:g}"
    if algorithm == "cmaes":
        return 4, "its weights need two better and two worse genomes"
    if algorithm == "genetic":
        size = int(options.model_dump()["tournament_size"])
        return max(2, size), f"tournaments are among {size}"
    if options.trains_weights:
        return 1, "each is one update"
    return 2, "a gradient needs two genomes"


def evaluations_per_generation(algorithm: str, population: int) -> int:
    """Genomes that one generation lives, each on `search.lives` lives; the same for every generation of a run.

    Args:
        algorithm: a name in ALGORITHMS.
        population: of `search.population`.
    """
    if algorithm == "genetic":
        return 2 * population + 1  # parents, who live again in every generation, children, and the last champion
    return population + 1  # and the centre


def lives_per_generation(search: SearchPart) -> int:
    """Different selection lives in one generation: genomes share them, updates of one genome do not.

    Args:
        search: of a run's config.
    """
    if not ALGORITHMS[search.algorithm].trains_weights:
        return search.lives
    return search.lives * evaluations_per_generation(search.algorithm, search.population)


def planned_outer_steps(search: SearchPart, lives: int = 1) -> int:
    """World steps that a whole search takes: exact, unless a brain diverges, which ends its life early.

    With `search.restart` ipop at most so many: a generation of a larger population that no longer fits is not begun.

    Args:
        search: of a run's config.
        lives: that a life of its stands for: those of a lineage, of which each has so many steps.
    """
    return planned_evaluations(search) * search.lives * search.selection_lifetime * lives


def planned_evaluations(search: SearchPart) -> int:
    """Genomes that a whole search lives, all restarts together; with `search.restart` ipop at most.

    Args:
        search: of a run's config.
    """
    return search.generations * evaluations_per_generation(search.algorithm, search.population)


def is_whole(search: SearchPart, evaluations: Sequence[int]) -> bool:
    """Whether a search has spent its budget: another generation like its last one would not fit.

    Args:
        search: of a run's config.
        evaluations: genomes of each generation so far.
    """
    return bool(evaluations) and sum(evaluations) + evaluations[-1] > planned_evaluations(search)


def restart_window(search: SearchPart) -> int:
    """Generations that are compared with as many before them.

    >>> restart_window(SearchPart(generations=24)), restart_window(SearchPart(generations=200))
    (5, 20)
    """
    return search.restart_window or max(SHORTEST_WINDOW, search.generations // 10)
