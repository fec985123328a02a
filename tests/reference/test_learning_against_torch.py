import numpy as np
import pytest
import torch

from evolearn.agent import (
    BACKWARD_TYPE,
    DELTAS_TYPE,
    GOES_ON,
    LEARN_TYPE,
    LEARNERS,
    MAX_LOG_STDEV,
    MIN_LOG_STDEV,
    OPTIMISERS,
    POLICIES,
    TERMINATED,
    THINK_TYPE,
    TRUNCATED,
    LearnerSettings,
    Window,
    plain,
    ready_learner,
    trunk_of,
)
from evolearn.agent.learners.actor_critic import actor_critic_memory, estimate_advantages, learn_actor_critic
from evolearn.agent.learners.optimisers import adam, descend, norm, power, sgd, shorten
from evolearn.numerics import aligned_zeros, plug
from tests.helpers.ways_in import think_again_as_learners
from tests.reference.torch_learner import (
    SPECS,
    advantages_by_definition,
    brain_with,
    log_probability_and_entropy,
    loss_of,
    random_weights,
    random_window,
    relative_error,
    torch_learner,
)

SETTINGS = LearnerSettings(epochs=1, clip=0.2, gradient_norm=0.5, first_decay=0.9, second_decay=0.999, epsilon=1e-5)
ROWS = 12
BOTH_POLICIES = ["three layers, choices", "two layers, gaussian"]
WITH_MEMORY = ["two grus, gaussian", "two grus, product, choices"]
DISCOUNT, GAE_LAMBDA, BONUS, VALUE_WEIGHT = 0.9, 0.8, 0.05, 0.7


def advantages_of(rewards, values, ends, final_values, discount, gae_lambda):
    """The compiled estimate; `values` has one entry more than `rewards`."""
    rows = len(rewards)
    window = Window(
        observations=np.zeros((rows + 1, 1), np.float32),
        activations=np.zeros((rows + 1, 1), np.float32),
        outputs=np.stack([np.full(rows + 1, 99.0), values], axis=1).astype(np.float32),
        actions=np.zeros((rows, 1), np.float32),
        rewards=np.array(rewards, np.float32),
        ends=np.array(ends, np.int64),
        final_outputs=np.stack([np.full(rows, 99.0), final_values], axis=1).astype(np.float32),
        carry=np.zeros(0, np.float32),
    )
    advantages, returns = np.zeros(rows, np.float32), np.zeros(rows, np.float32)
    estimate_advantages(window, discount, gae_lambda, advantages, returns)
    np.testing.assert_allclose(returns, advantages + window.outputs[:-1, 1], rtol=1e-5, atol=1e-6)
    return advantages


def test_without_bootstrap_an_advantage_is_the_return_less_the_value():
    # Sutton and Barto 2018, eq. 3.8: 1 + .5 (2 + .5 x 4) = 3, 2 + .5 x 4 = 4, 4.
    found = advantages_of([1, 2, 4], [10, 20, 30, 1000], [GOES_ON, GOES_ON, TERMINATED], [0, 0, 1000], 0.5, 1.0)
    np.testing.assert_allclose(found, [3 - 10, 4 - 20, 4 - 30], rtol=1e-6)


def test_truncation_bootstraps_with_the_last_observation_and_not_with_the_next_episode():
    found = advantages_of([1, 1], [10, 20, 1000], [GOES_ON, TRUNCATED], [0, 8], 0.5, 1.0)
    np.testing.assert_allclose(found, [1 + 0.5 * (1 + 0.5 * 8) - 10, 1 + 0.5 * 8 - 20], rtol=1e-6)


def test_the_windows_end_bootstraps_with_the_value_after_it():
    found = advantages_of([1, 1], [10, 20, 8], [GOES_ON, GOES_ON], [1000, 1000], 0.5, 1.0)
    np.testing.assert_allclose(found, [1 + 0.5 * (1 + 0.5 * 8) - 10, 1 + 0.5 * 8 - 20], rtol=1e-6)


def test_lambda_zero_is_the_one_step_error():
    found = advantages_of([1, 1], [10, 20, 8], [GOES_ON, GOES_ON], [0, 0], 0.5, 0.0)
    np.testing.assert_allclose(found, [1 + 0.5 * 20 - 10, 1 + 0.5 * 8 - 20], rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_advantages_are_the_sums_of_their_definition(seed):
    rng = np.random.default_rng(seed)
    rewards, values, final_values = rng.standard_normal(20), rng.standard_normal(21), rng.standard_normal(20)
    ends = rng.choice([GOES_ON, GOES_ON, GOES_ON, TERMINATED, TRUNCATED], 20)
    found = advantages_of(rewards, values, ends, final_values, 0.97, 0.9)
    expected = advantages_by_definition(rewards, values, final_values, ends, 0.97, 0.9)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def compiled_gradient(spec, weights, window, advantages, returns, old, clip):
    """The window's gradient by the compiled deltas and backward pass, as the learner puts them together."""
    deltas = plug(POLICIES[spec.policy].deltas, DELTAS_TYPE)
    trunk = trunk_of(spec)
    think_again_as_learners()(plug(trunk.think, THINK_TYPE), weights, np.array(spec.layers), window)
    slopes = np.full((ROWS, spec.outputs), np.nan, np.float32)
    for row in range(ROWS):
        deltas(window.outputs[row], window.actions[row], advantages[row], old[row : row + 1], clip, BONUS, slopes[row])
        slopes[row, -1] = VALUE_WEIGHT * (window.outputs[row, -1] - returns[row])
    gradient = np.zeros(spec.weights, np.float32)
    scratch = np.full(trunk.scratch(spec.layers, ROWS), np.nan, np.float32)
    slopes /= ROWS
    plug(trunk.backward, BACKWARD_TYPE)(weights, np.array(spec.layers), window, slopes, gradient, scratch)
    return gradient


def gradient_case(name, seed):
    spec = SPECS[name]
    weights = random_weights(spec, seed)
    window = random_window(spec, weights, ROWS, seed + 1)
    rng = np.random.default_rng(seed + 2)
    return spec, weights, window, rng.standard_normal(ROWS), rng.standard_normal(ROWS)


def torch_gradient(spec, weights, window, advantages, returns, old, clip):
    brain = brain_with(spec, weights)
    loss, log_probability = loss_of(
        brain, window, torch.from_numpy(advantages), torch.from_numpy(returns), old, clip, BONUS, VALUE_WEIGHT
    )
    loss.backward()
    return brain.flat(lambda parameter: parameter.grad), log_probability


@pytest.mark.parametrize("name", SPECS)
def test_the_gradient_of_a_window_is_autograds(name):
    spec, weights, window, advantages, returns = gradient_case(name, seed=10)
    expected, log_probability = torch_gradient(spec, weights, window, advantages, returns, None, 0.2)
    old = np.full(ROWS, np.nan, np.float32)
    found = compiled_gradient(spec, weights, window, advantages, returns, old, 0.2)
    assert relative_error(found, expected) < 1e-4
    # What is kept for the ratio may differ from the log probability by a constant of the policy.
    offset = old - log_probability.numpy()
    np.testing.assert_allclose(offset, offset[0], atol=1e-5)


@pytest.mark.parametrize("clip", [0.02, 0.1, 100.0])
@pytest.mark.parametrize("name", SPECS)
def test_the_gradient_of_a_second_epoch_has_the_ratio_and_the_clip(name, clip):
    spec, weights, window, advantages, returns = gradient_case(name, seed=20)
    old = np.full(ROWS, np.nan, np.float32)
    compiled_gradient(spec, weights, window, advantages, returns, old, clip)
    _, old_torch = torch_gradient(spec, weights, window, advantages, returns, None, clip)
    step = 0.5 if spec.trunk == "gru" else 0.2  # a state changes less than the weights behind it
    moved = (weights + step * random_weights(spec, seed=21)).astype(np.float32)
    found = compiled_gradient(spec, moved, window, advantages, returns, old, clip)
    expected, log_probability = torch_gradient(spec, moved, window, advantages, returns, old_torch, clip)
    ratio = torch.exp(log_probability - old_torch).numpy()
    held = (ratio > 1 + clip) & (advantages > 0) | (ratio < 1 - clip) & (advantages < 0)
    assert held.any() == (clip < 1.0), "the case must exercise the clip"
    assert relative_error(found, expected) < 1e-4


def test_a_log_stdev_beyond_its_bounds_keeps_its_gradient():
    spec, weights, window, advantages, returns = gradient_case("two layers, gaussian", seed=30)
    weights[-2:] = MAX_LOG_STDEV + 1.0, MIN_LOG_STDEV - 1.0
    stdevs = np.exp(np.clip(weights[-4:], MIN_LOG_STDEV, MAX_LOG_STDEV))
    means = window.outputs[:-1, :4]
    window.actions[:] = means + stdevs * np.random.default_rng(31).standard_normal(means.shape)
    old = np.full(ROWS, np.nan, np.float32)
    expected, _ = torch_gradient(spec, weights, window, advantages, returns, None, 0.2)
    found = compiled_gradient(spec, weights, window, advantages, returns, old, 0.2)
    expected[-2] += BONUS  # above the upper bound, more entropy changes no action and is not rewarded
    assert np.all(expected[-2:] != 0.0)
    assert relative_error(found, expected) < 1e-4


def test_a_long_gradient_is_shortened_and_a_short_one_left_alone():
    gradient = np.random.default_rng(0).standard_normal(50).astype(np.float32)
    parameter = torch.nn.Parameter(torch.zeros(50))
    parameter.grad = torch.from_numpy(gradient.copy())
    torch.nn.utils.clip_grad_norm_([parameter], 0.5)
    found = gradient.copy()
    assert shorten(found, 0.5)
    np.testing.assert_allclose(found, parameter.grad.numpy(), rtol=1e-5)
    short = found.copy()
    assert shorten(short, 0.51)
    np.testing.assert_array_equal(short, found)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_refused(poison):
    gradient = np.array([1.0, poison, 2.0], np.float32)
    before = gradient.copy()
    assert not shorten(gradient, 0.5)
    np.testing.assert_array_equal(gradient, before)


def test_adam_is_torchs_adam():
    rng = np.random.default_rng(1)
    weights = rng.standard_normal(30).astype(np.float32)
    parameter = torch.nn.Parameter(torch.from_numpy(weights.astype(float)))
    decays = (SETTINGS.first_decay, SETTINGS.second_decay)
    optimiser = torch.optim.Adam([parameter], lr=0.02, betas=decays, eps=SETTINGS.epsilon)
    first, second = np.zeros(30, np.float32), np.zeros(30, np.float32)
    for step in range(1, 21):
        gradient = (rng.standard_normal(30) * 10.0 ** rng.integers(-4, 1, 30)).astype(np.float32)
        adam(weights, gradient, first, second, 0.02, SETTINGS, step)
        parameter.grad = torch.from_numpy(gradient.astype(float))
        optimiser.step()
    np.testing.assert_allclose(weights, parameter.detach().numpy(), rtol=1e-5, atol=2e-6)


def at_offset(values, offset):
    """A copy that begins some floats behind a cache line, with NaN on both sides."""
    block = aligned_zeros(len(values) + 32)
    block[:] = np.nan
    copy = block[offset : offset + len(values)]
    copy[:] = values
    return copy


SIZES = (1, 15, 16, 17, 63, 64, 65, 130)


@pytest.mark.parametrize("size", SIZES)
def test_a_norm_has_the_same_bits_wherever_the_gradient_lies(size):
    gradient = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    found = {float(norm(at_offset(gradient, offset))) for offset in range(16)}
    assert len(found) == 1
    assert found.pop() == pytest.approx(np.linalg.norm(gradient.astype(float)), rel=1e-6)
    assert norm(gradient) == pytest.approx(plain(norm)(gradient), rel=1e-6)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_step_moves_a_weight_alike_wherever_it_stands(optimiser):
    """Bits of a weight depend on neither its place, nor the block's, nor how many there are."""
    settings = SETTINGS._replace(optimiser=OPTIMISERS[optimiser])
    many = 130
    rng = np.random.default_rng(3)
    drawn = rng.standard_normal((4, many)).astype(np.float32)
    drawn[3] = np.abs(drawn[3])

    def stepped(some, offset, function=descend):
        weights, gradient, first, second = (at_offset(row[some], offset) for row in drawn)
        before = gradient.copy()
        function(weights, gradient, first, second, 0.02, settings, 7, np.float32(0.3))
        np.testing.assert_array_equal(gradient, before)
        return np.stack([weights, first, second])

    alone = np.concatenate([stepped(slice(i, i + 1), 0) for i in range(many)], axis=1)
    for size in SIZES:
        for offset in (0, 1, 7):
            np.testing.assert_array_equal(stepped(slice(size), offset), alone[:, :size])
    np.testing.assert_allclose(stepped(slice(many), 0, plain(descend)), alone, rtol=1e-6, atol=1e-7)


def test_powers_are_those_of_float64():
    for base in (0.9, 0.999, 0.0, 1.0):
        for exponent in (0, 1, 2, 3, 1000, 123_456):
            assert power(base, exponent) == pytest.approx(base**exponent, rel=1e-10, abs=1e-300)


def test_gradient_descent_is_torchs():
    rng = np.random.default_rng(2)
    weights, gradient = rng.standard_normal((2, 30)).astype(np.float32)
    parameter = torch.nn.Parameter(torch.from_numpy(weights.copy()))
    parameter.grad = torch.from_numpy(gradient)
    torch.optim.SGD([parameter], lr=0.02).step()
    sgd(weights, gradient, 0.02)
    np.testing.assert_allclose(weights, parameter.detach().numpy(), rtol=1e-6)


def compiled_learner(spec, settings, rate, rows=ROWS, by_window=True, learner="actor_critic"):
    trunk, policy = trunk_of(spec), POLICIES[spec.policy]
    learn = ready_learner(LEARNERS[learner], policy) if by_window else plug(learn_actor_critic, LEARN_TYPE)
    parts = (plug(trunk.think, THINK_TYPE), plug(trunk.backward, BACKWARD_TYPE), plug(policy.deltas, DELTAS_TYPE))
    memory = np.zeros(actor_critic_memory(spec, rows), np.float32)
    plasticity = np.array([rate, DISCOUNT, GAE_LAMBDA, BONUS, VALUE_WEIGHT, 1.0], np.float32)

    def learn_from(weights, window, update):
        return learn(*parts, weights, np.array(spec.layers), plasticity, settings, window, memory, update)

    return learn_from


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("gradient_norm", [0.5, 1e6])
@pytest.mark.parametrize("name", [*BOTH_POLICIES, *WITH_MEMORY])
def test_several_windows_teach_the_compiled_learner_what_they_teach_torchs(name, epochs, gradient_norm):
    spec, rate = SPECS[name], 0.01
    settings = SETTINGS._replace(epochs=epochs, gradient_norm=gradient_norm)
    weights = random_weights(spec, seed=40)
    at_birth = weights.copy()
    learn = compiled_learner(spec, settings, rate)
    oracle = torch_learner(spec, weights, settings, rate)
    for update in range(4):
        window = random_window(spec, weights, ROWS, seed=50 + update)
        assert learn(weights, window, update)
        oracle.learn(window, settings, DISCOUNT, GAE_LAMBDA, BONUS, VALUE_WEIGHT)
    learned = oracle.brain.flat() - at_birth
    assert relative_error(weights - at_birth, learned) < 2e-3
    assert np.abs(learned).max() > rate


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("name", BOTH_POLICIES)
def test_a_window_at_once_teaches_what_its_steps_teach_one_by_one(name, epochs):
    spec = SPECS[name]
    settings = SETTINGS._replace(epochs=epochs)
    results = []
    for by_window in (True, False):
        weights = random_weights(spec, seed=90)
        learn = compiled_learner(spec, settings, 0.01, by_window=by_window)
        for update in range(3):
            assert learn(weights, random_window(spec, weights, ROWS, seed=91 + update), update)
        results.append(weights)
    np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-5)
    assert not np.array_equal(results[0], random_weights(spec, seed=90))


@pytest.mark.parametrize("rows", [1, ROWS])
@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("name", [*BOTH_POLICIES, *WITH_MEMORY, "relu, choices", "linear, gaussian"])
def test_by_gradient_descent_too_and_in_windows_of_one_step(name, epochs, rows):
    spec, rate = SPECS[name], 0.1
    settings = SETTINGS._replace(epochs=epochs, optimiser=OPTIMISERS["sgd"])
    weights = random_weights(spec, seed=40)
    at_birth = weights.copy()
    learn = compiled_learner(spec, settings, rate, rows)
    oracle = torch_learner(spec, weights, settings, rate)
    for update in range(4):
        window = random_window(spec, weights, rows, seed=50 + update)
        assert learn(weights, window, update)
        oracle.learn(window, settings, DISCOUNT, GAE_LAMBDA, BONUS, VALUE_WEIGHT)
    learned = oracle.brain.flat() - at_birth
    assert relative_error(weights - at_birth, learned) < 1e-4
    assert np.linalg.norm(learned) > 0.02


@pytest.mark.parametrize("name", BOTH_POLICIES)
def test_one_epoch_does_not_depend_on_the_clip(name):
    """PPO with one epoch is the plain actor-critic: its ratio is 1 and nothing is clipped."""
    spec = SPECS[name]
    results = []
    for clip in (0.0, 0.2, 1e9):
        weights = random_weights(spec, seed=60)
        learn = compiled_learner(spec, SETTINGS._replace(clip=clip), 0.01)
        for update in range(3):
            assert learn(weights, random_window(spec, weights, ROWS, seed=61 + update), update)
        results.append(weights)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("name", BOTH_POLICIES)
def test_one_epochs_gradient_is_the_policy_gradient_of_the_actor_critic(name):
    spec, weights, window, advantages, returns = gradient_case(name, seed=70)
    brain = brain_with(spec, weights)
    parameters, values = brain(torch.from_numpy(window.observations[:-1]).double())
    actions = torch.from_numpy(window.actions).double()
    log_probability, entropy = log_probability_and_entropy(spec, parameters, actions)
    error = values - torch.from_numpy(returns)
    # Mnih et al. 2016, algorithm S3, as a loss.
    loss = (-log_probability * torch.from_numpy(advantages) + 0.5 * VALUE_WEIGHT * error**2 - BONUS * entropy).mean()
    loss.backward()
    old = np.full(ROWS, np.nan, np.float32)
    found = compiled_gradient(spec, weights, window, advantages, returns, old, 0.2)
    assert relative_error(found, brain.flat(lambda parameter: parameter.grad)) < 1e-4


def test_a_window_without_a_finite_gradient_leaves_the_weights_alone():
    spec = SPECS["two layers, gaussian"]
    weights = random_weights(spec, seed=80)
    before = weights.copy()
    window = random_window(spec, weights, ROWS, seed=81)
    window.rewards[3] = np.inf
    assert not compiled_learner(spec, SETTINGS, 0.01)(weights, window, 0)
    np.testing.assert_array_equal(weights, before)


def test_the_learner_of_tables_takes_the_same_plain_step_and_leaves_biases():
    spec, rate = SPECS["linear, choices"], 0.3
    plain_step = SETTINGS._replace(gradient_norm=1e6, optimiser=OPTIMISERS["sgd"])
    born = random_weights(spec, seed=60)
    window = random_window(spec, born, ROWS, seed=61)
    learned = {}
    for name in ("actor_critic", "tabular_actor_critic"):
        learned[name] = born.copy()
        learn = compiled_learner(spec, plain_step, rate, learner=name)
        assert learn(learned[name], window, 0)
    biases = slice(spec.weights - spec.outputs, None)
    moved = learned["actor_critic"] - born
    assert np.abs(moved[biases]).min() > 1e-4
    assert (learned["tabular_actor_critic"][biases] == born[biases]).all()
    assert relative_error(learned["tabular_actor_critic"] - born, np.r_[moved[: -spec.outputs], np.zeros(5)]) < 1e-5


def test_the_learner_of_tables_learns_nothing_from_what_is_not_finite():
    spec = SPECS["linear, choices"]
    born = random_weights(spec, seed=60)
    window = random_window(spec, born, ROWS, seed=61)
    window.rewards[3] = np.inf
    weights = born.copy()
    assert not compiled_learner(spec, SETTINGS, 0.3, learner="tabular_actor_critic")(weights, window, 0)
    assert (weights == born).all()
