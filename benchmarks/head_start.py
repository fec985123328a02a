"""The picture of the README: how well evolved foals and tuned blank slates do as they grow up, a line for each run.

    python -m benchmarks.head_start STUDY [--to docs/head-start.png]

STUDY is the directory that `evolearn study zebra` writes. A line is the mean over the run's test lives, learning on, in
windows of 500 steps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq

matplotlib.use("Agg")
from matplotlib import pyplot as plt

ARMS = {"tuned_blank": ("tuned blank slates", "#0072b2"), "evolved": ("evolved foals, from birth on", "#d55e00")}
LABELS = {"evolved": (300, 1.05), "tuned_blank": (8_800, 0.6)}  # age and score
WINDOW = 5  # age bins, of 100 steps each
DPI = 200


def curves(study: Path, arm: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Ages in the middle of windows, [W], and the mean score of each run in each window, [R, W]."""
    table = pq.read_table(study / "lives.parquet", columns=["arm", "run", "learning", "lifetime", "age", "score"])
    longest = pc.max(table["lifetime"])
    rows = table.filter((pc.field("arm") == arm) & pc.field("learning") & (pc.field("lifetime") == longest))
    ages = np.unique(rows["age"].to_numpy())
    runs, at = rows["run"].to_numpy(), np.searchsorted(ages, rows["age"].to_numpy())
    sums, counts = np.zeros((runs.max() + 1, len(ages))), np.zeros((runs.max() + 1, len(ages)))
    np.add.at(sums, (runs, at), rows["score"].to_numpy())
    np.add.at(counts, (runs, at), 1.0)
    scores = (sums / counts).reshape(len(sums), -1, WINDOW).mean(axis=2)
    return ages.reshape(-1, WINDOW).mean(axis=1) - ages[0] / 2, scores


def draw(study: Path, to: Path) -> None:
    """Write the picture."""
    figure, axes = plt.subplots(figsize=(7.2, 3.4))
    for arm, (label, colour) in ARMS.items():
        ages, scores = curves(study, arm)
        for run in scores:
            axes.plot(ages, run, color=colour, linewidth=1.4, alpha=0.6)
        axes.text(*LABELS[arm], f"{len(scores)} {label}", color=colour, fontsize=13)
    axes.set(xlabel="age, steps of life", ylabel="share of steps upright\nand close to its mother", xlim=(0, 20_000))
    axes.set(ylim=(0, 1.15), xticks=range(0, 20_001, 5_000), yticks=np.linspace(0, 1, 6))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e9ec")
    figure.savefig(to, dpi=DPI, bbox_inches="tight", metadata={"Software": None})


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description="The picture of the README.")
    parser.add_argument("study", type=Path)
    parser.add_argument("--to", type=Path, default=Path(__file__).parent.parent / "docs" / "head-start.png")
    asked = parser.parse_args()
    draw(asked.study, asked.to)


if __name__ == "__main__":
    main()
