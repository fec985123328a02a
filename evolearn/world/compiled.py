"""How the kernel sees a world: its functions on handles, compiled, and kept on disk while the source is the same."""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import types as python_types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from evolearn.numerics import adapter, cache_folder, record, world_code as world_code
from evolearn.world.contract import World, WorldError

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
    """Make `world` ready for the kernel, with `parameters` as data.

    Args:
        world: the declaration.
        parameters: values that differ from the defaults, see `World.resolve`.
    Raises:
        WorldError: the world's source does not compile; the message ends with the compiler's reason.
    """
    packed = np.zeros(1, parameter_dtype(world))
    for name, value in world.resolve(parameters).items():
        packed[name] = value
    born, begin, observe, step, oracle = _adapters(world)
    state_size = max(world.state.itemsize, 1)
    return CompiledWorld(born, begin, observe, step, oracle, state_size, packed.view(np.uint8).copy())


# From handles to records, and from what a person returns to what the kernel expects. A file of source, not closures:
# Numba keeps compiled closures nowhere, and a world takes seconds to compile.
_SOURCE = """
def born(state, parameters, rng):
    world_born(record(state, state_type), record(parameters, parameter_type), rng)


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
"""


@functools.lru_cache(maxsize=32)
def _adapters(world: World) -> tuple[Any, ...]:
    functions = {
        "born": (world.born, BORN_TYPE),
        "begin": (world.begin, BEGIN_TYPE),
        "observe": (world.observe, OBSERVE_TYPE),
        "step": (world.step, STEP_TYPE),
        "oracle": (world.oracle or _no_oracle, ORACLE_TYPE),
    }
    source = _SOURCE.format(
        action="int(action[0])" if world.is_discrete else "action",
        write_action="action[0] = " if world.is_discrete and world.oracle is not None else "",
    )
    label = repr((world.state.descr, world.state.itemsize, parameter_dtype(world).descr, source))
    fingerprint = source_fingerprint([function for function, _ in functions.values()], label)
    namespace: dict[str, Any] = {
        "__name__": __name__,
        "record": record,
        "state_type": world.state,
        "parameter_type": parameter_dtype(world),
    }
    for name, (function, _) in functions.items():
        namespace[f"world_{name}"] = world_code(getattr(function, "py_func", function))
    path = _keep_source(source, fingerprint)
    exec(compile(source, str(path or "<world>"), "exec"), namespace)
    compiled = []
    for name, (_, signature) in functions.items():
        if fingerprint:
            # Symbols are named by this: code of two worlds from disk must share none, or one is taken for the other.
            namespace[name].__qualname__ = f"{name}_{fingerprint}"
        try:
            compiled.append(adapter(namespace[name], signature, cached=path is not None))
        except Exception as error:
            raise WorldError(
                f"world {world.name}: {name} does not compile: {_reason(error)}\n"
                "Worlds are scalar Python that Numba understands; helpers need the decorator evolearn.world.world_code."
            ) from error
    return tuple(compiled)


_LIBRARIES = ("math", "numpy", "numba")  # whose versions are part of the cache's key or never matter


def source_fingerprint(functions: list[Callable[..., Any]], label: str) -> str | None:
    """Hash of everything that compiled code of `functions` depends on.

    That is the source files of the functions and of all they call, and the values of the globals they read.

    Args:
        functions: plain or compiled.
        label: hashed as well.
    Returns:
        None if it cannot be told, as for closures: such code is compiled anew in every process.
    """
    digest = hashlib.sha256(label.encode())
    files: set[str] = set()
    seen: set[int] = set()
    queue = list(functions)
    while queue:
        function = queue.pop()
        function = getattr(function, "py_func", function)
        if id(function) in seen:
            continue
        seen.add(id(function))
        file = inspect.getsourcefile(function)
        if function.__closure__ or file is None or not Path(file).is_file():
            return None
        files.add(file)
        digest.update(f"{function.__module__}.{function.__qualname__}".encode())
        # Two lambdas of one file, or a name defined twice, differ in nothing but this.
        digest.update(repr((_identity(function.__code__), function.__defaults__)).encode())
        names = sorted(_names(function.__code__))
        reads = [(name, function.__globals__[name]) for name in names if name in function.__globals__]
        while reads:
            name, value = reads.pop()
            if isinstance(value, python_types.ModuleType):
                if value.__name__.partition(".")[0] not in _LIBRARIES:
                    # Which of its attributes are read is not told apart from other names: follow them all.
                    reads += [(f"{name}.{inner}", getattr(value, inner)) for inner in names if hasattr(value, inner)]
            elif isinstance(value, (int, float, str, bool, tuple, np.generic, np.dtype)):
                digest.update(f"{name}={value!r}".encode())
            elif isinstance(value, np.ndarray):
                digest.update(name.encode() + value.tobytes())
            elif isinstance(value, python_types.FunctionType) or hasattr(value, "py_func"):
                queue.append(value)
            elif value is not None:
                return None
    for file in sorted(files):
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()[:24]


def _identity(code: python_types.CodeType) -> tuple[Any, ...]:
    constants = [_identity(value) if isinstance(value, python_types.CodeType) else value for value in code.co_consts]
    return code.co_firstlineno, code.co_code, code.co_names, code.co_varnames, constants


def _names(code: python_types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, python_types.CodeType):
            names |= _names(constant)
    return names


def _keep_source(source: str, fingerprint: str | None) -> Path | None:
    """Put the adapters' source where Numba can key its cache by it; None if it is not to be kept."""
    folder = cache_folder()
    if fingerprint is None or folder is None:
        return None
    path = folder / f"world_{fingerprint}.py"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(source, encoding="utf-8")
        part.replace(path)
    return path


def _no_oracle(state: Any, parameters: Any, action: Any) -> None:
    """Stand in for the oracle of a world that has none; nobody calls it."""


def _reason(error: Exception) -> str:
    """The lines of a Numba error that a world's author can act on."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    keep = [line for line in lines if not line.startswith(("During:", "Failed in nopython", "[1]", "[2]"))]
    return "\n  ".join(keep[-12:])
