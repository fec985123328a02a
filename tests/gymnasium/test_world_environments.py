"""Compiled worlds as Gymnasium environments: Gymnasium's checker, evolearn's own lives, and what is refused."""

import copy
import dataclasses
import re
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import evolearn.gymnasium
from evolearn.config import RunConfig
from evolearn.gymnasium import WorldEnv
from evolearn.life import FROM_UNIFORM, Plan, traced_lives
from evolearn.rng import SELECTION, TUNING, VALIDATION, LifeKey
from evolearn.world import WorldError, gymnasium_world
from tests.helpers.box import IN_THE_BOX, WORLDS, declared_entry_points
from tests.helpers.places import ROOT
from tests.helpers.probe_worlds import newborns_for, restless, restless_box, reward_by_action

IDS = {name: f"evolearn/{name}-v0" for name in declared_entry_points()}
LIFE = LifeKey(5, VALIDATION, 2, 3)
POLE = gymnasium_world("CartPole-v1")
CHECKED = (
    "bandit",
    "cart-pole",
    "savannah",
    "pursuit",
)  # in each run of the tests: discrete, Box, drawn, with an opponent


def lived(environment, actions, **how):
    """One life acting so: first observations, observations after each step, fitness, ends and senses."""
    observation, info = environment.reset(**how)
    rows = []
    for t, action in enumerate(actions):
        before = observation
        observation, fitness, terminated, truncated, info = environment.step(action)
        assert info["age"] == t + 1
        rows.append((before, observation, fitness, terminated, truncated, [*info["senses"].values()]))
        if terminated or truncated:
            observation, info = environment.reset()
    return [np.array(column) for column in zip(*rows, strict=True)]


def uniform_lives(driver, steps, key=LIFE):
    """The kernel's life with that key, acting by chance, every step of it."""
    newborns = newborns_for(driver.conditions)
    plan = Plan(steps, source=FROM_UNIFORM)
    _, trace = traced_lives(driver, newborns, np.zeros(1, int), np.array([key]), plan)
    return trace.of(0)


@pytest.mark.filterwarnings("ignore:.*A Box observation space m.*imum value is -?infinity")
@pytest.mark.parametrize(
    "name", [name if name in CHECKED else pytest.param(name, marks=pytest.mark.whole) for name in IDS]
)
def test_the_checker_of_gymnasium_accepts_every_world(name):
    environment = gymnasium.make(IDS[name]).unwrapped
    assert environment.world is IN_THE_BOX[declared_entry_points()[name]]
    assert environment.spec is not None  # without it the checker leaves determinism out
    check_env(environment)


def test_every_world_in_the_box_has_an_id():
    assert set(declared_entry_points().values()) == set(IN_THE_BOX)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_life_is_that_of_the_kernel_step_for_step(world, driver_for):
    steps = 1200 if world.name == "savannah" else 300
    trace = uniform_lives(driver_for(world), steps)
    actions = trace.actions[:, 0].astype(int) if world.is_discrete else trace.actions
    first, after, fitness, terminated, truncated, senses = lived(WorldEnv(world, key=LIFE), actions)
    np.testing.assert_array_equal(first, trace.observations)
    np.testing.assert_array_equal(after, trace.next_observations)
    np.testing.assert_array_equal(fitness, trace.fitness)
    np.testing.assert_array_equal(senses, trace.drives[:, 1:])
    np.testing.assert_array_equal(terminated | truncated, trace.ends != 0)
    if world.name in ("savannah", "cart-pole"):
        assert terminated.any()  # there were bodies to begin again


@pytest.mark.parametrize("world", [restless, restless_box], ids=["choices", "box"])
def test_both_ways_to_end_are_told_apart_as_in_the_kernel(world, driver_for):
    trace = uniform_lives(driver_for(world), 60)
    actions = trace.actions[:, 0].astype(int) if world.is_discrete else trace.actions
    *_, terminated, truncated, _ = lived(WorldEnv(world, key=LIFE), actions)
    np.testing.assert_array_equal(1 * terminated + 2 * truncated, trace.ends)
    assert set(trace.ends) == {0, 1, 2}


def motor_map(environment):
    state = environment.unwrapped._state.view(environment.unwrapped.world.state)[0]
    return state["motor"].copy()


def test_a_new_body_has_the_same_muscles_and_another_life_has_others():
    environment = WorldEnv("savannah", {"alpha": 90})
    _, info = environment.reset(seed=4)
    born_with = motor_map(environment)
    first = environment.step(np.zeros(4))[0]
    again, body = environment.reset()
    assert body["key"] == info["key"] == LifeKey(4, SELECTION, 0, 0)
    assert body["age"] == 1  # the life goes on
    np.testing.assert_array_equal(motor_map(environment), born_with)
    assert not np.array_equal(first, again)
    assert environment.reset(seed=5)[1] == {"key": LifeKey(5, SELECTION, 0, 0), "age": 0}
    assert not np.array_equal(motor_map(environment), born_with)
    environment.reset(seed=4)
    np.testing.assert_array_equal(motor_map(environment), born_with)


def test_a_life_is_named_at_construction_by_a_seed_or_in_the_options():
    one = WorldEnv("cart-pole", key=LIFE)
    first, info = one.reset()
    assert info["key"] == LIFE
    other = WorldEnv("cart-pole")
    seen, info = other.reset(options={"key": (5, 1, 2, 3)})
    assert info["key"] == LIFE
    np.testing.assert_array_equal(first, seen)
    assert one.reset(seed=9)[1]["key"] == LifeKey(9, SELECTION, 0, 0)


def born_once_more(state, parameters, rng):
    state.secret += 1


def observe_births(state, parameters, observation):
    observation[0] = state.secret


def test_another_life_finds_nothing_of_the_last_one():
    counting = dataclasses.replace(reward_by_action, name="counting", born=born_once_more, observe=observe_births)
    environment = WorldEnv(counting)
    assert [environment.reset(seed=seed)[0] for seed in (1, 2, 3)] == [1.0, 1.0, 1.0]


def test_without_key_and_seed_lives_differ():
    keys = {WorldEnv("cart-pole").reset()[1]["key"] for _ in range(3)}
    assert len(keys) == 3


def test_parameters_reach_the_world_by_both_ways():
    direct = WorldEnv("savannah", {"alpha": 90}, key=LIFE)
    made = gymnasium.make("evolearn/savannah-v0", alpha=90, key=LIFE)
    nominal = WorldEnv("savannah", key=LIFE)
    for environment in (direct, made, nominal):
        environment.reset()
    np.testing.assert_array_equal(motor_map(direct), motor_map(made))
    assert not np.array_equal(motor_map(direct), motor_map(nominal))


def test_a_life_ends_at_its_lifetime_and_the_next_one_follows():
    environment = WorldEnv("nature-nurture", key=LIFE, lifetime=5)
    born = [environment.reset()[1]]
    for age in range(1, 11):
        *_, terminated, truncated, info = environment.step(0)
        assert (terminated, truncated) == (True, False)  # what ends by itself is not cut off
        assert info["age"] == (age - 1) % 5 + 1
        born.append(environment.reset()[1])
    assert [one["key"].life for one in born] == [3] * 5 + [4] * 5 + [5]
    assert [one["age"] for one in born] == [0, 1, 2, 3, 4] * 2 + [0]
    foal = WorldEnv("savannah", key=LIFE, lifetime=2)
    foal.reset()
    assert [foal.step(np.zeros(4))[2:4] for _ in range(2)] == [(False, False), (False, True)]
    with pytest.raises(gymnasium.error.ResetNeeded):
        foal.step(np.zeros(4))


def test_lives_are_as_long_as_those_that_select_unless_something_else_is_said():
    assert WorldEnv("savannah").lifetime == RunConfig(world={"name": "savannah"}).search.selection_lifetime
    assert WorldEnv("savannah", lifetime=None).lifetime is None


def test_a_picture_is_of_the_world_as_it_is_and_changes_nothing():
    seen, unseen = (WorldEnv("savannah", {"alpha": 90}, key=LIFE, render_mode=mode) for mode in ("rgb_array", None))
    pictures = []
    for environment in (seen, unseen):
        environment.reset()
    for action in np.random.default_rng(1).uniform(-1, 1, (30, 4)).astype(np.float32):
        pictures.append(seen.render())
        np.testing.assert_array_equal(seen.step(action)[0], unseen.step(action)[0])
    assert {picture.shape for picture in pictures} == {(480, 480, 3)}
    assert len({picture.tobytes() for picture in pictures}) > 10  # it moves, but not in every step
    again = WorldEnv("savannah", {"alpha": 90}, key=LIFE, render_mode="rgb_array")
    again.reset()
    np.testing.assert_array_equal(pictures[0], again.render())


def test_what_cannot_be_rendered_says_so():
    environment = WorldEnv("savannah", render_mode="rgb_array")
    with pytest.raises(gymnasium.error.ResetNeeded, match=re.escape("nobody is born yet; call reset() first")):
        environment.render()
    with pytest.raises(ValueError, match="render_mode='human': must be \"rgb_array\", or None"):
        WorldEnv("savannah", render_mode="human")
    with pytest.raises(ValueError, match="world restless has no drawing; give it a draw"):
        WorldEnv(restless, render_mode="rgb_array")
    silent = WorldEnv("savannah")
    silent.reset()
    with pytest.warns(UserWarning, match="without a render mode"):
        assert silent.render() is None


def test_actions_beyond_the_limit_reach_the_world():
    wide = WorldEnv("sinusoid", {"shots": 0, "queries": 10}, key=LIFE, action_limit=5.0)
    assert wide.action_space.high == 5.0
    errors = []
    for guess in (3.0, 7.0):
        wide.reset(options={"key": LIFE})
        _, fitness, _, _, info = wide.step([guess])
        assert fitness == pytest.approx(-((guess - info["senses"]["target"]) ** 2), rel=1e-5)
        errors.append(fitness)
    assert errors[0] != errors[1]


def test_a_copy_lives_on_by_itself():
    environment = WorldEnv("savannah", key=LIFE)
    environment.reset()
    copied = copy.deepcopy(environment)
    actions = np.random.default_rng(0).uniform(-1, 1, (40, 4)).astype(np.float32)
    ahead = [environment.step(action)[0] for action in actions]
    behind = [copied.step(action)[0] for action in actions]
    np.testing.assert_array_equal(ahead, behind)


def test_gymnasium_vectorises_it():
    vector = gymnasium.make_vec("evolearn/cart-pole-v0", num_envs=3, vectorization_mode="sync")
    observations, _ = vector.reset(seed=1)
    np.testing.assert_array_equal(observations[2], WorldEnv("cart-pole").reset(seed=3)[0])
    vector.close()


def test_steps_outside_an_episode_are_refused():
    environment = WorldEnv(restless, key=LIFE)
    with pytest.raises(gymnasium.error.ResetNeeded, match=re.escape("no episode is under way; call reset() first")):
        environment.step(0)
    environment.reset()
    while not any(environment.step(0)[2:4]):
        pass
    with pytest.raises(gymnasium.error.ResetNeeded):
        environment.step(0)


@pytest.mark.parametrize(
    ("world", "action", "text"),
    [
        (restless, 3, "must be a whole number from 0 to 2"),
        (restless, -1, "must be a whole number from 0 to 2"),
        (restless, 0.5, "must be a whole number from 0 to 2"),
        (restless, [0, 1], "must be a whole number below 3, finite"),
        (restless_box, [0.0, np.nan, 0.0], "must be 3 numbers, finite"),
        (restless_box, [0.0, 0.0], "must be 3 numbers, finite"),
    ],
)
def test_actions_that_the_world_does_not_have_are_refused(world, action, text):
    environment = WorldEnv(world, key=LIFE)
    environment.reset()
    with pytest.raises(gymnasium.error.InvalidAction, match=text):
        environment.step(action)


def test_what_cannot_be_an_environment_is_refused():
    with pytest.raises(WorldError, match=r"is a Gymnasium environment already; gymnasium\.make"):
        WorldEnv("gymnasium:CartPole-v1")
    with pytest.raises(ValueError, match=re.escape("world.parameters.alpha=200: must be 0 to 180 (degrees)")):
        WorldEnv("savannah", {"alpha": 200})
    with pytest.raises(ValueError, match="action_limit=0: must be a finite number above 0"):
        WorldEnv("savannah", action_limit=0)
    with pytest.raises(ValueError, match="lifetime=0: must be >= 1 step, or None"):
        WorldEnv("savannah", lifetime=0)
    with pytest.raises(ValueError, match=re.escape("key=(1, 2): must be four whole numbers")):
        WorldEnv("savannah", key=(1, 2))
    with pytest.raises(ValueError, match="key: space=4: must be a whole number from 0 to 3"):
        WorldEnv("savannah", key=(1, 4, 0, 0))
    with pytest.raises(ValueError, match="key: seed=4294967296: must be a whole number from 0 to 4294967295"):
        WorldEnv("savannah").reset(seed=2**32)


def test_gymnasium_finds_a_world_in_a_fresh_process():
    script = (
        "import gymnasium, sys; environment = gymnasium.make('evolearn.gymnasium:evolearn/bandit-v0', rounds=7); "
        "print(environment.unwrapped.parameters['rounds'], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["7.0", "False"]


def test_to_import_twice_registers_once(recwarn):
    before = dict(gymnasium.registry)
    evolearn.gymnasium.register_ids()
    assert dict(gymnasium.registry) == before
    assert not recwarn.list


def test_only_what_can_be_made_has_an_id(monkeypatch):
    worlds = {"pole": f"{__name__}:POLE", "restless": "tests.helpers.probe_worlds:restless", "broken": "no_such:world"}
    monkeypatch.setattr("evolearn.gymnasium._ids.registered_worlds", lambda: worlds)
    monkeypatch.setattr(gymnasium.envs.registration, "registry", registry := {})
    monkeypatch.setattr(gymnasium, "registry", registry)
    evolearn.gymnasium.register_ids()
    assert list(registry) == ["evolearn/restless-v0", "evolearn/broken-v0"]


def test_a_life_of_any_key_space_can_be_asked_for():
    key = LifeKey(5, TUNING, 0, 1)
    assert WorldEnv("bandit", key=key).reset()[1]["key"] == key
