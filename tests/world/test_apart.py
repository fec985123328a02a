"""Environments looked at in a process of their own: what blocks or ends it there is told here."""

import os

import pytest

from evolearn.errors import WorldNotFound
from evolearn.life._stepwise import StepwiseDriver
from evolearn.world import are_apart, check_environment, environments_apart, find_world
from tests.helpers.compiled_environments import live_toys
from tests.helpers.probe_worlds import conditions_for

LEAVING = "gymnasium:tests.helpers.odd_environments:evolearn-leaving-v0"


def told(how):
    return f'{LEAVING}{{"kwargs":{{"how":"{how}"}}}}'


@pytest.fixture(scope="module", autouse=True)
def apart():
    with environments_apart():
        yield
    assert not are_apart()


def test_a_world_is_the_same_as_one_declared_here():
    name = told("rearranges its process")  # only on a main thread
    folder = os.getcwd()
    world = find_world(name)
    assert (world.name, len(world.observations), world.actions.choices) == (LEAVING, 2, 2)
    assert os.getcwd() == folder
    assert find_world(name) is world, "looked at once"
    assert isinstance(check_environment(world), tuple)


def test_a_constructor_that_waits_is_named_with_its_line():
    with pytest.raises(WorldNotFound, match=r"constructor, reset or step does not return after 0.5 s; .*") as caught:
        find_world(told("waits in its constructor"), 0.5)
    assert "in __init__: time.sleep(600.0)" in str(caught.value)


def test_a_constructor_that_ends_its_process_is_named():
    with pytest.raises(WorldNotFound, match=r"the process ended with exit code 3 while its environment was made"):
        find_world(told("exits in its constructor"))


def test_who_cannot_tell_what_it_saw_is_said_to_have_ended(capfd):
    with pytest.raises(WorldNotFound, match=r"ended with exit code 1 .* or files closed that are not its own"):
        find_world(told("closes all files"))
    assert "Traceback" not in capfd.readouterr().err
    assert find_world(told("closes its output")).action_outputs == 2


def test_a_copy_that_an_environment_forked_does_not_answer_beside_it():
    world = find_world(told("forks and goes on"))
    assert check_environment(world) == ()
    driver = StepwiseDriver(conditions_for(world), 1, apart=True)
    for _ in range(3):
        live_toys(driver, count=2, steps=20)
    driver.close()


def test_a_close_that_raises_is_told_and_harms_nothing():
    world = find_world(told("raises when it is closed"))
    [remark] = [remark for remark in check_environment(world) if "close" in remark]
    assert remark.endswith(
        "close() raises RuntimeError: no way to close; lives are over by then, so that results stand"
    )


def test_what_is_no_environment_is_refused_as_it_is_here():
    with pytest.raises(WorldNotFound, match=r"names no version, .*; write gymnasium:CartPole-v1"):
        find_world("gymnasium:CartPole")
