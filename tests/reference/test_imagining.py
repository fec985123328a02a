"""Imagined steps, and repeated ones, against Q-learning on tables, update by update."""

import numpy as np
import pytest
from evolearn.worlds.maze import maze
from evolearn.worlds.rooms import rooms

from evolearn.agent import GOES_ON, TERMINATED, TRUNCATED
from evolearn.life import Plan, lives
from evolearn.rng import IMAGINATION, SELECTION, at_step, integer, life_keys, new_rng, open_stream
from tests.helpers.probe_worlds import newborns_for

TABLES = {"trunk": "linear", "hidden": (), "learner": "q_learning", "window": 1}
RATE, DISCOUNT, EPSILON = 0.1, 0.95, 0.1
AT_FIRST = 0.3  # of every value, that of the goal too, which nothing comes after
KEYS = life_keys(4, SELECTION, 1, 2)


def lived(driver_for, world, steps, count=1, trace=0, **how):
    driver = driver_for(world, **{**TABLES, **how})
    learning = {"learning_rate": RATE, "discount": DISCOUNT, "epsilon": EPSILON}
    more = {"prediction_rate": 1.0} if driver.conditions.brain.outcomes else {}
    newborns = newborns_for(driver.conditions, 1, **learning, **more)
    newborns.weights[:] = 0.0
    newborns.weights[:, : 4 * driver.conditions.brain.observations] = AT_FIRST
    genomes = np.zeros(count, np.int64)
    plan = Plan(steps, final_weights=True)
    return lives(driver, driver.conditions, newborns, genomes, life_keys(4, SELECTION, 1, count), plan, trace)


def table_of(outcome, cells, actions):
    return outcome.final_weights[0, : actions * cells].reshape(actions, cells).T


class Dyna:
    """Sutton and Barto 2018, section 8.2, tabular Dyna-Q, but that steps to imagine are drawn from the last ones."""

    def __init__(self, cells, actions):
        self.values = np.full((cells, actions), AT_FIRST)
        self.model = {}

    def learn(self, cell, action, reward, after, ended):
        best = 0.0 if ended else self.values[after].max()
        self.values[cell, action] += RATE * (reward + DISCOUNT * best - self.values[cell, action])


@pytest.mark.parametrize(("world", "remembered", "ends"), [(maze, 512, TERMINATED), (rooms, 30, TRUNCATED)])
def test_with_one_hot_observations_it_is_dyna_q(driver_for, world, remembered, ends):
    steps, planned = 3000, 3
    imagining = {"imagined": planned, "remembered": remembered}
    outcome, trace = lived(driver_for, world, steps, trace=steps, prediction=True, imagining=imagining)
    cells = trace.observations.argmax(axis=1)
    dyna = Dyna(trace.observations.shape[1], 4)
    rng = new_rng()
    open_stream(rng, KEYS[0], IMAGINATION)
    past = []
    for t in range(steps):
        cell, action, after = cells[t], int(trace.actions[t, 0]), trace.next_observations[t].argmax()
        outcome_t = trace.drives[t, 0], after, trace.ends[t] == TERMINATED
        # After a truncated episode the learner looks at its last observation, as imagined steps always do.
        dyna.learn(cell, action, *outcome_t)
        dyna.model[cell, action] = outcome_t
        past = [*past, (cell, action)][-remembered:]
        at_step(rng, t + 1)
        for _ in range(planned):
            which = integer(rng, 0, len(past))
            if t + 1 > remembered:  # the newest stands where the oldest stood
                which = (which - (t + 1)) % remembered
            dyna.learn(*past[which], *dyna.model[past[which]])
    assert ends in trace.ends
    np.testing.assert_allclose(table_of(outcome, len(dyna.values), 4), dyna.values, atol=1e-4)
    assert np.ptp(dyna.values) > 0.1


def test_repeated_updates_are_those_of_the_same_window(driver_for):
    steps, times = 3000, 3
    outcome, trace = lived(driver_for, rooms, steps, trace=steps, imagining={"repeated": times})
    dyna = Dyna(trace.observations.shape[1], 4)
    for t in range(steps):
        cell, after = trace.observations[t].argmax(), trace.next_observations[t].argmax()
        stale = dyna.values[after].max()  # of a truncated episode the last observation is thought of once
        for _ in range(1 + times):
            ended = trace.ends[t] == TERMINATED
            best = 0.0 if ended else dyna.values[after].max() if trace.ends[t] == GOES_ON else stale
            error = trace.drives[t, 0] + DISCOUNT * best - dyna.values[cell, int(trace.actions[t, 0])]
            dyna.values[cell, int(trace.actions[t, 0])] += RATE * error
    np.testing.assert_allclose(table_of(outcome, len(dyna.values), 4), dyna.values, atol=1e-4)
    assert np.ptp(dyna.values) > 0.1
