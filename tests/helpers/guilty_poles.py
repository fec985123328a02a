"""Cart-poles that go wrong in every third life at its twentieth step; registered with Gymnasium, each by its way."""

import os
import signal
import time

import gymnasium
from gymnasium.envs.classic_control import CartPoleEnv


class Guilty(CartPoleEnv):
    def __init__(self, how, **more):
        super().__init__(**more)
        self.how, self.guilty, self.steps_taken = how, False, 0

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.guilty, self.steps_taken = seed % 3 == 0, 0
        return super().reset(seed=seed, options=options)

    def step(self, action):
        self.steps_taken += 1
        if self.guilty and self.steps_taken == 20:
            if self.how == "raises":
                raise RuntimeError("the pole broke")
            if self.how == "hangs":
                time.sleep(1000)
            if self.how == "crashes":
                os.kill(os.getpid(), signal.SIGKILL)
        return super().step(action)


for how in ("raises", "hangs", "crashes"):
    gymnasium.register(f"{how.title()}-v0", entry_point=Guilty, kwargs={"how": how})
