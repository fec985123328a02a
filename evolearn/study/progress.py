"""How far a study is, and how long the rest of it will take: the only place where that is estimated."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from evolearn.study.checks import Rates
from evolearn.study.plan import StudyJob, StudyPlan

PRIOR_SECONDS = 5.0  # of the rates measured beforehand, against those of the jobs done


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a study is."""

    job: StudyJob
    done: int  # jobs finished
    of: int  # jobs
    share: float  # of all steps, 0 .. 1
    seconds_left: float


class Clock:
    """Time left, from the rates measured beforehand and the jobs done since."""

    def __init__(self, plan: StudyPlan, left: Sequence[StudyJob], rates: Rates) -> None:
        """Start it.

        Args:
            plan: of the whole study.
            left: jobs of it that are to be done, in order.
            rates: measured beforehand; count as much as `PRIOR_SECONDS` of work.
        """
        self._all_steps = plan.steps
        self._jobs = len(plan.evolutions) + len(plan.tests)
        self._left = list(left)
        self._within = 0.0  # share of the job under way
        self._since = time.monotonic()
        self._steps = {True: rates.learning * PRIOR_SECONDS, False: rates.frozen * PRIOR_SECONDS}
        self._seconds = {True: PRIOR_SECONDS, False: PRIOR_SECONDS}
        self._job = left[0] if left else None

    def add(self, job: StudyJob) -> None:
        """One more is left."""
        self._left.append(job)

    def drop(self, job: StudyJob) -> None:
        """One is left out."""
        self._left.remove(job)

    def begin(self, job: StudyJob) -> None:
        """A job is begun now."""
        self._job = job
        self._within = 0.0
        self._since = time.monotonic()

    def within(self, share: float, counted: bool = True) -> None:
        """The job under way has got so far, 0 .. 1; `counted`: by work that has just been done."""
        job = self._job
        assert job is not None
        if counted:
            now = time.monotonic()
            self._steps[job.learning] += (share - self._within) * job.steps
            self._seconds[job.learning] += now - self._since
        self._since = time.monotonic()
        self._within = share

    def end(self, job: StudyJob, whole: bool = True) -> None:
        """A job is finished; `whole`: all of its steps were lived."""
        if job != self._job:  # it was lived together with that one, in the same time
            self._steps[job.learning] += job.steps
        elif self._within < 1.0 and whole:
            self.within(1.0)
        self._left.remove(job)
        self._within = 0.0
        self._job = job

    def progress(self) -> Progress:
        """How far the study is."""
        assert self._job is not None
        seconds = {kind: sum(job.steps for job in self._left if job.learning == kind) for kind in (True, False)}
        here = self._within * self._job.steps
        left_steps = sum(seconds.values()) - here
        seconds[self._job.learning] -= int(here)
        left = sum(seconds[kind] * self._seconds[kind] / self._steps[kind] for kind in (True, False))
        done = self._jobs - len(self._left)
        return Progress(self._job, done, self._jobs, 1.0 - left_steps / self._all_steps, left)
