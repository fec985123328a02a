"""Lesions: what an animal loses with each of its parts, against sham lesions of equal size, on the same lives.

One animal is copied; every copy lives the same lives, one intact, each of the others with one operation. What is
removed does not grow back. The unit is the life: effects are those on this animal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from evolearn.errors import UserError
from evolearn.genome import Newborns, draw_fresh
from evolearn.inspection._lesion_effects import (
    METRICS,
    LesionedLives,
    effects,
    intact_record,
    largest_record,
    sense_effects,
)
from evolearn.inspection._lesion_rows import (
    Lesion,
    Row,
    all_lesions,
    all_rows,
    cut_observations,
    draws_weights,
    evolved_learning,
    has_drives,
    norms,
    why_no_memory,
    why_uncut,
)
from evolearn.inspection._operations import MEAN, NOISE, stack_surgeries
from evolearn.inspection._over_lives import Estimate, least_p, mean_estimates
from evolearn.inspection._specimen import IntArray, Json, Specimen
from evolearn.life import DIVERGED, FROM_UNIFORM, Outcome, Plan, birth_plan, births_in, lives, score, traced_lives
from evolearn.run import running_score
from evolearn.verdict import ROUNDING, FloatArray

LIVES_AT_ONCE = 512  # between two reports of progress
BYTES_AT_ONCE = 64_000_000  # of operations, of traces, or of what lives come to by age bin
MEAN_STEPS = 20_000  # at most, of each life, over which observations are averaged
LEVEL_LIVES = 1  # the batch of lives in which the threshold is set


class LesionError(UserError):
    """Lesions that cannot be made, or not at the age asked for; the text says why, or at which they can."""


@dataclasses.dataclass(frozen=True)
class Clock:
    """How a life is divided."""

    lifetime: int  # world steps; the next two likewise
    bin_steps: int
    birth_steps: int

    @property
    def window(self) -> int:
        """Age bins of a running score."""
        return max(1, self.birth_steps // self.bin_steps)

    def first_bin(self, age: int) -> int:
        """The first age bin that lies wholly after an age."""
        return -(-age // self.bin_steps)

    def latest(self) -> int:
        """The last age that leaves room for one running score."""
        return (self.lifetime // self.bin_steps - self.window) * self.bin_steps


@dataclasses.dataclass(frozen=True)
class Level:
    """Where the threshold lies, and what it rests on: scores over the window of the ceiling, in lives of their own."""

    threshold: float | None  # none: not shown to do better than random actions
    random: float
    intact: float
    above: Estimate  # intact minus random, paired
    diverged: int  # of the intact lives, whose score then says nothing


def inspect_lesions(specimen: Specimen, age: int | None = None) -> Json:
    """Effects of every lesion on birth score, ceiling and steps to threshold.

    Args:
        specimen: who is operated on; `extent` says in which ways, in how many lives and with how many shams.
        age: world steps; lesions are made at this age too. None: at birth only.
    Returns:
        A record for JSON. ``ages``: one per age, see `_at_age`; ``norms``: one per lesion, see `norms`.
    Raises:
        LesionError: the age leaves too little of a life, or the brain is not laid out in dense layers alone.
        LifeFault: the world is at fault.
    """
    if unlike := why_uncut(specimen.dna.brain):
        raise LesionError(unlike)
    clock = clock_of(specimen)
    ages = [0] if age is None else [0, age]
    if max(ages) > clock.latest():
        raise LesionError(
            f"age={age}: must be at most {max(clock.latest(), 0):,}, so that {clock.window * clock.bin_steps:,} steps "
            f"of a life of {clock.lifetime:,} are left to be judged; make it earlier, or lives longer"
        )
    lesions = all_lesions(specimen)
    rows = all_rows(specimen, lesions, observation_means(specimen))
    steps = len(rows) * (len(ages) * clock.lifetime + clock.birth_steps) + 2 * len(ages) * clock.lifetime
    progress = _Progress(specimen, steps * specimen.extent.lives)
    return {
        "lives": specimen.extent.lives,
        "lifetime": specimen.lifetime,
        "birth_steps": clock.birth_steps,
        "modes": list(
            dict.fromkeys([*specimen.extent.lesion_modes, *(one.how for one in lesions if one.how == NOISE)])
        ),
        "learns": evolved_learning(specimen),
        "memory": why_no_memory(specimen.dna.brain),
        "drives": has_drives(specimen),
        "draws_weights": draws_weights(specimen),
        "mean_steps": min(clock.lifetime, MEAN_STEPS) if MEAN in specimen.extent.lesion_modes else None,
        "norms": None if draws_weights(specimen) else norms(specimen, lesions, rows),
        "observations_left_out": len(specimen.dna.inputs) - len(cut_observations(specimen)),
        "least_p": least_p(specimen.extent.lives),
        "metrics": METRICS,
        "ages": [_at_age(specimen, clock, at, lesions, rows, progress) for at in ages],
    }


def clock_of(specimen: Specimen) -> Clock:
    """How this animal's lives are divided."""
    return Clock(
        specimen.lifetime,
        min(specimen.setup.config.evaluation.bin_steps, specimen.birth_steps),
        specimen.birth_steps,
    )


def observation_means(specimen: Specimen) -> FloatArray:
    """Mean of each thing that the brain is told over the first MEAN_STEPS steps of the intact animal's lives, [I]."""
    conditions, plan = specimen.setup.conditions, _plan(specimen, min(specimen.lifetime, MEAN_STEPS))
    if MEAN not in specimen.extent.lesion_modes:
        return np.zeros(conditions.brain.told)
    world = conditions.world
    width = conditions.brain.told + len(world.observations) + world.action_size + len(conditions.drive_names) + 4
    at_once = max(1, BYTES_AT_ONCE // (4 * width * plan.lifetime))
    sums, steps = np.zeros(conditions.brain.told), 0
    keys = specimen.keys(specimen.extent.lives)
    for start in range(0, len(keys), at_once):
        some = keys[start : start + at_once]
        newborns, born_as = _newborns(specimen, 1, some)
        outcome, trace = traced_lives(specimen.driver, newborns, born_as, some, plan)
        for age, told in zip(outcome.age, trace.met, strict=True):
            sums += told[:age].sum(axis=0, dtype=np.float64)
            steps += int(age)
    return sums / max(steps, 1)


def first_times(running: FloatArray, clock: Clock, age: int, threshold: float) -> FloatArray:
    """Steps from an age until the running score first reaches a threshold; infinite if it never does.

    Args:
        running: [.., windows] from `running_score`; windows that begin before the age do not count.
        clock: how lives are divided.
        age: world steps.
        threshold: a score.
    Returns:
        [..] world steps.
    """
    first, last = clock.first_bin(age), clock.lifetime // clock.bin_steps - clock.window + 1
    ends = (np.arange(first, last) + clock.window) * clock.bin_steps - age
    reached = running[..., first:last] >= threshold - ROUNDING * abs(threshold)
    return np.where(reached.any(axis=-1), ends[reached.argmax(axis=-1)], np.inf).astype(np.float64)


class _Progress:
    """Counts steps that are lived."""

    def __init__(self, specimen: Specimen, steps: int) -> None:
        self._specimen, self._steps, self._done = specimen, steps, 0

    def lived(self, steps: int) -> None:
        self._done += steps
        self._specimen.progress(self._done, self._steps)


def _at_age(
    specimen: Specimen, clock: Clock, age: int, lesions: Sequence[Lesion], rows: Sequence[Row], progress: _Progress
) -> Json:
    """Everything about lesions at one age, for JSON.

    Returns:
        ``age``; the ``level`` of the threshold, see `Level`; the ``intact`` animal's metrics; ``senses`` of the world,
        null without: their ``names`` and what `sense_effects` gives; its ``lesions``, each
        with ``kind``, ``name``, ``how`` and ``effects`` by metric, see `evolearn.inspection._lesion_effects`; and the
        ``largest`` harm by metric, of all lesions and of single parts beyond their shams.
    """
    level = level_of(specimen, clock, age)
    progress.lived(2 * specimen.extent.lives * clock.lifetime)
    lived = {}
    if age == 0:
        lived["birth"] = _joined(_births(specimen, clock, rows, progress))
    ceilings, speeds, senses = [], [], []
    for ceiling, running, sensed in _lifetimes(specimen, clock, age, rows, progress):
        ceilings.append(ceiling)
        senses.append(sensed)
        if level.threshold is not None:  # times at once: the running scores of all rows may not fit into memory
            times = first_times(running.values, clock, age, level.threshold)
            speeds.append(dataclasses.replace(running, values=times))
    lived["ceiling"] = _joined(ceilings)
    if speeds:
        lived["speed"] = dataclasses.replace(_joined(speeds), rest=float(clock.lifetime - age))
    found = {metric: effects(metric, lesions, rows, some) for metric, some in lived.items()}
    return {
        "age": age,
        "level": dataclasses.asdict(level),
        "intact": {metric: intact_record(some) for metric, some in lived.items()},
        "senses": _senses(specimen, lesions, rows, np.concatenate(senses)),
        "largest": {
            metric: largest_record(metric, lesions, rows, some, found[metric]) for metric, some in lived.items()
        },
        "lesions": [
            {
                "kind": lesion.kind,
                "name": lesion.name,
                "how": lesion.how,
                "effects": {metric: dataclasses.asdict(effects[place]) for metric, effects in found.items()},
            }
            for place, lesion in enumerate(lesions)
        ],
    }


def _senses(specimen: Specimen, lesions: Sequence[Lesion], rows: Sequence[Row], values: FloatArray) -> Json | None:
    names = [sense.name for sense in specimen.setup.conditions.world.senses]
    return {"names": names, **sense_effects(lesions, rows, values)} if names else None


def _joined(parts: Iterable[LesionedLives]) -> LesionedLives:
    """Rows of several."""
    some = list(parts)
    return LesionedLives(
        np.concatenate([part.values for part in some]), diverged=np.concatenate([part.broken for part in some])
    )


def _births(specimen: Specimen, clock: Clock, rows: Sequence[Row], progress: _Progress) -> Iterator[LesionedLives]:
    """Birth scores, [some rows, L] at a time."""
    world = specimen.setup.conditions.world
    plan = birth_plan(world, Plan(clock.birth_steps, learn_until=0, operate_at=0))
    for some in _chunks(specimen, rows, plan.bins):
        outcome = _live(specimen, some, plan)
        shape = len(some), specimen.extent.lives
        yield LesionedLives(
            births_in(world, outcome, plan).score.reshape(shape), diverged=(outcome.status == DIVERGED).reshape(shape)
        )
        progress.lived(len(some) * specimen.extent.lives * plan.lifetime)


def _lifetimes(
    specimen: Specimen, clock: Clock, age: int, rows: Sequence[Row], progress: _Progress
) -> Iterator[tuple[LesionedLives, LesionedLives, FloatArray]]:
    """Ceilings [some rows, L], running scores [some rows, L, windows] and senses per step [some rows, L, senses]."""
    plan = _plan(specimen, clock.lifetime, bin_steps=clock.bin_steps, operate_at=age)
    rule = specimen.setup.conditions.world.fitness_rule
    quarter = _ceiling_from(clock, plan, age)
    senses = len(specimen.setup.conditions.world.senses)
    for some in _chunks(specimen, rows, plan.bins):
        unlearning = some[0].lesion is not None and some[0].lesion.kind == "learner"
        until = age if plan.learn_until is None else min(age, plan.learn_until)
        outcome = _live(specimen, some, dataclasses.replace(plan, learn_until=until) if unlearning else plan)
        ceiling = score(outcome, rule, quarter, plan.bins, plan)
        running = running_score(outcome, rule, plan, clock.window)
        shape = len(some), specimen.extent.lives
        broken = (outcome.status == DIVERGED).reshape(shape)
        yield (
            LesionedLives(ceiling.reshape(shape), diverged=broken),
            LesionedLives(running.reshape(*shape, -1), diverged=broken),
            (outcome.drives[:, 1 : 1 + senses] / np.maximum(outcome.age, 1)[:, None]).reshape(*shape, senses),
        )
        progress.lived(len(some) * specimen.extent.lives * plan.lifetime)


def level_of(specimen: Specimen, clock: Clock, age: int) -> Level:
    """Where the threshold of the speed lies: halfway from random actions to the intact animal, in other lives.

    Both live the same lives to the end, and are scored over the window of the ceiling. The lives are not those in which
    the lesions are judged, which would lean on what happened in them.

    Args:
        specimen: intact.
        clock: how lives are divided.
        age: of the lesion, world steps.
    """
    keys = specimen.keys(specimen.extent.lives, LEVEL_LIVES)
    newborns, born_as = _newborns(specimen, 1, keys)
    rule = specimen.setup.conditions.world.fitness_rule
    scores, diverged = [], 0
    for plan in (
        Plan(clock.lifetime, learn_until=0, bin_steps=clock.bin_steps, source=FROM_UNIFORM),
        _plan(specimen, clock.lifetime, bin_steps=clock.bin_steps),
    ):
        outcome, _ = lives(specimen.driver, specimen.setup.conditions, newborns, born_as, keys, plan)
        scores.append(score(outcome, rule, _ceiling_from(clock, plan, age), plan.bins, plan))
        diverged += int((outcome.status == DIVERGED).sum())
    floor, top = (float(one.mean()) for one in scores)
    above = mean_estimates((scores[1] - scores[0])[:, None])[0]
    able = above.low is not None and above.low > 0.0 and not diverged
    return Level((floor + top) / 2 if able else None, floor, top, above, diverged)


def _ceiling_from(clock: Clock, plan: Plan, age: int) -> int:
    """The first age bin of the ceiling: of the last quarter of life, or of what is left after the lesion."""
    return max(plan.bins - max(1, round(plan.bins / 4)), clock.first_bin(age))


def _plan(specimen: Specimen, lifetime: int, **more: Any) -> Plan:
    """A life with learning as where it evolved."""
    selection = specimen.setup.selection
    return Plan(lifetime, selection.learn_from, selection.learn_until, **more)


def _chunks(specimen: Specimen, rows: Sequence[Row], bins: int) -> Iterator[Sequence[Row]]:
    """Rows that are lived together; the learner's, which is lived by another plan, alone and last."""
    together = [row for row in rows if row.lesion is None or row.lesion.kind != "learner"]
    row_bytes = 64 * max(specimen.dna.brain.weights, specimen.extent.lives * bins)
    at_once = max(1, min(LIVES_AT_ONCE // specimen.extent.lives, BYTES_AT_ONCE // row_bytes))
    for start in range(0, len(together), at_once):
        yield together[start : start + at_once]
    if len(together) < len(rows):
        yield rows[len(together) :]


def _live(specimen: Specimen, rows: Sequence[Row], plan: Plan) -> Outcome:
    """The same lives with every operation, [rows x L]."""
    keys = specimen.keys(specimen.extent.lives)
    newborns, born_as = _newborns(specimen, len(rows), keys)
    surgeries = stack_surgeries([row.build() for row in rows])
    if len(newborns.weights) != len(rows):  # every life is a newborn of its own
        surgeries = surgeries.rows(np.repeat(np.arange(len(rows)), len(keys)))
    every_key = np.tile(keys, (len(rows), 1))
    outcome, _ = lives(
        specimen.driver, specimen.setup.conditions, newborns, born_as, every_key, plan, surgeries=surgeries
    )
    return outcome


def _newborns(specimen: Specimen, copies: int, keys: IntArray) -> tuple[Newborns, IntArray]:
    """Copies of the newborn, and which of them each life is born as, [copies x L]."""
    newborns = specimen.dna.newborns.rows(np.zeros(copies, np.int64))
    born_as = np.repeat(np.arange(copies), len(keys))
    return draw_fresh(specimen.dna.pool, newborns, born_as, np.tile(keys, (copies, 1)))
