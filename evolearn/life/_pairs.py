"""The inner loop of lives that two lead: an agent and its opponent, each a team of the same phases.

Both observe, act at once, take in what their step brought, and learn if their course says so. A life's result depends
on its two newborns and its keys alone, as that of any life does. Where one of the two ends before the other, since its
brain left the finite numbers, it does nothing from then on: a box's action is 0, and so is a choice.

A kernel of its own, that worlds without opponents never load.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from evolearn.genome import Newborns
from evolearn.life._closing import close_all, close_ended, turn_bin
from evolearn.life._experiencing import any_ended, experience_all, record_steps
from evolearn.life._learning import learn_when_full
from evolearn.life._living import act, be_born
from evolearn.life._lockstep import (
    backward_at,
    bound_at,
    choose_all_at,
    deltas_at,
    feel_at,
    learn_at,
    think_all_at,
    think_at,
)
from evolearn.life._views import action_of, all_finite, clear, seen_by
from evolearn.life.records import AGE, BAD_OBSERVATION, BIN_END, FIRST_LIFE, NEWBORNS_TYPE, PLACE, ROW, UNFINISHED
from evolearn.numerics import doubles, floats, inlined_within, integers, locate, octets, plug, within
from evolearn.rng import RNG_SIZE, WORLD, open_birth, open_stream
from evolearn.world import BEGIN_TYPE, BORN_TYPE, OBSERVE_TYPE, STEP_PAIRS_TYPE


@within
def be_born_on(side: Any, newborns: Newborns, genomes: Any, keys: Any, first: int, count: int) -> None:
    """Let one side's newborns be born: see `evolearn.life._living.be_born`."""
    bound = bound_at(side)
    be_born(newborns, genomes, keys, bound.course, bound.team, bound.at, bound.body, first, count)


@within
def act_on(side: Any, first: int, count: int, t: int) -> int:
    """Let every life of one side that goes on decide; how many end here."""
    bound = bound_at(side)
    parts = bound.parts
    think_all, think, choose_all = think_all_at(parts.think_all), think_at(parts.think), choose_all_at(parts.choose_all)
    ending = act(think_all, think, choose_all, bound.team, bound.at, bound.body, bound.course, count, t)
    if ending > 0:
        close_ended(bound.outcome, bound.team, bound.at, bound.body, first, count, t)
    return ending


@within
def rest_on(side: Any, count: int) -> None:
    """Let those of one side whose lives are over do nothing."""
    bound = bound_at(side)
    for place in range(count):
        if integers(bound.team, bound.at.status, count)[place] != UNFINISHED:
            clear(action_of(bound.team, bound.at, bound.body, place))


@within
def experience_on(side: Any, first: int, count: int, t: int) -> int:
    """Let every life of one side that goes on take in what its step brought; how many end here."""
    bound = bound_at(side)
    team, at, body = bound.team, bound.at, bound.body
    clock = integers(team, at.clock, 4)
    if t == clock[BIN_END]:
        turn_bin(bound.outcome, bound.course, team, at, body, first, count)
    think_all, think, feel = think_all_at(bound.parts.think_all), think_at(bound.parts.think), feel_at(bound.parts.feel)
    ending = experience_all(think_all, think, feel, team, at, body, bound.course, count, t)
    if ending > 0:
        close_ended(bound.outcome, team, at, body, first, count, t)
    if t < bound.traces.fitness.shape[1]:
        record_steps(bound.traces, team, at, body, clock[ROW], first, count, t)
    return ending


@within
def look_on(side: Any, first: int, count: int, age: int) -> int:
    """Let those of one side fail whose episode begins with an observation that is not finite; how many."""
    bound = bound_at(side)
    status = integers(bound.team, bound.at.status, count)
    blind = 0
    for place in range(count):
        if status[place] == UNFINISHED and not all_finite(seen_by(bound.team, bound.at, bound.body, place)):
            status[place] = BAD_OBSERVATION
            blind += 1
    if blind > 0:
        close_ended(bound.outcome, bound.team, bound.at, bound.body, first, count, age)
    return blind


@within
def learn_on(side: Any, count: int, t: int) -> None:
    """Let every life of one side that goes on learn, if its window is full."""
    bound = bound_at(side)
    parts = bound.parts
    learn_when_full(
        think_all_at(parts.think_all),
        think_at(parts.think),
        backward_at(parts.backward),
        backward_at(parts.backward_trunk),
        deltas_at(parts.deltas),
        learn_at(parts.learn),
        bound.settings,
        bound.team,
        bound.at,
        bound.body,
        bound.course,
        count,
        t,
    )


@within
def close_on(side: Any, first: int, count: int) -> None:
    """Write down the end of every life of one side that has come to it."""
    bound = bound_at(side)
    close_all(bound.outcome, bound.course, bound.team, bound.at, bound.body, first, count)


@inlined_within
def begin_pair(
    begin: Any,
    observe: Any,
    observe_opponent: Any,
    parameters: Any,
    state: Any,
    rng: Any,
    agents: Any,
    opponents: Any,
    place: int,
) -> None:
    """Begin an episode of one life, and let both observe."""
    own, other = bound_at(agents), bound_at(opponents)
    integers(own.team, own.at.where, 3)[PLACE] = place
    begin(state, parameters, rng)
    observe(state, parameters, seen_by(own.team, own.at, own.body, place))
    observe_opponent(state, parameters, seen_by(other.team, other.at, other.body, place))


def live_pairs(
    born: Any,
    begin: Any,
    observe: Any,
    observe_opponent: Any,
    step_pairs: Any,
    parameters: Any,
    agents: Any,
    newborns: Newborns,
    genomes: Any,
    keys: Any,
    opponents: Any,
    opponent_newborns: Newborns,
    opponent_genomes: Any,
    opponent_keys: Any,
    first: int,
    last: int,
    most: int,
) -> None:
    """Live the lives `first` .. `last` - 1, team by team, each from birth to end.

    Args:
        born: see `evolearn.world.contract.World`; as the next two.
        begin: of the same.
        observe: of the same.
        observe_opponent: `observe` of the world as the opponent lives in it.
        step_pairs: see `evolearn.world.compiled`.
        parameters: handle of the world's.
        agents: address of what stays the same for the agents, see `evolearn.life._lockstep.Binding`; their teams have
            room for `most` lives.
        newborns: decoded genomes of the agents.
        genomes: int64 [L], which row of `newborns` each life's agent is born from.
        keys: int64 [L, 4] or [L, 12]; the world's luck is that of these.
        opponents: as `agents`, and the next three as those of the agents.
        opponent_newborns: decoded genomes of the opponents.
        opponent_genomes: int64 [L].
        opponent_keys: int64 [L, 4] or [L, 12], of the opponents' own luck.
        first: first life of this piece.
        last: end of this piece.
        most: lives in a team.
    """
    own, other = bound_at(agents), bound_at(opponents)
    team, at, body = own.team, own.at, own.body
    other_team, other_at, other_body = other.team, other.at, other.body
    size = body.state_size
    rngs_owner = np.zeros(most * RNG_SIZE, np.int64)
    states_owner = np.zeros(most * size, np.uint8)
    rngs, states = locate(rngs_owner), locate(states_owner)
    status, other_status = integers(team, at.status, most), integers(other_team, other_at.status, most)
    ended = integers(team, at.ended, most)
    where = integers(team, at.where, 3)
    for start in range(first, last, most):
        count = min(most, last - start)
        where[FIRST_LIFE] = start
        where[AGE] = 0
        be_born_on(agents, newborns, genomes, keys, start, count)
        be_born_on(opponents, opponent_newborns, opponent_genomes, opponent_keys, start, count)
        states_owner[:] = 0
        for place in range(count):
            where[PLACE] = place
            state, rng = locate(octets(states, place * size, size)), integers(rngs, place * RNG_SIZE, RNG_SIZE)
            open_birth(rng, keys[start + place], 0)
            born(state, parameters, rng)
            open_stream(rng, keys[start + place], WORLD)
            begin_pair(begin, observe, observe_opponent, parameters, state, rng, agents, opponents, place)
        gone = look_on(agents, start, count, 0)
        other_gone = look_on(opponents, start, count, 0)
        for t in range(own.course.steps):
            if gone == count and other_gone == count:
                break
            where[AGE] = t
            gone += act_on(agents, start, count, t)
            other_gone += act_on(opponents, start, count, t)
            if gone > 0:
                rest_on(agents, count)
            if other_gone > 0:
                rest_on(opponents, count)
            step_pairs(
                states,
                parameters,
                locate(floats(team, at.action, count * body.action_size)),
                locate(floats(team, at.felt, count * body.drives)),
                locate(floats(team, at.observation, count * body.observations)),
                locate(doubles(team, at.fitness, count)),
                locate(ended),
                locate(status),
                locate(floats(other_team, other_at.action, count * other_body.action_size)),
                locate(floats(other_team, other_at.felt, count * other_body.drives)),
                locate(floats(other_team, other_at.observation, count * other_body.observations)),
                locate(doubles(other_team, other_at.fitness, count)),
                locate(integers(other_team, other_at.ended, count)),
                locate(other_status),
                rngs,
                locate(where),
                count,
                body.drives,
                other_body.drives,
                t,
            )
            gone += experience_on(agents, start, count, t)
            other_gone += experience_on(opponents, start, count, t)
            if any_ended(team, at, count):
                for place in range(count):
                    if ended[place] != 0 and (status[place] == UNFINISHED or other_status[place] == UNFINISHED):
                        state = locate(octets(states, place * size, size))
                        rng = integers(rngs, place * RNG_SIZE, RNG_SIZE)
                        begin_pair(begin, observe, observe_opponent, parameters, state, rng, agents, opponents, place)
                if t + 1 < own.course.steps:
                    gone += look_on(agents, start, count, t + 1)
                    other_gone += look_on(opponents, start, count, t + 1)
            learn_on(agents, count, t)
            learn_on(opponents, count, t)
        close_on(agents, start, count)
        close_on(opponents, start, count)
    # Numba frees an array after its last use, and a handle does not count as one.
    rngs_owner[0] = states_owner.size


LIVE_PAIRS_TYPE = types.void(
    *(
        types.FunctionType(signature)
        for signature in (BORN_TYPE, BEGIN_TYPE, OBSERVE_TYPE, OBSERVE_TYPE, STEP_PAIRS_TYPE)
    ),
    types.uintp,
    *(types.uintp, NEWBORNS_TYPE, types.int64[::1], types.int64[:, ::1]) * 2,
    types.int64,
    types.int64,
    types.int64,
)


def pairs_kernel() -> Any:
    """The compiled `live_pairs`, loaded from the cache on disk or compiled on first use."""
    return plug(live_pairs, LIVE_PAIRS_TYPE)
