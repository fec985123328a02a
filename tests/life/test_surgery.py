"""Surgery in both drivers: what it changes, when, what stays held, what it leaves alone; and lesions built for it."""

import os
import pickle
import subprocess
import sys
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from evolearn.agent import BrainSpec, TorchBrain
from evolearn.cluster._tasks import Done, Order, Recipe, live_piece
from evolearn.cluster.lives import Lives
from evolearn.environment import code_identity
from evolearn.inspection._operations import (
    HOWS,
    changed_weights,
    intact,
    lesion_of_critic,
    lesion_of_drive,
    lesion_of_layer,
    lesion_of_observation,
    places,
    sham,
    stack_surgeries,
)
from evolearn.life import NO_SURGERIES, LifeFault, Plan, lives
from evolearn.life._fused import FusedDriver
from evolearn.life._stepwise import StepwiseDriver
from evolearn.life.records import FINISHED
from evolearn.rng import SELECTION, life_keys
from evolearn.world import find_world
from tests.helpers.compiled_environments import CompiledEnvironments, assert_same, toy
from tests.helpers.places import ROOT
from tests.helpers.probe_worlds import conditions_for, newborns_for, restless_box
from tests.helpers.surgeries import AT, LIFETIME, PLAN, RATE, live, live_for_comparison, newborns_in, rng, several

SPECS = {
    "layers": BrainSpec("mlp", 4, (6, 5), 2, "categorical"),
    "rectified": BrainSpec("relu", 4, (7,), 2, "gaussian"),
    "linear": BrainSpec("linear", 4, (), 3, "gaussian"),
}


@pytest.fixture(scope="module")
def driver(driver_for):
    return driver_for(restless_box, hidden=(7, 5), generic_drives=("linear_surprise",))


def weights_for(brain, seed=1):
    return rng(seed).standard_normal(brain.weights).astype(np.float32)


def operated(weights, operation):
    """The weights [W] after an operation of one row, by its definition."""
    factor, source, added_factor, added_source, constant = (array[0] for array in operation[:5])
    return (factor * weights[source] + added_factor * weights[added_source] + constant).astype(np.float32)


@pytest.fixture(scope="module")
def stepwise(driver):
    made = StepwiseDriver(driver.conditions, chunk=3, make_environments=CompiledEnvironments)
    yield made
    made.close()


@pytest.mark.parametrize("at", [0, AT, LIFETIME - 1])
def test_an_operation_that_changes_nothing_changes_no_bit(driver, at):
    plan = Plan(LIFETIME, bin_steps=40, final_weights=True, operate_at=at)
    expected, expected_trace = live(driver, steps=LIFETIME)
    outcome, trace = live(driver, intact(driver.conditions.brain), plan, steps=LIFETIME)
    assert_same(outcome, expected)
    assert_same(trace, expected_trace)
    assert (outcome.final_weights != newborns_in(driver).weights).mean() > 0.9, "they learn"


@pytest.mark.parametrize("how", HOWS)
def test_surgery_at_birth_is_a_newborn_with_these_weights(driver, how):
    brain = driver.conditions.brain
    newborns = newborns_in(driver)
    operation = lesion_of_layer(brain, "hidden1.weight", how, newborns.weights[0], rng())
    other = newborns._replace(weights=operated(newborns.weights[0], operation)[None])
    assert not np.array_equal(other.weights, newborns.weights)
    expected, expected_trace = live(driver, newborns=other, steps=LIFETIME)
    plan = Plan(LIFETIME, bin_steps=40, final_weights=True, operate_at=0)
    outcome, trace = live(driver, operation, plan, steps=LIFETIME)
    assert_same(outcome, expected)
    assert_same(trace, expected_trace)


def test_weights_drawn_at_birth_are_operated_on_too(driver):
    brain = driver.conditions.brain
    operation = lesion_of_critic(brain, "zero", held=True)
    newborns = newborns_in(driver, fresh=True)
    plan = Plan(LIFETIME, final_weights=True, learn_until=0, operate_at=0)
    before, _ = live(driver, plan=plan, newborns=newborns)
    outcome, _ = live(driver, operation, plan, newborns)
    np.testing.assert_array_equal(outcome.final_weights, [operated(row, operation) for row in before.final_weights])
    assert len(np.unique(before.final_weights, axis=0)) == 3


def test_nothing_changes_before_the_operation_and_much_from_that_step_on(driver):
    brain = driver.conditions.brain
    _, expected = live(driver, steps=LIFETIME)
    names = [tensor.name for tensor in brain.tensors]
    _, trace = live(driver, lesion_of_layer(brain, names, "zero", held=True), steps=LIFETIME)
    for name, array in trace._asdict().items():
        other = getattr(expected, name)
        assert array[:, :AT].tobytes() == other[:, :AT].tobytes(), name
    assert (trace.actions[:, AT] != expected.actions[:, AT]).any(axis=1).all(), "from the very step"


def test_held_weights_stay_and_all_others_learn_on(driver):
    brain = driver.conditions.brain
    whole, _ = live(driver)
    for held in (True, False):
        operation = lesion_of_observation(brain, 0, "zero", held=held)
        outcome, _ = live(driver, operation)
        cut = changed_weights(operation)
        assert (outcome.final_weights[:, cut] == 0.0).all() == held
        assert (outcome.final_weights[:, cut] != 0.0).all() == (not held)
        others = np.delete(np.arange(brain.weights), cut)
        assert (outcome.final_weights[:, others] != whole.final_weights[:, others]).mean() > 0.9
    # What is held need not have been changed: held at what it had learned until then.
    operation = intact(brain)
    operation.held[:, ::2] = 1
    until, _ = live(driver, plan=Plan(AT, final_weights=True))
    outcome, _ = live(driver, operation)
    np.testing.assert_array_equal(outcome.final_weights[:, ::2], until.final_weights[:, ::2])
    assert (outcome.final_weights[:, 1::2] != until.final_weights[:, 1::2]).mean() > 0.9


def test_one_lifes_operation_does_not_reach_the_next_on_the_same_desk(driver):
    brain = driver.conditions.brain
    both = stack_surgeries([lesion_of_critic(brain, "zero", held=True), intact(brain)])
    outcome, _ = live(driver, both)
    alone, _ = live(driver)
    newborn = newborns_in(driver, 2).weights[1]
    assert not np.array_equal(newborn, newborns_in(driver).weights[0])
    critic = changed_weights(lesion_of_critic(brain, "zero"))
    assert (outcome.final_weights[:3, critic] == 0.0).all()
    assert (outcome.final_weights[3:, critic] != newborn[critic]).all()
    assert alone.final_weights.shape == (3, brain.weights)


def test_drive_weights_change_learning_only_and_only_from_then_on(driver):
    brain, newborns = driver.conditions.brain, newborns_in(driver)
    expected, expected_trace = live(driver, steps=LIFETIME)
    operation = lesion_of_drive(brain, newborns.drives[0], 0, "zero")
    at = 48  # a multiple of the window
    plan = Plan(LIFETIME, bin_steps=40, final_weights=True, operate_at=at)
    outcome, trace = live(driver, operation, plan, steps=LIFETIME)
    window = driver.conditions.window
    assert trace.actions[:, : at + window].tobytes() == expected_trace.actions[:, : at + window].tobytes()
    assert (trace.actions[:, at + window] != expected_trace.actions[:, at + window]).any(axis=1).all()
    assert (outcome.final_weights != expected.final_weights).mean() > 0.9
    wanting = newborns._replace(drives=operation.drives)
    from_birth, _ = live(driver, newborns=wanting)
    at_birth, _ = live(driver, operation, Plan(LIFETIME, bin_steps=40, final_weights=True, operate_at=0))
    assert_same(at_birth, from_birth)


def test_nan_leaves_a_drive_weight_as_it_was_born(driver):
    newborns = newborns_in(driver)
    operation = lesion_of_drive(driver.conditions.brain, newborns.drives[0], 1, "zero")
    same = operation._replace(
        drives=np.where(operation.drives == newborns.drives, np.float32(np.nan), operation.drives)
    )
    assert np.isnan(same.drives).sum() == newborns.drives.shape[1] - 1
    assert_same(live(driver, same)[0], live(driver, operation)[0])


@pytest.mark.parametrize(
    "plan",
    [PLAN, Plan(LIFETIME, learn_from=20, learn_until=90, final_weights=True, operate_at=AT), Plan(60, operate_at=0)],
    ids=["learning", "learning for a while", "at birth"],
)
def test_fused_and_stepwise_surgery_is_bitwise_the_same(driver, stepwise, plan):
    surgeries = several(driver)
    expected, expected_trace = live(driver, surgeries, plan, steps=plan.lifetime)
    outcome, trace = live(stepwise, surgeries, plan, steps=plan.lifetime)
    assert_same(outcome, expected)
    assert_same(trace, expected_trace)
    assert outcome.status.tolist() == [FINISHED] * len(outcome.status)
    if plan.final_weights:
        assert len(np.unique(outcome.final_weights, axis=0)) == len(outcome.final_weights), "every operation matters"


def test_workers_of_the_stepwise_driver_operate_alike():
    conditions = toy()
    brain = conditions.brain
    alone, crew = StepwiseDriver(conditions), StepwiseDriver(conditions, workers=2, chunk=2)
    surgeries = stack_surgeries([lesion_of_critic(brain, "zero", held=True), lesion_of_observation(brain, 0, "zero")])
    try:
        expected, _ = live(alone, surgeries)
        assert_same(live(crew, surgeries)[0], expected)
        critic = changed_weights(lesion_of_critic(brain, "zero"))
        assert (expected.final_weights[:3, critic] == 0.0).all()
        assert (expected.final_weights[3:, critic] != 0.0).all()
    finally:
        alone.close()
        crew.close()


@settings(max_examples=8)
@given(
    chosen=st.lists(st.integers(0, 7), min_size=1, max_size=9),
    workers=st.integers(1, 3),
    piece_steps=st.sampled_from([1, 300, 60_000]),
)
def test_company_order_workers_and_pieces_change_no_bit(driver_for, chosen, workers, piece_steps):
    one = driver_for(restless_box, hidden=(7, 5), generic_drives=("linear_surprise",))
    many = driver_for(restless_box, workers=workers, hidden=(7, 5), generic_drives=("linear_surprise",))
    newborns, surgeries = newborns_in(one, 8), several(one)
    expected, _ = live(one, surgeries, newborns=newborns)
    with mock.patch("evolearn.life._fused.PIECE_STEPS", piece_steps):
        outcome, _ = live(many, surgeries.rows(chosen), newborns=newborns.rows(chosen))
    rows = (3 * np.array(chosen)[:, None] + np.arange(3)).reshape(-1)
    assert_same(outcome, type(outcome)(*(array[rows] for array in expected)))


def test_a_clusters_task_operates_as_this_process_does():
    conditions = conditions_for(find_world("cart-pole"), hidden=(7, 5))
    surgeries = several(SimpleNamespace(conditions=conditions))
    newborns = newborns_for(conditions, len(surgeries.factor), **RATE)
    genomes, keys = np.arange(8), life_keys(4, SELECTION, 2, 8)
    driver = FusedDriver(conditions)
    expected, _ = lives(driver, conditions, newborns, genomes, keys, PLAN, surgeries=surgeries)
    order = Order(pickle.dumps(Recipe.of(conditions, "cart-pole", 30.0)), code_identity())
    for array in (*newborns, *surgeries):
        array.flags.writeable = False  # as they come from the object store
    lived = live_piece(order, Lives(newborns, genomes, keys, PLAN, surgeries))
    assert isinstance(lived, Done)
    assert_same(*lived.result, expected)


def test_each_piece_of_a_job_takes_its_lives_surgeries_along(driver):
    surgeries, genomes = several(driver), np.array([5, 2, 5, 7])
    own, rows = newborns_in(driver, 8).of_lives(genomes)
    for name, array in surgeries.of_lives(genomes)._asdict().items():
        assert len(array) == len(own.weights)
        np.testing.assert_array_equal(array[rows], getattr(surgeries, name)[genomes], err_msg=name)
    assert NO_SURGERIES.of_lives(genomes) is NO_SURGERIES


def test_a_fault_after_surgery_is_raised_as_ever():
    driver = StepwiseDriver(toy(fails="reward", unlucky=1.0, at=4, length=1000))
    with pytest.raises(LifeFault, match=r"genome 0, step 3: fitness is not finite"):
        live(driver, intact(driver.conditions.brain), Plan(20, operate_at=2))
    driver.close()


PLAIN = """
import sys; sys.path.insert(0, {tests!r})
import numpy as np
from tests.helpers.surgeries import live_for_comparison
np.savez({out!r}, **live_for_comparison())
"""


def test_plain_python_operates_alike(tmp_path):
    script = PLAIN.format(tests=str(ROOT), out=str(tmp_path / "plain.npz"))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    plain = np.load(tmp_path / "plain.npz")
    for name, array in live_for_comparison().items():
        np.testing.assert_allclose(array, plain[name], rtol=1e-4, atol=1e-5, err_msg=name)


# Lesions against the brain of torch.


def think(brain, weights, observations):
    module = TorchBrain(brain).double()
    module.load_flat(weights)
    with torch.no_grad():
        parameters, value = module(torch.from_numpy(observations))
    return np.concatenate([parameters.numpy(), value.numpy()[:, None]], axis=1)


@pytest.mark.parametrize("brain", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("observation", [0, 3])
@pytest.mark.parametrize(("how", "shown"), [("zero", 0.0), ("mean", -1.3)])
def test_a_lesion_of_an_observation_is_a_brain_that_is_shown_a_constant(brain, observation, how, shown):
    weights = weights_for(brain)
    observations = rng(2).standard_normal((20, 4))
    operation = lesion_of_observation(brain, observation, how, mean=shown)
    found = think(brain, operated(weights, operation), observations)
    constant = observations.copy()
    constant[:, observation] = shown
    np.testing.assert_allclose(found, think(brain, weights, constant), rtol=1e-5, atol=1e-5)
    assert np.abs(found - think(brain, weights, observations)).max() > 0.1


def test_the_kernel_operates_as_the_definition_says(driver):
    plan = Plan(40, final_weights=True, learn_until=0, operate_at=20)
    surgeries = several(driver)
    newborns = newborns_in(driver, len(surgeries.factor))
    outcome, _ = live(driver, surgeries, plan, newborns)
    for row in range(len(surgeries.factor)):
        expected = operated(newborns.weights[row], surgeries.rows([row]))
        np.testing.assert_allclose(outcome.final_weights[3 * row], expected, rtol=1e-6)


@pytest.mark.parametrize("brain", SPECS.values(), ids=SPECS)
def test_permuted_weights_are_the_same_numbers_elsewhere(brain):
    weights = weights_for(brain)
    for operation, reach in (
        (lesion_of_observation(brain, 1, "permuted", rng=rng()), None),
        (lesion_of_layer(brain, ("policy.weight", "policy.bias"), "permuted", rng=rng(), held=True), "policy"),
        (lesion_of_critic(brain, "permuted", rng=rng()), "value.weight"),
    ):
        after = operated(weights, operation)
        changed = np.flatnonzero(after != weights)
        assert changed.size > 1
        np.testing.assert_array_equal(np.sort(after), np.sort(weights))
        names = {name for name, block in places(brain).items() if np.isin(changed, block).any()}
        assert reach is None or all(name.startswith(reach) for name in names)


def test_a_permutation_keeps_each_tensors_numbers():
    brain = SPECS["layers"]
    weights = weights_for(brain)
    names = [tensor.name for tensor in brain.tensors]
    after = operated(weights, lesion_of_layer(brain, names, "permuted", rng=rng()))
    for name, block in places(brain).items():
        np.testing.assert_array_equal(np.sort(after[block], None), np.sort(weights[block], None), err_msg=name)


def test_a_layer_can_be_set_to_its_means():
    brain = SPECS["layers"]
    weights = weights_for(brain)
    after = operated(weights, lesion_of_layer(brain, ("hidden2.weight", "policy.bias"), "mean", weights))
    for name, block in places(brain).items():
        expected = weights[block].mean() if name in ("hidden2.weight", "policy.bias") else weights[block]
        np.testing.assert_allclose(after[block], np.broadcast_to(expected, block.shape), rtol=1e-5, err_msg=name)


def test_a_brain_without_a_critic_acts_as_before():
    brain = SPECS["rectified"]
    weights, observations = weights_for(brain), rng(2).standard_normal((5, 4))
    cut = think(brain, operated(weights, lesion_of_critic(brain, "zero")), observations)
    whole = think(brain, weights, observations)
    np.testing.assert_array_equal(cut[:, :-1], whole[:, :-1])
    assert (cut[:, -1] == 0.0).all()
    assert (whole[:, -1] != 0.0).all()


def test_operations_that_leave_drives_alone_do_so_beside_one_that_does_not():
    brain, wants = SPECS["layers"], np.float32([1.0, 2.0])
    both = stack_surgeries([lesion_of_critic(brain, "zero"), lesion_of_drive(brain, wants, 1, "zero")])
    np.testing.assert_array_equal(both.drives, [[np.nan, np.nan], [1.0, 0.0]])
    assert stack_surgeries([intact(brain), intact(brain)]).drives.shape == (2, 0)


def test_drives_lose_their_weight_take_the_mean_or_change_places():
    brain, wants = SPECS["layers"], np.float32([1.0, 2.0, 6.0])
    assert lesion_of_drive(brain, wants, 1, "zero").drives.tolist() == [[1.0, 0.0, 6.0]]
    assert lesion_of_drive(brain, wants, 0, "mean").drives.tolist() == [[3.0, 2.0, 6.0]]
    swapped = {tuple(lesion_of_drive(brain, wants, 0, "permuted", rng(seed)).drives[0].tolist()) for seed in range(20)}
    assert swapped == {(2.0, 1.0, 6.0), (6.0, 2.0, 1.0)}
    assert not changed_weights(lesion_of_drive(brain, wants, 1, "zero")).size


@pytest.mark.parametrize("brain", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("how", HOWS)
def test_a_sham_does_the_same_to_as_many_other_weights(brain, how, held):
    weights = weights_for(brain)
    operation = lesion_of_observation(brain, 2, how, mean=0.4, rng=rng(), held=held)
    counterfeit = sham(operation, brain, rng(3))
    for name in ("factor", "added_factor", "held"):
        np.testing.assert_array_equal(
            np.sort(getattr(counterfeit, name)), np.sort(getattr(operation, name)), err_msg=name
        )
    true_places, drawn = changed_weights(operation), changed_weights(counterfeit)
    assert len(true_places) == len(drawn)
    assert not np.array_equal(true_places, drawn)
    after = operated(weights, counterfeit)
    if how == "permuted":
        np.testing.assert_array_equal(np.sort(after), np.sort(weights))
        assert (after != weights).sum() == (operated(weights, operation) != weights).sum()
    else:
        assert (after == 0.0).sum() == (operated(weights, operation) == 0.0).sum()
    if how == "mean":
        taken_up = np.flatnonzero(counterfeit.added_factor[0])
        gone = np.flatnonzero(counterfeit.factor[0] == 0.0)
        assert sorted(counterfeit.added_source[0, taken_up]) == gone.tolist()


def test_shams_are_drawn_from_the_whole_brain_but_its_log_stdevs():
    brain = SPECS["rectified"]
    operation = lesion_of_critic(brain, "zero")
    drawn = [changed_weights(sham(operation, brain, rng(seed))) for seed in range(200)]
    assert all(len(one) == 8 for one in drawn)
    stdevs = places(brain)["policy.log_stdev"]
    assert np.array_equal(np.unique(np.concatenate(drawn)), np.setdiff1d(np.arange(brain.weights), stdevs))


# What a caller can do wrong.


def test_surgeries_that_do_not_fit_are_refused(driver):
    brain = driver.conditions.brain
    newborns = newborns_in(driver)
    keys = life_keys(4, SELECTION, 2, 1)
    good = lesion_of_drive(brain, newborns.drives[0], 0, "zero")

    def refused(surgeries=good, at=AT, text=""):
        plan = Plan(LIFETIME, operate_at=at)
        with pytest.raises(ValueError, match=text):
            lives(driver, driver.conditions, newborns, np.zeros(1, np.int64), keys, plan, surgeries=surgeries)

    refused(at=None, text="plan.operate_at=None, with 1 surgeries: must be an age")
    refused(NO_SURGERIES, text="plan.operate_at=50: give surgeries, one row per newborn, or leave it None")
    refused(at=LIFETIME, text=r"plan.operate_at=130: must be 0 .. 129, within the lifetime")
    refused(at=-1, text=r"plan.operate_at=-1: must be 0 .. 129")
    size = brain.weights
    refused(
        stack_surgeries([good, good]), text=rf"surgeries.factor: float32 \[2, {size}\]: must be float32 \[1, {size}\]"
    )
    refused(good._replace(held=good.held.astype(bool)), text="surgeries.held: bool .* must be uint8")
    refused(good._replace(drives=good.drives[:, :1].copy()), text=r"surgeries.drives: .* \[1, 1\]: must be")
    frozen = good.constant.copy()
    frozen.flags.writeable = False
    refused(good._replace(constant=frozen), text="surgeries.constant: .* writeable")
    for name in ("source", "added_source"):
        for outside in (-1, size):
            wrong = getattr(good, name).copy()
            wrong[0, 3] = outside
            refused(good._replace(**{name: wrong}), text=rf"surgeries.{name}: .*must be within 0 .. {size - 1}")


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda brain: lesion_of_observation(brain, 4, "zero"), r"observation=4: must be 0 .. 3"),
        (lambda brain: lesion_of_observation(brain, 0, "cut"), "how='cut': must be one of zero, mean, permuted"),
        (lambda brain: lesion_of_observation(brain, 0, "permuted"), "rng=None: how='permuted' needs a generator"),
        (lambda brain: lesion_of_observation(brain, 0, "mean", np.nan), "mean=nan: must be finite"),
        (lambda brain: lesion_of_layer(brain, "hidden9.weight", "zero"), r"names=\['hidden9.weight'\]: must be one or"),
        (lambda brain: lesion_of_layer(brain, (), "zero"), r"names=\[\]: must be one or more of hidden1.weight"),
        (lambda brain: lesion_of_critic(brain, "mean"), "weights of shape None: how='mean' needs the newborn's"),
        (lambda brain: lesion_of_critic(brain, "mean", np.zeros(3)), r"weights of shape \[3\]: how='mean' needs"),
        (lambda brain: lesion_of_drive(brain, np.ones(2), 2, "zero"), r"drive=2: must be 0 .. 1"),
        (lambda brain: lesion_of_drive(brain, np.ones(1), 0, "permuted", rng()), "is the only one"),
        (lambda brain: stack_surgeries([]), "surgeries: none are given"),
        (lambda brain: sham(stack_surgeries([intact(brain)] * 2), brain, rng()), "operation: has 2 rows, must be one"),
    ],
)
def test_lesions_out_of_range_are_refused(build, text):
    with pytest.raises(ValueError, match=text):
        build(SPECS["layers"])


def test_a_sham_that_finds_too_few_weights_is_refused():
    brain = SPECS["rectified"]
    everything = lesion_of_layer(brain, [tensor.name for tensor in brain.tensors], "zero")
    with pytest.raises(ValueError, match="log_stdev; leave that out of the operation"):
        sham(everything, brain, rng())
