"""Compiled loops over the lives of a chunk, each one step of the fused kernel's parts.

The functions of brain, learner and drives reach these loops by address. Numba takes a function as an argument too, but
needs some 0.1 ms for it at every call, as much as the work for a chunk.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import types
from numba.core import cgutils
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
from evolearn.life._living import (
    act,
    all_finite,
    be_born,
    close_all,
    close_ended,
    experience_all,
    learn_when_full,
    operate_on_all,
    record_steps,
    seen_by,
    turn_bin,
)
from evolearn.life.live import Machinery
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
from evolearn.numerics import COMPILES, integers, plug


class Parts(NamedTuple):
    """The functions that the compiled loops below need: by address when compiled, themselves in plain Python.

    Numba takes a function as an argument too, but needs some 0.1 ms for it, at every call.
    """

    think_all: Any
    think: Any
    backward: Any
    choose_all: Any
    deltas: Any
    learn: Any
    feel: Any


def _function_at(signature: Any) -> Any:
    """Turn an entry of Parts into a function again, in plain Python and in compiled code."""
    function_type = types.FunctionType(signature)

    def from_address(typing_context, address):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            made: Any = cgutils.create_struct_proxy(function_type)(context, builder)
            made.jit_addr = builder.inttoptr(arguments[0], cgutils.voidptr_t)
            return made._getvalue()

        return function_type(types.int64), generate

    compiled_form: Any = intrinsic(from_address)

    def function_at(part: Any) -> Any:
        return part

    @overload(function_at)
    def _function_at_compiled(part):  # type: ignore[no-untyped-def]  # Numba compares bare argument names
        return lambda part: compiled_form(part)

    return function_at


_think_all = _function_at(THINK_ALL_TYPE)
_think = _function_at(THINK_TYPE)
_backward = _function_at(BACKWARD_TYPE)
_choose_all = _function_at(CHOOSE_ALL_TYPE)
_deltas = _function_at(DELTAS_TYPE)
_learn = _function_at(LEARN_TYPE)
_feel = _function_at(FEEL_TYPE)


def parts_of(compiled_parts: Machinery) -> Parts:
    """The functions of a driver in the form that the loops here take."""
    functions = Parts(*(getattr(compiled_parts, name) for name in Parts._fields))
    if not COMPILES:
        return functions
    addresses = []
    for function in functions:
        result = function.overloads[function.signatures[0]]
        addresses.append(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))
    return Parts(*addresses)


_I = types.int64
_I1, _I2 = types.int64[::1], types.int64[:, ::1]
_B1 = types.boolean[::1]
PARTS_TYPE = types.NamedUniTuple(_I, len(Parts._fields), Parts)
_TEAM = (types.uintp, PLACES_TYPE, BODY_TYPE)
BE_BORN_TYPE = types.void(NEWBORNS_TYPE, _I1, _I2, COURSE_TYPE, *_TEAM)
OPERATE_TYPE = types.void(SURGERIES_TYPE, _I1, *_TEAM)
ACT_TYPE = _I(PARTS_TYPE, *_TEAM, COURSE_TYPE, OUTCOME_TYPE, _I)
EXPERIENCE_TYPE = _I(PARTS_TYPE, *_TEAM, COURSE_TYPE, OUTCOME_TYPE, TRACE_TYPE, _B1, _B1, _I)
LEARN_ALL_TYPE = types.void(PARTS_TYPE, *_TEAM, COURSE_TYPE, SETTINGS_TYPE, _I)
CLOSE_TYPE = types.void(OUTCOME_TYPE, COURSE_TYPE, *_TEAM)


def be_born_together(
    newborns: Newborns, genomes: Any, keys: Any, course: Course, team: Any, at: Places, body: Body
) -> None:
    """Make a team ready for all lives of a chunk: see `evolearn.life._living.be_born`."""
    be_born(newborns, genomes, keys, course, team, at, body, 0, body.lives)


def operate_together(surgeries: Surgeries, genomes: Any, team: Any, at: Places, body: Body) -> None:
    """Operate on every life that goes on: see `evolearn.life.surgery.operate`."""
    operate_on_all(surgeries, genomes, team, at, body, 0, body.lives)


def act_together(parts: Parts, team: Any, at: Places, body: Body, course: Course, outcome: Outcome, t: int) -> int:
    """Let every life that goes on decide: see `evolearn.life._living.act`.

    Args:
        parts: the brain's functions.
        team: handle of the memory of all lives of the chunk.
        at: where everything is there.
        body: how much of it.
        course: how to live.
        outcome: of the chunk.
        t: age of every life.

    Returns:
        How many lives ended here.
    """
    status = integers(team, at.status, body.lives)
    ended = 0
    for place in range(body.lives):
        if status[place] == UNFINISHED and not all_finite(seen_by(team, at, body, place)):
            status[place] = BAD_OBSERVATION
            ended += 1
    think_all, think, choose_all = _think_all(parts.think_all), _think(parts.think), _choose_all(parts.choose_all)
    ended += act(think_all, think, choose_all, team, at, body, course, body.lives, t)
    if ended > 0:
        close_ended(outcome, team, at, body, 0, body.lives, t)
    return ended


def experience_together(
    parts: Parts,
    team: Any,
    at: Places,
    body: Body,
    course: Course,
    outcome: Outcome,
    traces: Trace,
    terminated: Any,
    truncated: Any,
    t: int,
) -> int:
    """Let every life that goes on take in its step: see `evolearn.life._living.experience_all`.

    Args:
        parts: the brain's and the drives' functions.
        team: handle of the memory of all lives of the chunk; the step's fitness is there.
        at: where everything is there.
        body: how much of it.
        course: how to live.
        outcome: of the chunk.
        traces: of the chunk's first lives.
        terminated: bool [C].
        truncated: bool [C].
        t: age of every life.

    Returns:
        How many lives ended here.
    """
    count = body.lives
    ends = integers(team, at.ended, count)
    clock = integers(team, at.clock, 4)
    for place in range(count):
        ends[place] = TERMINATED if terminated[place] else (TRUNCATED if truncated[place] else GOES_ON)
    if t == clock[BIN_END]:
        turn_bin(outcome, course, team, at, body, 0, count)
    think_all, think, feel = _think_all(parts.think_all), _think(parts.think), _feel(parts.feel)
    ended = experience_all(think_all, think, feel, team, at, body, course, count, t)
    if ended > 0:
        close_ended(outcome, team, at, body, 0, count, t)
    if t < traces.fitness.shape[1]:
        record_steps(traces, team, at, body, clock[ROW], 0, count, t)
    return ended


def learn_together(parts: Parts, team: Any, at: Places, body: Body, course: Course, settings: Any, t: int) -> None:
    """Let every life that goes on learn, if its window is full: see `evolearn.life._living.learn_when_full`."""
    learn_when_full(
        _think_all(parts.think_all),
        _think(parts.think),
        _backward(parts.backward),
        _deltas(parts.deltas),
        _learn(parts.learn),
        settings,
        team,
        at,
        body,
        course,
        body.lives,
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
