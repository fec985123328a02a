"""What value, hunger, instinct, a model and a prior can be worth: the references for worlds where that is known.

    python -m benchmarks.references [--only NAME ...] [--seed S] [--markdown]

Eight tables, a minute in all: the episodes in which tables learn `corridors`, at given step sizes and tuned; the best
threshold of the `larder` and what it is worth elsewhere, exact; what halves of a `crossroads` life are worth, exact;
the steps in which Dyna learns the `maze`; who ever opens a `lock`, exact; who ever passes a `chain`; and what can be
written beforehand of a `peck`, exact. Means over sets of lives with their standard error; what has none is exact, or a
share of lives.

Source: Sutton and Barto 2018, sections 6.1 (TD), 8.2 (Dyna-Q), 12.1 (lambda returns), 13.3 (REINFORCE with baseline).
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from rich.console import Console

from benchmarks import locks, pecks
from benchmarks.bandits import Answer, markdown, shown
from evolearn.worlds import crossroads, larder, maze

Floats = npt.NDArray[np.float64]
compiled = numba.njit(error_model="numpy")

# Corridors -----------------------------------------------------------------------------------------------------------

DELAYS, NOISES = (1, 5, 20, 80), (0.0, 0.3)
LEVEL, LIMIT = 0.85, 300  # mean probability of the right corridor over lives; episodes
SETS, LIVES = 8, 200
STEP_SIZES = (0.1, 0.5, 2.0)  # of the policy
MORE_STEP_SIZES = (0.1, 0.3, 1.0, 3.0, 10.0)
CRITICS = (0.01, 0.03, 0.1, 0.3)
TRACES = (1.0, 0.95, 0.8, 0.0)
CRITIC = 0.1
TOLD, LEARNED = 0, 1  # what the policy is taught by: the true value of a corridor, or a table


class Learner(NamedTuple):
    """Who learns corridors: a softmax over both, by the advantage of the corridor that was taken.

    With LEARNED, values are a table of places, those of a corridor all 1/2 + `start` / 2 in the one that smells sweet
    and 1/2 - `start` / 2 in the other, or all 0 for nan. They follow lambda returns; discount 1.
    """

    kind: int
    trace: float  # lambda; 1 is Monte Carlo
    step_size: float  # of the policy
    critic: float  # step size of values
    start: float = math.nan


@compiled
def episodes_to_level(learner, delay, noise, reliability, lives, limit, rng):  # type: ignore[no-untyped-def]
    """Episodes until the mean probability of the right corridor over so many lives is above LEVEL; limit + 1: never."""
    kind, trace, step_size, critic, start = learner
    logit = np.zeros(lives)  # of corridor 1
    right = rng.integers(0, 2, lives)
    values = np.zeros((lives, 2, delay + 1))  # beyond the end 0
    at_fork = np.zeros(lives)
    if start == start:
        for life in range(lives):
            is_truthful = rng.random() < reliability
            for corridor in range(2):
                is_sweet = (corridor == right[life]) == is_truthful
                values[life, corridor, :delay] = 0.5 + (0.5 * start if is_sweet else -0.5 * start)
            at_fork[life] = 0.5
    for episode in range(limit):
        total = 0.0
        for life in range(lives):
            likely = 1.0 / (1.0 + math.exp(-min(max(logit[life], -30.0), 30.0)))
            corridor = 1 if rng.random() < likely else 0
            is_right = corridor == right[life]
            if kind == TOLD:
                advantage = 0.5 if is_right else -0.5
            else:
                of = values[life, corridor]
                ahead, follows = 0.0, 0.0  # lambda errors, and the value one step later
                for place in range(delay - 1, -1, -1):
                    paid = noise * rng.standard_normal()
                    if place == delay - 1 and is_right:
                        paid += 1.0
                    value = of[place]
                    ahead = paid + follows - value + trace * ahead
                    follows = value
                    of[place] = value + critic * ahead
                advantage = follows - at_fork[life] + trace * ahead
                at_fork[life] += critic * advantage
            logit[life] += step_size * advantage * (corridor - likely)
            likely = 1.0 / (1.0 + math.exp(-min(max(logit[life], -30.0), 30.0)))
            total += likely if right[life] == 1 else 1.0 - likely
        if total / lives > LEVEL:
            return episode + 1
    return limit + 1


def tuned(kinds: list[Learner], delay: int, noise: float, reliability: float, seed: int) -> Learner:
    """Whoever is fastest in a set of lives that do not count."""
    best, fewest = kinds[0], LIMIT + 1
    for kind in kinds:
        rng = np.random.default_rng([seed, SETS])
        count = episodes_to_level(kind, delay, noise, reliability, 2 * LIVES, fewest - 1, rng)
        if count < fewest:
            best, fewest = kind, count
    return best


def episodes(kinds: list[Learner], delay: int, noise: float, reliability: float, seed: int) -> str:
    """Episodes of the best of some learners: mean over sets of lives, and its standard error."""
    best = tuned(kinds, delay, noise, reliability, seed)
    luck = [np.random.default_rng([seed, one]) for one in range(SETS)]
    counts = np.array([episodes_to_level(best, delay, noise, reliability, LIVES, LIMIT, rng) for rng in luck])
    if np.any(counts > LIMIT):
        return f"> {LIMIT}"
    return f"{counts.mean():.1f} ± {counts.std(ddof=1) / math.sqrt(SETS):.1f}"


def tables(seed: int) -> Answer:
    """Corridors, by the value that teaches the policy, at given step sizes."""
    arms = {
        "innate": [Learner(TOLD, 0.0, size, CRITIC) for size in STEP_SIZES],
        **{
            name: [Learner(LEARNED, trace, size, CRITIC) for size in STEP_SIZES]
            for name, trace in (("Monte Carlo", 1.0), ("TD(.9)", 0.9), ("TD(0)", 0.0))
        },
    }
    rows = [
        (f"{noise:g}", str(delay), *(episodes(kinds, delay, noise, 1.0, seed) for kinds in arms.values()))
        for noise in NOISES
        for delay in DELAYS
    ]
    return Answer(f"corridors, episodes to {LEVEL}, best of three step sizes", ("noise", "delay", *arms), rows)


def tuned_tables(seed: int) -> Answer:
    """Corridors, everything tuned, and an innate value as the critic's start, by how reliable it is."""
    grid = list(itertools.product(MORE_STEP_SIZES, CRITICS))
    learned = [Learner(LEARNED, trace, size, critic) for trace in TRACES for size, critic in grid]
    monte_carlo = [one for one in learned if one.trace == 1.0]
    rows = []
    for noise in NOISES:
        for delay in DELAYS:
            inborn = [
                episodes([one._replace(start=2.0 * reliable - 1.0) for one in learned], delay, noise, reliable, seed)
                for reliable in (1.0, 0.9, 0.75)
            ]
            plain = [episodes(kinds, delay, noise, 1.0, seed) for kinds in (monte_carlo, learned)]
            rows.append((f"{noise:g}", str(delay), *inborn, *plain))
    heads = ("innate start, r 1", "r .9", "r .75", "Monte Carlo", "TD, lambda tuned too")
    return Answer(f"corridors, episodes to {LEVEL}, everything tuned", ("noise", "delay", *heads), rows)


# Larder --------------------------------------------------------------------------------------------------------------

ABUNDANCES = (0.2, 0.3, 0.5, 0.8, 1.0)
MIXTURE = (0.2, 0.5, 1.0)


def mean_life(meals: float, threshold: int) -> float:
    """Steps that an animal with a newborn's reserves lives, that eats below a threshold."""
    eats = np.arange(1, larder.MOST + 1) < threshold
    return float(larder.lifetimes(np.array([[meals]]), eats[None])[0, larder.AT_FIRST - 1])


def best_threshold(worth: Callable[[int], float]) -> int:
    """The threshold of most worth; MOST + 1 is to eat always."""
    return max(range(1, larder.MOST + 2), key=worth)


def hunger(seed: int) -> Answer:
    """The best thresholds, and what each is worth at every abundance, as a share of the best there."""
    best = dict(zip(ABUNDANCES, map(int, larder.best_thresholds(ABUNDANCES)), strict=True))
    most = {meals: mean_life(meals, threshold) for meals, threshold in best.items()}
    rules = {f"best at {meals:g}": threshold for meals, threshold in best.items()}
    mixed = "/".join(f"{meals:g}" for meals in MIXTURE)
    rules[f"fewest deaths over {mixed}"] = best_threshold(lambda t: -sum(1.0 / mean_life(p, t) for p in MIXTURE))
    rules[f"least relative cost over {mixed}"] = best_threshold(
        lambda t: -sum(most[p] / mean_life(p, t) for p in MIXTURE)
    )
    rules[f"longest log life over {mixed}"] = best_threshold(lambda t: sum(math.log(mean_life(p, t)) for p in MIXTURE))
    rules["eats always"] = larder.MOST + 1
    rows = [
        (name, str(threshold), *(f"{mean_life(meals, threshold) / most[meals]:.3f}" for meals in ABUNDANCES))
        for name, threshold in rules.items()
    ]
    rows.append(("steps of the best", "", *(f"{most[meals]:.1f}" for meals in ABUNDANCES)))
    heads = ("rule", "eats below", *(f"at {meals:g}" for meals in ABUNDANCES))
    return Answer("larder, mean life as a share of the best, by the chance of a meal", heads, rows)


# Crossroads ----------------------------------------------------------------------------------------------------------

BEST_DECISION = 1.0 / math.sqrt(math.pi)  # half the expected distance of two standard normal numbers
STAYS, AWAY, TOWARDS = 0, 1, 2  # what is done: a door, or a dodge to the other side or to that which looms


class Halves(NamedTuple):
    """What a way of acting comes to in the long run, per step but for the last two."""

    fitness: float
    choices: float
    needless: float
    struck: float
    loomed: float
    decision: float  # mean of a choice
    reflex: float  # share of what loomed that was dodged


def halves(decision: float, doing: Callable[[bool, int], tuple[float, float, float]]) -> Halves:
    """The stationary mean of crossroads over where one is and for how long something has loomed.

    Args:
        decision: mean worth of the door taken less the other, halved; what it is worth in itself is then as much.
        doing: probabilities of STAYS, AWAY and TOWARDS, given whether one is at the fork and what looms, 0 to IN_TIME;
            where nothing looms both dodges are needless.
    """
    places, looming = crossroads.LENGTH + 1, crossroads.IN_TIME + 1
    chain = np.zeros((places, looming, places, looming))
    choices, needless, struck, dodged = np.zeros((4, places, looming))
    for place, age in itertools.product(range(places), range(looming)):
        for act, likely in enumerate(doing(place == 0, age)):
            next_place = (place + 1) % places if place > 0 or act == STAYS else 0
            if age == 0:
                chain[place, age, next_place, 1] += likely * crossroads.LOOMS
                chain[place, age, next_place, 0] += likely * (1.0 - crossroads.LOOMS)
                needless[place, age] += likely * (act != STAYS)
            else:
                is_over = act != STAYS or age == crossroads.IN_TIME
                chain[place, age, next_place, 0 if is_over else age + 1] += likely
                dodged[place, age] += likely * (act == AWAY)
                struck[place, age] += likely * (is_over and act != AWAY)
            choices[place, age] += likely * (place == 0 and act == STAYS)
    size = places * looming
    square = chain.reshape(size, size)
    equations = np.vstack([square.T - np.eye(size), np.ones(size)])
    often = np.linalg.lstsq(equations, np.append(np.zeros(size), 1.0), rcond=None)[0].reshape(places, looming)
    rate = {
        name: float((often * of).sum())
        for name, of in (("choices", choices), ("needless", needless), ("struck", struck), ("dodged", dodged))
    }
    loomed = rate["dodged"] + rate["struck"]
    fitness = rate["choices"] * decision - rate["needless"] * crossroads.NEEDLESS - rate["struck"] * crossroads.BLOW
    return Halves(fitness, rate["choices"], rate["needless"], rate["struck"], loomed, decision, rate["dodged"] / loomed)


def by_oracle(at_fork: bool, age: int) -> tuple[float, float, float]:
    """Dodge in the corridor, and at the fork when it is high time."""
    dodges = age > 0 and (not at_fork or age == crossroads.IN_TIME)
    return (0.0, 1.0, 0.0) if dodges else (1.0, 0.0, 0.0)


def never_dodging(at_fork: bool, age: int) -> tuple[float, float, float]:
    """Always a door."""
    return 1.0, 0.0, 0.0


def at_random(at_fork: bool, age: int) -> tuple[float, float, float]:
    """Any of two doors and two dodges."""
    return 0.5, 0.25, 0.25


def two_halves(seed: int) -> Answer:
    """What a life at crossroads earns with and without either half."""
    kinds = {
        "both: the oracle": halves(BEST_DECISION, by_oracle),
        "decisions alone": halves(BEST_DECISION, never_dodging),
        "reflexes alone": halves(0.0, by_oracle),
        "neither, never dodging": halves(0.0, never_dodging),
        "uniform actions": halves(0.0, at_random),
    }
    rows = [
        (
            name,
            f"{one.fitness:+.4f}",
            f"{one.decision:.4f}",
            f"{one.reflex:.4f}",
            *(f"{1000 * rate:.1f}" for rate in (one.choices, one.loomed, one.struck, one.needless)),
        )
        for name, one in kinds.items()
    ]
    per_thousand = ("choices", "loomed", "struck", "needless dodges")
    heads = ("who has", "fitness per step", "decision", "reflex", *(f"{name} in 1,000" for name in per_thousand))
    return Answer("crossroads, exact", heads, rows)


# Maze ----------------------------------------------------------------------------------------------------------------

PLANNING = (0, 5, 50)
RUNS = 30  # of which the mean is taken, as the book does
SHORT, AS_SHORT_AS_CAN_BE = 20, 17  # steps of a mean episode; a tenth of random moves makes of 14 nearly 17 in the end
EPISODES = 200
MAZE_SETS = 15
DYNA = (0.1, 0.1, 0.95)  # step size, epsilon, discount: those of figure 8.2


@compiled
def dyna_steps(leads, start, goal, planning, settings, limit, rng):  # type: ignore[no-untyped-def]
    """Steps of each episode of one run of Dyna-Q, int64 [limit]."""
    step_size, epsilon, discount = settings
    cells = leads.shape[0]
    values = np.zeros((cells, 4))
    known = np.zeros((cells, 4), np.bool_)
    met_cells, met_moves = np.zeros(4 * cells, np.int64), np.zeros(4 * cells, np.int64)
    count = 0
    steps = np.zeros(limit, np.int64)
    for episode in range(limit):
        cell = start
        while cell != goal:
            move = rng.integers(0, 4)
            if rng.random() >= epsilon:
                ties = 0
                for one in range(4):
                    if values[cell, one] == values[cell].max():
                        ties += 1
                        if rng.integers(0, ties) == 0:
                            move = one
            if not known[cell, move]:
                known[cell, move] = True
                met_cells[count], met_moves[count] = cell, move
                count += 1
            # The maze never changes, so that what was met is what is met: the step itself comes first.
            for imagined in range(planning + 1):
                here, there = cell, move
                if imagined > 0:
                    one = rng.integers(0, count)
                    here, there = met_cells[one], met_moves[one]
                ahead = leads[here, there]
                target = 1.0 if ahead == goal else discount * values[ahead].max()
                values[here, there] += step_size * (target - values[here, there])
            cell = leads[cell, move]
            steps[episode] += 1
    return steps


def dyna_runs(planning: int, sets: int, seed: int) -> Floats:
    """Mean steps of each episode over RUNS runs, [sets, EPISODES]."""
    luck = [np.random.default_rng([seed, one]) for one in range(sets * RUNS)]
    leads, start = maze.LEADS[0], maze.STARTS[0]
    runs = [dyna_steps(leads, start, maze.GOAL, planning, DYNA, EPISODES, rng) for rng in luck]
    return np.array(runs, np.float64).reshape(sets, RUNS, EPISODES).mean(axis=1)


def until(means: Floats, short: int) -> tuple[Floats, Floats]:
    """Episodes and world steps until a mean episode is at most so short, [sets] each; infinite if none is."""
    ever = np.any(means <= short, axis=1)
    first = (means <= short).argmax(axis=1)
    steps = np.array([row[: last + 1].sum() for row, last in zip(means, first, strict=True)])
    return np.where(ever, first + 1.0, np.inf), np.where(ever, steps, np.inf)


def random_walk(leads: npt.NDArray[np.int64], start: int, goal: int) -> float:
    """Expected steps of uniform moves from start to goal."""
    cells = [cell for cell in range(len(leads)) if cell != goal]
    reached = [start]
    for cell in reached:
        reached += sorted({int(ahead) for ahead in leads[cell]} - set(reached))
    cells = [cell for cell in cells if cell in reached]
    chain = np.array([[np.mean(leads[cell] == ahead) for ahead in cells] for cell in cells])
    return float(np.linalg.solve(np.eye(len(cells)) - chain, np.ones(len(cells)))[cells.index(start)])


def dyna(seed: int) -> Answer:
    """Dyna-Q in Sutton's maze, by how many steps it imagines after each real one."""
    rows = []
    runs = {planning: dyna_runs(planning, MAZE_SETS, seed) for planning in PLANNING}
    for short in (SHORT, AS_SHORT_AS_CAN_BE):
        plain = np.median(until(runs[0], short)[1])
        for planning, means in runs.items():
            count, steps = (float(np.median(of)) for of in until(means, short))
            on_the_way = [f"{means[:, number - 1].mean():.0f}" for number in (1, 2, 3, 10)]
            late = f"{means[:, -100:].mean():.1f}"
            cost = f"{count:.1f}", f"{steps:.0f}", f"{plain / steps:.1f}", f"{steps * (planning + 1) / 1000:.1f} k"
            rows.append((str(short), str(planning), *cost, *on_the_way, late))
    walk = random_walk(maze.LEADS[0], int(maze.STARTS[0]), maze.GOAL)
    title = f"maze, Dyna-Q until the mean episode of {RUNS} runs is short; uniform moves need {walk:.1f} steps, exact"
    heads = ("at most", "imagined", "episodes, median", "world steps, median", "times fewer", "updates")
    return Answer(title, (*heads, *(f"episode {n}" for n in (1, 2, 3, 10)), "the last 100"), rows)


ANSWERS: dict[str, Callable[[int], Answer]] = {
    "tables": tables,
    "tuned-tables": tuned_tables,
    "hunger": hunger,
    "two-halves": two_halves,
    "dyna": dyna,
    "lock": locks.lock,
    "chain": locks.chain,
    "peck": pecks.peck_references,
}


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.references",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=list(ANSWERS), default=list(ANSWERS), metavar="NAME")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    if options.seed < 0:
        parser.error(f"--seed {options.seed}: must be at least 0")
    console = Console(width=170)
    for name in options.only:
        began = time.perf_counter()
        found = ANSWERS[name](options.seed)
        if options.markdown:
            print(markdown(found))
        else:
            console.print(shown(found))
            console.print(f"{name}: {time.perf_counter() - began:.0f} s", highlight=False)


if __name__ == "__main__":
    main()
