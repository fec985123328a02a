"""A newborn for Gymnasium's Ant: it begins on its side and is fit as far as it stands, as a wrapper.

Fitness per step is height times uprightness: the torso's height above the ground in units of STANDING, at most 1,
times the cosine of the torso's angle to the vertical, 0 when it is beyond a right angle. 0: on its side or back;
1: level, at standing height. Nothing is paid for moving, nothing is charged.
"""

import math
from typing import Any

import gymnasium
import numpy as np

STANDING = 0.6  # m, of the torso's centre, with the legs stretched
LYING = 0.35  # m, of the torso's centre when it is put on its side


class StandUp(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Begin every episode lying; reward: standing, 0 .. 1 per step."""

    able = "standing"  # what a newborn does that has mastered the task
    tilt = math.pi / 2.0  # of the torso at the beginning, about a horizontal axis that is drawn anew, rad

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Put the torso on its side, limbs as the environment draws them, everything at rest."""
        _, info = self.env.reset(seed=seed, options=options)
        ant: Any = self.unwrapped
        axis = ant.np_random.uniform(0.0, 2.0 * math.pi)
        half = 0.5 * self.tilt
        position = ant.data.qpos.copy()
        position[2] = LYING
        position[3:7] = math.cos(half), math.sin(half) * math.cos(axis), math.sin(half) * math.sin(axis), 0.0
        ant.set_state(position, np.zeros_like(ant.data.qvel))
        return ant._get_obs(), info

    def step(self, action: Any) -> Any:
        """One step; see gymnasium.Env."""
        observation, _, terminated, truncated, info = self.env.step(action)
        return observation, self.standing(), terminated, truncated, info

    def standing(self) -> float:
        """How much the ant stands, 0 .. 1."""
        data = self.unwrapped.data  # type: ignore[attr-defined]
        _, x, y, _ = data.qpos[3:7]
        upright = 1.0 - 2.0 * (x * x + y * y)  # the torso's own vertical, along the world's
        return float(max(0.0, upright) * min(max(data.qpos[2], 0.0) / STANDING, 1.0))
