"""The outer loop: a search, generation after generation; and what to say of one that leaves the finite numbers.

What a generation lives is `evolearn.run._generation`'s.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np

from evolearn.config import ConfigError, RunConfig
from evolearn.errors import UserError
from evolearn.genome import GROUPS
from evolearn.life import Driver, Effort
from evolearn.run._generation import Trial
from evolearn.run.choosing import TOP
from evolearn.run.record import Generation
from evolearn.run.setup import Setup, to_genomes, to_spread
from evolearn.search import (
    MAML,
    Clone,
    CloneOptions,
    LeftFinite,
    MAMLOptions,
    Reptile,
    ReptileOptions,
    Restarting,
    Rivals,
    Search,
    require_finite,
)


class SearchDiverged(UserError):
    """A search left the finite numbers; the text says when, which settings it had and what to change."""

    def __init__(self, text: str, why: str = "", steps: int = 0) -> None:
        """Say it.

        Args:
            text: for the user.
            why: what of that holds wherever the run lies: when, and which settings it had.
            steps: world steps lived in the generation that was not made.
        """
        super().__init__(text)
        self.why = why or text
        self.steps = steps


# What makes a step of a search large, or its spread small.
_STEP_SETTINGS = (
    "ranking_method",
    "center_learning_rate",
    "stdev_learning_rate",
    "stdev_max_change",
    "stdev_min",
    "stdev_max",
    "optimizer_config",
    "mutation_stdev",
    "step_size",
    "c_m",
    "c_sigma_ratio",
    "damp_sigma_ratio",
    "c_1_ratio",
    "c_mu_ratio",
)


def _why_diverged(setup: Setup, generation: int, what: str) -> str:
    search, genome = setup.config.search, setup.config.genome
    options = setup.options.model_dump()
    had = [f"{name}={options[name]}" for name in _STEP_SETTINGS if options.get(name) is not None]
    spreads = (f"{getattr(genome, group).spread:g} {group}" for group in _groups(setup.config))
    return (
        f"generation {generation + 1} of {search.generations} was not made: {what}. A step of search.algorithm="
        f"{search.algorithm} was too large, or its spread became too small (search.options: "
        f"{', '.join(had) or 'the defaults'}; spread of genome: {', '.join(spreads)})"
    )


def _groups(config: RunConfig) -> tuple[str, ...]:
    """The gene groups that a config speaks of."""
    return GROUPS if config.value is not None else GROUPS[:-1]


def remedy_of_diverged(config: RunConfig) -> str:
    """What to begin a run anew with whose search left the finite numbers: settings for its command."""
    usual = type(config.genome)()
    wide = [
        f"genome.{group}.spread={getattr(usual, group).spread:g}"
        for group in _groups(config)
        if getattr(config.genome, group).spread > getattr(usual, group).spread
    ]
    calm = [*(["search.options={}"] if config.search.options else []), *wide]
    return " ".join(calm) or ("search.algorithm=cem" if config.search.algorithm != "cem" else "search.algorithm=pgpe")


def new_search(setup: Setup) -> Search:
    """The search that a setup describes, before its first generation.

    Raises:
        ConfigError: EvoTorch refuses the options.
    """
    search = setup.config.search
    genes = setup.pool.size
    if isinstance(setup.options, ReptileOptions):
        return Reptile(setup.options, genes, search.population, search.generations)
    if isinstance(setup.options, MAMLOptions):
        return MAML(setup.options, genes, search.population)
    if isinstance(setup.options, CloneOptions):
        return Clone(setup.options, setup.pool, search.population, search.generations, setup.config.seed)
    if setup.opponent is not None:
        part = setup.config.opponent
        assert part is not None
        own = _search_at(setup, 0, search.population)
        theirs = [_search_at(other, 0, part.search.population) for other in setup.opponents]
        return Rivals(own, theirs, setup.config.seed, search.generations, part.kept(search.generations), part.share)
    if search.restart == "none":
        return _search_at(setup, 0, search.population)
    return Restarting(search, functools.partial(_search_at, setup), TOP)


def _search_at(setup: Setup, restart: int, population: int) -> Search:
    """The search of a population at its start, with the random numbers of one of its restarts."""
    # EvoTorch takes longer to import than all else together; most commands never search.
    from evolearn.search import BlockwiseSearch, PopulationSearch

    search, genes, seed = setup.config.search, setup.pool.size, setup.config.seed
    if restart:
        seed = int(np.random.SeedSequence([seed, restart]).generate_state(1)[0])
    lamarckian = setup.config.genome.inheritance == "lamarckian"
    try:
        if search.sampling == "blockwise":
            return BlockwiseSearch(search.algorithm, setup.options, genes, population, seed)
        followed = [
            place
            for (group, _), where in setup.pool.slices().items()
            if group == "drives"
            for place in range(where.start, where.stop)
        ]
        return PopulationSearch(search.algorithm, setup.options, genes, population, seed, lamarckian, followed)
    except (TypeError, ValueError, AttributeError) as error:
        # What the options' schema cannot know, such as the arguments of an optimizer.
        raise ConfigError(f"search.options={search.options}: EvoTorch refuses them: {error}") from error


def evolve(
    setup: Setup,
    driver: Driver,
    search: Search,
    first: int = 0,
    effort: Callable[[], Effort | None] = lambda: None,
) -> Iterator[Generation]:
    """Make generations `first` to the last one; with restarts as many as the budget of `search.generations` has.

    Args:
        setup: from `assemble`.
        driver: from `new_driver`, for the setup's conditions.
        search: from `new_search`, restored to the state after generation `first` - 1.
        first: number of the first generation to make.
        effort: what a cluster did since the last call, see `Drivers`.
    Yields:
        One record per generation. While it is held, `search` is in the state after that generation.
    Raises:
        SearchDiverged: a step led out of the finite numbers; its generation has no record.
    """
    for generation in itertools.count(first):
        if is_over(setup, search, generation):
            return
        started = time.perf_counter()
        effort()  # what was done in between is not this generation's
        trial = Trial(setup, driver, search, generation)
        try:
            search.step(trial)
            # Finite in spreads, and not in the genes' own units: such DNA could not live.
            require_finite("the centre", to_genomes(setup, search.centre()))
            require_finite("the spread", to_spread(setup, search.stdev()))
        except LeftFinite as error:
            raise SearchDiverged(_why_diverged(setup, generation, str(error)), steps=trial.steps) from error
        record = trial.record(time.perf_counter() - started, effort())
        if isinstance(search, Restarting):
            search.told(record.fitness_centre, record.fitness_mean)
        yield record


def is_over(setup: Setup, search: Search, generation: int) -> bool:
    """Whether a search has made all its generations when it comes to make `generation`."""
    if isinstance(search, Restarting):
        return search.is_over
    return generation >= setup.config.search.generations
