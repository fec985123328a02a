"""Tasks of the meta-learning benchmarks for Gymnasium's HalfCheetah, as wrappers: run this way, run that fast.

Each replaces the reward and leaves everything else alone. The task is an attribute, `direction` or `target`, that a
config draws at birth (section `world.vary`) and the animal must find out within its life.

Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning for fast adaptation of deep networks", section 5.3;
the range of the velocities as in Rothfuss, Lee, Clavera, Asfour and Abbeel 2019, "ProMP: proximal meta-policy search".
"""

from typing import Any

import gymnasium


class Direction(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Reward: velocity in the life's own direction, m/s, minus what the environment charges for its torques."""

    able = "running"  # what a newborn does that has mastered the task
    direction = 1.0  # 1: forward, -1: backward

    def step(self, action: Any) -> Any:
        """One step; see gymnasium.Env."""
        observation, _, terminated, truncated, info = self.env.step(action)
        reward = self.direction * info["x_velocity"] + info["reward_ctrl"]
        return observation, reward, terminated, truncated, info


class Velocity(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Reward: minus the distance to the life's own target velocity, m/s, minus what is charged for torques."""

    able = "running"  # what a newborn does that has mastered the task
    target = 1.5  # m/s

    def step(self, action: Any) -> Any:
        """One step; see gymnasium.Env."""
        observation, _, terminated, truncated, info = self.env.step(action)
        reward = -abs(info["x_velocity"] - self.target) + info["reward_ctrl"]
        return observation, reward, terminated, truncated, info
