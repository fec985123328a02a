"""The arms of a study as they live: which setup, whose DNA."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from evolearn.arms import NONE
from evolearn.assemble import Setup, assemble
from evolearn.genome import FloatArray, GenePool
from evolearn.rules import DOUBLED
from evolearn.study_config import ConditionPart, StudyConfig
from evolearn.study_plan import part_of, planned_config
from evolearn.transplant import Arm, ready_arm

Dna = Callable[[str], tuple[GenePool, FloatArray]]  # name of an arm with an evolution of its own -> pool, genome [G]


@dataclasses.dataclass(frozen=True)
class StudyArm:
    """An arm under a condition, ready to live."""

    arm: Arm
    setup: Setup  # of the condition, with what the arm's evolution changed of it


def origin_of(config: StudyConfig, arm: str) -> str | None:
    """The arm whose evolution an arm's DNA comes from: itself, another one, or none."""
    part = part_of(config, arm)
    if part.evolves:
        return arm
    return None if part.origin == NONE else part.origin


def study_arm(config: StudyConfig, condition: ConditionPart, arm: str, dna: Dna) -> StudyArm:
    """Make an arm ready to live under a condition.

    Args:
        config: of the study.
        condition: under which it lives.
        arm: which.
        dna: gives the DNA of arms with an evolution of their own.
    """
    part = part_of(config, arm)
    base = config.run_of(condition)
    origin = origin_of(config, arm)
    setup = assemble(base if origin is None else planned_config(config, condition, origin))
    pool, genome = (setup.pool, setup.pool.centre) if origin is None else dna(origin)
    doc = part.doc + (", twice the outer steps" if arm.endswith(DOUBLED) else "")
    # Not the origin's learner: one that never learns may lend its genes to an arm that does.
    learner = setup.config.learner if part.evolves else base.learner
    ready = ready_arm(arm, part.model_copy(update={"doc": doc}), pool, genome, learner)
    return StudyArm(ready, setup)
