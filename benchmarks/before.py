"""The kernel before it was specialised per shape: an old commit of this project, run beside today's.

It lies in a temporary folder with a compile cache of its own. ``python -m benchmarks.before [SHAPE] [--updates N]``
prints the old kernel's line for `benchmarks.__main__`. Where git does not know the commit there is none.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import work
from benchmarks.measured import Measured
from benchmarks.turns import LIVES, SHAPES, STEPS

COMMIT = "9a26709ee4b462854345de1f23335fce9a296e64"
FOLDER = "EVOLEARN_BENCHMARKS_BEFORE"  # environment: where the programs of one sitting share the checkout
ROOT = Path(__file__).parent.parent


class Turns:
    """A process that lives when it is told to."""

    def __init__(self, checkout: Path, shape: str, updates: int, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("turns.py")), shape, str(updates)],
            env={**os.environ, "PYTHONPATH": str(checkout), **environment},
            cwd=checkout,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()  # compiled

    def __call__(self) -> float:
        """Live once more; seconds."""
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline() or sys.exit("the lives ended early")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@contextlib.contextmanager
def living_before(shape: str, updates: int) -> Iterator[Turns]:
    """The old kernel, compiled; exits where there is no such commit."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(os.environ.get(FOLDER, temporary))
        checkout = folder / "checkout"
        if not checkout.exists():
            archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, capture_output=True, check=False)
            if archive.returncode:
                sys.exit(f"left out: git does not know commit {COMMIT[:7]} here")
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
                tar.extractall(checkout, filter="data")
        compiled = str(folder / "compiled")
        with contextlib.closing(Turns(checkout, shape, updates, NUMBA_CACHE_DIR=compiled)) as turns:
            yield turns


def times_as_fast(shape: str, quick: bool) -> Measured:
    """How many times as fast today's kernel is, the two in alternation."""
    updates = work.UPDATES // (10 if quick else 1)
    with living_before(shape, updates) as before, contextlib.closing(Turns(ROOT, shape, updates)) as today:
        pairs = [(before(), today()) for _ in range(2 if quick else 7)]
    old, new = (LIVES * updates * STEPS / statistics.median(column) / 1e6 for column in zip(*pairs, strict=True))
    ratio = statistics.median(before / today for before, today in pairs)
    return Measured(ratio, f"{old:.2f} M steps/s at {COMMIT[:7]}, {new:.2f} M today")


def main() -> None:
    """Time the old kernel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=SHAPES, nargs="?", default="cart-pole")
    parser.add_argument("--updates", type=int, default=work.UPDATES)
    options = parser.parse_args()
    with living_before(options.shape, options.updates) as live:
        work.say(LIVES * options.updates * STEPS, live())


if __name__ == "__main__":
    main()
