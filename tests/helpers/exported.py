"""Shared by tests: TOLERANCE, config_of, distribution, thoughts, written."""

import numpy as np

from evolearn.agent import (
    GOES_ON,
    MAX_LOG_STDEV,
    MIN_LOG_STDEV,
    THINK_TYPE,
    Window,
    trunk_of,
)
from evolearn.config import check_config
from evolearn.numerics import plug
from evolearn.run import assemble, load_dna
from evolearn.run.dna import save_dna

TOLERANCE = 1e-5


BRAINS = {
    "mlp, choices": ("cart-pole", "mlp", [16, 16], "actor_critic"),
    "mlp, box": ("savannah", "mlp", [24], "actor_critic"),
    "relu, choices": ("cart-pole", "relu", [9, 7, 5], "actor_critic"),
    "relu, box": ("savannah", "relu", [17], "actor_critic"),
    "linear, choices": ("cart-pole", "linear", [], "actor_critic"),
    "linear, box": ("savannah", "linear", [], "actor_critic"),
    "action values": ("cart-pole", "linear", [], "q_learning"),
    "gru, choices": ("bandit", "gru", [8], "actor_critic"),
    "two grus, product, box": ("savannah", "gru", [6, 9], "actor_critic", {"readout": "product", "memory": "life"}),
    "product, told more": (
        "cart-pole",
        "mlp",
        [9],
        "actor_critic",
        {"readout": "product", "inputs": ["observation", "last_action"]},
    ),
    "foreseeing, choices": ("cart-pole", "relu", [9, 5], "actor_critic", {"prediction": True}),
    "gru, foreseeing, box": ("savannah", "gru", [6], "actor_critic", {"prediction": True}),
    "no chance": ("sinusoid", "relu", [12, 8], "regression"),
}


def config_of(name, **changes):
    world, trunk, hidden, learner, *more = BRAINS[name]
    parts = {
        "seed": 4,
        "world": {"name": world},
        "brain": {"trunk": trunk, "hidden": hidden, **(more[0] if more else {})},
        "learner": {"name": learner},
        "search": {"generations": 2, "population": 4, "lives": 1, "selection_lifetime": 40},
    }
    if learner == "regression":
        parts["genome"] = {"drives": {"mode": "fixed"}}
        parts["drives"] = {"weights": {"fitness": 0.0, "target": 1.0}}
    return check_config(parts | changes, "toy")


def written(path, config):
    """A DNA file of a genome in which every weight matters."""
    setup = assemble(config)
    rng = np.random.default_rng(7)
    genome = setup.pool.centre + 0.4 * rng.standard_normal(setup.pool.size).astype(np.float32)
    log_stdev = setup.pool.slices().get(("weights", "policy.log_stdev"))
    if log_stdev is not None:
        genome[log_stdev] = np.linspace(MIN_LOG_STDEV - 1.0, MAX_LOG_STDEV + 1.0, log_stdev.stop - log_stdev.start)
    about = {"role": "best", "lineage": {"run": "toy", "generation": 1}}
    save_dna(path, setup, genome, np.ones_like(genome), about)
    return load_dna(path)


def thoughts(dna, observations):
    """What the compiled kernel puts out, in one life: policy parameters [rows, ..] and value [rows]."""
    rows, brain = len(observations), dna.brain
    window = Window(
        observations=observations,
        activations=np.zeros((rows + 1, brain.units), np.float32),
        outputs=np.zeros((rows, brain.outputs), np.float32),
        actions=np.zeros((rows, 1), np.float32),
        rewards=np.zeros(rows, np.float32),
        ends=np.full(rows, GOES_ON),
        final_outputs=np.zeros((rows, brain.outputs), np.float32),
        carry=np.zeros(trunk_of(brain).carry(brain.layers), np.float32),
    )
    think = plug(trunk_of(brain).think, THINK_TYPE)
    weights = np.ascontiguousarray(dna.newborns.weights[0, : brain.thinking.weights])
    for row in range(rows):
        think(weights, np.array(brain.layers), window, row)
    return window.outputs[:, :-1], window.outputs[:, -1]


def distribution(dna, parameters):
    """What an action is drawn from: probabilities, means and standard deviations, or the outputs themselves."""
    parameters = np.asarray(parameters, np.float64)
    if dna.brain.policy == "categorical":
        weights = np.exp(parameters - parameters.max(1, keepdims=True))
        return weights / weights.sum(1, keepdims=True)
    if dna.brain.policy == "gaussian":
        means, log_stdevs = np.split(parameters, 2, axis=1)
        return np.concatenate([means, np.exp(np.clip(log_stdevs, MIN_LOG_STDEV, MAX_LOG_STDEV))], axis=1)
    return parameters
