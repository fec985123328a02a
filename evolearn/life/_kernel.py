"""The inner loop: whole lives, from birth to end, in one compiled piece.

A life observes, acts, steps its world, feels its drives, and every N steps learns. The lives of a team take turns in
each of these; their weights, worlds and optimisers stay in the nearest caches of the processor. What a life does
depends on its newborn and its key alone, so results are bitwise the same in any order, on any number of threads, in
teams and pieces of any size.

The stepwise driver (`evolearn.life._stepwise`) lives the same phases, of `evolearn.life._living` and the rooms that it
names, for worlds that cannot be compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from evolearn.agent import (
    BACKWARD_TYPE,
    CHOOSE_ALL_TYPE,
    DELTAS_TYPE,
    FEEL_TYPE,
    LEARN_TYPE,
    NOT_TAUGHT,
    SETTINGS_TYPE,
    THINK_ALL_TYPE,
    THINK_TYPE,
)
from evolearn.genome import Newborns
from evolearn.life._closing import close_all, close_ended, turn_bin
from evolearn.life._experiencing import any_ended, end_episodes, experience_all, record_steps
from evolearn.life._growing import deprive_all, grow_all
from evolearn.life._learning import learn_when_full
from evolearn.life._living import act, be_born, operate_on_all, reset_all
from evolearn.life._teaching import begin_lessons, get_teachers, give_lessons, lesson_of, teach
from evolearn.life._views import action_of, all_finite, seen_by
from evolearn.life.records import (
    AGE,
    BAD_OBSERVATION,
    BIN_END,
    BODY_TYPE,
    COURSE_TYPE,
    FIRST_LIFE,
    FROM_ORACLE,
    NEWBORNS_TYPE,
    OUTCOME_TYPE,
    PLACE,
    PLACES_TYPE,
    ROW,
    TRACE_TYPE,
    UNFINISHED,
    Body,
    Course,
    Outcome,
    Places,
    Trace,
)
from evolearn.life.surgery import SURGERIES_TYPE, Surgeries
from evolearn.life.teachers import TEACHERS_TYPE, Teachers
from evolearn.numerics import doubles, floats, inlined_within, integers, locate, octets, plug, within
from evolearn.rng import RNG_SIZE, WORLD, open_birth, open_stream
from evolearn.world import BEGIN_TYPE, BORN_TYPE, OBSERVE_TYPE, ORACLE_TYPE, STEP_ALL_TYPE


@inlined_within
def begin_episode(
    begin: Any, observe: Any, parameters: Any, states: Any, rngs: Any, team: Any, at: Places, body: Body, place: int
) -> bool:
    """Begin an episode of one life and let it observe; False if what it sees is not finite."""
    integers(team, at.where, 3)[PLACE] = place
    state = locate(octets(states, place * body.state_size, body.state_size))
    observation = seen_by(team, at, body, place)
    begin(state, parameters, integers(rngs, place * RNG_SIZE, RNG_SIZE))
    observe(state, parameters, observation)
    return all_finite(observation)


@within
def together(genomes: Any, body: Body, start: int, most: int) -> int:
    """How many lives from `start` on are a team: `most`, or those of one genome among them if they share weights."""
    if body.stride == 0:
        for place in range(1, most):
            if genomes[start + place] != genomes[start]:
                return place
    return most


def live(  # noqa: D417  # the plugs are described in groups
    born: Any,
    reborn: Any,
    begin: Any,
    observe: Any,
    step_all: Any,
    oracle: Any,
    think_all: Any,
    think: Any,
    backward: Any,
    backward_trunk: Any,
    choose_all: Any,
    deltas: Any,
    learn: Any,
    feel: Any,
    settings: Any,
    team: Any,
    at: Places,
    body: Body,
    course: Course,
    parameters: Any,
    newborns: Newborns,
    surgeries: Surgeries,
    teachers: Teachers,
    genomes: Any,
    keys: Any,
    outcome: Outcome,
    traces: Trace,
    first: int,
    last: int,
    most: int,
) -> None:
    """Live the lives `first` .. `last` - 1, team by team, each from birth to end.

    The first fourteen arguments are the world's, the brain's, the learner's and the drives' functions. Numba has no
    record of functions that keeps the kernel independent of them, hence the long list.

    Args:
        born, reborn, begin, observe, step_all, oracle: see `evolearn.world.contract.World` and
            `evolearn.world.compiled`.
        think_all, think, backward, backward_trunk: see `evolearn.agent.trunks.trunk.Trunk`; `think_all` is that for
            shared weights if the team shares them, and the last is the trunk's own, whatever its heads are.
        choose_all, deltas: see `evolearn.agent.policies.together` and `evolearn.agent.policies.policy.Policy`.
        learn: see `evolearn.agent.learners.learner.Learner`.
        feel: see `evolearn.agent.drives.table.compose`.
        settings: what of the learner does not evolve.
        team: handle of a team's memory, overwritten; two calls at a time need two.
        at: where everything is there.
        body: how much of it.
        course: how to live.
        parameters: handle of the world's.
        newborns: decoded genomes.
        surgeries: what they are operated on by at `course.operate_at`.
        teachers: brains that teach, where one does.
        genomes: int64 [L], which row of `newborns` each life is born from.
        keys: int64 [L, 4], see `evolearn.rng.LifeKey`; or [L, 12], see `evolearn.rng.with_births`.
        outcome: rows `first` .. `last` - 1 are written; they must be zero before.
        traces: written as far as its arrays reach.
        first: first life of this piece.
        last: end of this piece.
        most: lives in a team, at most as many as `teams` has room for.
    """
    rngs_owner = np.zeros(most * RNG_SIZE, np.int64)
    states_owner = np.zeros(most * body.state_size, np.uint8)
    births = np.zeros(RNG_SIZE, np.int64)  # of second births, beside which the worlds' luck goes on
    rngs, states = locate(rngs_owner), locate(states_owner)
    status = integers(team, at.status, most)
    ended = integers(team, at.ended, most)
    clock = integers(team, at.clock, 4)
    where = integers(team, at.where, 3)
    taught = integers(team, at.taught, most)
    start, count = first, 0
    while start + count < last:
        start += count
        count = together(genomes, body, start, min(most, last - start))
        traced = traces.fitness.shape[1] if start < traces.fitness.shape[0] else 0
        where[FIRST_LIFE] = start
        where[AGE] = 0
        be_born(newborns, genomes, keys, course, team, at, body, start, count)
        get_teachers(teachers, keys, team, at, body, start, count)
        states_owner[:] = 0
        gone = 0
        for place in range(count):
            where[PLACE] = place
            rng = integers(rngs, place * RNG_SIZE, RNG_SIZE)
            open_birth(rng, keys[start + place], 0)
            born(locate(octets(states, place * body.state_size, body.state_size)), parameters, rng)
            open_stream(rng, keys[start + place], WORLD)
            if not begin_episode(begin, observe, parameters, states, rngs, team, at, body, place):
                status[place] = BAD_OBSERVATION
                gone += 1
        if gone > 0:
            close_ended(outcome, team, at, body, start, count, where[AGE])
        for t in range(course.steps):
            if gone == count:
                break
            where[AGE] = t
            if t == course.switch_at and course.reset_from >= 0:
                reset_all(newborns, genomes, keys, course, team, at, body, start, count)
            if t == course.operate_at:
                operate_on_all(surgeries, genomes, team, at, body, start, count)
            if course.grow_every > 0 and t % course.grow_every == 0:
                grow_all(newborns, genomes, team, at, body, course, start, count, t)
            if t < course.deprived_until:
                deprive_all(team, at, body, count)
            ending = act(think_all, think, choose_all, team, at, body, course, count, t)
            if course.source == FROM_ORACLE:
                for place in range(count):
                    if status[place] == UNFINISHED:
                        state = locate(octets(states, place * body.state_size, body.state_size))
                        oracle(state, parameters, action_of(team, at, body, place))
            if body.lessons > 0 and course.learn_from <= t < course.learn_until:
                if clock[ROW] == 0:
                    begin_lessons(teachers, team, at, body, course, start, count, t)
                if body.pupils > 0:
                    ending += teach(think_all, think, choose_all, team, at, body, course, count, t)
                else:
                    for place in range(count):
                        if taught[place] != NOT_TAUGHT and status[place] == UNFINISHED:
                            where[PLACE] = place
                            state = locate(octets(states, place * body.state_size, body.state_size))
                            oracle(state, parameters, lesson_of(team, at, body, place))
                give_lessons(team, at, body, course, count)
            step_all(
                states,
                parameters,
                locate(floats(team, at.action, count * body.action_size)),
                locate(floats(team, at.felt, count * body.drives)),
                locate(floats(team, at.observation, count * body.observations)),
                rngs,
                locate(doubles(team, at.fitness, count)),
                locate(ended),
                locate(status),
                locate(where),
                count,
                body.drives,
                t,
            )
            if t + 1 == course.switch_at or t + 1 == course.episode_at:
                end_episodes(team, at, count)
            if t == clock[BIN_END]:
                turn_bin(outcome, course, team, at, body, start, count)
            ending += experience_all(think_all, think, feel, team, at, body, course, count, t)
            if ending > 0:
                close_ended(outcome, team, at, body, start, count, t)
                gone += ending
            if t < traced:
                record_steps(traces, team, at, body, clock[ROW], start, count, t)
            if t + 1 == course.switch_at:
                for place in range(count):
                    if status[place] == UNFINISHED:
                        where[PLACE] = place
                        open_birth(births, keys[start + place], 1)
                        reborn(locate(octets(states, place * body.state_size, body.state_size)), parameters, births)
            if any_ended(team, at, count):
                for place in range(count):
                    if (
                        ended[place] != 0
                        and status[place] == UNFINISHED
                        and not begin_episode(begin, observe, parameters, states, rngs, team, at, body, place)
                        and t + 1 < course.steps
                    ):
                        status[place] = BAD_OBSERVATION
                        close_ended(outcome, team, at, body, start, count, t + 1)
                        gone += 1
            learn_when_full(
                think_all, think, backward, backward_trunk, deltas, learn, settings, team, at, body, course, count, t
            )
        close_all(outcome, course, team, at, body, start, count)
    # Numba frees an array after its last use, and a handle does not count as one.
    rngs_owner[0] = states_owner.size


LIVE_TYPE = types.void(
    *(
        types.FunctionType(signature)
        for signature in (
            BORN_TYPE,
            BORN_TYPE,
            BEGIN_TYPE,
            OBSERVE_TYPE,
            STEP_ALL_TYPE,
            ORACLE_TYPE,
            THINK_ALL_TYPE,
            THINK_TYPE,
            BACKWARD_TYPE,
            BACKWARD_TYPE,
            CHOOSE_ALL_TYPE,
            DELTAS_TYPE,
            LEARN_TYPE,
            FEEL_TYPE,
        )
    ),
    SETTINGS_TYPE,
    types.uintp,
    PLACES_TYPE,
    BODY_TYPE,
    COURSE_TYPE,
    types.uintp,
    NEWBORNS_TYPE,
    SURGERIES_TYPE,
    TEACHERS_TYPE,
    types.int64[::1],
    types.int64[:, ::1],
    OUTCOME_TYPE,
    TRACE_TYPE,
    types.int64,
    types.int64,
    types.int64,
)


def life_kernel() -> Any:
    """The compiled `live`, loaded from the cache on disk or compiled on first use."""
    return plug(live, LIVE_TYPE)
