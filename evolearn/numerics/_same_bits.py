"""What makes compiled code compute the same bits on every processor: own functions for libm's, no fast-math flags.

Every module that Numba compiles in this process is rewritten on its way to LLVM. Calls of libm's functions, and of
LLVM's own names for them, become calls of functions that LLVM knows nothing about, so it neither computes them while
compiling with the libm of this host, nor takes them from another library. Their code, that of
`evolearn.numerics.elementary`, is linked into the module and merged into its callers; large numbers and the like stay
calls. Fast-math flags are taken off: with them a sum's order follows the width of this processor's vectors, and a
quotient may become an estimate, which Intel and AMD define differently.

What remains is IEEE 754's: +, -, *, /, square root, fused multiply-add, rounding to whole numbers.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.codegen import JITCodeLibrary
from numba.core.registry import cpu_target

from evolearn.errors import UserError

_OF_TWO = ("pow", "hypot", "atan2")
_NAMES = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "cbrt", "hypot",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "erf", "erfc",
)  # fmt: skip
_OWN = "evolearn."

# Of libm and not written here, and C helpers of Numba that call libm or BLAS, whose code depends on the processor.
_REFUSED = re.compile(
    r"(llvm\.)?(numba_)?(t|l)?gamma(_r)?f?|sincosf?|[jy][01n]f?|exp10f?|llvm\.(exp10|sincos|sincospi|modf)\b.*"
    r"|numba_(cpowf?|xx\w+|ez_\w+|xgesv)"
)
_DECLARATION = re.compile(r'^declare (?:\w+ )*?(double|float|[^@]*?) ?@"([^"]+)"\(.*$', re.MULTILINE)
_COVERED = re.compile(rf"(?:llvm\.|numba_)?({'|'.join(_NAMES)})(?:f|\.f32|\.f64)?")
_WHOLE_POWER = re.compile(r"llvm\.powi\.f(32|64)\.i(32|64)")
_FLAG = "fast|nnan|ninf|nsz|arcp|contract|afn|reassoc"
_FLAGGED = re.compile(rf"^(\s*(?:%\S+ = )?(?:(?:tail |musttail |notail )?call|[a-z]+)) (?:(?:{_FLAG}) )+", re.MULTILINE)
_PURE = "memory(none) nounwind willreturn"


class NotReproducible(UserError):
    """Compiled code whose results depend on the processor; the text says what it calls and what to do."""


def take_over() -> None:
    """Rewrite all that Numba compiles in this process, from here on."""
    cpu_target.target_context.codegen()._library_class = _Library


_scope = threading.local()


@contextmanager
def for_lives() -> Iterator[None]:
    """What is compiled within is for lives: refuse what has no function here.

    Raises:
        NotReproducible: it calls something whose results depend on the processor.
    """
    before = getattr(_scope, "strict", False)
    _scope.strict = True
    try:
        yield
    finally:
        _scope.strict = before


class _Library(JITCodeLibrary):  # type: ignore[misc]  # Numba is not typed
    """Numba's unit of code, its modules rewritten before LLVM sees them, and own functions linked in."""

    def add_ir_module(self, ir_module: ir.Module) -> None:
        """Rewrite and add a module; otherwise as Numba does it."""
        self._raise_if_finalized()
        module = llvm.parse_assembly(rewritten(cgutils.normalize_ir_text(str(ir_module))))
        module.name = ir_module.name
        module.verify()
        self.add_llvm_module(module)

    def add_llvm_module(self, module: Any) -> None:
        """Add a module, and the own functions that it calls."""
        called = [function.name for function in module.functions if function.is_declaration]
        super().add_llvm_module(module)
        for name in called:
            if name.startswith(_OWN):
                self.add_linking_library(own(name.removeprefix(_OWN)))

    def _finalize_final_module(self) -> None:
        if getattr(_scope, "strict", False):
            for function in self._final_module.functions:
                if function.is_declaration and _REFUSED.fullmatch(function.name):
                    raise NotReproducible(
                        f"compiled code calls {function.name}, whose result depends on the processor, and evolearn has "
                        "no function of its own for it; do without it, or write it in plain arithmetic"
                    )
        super()._finalize_final_module()


def rewritten(text: str) -> str:
    """LLVM's assembly of a module, with own functions in the place of libm's and without fast-math flags."""
    text = _FLAGGED.sub(r"\1 ", text)
    more: dict[str, str] = {}
    for match in list(_DECLARATION.finditer(text)):
        kind, name = match.groups()
        if covered := _COVERED.fullmatch(name):
            replacement, lines = _replacement(covered[1], kind)
        elif _WHOLE_POWER.fullmatch(name):
            replacement, lines = _whole_power(kind, name[-3:])
        else:
            continue
        more |= lines
        text = text.replace(match[0], "").replace(f'@"{name}"', f'@"{replacement}"')
    return "\n".join([text, *more.values()])


def _replacement(name: str, kind: str) -> tuple[str, dict[str, str]]:
    """The symbol for one of libm's functions, and what is to be declared or defined for it."""
    arity = 2 if name in _OF_TWO else 1
    symbol = f"{_OWN}{name}"
    declared = {symbol: f'declare double @"{symbol}"({", ".join(["double"] * arity)}) {_PURE}'}
    if kind == "double":
        return symbol, declared
    arguments = ["%x", "%y"][:arity]  # the function of float32 is that of float64, rounded
    single = (
        f'define internal float @"{symbol}.single"({", ".join(f"float {each}" for each in arguments)}) '
        f"alwaysinline {_PURE}\n{{\n"
        + "\n".join(f"  {each}.wide = fpext float {each} to double" for each in arguments)
        + f'\n  %result = call double @"{symbol}"({", ".join(f"double {each}.wide" for each in arguments)})\n'
        "  %narrow = fptrunc double %result to float\n  ret float %narrow\n}"
    )
    return f"{symbol}.single", declared | {f"{symbol}.single": single}


def _whole_power(kind: str, whole: str) -> tuple[str, dict[str, str]]:
    """The same for a power whose exponent is a whole number."""
    power, declared = _replacement("pow", kind)
    name = f"{_OWN}powi.{kind}.{whole}"
    return name, declared | {
        name: f'define internal {kind} @"{name}"({kind} %x, {whole} %n) alwaysinline {_PURE}\n{{\n'
        f"  %y = sitofp {whole} %n to {kind}\n"
        f'  %result = call {kind} @"{power}"({kind} %x, {kind} %y)\n  ret {kind} %result\n}}'
    }


@functools.cache
def own(name: str) -> JITCodeLibrary:
    """The code of one of the own functions, to be linked; what is `out_of_line` stays a call there."""
    function, inline = _function(name)
    arity = function.__code__.co_argcount
    signature = types.float64(*[types.float64] * arity)
    compiled = numba.njit([signature], error_model="numpy", cache=True, forceinline=True)(function)
    (result,) = compiled.overloads.values()
    given = ", ".join(["double %x", "double %y"][:arity])
    attribute = "alwaysinline" if inline else "noinline"
    # What Numba compiles returns through its first argument, and has a second one for exceptions.
    text = (
        f'declare i32 @"{result.fndesc.mangled_name}"(ptr, ptr, {", ".join(["double"] * arity)})\n'
        f'define double @"{_OWN}{name}"({given}) {attribute} {_PURE}\n{{\n'
        f"  %place = alloca double\n  %error = alloca ptr\n"
        f'  %status = call i32 @"{result.fndesc.mangled_name}"(ptr %place, ptr %error, {given})\n'
        f"  %value = load double, ptr %place\n  ret double %value\n}}"
    )
    library = cpu_target.target_context.codegen().create_library(f"{_OWN}{name}")
    library.add_linking_library(result.library)
    library.add_llvm_module(llvm.parse_assembly(text))
    library.finalize()
    return library


def _function(name: str) -> tuple[Callable[..., float], bool]:
    from evolearn.numerics.elementary import bits, circular, error_function, exponential

    if name in bits.OUT_OF_LINE:
        return bits.OUT_OF_LINE[name], False
    module = next(module for module in (exponential, circular, error_function) if name in vars(module))
    return getattr(module, name), True
