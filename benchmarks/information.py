"""Decisions until a share of them is right, of learners and of selection: the table of `claims/information`.

    python -m benchmarks.information STUDY [--share 0.8] [--lives 64] [--markdown]

STUDY is a directory of a study in worlds whose fitness is 1 for a right decision, such as `linear-teacher`. Of an arm
that learns counted is the age at which lives of its newborn first are right in so many steps of a bin, means over
`--lives` validation lives: what a bin of one life says by luck is no matter. Of an arm that never learns counted are
the world steps of its evolution until the centre was right so often, in lives of births that the evolution saw. What it
took to find how to learn stands beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.bandits import Answer, tell
from evolearn.errors import UserError
from evolearn.life import Driver, new_driver
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import Arm, Setup, live_arm, prefixes_of, ready_arm, seen_births, setup_of
from evolearn.study import StudyConfig, open_study
from evolearn.study.bands import measure_over_runs
from evolearn.study.config import ConditionPart
from evolearn.study.directory import StudyDirectory
from evolearn.verdict import iqm

Floats = npt.NDArray[np.float64]

GENERATION = 900  # of the validation key space, which nobody else uses: see `evolearn.api.lived`
FINE, FINE_STEPS = 20, 4000  # smallest bins in which ages are found, steps, and how long lives are that have them
COARSE = 500  # bins of longer lives, each ten times as long as those before
REWARD = "reward"  # the arm that selection is compared with, beside the one that needs least
CENTRE_STEPS = 200  # of a life in which a centre is judged


class Needed(NamedTuple):
    """What the runs of one arm needed under one condition."""

    arm: str
    decisions: Floats  # [R], infinite where it was never right so often
    evolution: int  # world steps of one run's evolution
    learns: bool


def first_age(scores: Floats, bin_steps: int, share: float) -> float:
    """Age at the end of the first bin in which lives were right so often.

    Args:
        scores: [bins], means over lives.
        bin_steps: steps of a bin.
        share: 0 .. 1.
    Returns:
        Steps; infinite if there is none.

    >>> first_age(np.array([0.2, 0.7, 0.9, 0.7]), 20, 0.8), first_age(np.array([0.2]), 20, 0.8)
    (60.0, inf)
    """
    reached = np.flatnonzero(scores >= share)
    return float((reached[0] + 1) * bin_steps) if reached.size else math.inf


def crossing(steps: Sequence[float], scores: Sequence[float], share: float) -> float:
    """Where a curve first reaches a share, between its points in a straight line.

    Args:
        steps: of its points, ascending.
        scores: at them.
        share: 0 .. 1.
    Returns:
        Steps; infinite if it never does.

    >>> crossing([0, 100, 200], [0.2, 0.6, 1.0], 0.8), crossing([0, 100], [0.2, 0.6], 0.8), crossing([5], [0.9], 0.8)
    (150.0, inf, 5.0)
    """
    if scores[0] >= share:
        return float(steps[0])
    for (one, low), (other, high) in itertools.pairwise(zip(steps, scores, strict=True)):
        if high >= share:
            return one + (other - one) * (share - low) / (high - low)
    return math.inf


def learned_at(setup: Setup, driver: Driver, arm: Arm, keys: Any, share: float, lifetime: int) -> float:
    """Age at which an arm's lives are right so often; looked for in short lives first, in fine bins.

    Args:
        setup: of the arm.
        driver: of its world.
        arm: which.
        keys: of lives, int64 [L, 4].
        share: 0 .. 1.
        lifetime: steps, at most.
    """
    steps = 0
    while steps < lifetime:
        steps = min(max(FINE_STEPS, 10 * steps), lifetime)
        size = max(FINE, steps // COARSE)
        scores = live_arm(setup, driver, arm, keys, steps, size).fitness.mean(axis=0) / size
        age = first_age(scores[: steps // size], size, share)  # without a shorter bin at the end
        if age < math.inf:
            return age
    return math.inf


def selected_at(path: Path, keys: Any, share: float) -> float:
    """World steps of an evolution until its centre is right so often in lives of births that it saw."""
    kept = prefixes_of(path)
    setup = setup_of(kept[0].dna)
    seen = keys
    if setup.config.world.set is not None:
        seen = seen_births(keys, setup.config.world.set, setup.config.seed)
    scores = []
    with contextlib.closing(new_driver(setup.conditions, os.cpu_count() or 1)) as driver:
        for prefix in kept:
            arm = Arm("centre", "", setup.pool, prefix.dna.genome).frozen()
            scores.append(float(live_arm(setup, driver, arm, seen, CENTRE_STEPS, None).fitness.mean()) / CENTRE_STEPS)
    return crossing([float(prefix.steps) for prefix in kept], scores, share)


def needed(
    study: StudyDirectory, config: StudyConfig, condition: ConditionPart, runs: int, share: float, lives: int
) -> list[Needed]:
    """What every arm that evolves needed under one condition."""
    lifetime = max(config.run.evaluation.lifetimes)
    found = []
    for name in (name for name in config.arms if config.arm(name).evolves):
        part, decisions, evolution = config.arm(name), [], 0
        for run in range(runs):
            directory = study.evolved(condition, name, run)
            keys = life_keys(config.seed, VALIDATION, GENERATION + run, lives)
            evolution = sum(row["world_steps"] for row in directory.rows())
            if not part.learns:
                decisions.append(selected_at(directory.path, keys, share))
                continue
            dna = directory.load_dna()
            setup = setup_of(dna)
            arm = ready_arm(name, part, setup.pool, dna.genome, setup.config.learner)
            with contextlib.closing(new_driver(setup.conditions, os.cpu_count() or 1)) as driver:
                decisions.append(learned_at(setup, driver, arm, keys, share, lifetime))
        found.append(Needed(name, np.array(decisions), evolution, part.learns))
    return found


def table(path: Path, share: float, lives: int) -> Answer:
    """Decisions of every arm under every condition, and how many times more the next arm needs.

    Raises:
        UserError: no study, or one whose runs kept no centres.
    """
    study = open_study(path)
    config, verdict = study.read_config(), study.read_verdict()
    runs = verdict["study"]["runs"]
    rows: list[tuple[str, ...]] = []
    for condition in config.conditions:
        of_arms = needed(study, config, condition, runs, share, lives)
        least = min(of_arms, key=lambda one: float(np.median(one.decisions)))
        learner = next((one for one in of_arms if one.arm == REWARD), None)
        for one in of_arms:
            never = int(np.isinf(one.decisions).sum())
            rows.append(
                (
                    condition.name,
                    one.arm,
                    _steps(float(np.median(one.decisions))),
                    f"{_steps(one.decisions.min())} - {_steps(one.decisions.max())}",
                    f"{never} of {runs}",
                    "" if one is least else _ratio(one.decisions, least.decisions),
                    "" if one.learns or learner is None else _ratio(one.decisions, learner.decisions),
                    "the same" if not one.learns else _steps(one.evolution),
                )
            )
    heads = (
        "condition",
        "arm",
        "decisions",
        "of runs",
        "never",
        "times the least",
        "times reward",
        "to find how to learn",
    )
    return Answer(f"{verdict['study']['title']}: decisions until {share:.0%} are right, {runs} runs", heads, rows)


def _ratio(values: Floats, least: Floats) -> str:
    """How many times more, with its interval over runs; only a bound where some never get there."""
    if not np.isfinite([*values, *least]).all():
        medians = float(np.median(values)), float(np.median(least))
        return "" if math.inf in medians else _times(math.log(medians[0] / medians[1]))
    logs = np.log(np.stack([values, least], axis=-1))  # [R, 2]
    ratio = measure_over_runs(logs, lambda drawn: np.asarray(iqm(drawn[..., 0]) - iqm(drawn[..., 1])))
    assert isinstance(ratio.value, float), "of one number per run"
    return f"{_times(ratio.value)} [{_times(ratio.low)}, {_times(ratio.high)}]"


def _times(log: float) -> str:
    """A ratio of two digits at least, from its logarithm."""
    ratio = math.exp(log)
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:,.0f}"


def _steps(steps: float) -> str:
    if math.isinf(steps):
        return "never"
    return f"{steps:,.0f}" if steps < 10_000 else f"{steps / 1000:,.0f} k"


def main() -> None:
    """Live and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.information",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--share", type=float, default=0.8, help="right, of all decisions")
    parser.add_argument("--lives", type=int, default=64, help="per evolution run")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    if not 0.0 < options.share < 1.0:
        parser.error(f"--share {options.share:g}: must be between 0 and 1, for example 0.8")
    if options.lives < 1:
        parser.error(f"--lives {options.lives}: must be at least 1")
    try:
        tell([table(options.study, options.share, options.lives)], options.markdown, 150)
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
