"""What the probe worlds must show of a life, and what happens when a world misbehaves."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from evolearn.agent import TorchBrain
from evolearn.life import DIVERGED, FROM_ORACLE, FROM_UNIFORM, Plan, life_fitness, lives
from evolearn.life.records import FINISHED
from evolearn.rng import SELECTION, VALIDATION, life_keys
from evolearn.world import WorldError
from tests.helpers.faulty_lives import LIVES, draw_at_birth, live_among, live_among_the_faulty
from tests.helpers.places import ROOT
from tests.helpers.probe_worlds import (
    CLUMSY_AGES,
    DELAY,
    NAN_FITNESS,
    NAN_OBSERVATION,
    NAN_SENSE,
    OUT_OF_RANGE,
    RAISES,
    RAISES_AT_BIRTH,
    SOUND,
    Stage,
    clumsy,
    constant_reward,
    delayed_reward,
    faulty,
    newborns_for,
    only_evolution,
    only_learning,
    reward_by_action,
    reward_by_observation,
)


def live_alone(driver, newborns, count, plan, seed=1, trace_steps=0):
    """`count` lives of the first newborn."""
    keys = life_keys(seed, SELECTION, 0, count)
    return lives(driver, driver.conditions, newborns, np.zeros(count, np.int64), keys, plan, trace_steps)


def learned_brains(driver, outcome):
    for weights in outcome.final_weights:
        brain = TorchBrain(driver.conditions.brain)
        brain.load_flat(weights)
        yield brain


def mean_of_last_bin(outcome, plan):
    return outcome.fitness[:, -1].mean() / plan.bin_steps


def test_constant_reward_teaches_the_critic_the_discounted_value(driver_for):
    driver = driver_for(constant_reward)
    newborns = newborns_for(driver.conditions, learning_rate=0.01, discount=0.9, gae_lambda=0.95)
    outcome, _ = live_alone(driver, newborns, 3, Plan(20_000, final_weights=True))
    for brain in learned_brains(driver, outcome):
        _, value = brain(torch.ones(1))
        assert value.item() == pytest.approx(1 / (1 - 0.9), rel=0.02)


def test_reward_by_action_teaches_the_action(driver_for):
    driver = driver_for(reward_by_action)
    newborns = newborns_for(driver.conditions, learning_rate=0.01, entropy_bonus=0.001)
    plan = Plan(4000, bin_steps=500)
    outcome, _ = live_alone(driver, newborns, 8, plan)
    assert mean_of_last_bin(outcome, plan) > 0.95
    frozen, _ = live_alone(driver, newborns, 8, Plan(4000, bin_steps=500, learn_until=0))
    assert abs(mean_of_last_bin(frozen, plan) - 0.5) < 0.05


def test_reward_by_observation_teaches_the_critic_to_tell_them_apart(driver_for):
    driver = driver_for(reward_by_observation)
    newborns = newborns_for(driver.conditions, learning_rate=0.01)
    outcome, _ = live_alone(driver, newborns, 3, Plan(10_000, final_weights=True))
    for brain in learned_brains(driver, outcome):
        _, values = brain(torch.tensor([[1.0], [-1.0]]))
        np.testing.assert_allclose(values.detach().numpy(), [1.0, 0.0], atol=0.05)


@pytest.mark.parametrize(
    ("discount", "gae_lambda", "learns"), [(0.9, 0.95, True), (1e-6, 0.95, False), (0.9, 1e-6, False)]
)
def test_delayed_reward_needs_credit_that_crosses_steps(driver_for, discount, gae_lambda, learns):
    driver = driver_for(delayed_reward)
    newborns = newborns_for(
        driver.conditions, learning_rate=0.01, discount=discount, gae_lambda=gae_lambda, entropy_bonus=0.001
    )
    plan = Plan(16_000, bin_steps=4000)
    outcome, _ = live_alone(driver, newborns, 12, plan)
    # One reward per DELAY steps at most; the policy that knows nothing earns half of it.
    earned = mean_of_last_bin(outcome, plan) * DELAY
    assert earned > 0.95 if learns else 0.3 < earned < 0.7


def test_only_evolution_solves_what_no_drive_speaks_of(driver_for):
    driver = driver_for(only_evolution)
    blank = newborns_for(driver.conditions, drives={}, learning_rate=0.01)
    plan = Plan(8000, bin_steps=1000)
    taught, _ = live_alone(driver, blank, 12, plan)
    assert abs(mean_of_last_bin(taught, plan) - 0.5) < 0.1
    # Evolution's part, in its simplest form: the best of some random weights, found by fitness alone.
    born = newborns_for(driver.conditions, count=200, drives={})
    born.weights[:] *= 100.0
    candidates = np.arange(200)
    keys = np.repeat(life_keys(1, SELECTION, 0, 1), 200, axis=0)
    trial, _ = lives(driver, driver.conditions, born, candidates, keys, Plan(200, learn_until=0))
    best = np.full(20, trial.fitness[:, 0].argmax())
    fresh = life_keys(1, VALIDATION, 0, 20)
    champion, _ = lives(driver, driver.conditions, born, best, fresh, Plan(500, learn_until=0))
    assert champion.fitness.mean() / 500 > 0.95


def test_only_learning_solves_what_is_redrawn_at_birth(driver_for):
    driver = driver_for(only_learning)
    for seed in range(3):
        newborns = newborns_for(driver.conditions, seed=seed)
        newborns.weights[:] *= 100.0
        frozen, _ = live_alone(driver, newborns, 400, Plan(50, learn_until=0))
        assert abs(frozen.fitness.mean() / 50 - 0.5) < 4 * 0.5 / np.sqrt(400)
    learner = newborns_for(driver.conditions, learning_rate=0.01, entropy_bonus=0.001)
    plan = Plan(4000, bin_steps=500)
    outcome, _ = live_alone(driver, learner, 24, plan)
    assert mean_of_last_bin(outcome, plan) > 0.9


@pytest.mark.parametrize("source", [FROM_UNIFORM, FROM_ORACLE])
def test_actions_may_come_from_elsewhere(driver_for, source):
    driver = driver_for(only_learning)
    outcome, trace = live_alone(
        driver, newborns_for(driver.conditions), 60, Plan(100, source=source, learn_until=0), trace_steps=100
    )
    earned = outcome.fitness.mean() / 100
    assert earned == 1.0 if source == FROM_ORACLE else abs(earned - 0.5) < 4 * 0.5 / np.sqrt(6000)
    assert set(np.unique(trace.actions)) <= {0.0, 1.0}


def test_a_life_is_the_loop_that_the_contract_describes(driver_for):
    """One life, moved on by hand from the trace's actions, sees and earns what the kernel wrote down."""
    driver = driver_for(delayed_reward)
    _, trace = live_alone(driver, newborns_for(driver.conditions), 1, Plan(60), trace_steps=60)
    stage = Stage(delayed_reward, life_keys(1, SELECTION, 0, 1)[0])
    for t in range(60):
        np.testing.assert_array_equal(trace.observations[t], stage.observe())
        fitness, terminated, truncated, _ = stage.step(trace.actions[t])
        assert trace.fitness[t] == trace.drives[t, 0] == fitness
        assert trace.ends[t] == (1 if terminated else 2 if truncated else 0)
        if terminated or truncated:
            stage.begin()


def test_the_outcome_adds_up(driver_for):
    driver = driver_for(delayed_reward)
    outcome, trace = live_alone(driver, newborns_for(driver.conditions), 1, Plan(50, bin_steps=15), trace_steps=50)
    bins = [trace.fitness[start : start + 15] for start in (0, 15, 30, 45)]
    np.testing.assert_array_equal(outcome.fitness[0], [part.sum() for part in bins])
    over = np.flatnonzero(trace.ends)
    np.testing.assert_array_equal(outcome.finished[0], np.histogram(over, [0, 15, 30, 45, 60])[0])
    np.testing.assert_array_equal(outcome.deaths, outcome.finished)
    assert outcome.finished_return[0].sum() == outcome.fitness[0].sum()
    assert outcome.drives[0, 0] == trace.fitness.sum()
    assert outcome.age[0] == 50
    assert outcome.status[0] == FINISHED


# What a world does wrong ----------------------------------------------------------------------------------------


WHERE = r"^world faulty, life \(seed 1, selection, generation 3, life 13\), genome 1, step "


@pytest.mark.parametrize(
    ("kind", "at", "message"),
    [
        (RAISES, 7, r"7: raised ValueError: the bridge is out$"),
        (RAISES, 0, r"0: raised ValueError: the bridge is out$"),
        (RAISES_AT_BIRTH, 7, r"0: raised ValueError: stillborn$"),
        (NAN_FITNESS, 7, r"7: fitness is not finite; the world's step must return a finite number$"),
        (NAN_SENSE, 7, r"7: sense or drive smell=nan: must be finite; check the world's arithmetic$"),
        (NAN_OBSERVATION, 7, r"7: observation rough=nan: must be finite; check the world's arithmetic$"),
        (NAN_OBSERVATION, -1, r"0: observation rough=nan: must be finite; check the world's arithmetic$"),
        (OUT_OF_RANGE, 7, r"7: raised IndexError: index is out of bounds$"),
    ],
)
@pytest.mark.parametrize(("team", "piece_steps"), [(1, 1), (16, 60_000)])
def test_a_fault_is_named_with_world_life_genome_and_step(kind, at, message, team, piece_steps, monkeypatch):
    monkeypatch.setattr("evolearn.life._fused.PIECE_STEPS", piece_steps)
    monkeypatch.setattr("evolearn.life._fused.MOST_IN_TEAM", team)
    with pytest.raises(WorldError, match=WHERE + message):
        live_among_the_faulty(kind, at)


def test_the_same_world_without_a_fault_is_lived_to_the_end():
    outcome = live_among_the_faulty(SOUND)
    assert np.all(outcome.status == FINISHED)
    np.testing.assert_array_equal(outcome.fitness, 5.0)


@pytest.mark.parametrize("team", [1, 3, 16])
def test_of_several_lives_at_fault_the_first_in_order_is_named_whoever_came_to_it_first(team, monkeypatch):
    monkeypatch.setattr("evolearn.life._fused.MOST_IN_TEAM", team)
    draws = [draw_at_birth(life) for life in range(LIVES)]
    ages = [int(CLUMSY_AGES * draw) for draw in draws]
    assert min(ages) < ages[0] < 40, "another must come to its fault before life 0 does"
    with pytest.raises(WorldError, match=rf"life 0\), genome 0, step {ages[0]}: raised ValueError: tripped$"):
        live_among(clumsy)


def test_a_fault_after_the_end_of_life_is_none():
    assert np.all(live_among_the_faulty(RAISES, at=40).status == FINISHED)


HANG = """
import os, sys
sys.path.insert(0, {tests!r})
from tests.helpers.probe_worlds import HANGS
from evolearn.world import WorldError
from tests.helpers.faulty_lives import live_among_the_faulty
try:
    live_among_the_faulty(HANGS, hang_seconds=1.0)
except WorldError as error:
    print(error, flush=True)
os._exit(0)
"""


def test_a_world_that_hangs_is_named():
    began = time.monotonic()
    # In a process of its own: compiled code cannot be stopped, and would keep a processor busy until pytest ends.
    child = subprocess.run(
        [sys.executable, "-c", HANG.format(tests=str(ROOT))],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ,
        check=True,
    )
    assert "world faulty, life (seed 1, selection, generation 3, life 13), genome 1, step 7: no step" in child.stdout
    assert "no step finished for 1 s; look for a loop without end in the world's code" in child.stdout
    assert time.monotonic() - began < 60


def test_weights_near_the_largest_float_are_no_fault_of_the_world(driver_for):
    driver = driver_for(faulty)
    newborns = newborns_for(driver.conditions)
    newborns.weights[:] = np.sign(newborns.weights) * np.float32(1e38)
    outcome, _ = live_alone(driver, newborns, 2, Plan(40))
    assert np.all((outcome.status == DIVERGED) | (outcome.skipped_updates > 0))


@pytest.mark.parametrize("world", [reward_by_action, faulty])
@pytest.mark.parametrize("rate", [1e3, 1e30, 1e38, 3e38])
def test_a_diverging_learner_is_no_fault_of_the_world(driver_for, world, rate):
    driver = driver_for(world)
    newborns = newborns_for(driver.conditions, learning_rate=rate, value_weight=1e3)
    plan = Plan(200, bin_steps=50)
    outcome, _ = live_alone(driver, newborns, 4, plan)
    assert set(outcome.status) <= {FINISHED, DIVERGED}
    assert np.all(np.isfinite(outcome.fitness))
    assert np.all(np.isfinite(life_fitness(outcome, world.fitness_rule, plan)))
    if rate >= 1e38:
        assert np.all((outcome.status == DIVERGED) | (outcome.skipped_updates > 0))


def test_a_life_whose_brain_diverged_earns_nothing_from_then_on(driver_for):
    driver = driver_for(constant_reward)
    newborns = newborns_for(driver.conditions, learning_rate=3e38, value_weight=1e3)
    plan = Plan(200, bin_steps=50)
    outcome, _ = live_alone(driver, newborns, 2, plan)
    assert np.all(outcome.status == DIVERGED)
    np.testing.assert_array_equal(outcome.age, outcome.fitness.sum(axis=1))
    assert np.all(outcome.age < 200)
    np.testing.assert_allclose(life_fitness(outcome, "mean per step", plan), outcome.age / 200)


@pytest.mark.parametrize(
    ("place", "poison"),
    [
        ("hidden1.weight", np.nan),
        ("hidden1.bias", np.nan),
        ("policy.bias", np.nan),
        ("value.weight", np.nan),
        # Infinities in the trunk only saturate it.
        ("policy.bias", np.inf),
        ("value.weight", np.inf),
    ],
)
def test_weights_that_are_not_numbers_never_pass_for_a_life(driver_for, poison, place):
    driver = driver_for(faulty)
    newborns = newborns_for(driver.conditions)
    start = 0
    for tensor in driver.conditions.brain.tensors:
        if tensor.name == place:
            newborns.weights[:, start : start + tensor.size] = poison
        start += tensor.size
    outcome, _ = live_alone(driver, newborns, 2, Plan(40))
    assert np.all(outcome.status == DIVERGED)
    assert np.all(outcome.age == 0)
