"""Can a world tell nature from nurture? Random, blank learner, evolved with and without learning, oracle, in one table.

Two evolution runs, one with learning off, then the same validation lives for all; and what the table says of the world,
in words. A first look at a world: no study.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evolearn.config import ConfigError, RunConfig, check_config, override, read_config, shipped_configs
from evolearn.life import Driver, OwnDrivers, score
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import (
    ARMS,
    Arm,
    Generation,
    Setup,
    arm_config,
    assemble,
    create_run,
    evolve_run,
    has_oracle,
    live_arm,
    ready_arm,
)
from evolearn.verdict import FloatArray
from evolearn.world import GYMNASIUM, World, find_world, from_anywhere

SOLVED = "already solved at birth"
INSTINCT = "instinct is enough here"
LEARNING = "learning is needed and possible"
NOTHING = "nothing can be learned in this lifetime"
UNDECIDED = "the numbers do not decide"

SMALL = 0.1  # a share of what there is to gain that does not count
MUCH = 0.5  # a share of it that counts as solving the world
SOLVED_AT = 0.05  # the best gains less than this share of the larger score: the world is solved

# Of a calibration, by what is read of it; blank: at the longest lifetime.
RANDOM, BLANK, UNLEARNING, EVOLVED, ORACLE = "random", "blank", "instinct", "evolved", "oracle"


@dataclasses.dataclass(frozen=True, eq=False)
class Score:
    """Scores of an arm at one lifetime."""

    lives: FloatArray  # [L] by the world's rule; the same lives in the same order in every arm

    @property
    def mean(self) -> float:
        """Over lives."""
        return float(self.lives.mean())

    @property
    def error(self) -> float:
        """Standard error of the mean over lives."""
        return _error(self.lives)


@dataclasses.dataclass(frozen=True)
class Reading:
    """A sentence and its reason."""

    verdict: str
    because: str


def read_scores(scores: Mapping[str, Score], brief: bool = False, ceiling: float | None = None) -> Reading:
    """Say what kind of world gives these scores.

    All gains are shares of what there is to gain: from random, 0, to the oracle, or to the world's ceiling, 1. Where
    nobody knows either, they are shares of what the best arm gained, and nothing is said to be enough.
    A gain counts if it is larger than SMALL by more than twice its error, and does not if it is smaller by as much.
    All arms live the same lives, so that errors are those of differences within lives.

    Args:
        scores: at the longest lifetime, for random, blank, instinct, evolved, and oracle if the world has one.
        brief: the searches were too short to say that there is nothing to find.
        ceiling: score that counts as solved in a world without an oracle; None: not known.
    """
    random, oracle, instinct = scores[RANDOM], scores.get(ORACLE), scores[UNLEARNING]
    best = max((scores[name] for name in (BLANK, UNLEARNING, EVOLVED)), key=lambda score: score.mean)
    known = oracle if oracle is not None or ceiling is None else Score(np.full(len(random.lives), ceiling))
    top = known if known is not None and known.mean >= best.mean else best
    headroom = top.lives - random.lives
    noticeable = SOLVED_AT * max(abs(top.mean), abs(random.mean))
    if headroom.mean() <= max(2.0 * _error(headroom), noticeable):
        return _without_headroom(headroom, noticeable, "" if known is None else _known_by(oracle, ceiling))
    learner = max((scores[name] for name in (BLANK, EVOLVED)), key=lambda score: score.mean)
    innate = _Gain(instinct.lives - random.lives, headroom)
    learned = _Gain(learner.lives - instinct.lives, headroom)
    possible = _Gain(learner.lives - random.lives, headroom)
    of = "what there is to gain" if known is not None else "what the best of them gained"
    of += f" up to {ceiling:g}, which counts as solved" if known is not None and oracle is None else ""
    shares = f"of {of}, instinct {innate.text}, the better learner {possible.text}"
    if learned.counts and possible.counts:
        return Reading(LEARNING, shares)
    if known is None and not (innate.is_small and possible.is_small):
        return Reading(UNDECIDED, f"{shares}; {_NOT_KNOWN}")
    if learned.is_small and innate.surely_above(MUCH):
        return Reading(INSTINCT, f"{shares}; learning adds nothing to speak of")
    if innate.is_small and possible.is_small:
        if known is None:
            return Reading(UNDECIDED, f"{shares}, and no oracle says that there is more")
        if brief:
            return Reading(UNDECIDED, f"{shares}: nothing was found yet, and the search was short")
        return Reading(NOTHING, shares)
    if learned.is_small:
        return Reading(UNDECIDED, f"{shares}; more generations may find what is missing, by instinct or by learning")
    return Reading(UNDECIDED, f"{shares}, within their errors either way; more lives or generations may decide")


_NOT_KNOWN = (
    "how much there is to gain is not known: the world has no oracle, and nothing says at which score it is solved"
)


def _known_by(oracle: Score | None, ceiling: float | None) -> str:
    return "the oracle included" if oracle is not None else f"and {ceiling:g} counts as solved"


@dataclasses.dataclass(frozen=True, eq=False)
class _Gain:
    """A gain against what there is to gain, both [L], life by life."""

    lives: FloatArray
    headroom: FloatArray

    def surely_above(self, share: float) -> bool:
        return _surely_positive(self.lives - share * self.headroom)

    def surely_below(self, share: float) -> bool:
        return _surely_positive(share * self.headroom - self.lives)

    @property
    def counts(self) -> bool:
        return self.surely_above(SMALL)

    @property
    def is_small(self) -> bool:
        return self.surely_below(SMALL)

    @property
    def text(self) -> str:
        percent = round(100 * float(self.lives.mean() / self.headroom.mean()))
        if percent < 0 and self.surely_below(0.0):
            return "is worse than random"
        return f"gets {max(percent, 0)}%"


def _without_headroom(headroom: FloatArray, noticeable: float, known_by: str) -> Reading:
    if headroom.mean() + 2.0 * _error(headroom) > noticeable:
        return Reading(
            UNDECIDED,
            f"too few lives to tell whether anybody does noticeably better than uniform actions: over {len(headroom)} "
            f"lives the best gains {headroom.mean():.3g}, give or take {2.0 * _error(headroom):.2g}",
        )
    if known_by:
        return Reading(SOLVED, f"nobody does noticeably better than uniform actions, {known_by}")
    return Reading(
        UNDECIDED,
        "nobody does noticeably better than uniform actions: the world is solved at birth, or nothing was found in so "
        "short a search; an oracle would tell",
    )


def _surely_positive(differences: FloatArray) -> bool:
    return bool(differences.mean() > 2.0 * _error(differences))


def _error(values: FloatArray) -> float:
    """Standard error of the mean over lives; infinite for a single one."""
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.inf


SHARES = (0.1, 1.0 / 3.0, 1.0)  # of the longest lifetime
# Suited to a world of which nothing is known: half a minute per evolution on two cores.
_COMPILED: dict[str, Any] = {
    "search": {"algorithm": "snes", "population": 48, "generations": 30, "lives": 8, "selection_lifetime": 4000},
    "evaluation": {"lifetimes": [12_000]},
}
_STEPWISE: dict[str, Any] = {
    "search": {"algorithm": "snes", "population": 24, "generations": 15, "lives": 2, "selection_lifetime": 2000},
    "evaluation": {"lives": 16, "lifetimes": [6000]},
}
_QUICK = {"population": 16, "generations": 6, "lives": 2, "selection_lifetime": 1000}
_QUICK_LIVES, _QUICK_LIFETIME = 32, 3000


@dataclasses.dataclass(frozen=True)
class Row:
    """An arm at each lifetime."""

    arm: str
    doc: str
    scores: tuple[Score, ...]


@dataclasses.dataclass(frozen=True)
class Calibration:
    """The table and its reading."""

    world: str
    rule: str
    lifetimes: tuple[int, ...]  # world steps, ascending
    lives: int
    quick: bool
    rows: tuple[Row, ...]
    evolution_steps: int  # world steps of both evolutions
    reading: Reading


class CalibrationDisplay(Protocol):
    """What shows a calibration while it goes on."""

    def evolving(self, arm: str, generations: int) -> None:
        """The evolution of an arm begins."""

    def made(self, generation: Generation) -> None:
        """A generation is finished."""

    def judging(self, arm: str) -> None:
        """An arm is about to live."""


def calibration_config(world_name: str, file: Path | None, overrides: list[str]) -> RunConfig:
    """The run that a world is looked at with.

    Args:
        world_name: as `find_world` takes it.
        file: a config for that world; none: the shipped config of its name, else defaults suited to the kind of world.
        overrides: ``dotted.key=value``.
    Raises:
        ConfigError: the file is no config, or of another world.
        WorldNotFound: there is no such world.
    """
    file = calibration_file(world_name, file)
    if file is not None:
        config = read_config(file, overrides)
        if _same(config.world.name) != _same(world_name):
            raise ConfigError(
                f"--config {file}: is for the world {config.world.name}, not for {world_name}; give a config of that "
                f"world, or check {config.world.name}"
            )
        # By the name that was asked for: a config names a file as seen from its own folder.
        return config.model_copy(update={"world": config.world.model_copy(update={"name": from_anywhere(world_name)})})
    return check_config(override(suited_settings(world_name), overrides), f"world {world_name}")


def suited_settings(world_name: str) -> dict[str, Any]:
    """Settings of a run that suit any world of a world's kind, compiled or stepped in Python.

    Raises:
        WorldNotFound: there is no such world; of a Gymnasium environment that is found out later.
    """
    is_stepwise = world_name.startswith(GYMNASIUM) or not isinstance(find_world(world_name), World)
    suited = _STEPWISE if is_stepwise else _COMPILED
    return {"world": {"name": from_anywhere(world_name)}, **suited}


def calibration_file(world_name: str, file: Path | None) -> Path | None:
    """Where the settings come from that a world is looked at with: the given file, or the shipped one of its name."""
    return file or shipped_configs().get(world_name)


def _same(name: str) -> str:
    """What two names of one world have in common, whatever the folder: the file's name, or all of it."""
    source, colon, attribute = name.rpartition(":")
    return f"{Path(source).name}:{attribute}" if colon and source.endswith(".py") else name


def cut_short(config: RunConfig) -> RunConfig:
    """The same run, cut short: seconds instead of minutes, a rough look."""
    content = config.model_dump(mode="json")
    search, evaluation = content["search"], content["evaluation"]
    for name, value in _QUICK.items():
        search[name] = min(search[name], value)
    content["learner"]["window"] = min(content["learner"]["window"], search["selection_lifetime"])
    longest = min(max(evaluation["lifetimes"]), _QUICK_LIFETIME)
    longest -= longest % evaluation["bin_steps"]
    evaluation["lives"] = min(evaluation["lives"], _QUICK_LIVES)
    if longest >= max(4 * evaluation["bin_steps"], evaluation["birth_steps"]):
        evaluation["lifetimes"] = [longest]
    return check_config(content, "--quick")


def lifetimes_of(config: RunConfig) -> tuple[int, ...]:
    """Three lifetimes at which arms are judged, world steps; fewer if age bins are too coarse."""
    longest, size = max(config.evaluation.lifetimes), config.evaluation.bin_steps
    return tuple(sorted({max(size, round(longest * share / size) * size) for share in SHARES}))


def calibrate(config: RunConfig, workers: int, display: CalibrationDisplay, is_quick: bool = False) -> Calibration:
    """Evolve with and without learning, and judge all arms in the same lives.

    Args:
        config: of a run in the world.
        workers: threads or processes; changes speed only.
        display: shows what happens.
        is_quick: written down; see `cut_short`.
    Raises:
        ConfigError, LifeFault: see there.
    """
    setup = assemble(config)
    lifetimes = lifetimes_of(config)
    keys = life_keys(config.seed, VALIDATION, 0, config.evaluation.lives)
    nothing = np.zeros(setup.pool.size, np.float32)
    steps = 0
    with contextlib.closing(OwnDrivers(workers)) as drivers:
        driver = setup.driver(drivers)
        rows = []
        for name in (RANDOM, BLANK, UNLEARNING, EVOLVED, ORACLE):
            if name == ORACLE and not has_oracle(setup):
                continue
            if ARMS[name].evolves:
                arm, cost = _evolve(config, name, drivers, display)
                steps += cost
            else:
                arm = ready_arm(name, ARMS[name], setup.pool, nothing, config.learner)
            display.judging(name)
            rows.append(Row(name, arm.doc, judge(setup, driver, arm, keys, lifetimes)))
    longest = {row.arm: row.scores[-1] for row in rows}
    rule = setup.conditions.world.fitness_rule
    # A compiled world says how good one can be by its oracle.
    ceiling = getattr(setup.conditions.world, "solved_at", None)
    reading = read_scores(longest, is_quick, ceiling)
    return Calibration(config.world.name, rule, lifetimes, len(keys), is_quick, tuple(rows), steps, reading)


def judge(
    setup: Setup, driver: Driver, arm: Arm, keys: npt.NDArray[np.int64], lifetimes: tuple[int, ...]
) -> tuple[Score, ...]:
    """Life fitness of an arm at each lifetime: a shorter life is the beginning of a longer one."""
    bin_steps = setup.config.evaluation.bin_steps
    plan = arm.plan(max(lifetimes), bin_steps)
    outcome = live_arm(setup, driver, arm, keys, plan.lifetime, bin_steps)
    rule = setup.conditions.world.fitness_rule
    return tuple(Score(score(outcome, rule, 0, lifetime // bin_steps, plan)) for lifetime in lifetimes)


class _Watcher:
    """Passes generations on; a calibration has no directory to speak of."""

    def __init__(self, display: CalibrationDisplay) -> None:
        self._display = display

    def starting(self, setup: Setup, directory: Path, first: int) -> None:
        """Nothing to say."""

    def warning(self, text: str) -> None:
        """Nothing that a fresh directory could cause."""

    def made(self, generation: Generation) -> None:
        self._display.made(generation)

    def choosing(self, what: str, number: int, of: int) -> None:
        """The leaders live as long as a generation's lives."""


def _evolve(config: RunConfig, name: str, drivers: OwnDrivers, display: CalibrationDisplay) -> tuple[Arm, int]:
    """An arm's own evolution, in a run directory that goes away; the arm and what it cost, world steps."""
    part, own = ARMS[name], evolution_of(config, name)
    display.evolving(name, own.config.search.generations)
    with tempfile.TemporaryDirectory(prefix="evolearn-calibration-") as folder:
        directory = create_run(own.config, name, Path(folder) / name, drivers.describe())
        evolve_run(own, drivers, directory, _Watcher(display))
        genome = directory.load_dna().genome
        steps = sum(row["world_steps"] for row in directory.rows())
    return ready_arm(name, part, own.pool, genome, own.config.learner), steps


def evolution_of(config: RunConfig, name: str) -> Setup:
    """The setup of an arm's own evolution.

    Args:
        config: of a run in the world.
        name: of an arm that evolves.
    Raises:
        ConfigError: the arm cannot evolve so.
    """
    return assemble(arm_config(_with_instincts(config) if name == UNLEARNING else config, name, ARMS[name], {}))


def _with_instincts(config: RunConfig) -> RunConfig:
    """The same run with weights that evolve: without learning nothing else could."""
    weights = config.genome.weights.model_copy(update={"mode": "evolved"})
    return config.model_copy(update={"genome": config.genome.model_copy(update={"weights": weights})})


def shares_of_oracle(calibration: Calibration) -> Mapping[str, float]:
    """Where each arm stands at the longest lifetime from random, 0, to the oracle, 1; empty if no oracle is ahead."""
    last = {row.arm: row.scores[-1].mean for row in calibration.rows}
    if ORACLE not in last or last[ORACLE] <= last[RANDOM]:
        return {}
    return {name: (value - last[RANDOM]) / (last[ORACLE] - last[RANDOM]) for name, value in last.items()}
