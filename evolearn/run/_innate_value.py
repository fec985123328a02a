"""What an innate value needs of a config: refused early, in the words of its fields; and what to know of it."""

from __future__ import annotations

import contextlib

import numpy as np

from evolearn.agent import DISCOUNT, LEARNERS, OBSERVATION, BrainSpec, ValueSpec, find_learner, find_policy
from evolearn.config import ConfigError, RunConfig
from evolearn.genome import GenePool, decode, draw_fresh
from evolearn.life import FROM_UNIFORM, Conditions, LifeFault, Plan, lives, new_driver
from evolearn.rng import SELECTION, life_keys
from evolearn.world import Declaration, World

POTENTIAL, ACTING = "potential", "acting"  # of value.uses
PROBED, MOST_PROBED = 8, 2000  # lives, and steps of each, by which is seen whether episodes terminate
LEARNED = "learned"  # of value.read, genome.prediction and genome.critic


def value_spec(config: RunConfig, observations: int) -> ValueSpec | None:
    """What the innate value of a run is made of; None: it has none.

    Args:
        config: of the run.
        observations: that its world shows.
    """
    part = config.value
    if part is None:
        return None
    return ValueSpec(observations, part.hidden, POTENTIAL in part.uses, ACTING in part.uses, part.read == LEARNED)


def learned_heads(config: RunConfig) -> tuple[str, ...]:
    """Heads that are 0 at birth and no genes, by what names of their blocks begin with."""
    heads = {"prediction": config.genome.prediction, "value": config.genome.critic}
    return tuple(head for head, origin in heads.items() if origin == LEARNED)


def check_value(config: RunConfig, world: Declaration, brain: BrainSpec) -> None:
    """Refuse an innate value that nothing could make use of, and a critic that nobody has.

    Args:
        config: of the run.
        world: that it is lived in.
        brain: what its brain is made of.
    Raises:
        ConfigError: names the field, and what to set.
    """
    part = config.value
    if config.genome.critic == LEARNED:
        _needs_critic(config, brain, f"genome.critic={LEARNED!r}", "inherited", "genome.critic")
    if part is None:
        return
    learner, name = find_learner(config.learner.name), config.learner.name
    # a potential discounts what comes next as its learner does
    if POTENTIAL in part.uses and all(gene.name != DISCOUNT for gene in learner.plasticity):
        able = " or ".join(
            repr(other) for other, row in LEARNERS.items() if any(gene.name == DISCOUNT for gene in row.plasticity)
        )
        raise ConfigError(
            f"value.uses={list(part.uses)}: potential discounts what comes next as the learner does, and "
            f"learner.name={name!r} has no gene {DISCOUNT}; set learner.name={able}, or leave potential out"
        )
    if ACTING in part.uses:
        _check_acting(config, world)
    if part.read == LEARNED:
        asking = f"value.read={LEARNED!r}"
        _needs_critic(config, brain, asking, "innate", "value.read")
        if brain.inputs != (OBSERVATION,) or brain.remembers:
            raise ConfigError(
                f"{asking}: must be 'innate' with brain.trunk={brain.trunk!r} and brain.inputs={list(brain.inputs)}, "
                "since what is predicted is what the world shows and nothing of what was before; set "
                "brain.inputs=[observation] and a trunk that carries nothing, or leave value.read out"
            )


def _needs_critic(config: RunConfig, brain: BrainSpec, asking: str, otherwise: str, field: str) -> None:
    name = config.learner.name
    if find_learner(name).value is not None and find_policy(brain.policy).has_value:
        return
    able = " or ".join(repr(other) for other, row in LEARNERS.items() if row.value is not None)
    own = "" if name in LEARNERS else ", or say in its row what it makes of the value output"
    raise ConfigError(
        f"{asking}: must be {otherwise!r} with learner.name={name!r}, which has no critic; set learner.name={able}, "
        f"or leave {field} out{own}"
    )


def _check_acting(config: RunConfig, world: Declaration) -> None:
    uses = f"value.uses={list(config.value.uses) if config.value else []}"
    if not world.is_discrete:
        raise ConfigError(
            f"{uses}: acting values what each of several choices leads to, and world {world.name} takes numbers; "
            "choose a world with choices, or leave acting out"
        )
    if not config.brain.prediction:
        raise ConfigError(
            f"brain.prediction=false: must be true with {uses}: acting values what a choice is predicted to lead to; "
            "set brain.prediction=true, or leave acting out"
        )
    learner = config.learner
    if learner.epochs > 1 and learner.learn_until != 0:
        raise ConfigError(
            f"learner.epochs={learner.epochs}: must be 1 with {uses}: from the second epoch on a window is thought "
            "again, without what value added to it when it was lived; set learner.epochs=1, or leave acting out"
        )


def remarks_on_value(config: RunConfig, conditions: Conditions, pool: GenePool) -> tuple[str, ...]:
    """What a user should know of an innate value in a world; for a potential some lives are lived, at random.

    Args:
        config: of the run.
        conditions: of its lives.
        pool: its gene table.
    """
    if config.value is None:
        return ()
    uses = f"value.uses={list(config.value.uses)}"
    remarks = []
    if ACTING in config.value.uses and config.genome.prediction == "learned" and config.learner.learn_until == 0:
        remarks.append(
            f"{uses}: acting values what is predicted, and with genome.prediction=learned and learner.learn_until=0 "
            "nothing ever is, so that value changes nothing; set genome.prediction=inherited, or let lives learn"
        )
    if config.value.read == LEARNED and config.genome.critic == LEARNED and config.learner.learn_until == 0:
        remarks.append(
            f"value.read={LEARNED!r}: what is read in acting is learned, and with genome.critic=learned and "
            "learner.learn_until=0 nothing ever is; set genome.critic=inherited, or let lives learn"
        )
    world = conditions.world
    probes = POTENTIAL in config.value.uses and isinstance(world, World)  # those of others may take long
    if probes and not _any_terminates(config, conditions, pool):
        remarks.append(
            f"{uses}: in {PROBED} lives of {_probed_steps(config):,} steps at random no episode of world {world.name} "
            "terminated. Where none ever does a potential is nowhere 0: what it adds to rewards telescopes, the sooner "
            "to nothing the nearer discount and gae_lambda are to 1; it still works as the start of a critic"
        )
    return tuple(remarks)


def _any_terminates(config: RunConfig, conditions: Conditions, pool: GenePool) -> bool:
    """Whether an episode of some lives that are lived at random terminates; also where a life fails."""
    keys = life_keys(config.seed, SELECTION, 0, PROBED)
    newborns, born_as = draw_fresh(pool, decode(pool, pool.centre[np.newaxis]), np.zeros(PROBED, np.int64), keys)
    plan = Plan(_probed_steps(config), source=FROM_UNIFORM)
    with contextlib.closing(new_driver(conditions, 1)) as driver:
        try:
            outcome, _ = lives(driver, conditions, newborns, born_as, keys, plan)
        except LifeFault:  # is told of where lives count
            return True
    return bool(outcome.deaths.any())


def _probed_steps(config: RunConfig) -> int:
    return min(config.search.selection_lifetime, MOST_PROBED)
