"""Draw runs: how evolution went, and what each arm scores by age.

Usage: python -m docs.draw_runs PICTURE RUN [RUN ...]
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import yaml
from matplotlib.ticker import MaxNLocator

# Arms that do equally well lie on each other: widths and dashes keep all of them in sight.
ARMS = {
    "oracle": {"label": "oracle", "color": "0.82", "linewidth": 6},
    "evolved": {"label": "evolved", "color": "#d1495b", "linewidth": 2.5},
    "evolved_frozen": {"label": "evolved, learning off", "color": "black", "linestyle": "--", "linewidth": 1.2},
    "random": {"label": "random", "color": "0.6", "linewidth": 3},
    "blank": {"label": "blank slate", "color": "#00798c", "linewidth": 1.2},
}


def draw(picture: Path, runs: list[Path]) -> None:
    """Write one row of two panels per run to `picture`."""
    figure, axes = plt.subplots(len(runs), 2, figsize=(10, 3.2 * len(runs)), squeeze=False, layout="constrained")
    for (left, right), run in zip(axes, runs, strict=True):
        config = yaml.safe_load((run / "config.yaml").read_text())
        draw_evolution(left, run, config)
        draw_lives(right, run, config)
    figure.savefig(picture, dpi=110)


def draw_evolution(axes: plt.Axes, run: Path, config: dict) -> None:
    """Fitness by generation."""
    rows = [json.loads(line) for line in (run / "generations.jsonl").read_text().splitlines()]
    generations = [row["generation"] + 1 for row in rows]
    for key, label, style in (("best", "best", ":"), ("mean", "mean", "--"), ("centre", "centre", "-")):
        axes.plot(generations, [row[f"fitness_{key}"] for row in rows], style, label=label, color="#d1495b")
    parameters = ", ".join(f"{name} {value:g}" for name, value in config["world"]["parameters"].items())
    axes.set_title(f"{config['world']['name']} ({parameters}): evolution")
    axes.set_xlabel("generation")
    axes.set_ylabel(f"fitness, lives of {config['search']['selection_lifetime']:,} steps")
    axes.legend(frameon=False)


def draw_lives(axes: plt.Axes, run: Path, config: dict) -> None:
    """Running score by age, per arm, on validation lives."""
    result = json.loads((run / "result.json").read_text())
    bin_steps = config["evaluation"]["bin_steps"]
    scores = {row["arm"]: row["running"] for row in result["arms"]}
    for arm, look in ARMS.items():
        if arm in scores:
            ages = [result["birth_steps"] + bin_steps * place for place in range(len(scores[arm]))]
            axes.plot(ages, scores[arm], **look)
    axes.set_title(f"{result['lives']} validation lives")
    axes.set_xlabel("age, steps")
    axes.set_ylabel(f"score, running {result['birth_steps']} steps")
    axes.set_ylim(0.0, 1.05 * max(max(scores[arm]) for arm in scores))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, loc="center right")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
