"""Tables of the studies in `configs/studies/claims`: what is not one contrast, but a map or a curve.

    python -m benchmarks.claims layers STUDY [--markdown]
    python -m benchmarks.claims breadth STUDY [--arm memory] [--lives 1000] [--within 0.5] [--markdown]
    python -m benchmarks.claims hunger STUDY [--markdown]

`layers` reads the verdict: for each condition what every arm missed, and which arm is ahead of which. `breadth` lives
the centres that evolution kept on its way, on births that it saw and on births that it did not. What an arm missed is
how much more the oracle earned in the same lives; of a bandit that is its regret. `hunger` reads of the larder how long
animals of its arms live wherever they were judged, as a share of the best, and of their DNA where they stop to eat.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.bandits import Answer, tell
from evolearn.agent import brain_of
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
from evolearn.run import DNA, Setup, open_run, prefixes_of, seen_births, setup_of, unseen_births
from evolearn.study import open_study
from evolearn.study.config import slug
from evolearn.verdict import holm, interval, iqm, stats
from evolearn.worlds import larder

FloatTable = npt.NDArray[np.float64]

GENERATION = 600  # of the validation key space, which nobody else uses: see `evolearn.api.lived`
NO_BRAIN = ("random", "oracle")
LEVEL = 0.05
RESAMPLES = 2000
MIXTURE = (0.2, 0.5, 1.0)  # abundances over which the best line is looked for, as evolution is in `claims/hunger`
AT_BIRTH, AT_ONE = np.arange(16.5, 27.0), np.arange(1.25, 4.0, 0.5)  # reserves where lines stop at rates .2 and 1
LINE_LIVES = 1000, 4000  # to find the best line, and to judge it
RATES = (0.2, 0.5, 1.0)  # of meals as seen, at which it is told where newborns stop to eat
SCARCITY, NEAR = 0.2, 4  # abundance whose best threshold evolution is to find; reserves that it may be off
AT_MOST, AT_LEAST = 0.1, 0.8  # share of the best life: of hunger that misfires, and of one that serves everywhere
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
    verdict = directory.read_verdict()
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
    kept = prefixes_of(path)
    setup = setup_of(kept[0].dna)
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
        best = {name: _lived(driver, setup, kept[0].dna, of, lifetime, FROM_ORACLE) for name, of in sets.items()}
        for prefix in kept:
            scores = {name: _lived(driver, setup, prefix.dna, of, lifetime, FROM_BRAIN) for name, of in sets.items()}
            lost = {name: float((best[name] - of).mean()) * lifetime for name, of in scores.items()}
            points.append(Point(prefix.steps, **lost))
    return points


class Hunger(NamedTuple):
    """What an arm of the larder came to under the condition in which it evolved."""

    condition: str
    arm: str
    is_mixed: bool  # whether lives differed in how likely meals are
    is_shown: bool  # whether the rate of meals was seen
    stops: npt.NDArray[np.int64]  # [R, RATES], fewest reserves at which a meal is left
    shares: dict[float, FloatTable]  # mean life as a share of the best, [R], by the probability of a meal

    @property
    def eats_below(self) -> str:
        """Medians over runs of where they stop, at each of RATES that tells them anything."""
        columns = self.stops.T if self.is_shown else self.stops.T[:1]
        return " / ".join(f"{np.median(column):g}" for column in columns)


def hunger(study: Path) -> tuple[Answer, Answer]:
    """How long animals of each arm live and where they stop to eat; and whether that is what was to be shown.

    Args:
        study: its directory; conditions of the larder that differ in how likely meals are and in whether their rate is
            shown, DNA of some judged under others.

    Raises:
        UserError: no study, or one of another world or another price of death.
    """
    found = hungers(study)
    abundances = sorted({meals for one in found for meals in one.shares})
    lived = [
        [f"{one.shares[meals].mean():.2f} ± {_error(one.shares[meals]):.2f}" for meals in abundances] for one in found
    ]
    rows = [(one.condition, one.arm, *cells, one.eats_below) for one, cells in zip(found, lived, strict=True)]
    heads = ("condition", "arm", *(f"at {meals:g}" for meals in abundances), "eats below")
    rates = ", ".join(f"{rate:g}" for rate in RATES)
    title = f"larder, {len(found[0].stops)} runs: mean life as a share of the best; where they stop, at rates {rates}"
    lifetime = max(open_study(study).read_verdict()["lifetimes"])
    stops, shares = best_line(abundances, lifetime)
    rows.append(("(known)", "best line", *(f"{share:.2f}" for share in shares), stops))
    return Answer(title, heads, rows), bands_of(found)


def bands_of(found: Sequence[Hunger]) -> Answer:
    """What was fixed beforehand, and whether it is met."""
    bands = [row for one in found for row in _bands(one)]
    return Answer("bands", ("band", "condition", "arm", "found", "met"), bands)


def hungers(study: Path) -> list[Hunger]:
    """What every arm that evolved came to, by condition; see `hunger`."""
    directory = open_study(study)
    config = directory.read_config()
    verdict = directory.read_verdict()
    steps = max(verdict["lifetimes"]) * config.run.evaluation.lives
    found: dict[tuple[str, str], Hunger] = {}
    for condition in config.conditions:
        world = config.run_of(condition).world
        if world.name != "larder" or not world.parameters.get("relative"):
            raise UserError(
                f"condition {condition.name}: must be of world larder with parameter relative at 1, which prices a "
                f"death by the best life; is of {world.name} with {world.parameters}"
            )
        if condition.evolved_in is None:
            is_mixed, is_shown = (bool(world.parameters.get(name)) for name in ("meals_2", "shown"))
            for arm in _evolved(verdict["conditions"][0]):
                dna = [directory.evolved(condition, arm, run).load_dna() for run in range(verdict["study"]["runs"])]
                stops = np.array([[stops_at(one, rate) for rate in RATES] for one in dna])
                found[condition.name, arm] = Hunger(condition.name, arm, is_mixed, is_shown, stops, {})
    for condition, judged in zip(config.conditions, verdict["conditions"], strict=True):
        parameters = config.run_of(condition).world.parameters
        for arm in _evolved(judged):
            if not parameters.get("meals_2"):
                totals = np.array([run["total"] for run in judged["arms"][arm]["runs"]], np.float64)
                shares = share_of_best(totals, parameters["meals"], steps)
                found[condition.evolved_in or condition.name, arm].shares[parameters["meals"]] = shares
    return list(found.values())


def best_line(abundances: Sequence[float], lifetime: int) -> tuple[str, FloatTable]:
    """Of set points linear in the rate of meals, that which costs least over MIXTURE: where it stops, and its shares.

    Args:
        abundances: at which it is judged.
        lifetime: steps of the lives of which shares are.
    """
    birth, one = (grid.ravel() for grid in np.meshgrid(AT_BIRTH, AT_ONE))
    slopes = (one - birth) / (1.0 - larder.RATE_AT_BIRTH)
    lines = np.stack([one - slopes, slopes], axis=1)
    costs = sum(1.0 / lines_live(lines, meals, lifetime, LINE_LIVES[0]) for meals in MIXTURE)
    best = lines[[np.argmin(costs)]]
    stops = " / ".join(f"{np.ceil(best[0, 0] + best[0, 1] * rate):g}" for rate in RATES)
    return stops, np.array([lines_live(best, meals, lifetime, LINE_LIVES[1])[0] for meals in abundances])


def lines_live(lines: FloatTable, meals: float, lifetime: int, lives: int) -> FloatTable:
    """Mean life as a share of the best, [lines], of who eats below a line, all with the same luck.

    Args:
        lines: float64 [lines, 2], reserves at a rate of 0, and how many more for each 1 of it.
        meals: probability of a meal.
        lifetime: steps of a life, from birth on, when the rate that is seen is another one.
        lives: of each line.
    """
    random = np.random.default_rng(0)
    reserves = np.full((len(lines), lives), larder.AT_FIRST)
    rate = np.full(lives, larder.RATE_AT_BIRTH)
    deaths = np.zeros(len(lines))
    for _ in range(lifetime):
        is_meal = random.random(lives) < meals
        is_taken = random.random(lives) < larder.HAZARD * (reserves / larder.AT_FIRST) ** 2
        eats = is_meal & ~is_taken & (reserves < lines[:, :1] + lines[:, 1:] * rate)
        rate += larder.RATE_MOVES * (is_meal - rate)
        reserves = np.where(eats, np.minimum(reserves + larder.MEAL, larder.MOST), reserves) - 1
        dies = is_taken | (reserves <= 0)
        deaths += dies.sum(axis=1)
        reserves[dies] = larder.AT_FIRST
    best = larder.LIFE_OF_BEST[round(larder.GRID * meals)]
    return lives * lifetime / np.maximum(deaths, 0.5) / best


def share_of_best(totals: FloatTable, meals: float, steps: int) -> FloatTable:
    """Mean life as a share of the best, [R], of runs with these fitnesses per step.

    Args:
        totals: float64 [R]; a death costs as much as the best live.
        meals: probability of a meal.
        steps: that each run was judged for; where nobody died half a death is counted.
    """
    best = larder.LIFE_OF_BEST[round(larder.GRID * meals)]
    return 1.0 / np.maximum(-totals, 0.5 * best / steps)


def stops_at(dna: DNA, rate: float) -> int:
    """Fewest reserves at which a newborn leaves a meal; MOST + 1: it eats always.

    Args:
        dna: of an animal of the larder that does what it values most.
        rate: of meals, where that is shown.
    """
    seen = rate * dna.config.world.parameters.get("shown", 0.0)
    observations = [[level / larder.AT_FIRST, 1.0, seen] for level in range(1, larder.MOST + 1)]
    values = brain_of(dna.pool.brain, dna.newborns.weights[0])(torch.tensor(observations))[0].detach().numpy()
    leaves = values[:, larder.LEAVE] > values[:, larder.EAT]
    return int(np.argmax(leaves)) + 1 if leaves.any() else larder.MOST + 1


def _bands(one: Hunger) -> list[tuple[str, ...]]:
    """What was to be shown of an arm: that scarcity makes a threshold which misfires; or that a set point serves."""
    if not one.is_mixed and not one.is_shown:
        best = int(larder.BEST[round(larder.GRID * SCARCITY)])
        stops = one.stops[:, 0]
        is_near = np.abs(stops - best) <= NEAR
        below = f"{stops.mean():.1f}, {stops.min()} to {stops.max()}; {is_near.sum()} of {len(stops)} runs within"
        word = "yes" if abs(stops.mean() - best) <= NEAR else "no"
        abundance = max(one.shares)
        low, high = _range(one.shares[abundance])
        met = "yes" if high <= AT_MOST else "no" if low > AT_MOST else "undecided"
        most = f"{one.shares[abundance].mean():.3f} [{low:.3f}, {high:.3f}]"
        return [
            (f"eats below {best} ± {NEAR}", one.condition, one.arm, below, word),
            (f"at most {AT_MOST:g} at {abundance:g}", one.condition, one.arm, most, met),
        ]
    if one.is_mixed and one.is_shown:
        worst = min(one.shares, key=lambda meals: float(one.shares[meals].mean()))
        low, high = _range(one.shares[worst])
        met = "yes" if low >= AT_LEAST else "no" if high < AT_LEAST else "undecided"
        whole = int(np.sum(np.min(list(one.shares.values()), axis=0) >= AT_LEAST))
        least = f"{one.shares[worst].mean():.2f} [{low:.2f}, {high:.2f}] at {worst:g}; {whole} of {len(one.stops)} runs"
        return [(f"at least {AT_LEAST:g} everywhere", one.condition, one.arm, least, met)]
    return []


def _range(values: FloatTable) -> tuple[float, float]:
    """Ends of the interval of a mean over runs."""
    random = np.random.default_rng(0)
    means = values[random.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = interval(means, LEVEL, len(values))
    return float(low), float(high)


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
    parser.add_argument("table", choices=["layers", "breadth", "hunger"])
    parser.add_argument("study", type=Path)
    parser.add_argument("--arm", default="memory", help="of breadth")
    parser.add_argument("--lives", type=int, default=1000, help="of breadth, per centre")
    parser.add_argument("--within", type=float, default=0.5, help="of breadth: what a learner may miss more")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    if options.lives < 2:
        parser.error(f"--lives {options.lives}: must be at least 2")
    found: tuple[Answer, ...]
    try:
        if options.table == "layers":
            found = (layers(open_study(options.study).read_verdict()),)
        elif options.table == "breadth":
            found = (breadth(options.study, options.arm, options.lives, options.within),)
        else:
            found = hunger(options.study)
    except UserError as error:
        parser.error(str(error))
    tell(found, options.markdown, 200)


if __name__ == "__main__":
    main()
