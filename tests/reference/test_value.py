"""An innate value as potential: its numbers, and that it is the start of a critic and of a table of action values.

Read in acting: what it adds to every choice, and what is learned then; and the same of what a critic expects.
"""

import dataclasses

import numpy as np
import pytest

from evolearn.agent import GOES_ON, OPTIMISERS, TERMINATED, TRUNCATED
from evolearn.life import FROM_UNIFORM, Plan, lives
from evolearn.life._fused import FusedDriver
from evolearn.life._stepwise import StepwiseDriver
from evolearn.rng import SELECTION, life_keys
from tests.helpers.chain import CELLS, chain
from tests.helpers.compiled_environments import CompiledEnvironments
from tests.helpers.probe_worlds import SETTINGS, conditions_for, fated_anew, newborns_for, restless, restless_box

DISCOUNT = 0.9
CRITIC = {"acting": True, "learned": True}


def network(spec, numbers, observations):
    """The innate value of observations [n, O], NumPy's, in double precision."""
    rows, start = np.asarray(observations, np.float64), 0
    for number, (inputs, units) in enumerate(zip(spec.layers[:-1], spec.layers[1:], strict=True)):
        matrix = numbers[start : start + inputs * units].reshape(inputs, units)
        bias = numbers[start + inputs * units : start + (inputs + 1) * units]
        start += (inputs + 1) * units
        rows = rows @ matrix.astype(np.float64) + bias
        if number < len(spec.hidden):
            rows = np.tanh(rows)
    assert start == spec.weights
    return rows[:, 0]


@pytest.mark.parametrize("hidden", [(), (5,), (4, 9)], ids=str)
@pytest.mark.parametrize("plan", [Plan(150), Plan(150, learn_until=0), Plan(150, source=FROM_UNIFORM)], ids=str)
def test_the_reward_felt_is_shaped_by_the_potential_and_told_so(hidden, plan, driver_for):
    driver = driver_for(
        restless_box, inputs=("observation", "last_reward"), memory="life", value={"hidden": hidden, "potential": True}
    )
    wants = {"fitness": 0.7, "gain": -0.4, "age": 0.2}
    newborns = newborns_for(driver.conditions, drives=wants, discount=DISCOUNT)
    keys = life_keys(2, SELECTION, 5, 1)
    _, trace = lives(driver, driver.conditions, newborns, np.zeros(1, int), keys, plan, 150)
    assert {GOES_ON, TERMINATED, TRUNCATED} == set(trace.ends)
    spec = driver.conditions.value
    now, after = (network(spec, newborns.value[0], seen) for seen in (trace.observations, trace.next_observations))
    plain = trace.drives @ newborns.drives[0].astype(np.float64)
    shaped = plain + DISCOUNT * np.where(trace.ends == TERMINATED, 0.0, after) - now
    assert np.abs(shaped - plain).max() > 0.5
    np.testing.assert_allclose(trace.told[1:, -1], shaped[:-1], rtol=1e-4, atol=1e-5)


def reading_ahead(world, beta, seed=4, **how):
    """Conditions of linear brains that act by a linear value, or critic; a newborn, and what choices add by hand.

    Returns:
        Conditions, newborns, and weights [choices, O] and biases [choices] of beta x V(s + change) as it is predicted.
    """
    how = {"hidden": (), "trunk": "linear", "prediction": True, "value": {"acting": True}} | how
    conditions = conditions_for(world, **how)
    newborns = newborns_for(conditions, seed=seed, discount=DISCOUNT, learning_rate=0.003, prediction_rate=0.0)
    brain = conditions.brain
    choices, seen = brain.actions, brain.observations
    size = choices * brain.outcomes * seen
    model = 0.5 * np.random.default_rng(seed).standard_normal(brain.predicting)
    matrices, biases = model[:size].reshape(choices, -1, seen), model[size:].reshape(choices, -1)
    matrices[:, -1], biases[:, -1] = 0.0, 0.0  # no end is predicted
    newborns.weights[0, -brain.predicting :] = model
    newborns.value[0, -1] = beta
    value, constant = newborns.value[0, :seen], newborns.value[0, seen : seen + 1]
    if conditions.value.learned:
        heads = choices * seen
        value, constant = newborns.weights[0, heads : heads + seen], newborns.weights[0, (heads + seen) + choices]
    return (
        conditions,
        newborns,
        beta * (value + np.einsum("o,koi->ki", value, matrices[:, :seen])),
        beta * (biases[:, :seen] @ value + constant),
    )


@pytest.mark.parametrize(
    ("learns", "value"),
    [(False, {"acting": True}), (True, {"acting": True}), (False, CRITIC)],
    ids=["fixed", "learning", "fixed, critic"],
)
def test_the_policy_that_reads_value_ahead_is_the_one_that_acts_and_the_one_that_learns(learns, value):
    """With everything linear it is a linear policy: one that has these weights from birth lives the same."""
    conditions, newborns, weights, biases = reading_ahead(restless, beta=1.7, value=value)
    plain = conditions_for(restless, hidden=(), trunk="linear", prediction=True)
    same = newborns._replace(weights=newborns.weights.copy(), value=newborns.value[:, :0].copy())
    same.weights[0, :6] += weights.reshape(-1)
    same.weights[0, 8:11] += biases
    keys, plan = life_keys(21, SELECTION, 2, 1), Plan(96, learn_until=None if learns else 0, final_weights=True)
    lived = [
        lives(FusedDriver(of), of, born, np.zeros(1, int), keys, plan, 96)
        for of, born in ((conditions, newborns), (plain, same))
    ]
    (first, first_trace), (second, second_trace) = lived
    np.testing.assert_array_equal(first_trace.actions, second_trace.actions)
    assert len(set(first_trace.actions[:, 0])) == 3
    learned = first.final_weights - newborns.weights
    assert (np.abs(learned[0, :12]).min() > 1e-4) == learns
    np.testing.assert_allclose(learned, second.final_weights - same.weights, rtol=0.01, atol=1e-6)
    none = newborns._replace(value=np.zeros_like(newborns.value))
    _, blind = lives(FusedDriver(conditions), conditions, none, np.zeros(1, int), keys, plan, 96)
    assert (blind.actions != first_trace.actions).any(), "value matters"


def test_a_critic_that_is_read_is_the_one_that_life_has_taught_so_far():
    """A life of six windows, all linear, by hand: what is read is a constant to the policy's gradient."""
    settings = SETTINGS._replace(optimiser=OPTIMISERS["sgd"], gradient_norm=1e9)
    beta, rate, window = 1.7, 0.05, 16
    conditions, newborns, *_ = reading_ahead(restless, beta, value=CRITIC, settings=settings, window=window)
    brain = conditions.brain
    newborns.plasticity[0, :5] = rate, DISCOUNT, 0.8, 0.03, 0.7
    keys, plan = life_keys(21, SELECTION, 2, 1), Plan(96, final_weights=True)
    outcome, trace = lives(FusedDriver(conditions), conditions, newborns, np.zeros(1, int), keys, plan, 96)
    assert {GOES_ON, TERMINATED, TRUNCATED} == set(trace.ends)
    born = newborns.weights[0].astype(np.float64)
    heads, biases, model = born[:8].reshape(4, 2), born[8:12], born[12:]  # three choices, then the critic
    size = brain.actions * brain.outcomes * 2
    matrices, shifts = model[:size].reshape(3, -1, 2)[:, :2], model[size:].reshape(3, -1)[:, :2]
    for start in range(0, 96, window):
        rows = slice(start, start + window)
        seen, after = trace.observations[rows].astype(np.float64), trace.next_observations[rows].astype(np.float64)
        worth, then = (shown @ heads[3] + biases[3] for shown in (seen, after))
        ahead = (seen[:, None] + np.einsum("koi,ti->tko", matrices, seen) + shifts) @ heads[3] + biases[3]
        logits = seen @ heads[:3].T + biases[:3] + beta * ahead
        likely = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        advantages, advantage = np.zeros(window), 0.0
        for t in reversed(range(window)):
            end = trace.ends[rows][t]
            error = trace.fitness[rows][t] + DISCOUNT * then[t] * (end != TERMINATED) - worth[t]
            advantages[t] = advantage = error + DISCOUNT * 0.8 * advantage * (end == GOES_ON)
        taken = np.eye(3)[trace.actions[rows, 0].astype(int)]
        entropy = -(likely * np.log(likely)).sum(axis=1, keepdims=True)
        rise = advantages[:, None] * (taken - likely) - 0.03 * likely * (np.log(likely) + entropy)
        slopes = np.column_stack([rise, 0.7 * advantages]) * rate / window
        heads, biases = heads + slopes.T @ seen, biases + slopes.sum(axis=0)
    found = outcome.final_weights[0]
    assert np.abs(heads[3] - born[6:8]).min() > 0.05, "the critic has learned"
    np.testing.assert_allclose(found[:12], np.concatenate([heads.reshape(-1), biases]), rtol=1e-3, atol=1e-5)


def test_a_critic_behind_hidden_layers_is_read_through_them():
    how = {"hidden": (5,), "trunk": "mlp", "prediction": True, "value": CRITIC}
    conditions = conditions_for(restless, **how)
    newborns, brain = newborns_for(conditions, seed=4), conditions.brain
    rng = np.random.default_rng(4)
    newborns.weights[0] = rng.standard_normal(brain.weights)
    newborns.value[0, 0] = 1e4
    blocks = dict(
        zip(
            [tensor.name for tensor in brain.tensors],
            np.split(newborns.weights[0], np.cumsum([tensor.size for tensor in brain.tensors])[:-1]),
            strict=True,
        )
    )
    blocks["prediction.bias"].reshape(3, -1)[:, -1] = -1e3  # no end is predicted

    def thought(shown):
        return np.tanh(shown @ blocks["hidden1.weight"].reshape(2, 5) + blocks["hidden1.bias"])

    plan, keys = Plan(60, learn_until=0), life_keys(21, SELECTION, 2, 1)
    _, trace = lives(FusedDriver(conditions), conditions, newborns, np.zeros(1, int), keys, plan, 60)
    matrices, shifts = (
        blocks[f"prediction.{part}"].reshape(3, brain.outcomes, -1)[:, :2] for part in ("weight", "bias")
    )
    change = np.einsum("koh,th->tko", matrices, thought(trace.observations)) + shifts[..., 0]
    worth = thought(trace.observations[:, None] + change) @ blocks["value.weight"]
    clear = np.diff(np.sort(worth, axis=1))[:, -1] > 0.01
    assert clear.sum() > 40
    np.testing.assert_array_equal(trace.actions[clear, 0], worth[clear].argmax(axis=1))
    assert len(set(trace.actions[clear, 0])) > 1


def test_what_is_predicted_to_be_the_end_is_worth_nothing():
    conditions, newborns, *_ = reading_ahead(restless, beta=100.0)
    brain = conditions.brain
    newborns.value[0, :2] = 0.0  # all that is seen is worth the same
    newborns.value[0, 2] = 1.0
    ends = newborns.weights[0, -brain.actions * brain.outcomes :].reshape(brain.actions, -1)[:, -1]
    keys, plan = life_keys(21, SELECTION, 2, 1), Plan(60, learn_until=0)
    for likely, allowed in ((0.49, {0, 1, 2}), (0.5, {0, 2})):
        ends[1] = likely
        _, trace = lives(FusedDriver(conditions), conditions, newborns, np.zeros(1, int), keys, plan, 60)
        assert set(trace.actions[:, 0]) == allowed


def test_what_is_valued_is_what_is_seen_now_and_the_change():
    """Only the second choice is predicted to end the episode; the others lead on, to where one is."""
    conditions, newborns, *_ = reading_ahead(restless, beta=1000.0)
    predicting = conditions.brain.predicting
    newborns.weights[0, -predicting:] = 0.0
    ends = newborns.weights[0, -conditions.brain.actions * conditions.brain.outcomes :]
    ends.reshape(conditions.brain.actions, -1)[1, -1] = 1.0
    keys, plan = life_keys(21, SELECTION, 2, 1), Plan(80, learn_until=0)
    _, trace = lives(FusedDriver(conditions), conditions, newborns, np.zeros(1, int), keys, plan, 80)
    worth = network(conditions.value, newborns.value[0], trace.observations)
    clear = np.abs(worth) > 0.05
    assert (worth[clear] < 0).any()
    assert (worth[clear] > 0).any()
    np.testing.assert_array_equal(trace.actions[clear, 0] == 1, worth[clear] < 0)


def test_action_values_are_learned_without_what_was_added_in_acting():
    how = {"window": 1, "learner": "q_learning", "settings": SETTINGS}
    conditions, newborns, weights, biases = reading_ahead(chain, beta=0.8, **how)
    newborns.plasticity[0, :3] = 0.3, DISCOUNT, 0.25
    keys = life_keys(3, SELECTION, 0, 1)
    outcome, trace = lives(
        FusedDriver(conditions), conditions, newborns, np.zeros(1, int), keys, Plan(800, final_weights=True), 800
    )
    assert {GOES_ON, TERMINATED, TRUNCATED} == set(trace.ends)
    table, greedy, plainly = np.zeros((CELLS, 3)), 0, 0
    for t, cell in enumerate(trace.observations.argmax(1)):
        action = int(trace.actions[t, 0])
        read = table[cell] + weights[:, cell] + biases
        greedy += action == read.argmax()
        plainly += action == table[cell].argmax()
        future = 0.0 if trace.ends[t] == TERMINATED else table[cell + action - 1].max()
        table[cell, action] += 0.3 * (trace.fitness[t] + DISCOUNT * future - table[cell, action])
    found = outcome.final_weights[0][: 3 * CELLS].reshape(3, CELLS).T
    np.testing.assert_allclose(found, table, rtol=1e-4, atol=1e-5)
    assert greedy / 800 == pytest.approx(1 - 0.25 + 0.25 / 3, abs=0.05)
    assert plainly / 800 < 0.75


def test_at_a_switch_it_is_what_the_old_world_showed_last():
    told = {"inputs": ("observation", "last_reward"), "memory": "life", "value": {"potential": True}}
    conditions = dataclasses.replace(conditions_for(fated_anew, **told), switch_at=14)
    newborns = newborns_for(conditions, discount=DISCOUNT)
    keys = life_keys(2, SELECTION, 5, 1)
    _, trace = lives(FusedDriver(conditions), conditions, newborns, np.zeros(1, int), keys, Plan(30), 30)
    assert trace.ends[:16].nonzero()[0].tolist() == [9, 13]
    now, after = (
        network(conditions.value, newborns.value[0], seen) for seen in (trace.observations, trace.next_observations)
    )
    assert abs(after[13] - now[14]) > 0.01, "another world"
    np.testing.assert_allclose(trace.told[1:, -1], (trace.fitness + DISCOUNT * after - now)[:-1], rtol=1e-4, atol=1e-5)


def test_q_learning_with_a_potential_is_q_learning_that_begins_with_its_values():
    """Wiewiora 2003, "Potential-based shaping and Q-value initialization are equivalent"."""
    how = {"hidden": (), "window": 1, "trunk": "linear", "learner": "q_learning"}
    plasticity = {"learning_rate": 0.3, "discount": DISCOUNT, "epsilon": 0.4}
    shaped, begun = conditions_for(chain, **how, value={"potential": True}), conditions_for(chain, **how)
    plan, keys = Plan(1000, final_weights=True), life_keys(3, SELECTION, 0, 1)
    outcomes, traces = [], []
    own = newborns_for(shaped, **plasticity)
    other = newborns_for(begun, **plasticity)
    value = own.value[0, :CELLS] + own.value[0, CELLS]
    other.weights[0, : 3 * CELLS] = np.tile(value, 3)
    for conditions, newborns in ((shaped, own), (begun, other)):
        driver = StepwiseDriver(conditions, 1, 8, CompiledEnvironments, apart=False)
        outcome, trace = lives(driver, conditions, newborns, np.zeros(1, int), keys, plan, 1000)
        outcomes.append(outcome), traces.append(trace)
    assert {GOES_ON, TERMINATED, TRUNCATED} == set(traces[0].ends)
    np.testing.assert_array_equal(traces[0].actions, traces[1].actions)
    tables = [outcome.final_weights[0, : 3 * CELLS].reshape(3, CELLS) for outcome in outcomes]
    assert np.abs(tables[1] - value)[:, 1:6].max() > 0.5, "it has learned"
    np.testing.assert_allclose(tables[0] + value, tables[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("epochs", [1, 3])
def test_an_actor_critic_with_a_potential_is_one_whose_critic_begins_with_it(epochs, driver_for):
    """Window ends, truncated and terminated episodes included; whatever the optimiser: gradients are the same."""
    settings = {"hidden": (), "trunk": "linear", "settings": SETTINGS._replace(epochs=epochs)}
    shaped = driver_for(restless, value={"potential": True}, **settings)
    begun = driver_for(restless, **settings)
    plasticity = {"learning_rate": 0.003, "discount": DISCOUNT, "gae_lambda": 0.8, "value_weight": 0.7}
    own, other = (newborns_for(driver.conditions, seed=4, **plasticity) for driver in (shaped, begun))
    other.weights[0, [6, 7, -1]] += own.value[0]  # weights of the value head, and its bias, which is the last
    plan, keys = Plan(160, final_weights=True), life_keys(21, SELECTION, 2, 1)
    lived = [
        lives(driver, driver.conditions, newborns, np.zeros(1, int), keys, plan, 160)
        for driver, newborns in ((shaped, own), (begun, other))
    ]
    (first, first_trace), (second, second_trace) = lived
    assert {GOES_ON, TERMINATED, TRUNCATED} == set(first_trace.ends)
    np.testing.assert_array_equal(first_trace.actions, second_trace.actions)
    learned = second.final_weights[0] - other.weights[0]
    assert np.abs(learned).min() > 0.003
    np.testing.assert_allclose(first.final_weights[0] - own.weights[0], learned, rtol=0.01, atol=1e-4)
    without = lives(
        begun, begun.conditions, newborns_for(begun.conditions, seed=4, **plasticity), np.zeros(1, int), keys, plan
    )
    assert np.abs(without[0].final_weights[0] - own.weights[0] - learned).max() > 0.003, "the potential matters"
