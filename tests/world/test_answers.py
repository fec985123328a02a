"""What environments answer: taken as it is meant, or refused by saying what it is and what it must be."""

import numpy as np
import pytest

from evolearn.errors import SettingRefused
from evolearn.life import LifeFault
from evolearn.life._stepwise import StepwiseDriver
from evolearn.world import WorldError, check_environment, gymnasium_world
from evolearn.world.gymnasium.answers import (
    WrongAnswer,
    narrowed,
    taken_flag,
    taken_observation,
    taken_reset,
    taken_reward,
    taken_step,
)
from tests.helpers.compiled_environments import live_toys
from tests.helpers.probe_worlds import conditions_for

ANSWERING = "tests.helpers.odd_environments:evolearn-answering-v0"
REFUSED = {
    "a reward of shape (1,)": r"reward is an array of shape \(1,\): must be a single real number; return float\(",
    "a reward None": r"reward is None: must be a single real number",
    "a reward in words": r"reward is a str, '1.5': must be a single real number",
    "a complex reward": r"reward is a complex, \(1\+2j\): must be a single real number",
    "a reward too large": r"reward 1e\+300: must lie within ±3.4e\+38, what float32 holds; scale it",
    "four values": r"step returned a tuple of 4: must be five values: .*; four are those of the old gym library",
    "nothing": r"step returned None: must be five values",
    "an observation of another shape": r"observation of shape \(3,\): must be of shape \(2,\)",
    "an observation None": r"observation is None: must be an array of shape \(2,\)",
    "no truth": r"terminated is None: must be True or False",
    "an array for a truth": r"terminated is an array of shape \(1,\): must be True or False",
    "NaN after the last step": r"observation 0 after the last step of an episode is nan: must be finite",
}


@pytest.mark.parametrize("how", REFUSED)
def test_a_wrong_answer_is_named_with_its_life_and_step(how):
    driver = StepwiseDriver(conditions_for(gymnasium_world(ANSWERING, how=how)))
    with pytest.raises(LifeFault, match=rf"step 2: the environment's {REFUSED[how]}"):
        live_toys(driver, count=2, steps=5)
    driver.close()


@pytest.mark.parametrize("how", [how for how in REFUSED if how != "NaN after the last step"])
def test_the_same_is_said_before_gymnasiums_checker_speaks(how):
    with pytest.raises(SettingRefused, match=rf"the environment's {REFUSED[how]}"):
        check_environment(gymnasium_world(ANSWERING, how=how))


@pytest.mark.parametrize("how", ["a list", "a reward of shape ()", "no info"])
def test_what_is_meant_well_is_taken(how):
    driver = StepwiseDriver(conditions_for(gymnasium_world(ANSWERING, how=how)))
    assert live_toys(driver, count=2, steps=12).fitness.any()
    driver.close()


@pytest.mark.parametrize("value", [1.0, 1, True, np.float32(1), np.array(1.0), np.int64(1)])
def test_a_number_is_a_reward(value):
    assert taken_reward(value) == 1.0


def test_what_is_not_finite_is_passed_on_to_be_found_where_it_lives():
    assert np.isnan(taken_reward(np.nan))
    assert taken_reward(-np.inf) == -np.inf


def test_flags_and_resets():
    assert taken_flag("terminated", np.bool_(True)) is True
    assert taken_flag("terminated", 0) is False
    assert taken_reset(("seen", {})) == "seen"
    for wrong in ("seen", np.zeros(2), (1, 2, 3), None):
        with pytest.raises(WrongAnswer, match=r"reset returned .*: must be a pair, the observation and a dict"):
            taken_reset(wrong)
    assert taken_step([1, 2, 3, 4, 5]) == (1, 2, 3, 4, 5)


def test_observations_beyond_float32_are_said_to_be_so():
    with pytest.raises(WrongAnswer, match=r"observation 1 is -1e\+300: must lie within ±3.4e\+38, .*; scale it"):
        narrowed(np.array([0.0, -1e300]))
    assert narrowed(np.array([np.inf, 1.0]))[0] == np.inf, "found where it lives"
    with pytest.raises(WrongAnswer, match="observation of dtype <U1: must hold real numbers"):
        taken_observation(["a", "b"], (2,))
    with pytest.raises(WrongAnswer, match=r"observation has masked entries, .*: return observation.filled"):
        taken_observation(np.ma.masked_array([1.0, 2.0], [False, True]), (2,))
    assert taken_observation(np.ma.masked_array([1.0, 2.0]), (2,)).tolist() == [1.0, 2.0]


def test_spaces_that_are_missing_foreign_or_composed_are_refused_with_a_remedy():
    import gymnasium
    from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

    class Bare(gymnasium.Env):
        action_space = Discrete(2)

    class Composed(Bare):
        observation_space = Dict(a=Discrete(2))

    class Later(Bare):
        observation_space = None

    class Many(Composed):
        observation_space = Discrete(2)
        action_space = MultiDiscrete([2, 2])

    class Huge(Bare):
        observation_space = Box(0, 1, (10**3, 10**3))

    class Endless(Composed):
        observation_space = Discrete(2)
        action_space = Discrete(10**18)

    class Closed(Composed):
        observation_space = Discrete(2)

        def __getattr__(self, name):
            raise RuntimeError(f"no {name}")

    said = {
        Closed: "asked for its attribute termination_is_death, the environment raises RuntimeError: .*must raise Attr",
        Huge: "observation space of 1,000,000 numbers .*: must be at most 250,000, .*; make it smaller: wrap the",
        Endless: "action space of 1,000,000,000,000,000,000 numbers .*: must be at most 250,000",
        Bare: "has no observation_space .*; set self.observation_space in its __init__",
        Composed: r"is not supported: .*; flatten it: world.wrappers=\[FlattenObservation\]",
        Later: "its observation_space is None: must be a space of gymnasium.spaces as soon as it is made",
        Many: r"action space MultiDiscrete.* is not supported: .*in world.wrappers, as \[your_module:function\]",
    }
    for kind, text in said.items():
        gymnasium.register("evolearn-spaces-v0", entry_point=kind)
        try:
            with pytest.raises(WorldError, match=text):
                gymnasium_world("evolearn-spaces-v0")
        finally:
            del gymnasium.registry["evolearn-spaces-v0"]


def test_an_argument_that_was_registered_is_not_the_configs():
    import gymnasium

    gymnasium.register("evolearn-argument-v0", "gymnasium.envs.classic_control:CartPoleEnv", kwargs={"colour": 1})
    try:
        with pytest.raises(SettingRefused, match=r"is registered with the argument colour, .*kwargs of its gymnasium"):
            gymnasium_world("evolearn-argument-v0")
        with pytest.raises(SettingRefused, match=r"world.kwargs.color: unknown for"):
            gymnasium_world("CartPole-v1", color=1)
    finally:
        del gymnasium.registry["evolearn-argument-v0"]
