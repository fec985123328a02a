"""A chunk of lives in lock-step, in worlds that cannot be compiled.

Everything but the world is the fused kernel's: the same compiled `be_born`, `act`, `experience` and `learn_when_full`,
in small loops over the lives of a chunk; Python only steps the environments in between.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import traceback
from collections.abc import Callable, MutableSequence

import numpy as np

from evolearn.config import HANG_SECONDS
from evolearn.errors import PartError
from evolearn.life._lockstep import (
    ACT_TYPE,
    BE_BORN_TYPE,
    CLOSE_TYPE,
    EXPERIENCE_TYPE,
    GET_TEACHERS_TYPE,
    GROW_TYPE,
    LEARN_ALL_TYPE,
    OPERATE_TYPE,
    Binding,
    Bound,
    act_together,
    be_born_together,
    close_together,
    direct,
    experience_together,
    get_teachers_together,
    grow_together,
    learn_together,
    operate_together,
    parts_of,
    reset_together,
)
from evolearn.life._machinery import machinery
from evolearn.life.faults import FAULTS, name_culprit, own_parts
from evolearn.life.live import Conditions, Job
from evolearn.life.processes import AGE, LIVING, PLACE, SECONDS_TO_END, Fault, new_shown
from evolearn.life.records import UNFINISHED, Course, Team
from evolearn.life.teachers import Teachers
from evolearn.life.watch import OwnThread, Watch
from evolearn.world import EnvironmentFault, Environments, GymnasiumEnvironments, GymnasiumWorld, standing_lines

EnvironmentsMaker = Callable[[Conditions], Environments]


class ChunkStepper:
    """Lives chunks in this process.

    In one of its own, on its main thread, and whoever started it watches it. In the process of somebody's script on
    another thread, so that an environment that hangs is noticed: always the same one, until one hangs, since some
    environments must be used by the thread that made them.
    """

    def __init__(
        self,
        conditions: Conditions,
        make_environments: EnvironmentsMaker,
        hang_seconds: float = HANG_SECONDS,
        shown: MutableSequence[int] | None = None,
    ) -> None:
        """Compile or load what `conditions` need; environments are made for the first job.

        Args:
            conditions: what all lives share.
            make_environments: gives the environments.
            hang_seconds: lives without a finished step for so long are a fault.
            shown: what others see of the work, see `evolearn.life.processes.new_shown`.
        """
        self._conditions = conditions
        self._make_environments = make_environments
        self._hang_seconds = hang_seconds
        self._made: Environments | None = None
        self._thread: OwnThread | None = None
        self._shown = shown if shown is not None else new_shown()
        self._folder = ""  # to which environments have moved their process; none yet: where it is
        self._machinery = machinery(conditions)
        self._parts = parts_of(self._machinery)
        self._be_born = direct(be_born_together, BE_BORN_TYPE)
        self._get_teachers = direct(get_teachers_together, GET_TEACHERS_TYPE)
        self._operate = direct(operate_together, OPERATE_TYPE)
        self._reset = direct(reset_together, BE_BORN_TYPE)
        self._grow = direct(grow_together, GROW_TYPE) if conditions.brain.growth else None
        self._act = direct(act_together, ACT_TYPE)
        self._experience = direct(experience_together, EXPERIENCE_TYPE)
        self._learn = direct(learn_together, LEARN_ALL_TYPE)
        self._close = direct(close_together, CLOSE_TYPE)

    @property
    def _environments(self) -> Environments:
        if self._made is None:
            self._made = self._make_environments(self._conditions)
            self._made.where = self._shown
        return self._made

    def close_here(self) -> None:
        """Let go of the environments, on this thread."""
        if self._made is not None:
            self._made.close()

    def close(self) -> None:
        """Let go of the environments, on the thread that they are used by."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        thread.begin(self.close_here)
        thread.dismiss()
        done = thread.wait(SECONDS_TO_END)
        if done is None:
            self._made = None
        elif done.error is not None:
            raise done.error

    def live_unwatched(self, job: Job) -> Fault | None:
        """Live all of a job in lock-step on this thread; the first life at fault, if any."""
        return self._live(job, threading.Event())

    def live(self, job: Job) -> Fault | None:
        """Live all of a job in lock-step and write its outcome; the first life at fault, if any."""
        thread = self._thread = self._thread or OwnThread()
        watch = Watch(self._hang_seconds)
        stop = threading.Event()
        self._shown[LIVING] = False
        thread.begin(functools.partial(self._live_and_return, job, stop))
        try:
            while (done := thread.wait(0.2)) is None:
                place, age, living = self._shown
                if living and watch.stands_still(0, (age, place)):
                    job.outcome.age[place] = age
                    reason = hanging(self._hang_seconds, thread.where())
                    self._give_up(stop)
                    return Fault(place, reason, at_once=True, lost=True)
        except BaseException:  # Ctrl-C: what is closed next must not be at work any more
            stop.set()
            if thread.wait(SECONDS_TO_END) is None:
                self._give_up(stop)
            raise
        if done.error is not None:
            raise done.error
        return done.value

    def _give_up(self, stop: threading.Event) -> None:
        """Leave the thread and its environments alone; if it ever comes back, it ends."""
        stop.set()
        if self._thread is not None:
            self._thread.dismiss()
        self._thread = None
        self._made = None
        self._shown = new_shown()

    def _live_and_return(self, job: Job, stop: threading.Event) -> Fault | None:
        """The same as `live_unwatched`; environments may move to a folder of theirs, their process does not stay."""
        before = os.getcwd()
        try:
            with contextlib.suppress(OSError):
                os.chdir(self._folder or before)
            return self._live(job, stop)
        finally:
            with contextlib.suppress(OSError):
                self._folder = os.getcwd()
            os.chdir(before)

    def _live(self, job: Job, stop: threading.Event) -> Fault | None:
        conditions = self._conditions
        course = self._machinery.course(conditions, job)
        team = self._machinery.team(conditions, len(job.genomes), job.plan)
        memory = (team.handle, team.at, team.body)
        self._be_born(job.newborns, job.genomes, job.keys, course, *memory)
        teachers = job.teachers_of(conditions)
        self._get_teachers(teachers, job.keys, *memory)
        fault = self._live_in_step(job, course, team, teachers, stop)
        if fault is not None:
            return fault
        self._close(job.outcome, course, *memory)
        faulty = np.flatnonzero(np.isin(team["status"], list(FAULTS)))
        if not faulty.size:
            return None
        place = int(faulty[0])
        what = FAULTS[int(team["status"][place])]
        return Fault(place, name_culprit(conditions, what, team["observation"][place], team["felt"][place]), False)

    def _live_in_step(
        self, job: Job, course: Course, team: Team, teachers: Teachers, stop: threading.Event
    ) -> Fault | None:
        """Steps from birth to end; writes all but the end of the outcome of those who come to it."""
        environments, shown = self._environments, self._shown
        count = len(job.genomes)
        observation, status = team["observation"], team["status"]
        rows = list(observation)
        terminated, truncated = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        settings = self._conditions.settings
        memory = (team.handle, team.at, team.body)
        binding = Binding(
            Bound(self._parts, *memory, course, job.outcome, job.trace, terminated, truncated, settings, teachers)
        )
        bound = binding.address
        world = (
            team["action"],
            observation,
            team["felt"][:, 1 : 1 + team.body.senses],
            team["fitness"],
            terminated,
            truncated,
        )
        places = list(range(count))
        t = 0
        shown[PLACE], shown[AGE], shown[LIVING] = 0, 0, True
        try:
            environments.begin_all(job.keys, observation)
            for t in range(course.steps):
                if stop.is_set():
                    break
                shown[AGE] = t
                if t == course.switch_at and course.reset_from >= 0:
                    self._reset(job.newborns, job.genomes, job.keys, course, *memory)
                if t == course.operate_at:
                    self._operate(job.surgeries, job.genomes, *memory)
                if self._grow is not None and t % course.grow_every == 0:
                    self._grow(job.newborns, job.genomes, course, *memory, t)
                if t < course.deprived_until:
                    observation[:] = 0.0
                if self._act(bound, t):
                    places = [place for place in places if status[place] == UNFINISHED]
                endings = environments.step_all(t, places, *world)
                if t + 1 == course.switch_at:
                    endings = environments.switch(places, terminated, truncated)
                if self._experience(bound, t):
                    places = [place for place in places if status[place] == UNFINISHED]
                for place in endings:
                    environments.begin_again(place, t, rows[place])
                self._learn(bound, t)
                if not places:
                    break
        except EnvironmentFault as fault:
            job.outcome.age[fault.place] = t
            return Fault(fault.place, fault.text, at_once=True)
        except Exception as error:
            if own := own_parts(self._conditions):
                raise PartError(f"{own}: at age {t}, raised {type(error).__name__}: {error}") from error
            raise
        finally:
            shown[LIVING] = False
        return None


def hanging(seconds: float, frames: list[traceback.FrameSummary]) -> str:
    """What to say of an environment that does not come back, and where in its code it is."""
    return "\n".join(
        [
            f"no step finished for {seconds:g} s; look for a loop without end in the environment's code, or raise "
            "hang_seconds if it is only slow",
            *standing_lines(frames),
        ]
    )


def gymnasium_environments(conditions: Conditions) -> Environments:
    """The environments of a Gymnasium world."""
    if not isinstance(conditions.world, GymnasiumWorld):
        raise TypeError(f"world {conditions.world.name} is not a Gymnasium world")
    return GymnasiumEnvironments(conditions.world)
