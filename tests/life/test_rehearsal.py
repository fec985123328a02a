"""Environments that keep something from life to life are refused before lives count, or as soon as it shows."""

import pytest

from evolearn.config import WorldPart
from evolearn.life import KeepsState, LifeFault
from evolearn.life._stepwise import StepwiseDriver
from evolearn.world import gymnasium_world
from evolearn.world.gymnasium.world import declare_here
from tests.helpers.compiled_environments import assert_same, live_toys
from tests.helpers.probe_worlds import conditions_for

ODD = "tests.helpers.odd_environments:evolearn-"
KEEPING = (
    "episodes",
    "every tenth episode",
    "steps",
    "tasks in order",
    "velocity",
    "the best so far",
    "a running mean after 150",
    "a generator of its own",
    "the global generator",
    "seeds the global generator",
    "Python's generator",
    "its space's generator",
    "a clock",
)


def driver_in(name, workers=1, chunk=None, **arguments):
    return StepwiseDriver(conditions_for(gymnasium_world(f"{ODD}{name}-v0", **arguments)), workers, chunk)


@pytest.mark.parametrize("how", KEEPING)
def test_what_is_kept_from_life_to_life_is_refused_and_said(how, monkeypatch):
    monkeypatch.setattr("evolearn.life.rehearsal.SECONDS", 1e6)  # however busy the machine is
    driver = driver_in("keeping", how=how)
    with pytest.raises(KeepsState, match=r"step \d+: the same life comes out otherwise .*world.check=false") as caught:
        live_toys(driver, count=4, steps=200)
    assert caught.value.key[3] == 0
    assert not driver._rehearsal._steps, "before any life counted"
    driver.close()


@pytest.mark.parametrize("how", ["its process", "a level as it was drawn first"])
def test_a_life_is_tried_in_a_second_process_too_where_another_comes_first(how):
    world = gymnasium_world(f"{ODD}keeping-v0", how=how)
    driver = StepwiseDriver(conditions_for(world), apart=True)
    with pytest.raises(KeepsState, match="otherwise in another process, beside others: from step 0 on"):
        live_toys(driver, count=1, steps=20)
    driver.close()


def test_short_lives_are_tried_in_two_instances_too():
    driver = driver_in("keeping", how="drawn in its constructor")
    with pytest.raises(KeepsState, match="the same life comes out otherwise beside others: from step 0 on"):
        live_toys(driver, count=1, steps=20)
    driver.close()


@pytest.mark.parametrize("how", ["episodes", "velocity", "a running mean after 150"])
def test_an_environment_of_its_own_for_every_life_is_a_remedy(how):
    part = WorldPart(name=f"gymnasium:{ODD}keeping-v0", kwargs={"how": how}, fresh=True)
    outcomes = []
    for chunk in (1, 64):
        driver = StepwiseDriver(conditions_for(declare_here(part)), chunk=chunk)
        outcomes.append(live_toys(driver, count=4, steps=200))
        driver.close()
    assert_same(*outcomes)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_remedy_that_was_taken_already_is_not_offered_again(fresh):
    part = WorldPart(name=f"gymnasium:{ODD}keeping-v0", kwargs={"how": "a clock"}, fresh=fresh)
    driver = StepwiseDriver(conditions_for(declare_here(part)))
    with pytest.raises(KeepsState) as caught:
        live_toys(driver, count=1, steps=20)
    assert ("set world.fresh=true" in str(caught.value)) is not fresh
    driver.close()


def test_what_was_there_and_what_came_instead_is_said():
    driver = driver_in("keeping", how="episodes")
    with pytest.raises(KeepsState, match=r"step 0: .*from step 0 on \(reward: 1, and 0\.\d+\)"):
        live_toys(driver, count=1, steps=20)
    driver.close()


def live_toys_over_and_over(driver):
    for seed in range(20):
        live_toys(driver, count=1, steps=600, seed=seed)


def test_what_shows_late_ends_a_run_that_is_under_way():
    driver = driver_in("keeping", how="every 500th episode", chunk=1)
    with pytest.raises(
        KeepsState, match=r"otherwise after [\d,]+ steps of lives: from step \d+ on \(reward: 1, and 0.5"
    ):
        live_toys_over_and_over(driver)
    assert driver._rehearsal._steps > 1000
    driver.close()


def test_after_many_steps_at_once_it_is_looked_again_whenever_the_last_look_was(monkeypatch):
    driver = driver_in("plain")
    live_toys(driver, count=64, steps=400)
    rehearsal, looks = driver._rehearsal, []
    look = rehearsal._lived
    monkeypatch.setattr(rehearsal, "_lived", lambda *how, **more: looks.append(how) or look(*how, **more))
    assert rehearsal._again_at > rehearsal._steps + 6400
    live_toys(driver, count=64, steps=99)
    assert not looks
    live_toys(driver, count=64, steps=100)
    assert len(looks) == 1
    driver.close()


@pytest.mark.parametrize("name", ["odd", "CartPole-v1", "FrozenLake-v1", "Pendulum-v1"])
def test_a_sound_environment_lives_as_if_nothing_had_been_rehearsed(name):
    world = gymnasium_world(f"{ODD}plain-v0" if name == "odd" else name)
    unasked = declare_here(WorldPart(name=world.name, check=False))
    outcomes = []
    for declared in (world, unasked):
        driver = StepwiseDriver(conditions_for(declared))
        outcomes.append(live_toys(driver, steps=100, final_weights=True))
        assert (driver._rehearsal is None) == (declared is unasked)
        driver.close()
    assert_same(*outcomes)


def test_a_fault_in_a_rehearsal_is_left_to_the_lives_that_count():
    driver = driver_in("leaving", how="exits by sys.exit")
    with pytest.raises(LifeFault, match=r"life 0.*step 2: the environment ended the program by sys.exit") as caught:
        live_toys(driver, count=2)
    assert type(caught.value) is LifeFault
    driver.close()
