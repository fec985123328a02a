"""What a decision teaches: labels, a reward for so many decisions, or selection, on a teacher that is a matrix.

A teacher of random weights names the right one of four actions for inputs that are normal. A pupil of the same shape
learns it from labels (the gradient of the cross-entropy), or from a reward that says after d decisions how many were
right (the policy gradient), or not at all: a search over its weights is told of each genome how many of d decisions
were right. Counted are decisions, of all genomes together, until 80% of fresh inputs are answered right. The settings
of each are searched on teachers of their own, and then held to on others.

Source: Williams 1992, Simple statistical gradient-following algorithms for connectionist reinforcement learning,
Machine Learning 8, 229-256, for the gradient; Schaul, Glasmachers and Schmidhuber 2011, High dimensions and heavy tails
for natural evolution strategies, GECCO 2011, for the search (SNES). The comparison is this project's.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field, field_validator, model_validator

from evolearn.config import Part
from evolearn.experiments._linear_learners import answers, label_gradient, reward_gradient, share_right
from evolearn.experiments._pictures import over_runs, picture, view
from evolearn.experiments._side_by_side import side_by_side
from evolearn.experiments._snes import Snes
from evolearn.study.bands import Measure, Measured, measure_over_runs
from evolearn.verdict import FloatArray, Json

LABELS, REWARD, SELECTION = "labels", "reward", "selection"
KINDS = {LABELS: 0, REWARD: 1, SELECTION: 2}  # in seeds
TUNED, JUDGED = range(2)  # teachers on which settings are searched, and those that count; in seeds
Kind = Literal["labels", "reward", "selection"]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class Settings(Part):
    """The teachers, what pupils are told, and the settings that are tried for each."""

    actions: int = Field(4, ge=2, le=1000)
    inputs: int = Field(16, ge=1, le=1000, description="where what is told varies")
    delays: tuple[Count, ...] = Field((1, 16, 64, 256, 1024), min_length=1, description="decisions per reward")
    judged_on: tuple[Count, ...] = Field((16, 64, 256, 1024), min_length=1, description="decisions per genome")
    sizes: tuple[Count, ...] = Field((4, 16, 48), min_length=2, description="inputs, for labels and for selection")
    size_judged_on: Count = Field(64, description="decisions per genome where the size varies")
    target: float = Field(0.8, gt=0, lt=1, description="share right")
    tests: int = Field(1000, ge=1, le=1_000_000, description="fresh inputs on which it is taken; not counted")
    most: int = Field(5_000_000, ge=1, description="decisions, after which a pupil is given up")
    tuning_teachers: int = Field(5, ge=1, le=1000, description="on which settings are searched; their median counts")
    label_batches: tuple[Count, ...] = Field((4, 1, 16), min_length=1, description="decisions per step")
    label_rates: tuple[Positive, ...] = Field((0.3, 0.1, 1.0, 3.0), min_length=1)
    reward_batches: tuple[Annotated[int, Field(ge=2, le=100_000)], ...] = Field(
        (32, 16, 8, 64), min_length=1, description="rewards per step"
    )
    reward_rates: tuple[Positive, ...] = Field((1.0, 2.0, 0.5), min_length=1)
    populations: tuple[Annotated[int, Field(ge=2, le=100_000)], ...] = Field(
        (64, 32, 16, 8), min_length=1, description="genomes"
    )
    centre_rates: tuple[Positive, ...] = Field(
        (1.0, 0.5, 2.0), min_length=1, description="of the search's centre; 1 is the paper's. Scale is of no account"
    )

    @field_validator("delays", "judged_on", "sizes")
    @classmethod
    def _ascend(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if list(values) != sorted(set(values)):
            raise ValueError(f"{list(values)}: must ascend, and no two may be the same")
        return values

    @model_validator(mode="after")
    def _told(self) -> Settings:
        if self.inputs not in self.sizes:
            raise ValueError(f"inputs={self.inputs}: must be one of settings.sizes={list(self.sizes)}; add it there")
        if self.size_judged_on not in self.judged_on:
            raise ValueError(
                f"size_judged_on={self.size_judged_on}: must be one of settings.judged_on={list(self.judged_on)}; add "
                "it there"
            )
        return self


class Told(NamedTuple):
    """What pupils are told, and how large their teachers are."""

    kind: str  # LABELS, REWARD or SELECTION
    inputs: int
    delay: int  # decisions per reward or genome; 1 for labels


class Chosen(NamedTuple):
    """Settings of a pupil: of a gradient step, or of a search."""

    size: int  # decisions or rewards per step, or genomes
    rate: float  # of a step, or of the search's centre


@dataclasses.dataclass(frozen=True)
class Learned:
    """What came of all pupils."""

    settings: Settings
    decisions: Mapping[Told, FloatArray]  # -> [R] until the target; infinite where it was never reached
    chosen: Mapping[Told, Chosen]
    made: int  # decisions of all pupils, also of those of whom settings were chosen
    pupils: int


def learn(
    told: Told, chosen: Chosen, settings: Settings, most: float, random: np.random.Generator
) -> tuple[float, int]:
    """Let a pupil learn a new teacher.

    Args:
        told: what it is told, and the size of its teacher.
        chosen: its settings.
        settings: of the experiment.
        most: decisions, after which it is given up.
        random: draws.
    Returns:
        Decisions until the target is reached, infinite if it is not, and decisions made.
    """
    shape = told.inputs, settings.actions
    teacher = random.standard_normal(shape)
    tests = random.standard_normal((settings.tests, told.inputs))
    right = answers(teacher, tests)
    weights = np.zeros(shape)
    search = (
        Snes(np.zeros(weights.size), np.ones(weights.size), chosen.size, random, chosen.rate)
        if told.kind == SELECTION
        else None
    )
    decisions = chosen.size * told.delay
    made = 0
    while made + decisions <= most:
        count = told.delay if search else decisions
        inputs = random.standard_normal((count, told.inputs))
        wanted = answers(teacher, inputs)
        if search is not None:
            genomes = search.genomes().reshape(-1, *shape)
            search.tell(np.array([share_right(genome, inputs, wanted) for genome in genomes]))
            weights = search.centre.reshape(shape)
        elif told.kind == LABELS:
            weights = weights + chosen.rate * label_gradient(weights, inputs, wanted)
        else:
            draws = random.random(count)
            weights = weights + chosen.rate * reward_gradient(weights, inputs, wanted, draws, told.delay)
        made += decisions
        if share_right(weights, tests, right) >= settings.target:
            return made, made
    return math.inf, made


def tried(told: Told, settings: Settings) -> list[Chosen]:
    """Settings that are tried for pupils who are told so."""
    sizes: Sequence[int]
    sizes, scales = {
        LABELS: (settings.label_batches, settings.label_rates),
        REWARD: (settings.reward_batches, settings.reward_rates),
        SELECTION: (settings.populations, settings.centre_rates),
    }[told.kind]
    return [Chosen(*both) for both in itertools.product(sizes, scales)]


def choose(told: Told, settings: Settings, random_of: Callable[[int], np.random.Generator]) -> tuple[Chosen, int, int]:
    """The settings with which the median pupil needs the fewest decisions.

    Whoever needs more than the best median so far is given up: it could not change what is chosen.

    Args:
        told: what pupils are told.
        settings: of the experiment.
        random_of: draws of a teacher and its pupil, by number; the same for all settings.
    Returns:
        The settings; decisions made; pupils.
    """
    found, fewest, made, pupils = None, float(settings.most), 0, 0
    for chosen in tried(told, settings):
        needed: list[float] = []
        for number in range(settings.tuning_teachers):
            decisions, own = learn(told, chosen, settings, fewest, random_of(number))
            needed.append(decisions)
            made, pupils = made + own, pupils + 1
            if 2 * sum(map(math.isinf, needed)) > settings.tuning_teachers:
                break
        else:
            middle = float(np.sort(needed)[(settings.tuning_teachers - 1) // 2])
            if found is None or middle < fewest:
                found, fewest = chosen, middle
    return found or tried(told, settings)[0], made, pupils


def all_told(settings: Settings) -> list[Told]:
    """Everything that pupils are told, once each."""
    labels = [Told(LABELS, inputs, 1) for inputs in settings.sizes]
    rewards = [Told(REWARD, settings.inputs, delay) for delay in settings.delays]
    judged = [Told(SELECTION, settings.inputs, delay) for delay in settings.judged_on]
    sized = [Told(SELECTION, inputs, settings.size_judged_on) for inputs in settings.sizes]
    return list(dict.fromkeys([*labels, *rewards, *judged, *sized]))


def live(settings: Settings, seed: int, runs: int, workers: int, done: Callable[[float], None]) -> Learned:
    """Choose settings for every kind of pupil, and let new ones learn; the same for any number of workers.

    Args:
        settings: of the experiment.
        seed: of everything; the draws of a teacher and its pupil come of it, what is told, and the number.
        runs: pupils that are told the same, each with a teacher of its own.
        workers: threads.
        done: told the share of the work that is done.
    """

    def one(told: Told) -> tuple[FloatArray, Chosen, int, int]:
        def random_of(use: int) -> Callable[[int], np.random.Generator]:
            return lambda number: np.random.default_rng([seed, KINDS[told.kind], *told[1:], use, number])

        chosen, made, pupils = choose(told, settings, random_of(TUNED))
        judged = [learn(told, chosen, settings, settings.most, random_of(JUDGED)(run)) for run in range(runs)]
        made += sum(own for _, own in judged)
        return np.array([decisions for decisions, _ in judged]), chosen, made, pupils + runs

    every = all_told(settings)
    results = side_by_side(one, every, workers, done, lambda told: (told.delay + 10.0) * told.inputs)
    return Learned(
        settings,
        {told: result[0] for told, result in zip(every, results, strict=True)},
        {told: result[1] for told, result in zip(every, results, strict=True)},
        sum(result[2] for result in results),
        sum(result[3] for result in results),
    )


def cost(lived: Learned) -> Json:
    """Decisions made and pupils, those on whom settings were searched among them."""
    return {"world_steps": lived.made, "evaluations": lived.pupils, "evaluations_are": "pupils"}


def plan(settings: Settings, runs: int) -> str:
    """What will be done, in words."""
    every = all_told(settings)
    return (
        f"{runs} pupil{'' if runs == 1 else 's'} for each of {len(every)} ways of being told, after up to "
        f"{max(len(tried(told, settings)) for told in every)} settings of each were tried on "
        f"{settings.tuning_teachers} teachers of their own."
    )


class Needed(Part):
    """Arguments of `decisions`."""

    told: Kind
    delay: int = Field(1, ge=1, description="decisions per reward or genome; 1 for labels")
    inputs: int | None = Field(None, ge=1, description="of the teacher; none: settings.inputs")


class Against(Needed):
    """Arguments of `ratio`."""

    against: Kind
    against_delay: int = Field(1, ge=1, description="likewise of the other")


class Slope(Part):
    """Arguments of `slope_in_genes`."""

    told: Literal["labels", "selection"]
    against: Literal["labels"] | None = Field(None, description="as a multiple of what these need")


def _needed(lived: Learned, told: str, delay: int, inputs: int | None) -> FloatArray | Measured:
    """Decisions of each pupil, [R]; or why there is no median of them."""
    size = lived.settings.inputs if inputs is None else inputs
    needed = next((values for key, values in lived.decisions.items() if key == (told, size, delay)), None)
    if needed is None:
        return Measured(None, note=f"nobody with {size} inputs was told {told} of {delay} decisions")
    never = int(np.isinf(needed).sum())
    if 2 * never >= len(needed):
        return Measured(None, note=f"never in {never} of {len(needed)} pupils")
    return needed


def _log_median(values: FloatArray) -> FloatArray:
    return np.asarray(np.log(np.median(values, axis=-1)))


def _median(values: FloatArray, statistic: Callable[[FloatArray], FloatArray], note: str = "") -> Measured:
    """What a statistic is the logarithm of, over pupils [R, ..]."""
    measured = measure_over_runs(values, statistic)
    assert isinstance(measured.value, float)
    return Measured(math.exp(measured.value), math.exp(measured.low), math.exp(measured.high), note)


def _decisions(lived: Learned, of: Needed) -> Measured:
    """Decisions until the target is reached, median over pupils."""
    needed = _needed(lived, of.told, of.delay, of.inputs)
    if isinstance(needed, Measured):
        return needed
    chosen = lived.chosen[Told(of.told, of.inputs or lived.settings.inputs, of.delay)]
    return _median(needed, _log_median, f"{chosen.size} per step, rate {chosen.rate:g}")


def _ratio(lived: Learned, of: Against) -> Measured:
    """The same, as a multiple of what those need who are told something else."""
    one = _needed(lived, of.told, of.delay, of.inputs)
    other = _needed(lived, of.against, of.against_delay, of.inputs)
    if isinstance(one, Measured):
        return one
    if isinstance(other, Measured):
        return other
    both = np.stack([one, other], axis=-1)  # [R, 2]
    return _median(both, lambda drawn: _log_median(drawn[..., 0]) - _log_median(drawn[..., 1]))


def _slope_in_genes(lived: Learned, of: Slope) -> Measured:
    """Slope of the log of decisions on the log of genes, over the sizes of teachers."""
    settings = lived.settings
    delays = {LABELS: 1, SELECTION: settings.size_judged_on}
    kinds = [of.told] if of.against is None else [of.told, of.against]
    found = [[_needed(lived, kind, delays[kind], inputs) for inputs in settings.sizes] for kind in kinds]
    for one in (one for row in found for one in row):
        if isinstance(one, Measured):
            return one
    genes = np.log(np.array(settings.sizes) * settings.actions)
    apart = (genes - genes.mean()) / ((genes - genes.mean()) ** 2).sum()

    def slope(drawn: FloatArray) -> FloatArray:  # [.., R, kinds, sizes]
        slopes = (np.log(np.median(drawn, axis=-3)) * apart).sum(axis=-1)
        return np.asarray(slopes[..., 0] if len(kinds) == 1 else slopes[..., 0] - slopes[..., 1])

    return measure_over_runs(np.moveaxis(np.array(found, float), -1, 0), slope)


MEASURES: Mapping[str, Measure] = {
    "decisions": Measure("decisions until the target is reached", Needed, _decisions),
    "ratio": Measure("the same, as a multiple of what others need", Against, _ratio),
    "slope_in_genes": Measure("slope of its log on the log of genes", Slope, _slope_in_genes),
}


def pictures(lived: Learned) -> Json:
    """Decisions over decisions per reward, and over genes."""
    settings = lived.settings
    labels = [Told(LABELS, inputs, 1) for inputs in settings.sizes]
    sized = [Told(SELECTION, inputs, settings.size_judged_on) for inputs in settings.sizes]
    by_delay = [
        _curve("reward", lived, [(delay, Told(REWARD, settings.inputs, delay)) for delay in settings.delays]),
        _curve("selection", lived, [(delay, Told(SELECTION, settings.inputs, delay)) for delay in settings.judged_on]),
    ]
    genes = [settings.actions * inputs for inputs in settings.sizes]
    by_genes = [
        _curve("labels", lived, list(zip(genes, labels, strict=True))),
        _curve("selection", lived, list(zip(genes, sized, strict=True))),
    ]
    share = f"{settings.target:.0%} right"
    delays = ("decisions per reward, or per genome", f"decisions until {share}")
    sizes = ("weights to be learned, or genes", f"decisions until {share}")
    needed = lived.decisions[Told(LABELS, settings.inputs, 1)]
    rules = [(float(np.median(needed)), "labels")] if np.isfinite(np.median(needed)) else []
    return {
        "charts": [
            picture(
                "delay",
                "What a decision teaches",
                f"Decisions until {share}, geometric mean over pupils with its interval, where a reward, or a genome's "
                "fitness, tells how many of so many decisions were right. Where the lines cross, the order turns.",
                "",
                [view("delay", delays, [curve for curve in by_delay if curve], rules, logarithmic=True)],
            ),
            picture(
                "genes",
                "How it grows with what is to be learned",
                f"Decisions until {share}, geometric mean over pupils with its interval; selection judges a genome on "
                f"{settings.size_judged_on} decisions.",
                "",
                [view("genes", sizes, [curve for curve in by_genes if curve], logarithmic=True)],
            ),
        ]
    }


def _curve(name: str, lived: Learned, points: Sequence[tuple[int, Told]]) -> Json | None:
    """Through the points that all pupils reached."""
    reached = [(x, np.log(lived.decisions[told])) for x, told in points if np.isfinite(lived.decisions[told]).all()]
    if not reached:
        return None
    curve = over_runs(name, [x for x, _ in reached], np.stack([logs for _, logs in reached], axis=1))
    return curve | {part: np.exp(curve[part]) for part in ("mean", "low", "high")}
