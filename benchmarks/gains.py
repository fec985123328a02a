"""Had the searches of a study stopped gaining? What their centres scored along the way, and gained late, over all runs.

    python -m benchmarks.gains STUDY [--markdown]

STUDY is a directory of a finished study. For every arm that evolves, the mean score of the centre over runs in each
eighth of its generations, and what the last quarter of them gained over the quarter before, with a 95% interval over
runs (Student's), as a share of the way from random to the oracle. A verdict asks each run by itself whether it still
climbs, by the noise between its generations; runs taken together show gains that none shows alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from benchmarks.bandits import Answer, tell
from evolearn.errors import UserError
from evolearn.study import open_study

Floats = npt.NDArray[np.float64]

PARTS = 8
LEVEL = 0.05


def along(curves: Sequence[Sequence[float]]) -> Floats:
    """Mean score over runs in each of PARTS equal parts of the generations, [PARTS].

    Args:
        curves: of one run each, by generation; at least PARTS generations.
    """
    return np.array([[np.mean(part) for part in np.array_split(curve, PARTS)] for curve in curves]).mean(axis=0)


def with_interval(values: Sequence[float]) -> str:
    """A mean over runs with its interval, and whether all of it is above 0."""
    mean, runs = float(np.mean(values)), len(values)
    half = float(t.ppf(1 - LEVEL / 2, runs - 1) * np.std(values, ddof=1) / np.sqrt(runs))
    return f"{mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}]{', gaining' * (mean - half > 0)}"


def searches(verdict: Mapping[str, Any]) -> Answer:
    """The table of a study's verdict.

    Raises:
        UserError: a study of one run per arm, or none of whose arms evolved for PARTS generations.
    """
    rows: list[tuple[str, ...]] = []
    for condition in verdict["conditions"]:
        if condition["runs"] < 2:
            raise UserError("STUDY: has one evolution run per arm, and intervals are over runs: must have at least 2")
        for arm, entry in condition["arms"].items():
            runs = (entry.get("evolution") or {}).get("runs", [])
            if len(runs) < 2 or any(run["gain"] is None or len(run["centre"]) < PARTS for run in runs):
                continue
            scores = (f"{score:.4g}" for score in along([run["centre"] for run in runs]))
            gain = with_interval([run["gain"]["value"] for run in runs])
            climbing = sum(bool(run["climbing"]) for run in runs)
            rows.append((condition["name"], arm, *scores, gain, f"{climbing} of {len(runs)}"))
    if not rows:
        raise UserError(f"STUDY: no arm of it evolved for {PARTS} generations or more in two runs with a known scale")
    heads = "condition", "arm", *(f"{part}/{PARTS}" for part in range(1, PARTS + 1)), "late gain", "runs that climb"
    return Answer("the centre's score by eighth of the search, and the gain of its last quarter", heads, rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gains", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    try:
        file = open_study(options.study).path / "verdict.json"
        if not file.exists():
            raise UserError(f"STUDY={options.study}: has no verdict yet; evolearn resume {options.study} finishes it")
        tell([searches(json.loads(file.read_text()))], options.markdown, width=170)
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
