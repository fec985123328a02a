"""The picture of where the verdict turns: what foals are born able to do, and what their lives come to, by the dial.

    python -m benchmarks.dial [--to docs/dial.png]

It draws the table of docs/foal.md, which `evolearn study dial` came to: interquartile means over ten runs per arm.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

DOCS = Path(__file__).parent.parent / "docs"
HEADING = "| body | born: evolved / instinct |"
BORN, WHOLE = 1, 4  # columns
ARMS = {
    "instinct": ("instinct: never learns", "#cc79a7", "D"),
    "evolved": ("evolved: learns", "#d55e00", "o"),
    "blank": ("tuned blank slate", "#0072b2", "s"),
}
BLANK_AT_BIRTH = 0.09  # at every angle, as the text below the table says
DPI = 200


def read(page: str) -> tuple[list[float], dict[str, list[float]], dict[str, list[float]]]:
    """Angles of the dial in degrees, and by arm the score at birth and over the whole life, of 1, at each of them."""
    rows = [line.strip("| ").split(" | ") for line in page.split(HEADING)[1].split("\n\n")[0].splitlines()[2:]]
    angles = [float(row[0].removeprefix("alpha ")) for row in rows]
    born = [[float(score) for score in row[BORN].split(" / ")] for row in rows]
    whole = [[float(score) for score in row[WHOLE].split(" / ")] for row in rows]
    at_birth = {"evolved": [one[0] for one in born], "instinct": [one[1] for one in born]}
    over_life = {name: [one[place] for one in whole] for place, name in enumerate(("evolved", "instinct", "blank"))}
    return angles, at_birth | {"blank": [BLANK_AT_BIRTH] * len(rows)}, over_life


def draw(page: str, to: Path) -> None:
    """Write the picture."""
    angles, at_birth, over_life = read(page)
    figure, both = plt.subplots(1, 2, figsize=(8.4, 3.5), sharey=True, layout="constrained")
    for axes, scores, title in zip(
        both, (at_birth, over_life), ("at birth", "over a life of 20,000 steps"), strict=True
    ):
        for name, (label, colour, marker) in ARMS.items():
            axes.plot(angles, scores[name], color=colour, marker=marker, label=label, linewidth=1.8, markersize=5)
        axes.set(title=title, xlabel="alpha, degrees: how unpredictable the body is", xticks=[0, 30, 60, 70, 80, 90])
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e6e9ec")
    both[0].set(ylabel="score, of 1", ylim=(0, 1.05))
    both[1].legend(frameon=False, loc="lower left")
    figure.savefig(to, dpi=DPI, metadata={"Software": None})


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description="The picture of where the verdict turns.")
    parser.add_argument("--to", type=Path, default=DOCS / "dial.png")
    draw((DOCS / "foal.md").read_text(encoding="utf-8"), parser.parse_args().to)


if __name__ == "__main__":
    main()
