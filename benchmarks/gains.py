"""Had the searches of a study stopped gaining? What their centres scored along the way, and gained late, over all runs.

    python -m benchmarks.gains STUDY [--markdown]

STUDY is a directory of a finished study. For every arm that evolves, the mean score of the centre over runs in each
eighth of its generations, and what the verdict says of the end: what the last quarter of generations gained over the
quarter before, with its interval over runs, as a share of the way from random to the oracle; and how many runs climb
when each is asked by itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.bandits import Answer, tell
from evolearn.errors import UserError
from evolearn.study import open_study

Floats = npt.NDArray[np.float64]

PARTS = 8


def along(curves: Sequence[Sequence[float]]) -> Floats:
    """Mean score over runs in each of PARTS equal parts of the generations, [PARTS].

    Args:
        curves: of one run each, by generation; at least PARTS generations.
    """
    return np.array([[np.mean(part) for part in np.array_split(curve, PARTS)] for curve in curves]).mean(axis=0)


def searches(verdict: Mapping[str, Any]) -> Answer:
    """The table of a study's verdict.

    Raises:
        UserError: a study of one run per arm, or none of whose arms evolved for PARTS generations, or one judged by
            older code.
    """
    rows: list[tuple[str, ...]] = []
    for condition in verdict["conditions"]:
        if condition["runs"] < 2:
            raise UserError("STUDY: has one evolution run per arm, and intervals are over runs: must have at least 2")
        for arm, entry in condition["arms"].items():
            evolution = entry.get("evolution")
            if not evolution:
                continue
            if "gain" not in evolution:
                raise UserError(
                    "STUDY: its verdict.json is older than this table; delete it, and evolearn resume STUDY judges anew"
                )
            runs, gain = evolution["runs"], evolution["gain"]
            if gain is None or any(len(run["centre"]) < PARTS for run in runs):
                continue
            scores = (f"{score:.4g}" for score in along([run["centre"] for run in runs]))
            late = f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]{', gaining' * (gain['low'] > 0)}"
            climbing = sum(bool(run["climbing"]) for run in runs)
            rows.append((condition["name"], arm, *scores, late, f"{climbing} of {len(runs)}"))
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
        tell([searches(open_study(options.study).read_verdict())], options.markdown, width=170)
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
