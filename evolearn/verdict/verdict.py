"""The verdict on one condition of a study, from the test lives of its arms. Pure.

What is compared, in which metric, at which level and with which margin is the config's, fixed before the first run;
nothing here chooses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from evolearn.verdict import _resamples as resamples, _searching as searching, metrics, sentences, stats
from evolearn.verdict._contrasts import (
    Contrast,
    Family,
    count_censored,
    estimate,
    includes_censored,
    judge,
    not_comparable,
    pair_up,
)
from evolearn.verdict._resamples import ArmValues
from evolearn.verdict.json_records import Json, arm_record, contrast_record, for_json, iqm_record
from evolearn.verdict.metrics import ArmLives, Levels
from evolearn.verdict.rules import DOUBLED, ContrastRule, VerdictRules
from evolearn.verdict.stats import FloatArray, iqm

FACTORIAL = ("tuned_learner", "tuned_blank", "evolved_weights", "evolved")  # neither, drives, weights, both
EFFECTS = {"weights": (-0.5, -0.5, 0.5, 0.5), "drives": (-0.5, 0.5, -0.5, 0.5), "interaction": (1.0, -1.0, -1.0, 1.0)}
# whom evolution has to pay for itself against, and by which time it is measured
BREAK_EVEN = {"blank": "catch_up", "long_blank": "threshold"}


@dataclasses.dataclass(frozen=True)
class SearchFacts:
    """What a verdict repeats of the evolution that an arm's DNA comes from, its own or its origin's."""

    selection_lifetime: int  # world steps
    outer_steps: int  # world steps that one evolution run was to take
    evolves: bool = True  # itself
    settings_steps: int = 0  # world steps that finding its settings took, once


@dataclasses.dataclass(frozen=True)
class ConditionFacts:
    """What a verdict repeats of a condition."""

    name: str
    world: str
    parameters: Mapping[str, float]
    selection_lifetime: int  # world steps, of arms that set no other
    evolved_in: str | None  # condition whose DNA is judged here
    searches: Mapping[str, SearchFacts] = dataclasses.field(default_factory=dict)  # by arm with an evolution, or origin

    def record(self) -> Json:
        """As an entry of verdict.json begins; searches stand with their arms."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "searches"}


@dataclasses.dataclass(frozen=True)
class Asked:
    """A comparison that the config asks for."""

    arm: str
    against: str
    metric: str
    lifetime: int | None = None  # world steps, of totals; None: the longest


@dataclasses.dataclass(frozen=True)
class Contrasts:
    """All comparisons of a condition."""

    primary: Contrast
    secondary: list[Contrast]
    doubled: list[Contrast]
    by_lifetime: list[Contrast]


def judge_condition(
    rules: VerdictRules,
    facts: ConditionFacts,
    primary: ContrastRule,
    lives: Mapping[str, ArmLives],
    outer_steps: Mapping[str, int],
    evolution: Mapping[str, Sequence[Json]],
) -> Json:
    """The verdict on one condition.

    Args:
        rules: the study's config.
        facts: of the condition.
        primary: contrast of the condition; its arm's birth score is what there is to catch up with.
        lives: test lives by arm; those of an arm evolved twice as long go by its name and `DOUBLED`.
        outer_steps: world steps that one evolution run cost, by arm.
        evolution: one record per run for arms with an evolution of their own: run, seed, centre, best and stdev by
            generation, drives and plasticity by name.
    Returns:
        an entry of `conditions` in verdict.json.
    """
    doubled = [arm for arm in lives if arm.endswith(DOUBLED)]
    judged = {arm: values for arm, values in lives.items() if arm not in doubled}
    levels, arms = _all_values(rules, lives, judged, primary.arm)
    own = {arm: values for arm, values in arms.items() if arm in judged}
    contrasts = _all_contrasts(rules, arms, Asked(primary.arm, primary.against, primary.metric), doubled)
    gains = {arm: stats.late_gain(_centres(runs)) for arm, runs in evolution.items() if arm in judged}
    condition = {
        **facts.record(),
        "sentence": sentences.condition_sentence(
            facts.name,
            contrasts.primary,
            levels,
            searching.selected_words(_lifetimes(facts, (primary.arm, primary.against)) or facts.selection_lifetime),
            _head_start(rules, own, primary),
        ),
        "remarks": sentences.remarks(
            arms=own,
            levels=levels,
            threshold_of=rules.threshold.of,
            late_gains=gains,
            tolerance=rules.convergence.tolerance,
            contrasts=[contrasts.primary, *contrasts.secondary, *contrasts.doubled],
            by_lifetime=contrasts.by_lifetime,
            level=rules.level,
        )
        + _search_remarks(facts, own, [contrasts.primary, *contrasts.secondary]),
        "floor": levels.floor,
        "target": levels.target,
        "catch_up_level": levels.catch_up,
        "threshold_level": levels.threshold,
        "top": levels.top,
        "arms": {
            arm: arm_record(values, rules, evolution.get(arm), gains.get(arm)) | _search_record(facts.searches.get(arm))
            for arm, values in own.items()
        },
        **_contrast_records(contrasts, levels),
        "catch_up_by_lifetime": _catch_up_by_lifetime(rules, own, lives[primary.arm].lifetimes),
        "factorial": _factorial(own, rules.level, facts.searches),
        "break_even": _break_even(own, primary.arm, outer_steps, levels),
    }
    rounded: Json = for_json(condition)
    return rounded


def _lifetimes(facts: ConditionFacts, arms: Iterable[str]) -> dict[str, int]:
    """World steps of the lives that arms were selected on, or their origins, for those that were."""
    return {arm: facts.searches[arm].selection_lifetime for arm in arms if arm in facts.searches}


def _search_record(search: SearchFacts | None) -> Json:
    """What an arm's entry says of the evolution that its DNA comes from; null if there is none."""
    return {
        "selection_lifetime": None if search is None else search.selection_lifetime,
        "outer_steps": None if search is None else search.outer_steps,
        "settings_steps": None if search is None else search.settings_steps,
    }


def _search_remarks(facts: ConditionFacts, arms: Mapping[str, ArmValues], contrasts: Sequence[Contrast]) -> list[str]:
    """What a reader must know of how the arms' evolutions differ."""
    evolving = [arm for arm in arms if arm in facts.searches and facts.searches[arm].evolves]
    judged = max((arms[arm].lives.lifetime for arm in evolving), default=0)
    steps = {arm: search.outer_steps for arm, search in facts.searches.items()}
    pairs = dict.fromkeys((contrast.arm, contrast.against) for contrast in contrasts)
    return searching.lifetime_remarks(_lifetimes(facts, evolving), judged) + searching.budget_remarks(steps, pairs)


def _all_contrasts(
    rules: VerdictRules, arms: Mapping[str, ArmValues], primary: Asked, doubled: Sequence[str]
) -> Contrasts:
    """All comparisons of a condition: the primary one alone, the secondary ones and those by lifetime under Holm."""
    others = _asked_secondary(rules, primary)
    (first,), secondary, twice, by_lifetime = _compare(
        rules,
        arms,
        [
            ([primary], False),
            (others, True),
            (_asked_of_doubled(doubled, arms, primary), False),
            (_asked_by_lifetime(arms, primary), True),
        ],
    )
    return Contrasts(first, secondary, twice, by_lifetime)


def _contrast_records(contrasts: Contrasts, levels: Levels) -> Json:
    return {
        "primary": contrast_record(contrasts.primary, levels),
        "secondary": [contrast_record(contrast, levels) for contrast in contrasts.secondary],
        "by_lifetime": [_by_lifetime(contrast) for contrast in contrasts.by_lifetime],
        "doubled": [
            contrast_record(contrast, levels) | {"sentence": sentences.doubled_sentence(contrast, levels)}
            for contrast in contrasts.doubled
        ],
    }


def _all_values(
    rules: VerdictRules, lives: Mapping[str, ArmLives], judged: Mapping[str, ArmLives], target_arm: str
) -> tuple[Levels, dict[str, ArmValues]]:
    """Levels of the condition, which arms with a doubled budget have no part in, and values of all arms."""
    draws = resamples.draw(lives, rules.resamples, rules.seed)
    scale = target_arm, rules.catch_up_share, rules.threshold.share, rules.threshold.of
    levels = resamples.study_levels(judged, None, *scale)
    resampled = resamples.study_levels(judged, draws, *scale)
    return levels, {arm: resamples.arm_values(of_arm, draws[arm], levels, resampled) for arm, of_arm in lives.items()}


def _compare(
    rules: VerdictRules, arms: Mapping[str, ArmValues], families: Sequence[tuple[Sequence[Asked], bool]]
) -> list[list[Contrast]]:
    """Contrasts, family by family in the order asked; what cannot be compared says why.

    Args:
        rules: of the study.
        arms: of the condition.
        families: what is asked, and whether under Holm.
    """
    paired = [[pair_up(arms[a.arm], arms[a.against], a.metric, a.lifetime) for a in asked] for asked, _ in families]
    judged = judge(
        [
            Family([pair for pair in pairs if not isinstance(pair, str)], holm)
            for pairs, (_, holm) in zip(paired, families, strict=True)
        ],
        rules,
    )
    found = []
    for (asked, _), pairs, contrasts in zip(families, paired, map(iter, judged), strict=True):
        found.append(
            [
                not_comparable(arms[a.arm], arms[a.against], a.metric, rules.margins.get(a.metric), pair)
                if isinstance(pair, str)
                else next(contrasts)
                for a, pair in zip(asked, pairs, strict=True)
            ]
        )
    return found


def _head_start(rules: VerdictRules, arms: Mapping[str, ArmValues], primary: ContrastRule) -> str | None:
    """What there is to say of it, where the primary metric is a time that is counted from it."""
    if primary.metric != "catch_up" or "random" not in arms:
        return None
    birth, floor = (
        estimate(iqm(of_arm.values["birth"]), iqm(of_arm.resampled["birth"]), rules.level, of_arm.lives.runs)
        for of_arm in (arms[primary.arm], arms["random"])
    )
    return sentences.head_start_words(primary.arm, birth, floor)


def _asked_secondary(rules: VerdictRules, first: Asked) -> list[Asked]:
    """Secondary contrasts; the primary one is not tested twice."""
    asked = dict.fromkeys(Asked(row.arm, row.against, metric) for row in rules.secondary for metric in row.metrics)
    return [contrast for contrast in asked if contrast != first]


def _asked_of_doubled(doubled: Sequence[str], arms: Mapping[str, ArmValues], first: Asked) -> list[Asked]:
    """Twice the budget against the budget: in what evolution selects on, and in what the verdict rests on."""
    pairs = [(arm, arm.removesuffix(DOUBLED)) for arm in doubled]
    names = dict.fromkeys(("total", first.metric))
    return [Asked(arm, against, metric) for arm, against in pairs if against in arms for metric in names]


def _asked_by_lifetime(arms: Mapping[str, ArmValues], primary: Asked) -> list[Asked]:
    """Life fitness at every lifetime that both arms of the primary contrast were judged at: a family of its own."""
    arm, against = primary.arm, primary.against
    common = [age for age in arms[arm].lives.lifetimes if age in arms[against].lives.lifetimes]
    return [Asked(arm, against, "total", lifetime) for lifetime in common]


def _centres(runs: Sequence[Json]) -> FloatArray:
    """Fitness [R, generations] of each search's centre, as far as all runs went; of its best if it has no centre."""
    curves = [run["best"] if None in run["centre"] else run["centre"] for run in runs]
    generations = min(len(curve) for curve in curves)
    return np.array([curve[:generations] for curve in curves], np.float64).reshape(len(curves), generations)


def _by_lifetime(contrast: Contrast) -> Json:
    tests = contrast.tests
    return {
        "lifetime": contrast.lifetimes[0],
        "arm": contrast.arm,
        "against": contrast.against,
        "difference": iqm_record(contrast.difference),
        "p": tests.p,
        "p_holm": tests.p_holm,
        "equivalence_p": tests.equivalence.p,
        "equivalence_p_holm": tests.equivalence_p_holm,
        "verdict": contrast.verdict,
    }


def _catch_up_by_lifetime(rules: VerdictRules, arms: Mapping[str, ArmValues], lifetimes: Sequence[int]) -> list[Json]:
    """Catch-up times as if life had ended at each lifetime."""
    return [
        {
            "lifetime": lifetime,
            "arms": {
                arm: _cut_off(values, lifetime, rules.level)
                for arm, values in arms.items()
                if values.lives.lifetime >= lifetime >= values.lives.ages[0]
            },
        }
        for lifetime in lifetimes
    ]


def _cut_off(values: ArmValues, lifetime: int, level: float) -> Json:
    times = metrics.censored_at(values.values["catch_up"], lifetime)
    # what is infinite is cut off at the lifetime just as what is late
    kept, resampled = (metrics.restricted(part["catch_up"], lifetime) for part in (values.values, values.resampled))
    found = estimate(iqm(kept), iqm(resampled), level, len(times))
    counts = {"censored": count_censored(times), "at_least": includes_censored(times), "runs": len(times)}
    return {**iqm_record(found), **counts}


def _factorial(arms: Mapping[str, ArmValues], level: float, searches: Mapping[str, SearchFacts]) -> Json | None:
    """Effects of inherited weights and drives on life fitness, and their interaction.

    If all four arms are there, and their evolutions had the same budget: an effect of the budget is none of these.
    """
    if any(arm not in arms or arms[arm].lives.runs < 2 for arm in FACTORIAL):
        return None
    if len({searches[arm].outer_steps for arm in FACTORIAL if arm in searches}) > 1:
        return None
    cells = [arms[arm].values["total"] for arm in FACTORIAL]
    effects = {name: dataclasses.asdict(stats.effect(cells, weights, level)) for name, weights in EFFECTS.items()}
    return {"metric": "total", **effects}


def _break_even(arms: Mapping[str, ArmValues], arm: str, outer_steps: Mapping[str, int], levels: Levels) -> list[Json]:
    """After how many descendants the evolution of an arm is paid for, against those that learn from nothing."""
    rows = []
    for against, metric in BREAK_EVEN.items():
        pair = arms[arm], arms.get(against)
        if against == arm or pair[1] is None or metric not in pair[0].values or not outer_steps.get(arm):
            continue
        cut = [metrics.restricted(side.values[metric], side.lives.lifetime) for side in (pair[0], pair[1])]
        steps, steps_against = (float(iqm(times)) for times in cut)
        open_ends = [includes_censored(side.values[metric]) for side in (pair[0], pair[1])]
        level = sentences.level_words(metric, levels)
        # Lives as long as an evolution are seen through wider windows: what they reached, they reached earlier.
        coarse = bool(pair[1].lives.ages[0] > pair[0].lives.ages[0]) and not open_ends[1]
        row = stats.break_even(outer_steps[arm], steps, steps_against, open_ends[0] or coarse, open_ends[1])
        bounds = ["at least " if open_ends[0] else "", "at least " if open_ends[1] else "at most " if coarse else ""]
        words = [
            f"{bound}{sentences.amount(value, metric)} steps"
            for bound, value in zip(bounds, (steps, steps_against), strict=True)
        ]
        rows.append(
            {
                "arm": arm,
                "against": against,
                "metric": metric,
                **dataclasses.asdict(row),
                "evolution_steps": outer_steps[arm],
                "steps_each": steps,
                "steps_each_against": steps_against,
                "sentence": sentences.break_even_sentence(arm, against, row, outer_steps[arm], words, level),
            }
        )
    return rows
