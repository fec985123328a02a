"""Cumulative culture: what each life adds to what it copies, and how faithful copies must be for it to add up.

A secret of symbols must be found in order. A life first copies the elder's part of it, symbol by symbol, and stops at
the first mistake; then it tries symbol after symbol, no wrong one twice, until its attempts are spent. The next life
copies from it. Copying with fidelity c keeps c / (1 - c) symbols at most in the mean, so that a chain of lives levels
off where that loses as much as a life adds; only perfect copies carry it to the end.

Source: Lewis and Laland 2012, Transmission fidelity is the key to the build-up of cumulative culture, Philosophical
Transactions of the Royal Society B 367, 2171-2180, who ask the same of a richer model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated

import numpy as np
from pydantic import Field, field_validator

from evolearn.config import Part
from evolearn.experiments._pictures import over_runs, picture, theory, view
from evolearn.experiments._side_by_side import side_by_side
from evolearn.study.bands import Measure, Measured, measure_over_runs
from evolearn.verdict import FloatArray, Json

ONE_LIFE = 0  # in seeds; chains of lives follow, by the place of their fidelity


class Settings(Part):
    """The secret, and the lives that look for it."""

    symbols: int = Field(40, ge=1, le=1000, description="of the secret")
    choices: int = Field(8, ge=2, le=1000, description="for each symbol")
    attempts: int = Field(30, ge=1, le=100_000, description="in a life")
    lives: int = Field(24, ge=1, le=10_000, description="one after another")
    fidelities: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        (0.0, 0.9, 0.97, 1.0), min_length=1, description="probability that a symbol is copied right"
    )

    @field_validator("fidelities")
    @classmethod
    def _differ(cls, fidelities: tuple[float, ...]) -> tuple[float, ...]:
        if list(fidelities) != sorted(set(fidelities)):
            raise ValueError(f"fidelities={list(fidelities)}: must ascend, and no two may be the same")
        return fidelities


@dataclasses.dataclass(frozen=True)
class Chains:
    """All chains of lives."""

    settings: Settings
    known: Mapping[float, FloatArray]  # fidelity -> [R, lives] share of the secret known at the end of each life
    one_life: FloatArray  # [R] likewise, of one life with the attempts of a whole chain


def copied(known: int, fidelity: float, random: np.random.Generator) -> int:
    """Symbols copied right before the first mistake, of those that the elder knows."""
    wrong = random.random(known) >= fidelity
    return int(wrong.argmax()) if wrong.any() else known


def found(known: int, settings: Settings, attempts: int, random: np.random.Generator) -> int:
    """Symbols known after a life that began with `known`: each takes 1 .. choices attempts, all equally likely."""
    needed = random.integers(1, settings.choices + 1, settings.symbols - known).cumsum()
    return known + int(np.searchsorted(needed, attempts, side="right"))


def follow(settings: Settings, fidelity: float, random: np.random.Generator) -> FloatArray:
    """Share of the secret known at the end of each life of a chain, [lives]."""
    known, course = 0, []
    for _ in range(settings.lives):
        known = found(copied(known, fidelity, random), settings, settings.attempts, random)
        course.append(known / settings.symbols)
    return np.array(course)


def chances_to_add(settings: Settings) -> FloatArray:
    """Probability that a life's attempts suffice for just so many symbols more, [symbols + 1]; the last: or more."""
    spent = np.zeros(settings.attempts + 1)  # probability that the symbols so far took exactly so many attempts
    spent[0] = 1.0
    enough = [1.0]  # for so many symbols
    for _ in range(settings.symbols):
        total = np.concatenate([[0.0], np.cumsum(spent)])
        places = np.arange(settings.attempts + 1)
        spent = (total[places] - total[np.maximum(places - settings.choices, 0)]) / settings.choices
        enough.append(spent.sum())
    return -np.diff([*enough, 0.0])


def expected(settings: Settings, fidelity: float) -> FloatArray:
    """Exact mean share of the secret known at the end of each life, [lives]: a Markov chain on what is known."""
    symbols = settings.symbols
    adds = chances_to_add(settings)
    kept = np.zeros((symbols + 1, symbols + 1))  # what the elder knows -> what is copied
    learned = np.zeros_like(kept)  # what is copied -> what is known at the end
    for known in range(symbols + 1):
        kept[known, :known] = fidelity ** np.arange(known) * (1 - fidelity)
        kept[known, known] = fidelity**known
        learned[known, known:] = adds[: symbols + 1 - known]
        learned[known, symbols] += adds[symbols + 1 - known :].sum()
    chances = np.eye(symbols + 1)[0]
    means = []
    for _ in range(settings.lives):
        chances = chances @ kept @ learned
        means.append(chances @ np.arange(symbols + 1) / symbols)
    return np.array(means)


def live(settings: Settings, seed: int, runs: int, workers: int, done: Callable[[float], None]) -> Chains:
    """Follow all chains, and as many long lives; the same for any number of workers.

    Args:
        settings: of the model.
        seed: of everything; a chain's draws come of it, the place of its fidelity and its number.
        runs: chains for each fidelity.
        workers: threads.
        done: told the share of the work that is done.
    """
    places = range(ONE_LIFE, len(settings.fidelities) + 1)
    jobs = [(place, run) for place in places for run in range(runs)]

    def one(job: tuple[int, int]) -> FloatArray:
        place, _ = job
        random = np.random.default_rng([seed, *job])
        if place == ONE_LIFE:
            return np.array([found(0, settings, settings.lives * settings.attempts, random) / settings.symbols])
        return follow(settings, settings.fidelities[place - 1], random)

    followed = iter(side_by_side(one, jobs, workers, done))
    rows = [np.array([next(followed) for _ in range(runs)]) for _ in places]
    return Chains(settings, dict(zip(settings.fidelities, rows[1:], strict=True)), rows[0][:, 0])


def cost(settings: Settings, runs: int) -> Json:
    """Lives lived; a long one counts once."""
    lives = runs * (settings.lives * len(settings.fidelities) + 1)
    return {"world_steps": 0, "evaluations": lives, "evaluations_are": "lives"}


def plan(settings: Settings, runs: int) -> str:
    """What will be done, in words."""
    return (
        f"{runs} chain{'' if runs == 1 else 's'} of {settings.lives} lives of {settings.attempts} attempts for each "
        f"fidelity of {', '.join(f'{fidelity:g}' for fidelity in settings.fidelities)}, and as many single lives with "
        "the attempts of a whole chain."
    )


class Level(Part):
    """Arguments of `level`."""

    fidelity: float
    life: int | None = Field(None, ge=1, description="of the chain; none: the last")


def _level(lived: Chains, of: Level) -> Measured:
    """Share of the secret known at the end of a life of the chain, mean over chains."""
    known = lived.known.get(of.fidelity)
    if known is None:
        return Measured(None, note=f"nobody copies with fidelity {of.fidelity:g}; settings.fidelities says how they do")
    place = lived.settings.lives if of.life is None else of.life
    if place > lived.settings.lives:
        return Measured(None, note="no chain was followed for so long")
    return measure_over_runs(known[:, place - 1], lambda drawn: drawn.mean(axis=-1))


def _one_life(lived: Chains, of: Part) -> Measured:
    """Share of the secret known after one life with the attempts of a whole chain, mean over lives."""
    return measure_over_runs(lived.one_life, lambda drawn: drawn.mean(axis=-1))


MEASURES: Mapping[str, Measure] = {
    "level": Measure("share of the secret known at the end of a life of a chain", Level, _level),
    "one_life": Measure("the same of one life with all attempts of a chain", Part, _one_life),
}


def pictures(lived: Chains) -> Json:
    """What is known by life, beside the exact means."""
    settings = lived.settings
    lives = np.arange(1, settings.lives + 1)
    curves = []
    for fidelity, known in lived.known.items():
        curves.append(over_runs(f"fidelity {fidelity:g}", lives, known))
        curves.append(theory("exact", lives, expected(settings, fidelity)))
    axes = ("life of the chain", "share of the secret known")
    rules = [(float(lived.one_life.mean()), "one long life")]
    sentence = (
        "Share of the secret known at the end of a life, mean over chains with its interval, beside what the "
        "model gives exactly. Copies that are not perfect level off; one life with all attempts of a chain does not."
    )
    views = [view("known", axes, curves, rules, (-0.02, 1.02))]
    return {"charts": [picture("known", "What adds up over lives", sentence, "", views)]}
