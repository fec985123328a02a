"""The world contract: what a world declares, the small functions it is made of, and how the life kernel calls them.

A world is one file. Its functions are plain scalar Python on a record with named fields; Numba compiles them, and
the same source runs uncompiled. Randomness comes only from the `rng` that they are handed (see `evolearn.rng`).
Helpers that those functions call carry the decorator `world_code`.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from evolearn.compiled import adapter, locate, record, world_code

__all__ = [
    "Box",
    "CompiledWorld",
    "Discrete",
    "Parameter",
    "Signal",
    "World",
    "WorldError",
    "compile_world",
    "locate",
    "world_code",
]

MEAN_PER_STEP = "mean per step"
MEAN_RETURN_PER_EPISODE = "mean return per episode"
FITNESS_RULES = (MEAN_PER_STEP, MEAN_RETURN_PER_EPISODE)


class WorldError(Exception):
    """A world broke its contract; the message names the world, the life, the step and the remedy."""


@dataclasses.dataclass(frozen=True)
class Signal:
    """One named number that a world emits: an observation or a sense."""

    name: str
    unit: str  # "rad", "m/s", "1" for a pure number
    doc: str = ""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One setting of a world that a config may change."""

    name: str
    default: float
    low: float  # smallest allowed value, included
    high: float  # largest allowed value, included
    unit: str
    doc: str


@dataclasses.dataclass(frozen=True)
class Box:
    """Actions are `size` real numbers; the policy may leave -1 .. 1, the world clips as it sees fit."""

    size: int
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Discrete:
    """Actions are whole numbers 0 .. choices - 1."""

    choices: int
    names: tuple[str, ...] = ()


Step = tuple[float, bool, bool]  # fitness, terminated, truncated


@dataclasses.dataclass(frozen=True, kw_only=True)
class Declaration:
    """What every world says of itself, compiled or not."""

    name: str
    doc: str
    observations: tuple[Signal, ...]
    actions: Box | Discrete
    senses: tuple[Signal, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    fitness_rule: str = MEAN_PER_STEP

    def __post_init__(self) -> None:
        if not self.observations:
            raise WorldError(f"world {self.name}: observations=(): must name at least one observation")
        if self.fitness_rule not in FITNESS_RULES:
            raise WorldError(
                f"world {self.name}: fitness_rule={self.fitness_rule!r}: must be one of {', '.join(FITNESS_RULES)}"
            )
        if self.action_outputs < 1:
            raise WorldError(f"world {self.name}: actions={self.actions}: must offer at least one action")
        for kind in ("observations", "senses", "parameters"):
            names = [entry.name for entry in getattr(self, kind)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise WorldError(f"world {self.name}: {kind}: {', '.join(twice)} named twice; names must differ")

    @property
    def summary(self) -> str:
        """The first line of the world's description."""
        return inspect.cleandoc(self.doc).splitlines()[0] if self.doc.strip() else "(no description)"

    @property
    def is_discrete(self) -> bool:
        """Whether actions are whole numbers."""
        return isinstance(self.actions, Discrete)

    @property
    def action_outputs(self) -> int:
        """Numbers that the policy head emits: one per action dimension or per choice."""
        return self.actions.choices if isinstance(self.actions, Discrete) else self.actions.size

    @property
    def action_size(self) -> int:
        """Length of an action as an array: a choice is one number."""
        return 1 if isinstance(self.actions, Discrete) else self.actions.size

    def resolve(self, settings: Mapping[str, float]) -> dict[str, float]:
        """Every parameter's value: the setting where there is one, the default elsewhere.

        Raises:
            ValueError: an unknown name or a value out of range; the message names both and the range.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in settings:
            if name not in known:
                offered = ", ".join(known) or "(none)"
                raise ValueError(f"world.parameters.{name}: unknown for world {self.name}; it offers {offered}")
        values = {}
        for parameter in self.parameters:
            value = float(settings.get(parameter.name, parameter.default))
            if not parameter.low <= value <= parameter.high:
                raise ValueError(
                    f"world.parameters.{parameter.name}={value:g}: must be {parameter.low:g} to {parameter.high:g} "
                    f"({parameter.unit})"
                )
            values[parameter.name] = value
        return values


@dataclasses.dataclass(frozen=True, kw_only=True)
class World(Declaration):
    """A world that compiles.

    The functions, all on records with named fields (`parameters` has a float64 field per parameter):

    - ``born(state, parameters, rng)``: draw what is fixed for this life. The state arrives zeroed.
    - ``begin(state, parameters, rng)``: start an episode; called at birth and after every end of an episode.
    - ``observe(state, parameters, observation)``: write every entry of `observation`, float32 [observations].
    - ``step(state, parameters, action, senses, rng) -> (fitness, terminated, truncated)``: one step. `action` is a
      float32 array for `Box`, an int for `Discrete`. Write every entry of `senses`, float32 [senses].
    - ``oracle(state, parameters, action)``: optional policy that knows this life's hidden draw; writes `action` for
      `Box`, returns an int for `Discrete`.

    Raises:
        WorldError: a declaration contradicts itself.
    """

    state: np.dtype[Any]
    born: Callable[..., None]
    begin: Callable[..., None]
    observe: Callable[..., None]
    step: Callable[..., Step]
    oracle: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.state.names is None:
            raise WorldError(f"world {self.name}: state={self.state}: must be a structured dtype with named fields")
        for name, expected in (("born", 3), ("begin", 3), ("observe", 3), ("step", 5)):
            function = getattr(self, name)
            count = len(inspect.signature(getattr(function, "py_func", function)).parameters)
            if count != expected:
                raise WorldError(f"world {self.name}: {name} takes {count} arguments: must take {expected}, see World")


# How the kernel sees a world: state and parameters by handle, everything else as arrays.
_HANDLE = types.uintp
_FLOATS = types.float32[::1]
_RNG = types.int64[::1]
BORN_TYPE = types.void(_HANDLE, _HANDLE, _RNG)
BEGIN_TYPE = BORN_TYPE
OBSERVE_TYPE = types.void(_HANDLE, _HANDLE, _FLOATS)
STEP_TYPE = types.Tuple((types.float64, types.boolean, types.boolean))(_HANDLE, _HANDLE, _FLOATS, _FLOATS, _RNG)
ORACLE_TYPE = types.void(_HANDLE, _HANDLE, _FLOATS)


class CompiledWorld(NamedTuple):
    """A world as the kernel takes it: five functions on handles, the state's size and the parameters' bytes."""

    born: Any
    begin: Any
    observe: Any
    step: Any
    oracle: Any
    state_size: int  # bytes
    parameters: npt.NDArray[np.uint8]  # one record of float64 fields, as bytes


def parameter_dtype(world: World) -> np.dtype[Any]:
    """The record that the world's functions see as `parameters`."""
    # A record needs a field, also for a world without parameters.
    return np.dtype([(parameter.name, "f8") for parameter in world.parameters] or [("none", "f8")], align=True)


def compile_world(world: World, parameters: Mapping[str, float]) -> CompiledWorld:
    """Make `world` ready for the kernel, with `parameters` (checked, see `World.resolve`) baked in as data.

    Raises:
        WorldError: the world's source does not compile; the message ends with the compiler's reason.
    """
    values = world.resolve(parameters)
    packed = np.zeros(1, parameter_dtype(world))
    for name, value in values.items():
        packed[name] = value
    # A buffer of its own size plus padding keeps the record's address valid as long as the array lives.
    return CompiledWorld(*_adapters(world), max(world.state.itemsize, 1), packed.view(np.uint8).copy())


@functools.lru_cache(maxsize=32)
def _adapters(world: World) -> tuple[Any, Any, Any, Any, Any]:
    state_type = world.state
    parameter_type = parameter_dtype(world)
    born = _as_world_code(world.born)
    begin = _as_world_code(world.begin)
    observe = _as_world_code(world.observe)
    step = _as_world_code(world.step)
    oracle = _as_world_code(world.oracle or _no_oracle)

    def adapted_born(state, parameters, rng):  # type: ignore[no-untyped-def]
        born(record(state, state_type), record(parameters, parameter_type), rng)

    def adapted_begin(state, parameters, rng):  # type: ignore[no-untyped-def]
        begin(record(state, state_type), record(parameters, parameter_type), rng)

    def adapted_observe(state, parameters, observation):  # type: ignore[no-untyped-def]
        observe(record(state, state_type), record(parameters, parameter_type), observation)

    def adapted_step(state, parameters, action, senses, rng):  # type: ignore[no-untyped-def]
        fitness, terminated, truncated = step(
            record(state, state_type), record(parameters, parameter_type), action, senses, rng
        )
        return float(fitness), bool(terminated), bool(truncated)

    def adapted_discrete_step(state, parameters, action, senses, rng):  # type: ignore[no-untyped-def]
        fitness, terminated, truncated = step(
            record(state, state_type), record(parameters, parameter_type), int(action[0]), senses, rng
        )
        return float(fitness), bool(terminated), bool(truncated)

    def adapted_oracle(state, parameters, action):  # type: ignore[no-untyped-def]
        oracle(record(state, state_type), record(parameters, parameter_type), action)

    def adapted_discrete_oracle(state, parameters, action):  # type: ignore[no-untyped-def]
        action[0] = oracle(record(state, state_type), record(parameters, parameter_type), action)

    has_discrete_oracle = world.is_discrete and world.oracle is not None
    pairs = (
        (adapted_born, BORN_TYPE),
        (adapted_begin, BEGIN_TYPE),
        (adapted_observe, OBSERVE_TYPE),
        (adapted_discrete_step if world.is_discrete else adapted_step, STEP_TYPE),
        (adapted_discrete_oracle if has_discrete_oracle else adapted_oracle, ORACLE_TYPE),
    )
    compiled = []
    for function, signature in pairs:
        try:
            compiled.append(adapter(function, signature))
        except Exception as error:
            name = function.__name__.rsplit("_", 1)[1]
            raise WorldError(
                f"world {world.name}: {name} does not compile: {_reason(error)}\n"
                "Worlds are scalar Python that Numba understands; helpers need the decorator evolearn.world.world_code."
            ) from error
    return tuple(compiled)  # type: ignore[return-value]


def _as_world_code(function: Callable[..., Any]) -> Any:
    return function if hasattr(function, "py_func") else world_code(function)


def _no_oracle(state: Any, parameters: Any, action: Any) -> None:
    """Stand in for a world without an oracle; `Actions.ORACLE` is refused before it can be called."""


def _reason(error: Exception) -> str:
    """The lines of a Numba error that a world's author can act on."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    keep = [line for line in lines if not line.startswith(("During:", "Failed in nopython", "[1]", "[2]"))]
    return "\n  ".join(keep[-12:])
