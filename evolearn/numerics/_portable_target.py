"""Portable mode, the compiler's part: one processor for all hosts, and own functions in the place of libm's.

Every module that Numba compiles is rewritten on its way to LLVM. Calls of libm, and LLVM's own names for them, become
calls of functions that LLVM knows nothing about, so it neither computes them at compile time with the libm of this
host, nor merges or vectorises them; what libm has and `evolearn.numerics.elementary` has not is refused by name.
Estimates of reciprocals and roots (rcpps, rsqrtps), which Intel and AMD define differently and which fast-math flags
invite, are forbidden to the code generator.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.codegen import JITCodeLibrary
from numba.core.registry import cpu_target

from evolearn.numerics.elementary import circular, error_function, exponential
from evolearn.numerics.portable import PROCESSOR, PortableError, variables
from evolearn.numerics.processor import cpu_model

# Instructions of x86-64-v3 by LLVM's names. Source: x86-64 psABI, table 3.1, micro-architecture levels.
_NEEDED = (
    "cmov", "cx8", "fxsr", "sse", "sse2",
    "cx16", "sahf", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3",
    "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "xsave",
)  # fmt: skip

FUNCTIONS: dict[str, Callable[..., float]] = {
    function.__name__: function
    for function in (
        exponential.exp, exponential.exp2, exponential.exp10, exponential.expm1,
        exponential.log, exponential.log2, exponential.log10, exponential.log1p,
        exponential.pow, exponential.cbrt, exponential.hypot,
        exponential.sinh, exponential.cosh, exponential.tanh,
        exponential.asinh, exponential.acosh, exponential.atanh,
        circular.sin, circular.cos, circular.tan,
        circular.asin, circular.acos, circular.atan, circular.atan2,
        error_function.erf, error_function.erfc,
    )
}  # fmt: skip
_OF_TWO = ("pow", "hypot", "atan2")

# Of libm and not written here, and C helpers of Numba that call libm or BLAS, whose code depends on the processor.
_REFUSED = re.compile(
    r"(llvm\.)?(numba_)?(t|l)?gamma(_r)?f?|sincosf?|[jy][01n]f?|llvm\.(powi|sincos|sincospi|modf)\b.*"
    r"|numba_(cpowf?|xx\w+|ez_\w+|xgesv)"
)
_DECLARATION = re.compile(r'^declare (?:\w+ )*?(double|float|[^@]*?) ?@"([^"]+)"\(.*$', re.MULTILINE)
_DEFINITION = re.compile(r"^(define [^\n]*?)[ \t]*(\{?)[ \t]*$", re.MULTILINE)
_COVERED = re.compile(rf"(?:llvm\.|numba_)?({'|'.join(FUNCTIONS)})(?:f|\.f32|\.f64)?")
_PURE = "memory(none) nounwind willreturn"


def pin() -> None:
    """Make Numba compile for every x86-64-v3 processor alike, from here on.

    Raises:
        PortableError: this processor lacks instructions, or Numba has compiled for it already.
    """
    _check_processor()
    numba.config.CPU_NAME = PROCESSOR
    numba.config.CPU_FEATURES = ""
    numba.config.DISABLE_INTEL_SVML = 1
    codegen = cpu_target.target_context.codegen()
    if codegen.magic_tuple()[1:] != (PROCESSOR, ""):
        raise PortableError(
            "portable=True: Numba has compiled for this host's processor already; call "
            "evolearn.numerics.portable.enter() "
            "before anything else is imported, or set these environment variables before Python starts: "
            + " ".join(f"{name}={value}" for name, value in variables().items())
        )
    codegen._library_class = _PortableLibrary
    for name, function in FUNCTIONS.items():
        signature = types.float64(*[types.float64] * (2 if name in _OF_TWO else 1))
        compiled = numba.cfunc(signature, error_model="numpy", cache=True)(function)
        _KEPT.append(compiled)
        llvm.add_symbol(f"evolearn.{name}", compiled.address)


_KEPT: list[Any] = []  # machine code must outlive the symbols that point to it


class _PortableLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Numba's unit of code, its modules rewritten before LLVM sees them."""

    def add_ir_module(self, ir_module: ir.Module) -> None:
        """Rewrite and add a module; otherwise as Numba does it."""
        self._raise_if_finalized()
        module = llvm.parse_assembly(rewritten(cgutils.normalize_ir_text(str(ir_module))))
        module.name = ir_module.name
        module.verify()
        self.add_llvm_module(module)


def rewritten(text: str) -> str:
    """LLVM's assembly of a module, with own functions in the place of libm's.

    Raises:
        PortableError: it calls something that is not the same on every processor.
    """
    own: dict[str, int] = {}
    for match in list(_DECLARATION.finditer(text)):
        kind, name = match.groups()
        if _REFUSED.fullmatch(name):
            raise PortableError(
                f"portable=True: compiled code calls {name}, whose result depends on the processor and for which there "
                "is no portable function; do without it, or set portable=false"
            )
        covered = _COVERED.fullmatch(name)
        if covered is None:
            continue
        function = covered[1]
        arity = 2 if function in _OF_TWO else 1
        own[function] = arity
        place = f"evolearn.{function}" if kind == "double" else f"evolearn.{function}.single"
        replacement = "" if kind == "double" else _single(function, arity)
        if kind not in ("double", "float"):
            raise PortableError(f"portable=True: compiled code calls {name} for {kind}, which is not known here")
        text = text.replace(match[0], "" if f'@"{place}"' in text else replacement)
        text = text.replace(f'@"{name}"', f'@"{place}"')
    declared = "\n".join(
        f'declare double @"evolearn.{name}"({", ".join(["double"] * arity)}) {_PURE}' for name, arity in own.items()
    )
    return _DEFINITION.sub(r'\1 "reciprocal-estimates"="none" \2', text) + "\n" + declared + "\n"


def _single(name: str, arity: int) -> str:
    """The float32 function: the float64 one, rounded."""
    arguments = ["%x", "%y"][:arity]
    wide = "\n".join(f"  {argument}.wide = fpext float {argument} to double" for argument in arguments)
    return (
        f'define internal float @"evolearn.{name}.single"({", ".join(f"float {each}" for each in arguments)}) '
        f"alwaysinline {_PURE}\n{{\n{wide}\n"
        f'  %result = call double @"evolearn.{name}"({", ".join(f"double {each}.wide" for each in arguments)})\n'
        "  %narrow = fptrunc double %result to float\n  ret float %narrow\n}"
    )


def _check_processor() -> None:
    if platform.machine() not in ("x86_64", "AMD64"):
        raise PortableError(
            f"portable=True: this machine is {platform.machine()}, and portable mode is for x86-64 processors; set "
            "portable=false, or use another machine"
        )
    features = llvm.get_host_cpu_features()
    missing = [name for name in _NEEDED if not features.get(name, False)]
    if missing:
        raise PortableError(
            f"portable=True: the processor of this host ({cpu_model()}) lacks {', '.join(missing)}; portable mode "
            f"needs {PROCESSOR}; leave this host out, or set portable=false"
        )
