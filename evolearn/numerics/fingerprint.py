"""What compiled code of functions that are not this package's depends on: worlds and parts of users."""

from __future__ import annotations

import hashlib
import inspect
import types as python_types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

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
        code = function.__code__
        # Two lambdas of one file, or a name defined twice, differ in nothing but this.
        digest.update(repr((code.co_firstlineno, identity_of(code), function.__defaults__)).encode())
        names = sorted(_names(code))
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


def identity_of(code: python_types.CodeType) -> tuple[Any, ...]:
    """What a function does, without where it stands and what is said of it."""
    # Whether a docstring is among the constants, and where, is Python's to say, and differs from version to version.
    cells = tuple(python_types.CellType() for _ in code.co_freevars)
    said = python_types.FunctionType(code, {}, closure=cells).__doc__
    constants = [
        identity_of(value) if isinstance(value, python_types.CodeType) else value
        for value in code.co_consts
        if value != said
    ]
    return code.co_code, code.co_names, code.co_varnames, constants


def _names(code: python_types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, python_types.CodeType):
            names |= _names(constant)
    return names
