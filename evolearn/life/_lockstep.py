"""Compiled loops over the lives of a chunk, each one step of the fused kernel's parts.

The functions of brain, learner and drives reach these loops by address. Numba takes a function as an argument too, but
needs some 0.1 ms for it at every call, as much as the work for a chunk.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from evolearn.agent import BACKWARD_TYPE, CHOOSE_TYPE, DELTAS_TYPE, FEEL_TYPE, LEARN_TYPE, SETTINGS_TYPE, THINK_TYPE
from evolearn.genome import Newborns
from evolearn.life._living import act, be_born, close_life, experience, learn_when_full
from evolearn.life.live import Machinery
from evolearn.life.records import (
    COURSE_TYPE,
    DESKS_TYPE,
    FINISHED,
    NEWBORNS_TYPE,
    OUTCOME_TYPE,
    TRACE_TYPE,
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
from evolearn.numerics import COMPILES, plug, vector


class Parts(NamedTuple):
    """The functions that the compiled loops below need: by address when compiled, themselves in plain Python.

    Numba takes a function as an argument too, but needs some 0.1 ms for it, at every call.
    """

    think: Any
    backward: Any
    choose: Any
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


_think = _function_at(THINK_TYPE)
_backward = _function_at(BACKWARD_TYPE)
_choose = _function_at(CHOOSE_TYPE)
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
_D1 = types.float64[::1]
_B1 = types.boolean[::1]
PARTS_TYPE = types.NamedUniTuple(_I, 6, Parts)
BORN_ALL_TYPE = types.void(NEWBORNS_TYPE, _I1, _I2, COURSE_TYPE, DESKS_TYPE)
OPERATE_ALL_TYPE = types.void(SURGERIES_TYPE, _I1, DESKS_TYPE, _I1)
ACT_ALL_TYPE = _I(PARTS_TYPE, _I1, COURSE_TYPE, DESKS_TYPE, NEWBORNS_TYPE, _I1, _I1, _I)
EXPERIENCE_ALL_TYPE = _I(
    *(PARTS_TYPE, _I1, COURSE_TYPE, DESKS_TYPE),
    *(OUTCOME_TYPE, TRACE_TYPE, _I1, _I, _D1, _B1, _B1),
)
LEARN_ALL_TYPE = types.void(PARTS_TYPE, _I1, SETTINGS_TYPE, DESKS_TYPE, NEWBORNS_TYPE, _I1, OUTCOME_TYPE, _I1)
CLOSE_ALL_TYPE = types.void(OUTCOME_TYPE, DESKS_TYPE, _I1, _I1)


def be_born_all(newborns: Newborns, genomes: Any, keys: Any, course: Course, desks: Desk) -> None:
    """Make a desk ready for every life: see `evolearn.life._living.be_born`."""
    for place in range(genomes.size):
        be_born(newborns, genomes[place], row_of(keys, place), course, desk_of(desks, place))


def operate_all(surgeries: Surgeries, genomes: Any, desks: Desk, status: Any) -> None:
    """Operate on every life that goes on: see `evolearn.life.surgery.operate`."""
    for place in range(status.size):
        if status[place] == FINISHED:
            operate(surgeries, genomes[place], desk_of(desks, place))


def act_all(
    parts: Parts, layers: Any, course: Course, desks: Desk, newborns: Newborns, genomes: Any, status: Any, t: int
) -> int:
    """Let every life that goes on decide: see `evolearn.life._living.act`.

    Args:
        parts: the brain's functions.
        layers: int64, the trunk's description.
        course: how to live.
        desks: of all lives of the chunk.
        newborns: decoded genomes.
        genomes: int64 [C], which row of `newborns` each life is born from.
        status: int64 [C], FINISHED while all is well, written otherwise.
        t: age of every life.

    Returns:
        How many lives ended here.
    """
    think = _think(parts.think)
    choose = _choose(parts.choose)
    ended = 0
    for place in range(status.size):
        if status[place] == FINISHED:
            status[place] = act(
                think,
                choose,
                vector(layers, 0, layers.size),
                course,
                row_of(newborns.plasticity, genomes[place]),
                desk_of(desks, place),
                t,
            )
            ended += status[place] != FINISHED
    return ended


def experience_all(
    parts: Parts,
    layers: Any,
    course: Course,
    desks: Desk,
    outcomes: Outcome,
    traces: Trace,
    status: Any,
    t: int,
    fitness: Any,
    terminated: Any,
    truncated: Any,
) -> int:
    """Let every life that goes on take in its step: see `evolearn.life._living.experience`.

    Args:
        parts: the brain's and the drives' functions.
        layers: int64, the trunk's description.
        course: how to live.
        desks: of all lives of the chunk.
        outcomes: of the chunk.
        traces: of the chunk's first lives.
        status: int64 [C], FINISHED while all is well, written otherwise.
        t: age of every life.
        fitness: float64 [C].
        terminated: bool [C].
        truncated: bool [C].

    Returns:
        How many lives ended here.
    """
    think = _think(parts.think)
    feel = _feel(parts.feel)
    outcome = outcome_of(outcomes)
    ended = 0
    for place in range(status.size):
        if status[place] == FINISHED:
            status[place] = experience(
                think,
                feel,
                vector(layers, 0, layers.size),
                course,
                desk_of(desks, place),
                outcome,
                trace_of(traces, place),
                place,
                t,
                fitness[place],
                terminated[place],
                truncated[place],
            )
            ended += status[place] != FINISHED
    return ended


def learn_all(
    parts: Parts,
    layers: Any,
    settings: Any,
    desks: Desk,
    newborns: Newborns,
    genomes: Any,
    outcomes: Outcome,
    status: Any,
) -> None:
    """Let every life that goes on learn, if its window is full: see `evolearn.life._living.learn_when_full`."""
    think = _think(parts.think)
    backward = _backward(parts.backward)
    deltas = _deltas(parts.deltas)
    learn = _learn(parts.learn)
    outcome = outcome_of(outcomes)
    for place in range(status.size):
        if status[place] == FINISHED:
            learn_when_full(
                think,
                backward,
                deltas,
                learn,
                vector(layers, 0, layers.size),
                settings,
                desk_of(desks, place),
                row_of(newborns.plasticity, genomes[place]),
                outcome,
                place,
            )


def close_all(outcome: Outcome, desks: Desk, status: Any, ages: Any) -> None:
    """Write down how every life ended: see `evolearn.life._living.close_life`."""
    for place in range(status.size):
        close_life(outcome, place, desk_of(desks, place), status[place], ages[place])


def direct(function: Any, signature: Any) -> Any:
    """`function` compiled for `signature`, called without Numba's look at the types of its arguments.

    That look costs as much as the work for several lives, and the types here never change.
    """
    ready = plug(function, signature)
    return ready.overloads[ready.signatures[0]].entry_point if COMPILES else ready
