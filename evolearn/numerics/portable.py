"""Portable mode, the part without heavy imports: whether this process is in it, and how it gets there.

The mode is one per process, chosen by environment variables before anything that computes is imported. What it does to
compiled code is in `evolearn.numerics._portable_target`.
"""

from __future__ import annotations

import os
import sys

from evolearn.errors import UserError

SWITCH = "EVOLEARN_PORTABLE"
PROCESSOR = "x86-64-v3"  # that of LLVM; AVX2 and fused multiply-add, as x86 servers have had since 2013 to 2017

# What else computes picks its code by processor as well. Here it is told to pick what every such processor has.
_VARIABLES = {
    SWITCH: "1",
    "NUMBA_CPU_NAME": PROCESSOR,
    "NUMBA_CPU_FEATURES": "",
    "NUMBA_DISABLE_INTEL_SVML": "1",
    "NPY_ENABLE_CPU_FEATURES": "X86_V3",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
}
_COMPUTES = ("numpy", "numba", "torch")


class PortableError(UserError):
    """Something that cannot be portable; the text says what and what to do."""


def variables() -> dict[str, str]:
    """The environment variables of a portable process; a worker process must have them when it starts."""
    return dict(_VARIABLES)


def is_on() -> bool:
    """Whether this process is in portable mode."""
    return os.environ.get(SWITCH) == "1"


def enter() -> None:
    """Put this process, and those that it starts, into portable mode.

    Raises:
        PortableError: it is too late: something that computes has been imported.
    """
    if all(os.environ.get(name) == value for name, value in _VARIABLES.items()):
        return
    late = [name for name in _COMPUTES if name in sys.modules]
    if late:
        raise PortableError(
            f"portable=True: {', '.join(late)} is imported already, and has chosen its code by this processor; set the "
            f"environment variable {SWITCH}=1 before Python starts, or call "
            "evolearn.numerics.portable.enter() first of all"
        )
    os.environ.pop("NPY_DISABLE_CPU_FEATURES", None)  # NumPy refuses to start with both
    os.environ.update(_VARIABLES)


def disagreement(portable: bool) -> str | None:
    """What is wrong if a config and this process do not agree on portable mode, and what to do; None if they do."""
    if portable and not is_on():
        return (
            f"portable=True: this process is not in portable mode; call evolearn.numerics.portable.enter() before "
            f"anything "
            f"else is imported, or set the environment variable {SWITCH}=1 before Python starts"
        )
    if is_on() and not portable:
        return (
            f"portable=False: this process is in portable mode, in which results are others; set portable=true, or "
            f"unset the environment variable {SWITCH}"
        )
    return None
