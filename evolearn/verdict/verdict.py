"""The verdict on one condition of a study, from the test lives of its arms. Pure.

What is compared, in which metric, at which level and with which margin is the config's, fixed before the first run;
nothing here chooses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from evolearn.verdict import (
    _remarks as remarks,
    _resamples as resamples,
    _searching as searching,
    metrics,
    sentences,
    stats,
)
from evolearn.verdict._break_even import break_even
from evolearn.verdict._compared import Contrasts, all_contrasts, head_start_scale, level_of_others, without_unfinished
from evolearn.verdict._contrasts import (
    Contrast,
    Tests,
    count_censored,
    estimate,
    includes_censored,
    pair_up,
    unadjusted,
)
from evolearn.verdict._convergence import ArmSearch, find_scale, judge_search
from evolearn.verdict._resamples import ArmValues
from evolearn.verdict.diverged import diverged_last
from evolearn.verdict.facts import ConditionFacts, SearchFacts
from evolearn.verdict.json_records import Json, arm_record, came_to_dna, contrast_record, for_json, iqm_record
from evolearn.verdict.looks import Look, Seen
from evolearn.verdict.metrics import ArmLives, Levels
from evolearn.verdict.rules import DOUBLED, ContrastRule, VerdictRules
from evolearn.verdict.stats import FloatArray, iqm

FACTORIAL = ("tuned_learner", "tuned_blank", "evolved_weights", "evolved")  # neither, drives, weights, both
EFFECTS = {"weights": (-0.5, -0.5, 0.5, 0.5), "drives": (-0.5, 0.5, -0.5, 0.5), "interaction": (1.0, -1.0, -1.0, 1.0)}


def judge_primary(rules: VerdictRules, primary: ContrastRule, lives: Mapping[str, ArmLives], level: float) -> Tests:
    """The tests of a condition's primary contrast, as if there were no other condition.

    Args:
        rules: the study's config.
        primary: contrast of the condition.
        lives: see `judge_condition`.
        level: of the look.
    """
    judged = diverged_last(_own(lives))
    # tests ask for no resamples
    levels, arms = _all_values(rules, judged, judged, primary.arm, resampled=1)
    pair = pair_up(arms[primary.arm], arms[primary.against], primary.metric, head_start_scale(rules, levels))
    if isinstance(pair, str):
        lost = any(judged[arm].lost_runs for arm in (primary.arm, primary.against))
        return Tests(withheld=pair, for_good=lost)
    return unadjusted(pair, rules, level)


def judge_condition(
    rules: VerdictRules,
    facts: ConditionFacts,
    primary: ContrastRule,
    lives: Mapping[str, ArmLives],
    outer_steps: Mapping[str, int],
    evolution: Mapping[str, Sequence[Json]],
    origins: Mapping[str, str] | None = None,
    seen: Sequence[Seen] = (),
    lives_at_home: Mapping[str, ArmLives] | None = None,
) -> Json:
    """The verdict on one condition.

    Args:
        rules: the study's config.
        facts: of the condition.
        primary: contrast of the condition; its arm's birth score is what there is to catch up with.
        lives: test lives by arm; those of an arm evolved twice as long go by its name and `DOUBLED`.
        outer_steps: world steps that one evolution run cost, by arm.
        evolution: one record per run for arms with an evolution of their own: run, seed, centre, best and stdev by
            generation, drives and plasticity by name; of a run that came to no DNA why, as no_dna, and no generations.
        origins: by transplanted arm: the arm whose DNA it has.
        seen: what the looks at this condition came to, the last of them from these lives; none: it is judged alone.
        lives_at_home: test lives of random and the oracle under the condition in which the arms evolved, if another:
            the scale of their searches.
    Returns:
        an entry of `conditions` in verdict.json.
    """
    if not seen:
        tests = judge_primary(rules, primary, lives, rules.level)
        seen = [Seen(Look(lives[primary.arm].runs, rules.level), tests, tests.conclusive(rules.level))]
    lives = diverged_last(lives)
    judged = _own(lives)
    levels, arms = _all_values(rules, lives, judged, primary.arm)
    own = {arm: values for arm, values in arms.items() if arm in judged}
    evolved = {arm: came_to_dna(runs) for arm, runs in evolution.items() if arm in judged and came_to_dna(runs)}
    searches = _searches(
        rules, facts, judged, evolved, origins or {}, judged if lives_at_home is None else diverged_last(lives_at_home)
    )
    contrasts = without_unfinished(
        all_contrasts(rules, arms, primary, seen[-1], levels), {arm: searches[arm] for arm in evolved}, origins or {}
    )
    condition = {
        **facts.record(),
        "runs": lives[primary.arm].runs,
        "sentence": _sentence(rules, facts, contrasts.primary, own, levels, seen),
        "remarks": remarks.no_dna_remarks(arms)
        + remarks.diverged_remarks(own)
        + _no_head_start(rules, own, primary)
        + remarks.remarks(
            arms=own,
            levels=levels,
            threshold_of=rules.threshold.of,
            searches={arm: search for arm, search in searches.items() if arm in evolved},
            tolerance=rules.convergence.tolerance,
            primary=contrasts.primary,
            secondary=contrasts.secondary,
            doubled=contrasts.doubled,
            by_lifetime=contrasts.by_lifetime,
            level=level_of_others(rules, seen[-1]),
            study_level=rules.level,
        )
        + _search_remarks(facts, own, [contrasts.primary, *contrasts.secondary]),
        "floor": levels.floor,
        "target": levels.target,
        "catch_up_level": levels.catch_up,
        "threshold_level": levels.threshold,
        "top": levels.top,
        "arms": {
            arm: arm_record(values, rules, evolution.get(arm), searches.get(arm))
            | _search_record(facts.searches.get(arm))
            for arm, values in own.items()
        },
        "looks": [_look_record(one) for one in seen],
        **_contrast_records(contrasts, levels),
        "catch_up_by_lifetime": _catch_up_by_lifetime(rules, own, lives[primary.arm].lifetimes),
        "factorial": _factorial(own, rules.level, facts.searches),
        "break_even": break_even(facts, own, primary, outer_steps, origins or {}, levels, rules.level),
    }
    rounded: Json = for_json(condition)
    return rounded


def _own(lives: Mapping[str, ArmLives]) -> dict[str, ArmLives]:
    """Without the arms that evolved twice as long."""
    return {arm: values for arm, values in lives.items() if not arm.endswith(DOUBLED)}


def _sentence(
    rules: VerdictRules,
    facts: ConditionFacts,
    primary: Contrast,
    arms: Mapping[str, ArmValues],
    levels: Levels,
    seen: Sequence[Seen],
) -> str:
    arm, against = arms[primary.arm], arms[primary.against]
    pair = pair_up(arm, against, "head_start", head_start_scale(rules, levels))
    lost = bool(arm.lives.lost_runs or against.lives.lost_runs)
    kind, kind_against = sentences.kinds((primary.arm, primary.against), facts.evolutions, facts.blank_slates)
    births = sentences.Births(
        kind=kind,
        kind_against=kind_against,
        scores=arm.values["birth"],
        scores_against=against.values["birth"],
        able_from=None if lost else _able_from(levels),
        able=facts.able,
        steps=None if isinstance(pair, str) else pair.values,
        lifetime=against.lives.lifetime,
    )
    look = len(seen) if len(rules.looks) > 1 else None
    lifetimes = _lifetimes(facts, (primary.arm, primary.against))
    selected = searching.selected_words(lifetimes) if lifetimes else ""
    return sentences.condition_sentence(facts.name, births, primary, levels, selected, look)


def _able_from(levels: Levels) -> float | None:
    """Birth score from which on a newborn has the skill; None if whoever acts at random would have it."""
    if levels.threshold is None or (levels.floor is not None and levels.threshold <= levels.floor):
        return None
    return float(levels.threshold)


def _look_record(seen: Seen) -> Json:
    tests = seen.tests
    return {
        "runs": seen.look.runs,
        "level": seen.look.level,
        "p": tests.p,
        "p_adjusted": tests.p_counted,
        "equivalence_p": tests.equivalence.p,
        "equivalence_p_adjusted": tests.equivalence_p_counted,
        "adjustment": tests.adjustment if tests.adjusted else None,
        "withheld": tests.withheld,
        "decided": seen.decided,
    }


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
    rules: VerdictRules,
    lives: Mapping[str, ArmLives],
    judged: Mapping[str, ArmLives],
    target_arm: str,
    resampled: int | None = None,
) -> tuple[Levels, dict[str, ArmValues]]:
    """Levels of the condition, which arms with a doubled budget have no part in, and values of all arms."""
    draws = resamples.draw(lives, resampled or rules.resamples, rules.seed)
    scale = target_arm, rules.catch_up_share, rules.threshold.share, rules.threshold.of
    levels = resamples.study_levels(judged, None, *scale)
    drawn = resamples.study_levels(judged, draws, *scale)
    return levels, {arm: resamples.arm_values(of_arm, draws[arm], levels, drawn) for arm, of_arm in lives.items()}


def _no_head_start(rules: VerdictRules, arms: Mapping[str, ArmValues], primary: ContrastRule) -> list[str]:
    """What there is to say of it, where the primary metric is a time that is counted from it."""
    if primary.metric != "catch_up" or "random" not in arms or arms[primary.arm].lives.lost_runs:
        return []
    birth, floor = (
        estimate(iqm(of_arm.values["birth"]), iqm(of_arm.resampled["birth"]), rules.level, of_arm.lives.runs)
        for of_arm in (arms[primary.arm], arms["random"])
    )
    words = remarks.head_start_words(primary.arm, birth, floor)
    return [] if words is None else [words]


def _searches(
    rules: VerdictRules,
    facts: ConditionFacts,
    lives: Mapping[str, ArmLives],
    evolution: Mapping[str, Sequence[Json]],
    origins: Mapping[str, str],
    at_home: Mapping[str, ArmLives],
) -> dict[str, ArmSearch]:
    """How the search of every arm ended that has one, or that has the DNA of an arm with one."""
    curves = {arm: {run["run"]: _centre(run) for run in runs} for arm, runs in evolution.items()}
    of_runs = {arm: list(by_run.values()) for arm, by_run in curves.items()}
    how = rules.convergence.tolerance, rules.convergence.stuck_share, rules.level
    found = {}
    for arm in evolution:
        lifetime = _lifetimes(facts, [arm]).get(arm, facts.selection_lifetime)
        found[arm] = judge_search(curves[arm], find_scale(at_home, lifetime, of_runs), *how)
    transplanted = {arm: found[origin] for arm, origin in origins.items() if arm in lives and origin in found}
    return {**transplanted, **found}


def _centre(run: Json) -> FloatArray:
    """Fitness of a search's centre, of its best if it has none, in the generations in which it was finite."""
    centre, best = (np.array(run[name], np.float64) for name in ("centre", "best"))
    centre = centre if np.isfinite(centre).any() else best
    return centre[np.isfinite(centre)]


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
        "adjustment": tests.adjustment,
        "withheld": tests.withheld,
        "unfinished": contrast.unfinished,
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
    if "catch_up" not in values.values or values.lives.lost_runs:
        nothing = dict.fromkeys(("iqm", "low", "high"))
        return {**nothing, "censored": None, "at_least": False, "runs": values.lives.runs}
    times = metrics.censored_at(values.values["catch_up"], lifetime)
    # what is infinite is cut off at the lifetime just as what is late
    kept, resampled = (metrics.restricted(part["catch_up"], lifetime) for part in (values.values, values.resampled))
    found = estimate(iqm(kept), iqm(resampled), level, len(times))
    counts = {"censored": count_censored(times), "at_least": includes_censored(times), "runs": len(times)}
    return {**iqm_record(found), **counts}


def _factorial(arms: Mapping[str, ArmValues], level: float, searches: Mapping[str, SearchFacts]) -> Json | None:
    """Effects of inherited weights and drives on life fitness, and their interaction.

    If all four arms are there and have scores, and their evolutions had the same budget: an effect of the budget is
    none of these.
    """
    if any(arm not in arms or arms[arm].lives.runs < 2 or arms[arm].lives.lost_runs for arm in FACTORIAL):
        return None
    if len({searches[arm].outer_steps for arm in FACTORIAL if arm in searches}) > 1:
        return None
    cells = [arms[arm].values["total"] for arm in FACTORIAL]
    effects = {name: dataclasses.asdict(stats.effect(cells, weights, level)) for name, weights in EFFECTS.items()}
    return {"metric": "total", **effects}
