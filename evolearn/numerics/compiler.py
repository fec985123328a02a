"""How this project's code is compiled: one place for Numba's options, its cache and the record-by-address trick.

Everything below also runs uncompiled under ``NUMBA_DISABLE_JIT=1``; the tests compare the two.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import types as python_types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaError, NumbaExperimentalFeatureWarning
from numba.extending import intrinsic, overload

from evolearn.numerics._cache import FINGERPRINT, FORMAT, is_ours as is_ours, open_folder, use
from evolearn.numerics._same_bits import for_lives, take_over
from evolearn.numerics._sources import reached_hash, read_sources
from evolearn.numerics.fingerprint import source_fingerprint

_CACHE_LINE = 64  # bytes
_PACKAGE = Path(__file__).parents[1]

F = TypeVar("F", bound=Callable[..., Any])

COMPILES = not numba.config.DISABLE_JIT


def _sources_of(base: Path) -> str:
    """A name for exactly these sources."""
    label = f"{numba.__version__} {reached_hash(read_sources(), base / 'sources')} {FORMAT}"
    return hashlib.sha256(label.encode()).hexdigest()[:16]


if COMPILES:
    use(open_folder(_sources_of))
    take_over()


def _name_by_fields(record: types.Record) -> tuple[str, tuple[int, ...]]:
    """How the symbol of a function that takes a record names the record's type.

    Numba numbers record types as they come up in a process, so code of two worlds that share a function, loaded from
    disk, could bear one name, and one of them would then run in the other's place.
    """
    return type(record).__name__, (int(hashlib.sha256(record.name.encode()).hexdigest()[:15], 16),)


types.Record.mangling_args = property(_name_by_fields)


def cache_folder() -> Path | None:
    """Where compiled code is kept; None if nothing is compiled, or none is kept."""
    return Path(numba.config.CACHE_DIR) if COMPILES and numba.config.CACHE_DIR else None


_njit = functools.partial(numba.njit, error_model="numpy", nogil=True)
_WITHIN = {"cache": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # only compiled code calls it


def compiled(function: F) -> F:
    """Compile a function of the learner or the life loop: no lock held, cached on disk.

    A user's is not cached by itself, since what it calls may be edited while its file stays; `plug` keeps the whole.
    """
    kept = is_ours(function)
    return _njit(cache=kept)(function)


def inlined(function: F) -> F:
    """As `compiled`, merged into its callers, where a call would cost more than what it does."""
    return _njit(cache=True, forceinline=True)(function)


def within(function: F) -> F:
    """As `compiled`, for what compiled code alone calls: without the ways in for Python, which take long to compile."""
    return _njit(**_WITHIN)(function)


def inlined_within(function: F) -> F:
    """As `within`, merged into its callers."""
    return _njit(**_WITHIN, forceinline=True)(function)


def spliced(function: F) -> F:
    """Compile a function into each of its callers: handing a window on, even to `inlined`, counts references."""
    return _njit(inline="always")(function)


def world_code(function: F) -> F:
    """Compile scalar code of a world: strict IEEE arithmetic and checked indices, so that a slip raises.

    Use it as a decorator on every helper that a world's functions call.
    """
    return _njit(boundscheck=True)(function)


def world_code_within(function: F) -> F:
    """As `world_code`, for what compiled code alone calls, and merged into it.

    Ways in for Python take long to compile, and to hand on an array counts references.
    """
    return _njit(boundscheck=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)(function)


@functools.cache
def plug(function: F, signature: Any) -> F:
    """Compile `function` for one signature, to be handed to the life kernel as a typed first-class function.

    The kernel is then compiled once for every world, brain and learner, instead of once for each of them. What a user
    brings is kept on disk while all that it depends on stays the same; where that cannot be told, it is not kept.
    """
    source = getattr(function, "py_func", function)
    kept = True
    if COMPILES and not is_ours(source):
        fingerprint = source_fingerprint([source], "plug")
        kept = fingerprint is not None
        if kept:
            setattr(source, FINGERPRINT, fingerprint)
    with for_lives():
        return _njit([signature], cache=kept)(source)


@functools.cache
def _specialised(
    function: F,
    signature: Any,
    label: str,
    kept: bool,
    called: bool,
    from_python: bool,
    parts: tuple[tuple[str, Any], ...],
) -> F:
    made: Any = python_types.FunctionType(
        function.__code__, {**function.__globals__, **dict(parts)}, function.__name__, function.__defaults__
    )
    made.__module__ = function.__module__
    # Symbols and files on disk are named by this: two that differ in what they are made for must share none.
    name = function.__qualname__ if called else f"{function.__qualname__}_within"
    made.__qualname__ = f"{name}_{hashlib.sha256(label.encode()).hexdigest()[:16]}"
    if not COMPILES:
        return made
    with for_lives():
        return _njit(
            [signature], cache=kept, no_cpython_wrapper=not (called and from_python), no_cfunc_wrapper=not called
        )(made)


def specialised(
    function: F,
    signature: Any,
    label: str,
    kept: bool = True,
    called: bool = True,
    from_python: bool = True,
    **parts: Any,
) -> F:
    """`function` of this package compiled with some of the globals that it reads replaced, for this purpose alone.

    To the compiler a global number is a literal and a global function a direct call: so one readable source gives code
    for every shape. Functions that it calls read their own globals, and must be specialised and handed in themselves.

    Args:
        function: plain Python, of this package.
        signature: Numba's.
        label: names `parts` in full, sizes and functions; code on disk is found by it.
        kept: keep it on disk; False where `label` cannot tell what a part depends on.
        called: by Python, or through a pointer; False where only compiled code that names it calls it.
        from_python: with a way in for Python, of a third of what a brain takes to compile.
        parts: globals by name: numbers, tuples of numbers, compiled functions, intrinsics. Hashable.
    """
    return _specialised(function, signature, label, kept, called, from_python, tuple(sorted(parts.items())))


def compiler_reason(error: Exception) -> str:
    """What a Numba error says is wrong, and below it the line of the author's own file, if one is at fault."""
    lines = _lines(error)
    wrong = [line for line in lines if not line.startswith(_FILLER)] or ["no reason is given"]
    reason = wrong[0] if isinstance(error, NumbaError) else f"{type(error).__name__}: {wrong[0]}"
    if reason.endswith("for signature:") and len(wrong) > 1:
        reason = f"{reason[:-1]} {wrong[1].lstrip('> ')}"
    reason = re.sub(r"Function\(<(?:built-in )?(?:function|ufunc) '?([\w.]+)'?.*?>\)", r"\1", reason)
    returned = re.match(r"No conversion from (.+) to (.+) for '\$\w*return_value", reason)
    if returned:  # Numba's line is the function's first or last, which says nothing
        given, asked = (_RETURNED.get(kind, kind) for kind in returned.groups())
        return f"it returns {given}; it must return {asked}"
    places = [place for place in _places(lines) if not _is_within(place[0], _glue())]
    shown = [place for place in places if not _is_within(place[0], [_PACKAGE])] or places
    return reason[:_LONGEST] + "".join(f"\n  {file}, line {line}: {code}" for file, line, code in shown[:1])


def calls_uncompiled(error: Exception) -> bool:
    """Whether a Numba error is that of a function without the decorator that is called by one that has it."""
    return any("Cannot determine Numba type of <class 'function'>" in line for line in _lines(error))


_LONGEST = 400  # characters; a signature may name every array of a window
_FILLER = ("During:", "Failed in nopython", "- Resolution failure", "[1]", "[2]")
_RETURNED = {"none": "nothing", "bool": "True or False", "float64": "a number", "float32": "a number"}


def _lines(error: Exception) -> list[str]:
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # colours
    return [line.strip() for line in text.splitlines() if line.strip()]


def _places(lines: list[str]) -> list[tuple[str, str, str]]:
    """File, line and what stands there, innermost first; Numba puts a ^ below what it means."""
    places = []
    for start, line in enumerate(lines):
        if found := re.fullmatch(r'File "(.+)", line (\d+):', line):
            end = next((at for at in range(start, len(lines)) if lines[at] == "^"), start + 1)
            code = lines[end - 1] if end - 1 > start else ""
            places.append((os.path.abspath(found[1]) if Path(found[1]).exists() else found[1], found[2], code))
    return places


def _glue() -> list[Path]:
    """Where code lies that no author of a part has written: Numba's, and adapters that were made here."""
    return [Path(numba.__file__).parent, *filter(None, [cache_folder()]), Path("<world>")]


def _is_within(file: str, folders: list[Path]) -> bool:
    return any(folder in (Path(file), *Path(file).parents) for folder in folders)


def adapter(function: F, signature: Any = None, cached: bool = False, from_python: bool = True) -> F:
    """Compile glue between parts, for one signature if given.

    Args:
        function: a closure, which Numba cannot keep, or a function in a file that changes with all it calls.
        signature: Numba's.
        cached: keep it on disk.
        from_python: whether Python calls it too, and not compiled code alone.
    """
    with for_lives(), warnings.catch_warnings():
        # Of a helper that it has compiled for another world, whose record begins as this one's: it compiles it anew.
        warnings.filterwarnings("ignore", "(?s).*considered a subtype", NumbaExperimentalFeatureWarning)
        return _njit(signature and [signature], cache=cached, no_cpython_wrapper=not from_python)(function)


def aligned_zeros(*shape: int, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    """Zeros that begin on a cache line, so that no vector load of a matrix with full rows straddles two lines."""
    count = int(np.prod(shape))
    size = np.dtype(dtype).itemsize
    buffer = np.zeros(count * size + _CACHE_LINE, np.uint8)
    start = -buffer.ctypes.data % _CACHE_LINE
    return buffer[start : start + count * size].view(dtype).reshape(shape)


@intrinsic
def _as_pointer(typing_context: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.uintp), generate


def locate(buffer: np.ndarray[Any, Any]) -> Any:
    """The handle by which a C-contiguous array is found again: its address when compiled, itself in plain Python.

    A function that takes handles is called for the price of a few registers, where an array costs seven or nine words.
    """
    return buffer


def handle_of(array: np.ndarray[Any, Any]) -> Any:
    """`locate` for callers of compiled code."""
    return array.ctypes.data if COMPILES else array


def record(handle: Any, dtype: np.dtype[Any]) -> Any:
    """The structured record of `dtype` that lives at `handle`; writing a field writes the buffer."""
    return handle[: dtype.itemsize].view(dtype).view(np.recarray)[0]


def octets(handle: Any, start: int, size: int) -> Any:
    """View of `size` bytes of the memory at `handle` from flat place `start` on; see `vector`."""
    return vector(handle.view(np.uint8), start, size)


def floats(handle: Any, start: int, size: int) -> Any:
    """View of `size` float32, `start` counted in them."""
    return vector(handle.view(np.float32), start, size)


def doubles(handle: Any, start: int, size: int) -> Any:
    """View of `size` float64, `start` counted in them."""
    return vector(handle.view(np.float64), start, size)


def integers(handle: Any, start: int, size: int) -> Any:
    """View of `size` int64, `start` counted in them."""
    return vector(handle.view(np.int64), start, size)


def _pointer_at(dtype: Any) -> Any:
    """An intrinsic: pointer to place `start` of the array of `dtype` at an address."""

    def pointer(typing_context: Any, address: Any, start: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = context.get_data_type(dtype).as_pointer()
            return builder.gep(builder.inttoptr(arguments[0], kind), [arguments[1]])

        return types.CPointer(dtype)(types.uintp, types.intp), generate

    return intrinsic(pointer)


def _view_at(function: Any, dtype: Any) -> None:
    pointer = _pointer_at(dtype)

    @overload(function)
    def compiled_form(handle, start, size):  # type: ignore[no-untyped-def]
        return lambda handle, start, size: numba.carray(pointer(handle, start), size)


for _function, _dtype in (
    (octets, types.uint8),
    (floats, types.float32),
    (doubles, types.float64),
    (integers, types.int64),
):
    _view_at(_function, _dtype)


@intrinsic
def _pointer_into(typing_context: Any, array: Any, start: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.gep(data, [arguments[1]])

    return types.CPointer(array.dtype)(array, types.intp), generate


def vector(array: np.ndarray[Any, Any], start: int, size: int) -> Any:
    """View of `size` entries of a C-contiguous array from flat place `start` on.

    When compiled it counts no references, which a slice does, at a cost that small layers would notice; so the
    array must outlive it.

    Raises:
        IndexError: it reaches beyond the array; in plain Python only, compiled nobody looks.
    """
    _check_reach(array, start, size)
    return array.reshape(-1)[start : start + size]


def matrix(array: np.ndarray[Any, Any], start: int, rows: int, columns: int) -> Any:
    """View of a matrix ``[rows, columns]`` in a C-contiguous array from flat place `start` on; see `vector`."""
    _check_reach(array, start, rows * columns)
    return array.reshape(-1)[start : start + rows * columns].reshape(rows, columns)


def _check_reach(array: np.ndarray[Any, Any], start: int, size: int) -> None:
    if start < 0 or size < 0 or start + size > array.size:  # a slice would be shorter, and say nothing
        raise IndexError(f"a view of {size} entries from place {start} on is out of bounds for size {array.size}")


@overload(vector)
def _vector_compiled(array, start, size):  # type: ignore[no-untyped-def]
    return lambda array, start, size: numba.carray(_pointer_into(array, start), size)


@overload(matrix)
def _matrix_compiled(array, start, rows, columns):  # type: ignore[no-untyped-def]
    return lambda array, start, rows, columns: numba.carray(_pointer_into(array, start), (rows, columns))


@overload(locate)
def _locate_compiled(buffer):  # type: ignore[no-untyped-def]  # Numba compares bare argument names
    return lambda buffer: types.uintp(buffer.ctypes.data)


@overload(record)
def _record_compiled(handle, dtype):  # type: ignore[no-untyped-def]
    return lambda handle, dtype: numba.carray(_as_pointer(handle), 1, dtype)[0]
