"""Learners of others live in compiled worlds: stable-baselines3, and a loop in one file as CleanRL's."""

import gymnasium
import numpy as np
import torch

import evolearn.gymnasium  # noqa: F401  # registers

GOOD = 0.9  # of the fitness per step that acting for the cue earns, 1


def test_stable_baselines3_learns_in_one():
    from stable_baselines3 import PPO
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor

    def environment():
        return Monitor(gymnasium.make("evolearn/nature-nurture-v0", reliability=1.0, lifetime=50))

    how = {"n_steps": 64, "batch_size": 64, "n_epochs": 4, "learning_rate": 0.02, "seed": 1, "device": "cpu"}
    learner = PPO("MlpPolicy", environment(), policy_kwargs={"net_arch": [8]}, **how)
    before, _ = evaluate_policy(learner, environment(), 40, deterministic=False)
    learner.learn(640)
    after, _ = evaluate_policy(learner, environment(), 40, deterministic=False)
    assert before < 0.75
    assert after > GOOD


def test_stable_baselines3_lives_a_foals_lives_to_their_ends():
    from stable_baselines3 import A2C
    from stable_baselines3.common.monitor import Monitor

    foal = Monitor(gymnasium.make("evolearn/savannah-v0", alpha=70, lifetime=150))
    A2C("MlpPolicy", foal, seed=2, device="cpu").learn(300)
    assert sum(foal.get_episode_lengths()) == 300  # two lives, whatever bodies they had
    assert foal.unwrapped.reset()[1]["key"][3] == 2


class Agent(torch.nn.Module):
    """A policy and a value of one layer each."""

    def __init__(self, envs):
        super().__init__()
        inputs = int(np.prod(envs.single_observation_space.shape))
        self.actor = torch.nn.Linear(inputs, int(envs.single_action_space.n))
        self.critic = torch.nn.Linear(inputs, 1)

    def act(self, observation):
        distribution = torch.distributions.Categorical(logits=self.actor(observation))
        action = distribution.sample()
        return action, distribution.log_prob(action), self.critic(observation)[:, 0]


def test_a_loop_in_one_file_learns_in_one():
    torch.manual_seed(3)
    envs = gymnasium.vector.SyncVectorEnv(
        [
            lambda: gymnasium.wrappers.RecordEpisodeStatistics(
                gymnasium.make("evolearn/nature-nurture-v0", reliability=1.0)
            )
        ]
        * 4,
        autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP,
    )
    agent = Agent(envs)
    optimiser = torch.optim.Adam(agent.parameters(), lr=0.05)
    observation, _ = envs.reset(seed=7)
    returns = []
    for _ in range(60):
        log_probs, values, rewards = [], [], []
        for _ in range(4):
            action, log_prob, value = agent.act(torch.as_tensor(observation))
            observation, reward, terminated, truncated, info = envs.step(action.numpy())
            assert (terminated | truncated).all()  # one choice is an episode here
            log_probs.append(log_prob)
            values.append(value)
            rewards.append(torch.as_tensor(reward, dtype=torch.float32))
            returns.append(info["final_info"]["episode"]["r"].mean())
        advantage = torch.stack(rewards) - torch.stack(values)
        loss = -(torch.stack(log_probs) * advantage.detach()).mean() + advantage.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    envs.close()
    assert np.mean(returns[:8]) < 0.75
    assert np.mean(returns[-40:]) > GOOD
