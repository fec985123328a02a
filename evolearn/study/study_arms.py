"""The arms of a study as they live: which setup, whose DNA."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from evolearn.genome import FloatArray, GenePool
from evolearn.run import NO_ORIGIN, Arm, Setup, assemble, ready_arm
from evolearn.study.config import ConditionPart, StudyConfig
from evolearn.study.plan import arm_part, planned_config
from evolearn.verdict import DOUBLED

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
    return None if part.origin == NO_ORIGIN else part.origin


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
