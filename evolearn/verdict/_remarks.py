"""What a reader must know beside a verdict: runs, scales, searches and tests that say less than they seem to. Pure.

A new reason not to read a result as it stands changes this room; how a result is put, `evolearn.verdict.sentences`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from evolearn.verdict._contrasts import Contrast, Estimate
from evolearn.verdict._convergence import FEWEST_GENERATIONS, ArmSearch, Cluster, clusters
from evolearn.verdict._resamples import ArmValues
from evolearn.verdict.metrics import Levels
from evolearn.verdict.sentences import METRIC_WORDS, run_names
from evolearn.verdict.stats import smallest_p, smallest_sign_p

LISTED = 3  # of several things, so many are named


def remarks(
    arms: Mapping[str, ArmValues],
    levels: Levels,
    threshold_of: str,
    searches: Mapping[str, ArmSearch],
    tolerance: float,
    primary: Contrast,
    secondary: Sequence[Contrast],
    doubled: Sequence[Contrast],
    by_lifetime: Sequence[Contrast],
    level: float,
    study_level: float,
) -> list[str]:
    """What a reader must know beside the verdict.

    Args:
        arms: of the condition.
        levels: that times are measured to.
        threshold_of: oracle or best.
        searches: how they ended, by arm with an evolution of its own.
        tolerance: share of the scale that a run may gain late and not count as still climbing.
        primary: the contrast that decides.
        secondary: others that were asked for.
        doubled: of arms that evolved twice as long.
        by_lifetime: of life fitness at every lifetime.
        level: of all contrasts but the primary one.
        study_level: level of the study.
    """
    said = []
    if any(values.lives.runs == 1 for values in arms.values()):
        said.append("One run says nothing of other runs: there are no intervals over runs and no tests.")
    if levels.floor is None:
        said.append("There is no random arm, hence no floor to measure shares of the way up from, and no threshold.")
    elif levels.target is not None and levels.target <= levels.floor:
        target, floor = float(levels.target), float(levels.floor)
        said.append(
            f"The newborn is born no better than random ({target:.3f} against {floor:.3f}): "
            "there is no head start to catch up with."
        )
    said += _threshold_remarks(arms, levels, threshold_of)
    said += _convergence_remarks(searches, tolerance)
    if level != study_level:
        said.append(
            f"All other tests are judged at {level:.3g}, what the look that ended the condition may "
            f"spend of {study_level:.3g}: it is the primary contrast that chose when to stop."
        )
    said += _holm_remarks(secondary, level, "secondary tests") + _holm_remarks(by_lifetime, level, "tests by lifetime")
    return said + _withheld_remarks([primary, *secondary, *doubled])


def no_dna_remarks(arms: Mapping[str, ArmValues]) -> list[str]:
    """Which arms have runs without DNA, and why the first of these has none."""
    said = []
    for arm, values in arms.items():
        if reasons := values.lives.no_dna:
            runs = sorted(reasons)
            first = f" (run {runs[0]}; the others stand in verdict.json)" if len(set(reasons.values())) > 1 else ""
            said.append(
                f"There is no DNA of {arm} in {run_names(runs)} of {values.lives.runs}, so {arm} is judged in nothing: "
                f"{reasons[runs[0]]}{first}."
            )
    return said


def diverged_remarks(arms: Mapping[str, ArmValues]) -> list[str]:
    """Which arms had test lives that left the finite numbers, and what became of these."""
    said = []
    for arm, values in arms.items():
        broken = values.lives.broken & values.lives.lived[:, None]
        lost = [run for run in values.lives.lost_runs if values.lives.lived[run]]
        if not broken.any():
            continue
        where = run_names(np.flatnonzero(broken.any(axis=1)).tolist())
        what = (
            f"no life of {run_names(lost)} stayed finite, so {arm} is judged in nothing"
            if lost
            else f"means of {arm} are with them"
        )
        said.append(
            f"In {int(broken.sum()):,} of {broken[values.lives.lived].size:,} test lives of {arm} ({where}) the brain "
            "or the score left the finite numbers. Each counts as no better than the worst life of any arm, in every "
            f"score, whatever the sign of rewards: {what}."
        )
    return said


def _convergence_remarks(searches: Mapping[str, ArmSearch], tolerance: float) -> list[str]:
    said = []
    climbing = [f"{arm} ({search.late})" for arm, search in searches.items() if search.ended is False]
    if climbing:
        said.append(
            f"Not converged: {', '.join(climbing)}. The last quarter of the generations surely gained more than "
            f"{tolerance:.1%} of the way from random to {_top(searches)}. Such an arm may be better than it looks."
        )
    perhaps = [
        f"{arm} ({search.gain.words})"
        for arm, search in searches.items()
        if search.ended and search.gain is not None and search.gain.low > 0 and search.gain.high > tolerance
    ]
    if perhaps:
        said.append(
            f"Perhaps not converged: {', '.join(perhaps)}. That is what the last quarter of the generations gained, on "
            f"average over runs, of the way from random to {_top(searches)}; more than {tolerance:.1%} is not excluded."
        )
    unscaled = [arm for arm, search in searches.items() if search.scale is None]
    if unscaled:
        said.append(
            f"Whether the search had ended cannot be told of {', '.join(unscaled)}: there is no scale of fitness from "
            "random up to an oracle or to the best that was found."
        )
    unknown = [arm for arm, search in searches.items() if search.ended is None and search.scale is not None]
    if unknown:
        said.append(
            f"Too few generations to say whether the search had ended: {', '.join(unknown)} ({FEWEST_GENERATIONS} are "
            "the least)."
        )
    return said + [_stuck_remark(arm, search) for arm, search in searches.items() if search.stuck]


def _top(searches: Mapping[str, ArmSearch]) -> str:
    return next(search.scale.top_name for search in searches.values() if search.scale is not None)


def _stuck_remark(arm: str, search: ArmSearch) -> str:
    """Two clusters of runs are said as two."""
    through, stuck = clusters(search)
    behind = "lag far behind" if set(search.climbing) & set(search.stuck) else "never left the plateau"
    return (
        f"{len(stuck.runs)} of {len(search.runs)} evolutions of {arm} {behind}: {run_names(stuck.runs)} ended at "
        f"{_ends_of(stuck)} of the way from random to {_top({arm: search})}, the other {len(through.runs)} at "
        f"{_ends_of(through)}. A mean over all of them describes neither."
    )


def head_start_words(arm: str, birth: Estimate, floor: Estimate) -> str | None:
    """What a verdict on catching up must not hide: whether there was anything to catch up with.

    Args:
        arm: whose newborn is caught up with.
        birth: its birth score.
        floor: the random arm's.
    Returns:
        None if the newborn's interval lies above the random one's.
    """
    if birth.low > floor.high or not (math.isfinite(birth.low) and math.isfinite(floor.high)):
        return None
    return (
        f"No head start is shown: {arm} is born at {birth.value:.3f} [{birth.low:.3f}, {birth.high:.3f}], random at "
        f"{floor.value:.3f}."
    )


def _ends_of(cluster: Cluster) -> str:
    low, high = f"{cluster.low:.2f}", f"{cluster.high:.2f}"
    return low if low == high else f"{cluster.centre:.2f} ({low} to {high})"


def _holm_remarks(contrasts: Sequence[Contrast], level: float, which: str) -> list[str]:
    """A family of tests that is too large for its runs: none of them could have come out."""
    family = [row for row in contrasts if row.tests.p_holm is not None and row.tests.p is not None]
    # a transfer ratio is tested by the test of its total
    names = {
        (row.arm, row.against, "total" if row.metric == "transfer_ratio" else row.metric, row.lifetimes)
        for row in family
    }
    hopeless = [best for row in family if (best := min(1.0, len(names) * _smallest_p(row))) >= level]
    if not hopeless or len(hopeless) < len(family):
        return []
    return [
        f"Too many {which} for so few runs: of {len(names)} under Holm none can come out below "
        f"p = {min(hopeless):.2g}, whatever the difference. Read their intervals, and not their verdicts."
    ]


def _smallest_p(contrast: Contrast) -> float:
    paired = contrast.head_start is not None
    return smallest_sign_p(contrast.runs[0]) if paired else smallest_p(*contrast.runs)


def _withheld_remarks(contrasts: Sequence[Contrast]) -> list[str]:
    """One remark for each reason."""
    which: dict[str, list[str]] = {}
    for row in contrasts:
        if row.tests.withheld:
            name = f"{row.arm} against {row.against} in {METRIC_WORDS[row.metric]}"
            which.setdefault(row.tests.withheld, []).append(name)
    said = []
    for reason, names in which.items():
        named = "; ".join(names[:LISTED]) + (f"; and {len(names) - LISTED} more" if len(names) > LISTED else "")
        said.append(f"{'One test' if len(names) == 1 else f'{len(names)} tests'} withheld: {reason} ({named}).")
    return said


def _threshold_remarks(arms: Mapping[str, ArmValues], levels: Levels, threshold_of: str) -> list[str]:
    if levels.threshold is None:
        if levels.top is None and levels.floor is not None:
            return [f"There is no threshold: the study lacks the {threshold_of} arm, at which its scale ends."]
        return []
    if levels.floor is not None and levels.threshold <= levels.floor:
        return ["The threshold's scale ends no higher than it starts: whoever acts at random has passed it."]
    if not any(math.isfinite(time) for values in arms.values() for time in values.values["threshold"]):
        return [
            f"No arm reached the threshold of {float(levels.threshold):.3f} in any run: "
            "times to threshold tell nothing apart here."
        ]
    return []
