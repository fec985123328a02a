"""A cue that is shown once and asked for later, and gated brains made by hand that remember it, or what they did."""

import numpy as np

from evolearn.rng import integer
from evolearn.world import Discrete, Parameter, Signal, World

STATE = np.dtype([("cue", "i8"), ("age", "i8")], align=True)
EPISODE = 10  # steps
TOLD = ("observation", "last_action")
UNITS = 4


def born(life, parameters, rng):
    life.cue = integer(rng, 0, 2)


def begin(life, parameters, rng):
    life.age = 0


def observe(life, parameters, observation):
    for cue in range(2):
        observation[cue] = 1.0 if life.age == 0 and life.cue == cue else 0.0


def step(life, parameters, action, senses, rng):
    life.age += 1
    return 1.0 if action == life.cue else 0.0, False, life.age >= parameters.episode


def oracle(life, parameters, action):
    return life.cue


recall = World(
    name="recall",
    doc="A life has one cue, which is shown in the first step of each episode; naming it is fit in every step.",
    observations=(Signal("cue 0", "1"), Signal("cue 1", "1")),
    actions=Discrete(2),
    state=STATE,
    born=born,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    parameters=(Parameter("episode", EPISODE, 1.0, 1000.0, "steps", "length of an episode", whole=True),),
)

# A unit whose update gate is open forgets at once what it held; one whose gate is shut holds it.
OPEN, SHUT = -30.0, 10.0


def remembering_weights(heeds=True):
    """Weights by tensor of a gated brain of UNITS units that is told TOLD.

    Unit 0 takes up the cue when it is shown and holds it; 1 is what was done last; 2 what 1 was before, so what was
    done two steps ago; 3 stays empty.

    Args:
        heeds: the policy names the cue that unit 0 holds; else it is indifferent.
    """
    inputs = np.zeros(
        (4, 3, UNITS)
    )  # by what is told: cue 0, cue 1, action 0, action 1; columns candidate, reset, update
    inputs[0, 0, 0], inputs[1, 0, 0] = 5.0, -5.0
    inputs[:2, 2, 0] = OPEN - SHUT
    inputs[2, 0, 1], inputs[3, 0, 1] = 1.0, -1.0
    state = np.zeros((UNITS, 3, UNITS))  # columns reset, update, recall
    state[1, 2, 2] = 1.0
    policy = np.zeros((2, UNITS))
    policy[:, 0] = (20.0, -20.0) if heeds else (0.0, 0.0)
    return {
        "hidden1.inputs.weight": inputs.reshape(4, -1),
        "hidden1.state.weight": state.reshape(UNITS, -1),
        "hidden1.candidate.bias": np.zeros(UNITS),
        "hidden1.reset.bias": np.full(UNITS, 30.0),
        "hidden1.update.bias": np.array([SHUT, OPEN, OPEN, SHUT]),
        "hidden1.recall.bias": np.zeros(UNITS),
        "policy.weight": policy,
        "policy.bias": np.zeros(2),
    }


def empty_weights():
    """The same brain with a state that is always zero, and an indifferent policy."""
    return {name: np.zeros_like(block) for name, block in remembering_weights().items()}
