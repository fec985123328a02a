"""The inner learner once more, from the papers' formulas and with torch autograd: the oracle of the compiled one."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from evolearn.agent import (
    GOES_ON,
    MAX_LOG_STDEV,
    MIN_LOG_STDEV,
    TERMINATED,
    THINK_TYPE,
    TRUNCATED,
    BrainSpec,
    TorchBrain,
    Window,
    trunk_of,
)
from evolearn.agent.learners.optimisers import SGD
from evolearn.genome import initial_distribution
from evolearn.numerics import plug

CHOICES = ("categorical", "epsilon_greedy")
TOLD = ("observation", "last_action", "last_reward")
SPECS = {
    "one layer, choices": BrainSpec("mlp", 3, (5,), 2, "categorical"),
    "two layers, gaussian": BrainSpec("mlp", 13, (9, 7), 4, "gaussian"),
    "three layers, choices": BrainSpec("mlp", 1, (17, 3, 11), 5, "categorical"),
    "four layers, gaussian": BrainSpec("mlp", 6, (8, 16, 1, 13), 1, "gaussian"),
    "relu, choices": BrainSpec("relu", 5, (9, 6), 3, "categorical"),
    "relu, gaussian": BrainSpec("relu", 2, (17,), 2, "gaussian"),
    "linear, choices": BrainSpec("linear", 9, (), 4, "categorical"),
    "linear, gaussian": BrainSpec("linear", 18, (), 3, "gaussian"),
    "wide, gaussian": BrainSpec("mlp", 33, (32, 24), 3, "gaussian"),
    "product, choices": BrainSpec("mlp", 3, (9, 6), 5, "categorical", readout="product"),
    "relu, product, gaussian": BrainSpec("relu", 4, (7,), 2, "gaussian", TOLD, readout="product"),
    "gru, choices": BrainSpec("gru", 3, (8,), 6, "categorical"),
    "two grus, gaussian": BrainSpec("gru", 5, (6, 9), 2, "gaussian"),
    "gru, product, gaussian": BrainSpec("gru", 2, (11,), 3, "gaussian", readout="product"),
    "two grus, product, choices": BrainSpec("gru", 3, (7, 4), 3, "categorical", TOLD, readout="product"),
}


def random_weights(spec, seed):
    """Standard weights, but with heads and biases that matter."""
    mean, stdev = initial_distribution(spec)
    draws = np.random.default_rng(seed).standard_normal(spec.weights)
    return (mean + np.maximum(stdev, 0.2) * draws).astype(np.float32)


def random_window(spec, weights, rows, seed, ends="mixed"):
    """A window as a life would leave it: outputs and activations by the compiled brain, actions drawn around them.

    What a brain carries is something at the window's beginning, and is cleared after every end of an episode.
    """
    rng = np.random.default_rng(seed)
    window = Window(
        observations=rng.standard_normal((rows + 1, spec.told)).astype(np.float32),
        activations=np.zeros((rows + 1, spec.units), np.float32),
        outputs=np.zeros((rows + 1, spec.outputs), np.float32),
        actions=np.zeros((rows, 1 if spec.policy in CHOICES else spec.actions), np.float32),
        rewards=rng.standard_normal(rows).astype(np.float32),
        ends=np.full(rows, GOES_ON),
        final_outputs=rng.standard_normal((rows, spec.outputs)).astype(np.float32),
        carry=np.zeros(trunk_of(spec).carry(spec.layers), np.float32),
    )
    if window.carry.size:
        window.carry[:-1] = np.random.default_rng(seed + 1000).uniform(-1.0, 1.0, window.carry.size - 1)
        window.carry[-1] = 1.0
    if ends == "mixed":
        window.ends[:] = rng.choice([GOES_ON, GOES_ON, GOES_ON, TERMINATED, TRUNCATED], rows)
    think_all(spec, weights, window)
    if spec.policy in CHOICES:
        window.actions[:, 0] = rng.integers(0, spec.actions, rows)
    else:
        means = window.outputs[:-1, : spec.actions]
        window.actions[:] = means + rng.standard_normal(means.shape)
    return window


def think_all(spec, weights, window):
    think = plug(trunk_of(spec).think, THINK_TYPE)
    layers = np.array(spec.layers)
    for row in range(len(window.observations)):
        think(weights, layers, window, row)
        if row < len(window.ends) and window.ends[row] != GOES_ON:
            window.carry[:] = 0.0


def brain_with(spec, weights):
    brain = TorchBrain(spec).double()
    brain.load_flat(weights)
    return brain


def torch_thinks(brain, window, rows):
    """Policy parameters and values of the first rows of a window, from the state at its beginning."""
    told = torch.from_numpy(window.observations[:rows]).double()
    if not brain.is_recurrent:
        return brain(told)
    state = torch.from_numpy(window.activations[0, : brain.state_size]).double()
    thoughts = []
    for row in range(rows):
        if row and window.ends[row - 1] != GOES_ON and brain.spec.memory == "episode":
            state = torch.zeros(brain.state_size).double()
        parameters, value, state = brain.step(told[row], state)
        thoughts.append((parameters, value))
    return tuple(torch.stack(part) for part in zip(*thoughts, strict=True))


def advantages_by_definition(rewards, values, final_values, ends, discount, gae_lambda):
    """Schulman et al. 2016, eq. 16, as the sum it is; `values` has one entry more than `rewards`."""
    rows = len(rewards)
    errors = []
    for t in range(rows):
        value_next = {GOES_ON: values[t + 1], TERMINATED: 0.0, TRUNCATED: final_values[t]}[int(ends[t])]
        errors.append(rewards[t] + discount * value_next - values[t])
    advantages = []
    for t in range(rows):
        total = 0.0
        for ahead in range(t, rows):
            total += (discount * gae_lambda) ** (ahead - t) * errors[ahead]
            if ends[ahead] != GOES_ON:
                break
        advantages.append(total)
    return np.array(advantages)


def log_probability_and_entropy(spec, parameters, actions):
    """Per row, of a categorical or a diagonal Gaussian policy."""
    if spec.policy == "categorical":
        law = torch.distributions.Categorical(logits=parameters)
        return law.log_prob(actions[:, 0].long()), law.entropy()
    log_stdev = parameters[:, spec.actions :]
    # Held within bounds, but with the gradient let through.
    held = log_stdev + (log_stdev.clamp(MIN_LOG_STDEV, MAX_LOG_STDEV) - log_stdev).detach()
    law = torch.distributions.Normal(parameters[:, : spec.actions], held.exp())
    return law.log_prob(actions).sum(-1), law.entropy().sum(-1)


def loss_of(brain, window, advantages, returns, old, clip, bonus, value_weight):
    """Mean over the window of the PPO objective's negative, the critic's error and the entropy bonus."""
    parameters, values = torch_thinks(brain, window, len(window.rewards))
    log_probability, entropy = log_probability_and_entropy(
        brain.spec, parameters, torch.from_numpy(window.actions).double()
    )
    ratio = torch.exp(log_probability - (log_probability.detach() if old is None else old))
    objective = torch.minimum(ratio * advantages, ratio.clamp(1.0 - clip, 1.0 + clip) * advantages)
    loss = (-objective + 0.5 * value_weight * (values - returns) ** 2 - bonus * entropy).mean()
    return loss, log_probability.detach()


def lesson_loss(brain, window):
    """Mean over the window: cross-entropy of the teacher's choice, or the squared error of the mean action."""
    parameters, _ = torch_thinks(brain, window, len(window.rewards))
    lessons = torch.from_numpy(window.lessons).double()
    if brain.spec.policy == "categorical":
        return torch.nn.functional.cross_entropy(parameters, lessons)
    return torch.nn.functional.mse_loss(parameters[:, : brain.spec.actions], lessons, reduction="sum") / len(lessons)


@dataclass
class TorchLearner:
    """Weights and optimiser of one life."""

    brain: TorchBrain
    optimiser: torch.optim.Optimizer

    def learn(self, window, settings, discount, gae_lambda, bonus, value_weight, imitation=0.0, rewarded=True):
        """By reward, unless it is not `rewarded`, and by `imitation` times the error of the window's lessons."""
        with torch.no_grad():
            _, values = torch_thinks(self.brain, window, len(window.observations))
        values = values.numpy()
        found = advantages_by_definition(
            window.rewards.astype(float), values, window.final_outputs[:, -1], window.ends, discount, gae_lambda
        )
        advantages = torch.from_numpy(found)
        returns = torch.from_numpy(found + values[:-1])
        old = None
        for _ in range(settings.epochs):
            self.optimiser.zero_grad()
            loss, log_probability = loss_of(
                self.brain, window, advantages, returns, old, settings.clip, bonus, value_weight
            )
            old = log_probability if old is None else old
            loss = loss if rewarded else 0.0 * loss  # a gradient of 0: the optimiser goes on
            if imitation:
                loss = loss + imitation * lesson_loss(self.brain, window)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.brain.parameters(), settings.gradient_norm)
            self.optimiser.step()


def torch_learner(spec, weights, settings, rate):
    brain = brain_with(spec, weights)
    return TorchLearner(brain, torch_optimiser(brain, settings, rate))


def torch_optimiser(brain, settings, rate):
    if settings.optimiser == SGD:
        return torch.optim.SGD(brain.parameters(), lr=rate)
    decays = (settings.first_decay, settings.second_decay)
    return torch.optim.Adam(brain.parameters(), lr=rate, betas=decays, eps=settings.epsilon)


def relative_error(found, expected):
    """Largest difference in units of the expected vector's root mean square."""
    return np.abs(found - expected).max() / max(math.sqrt(np.mean(np.square(expected))), 1e-12)
