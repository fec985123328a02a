"""The kernel as it was: an old commit of this project, run beside today's.

It lies in a temporary folder with a compile cache of its own. ``python -m benchmarks.before [SHAPE] [--updates N]``
prints the line of the kernel before it was specialised, for `benchmarks.__main__`. Where git does not know the commit
there is none.

``python -m benchmarks.before --beside COMMIT [--rounds N]`` asks what brains without a memory lost or won since any
commit, learning and frozen: both kernels on one thread of one core, in turns, by the processor's time.
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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import work
from benchmarks.measured import Measured
from benchmarks.turns import FROZEN, LIVES, SHAPES, STEPS, TABLES

COMMIT = "9a26709ee4b462854345de1f23335fce9a296e64"
MEMORYLESS = "41175bf"  # the last one before brains could remember
KEPT = ("cart-pole", f"cart-pole{FROZEN}", "bandit", f"bandit{FROZEN}")  # shapes that must have lost nothing since
FOLDER = "EVOLEARN_BENCHMARKS_BEFORE"  # environment: where the programs of one sitting share the checkout
ROOT = Path(__file__).parent.parent


class Took(NamedTuple):
    """What a turn took, in seconds."""

    wall: float
    processor: float


class Turns:
    """A process that lives when it is told to, by a line, and answers by a line; its first says that it is ready."""

    def __init__(self, command: Sequence[str], folder: Path = ROOT, **environment: str) -> None:
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()  # compiled

    def __call__(self) -> str:
        """Live once more."""
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline() or sys.exit("the lives ended early")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


class Kernel(Turns):
    """Lives of one shape, by a checkout's kernel; on all cores unless told how many workers."""

    def __init__(self, checkout: Path, shape: str, updates: int, workers: int | None = None, **environment: str):
        command = [sys.executable, "-P", str(Path(__file__).with_name("turns.py")), shape, str(updates)]
        command += [] if workers is None else [str(workers)]
        super().__init__(command, checkout, PYTHONPATH=str(checkout), **environment)

    def took(self) -> Took:
        """Live once more."""
        return Took(*map(float, self().split()))


@contextlib.contextmanager
def living_before(shape: str, updates: int, commit: str, workers: int | None = None) -> Iterator[Kernel]:
    """The kernel of a commit, compiled; exits where git does not know it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(os.environ.get(FOLDER, temporary)) / commit
        checkout = folder / "checkout"
        if not checkout.exists():
            archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
            if archive.returncode:
                sys.exit(f"left out: git does not know commit {commit[:7]} here")
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
                tar.extractall(checkout, filter="data")
        compiled = str(folder / "compiled")
        with contextlib.closing(Kernel(checkout, shape, updates, workers, NUMBA_CACHE_DIR=compiled)) as kernel:
            yield kernel


def on_one_core() -> None:
    """Keep this process, and those that it starts, to one core where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def ratios_since(commit: str, shape: str, rounds: int, updates: int = work.UPDATES) -> list[float]:
    """How many times as fast one thread is today as at `commit`, in every round, by the processor's time."""
    with (
        living_before(shape, updates, commit, workers=1) as before,
        contextlib.closing(Kernel(ROOT, shape, updates, workers=1)) as today,
    ):
        # Whoever lives second finds the caches as the first left them, so they swap.
        pairs = []
        for number in range(rounds):
            first, second = (before, today) if number % 2 else (today, before)
            took = {first: first.took().processor, second: second.took().processor}
            pairs.append(took[before] / took[today])
    return pairs


def nothing_lost(quick: bool) -> Measured:
    """Speed of the shape that lost the most since brains could not remember, as a share of what it was."""
    on_one_core()
    rounds, updates = (4, work.UPDATES // 10) if quick else (21, work.UPDATES)
    shares = {shape: statistics.median(ratios_since(MEMORYLESS, shape, rounds, updates)) for shape in KEPT}
    return Measured(min(shares.values()), ", ".join(f"{shape} {share:.3f}" for shape, share in shares.items()))


def times_as_fast(shape: str, quick: bool) -> Measured:
    """How many times as fast today's kernel is, the two in alternation."""
    updates = work.UPDATES // (10 if quick else 1)
    with living_before(shape, updates, COMMIT) as before, contextlib.closing(Kernel(ROOT, shape, updates)) as today:
        pairs = [(before.took().wall, today.took().wall) for _ in range(2 if quick else 7)]
    old, new = (LIVES * updates * STEPS / statistics.median(column) / 1e6 for column in zip(*pairs, strict=True))
    ratio = statistics.median(before / today for before, today in pairs)
    return Measured(ratio, f"{old:.2f} M steps/s at {COMMIT[:7]}, {new:.2f} M today")


def main() -> None:
    """Time the old kernel, or both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.before", description=__doc__)
    shapes = [*SHAPES, *(shape + FROZEN for shape in SHAPES), *TABLES]
    parser.add_argument("shape", choices=shapes, nargs="?", help="cart-pole; with --beside, several if not given")
    parser.add_argument("--updates", type=int, default=work.UPDATES)
    parser.add_argument("--beside", metavar="COMMIT", help="compare today's kernel with that of a commit")
    parser.add_argument("--rounds", type=int, default=21, help="turns of both, with --beside")
    options = parser.parse_args()
    if options.beside is None:
        if options.shape in TABLES:
            parser.error(f"{options.shape}: must be with --beside; commit {COMMIT[:7]} does not know it")
        with living_before(options.shape or "cart-pole", options.updates, COMMIT) as kernel:
            work.say(LIVES * options.updates * STEPS, kernel.took().wall)
        return
    on_one_core()
    print(f"| today : {options.beside[:7]}, speed | median | min - max |\n|---|---|---|", flush=True)
    for shape in [options.shape] if options.shape else KEPT:
        ratios = ratios_since(options.beside, shape, options.rounds, options.updates)
        middle = statistics.median(ratios)
        print(f"| {shape} | {middle:.3f} | {min(ratios):.3f} - {max(ratios):.3f} |", flush=True)


if __name__ == "__main__":
    main()
