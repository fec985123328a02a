"""What an innate value needs of a config: refused early, in the words of its fields; and what to know of it."""

from __future__ import annotations

import ast
import inspect
import textwrap

from evolearn.agent import LEARNERS, ValueSpec, find_learner
from evolearn.config import ConfigError, RunConfig
from evolearn.world import Declaration, World

POTENTIAL, ACTING = "potential", "acting"  # of value.uses
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
    return ValueSpec(observations, part.hidden, POTENTIAL in part.uses, ACTING in part.uses)


def check_value(config: RunConfig, world: Declaration) -> None:
    """Refuse an innate value that nothing could make use of.

    Args:
        config: of the run.
        world: that it is lived in.
    Raises:
        ConfigError: names the field, and what to set.
    """
    part = config.value
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
