import numpy as np
import pytest
from evolearn.worlds.cart_pole import cart_pole

from evolearn.genome import EVOLVED, FIXED, FRESH, gene_pool
from evolearn.life import (
    DIVERGED,
    Evaluation,
    Plan,
    broken_lives,
    empty_outcome,
    evaluate,
    life_fitness,
    lives,
    score,
)
from evolearn.life.evaluation import live_each
from evolearn.rng import SELECTION, life_keys
from evolearn.world import MEAN_PER_STEP, MEAN_RETURN_PER_EPISODE
from tests.helpers.probe_worlds import conditions_for, newborns_for, only_learning, reward_by_action


def outcome_with(plan, **arrays):
    """An outcome of one life lived to its end, all zero but for what is said per age bin."""
    outcome = empty_outcome(1, plan, 1, 0)
    outcome.age[0] = plan.lifetime
    for name, values in arrays.items():
        getattr(outcome, name)[0] = values
    return outcome


def test_mean_per_step_is_over_the_steps_of_the_bins_asked_for():
    plan = Plan(100, bin_steps=40)  # the last bin has 20 steps
    outcome = outcome_with(plan, fitness=[40.0, 20.0, 15.0])
    assert life_fitness(outcome, MEAN_PER_STEP, plan)[0] == pytest.approx(0.75)
    assert score(outcome, MEAN_PER_STEP, 0, 1, plan)[0] == pytest.approx(1.0)
    assert score(outcome, MEAN_PER_STEP, 1, 2, plan)[0] == pytest.approx(0.5)
    assert score(outcome, MEAN_PER_STEP, 2, 3, plan)[0] == pytest.approx(0.75)
    assert score(outcome, MEAN_PER_STEP, 1, 3, plan)[0] == pytest.approx(35 / 60)


def test_steps_that_were_not_lived_earn_nothing():
    plan = Plan(100)
    assert life_fitness(outcome_with(plan, fitness=[30.0], age=30), MEAN_PER_STEP, plan)[0] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("finished_return", "finished", "open_return", "expected"),
    [
        (0, 0, 70, 70.0),  # the only episode, cut off: what else is there
        (90, 3, 0, 30.0),
        (90, 3, 20, 30.0),  # cut off below the mean: it might have become anything
        (90, 3, 30, 30.0),
        (90, 3, 70, 40.0),  # cut off above the mean: it can only have become more
        (0, 0, 0, 0.0),
        (0, 2, 3, 1.0),
    ],
)
def test_how_the_episode_counts_that_the_end_of_life_cuts_off(finished_return, finished, open_return, expected):
    plan = Plan(100)
    outcome = outcome_with(plan, finished_return=finished_return, finished=finished, open_return=open_return)
    assert life_fitness(outcome, MEAN_RETURN_PER_EPISODE, plan)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("finished_return", "finished", "open_return", "expected"),
    [
        (-90, 3, 0, -30.0),  # no new episode has begun, or it cost nothing yet: that is no merit
        (-90, 3, -20, -30.0),
        (-90, 3, -70, -40.0),  # costs only grow
        (0, 0, -70, -70.0),
    ],
)
def test_a_cut_off_episode_of_a_world_of_costs_is_no_way_out(finished_return, finished, open_return, expected):
    plan = Plan(100)
    outcome = outcome_with(plan, finished_return=finished_return, finished=finished, open_return=open_return)
    assert life_fitness(outcome, MEAN_RETURN_PER_EPISODE, plan)[0] == pytest.approx(expected)


def test_episodes_belong_to_the_bin_they_end_in():
    plan = Plan(120, bin_steps=40)
    outcome = outcome_with(plan, finished_return=[60, 0, 50], finished=[3, 0, 1], open_return=[10, 50, 10])
    assert score(outcome, MEAN_RETURN_PER_EPISODE, 0, 1, plan)[0] == 20.0
    assert score(outcome, MEAN_RETURN_PER_EPISODE, 1, 2, plan)[0] == 50.0
    assert score(outcome, MEAN_RETURN_PER_EPISODE, 2, 3, plan)[0] == 50.0
    assert life_fitness(outcome, MEAN_RETURN_PER_EPISODE, plan)[0] == pytest.approx(110 / 4)


@pytest.mark.parametrize("bin_steps", [None, 7, 20, 40])
def test_the_score_of_a_diverged_life_does_not_depend_on_its_age_bins(bin_steps, driver_for):
    driver = driver_for(cart_pole, trunk="relu")
    newborns = newborns_for(driver.conditions, learning_rate=3e38, value_weight=1e3)
    plan = Plan(40, bin_steps=bin_steps)
    keys = life_keys(1, SELECTION, 0, 4)
    outcome, _ = lives(driver, driver.conditions, newborns, np.zeros(4, int), keys, plan)
    assert np.all(outcome.status == DIVERGED)
    assert np.all(outcome.age == 16), "the first learning update is too much"
    assert np.any(outcome.finished.sum(axis=1) == 0)
    by_hand = np.where(outcome.finished.sum(axis=1) == 0, 16.0, life_fitness(outcome, MEAN_RETURN_PER_EPISODE, plan))
    np.testing.assert_array_equal(life_fitness(outcome, MEAN_RETURN_PER_EPISODE, plan), by_hand)


# Whole evaluations ----------------------------------------------------------------------------------------------


def pool_for(conditions, **modes):
    chosen = {"weights": EVOLVED, "drives": FIXED, "plasticity": FIXED} | modes
    spreads = {"weights": 0.1, "drives": 0.1, "plasticity": 0.1}
    return gene_pool(
        conditions.brain, "actor_critic", conditions.drive_names, chosen, {"fitness": 1.0}, {}, spreads, seed=1
    )


def population(pool, count):
    return pool.centre + pool.spread * np.random.default_rng(0).standard_normal((count, pool.size))


@pytest.mark.parametrize("drives", [FIXED, FRESH])
@pytest.mark.parametrize("world", [reward_by_action, cart_pole])
def test_every_genome_lives_every_key_and_is_charged_for_it(world, drives, driver_for, monkeypatch):
    driver = driver_for(world)
    pool = pool_for(driver.conditions, drives=drives)
    genomes, keys, plan = population(pool, 5), life_keys(1, SELECTION, 0, 3), Plan(80)
    found = evaluate(driver, driver.conditions, pool, genomes, keys, plan)
    assert found.fitness.shape == (5, 3)
    assert found.world_steps == 5 * 3 * 80
    assert found.diverged == found.skipped_updates == 0
    for genome in range(5):
        for key in range(3):
            alone = live_each(driver, driver.conditions, pool, genomes[genome : genome + 1], keys[key : key + 1], plan)
            assert found.fitness[genome, key] == life_fitness(alone, world.fitness_rule, plan)[0]
    monkeypatch.setattr("evolearn.life.evaluation.LIVES_AT_ONCE", 6)
    monkeypatch.setattr("evolearn.life.evaluation.LIVES_PER_WORKER", 1)
    in_parts = evaluate(driver, driver.conditions, pool, genomes, keys, plan)
    np.testing.assert_array_equal(in_parts.fitness, found.fitness)
    np.testing.assert_array_equal(in_parts.broken, found.broken)
    assert (in_parts.world_steps, in_parts.skipped_updates) == (found.world_steps, found.skipped_updates)


def test_diverged_lives_are_counted_and_charged_only_for_what_they_lived(driver_for):
    driver = driver_for(only_learning)
    pool = pool_for(driver.conditions)
    genomes = population(pool, 3).astype(np.float32)
    genomes[1] = np.nan
    found = evaluate(driver, driver.conditions, pool, genomes, life_keys(1, SELECTION, 0, 2), Plan(40))
    assert found.diverged == 2
    assert found.world_steps == 4 * 40
    np.testing.assert_array_equal(found.fitness[1], 0.0)
    assert np.all(np.isfinite(found.fitness))
    assert found.means[1] == -np.inf, "whoever chooses by the mean takes another"
    np.testing.assert_array_equal(found.means[[0, 2]], found.fitness[[0, 2]].mean(axis=1))


def test_a_fitness_beyond_the_numbers_is_a_broken_life():
    plan = Plan(100, bin_steps=50)
    outcome = outcome_with(plan, fitness=[1.7e308, 1.7e308])
    earned = life_fitness(outcome, MEAN_PER_STEP, plan)
    assert broken_lives(outcome, earned).all()
    evaluation = Evaluation(np.array([[1.7e308, 1.7e308], [-5.0, -7.0]]), np.zeros((2, 2), bool), 0, 0)
    assert evaluation.means.tolist() == [-np.inf, -6.0]


def test_lives_come_genome_by_genome():
    plan = Plan(10)
    conditions = conditions_for(only_learning)
    pool = pool_for(conditions)
    seen = {}

    class Recorder:
        def live(self, job):
            seen["genomes"], seen["keys"] = job.genomes, job.keys

        def close(self):
            pass

    keys = life_keys(1, SELECTION, 0, 2)
    live_each(Recorder(), conditions, pool, population(pool, 3), keys, plan)
    assert seen["genomes"].tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(seen["keys"], np.concatenate([keys] * 3))
