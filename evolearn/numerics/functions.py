"""Functions by address: how one compiled function calls another that it is given, and that it was not compiled for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload


def address_of(function: Any) -> int:
    """Where a function that was compiled for one signature begins; to be kept alive while its address is used."""
    result = function.overloads[function.signatures[0]]
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


def function_at(signature: Any) -> Callable[[Any], Any]:
    """Turn an address into a function again, in compiled code; in plain Python the function itself is the address.

    Args:
        signature: of the function, with types.
    """
    function_type = types.FunctionType(signature)

    def from_address(typing_context, address):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            made: Any = cgutils.create_struct_proxy(function_type)(context, builder)
            made.jit_addr = builder.inttoptr(arguments[0], cgutils.voidptr_t)
            return made._getvalue()

        return function_type(types.int64), generate

    compiled_form: Any = intrinsic(from_address)

    def itself(function: Any) -> Any:
        return function

    @overload(itself)
    def _itself_compiled(function):  # type: ignore[no-untyped-def]  # Numba compares bare argument names
        return lambda function: compiled_form(function)

    return itself
