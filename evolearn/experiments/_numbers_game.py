"""The numbers game: rivals whose only task is to have more, where it is no fixed measure that decides.

Two populations of genomes of two traits, each the number of 1 among its bits, play against each other: of two players
the one with more of a trait wins. Where the trait in which they differ more decides, superiority is transitive (with
two traits it is that of the sum), and rivals drive each other up. Where the trait in which they differ less decides, it
is not: what beats the rivals of today may be less than what was there before, and some pairs of populations come to
less than mere mutation gives. Opponents from the past make them steadier.

Source: Watson and Pollack 2001, Coevolutionary dynamics in a minimal substrate, GECCO 2001.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from evolearn.config import Part
from evolearn.experiments._pictures import over_runs, picture, theory, view
from evolearn.experiments._side_by_side import side_by_side
from evolearn.study.bands import Measure, Measured, measure_over_runs, measure_share
from evolearn.verdict import FloatArray, Json

Genomes = npt.NDArray[np.bool_]  # [N, 2, bits]
Traits = npt.NDArray[np.int64]  # [N, 2] numbers of 1

TRAITS = 2
Series = Literal["transitive", "intransitive", "archive", "mutation"]
SERIES: Mapping[str, str] = {  # in seeds by their order
    "transitive": "the larger difference decides",
    "intransitive": "the smaller difference decides",
    "archive": "the smaller decides, with an archive",
    "mutation": "mere mutation",
}


class Settings(Part):
    """The original's numbers, and the archive."""

    members: int = Field(25, ge=2, le=10_000, description="of each of the two populations")
    bits: int = Field(100, ge=2, le=10_000, description="of each of the two traits")
    opponents: int = Field(15, ge=1, le=10_000, description="that each member meets in a generation")
    from_archive: int = Field(7, ge=1, description="of these, in the series with an archive")
    mutation: float = Field(0.005, ge=0, le=1, description="probability that a bit is drawn anew")
    generations: int = Field(400, ge=1, le=100_000)
    late: int = Field(300, ge=0, description="generation from which on means are taken")

    @model_validator(mode="after")
    def _fits(self) -> Settings:
        if self.from_archive > self.opponents:
            raise ValueError(
                f"from_archive={self.from_archive}: must be settings.opponents={self.opponents} or less: they are "
                "some of them"
            )
        if self.late > self.generations:
            raise ValueError(f"late={self.late}: must be settings.generations={self.generations} or less")
        return self


@dataclasses.dataclass(frozen=True)
class Course:
    """Two populations from generation 0 on, in which all bits are 0."""

    ones: FloatArray  # [generations + 1] of a member, of 2 * bits: mean over both populations
    won: FloatArray  # [generations] share of plays won, mean over both: what selection sees


@dataclasses.dataclass(frozen=True)
class Rivalries:
    """All pairs of populations."""

    settings: Settings
    courses: Mapping[str, tuple[Course, ...]]  # series -> a course for each run


def wins(players: Traits, opponents: Traits, larger: bool) -> npt.NDArray[np.bool_]:
    """Whether a player beats an opponent, [N, M].

    Args:
        players: [N, 2].
        opponents: [M, 2].
        larger: the larger difference decides, else the smaller one; the first trait where they are as large.
    """
    apart = players[:, None] - opponents[None]
    first, second = np.abs(apart[..., 0]), np.abs(apart[..., 1])
    by_first = first >= second if larger else first <= second
    return np.where(by_first, apart[..., 0], apart[..., 1]) > 0


def bred(genomes: Genomes, fitness: FloatArray, mutation: float, random: np.random.Generator) -> Genomes:
    """The next generation: copies in proportion to fitness, some bits drawn anew; of all alike where nobody has any."""
    bounds = np.cumsum(fitness if fitness.any() else np.ones(len(fitness)))
    copies = genomes[np.searchsorted(bounds, random.random(len(genomes)) * bounds[-1], side="right")]
    return np.where(random.random(copies.shape) < mutation, random.integers(0, 2, copies.shape, bool), copies)


def meet(
    own: Traits, others: Traits, archive: Traits, series: str, settings: Settings, random: np.random.Generator
) -> FloatArray:
    """Share of plays that each member wins, [N].

    Args:
        own: [N, 2].
        others: [N, 2] of the other population.
        archive: [K, 2] of generations before; with none of them all opponents are present ones.
        series: a key of SERIES.
        settings: of the game.
        random: draws.
    """
    past = settings.from_archive if series == "archive" and len(archive) else 0
    present = others[random.integers(0, len(others), settings.opponents - past)]
    met = np.concatenate([present, archive[random.integers(0, max(1, len(archive)), past)]])
    return np.asarray(wins(own, met, series == "transitive").mean(axis=1))


def follow(settings: Settings, series: str, random: np.random.Generator) -> Course:
    """Follow two populations.

    Args:
        settings: of the game.
        series: a key of SERIES.
        random: draws.
    """
    pair = [np.zeros((settings.members, TRAITS, settings.bits), bool) for _ in range(2)]
    archive = np.empty((2 * settings.generations, TRAITS), np.int64)
    ones, won = [], []
    for generation in range(settings.generations + 1):
        traits = [genomes.sum(axis=2) for genomes in pair]
        ones.append(np.mean([counts.sum(axis=1).mean() for counts in traits]))
        if generation == settings.generations:
            break
        past = archive[: 2 * generation]
        shares = [meet(traits[side], traits[1 - side], past, series, settings, random) for side in range(2)]
        won.append(np.mean(shares))
        archive[2 * generation : 2 * generation + 2] = traits[0][0], traits[1][0]
        equal = np.ones(settings.members)
        judged = [equal, equal] if series == "mutation" else shares
        pair = [bred(pair[side], judged[side], settings.mutation, random) for side in range(2)]
    return Course(np.array(ones), np.array(won))


def by_mutation(settings: Settings, generations: npt.ArrayLike) -> FloatArray:
    """Expected number of 1 after so many generations of mere mutation: half of the bits that were drawn anew."""
    return TRAITS * settings.bits * 0.5 * (1.0 - (1.0 - settings.mutation) ** np.asarray(generations, float))


def live(settings: Settings, seed: int, runs: int, workers: int, done: Callable[[float], None]) -> Rivalries:
    """Follow all pairs of populations; the same for any number of workers.

    Args:
        settings: of the game.
        seed: of everything; the draws of a pair come of it, its series and its number.
        runs: pairs of each series.
        workers: threads.
        done: told the share of the work that is done.
    """
    jobs = [(place, series, run) for place, series in enumerate(SERIES) for run in range(runs)]

    def one(job: tuple[int, str, int]) -> Course:
        place, series, run = job
        return follow(settings, series, np.random.default_rng([seed, place, run]))

    followed = iter(side_by_side(one, jobs, workers, done))
    return Rivalries(settings, {series: tuple(next(followed) for _ in range(runs)) for series in SERIES})


def cost(settings: Settings, runs: int) -> Json:
    """Plays played."""
    generations = runs * len(SERIES) * settings.generations
    plays = generations * 2 * settings.members * settings.opponents
    return {"world_steps": 0, "evaluations": plays, "evaluations_are": "plays"}


def plan(settings: Settings, runs: int) -> str:
    """What will be done, in words."""
    return (
        f"{runs} pair{'' if runs == 1 else 's'} of populations of {settings.members} members for each of {len(SERIES)} "
        f"rules, over {settings.generations} generations."
    )


class Ones(Part):
    """Arguments of `ones`."""

    series: Series


class Against(Ones):
    """Arguments of `difference`."""

    against: Series


def _late(lived: Rivalries, series: str) -> FloatArray:
    """Number of 1 of a member in late generations, [R]."""
    return np.array([course.ones[lived.settings.late :].mean() for course in lived.courses[series]])


def _ones(lived: Rivalries, of: Ones) -> Measured:
    """Number of 1 of a member in late generations, mean over runs."""
    return measure_over_runs(_late(lived, of.series), lambda drawn: drawn.mean(axis=-1))


def _spread(lived: Rivalries, of: Ones) -> Measured:
    """Standard deviation over runs of the number of 1 of a member in late generations."""
    return measure_over_runs(_late(lived, of.series), lambda drawn: drawn.std(axis=-1))


def _below_mutation(lived: Rivalries, of: Ones) -> Measured:
    """Share of runs that come to less in late generations than any run of mere mutation."""
    return measure_share(_late(lived, of.series) < _late(lived, "mutation").min(), "runs")


def _difference(lived: Rivalries, of: Against) -> Measured:
    """The same, minus that of another series."""
    apart = _late(lived, of.series) - _late(lived, of.against)
    return measure_over_runs(apart, lambda drawn: drawn.mean(axis=-1))


def _largest_fall(lived: Rivalries, of: Ones) -> Measured:
    """How far the number of 1 ever falls from the most that it was, mean over runs."""
    courses = [course.ones for course in lived.courses[of.series]]
    falls = [(np.maximum.accumulate(ones) - ones).max() for ones in courses]
    return measure_over_runs(np.array(falls), lambda drawn: drawn.mean(axis=-1))


def _won(lived: Rivalries, of: Ones) -> Measured:
    """Share of plays won in late generations, mean over runs: all that the rivals know."""
    values = [course.won[lived.settings.late :].mean() for course in lived.courses[of.series]]
    if lived.settings.late == lived.settings.generations:
        return Measured(None, note="nobody plays after settings.late")
    return measure_over_runs(np.array(values), lambda drawn: drawn.mean(axis=-1))


MEASURES: Mapping[str, Measure] = {
    "ones": Measure("number of 1 of a member in late generations", Ones, _ones),
    "spread": Measure("standard deviation of the same over runs", Ones, _spread),
    "below_mutation": Measure("share of runs that come to less than any of mere mutation", Ones, _below_mutation),
    "difference": Measure("number of 1 in late generations, minus that of another series", Against, _difference),
    "largest_fall": Measure("how far it ever falls from its most", Ones, _largest_fall),
    "won": Measure("share of plays won in late generations", Ones, _won),
}


def pictures(lived: Rivalries) -> Json:
    """What members have, and what rivals see of it, by generation."""
    settings = lived.settings
    generations = np.arange(settings.generations + 1)
    ones = [
        over_runs(text, generations, np.array([course.ones for course in lived.courses[series]]))
        for series, text in SERIES.items()
    ]
    ones.append(theory("mere mutation, expected", generations, by_mutation(settings, generations)))
    won = [
        over_runs(text, generations[:-1], np.array([course.won for course in lived.courses[series]]))
        for series, text in SERIES.items()
        if series != "mutation"
    ]
    most = TRAITS * settings.bits
    return {
        "charts": [
            picture(
                "ones",
                "What rivals come to",
                f"Number of 1 of a member, of {most:,}, mean over pairs of populations with its interval.",
                "",
                [view("ones", ("generation", f"number of 1, of {most:,}"), ones, span=(0.0, 1.02 * most))],
            ),
            picture(
                "won",
                "What they see of it",
                "Share of plays won, of which selection is made: it is much the same whether they rise or fall.",
                "",
                [view("won", ("generation", "share of plays won"), won, span=(-0.02, 1.02))],
            ),
        ]
    }
