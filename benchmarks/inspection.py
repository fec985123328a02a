"""How long `evolearn inspect` takes, as whole commands, against what this project promises: full 2 min, --quick 15 s.

    python -m benchmarks.inspection [--generations N] [--rounds N] [--workers N]

Evolves the shipped `zebra` for some generations, then inspects it; start-up is included, the compilation of worlds that
were never used on this machine is not, since evolving them came before. Processor time is that of the command with all
that it started. Medians over rounds, in which both take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

TARGETS = {"full": 120.0, "quick": 15.0}  # s, wall


class Took(NamedTuple):
    """What a command took, in seconds."""

    wall: float
    processor: float


def timed(*arguments: str) -> Took:
    """Run evolearn and wait for it."""
    before, start = _children_seconds(), time.perf_counter()
    subprocess.run([sys.executable, "-m", "evolearn.cli.app", *arguments], check=True, capture_output=True)
    return Took(time.perf_counter() - start, _children_seconds() - before)


def inspect(run: Path, rounds: int, workers: tuple[str, ...]) -> tuple[dict[str, list[Took]], dict[str, float]]:
    """What full and quick inspections took, and the seconds of each section of the last full one."""
    took: dict[str, list[Took]] = {name: [] for name in TARGETS}
    for _ in range(rounds):
        for name in TARGETS:
            out = run.parent / name
            how = ["--quick"] if name == "quick" else []
            took[name].append(timed("inspect", str(run), "--out", str(out), *how, *workers))
    content = json.loads((run.parent / "full" / "inspection.json").read_text())
    return took, {entry["key"]: entry["seconds"] for entry in content["sections"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generations", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, help="all cores if not given")
    arguments = parser.parse_args()
    workers = () if arguments.workers is None else ("--workers", str(arguments.workers))
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "zebra"
        evolved = timed("run", "zebra", f"search.generations={arguments.generations}", "--out", str(run), *workers)
        print(f"zebra, {arguments.generations} generations: evolved in {evolved.wall:.0f} s", flush=True)
        took, sections = inspect(run, arguments.rounds, workers)
    for name, target in TARGETS.items():
        wall, processor = (statistics.median(column) for column in zip(*took[name], strict=True))
        met = "met" if wall <= target else "MISSED"
        spread = ", ".join(f"{each.wall:.1f}" for each in took[name])
        print(f"{name}: {wall:.1f} s ({spread}), {processor:.1f} s of processor; target {target:.0f} s: {met}")
    print("full, by section: " + ", ".join(f"{key} {seconds:.1f} s" for key, seconds in sections.items()))
    print(f"{arguments.workers or os.cpu_count()} workers, load {os.getloadavg()[0]:.1f}")


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
