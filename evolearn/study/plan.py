"""What a study will do, job by job, checked against worlds and searches before a step is lived.

An evolution run belongs to a condition, an arm and a number; its seed comes of these and the study's seed, so that
adding runs, arms or conditions changes no run that exists. Also the arms of a study as they live: which setup, whose
DNA.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from evolearn.config import ConfigError, LineagePart, RunConfig, check_model, set_dotted
from evolearn.genome import EVOLVED, FloatArray, GenePool
from evolearn.life import Plan
from evolearn.rng import KEY_SIZE, SELECTION, TEST, VALIDATION, births_of, derived_seed, life_keys, with_births
from evolearn.run import (
    Arm,
    ArmPart,
    Setup,
    Values,
    arm_config,
    assemble,
    has_oracle,
    leader_keys,
    lent_values,
    names_parts,
    ready_arm,
    restart_keys,
    seen_births,
    unseen_births,
)
from evolearn.search import lives_per_generation, planned_outer_steps, restart_window
from evolearn.study.config import ConditionPart, StudyConfig, check_replication
from evolearn.verdict import DOUBLED
from evolearn.world import MEAN_PER_STEP

LONG_BINS = 10_000  # age bins at most in a life as long as an evolution; more would be as fine as ordinary lives
CHECK_LIVES = 32  # validation lives that belong to the study as a whole


@dataclasses.dataclass(frozen=True)
class StudyJob:
    """One evolution run, or its test lives."""

    condition: str
    arm: str
    run: int
    steps: int  # planned, world steps
    learning: bool  # whether the lives learn, which costs time


@dataclasses.dataclass(frozen=True)
class StudyPlan:
    """All jobs of a study, in the order in which they are done."""

    evolutions: tuple[StudyJob, ...]
    tests: tuple[StudyJob, ...]
    setups: Mapping[str, Setup]  # by condition
    origins: Mapping[str, str]  # by condition: the one whose evolutions are judged there, itself or another

    @property
    def steps(self) -> int:
        """World steps of everything."""
        return sum(job.steps for job in (*self.evolutions, *self.tests))

    def until(self, runs: Mapping[str, int]) -> StudyPlan:
        """The jobs of the first runs of some conditions.

        Args:
            runs: how many, by condition; where DNA of another condition is judged, that one evolves as many.
        """
        evolved: dict[str, int] = {}
        for name, count in runs.items():
            origin = self.origins[name]
            evolved[origin] = max(count, evolved.get(origin, 0))
        return dataclasses.replace(
            self,
            evolutions=tuple(job for job in self.evolutions if job.run < evolved.get(job.condition, 0)),
            tests=tuple(job for job in self.tests if job.run < runs.get(job.condition, 0)),
        )


def plan_study(config: StudyConfig) -> StudyPlan:
    """Put together what `config` describes.

    Raises:
        ConfigError: a condition or an arm does not fit the world or the search; arms whose budgets differ.
    """
    setups = {condition.name: assemble(config.run_of(condition)) for condition in config.conditions}
    evolutions: list[StudyJob] = []
    tests: list[StudyJob] = []
    for condition in config.conditions:
        setup = setups[condition.name]
        _check_arms(config, condition, setup)
        configs = {arm: planned_config(config, condition, arm) for arm in evolving_arms(config)}
        for arm, own in configs.items():
            _check_assembles(condition, arm, own)
        _check_lineage(condition, "all arms", config.run_of(condition), setup)
        for arm, own in configs.items():
            _check_lineage(condition, f"arm {arm}", own, setup)
        _check_origin(condition, setups)
        steps = {arm: planned_outer_steps(own.search, own.lives_each) for arm, own in configs.items()}
        _check_budgets(config, condition, steps)
        if condition.evolved_in is None:
            evolutions += [
                StudyJob(condition.name, arm, run, steps[arm], own.learner.learn_until != 0)
                for run in range(config.runs)
                for arm, own in configs.items()
            ]
        test_steps = {arm: _test_steps(config, condition, arm) for arm in tested_arms(config)}
        tests += [
            StudyJob(condition.name, arm, run, steps, arm_part(config, arm).learns)
            for run in range(config.runs)
            for arm, steps in test_steps.items()
        ]
    dying = [name for name, setup in setups.items() if setup.conditions.world.termination_is_death]
    check_replication(config, "config", _gene_names(setups), dying)
    origins = {condition.name: condition.evolved_in or condition.name for condition in config.conditions}
    return StudyPlan(tuple(evolutions), tuple(tests), setups, origins)


def arm_part(config: StudyConfig, arm: str) -> ArmPart:
    """The definition of an arm, also of one that evolves twice as long."""
    return config.arm(arm.removesuffix(DOUBLED))


def evolving_arms(config: StudyConfig) -> list[str]:
    """Arms with an evolution of their own, lenders before those that borrow from them, doubled ones last."""
    own = [name for name in config.arms if config.arm(name).evolves]
    ordered = sorted(own, key=lambda name: len(config.lenders(name)))
    return ordered + doubled_arms(config)


def doubled_arms(config: StudyConfig) -> list[str]:
    """The arms of the primary contrasts that evolve again, twice as long."""
    if not config.convergence.double_budget:
        return []
    contrasts = [config.primary_of(condition) for condition in config.conditions]
    names = dict.fromkeys(name for contrast in contrasts for name in (contrast.arm, contrast.against))
    return [name + DOUBLED for name in names if config.arm(name).evolves]


def tested_arms(config: StudyConfig) -> list[str]:
    """All arms that are judged on test lives."""
    return [*config.arms, *doubled_arms(config)]


Dna = Callable[[str], tuple[GenePool, FloatArray]]  # name of an arm with an evolution of its own -> pool, genome [G]


@dataclasses.dataclass(frozen=True)
class StudyArm:
    """An arm under a condition, ready to live."""

    arm: Arm
    setup: Setup  # of the condition, with what the arm's evolution changed of it


def origin_of(config: StudyConfig, arm: str) -> str | None:
    """The arm whose evolution an arm's DNA comes from: itself, another one, or none."""
    part = arm_part(config, arm)
    if part.evolves:
        return arm
    return part.origin if part.has_origin else None


def study_arm(config: StudyConfig, condition: ConditionPart, arm: str, dna: Dna) -> StudyArm:
    """Make an arm ready to live under a condition.

    Args:
        config: of the study.
        condition: under which it lives.
        arm: which.
        dna: gives the DNA of arms with an evolution of their own.
    """
    part = arm_part(config, arm)
    base = config.run_of(condition)
    origin = origin_of(config, arm)
    setup = assemble(base if origin is None else planned_config(config, condition, origin))
    pool, genome = (setup.pool, setup.pool.centre) if origin is None else dna(origin)
    doc = part.doc + (", twice the outer steps" if arm.endswith(DOUBLED) else "")
    # Not the origin's learner: one that never learns may lend its genes to an arm that does.
    learner = setup.config.learner if part.evolves else base.learner
    ready = ready_arm(arm, part.model_copy(update={"doc": doc}), pool, genome, learner)
    return StudyArm(ready, setup)


def own_config(config: StudyConfig, condition: ConditionPart, arm: str, borrowed: Mapping[str, Values]) -> RunConfig:
    """The config of an arm's evolution under a condition, but for its seed.

    Args:
        config: of the study.
        condition: under which it evolves.
        arm: with an evolution of its own.
        borrowed: natural values by lender, see `lent_values`.
    Raises:
        ConfigError: it does not fit.
    """
    own = arm_config(config.run_of(condition), arm, config.arm_under(condition, arm.removesuffix(DOUBLED)), borrowed)
    if arm.endswith(DOUBLED):
        twice = {"generations": 2 * own.search.generations}
        if own.search.restart != "none":
            twice["restart_window"] = restart_window(own.search)  # the original's: it begins as that one does
        longer = own.search.model_copy(update=twice)
        own = own.model_copy(update={"search": longer})
    return own


def evolution_config(
    config: StudyConfig, condition: ConditionPart, arm: str, run: int, borrowed: Mapping[str, Values]
) -> RunConfig:
    """The config of one evolution run, with its seed; see `own_config`."""
    own = own_config(config, condition, arm, borrowed)
    return own.model_copy(update={"seed": run_seed(config, condition.name, arm, run)})


def planned_config(config: StudyConfig, condition: ConditionPart, arm: str) -> RunConfig:
    """The same before its lenders have evolved: where they start stands in for what they will lend."""
    values: dict[str, Values] = {}
    part = arm_part(config, arm)
    for lender in part.needs():
        pool = assemble(planned_config(config, condition, lender)).pool
        values[lender] = lent_values(part, lender, pool, pool.centre)
    return own_config(config, condition, arm, values)


def run_configs(config: StudyConfig) -> list[RunConfig]:
    """What a study's runs are made of: a config for every condition, and for every arm that may have other parts.

    Raises:
        ConfigError: an arm's settings do not fit a run.
    """
    configs = []
    for condition in config.conditions:
        configs.append(config.run_of(condition))
        for name, settings in ((name, config.arm_under(condition, name).settings) for name in config.arms):
            if names_parts(settings):
                content = configs[-1].model_dump(mode="json")
                for key, value in settings.items():
                    set_dotted(content, key.split("."), value, f"arm {name}: settings.{key}")
                configs.append(check_model(RunConfig, content, f"arm {name}"))
    return configs


def run_seed(config: StudyConfig, condition: str, arm: str, run: int) -> int:
    """Seed of an evolution run; an arm that evolves twice as long begins as its original does."""
    return derived_seed(config.seed, condition, arm.removesuffix(DOUBLED), run)


def held_out_keys(config: StudyConfig, condition: ConditionPart, arm: str, run: int) -> npt.NDArray[np.int64]:
    """Keys of the test lives of run `run`, int64 [L, 4]: the same for every arm, others for every run.

    Where evolution selects on a set of births there are twice as many, the second half for seen births.
    """
    lives = 1 if arm_part(config, arm).one_life else config.run_of(condition).evaluation.lives
    return life_keys(config.seed, TEST, run, 2 * lives if has_seen_births(config, condition, arm) else lives)


def has_seen_births(config: StudyConfig, condition: ConditionPart, arm: str) -> bool:
    """Whether an arm's test lives are lived on births that evolution selected on as well."""
    return seen_set(config, condition, arm, 0) is not None


def seen_set(config: StudyConfig, condition: ConditionPart, arm: str, run: int) -> tuple[int, int] | None:
    """How many births evolution selected on, and the seed that they are drawn by; None: each life had its own.

    They are those of the evolution that an arm's DNA comes from; see `StudyConfig.births_of`.
    """
    there = condition if condition.evolved_in is None else config.condition(condition.evolved_in)
    size = config.run_of(there).world.set
    origin = config.births_of(arm.removesuffix(DOUBLED))
    if size is None or origin is None:
        return None
    return size, run_seed(config, there.name, origin, run)


def born_keys(config: StudyConfig, condition: ConditionPart, arm: str, run: int, setup: Setup) -> npt.NDArray[np.int64]:
    """The same keys with the births of these lives: int64 [L, 12] where evolution selects on a set.

    Args:
        config: of the study.
        condition: under which they are lived.
        arm: which.
        run: number of the run.
        setup: of the lives.
    Raises:
        ConfigError: the world has hardly any births that are not in the set.
    """
    keys, of = held_out_keys(config, condition, arm, run), seen_set(config, condition, arm, run)
    if of is None:
        return keys
    unseen, seen = np.split(keys, 2)
    unseen = unseen_births(setup, unseen, *of)
    if unseen.shape[1] == KEY_SIZE:
        unseen = with_births(unseen, births_of(unseen), births_of(unseen, again=True))
    return np.concatenate([unseen, seen_births(seen, *of)])


def check_keys(config: StudyConfig) -> npt.NDArray[np.int64]:
    """Keys of the validation lives of checks, timing and replay, int64 [CHECK_LIVES, 4]."""
    return life_keys(config.seed, VALIDATION, 0, CHECK_LIVES)


def long_plan(config: StudyConfig, condition: ConditionPart, arm: str) -> Plan:
    """Lifetime and age bins of an arm's test lives."""
    own = config.run_of(condition)
    evaluation = own.evaluation
    part = arm_part(config, arm)
    if not part.one_life:
        return Plan(max(evaluation.lifetimes), bin_steps=evaluation.bin_steps)
    origin = planned_config(config, condition, part.origin)
    lifetime = planned_outer_steps(origin.search, origin.lives_each)
    windows = max(1, -(-lifetime // (LONG_BINS * evaluation.birth_steps)))
    return Plan(lifetime, bin_steps=min(lifetime, windows * evaluation.birth_steps))


def lineage_of(config: StudyConfig, condition: ConditionPart, arm: str) -> LineagePart | None:
    """How the test lives of an arm follow one another, as those of its DNA's evolution did; None: each is by itself."""
    origin = origin_of(config, arm)
    own = config.run_of(condition) if origin is None else planned_config(config, condition, origin)
    return None if arm_part(config, arm).one_life else own.lineage


def siblings_of(config: StudyConfig, condition: ConditionPart, arm: str) -> int:
    """Lives side by side in each generation of an arm's test lives; 1 where each is by itself."""
    lineage = lineage_of(config, condition, arm)
    return 1 if lineage is None else lineage.siblings


def hash_key_spaces(config: StudyConfig, plan: StudyPlan) -> dict[str, object]:
    """How many lives each key space gave, a hash of their keys, and whether no two spaces share one.

    Selection lives choose genomes, validation lives are for checks and for the best of a last generation, test lives
    are lived once, for the verdict.
    """
    spaces: dict[str, list[npt.NDArray[np.int64]]] = {"selection": [], "validation": [], "test": []}
    evolving = dict.fromkeys((job.condition, job.arm) for job in plan.evolutions)
    searches = {place: planned_config(config, config.condition(place[0]), place[1]).search for place in evolving}
    for job in plan.evolutions:
        search = searches[job.condition, job.arm]
        seed = run_seed(config, job.condition, job.arm, job.run)
        lives = lives_per_generation(search)
        spaces["selection"] += [life_keys(seed, SELECTION, number, lives) for number in range(search.generations)]
        spaces["validation"] += [leader_keys(seed, search), restart_keys(seed, search)]
    spaces["validation"].append(check_keys(config))
    for job in plan.tests:
        spaces["test"].append(held_out_keys(config, config.condition(job.condition), job.arm, job.run))
    none = life_keys(config.seed, SELECTION, 0, 0)  # a study without an evolution selects nobody
    unique = {name: np.unique(np.concatenate([none, *keys]), axis=0) for name, keys in spaces.items()}
    together = np.unique(np.concatenate(list(unique.values())), axis=0)
    described: dict[str, object] = {
        name: {"keys": len(keys), "sha256": hashlib.sha256(keys.astype("<i8").tobytes()).hexdigest()}
        for name, keys in unique.items()
    }
    return {**described, "disjoint": len(together) == sum(len(keys) for keys in unique.values())}


def _test_steps(config: StudyConfig, condition: ConditionPart, arm: str) -> int:
    lives = len(held_out_keys(config, condition, arm, 0))
    lifetime = long_plan(config, condition, arm).lifetime * siblings_of(config, condition, arm)
    return lives * (config.run.evaluation.birth_steps + lifetime)


def _gene_names(setups: Mapping[str, Setup]) -> dict[str, list[str]]:
    """Drives and plasticity of the first condition, those of one number; the others have the same."""
    genes = [gene for gene in next(iter(setups.values())).pool.genes if not gene.shape]
    return {group: [gene.name for gene in genes if gene.group == group] for group in ("drives", "plasticity")}


def _check_arms(config: StudyConfig, condition: ConditionPart, setup: Setup) -> None:
    for arm in config.arms:
        if config.arm(arm).actions == "oracle" and not has_oracle(setup):
            raise ConfigError(
                f"arms: {arm} needs an oracle, and world {setup.config.world.name} has none; leave it out"
                + (", and set threshold.of=best" if config.threshold.of == "oracle" else "")
            )


def _check_lineage(condition: ConditionPart, who: str, own: RunConfig, setup: Setup) -> None:
    """Refuse a lineage that cannot be judged as one life that goes on over its generations."""
    if own.lineage is None:
        return
    longest, each = max(own.evaluation.lifetimes), own.search.selection_lifetime
    given = f"condition {condition.name!r}, {who}: lineage.generations={own.lineage.generations}"
    if own.lineage.generations * each != longest:
        raise ConfigError(
            f"{given}: times search.selection_lifetime={each} must be the longest of run.evaluation.lifetimes, "
            f"{longest}: a lineage is judged over all of its generations, each as long as those it is selected on"
        )
    if each % own.evaluation.bin_steps:
        raise ConfigError(
            f"{given}: search.selection_lifetime={each} must be a multiple of evaluation.bin_steps="
            f"{own.evaluation.bin_steps}: an age bin is of one generation; choose a smaller evaluation.bin_steps"
        )
    world = setup.conditions.world
    if world.fitness_rule != MEAN_PER_STEP:
        raise ConfigError(
            f"{given}: fitness of world {world.name} is its {world.fitness_rule}, which siblings have no mean of at "
            "every age; choose a world whose fitness is a mean per step, or leave lineage out"
        )


def _check_origin(condition: ConditionPart, setups: Mapping[str, Setup]) -> None:
    if condition.evolved_in is None:
        return
    here, there = setups[condition.name], setups[condition.evolved_in]
    alike = (
        _inherited(here.pool) == _inherited(there.pool)
        and here.pool.code == there.pool.code
        and here.conditions.brain == there.conditions.brain
    )
    if not alike:
        raise ConfigError(
            f"conditions {condition.name!r}: evolved_in={condition.evolved_in!r}: its DNA has other genes, or others "
            "that do not evolve; the two may differ in the section world, not in brain, drives or plasticity"
        )


def _inherited(pool: GenePool) -> list[object]:
    """Of every gene what must agree where DNA is carried over: its place, and its value if it does not evolve."""
    genes: list[object] = []
    for gene in pool.genes:
        mode = pool.mode(gene)
        given = () if mode == EVOLVED else (gene.centre.tobytes(), gene.spread.tobytes())
        genes.append((gene.group, gene.name, gene.shape, gene.transform, mode, given))
    return genes


def _check_assembles(condition: ConditionPart, arm: str, own: RunConfig) -> None:
    try:
        assemble(own)
    except ConfigError as error:
        raise ConfigError(f"condition {condition.name!r}, arm {arm}: {error}") from error


def _check_budgets(config: StudyConfig, condition: ConditionPart, steps: Mapping[str, int]) -> None:
    """Refuse a claim for an arm whose evolution, or whose origin's, costs more than that of whom it is compared with.

    Less is allowed: it can only weaken the claim. An arm in no contrast may cost no more than those that are compared.
    A doubled arm is compared with itself alone, and is no part of this.

    Args:
        config: of the study.
        condition: under which they evolve.
        steps: world steps that each evolution takes, by arm.
    """
    budgets = {arm: steps[origin] for arm in config.arms if (origin := origin_of(config, arm)) is not None}
    pairs = dict.fromkeys((arm, against) for arm, against, _ in config.compared(condition))
    compared = {arm for pair in pairs for arm in pair if arm in budgets}
    most = max((budgets[arm] for arm in compared), default=None)
    refused = [
        f"{arm} {budgets[arm]:,} against {against} {budgets[against]:,}"
        for arm, against in pairs
        if arm in budgets and against in budgets and budgets[arm] > budgets[against]
    ]
    if most is not None:
        free = {origin_of(config, arm) or arm: budgets[arm] for arm in budgets if arm not in compared}
        refused += [
            f"{arm} {count:,}, in no contrast, where those compared take at most {most:,}"
            for arm, count in free.items()
            if count > most
        ]
    if refused:
        raise ConfigError(
            f"condition {condition.name!r}: the evolution of an arm must not take more world steps than that of the "
            f"arm that it is compared with, but would: {'; '.join(refused)}. Change population, lives or generations "
            "in the settings of the arms that differ. A generation lives population + 1 genomes, with "
            "algorithm=genetic 2 x population + 1"
        )
