"""A lock that gives no hint: what only a prior opens, and only as far as the prior reaches.

A press of k keys, n times over; the lock pays at the end if all were right, and says nothing before. The last m keys
are drawn anew at each birth, the others are the same in every life. A blank learner presses at random until it is first
paid, whatever its step size, so that how many of them ever open it is exact: 1 - (1 - k^-n)^attempts. Evolution can
write the keys that stay; who knows them and guesses the rest opens it with 1 - (1 - k^-m)^attempts.

A life learns by the policy gradient, on a table of scores for each key at each press. Genes are scores at birth, and
step size and entropy bonus; a search over them (SNES) is told the share of attempts that were paid.

Source: Williams 1992, Simple statistical gradient-following algorithms for connectionist reinforcement learning,
Machine Learning 8, 229-256, for the learner; the lock is this project's.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from evolearn.config import Part
from evolearn.experiments._lock_lives import live_all
from evolearn.experiments._pictures import over_runs, picture, theory, view
from evolearn.experiments._side_by_side import side_by_side
from evolearn.experiments._snes import Snes
from evolearn.rng import SELECTION, TEST
from evolearn.study.bands import Measure, Measured, measure_over_runs
from evolearn.verdict import FloatArray, Json
from evolearn.worlds.lock import ever_opened  # worlds lie beside the package

BLANK, FROZEN, EVOLVED = "blank", "frozen", "evolved"
SERIES: Mapping[str, str] = {  # in seeds by their order
    BLANK: "learner tuned, scores blank",
    FROZEN: "scores evolved, no learning",
    EVOLVED: "scores evolved, learning",
}
Series = Literal["blank", "frozen", "evolved"]
LEARNING_GENES = 2  # log of step size and of entropy bonus
_BORN = (math.log(2.0), -6.0)  # their first centre


class Settings(Part):
    """The lock, lives before it, and the search."""

    presses: int = Field(6, ge=1, le=100, description="that open the lock")
    keys: int = Field(4, ge=2, le=100)
    redrawn: tuple[Annotated[int, Field(ge=0, le=100)], ...] = Field(
        (0, 2, 4, 6), min_length=1, description="of the presses, the last ones; at birth"
    )
    lifetime: int = Field(1000, ge=1, le=1_000_000, description="presses")
    population: int = Field(32, ge=2, le=100_000, description="genomes")
    lives: int = Field(8, ge=1, le=100_000, description="per genome")
    generations: int = Field(60, ge=1, le=100_000)
    spread: float = Field(0.5, gt=0, description="of the first population")
    test_lives: int = Field(1000, ge=1, le=1_000_000, description="of the search's last centre")

    @field_validator("redrawn")
    @classmethod
    def _ascend(cls, redrawn: tuple[int, ...]) -> tuple[int, ...]:
        if list(redrawn) != sorted(set(redrawn)):
            raise ValueError(f"redrawn={list(redrawn)}: must ascend, and no two may be the same")
        return redrawn

    @model_validator(mode="after")
    def _fits(self) -> Settings:
        if self.redrawn[-1] > self.presses:
            raise ValueError(f"redrawn={list(self.redrawn)}: must be settings.presses={self.presses} or less each")
        if self.lifetime < self.presses:
            raise ValueError(
                f"lifetime={self.lifetime}: must be settings.presses={self.presses} or more, or nobody could try once"
            )
        return self

    @property
    def attempts(self) -> int:
        """In a life."""
        return self.lifetime // self.presses


@dataclasses.dataclass(frozen=True)
class Evolved:
    """What came of all searches."""

    settings: Settings
    ever: Mapping[tuple[str, int], FloatArray]  # series, redrawn -> [R] share of test lives that ever open the lock
    paid: Mapping[tuple[str, int], FloatArray]  # likewise: share of attempts that open it


def opens_ever(presses: int, settings: Settings) -> float:
    """Share of lives that ever open the lock where so many presses are guessed at every attempt, and the rest known."""
    return float(ever_opened(presses, settings.attempts, settings.keys))


def born(genomes: FloatArray, series: str, settings: Settings) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores at birth [P, n, K], step sizes [P] and entropy bonuses [P] of genomes [P, G]."""
    count, table = len(genomes), settings.presses * settings.keys
    shape = count, settings.presses, settings.keys
    scores = np.zeros(shape) if series == BLANK else np.ascontiguousarray(genomes[:, :table]).reshape(shape)
    if series == FROZEN:
        return scores, np.zeros(count), np.zeros(count)
    step, bonus = np.exp(np.minimum(genomes[:, -LEARNING_GENES:], 50.0)).T.copy()
    return scores, step, bonus


def opened(
    genomes: FloatArray, series: str, redrawn: int, settings: Settings, key: tuple[int, int, int], lives: int
) -> FloatArray:
    """Attempts that opened the lock, [P, lives].

    Args:
        genomes: [P, G].
        series: a key of SERIES.
        redrawn: presses whose key is drawn at birth.
        settings: of the experiment.
        key: seed, space and generation of the lives.
        lives: how many.
    """
    counts = np.zeros((len(genomes), lives), np.int64)
    first = np.array([*key, 0], np.int64)
    live_all(*born(genomes, series, settings), redrawn, settings.attempts, first, lives, counts)
    return counts.astype(float)


def evolve(settings: Settings, series: str, redrawn: int, random: np.random.Generator) -> tuple[float, float]:
    """Search, and judge the last centre.

    Args:
        settings: of the experiment.
        series: a key of SERIES.
        redrawn: presses whose key is drawn at birth.
        random: draws of the search, and a seed for lives.
    Returns:
        Share of test lives that ever open the lock, and of attempts that do.
    """
    seed = int(random.integers(2**32))
    table = 0 if series == BLANK else settings.presses * settings.keys
    centre = np.concatenate([np.zeros(table), () if series == FROZEN else _BORN])
    search = Snes(centre, np.full(centre.size, settings.spread), settings.population, random)
    for generation in range(settings.generations):
        counts = opened(search.genomes(), series, redrawn, settings, (seed, SELECTION, generation), settings.lives)
        search.tell(counts.mean(axis=1))
    counts = opened(search.centre[None], series, redrawn, settings, (seed, TEST, 0), settings.test_lives)[0]
    return float((counts > 0).mean()), float(counts.mean() / settings.attempts)


def live(settings: Settings, seed: int, runs: int, workers: int, done: Callable[[float], None]) -> Evolved:
    """Search in every series, for every number of redrawn keys; the same for any number of workers.

    Args:
        settings: of the experiment.
        seed: of everything; a search's draws come of it, its series, the keys redrawn and its number.
        runs: searches of each kind.
        workers: threads.
        done: told the share of the work that is done.
    """
    kinds = [(place, series, redrawn) for place, series in enumerate(SERIES) for redrawn in settings.redrawn]
    jobs = [(*kind, run) for kind in kinds for run in range(runs)]

    def one(job: tuple[int, str, int, int]) -> tuple[float, float]:
        place, series, redrawn, run = job
        return evolve(settings, series, redrawn, np.random.default_rng([seed, place, redrawn, run]))

    found = np.array(side_by_side(one, jobs, workers, done)).reshape(len(kinds), runs, 2)
    names = [(series, redrawn) for _, series, redrawn in kinds]
    return Evolved(settings, dict(zip(names, found[..., 0], strict=True)), dict(zip(names, found[..., 1], strict=True)))


def cost(settings: Settings, runs: int) -> Json:
    """Presses, and genomes evaluated."""
    searches = runs * len(SERIES) * len(settings.redrawn)
    lives = settings.population * settings.lives * settings.generations + settings.test_lives
    steps = searches * lives * settings.attempts * settings.presses
    genomes = searches * (settings.population * settings.generations + 1)
    return {"world_steps": steps, "evaluations": genomes, "evaluations_are": "genomes"}


def plan(settings: Settings, runs: int) -> str:
    """What will be done, in words."""
    return (
        f"{runs} search{'' if runs == 1 else 'es'} of {settings.generations} generations for each of {len(SERIES)} "
        f"series and {len(settings.redrawn)} numbers of redrawn keys, in lives of {settings.attempts} attempts at "
        f"{settings.presses} presses of {settings.keys} keys."
    )


class Ever(Part):
    """Arguments of `ever` and `paid`."""

    series: Series
    redrawn: int


def _over_runs(values: Mapping[tuple[str, int], FloatArray], of: Ever) -> Measured:
    if (of.series, of.redrawn) not in values:
        return Measured(None, note=f"nobody lived with {of.redrawn} keys redrawn; settings.redrawn says how many are")
    return measure_over_runs(values[of.series, of.redrawn], lambda drawn: drawn.mean(axis=-1))


def _ever(lived: Evolved, of: Ever) -> Measured:
    """Share of test lives that ever open the lock, mean over runs."""
    return _over_runs(lived.ever, of)


def _paid(lived: Evolved, of: Ever) -> Measured:
    """Share of attempts that open it, mean over runs: what is selected."""
    return _over_runs(lived.paid, of)


def _least(lived: Evolved, of: Ever) -> Measured:
    """Share of test lives that ever open the lock, in the run where fewest do."""
    found = _over_runs(lived.ever, of)
    if found.value is None:
        return found
    return Measured(float(lived.ever[of.series, of.redrawn].min()), note="the least of all runs")


MEASURES: Mapping[str, Measure] = {
    "ever": Measure("share of test lives that ever open the lock", Ever, _ever),
    "ever_least": Measure("the same in the run where fewest do", Ever, _least),
    "paid": Measure("share of attempts that open it", Ever, _paid),
}


def pictures(lived: Evolved) -> Json:
    """Who ever opens the lock, and how often, over the keys that are redrawn."""
    settings = lived.settings
    redrawn = np.array(settings.redrawn, float)

    def curves(values: Mapping[tuple[str, int], FloatArray]) -> list[Json]:
        return [
            over_runs(text, redrawn, np.stack([values[series, number] for number in settings.redrawn], axis=1))
            for series, text in SERIES.items()
        ]

    ceiling = theory("all that stays known, the rest guessed", redrawn, [opens_ever(int(m), settings) for m in redrawn])
    guessed = theory("all guessed", redrawn, np.full(len(redrawn), opens_ever(settings.presses, settings)))
    axes = f"keys redrawn at birth, of {settings.presses}"
    return {
        "charts": [
            picture(
                "ever",
                "Who ever opens the lock",
                "Share of test lives that ever open it, mean over searches with its interval, beside what guessing "
                "does exactly. Blank learners are where all is guessed.",
                "",
                [view("ever", (axes, "share of lives"), [*curves(lived.ever), ceiling, guessed], span=(-0.02, 1.02))],
            ),
            picture(
                "paid",
                "How often it is opened",
                "Share of attempts that open it, which is what is selected.",
                "",
                [view("paid", (axes, "share of attempts"), curves(lived.paid), span=(-0.02, 1.02))],
            ),
        ]
    }
