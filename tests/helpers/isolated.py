"""An interpreter that has some packages and what they require, and nothing else of this environment."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement


def folder_with(packages: list[str], folder: Path) -> Path:
    """Links in `folder` to installed distributions, and to all that they require here."""
    folder.mkdir(exist_ok=True)
    waiting, linked = list(packages), set()
    while waiting:
        name = waiting.pop()
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another platform
        if distribution.name in linked:
            continue
        linked.add(distribution.name)
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            target = Path(str(distribution.locate_file(top)))
            if target.exists() and not (folder / top).exists():
                (folder / top).symlink_to(target)
        needs = [Requirement(text) for text in distribution.requires or ()]
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return folder


def run_isolated(folder: Path, arguments: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python without its site-packages, but with `folder`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-S", *arguments]
    environment["PYTHONPATH"] = str(folder)
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120)
