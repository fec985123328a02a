"""The inner loop: one whole life, from birth to end, in one compiled piece.

A life observes, acts, steps its world, feels its drives, and every N steps learns. Its weights, world and optimiser
stay in the processor's nearest caches from birth to end. What it does depends on its newborn and its key alone, so
results are bitwise the same in any order, on any number of threads, in pieces of any size.

The stepwise driver (`evolearn.life._stepwise`) lives the same steps of `evolearn.life._living` for worlds that cannot
be compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from evolearn.agent import BACKWARD_TYPE, CHOOSE_TYPE, DELTAS_TYPE, FEEL_TYPE, LEARN_TYPE, SETTINGS_TYPE, THINK_TYPE
from evolearn.genome import Newborns
from evolearn.life._living import act, be_born, close_life, experience, learn_when_full
from evolearn.life.records import (
    BODY_TYPE,
    COURSE_TYPE,
    DESKS_TYPE,
    FINISHED,
    FROM_ORACLE,
    NEWBORNS_TYPE,
    OUTCOME_TYPE,
    TRACE_TYPE,
    Body,
    Course,
    Desk,
    Outcome,
    Trace,
    desk_of,
    outcome_of,
    row_of,
    trace_of,
)
from evolearn.life.surgery import SURGERIES_TYPE, Surgeries, operate
from evolearn.numerics import locate, plug, vector
from evolearn.rng import BIRTH, RNG_SIZE, WORLD, at_step, open_stream
from evolearn.world import BEGIN_TYPE, BORN_TYPE, OBSERVE_TYPE, ORACLE_TYPE, STEP_TYPE


def live(  # noqa: D417  # the plugs are described in groups
    born: Any,
    begin: Any,
    observe: Any,
    step: Any,
    oracle: Any,
    think: Any,
    backward: Any,
    choose: Any,
    deltas: Any,
    learn: Any,
    feel: Any,
    body: Body,
    course: Course,
    settings: Any,
    desks: Desk,
    newborns: Newborns,
    surgeries: Surgeries,
    genomes: Any,
    keys: Any,
    outcomes: Outcome,
    traces: Trace,
    first: int,
    last: int,
) -> None:
    """Live the lives `first` .. `last` - 1, one after the other, each from birth to end.

    The first eleven arguments are the world's, the brain's, the learner's and the drives' functions. Numba has no
    record of functions that keeps the kernel independent of them, hence the long list.

    Args:
        born, begin, observe, step, oracle: see `evolearn.world.contract.World`.
        think, backward: see `evolearn.agent.trunks.trunk.Trunk`.
        choose, deltas: see `evolearn.agent.policies.policy.Policy`.
        learn: see `evolearn.agent.learners.learner.Learner`.
        feel: see `evolearn.agent.drives.table.compose`.
        body: sizes and shared data.
        course: how to live.
        settings: what of the learner does not evolve.
        desks: one desk, overwritten; two calls at a time need two.
        newborns: decoded genomes.
        surgeries: what they are operated on by at `course.operate_at`.
        genomes: int64 [L], which row of `newborns` each life is born from.
        keys: int64 [L, 4], see `evolearn.rng.LifeKey`.
        outcomes: rows `first` .. `last` - 1 are written; they must be zero before.
        traces: written as far as its arrays reach.
        first: first life of this piece.
        last: end of this piece.
    """
    layers = vector(body.layers, 0, body.layers.size)
    desk = desk_of(desks, 0)
    outcome = outcome_of(outcomes)
    world_rng_owner = np.zeros(RNG_SIZE, np.int64)
    world_rng = vector(world_rng_owner, 0, RNG_SIZE)
    state_owner = np.zeros(body.state_size, np.uint8)
    state = locate(state_owner)
    parameters = locate(body.parameters)
    for life in range(first, last):
        plasticity = row_of(newborns.plasticity, genomes[life])
        key = row_of(keys, life)
        trace = trace_of(traces, life)
        be_born(newborns, genomes[life], key, course, desk)
        state_owner[:] = 0
        open_stream(world_rng, key, BIRTH)
        born(state, parameters, world_rng)
        open_stream(world_rng, key, WORLD)
        begin(state, parameters, world_rng)
        observe(state, parameters, desk.observation)
        status = FINISHED
        age = course.steps
        for t in range(course.steps):
            outcome.age[life] = t
            if t == course.operate_at:
                operate(surgeries, genomes[life], desk)
            status = act(think, choose, layers, course, plasticity, desk, t)
            if status != FINISHED:
                age = t
                break
            if course.source == FROM_ORACLE:
                oracle(state, parameters, desk.action)
            at_step(world_rng, t + 1)
            fitness, terminated, truncated = step(state, parameters, desk.action, desk.sensed, world_rng)
            observe(state, parameters, desk.observation)
            status = experience(
                think,
                feel,
                layers,
                course,
                desk,
                outcome,
                trace,
                life,
                t,
                fitness,
                terminated,
                truncated,
            )
            if status != FINISHED:
                age = t
                break
            if terminated or truncated:
                begin(state, parameters, world_rng)
                observe(state, parameters, desk.observation)
            learn_when_full(think, backward, deltas, learn, layers, settings, desk, plasticity, outcome, life)
        close_life(outcome, life, desk, status, age)
    # Numba frees an array after its last use, and a view does not count as one.
    world_rng_owner[0] = state_owner.size


LIVE_TYPE = types.void(
    *(
        types.FunctionType(signature)
        for signature in (
            BORN_TYPE,
            BEGIN_TYPE,
            OBSERVE_TYPE,
            STEP_TYPE,
            ORACLE_TYPE,
            THINK_TYPE,
            BACKWARD_TYPE,
            CHOOSE_TYPE,
            DELTAS_TYPE,
            LEARN_TYPE,
            FEEL_TYPE,
        )
    ),
    BODY_TYPE,
    COURSE_TYPE,
    SETTINGS_TYPE,
    DESKS_TYPE,
    NEWBORNS_TYPE,
    SURGERIES_TYPE,
    types.int64[::1],
    types.int64[:, ::1],
    OUTCOME_TYPE,
    TRACE_TYPE,
    types.int64,
    types.int64,
)


def life_kernel() -> Any:
    """The compiled `live`, loaded from the cache on disk or compiled on first use."""
    return plug(live, LIVE_TYPE)
