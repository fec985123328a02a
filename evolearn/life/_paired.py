"""The driver of lives in pairs: compiled worlds with an opponent that has a brain, on threads."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from evolearn.config import HANG_SECONDS
from evolearn.life._fused import FusedDriver, lives_in_team
from evolearn.life._lockstep import Binding, Bound, parts_of
from evolearn.life._machinery import Machinery, machinery
from evolearn.life._pairs import pairs_kernel
from evolearn.life.faults import FAULTS, fault_in, name_culprit
from evolearn.life.live import Conditions, Job, Plan
from evolearn.life.records import FROM_ORACLE, UNFINISHED, Team
from evolearn.life.teachers import NO_TEACHERS
from evolearn.numerics import handle_of
from evolearn.world import World, compile_pairs


class PairedDriver(FusedDriver):
    """Lives compiled worlds with the kernel of lives in pairs, on threads; a thread takes pieces as always."""

    def __init__(self, conditions: Conditions, workers: int = 1, hang_seconds: float = HANG_SECONDS) -> None:
        """Compile or load what `conditions`, and those of their opponent, need."""
        world, other = conditions.world, conditions.opponent
        if not isinstance(world, World) or world.opponent is None:
            raise TypeError(
                f"world {world.name}: has no opponent; lives in pairs are lived in compiled worlds with one"
            )
        if other is None or other.world.name != world.opponent.world.name:
            raise TypeError(f"world {world.name}: its opponent must live in {world.opponent.world.name}")
        if any(one.teacher is not None or one.lineage is not None for one in (conditions, other)):
            raise ValueError(
                "conditions: lives in pairs have neither teachers nor lineages; live against the world's own script"
            )
        self.conditions = conditions
        self.workers = workers
        self.hang_seconds = hang_seconds
        self._pairs = compile_pairs(world, conditions.parameters)
        self._parts = machinery(conditions)
        self._other_parts = machinery(other)
        self._kernel = pairs_kernel()
        one = self._new_pair(Plan(1), 1)
        octets = one.memory.size + one.opponent.memory.size
        self.team = lives_in_team(conditions.brain.weights + other.brain.weights, octets)
        self.sharing = self.team

    def live(self, job: Job) -> None:
        """Live every life of `job`; see `FusedDriver.live`.

        Raises:
            LifeFault: see there.
            ValueError: the job has no opponents, or asks for what lives in pairs do not offer.
        """
        other = job.opponent
        if other is None or len(other.genomes) != len(job.genomes) or other.plan.lifetime != job.plan.lifetime:
            raise ValueError("job.opponent: must be a job of as many lives, as long, for lives in pairs")
        for plan in (job.plan, other.plan):
            alters = plan.operate_at is not None or plan.deprived_until or plan.episode_at is not None
            if alters or plan.source == FROM_ORACLE:
                raise ValueError(
                    "plan: lives in pairs know neither operations, deprivation nor oracles; live against the world's "
                    "own script"
                )
        super().live(job)

    def _shares(self, job: Job) -> bool:
        return False

    def _new_team(self, plan: Plan, shared: bool) -> Team:
        return self._new_pair(plan, self.team)

    def _new_pair(self, plan: Plan, most: int) -> _Pair:
        other = self.conditions.opponent
        assert other is not None
        size = self._pairs.state_size
        return _Pair(
            self._parts.team(self.conditions, most, plan, size), self._other_parts.team(other, most, plan, size)
        )

    def _live_together(self, job: Job, team: Team, first: int, last: int, most: int) -> None:
        pairs, other, conditions = self._pairs, job.opponent, self.conditions
        assert isinstance(team, _Pair)
        assert other is not None
        assert conditions.opponent is not None
        own_side = _bound(conditions, self._parts, team, job)
        other_side = _bound(conditions.opponent, self._other_parts, team.opponent, other)
        job.outcome.status[first:last] = UNFINISHED
        other.outcome.status[first:last] = UNFINISHED
        self._kernel(
            *(pairs.born, pairs.begin, pairs.observe, pairs.observe_opponent, pairs.step_pairs),
            handle_of(pairs.parameters),
            *(own_side.address, job.newborns, job.genomes, job.keys),
            *(other_side.address, other.newborns, other.genomes, other.keys),
            *(first, last, most),
        )

    def _report_faults(self, job: Job) -> None:
        assert job.opponent is not None
        sides = (job.outcome.status, job.opponent.outcome.status)
        faulty = np.flatnonzero(np.isin(sides, list(FAULTS)).any(axis=0))
        if not faulty.size:
            return
        life = int(faulty[0])
        own, other = (FAULTS.get(int(status[life])) for status in sides)
        # Until the fault and no longer: the other side lives on, and what was seen then would be seen no more.
        lifetime = int(job.sides[0 if own else 1].outcome.age[life]) + 1
        until, theirs = (
            dataclasses.replace(
                side, plan=dataclasses.replace(side.plan, lifetime=lifetime, bin_steps=side.plan.bin_size)
            )
            for side in job.sides
        )
        team = self._new_pair(until.plan, 1)
        self._live_together(dataclasses.replace(until, opponent=theirs), team, life, life + 1, 1)
        conditions = self.conditions
        at_fault: Team = team
        if own is None:
            assert conditions.opponent is not None
            conditions, at_fault = conditions.opponent, team.opponent
            job.outcome.age[life] = job.opponent.outcome.age[life]
        what = own or other
        assert what is not None
        reason = name_culprit(conditions, what, at_fault["observation"][0], at_fault["felt"][0])
        raise fault_in(self.conditions, job, life, f"the opponent's {reason}" if own is None else reason)


class _Pair(Team):
    """The team of the agents, which says what it is at, with that of their opponents."""

    def __init__(self, agents: Team, opponents: Team) -> None:
        self.__dict__.update(agents.__dict__)
        self.opponent = opponents


def _bound(conditions: Conditions, parts: Machinery, team: Team, job: Job) -> Binding:
    """What stays the same for one side of a job."""
    nobody: Any = np.zeros(0, np.bool_)  # of drivers whose worlds say for themselves how episodes end
    course = parts.course(conditions, job)
    return Binding(
        Bound(
            parts_of(parts),
            team.handle,
            team.at,
            team.body,
            course,
            job.outcome,
            job.trace,
            nobody,
            nobody,
            conditions.settings,
            NO_TEACHERS,
        )
    )
