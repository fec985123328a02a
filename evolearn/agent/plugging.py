"""Parts made ready for the kernel, and what to say of one that does not compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evolearn.errors import PartError
from evolearn.numerics import calls_uncompiled, compiler_reason, plug


def plugged(function: Callable[..., Any], signature: Any, field: str, name: str) -> Callable[..., Any]:
    """A part's function, compiled for its signature.

    Args:
        function: of the part's row.
        signature: that the kernel calls it by.
        field: of the config that names the part, for errors.
        name: of the part.
    Raises:
        PartError: it does not compile; the message ends with the compiler's reason.
    """
    try:
        return plug(function, signature)
    except Exception as error:
        raise does_not_compile(field, name, error, function.__name__) from error


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """A part's function in plain Python; what it calls may be compiled."""
    return getattr(function, "py_func", function)


def does_not_compile(field: str, name: str, error: Exception, function: str = "") -> PartError:
    """The error of a part that does not compile, with the lines of the compiler's that its author can act on."""
    helpers = "; helpers need the decorator evolearn.numerics.compiled" if calls_uncompiled(error) else ""
    return PartError(
        f"{field}: {name!r}: {f'{function} ' if function else ''}does not compile: {compiler_reason(error)}\n"
        f"Parts are Python that Numba understands{helpers}."
    )
