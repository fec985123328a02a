"""A row of cells with death at either end, for what is known of tables of action values."""

import numpy as np

from evolearn.rng import uniform
from evolearn.world import Discrete, Signal, World

CELLS = 7
CHAIN_STATE = np.dtype([("cell", "i8")], align=True)


def born_chain(state, parameters, rng):
    state.cell = 0


def begin_chain(state, parameters, rng):
    state.cell = 3


def observe_chain(state, parameters, observation):
    for cell in range(observation.size):
        observation[cell] = 1.0 if cell == state.cell else 0.0


def step_chain(state, parameters, action, senses, rng):
    state.cell += action - 1
    luck = uniform(rng)
    if state.cell <= 0:
        return -1.0 - luck, True, False
    if state.cell >= 6:
        return 2.0 * luck, True, False
    return -0.1 * luck, False, luck < 0.2


chain = World(
    name="chain",
    doc="Cells in a row, death at either end, and episodes cut off by chance; actions are left, stay and right.",
    observations=tuple(Signal(f"cell {cell}", "1") for cell in range(CELLS)),
    actions=Discrete(3),
    state=CHAIN_STATE,
    born=born_chain,
    begin=begin_chain,
    observe=observe_chain,
    step=step_chain,
)
