"""What bandits can be worth at most, and to whom: the references for brains that learn or remember.

    python -m benchmarks.bandits [--only NAME ...] [--lives N] [--seed S] [--markdown]

Five tables, two minutes in all: the two-armed `bandit` by who pulls; who knows K pairs of payoffs; `cued-bandit` by its
size; who knows K maps; and cued bandits whose right actions are drawn again. Each value with its standard error; what
has none is exact.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.bandit_players import (
    CUE_GRADIENT,
    CUE_VALUES,
    PAIR_GRADIENT,
    PAIR_VALUES,
    PULLS,
    Estimate,
    Filter,
    Innate,
    Puller,
    StayShift,
    born_pairs,
    cue_blind,
    estimate,
    known_maps_right,
    known_pairs_regret,
    least_regret,
    prior_free_right,
    regrets,
    tuned_regret,
    tuned_right,
)

LIVES = 4000  # behind a value
SETS = 40  # of K births; their lives together are LIVES
FROZEN_AT = 50  # pulls
FIXITIES, HAZARDS = (0.5, 0.8, 0.95), (0.0, 0.01, 0.05, 0.2)
PAIRS = (2, 4, 8, 16, 64, 256)
SIZES = ((4, 4, 200), (2, 4, 100), (4, 2, 100), (3, 4, 100), (6, 2, 100), (16, 4, 800))  # cues, actions, steps
MAPS = {(4, 4, 200): (1, 4, 16, 64, 256), (4, 2, 100): (1, 2, 4, 8, 16), (2, 4, 100): (1, 2, 4, 8, 12, 16)}
ABOVE = 0.05  # what a learner must be ahead of who knows maps by heart, and of who is blind to cues
CUES, CUE_HAZARDS, STEPS_PER_CUE = (1, 4, 16), (0.0, 0.002, 0.02), 50


class Answer(NamedTuple):
    """A table of references."""

    title: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]


def two_arms(lives: int, rng: np.random.Generator) -> Answer:
    """Regret of everybody, by fixity and hazard."""
    rows: list[tuple[str, ...]] = []
    for fixity in FIXITIES:
        for hazard in HAZARDS:

            def regret(puller: Puller, frozen_at: int = PULLS) -> Estimate:
                pairs = born_pairs(lives, fixity, rng)  # noqa: B023  # called at once
                return estimate(regrets(puller, pairs, hazard, rng, frozen_at=frozen_at))  # noqa: B023

            found = (
                regret(Innate(lives)),
                regret(StayShift(lives)),
                tuned_regret(PAIR_GRADIENT, fixity, hazard, lives, rng),
                tuned_regret(PAIR_VALUES, fixity, hazard, lives, rng),
                regret(Filter(lives, hazard, fixity)),
                regret(Filter(lives, hazard, fixity), FROZEN_AT),
                regret(Filter(lives, hazard, fixity, samples=True)),
            )
            rows.append((f"{fixity:g}", f"{hazard:g}", *(f"{one.mean:.2f} ± {one.error:.2f}" for one in found)))
    exact = f"exact at .5 and 0: optimum {least_regret()}, greedy {least_regret(is_greedy=True)}"
    heads = ("innate", "stay-shift", "gradient, tuned", "Q, tuned", "filter", f"frozen at {FROZEN_AT}", "Thompson")
    return Answer(f"bandit, regret in {PULLS} pulls ({exact})", ("fixity", "hazard", *heads), rows)


def known_pairs(lives: int, rng: np.random.Generator) -> Answer:
    """Regret of who knows K pairs of payoffs."""
    rows: list[tuple[str, ...]] = []
    for count in PAIRS:
        found = [
            one
            for is_mirrored in (False, True)
            for samples in (False, True)
            for one in known_pairs_regret(count, is_mirrored, samples, SETS, max(lives // SETS, 1), rng)
        ]
        rows.append((str(count), *(f"{one.mean:.2f} ± {one.error:.2f}" for one in found)))
    heads = tuple(
        f"{kind}{player}, {where}"
        for kind in ("", "mirrored, ")
        for player in ("greedy", "Thompson")
        for where in ("seen", "unseen")
    )
    return Answer(f"bandit, regret of who knows K pairs of payoffs, {PULLS} pulls", ("K", *heads), rows)


def sizes(lives: int, rng: np.random.Generator) -> Answer:
    """Share right without knowing anything, by size."""
    rows: list[tuple[str, ...]] = []
    for cues, actions, steps in SIZES:
        whole, late = prior_free_right(cues, actions, steps, 0.0, lives, rng)
        blind = f"{cue_blind(cues, actions)}"
        rows.append((f"{cues} x {actions} x {steps}", f"{1 / actions:g}", blind, str(whole), str(late)))
    heads = ("cues x actions x steps", "chance", "cue-blind", "prior-free", "its last quarter")
    return Answer("cued-bandit, share right", heads, rows)


def known_maps(lives: int, rng: np.random.Generator) -> Answer:
    """Share right of who knows K maps."""
    rows: list[tuple[str, ...]] = []
    for (cues, actions, steps), counts in MAPS.items():
        for count in counts:
            found = known_maps_right(cues, actions, steps, count, False, SETS, max(lives // SETS, 1), rng)
            bar = max(found.unseen_late.mean, cue_blind(cues, actions).mean) + ABOVE
            is_all = count == actions**cues
            unseen = ("", "", "") if is_all else (str(found.unseen), str(found.unseen_late), f"{bar:.3f}")
            rows.append((f"{cues} x {actions} x {steps}", str(count), str(found.seen), str(found.seen_late), *unseen))
    heads = ("cues x actions x steps", "K", "seen", "last quarter", "unseen", "last quarter", "a learner is above")
    return Answer("cued-bandit, share right of who knows K maps, greedy", heads, rows)


def flips(lives: int, rng: np.random.Generator) -> Answer:
    """Share right where right actions are drawn again."""
    rows: list[tuple[str, ...]] = []
    for cues in CUES:
        for hazard in CUE_HAZARDS:
            steps, actions = STEPS_PER_CUE * cues, 4
            steps += -steps % 4
            found = (
                prior_free_right(cues, actions, steps, hazard, lives // 4, rng)[0],
                tuned_right(CUE_VALUES, cues, actions, steps, hazard, lives // 4, rng),
                tuned_right(CUE_GRADIENT, cues, actions, steps, hazard, lives // 4, rng),
            )
            rows.append((str(cues), str(steps), f"{hazard:g}", *map(str, found)))
    heads = ("cues", "steps", "hazard", "prior-free", "Q, tuned", "gradient, tuned")
    return Answer("cued-bandit of 4 actions, share right over a life by the hazard per cue and step", heads, rows)


ANSWERS: dict[str, Callable[[int, np.random.Generator], Answer]] = {
    "two-arms": two_arms,
    "known-pairs": known_pairs,
    "sizes": sizes,
    "known-maps": known_maps,
    "flips": flips,
}


def answer(name: str, lives: int, seed: int) -> Answer:
    """One of the tables; it depends on its name, lives and seed alone."""
    return ANSWERS[name](lives, np.random.default_rng([seed, list(ANSWERS).index(name)]))


def markdown(answer: Answer) -> str:
    """A table as pages have it."""
    lines = [f"**{answer.title}**", "", _line(answer.heads), _line(["---"] * len(answer.heads))]
    return "\n".join([*lines, *map(_line, answer.rows), ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def shown(answer: Answer) -> Table:
    """A table as terminals have it."""
    table = Table(title=answer.title)
    for head in answer.heads:
        table.add_column(head)
    for row in answer.rows:
        table.add_row(*row)
    return table


def tell(answers: Iterable[Answer], as_markdown: bool, width: int) -> None:
    """Print tables: as pages have them, or as terminals of so many columns do."""
    for answer in answers:
        if as_markdown:
            print(markdown(answer))
        else:
            Console(width=width).print(shown(answer))


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bandits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=list(ANSWERS), default=list(ANSWERS), metavar="NAME")
    parser.add_argument("--lives", type=int, default=LIVES, help="behind a value: at least 400, or errors say little")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true", help="as pages have it")
    options = parser.parse_args()
    if options.lives < 400:
        parser.error(f"--lives {options.lives}: must be at least 400; with fewer the errors say little")
    if options.seed < 0:
        parser.error(f"--seed {options.seed}: must be at least 0")
    console = Console(width=150)
    for name in options.only:
        began = time.perf_counter()
        found = answer(name, options.lives, options.seed)
        if options.markdown:
            print(markdown(found))
        else:
            console.print(shown(found))
            console.print(f"{name}: {time.perf_counter() - began:.0f} s", highlight=False)


if __name__ == "__main__":
    main()
