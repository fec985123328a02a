"""What guessing, a prior and optimism come to at locks and chains, and what the arms of a study came to beside that.

    python -m benchmarks.locks STUDY [--markdown]

STUDY is a directory of a study of `lock`, `lock-10` or `chain`, such as `claims/kick-start`. The first table has of
every arm the share of lives that ever were paid, with the standard error over runs, beside what is exact: uniform
actions (*guessing*), whoever never tries the same twice (*at most*), and whoever knows what is not redrawn and guesses
the rest (*prior*). The second says of locks whether what was to be shown was. References alone:
`python -m benchmarks.references --only lock chain`.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from evolearn.worlds.chain import ACTIONS, ever_reached, steps_at_random
from evolearn.worlds.lock import KEYS, ever_opened, ever_opened_at_most, often_opened

from benchmarks.bandits import Answer, tell
from evolearn.errors import UserError
from evolearn.study import open_study, planned_config
from evolearn.study.config import StudyConfig
from evolearn.verdict import interval
from evolearn.world import find_world

Floats = npt.NDArray[np.float64]
compiled = numba.njit(error_model="numpy")

LIFE = 1000  # steps
SHORT, LENGTHS = 6, (7, 8, 9, 10)  # presses: of the lock with all numbers of guessed ones, and of those guessed whole
GENERATION = 256  # lives in which one that pays must be met by luck, or evolution has nothing to select

LINKS, LIVES_OF_CHAINS = (4, 8, 12, 16, 24), (1000, 4000)
RATES, EPSILONS, DISCOUNT = (0.1, 0.5, 1.0), (0.0, 0.02), 0.97
TUNING, TESTED = 50, 400  # lives
LEVEL, RESAMPLES = 0.05, 2000
NEAR, SURE, REACH = 0.02, 0.95, 0.15  # of guessing; ever, where a prior could; of the prior's own reach elsewhere
FOUND = 0.5  # share of lives from which on a run is said to have found it


def lock(seed: int) -> Answer:
    """What locks come to for who guesses some presses and knows the others: exact."""
    rows: list[tuple[str, ...]] = []
    for presses, guessed in [*((SHORT, m) for m in range(SHORT + 1)), *((n, n) for n in LENGTHS)]:
        attempts = LIFE // presses
        shares = (f"{of(guessed, attempts):.3f}" for of in (ever_opened, ever_opened_at_most))
        paid = (f"{float(KEYS) ** -guessed:.2g}", f"{often_opened(guessed, attempts):.3f}")
        met = GENERATION * attempts * float(KEYS) ** -guessed
        rows.append((str(presses), str(guessed), str(attempts), *shares, *paid, f"{met:.2g}"))
    heads = ("ever opened", "never trying twice, at most", "attempts paid", "paid once it is learned")
    return Answer(
        f"lock, lives of {LIFE:,} presses, exact",
        ("presses", "guessed", "attempts", *heads, f"paid in {GENERATION} lives"),
        rows,
    )


@compiled
def chained(links, steps, start, rate, epsilon, lives, rng):  # type: ignore[no-untyped-def]
    """How often lives with a table of action values pass a chain, int64 [lives]; a chain of its own for each."""
    passed = np.zeros(lives, np.int64)
    for life in range(lives):
        right = rng.integers(0, ACTIONS, links)
        values = np.full((links, ACTIONS), start)
        place = 0
        for _ in range(steps):
            action = rng.integers(0, ACTIONS)
            if rng.random() >= epsilon:
                ties, largest = 0, values[place].max()
                for one in range(ACTIONS):
                    if values[place, one] == largest:
                        ties += 1
                        if rng.integers(0, ties) == 0:
                            action = one
            is_right = action == right[place]
            ends = is_right and place == links - 1
            ahead = place + 1 if is_right and not ends else 0
            target = 1.0 if ends else DISCOUNT * values[ahead].max()
            values[place, action] += rate * (target - values[place, action])
            passed[life] += ends
            place = ahead
    return passed


def optimism(links: int, steps: int, start: float, seed: int) -> tuple[float, float]:
    """Share of lives that ever pass a chain, and passes as a share of the most, with values that start there.

    Step size and epsilon are those with the most passes in lives that do not count.
    """
    settings = [*itertools.product(RATES, EPSILONS)]
    tried = [
        chained(links, steps, start, *one, TUNING, np.random.default_rng([seed, links, 0])).mean() for one in settings
    ]
    best = settings[int(np.argmax(tried))]
    passed = chained(links, steps, start, *best, TESTED, np.random.default_rng([seed, links, 1]))
    return float((passed > 0).mean()), float(passed.mean() * links / steps)


def chain(seed: int) -> Answer:
    """What chains whose end alone pays come to: uniform actions, exact; tables that start at 0 and at 1, tuned."""
    rows: list[tuple[str, ...]] = []
    for links in LINKS:
        for steps in LIVES_OF_CHAINS:
            cells = (f"{share:.3f}" for start in (0.0, 1.0) for share in optimism(links, steps, start, seed))
            uniform = f"{steps_at_random(links):,.0f}", f"{steps:,}", f"{ever_reached(links, steps):.2g}"
            rows.append((str(links), *uniform, *cells))
    heads = tuple(f"{what}, from {start}" for start in (0, 1) for what in ("ever", "share of the most"))
    return Answer(
        f"chain, Q-learning by where values start, best of {len(RATES) * len(EPSILONS)} settings, {TESTED} lives",
        ("links", "uniform actions pass in steps", "life", "ever, uniform", *heads),
        rows,
    )


class Known(NamedTuple):
    """What is exact of a condition."""

    guessing: float  # share of lives that ever are paid, by uniform actions
    at_most: float  # and by whoever learns nothing before; 1 where something is seen before
    prior: float  # by who knows what is not redrawn and guesses the rest; NaN where nobody says how much that is


def known(name: str, parameters: Mapping[str, float], lifetime: int) -> Known:
    """What is exact in a world with these parameters in lives of so many steps.

    Raises:
        UserError: it is neither a lock nor a chain whose end alone pays.
    """
    if name in ("lock", "lock-10"):
        presses, redrawn = int(parameters["presses"]), int(parameters["redrawn"])
        attempts = lifetime // presses
        guessed = min(redrawn, presses)
        blank = ever_opened(presses, attempts), ever_opened_at_most(presses, attempts)
        return Known(*blank, ever_opened(guessed, attempts))
    if name == "chain" and not (parameters["each"] or parameters["noise"] or parameters["hazard"]):
        return Known(ever_reached(int(parameters["links"]), lifetime), 1.0, float("nan"))
    raise UserError(
        f"world {name}: must be lock or lock-10, or chain with each, noise and hazard at 0, where a life is paid only "
        "if it solved the task"
    )


class Solved(NamedTuple):
    """What an arm came to under a condition."""

    condition: str
    arm: str
    is_blank: bool  # whether it learns, and inherits no weights
    is_claimed: bool  # whether it learns, and inherits them
    ever: Floats  # [R] share of lives that ever were paid
    total: Floats  # [R] fitness
    known: Known


def solved(config: StudyConfig, verdict: Mapping[str, Any]) -> list[Solved]:
    """What every arm came to under every condition.

    Args:
        config: of the study.
        verdict: as in verdict.json.

    Raises:
        UserError: it is of another world, or did not ask for `ever`.
    """
    found = []
    for condition, judged in zip(config.conditions, verdict["conditions"], strict=True):
        world = planned_config(config, condition, config.primary.arm).world
        parameters = find_world(world.name).resolve(world.parameters)
        exact = known(world.name, parameters, max(verdict["lifetimes"]))
        for arm, entry in judged["arms"].items():
            if "ever" not in entry["runs"][0]:
                raise UserError("metric ever: no contrast asked for it; name it among the metrics of secondary")
            part = config.arm(arm)
            learns = part.learns and part.actions == "brain"
            ever, total = (np.array([run[of] for run in entry["runs"]], np.float64) for of in ("ever", "total"))
            is_blank = learns and part.weights == "fresh"
            found.append(Solved(condition.name, arm, is_blank, learns and not is_blank, ever, total, exact))
    return found


def tables(config: StudyConfig, verdict: Mapping[str, Any]) -> tuple[Answer, Answer]:
    """What every arm came to beside what is exact; and of locks whether that is what was to be shown; see `solved`."""
    found = solved(config, verdict)
    rows: list[tuple[str, ...]] = [
        (
            one.condition,
            one.arm,
            f"{one.ever.mean():.3f}{_error(one.ever)}",
            *(f"{share:.3f}" if share == share else "" for share in one.known),
            f"{one.total.mean():.3g}{_error(one.total)}",
            f"{np.sum(one.ever > FOUND)} of {len(one.ever)}",
        )
        for one in found
    ]
    heads = ("condition", "arm", "lives that ever", "guessing", "at most", "prior", "fitness", f"runs above {FOUND:g}")
    bands: list[tuple[str, ...]] = [
        (one.condition, one.arm, *row) for one in found if one.known.prior == one.known.prior for row in _bands(one)
    ]
    title = f"{len(found[0].ever)} runs: share of lives that ever were paid"
    return Answer(title, heads, rows), Answer("bands", ("condition", "arm", "band", "found", "met"), bands)


def _bands(one: Solved) -> list[tuple[str, ...]]:
    """What was to be shown: that the blank guess, and that evolution comes near what its prior allows."""
    exact = one.known
    low, high = exact.guessing - NEAR, exact.guessing + NEAR
    said = f"{exact.guessing:.3f} ± {NEAR:g}"
    if one.is_claimed and exact.prior > exact.guessing:
        low, high, said = SURE, 1.0, f"at least {SURE:g}"
        if exact.prior < SURE:
            low, high, said = exact.prior - REACH, exact.prior + REACH, f"{exact.prior:.3f} ± {REACH:g}"
    elif not one.is_blank and not one.is_claimed:
        return []
    least, most = _range(one.ever)
    met = "yes" if low <= least and most <= high else "no" if most < low or least > high else "undecided"
    return [(said, f"{one.ever.mean():.3f} [{least:.3f}, {most:.3f}]", met)]


def _range(values: Floats) -> tuple[float, float]:
    random = np.random.default_rng(0)
    means = values[random.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = interval(means, LEVEL, len(values))
    return float(low), float(high)


def _error(values: Floats) -> str:
    return f" ± {values.std(ddof=1) / len(values) ** 0.5:.3f}" if len(values) > 1 else ""


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.locks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    try:
        study = open_study(options.study)
        found = tables(study.read_config(), study.read_verdict())
    except UserError as error:
        parser.error(str(error))
    tell((answer for answer in found if answer.rows), options.markdown, 200)


if __name__ == "__main__":
    main()
