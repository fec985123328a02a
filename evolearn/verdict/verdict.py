"""The verdict on one condition of a study, from the test lives of its arms. Pure.

What is compared, in which metric, at which level and with which margin is the config's, fixed before the first run;
nothing here chooses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from evolearn.verdict import _resamples as resamples, _searching as searching, metrics, sentences, stats
from evolearn.verdict._contrasts import (
    Contrast,
    Family,
    HeadStartScale,
    Tests,
    conclude,
    count_censored,
    estimate,
    includes_censored,
    judge,
    not_comparable,
    pair_up,
    unadjusted,
)
from evolearn.verdict._convergence import ArmSearch, find_scale, judge_search, unfinished
from evolearn.verdict._resamples import ArmValues
from evolearn.verdict.diverged import diverged_last
from evolearn.verdict.json_records import Json, arm_record, came_to_dna, contrast_record, for_json, iqm_record
from evolearn.verdict.looks import Look, Seen
from evolearn.verdict.metrics import ArmLives, Levels
from evolearn.verdict.rules import DOUBLED, ContrastRule, VerdictRules
from evolearn.verdict.stats import FloatArray, iqm

FACTORIAL = ("tuned_learner", "tuned_blank", "evolved_weights", "evolved")  # neither, drives, weights, both
EFFECTS = {"weights": (-0.5, -0.5, 0.5, 0.5), "drives": (-0.5, 0.5, -0.5, 0.5), "interaction": (1.0, -1.0, -1.0, 1.0)}


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
    able: str = "able"  # what a newborn does that has mastered the task; see `evolearn.world.Declaration`
    termination_is_death: bool = False  # likewise
    searches: Mapping[str, SearchFacts] = dataclasses.field(default_factory=dict)  # by arm with an evolution, or origin
    # arms by what they are made of, whatever they are called
    evolutions: Collection[str] = ()  # learn from weights of their own evolution
    blank_slates: Collection[str] = ()  # learn from weights drawn afresh in each life
    one_life: Collection[str] = ()  # judged in lives as long as an evolution

    def record(self) -> Json:
        """As an entry of verdict.json begins; what arms are stands with them."""
        of_arms = ("searches", "evolutions", "blank_slates", "one_life")
        return {name: value for name, value in dataclasses.asdict(self).items() if name not in of_arms}


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
    pair = pair_up(arms[primary.arm], arms[primary.against], primary.metric, _scale(rules, levels))
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
    contrasts = _without_unfinished(
        _all_contrasts(rules, arms, primary, seen[-1], levels), {arm: searches[arm] for arm in evolved}, origins or {}
    )
    condition = {
        **facts.record(),
        "runs": lives[primary.arm].runs,
        "sentence": _sentence(rules, facts, contrasts.primary, own, levels, seen),
        "remarks": sentences.no_dna_remarks(arms)
        + sentences.diverged_remarks(own)
        + _no_head_start(rules, own, primary)
        + sentences.remarks(
            arms=own,
            levels=levels,
            threshold_of=rules.threshold.of,
            searches={arm: search for arm, search in searches.items() if arm in evolved},
            tolerance=rules.convergence.tolerance,
            primary=contrasts.primary,
            secondary=contrasts.secondary,
            doubled=contrasts.doubled,
            by_lifetime=contrasts.by_lifetime,
            level=_level_of_others(rules, seen[-1]),
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
        "break_even": _break_even(facts, own, primary, outer_steps, origins or {}, levels, rules.level),
    }
    rounded: Json = for_json(condition)
    return rounded


def _own(lives: Mapping[str, ArmLives]) -> dict[str, ArmLives]:
    """Without the arms that evolved twice as long."""
    return {arm: values for arm, values in lives.items() if not arm.endswith(DOUBLED)}


def _scale(rules: VerdictRules, levels: Levels) -> HeadStartScale:
    floor = None if levels.floor is None else float(levels.floor)
    return HeadStartScale(floor, rules.catch_up_share, rules.margins.get("head_start"))


def _sentence(
    rules: VerdictRules,
    facts: ConditionFacts,
    primary: Contrast,
    arms: Mapping[str, ArmValues],
    levels: Levels,
    seen: Sequence[Seen],
) -> str:
    arm, against = arms[primary.arm], arms[primary.against]
    pair = pair_up(arm, against, "head_start", _scale(rules, levels))
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


def _all_contrasts(
    rules: VerdictRules, arms: Mapping[str, ArmValues], primary: ContrastRule, last: Seen, levels: Levels
) -> Contrasts:
    """The primary contrast as it was tested at the last look; the secondary ones and those by lifetime under Holm."""
    scale = _scale(rules, levels)
    first = Asked(primary.arm, primary.against, primary.metric)
    doubled = [arm for arm in arms if arm.endswith(DOUBLED)]
    pair = pair_up(arms[first.arm], arms[first.against], first.metric, scale)
    secondary, twice, by_lifetime = _compare(
        rules,
        arms,
        scale,
        [
            (_asked_secondary(rules, first), True),
            (_asked_of_doubled(doubled, arms, first), False),
            (_asked_by_lifetime(arms, first), True),
        ],
        _level_of_others(rules, last),
    )
    if isinstance(pair, str):
        margin = rules.margins.get(first.metric)
        decided = not_comparable(arms[first.arm], arms[first.against], first.metric, margin, pair)
    else:
        decided = conclude(pair, last.tests, rules, last.look.level)
    return Contrasts(decided, secondary, twice, by_lifetime)


def _level_of_others(rules: VerdictRules, last: Seen) -> float:
    """Level of every family of contrasts but the primary ones.

    Of several looks the primary contrast chooses the one at which the others are judged, and what is correlated with it
    stands best just then: at the level of that look the union bound over looks holds for them as well.
    """
    return last.look.level if len(rules.looks) > 1 else rules.level


def _without_unfinished(
    contrasts: Contrasts, searches: Mapping[str, ArmSearch], origins: Mapping[str, str]
) -> Contrasts:
    """The same, without verdicts on arms whose search had not ended; twice the budget tells of that by itself."""

    def checked(contrast: Contrast) -> Contrast:
        reason = unfinished(contrast.verdict, contrast.arm, contrast.against, searches, origins)
        return contrast if reason is None else dataclasses.replace(contrast, verdict="inconclusive", unfinished=reason)

    return dataclasses.replace(
        contrasts,
        primary=checked(contrasts.primary),
        secondary=[checked(contrast) for contrast in contrasts.secondary],
        by_lifetime=[checked(contrast) for contrast in contrasts.by_lifetime],
    )


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


def _compare(
    rules: VerdictRules,
    arms: Mapping[str, ArmValues],
    scale: HeadStartScale,
    families: Sequence[tuple[Sequence[Asked], bool]],
    level: float,
) -> list[list[Contrast]]:
    """Contrasts, family by family in the order asked; what cannot be compared says why.

    Args:
        rules: of the study.
        arms: of the condition.
        scale: of head starts.
        families: what is asked, and whether under Holm.
        level: of each family.
    """
    paired = [
        [pair_up(arms[a.arm], arms[a.against], a.metric, scale, a.lifetime) for a in asked] for asked, _ in families
    ]
    judged = judge(
        [
            Family([pair for pair in pairs if not isinstance(pair, str)], holm)
            for pairs, (_, holm) in zip(paired, families, strict=True)
        ],
        rules,
        level,
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


def _no_head_start(rules: VerdictRules, arms: Mapping[str, ArmValues], primary: ContrastRule) -> list[str]:
    """What there is to say of it, where the primary metric is a time that is counted from it."""
    if primary.metric != "catch_up" or "random" not in arms or arms[primary.arm].lives.lost_runs:
        return []
    birth, floor = (
        estimate(iqm(of_arm.values["birth"]), iqm(of_arm.resampled["birth"]), rules.level, of_arm.lives.runs)
        for of_arm in (arms[primary.arm], arms["random"])
    )
    words = sentences.head_start_words(primary.arm, birth, floor)
    return [] if words is None else [words]


def _asked_secondary(rules: VerdictRules, first: Asked) -> list[Asked]:
    """Secondary contrasts; the primary one is not tested twice."""
    asked = dict.fromkeys(Asked(row.arm, row.against, metric) for row in rules.secondary for metric in row.metrics)
    return [contrast for contrast in asked if contrast != first]


def _asked_of_doubled(doubled: Sequence[str], arms: Mapping[str, ArmValues], first: Asked) -> list[Asked]:
    """Twice the budget against the budget: in what evolution selects on, and in what the verdict rests on."""
    pairs = [(arm, arm.removesuffix(DOUBLED)) for arm in doubled]
    # a blank slate's newborns have no head start, however long it was tuned: there it is the level's time that tells
    names = dict.fromkeys(("total", "catch_up" if first.metric == "head_start" else first.metric))
    return [Asked(arm, against, metric) for arm, against in pairs if against in arms for metric in names]


def _asked_by_lifetime(arms: Mapping[str, ArmValues], primary: Asked) -> list[Asked]:
    """Life fitness at every lifetime that both arms of the primary contrast were judged at: a family of its own."""
    arm, against = primary.arm, primary.against
    common = [age for age in arms[arm].lives.lifetimes if age in arms[against].lives.lifetimes]
    return [Asked(arm, against, "total", lifetime) for lifetime in common]


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


def _break_even(
    facts: ConditionFacts,
    arms: Mapping[str, ArmValues],
    primary: ContrastRule,
    outer_steps: Mapping[str, int],
    origins: Mapping[str, str],
    levels: Levels,
    level: float,
) -> list[Json]:
    """After how many descendants an evolution is paid for, against rivals that have a bill of another search.

    The rival of the primary contrast is measured by when it catches up, those judged in one long life by the threshold.
    """
    rows = []
    arm = primary.arm
    for against, metric in ({primary.against: "catch_up"} | dict.fromkeys(facts.one_life, "threshold")).items():
        if (
            against not in arms
            or metric not in arms[arm].values
            or not (outer_steps.get(arm) and outer_steps.get(against))
        ):
            continue
        if origins.get(against, against) == origins.get(arm, arm):
            continue
        pair = arms[arm], arms[against]
        if any(side.lives.lost_runs for side in pair):
            continue
        cut = [metrics.restricted(side.values[metric], side.lives.lifetime) for side in (pair[0], pair[1])]
        steps, steps_against = (float(iqm(times)) for times in cut)
        open_ends = [includes_censored(side.values[metric]) for side in (pair[0], pair[1])]
        to_what = sentences.level_words(metric, levels)
        # Lives as long as an evolution are seen through wider windows: what they reached, they reached earlier.
        coarse = bool(pair[1].lives.ages[0] > pair[0].lives.ages[0]) and not open_ends[1]
        bills = outer_steps[arm], outer_steps[against]
        row = stats.break_even(*bills, steps, steps_against, open_ends[0] or coarse, open_ends[1])
        differences = iqm(metrics.restricted(pair[1].resampled[metric], pair[1].lives.lifetime)) - iqm(
            metrics.restricted(pair[0].resampled[metric], pair[0].lives.lifetime)
        )
        saved = estimate(
            np.array(steps_against - steps), differences, level, min(pair[0].lives.runs, pair[1].lives.runs)
        )
        row = stats.unless_unclear(row, saved.low, saved.high)
        bounds = ["at least " if open_ends[0] else "", "at least " if open_ends[1] else "at most " if coarse else ""]
        words = [
            f"{bound}{sentences.amount(value, metric)} steps"
            for bound, value in zip(bounds, (steps, steps_against), strict=True)
        ]
        paid = {name for name, search in facts.searches.items() if search.settings_steps}
        rows.append(
            {
                "arm": arm,
                "against": against,
                "metric": metric,
                **dataclasses.asdict(row),
                "evolution_steps": bills[0],
                "evolution_steps_against": bills[1],
                "steps_each": steps,
                "steps_each_against": steps_against,
                "sentence": sentences.break_even_sentence(
                    (arm, against), row, bills, words, to_what, saved, (arm in paid, against in paid)
                ),
            }
        )
    return rows
