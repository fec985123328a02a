"""What went wrong in a life: whose fault it is, and all that it takes to live it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from evolearn.agent import find_drive, find_learner, find_policy, trunk_of
from evolearn.genome import Newborns
from evolearn.life.live import Conditions, Job, Plan
from evolearn.life.records import BAD_FITNESS, BAD_OBSERVATION, BAD_SENSE
from evolearn.rng import KEY_SIZE, LifeKey
from evolearn.world import WorldError

OWN_DRIVE = "drive"  # begins the reason of a fault that is a user's drive's, and not the world's
FAULTS = {BAD_OBSERVATION: "observation", BAD_FITNESS: "fitness", BAD_SENSE: "sense or drive"}


def raised_in(conditions: Conditions, error: BaseException) -> str:
    """What to say of an error out of compiled code, which does not tell where it was raised."""
    own = own_parts(conditions)
    where = f", in the world or in {own}" if own else ""
    return f"raised {type(error).__name__}: {error}{where}"


def own_parts(conditions: Conditions) -> str:
    """The parts that users brought, for errors; empty where there are none."""
    return ", ".join(name for name, _ in _brought(conditions))


def own_code(conditions: Conditions) -> list[Callable[..., Any]]:
    """A function of every part that a user brought."""
    return [function for _, function in _brought(conditions)]


def _brought(conditions: Conditions) -> list[tuple[str, Callable[..., Any]]]:
    brain, learner = conditions.brain, conditions.learner
    named: list[tuple[str, Callable[..., Any]]] = [
        (brain.trunk, trunk_of(brain).think),
        (brain.policy, find_policy(brain.policy).choose),
        (learner, find_learner(learner).learn),
        *((name, find_drive(name).feel) for name in conditions.generic_drives),
    ]
    return [(name, function) for name, function in named if ":" in name]


def name_culprit(conditions: Conditions, what: str, observation: Any, drives: Any) -> str:
    """Say which number of a step was not finite, and what to do."""
    if what == FAULTS[BAD_OBSERVATION]:
        names: list[str] = [signal.name for signal in conditions.world.observations]
        values = observation
    elif what == FAULTS[BAD_SENSE]:
        names, values = list(conditions.drive_names), drives
    else:
        return "fitness is not finite; the world's step must return a finite number"
    culprits = [place for place, value in enumerate(values) if not np.isfinite(value)]
    shown = ", ".join(f"{names[place]}={values[place]}" for place in culprits)
    if what == FAULTS[BAD_SENSE]:
        first = len(names) - len(conditions.generic_drives)
        brought = [conditions.generic_drives[place - first] for place in culprits if place >= first]
        if len(brought) == len(culprits) and all(":" in name for name in brought):
            return f"{OWN_DRIVE} {shown}: must be finite; check the arithmetic of {', '.join(brought)}"
    return f"{what} {shown}: must be finite; check the world's arithmetic"


class LifeFault(WorldError):
    """A world, or a drive of a user's, went wrong in one life: it raised, hung, or gave a number that is not finite.

    Holds all that is needed to say which life that was, and to live it again. Survives pickling.
    """

    def __init__(
        self,
        world: str,
        key: LifeKey,
        life: int,
        genome: int,
        step: int,
        reason: str,
        newborn: Newborns,
        plan: Plan,
        remedy: str = "",
        births: tuple[int, ...] = (),
    ) -> None:
        """Describe a fault.

        Args:
            world: its name.
            key: of the life.
            life: its place in the call that lived it.
            genome: number of the newborn there; where genomes have numbers of their own, that one.
            step: age at which it went wrong, world steps.
            reason: what was wrong, and what to do.
            newborn: who lived, a record of that one.
            plan: how.
            remedy: what to type next, a line of its own.
            births: eight numbers, the keys of the life's first and second birth, where those are not its own; and a
                ninth, the world's age at them, where lives follow one another in it.
        """
        super().__init__(world, key, life, genome, step, reason, newborn, plan, remedy, births)
        self.world = world
        self.key = key
        self.life = life
        self.genome = genome
        self.step = step
        self.reason = reason
        self.newborn = newborn
        self.plan = plan
        self.remedy = remedy
        self.births = births

    def __str__(self) -> str:
        where = f"world {self.world}, life {self.key}, genome {self.genome}, step {self.step}"
        return f"{where}: {self.reason}" + (f"\n{self.remedy}" if self.remedy else "")

    @property
    def whose(self) -> str:
        """Who is at fault, for a sentence: the world, unless it is known to be a drive that a user brought."""
        return "a drive" if self.reason.startswith(f"{OWN_DRIVE} ") else "the world"

    def altered(self, **different: Any) -> LifeFault:
        """The same fault but for some of the arguments that made it.

        As a call sees it that the one at fault was a part of, with other numbers; or with what to type.
        """
        names = ("world", "key", "life", "genome", "step", "reason", "newborn", "plan", "remedy", "births")
        return type(self)(**{name: getattr(self, name) for name in names} | different)


class LifeLost(LifeFault):
    """A life whose process hung or died: what was lived of its job is not known."""


def fault_in(conditions: Conditions, job: Job, life: int, reason: str, kind: type[LifeFault] = LifeFault) -> LifeFault:
    """The fault of one life of a job, to be raised.

    Args:
        conditions: of the job.
        job: its outcome says at which step.
        life: place in the job.
        reason: what was wrong, and what to do.
        kind: of fault.
    """
    genome = int(job.genomes[life])
    return kind(
        conditions.world.name,
        LifeKey.of(job.keys[life]),
        life,
        genome,
        int(job.outcome.age[life]),
        reason,
        job.newborns.rows(slice(genome, genome + 1)),
        job.plan,
        births=tuple(int(part) for part in job.keys[life, KEY_SIZE:]),
    )
