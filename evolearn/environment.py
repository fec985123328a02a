"""What a result may depend on beside its config: versions, commit, processor, threads."""

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evolearn.numerics import CHOSEN_BY_PROCESSOR, cpu_model, processor_type

# Code of these makes results, or carries them from host to host.
_CODE = ("numba", "llvmlite", "numpy", "gymnasium", "mujoco", "box2d-py", "ray")
ARITHMETIC = 2  # how compiled code computes; what changes its bits raises it
_PACKAGES = ("evolearn", "evotorch", "torch", "numba", "numpy", "gymnasium", "ray", "safetensors")


def describe_environment(lived_on: Mapping[str, Any]) -> dict[str, Any]:
    """Versions, commit, processor, and what lives are lived on: what a result may depend on."""
    return {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": package_versions(),
        "commit": _commit(),
        "platform": platform.platform(),
        "cpu": cpu_model(),
        "processor_type": processor_type()[1],
        "arithmetic": ARITHMETIC,
        "chose_code_by_processor": list(CHOSEN_BY_PROCESSOR),
        **lived_on,
    }


def package_versions() -> dict[str, str | None]:
    """Installed versions of what results may depend on."""
    return {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def code_identity() -> dict[str, str]:
    """What two hosts must share for their lives to be the same: versions, and commit and sources of evolearn."""
    root = Path(__file__).resolve().parent
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    if not (root / "worlds").is_dir():  # a checkout, see evolearn/worlds.py
        files |= {f"worlds/{path.name}": path for path in (root.parent / "worlds").glob("*.py")}
    sources = hashlib.sha256()
    for name, path in sorted(files.items()):
        sources.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "evolearn": str(_version("evolearn")),
        "commit": (_commit() or "")[:12],
        "sources": sources.hexdigest()[:12],
        **{name: str(_version(name)) for name in _CODE},
    }


def code_differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """What differs between the code of two hosts, both named; nothing if lives are the same on them.

    Args:
        ours: `code_identity` of the host that speaks.
        theirs: of another one.
    """
    differs = {name for name in ours if ours[name] != theirs.get(name)}
    if not (ours["commit"] and theirs.get("commit")):
        differs.discard("commit")  # of an installed package it is not known
    own = {"evolearn", "commit", "sources"}
    texts = [f"{name} {ours[name]} here, {theirs.get(name)} there" for name in ours if name in differs - own]
    if differs & own:
        texts.insert(0, f"evolearn {_spoken(ours)} here, {_spoken(theirs)} there")
    return texts


def _spoken(identity: Mapping[str, str]) -> str:
    commit = f"commit {identity['commit']}, " if identity.get("commit") else ""
    return f"{identity.get('evolearn')} ({commit}sources {identity.get('sources')})"


def _commit() -> str | None:
    """Commit of the source, with a plus sign if it was changed since; none outside a checkout."""
    folder = Path(__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return None
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty=+"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
