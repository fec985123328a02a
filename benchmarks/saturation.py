"""Where evolution saturates, and whether one could have known: the tables of `claims/scaling`.

    python -m benchmarks.saturation STUDY [--arm evolved] [--lives 256] [--budget 0.1M 1M 10M] [--picture FILE]
                                    [--markdown]

STUDY is a directory of a study in a world with an oracle. Each run is judged at its own prefixes: the centres that it
kept on its way live as the arm does, in lives as long as those that selected, on births that it did not see. One curve
per run, and one fit: ceiling and half-way point are of a sigmoid in the log of the budget, whose ceiling is free but no
higher than what the oracle earned in the same lives. Then the last decade is foretold from those before. Means are
interquartile, over runs, with intervals over runs.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from benchmarks.bandits import Answer, tell
from benchmarks.information import crossing
from evolearn.cli.tune import steps_of
from evolearn.errors import UserError
from evolearn.life import Driver, broken_lives, life_fitness, new_driver
from evolearn.rng import VALIDATION, Keys, life_keys
from evolearn.run import (
    ARMS,
    Arm,
    Setup,
    at_budgets,
    has_oracle,
    live_arm,
    prefixes_of,
    ready_arm,
    setup_of,
    unseen_births,
)
from evolearn.study import StudyConfig, open_study
from evolearn.study.bands import measure_over_runs
from evolearn.study.config import ConditionPart
from evolearn.study.directory import StudyDirectory
from evolearn.verdict import (
    FORMS,
    LAST_ONE,
    Saturation,
    counted_last,
    extrapolation_error,
    fit_curve,
    holm,
    iqm,
    late_rise,
    saturation_of,
    stats,
)

Floats = npt.NDArray[np.float64]

GENERATION = 950  # of the validation key space, which nobody else uses: see `evolearn.api.lived`
LEVEL = 0.05
DECADE = 10.0  # factor of budgets that is foretold
HORIZONS = (10.0, 30.0, 100.0)  # in the table: the last decade, one and a half, two
FACTOR = 3.0  # by which half-way points may differ
FORETOLD = 0.1  # what the last decade may be missed by
RISE = 0.02  # per half decade: what is still a rise, past half of all steps


class Curve(NamedTuple):
    """One run, judged at its prefixes."""

    budgets: Floats  # [n] world steps of evolution, ascending
    scores: Floats  # [n] life fitness, means over lives
    oracle: float  # in the same lives

    @property
    def told(self) -> Saturation:
        """Its ceiling and half-way point, or why not."""
        return saturation_of(self.budgets, self.scores, self.oracle)


def curve(path: Path, part: str, config: StudyConfig, budgets: Sequence[int] | None, lives: int) -> Curve:
    """Let the centres live that a run kept on its way.

    Args:
        path: of the run directory.
        part: name of its arm.
        config: of the study.
        budgets: world steps; None: all that were kept.
        lives: per centre.
    Raises:
        UserError: a budget outside of the run, too few, or a world without an oracle.
    """
    prefixes = at_budgets(prefixes_of(path), budgets, "--budget")
    setup = setup_of(prefixes[0].dna)
    world, seed = setup.config.world, setup.config.seed
    if not has_oracle(setup):
        raise UserError(
            f"{path}: world {world.name} has no oracle, which bounds a ceiling; take a study of one that has"
        )
    keys = unseen_births(setup, life_keys(seed, VALIDATION, GENERATION, lives), world.set, seed)
    definition, learner = config.arm(part), setup.config.learner
    arms = [ready_arm(part, definition, setup.pool, prefix.dna.genome, learner) for prefix in prefixes]
    arms.append(ready_arm("oracle", ARMS["oracle"], setup.pool, prefixes[0].dna.genome, learner))
    with contextlib.closing(new_driver(setup.conditions, os.cpu_count() or 1, setup.config.hang_seconds)) as driver:
        *scores, oracle = scored(setup, driver, arms, keys)
    return Curve(np.array([float(prefix.steps) for prefix in prefixes]), np.array(scores), oracle)


def scored(setup: Setup, driver: Driver, arms: Sequence[Arm], keys: Keys) -> list[float]:
    """Mean life fitness of arms, as long as lives that select; lives that left the finite numbers count last."""
    rule, lifetime = setup.conditions.world.fitness_rule, setup.config.search.selection_lifetime
    outcomes = [live_arm(setup, driver, arm, keys, lifetime, None) for arm in arms]
    earned = [life_fitness(outcome, rule, arm.plan(lifetime)) for outcome, arm in zip(outcomes, arms, strict=True)]
    broken = [broken_lives(outcome, one) for outcome, one in zip(outcomes, earned, strict=True)]
    return [float(values.mean()) for values in counted_last(earned, broken)]


def curves(
    path: Path, arm: str, budgets: Sequence[int] | None, lives: int
) -> tuple[StudyConfig, dict[str, list[Curve]]]:
    """The curves of all runs of an arm, by condition.

    Raises:
        UserError: no study, no such arm, or see `curve`.
    """
    study = open_study(path)
    config = study.read_config()
    evolving = [name for name in config.arms if config.arm(name).evolves]
    if arm not in evolving:
        raise UserError(f"--arm {arm}: must be one that evolves in {study.path}: {', '.join(evolving)}")
    found = {
        condition.name: [curve(run, arm, config, budgets, lives) for run in _runs(study, condition, arm)]
        for condition in config.conditions
        if condition.evolved_in is None
    }
    return config, found


def _runs(study: StudyDirectory, condition: ConditionPart, arm: str) -> list[Path]:
    runs = study.read_verdict()["study"]["runs"]
    return [study.evolved(condition, arm, run).path for run in range(runs)]


def tables(config: StudyConfig, of: Mapping[str, Sequence[Curve]]) -> list[Answer]:
    """Ends, what was foretold, and bands."""
    count = max(map(len, of.values()))
    runs = f"{count} run{'s' if count > 1 else ''}"
    return [
        Answer(
            f"{config.title}: where it ends, {runs}",
            (
                "condition",
                "steps, M",
                "at the end",
                "oracle",
                "ceiling",
                "half-way, M steps",
                "without a fit",
                "told of",
                "past half, per half decade",
            ),
            ends(of),
        ),
        Answer(
            f"{config.title}: the last budgets, foretold from those before, mean absolute error, {runs}",
            ("condition", "form", "last decade", "last 1.5", "last 2", "BIC above the least", "least in"),
            foretold(of),
        ),
        Answer(f"{config.title}: what was to be shown", ("band", "where", "found", "met"), bands(of)),
    ]


def ends(of: Mapping[str, Sequence[Curve]]) -> list[tuple[str, ...]]:
    """Where each condition's runs ended, and when they were half-way there."""
    rows = []
    for name, runs in of.items():
        told = [run.told for run in runs]
        whys = [one.why_not for one in told if one.why_not]
        ceilings, half_ways = _known(told)
        rises = np.array([_rise(run) for run in runs])
        rows.append(
            (
                name,
                f"{runs[0].budgets[0] / 1e6:.2g} - {runs[0].budgets[-1] / 1e6:.2g}",
                f"{iqm([run.scores[-1] for run in runs]):.3f}",
                f"{iqm([run.oracle for run in runs]):.3f}",
                _over_runs(ceilings),
                _over_runs(np.log(half_ways / 1e6), of_logs=True),
                _over_runs(np.array([_crossed(run) for run in runs]), of_logs=True),
                f"{len(ceilings)} of {len(told)}" + "".join(f"; {why}: {whys.count(why)}" for why in sorted(set(whys))),
                _over_runs(rises, sign="+"),
            )
        )
    return rows


def foretold(of: Mapping[str, Sequence[Curve]]) -> list[tuple[str, ...]]:
    """How far each form missed the last budgets, from those before, and how it fits the whole."""
    rows = []
    for name, runs in of.items():
        bics = np.array([[fit_curve(run.budgets, run.scores, form, run.oracle).bic for form in FORMS] for run in runs])
        for place, form in enumerate([*FORMS, LAST_ONE]):
            missed = [_over_runs(_missed(runs, form, last)) for last in HORIZONS]
            fits = ("", "")
            if form != LAST_ONE:
                above = np.median(bics[:, place] - bics.min(axis=1))
                fits = (f"{above:.0f}", f"{(bics.argmin(axis=1) == place).sum()} of {len(runs)}")
            rows.append((name, form, *missed, *fits))
    return rows


def bands(of: Mapping[str, Sequence[Curve]]) -> list[tuple[str, ...]]:
    """What was to be shown, and what would refute it."""
    known = {name: _known([run.told for run in runs]) for name, runs in of.items()}
    rows = []
    neighbours = list(itertools.pairwise(of))
    tested = holm([_p_of_fall(known[one][0], known[other][0]) for one, other in neighbours])
    for (one, other), p in zip(neighbours, tested, strict=True):
        if min(len(known[one][0]), len(known[other][0])) < 2:
            rows.append(("the ceiling falls", f"{one} to {other}", "told in too few runs", "cannot be told"))
            continue
        fall = stats.effect([known[other][0], known[one][0]], (1.0, -1.0), LEVEL)
        word = "yes" if p < LEVEL and fall.estimate < 0 else "no: it rises" if p < LEVEL else "not shown"
        found = f"{fall.estimate:+.3f} [{fall.low:+.3f}, {fall.high:+.3f}], p {p:.2g}"
        rows.append(("the ceiling falls", f"{one} to {other}", found, word))
    rows += _half_way_bands({name: half_ways for name, (_, half_ways) in known.items()})
    for name, runs in of.items():
        rows.append(
            _at_most("the last decade is foretold by a sigmoid within", FORETOLD, name, _missed(runs, "sigmoid"))
        )
    for name, runs in of.items():
        rises = np.array([_rise(run) for run in runs])
        rows.append(_at_most("past half of the steps a half decade adds at most", RISE, name, rises))
    return rows


def _half_way_bands(half_ways: Mapping[str, Floats]) -> list[tuple[str, ...]]:
    """Of all pairs of conditions that whose half-way points are furthest apart, intervals corrected for all pairs."""
    pairs = [pair for pair in itertools.combinations(half_ways, 2) if all(len(half_ways[name]) > 1 for name in pair)]
    label = f"half-way points within a factor of {FACTOR:g}"
    if not pairs:
        return [(label, "", "told in too few runs", "cannot be told")]
    ratios = {
        (one, other): stats.effect([np.log(half_ways[other]), np.log(half_ways[one])], (1.0, -1.0), LEVEL / len(pairs))
        for one, other in pairs
    }
    worst = max(ratios, key=lambda pair: abs(ratios[pair].estimate))
    most = math.log(FACTOR)
    apart = [pair for pair, ratio in ratios.items() if ratio.low > most or ratio.high < -most]
    within = all(-most <= ratio.low and ratio.high <= most for ratio in ratios.values())
    word = "no" if apart else "yes" if within else "undecided"
    value, low, high = (math.exp(number) for number in (ratios[worst].estimate, ratios[worst].low, ratios[worst].high))
    return [(label, f"{worst[0]} to {worst[1]}, the furthest", f"{value:.2g} times [{low:.2g}, {high:.2g}]", word)]


def _at_most(band: str, most: float, name: str, values: Floats) -> tuple[str, ...]:
    """A band on a mean over runs from above."""
    if not np.isfinite(values).all() or len(values) < 2:
        return f"{band} {most:g}", name, "", "cannot be told"
    found = measure_over_runs(values, iqm, LEVEL)
    word = "yes" if found.high <= most else "no" if found.low > most else "undecided"
    return f"{band} {most:g}", name, f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]", word


def _rise(run: Curve) -> float:
    """Per half decade, past half of all steps."""
    return late_rise(run.budgets, run.scores, run.budgets[-1] / 2) / 2


def _crossed(run: Curve) -> float:
    """Log of the M steps after which the score first was half-way between the first budget's and the last one's."""
    half = float(run.scores[0] + run.scores[-1]) / 2
    return crossing(np.log(run.budgets / 1e6).tolist(), run.scores.tolist(), half)


def _missed(runs: Sequence[Curve], form: str, last: float = DECADE) -> Floats:
    return np.array([extrapolation_error(run.budgets, run.scores, form, run.oracle, last) for run in runs])


def _known(told: Sequence[Saturation]) -> tuple[Floats, Floats]:
    """Ceilings and half-way points of the runs of which they can be told."""
    known = [one for one in told if not one.why_not]
    return np.array([one.ceiling for one in known]), np.array([one.half_way for one in known])


def _p_of_fall(before: Floats, after: Floats) -> float:
    return float(stats.permutation_p(before, after)) if min(len(before), len(after)) > 1 else math.nan


def _over_runs(values: Floats, of_logs: bool = False, sign: str = "") -> str:
    """Interquartile mean with its interval; geometric if these are logs."""
    if len(values) == 0 or not np.isfinite(values).all():
        return ""
    found = measure_over_runs(values, iqm, LEVEL)
    assert isinstance(found.value, float), "of one number per run"
    if of_logs:
        return "{:.2g} [{:.2g}, {:.2g}]".format(*(math.exp(one) for one in (found.value, found.low, found.high)))
    return f"{found.value:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"


def draw(of: Mapping[str, Sequence[Curve]], file: Path) -> None:
    """Draw every run's curve, a panel for each condition, and what the decades before say of the last one.

    Args:
        of: curves by condition.
        file: a PNG.
    """
    figure = Figure(figsize=(2.6 * min(len(of), 4), 2.6 * math.ceil(len(of) / 4)), layout="constrained")
    panels = figure.subplots(math.ceil(len(of) / 4), min(len(of), 4), sharex=True, sharey=True, squeeze=False)
    for panel in panels.flat[len(of) :]:
        panel.set_axis_off()
    for panel, (name, runs) in zip(panels.flat, of.items(), strict=False):
        budgets = runs[0].budgets / 1e6
        panel.axvspan(budgets[-1] / DECADE, budgets[-1], color="#f0f0f0", linewidth=0)
        for run in runs:
            panel.plot(run.budgets / 1e6, run.scores, color="#7a7a7a", linewidth=0.6)
            before = run.budgets < run.budgets[-1] / DECADE
            if before.sum() > FORMS["sigmoid"].numbers:
                said = fit_curve(run.budgets[before], run.scores[before], "sigmoid", run.oracle).at(run.budgets)
                panel.plot(budgets, said, color="#0072b2", linewidth=0.6, linestyle="--")
        half_ways = _known([run.told for run in runs])[1]
        if half_ways.size:
            panel.axvline(math.exp(float(iqm(np.log(half_ways / 1e6)))), color="#d55e00", linewidth=1)
        panel.set_title(name, fontsize=9)
        panel.set_xscale("log")
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8)
    figure.supxlabel("world steps of evolution, M", fontsize=9)
    figure.supylabel("score of the centre", fontsize=9)
    figure.savefig(file, dpi=110, metadata={"Software": None})


def main() -> None:
    """Live, fit, print and draw."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.saturation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--arm", default="evolved")
    parser.add_argument("--lives", type=int, default=256, help="per centre")
    parser.add_argument("--budget", nargs="+", metavar="STEPS", help="of a sweep; default: all centres that were kept")
    parser.add_argument("--picture", type=Path, help="a PNG of all curves")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    if options.lives < 2:
        parser.error(f"--lives {options.lives}: must be at least 2, for example 256")
    try:
        budgets = None if options.budget is None else [steps_of(text) for text in options.budget]
        config, found = curves(options.study, options.arm, budgets, options.lives)
        tell(tables(config, found), options.markdown, 200)
    except UserError as error:
        parser.error(str(error))
    if options.picture is not None:
        draw(found, options.picture)


if __name__ == "__main__":
    main()
