"""The processor that this process runs on: its name, and what libraries choose their code by."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import platform
from pathlib import Path


def cpu_model() -> str:
    """The name of this host's processor."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@functools.cache
def processor_type() -> tuple[str, str]:
    """Name of this host's processor, and what libraries choose their code by: its instructions, and the C library.

    Compiled code computes the same on all; environments that are not compiled need not.
    """
    import llvmlite.binding

    features = llvmlite.binding.get_host_cpu_features()
    able = ",".join(sorted(name for name, has in features.items() if has))
    kind = f"{llvmlite.binding.get_host_cpu_name()} {hashlib.sha256(able.encode()).hexdigest()[:8]}"
    return cpu_model(), f"{kind}, {' '.join(platform.libc_ver()).strip() or platform.system()}"
