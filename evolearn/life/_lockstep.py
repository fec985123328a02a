"""Compiled loops over the lives of a chunk, each one step of the fused kernel's parts.

What stays the same for all steps of a job is bound once, and reaches these loops by one address: to take it apart at
every call costs more than the work for several lives. That holds for the functions of brain, learner and drives above
all: Numba takes a function as an argument too, but needs some 0.1 ms for it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic, overload

from evolearn.agent import (
    BACKWARD_TYPE,
    CHOOSE_ALL_TYPE,
    DELTAS_TYPE,
    FEEL_TYPE,
    GOES_ON,
    LEARN_TYPE,
    SETTINGS_TYPE,
    TERMINATED,
    THINK_ALL_TYPE,
    THINK_TYPE,
    TRUNCATED,
)
from evolearn.genome import Newborns
from evolearn.life._closing import close_all, close_ended, turn_bin
from evolearn.life._experiencing import experience_all, record_steps
from evolearn.life._growing import grow_all
from evolearn.life._learning import learn_when_full
from evolearn.life._living import act, be_born, operate_on_all, reset_all
from evolearn.life._machinery import Machinery
from evolearn.life._teaching import begin_lessons, get_teachers, give_lessons, teach
from evolearn.life._views import all_finite, seen_by
from evolearn.life.records import (
    BAD_OBSERVATION,
    BIN_END,
    BODY_TYPE,
    COURSE_TYPE,
    NEWBORNS_TYPE,
    OUTCOME_TYPE,
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
from evolearn.numerics import COMPILES, address_of, function_at, handle_of, integers, plug


class Parts(NamedTuple):
    """The functions that the compiled loops below need: by address when compiled, themselves in plain Python."""

    think_all: Any
    think: Any
    backward: Any
    backward_trunk: Any
    choose_all: Any
    deltas: Any
    learn: Any
    feel: Any


think_all_at = function_at(THINK_ALL_TYPE)
think_at = function_at(THINK_TYPE)
backward_at = function_at(BACKWARD_TYPE)
choose_all_at = function_at(CHOOSE_ALL_TYPE)
deltas_at = function_at(DELTAS_TYPE)
learn_at = function_at(LEARN_TYPE)
feel_at = function_at(FEEL_TYPE)


def parts_of(compiled_parts: Machinery) -> Parts:
    """The functions of a driver in the form that the loops here take."""
    functions = Parts(*(getattr(compiled_parts, name) for name in Parts._fields))
    if not COMPILES:
        return functions
    return Parts(*map(address_of, functions))


class Bound(NamedTuple):
    """What stays the same for all steps of a job."""

    parts: Parts
    team: Any  # handle of the memory of all lives of the chunk
    at: Places  # where everything is there
    body: Body  # how much of it
    course: Course  # how to live
    outcome: Outcome  # of the chunk
    traces: Trace  # of the chunk's first lives
    terminated: Any  # bool [C]
    truncated: Any  # bool [C]
    settings: Any  # what of the learner does not evolve
    teachers: Teachers  # of the chunk


_I = types.int64
_I1, _I2 = types.int64[::1], types.int64[:, ::1]
_B1 = types.boolean[::1]
PARTS_TYPE = types.NamedUniTuple(_I, len(Parts._fields), Parts)
_TEAM = (types.uintp, PLACES_TYPE, BODY_TYPE)
BOUND_TYPE = types.NamedTuple(
    (PARTS_TYPE, *_TEAM, COURSE_TYPE, OUTCOME_TYPE, TRACE_TYPE, _B1, _B1, SETTINGS_TYPE, TEACHERS_TYPE), Bound
)
BE_BORN_TYPE = types.void(NEWBORNS_TYPE, _I1, _I2, COURSE_TYPE, *_TEAM)
GET_TEACHERS_TYPE = types.void(TEACHERS_TYPE, _I2, *_TEAM)
OPERATE_TYPE = types.void(SURGERIES_TYPE, _I1, *_TEAM)
GROW_TYPE = types.void(NEWBORNS_TYPE, _I1, COURSE_TYPE, *_TEAM, _I)
BIND_TYPE = types.void(BOUND_TYPE, types.uintp)
ACT_TYPE = EXPERIENCE_TYPE = _I(types.uintp, _I)
LEARN_ALL_TYPE = types.void(types.uintp, _I)
CLOSE_TYPE = types.void(OUTCOME_TYPE, COURSE_TYPE, *_TEAM)


def _without_owners(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The same value through arrays that count no references: whoever binds it keeps it alive."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        for place, part in enumerate(kind):
            entry = _without_owners(context, builder, part, builder.extract_value(value, place))
            value = builder.insert_value(value, entry, place)
    return value


@intrinsic
def _keep(typing_context, bound, address):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        value = _without_owners(context, builder, signature.args[0], arguments[0])
        builder.store(value, builder.inttoptr(arguments[1], value.type.as_pointer()))
        return context.get_dummy_value()

    return types.void(bound, types.uintp), generate


@intrinsic
def _kept(typing_context, address):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = context.get_value_type(BOUND_TYPE)
        return builder.load(builder.inttoptr(arguments[0], kind.as_pointer()))

    return BOUND_TYPE(types.uintp), generate


def bound_at(address: Any) -> Bound:
    """What was bound there; in plain Python it is its own address."""
    bound: Bound = address
    return bound


@overload(bound_at)
def _bound_at_compiled(address):  # type: ignore[no-untyped-def]
    return lambda address: _kept(address)


def keep(bound: Bound, address: Any) -> None:
    """Write down at an address what stays the same."""
    _keep(bound, address)


class Binding:
    """Something bound to an address for as long as this is there."""

    def __init__(self, bound: Bound) -> None:
        """Keep `bound`, and what it refers to, alive."""
        self.bound = bound
        if not COMPILES:
            self.address: Any = bound
            return
        context = cpu_target.target_context
        self._memory = np.zeros(context.get_abi_sizeof(context.get_value_type(BOUND_TYPE)), np.uint8)
        self.address = handle_of(self._memory)
        direct(keep, BIND_TYPE)(bound, self.address)


def be_born_together(
    newborns: Newborns, genomes: Any, keys: Any, course: Course, team: Any, at: Places, body: Body
) -> None:
    """Make a team ready for all lives of a chunk: see `evolearn.life._living.be_born`."""
    be_born(newborns, genomes, keys, course, team, at, body, 0, body.lives)


def get_teachers_together(teachers: Teachers, keys: Any, team: Any, at: Places, body: Body) -> None:
    """Bring the teachers of all lives of a chunk: see `evolearn.life._teaching.get_teachers`."""
    get_teachers(teachers, keys, team, at, body, 0, body.lives)


def reset_together(
    newborns: Newborns, genomes: Any, keys: Any, course: Course, team: Any, at: Places, body: Body
) -> None:
    """Give every life that goes on weights that it was born with: see `evolearn.life._living.reset_all`."""
    reset_all(newborns, genomes, keys, course, team, at, body, 0, body.lives)


def operate_together(surgeries: Surgeries, genomes: Any, team: Any, at: Places, body: Body) -> None:
    """Operate on every life that goes on: see `evolearn.life.surgery.operate`."""
    operate_on_all(surgeries, genomes, team, at, body, 0, body.lives)


def grow_together(newborns: Newborns, genomes: Any, course: Course, team: Any, at: Places, body: Body, t: int) -> None:
    """Let every life that goes on grow: see `evolearn.life._growing.grow_all`."""
    grow_all(newborns, genomes, team, at, body, course, 0, body.lives, t)


def act_together(address: Any, t: int) -> int:
    """Let every life that goes on decide: see `evolearn.life._living.act`.

    Args:
        address: of a Binding.
        t: age of every life.

    Returns:
        How many lives ended here.
    """
    bound = bound_at(address)
    parts, team, at, body = bound.parts, bound.team, bound.at, bound.body
    status = integers(team, at.status, body.lives)
    ended = 0
    for place in range(body.lives):
        if status[place] == UNFINISHED and not all_finite(seen_by(team, at, body, place)):
            status[place] = BAD_OBSERVATION
            ended += 1
    think_all, think, choose_all = think_all_at(parts.think_all), think_at(parts.think), choose_all_at(parts.choose_all)
    course = bound.course
    ended += act(think_all, think, choose_all, team, at, body, course, body.lives, t)
    if body.pupils > 0 and course.learn_from <= t < course.learn_until:
        if integers(team, at.clock, 4)[ROW] == 0:
            begin_lessons(bound.teachers, team, at, body, course, 0, body.lives, t)
        ended += teach(think_all, think, choose_all, team, at, body, course, body.lives, t)
        give_lessons(team, at, body, course, body.lives)
    if ended > 0:
        close_ended(bound.outcome, team, at, body, 0, body.lives, t)
    return ended


def experience_together(address: Any, t: int) -> int:
    """Let every life that goes on take in its step: see `evolearn.life._experiencing.experience_all`.

    Args:
        address: of a Binding; the step's fitness is in the team's memory.
        t: age of every life.

    Returns:
        How many lives ended here.
    """
    bound = bound_at(address)
    parts, team, at, body, outcome, traces = bound.parts, bound.team, bound.at, bound.body, bound.outcome, bound.traces
    count = body.lives
    ends = integers(team, at.ended, count)
    clock = integers(team, at.clock, 4)
    for place in range(count):
        ends[place] = TERMINATED if bound.terminated[place] else (TRUNCATED if bound.truncated[place] else GOES_ON)
    if t == clock[BIN_END]:
        turn_bin(outcome, bound.course, team, at, body, 0, count)
    think_all, think, feel = think_all_at(parts.think_all), think_at(parts.think), feel_at(parts.feel)
    ended = experience_all(think_all, think, feel, team, at, body, bound.course, count, t)
    if ended > 0:
        close_ended(outcome, team, at, body, 0, count, t)
    if t < traces.fitness.shape[1]:
        record_steps(traces, team, at, body, clock[ROW], 0, count, t)
    return ended


def learn_together(address: Any, t: int) -> None:
    """Let every life that goes on learn, if its window is full: see `evolearn.life._learning.learn_when_full`."""
    bound = bound_at(address)
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
        bound.body.lives,
        t,
    )


def close_together(outcome: Outcome, course: Course, team: Any, at: Places, body: Body) -> None:
    """Write down the end of every life that has come to it."""
    close_all(outcome, course, team, at, body, 0, body.lives)


def direct(function: Any, signature: Any) -> Any:
    """`function` compiled for `signature`, called without Numba's look at the types of its arguments.

    That look costs as much as the work for several lives, and the types here never change.
    """
    ready = plug(function, signature)
    return ready.overloads[ready.signatures[0]].entry_point if COMPILES else ready
