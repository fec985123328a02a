"""What lesions of value, policy and reflexes cost decisions and reflexes, for each fixity of a study at the crossroads.

    python -m benchmarks.dissociation STUDY [--arms NAME ...] [--lives N] [--lifetime T] [--shams N] [--workers N]
        [--markdown]

STUDY is a directory of a study of `crossroads` whose conditions differ in `fixity`, such as that of `claims/emotions`,
or at one fixity in something else, such as the length of life in `claims/emotions-lifetime`: they go by name then.
Every evolution run's DNA lives the same lives intact and with one lesion each, made at birth and held:

    value     the innate value's numbers are zero, or the critic's where that is read; what it weighs in acting stays
    features  the weights by which the first layer, or without layers the policy, reads the features of doors are zero
    reflex    those by which it reads what looms are zero
    block     sham: as many of the policy's weights as value has numbers, drawn at random, are zero; not the reflex's
    noise     sham: to all those normal noise is added, of the norm of value; none of a critic, which is 0 at birth

A *decision* is the worth of the door taken less the other's, halved, per choice, over what it is at best; a *reflex*
the share of what loomed that was dodged: ratios of sums over lives. *Early* are the first 15 decisions, 135 steps;
*late* is the second half of life. Intervals are over evolution runs.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from evolearn.worlds.crossroads import DOORS, FEATURES, HERE, LEFT, LENGTH, LOOMING, RIGHT, WORTH

from benchmarks.bandits import Answer, tell
from evolearn.agent import BrainSpec, ValueSpec
from evolearn.errors import UserError
from evolearn.genome import Newborns, draw_fresh
from evolearn.life import Driver, Plan, Surgeries, lives, new_driver
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import Setup, setup_of
from evolearn.study import open_study
from evolearn.verdict import interval, stats

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

GENERATION = 800  # of the validation key space
BEST = 1 / math.sqrt(math.pi)  # of a decision
EARLY = 15 * (LENGTH + 1)  # steps
WHENS, HALVES = ("early", "late"), ("decisions", "reflexes")
INTACT, VALUE, SIGHT, REFLEX, BLOCK, NOISE = "intact", "value", "features", "reflex", "block", "noise"
SHAMS = (BLOCK, NOISE)
OWN, OTHER, SHAM = 0.3, 0.1, 0.15  # what a lesion is to cost its own half at least, the other at most, a sham either
LEVEL, RESAMPLES = 0.05, 2000


class Lived(NamedTuple):
    """How well an arm's runs do both halves under a condition, intact and with every lesion."""

    condition: str  # its fixity, or where that does not tell conditions apart, its name
    fixity: float
    arm: str
    scores: Mapping[str, Floats]  # by lesion, [R, 2, 2]: runs, WHENS, HALVES; of shams the mean over draws
    logits: Floats  # [R, 2], see `logits`

    def drop(self, lesion: str, when: str, half: str) -> Floats:
        """What a lesion costs, [R]."""
        lost = self.scores[INTACT] - self.scores[lesion]
        return np.asarray(lost[:, WHENS.index(when), HALVES.index(half)])


def reading(brain: BrainSpec, observations: Sequence[int]) -> Places:
    """Places of the weights by which the first layer, or without layers the policy, reads some observations."""
    start = 0
    for tensor in brain.tensors:
        places = start + np.arange(tensor.size).reshape(tensor.shape)
        if brain.hidden and tensor.name in ("hidden1.weight", "hidden1.inputs.weight"):
            return np.asarray(places[list(observations)].reshape(-1))
        if not brain.hidden and tensor.name == "policy.weight":
            return np.asarray(places[:, list(observations)].reshape(-1))
        start += tensor.size
    raise UserError(f"trunk {brain.trunk!r}: has no dense or gated layer that could be cut off from what it sees")


def critic(brain: BrainSpec) -> Places:
    """Places of the critic's weights, those by which it reads observations first."""
    ends = np.cumsum([tensor.size for tensor in brain.tensors])
    blocks = {tensor.name: np.arange(end - tensor.size, end) for tensor, end in zip(brain.tensors, ends, strict=True)}
    return np.concatenate([blocks["value.weight"], blocks["value.bias"]])


def logits(brain: BrainSpec, value: ValueSpec | None, newborns: Newborns) -> Floats:
    """By how much a newborn prefers a door to the other, in logits per unit that it is worth more: by value, by policy.

    By value once what each action leads to is known, by a critic as it is at birth; by the policy if actions take the
    doors of their names.

    Args:
        brain: what it is made of.
        value: likewise, its innate value.
        newborns: one.
    Returns:
        [2], NaN for what has hidden layers, 0 for a value that is not there.
    """
    by_value = by_policy = math.nan
    if value is None:
        by_value = 0.0
    elif not (value.hidden or (value.learned and brain.hidden)):
        numbers = newborns.weights[0, critic(brain)] if value.learned else newborns.value[0]
        beta = newborns.value[0, value.weights] if value.acting else 0.0
        by_value = float(beta * numbers[HERE : HERE + FEATURES] @ WORTH)
    if not brain.hidden:
        of_doors = newborns.weights[0, reading(brain, range(DOORS, HERE))].reshape(-1, 2 * FEATURES)
        by_policy = float((of_doors[LEFT] - of_doors[RIGHT]) @ np.concatenate([WORTH, -WORTH])) / 2
    return np.array([by_value, by_policy])


def surgeries(
    brain: BrainSpec, newborns: Newborns, value: ValueSpec | None, shams: int, rng: np.random.Generator
) -> tuple[list[str], Surgeries]:
    """Every lesion, and its name; the intact newborn first.

    Args:
        brain: what it is made of.
        newborns: one.
        value: innate, or the critic's, that is read in acting; None: lesions of it and shams are left out.
        shams: draws of each.
        rng: draws them.
    """
    everything = range(brain.told)
    others = reading(brain, [place for place in everything if place not in (LOOMING, LOOMING + 1)])
    names = [INTACT, SIGHT, REFLEX]
    lost = [np.zeros(0, np.int64), reading(brain, range(DOORS, HERE)), reading(brain, (LOOMING, LOOMING + 1))]
    numbers = 0 if value is None else value.weights
    if value is not None:
        learned = critic(brain) if value.learned else lost[0]
        noises = 0 if value.learned else shams
        names += [BLOCK] * shams + [NOISE] * noises + [VALUE]
        lost += [rng.choice(others, min(numbers or len(learned), len(others)), replace=False) for _ in range(shams)]
        lost += [lost[0]] * noises + [learned]
    rows, size = len(names), brain.weights
    every = np.tile(np.arange(size, dtype=np.int64), (rows, 1))
    operations = Surgeries(
        factor=np.ones((rows, size), np.float32),
        source=every.copy(),
        added_factor=np.zeros((rows, size), np.float32),
        added_source=every.copy(),
        constant=np.zeros((rows, size), np.float32),
        held=np.zeros((rows, size), np.uint8),
        drives=np.zeros((rows, 0), np.float32),
        recalled=np.zeros((rows, 0), np.int64),
        value=np.full((rows, newborns.value.shape[1]), np.nan, np.float32),
    )
    norm = float(np.linalg.norm(newborns.value[0, :numbers]))
    for row, (name, places) in enumerate(zip(names, lost, strict=True)):
        operations.factor[row, places] = 0.0
        operations.held[row, places] = 1
        if name == VALUE:
            operations.value[row, :numbers] = 0.0
        elif name == NOISE:
            drawn = rng.standard_normal(len(others))
            operations.constant[row, others] = drawn * norm / np.linalg.norm(drawn)
    return names, operations


def halves(sums: Mapping[str, Floats]) -> Floats:
    """Decisions over what they are at best, and the share of what loomed that was dodged, [.., 2].

    Args:
        sums: of the world's senses by name, [..].
    """
    met = sums["dodged"] + sums["struck"]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([sums["decision"] / sums["choice"] / BEST, sums["dodged"] / met], axis=-1)


def lived(
    setup: Setup, driver: Driver, newborns: Newborns, keys: npt.NDArray[np.int64], lifetime: int, shams: int, seed: int
) -> dict[str, Floats]:
    """How well a newborn does both halves, intact and with every lesion: by lesion, [WHENS, HALVES].

    A shorter life is the beginning of a longer one, so late sums are those of whole lives less those of first halves.

    Args:
        setup: of its run.
        driver: for the setup's conditions.
        newborns: one.
        keys: of the lives.
        lifetime: world steps, at least EARLY.
        shams: draws of each.
        seed: of the shams.
    """
    conditions = setup.conditions
    names, operations = surgeries(conditions.brain, newborns, conditions.value, shams, np.random.default_rng(seed))
    copies = newborns.rows(np.zeros(len(names), np.int64))
    born_as, every_key = np.repeat(np.arange(len(names)), len(keys)), np.tile(keys, (len(names), 1))
    copies, born_as = draw_fresh(setup.pool, copies, born_as, every_key)
    selection = setup.selection
    senses = [sense.name for sense in conditions.world.senses]
    sums = {}
    for steps in (EARLY, lifetime // 2, lifetime):
        plan = Plan(steps, selection.learn_from, selection.learn_until, operate_at=0)
        outcome, _ = lives(driver, conditions, copies, born_as, every_key, plan, surgeries=operations)
        felt = outcome.drives[:, 1 : 1 + len(senses)].reshape(len(names), len(keys), len(senses)).sum(axis=1)
        sums[steps] = {sense: felt[:, place] for place, sense in enumerate(senses)}
    late = {sense: sums[lifetime][sense] - sums[lifetime // 2][sense] for sense in senses}
    scores = np.stack([halves(sums[EARLY]), halves(late)], axis=1)  # [rows, WHENS, HALVES]
    return {name: scores[[name == other for other in names]].mean(axis=0) for name in dict.fromkeys(names)}


def dissociated(
    path: Path, arms: Sequence[str] | None, count: int, lifetime: int | None, shams: int, workers: int
) -> list[Lived]:
    """What a study's arms lose, in the order of fixities, else of conditions.

    Args:
        path: of the study.
        arms: whose DNA is looked at; none: of all arms that evolve themselves.
        count: lives per run and lesion.
        lifetime: world steps; none: as long as evolution selected on.
        shams: draws of each.
        workers: threads.
    Raises:
        UserError: no study, none of `crossroads`, an arm without DNA of its own, or a life that is too short.
    """
    study = open_study(path)
    config = study.read_config()
    if config.runs < 2:
        raise UserError(
            f"STUDY={path}: has one evolution run per arm, and intervals are over runs: must have at least 2"
        )
    evolving = [arm for arm in config.arms if config.arm(arm).origin == "own"]
    if unknown := [arm for arm in arms or () if arm not in evolving]:
        raise UserError(f"--arms {' '.join(unknown)}: must be arms that evolve themselves: {', '.join(evolving)}")
    found = []
    for condition in config.conditions:
        for arm in arms or evolving:
            of_runs: list[dict[str, Floats]] = []
            written: list[Floats] = []
            fixity = math.nan
            with contextlib.ExitStack() as stack:
                driver = None
                for run in range(config.runs):
                    dna = study.evolved(condition, arm, run).load_dna()
                    setup = setup_of(dna)
                    if setup.conditions.world.name != "crossroads":
                        raise UserError(
                            f"STUDY={path}: is of world {setup.conditions.world.name}, must be of crossroads"
                        )
                    steps = lifetime or setup.config.search.selection_lifetime
                    if steps < 2 * EARLY:
                        raise UserError(f"--lifetime {steps}: must be at least {2 * EARLY} steps, 30 decisions")
                    if driver is None:
                        driver = new_driver(setup.conditions, workers, setup.config.hang_seconds)
                        stack.enter_context(contextlib.closing(driver))
                        fixity = float(setup.conditions.parameters["fixity"])
                    keys = life_keys(config.seed, VALIDATION, GENERATION + run, count)
                    of_runs.append(lived(setup, driver, dna.newborns, keys, steps, shams, run))
                    written.append(logits(dna.brain, setup.conditions.value, dna.newborns))
            scores = {name: np.stack([of[name] for of in of_runs]) for name in of_runs[0]}
            found.append(Lived(condition.name, fixity, arm, scores, np.stack(written)))
    if len({one.fixity for one in found}) == len(config.conditions):
        found = [one._replace(condition=f"{one.fixity:g}") for one in found]
    return sorted(found, key=lambda one: one.fixity)


def _dial(found: Sequence[Lived]) -> str:
    """What conditions go by, for the head of a column."""
    return "fixity" if all(one.condition == f"{one.fixity:g}" for one in found) else "condition"


def curve(found: Sequence[Lived]) -> Answer:
    """What every lesion costs either half: means over runs with intervals; for `intact` how well it does."""
    rows = []
    for one in found:
        for lesion in (name for name in (INTACT, VALUE, SIGHT, REFLEX, *SHAMS) if name in one.scores):
            cells = []
            for when in WHENS:
                for half in HALVES:
                    if lesion == INTACT:
                        values = one.scores[INTACT][:, WHENS.index(when), HALVES.index(half)]
                    else:
                        values = one.drop(lesion, when, half)
                    cells.append(_with_interval(values))
            rows.append((one.condition, one.arm, lesion, *cells))
    heads = (_dial(found), "arm", "lesion", *(f"{half}, {when}" for when in WHENS for half in HALVES))
    return Answer("how well it does intact, and what each lesion costs", heads, rows)


def genes(found: Sequence[Lived]) -> Answer:
    """By how much newborns prefer a door to the other: means over runs with intervals."""
    rows = [(one.condition, one.arm, *map(_with_interval, one.logits.T)) for one in found]
    heads = (_dial(found), "arm", "by value", "by policy")
    return Answer("logits of a door per unit that it is worth more", heads, rows)


def counts(found: Sequence[Lived], when: str = "late") -> Answer:
    """In how many runs the lesions of value and reflex are apart, and what the runs say of the curve.

    Args:
        found: of one arm or several.
        when: of WHENS.
    """
    rows: list[tuple[str, ...]] = []
    for arm in dict.fromkeys(one.arm for one in found):
        points = [one for one in found if one.arm == arm and VALUE in one.scores]
        for one in points:
            parts = apart(one, when)
            for what, holds in parts.items():
                rows.append((arm, one.condition, what, f"{int(holds.sum())} of {len(holds)}", ""))
        if len(points) < 2:
            continue
        first, last = points[0], points[-1]
        ends = f"{first.condition} less {last.condition}"
        for lesion in (VALUE, SIGHT):
            rows.append((arm, ends, f"cost of {lesion} to decisions", *_difference(first, last, lesion, when)))
        crossed = [one.drop(VALUE, when, HALVES[0]) - one.drop(SIGHT, when, HALVES[0]) for one in (first, last)]
        rows.append((arm, ends, "interaction: value less features", *_tested(*crossed)))
        for before, after in itertools.pairwise(points):
            ends = f"{before.condition} less {after.condition}"
            rows.append((arm, ends, "fall of what value costs", *_difference(before, after, VALUE, when)))
    heads = ("arm", _dial(found), "what", "runs, or difference [95% interval]", "p")
    return Answer(f"{when}: what was written down before", heads, rows)


def against(found: Sequence[Lived]) -> Answer:
    """How much better than every other arm the first one does, intact, under the same condition."""
    rows: list[tuple[str, ...]] = []
    for condition, alike in itertools.groupby(found, key=lambda one: one.condition):
        first, *others = alike
        for other, when, half in itertools.product(others, range(len(WHENS)), range(len(HALVES))):
            tested = _tested(*(one.scores[INTACT][:, when, half] for one in (first, other)))
            rows.append((condition, f"{first.arm} less {other.arm}", f"{HALVES[half]}, {WHENS[when]}", *tested))
    heads = (_dial(found), "arms", "what", "difference [95% interval]", "p")
    return Answer("how much better an arm does than others, intact", heads, rows)


def apart(one: Lived, when: str) -> dict[str, npt.NDArray[np.bool_]]:
    """Of every run, whether each lesion costs its own half enough and spares the other, [R]."""

    def costs(lesion: str) -> Floats:  # [R, HALVES]
        return np.stack([one.drop(lesion, when, half) for half in HALVES], axis=1)

    value, reflex = costs(VALUE), costs(REFLEX)
    parts = {
        f"value costs decisions at least {OWN:g}": value[:, 0] >= OWN,
        f"value costs reflexes at most {OTHER:g}": value[:, 1] <= OTHER,
        f"reflex costs reflexes at least {OWN:g}": reflex[:, 1] >= OWN,
        f"reflex costs decisions at most {OTHER:g}": reflex[:, 0] <= OTHER,
        f"shams cost at most {SHAM:g}": np.all(
            [costs(name).max(axis=1) <= SHAM for name in SHAMS if name in one.scores], axis=0
        ),
    }
    return parts | {"all of these": np.all(list(parts.values()), axis=0)}


def _difference(one: Lived, other: Lived, lesion: str, when: str) -> tuple[str, str]:
    return _tested(one.drop(lesion, when, HALVES[0]), other.drop(lesion, when, HALVES[0]))


def _tested(one: Floats, other: Floats) -> tuple[str, str]:
    """A difference of means over runs, its interval, and its p by permutation of runs."""
    random = np.random.default_rng(0)
    drawn = [side[random.integers(0, len(side), (RESAMPLES, len(side)))].mean(axis=1) for side in (one, other)]
    low, high = interval(drawn[0] - drawn[1], LEVEL, min(len(one), len(other)))
    p = float(stats.permutation_p(one, other))
    return f"{one.mean() - other.mean():+.2f} [{low:+.2f}, {high:+.2f}]", "< .001" if p < 0.001 else f"{p:.3f}"


def _with_interval(values: Floats) -> str:
    if np.isnan(values).any():
        return ""
    random = np.random.default_rng(0)
    drawn = values[random.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = interval(drawn, LEVEL, len(values))
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dissociation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--arms", nargs="+", help="default: all that evolve")
    parser.add_argument("--lives", type=int, default=200, help="per evolution run and lesion")
    parser.add_argument("--lifetime", type=int, help="world steps; default: as long as evolution selected on")
    parser.add_argument("--shams", type=int, default=4, help="draws of each sham")
    parser.add_argument("--workers", type=int, default=1, help="threads; changes speed only")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    for name in ("lives", "shams", "workers"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} {getattr(options, name)}: must be at least 1")
    try:
        found = dissociated(
            options.study, options.arms, options.lives, options.lifetime, options.shams, options.workers
        )
    except UserError as error:
        parser.error(str(error))
    tables = [curve(found), genes(found), *(counts(found, when) for when in reversed(WHENS))]
    tables += [table for table in [against(found)] if table.rows]
    tell(tables, options.markdown, 170)


if __name__ == "__main__":
    main()
