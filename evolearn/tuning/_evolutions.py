"""The search over settings: each tried by a whole evolution, which costs exactly what the study's own does."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.config import ConfigError, RunConfig, check_config, set_dotted
from evolearn.life import Drivers
from evolearn.rng import TUNING, derived_seed
from evolearn.run import SearchDiverged, Setup, assemble, evolve, new_search, to_genomes
from evolearn.search import check_search, evaluations_per_generation, planned_outer_steps
from evolearn.tuning._account import CLOSER, FINAL, Account, Found, judge, judging_keys
from evolearn.tuning._sampler import import_optuna, new_study
from evolearn.tuning.plan import JUDGING_LIVES, TuningPlan

SHARES = (1.0, 0.5, 0.2, 0.1, 0.05)  # of the longest evaluation lifetime, that selection lives may last
LIVES = (1, 2, 4, 8)  # per genome and generation
SPREADS = {"weights": (0.05, 1.0), "drives": (0.1, 1.0), "plasticity": (0.1, 1.0), "value": (0.1, 1.0)}  # by factors
FEWEST_GENERATIONS, LARGEST_POPULATION = 4, 1000
GENETIC = "genetic"
# Algorithms that may take each other's place, the dearer ones where genes are few; an option of each and its range.
FEW_GENES = 100
OPTION_RANGES: Mapping[str, tuple[str, float, float]] = {
    "snes": ("center_learning_rate", 0.3, 2.0),
    "cem": ("parenthood_ratio", 0.1, 0.5),
    "pgpe": ("stdev_learning_rate", 0.03, 0.3),
    GENETIC: ("mutation_stdev", 0.05, 1.0),
    "reptile": ("step_size", 0.1, 1.0),
    "maml": ("step_size", 0.001, 0.1),
}
_REPEATED = 3  # of the best settings, at most, that are evolved again


@dataclasses.dataclass
class Candidate:
    """Settings, and what their evolutions came to."""

    settings: dict[str, Any]
    genomes: list[npt.NDArray[np.float32]] = dataclasses.field(default_factory=list)  # of those that came to an end
    scores: list[float] = dataclasses.field(default_factory=list)

    @property
    def score(self) -> float:
        """Mean over the evolutions so far."""
        return float(np.mean(self.scores))


def search_settings(
    own: RunConfig, start: Mapping[str, Any], drivers: Drivers, plan: TuningPlan, seed: int, account: Account
) -> Found:
    """Try settings by whole evolutions: the present ones, those with a new start, then what an estimator asks for.

    Args:
        own: config of the arm's evolution as it is.
        start: settings that all but the present ones begin with, see `search_starts`; may be empty.
        drivers: where lives are lived.
        plan: how many evolutions, and how many of them repeat.
        seed: of the search.
        account: is charged.
    """
    trials = plan.evolutions - plan.repeats
    study = new_study(derived_seed("tuning", seed, "settings"), startup=max(2, trials // 3))
    present = Candidate({})
    candidates = [present]
    keys = judging_keys(seed, CLOSER, JUDGING_LIVES)

    def live(candidate: Candidate) -> None:
        number = sum(len(one.scores) for one in candidates)
        what = f"evolution {number + 1} of {plan.evolutions}"
        setup = _setup(own, candidate.settings, seed, number)
        try:
            genome = _evolved(setup, drivers, account, what)
        except SearchDiverged:  # worse than any that came to an end, and known to be
            candidate.scores.append(-math.inf)
            return
        candidate.genomes.append(genome)
        candidate.scores.append(float(judge(setup, drivers, setup.pool, genome[None], keys, account, what)[0]))

    live(present)
    if start:
        candidates.append(Candidate(dict(start)))
        live(candidates[-1])
    while len(candidates) < trials:
        trial, settings = _asked(study, own, start)
        candidates.append(Candidate(settings))
        live(candidates[-1])
        study.tell(trial, candidates[-1].score)
    scores = [candidate.score for candidate in candidates]
    finalists = [present, *sorted(candidates[1:], key=lambda one: -one.score)[:_REPEATED]]
    for _ in range(plan.repeats):
        live(min(finalists, key=lambda one: (len(one.scores), -one.score)))
    # A candidate that was evolved less often than others owes more to luck.
    often = max(len(one.scores) for one in finalists)
    found = max((one for one in finalists if len(one.scores) == often), key=lambda one: one.score)
    tuned, before = (_judged_finally(own, one, drivers, seed, account) for one in (found, present))
    return Found(found.settings, tuned, before, max(scores), float(np.median(scores)))


def _judged_finally(own: RunConfig, candidate: Candidate, drivers: Drivers, seed: int, account: Account) -> float:
    if len(candidate.genomes) < len(candidate.scores):
        return -math.inf
    setup = _setup(own, candidate.settings, seed, 0)
    keys = judging_keys(seed, FINAL, JUDGING_LIVES)
    genomes = np.stack(candidate.genomes)
    what = "the best settings beside the present ones"
    return float(judge(setup, drivers, setup.pool, genomes, keys, account, what).mean())


def _setup(own: RunConfig, settings: Mapping[str, Any], seed: int, number: int) -> Setup:
    """A run with these settings, under a seed of its own, selected on lives of the tuning space."""
    config = _with(own, settings).model_copy(update={"seed": derived_seed("tuning", seed, f"evolution {number}")})
    return dataclasses.replace(assemble(config), space=TUNING)


def _with(own: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    content = own.model_dump(mode="json")
    for key, value in settings.items():
        set_dotted(content, key.split("."), value, f"settings.{key}")
    return check_config(content, "tuning")


def _evolved(setup: Setup, drivers: Drivers, account: Account, what: str) -> npt.NDArray[np.float32]:
    """The DNA [G] of one evolution: the centre of its search, of a genetic algorithm the last champion."""
    search = new_search(setup)
    generations = setup.config.search.generations
    for row in evolve(setup, setup.driver(drivers), search):
        account.charge(row.world_steps, f"{what}, generation {row.generation + 1} of {generations}")
    return to_genomes(setup, search.centre())


def check_settings_searchable(own: RunConfig, arm: str) -> None:
    """Refuse before the first step what a search over settings cannot try.

    Args:
        own: config of the arm's evolution.
        arm: its name.
    Raises:
        ConfigError: the evolution may begin again, and would be judged by its last restart alone; or no settings at
            all spend its budget to the last step.
    """
    if own.search.restart != "none":
        raise ConfigError(
            f"search.restart={own.search.restart!r}: must be 'none' while the settings of {arm} are searched: that "
            "judges what an evolution ends with, and a study takes the best of all restarts; add "
            "run.search.restart=none to the command"
        )
    genes = assemble(own).pool.size
    if not any(shapes(own, name, _known_options(own, name), genes) for name in algorithms(own, genes)):
        raise _unspendable(own)


def _known_options(own: RunConfig, algorithm: str) -> dict[str, Any]:
    return dict(own.search.options) if algorithm == own.search.algorithm else {}


def _unspendable(own: RunConfig) -> ConfigError:
    search = own.search
    return ConfigError(
        f"search.generations={search.generations}, population={search.population}, lives={search.lives}, "
        f"selection_lifetime={search.selection_lifetime}: no settings spend these {planned_outer_steps(search):,} "
        f"world steps to the last one in at least {FEWEST_GENERATIONS} generations of at most {LARGEST_POPULATION:,} "
        "genomes; give run.search.generations a number with more divisors, 12 for example"
    )


def algorithms(own: RunConfig, genes: int) -> tuple[str, ...]:
    """Those that may take the place of the present one; a breeding search and a training have no substitute.

    Args:
        own: config of the arm's evolution.
        genes: length of its genome.
    """
    present = own.search.algorithm
    if present not in ("pgpe", "snes", "cem", "cmaes", "xnes"):
        return (present,)
    few = ("cmaes",) if genes <= FEW_GENES and own.search.sampling == "whole" else ()
    return tuple(dict.fromkeys((present, "snes", "cem", "pgpe", *few)))


def shapes(own: RunConfig, algorithm: str, options: Mapping[str, Any], genes: int) -> dict[str, list[dict[str, int]]]:
    """How the outer budget can be spent to the last step.

    Args:
        own: config of the arm's evolution, whose budget it is.
        algorithm: of the search.
        options: of the algorithm.
        genes: length of a genome.
    Returns:
        By lives and lifetime of selection ("2 x 20000"), fields of `search`: few generations of many first.
    """
    budget = planned_outer_steps(own.search)
    longest = max(own.evaluation.lifetimes)
    lifetimes = {own.search.selection_lifetime, *(round(share * longest) for share in SHARES)}
    found: dict[str, list[dict[str, int]]] = {}
    for lifetime in sorted(lifetimes):
        for lives in sorted({own.search.lives, *LIVES}):
            evaluations, rest = divmod(budget, lives * lifetime)
            if rest or not _is_long_enough(own, lifetime):
                continue
            fields = {"lives": lives, "selection_lifetime": lifetime}
            cut = [fields | split for split in _splits(evaluations, algorithm, own, options, genes)]
            if cut:
                found[f"{lives} x {lifetime}"] = cut
    return found


def _splits(
    evaluations: int, algorithm: str, own: RunConfig, options: Mapping[str, Any], genes: int
) -> Iterator[dict[str, int]]:
    """Generations and population that take so many evaluations, centre included."""
    for generations in range(FEWEST_GENERATIONS, evaluations // 3 + 1):
        each, rest = divmod(evaluations, generations)
        population = (each - 1) // 2 if algorithm == GENETIC else each - 1
        if rest or population > LARGEST_POPULATION or evaluations_per_generation(algorithm, population) != each:
            continue
        try:
            check_search(algorithm, options, population, genes, own.search.sampling)
        except ConfigError:
            continue
        yield {"population": population, "generations": generations}


def _is_long_enough(own: RunConfig, lifetime: int) -> bool:
    try:
        assemble(_with(own, {"search.selection_lifetime": lifetime}))
    except ConfigError:
        return False
    return True


def _asked(study: Any, own: RunConfig, start: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The next trial, and the settings that it stands for."""
    for _ in range(100):
        trial = study.ask()
        settings = _suggested(trial, own)
        if settings is not None:
            return trial, {**start, **settings}
        study.tell(trial, state=import_optuna().trial.TrialState.PRUNED)  # nothing was lived for it
    raise _unspendable(own)  # known before the first step, but for options that leave no way


def _suggested(trial: Any, own: RunConfig) -> dict[str, Any] | None:
    """Settings of a trial; None if its options leave no way to spend the budget."""
    setup = assemble(own)
    genes = setup.pool.size
    suggest: Callable[..., Any] = trial.suggest_float
    algorithm = trial.suggest_categorical("algorithm", algorithms(own, genes))
    options = _known_options(own, algorithm)
    if algorithm in OPTION_RANGES:
        name, low, high = OPTION_RANGES[algorithm]
        options[name] = float(f"{suggest(f'{algorithm}.{name}', low, high, log=True):.3g}")
    ways = shapes(own, algorithm, options, genes)
    if not ways:
        return None
    # A share of a list and not a name in it: which ways there are depends on the algorithm and its options.
    names = list(ways)
    cut = ways[names[min(int(suggest("lives", 0.0, 1.0) * len(names)), len(names) - 1)]]
    split = cut[min(int(suggest("generations", 0.0, 1.0) * len(cut)), len(cut) - 1)]
    settings = {"search.algorithm": algorithm, "search.options": options}
    settings |= {f"search.{field}": value for field, value in split.items()}
    evolving = {gene.group for gene in setup.pool.evolved}
    for group, (low, high) in SPREADS.items():
        if group in evolving:
            settings[f"genome.{group}.spread"] = float(f"{suggest(f'{group}.spread', low, high, log=True):.3g}")
    return settings
