"""Tables of the studies in `configs/studies/claims`: what is not one contrast, but a map or a curve.

    python -m benchmarks.claims layers STUDY [--markdown]
    python -m benchmarks.claims breadth STUDY [--arm memory] [--lives 1000] [--within 0.5] [--markdown]

`layers` reads the verdict: for each condition what every arm missed, and which arm is ahead of which. `breadth` lives
the centres that evolution kept on its way, on births that it saw and on births that it did not. What an arm missed is
how much more the oracle earned in the same lives; of a bandit that is its regret.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.bandits import Answer, markdown, shown
from evolearn.errors import UserError
from evolearn.genome import decode, draw_fresh
from evolearn.life import (
    FROM_BRAIN,
    FROM_ORACLE,
    Driver,
    Job,
    Plan,
    empty_outcome,
    empty_trace,
    life_fitness,
    new_driver,
)
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import DNA, Setup, ancestors, open_run, seen_births, setup_of, unseen_births
from evolearn.study import open_study
from evolearn.study.config import slug
from evolearn.verdict import holm, interval, iqm, stats

FloatTable = npt.NDArray[np.float64]

GENERATION = 600  # of the validation key space, which nobody else uses: see `evolearn.api.lived`
NO_BRAIN = ("random", "oracle")
LEVEL = 0.05
RESAMPLES = 2000
STEPS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)  # columns, M world steps: of centres that were kept, the nearest


def missed(condition: Mapping[str, Any], lifetime: int) -> dict[str, FloatTable]:
    """What every arm earned less than the oracle in the same lives, over a life: by arm, [R]."""
    scores = {
        arm: np.array([run["total"] for run in entry["runs"]], np.float64) for arm, entry in condition["arms"].items()
    }
    return {arm: (scores["oracle"] - values) * lifetime for arm, values in scores.items() if arm != "oracle"}


class Rank(NamedTuple):
    """Who is ahead under a condition."""

    best: str
    ahead_of: tuple[str, ...]  # shown, at LEVEL
    p_next: float  # of the best and the next one, after Holm


def ranked(of_arms: Mapping[str, FloatTable]) -> Rank:
    """The arm that missed least, and of which others that is shown.

    Every pair of arms is tested by permutation of its runs, all pairs together after Holm, so that it does no harm to
    look for the best one first.
    """
    arms = [arm for arm in of_arms if arm not in NO_BRAIN]
    pairs = list(itertools.combinations(arms, 2))
    tested = holm([float(stats.permutation_p(of_arms[one], of_arms[other])) for one, other in pairs])
    p = {frozenset(pair): value for pair, value in zip(pairs, tested, strict=True)}
    order = sorted(arms, key=lambda arm: float(iqm(of_arms[arm])))
    best = order[0]
    ahead = tuple(arm for arm in order[1:] if p[frozenset((best, arm))] < LEVEL)
    return Rank(best, ahead, p[frozenset(order[:2])])


def layers(verdict: Mapping[str, Any]) -> Answer:
    """What every arm missed under every condition, and the best of them with its test.

    Args:
        verdict: of a study with an oracle, as in verdict.json.
    """
    lifetime = max(verdict["lifetimes"])
    rows = []
    names: list[str] = []
    for condition in verdict["conditions"]:
        of_arms = missed(condition, lifetime)
        rank = ranked(of_arms)
        names = [arm for arm in of_arms if arm not in NO_BRAIN]
        values = [_with_error(of_arms[arm], arm == rank.best) for arm in names]
        behind = [arm for arm in names if arm not in (rank.best, *rank.ahead_of)]
        word = "ahead of all" if not behind else f"not shown ahead of {', '.join(behind)}"
        rows.append((condition["name"], *values, rank.best, f"{word}; next one: p {_p(rank.p_next)}"))
    runs = verdict["study"]["runs"]
    return Answer(
        f"{verdict['study']['title']}: missed per life of {lifetime} steps, {runs} runs",
        ("condition", *names, "best", "test"),
        rows,
    )


class Point(NamedTuple):
    """What one run's centre missed at one point of its evolution."""

    steps: int  # world steps of evolution
    seen: float
    unseen: float


def breadth(study: Path, arm: str, lives: int, within: float) -> Answer:
    """What an arm missed on births seen and unseen, over the steps of its evolution, and whether it is a learner.

    Raises:
        UserError: no study, or no run of that arm.
    """
    directory = open_study(study)
    verdict = json.loads((directory.path / "verdict.json").read_text())
    ends: dict[tuple[str, int | None], list[Point]] = {}
    curves: dict[tuple[str, int | None], list[list[Point]]] = {}
    worlds: dict[tuple[str, int | None], str] = {}
    for condition in verdict["conditions"]:
        paths = sorted((directory.path / "runs" / slug(condition["name"]) / arm).glob("run_[0-9]*[0-9]"))
        if not paths:
            raise UserError(
                f"--arm {arm}: has no runs in {directory.path}; those that have: {', '.join(_evolved(condition))}"
            )
        of_runs = [curve(path, lives) for path in paths]
        config = open_run(paths[0]).read_config()
        key = condition["name"], config.world.set
        curves[key], ends[key], worlds[key] = of_runs, [points[-1] for points in of_runs], config.world.name
    columns = _columns(curves)
    rows = []
    for key, of_runs in curves.items():
        anybody = next((other for other in curves if other[1] is None and worlds[other] == worlds[key]), None)
        for place, births in enumerate(("unseen", "seen")):
            if births == "seen" and key[1] is None:
                continue
            values = [_mean_at(of_runs, steps, births) for steps in columns]
            final = np.array([getattr(point, births) for point in ends[key]])
            is_judged = place == 0 and anybody is not None and key != anybody
            bar = _bar(ends[key], ends[anybody], within) if is_judged else ""
            rows.append((key[0], births, *values, f"{final.mean():.2f} ± {_error(final):.2f}", bar))
    return Answer(
        f"{verdict['study']['title']}: missed per life by {arm}, {verdict['study']['runs']} runs, {lives} lives each",
        (
            "condition",
            "births",
            *(f"{steps / 1e6:.2g} M" for steps in columns),
            "end",
            f"within {within:g} of any birth",
        ),
        rows,
    )


def curve(path: Path, lives: int) -> list[Point]:
    """What the centres of a run that were kept on its way missed; the last is the one that it ended with.

    Args:
        path: of a run directory.
        lives: per centre, of births seen and of births unseen each.
    """
    kept = ancestors(path)
    if not kept:
        raise UserError(f"{path}: kept no centre of its way; look at {path / 'ancestors'}")
    taken = [row["world_steps"] for row in open_run(path).rows()]
    setup = setup_of(kept[0])
    config = setup.config
    keys = life_keys(config.seed, VALIDATION, GENERATION, lives)
    sets = {
        "seen": seen_births(keys, config.world.set, config.seed),
        "unseen": unseen_births(setup, keys, config.world.set, config.seed),
    }
    lifetime = config.search.selection_lifetime
    points = []
    driver = new_driver(setup.conditions, os.cpu_count() or 1, config.hang_seconds)
    with contextlib.closing(driver):
        best = {name: _lived(driver, setup, kept[0], of, lifetime, FROM_ORACLE) for name, of in sets.items()}
        for dna in kept:
            scores = {name: _lived(driver, setup, dna, of, lifetime, FROM_BRAIN) for name, of in sets.items()}
            lost = {name: float((best[name] - of).mean()) * lifetime for name, of in scores.items()}
            points.append(Point(sum(taken[: dna.generation]), **lost))
    return points


def _lived(
    driver: Driver, setup: Setup, dna: DNA, keys: npt.NDArray[np.int64], lifetime: int, source: int
) -> FloatTable:
    """Life fitness of one newborn in the lives of `keys`, never learning, [L]."""
    plan = Plan(lifetime, learn_until=0, source=source)
    conditions = setup.conditions
    newborns, born_as = draw_fresh(
        setup.pool, decode(setup.pool, dna.genome[None]), np.zeros(len(keys), np.int64), keys
    )
    outcome = empty_outcome(len(keys), plan, len(conditions.drive_names), conditions.brain.weights)
    driver.live(Job(newborns, born_as, keys, plan, outcome, empty_trace(0, conditions, len(keys))))
    return life_fitness(outcome, conditions.world.fitness_rule, plan)


def _evolved(condition: Mapping[str, Any]) -> list[str]:
    return [arm for arm, entry in condition["arms"].items() if entry["dna"]]


def _columns(curves: Mapping[Any, list[list[Point]]]) -> list[int]:
    """World steps at which centres were kept on the way, one near each of STEPS."""
    known = sorted({point.steps for of_runs in curves.values() for point in of_runs[0][:-1]})
    near = {
        min(known, key=lambda steps: abs(steps - million * 1e6)) for million in STEPS if million * 1e6 < 1.5 * known[-1]
    }
    return sorted(near)


def _mean_at(of_runs: Sequence[Sequence[Point]], steps: int, births: str) -> str:
    """Mean over runs of the centres that were kept nearest to `steps`; empty beyond the end."""
    if steps > of_runs[0][-1].steps:
        return ""
    nearest = [min(points, key=lambda point: abs(point.steps - steps)) for points in of_runs]
    return f"{np.mean([getattr(point, births) for point in nearest]):.1f}"


def _bar(here: Sequence[Point], anybody: Sequence[Point], within: float) -> str:
    """Whether unseen births cost at most so much more than where evolution saw any birth."""
    one, other = (np.array([point.unseen for point in points]) for points in (here, anybody))
    random = np.random.default_rng(0)
    drawn = [side[random.integers(0, len(side), (RESAMPLES, len(side)))].mean(axis=1) for side in (one, other)]
    low, high = interval(drawn[0] - drawn[1], LEVEL, min(len(one), len(other)))
    word = "a learner" if high <= within else "no learner" if low > within else "undecided"
    return f"{word}: {one.mean() - other.mean():+.2f} [{low:+.2f}, {high:+.2f}]"


def _with_error(values: FloatTable, is_best: bool) -> str:
    mark = "**" if is_best else ""
    return f"{mark}{iqm(values):.2f}{mark} ± {_error(values):.2f}"


def _error(values: FloatTable) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}".lstrip("0")


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.claims", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", choices=["layers", "breadth"])
    parser.add_argument("study", type=Path)
    parser.add_argument("--arm", default="memory", help="of breadth")
    parser.add_argument("--lives", type=int, default=1000, help="of breadth, per centre")
    parser.add_argument("--within", type=float, default=0.5, help="of breadth: what a learner may miss more")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    if options.lives < 2:
        parser.error(f"--lives {options.lives}: must be at least 2")
    try:
        if options.table == "layers":
            found = layers(json.loads((open_study(options.study).path / "verdict.json").read_text()))
        else:
            found = breadth(options.study, options.arm, options.lives, options.within)
    except UserError as error:
        parser.error(str(error))
    if options.markdown:
        print(markdown(found))
    else:
        from rich.console import Console

        Console(width=200).print(shown(found))


if __name__ == "__main__":
    main()
