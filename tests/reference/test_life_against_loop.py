"""A whole life, learning included, against the loop that the design describes, written with torch and by hand."""

import math

import numpy as np
import pytest
import torch

from evolearn.agent import ASKED, GOES_ON, NOT_TAUGHT, TERMINATED, TRUNCATED, WATCHED, Window
from evolearn.life import FROM_BRAIN, FROM_ORACLE, Plan, TeacherSpec, lives
from evolearn.rng import ACTION, SELECTION, TEACHING, at_step, life_keys, new_rng, normal_pair, open_stream, uniform
from tests.helpers.probe_worlds import SETTINGS, Stage, guided, guided_box, newborns_for, restless, restless_box
from tests.reference.torch_learner import brain_with, random_weights, torch_learner

DISCOUNT, GAE_LAMBDA, BONUS, VALUE_WEIGHT, RATE = 0.9, 0.8, 0.02, 0.5, 3e-3
LIFETIME, WINDOW, LEARN_FROM = 150, 16, 10
WANTS = {"fitness": 0.7, "gain": -0.4, "age": 0.2}


def choose(spec, parameters, rng):
    """An action from policy parameters and the life's action stream."""
    if spec.policy == "categorical":
        odds = np.cumsum(np.exp(parameters - parameters.max()))
        return np.array([np.searchsorted(odds, uniform(rng) * odds[-1])])
    draws = np.array([normal_pair(rng) for _ in range(math.ceil(spec.actions / 2))]).reshape(-1)[: spec.actions]
    return parameters[: spec.actions] + np.exp(parameters[spec.actions :]) * draws


def one_hot(choice, choices):
    return [float(k == int(choice)) for k in range(choices)]


class Teller:
    """What a brain is told, from the words of its inputs."""

    def __init__(self, world, spec):
        self.world, self.spec = world, spec
        self.forget()
        self.is_new = True

    def forget(self):
        spec = self.spec
        self.last = {
            "last_observation": [0.0] * spec.observations,
            "last_action": [0.0] * spec.actions,
            "last_reward": [0.0],
        }

    def tell(self, observation):
        told = {**self.last, "observation": observation, "new_episode": [float(self.is_new)]}
        return np.concatenate([told[name] for name in self.spec.inputs]).astype(np.float32)

    def step(self, observation, action, reward):
        self.is_new = False
        done = one_hot(action[0], self.spec.actions) if self.world.is_discrete else action
        self.last = {"last_observation": observation, "last_action": done, "last_reward": [reward]}

    def end_episode(self):
        self.is_new = True
        if self.spec.memory == "episode":
            self.forget()


class Teaching:
    """Who teaches a life by hand, in what way, from when to when, and how much that counts."""

    def __init__(self, stage, key, spec, mode, by, weight, begins, ends):
        self.stage, self.spec, self.mode, self.weight = stage, spec, mode, weight
        self.begins, self.ends = begins, ends
        self.brain = None if by is None else brain_with(spec, by)
        self.rng = new_rng()
        open_stream(self.rng, key, TEACHING)
        self.now = NOT_TAUGHT

    def begin_window(self, t):
        before, self.now = self.now, self.mode if self.begins <= t < self.ends else NOT_TAUGHT
        if before == NOT_TAUGHT:
            self.forget()

    def forget(self):
        self.state = None if self.brain is None else torch.zeros(self.brain.state_size).double()

    def act(self, told, t):
        """What the teacher does, or would do, in this step."""
        if self.brain is None:
            return self.stage.ask_oracle()
        with torch.no_grad():
            parameters, _, self.state = self.brain.step(torch.from_numpy(told).double(), self.state)
        at_step(self.rng, t + 1)
        return choose(self.spec, parameters.numpy(), self.rng).astype(np.float32)

    def lesson(self, action):
        return one_hot(action[0], self.spec.actions) if self.spec.policy == "categorical" else list(action)


def live_by_hand(world, spec, weights, key, settings, **teaching):
    """What a brain was told, actions, ends, the final weights of one life, and in how many steps it was taught."""
    learner = torch_learner(spec, weights, settings, RATE)
    stage = Stage(world, key)
    teller = Teller(world, spec)
    teacher = Teaching(stage, key, spec, **teaching) if teaching else None
    taught = 0
    action_rng = new_rng()
    open_stream(action_rng, key, ACTION)
    state = first_state = torch.zeros(learner.brain.state_size).double()
    seen, done, ends = [], [], []
    rows = []
    for t in range(LIFETIME):
        seen_now = stage.observe()
        observation = teller.tell(seen_now)
        at_step(action_rng, t + 1)
        with torch.no_grad():
            parameters, _, state = learner.brain.step(torch.from_numpy(observation).double(), state)
        action = choose(spec, parameters.numpy(), action_rng).astype(np.float32)
        lesson = []
        if teacher and t >= LEARN_FROM:
            if not rows:
                teacher.begin_window(t)
            if teacher.now != NOT_TAUGHT:
                done_by_teacher = teacher.act(observation, t)
                lesson = teacher.lesson(done_by_teacher)
                action = done_by_teacher if teacher.now == WATCHED else action
                taught += 1
        fitness, terminated, truncated, senses = stage.step(action)
        end = TERMINATED if terminated else TRUNCATED if truncated else GOES_ON
        reward = WANTS["fitness"] * fitness + WANTS["gain"] * senses[0] + WANTS["age"] * senses[1]
        reward = 0.0 if lesson and teacher.now == WATCHED else reward
        teller.step(seen_now, action, reward)
        with torch.no_grad():
            _, final_value, _ = learner.brain.step(torch.from_numpy(teller.tell(stage.observe())).double(), state)
        if end != GOES_ON:
            stage.begin()
            teller.end_episode()
            if spec.memory == "episode":
                state = torch.zeros_like(state)
                if teacher:
                    teacher.forget()
        seen.append(observation)
        done.append(action)
        ends.append(end)
        if t >= LEARN_FROM:
            rows.append((observation, action, reward, end, final_value.item(), lesson))
        if len(rows) == WINDOW:
            observations, actions, rewards, window_ends, final_values, lessons = zip(*rows, strict=True)
            window = Window(
                observations=np.array([*observations, teller.tell(stage.observe())]),
                activations=first_state[None].numpy(),
                outputs=None,
                actions=np.array(actions),
                rewards=np.array(rewards),
                ends=np.array(window_ends),
                final_outputs=np.array(final_values)[:, None],
                carry=np.zeros(0),
                lessons=np.array(lessons),
            )
            now = teacher.now if teacher else NOT_TAUGHT
            weight = teacher.weight if now != NOT_TAUGHT else 0.0
            if now != WATCHED or weight:
                learner.learn(
                    window, settings, DISCOUNT, GAE_LAMBDA, BONUS, VALUE_WEIGHT, weight, rewarded=now != WATCHED
                )
            rows = []
        if not rows:
            first_state = state
    return np.array(seen), np.array(done), np.array(ends), learner.brain.flat(), taught


OBSERVATION = ("observation",)
ALL_INPUTS = ("observation", "last_action", "new_episode", "last_observation", "last_reward")


PLAIN, PRODUCT = {"trunk": "mlp"}, {"trunk": "mlp", "readout": "product"}
GRU, GRU_PRODUCT = {"trunk": "gru"}, {"trunk": "gru", "readout": "product"}


@pytest.mark.parametrize(
    ("brain", "inputs", "memory", "epochs"),
    [
        (PLAIN, OBSERVATION, "episode", 1),
        (PLAIN, OBSERVATION, "episode", 3),
        (PLAIN, ALL_INPUTS, "episode", 1),
        (PLAIN, ALL_INPUTS, "life", 3),
        (PRODUCT, ALL_INPUTS, "episode", 1),
        (GRU, OBSERVATION, "episode", 1),
        (GRU, OBSERVATION, "life", 1),
        (GRU_PRODUCT, ALL_INPUTS, "episode", 3),
    ],
    ids=[
        "plain",
        "plain, three epochs",
        "told",
        "told for life, three epochs",
        "product, told",
        "gru",
        "gru for life",
        "gru, product, told, three epochs",
    ],
)
@pytest.mark.parametrize("world", [restless, restless_box], ids=["choices", "box"])
def test_a_compiled_life_is_the_loop_by_hand(world, brain, inputs, memory, epochs, driver_for):
    settings = SETTINGS._replace(epochs=epochs)
    driver = driver_for(world, settings=settings, hidden=(7, 5), inputs=inputs, memory=memory, **brain)
    spec = driver.conditions.brain
    newborns = newborns_for(
        driver.conditions,
        drives=WANTS,
        learning_rate=RATE,
        discount=DISCOUNT,
        gae_lambda=GAE_LAMBDA,
        entropy_bonus=BONUS,
        value_weight=VALUE_WEIGHT,
    )
    keys = life_keys(21, SELECTION, 2, 1)
    plan = Plan(LIFETIME, learn_from=LEARN_FROM, final_weights=True)
    outcome, trace = lives(driver, driver.conditions, newborns, np.zeros(1, int), keys, plan, LIFETIME)
    seen, done, ends, final_weights, _ = live_by_hand(world, spec, newborns.weights[0], keys[0], settings)
    assert {GOES_ON, TERMINATED, TRUNCATED} == set(ends)
    observed = spec.observations
    np.testing.assert_array_equal(trace.observations, seen[:, :observed])
    # What is told of the actions and rewards of before is as near as these are.
    np.testing.assert_allclose(trace.met, seen, rtol=1e-3, atol=1e-4)
    assert trace.told.shape[-1] == (0 if inputs == OBSERVATION else spec.told)
    np.testing.assert_array_equal(trace.ends, ends)
    np.testing.assert_allclose(trace.actions, done, rtol=1e-3, atol=1e-4)
    learned = np.abs(final_weights - newborns.weights[0]).max()
    assert learned > 5 * RATE
    np.testing.assert_allclose(outcome.final_weights[0], final_weights, rtol=0, atol=2e-3 * learned)
    assert outcome.finished[0].sum() == np.sum(ends != GOES_ON)
    assert outcome.deaths[0].sum() == np.sum(ends == TERMINATED)
    expected_drives = [trace.drives[:, place].sum(dtype=float) for place in range(3)]
    np.testing.assert_allclose(outcome.drives[0], expected_drives, rtol=1e-6)


BEGINS, ENDS = 30, 110  # within the window that begins at 26, and behind that which begins at 106


@pytest.mark.parametrize("source", [FROM_ORACLE, FROM_BRAIN], ids=["oracle", "brain"])
@pytest.mark.parametrize("mode", [ASKED, WATCHED], ids=["asked", "watched"])
@pytest.mark.parametrize("brain", [PLAIN, GRU], ids=["plain", "gru"])
@pytest.mark.parametrize("world", [guided, guided_box], ids=["choices", "box"])
def test_a_taught_life_is_the_loop_by_hand(world, brain, mode, source, driver_for):
    settings = SETTINGS._replace(epochs=2)
    how = {"settings": settings, "hidden": (7, 5), "inputs": ALL_INPUTS, "learner": "rewarded_imitation", **brain}
    spec = driver_for(world, **how).conditions.brain
    weights = random_weights(spec, 5) if source == FROM_BRAIN else None
    teacher = TeacherSpec(source, mode, 2 * LIFETIME, b"" if weights is None else weights.tobytes())
    driver = driver_for(world, teacher=teacher, **how)
    newborns = newborns_for(
        driver.conditions,
        drives=WANTS,
        learning_rate=RATE,
        discount=DISCOUNT,
        gae_lambda=GAE_LAMBDA,
        entropy_bonus=BONUS,
        value_weight=VALUE_WEIGHT,
        imitation_weight=0.6,
        taught_from=BEGINS / (2 * LIFETIME),
        taught_share=(ENDS - BEGINS) / (2 * LIFETIME),
    )
    keys = life_keys(21, SELECTION, 2, 1)
    plan = Plan(LIFETIME, learn_from=LEARN_FROM, final_weights=True)
    outcome, trace = lives(driver, driver.conditions, newborns, np.zeros(1, int), keys, plan, LIFETIME)
    teaching = {"mode": mode, "by": weights, "weight": 0.6, "begins": BEGINS, "ends": ENDS}
    seen, done, ends, final_weights, taught = live_by_hand(
        world, spec, newborns.weights[0], keys[0], settings, **teaching
    )
    assert outcome.taught[0] == taught == 5 * WINDOW
    np.testing.assert_array_equal(trace.ends, ends)
    np.testing.assert_allclose(trace.met, seen, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(trace.actions, done, rtol=1e-3, atol=1e-4)
    learned = np.abs(final_weights - newborns.weights[0]).max()
    assert learned > 5 * RATE
    np.testing.assert_allclose(outcome.final_weights[0], final_weights, rtol=0, atol=2e-3 * learned)
    watched = slice(42, 122) if mode == WATCHED else slice(0)
    assert not trace.fitness[watched].any()
    assert not trace.drives[watched].any()
    assert trace.fitness[122:].all()
