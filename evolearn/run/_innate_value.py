"""What an innate value needs of a config: refused early, in the words of its fields; and what to know of it."""

from __future__ import annotations

import ast
import inspect
import textwrap

from evolearn.agent import LEARNERS, OBSERVATION, BrainSpec, ValueSpec, find_learner, find_policy
from evolearn.config import ConfigError, RunConfig
from evolearn.world import Declaration, World

POTENTIAL, ACTING = "potential", "acting"  # of value.uses
LEARNED = "learned"  # of value.read, genome.prediction and genome.critic
DISCOUNT = "discount"  # the learner's gene by which a potential discounts what comes next


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


def remarks_on_value(config: RunConfig, world: Declaration) -> tuple[str, ...]:
    """What a user should know of an innate value in a world.

    Args:
        config: of the run.
        world: that it is lived in.
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
    if POTENTIAL in config.value.uses and _never_terminates(world):
        remarks.append(
            f"{uses}: no episode of world {world.name} terminates, so that a potential is nowhere 0: what it adds to "
            "rewards telescopes, the sooner to nothing the nearer discount and gae_lambda are to 1; it still works as "
            "the start of a critic"
        )
    return tuple(remarks)


def _never_terminates(world: Declaration) -> bool:
    """Whether every way out of a world's step says that the episode was not terminated, as far as can be read."""
    if not isinstance(world, World):
        return False
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(world.step))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return False
    ways = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    said = [way.elts[1] for way in ways if isinstance(way, ast.Tuple) and len(way.elts) == 3]
    return bool(ways) and len(said) == len(ways) and all(isinstance(s, ast.Constant) and s.value is False for s in said)
