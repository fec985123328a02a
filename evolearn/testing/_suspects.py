"""Reading a world's code for what it may not use: generators of its own, clocks, and globals that change."""

from __future__ import annotations

import dis
import pickle
import random
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from evolearn.testing._stage import shortened
from evolearn.testing.findings import Findings, shown_path
from evolearn.world import World

_GENERATORS = (random.Random, np.random.RandomState, np.random.Generator, np.random.BitGenerator)
_MODULES = ("random", "secrets", "time", "datetime", "uuid", "os")
_NAMES = (*_MODULES, "numpy.random")


def functions_of(world: World) -> dict[str, Callable[..., Any]]:
    """The world's own functions by name, uncompiled."""
    names = ("born", "reborn", "begin", "observe", "step", "oracle", "draw")
    given = {name: getattr(world, name) for name in names if getattr(world, name) is not None}
    return {name: getattr(function, "py_func", function) for name, function in given.items()}


def reachable(world: World) -> list[types.FunctionType]:
    """Every function of the world's own files that its functions call, themselves included."""
    queue = list(functions_of(world).values())
    seen: dict[int, types.FunctionType] = {}
    while queue:
        function = queue.pop()
        function = getattr(function, "py_func", function)
        if not isinstance(function, types.FunctionType) or id(function) in seen or _is_library(function.__module__):
            continue
        seen[id(function)] = function
        queue += [value for _, value in _globals_read(function)]
    return list(seen.values())


def _is_library(module: str | None) -> bool:
    return (module or "").partition(".")[0] in ("evolearn", "numpy", "numba", "math")


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _globals_read(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    for code in _codes(function.__code__):
        for name in code.co_names:
            if name in function.__globals__:
                yield name, function.__globals__[name]


def find_hidden_generators(world: World, findings: Findings) -> None:
    """Report every use of a generator, a clock or a global that is assigned, by file and line."""
    for function in reachable(world):
        for line, what in _suspicious(function):
            findings.fail(
                "nothing hidden",
                what,
                f"{function.__name__} uses {what}",
                "everything that changes is kept in the state, and chance comes from rng, by evolearn.rng",
                what,
                f"{shown_path(function.__code__.co_filename)}, line {line}, in {function.__name__}",
            )


def _suspicious(function: types.FunctionType) -> Iterator[tuple[int, str]]:
    for code in _codes(function.__code__):
        loaded: Any = None
        for instruction in dis.get_instructions(code):
            line = (instruction.positions.lineno if instruction.positions else None) or code.co_firstlineno
            name = str(instruction.argval)
            if instruction.opname == "STORE_GLOBAL":
                yield line, f"the global {name}, which it assigns"
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                loaded = function.__globals__.get(name)
                if _is_suspect(loaded):
                    yield line, _called(name, loaded)
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                loaded = getattr(loaded, name, None) if isinstance(loaded, types.ModuleType) else None
                if loaded is np.random:
                    yield line, "numpy.random"
            elif instruction.opname not in ("PUSH_NULL", "CACHE", "PRECALL"):
                loaded = None


def _is_suspect(value: Any) -> bool:
    if isinstance(value, _GENERATORS):
        return True
    if isinstance(value, types.ModuleType):
        return value.__name__ in _NAMES
    if isinstance(getattr(value, "__self__", None), _GENERATORS):
        return True
    return callable(value) and getattr(value, "__module__", None) in _NAMES


def _called(name: str, value: Any) -> str:
    if isinstance(value, _GENERATORS):
        return f"the generator {name}"
    return value.__name__ if isinstance(value, types.ModuleType) else f"{name} of {_owner(value)}"


def _owner(value: Any) -> str:
    module = getattr(value, "__module__", None)
    return str(module or type(value.__self__).__module__)


class Globals:
    """Everything outside the state that a world's functions read and that can change."""

    def __init__(self, world: World) -> None:
        """Remember it as it is now."""
        self._before: dict[tuple[str, str], tuple[types.FunctionType, Any, bytes]] = {}
        for function in reachable(world):
            for name, value in _globals_read(function):
                if isinstance(value, (list, dict, set, bytearray, np.ndarray)):
                    key = (function.__code__.co_filename, name)
                    self._before.setdefault(key, (function, value, _content(value)))

    def find_changes(self, findings: Findings) -> None:
        """Report what is different now."""
        for (file, name), (function, value, before) in self._before.items():
            if _content(value) != before:
                findings.fail(
                    "nothing hidden",
                    name,
                    f"the global {name} changes while lives go on",
                    "everything that changes is kept in the state: lives may be lived in any order, on any host",
                    f"{name} is now {shortened(value)}",
                    f"{shown_path(file)}, {function.__name__} reads or writes {name}",
                )


def _content(value: Any) -> bytes:
    try:
        return pickle.dumps(value)
    except Exception:  # what cannot be pickled is compared by what it shows
        return repr(value).encode()
