"""Shared by tests: PARTS_FILE, a file of a user's with one part of every kind; and a config that uses them."""

PARTS_FILE = '''
"""Parts of my own."""

import math

import numpy as np

from evolearn.agent import (
    Drive,
    Learner,
    PlasticityGene,
    Policy,
    Trunk,
    backward_dense,
    dense_scratch,
    dense_tensors,
    no_deltas,
    shorten,
    think_dense,
    whole_lines,
)
from evolearn.numerics import compiled, matrix, vector
from evolearn.rng import uniform

ONE = np.float32(1.0)


def feel_boredom(memory, observation, action, observation_next):
    total = 0.0
    for i in range(observation.size):
        total += abs(observation_next[i] - memory[i])
        memory[i] += 0.1 * (observation_next[i] - memory[i])
    return -math.exp(-total)


boredom = Drive("how usual what is seen has become", feel_boredom, lambda observations, actions: observations)


@compiled
def bent(x):
    return x / (ONE + abs(x))


@compiled
def bent_backward(activations, column, slopes):
    rows, units = slopes.shape
    for row in range(rows):
        for j in range(units):
            left = ONE - abs(activations[row, column + j])
            slopes[row, j] *= left * left


@compiled
def think_bent(weights, layers, window, row):
    think_dense(weights, layers, window, row, bent)


@compiled
def backward_bent(weights, layers, window, deltas, gradient, scratch):
    backward_dense(weights, layers, window, deltas, gradient, scratch, bent_backward)


NEEDED = {
    "tensors": lambda layers: dense_tensors(layers, 1.0),
    "think": think_bent,
    "backward": backward_bent,
    "scratch": dense_scratch,
    "carry": lambda layers: 0,
}
BARE = Trunk(**NEEDED)
BENT = Trunk(**NEEDED, torch_module="Softsign", onnx_operator="Softsign", symmetry="sign")


def choose_mostly(output, plasticity, rng, action):
    best = 0
    for k in range(1, output.size - 1):
        if output[k] > output[best]:
            best = k
    action[0] = best
    if uniform(rng) < 0.05:
        action[0] = int(uniform(rng) * (output.size - 1))


MUTE = Policy(False, choose_mostly, no_deltas, 0.1, 0.0)
MOSTLY = Policy(
    False,
    choose_mostly,
    no_deltas,
    0.1,
    0.0,
    has_value=False,
    how_to_act="policy holds a reward per action: mostly take the largest",
    torch_code="brain(observation).argmax(-1)",
)


def learn_mine(think, backward, deltas, weights, layers, plasticity, settings, window, memory, update):
    rows = window.rewards.size
    width = window.outputs.shape[1]
    size = weights.size
    gradient = vector(memory, 0, size)
    slopes = matrix(memory, whole_lines(size), rows, width)
    start = whole_lines(size) + rows * width
    scratch = vector(memory, start, memory.size - start)
    gradient[:] = np.float32(0.0)
    slopes[:] = np.float32(0.0)
    for row in range(rows):
        taken = int(window.actions[row, 0])
        slopes[row, taken] = (window.outputs[row, taken] - window.rewards[row]) / np.float32(rows)
    backward(weights, layers, window, slopes, gradient, scratch)
    if not shorten(gradient, settings.gradient_norm):
        return False
    for i in range(size):
        weights[i] -= plasticity[0] * gradient[i]
    return True


MINE = Learner(
    learn=learn_mine,
    memory=lambda spec, window: whole_lines(spec.weights) + window * spec.outputs + spec.scratch(window),
    policies={"discrete": f"{__file__}:MOSTLY"},
    settings=frozenset({"gradient_norm"}),
    plasticity=(PlasticityGene("learning_rate", "log", 0.1, "a guess"),),
)
SHY = Learner(MINE.learn, MINE.memory, {"discrete": f"{__file__}:MUTE"}, MINE.settings, MINE.plasticity)


def feel_untyped(memory, observation, action, observation_next):
    return observation.nothing


untyped = Drive("does not compile", feel_untyped)


def feel_wild(memory, observation, action, observation_next):
    return memory[7]


wild = Drive("reads beyond its memory", feel_wild, lambda observations, actions: 3)
no_drive = 3


def feel_nothing_finite(memory, observation, action, observation_next):
    return math.nan


thrift = Drive("not finite", feel_nothing_finite)
MISSPELT = Trunk(**NEEDED, torch_module="Softplux", onnx_operator="Softsign")
MADE_OF_MORE = Trunk(**NEEDED, torch_module="Linear", onnx_operator="Softsign")
MISSPELT_IN_ONNX = Trunk(**NEEDED, torch_module="Softsign", onnx_operator="Softplux")
'''


def own_config(source: str = "mine.py", **more) -> dict:
    """A toy run whose agent is made of the parts of a file."""
    return {
        "seed": 5,
        "world": {"name": "cart-pole"},
        "brain": {"trunk": f"{source}:BENT", "hidden": [4]},
        "learner": {"name": f"{source}:MINE", "window": 8},
        "drives": {"generic": [f"{source}:boredom", "effort"], "weights": {"fitness": 1.0, "boredom": 0.1}},
        "search": {"population": 4, "generations": 3, "lives": 2, "selection_lifetime": 60},
        "evaluation": {"lives": 2, "lifetimes": [100], "birth_steps": 50, "bin_steps": 25},
        **more,
    }
