"""The words of a verdict: nulls are said as plainly as wins. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from evolearn.verdict._contrasts import Contrast, Estimate
from evolearn.verdict._resamples import ArmValues
from evolearn.verdict.metrics import METRICS, STEPS, Levels
from evolearn.verdict.stats import BreakEven, smallest_p

CLAIM_RUNS = 10  # fewer are exploratory
LISTED = 3  # of several things, so many are named
METRIC_WORDS = {
    "birth": "birth score",
    "catch_up": "catch-up time",
    "threshold": "time to threshold",
    "ceiling": "ceiling",
    "gain": "gain over life",
    "total": "life fitness",
    "transfer_ratio": "transfer ratio",
}


def amount(value: float, metric: str, signed: bool = False) -> str:
    """A number of a metric: whole steps, or three decimals."""
    sign = "+" if signed else ""
    return f"{value:{sign},.0f}" if METRICS[metric].unit == STEPS else f"{value:{sign}.3f}"


def probability(p: float) -> str:
    """A p-value in words of its own: never "p = 0.000".

    >>> probability(0.0285), probability(0.0000054)
    ('p = 0.029', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def condition_sentence(
    name: str, primary: Contrast, levels: Levels, selected: str, head_start: str | None = None
) -> str:
    """The verdict on one condition in one sentence.

    Args:
        name: of the condition.
        primary: its contrast, named beforehand.
        levels: that times are measured to.
        selected: on what lives its arms were, see `selected_words`.
        head_start: what there is to say of it, see `head_start_words`.
    """
    return (
        f"{name}: {_claim(primary, levels)}; {f'{head_start}; ' if head_start else ''}from {_runs(primary.runs)}, "
        f"{selected}; brains are memoryless."
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
        f"no head start is shown: {arm} is born at {birth.value:.3f} [{birth.low:.3f}, {birth.high:.3f}], random at "
        f"{floor.value:.3f}"
    )


def contrast_sentence(contrast: Contrast, levels: Levels) -> str:
    """What came of one arm against another, in one sentence.

    Args:
        contrast: of two arms.
        levels: that times are measured to.
    """
    return f"{_claim(contrast, levels)}; from {_runs(contrast.runs)}."


def level_words(metric: str, levels: Levels) -> str:
    """Which running score a time is measured to, for a sentence; empty if there is none."""
    level = levels.catch_up if metric == "catch_up" else levels.threshold
    return "" if level is None else f" to a running score of {float(level):.3f}"


def break_even_sentence(
    arm: str, against: str, row: BreakEven, evolution_steps: int, sides: Sequence[str], level: str
) -> str:
    """After how many descendants evolution is paid for.

    Args:
        arm: with an evolution.
        against: that it is compared with.
        row: of the two.
        evolution_steps: of one evolution run.
        sides: what each descendant of either needs, in words.
        level: to what, see `level_words`.
    """
    bill = f"One evolution run of {arm} costs {evolution_steps:,} steps; each descendant then needs {sides[0]}{level}"
    compared = f"{bill}, one of {against} {sides[1]}"
    if row.bound == "never":
        return f"{compared}: no steps are saved, so evolution never pays for itself."
    if row.bound == "unknown" or row.descendants is None:
        return f"{compared}: too many lives ended before it was reached to say when evolution pays for itself."
    count = f"{math.ceil(row.descendants):,} descendant{'s' if row.descendants > 1 else ''}"
    bound = "" if row.bound == "exact" else f"{row.bound} "
    return f"{compared}: evolution has paid for itself after {bound}{count} ({row.formula})."


def doubled_sentence(contrast: Contrast, levels: Levels) -> str:
    """What twice the outer budget did for an arm."""
    meaning = {
        "better": "so its own budget was too small, and its results are a lower bound",
        "worse": "so more evolution made it worse here",
        "equivalent": "so its own budget was enough",
        "inconclusive": "so it is open whether its own budget was enough",
    }[contrast.verdict]
    return f"Twice the budget: {_claim(contrast, levels)}, {meaning}; from {_runs(contrast.runs)}."


def _runs(runs: tuple[int, int]) -> str:
    count = (
        f"{runs[0]} run{'s' if runs[0] > 1 else ''} per arm" if runs[0] == runs[1] else f"{runs[0]} and {runs[1]} runs"
    )
    return count + (f" (fewer than {CLAIM_RUNS}: exploratory)" if min(runs) < CLAIM_RUNS else "")


def _claim(contrast: Contrast, levels: Levels) -> str:
    arm, against, what = contrast.arm, contrast.against, METRIC_WORDS[contrast.metric]
    if METRICS[contrast.metric].censored:
        what += level_words(contrast.metric, levels)
    if math.isnan(contrast.sides[0]):
        return f"{arm} against {against} in {what} is inconclusive: {contrast.tests.withheld}"
    verdict = {
        "better": f"{arm} is better than {against} in {what}",
        "worse": f"{arm} is worse than {against} in {what}",
        "equivalent": f"{arm} and {against} are equivalent in {what}",
        "inconclusive": f"{arm} against {against} in {what} is inconclusive",
    }[contrast.verdict]
    return f"{verdict}: {_sides(contrast)}; {_difference(contrast)}{_tests(contrast)}"


def _sides(contrast: Contrast) -> str:
    arm, against = contrast.arm, contrast.against
    if METRICS[contrast.metric].censored:
        return f"{arm} {_time(contrast, 0)}, {against} {_time(contrast, 1)}"
    if contrast.metric == "transfer_ratio":
        return f"the life fitness of {arm} differs by {contrast.difference.value:+.1%} from that of {against}"
    return " against ".join(amount(value, contrast.metric) for value in contrast.sides)


def _time(contrast: Contrast, side: int) -> str:
    """How one arm did on the way to a level: "had it by 600 steps", "never reached it ..."."""
    never, runs, lifetime = contrast.censored[side], contrast.runs[side], contrast.lifetimes[side]
    missed = f"never reached it within {lifetime:,} steps in {never} of {runs} run{'s' if runs > 1 else ''}"
    if never == runs:
        return missed
    steps = amount(contrast.sides[side], contrast.metric)
    if contrast.at_least[side]:
        return f"{missed} (so it needs at least {steps} steps)"
    return f"had it by {steps} steps" + (f" ({missed})" if never else "")


def _difference(contrast: Contrast) -> str:
    difference: Estimate = contrast.difference
    words = f"difference {amount(difference.value, contrast.metric, signed=True)}"
    if METRICS[contrast.metric].unit == STEPS:
        words += " steps" + (" with lives cut off counted as whole" if any(contrast.censored) else "")
    if not math.isnan(difference.low):
        low, high = (amount(end, contrast.metric, signed=True) for end in (difference.low, difference.high))
        words += f" [{low}, {high}]"
    return words


def _tests(contrast: Contrast) -> str:
    tests, margin = contrast.tests, contrast.margin
    p = tests.p if tests.p_holm is None else tests.p_holm
    adjusted = "" if tests.p_holm is None else " after Holm"
    words = f", test withheld ({tests.withheld})" if p is None else f", {probability(p)}{adjusted}"
    within = "" if margin is None else f"the margin of {amount(margin, contrast.metric)}"
    p_within = tests.equivalence.p if tests.equivalence_p_holm is None else tests.equivalence_p_holm
    if contrast.within_margin and p_within is not None:
        if contrast.verdict == "equivalent":
            return f"{words}, within {within} ({probability(p_within)}{adjusted})"
        return f"{words}; yet it lies within {within}, too little to matter by the study's own measure"
    if contrast.verdict == "inconclusive":
        if tests.withheld is not None:
            return f"{words}: neither a difference nor equivalence is claimed"
        if any(contrast.at_least):
            return f"{words}: no difference is shown, and times cut off cannot show equivalence"
        if margin is None or tests.equivalence.smallest_margin is None:
            return f"{words}: neither a difference nor equivalence is shown"
        shown = amount(tests.equivalence.smallest_margin, contrast.metric)
        least = f"before Holm it would be shown within {shown}" if adjusted else f"with these runs, only within {shown}"
        return f"{words}: neither a difference nor equivalence within {within} is shown ({least})"
    return words


def remarks(
    arms: Mapping[str, ArmValues],
    levels: Levels,
    threshold_of: str,
    late_gains: Mapping[str, float | None],
    tolerance: float,
    contrasts: Sequence[Contrast],
    by_lifetime: Sequence[Contrast],
    level: float,
) -> list[str]:
    """What a reader must know beside the verdict.

    Args:
        arms: of the condition.
        levels: that times are measured to.
        threshold_of: oracle or best.
        late_gains: by arm with an evolution, see `late_gain`.
        tolerance: late gain above which a search counts as still climbing.
        contrasts: primary, secondary and doubled.
        by_lifetime: of life fitness at every lifetime.
        level: of the tests.
    """
    said = []
    if any(values.lives.runs == 1 for values in arms.values()):
        said.append("One run says nothing of other runs: there are no intervals over runs and no tests.")
    if levels.floor is None:
        said.append("There is no random arm, hence no floor to measure shares of the way up from, and no threshold.")
    elif levels.target <= levels.floor:
        target, floor = float(levels.target), float(levels.floor)
        said.append(
            f"The newborn is born no better than random ({target:.3f} against {floor:.3f}): "
            "there is no head start to catch up with."
        )
    said += _threshold_remarks(arms, levels, threshold_of)
    said += _convergence_remarks(late_gains, tolerance)
    said += _holm_remarks(contrasts, level, "secondary tests") + _holm_remarks(by_lifetime, level, "tests by lifetime")
    return said + _withheld_remarks(contrasts)


def _convergence_remarks(late_gains: Mapping[str, float | None], tolerance: float) -> list[str]:
    said = []
    climbing = [f"{arm} ({gain:.1%})" for arm, gain in late_gains.items() if gain is not None and gain > tolerance]
    if climbing:
        said.append(
            f"Not converged: {', '.join(climbing)}. In brackets is what the search still gained in the last quarter of "
            f"the generations, as a share of its range; {tolerance:.1%} is tolerated. "
            "Such an arm may be better than it looks."
        )
    unknown = [arm for arm, gain in late_gains.items() if gain is None]
    if unknown:
        said.append(f"Too few generations to say whether the search has converged: {', '.join(unknown)}.")
    return said


def _holm_remarks(contrasts: Sequence[Contrast], level: float, which: str) -> list[str]:
    """A family of tests that is too large for its runs: none of them could have come out."""
    family = [row for row in contrasts if row.tests.p_holm is not None and row.tests.p is not None]
    # a transfer ratio is tested by the test of its total
    names = {
        (row.arm, row.against, "total" if row.metric == "transfer_ratio" else row.metric, row.lifetimes)
        for row in family
    }
    hopeless = [best for row in family if (best := min(1.0, len(names) * smallest_p(*row.runs))) >= level]
    if not hopeless or len(hopeless) < len(family):
        return []
    return [
        f"Too many {which} for so few runs: of {len(names)} under Holm none can come out below "
        f"p = {min(hopeless):.2g}, whatever the difference. Read their intervals, and not their verdicts."
    ]


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
