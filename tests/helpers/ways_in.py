"""Ways in for Python to what only compiled code calls."""

import functools
from collections.abc import Callable
from typing import Any

from numba import types

from evolearn.agent import THINK_TYPE, think_again
from evolearn.numerics import COMPILES, adapter


def from_python(function: Callable[..., Any], signature: Any) -> Callable[..., Any]:
    """A function of a signature as Python calls it: through a door that all functions of that signature share."""
    return functools.partial(_door(signature), function) if COMPILES else function


@functools.cache
def _door(signature: Any) -> Callable[..., Any]:
    given = ", ".join(f"argument_{place}" for place in range(len(signature.args)))
    door = eval(f"lambda function, {given}: function({given})")
    return adapter(door, signature.return_type(types.FunctionType(signature), *signature.args))


@functools.cache
def think_again_as_learners() -> Callable[..., None]:
    """`think_again` with a pointer to what thinks: called with the function itself, it is compiled for each of them."""
    *window, _ = THINK_TYPE.args
    return adapter(
        lambda think, weights, layers, window: think_again(think, weights, layers, window),
        types.void(types.FunctionType(THINK_TYPE), *window),
    )
