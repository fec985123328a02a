"""Whether an evolution pays for itself: its bill, against what each descendant of it saves. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from evolearn.verdict import metrics, sentences, stats
from evolearn.verdict._contrasts import estimate, includes_censored
from evolearn.verdict._resamples import ArmValues
from evolearn.verdict.facts import ConditionFacts
from evolearn.verdict.json_records import Json
from evolearn.verdict.metrics import Levels
from evolearn.verdict.rules import ContrastRule
from evolearn.verdict.stats import iqm


def break_even(
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
        cut = [metrics.restricted(side.values[metric], side.lives.lifetime) for side in pair]
        steps, steps_against = (float(iqm(times)) for times in cut)
        open_ends = [includes_censored(side.values[metric]) for side in pair]
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
