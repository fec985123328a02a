"""A way in for Python to compiled functions that are made without one, since only the kernel calls them."""

import functools
from collections.abc import Callable
from typing import Any

from numba import types

from evolearn.numerics import COMPILES, adapter


def from_python(function: Callable[..., Any], signature: Any) -> Callable[..., Any]:
    """A function of a signature as Python calls it: through a door that all functions of that signature share."""
    return functools.partial(_door(signature), function) if COMPILES else function


@functools.cache
def _door(signature: Any) -> Callable[..., Any]:
    given = ", ".join(f"argument_{place}" for place in range(len(signature.args)))
    door = eval(f"lambda function, {given}: function({given})")
    return adapter(door, signature.return_type(types.FunctionType(signature), *signature.args))
