"""A toy environment that ends and goes wrong in every way; workers import this module to register it."""

import os
import time

import gymnasium
import numpy as np


class Toy(gymnasium.Env):
    """Walk a line at random for `length` steps.

    Not shown: the rest of the description.
    """

    def __init__(self, length=5, truncates=False, fails="never", at=3, unlucky=0.0):
        self.observation_space = gymnasium.spaces.Box(-10.0, 10.0, (2,), np.float64)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._length, self._truncates, self._fails, self._at, self._unlucky = length, truncates, fails, at, unlucky
        self._broken = False

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self._broken:
            raise RuntimeError("the bridge is still out")
        self._place = self.np_random.uniform(-1.0, 1.0)
        self._doomed = self.np_random.uniform() < self._unlucky
        self._steps = 0
        if self._fails == "reset" and self._doomed:
            raise RuntimeError("no way to begin")
        return np.array([self._place, 1.0]), {}

    def step(self, action):
        self._steps += 1
        self._place += 0.5 * (2 * action - 1) + 0.1 * self.np_random.standard_normal()
        now = self._doomed and self._steps == self._at
        if now and self._fails == "raise":
            self._broken = True
            raise RuntimeError("the bridge is out")
        if now and self._fails == "crash":
            os._exit(3)
        if now and self._fails == "hang":
            os.write(1, b"in the environment\n")
            time.sleep(600.0)
        observation = np.array([np.nan if now and self._fails == "observation" else self._place, 1.0])
        reward = np.inf if now and self._fails == "reward" else 1.0 + self._place
        over = self._steps == self._length
        return observation, reward, over and not self._truncates, over and self._truncates, {}


if "evolearn-toy-v0" not in gymnasium.registry:
    gymnasium.register("evolearn-toy-v0", entry_point=Toy)
