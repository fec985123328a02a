"""Birth score against bits, of a study whose arms evolve, or are fitted, through codes: `claims/bottleneck`.

    python -m benchmarks.bottleneck STUDY [--markdown] [--figure FILE]

STUDY is a finished study. A row is a code under a condition: its genes and bits, the birth score of what evolved
through it, mean and range over evolution runs, how many runs passed .6 and .95, and the same of what was fitted
through it by gradient (arms with `search.algorithm: clone`) to another arm's newborn. A code holds *at least*
the larger of the two: either way of filling it may have failed. Where all weights are floats and fitted, that is the
control of the fitting: .95 of its teacher's birth score, or what was fitted says nothing.

A condition with `evolved_in` has the DNA of another one: transfer. An interior optimum is a code of fewer bits than the
most that transfers better than that one, and better than the one of the fewest. It is looked for without the luck of
choosing: one half of the runs names the best code between the two ends, the other half says by how much it beats
them, and the other way round. FILE is a figure: .png, .svg or .pdf by its ending.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from benchmarks.bandits import Answer, tell
from evolearn.errors import UserError
from evolearn.genome import Code
from evolearn.run import assemble
from evolearn.study import StudyConfig, open_study, planned_config
from evolearn.study.config import ConditionPart
from evolearn.verdict import interval

Floats = npt.NDArray[np.float64]

STUCK, BORN_ABLE = 0.6, 0.95
LEVEL, RESAMPLES = 0.05, 2000
ENOUGH, FEW, MIDDLE = 96, 32, 128  # bits of what was expected
CONTROL = 0.95  # of its teacher's birth score
ALIKE = 0.1  # codes of as many bits differ by less, if bits are what counts


@dataclasses.dataclass(frozen=True)
class Cell:
    """One arm under one condition."""

    condition: str
    arm: str
    code: tuple[str, Code]  # encoding and settings, without the run's seed
    genes: int
    bits: int
    births: Floats  # [R]
    fitted: bool
    evolved_in: str | None

    @property
    def mean(self) -> float:
        """Birth score over runs."""
        return float(self.births.mean())


def cells(path: Path) -> list[Cell]:
    """Every arm with an evolution of its own, or a fit, under every condition.

    Raises:
        UserError: no study, or one that is not finished.
    """
    study = open_study(path)
    config, verdict = study.read_config(), study.read_verdict()
    found = []
    for condition, lived in zip(config.conditions, verdict["conditions"], strict=True):
        for arm in (arm for arm in config.arms if config.arm(arm).evolves):
            births = np.array([run["birth"] for run in lived["arms"][arm]["runs"]], np.float64)
            found.append(_cell(config, condition, arm, births))
    return found


def _cell(config: StudyConfig, condition: ConditionPart, arm: str, births: Floats) -> Cell:
    origin = condition
    if condition.evolved_in is not None:
        origin = next(one for one in config.conditions if one.name == condition.evolved_in)
    planned = planned_config(config, origin, arm)
    pool = assemble(planned).pool
    code = pool.encoding, dataclasses.replace(pool.code, seed=0)
    fitted = planned.search.algorithm == "clone"
    return Cell(condition.name, arm, code, pool.size, pool.bits, births, fitted, condition.evolved_in)


def curve(found: Sequence[Cell]) -> Answer:
    """Scores against bits, evolved and fitted side by side."""
    rows = []
    for condition, group in itertools.groupby(found, key=lambda cell: cell.condition):
        own = list(group)
        fits = {cell.code: cell for cell in own if cell.fitted}
        for cell in sorted((cell for cell in own if not cell.fitted), key=lambda cell: (cell.bits, cell.genes)):
            fit = fits.get(cell.code)
            best = cell.mean if fit is None else max(cell.mean, fit.mean)
            rows.append(
                (
                    condition,
                    cell.arm,
                    f"{cell.genes:,}",
                    f"{cell.bits:,}",
                    *_of_runs(cell),
                    *_of_runs(fit),
                    f"{best:.2f}",
                )
            )
    heads = (
        "condition",
        "arm",
        "genes",
        "bits",
        "evolved",
        "of runs",
        "> .6, > .95",
        "fitted",
        "of runs",
        "> .6, > .95",
    )
    return Answer("Birth score by the size of the genome", (*heads, "holds at least"), rows)


def _of_runs(cell: Cell | None) -> tuple[str, str, str]:
    if cell is None:
        return "", "", ""
    passed = [int((cell.births > bar).sum()) for bar in (STUCK, BORN_ABLE)]
    shares = ", ".join(f"{count} of {len(cell.births)}" for count in passed)
    return f"{cell.mean:.2f}", f"{cell.births.min():.2f} - {cell.births.max():.2f}", shares


def difference(one: Floats, other: Floats) -> tuple[float, float, float]:
    """Mean of one less that of the other, with the bootstrap interval over runs, which are not paired.

    Args:
        one: [R].
        other: [S].
    """
    random = np.random.default_rng(0)
    draws = [values[random.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1) for values in (one, other)]
    low, high = interval(draws[0] - draws[1], LEVEL, min(len(one), len(other)))
    return float(one.mean() - other.mean()), float(low), float(high)


def interior(transfers: Sequence[Floats]) -> dict[str, tuple[float, float, float]]:
    """By how much the best code between the ends transfers better than either end.

    Args:
        transfers: [R] for each code, from the fewest bits to the most.
    Returns:
        Difference and interval, to the code of the "most" bits and to that of the "fewest".
    """
    runs = np.stack(transfers)  # [codes, R]
    halves = np.arange(runs.shape[1]) % 2 == 0
    gains: dict[str, list[Floats]] = {"most": [], "fewest": []}
    for chosen_by, told_by in ((halves, ~halves), (~halves, halves)):
        best = 1 + int(runs[1:-1, chosen_by].mean(axis=1).argmax())
        for end, place in (("most", -1), ("fewest", 0)):
            gains[end].append(runs[best, told_by] - runs[place, told_by])
    return {end: difference(np.concatenate(parts), np.zeros(runs.shape[1])) for end, parts in gains.items()}


def transfer(found: Sequence[Cell]) -> list[Answer]:
    """Scores in another condition than DNA evolved in, and whether they have an optimum between the ends."""
    answers = []
    for condition in dict.fromkeys(cell.condition for cell in found if cell.evolved_in):
        there = [cell for cell in found if cell.condition == condition and not cell.fitted]
        home = {cell.arm: cell for cell in found if cell.condition == there[0].evolved_in}
        there.sort(key=lambda cell: (cell.bits, cell.genes))
        rows = [
            (cell.arm, f"{cell.bits:,}", f"{home[cell.arm].mean:.2f}", *_of_runs(cell)[:2],
             f"{(cell.births / home[cell.arm].births).mean():.2f}")
            for cell in there
        ]  # fmt: skip
        title = f"Transfer: evolved in {there[0].evolved_in}, lives in {condition}"
        answers.append(Answer(title, ("arm", "bits", "at home", "there", "of runs", "kept, there / home"), rows))
        if len(there) > 2 and len(there[0].births) > 3:
            gains = interior([cell.births for cell in there])
            shown = all(low > 0 for _, low, _ in gains.values())
            rows = [(f"best between the ends less {end} bits", _with_interval(*gain)) for end, gain in gains.items()]
            rows.append(("an interior optimum", "shown" if shown else "not shown"))
            answers.append(Answer(f"{title}: is there an interior optimum?", ("", "score"), rows))
    return answers


def expected(found: Sequence[Cell]) -> Answer:
    """What was written down beforehand, and what came out."""
    rows: list[tuple[str, ...]] = []

    def row(what: str, value: str, met: bool) -> None:
        rows.append((what, value, "as expected" if met else "not so"))

    def codes(condition: str) -> list[Cell]:
        return [cell for cell in found if cell.condition == condition and not cell.fitted]

    for cell in sorted(codes("alpha 0"), key=lambda cell: cell.bits):
        if cell.bits >= ENOUGH and cell.code[0] in ("subspace", "quantised"):
            count, runs = int((cell.births >= BORN_ABLE).sum()), len(cell.births)
            row(
                f"alpha 0, {cell.arm}, {cell.bits:,} bits: 9 of 10 runs at .95",
                f"{count} of {runs}",
                count >= 0.9 * runs,
            )
        if cell.bits == FEW:
            row(f"alpha 0, {cell.arm}, {FEW} bits: mean at most .85", f"{cell.mean:.2f}", cell.mean <= 0.85)
    floats = {cell.condition: cell for cell in found if cell.code[1].bits == 32 and cell.code[0] != "neuron_codes"}
    for cell in codes("alpha 60"):
        if cell.bits == MIDDLE and "alpha 60" in floats:
            gap, low, high = difference(floats["alpha 60"].births, cell.births)
            row(
                f"alpha 60, {cell.arm}, {MIDDLE} bits: at least .1 below floats",
                _with_interval(gap, low, high),
                gap >= 0.1,
            )
    for condition in ("alpha 0", "alpha 60"):
        for one, other in itertools.combinations(codes(condition), 2):
            if one.bits == other.bits:
                gap = difference(one.births, other.births)
                what = f"{condition}, {one.bits:,} bits: {one.arm} less {other.arm}, within .1"
                row(what, _with_interval(*gap), abs(gap[0]) <= ALIKE)
    for cell in found:
        teacher = next((one for one in codes(cell.condition) if one.code == cell.code), None)
        if cell.fitted and teacher is not None and teacher.bits == teacher.genes * 32 and not cell.evolved_in:
            share = cell.mean / teacher.mean
            row(f"{cell.condition}, {cell.arm}: fitted at least .95 of its teacher", f"{share:.2f}", share >= CONTROL)
    return Answer("What was expected beforehand", ("", "came out", ""), rows)


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def figure(found: Sequence[Cell]) -> Figure:
    """Birth scores against bits, a panel for each condition: runs as points, codes' means joined."""
    conditions = list(dict.fromkeys(cell.condition for cell in found))
    drawn = Figure(figsize=(3.4 * len(conditions), 3.2), layout="constrained", dpi=150)
    panels: Any = drawn.subplots(1, len(conditions), sharey=True, squeeze=False)[0]
    for panel, condition in zip(panels, conditions, strict=True):
        for fitted, colour, label in ((False, "#1f6feb", "evolved"), (True, "#d1742f", "fitted")):
            own = [cell for cell in found if cell.condition == condition and cell.fitted == fitted]
            own.sort(key=lambda cell: cell.bits)
            for cell in own:
                panel.plot([cell.bits] * len(cell.births), cell.births, ".", color=colour, alpha=0.3, markersize=5)
            line = [cell for cell in own if cell.code[0] != "neuron_codes"]
            means = {
                bits: np.mean([cell.mean for cell in line if cell.bits == bits]) for bits in (c.bits for c in line)
            }
            panel.plot(list(means), list(means.values()), "-", color=colour, label=label)
            for cell in (cell for cell in own if cell.code[0] == "neuron_codes"):
                panel.plot([cell.bits], [cell.mean], "x", color=colour, markersize=8)
        panel.set_xscale("log", base=2)
        evolved_in = next(cell.evolved_in for cell in found if cell.condition == condition)
        panel.set_title(condition if evolved_in is None else f"{condition}, evolved in {evolved_in}", fontsize=9)
        panel.set_xlabel("bits")
        panel.set_ylim(0.0, 1.05)
    panels[0].set_ylabel("birth score")
    panels[0].legend(frameon=False, fontsize=8)
    return drawn


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bottleneck",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="a picture of the scores against bits")
    options = parser.parse_args()
    if options.figure is not None and options.figure.suffix not in (".png", ".svg", ".pdf"):
        parser.error(f"--figure {options.figure}: must end in .png, .svg or .pdf")
    try:
        found = cells(options.study)
    except UserError as error:
        parser.error(str(error))
    tell([curve(found), *transfer(found), expected(found)], options.markdown, 150)
    if options.figure is not None:
        figure(found).savefig(options.figure)


if __name__ == "__main__":
    main()
