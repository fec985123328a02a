"""stable-baselines3's A2C, one agent in one process on one core: the library loop that most people start from."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium
import torch
from stable_baselines3 import A2C
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from benchmarks import work

# One agent is slow enough for a clear reading; a rate per core is what is compared.
LIVES, UPDATES = 1, 250


class Trunk(BaseFeaturesExtractor):
    """Two layers of tanh that policy and value share, as in every other contender."""

    def __init__(self, space: gymnasium.spaces.Box) -> None:
        super().__init__(space, work.HIDDEN)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(work.OBSERVATIONS, work.HIDDEN),
            torch.nn.Tanh(),
            torch.nn.Linear(work.HIDDEN, work.HIDDEN),
            torch.nn.Tanh(),
        )

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Activations of the second layer."""
        return self.layers(observation)


def lives_of(size: work.Size) -> Callable[[], None]:
    """One agent after another on Gymnasium's CartPole-v1, on one core."""
    torch.set_num_threads(1)

    def newborn(seed: int) -> A2C:
        return A2C(
            "MlpPolicy",
            "CartPole-v1",
            learning_rate=work.LEARNING_RATE,
            n_steps=work.WINDOW,
            gamma=work.DISCOUNT,
            gae_lambda=work.GAE_LAMBDA,
            ent_coef=work.ENTROPY_BONUS,
            vf_coef=0.5,  # it weighs the squared error, not half of it
            use_rms_prop=False,
            policy_kwargs={
                "net_arch": [],
                "features_extractor_class": Trunk,
                "optimizer_class": torch.optim.Adam,
                "optimizer_kwargs": {"betas": (work.FIRST_DECAY, work.SECOND_DECAY), "eps": work.EPSILON},
            },
            device="cpu",
            seed=seed,
        )

    newborn(0).learn(10 * work.WINDOW)
    agents = [newborn(1 + life) for life in range(size.lives)]

    def live() -> None:
        for agent in agents:
            agent.learn(size.updates * work.WINDOW)

    return live


if __name__ == "__main__":
    work.main(lives_of, LIVES, UPDATES)
