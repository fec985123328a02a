"""What lives that follow one another come to, by what is handed on: the tables of `claims/culture`.

    python -m benchmarks.culture STUDY [--generations] [--markdown]

STUDY is a directory of a study of lineages. The first table has under every condition the score of each arm in the last
quarter of a lineage's steps, with the standard error over runs, and how much further the best of the arms that imitate
comes than the best of all others. Both are picked by their scores. The second says whether what was to be shown of
imitation was. With `--generations` a third has every arm's score by cultural generation; that of a life by itself is
told over as many steps.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.bandits import Answer, tell
from evolearn.errors import UserError
from evolearn.study import StudyConfig, open_study, planned_config
from evolearn.study.bands import measure_over_runs
from evolearn.study.config import ConditionPart
from evolearn.verdict import iqm

Floats = npt.NDArray[np.float64]

METRIC = "ceiling"
NONE, LONG = "none", "long"  # arms that hand nothing on, and that live on
# Of actions right: that imitation, or one long life, must be ahead at least; that it may differ at most.
AHEAD, ALIKE = 0.05, 0.01


def scores(condition: Mapping[str, Any]) -> dict[str, Floats]:
    """Score of each run of every arm, by arm, [R]."""
    return {
        arm: np.array([run[METRIC] for run in entry["runs"]], np.float64) for arm, entry in condition["arms"].items()
    }


def sides(config: StudyConfig, condition: ConditionPart) -> tuple[list[str], list[str]]:
    """Names of the arms that evolve and learn of an elder, and of the others that evolve.

    Raises:
        UserError: there are none of the first.
    """
    evolving = [arm for arm in config.arms if config.arm(arm).evolves]
    teachers = {arm: planned_config(config, condition, arm).teacher for arm in evolving}
    imitate = [arm for arm, teacher in teachers.items() if teacher is not None and teacher.source == "parent"]
    if not imitate:
        raise UserError(f"condition {condition.name!r}: no arm has teacher.source=parent; give a study of lineages")
    return imitate, [arm for arm in evolving if arm not in imitate]


def beyond(values: Mapping[str, Floats], ours: Sequence[str], theirs: Sequence[str]) -> tuple[float, float, float]:
    """How much further the best of some arms comes than the best of others, with its interval over runs.

    Args:
        values: by arm, [R].
        ours: names.
        theirs: likewise.
    """
    runs = np.stack([values[arm] for arm in (*ours, *theirs)], axis=-1)  # [R, arms]

    def ahead(drawn: Floats) -> Floats:
        of_arms = np.asarray(iqm(np.moveaxis(drawn, -1, 0)))  # [arms, ..]
        return np.asarray(of_arms[: len(ours)].max(axis=0) - of_arms[len(ours) :].max(axis=0))

    found = measure_over_runs(runs, ahead)
    assert isinstance(found.value, float), "of one number per run"
    return found.value, float(found.low), float(found.high)


def is_still(config: StudyConfig, condition: ConditionPart) -> bool:
    """Whether nothing changes under a condition, nor kills, nor sets siblings apart."""
    run = config.run_of(condition)
    risks = ("hazard", "deadly", "scattered")
    stays = run.lineage is not None and run.lineage.world == "stays"
    return stays and not any(run.world.parameters.get(name) for name in risks)


def tables(config: StudyConfig, verdict: Mapping[str, Any]) -> list[Answer]:
    """All arms beside each other; and whether what was to be shown was."""
    rows, bands = [], []
    names: list[str] = []
    for condition, judged in zip(config.conditions, verdict["conditions"], strict=True):
        values = scores(judged)
        imitate, others = sides(config, condition)
        names = [arm for arm in config.arms if arm in values]
        ahead = beyond(values, imitate, others)
        rows.append((condition.name, *(_cell(values[arm]) for arm in names), _difference(ahead), _word(ahead)))
        bands += _bands(config, condition, values, imitate)
    runs = verdict["study"]["runs"]
    title = f"{verdict['study']['title']}: score in the last quarter of all steps, {runs} run{'s'[: runs > 1]}"
    heads = ("condition", *names, "imitation beyond all others", "is it")
    return [Answer(title, heads, rows), Answer("bands", ("condition", "band", "must be", "found", "met"), bands)]


def _bands(
    config: StudyConfig, condition: ConditionPart, values: Mapping[str, Floats], imitate: Sequence[str]
) -> list[tuple[str, ...]]:
    run = config.run_of(condition)
    per_action = 1.0 - 2.0 * run.world.parameters.get("noise", 0.0)  # what an action more that is right pays
    asked: list[tuple[str, tuple[float, float, float], float, float]] = []  # band, found, its ends
    if is_still(config, condition):
        if NONE in values:
            asked.append((f"imitation ahead of {NONE}", beyond(values, imitate, [NONE]), AHEAD, np.inf))
        if LONG in values:
            asked.append((f"{LONG} ahead of imitation", beyond(values, [LONG], imitate), AHEAD, np.inf))
    elif run.lineage is not None and run.lineage.world == "redrawn" and NONE in values:
        asked.append((f"imitation as {NONE}", beyond(values, imitate, [NONE]), -ALIKE, ALIKE))
    return [
        (condition.name, band, _band(*ends), _difference(found), _met(found, *ends))
        for band, found, *shares in asked
        for ends in [tuple(share * per_action for share in shares)]
    ]


def _band(low: float, high: float) -> str:
    return f"{low:g} or more" if high == np.inf else f"{low:g} .. {high:g}"


def _met(found: tuple[float, float, float], low: float, high: float) -> str:
    _, least, most = found
    if low <= least and most <= high:
        return "yes"
    return "no" if most < low or least > high else "undecided"


def by_generation(study: Path, config: StudyConfig) -> Answer:
    """Score by cultural generation, mean over runs and their lineages."""
    lives = pq.read_table(study / "lives.parquet", filters=pc.field("learning"))
    rows = []
    most = max(run.lineage.generations for run in map(config.run_of, config.conditions) if run.lineage)
    for condition in config.conditions:
        lineage = config.run_of(condition).lineage
        generations = most if lineage is None else lineage.generations
        for arm in config.arms:
            is_its = pc.and_(pc.equal(lives["condition"], condition.name), pc.equal(lives["arm"], arm))
            of_arm = lives.filter(is_its)
            if not of_arm.num_rows:
                continue
            ages, score = of_arm["age"].to_numpy(), of_arm["score"].to_numpy()
            place = (ages - 1) * generations // of_arm["lifetime"].to_numpy()
            means = [score[place == number].mean() for number in range(generations)]
            rows.append((condition.name, arm, *(f"{mean:.3f}" for mean in means), *[""] * (most - generations)))
    return Answer(
        "score by cultural generation", ("condition", "arm", *(str(number + 1) for number in range(most))), rows
    )


def _cell(values: Floats) -> str:
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{values.mean():.3f} ± {error:.3f}"


def _difference(found: tuple[float, float, float]) -> str:
    value, low, high = found
    return f"{value:+.3f}" + (f" [{low:+.3f}, {high:+.3f}]" if np.isfinite([low, high]).all() else ", one run")


def _word(found: tuple[float, float, float]) -> str:
    return "yes" if found[1] > 0 else ("no" if found[2] < 0 else "undecided")


def main() -> None:
    """Read and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.culture",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--generations", action="store_true", help="score by cultural generation as well")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    try:
        directory = open_study(options.study)
        config, verdict = directory.read_config(), directory.read_verdict()
        answers = tables(config, verdict)
        if options.generations:
            answers.append(by_generation(directory.path, config))
        tell(answers, options.markdown, 200)
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
