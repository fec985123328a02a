"""Environments that nobody here wrote: found, checked, lived in; a life depends on its key alone."""

import dataclasses
import importlib.util

import numpy as np
import pytest

from evolearn.config import VariationPart, check_config, find_config, read_yaml
from evolearn.life import Plan, lives
from evolearn.life._stepwise import StepwiseDriver
from evolearn.life.records import FINISHED
from evolearn.rng import SELECTION, life_keys
from evolearn.run import assemble, remarks_on
from evolearn.world import GymnasiumEnvironments
from tests.helpers.probe_worlds import conditions_for, newborns_for

needs = {
    "box2d": pytest.mark.skipif(importlib.util.find_spec("Box2D") is None, reason="the extra [box2d] is not installed"),
    "mujoco": [
        pytest.mark.mujoco,
        pytest.mark.skipif(importlib.util.find_spec("mujoco") is None, reason="the extra [mujoco] is not installed"),
    ],
}
CARTPOLE = {
    "name": "gymnasium:CartPole-v1",
    "vary": {
        "length": {
            **{"distribution": "log_uniform", "low": 0.5, "high": 2.0, "mode": "times"},
            "sets": ["length", "polemass_length"],
        }
    },
}
PENDULUM = {
    "name": "gymnasium:Pendulum-v1",
    "vary": {"g": {"distribution": "normal", "mean": 10.0, "stdev": 2.0, "low": 1.0}},
}
WORLDS = [
    pytest.param(CARTPOLE, id="CartPole"),
    pytest.param(PENDULUM, id="Pendulum"),
    pytest.param("gymnasium-acrobot", id="Acrobot"),
    pytest.param("gymnasium-lunarlander", id="LunarLander", marks=needs["box2d"]),
    pytest.param("half-cheetah-direction", id="HalfCheetah, direction", marks=needs["mujoco"]),
    pytest.param("half-cheetah-velocity", id="HalfCheetah, velocity", marks=needs["mujoco"]),
    pytest.param("ant-standing", id="Ant", marks=needs["mujoco"]),
]


def setup_of(world):
    content = {"world": world} if isinstance(world, dict) else read_yaml(find_config(world))
    return assemble(check_config(content, "test"))


def assert_same(ours, theirs):
    for name, one, other in zip(ours._fields, ours, theirs, strict=True):
        assert one.tobytes() == other.tobytes(), name


@pytest.mark.parametrize("world", WORLDS)
def test_lives_follow_from_their_keys_alone(world):
    setup = setup_of(world)
    assert remarks_on(setup) == ()
    conditions = conditions_for(setup.conditions.world)
    newborns = newborns_for(conditions, 2, learning_rate=0.01, discount=0.97)
    keys, genomes, plan = life_keys(4, SELECTION, 0, 7), np.arange(7) % 2, Plan(60, final_weights=True)
    outcomes = []
    ways = [(1, 1), (1, 3), (1, 7)]
    if world in ("gymnasium-acrobot", "gymnasium-lunarlander", "half-cheetah-direction"):  # processes take seconds
        ways.append((2, 3))
    for workers, chunk in ways:
        driver = StepwiseDriver(conditions, workers, chunk)
        outcomes.append(lives(driver, conditions, newborns, genomes, keys, plan)[0])
        if chunk == 3:  # in environments that have been lived in
            outcomes.append(lives(driver, conditions, newborns, genomes, keys, plan)[0])
        driver.close()
    for outcome in outcomes[1:]:
        assert_same(outcome, outcomes[0])
    assert outcomes[0].status.tolist() == [FINISHED] * 7
    drawn = [conditions.world.drawn(key) for key in keys]
    assert [setup_of(world).conditions.world.drawn(key) for key in keys] == drawn
    assert len({str(values) for values in drawn}) > 1 or not setup.config.world.vary


def environment_of(world, **vary):
    """One environment of a world, as a driver would prepare it for a life, and the world."""
    setup = setup_of(world)
    part = setup.config.world.model_copy(
        update={"vary": {name: _always(value) for name, value in vary.items()}} if vary else {}
    )
    conditions = assemble(setup.config.model_copy(update={"world": part})).conditions
    environments = GymnasiumEnvironments(conditions.world)
    environments.begin_all(life_keys(0, SELECTION, 0, 1), np.zeros((1, len(conditions.world.observations)), np.float32))
    return environments._homes[0].environment


def _always(value):
    return VariationPart(distribution="uniform", low=value, high=value)


@pytest.mark.mujoco
def test_half_cheetahs_are_paid_for_the_task_they_were_born_to():
    pytest.importorskip("mujoco")
    action = np.full(6, 0.5, np.float32)
    charged = 0.05 * 6 * 0.25
    for direction in (1.0, -1.0):
        environment = environment_of("half-cheetah-direction", direction=direction)
        for _ in range(20):
            _, reward, _, _, info = environment.step(action)
            assert reward == pytest.approx(direction * info["x_velocity"] - charged, abs=1e-6)
        assert info["x_velocity"] != 0.0
    environment = environment_of("half-cheetah-velocity", target=2.5)
    for _ in range(20):
        _, reward, _, _, info = environment.step(action)
        assert reward == pytest.approx(-abs(info["x_velocity"] - 2.5) - charged, abs=1e-6)


@pytest.mark.mujoco
def test_a_newborn_ant_lies_on_its_side_and_is_paid_for_standing():
    pytest.importorskip("mujoco")
    environment = environment_of("ant-standing")
    ant = environment.unwrapped
    seen, _ = environment.reset(seed=3)
    again, _ = environment.reset(seed=3)
    other, _ = environment.reset(seed=4)
    assert seen.tobytes() == again.tobytes()
    assert (seen != other).any()
    assert environment.standing() == pytest.approx(0.0, abs=1e-9)
    assert not ant.data.qvel.any()
    # A quarter turn about a horizontal axis: the torso's own vertical is horizontal.
    assert ant.data.body(1).xmat[8] == pytest.approx(0.0, abs=1e-9)
    for tilt, height, expected in ((0.0, 0.6, 1.0), (0.0, 0.3, 0.5), (np.pi / 3, 0.9, 0.5), (np.pi, 0.6, 0.0)):
        position = ant.data.qpos.copy()
        position[2] = height
        position[3:7] = np.cos(tilt / 2), np.sin(tilt / 2), 0.0, 0.0
        ant.set_state(position, np.zeros_like(ant.data.qvel))
        assert environment.standing() == pytest.approx(expected)
        assert max(ant.data.body(1).xmat[8], 0.0) * min(height / 0.6, 1.0) == pytest.approx(expected)


@pytest.mark.mujoco
def test_physics_of_mujoco_vary_by_path():
    pytest.importorskip("mujoco")
    setup = setup_of("half-cheetah-direction")
    gravity = {"fall": {"distribution": "uniform", "low": -3.0, "high": -2.0, "sets": ["model.opt.gravity[2]"]}}
    mass = {"mass": {"distribution": "uniform", "low": 0.5, "high": 2.0, "mode": "times", "sets": ["model.body_mass"]}}
    part = type(setup.config.world)(name="gymnasium:HalfCheetah-v5", vary={**gravity, **mass})
    world = assemble(setup.config.model_copy(update={"world": part})).conditions.world
    default = world.make().unwrapped.model.body_mass.copy()
    environments = GymnasiumEnvironments(dataclasses.replace(world))
    keys = life_keys(0, SELECTION, 0, 3)
    for _ in range(2):
        environments.begin_all(keys, np.zeros((3, 17), np.float32))
    for key, home in zip(keys, environments._homes, strict=True):
        model, drawn = home.environment.unwrapped.model, world.drawn(key)
        assert model.opt.gravity.tolist() == [0.0, 0.0, drawn["fall"]]
        np.testing.assert_array_equal(model.body_mass, default * drawn["mass"])
