"""Shared by tests: CompiledEnvironments, assert_same, toys of the toy environment and their lives."""

import numpy as np

from evolearn.life import Plan, lives
from evolearn.numerics import COMPILES
from evolearn.rng import SELECTION, WORLD, at_step, life_keys, new_rng, open_birth, open_stream
from evolearn.world import compile_world, gymnasium_world
from tests.helpers.probe_worlds import conditions_for, newborns_for

ALWAYS = {"learning_rate": 0.01, "discount": 0.97}


class CompiledEnvironments:
    """A compiled world behind the stepwise driver's protocol, with the draws of the fused kernel."""

    where = (0,)

    def __init__(self, conditions):
        self._world = compile_world(conditions.world, conditions.parameters, by_hand=True)

    def begin_all(self, keys, observations):
        self._states = [np.zeros(self._world.state_size, np.uint8) for _ in keys]
        self._rngs = [new_rng() for _ in keys]
        self._keys = keys
        for place, key in enumerate(keys):
            open_birth(self._rngs[place], key, 0)
            self._world.born(*self._handles(place), self._rngs[place])
            open_stream(self._rngs[place], key, WORLD)
            self.begin_again(place, -1, observations[place])

    def begin_again(self, place, t, observation):
        self._world.begin(*self._handles(place), self._rngs[place])
        self._world.observe(*self._handles(place), observation)

    def step_all(self, t, places, actions, observations, senses, fitness, terminated, truncated):
        terminated[:] = truncated[:] = False
        for place in places:
            at_step(self._rngs[place], t + 1)
            fitness[place], terminated[place], truncated[place] = self._world.step(
                *self._handles(place), actions[place], senses[place], self._rngs[place]
            )
            self._world.observe(*self._handles(place), observations[place])
        return [place for place in places if terminated[place] or truncated[place]]

    def switch(self, places, terminated, truncated):
        births = new_rng()
        for place in places:
            truncated[place] |= not terminated[place]
            open_birth(births, self._keys[place], 1)
            self._world.reborn(*self._handles(place), births)
        return list(places)

    def close(self):
        pass

    def _handles(self, place):
        buffers = (self._states[place], self._world.parameters)
        return tuple(buffer.ctypes.data for buffer in buffers) if COMPILES else buffers


def assert_same(ours, theirs):
    """Whether two named tuples of arrays are bitwise the same, NaN and the sign of zero included."""
    for name, one, other in zip(ours._fields, ours, theirs, strict=True):
        assert one.shape == other.shape, name
        assert one.tobytes() == other.tobytes(), name


def toy(**arguments):
    return conditions_for(gymnasium_world("tests.helpers.toy_environment:evolearn-toy-v0", **arguments))


def live_toys(driver, count=7, steps=50, first=0, seed=8, **plan):
    newborns = newborns_for(driver.conditions, 2, **ALWAYS)
    keys = life_keys(seed, SELECTION, 0, first + count)[first:]
    outcome, _ = lives(
        driver, driver.conditions, newborns, np.arange(first, first + count) % 2, keys, Plan(steps, **plan)
    )
    return outcome
