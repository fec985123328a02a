"""The words of a verdict: nulls are said as plainly as wins. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from evolearn.verdict._contrasts import Contrast, Estimate, against_margin
from evolearn.verdict.metrics import METRICS, STEPS, Levels
from evolearn.verdict.stats import BreakEven, FloatArray

CLAIM_RUNS = 10  # fewer are exploratory
METRIC_WORDS = {
    "head_start": "head start",
    "birth": "birth score",
    "birth_reborn": "birth score with rebirths",
    "catch_up": "catch-up time",
    "threshold": "time to threshold",
    "ceiling": "ceiling",
    "gain": "gain over life",
    "total": "life fitness",
    "ever": "share of lives that ever scored",
    "window_after": "score in the window",
    "birth_seen": "birth score on seen births",
    "total_seen": "life fitness on seen births",
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


Kind = tuple[str, str]  # what the runs of an arm are called: one, and several
EVOLUTION: Kind = ("evolution", "evolutions")
BLANK_SLATE: Kind = ("blank slate", "blank slates")


def kinds(arms: tuple[str, str], evolutions: Collection[str], blank_slates: Collection[str]) -> tuple[Kind, Kind]:
    """What the runs of two arms are called: by what they are where that tells them apart, else by the arms' names.

    Args:
        arms: the two.
        evolutions: arms whose evolution is of the weights that their newborns have, and that learn.
        blank_slates: arms that learn from weights drawn afresh in each life.

    >>> kinds(("evolved", "my_blank"), ("evolved", "lamarckian"), ("my_blank",))
    (('evolution', 'evolutions'), ('blank slate', 'blank slates'))
    >>> kinds(("evolved", "lamarckian"), ("evolved", "lamarckian"), ())
    (('run of evolved', 'runs of evolved'), ('run of lamarckian', 'runs of lamarckian'))
    """
    named = [(f"run of {arm}", f"runs of {arm}") for arm in arms]
    one, other = (
        EVOLUTION if arm in evolutions else BLANK_SLATE if arm in blank_slates else name
        for arm, name in zip(arms, named, strict=True)
    )
    return (one, other) if one != other else (named[0], named[1])


@dataclasses.dataclass(frozen=True)
class Births:
    """What the newborns of the two arms of a primary contrast can do, to be counted."""

    kind: Kind  # what runs of the claim's arm are called
    kind_against: Kind
    scores: FloatArray  # [R] birth scores of the claim's arm
    scores_against: FloatArray  # [R']
    able_from: float | None  # birth score of a newborn that has the skill; None: the study has no such level
    able: str  # the word for it
    steps: FloatArray | None  # [R] head starts; None: the two have none that could be told
    lifetime: int  # world steps at which they are censored


def condition_sentence(
    name: str, births: Births, primary: Contrast, levels: Levels, selected: str, look: int | None = None
) -> str:
    """The verdict on one condition: what there is to count, then the test.

    Args:
        name: of the condition.
        births: of the two arms of the primary contrast.
        primary: its contrast, named beforehand.
        levels: that times are measured to.
        selected: on what lives its arms were, see `selected_words`; empty: neither was selected.
        look: number of the look that was the last, from 1; None: only one was planned.
    """
    counts = counted(births)
    at = "" if look is None else f" at look {look}"
    runs = f"From {_runs(primary.runs)}{at}{', ' if selected else ''}{selected}."
    claim = _claim(primary, levels)
    return f"{name}: {f'{counts} The test: ' if counts else ''}{claim}. {runs}"


def counted(births: Births) -> str:
    """How many newborns of either arm have the skill, and how long the others take to learn it.

    >>> steps = np.array([14_000.0, 14_400.0, math.inf])
    >>> counted(Births(EVOLUTION, BLANK_SLATE, np.ones(3), np.zeros(3), 0.9, "running", steps, 20_000))
    '3 of 3 evolutions are born running; no blank slate is, and they need 14,400 steps of life (median) to \
catch up (1 of 3 never does within 20,000).'
    """
    if births.able_from is None:
        return ""
    born, born_against = (int((side >= births.able_from).sum()) for side in (births.scores, births.scores_against))
    runs, runs_against = len(births.scores), len(births.scores_against)
    (one, many), (one_against, many_against) = births.kind, births.kind_against
    if not born and not born_against:
        return f"No {one} is born {births.able}, nor is any {one_against}."
    counts = f"{born} of {runs} {many} are born {births.able}" if born else f"No {one} is born {births.able}"
    if born_against:
        return f"{counts}; {born_against} of {runs_against} {many_against} are{' as well' if born else ''}."
    if births.steps is None:
        return f"{counts}; no {one_against} is."
    late = f"; no {one_against} is, and they "
    return f"{counts}{late}{_catching_up(births.steps, births.lifetime)}."


def _catching_up(steps: FloatArray, lifetime: int) -> str:
    never, median = int(np.isinf(steps).sum()), float(np.median(steps))
    if never == len(steps):
        return f"never catch up within {lifetime:,} steps of life"
    if math.isinf(median):
        return f"mostly never catch up within {lifetime:,} steps of life ({never} of {len(steps)} do not)"
    late = f" ({never} of {len(steps)} never {'does' if never == 1 else 'do'} within {lifetime:,})" if never else ""
    return f"need {median:,.0f} steps of life{' (median)' if len(steps) > 1 else ''} to catch up{late}"


def contrast_sentence(contrast: Contrast, levels: Levels) -> str:
    """What came of one arm against another, in one sentence.

    Args:
        contrast: of two arms.
        levels: that times are measured to.
    """
    return f"{_claim(contrast, levels)}; from {_runs(contrast.runs)}."


def level_words(metric: str, levels: Levels) -> str:
    """Which running score a time is measured to, for a sentence; empty if there is none."""
    level = {"catch_up": levels.catch_up, "threshold": levels.threshold}.get(metric)
    return "" if level is None else f" to a running score of {float(level):.3f}"


def break_even_sentence(
    arms: tuple[str, str],
    row: BreakEven,
    bills: tuple[int, int],
    sides: Sequence[str],
    level: str,
    saved: Estimate,
    searched: tuple[bool, bool] = (False, False),
) -> str:
    """After how many descendants evolution is paid for.

    Args:
        arms: the one with an evolution, and the one that it is compared with.
        row: of the two.
        bills: world steps that one run of either cost before its first life.
        sides: what each descendant of either needs, in words.
        level: to what, see `level_words`.
        saved: steps that each descendant saves.
        searched: whether the bills hold a search for settings.
    """
    arm, against = arms
    of_arm, of_rival = (", with the search for its settings," if own else "" for own in searched)
    compared = (
        f"One run of {arm}{of_arm} costs {bills[0]:,} steps, one of {against}{of_rival} {bills[1]:,}; each descendant "
        f"then needs {sides[0]}{level}, one of {against} {sides[1]}"
    )
    if row.bound == "never":
        return f"{compared}: no steps are saved, so evolution never pays for itself."
    if row.bound == "at once":
        return f"{compared}: it costs no more and saves steps, so it pays from the first descendant on."
    if row.bound == "unclear":
        ends = f"[{saved.low:,.0f}, {saved.high:,.0f}]"
        told = f"these runs do not show whether steps are saved ({saved.value:,.0f} {ends})"
        return f"{compared}: {told}, nor when evolution pays for itself."
    if row.bound == "unknown" or row.descendants is None:
        return f"{compared}: too many lives ended before it was reached to say when evolution pays for itself."
    count = f"{math.ceil(row.descendants):,} descendant{'s' if row.descendants > 1 else ''}"
    if row.bound == "until":
        return f"{compared}: it costs less and saves nothing, so it is the cheaper up to {count} ({row.formula})."
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
    what += level_words(contrast.metric, levels)
    if math.isnan(contrast.sides[0]):
        return f"{arm} against {against} in {what} is inconclusive: {contrast.tests.withheld}"
    verdict = {
        "better": f"{arm} is better than {against} in {what}",
        "worse": f"{arm} is worse than {against} in {what}",
        "equivalent": f"{arm} and {against} are equivalent in {what}",
        "inconclusive": f"{arm} against {against} in {what} is inconclusive",
    }[contrast.verdict]
    if contrast.head_start is not None:
        return _head_start_claim(contrast, contrast.head_start)
    if contrast.unfinished is not None:
        return (
            f"no verdict on {arm} against {against} in {what}, since {contrast.unfinished}; so far {_sides(contrast)}; "
            f"{_difference(contrast)}"
        )
    return f"{verdict}: {_sides(contrast)}; {_difference(contrast)}{_tests(contrast)}"


def _head_start_claim(contrast: Contrast, steps: FloatArray) -> str:
    """Whether the head start exceeds the margin, its size in the worst run and in the median, and the test."""
    runs, lifetime, margin = len(steps), contrast.lifetimes[0], contrast.margin
    worst, median = (
        f"{'at least ' if math.isinf(value) else ''}{min(value, lifetime):,.0f}"
        for value in (float(steps.min()), float(np.median(steps)))
    )
    size = (
        f"{worst} steps in the worst of {runs} runs, {median} in the median" if runs > 1 else f"{worst} steps in 1 run"
    )
    pair = f"{contrast.arm} over {contrast.against}"
    if margin is None or contrast.tests.p is None:
        return f"the head start of {pair} is {size}; test withheld ({contrast.tests.withheld or 'there is no margin'})"
    beyond = int((against_margin(steps, margin, lifetime) > margin).sum())
    count = f"beyond {margin:,.0f} steps in {beyond} of {runs} runs"
    if contrast.unfinished is not None:
        return f"no verdict on the head start of {pair}, since {contrast.unfinished}; so far {size}, {count}"
    if contrast.verdict == "better":
        return f"the head start of {pair} is {size}: {count}, {_p_words(contrast)}"
    if contrast.verdict == "equivalent":
        p = contrast.tests.equivalence_p_counted
        assert p is not None, "it was shown"
        return f"{pair} there is no head start that matters: {size}, {count}, {probability(p)}{_adjustment(contrast)}"
    return (
        f"the head start of {pair} is inconclusive: {size}, {count}, {_p_words(contrast)}: neither more than that nor "
        "less is shown"
    )


def _p_words(contrast: Contrast) -> str:
    p = contrast.tests.p_counted
    return "test withheld" if p is None else probability(p) + _adjustment(contrast)


def _adjustment(contrast: Contrast) -> str:
    """How p was adjusted, if it was: a leading blank and words."""
    tests = contrast.tests
    return f" {tests.adjustment}" if tests.adjusted else ""


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
    p = tests.p_counted
    adjusted = _adjustment(contrast)
    words = f", test withheld ({tests.withheld})" if p is None else f", {probability(p)}{adjusted}"
    within = "" if margin is None else f"the margin of {amount(margin, contrast.metric)}"
    p_within = tests.equivalence_p_counted
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
        least = f"before that it would be shown within {shown}" if adjusted else f"with these runs, only within {shown}"
        return f"{words}: neither a difference nor equivalence within {within} is shown ({least})"
    return words


def run_names(runs: Sequence[int]) -> str:
    """Runs by their numbers.

    >>> run_names([3]), run_names([3, 7]), run_names([0, 3, 7])
    ('run 3', 'runs 3 and 7', 'runs 0, 3 and 7')
    """
    if len(runs) == 1:
        return f"run {runs[0]}"
    return f"runs {', '.join(map(str, runs[:-1]))} and {runs[-1]}"


def cluster_words(cluster: Mapping[str, Any]) -> str:
    """Which runs a cluster of verdict.json holds.

    >>> cluster_words({"stuck": True, "runs": [3, 7]}), cluster_words({"stuck": False, "runs": [0, 1, 2]})
    ('runs 3 and 7, stuck', '3 runs, not stuck')
    """
    if cluster["stuck"]:
        return f"{run_names(cluster['runs'])}, stuck"
    count = len(cluster["runs"])
    return f"{count} run{'s' if count > 1 else ''}, not stuck"
