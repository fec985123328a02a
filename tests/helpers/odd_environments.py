"""Environments that keep something, answer wrongly or rearrange their process; workers import this to register them."""

import math
import multiprocessing
import os
import random
import signal
import sys
import threading
import time

import gymnasium
import numpy as np


class Plain(gymnasium.Env):
    """Sound: noise to be seen, a reward for one of two actions, episodes of ten steps."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, how="soundly"):
        self.how = how

    def seen(self):
        return self.np_random.uniform(-1.0, 1.0, 2).astype(np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self.seen(), {}

    def reward(self, action):
        return float(action) + float(self.np_random.normal())

    def step(self, action):
        self.t += 1
        return self.seen(), self.reward(action), self.t >= 10, False, {}


class Keeping(Plain):
    """Keeps something from before reset, or takes chance from elsewhere than its seed."""

    steps, episodes, mean, velocity, best, total = 0, 0, 0.0, 0.0, -np.inf, 0.0
    LEVELS: dict[int, float] = {}  # noqa: RUF012 -- of the class

    def __init__(self, how):
        super().__init__(how)
        self.rng = np.random.default_rng(1)
        self.mass = random.random()
        self.action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.episodes += 1
        self.total = 0.0
        if self.how == "seeds the global generator":
            np.random.seed(seed)  # noqa: NPY002
        return super().reset(seed=seed)

    def step(self, action):
        self.steps += 1
        return super().step(action)

    def seen(self):
        self.mean += 0.01
        return super().seen() - (self.mean if self.how == "a running mean after 150" and self.steps > 150 else 0.0)

    def reward(self, action):
        reward = super().reward(action)
        self.velocity = 0.9 * self.velocity + reward
        self.total += reward
        beaten = self.t == 10 and self.total > self.best
        self.best = max(self.best, self.total) if self.t == 10 else self.best
        return {
            "episodes": lambda: 1.0 / self.episodes,
            "every tenth episode": lambda: 1.0 / (1 + self.episodes // 10),
            "every 500th episode": lambda: 1.0 / (1 + self.episodes // 500),
            "steps": lambda: math.exp(-self.steps / 500),
            "tasks in order": lambda: float(self.episodes % 7),
            "velocity": lambda: self.velocity,
            "the best so far": lambda: 100.0 * beaten,
            "a generator of its own": lambda: float(self.rng.random()),
            "the global generator": lambda: float(np.random.rand()),  # noqa: NPY002
            "seeds the global generator": lambda: float(np.random.rand()),  # noqa: NPY002
            "Python's generator": lambda: random.random(),
            "its space's generator": lambda: float(self.action_space.sample()),
            "a clock": time.perf_counter,
            "its process": lambda: float(os.getpid()),
            "drawn in its constructor": lambda: self.mass,
            "a level as it was drawn first": lambda: self.LEVELS.setdefault(0, reward),
        }.get(self.how, lambda: reward)()


class Answering(Plain):
    """Answers as told, after three steps."""

    ANSWERS = {  # noqa: RUF012
        "a reward of shape (1,)": lambda answer: (answer[0], np.array([1.0]), *answer[2:]),
        "a reward None": lambda answer: (answer[0], None, *answer[2:]),
        "a reward in words": lambda answer: (answer[0], "1.5", *answer[2:]),
        "a complex reward": lambda answer: (answer[0], 1 + 2j, *answer[2:]),
        "a reward too large": lambda answer: (answer[0], 1e300, *answer[2:]),
        "four values": lambda answer: answer[:4],
        "nothing": lambda answer: None,
        "an observation of another shape": lambda answer: (np.zeros(3, np.float32), *answer[1:]),
        "an observation None": lambda answer: (None, *answer[1:]),
        "no truth": lambda answer: (*answer[:2], None, *answer[3:]),
        "an array for a truth": lambda answer: (*answer[:2], np.array([False]), *answer[3:]),
        "NaN after the last step": lambda answer: (np.full(2, np.nan, np.float32), 1.0, True, False, {}),
        "a list": lambda answer: [[0.5, 0.5], *answer[1:]],
        "a reward of shape ()": lambda answer: (answer[0], np.array(1.0), *answer[2:]),
        "no info": lambda answer: (*answer[:4], None),
    }

    def step(self, action):
        answer = super().step(action)
        return self.ANSWERS[self.how](answer) if self.t == 3 else answer


class Leaving(Plain):
    """Leaves, or rearranges, its process."""

    def __init__(self, how):
        super().__init__(how)
        if how == "waits in its constructor":
            time.sleep(600.0)
        if how == "exits in its constructor":
            os._exit(3)
        if how == "closes its output":
            sys.stdout.close()
        if how == "forks and goes on":
            os.fork()
        if how == "closes all files":
            os.closerange(3, 256)
        if how == "rearranges its process":
            assert threading.current_thread() is threading.main_thread()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            np.seterr(all="raise")
            os.chdir("/")
            self.child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600.0,))
            self.child.start()
            os.write(1, f"child {self.child.pid}\n".encode())

    def reward(self, action):
        if self.t == 3 and self.how == "exits by sys.exit":
            sys.exit(0)
        if self.t == 3 and self.how == "raises KeyboardInterrupt":
            raise KeyboardInterrupt
        return super().reward(action)

    def close(self):
        if self.how == "raises when it is closed":
            raise RuntimeError("no way to close")


class Alone(Plain):
    """Only one at a time in a process."""

    there = 0

    def __init__(self, size=1):
        super().__init__()
        if Alone.there:
            raise OSError("the port is taken")
        Alone.there += 1

    def close(self):
        Alone.there = 0


for made in (Plain, Keeping, Answering, Leaving, Alone):
    if f"evolearn-{made.__name__.lower()}-v0" not in gymnasium.registry:
        gymnasium.register(f"evolearn-{made.__name__.lower()}-v0", entry_point=made)
