"""Lives of a piece as they travel to whoever lives them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evolearn.genome import Newborns
from evolearn.life import (
    NO_SURGERIES,
    NO_TEACHERS,
    Conditions,
    Job,
    Plan,
    Surgeries,
    Teachers,
    empty_outcome,
    empty_trace,
)


class Lives(NamedTuple):
    """Lives of a piece as one side leads them, as they travel; see `evolearn.life.live.Job` for the fields."""

    newborns: Newborns
    genomes: npt.NDArray[np.int64]
    keys: npt.NDArray[np.int64]
    plan: Plan
    surgeries: Surgeries = NO_SURGERIES
    teachers: Teachers = NO_TEACHERS

    @classmethod
    def of(cls, job: Job, first: int, last: int) -> Lives:
        """The lives `first` .. `last` - 1 of a job, with nobody in them but who lives."""
        some = job.genomes[first:last]
        newborns, genomes = job.newborns.of_lives(some)
        surgeries, teachers = job.surgeries.of_lives(some), job.teachers.of_lives(slice(first, last))
        return cls(newborns, genomes, job.keys[first:last], job.plan, surgeries, teachers)

    def job(self, conditions: Conditions, opponent: Job | None = None) -> Job:
        """A job of these lives, whose outcome is to be written."""
        outcome = empty_outcome(len(self.genomes), self.plan, len(conditions.drive_names), conditions.brain.weights)
        # What comes from the object store is read-only, and the kernel is compiled for arrays that are not.
        return Job(
            Newborns(*map(np.array, self.newborns)),
            np.array(self.genomes),
            np.array(self.keys),
            self.plan,
            outcome,
            empty_trace(0, conditions),
            Surgeries(*map(np.array, self.surgeries)),
            opponent,
            Teachers(*map(np.array, self.teachers)),
        )
