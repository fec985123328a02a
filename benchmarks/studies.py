"""How well a study uses the machine, and how long its statistics and page take."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measured import MEGABYTE, Measured

ROOT = Path(__file__).parent.parent
SIZES = {"conditions": 10, "arms": 6, "runs": 10, "lives": 64}


def cores_busy(quick: bool) -> Measured:
    """Share of all cores' time that the shipped quick study keeps busy, from typing the command to the page."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "evolearn.cli.app", "study", "zebra", "--out", str(Path(folder) / "study")]
        small = ["run.search.generations=4", "run.evaluation.lives=8"] if quick else []
        before, start = _children_seconds(), time.perf_counter()
        subprocess.run([*command, *small], check=True, capture_output=True)
        wall = time.perf_counter() - start
    busy = _children_seconds() - before
    cores = os.cpu_count() or 1
    return Measured(busy / (wall * cores), f"{wall:.0f} s on {cores} cores")


def judge_and_report(quick: bool) -> Measured:
    """Seconds for statistics and page of a study of the size in SIZES, figures for papers included."""
    seconds, detail, _ = _judged(quick)
    return Measured(seconds, detail)


def page_size(quick: bool) -> Measured:
    """Megabytes of that study's page."""
    _, detail, size = _judged(quick)
    return Measured(size / MEGABYTE, detail)


def _judged(quick: bool) -> tuple[float, str, int]:
    sys.path.insert(0, str(ROOT / "tests"))  # made-up lives, as the tests have them
    from study_on_disk import write_study
    from synthetic_lives import ZOO, full_verdict

    from evolearn.report import write_report

    conditions = {f"alpha {10 * place}": place / SIZES["conditions"] for place in range(SIZES["conditions"])}
    runs = 3 if quick else SIZES["runs"]
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        start = time.perf_counter()
        verdict = full_verdict(runs=runs, lives=SIZES["lives"], conditions=conditions, resamples=2000)
        judged = time.perf_counter()
        write_study(study, verdict)
        page = write_report(study)
        done = time.perf_counter()
        size = page.stat().st_size
    detail = (
        f"{len(ZOO)} arms x {runs} runs x {len(conditions)} conditions: statistics {judged - start:.1f} s, "
        f"page, figures and tables {done - judged:.1f} s, page {size / MEGABYTE:.1f} MB"
    )
    return done - start, detail, size


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
