"""Libraries that choose their code by the processor: NumPy, torch and what lies below them.

Compiled code computes the same bits everywhere, see `evolearn.numerics._same_bits`. Search and decoding use these
libraries too, and their code for one processor adds up in another order than that for another. They choose when they
are imported, by environment variables, so `import evolearn` sets these first of all. Nothing heavy is imported here.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path

# What every processor with AVX2 and FMA has, so Intel's since 2013 and AMD's since 2015.
_OF_ALL = {
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
}
_OF_NUMPY = {"NPY_ENABLE_CPU_FEATURES": "X86_V3"}
_NUMPY_KNOWS = (2, 4)  # from this version on NumPy has a name for that; earlier ones refuse it
_CHOOSING = ("numpy", "torch")
_ENOUGH = 4096  # bytes of /proc/cpuinfo in which the first core is


def variables() -> dict[str, str]:
    """The environment variables that make them choose alike; none where this processor has no counterpart."""
    if not (sys.platform == "linux" and os.uname().machine == "x86_64" and {"avx2", "fma"} <= _features()):
        return {}
    return _OF_ALL | (_OF_NUMPY if _numpy_version() >= _NUMPY_KNOWS else {})


def _features() -> set[str]:
    try:
        with open("/proc/cpuinfo", "rb") as file:
            found = re.search(rb"^flags\s*:(.*)$", file.read(_ENOUGH), re.MULTILINE)
    except OSError:
        return set()
    return set(found[1].decode().split()) if found else set()


def _numpy_version() -> tuple[int, ...]:
    spec = importlib.util.find_spec("numpy")
    try:
        text = Path(str(spec and spec.origin)).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return ()
    found = re.search(r"""^version = ["'](\d+)\.(\d+)""", text, re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else ()


def _settle() -> tuple[str, ...]:
    wanted = variables()
    if wanted and all(os.environ.get(name) == value for name, value in wanted.items()):
        return ()  # set by the process that started this one
    if wanted:
        os.environ.pop("NPY_DISABLE_CPU_FEATURES", None)  # NumPy refuses to start with both
        os.environ.update(wanted)
    late = [name for name in _CHOOSING if name in sys.modules or not wanted]
    if _numpy_version() < _NUMPY_KNOWS and "numpy" not in late:
        late.insert(0, "numpy")
    return tuple(late)


# Those that have chosen by this processor in this process, or will.
CHOSEN_BY_PROCESSOR = _settle()
