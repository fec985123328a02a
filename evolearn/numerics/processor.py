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


_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")  # Linux


@functools.cache
def cache_sizes() -> tuple[int, int]:
    """Bytes of this host's first cache for data and of its second; where nobody says, those of most processors."""
    sizes = {1: 32 * 1024, 2: 512 * 1024}
    with contextlib.suppress(OSError, ValueError):
        for cache in _CACHES.glob("index*"):
            level, kind, size = ((cache / name).read_text().strip() for name in ("level", "type", "size"))
            if kind != "Instruction" and int(level) in sizes:
                sizes[int(level)] = int(size.removesuffix("K")) * 1024
    return sizes[1], sizes[2]
