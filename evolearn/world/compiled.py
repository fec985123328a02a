"""How the kernel sees a world: its functions on handles, compiled, and kept on disk while the source is the same."""

from __future__ import annotations

import functools
import re
import types as python_types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from evolearn.files import write_whole
from evolearn.numerics import (
    COMPILES,
    adapter,
    address_of,
    cache_folder,
    calls_uncompiled,
    compiler_reason,
    doubles,
    floats,
    function_at,
    integers,
    locate,
    octets,
    record,
    source_fingerprint,
    world_code as world_code,
    world_code_within,
)
from evolearn.rng import RNG_SIZE, at_step
from evolearn.world.contract import World, WorldError

_HANDLE = types.uintp
_FLOATS = types.float32[::1]
_RNG = types.int64[::1]
BORN_TYPE = types.void(_HANDLE, _HANDLE, _RNG)
BEGIN_TYPE = BORN_TYPE
OBSERVE_TYPE = types.void(_HANDLE, _HANDLE, _FLOATS)
STEP_TYPE = types.Tuple((types.float64, types.boolean, types.boolean))(_HANDLE, _HANDLE, _FLOATS, _FLOATS, _RNG)
ORACLE_TYPE = types.void(_HANDLE, _HANDLE, _FLOATS)
# Handles of the arrays of a team of lives: see `step_all` and `step_pairs` below.
STEP_ALL_TYPE = types.void(*(_HANDLE,) * 10, *(types.int64,) * 3)
STEP_PAIRS_TYPE = types.void(*(_HANDLE,) * 16, *(types.int64,) * 4)


class CompiledWorld(NamedTuple):
    """A world as the kernel takes it: functions on handles, the state's size and the parameters' bytes."""

    born: Any
    reborn: Any
    begin: Any
    observe: Any
    oracle: Any
    step: Any  # None where lives are to be lived
    step_all: Any  # `at_step`, `step` and `observe` of all lives of a team that are under way; None by hand
    state_size: int  # bytes
    parameters: npt.NDArray[np.uint8]  # one record of float64 fields, as bytes


class CompiledPairs(NamedTuple):
    """A world and its opponent's part in it as the kernel of lives in pairs takes them."""

    born: Any
    begin: Any
    observe: Any
    observe_opponent: Any
    step_pairs: Any  # as `CompiledWorld.step_all`, of a life's two agents
    state_size: int  # bytes
    parameters: npt.NDArray[np.uint8]  # as in `CompiledWorld`


def parameter_dtype(world: World) -> np.dtype[Any]:
    """The record that the world's functions see as `parameters`."""
    # A record needs a field, also for a world without parameters.
    return np.dtype([(parameter.name, "f8") for parameter in world.parameters] or [("none", "f8")], align=True)


def compile_world(world: World, parameters: Mapping[str, float], by_hand: bool = False) -> CompiledWorld:
    """Make `world` ready for the kernel, with `parameters` as data.

    Args:
        world: the declaration.
        parameters: values that differ from the defaults, see `World.resolve`.
        by_hand: for whoever takes one step after another in Python, and not for lives.
    Raises:
        WorldError: the world's source does not compile; the message ends with the compiler's reason.
    """
    adapters = _Adapters.of(world)
    unused = "step_all" if by_hand else "step"
    make = adapters.by_hand if by_hand else adapters.for_lives
    functions = {name: None if name == unused else make(name) for name in _SIGNATURES}
    return CompiledWorld(**functions, state_size=_state_size(world), parameters=_packed(world, parameters))


def compile_pairs(world: World, parameters: Mapping[str, float]) -> CompiledPairs:
    """Make a world ready for lives in pairs, its agent's and its opponent's.

    Args:
        world: one with an opponent.
        parameters: see `compile_world`.
    Raises:
        WorldError: the world's source, or its opponent's, does not compile.
    """
    assert world.opponent is not None
    own = _Adapters.of(world)
    functions = {name: own.for_lives(name) for name in ("born", "begin", "observe", "step_pairs")}
    return CompiledPairs(
        **functions,
        observe_opponent=_Adapters.of(world.opponent.world).for_lives("observe"),
        state_size=_state_size(world),
        parameters=_packed(world, parameters),
    )


def _packed(world: World, parameters: Mapping[str, float]) -> npt.NDArray[np.uint8]:
    """The bytes of a record of parameters."""
    packed = np.zeros(1, parameter_dtype(world))
    for name, value in world.resolve(parameters).items():
        packed[name] = value
    return packed.view(np.uint8).copy()


def _state_size(world: World) -> int:
    return max(world.state.itemsize, 1)


# From handles to records, and from what a person returns to what the kernel expects. A file of source, not closures:
# Numba keeps compiled closures nowhere, and a world takes seconds to compile.
_SOURCE = """
def born(state, parameters, rng):
    world_born(record(state, state_type), record(parameters, parameter_type), rng)


def reborn(state, parameters, rng):
    {reborn}(record(state, state_type), record(parameters, parameter_type), rng)


def begin(state, parameters, rng):
    world_begin(record(state, state_type), record(parameters, parameter_type), rng)


def observe(state, parameters, observation):
    world_observe(record(state, state_type), record(parameters, parameter_type), observation)


def step(state, parameters, action, senses, rng):
    fitness, terminated, truncated = world_step(
        record(state, state_type), record(parameters, parameter_type), {action}, senses, rng
    )
    return float(fitness), bool(terminated), bool(truncated)


def oracle(state, parameters, action):
    {write_action}world_oracle(record(state, state_type), record(parameters, parameter_type), action)


def step_all(states, parameters, actions, felt, observations, rngs, fitness, ends, status, where, count, drives, t):
    fitness, ends = doubles(fitness, 0, count), integers(ends, 0, count)
    status, where = integers(status, 0, count), integers(where, 0, 3)
    given = record(parameters, parameter_type)
    for place in range(count):
        if status[place] != 0:
            continue
        where[1] = place
        state = record(locate(octets(states, place * {state_size}, {state_size})), state_type)
        rng = integers(rngs, place * rng_size, rng_size)
        action = floats(actions, place * {action_size}, {action_size})
        at_step(rng, t + 1)
        fitness[place], terminated, truncated = world_step(
            state, given, {action}, floats(felt, place * drives + 1, {senses}), rng
        )
        ends[place] = 1 if terminated else (2 if truncated else 0)
        world_observe(state, given, floats(observations, place * {observations}, {observations}))
"""

# Only of a world with an opponent. A side whose life is over does nothing, and the other goes on.
_PAIRS_SOURCE = """

def step_pairs(
    states, parameters, actions, felt, observations, fitness, ends, status, opponent_actions, opponent_felt,
    opponent_observations, opponent_fitness, opponent_ends, opponent_status, rngs, where, count, drives,
    opponent_drives, t
):
    fitness, ends, status = doubles(fitness, 0, count), integers(ends, 0, count), integers(status, 0, count)
    opponent_fitness, opponent_ends = doubles(opponent_fitness, 0, count), integers(opponent_ends, 0, count)
    opponent_status, where = integers(opponent_status, 0, count), integers(where, 0, 3)
    given = record(parameters, parameter_type)
    for place in range(count):
        if status[place] != 0 and opponent_status[place] != 0:
            continue
        where[1] = place
        state = record(locate(octets(states, place * {state_size}, {state_size})), state_type)
        rng = integers(rngs, place * rng_size, rng_size)
        action = floats(actions, place * {action_size}, {action_size})
        opponent_action = floats(opponent_actions, place * {opponent_action_size}, {opponent_action_size})
        at_step(rng, t + 1)
        fitness[place], opponent_fitness[place], terminated, truncated = world_pair(
            state,
            given,
            {action},
            {opponent_action},
            floats(felt, place * drives + 1, {senses}),
            floats(opponent_felt, place * opponent_drives + 1, {opponent_senses}),
            rng,
        )
        ends[place] = 1 if terminated else (2 if truncated else 0)
        opponent_ends[place] = ends[place]
        world_observe(state, given, floats(observations, place * {observations}, {observations}))
        opponent_observe(
            state, given, floats(opponent_observations, place * {opponent_observations}, {opponent_observations})
        )
"""

_BORN_AFRESH = """octets(state, 0, {})[:] = 0
    world_born"""


_SIGNATURES = {
    "born": BORN_TYPE,
    "reborn": BORN_TYPE,
    "begin": BEGIN_TYPE,
    "observe": OBSERVE_TYPE,
    "oracle": ORACLE_TYPE,
    "step": STEP_TYPE,
    "step_all": STEP_ALL_TYPE,
}
_PAIRS = {"step_pairs": STEP_PAIRS_TYPE}


class _Adapters:
    """The adapters of one world, each compiled when it is first asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        functions = {name: getattr(world, name, None) for name in _SIGNATURES}
        functions["oracle"] = world.oracle or _no_oracle
        sizes: dict[str, Any] = {
            "action": "int(action[0])" if world.is_discrete else "action",
            "state_size": _state_size(world),
            "action_size": world.action_size,
            "senses": len(world.senses),
            "observations": len(world.observations),
        }
        source = _SOURCE.format(
            write_action="action[0] = " if world.is_discrete and world.oracle is not None else "",
            reborn="world_reborn" if world.reborn is not None else _BORN_AFRESH.format(_state_size(world)),
            **sizes,
        )
        if world.opponent is not None:
            other = world.opponent.world
            functions |= {"pair": world.opponent.step}
            source += _PAIRS_SOURCE.format(
                opponent_action="int(opponent_action[0])" if other.is_discrete else "opponent_action",
                opponent_action_size=other.action_size,
                opponent_senses=len(other.senses),
                opponent_observations=len(other.observations),
                **sizes,
            )
        label = repr((world.state.descr, world.state.itemsize, parameter_dtype(world).descr, source))
        beside = [] if world.opponent is None else [world.opponent.world.observe]
        self._fingerprint = source_fingerprint(
            [one for one in (*functions.values(), *beside) if one is not None], label
        )
        self._namespace: dict[str, Any] = {
            "__name__": __name__,
            "record": record,
            "locate": locate,
            "octets": octets,
            "floats": floats,
            "doubles": doubles,
            "integers": integers,
            "at_step": at_step,
            "rng_size": RNG_SIZE,
            "state_type": world.state,
            "parameter_type": parameter_dtype(world),
        }
        for name, function in functions.items():
            if function is not None:  # step_all is made of others
                self._namespace[f"world_{name}"] = world_code_within(getattr(function, "py_func", function))
        for observe in beside:
            self._namespace["opponent_observe"] = world_code_within(getattr(observe, "py_func", observe))
        self._path = _keep_source(source, self._fingerprint)
        exec(compile(source, str(self._path or "<world>"), "exec"), self._namespace)
        self._compiled: dict[tuple[str, bool], Any] = {}

    @staticmethod
    @functools.lru_cache(maxsize=32)
    def of(world: World) -> _Adapters:
        """Those of a world, the same for all who ask."""
        return _Adapters(world)

    def for_lives(self, name: str) -> Any:
        """An adapter that compiled code alone calls; see `_compile`."""
        return self._compile(name, False)

    def by_hand(self, name: str) -> Any:
        """An adapter that Python calls, see `_compile`: a way in of its own takes longer to compile than what it does.

        So that has only what is called in every step. The rest is that of lives, behind a door that all worlds share.
        """
        if name in ("observe", "step") or not COMPILES:
            return self._compile(name, True)
        function = self.for_lives(name)
        through = functools.partial(_door(_SIGNATURES[name]), address_of(function))
        through.function = function  # type: ignore[attr-defined]  # lives as long as its address is known
        return through

    def _compile(self, name: str, from_python: bool) -> Any:
        """An adapter of _SIGNATURES; with a way in for Python, if it is asked for or there already.

        Raises:
            WorldError: it does not compile.
        """
        for ready in ((name, True), (name, from_python)):
            if ready in self._compiled:
                return self._compiled[ready]
        source = self._namespace[name]
        function = python_types.FunctionType(source.__code__, self._namespace, name)
        # Symbols are named by this: code of two worlds from disk must share none, or one is taken for the other.
        function.__qualname__ = f"{name}_{'by_hand_' * from_python}{self._fingerprint}"
        try:
            made = adapter(
                function, (_SIGNATURES | _PAIRS)[name], cached=self._path is not None, from_python=from_python
            )
        except Exception as error:
            said = {"step_all": "step", "step_pairs": "opponent.step"}.get(name, name)
            raise self._does_not_compile(said, error) from error
        self._compiled[name, from_python] = made
        return made

    def _does_not_compile(self, name: str, error: Exception) -> WorldError:
        reason = compiler_reason(error)
        if name == "step" and re.match(r"failed to unpack|.*wrong tuple length", reason) and "\n" not in reason:
            reason = f"it must return three values, fitness, terminated and truncated ({reason})"
        if name == "opponent.step" and re.match(r"failed to unpack|.*wrong tuple length", reason):
            reason = f"it must return four values, fitness, opponent's fitness, terminated and truncated ({reason})"
        helpers = "; helpers need the decorator evolearn.world.world_code" if calls_uncompiled(error) else ""
        return WorldError(
            f"world {self._world.name}: {name} does not compile: {reason}\n"
            f"Worlds are scalar Python that Numba understands{helpers}."
        )


_born_at, _oracle_at = function_at(BORN_TYPE), function_at(ORACLE_TYPE)


def _bear(born: Any, state: Any, parameters: Any, rng: Any) -> None:
    """Call a world's `born`, `reborn` or `begin`, which have one signature."""
    _born_at(born)(state, parameters, rng)


def _ask(oracle: Any, state: Any, parameters: Any, action: Any) -> None:
    _oracle_at(oracle)(state, parameters, action)


@functools.cache
def _door(signature: Any) -> Any:
    """A function for Python that calls the adapter of a signature whose address it is given."""
    return adapter(
        _ask if signature == ORACLE_TYPE else _bear, signature.return_type(types.int64, *signature.args), cached=True
    )


def _keep_source(source: str, fingerprint: str | None) -> Path | None:
    """Put the adapters' source where Numba can key its cache by it; None if it is not to be kept."""
    folder = cache_folder()
    if fingerprint is None or folder is None:
        return None
    path = folder / f"world_{fingerprint}.py"
    payload = source.encode()
    try:
        if not path.is_file() or path.read_bytes() != payload:
            write_whole(path, payload)
    except OSError:  # a full disk: compiled again in the next process
        return None
    return path


def _no_oracle(state: Any, parameters: Any, action: Any) -> None:
    """Stand in for the oracle of a world that has none; nobody calls it."""
