"""From an arm's definition to lives: its own evolution's config, whose genes are transplanted, how it is born."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.agent import GROWN, OF_FRESH_WEIGHTS, find_learner
from evolearn.config import LearnerPart, RunConfig, check_model, set_dotted
from evolearn.errors import PartNotFound
from evolearn.genome import FIXED, FRESH, TRANSFORMS, FloatArray, Gene, GenePool, Newborns, decode, draw_fresh
from evolearn.life import (
    FROM_BRAIN,
    FROM_ORACLE,
    FROM_UNIFORM,
    Births,
    Driver,
    Outcome,
    Plan,
    birth_plan,
    births_in,
    lives,
)
from evolearn.numerics import compiled
from evolearn.rng import INIT, at_step, new_rng, open_stream, shuffle
from evolearn.run.arms import ARMS, RUN_ARMS, ArmPart
from evolearn.run.natural import Number, Values, born_weights, natural_values
from evolearn.run.setup import Setup
from evolearn.search import ORACLE
from evolearn.world import World

IntArray = npt.NDArray[np.int64]

SOURCES = {"brain": FROM_BRAIN, "uniform": FROM_UNIFORM, "oracle": FROM_ORACLE}
_PERMUTATION_STEP = 2  # of a life's stream of initial draws: 0 is for fresh weights, 1 for other fresh genes


@dataclasses.dataclass(frozen=True)
class Arm:
    """An arm ready to live: a gene pool, a genome of it, where actions come from and when life teaches."""

    name: str
    doc: str
    pool: GenePool
    genome: FloatArray  # [G] of the pool
    source: int = FROM_BRAIN
    learn_from: int = 0  # age in steps
    learn_until: int | None = None  # age in steps; None: to the end, 0: never
    permuted: bool = False

    def frozen(self) -> Arm:
        """The same with learning switched off."""
        return dataclasses.replace(self, learn_until=0)

    def plan(self, lifetime: int, bin_steps: int | None = None) -> Plan:
        """How the arm lives for `lifetime` steps."""
        return Plan(lifetime, self.learn_from, self.learn_until, bin_steps, self.source)

    def born(self, keys: IntArray) -> tuple[Newborns, IntArray]:
        """A newborn for each life.

        Args:
            keys: int64 [L, 4].
        Returns:
            Newborns, and int64 [L]: which of them each life is born as.
        """
        one = np.zeros(len(keys), np.int64)
        newborns, born_as = draw_fresh(self.pool, decode(self.pool, self.genome[None]), one, keys)
        return permute_weights(self.pool, newborns, born_as, keys) if self.permuted else (newborns, born_as)


def live_arm(setup: Setup, driver: Driver, arm: Arm, keys: IntArray, lifetime: int, bin_steps: int | None) -> Outcome:
    """Live one arm.

    Args:
        setup: of the world and its conditions.
        driver: for these conditions.
        arm: which.
        keys: int64 [L, 4], see `evolearn.rng.life_keys`.
        lifetime: world steps.
        bin_steps: world steps per age bin; none: one bin.
    Returns:
        Outcome, [L, ..].
    """
    newborns, born_as = arm.born(keys)
    outcome, _ = lives(driver, setup.conditions, newborns, born_as, keys, arm.plan(lifetime, bin_steps))
    return outcome


def live_births(setup: Setup, driver: Driver, arm: Arm, keys: IntArray, steps: int) -> Births:
    """Live the first steps of an arm's lives with learning off: its birth scores.

    Args:
        setup: of the world and its conditions.
        driver: for these conditions.
        arm: which.
        keys: int64 [L, 4], see `evolearn.rng.life_keys`.
        steps: window of the birth score, world steps.
    """
    world = setup.conditions.world
    plan = birth_plan(world, arm.frozen().plan(steps))
    outcome = live_arm(setup, driver, arm.frozen(), keys, steps, plan.bin_steps)
    return births_in(world, outcome, plan)


def run_arms(setup: Setup, genome: FloatArray) -> list[Arm]:
    """The arms of a run's closing table.

    Args:
        setup: of the run.
        genome: [G], the evolved one.
    Returns:
        Those of RUN_ARMS that the world can give.
    """
    possible = [name for name in RUN_ARMS if name != "oracle" or has_oracle(setup)]
    return [ready_arm(name, ARMS[name], setup.pool, genome, setup.config.learner) for name in possible]


def ready_arm(name: str, part: ArmPart, pool: GenePool, genome: FloatArray, learner: LearnerPart) -> Arm:
    """An arm ready to live.

    Args:
        name: of the arm.
        part: its definition.
        pool: of the evolution that its DNA comes from; of any one if its origin is none.
        genome: [G] of that pool.
        learner: what says when life teaches, in the arms where it does.
    """
    target, carried = (pool, genome) if part.evolves else transplanted(pool, genome, learner.name, part)
    # A blank slate learns all its life: it knows nothing of this config's schedule.
    ages: dict[str, Any] = (
        {"learn_from": learner.learn_from, "learn_until": learner.learn_until} if part.has_origin else {}
    )
    if not part.learns:
        ages["learn_until"] = 0
    return Arm(
        name=name,
        doc=part.doc,
        pool=target,
        genome=carried,
        source=SOURCES[part.actions],
        permuted=part.weights == "permuted",
        **ages,
    )


def has_oracle(setup: Setup) -> bool:
    """Whether the world has a policy that knows each life's hidden draw."""
    world = setup.conditions.world
    return isinstance(world, World) and world.oracle is not None


def arm_config(config: RunConfig, name: str, part: ArmPart, borrowed: Mapping[str, Values]) -> RunConfig:
    """The config of an arm's own evolution: a run that anybody can repeat by itself.

    Args:
        config: of the condition.
        name: of the arm, for errors.
        part: its definition; evolves.
        borrowed: natural values of the arms it borrows from, see `lent_values`.
    Raises:
        ConfigError: the arm's settings do not fit a run.
    """
    content = config.model_dump(mode="json")
    for key, value in part.settings.items():
        set_dotted(content, key.split("."), value, f"arm {name}: settings.{key}")
    genome, learner = content["genome"], content["learner"]
    genome["inheritance"] = part.inheritance
    if part.start is not None:
        _start_at(content, borrowed[part.start])
    if part.teacher is not None:
        options, oracle = content["search"]["options"], part.teacher == ORACLE
        teacher = ORACLE if oracle else _listed(borrowed[part.teacher])
        privileged = oracle or options.get("age", 0) != 0
        content["search"]["options"] = {**options, "teacher": teacher, "privileged": privileged}
    if part.weights == "fresh":
        genome["weights"]["mode"] = FRESH
    if part.drives != "inherited":
        genome["drives"]["mode"] = FIXED
        values = _fixed_drives(config, part, borrowed)
        content["drives"] |= {"weights": values, "evolved": None}
    if part.plasticity != "inherited":
        genome["plasticity"]["mode"] = FIXED
        published = part.plasticity == "published"
        learner["plasticity"] = {} if published else dict(borrowed[part.plasticity]["plasticity"])
    if content.get("value") is None:
        genome.pop("value", None)
    elif not part.has_value:
        genome["value"]["mode"] = FIXED  # where evolution would start: at no value at all
    if not part.learns:
        learner["learn_until"] = 0
    return check_model(RunConfig, content, f"arm {name}")


def _start_at(content: dict[str, Any], values: Values) -> None:
    """Let an evolution start where another one came to."""
    content["brain"]["weights"] = dict(values["weights"])
    content["drives"]["weights"] = dict(values["drives"])
    content["learner"]["plasticity"] = dict(values["plasticity"])


def _listed(values: Values) -> dict[str, dict[str, Any]]:
    """The same with lists, as a config has them once it was written."""
    return {
        group: {name: list(value) if isinstance(value, tuple) else value for name, value in genes.items()}
        for group, genes in values.items()
    }


def lent_values(part: ArmPart, lender: str, pool: GenePool, genome: FloatArray) -> Values:
    """Natural values that an arm takes from another: of drives and plasticity, and of weights where it takes them.

    Args:
        part: the arm that takes.
        lender: name of the arm that gives.
        pool: of the lender.
        genome: [G] of that pool.
    """
    if not part.takes_weights_of(lender):
        return natural_values(pool, genome)
    return {**natural_values(pool, genome), "weights": born_weights(pool, genome)}


def _fixed_drives(config: RunConfig, part: ArmPart, borrowed: Mapping[str, Values]) -> dict[str, Number]:
    """Drive weights of an arm that does not inherit them; one that is taught has its teacher, whatever the arm."""
    if part.drives != "fitness":
        return dict(borrowed[part.drives]["drives"])
    return dict(config.drives.weights) if _is_taught(config.learner.name) else {"fitness": 1.0}


def _is_taught(learner: str) -> bool:
    try:
        return find_learner(learner).taught
    except PartNotFound:  # refused with the rest of the config
        return False


def transplanted(pool: GenePool, genome: FloatArray, learner: str, part: ArmPart) -> tuple[GenePool, FloatArray]:
    """The gene table and genome of an arm that takes its genes from an evolution.

    Weights that are drawn afresh here, but were inherited there, get the published initial scale: where weights are
    inherited evolution does not see that gene, and it drifts. Weights that are not inherited do not grow either.

    Args:
        pool: of the evolution.
        genome: [G] of that pool; of any content if the arm's origin is none.
        learner: its name: one that is taught keeps its teacher.
        part: the arm's definition.
    Returns:
        The arm's pool, and its genome, the slices of the groups that it inherits.
    """
    modes = dict(pool.modes)
    fresh_here = part.weights == "fresh" and modes["weights"] != FRESH
    centres: dict[str, dict[str, float]] = {"drives": {}, "plasticity": {}}
    if part.weights == "fresh":
        modes["weights"] = FRESH
    if not part.has_value:
        modes["value"] = FIXED  # where its evolution started: at no value at all
    if part.drives == "fitness":
        modes["drives"] = FIXED
    if part.drives == "fitness" and not _is_taught(learner):
        centres["drives"] = {gene.name: float(gene.name == "fitness") for gene in pool.genes if gene.group == "drives"}
    if part.plasticity == "published":
        modes["plasticity"] = FIXED
        centres["plasticity"] = {gene.name: gene.published for gene in pool.genes if gene.published is not None}
    if part.weights != "inherited":  # those that know nothing must not grow into some that do
        centres.setdefault("plasticity", {})[GROWN] = 0.0
    genes = tuple(_recentred(gene, centres.get(gene.group, {})) for gene in pool.genes)
    target = dataclasses.replace(pool, genes=genes, modes=modes)
    places, own = pool.slices(), target.slices()
    carried = np.zeros(target.size, np.float32)
    for place, where in own.items():
        carried[where] = genome[places[place]]
    for gene in target.evolved:
        if fresh_here and gene.group == "plasticity" and gene.name in OF_FRESH_WEIGHTS:
            # Where weights were inherited no life read it: it drifted. Published are a scale of 1 and a value of 0.
            carried[own[gene.group, gene.name]] = 0.0
    return target, carried


def permute_weights(pool: GenePool, newborns: Newborns, born_as: IntArray, keys: IntArray) -> tuple[Newborns, IntArray]:
    """Give every life the weights of its newborn with the entries of each matrix and of each bias permuted.

    Scale and distribution stay, knowledge goes. Every block is permuted by itself, its entries and not whole units,
    whose exchange would change nothing. The permutation comes from the life's key: fresh in each life.

    Args:
        pool: of the newborns; its brain says where blocks begin.
        newborns: as decoded.
        born_as: int64 [L], which newborn each life is born as.
        keys: int64 [L, 4].
    Returns:
        One newborn per life, and int64 [L].
    """
    weights = newborns.weights[born_as].copy()
    sizes = np.array([tensor.size for tensor in pool.brain.tensors], np.int64)
    rng = new_rng()
    for life, key in enumerate(keys):
        open_stream(rng, key, INIT)
        at_step(rng, _PERMUTATION_STEP)
        shuffle_blocks(weights[life], sizes, rng)
    own = newborns._replace(
        weights=weights,
        drives=np.ascontiguousarray(newborns.drives[born_as]),
        plasticity=np.ascontiguousarray(newborns.plasticity[born_as]),
        scale=np.ascontiguousarray(newborns.scale[born_as]),
        value=np.ascontiguousarray(newborns.value[born_as]),
    )
    return own, np.arange(len(born_as))


@compiled
def shuffle_blocks(values: Any, sizes: Any, rng: Any) -> None:
    """Permute each of the consecutive blocks of `values` in place."""
    start = 0
    for size in sizes:
        shuffle(values, start, size, rng)
        start += size


def _recentred(gene: Gene, values: Mapping[str, float]) -> Gene:
    if gene.name not in values:
        return gene
    centre = TRANSFORMS[gene.transform].encode(values[gene.name])
    return dataclasses.replace(gene, centre=np.full(gene.size, centre, np.float32))
