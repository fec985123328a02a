"""Who is robust prey: four juries, each apart, over the DNA of a study of `pursuit` in which predators evolve as well.

    python -m benchmarks.self_play STUDY FIXED [--jurors N] [--responses N] [--generations N] [--population N]
        [--lives N] [--workers N] [--markdown]

STUDY is a directory of a study such as `claims/self-play`, FIXED one of `claims/self-play-fixed`. Every evolution run's
prey, the centre of its last generation, lives the same lives before

    scripted   predators of the script at six speeds, errors 0.3; straight at the prey, and to where it will be
    foreign    the predators of all other runs of the arms in which predators evolved
    jury       best responses: predators evolved from nothing against prey of FIXED, of all its conditions but the
               first, prey that is compared with nobody
    itself     best responses to this very prey: the lower the score, the more can it be exploited; the worst of
               several, since one is noisy

A score is what prey earns per step. What decides is written down beforehand: the *primary* is the worst score before
the jury, coevolved less scripted, the *second* the score before best responses to itself, likewise; prey is called
*robust* only if both are above 0 with their whole intervals. Every jury is somebody's home ground: scripted that of the
scripted arm, foreign that of the arms whose predators they are; no arm met the jury.

*Cycling* is looked for in the prey of each kept generation before the predators of each: where prey does better
before predators that are far older or younger than it than before those of its own age, an arms race goes round.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.bandits import Answer, tell
from evolearn.errors import UserError
from evolearn.genome import FloatArray
from evolearn.life import Driver, Opposition, evaluate, new_driver
from evolearn.rng import VALIDATION, Keys, life_keys
from evolearn.run import DNA, RunDirectory, Setup, ancestors, assemble, load_dna, new_search, setup_of, to_genomes
from evolearn.study import open_study
from evolearn.verdict import interval, stats

Floats = npt.NDArray[np.float64]

GENERATION = 900  # of the validation key space; best responses evolve on those from twice that on
SPEEDS = (0.6, 0.8, 1.0, 1.2, 1.4, 1.6)
LEADS = (0.0, 1.0)
ERROR = 0.3  # rad, of predators of the script
CLAIMED, AGAINST = "coevolved", "scripted"
LEVEL, RESAMPLES = 0.05, 2000
SCRIPTED, FOREIGN, JURY, ITSELF = "scripted", "foreign", "jury", "itself"


class Responses(NamedTuple):
    """How best responses are evolved."""

    each: int  # to one prey
    generations: int
    population: int
    lives: int  # per predator and generation


@dataclasses.dataclass(frozen=True)
class Sides:
    """Prey and predators, and who lives them in pairs and alone."""

    prey: Setup
    predators: Setup
    pairs: Driver

    def before(self, prey: FloatArray, predators: FloatArray, keys: Keys) -> Floats:
        """What some prey [P, G] earns before each of some predators [J, G], [P, J], the mean over lives."""
        met = np.repeat(predators, len(keys), axis=0)
        other = Opposition(self.predators.conditions, self.predators.pool, met, self.predators.selection)
        setup, every = self.prey, np.tile(keys, (len(predators), 1))
        found = evaluate(self.pairs, setup.conditions, setup.pool, prey, every, setup.selection, opposition=other)
        return found.fitness.reshape(len(prey), len(predators), len(keys)).mean(axis=2)

    def best_response(self, prey: FloatArray, seed: int, how: Responses) -> FloatArray:
        """A predator [G] that evolved against one prey [G], from nothing."""
        config = self.predators.config
        settings = {"population": how.population, "lives": how.lives, "algorithm": "snes", "options": {}}
        search = config.search.model_copy(update=settings)
        setup = assemble(config.model_copy(update={"seed": seed, "search": search}))
        evolving = new_search(setup)
        for generation in range(how.generations):
            keys = life_keys(seed, VALIDATION, 2 * GENERATION + generation, how.lives)
            evolving.step(_Against(self, setup, prey, keys))
        return to_genomes(setup, evolving.centre())


class _Against:
    """One generation's lives of predators against one prey."""

    def __init__(self, sides: Sides, setup: Setup, prey: FloatArray, keys: Keys) -> None:
        self._sides, self._setup, self._keys = sides, setup, keys
        met = np.repeat(prey[None], len(keys), axis=0)
        side = sides.prey
        self._met = Opposition(side.conditions, side.pool, met, side.selection, are_agents=True)

    def evaluate(self, z: FloatArray) -> Floats:
        """What predators z [P, G] come to, [P]."""
        setup = self._setup
        genomes = to_genomes(setup, z)
        found = evaluate(
            self._sides.pairs, setup.conditions, setup.pool, genomes, self._keys, setup.selection, opposition=self._met
        )
        return found.means


def runs_of(path: Path) -> Iterator[tuple[str, str, int, RunDirectory]]:
    """Every evolution of a study: condition, arm, run and directory; of conditions that evolve for themselves.

    Raises:
        UserError: no study, or one of another world.
    """
    study = open_study(path)
    config = study.read_config()
    if config.run.world.name != "pursuit":
        raise UserError(f"STUDY={path}: is of world {config.run.world.name}, must be of pursuit")
    for condition in config.conditions:
        for arm in config.arms:
            if condition.evolved_in is None and config.arm(arm).origin == "own":
                for run in range(config.runs):
                    yield condition.name, arm, run, study.evolved(condition, arm, run)


def scripted_scores(setup: Setup, prey: FloatArray, keys: Keys, workers: int) -> Floats:
    """What prey [P, G] earns before predators of the script, [P, 6]: the mean over both ways to aim, by speed."""
    scores = np.zeros((len(prey), len(SPEEDS)))
    for place, speed in enumerate(SPEEDS):
        for lead in LEADS:
            told = {"speed": speed, "lead": lead, "camp": lead, "noise": ERROR}
            world = setup.conditions.world
            there = dataclasses.replace(setup.conditions, parameters=world.resolve(told))
            with contextlib.closing(new_driver(there, workers)) as driver:
                found = evaluate(driver, there, setup.pool, prey, keys, setup.selection)
            scores[:, place] += found.fitness.mean(axis=1) / len(LEADS)
    return scores


def judged(
    study: Path, fixed: Path, jurors: int, how: Responses, count: int, workers: int
) -> tuple[dict[str, dict[str, Floats]], list[Floats]]:
    """What the prey of every arm earns before each jury, and matrices over generations.

    Args:
        study: directory in which predators evolve as well.
        fixed: directory of prey that evolved against one predator each; see above.
        jurors: best responses that make the jury.
        how: they, and those to every prey, are evolved.
        count: lives before each predator.
        workers: threads.
    Returns:
        By jury and arm [R, predators]; and for each run of the claimed arm what prey of generation i earns before
        predators of generation j.
    Raises:
        UserError: a study of another world, or one in which nobody's predators evolve.
    """
    found: dict[str, list[tuple[int, RunDirectory, DNA]]] = {}
    for _, arm, run, directory in runs_of(study):
        found.setdefault(arm, []).append((run, directory, directory.load_dna()))
    strangers = []
    for place, (condition, _, run, directory) in enumerate(runs_of(fixed)):
        if place == 0:
            straw = condition
        if condition == straw:
            found.setdefault(f"fixed, {condition}", []).append((run, directory, directory.load_dna()))
        else:
            strangers.append((run, condition, directory.load_dna().genome))
    against = {arm: [one for one in rows if one[2].config.opponent is not None] for arm, rows in found.items()}
    if not against.get(CLAIMED):
        raise UserError(f"STUDY={study}: has no arm {CLAIMED} whose predators evolved; evolve claims/self-play")
    prey = setup_of(next(rows[0][2] for arm, rows in found.items() if arm == CLAIMED))
    predators = prey.opponent
    assert predators is not None
    alone = dataclasses.replace(prey, opponent=None)
    pairs = dataclasses.replace(prey.conditions, opponent=predators.conditions)
    with contextlib.closing(new_driver(pairs, workers)) as driver:
        sides = Sides(alone, predators, driver)
        # As many of every condition, so that no build of predator makes the whole jury.
        chosen = [genome for *_, genome in sorted(strangers, key=lambda one: one[:2])][:jurors]
        jury = np.stack([sides.best_response(genome, 50 + place, how) for place, genome in enumerate(chosen)])
        scores: dict[str, dict[str, Floats]] = {name: {} for name in (SCRIPTED, FOREIGN, JURY, ITSELF)}
        foreign = [
            (run, load_dna(folder).genome)
            for rows in against.values()
            for run, directory, dna in rows
            for folder in _opponents(directory, dna)
        ]
        for arm, rows in found.items():
            genomes = np.stack([dna.genome for *_, dna in rows])
            keys = life_keys(0, VALIDATION, GENERATION, count)
            scores[SCRIPTED][arm] = scripted_scores(alone, genomes, keys, workers)
            scores[JURY][arm] = sides.before(genomes, jury, keys)
            of_others, of_own = [], []
            for (run, *_), genome in zip(rows, genomes, strict=True):
                others = [one for other, one in foreign if other != run]
                of_others.append(
                    sides.before(genome[None], np.stack(others), keys)[0] if others else np.full(1, np.nan)
                )
                responses = [sides.best_response(genome, 1000 * (1 + run) + n, how) for n in range(how.each)]
                of_own.append(sides.before(genome[None], np.stack(responses), keys)[0])
            scores[FOREIGN][arm], scores[ITSELF][arm] = np.stack(of_others), np.stack(of_own)
        keys = life_keys(0, VALIDATION, GENERATION + 1, max(1, count // 4))
        matrices = [
            sides.before(
                *(np.stack([one.genome for one in ancestors(path)]) for path in (run.path, *_opponents(run, dna))), keys
            )
            for _, run, dna in against[CLAIMED]
        ]
    return scores, matrices


def _opponents(directory: RunDirectory, dna: DNA) -> tuple[Path, ...]:
    """Folders of the predators that evolved in a run, of each population."""
    part = dna.config.opponent
    return () if part is None else directory.opponents(part.populations)


def table(scores: Mapping[str, Mapping[str, Floats]]) -> Answer:
    """Mean and worst before each jury: means over runs, and their standard deviation."""
    rows = []
    for arm in scores[SCRIPTED]:
        cells = [arm]
        for jury in (SCRIPTED, FOREIGN, JURY, ITSELF):
            by_run = scores[jury][arm]
            cells += [_spread(by_run.mean(axis=1)), _spread(by_run.min(axis=1))]
        rows.append(tuple(cells))
    heads = ("arm", *(f"{jury}, {what}" for jury in (SCRIPTED, FOREIGN, JURY, ITSELF) for what in ("mean", "worst")))
    return Answer("what prey earns per step, mean over runs and standard deviation", heads, rows)


def verdict(scores: Mapping[str, Mapping[str, Floats]]) -> Answer:
    """What was written down before, and whether both halves of it agree."""
    worst = {jury: [scores[jury][arm].min(axis=1) for arm in (CLAIMED, AGAINST)] for jury in (JURY, ITSELF)}
    rows, holds = [], []
    for name, jury in (("primary: worst before the jury", JURY), ("second: worst before best responses", ITSELF)):
        said, above = _tested(*worst[jury])
        rows.append((name, *said))
        holds.append(above)
    robust = "robust" if all(holds) else "not shown: both must be above 0"
    rows.append(("both", robust, ""))
    return Answer(f"{CLAIMED} less {AGAINST}", ("what", "difference [95% interval]", "p"), rows)


def cycling(matrices: Sequence[Floats]) -> Answer:
    """What prey earns before predators kept so many generations earlier or later than itself, the mean over runs."""
    mean = np.mean([matrix for matrix in matrices if matrix.shape == matrices[0].shape], axis=0)
    size = len(mean)
    rows = []
    for name, chosen in (
        ("predators kept three or more before it", [(i, j) for i in range(size) for j in range(size) if j <= i - 3]),
        ("one or two before", [(i, j) for i in range(size) for j in range(size) if i - 3 < j < i]),
        ("its own", [(i, i) for i in range(size)]),
        ("one or two after", [(i, j) for i in range(size) for j in range(size) if i < j < i + 3]),
        ("three or more after", [(i, j) for i in range(size) for j in range(size) if j >= i + 3]),
    ):
        rows.append((name, f"{np.mean([mean[place] for place in chosen]):.2f}" if chosen else ""))
    return Answer(f"cycling: {CLAIMED} prey before predators of its own run", ("predators", "earns"), rows)


def _tested(one: Floats, other: Floats) -> tuple[tuple[str, str], bool]:
    """A difference of means over runs, its interval and its p by permutation; and whether all of it is above 0."""
    random = np.random.default_rng(0)
    drawn = [side[random.integers(0, len(side), (RESAMPLES, len(side)))].mean(axis=1) for side in (one, other)]
    low, high = interval(drawn[0] - drawn[1], LEVEL, min(len(one), len(other)))
    p = float(stats.permutation_p(one, other))
    said = f"{one.mean() - other.mean():+.3f} [{low:+.3f}, {high:+.3f}]"
    return (said, "< .001" if p < 0.001 else f"{p:.3f}"), bool(low > 0.0)


def _spread(values: Floats) -> str:
    deviation = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
    return f"{values.mean():.3f}{deviation}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.self_play",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("fixed", type=Path)
    parser.add_argument("--jurors", type=int, default=6, help="best responses that make the jury; at least 4")
    parser.add_argument("--responses", type=int, default=4, help="best responses to every prey")
    parser.add_argument("--generations", type=int, default=100, help="of a best response")
    parser.add_argument("--population", type=int, default=48, help="of a best response")
    parser.add_argument("--lives", type=int, default=64, help="before each predator")
    parser.add_argument("--workers", type=int, default=1, help="threads; changes speed only")
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    for name, least in (
        ("jurors", 4),
        ("responses", 1),
        ("generations", 1),
        ("population", 4),
        ("lives", 1),
        ("workers", 1),
    ):
        if getattr(options, name) < least:
            parser.error(f"--{name} {getattr(options, name)}: must be at least {least}")
    how = Responses(options.responses, options.generations, options.population, 8)
    try:
        scores, matrices = judged(options.study, options.fixed, options.jurors, how, options.lives, options.workers)
    except UserError as error:
        parser.error(str(error))
    tell((table(scores), verdict(scores), cycling(matrices)), options.markdown, 170)


if __name__ == "__main__":
    main()
