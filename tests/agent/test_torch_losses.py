"""The learners in torch: the compiled update once more, and gradients through it against finite differences."""

import dataclasses

import numpy as np
import pytest
import torch

import evolearn.agent.torch_losses
from evolearn.agent import GOES_ON, LEARNERS, TERMINATED, TRUNCATED, TRUNKS, BrainSpec, TorchBrain
from evolearn.agent.learners.optimisers import SGD
from evolearn.agent.torch_losses import (
    Steps,
    actor_critic_loss,
    law_of,
    learned,
    loss_of,
    meta_gradient,
    regression_loss,
    shortened,
    think,
)
from evolearn.errors import PartError
from evolearn.genome import initial_distribution
from evolearn.life import Plan, traced_lives
from evolearn.life._fused import FusedDriver
from evolearn.rng import SELECTION, life_keys
from evolearn.search.meta_gradients import gradients_of
from tests.helpers.probe_worlds import Box, conditions_for, newborns_for, restless, restless_box, restless_with

WINDOW = 12
teacher = restless_with("teacher", Box(1))

DIFFERENTIABLE = [name for name, row in LEARNERS.items() if row.torch_loss is not None]


def lived(world, learner, trunk, longest, updates, judged=20, **plasticity):
    """Conditions, plan, newborns, whom lives are born as, outcome and traces of six lives of two newborns."""
    conditions = conditions_for(world, window=WINDOW)
    policy = LEARNERS[learner].policies["discrete" if world.is_discrete else "box"]
    hidden = () if trunk == "linear" else (7, 5)
    name, _, readout = trunk.partition(", ")
    brain = dataclasses.replace(conditions.brain, trunk=name, hidden=hidden, policy=policy, readout=readout or "plain")
    settings = conditions.settings._replace(optimiser=SGD, gradient_norm=longest)
    conditions = dataclasses.replace(conditions, brain=brain, learner=learner, settings=settings)
    wants = {"gain": 1.0} if learner == "regression" else {"fitness": 1.0, "gain": 0.7}
    newborns = newborns_for(conditions, 2, drives=wants, **plasticity)
    until = 3 + updates * WINDOW
    plan = Plan(until + judged, learn_from=3, learn_until=until, final_weights=True)
    born_as = np.array([0, 1, 1, 0, 0, 1])
    outcome, traces = traced_lives(FusedDriver(conditions), newborns, born_as, life_keys(3, SELECTION, 1, 6), plan)
    assert traces.ends.any()
    return conditions, plan, newborns, born_as, outcome, traces


def random_steps(spec, rows=9, lives=4, seed=1):
    rng = np.random.default_rng(seed)
    size = (lives, rows)
    discrete = spec.policy == "categorical"
    actions = rng.integers(0, spec.actions, (*size, 1)) if discrete else rng.standard_normal((*size, spec.actions))
    return Steps(
        torch.tensor(rng.standard_normal((*size, spec.observations))),
        torch.tensor(rng.standard_normal((*size, spec.observations))),
        torch.tensor(actions.astype(float)),
        torch.tensor(rng.standard_normal(size)),
        torch.tensor(rng.choice([GOES_ON, GOES_ON, GOES_ON, TERMINATED, TRUNCATED], size)),
    )


def random_weights(spec, lives=4, seed=2):
    mean, stdev = initial_distribution(spec)
    draws = np.random.default_rng(seed).standard_normal((lives, spec.weights))
    return torch.tensor(mean + np.maximum(stdev, 0.3) * draws)


@pytest.mark.parametrize(
    ("trunk", "readout"),
    [*((name, "plain") for name, row in TRUNKS.items() if row.torch_cell is None), ("mlp", "product")],
)
@pytest.mark.parametrize("policy", ["categorical", "gaussian", "deterministic"])
def test_a_batch_of_flat_brains_thinks_as_each_brain_alone(trunk: str, readout: str, policy: str) -> None:
    spec = BrainSpec(trunk, 3, () if trunk == "linear" else (5, 4), 2, policy, readout=readout)
    weights, observations = random_weights(spec), random_steps(spec).observations
    parameters, values = think(spec, weights, observations)
    for life in range(4):
        brain = TorchBrain(spec).double()
        brain.load_flat(weights[life].numpy())
        with torch.no_grad():
            expected, expected_values = brain(observations[life])
        torch.testing.assert_close(parameters[life], expected)
        torch.testing.assert_close(values[life], expected_values)


def test_steps_without_what_was_carried_are_no_thoughts_of_a_brain_that_remembers() -> None:
    spec = BrainSpec("gru", 3, (5,), 2, "categorical")
    with pytest.raises(
        PartError, match="trunk 'gru': carries a state, which steps in a batch do not hold: there is no"
    ):
        think(spec, random_weights(spec), random_steps(spec).observations)


@pytest.mark.parametrize("updates", [1, 3])
@pytest.mark.parametrize("longest", [0.05, 1e6])
@pytest.mark.parametrize(
    ("world", "learner", "trunk"),
    [
        (restless, "actor_critic", "mlp"),
        (restless_box, "actor_critic", "relu"),
        (restless_box, "actor_critic", "linear"),
        (restless_box, "actor_critic", "mlp, product"),
        (teacher, "regression", "relu"),
        (teacher, "regression", "mlp"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_update_is_that_of_the_compiled_learner(world, learner, trunk, longest, updates) -> None:
    conditions, plan, newborns, born_as, outcome, traces = lived(
        world, learner, trunk, longest, updates, learning_rate=0.05
    )
    _, found = gradients_of(conditions, plan, False, newborns, born_as, traces)
    before = newborns.weights[born_as]
    changes = np.abs(outcome.final_weights - before).max(axis=1)
    assert changes.min() > 5e-4
    np.testing.assert_allclose(found, outcome.final_weights, rtol=1e-5, atol=2e-6)


def test_judged_are_the_steps_after_learning_and_no_others() -> None:
    conditions, plan, newborns, born_as, _, traces = lived(teacher, "regression", "mlp", 0.5, 1, learning_rate=0.0)
    found, _ = gradients_of(conditions, plan, False, newborns, born_as, traces)
    seen = ("observations", "next_observations", "actions")
    after = Steps(*(torch.tensor(getattr(traces, name)[:, plan.learn_until :]) for name in seen), *[None] * 2)
    after = dataclasses.replace(after, rewards=torch.tensor(traces.drives[:, plan.learn_until :, 1]))
    leaf = torch.tensor(newborns.weights[born_as]).requires_grad_()
    loss_of("regression")(conditions.brain, leaf, after, None).sum().backward()
    np.testing.assert_allclose(found, leaf.grad.numpy(), rtol=1e-4, atol=1e-6)


def difference(loss, weights, place, step=1e-5):
    """Derivative of the losses [B] by one weight of each life, by central differences."""
    moved = torch.zeros_like(weights)
    moved[:, place] = step
    return (loss(weights + moved) - loss(weights - moved)) / (2.0 * step)


def settings_of(learner, lives=4, **plasticity):
    genes = LEARNERS[learner].plasticity
    row = [plasticity.get(gene.name, gene.default) for gene in genes]
    return torch.tensor(row, dtype=torch.float64).repeat(lives, 1)


@pytest.mark.parametrize(
    ("learner", "policy", "trunk"),
    [
        ("actor_critic", "categorical", "mlp"),
        ("actor_critic", "gaussian", "mlp"),
        ("regression", "deterministic", "mlp"),
    ],
)
@pytest.mark.parametrize("longest", [0.5, 1e6])
@pytest.mark.parametrize("updates", [1, 2])
def test_the_meta_gradient_is_that_of_finite_differences(learner, policy, trunk, longest, updates, monkeypatch) -> None:
    spec = BrainSpec(trunk, 3, (5,), 1 if learner == "regression" else 2, policy)
    windows = [random_steps(spec, seed=seed) for seed in range(updates)]
    judged, weights = random_steps(spec, rows=11, seed=8), random_weights(spec)
    plasticity = settings_of(learner, learning_rate=0.1, entropy_bonus=0.1)
    kept = {}

    def advantages_as_data(spec, weights, steps, values, plasticity):
        rng = np.random.default_rng(steps.rewards.shape[1])
        return kept.setdefault(id(steps), [torch.tensor(rng.standard_normal(steps.rewards.shape)) for _ in range(2)])

    monkeypatch.setattr(evolearn.agent.torch_losses, "estimate_advantages", advantages_as_data)

    def loss(weights):
        for window in windows:
            weights = learned(learner, spec, weights.requires_grad_(), window, plasticity, longest, True).detach()
        return loss_of(learner)(spec, weights, judged, plasticity)

    gradients, after = meta_gradient(learner, spec, weights, windows, judged, plasticity, longest, False)
    plain, after_plain = meta_gradient(learner, spec, weights, windows, judged, plasticity, longest, True)
    torch.testing.assert_close(after, after_plain)
    expected = torch.stack([difference(loss, weights, place) for place in range(spec.weights)], dim=1)
    torch.testing.assert_close(gradients, expected, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(plain, expected, rtol=0.01, atol=1e-3), "second derivatives matter here"


@pytest.mark.parametrize("learner", DIFFERENTIABLE)
def test_the_first_order_gradient_is_that_at_the_learned_weights(learner) -> None:
    spec = BrainSpec("mlp", 3, (5,), 1, "deterministic" if learner == "regression" else "gaussian")
    windows, judged, weights = [random_steps(spec)], random_steps(spec, rows=11, seed=8), random_weights(spec)
    plasticity = settings_of(learner, learning_rate=0.1)
    gradients, after = meta_gradient(learner, spec, weights, windows, judged, plasticity, 0.5, True)
    leaf = after.clone().requires_grad_()
    loss_of(learner)(spec, leaf, judged, plasticity).sum().backward()
    torch.testing.assert_close(gradients, leaf.grad)


def test_without_learning_both_orders_are_the_plain_gradient() -> None:
    spec = BrainSpec("relu", 3, (5,), 1, "deterministic")
    windows, judged, weights = [random_steps(spec)], random_steps(spec, rows=11, seed=8), random_weights(spec)
    plasticity = settings_of("regression", learning_rate=0.0)
    leaf = weights.clone().requires_grad_()
    loss_of("regression")(spec, leaf, judged, plasticity).sum().backward()
    for first_order in (False, True):
        gradients, after = meta_gradient("regression", spec, weights, windows, judged, plasticity, 0.5, first_order)
        torch.testing.assert_close(gradients, leaf.grad)
        torch.testing.assert_close(after, weights)


def test_gradients_are_shortened_each_by_itself_and_short_ones_left_alone() -> None:
    gradients = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    found = shortened(gradients, 1.0)
    torch.testing.assert_close(found.detach(), torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]).double())
    (slope,) = torch.autograd.grad(found.sum(), gradients)
    assert torch.isfinite(slope).all()
    torch.testing.assert_close(shortened(gradients, float("inf")), gradients)


def test_what_rows_refer_to_is_there() -> None:
    assert DIFFERENTIABLE == ["actor_critic", "regression"]
    assert [loss_of(name) for name in DIFFERENTIABLE] == [actor_critic_loss, regression_loss]
    for policy in LEARNERS["actor_critic"].policies.values():
        assert law_of(policy) is not None


def test_what_a_row_leaves_out_is_named() -> None:
    with pytest.raises(PartError, match=r"learner 'q_learning': its row has no torch_loss, without which there is no"):
        loss_of("q_learning")
    with pytest.raises(PartError, match=r"policy .epsilon_greedy.: its row has no torch_law, without which there is"):
        law_of("epsilon_greedy")
