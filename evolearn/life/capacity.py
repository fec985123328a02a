"""What this machine has room for: memory that may be asked for, and threads or processes that are of any use."""

from __future__ import annotations

import os
from pathlib import Path

THREADS_PER_CORE = 4  # beyond it they only wait for each other
PROCESSES_PER_CORE = 8  # environments may wait for something else than a core
PROCESS_BYTES = 300 << 20  # of a process with Python, NumPy, Numba and an environment, about

_CGROUPS = (  # of the two versions: limit, use, and what of that is files that make way for others
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)


def available_memory() -> int | None:
    """Bytes of RAM that this process may still take, about; None where that is not known."""
    known: list[int] = []
    for line in _said("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            known.append(1024 * int(line.split()[1]))
    for limit, used, files in _CGROUPS:
        most, taken = _said(f"/sys/fs/cgroup/{limit}").strip(), _said(f"/sys/fs/cgroup/{used}").strip()
        if most.isdigit() and taken.isdigit():
            parts = dict(line.split() for line in _said(f"/sys/fs/cgroup/{used.rpartition('.')[0]}.stat").splitlines())
            kept = int(taken) - int(parts.get(files, 0))
            known.append(max(0, int(most) - kept))
    return min(known, default=None)


def most_workers(processes: bool) -> int:
    """Workers that are of any use here, at least 1.

    Args:
        processes: each of them is a process; else a thread.
    """
    cores = os.cpu_count() or 1
    if not processes:
        return THREADS_PER_CORE * cores
    memory = available_memory()
    room = PROCESSES_PER_CORE * cores if memory is None else memory // PROCESS_BYTES
    return max(1, min(PROCESSES_PER_CORE * cores, room))


def _said(file: str) -> str:
    try:
        return Path(file).read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
