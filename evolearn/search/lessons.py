"""What a driver is asked of one block of lessons: to live them, and what a teacher did or answers in them.

For `Driver.over_blocks`, see `evolearn.search.drawn_blocks`. Blocks depend on the plan alone and their lessons are
put together in order, so that they have the same bits on any number of workers.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from evolearn.agent import FOR_AN_EPISODE, GOES_ON, answers_of, one_thread
from evolearn.genome import FloatArray, GenePool, Newborns, decode, draw_fresh
from evolearn.life import (
    DIVERGED,
    FROM_ORACLE,
    Conditions,
    Driver,
    Evaluation,
    LifeFault,
    Outcome,
    Plan,
    Trace,
    Walk,
    broken_lives,
    life_fitness,
    lives,
    traced_lives,
)
from evolearn.rng import Keys

LIVES_AT_ONCE, STEPS_AT_ONCE = 128, 50_000  # in a block: few enough to share among workers, and to be kept in memory


class Lessons(NamedTuple):
    """N steps of each of L lives, and what a teacher did or answered in them."""

    told: FloatArray  # [L, N, I], what the brain was told
    answers: FloatArray  # [L, N, A], see `evolearn.agent.torch_imitation.Imitation`
    begins: npt.NDArray[np.bool_]  # [L, N], whether the brain remembers nothing when a step comes, as in the first one


@dataclasses.dataclass(frozen=True)
class LessonLives:
    """What the lives of one batch of lessons share."""

    pool: GenePool
    pupil: FloatArray  # [G], in gene units
    teacher: Newborns | None  # one; None: the world's oracle
    number: int  # of the genome in its generation, for errors
    keys: Keys
    plan: Plan  # of a teacher that learns; its lifetime is that of every lesson
    age: int  # steps that a teacher lives, and learns, before its lessons
    asks: bool  # whether the pupil lives, and asks

    @property
    def block_size(self) -> int:
        """Lives in a block; the last may have fewer."""
        return max(1, min(LIVES_AT_ONCE, STEPS_AT_ONCE // self.plan.lifetime))

    @property
    def grown(self) -> Plan:
        """How the teacher lives: it learns if it is ever to be an adult."""
        source = FROM_ORACLE if self.teacher is None else self.plan.source
        until = self.plan.learn_until if self.age else 0
        return dataclasses.replace(self.plan, learn_until=until, source=source)


def lessons_of(driver: Driver, shared: LessonLives) -> tuple[Evaluation, Lessons]:
    """Live a batch of lessons.

    Args:
        driver: for the run's conditions.
        shared: who lives which lives, and how.
    Returns:
        Life fitness [1, L] of who lived, the teacher or the pupil that asked it, and what all lived; and the lessons of
        all lives but those that diverged.
    Raises:
        LifeFault: the world is at fault.
    """
    blocks = range(-(-len(shared.keys) // shared.block_size))
    answers: list[tuple[Evaluation, Lessons]] = driver.over_blocks(live_lessons, shared, blocks)
    evaluations, lessons = [one for one, _ in answers], [one for _, one in answers]
    evaluation = Evaluation(
        np.concatenate([one.fitness for one in evaluations], axis=1),
        np.concatenate([one.broken for one in evaluations], axis=1),
        sum(one.world_steps for one in evaluations),
        sum(one.skipped_updates for one in evaluations),
    )
    return evaluation, Lessons(*(np.concatenate(parts) for parts in zip(*lessons, strict=True)))


def live_lessons(driver: Driver, shared: LessonLives, block: int) -> tuple[Evaluation, Lessons]:
    """Live a block's lessons.

    Args:
        driver: lives under its own conditions.
        shared: see `LessonLives`.
        block: number of the block, from 0.
    Raises:
        LifeFault: the world is at fault.
    """
    first = block * shared.block_size
    keys = shared.keys[first : first + shared.block_size].copy()  # what comes through Ray is read-only
    try:
        with one_thread():
            return (_ask if shared.asks else _watch)(driver, shared, keys)
    except LifeFault as fault:
        raise fault.altered(life=first + fault.life, genome=shared.number) from fault.__cause__


def _watch(driver: Driver, shared: LessonLives, keys: Keys) -> tuple[Evaluation, Lessons]:
    """The teacher lives, and what it does after its age are the lessons."""
    newborns = shared.teacher or decode(shared.pool, shared.pupil[None])  # an oracle acts for whoever is born
    plan = shared.grown
    outcome, traces = traced_lives(driver, newborns, _one(keys), keys, plan)
    whole = outcome.status != DIVERGED
    traces = Trace(*(array[whole, shared.age :] for array in traces))
    answers = _done(driver.conditions, traces.actions)
    return _evaluated(driver.conditions, outcome, plan), Lessons(
        traces.met, answers, _begins(driver.conditions, traces)
    )


def _ask(driver: Driver, shared: LessonLives, keys: Keys) -> tuple[Evaluation, Lessons]:
    """The teacher grows up where the pupil will live; then the pupil lives, and the teacher says what it would do."""
    conditions = driver.conditions
    childhood, taught = None, None
    whole = np.ones(len(keys), np.bool_)
    if shared.teacher is not None:
        taught = np.repeat(shared.teacher.weights, len(keys), axis=0)
    if shared.teacher is not None and shared.age:
        plan = dataclasses.replace(shared.grown, lifetime=shared.age, final_weights=True)
        childhood, _ = lives(driver, conditions, shared.teacher, _one(keys), keys, plan)
        taught, whole = childhood.final_weights, childhood.status != DIVERGED
    newborns, born_as = draw_fresh(shared.pool, decode(shared.pool, shared.pupil[None]), _one(keys), keys)
    plan = dataclasses.replace(shared.plan, lifetime=shared.plan.lifetime - shared.age, learn_until=0)
    outcome, traces = traced_lives(driver, newborns, born_as, keys, plan)
    whole &= outcome.status != DIVERGED
    traces = Trace(*(array[whole] for array in traces))
    begins = _begins(conditions, traces)
    if taught is None:
        answers = _done(conditions, _asked_of_oracle(conditions, keys[whole], traces))
    else:
        asked = (torch.from_numpy(part) for part in (taught[whole], traces.met, begins))
        answers = answers_of(conditions.brain, *asked).numpy()
    evaluation = _evaluated(conditions, outcome, plan)
    if childhood is not None:
        steps = evaluation.world_steps + int(childhood.age.sum())
        skipped = evaluation.skipped_updates + int(childhood.skipped_updates.sum())
        broken = evaluation.broken | (childhood.status == DIVERGED)
        evaluation = dataclasses.replace(evaluation, world_steps=steps, skipped_updates=skipped, broken=broken)
    return evaluation, Lessons(traces.met, answers, begins)


def _asked_of_oracle(conditions: Conditions, keys: Keys, traces: Trace) -> FloatArray:
    """What the world's oracle would do at every step of some lives, [L, T, action size]."""
    answers = np.zeros_like(traces.actions)
    for life, key in enumerate(keys):
        walk = Walk(conditions, key)
        for age in walk.along(traces.of(life), answers.shape[1] - 1):
            answers[life, age] = walk.ask_oracle()
    return answers


def _one(keys: Keys) -> npt.NDArray[np.int64]:
    return np.zeros(len(keys), np.int64)


def _done(conditions: Conditions, actions: FloatArray) -> FloatArray:
    """Actions [L, T, action size] as answers [L, T, A]: a choice is a certainty."""
    if not conditions.world.is_discrete:
        return actions
    return np.eye(conditions.brain.actions, dtype=np.float32)[actions[..., 0].astype(np.int64)]


def _begins(conditions: Conditions, traces: Trace) -> npt.NDArray[np.bool_]:
    """At which steps a brain that is born with the first of them remembers nothing, [L, T]."""
    begins = np.zeros(traces.ends.shape, np.bool_)
    begins[:, :1] = True
    if conditions.brain.memory == FOR_AN_EPISODE:
        begins[:, 1:] = traces.ends[:, :-1] != GOES_ON
    return begins


def _evaluated(conditions: Conditions, outcome: Outcome, plan: Plan) -> Evaluation:
    earned = life_fitness(outcome, conditions.world.fitness_rule, plan)
    return Evaluation(
        earned[None],
        broken_lives(outcome, earned)[None],
        int(outcome.age.sum()),
        int(outcome.skipped_updates.sum()),
    )
