"""How many episodes newborns need to take the right corridor, by delay, noise and reliability, in a study of corridors.

    python -m benchmarks.delay STUDY .. [--lives N] [--episodes N] [--workers N] [--markdown]

STUDY is a directory of a study of `corridors` whose conditions differ in delay, such as that of `claims/delay`; of
several, such as parts that were lived apart, all conditions are put together. Every evolution run's DNA lives
`--lives` lives once more, and counted is the first episode whose choice is right in more than .85 of them, 1 at birth:
of the mean over lives, smoothed so that it never falls, and never of a life alone, which is right by luck in half of
all cases. Ratios are of the other arms' episodes over those of the primary contrast's arm, slopes those of the
logarithm on the logarithm of the delay. Intervals are over evolution runs.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from benchmarks.bandits import Answer, tell
from benchmarks.references import LEVEL
from evolearn.errors import UserError
from evolearn.genome import decode, draw_fresh
from evolearn.life import Driver, Plan, new_driver
from evolearn.life.live import traced_lives
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import DNA, Setup, assemble
from evolearn.study import open_study, planned_config
from evolearn.verdict import interval

Floats = npt.NDArray[np.float64]

GENERATION = 800  # of the validation key space
TRACED = 30_000_000  # numbers of observations held at once
AT_MOST = 3  # episodes of who has the value, at any delay
RATIO, MARGIN = 1.5, 0.1  # without noise: at most so many times as many episodes; a slope that is too small to matter
COVERS, RESAMPLES = 0.05, 2000


class Group(NamedTuple):
    """What is the same at all delays of a slope."""

    noise: float
    reliability: float
    smell: float

    @property
    def words(self) -> tuple[str, str]:
        """For a table."""
        return f"{self.noise:g}", f"{self.reliability:g}" if self.smell else "no smell"


class Cell(NamedTuple):
    """Episodes that the newborns of one condition needed."""

    group: Group
    delay: int
    limit: int  # episodes that were lived
    episodes: Mapping[str, Floats]  # by arm, [R]; limit + 1: never
    wrong: Mapping[str, Floats]  # choices among these, mean over lives, likewise

    def logs(self, arm: str, drawn: Mapping[str, npt.NDArray[np.int64]] | None = None) -> Floats:
        """Mean logarithm over an arm's runs, []; or over those drawn for it, [S, R], in each draw, [S]."""
        values = np.log(self.episodes[arm])
        return np.asarray(values.mean() if drawn is None else values[drawn[arm]].mean(axis=-1))


def first_above(shares: Floats, level: float = LEVEL) -> int:
    """The first episode, from 1 on, of which the share is above a level once it never falls; one more than all: none.

    Args:
        shares: [E], of right choices by episode.
        level: see above.
    """
    rising = isotonic_regression(shares).x
    return int(np.argmax(rising > level)) + 1 if rising[-1] > level else len(shares) + 1


def known_from_returns(noise: float, delay: int, level: float = LEVEL) -> int:
    """The episode in which who knows all but which corridor is right passes a level, told the return of each episode.

    After n of them the likelier corridor is the right one with probability Phi(sqrt(n) / (2 noise sqrt(delay))).
    """
    enough = (2.0 * statistics.NormalDist().inv_cdf(level) * noise) ** 2 * delay
    return int(enough) + 2


def right_choices(setup: Setup, driver: Driver, dna: DNA, keys: npt.NDArray[np.int64], episodes: int) -> Floats:
    """The share of lives whose choice is right, in each episode, [E].

    Args:
        setup: of an arm under a condition.
        driver: for the setup's conditions.
        dna: what evolved.
        keys: of the lives, int64 [L, 2].
        episodes: E.
    """
    conditions = setup.conditions
    length = int(conditions.parameters["delay"]) + 1
    sense = conditions.drive_names.index("right choice")
    newborn = decode(setup.pool, dna.genome[None])
    at_once = max(1, TRACED // (episodes * length * len(conditions.world.observations)))
    total = np.zeros(episodes)
    for first in range(0, len(keys), at_once):
        some = keys[first : first + at_once]
        newborns, born_as = draw_fresh(setup.pool, newborn, np.zeros(len(some), np.int64), some)
        _, trace = traced_lives(driver, newborns, born_as, some, Plan(episodes * length))
        total += trace.drives[:, ::length, sense].sum(axis=0)
    return total / len(keys)


def together(paths: Sequence[Path], lives: int, episodes: int | None, workers: int) -> tuple[str, list[Cell]]:
    """The same as `counted`, of several studies of the same arms.

    Raises:
        UserError: see there; or their arms, or those of the primary contrast, differ.
    """
    parts = [counted(path, lives, episodes, workers) for path in paths]
    (claimed, first), *others = parts
    for path, (other, cells) in zip(paths[1:], others, strict=True):
        if (other, list(cells[0].episodes)) != (claimed, list(first[0].episodes)):
            raise UserError(f"STUDY={path}: must have the arms of {paths[0]}, and the same primary.arm")
    return claimed, _sorted(cell for _, cells in parts for cell in cells)


def _sorted(cells: Iterable[Cell]) -> list[Cell]:
    return sorted(cells, key=lambda cell: (cell.group.noise, -cell.group.smell, -cell.group.reliability, cell.delay))


def counted(path: Path, lives: int, episodes: int | None, workers: int) -> tuple[str, list[Cell]]:
    """The arm of a study's primary contrast, and the episodes that newborns of every arm needed.

    Args:
        path: of the study.
        lives: per evolution run.
        episodes: that are lived; none: as many as evolution selected on under each condition.
        workers: threads.
    Raises:
        UserError: no study, or none of corridors.
    """
    study = open_study(path)
    config = study.read_config()
    arms = [arm for arm in config.arms if config.arm(arm).origin == "own"]
    if config.primary.arm not in arms:
        raise UserError(f"STUDY={path}: primary.arm={config.primary.arm}: must be an arm that evolves itself")
    found = []
    for condition in config.conditions:
        needed: dict[str, Floats] = {}
        wrong: dict[str, Floats] = {}
        for arm in arms:
            setup = assemble(planned_config(config, condition, arm))
            parameters = setup.conditions.parameters
            if not {"delay", "noise", "reliability", "smell"} <= set(parameters):
                raise UserError(f"STUDY={path}: is of world {setup.conditions.world.name}, must be of corridors")
            delay = int(parameters["delay"])
            limit = episodes or max(1, setup.config.search.selection_lifetime // (delay + 1))
            with contextlib.closing(new_driver(setup.conditions, workers, setup.config.hang_seconds)) as driver:
                shares = [
                    right_choices(
                        setup,
                        driver,
                        study.evolved(condition, arm, run).load_dna(),
                        life_keys(config.seed, VALIDATION, GENERATION + run, lives),
                        limit,
                    )
                    for run in range(config.runs)
                ]
            needed[arm] = np.array([first_above(run) for run in shares], np.float64)
            wrong[arm] = limit - np.sum(shares, axis=1)
        group = Group(*(float(parameters[name]) for name in ("noise", "reliability", "smell")))
        found.append(Cell(group, delay, limit, needed, wrong))
    return config.primary.arm, _sorted(found)


def groups_of(cells: Iterable[Cell]) -> dict[Group, list[Cell]]:
    """Conditions that differ in delay alone, in its order."""
    groups: dict[Group, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.group, []).append(cell)
    return {group: sorted(of, key=lambda cell: cell.delay) for group, of in groups.items()}


def slope_on_log(delays: Sequence[int], logs: Floats) -> Floats:
    """Least-squares slope on the logarithm of the delay.

    Args:
        delays: [D], two at least that differ.
        logs: [.., D].
    Returns:
        [..]
    """
    ahead = np.log(delays) - np.log(delays).mean()
    return np.asarray(logs @ ahead / (ahead @ ahead))


class Estimate(NamedTuple):
    """A number with its interval over evolution runs."""

    value: float
    low: float
    high: float

    def shown(self, digits: int = 2) -> str:
        """For a table."""
        value, low, high = (f"{round(number, digits) + 0.0:.{digits}f}" for number in self)  # no -0.00
        return value if math.isnan(self.low) else f"{value} [{low}, {high}]"

    def is_at_most(self, bar: float) -> str:
        """Whether it surely is; with a single run nothing is sure."""
        return "yes" if self.high <= bar else "**no**" if self.low > bar else "undecided"


def estimated(cells: Sequence[Cell], arm: str, over: str | None) -> tuple[Estimate, list[Estimate]]:
    """The slope of an arm's episodes, or of their ratio over another's, and their geometric means, or ratios.

    Args:
        cells: of one group, by delay.
        arm: whose episodes.
        over: another, or none.
    Returns:
        Slope, NaN at a single delay; and one for each cell.
    """
    random = np.random.default_rng(0)
    value, drawn = [], []
    for cell in cells:
        draws = {
            name: random.integers(0, len(counts), (RESAMPLES, len(counts))) for name, counts in cell.episodes.items()
        }
        value.append(cell.logs(arm) - (cell.logs(over) if over else 0.0))
        drawn.append(cell.logs(arm, draws) - (cell.logs(over, draws) if over else 0.0))
    logs, resampled = np.stack(value), np.stack(drawn, axis=1)  # [D], [S, D]
    runs = min(len(cell.episodes[name]) for cell in cells for name in (arm, over or arm))
    ends = zip(*interval(np.exp(resampled), COVERS, runs), strict=True)
    means = [Estimate(float(np.exp(log)), float(low), float(high)) for log, (low, high) in zip(logs, ends, strict=True)]
    if len(cells) < 2:
        return Estimate(math.nan, math.nan, math.nan), means
    delays = [cell.delay for cell in cells]
    low, high = interval(slope_on_log(delays, resampled), COVERS, runs)
    return Estimate(float(slope_on_log(delays, logs)), float(low), float(high)), means


def by_delay(claimed: str, cells: Sequence[Cell]) -> Answer:
    """Episodes of every arm: means over runs with standard errors; and ratios of geometric means."""
    arms = list(cells[0].episodes)
    others = [arm for arm in arms if arm != claimed]
    rows = []
    for group, of in groups_of(cells).items():
        ratios = {arm: estimated(of, arm, claimed)[1] for arm in others}
        for place, cell in enumerate(of):
            counts = (_with_error(cell.episodes[arm], cell.limit) for arm in arms)
            times = (ratios[arm][place].shown(1) for arm in others)
            rows.append((*group.words, str(cell.delay), *counts, *times, str(known_from_returns(group[0], cell.delay))))
    ratio_heads = (f"{arm} / {claimed}" for arm in others)
    heads = ("noise", "reliability", "delay", *arms, *ratio_heads, "known from returns")
    return Answer(f"episodes until more than {LEVEL:g} of choices are right", heads, rows)


def mistakes(cells: Sequence[Cell]) -> Answer:
    """Wrong choices of every arm among those that were lived: means over runs with standard errors."""
    rows = []
    for group, of in groups_of(cells).items():
        for cell in of:
            counts = (_with_error(wrong, cell.limit) for wrong in cell.wrong.values())
            rows.append((*group.words, str(cell.delay), str(cell.limit), *counts))
    return Answer("wrong choices", ("noise", "reliability", "delay", "of", *cells[0].wrong), rows)


def slopes(claimed: str, cells: Sequence[Cell]) -> Answer:
    """Slopes on the logarithm of the delay: of each arm's own episodes, and of ratios."""
    arms = list(cells[0].episodes)
    rows = []
    for group, of in groups_of(cells).items():
        if len(of) < 2:
            continue
        delays = ", ".join(str(cell.delay) for cell in of)
        own = [estimated(of, arm, None)[0].shown() for arm in arms]
        ratios = [estimated(of, arm, claimed)[0] for arm in arms if arm != claimed]
        rows.append((*group.words, delays, *own, *(f"{one.shown()}: {_word(one)}" for one in ratios)))
    heads = ("noise", "reliability", "delays", *arms, *(f"{arm} / {claimed}" for arm in arms if arm != claimed))
    return Answer("slope of log episodes, and of the log ratio, on log delay", heads, rows)


def bars(claimed: str, cells: Sequence[Cell]) -> Answer:
    """What was fixed beforehand: with noise and a smell that is never wrong, and without noise."""
    rows: list[tuple[str, ...]] = []
    for group, of in groups_of(cells).items():
        if group.reliability == 1.0 and group.smell == 1.0:
            rows += ((*group.words, *row) for row in _bars_of(group, of, claimed))
    return Answer("what was fixed beforehand", ("noise", "reliability", "what", "found", "met"), rows)


def _bars_of(group: Group, cells: Sequence[Cell], claimed: str) -> Iterator[tuple[str, str, str]]:
    others = [arm for arm in cells[0].episodes if arm != claimed]
    flat, means = estimated(cells, claimed, None)
    worst = max(means)
    yield f"{claimed}: at most {AT_MOST} episodes at any delay", worst.shown(), worst.is_at_most(AT_MOST)
    if len(cells) < 2:
        return
    yield f"{claimed}: slope within ± {MARGIN:g}", flat.shown(), "yes" if _is_flat(flat) else _no(flat)
    for arm in others:
        slope, ratios = estimated(cells, arm, claimed)
        if group.noise > 0:
            own = estimated(cells, arm, None)[0]
            yield f"{arm}: slope above 0", own.shown(), _is_above_0(own)
            yield f"{arm} / {claimed}: slope above 0", slope.shown(), _is_above_0(slope)
        else:
            most = max(ratios)
            yield f"{arm} / {claimed}: at most {RATIO:g} at any delay", most.shown(), most.is_at_most(RATIO)
            yield (
                f"{arm} / {claimed}: slope within ± {MARGIN:g}",
                slope.shown(),
                ("yes" if _is_flat(slope) else _no(slope)),
            )


def _is_flat(slope: Estimate) -> bool:
    return slope.low > -MARGIN and slope.high < MARGIN


def _no(slope: Estimate) -> str:
    """Of a slope that is not shown to be flat."""
    return "**no**" if slope.low > MARGIN or slope.high < -MARGIN else "undecided"


def _is_above_0(slope: Estimate) -> str:
    return "yes" if slope.low > 0 else "**no**" if slope.high <= 0 else "undecided"


def _word(slope: Estimate) -> str:
    if _is_flat(slope):
        return "flat"
    return "rises" if slope.low > 0 else "falls" if slope.high < 0 else "undecided"


def _with_error(counts: Floats, limit: int) -> str:
    never = int((counts > limit).sum())
    if 2 * never >= len(counts):
        return f"> {limit}"
    error = f" ± {counts.std(ddof=1) / len(counts) ** 0.5:.1f}" if len(counts) > 1 else ""
    return f"{counts.mean():.1f}{error}" + (f", {never} never" if never else "")


def main() -> None:
    """Live and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.delay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path, nargs="+")
    parser.add_argument("--lives", type=int, default=500, help="per evolution run")
    parser.add_argument("--episodes", type=int, help="that are lived; default: as many as evolution selected on")
    parser.add_argument("--workers", type=int, default=1, help="threads; changes speed only")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    for name in ("lives", "episodes", "workers"):
        if (given := getattr(options, name)) is not None and given < 1:
            parser.error(f"--{name} {given}: must be at least 1")
    try:
        claimed, cells = together(options.study, options.lives, options.episodes, options.workers)
    except UserError as error:
        parser.error(str(error))
    tables = (by_delay(claimed, cells), slopes(claimed, cells), bars(claimed, cells), mistakes(cells))
    tell(tables, options.markdown, 170)


if __name__ == "__main__":
    main()
