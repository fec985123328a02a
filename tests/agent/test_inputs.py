"""What a brain may be told: its numbers, where each begins, and their names."""

import typing

import pytest

from evolearn.agent import BrainSpec, input_names, trunk_of
from evolearn.agent.brain import INPUTS
from evolearn.config.parts import Input

SEEN, DONE = ["light", "sound"], ["left", "right", "0"]


def spec(*inputs, **more):
    return BrainSpec("mlp", 2, (4, 3), 3, "categorical", ("observation", *inputs), **more)


def test_what_the_config_takes_is_what_there_is():
    assert typing.get_args(Input) == tuple(INPUTS)


def test_every_input_has_its_place_and_its_names():
    told = spec("new_episode", "last_action", "last_reward", "last_observation")
    assert told.widths == (2, 1, 3, 1, 2)
    assert told.starts == {
        "observation": 0,
        "new_episode": 2,
        "last_action": 3,
        "last_reward": 6,
        "last_observation": 7,
    }
    assert told.told == 9
    assert input_names(told, SEEN, DONE) == (
        "light",
        "sound",
        "new episode",
        "last action left",
        "last action right",
        "last action 0",
        "last reward",
        "last light",
        "last sound",
    )
    assert input_names(spec(), SEEN, DONE) == ("light", "sound")


def test_no_two_inputs_go_by_one_name():
    told = spec("last_observation", "last_action")
    assert input_names(told, ["action left", "last action left"], ["left"] * 3)[:4] == (
        "action left",
        "last action left",
        "last action left (last_observation)",
        "last last action left",
    )


@pytest.mark.parametrize(
    ("inputs", "trunk", "remembers"),
    [((), "mlp", False), (("new_episode",), "mlp", False), (("last_reward",), "mlp", True), ((), "gru", True)],
)
def test_who_remembers_anything(inputs, trunk, remembers):
    assert BrainSpec(trunk, 2, (3,), 2, "categorical", ("observation", *inputs)).remembers == remembers


def test_a_product_is_with_what_the_world_shows():
    told = spec("last_action", readout="product")
    assert told.layers == (5, 4, 3, 2)
    assert spec("last_action").layers == (5, 4, 3)
    added = told.weights - spec("last_action").weights
    assert added == 2 * 3, "a weight for every observation and unit of the last layer"
    with pytest.raises(ValueError, match=r"readout='product': must be 'plain' with trunk 'linear'"):
        trunk_of(BrainSpec("linear", 2, (), 2, "categorical", readout="product"))
