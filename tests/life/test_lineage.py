"""Lineages: who is whose elder, what a sibling has of one, and that a lineage depends on nobody else."""

import numpy as np
import pytest

from evolearn.agent import ASKED, WATCHED
from evolearn.genome import EVOLVED, GROUPS, decode, draw_fresh, gene_pool
from evolearn.life import (
    FROM_BRAIN,
    Lineage,
    Plan,
    Teachers,
    TeacherSpec,
    empty_outcome,
    evaluate,
    life_fitness,
    lives,
    successions,
)
from evolearn.life.lineage import CulturalGeneration, elders, sibling_keys
from evolearn.rng import SELECTION, births_of, from_set, life_keys
from tests.helpers.probe_worlds import only_learning

KEYS = life_keys(6, SELECTION, 2, 4)
LIFE = 192
PLAN = Plan(LIFE)


def parent(mode):
    return TeacherSpec(FROM_BRAIN, mode, LIFE)


def driven(driver_for, lineage, teacher=None):
    learner = "actor_critic" if teacher is None else "rewarded_imitation"
    return driver_for(only_learning, hidden=(4,), learner=learner, lineage=lineage, teacher=teacher)


def pool_of(driver, **plasticity):
    conditions = driver.conditions
    start = {"learning_rate": 0.03, **plasticity}
    return gene_pool(
        conditions.brain,
        conditions.learner,
        conditions.drive_names,
        dict.fromkeys(GROUPS, EVOLVED),
        {"fitness": 1.0},
        start,
        dict.fromkeys(GROUPS, 0.3),
        seed=1,
    )


def evaluated(driver, pool, keys=KEYS, genomes=1):
    drawn = np.random.default_rng(0).standard_normal((genomes, pool.size)).astype(np.float32)
    return evaluate(driver, driver.conditions, pool, pool.centre + 0.1 * drawn, keys, PLAN)


@pytest.mark.parametrize("keys", [KEYS, from_set(KEYS, 1, SELECTION, 3, 0)], ids=["own births", "of a set"])
def test_siblings_share_their_birth_and_nothing_else(keys):
    generations = [sibling_keys(keys, number, Lineage(2, 3), LIFE) for number in range(2)]
    for of_lives in generations:
        for again in (False, True):
            expected = np.repeat(births_of(keys, again), 3, axis=0)
            np.testing.assert_array_equal(births_of(of_lives, again), expected)
    assert len({tuple(key[:4]) for of_lives in generations for key in of_lives}) == 2 * 3 * len(keys)
    assert [of_lives[:, 12].tolist() for of_lives in generations] == [[0] * 12, [LIFE] * 12], "the world's age"


def test_a_world_that_is_redrawn_is_new_to_every_generation_and_the_same_to_its_siblings():
    lineage = Lineage(2, 3, world="redrawn")
    generations = [births_of(sibling_keys(KEYS, number, lineage, LIFE)) for number in range(2)]
    assert len({tuple(birth) for births in generations for birth in births}) == 2 * len(KEYS)
    for births in generations:
        np.testing.assert_array_equal(births, np.repeat(births[::3], 3, axis=0))
    assert not sibling_keys(KEYS, 1, lineage, LIFE)[:, 12].any()


@pytest.mark.parametrize("elder", ["best", "random"])
def test_several_elders_are_different_ones_the_best_first_and_those_who_diverged_last(elder):
    many = life_keys(0, SELECTION, 0, 200)
    earned, broken = np.tile([1.0, 3.0, 2.0, 9.0], (200, 1)), np.tile([False, False, False, True], (200, 1))
    generation = CulturalGeneration(empty_outcome(0, PLAN, 0, 0), earned, broken)
    chosen = elders(Lineage(2, 4, elder, elders=3), generation, many, 0)
    assert {tuple(sorted(row)) for row in chosen.tolist()} == {(0, 1, 2)}
    assert len({tuple(row) for row in chosen.tolist()}) == (1 if elder == "best" else 6)
    if elder == "best":
        assert chosen[0].tolist() == [1, 2, 0]


def test_an_elder_is_the_best_or_anybody_but_nobody_who_diverged():
    earned = np.array([[1.0, 3.0, 2.0], [9.0, 0.0, 5.0], [np.nan, 1.0, 1.0], [2.0, 2.0, 2.0]])
    broken = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0], [1, 1, 1]], bool)
    generation = CulturalGeneration(empty_outcome(0, PLAN, 0, 0), earned, broken)
    assert elders(Lineage(2, 3), generation, KEYS, 0)[:, 0].tolist() == [1, 2, 1, 0]
    many = life_keys(0, SELECTION, 0, 300)
    whole = CulturalGeneration(generation.outcome, np.tile(earned[:1], (300, 1)), np.zeros((300, 3), bool))
    drawn = elders(Lineage(2, 3, "random"), whole, many, 0)
    assert np.bincount(drawn[:, 0]).min() > 70
    assert drawn.tolist() != elders(Lineage(2, 3, "random"), whole, many, 1).tolist()
    hurt = whole.broken.copy()
    hurt[:, 0] = True
    assert 0 not in elders(Lineage(2, 3, "random"), CulturalGeneration(whole.outcome, whole.earned, hurt), many, 0)


@pytest.mark.parametrize("inherit", ["nothing", "weights", "shrunk"])
def test_a_lineage_is_its_lives_one_after_another(inherit, driver_for):
    lineage = Lineage(3, 2, "best", inherit, 0.25)
    driver = driven(driver_for, lineage, parent(WATCHED))
    pool = pool_of(driver, taught_share=0.25)
    found = evaluated(driver, pool, KEYS[:1])
    conditions = driver.conditions
    drawn = np.random.default_rng(0).standard_normal((1, pool.size)).astype(np.float32)
    newborn = decode(pool, pool.centre + 0.1 * drawn)
    adults, elder, expected = None, None, []
    for number in range(3):
        outcomes = []
        for sibling, key in enumerate(sibling_keys(KEYS[:1], number, lineage, LIFE)):
            born, teachers = newborn, {}
            if number:
                teachers = {"teachers": Teachers(adults[elder][None].copy(), np.zeros((1, 1), np.int64))}
                learned = {"nothing": newborn.weights[0], "weights": adults[elder], "shrunk": adults[sibling] / 4}
                born = newborn._replace(weights=learned[inherit][None].astype(np.float32).copy())
            plan = Plan(LIFE, final_weights=True)
            outcomes.append(
                lives(driver, conditions, born, np.zeros(1, np.int64), key[None].copy(), plan, **teachers)[0]
            )
        earned = [outcome.fitness.sum() / LIFE for outcome in outcomes]
        adults, elder = [outcome.final_weights[0] for outcome in outcomes], int(np.argmax(earned))
        assert [int(outcome.taught[0]) for outcome in outcomes] == [48 if number else 0] * 2
        expected.append(np.mean(earned))
    assert found.by_generation[0, 0].tolist() == expected
    assert found.fitness[0, 0] == np.mean(expected[1:])
    assert (found.teacher_steps, found.world_steps) == (4 * 48, 6 * LIFE + 4 * 48)


def test_a_lineage_depends_on_no_other(driver_for, monkeypatch):
    driver = driven(driver_for, Lineage(3, 2, "random", "shrunk"), parent(ASKED))
    pool = pool_of(driver)
    whole = evaluated(driver, pool, genomes=3)
    assert len(set(whole.fitness.ravel())) == 12
    monkeypatch.setattr("evolearn.life.evaluation.LIVES_AT_ONCE", 1)
    monkeypatch.setattr("evolearn.life.evaluation.LIVES_PER_WORKER", 1)
    in_parts = evaluated(driver, pool, genomes=3)
    assert in_parts.by_generation.tobytes() == whole.by_generation.tobytes()
    assert (in_parts.world_steps, in_parts.teacher_steps) == (whole.world_steps, whole.teacher_steps)
    for life in range(len(KEYS)):
        alone = evaluated(driver, pool, KEYS[life : life + 1], genomes=3)
        np.testing.assert_array_equal(alone.by_generation[:, 0], whole.by_generation[:, life])


def test_what_is_found_out_accumulates_only_where_it_is_handed_on(driver_for):
    """Which of two actions is fit is drawn once for a lineage, and a life is too short to find it out for sure."""
    keys = life_keys(3, SELECTION, 0, 24)

    def gained(lineage, teacher=None, **genes):
        driver = driven(driver_for, lineage, teacher)
        scores = evaluated(driver, pool_of(driver, **genes), keys).by_generation[0].mean(axis=0)
        return scores[-1] - scores[0]

    assert abs(gained(Lineage(6, 3))) < 0.04
    assert gained(Lineage(6, 3, inherit="weights")) > 0.1
    assert gained(Lineage(6, 3), parent(ASKED), taught_share=1.0, imitation_weight=3.0) > 0.05


@pytest.mark.parametrize("inherit", ["nothing", "weights"])
def test_a_lineage_is_read_as_one_life_that_goes_on(inherit, driver_for):
    """At every age the mean of its siblings, of whom each is counted."""
    driver = driven(driver_for, Lineage(3, 2, inherit=inherit), parent(WATCHED))
    pool, plan = pool_of(driver, taught_share=0.25), Plan(LIFE, bin_steps=LIFE // 2)
    found = evaluate(driver, driver.conditions, pool, pool.centre[None], KEYS, plan)

    def born(keys):
        return draw_fresh(pool, decode(pool, pool.centre[None]), np.zeros(len(keys), np.int64), keys)

    def score(outcome):
        return life_fitness(outcome, driver.conditions.world.fitness_rule, plan)

    whole = successions(driver, driver.conditions, born, KEYS, plan, score)
    assert whole.fitness.shape == (len(KEYS), 6)
    of_generations = whole.fitness.reshape(-1, 3, 2).sum(axis=2) / LIFE
    np.testing.assert_allclose(of_generations, found.by_generation[0], rtol=1e-12)
    assert whole.age.tolist() == [6 * LIFE] * len(KEYS)
    assert (whole.age.sum() + whole.taught.sum(), whole.taught.sum()) == (found.world_steps, found.teacher_steps)


def test_a_life_by_itself_has_no_elder(driver_for):
    driver = driven(driver_for, Lineage(3, 2), parent(WATCHED))
    newborns = decode(pool_of(driver, taught_share=1.0), pool_of(driver).centre[None])
    outcome, _ = lives(driver, driver.conditions, newborns, np.zeros(4, np.int64), KEYS, PLAN)
    assert not outcome.taught.any()
    assert outcome.fitness.all()
