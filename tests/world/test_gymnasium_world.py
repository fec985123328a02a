"""Gymnasium environments as worlds: spaces, refusals, seeds."""

import os
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete

import evolearn
from evolearn.config import WorldPart
from evolearn.errors import WorldNotFound
from evolearn.rng import BIRTH, SELECTION, WORLD, at_step, life_keys, new_rng, open_stream, uniform
from evolearn.world import (
    MEAN_RETURN_PER_EPISODE,
    EnvironmentFault,
    GymnasiumEnvironments,
    WorldError,
    find_world,
    gymnasium_world,
)
from evolearn.world.gymnasium.environments import action_converter
from evolearn.world.gymnasium.world import declare_here as declare


class Recorder(gymnasium.Env):
    """Says what it was told,
    and shows what it is given. See [the paper](https://example.org/a).

    Not in the summary.
    """

    def __init__(self, observations=None, actions=None, shows=None, breaks=False):
        if breaks:
            raise RuntimeError("no such terrain")
        self.observation_space, self.action_space = SPACES[observations], SPACES[actions]
        self._shows = SHOWN.get(shows)
        self.seeds, self.actions = [], []

    def reset(self, *, seed=None, options=None):
        self.seeds.append(seed)
        return self._show(), {}

    def step(self, action):
        self.actions.append(action)
        return self._show(), np.float32(0.5), False, False, {}

    def _show(self):
        return self.observation_space.sample() if self._shows is None else self._shows


class Bare(Recorder):
    __doc__ = None


SPACES = {
    "box": Box(-1.0, 1.0, (3,)),
    "picture": Box(0, 255, (2, 2), np.uint8),
    "number": Box(-1.0, 1.0, ()),
    "nothing": Box(-1.0, 1.0, (0,)),
    "choice": Discrete(3),
    "late choice": Discrete(3, start=5),
    "dict": Dict({"a": Discrete(2)}),
    "bits": MultiBinary(3),
    "choices": MultiDiscrete([2, 3]),
    "matrix": Box(-1.0, 1.0, (2, 2)),
    "whole": Box(0, 9, (2,), np.int64),
}
SHOWN = {
    "ramp": np.array([1.0, 2.0, 3.0]),
    "picture": np.array([[0, 64], [128, 255]], np.uint8),
    "six": np.int64(6),
    "nine": 9,
    "pair": np.array([1.0, 2.0]),
    "one": np.array([1.0]),
}

for _kind in (Recorder, Bare):
    if f"evolearn-{_kind.__name__}-v0" not in gymnasium.registry:
        gymnasium.register(f"evolearn-{_kind.__name__}-v0", entry_point=_kind)

REMEDY = (
    "wrap the environment in a function of yours (gymnasium.wrappers.TransformObservation, TransformAction) and name "
    "it in world.wrappers, as [your_module:function]"
)
FLATTEN = "flatten it: world.wrappers=[FlattenObservation]"


def recorder(observations="box", actions="choice", shows=None):
    return gymnasium_world("evolearn-Recorder-v0", observations=observations, actions=actions, shows=shows)


class Chunk:
    """Environments with the arrays that a driver would hand them."""

    def __init__(self, world, keys):
        self.environments = GymnasiumEnvironments(world)
        count = len(keys)
        self.observations = np.full((count, len(world.observations)), np.nan, np.float32)
        self.actions = np.zeros((count, world.action_size), np.float32)
        self.fitness = np.zeros(count)
        self.ends = np.ones((2, count), np.bool_)
        self.environments.begin_all(keys, self.observations)

    def step(self, t=0):
        places = range(len(self.fitness))
        senses = np.zeros((len(self.fitness), 0), np.float32)
        return self.environments.step_all(t, places, self.actions, self.observations, senses, self.fitness, *self.ends)

    def inside(self, place=0):
        return self.environments._homes[place].environment.unwrapped


def test_cart_pole_is_declared_by_its_spaces():
    world = gymnasium_world("CartPole-v1")
    assert world.name == "gymnasium:CartPole-v1"
    assert [signal.name for signal in world.observations] == [f"observation {i}" for i in range(4)]
    assert (world.is_discrete, world.action_outputs, world.action_size) == (True, 2, 1)
    assert world.fitness_rule == MEAN_RETURN_PER_EPISODE
    assert (world.senses, world.parameters) == ((), ())
    assert world.summary.startswith("This environment corresponds to the version of the cart-pole problem")


class Mortal(gymnasium.Wrapper):
    """Says of an environment what it does not say itself."""

    termination_is_death = True
    able = "balancing"


def told(**settings):
    """What is known of a world: whether termination is a death, and what the able are."""
    world = declare(WorldPart(name="gymnasium:CartPole-v1", **settings))
    return world.termination_is_death, world.able


def test_whether_termination_is_a_death_is_said_by_the_config_or_else_the_environment():
    here = f"{__name__}:Mortal"
    assert told() == (False, "able"), "not a death unless somebody says so"
    assert told(wrappers=[here]) == (True, "balancing")
    assert told(wrappers=[here, {"name": "TimeAwareObservation"}]) == (True, "balancing"), "from a wrapper within"
    assert told(termination_is_death=True, able="standing") == (True, "standing")
    assert told(wrappers=[here], termination_is_death=False) == (False, "balancing")


def test_what_a_config_says_of_termination_travels_with_the_worlds_name():
    part = WorldPart(name="gymnasium:CartPole-v1", termination_is_death=True, able="balancing")
    assert part.full_name == 'gymnasium:CartPole-v1{"able":"balancing","termination_is_death":true}'
    assert find_world(part.full_name) == declare(part) != declare(WorldPart(name="gymnasium:CartPole-v1"))


def test_what_an_environment_says_of_itself_is_checked(monkeypatch):
    monkeypatch.setattr(Mortal, "termination_is_death", "yes")
    with pytest.raises(WorldError, match="world gymnasium:CartPole-v1: termination_is_death='yes': must be True, if"):
        told(wrappers=[f"{__name__}:Mortal"])
    with pytest.raises(WorldError, match="world gymnasium:CartPole-v1: able='able to stand': must be one word"):
        told(able="able to stand")


def test_arguments_reach_the_constructor_and_worlds_compare_by_value():
    world = gymnasium_world("Pendulum-v1", g=3.0)
    assert world.make().unwrapped.g == 3.0
    assert (world.is_discrete, world.action_outputs, len(world.observations)) == (False, 1, 3)
    assert world == gymnasium_world("Pendulum-v1", g=3.0)
    assert hash(world) == hash(gymnasium_world("Pendulum-v1", g=3.0))
    assert world != gymnasium_world("Pendulum-v1", g=4.0)


def test_the_summary_is_the_first_paragraph_or_else_the_id():
    assert recorder().summary == "Says what it was told, and shows what it is given. See the paper."
    bare = gymnasium_world("evolearn-Bare-v0", observations="box", actions="choice")
    assert bare.summary == "Gymnasium environment evolearn-Bare-v0"


@pytest.mark.parametrize(
    ("space", "shows", "expected"),
    [
        ("box", "ramp", [1.0, 2.0, 3.0]),
        ("picture", "picture", [0.0, 64.0, 128.0, 255.0]),
        ("late choice", "six", [0.0, 1.0, 0.0]),
    ],
)
def test_observations_are_flat_floats_or_one_hot(space, shows, expected):
    chunk = Chunk(recorder(observations=space, shows=shows), life_keys(0, SELECTION, 0, 2))
    assert chunk.observations.tolist() == [expected, expected]
    chunk.observations[:] = np.nan
    assert chunk.step() == []
    assert chunk.observations.tolist() == [expected, expected]
    assert chunk.fitness.tolist() == [0.5, 0.5]
    assert not chunk.ends.any()


@pytest.mark.parametrize(
    ("space", "shows", "text"),
    [
        ("late choice", "nine", r"the environment's observation 9: must lie in 5 \.\. 7"),
        ("box", "pair", r"the environment's observation of shape \(2,\): must be of shape \(3,\)"),
        ("box", "one", r"the environment's observation of shape \(1,\): must be of shape \(3,\)"),
    ],
)
def test_an_observation_outside_its_space_is_a_fault(space, shows, text):
    with pytest.raises(EnvironmentFault, match=text):
        Chunk(recorder(observations=space, shows=shows), life_keys(0, SELECTION, 0, 1))


def test_a_later_observation_of_another_size_is_a_fault_of_its_place():
    chunk = Chunk(recorder(shows="ramp"), life_keys(0, SELECTION, 0, 2))
    chunk.inside(1)._shows = SHOWN["pair"]
    with pytest.raises(EnvironmentFault, match=r"observation of shape \(2,\): must be of shape \(3,\)") as caught:
        chunk.step()
    assert caught.value.place == 1


@pytest.mark.parametrize(("space", "expected"), [("choice", [0, 2]), ("late choice", [5, 7])])
def test_choices_are_whole_numbers_from_the_spaces_start(space, expected):
    chunk = Chunk(recorder(actions=space), life_keys(0, SELECTION, 0, 2))
    chunk.actions[:] = [[0.0], [2.0]]
    chunk.step()
    told = [chunk.inside(place).actions[0] for place in range(2)]
    assert told == expected
    assert all(SPACES[space].contains(action) for action in told)


def test_real_actions_are_clipped_and_scaled_where_both_bounds_are_known():
    inf = np.inf
    space = Box(
        np.array([-2.0, 0.0, -inf, 0.0, -3.4028235e38], np.float32),
        np.array([2.0, 10.0, inf, inf, 3.4028235e38], np.float32),
    )
    convert = action_converter(space)
    low, middle, high = convert(np.array([[-5.0] * 5, [0.5] * 5, [5.0] * 5], np.float32))
    assert low.tolist() == [-2.0, 0.0, -5.0, 0.0, -5.0]
    assert middle.tolist() == [1.0, 7.5, 0.5, 0.5, 0.5]
    assert high.tolist() == [2.0, 10.0, 5.0, 5.0, 5.0]


def test_scaled_actions_lie_in_the_space_and_have_its_type():
    for dtype in (np.float32, np.float64):
        space = Box(np.array([-0.1, 0.3]).astype(dtype), np.array([0.7, 1e8 + 1]).astype(dtype), dtype=dtype)
        for action in action_converter(space)(np.array([[-1.0, -1.0], [1.0, 1.0], [7.0, -7.0]], np.float32)):
            assert space.contains(action)


def test_an_environment_may_keep_its_action():
    chunk = Chunk(recorder(actions="box"), life_keys(0, SELECTION, 0, 1))
    for value in (0.25, -0.5):
        chunk.actions[:] = value
        chunk.step()
    assert [action.tolist() for action in chunk.inside().actions] == [[0.25] * 3, [-0.5] * 3]


@pytest.mark.parametrize("space", ["dict", "bits", "choices", "nothing"])
def test_other_observation_spaces_are_refused(space):
    with pytest.raises(WorldError) as caught:
        recorder(observations=space)
    assert str(caught.value) == (
        f"world gymnasium:evolearn-Recorder-v0: observation space {SPACES[space]} is not supported: must be a Box "
        f"that is not empty, or a Discrete; {REMEDY if space == 'nothing' else FLATTEN}"
    )


@pytest.mark.parametrize("space", ["dict", "bits", "choices", "matrix", "number", "nothing", "whole"])
def test_other_action_spaces_are_refused(space):
    with pytest.raises(WorldError) as caught:
        recorder(actions=space)
    assert str(caught.value) == (
        f"world gymnasium:evolearn-Recorder-v0: action space {SPACES[space]} is not supported: must be a Discrete, or "
        f"a Box of real numbers of one dimension; {REMEDY}"
    )


def test_what_gymnasium_does_not_know_it_says_itself():
    with pytest.raises(WorldNotFound, match=r"world 'gymnasium:CartPol-v1': .*Did you mean: `CartPole`"):
        gymnasium_world("CartPol-v1")
    with pytest.raises(
        WorldNotFound, match=r"there is no module no_such_module\. Install its package, or start evolearn in the folder"
    ):
        gymnasium_world("no_such_module:Toy-v0")
    with pytest.raises(WorldNotFound, match=r"toy\.py is a file; must be gymnasium:ID or gymnasium:package\.module:ID"):
        gymnasium_world("toy.py:Toy-v0")


REGISTERING = """
import gymnasium
from gymnasium.envs.classic_control import CartPoleEnv

gymnasium.register("Beside-v0", entry_point=CartPoleEnv, max_episode_steps=50)
"""


def test_a_module_beside_the_config_is_found_by_the_command(tmp_path):
    (tmp_path / "beside_the_config.py").write_text(REGISTERING)
    command = [Path(sys.executable).with_name("evolearn"), "worlds", "show", "gymnasium:beside_the_config:Beside-v0"]
    here = {**os.environ, "PYTHONPATH": str(Path(evolearn.__file__).parents[1])}
    page = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=here, timeout=300)
    assert page.returncode == 0, page.stderr
    assert "gymnasium:beside_the_config:Beside-v0" in page.stdout


def test_arguments_that_fail_are_shown_with_the_environments_line():
    with pytest.raises(WorldError) as caught:
        gymnasium_world("evolearn-Recorder-v0", breaks=True)
    first, line, error = str(caught.value).splitlines()
    assert (
        first
        == "world gymnasium:evolearn-Recorder-v0: the environment does not start; check world.kwargs={'breaks': True}:"
    )
    assert __file__ in line
    assert error == "  RuntimeError: no such terrain"
    with pytest.raises(
        WorldError, match="type object is not JSON serializable: settings must be numbers, texts, lists"
    ):
        gymnasium_world("Pendulum-v1", g=object())


def drawn(key, stream, step):
    rng = new_rng()
    open_stream(rng, key, stream)
    at_step(rng, step)
    return int(uniform(rng) * 2**31)


def test_episodes_are_seeded_from_the_lifes_key_and_the_age_at_which_they_begin():
    keys = life_keys(5, SELECTION, 2, 3)
    chunk = Chunk(recorder(), keys)
    chunk.environments.begin_again(1, 11, chunk.observations[1])
    assert [chunk.inside(place).seeds for place in range(3)] == [
        [drawn(keys[0], BIRTH, 0)],
        [drawn(keys[1], BIRTH, 0), drawn(keys[1], WORLD, 12)],
        [drawn(keys[2], BIRTH, 0)],
    ]
    assert len({seed for place in range(3) for seed in chunk.inside(place).seeds}) == 4


def test_environments_serve_life_after_life():
    keys = life_keys(5, SELECTION, 2, 4)
    chunk = Chunk(recorder(), keys[:2])
    inside = chunk.inside(1)
    chunk.environments.begin_all(keys[2:], chunk.observations)
    assert chunk.inside(1) is inside
    assert inside.seeds == [drawn(keys[1], BIRTH, 0), drawn(keys[3], BIRTH, 0)]
