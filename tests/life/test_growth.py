"""Lives of brains that grow: what a weight comes to at an age, in both drivers, alone and together; and deprivation."""

import dataclasses
from unittest import mock

import numpy as np
import pytest

from evolearn.agent import TRUNCATED, BrainSpec, timetable_names, timetables
from evolearn.inspection._operations import intact, stack_surgeries
from evolearn.life import FROM_UNIFORM, Job, Plan, empty_outcome, empty_trace, lives, traced_lives
from evolearn.life._stepwise import StepwiseDriver
from evolearn.rng import SELECTION, life_keys
from evolearn.world import WorldError
from tests.helpers.compiled_environments import ALWAYS, CompiledEnvironments, assert_same
from tests.helpers.probe_worlds import newborns_for, restless, restless_box
from tests.helpers.same_lives import BORN_AS, KEYS, lived_by_both_drivers, lived_in_company

LIFE, WINDOW = 90, 10
GROWS = {"hidden": (6,), "growth": ("weights", "rate"), "grown_life": LIFE, "window": WINDOW}
PLANS = {
    "learning": Plan(LIFE, bin_steps=30, final_weights=True),
    "learning for a while": Plan(LIFE, learn_from=20, learn_until=60, bin_steps=30, final_weights=True),
    "fixed": Plan(LIFE, learn_until=0, bin_steps=30, final_weights=True),
    "deprived": Plan(LIFE, learn_from=40, bin_steps=30, final_weights=True, deprived_until=40),
    "uniform": Plan(LIFE, source=FROM_UNIFORM, bin_steps=30),
}


@pytest.fixture(scope="module", params=["box", "choices", "gru"])
def growing(request, driver_for):
    """A maker of drivers for lives of brains that grow."""
    world = restless_box if request.param == "box" else restless
    how = GROWS | ({"trunk": "gru", "memory": "life"} if request.param == "gru" else {})
    return lambda workers=1, **other: driver_for(world, workers, **(how | other))


def newborns_of(conditions, count=3, **genes):
    """Newborns whose weights, timetables and late rates differ, where they grow."""
    rng = np.random.default_rng(8)
    kinds, weights = len(timetable_names(conditions.brain)), timetables(conditions.brain).size
    drawn = {
        "grown": 1.0,
        "grown_weight": rng.standard_normal(weights),
        "grown_onset": rng.uniform(0.2, 0.8, kinds),
        "grown_width": rng.uniform(0.02, 0.2, kinds),
        "late_rate": 3.0,
        "late_onset": 0.3,
    }
    return newborns_for(conditions, count, **ALWAYS, **((drawn if conditions.brain.growth else {}) | genes))


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_both_drivers_live_the_same(plan, growing):
    driver = growing()
    lived_by_both_drivers(driver, newborns_of(driver.conditions), plan)


@pytest.mark.parametrize("team", [1, 2, 7])
def test_company_teams_and_pieces_change_no_bit(team, growing):
    alone, together = growing(), growing(workers=2)
    newborns, plan = newborns_of(alone.conditions), PLANS["learning"]
    lived_in_company(alone, together, newborns, plan, team)


@pytest.mark.parametrize("plan", [PLANS["learning"], PLANS["fixed"]], ids=["learning", "fixed"])
def test_who_does_not_change_lives_as_who_cannot(plan, growing):
    driver, plain = growing(), growing(growth=(), grown_life=0)
    still = newborns_of(driver.conditions, grown=0.0, late_rate=1.0)
    expected, expected_traces = traced_lives(plain, newborns_of(plain.conditions), BORN_AS, KEYS, plan)
    outcome, traces = traced_lives(driver, still, BORN_AS, KEYS, plan)
    assert_same(outcome, expected)
    assert_same(traces, expected_traces)


def grown_weights(brain, newborns, genes, age):
    """Weights [P, W] at an age by the definition, in double precision."""
    of = timetables(brain)
    late = (age / LIFE - genes["grown_onset"][of]) / genes["grown_width"][of]
    expected = newborns.weights.astype(np.float64)
    expected[:, : of.size] += (genes["grown_weight"] - expected[:, : of.size]) / (1.0 + np.exp(-late))
    return expected


def genes_of(conditions, newborns):
    """The genes of growth of the first newborn, by name."""
    from evolearn.agent import find_learner

    found, start = {}, 0
    for gene in find_learner(conditions.learner).genes(conditions.brain):
        found[gene.name] = newborns.plasticity[0, start : start + gene.size].astype(np.float64)
        start += gene.size
    return found


@pytest.mark.parametrize("lifetime", [1, 41, LIFE])
def test_weights_are_what_the_timetable_says_at_the_last_window(lifetime, growing):
    driver = growing()
    brain, newborns = driver.conditions.brain, newborns_of(driver.conditions)
    plan = Plan(lifetime, learn_until=0, final_weights=True)
    outcome, _ = lives(driver, driver.conditions, newborns, BORN_AS, KEYS, plan)
    age = (lifetime - 1) // WINDOW * WINDOW
    expected = grown_weights(brain, newborns, genes_of(driver.conditions, newborns), age)[BORN_AS]
    np.testing.assert_allclose(outcome.final_weights, expected, atol=1e-5)
    assert (lifetime == 1) == (np.abs(outcome.final_weights - newborns.weights[BORN_AS]).max() < 0.2)


def test_lives_that_share_their_weights_grow_as_others(driver_for):
    driver = driver_for(restless, 1, **GROWS, trunk="gru", memory="life")
    newborns, plan = newborns_of(driver.conditions), PLANS["fixed"]
    genomes, keys = np.repeat(np.arange(3), 40), np.tile(life_keys(5, SELECTION, 1, 40), (3, 1))
    job = Job(newborns, genomes, keys, plan, *_empty(driver, len(genomes), plan))
    assert driver._shares(job)
    driver.live(job)
    with mock.patch.object(driver, "_shares", return_value=False):
        apart, _ = lives(driver, driver.conditions, newborns, genomes, keys, plan)
    assert_same(job.outcome, apart)


def _empty(driver, count, plan):
    conditions = driver.conditions
    outcome = empty_outcome(count, plan, len(conditions.drive_names), conditions.brain.weights)
    return outcome, empty_trace(0, conditions)


def test_a_learning_rate_that_grows_to_nothing_ends_learning(growing):
    driver = growing()
    closed = newborns_of(driver.conditions, grown=0.0, late_rate=1e-12, late_onset=0.5, late_width=1e-4)
    learned = {}
    for lifetime in (50, LIFE):
        plan = Plan(lifetime, final_weights=True)
        learned[lifetime] = lives(driver, driver.conditions, closed, BORN_AS, KEYS, plan)[0].final_weights
    np.testing.assert_allclose(learned[LIFE], learned[50], atol=1e-7)
    assert np.abs(learned[50] - closed.weights[BORN_AS]).max() > 0.01


def test_what_an_operation_holds_does_not_grow(growing):
    driver = growing()
    brain, newborns = driver.conditions.brain, newborns_of(driver.conditions)
    given = np.linspace(-1.0, 1.0, brain.weights, dtype=np.float32)[None]
    held = np.ones((1, brain.weights), np.uint8)
    nothing = np.zeros((1, brain.weights), np.float32)
    one = intact(brain)._replace(factor=nothing, constant=given, held=held)
    plan = Plan(LIFE, learn_until=0, final_weights=True, operate_at=40)
    outcome, _ = lives(
        driver, driver.conditions, newborns, BORN_AS, KEYS, plan, surgeries=stack_surgeries([one, one, one])
    )
    np.testing.assert_array_equal(outcome.final_weights, np.tile(given, (5, 1)))
    free = stack_surgeries([one._replace(held=np.zeros_like(held))] * 3)
    outcome, _ = lives(driver, driver.conditions, newborns, BORN_AS, KEYS, plan, surgeries=free)
    genes = genes_of(driver.conditions, newborns)
    ages = [grown_weights(brain, newborns, genes, age)[0] for age in (30, LIFE - WINDOW)]
    np.testing.assert_allclose(outcome.final_weights[0], given[0] + ages[1] - ages[0], atol=1e-5)


def test_who_is_deprived_sees_nothing_and_grows_all_the_same(growing):
    driver = growing()
    newborns = newborns_of(driver.conditions)
    seeing, _ = lives(driver, driver.conditions, newborns, BORN_AS, KEYS, PLANS["fixed"])
    plan = dataclasses.replace(PLANS["fixed"], deprived_until=40)
    outcome, trace = traced_lives(driver, newborns, BORN_AS, KEYS, plan)
    assert not trace.observations[:, :40].any()
    assert trace.observations[:, 40:].any(axis=(0, 2)).all()
    assert trace.next_observations[:, :39].any()
    np.testing.assert_array_equal(outcome.final_weights, seeing.final_weights)


def test_an_episode_may_begin_at_an_age(growing):
    driver = growing()
    newborns = newborns_of(driver.conditions)
    _, before = traced_lives(driver, newborns, BORN_AS, KEYS, PLANS["fixed"])
    at = next(age for age in range(2, LIFE) if not before.ends[:, age - 1].any())
    _, trace = traced_lives(driver, newborns, BORN_AS, KEYS, dataclasses.replace(PLANS["fixed"], episode_at=at))
    assert (trace.ends[:, at - 1] == TRUNCATED).all()
    np.testing.assert_array_equal(trace.ends[:, : at - 1], before.ends[:, : at - 1])
    assert (trace.observations[:, at] != before.observations[:, at]).any()


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (Plan(90, deprived_until=20), r"plan\.learn_from=0: must be at least plan\.deprived_until=20"),
        (Plan(90, episode_at=90), r"plan\.episode_at=90: must be 1 \.\. 89"),
    ],
)
def test_plans_that_say_what_cannot_be_are_refused(plan, text, growing):
    driver = growing()
    with pytest.raises(ValueError, match=text):
        lives(driver, driver.conditions, newborns_of(driver.conditions), BORN_AS, KEYS, plan)


def test_only_compiled_worlds_begin_an_episode_at_an_age(growing):
    stepwise = StepwiseDriver(growing().conditions, make_environments=CompiledEnvironments)
    plan = dataclasses.replace(PLANS["fixed"], episode_at=40)
    with pytest.raises(WorldError, match=r"plan\.episode_at=40: must be None in world restless"):
        lives(stepwise, stepwise.conditions, newborns_of(stepwise.conditions), BORN_AS, KEYS, plan)


def test_senses_layers_and_heads_have_timetables_of_their_own():
    brain = BrainSpec("mlp", 2, (3,), 1, "gaussian", prediction="numbers")
    assert timetable_names(brain) == ("sense 0", "sense 1", "hidden1", "policy", "value")
    assert timetables(brain).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 4, 3]
    flat = BrainSpec("linear", 2, (), 2, "categorical")
    assert timetable_names(flat) == ("sense 0", "sense 1", "policy", "value")
    assert timetables(flat).tolist() == [0, 1, 0, 1, 0, 1, 2, 2, 3]
