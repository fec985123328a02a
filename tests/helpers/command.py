"""Shared by tests: evolearn."""

import subprocess
import sys
from pathlib import Path


def evolearn(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evolearn.cli.app", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
