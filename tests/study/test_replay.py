"""Replays: the life that is shown is the life that was lived, and what is written is what a page can read."""

import dataclasses
import itertools
import json

import gymnasium
import numpy as np
import pytest
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.savannah import savannah

from evolearn.agent import TERMINATED
from evolearn.life import DIVERGED, FROM_ORACLE, FROM_UNIFORM, Plan, lives, new_driver
from evolearn.life._fused import FusedDriver
from evolearn.numerics import COMPILES
from evolearn.report._replays import pack_replays
from evolearn.rng import TEST, life_keys
from evolearn.study import ReplayArm, record_replay
from evolearn.study.replay import replay_scenes
from evolearn.world import (
    Circle,
    Discrete,
    Line,
    NotRendered,
    Polygon,
    World,
    WorldError,
    compile_world,
    gymnasium_world,
    unpacked_picture,
)
from tests.helpers.probe_worlds import (
    ONE,
    RAISES,
    STATE,
    begin_shown_one,
    born_plain,
    conditions_for,
    faulty,
    newborns_for,
    observe_shown,
    restless,
)

KEY = life_keys(31, TEST, 0, 2)[1]
NUMBERS = {"circle": 4, "line": 5}
SHORT = Plan(10)


def arms_for(conditions, plans, **newborn):
    newborns = newborns_for(conditions, len(plans), **newborn)
    return [ReplayArm(f"arm {n}", f"Arm {n}", newborns, n, plan) for n, plan in enumerate(plans)]


def replay_of(world, plans=(SHORT,), steps=10, stride=1, newborn=None, start=0, score_steps=None, **how):
    conditions = conditions_for(world, **how)
    driver = new_driver(conditions)
    try:
        arms = arms_for(conditions, plans, **(newborn or {}))
        return record_replay(driver, conditions, arms, KEY, steps, stride, start=start, score_steps=score_steps)
    finally:
        driver.close()


def trace_of(driver, arm, steps):
    plan = dataclasses.replace(arm.plan, lifetime=steps)
    return lives(driver, driver.conditions, arm.newborns, np.array([arm.row]), KEY[None], plan, steps)[1]


# The same life --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "deaths"), [(savannah, 1), (cart_pole, 20)], ids=["savannah", "cart-pole"])
def test_the_states_drawn_are_those_of_the_life_bit_for_bit(world, deaths):
    seen = []

    def draw(state, parameters):
        seen.append((state.tobytes(), parameters.tobytes()))
        return ()

    steps = 900
    conditions = conditions_for(dataclasses.replace(world, draw=draw))
    driver = FusedDriver(conditions)
    learning, frozen = arms_for(conditions, [Plan(20_000), Plan(20_000, learn_until=0)], learning_rate=0.01)
    record_replay(driver, conditions, [learning, frozen], KEY, steps)
    compiled = compile_world(conditions.world, conditions.parameters, by_hand=True)
    assert len(seen) == 2 * steps
    for arm, states in ((learning, seen[:steps]), (frozen, seen[steps:])):
        trace = trace_of(driver, arm, steps)
        assert np.sum(trace.ends == TERMINATED) >= deaths
        for t, buffers in enumerate(states):
            arrays = [np.frombuffer(buffer, np.uint8).copy() for buffer in buffers]
            handles = [array.ctypes.data for array in arrays] if COMPILES else arrays
            observation = np.zeros(len(world.observations), np.float32)
            compiled.observe(*handles, observation)
            assert observation.tobytes() == trace.observations[t].tobytes(), t
    # The same birth, another life.
    assert seen[0] == seen[steps]
    assert seen[:steps] != seen[steps:]


def test_a_longer_replay_begins_with_a_shorter_one():
    plans = (Plan(50), Plan(50, source=FROM_UNIFORM))
    short, long = (replay_of(savannah, plans, steps, 3) for steps in (60, 240))
    for one, other in zip(short["arms"], long["arms"], strict=True):
        assert one["frames"] == other["frames"][:20]
        assert one["score"] == other["score"][:20]


def test_a_replay_from_an_age_on_is_the_rest_of_the_whole_one():
    plans = (Plan(50), Plan(50, source=FROM_UNIFORM))
    conditions = conditions_for(savannah)
    driver = FusedDriver(conditions)
    arms = arms_for(conditions, plans)
    whole = record_replay(driver, conditions, arms, KEY, 240, 3)
    late = record_replay(driver, conditions, arms, KEY, 90, 3, start=150, score_steps=60)
    assert (late["start"], late["score"]) == (150, "mean fitness of the last 60 steps")
    for one, other in zip(late["arms"], whole["arms"], strict=True):
        assert one["frames"] == other["frames"][50:]
        assert one["ends"] == [frame - 50 for frame in other["ends"] if frame >= 50]
        for part in ("drives", "observations", "actions", "senses"):
            assert one[part] == {name: values[50:] for name, values in other[part].items()}
        trace = trace_of(driver, arms[late["arms"].index(one)], 240)
        means = [trace.fitness[after - 60 : after].mean() for after in range(153, 241, 3)]
        np.testing.assert_allclose(one["score"], means, atol=5.1e-4)


def test_no_step_is_shown_twice_and_none_beyond_the_life():
    for steps, lifetime in itertools.product((1, 7, 60, 900, 1800), (1, 5, 61, 996, 20_000)):
        scenes = replay_scenes(steps, lifetime)
        ages = [age for scene in scenes for age in range(scene.start, scene.stop)]
        assert ages == sorted(set(ages))
        assert (ages[0], ages[-1]) == (0, lifetime - 1 if len(scenes) > 1 or steps >= lifetime else ages[-1])
        assert len(ages) <= steps + 3 or len(ages) == lifetime
        assert sum(len(scene) for scene in scenes) <= 603


def step_by_luck(state, parameters, action, senses, rng):
    state.shown = np.random.random()  # noqa: NPY002  # what a world must not do
    return 1.0, False, False


def test_a_world_with_luck_of_its_own_cannot_be_seen_again():
    elsewhere = World(
        name="elsewhere",
        doc="Draws from NumPy.",
        observations=(ONE,),
        actions=Discrete(2),
        state=STATE,
        born=born_plain,
        begin=begin_shown_one,
        observe=observe_shown,
        step=step_by_luck,
        draw=lambda state, parameters: (),
    )
    message = (
        r"^world elsewhere, life \(seed 31, test, generation 0, life 1\), step 1: the same actions lead to "
        r"observations \[0\..*\] where they led to \[0\..*\] before; keep everything that "
        r"changes in the state, and draw only from `rng`$"
    )
    with pytest.raises(WorldError, match=message):
        replay_of(elsewhere)


def test_a_drawing_that_writes_changes_nothing():
    def scribble(cart, parameters):
        shapes = cart_pole.draw(cart, parameters)
        cart.position = 0.3
        return shapes

    def make_faulty(state, parameters):
        parameters.kind, parameters.at = RAISES, state.age
        return ()

    plans = (Plan(50), Plan(50, source=FROM_ORACLE))
    assert replay_of(dataclasses.replace(cart_pole, draw=scribble), plans, 200, 2) == replay_of(
        cart_pole, plans, 200, 2
    )
    assert replay_of(dataclasses.replace(faulty, draw=make_faulty))["arms"][0]["lived"] == 10


@pytest.mark.skipif(not COMPILES, reason="nothing is kept on disk")
def test_another_drawing_is_the_same_compiled_world():
    plain = compile_world(dataclasses.replace(cart_pole, draw=None), {})
    drawn = compile_world(cart_pole, {})
    assert plain.begin.py_func.__code__.co_filename == drawn.begin.py_func.__code__.co_filename
    assert plain.begin.py_func.__code__.co_filename.endswith(".py")


# What is written ------------------------------------------------------------------------------------------------


def test_the_record_of_a_drawn_world():
    plans = (Plan(50), Plan(50, source=FROM_UNIFORM))
    conditions = conditions_for(savannah, alpha=0.0)
    driver = FusedDriver(conditions)
    wants = {"fitness": 0.0, "approach": 0.5, "bite": -1.0}
    arms = arms_for(conditions, plans, drives=wants)
    arms[1].newborns.drives[1] = 0.0
    arms[1].newborns.drives[1, conditions.drive_names.index("effort")] = -0.25
    steps, stride = 800, 3
    replay = record_replay(driver, conditions, arms, KEY, steps, stride, "alpha 0")
    assert json.loads(json.dumps(replay, allow_nan=False)) == replay
    assert {name: replay[name] for name in ("world", "condition", "life", "step_stride", "score")} == {
        "world": "savannah",
        "condition": "alpha 0",
        "life": "(seed 31, test, generation 0, life 1)",
        "step_stride": 3,
        "score": "mean fitness of the last 3 steps",
    }
    for arm, record in zip(arms, replay["arms"], strict=True):
        assert (record["arm"], record["label"]) == (arm.name, arm.label)
        trace = trace_of(driver, arm, steps)
        groups = [slice(first, first + stride) for first in range(0, steps, stride)]
        np.testing.assert_allclose(record["score"], [trace.fitness[group].mean() for group in groups], atol=5e-4)
        assert list(record["drives"]) == ["fitness", "approach", "bite", "effort"]
        for name, rewards in record["drives"].items():
            place = conditions.drive_names.index(name)
            felt = trace.drives[:, place].astype(float) * float(arm.newborns.drives[arm.row, place])
            np.testing.assert_allclose(rewards, [felt[group].sum() for group in groups], atol=5.1e-4)
        assert record["ends"] == [f for f, group in enumerate(groups) if trace.ends[group].any()]
        assert record["ends"], "an episode must end, or this shows nothing"
        assert record["lived"] == steps
        width = sum(NUMBERS.get(shape["kind"], 2 * shape.get("points", 0) + 1) for shape in record["shapes"])
        assert {len(frame) for frame in record["frames"]} == {width}
        assert len(record["frames"]) == len(record["score"]) == len(groups)
        compiled = conditions.world
        assert list(record["observations"]) == [signal.name for signal in compiled.observations]
        assert list(record["actions"]) == list(compiled.actions.names)
        for names, columns in (("observations", trace.observations), ("actions", trace.actions)):
            for place, values in enumerate(record[names].values()):
                np.testing.assert_allclose(values, columns[::stride, place], atol=5.1e-4)
        assert tuple(record["senses"]) == conditions.drive_names
        for place, values in enumerate(record["senses"].values()):
            sensed = [trace.drives[group, place].astype(float).mean() for group in groups]
            np.testing.assert_allclose(values, sensed, atol=5.1e-4)
    assert any(replay["arms"][0]["drives"]["approach"])
    assert replay["arms"][0]["shapes"] == replay["arms"][1]["shapes"]
    assert {shape["label"] for shape in replay["arms"][0]["shapes"]} >= {"foal", "mother", "predator"}


def test_the_score_of_a_world_that_counts_episodes_is_the_return_so_far():
    replay = replay_of(cart_pole, (Plan(50, source=FROM_UNIFORM),), 200, 2)
    assert replay["score"] == "return of the episode so far"
    (arm,) = replay["arms"]
    trace = trace_of(FusedDriver(conditions := conditions_for(cart_pole)), *_uniform(conditions), 200)
    balanced = 0
    for t in range(200):
        balanced += 1
        if t % 2:
            assert arm["score"][t // 2] == balanced
        balanced = 0 if trace.ends[t] else balanced


def _uniform(conditions):
    return (arms_for(conditions, (Plan(50, source=FROM_UNIFORM),))[0],)


@pytest.mark.parametrize("life", range(3))
def test_two_arms_of_900_steps_take_less_than_220_kilobytes_and_80_on_a_page(life, driver_for):
    driver = driver_for(savannah, alpha=0.0)
    conditions = driver.conditions
    wants = {name: 1.0 for name in conditions.drive_names}
    arms = arms_for(conditions, (Plan(1, source=FROM_ORACLE), Plan(1, source=FROM_UNIFORM)), drives=wants)
    replay = record_replay(driver, conditions, arms, life_keys(5, TEST, 0, 3)[life], 900, 3)
    assert len(replay["arms"][0]["drives"]) == 7
    assert len(json.dumps(replay, separators=(",", ":"), allow_nan=False)) < 220_000
    assert sum(len(packed["data"]) for packed in pack_replays([replay], {}, 10**9)) < 80_000


def test_the_last_frame_may_stand_for_fewer_steps():
    (arm,) = replay_of(savannah, (Plan(1, source=FROM_ORACLE),), steps=10, stride=4)["arms"]
    assert len(arm["frames"]) == 3
    assert arm["score"] == [1, 1, 1]


def test_bounds_hold_all_that_is_seen_of_every_arm_and_nothing_else():
    def draw(cart, parameters):
        return (
            Circle(1.0, 2.0, 3.0, role="ground"),
            Line(-4.0, 0.0, 0.0, 7.0, role="mark", opacity=0.5),
            Polygon([(0, 0), (6.0, 1.0), (0, -2.0)], role="self"),
            Circle(100.0 * cart.position, 0.0, 1000.0, role="foe", opacity=0.0),
        )

    replay = replay_of(dataclasses.replace(cart_pole, draw=draw))
    np.testing.assert_allclose(replay["bounds"], [-4.2, 6.2, -2.2, 7.2])
    assert [dict(shape) for shape in replay["arms"][0]["shapes"]] == [
        {"kind": "circle", "role": "ground", "label": ""},
        {"kind": "line", "role": "mark", "label": ""},
        {"kind": "polygon", "role": "self", "label": "", "points": 3},
        {"kind": "circle", "role": "foe", "label": ""},
    ]
    assert replay["arms"][0]["frames"][0][:-4] == [1, 2, 3, 1, -4, 0, 0, 7, 0.5, 0, 0, 6, 1, 0, -2, 1]


def test_bounds_of_a_point_have_a_size_and_of_nothing_are_none():
    at_a_point = dataclasses.replace(cart_pole, draw=lambda cart, parameters: (Circle(1, 2, 0, role="self"),))
    assert replay_of(at_a_point)["bounds"] == [0, 2, 1, 3]
    assert replay_of(dataclasses.replace(cart_pole, draw=lambda cart, parameters: ()))["bounds"] is None


def test_an_arm_whose_brain_diverges_stands_still_from_then_on():
    plans = (Plan(50), Plan(50, source=FROM_UNIFORM))
    conditions = conditions_for(savannah, window=16)
    driver = FusedDriver(conditions)
    arms = arms_for(conditions, plans, learning_rate=3e38)
    outcome, _ = lives(driver, conditions, arms[0].newborns, np.zeros(1, int), KEY[None], Plan(60))
    lived = int(outcome.age[0])
    assert outcome.status[0] == DIVERGED
    assert 0 < lived < 50
    diverged, other = record_replay(driver, conditions, arms, KEY, 60, 4)["arms"]
    assert (diverged["lived"], other["lived"]) == (lived, 60)
    last = (lived - 1) // 4
    assert len(diverged["frames"]) == len(other["frames"]) == 15
    assert all(frame == diverged["frames"][last] for frame in diverged["frames"][last:])
    assert not any(diverged["score"][last + 1 :])
    assert not any(diverged["drives"]["fitness"][last + 1 :])


def test_a_brain_that_diverges_at_once_is_still_seen_at_birth():
    for world in (savannah, restless):
        conditions = conditions_for(world)
        arms = arms_for(conditions, (Plan(50),))
        arms[0].newborns.weights[:] = 1e38
        (arm,) = record_replay(FusedDriver(conditions), conditions, arms, KEY, 6, 2)["arms"]
        assert arm["lived"] == 0
        assert len(arm["frames"]) == (3 if world is savannah else 0)
        assert arm["score"] == [0, 0, 0]


# Worlds that are not drawn --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("world", "names"),
    [
        (restless, ["shown", "age"]),
        (gymnasium_world("CartPole-v1"), [f"observation {n}" for n in range(4)]),
        (gymnasium_world("FrozenLake8x8-v1"), [f"observation {n}" for n in range(24)]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_world_that_is_not_drawn_shows_its_first_observations(world, names):
    plans = (Plan(50), Plan(50, source=FROM_UNIFORM))
    conditions = conditions_for(world)
    driver = new_driver(conditions)
    arms = arms_for(conditions, plans)
    replay = record_replay(driver, conditions, arms, KEY, 40, 3)
    assert json.loads(json.dumps(replay, allow_nan=False)) == replay
    assert replay["bounds"] is None
    for arm, record in zip(arms, replay["arms"], strict=True):
        assert record["shapes"] == record["frames"] == []
        assert list(record["observations"]) == names
        trace = trace_of(driver, arm, 40)
        for place, name in enumerate(names):
            np.testing.assert_allclose(record["observations"][name], trace.observations[::3, place], atol=5.1e-4)
    driver.close()


# Errors ---------------------------------------------------------------------------------------------------------


def draw_more_with_age(cart, parameters):
    return [Circle(0, 0, 1, role="mark")] * (2 if cart.age < 4 else 3)


def draw_another_with_age(cart, parameters):
    return [Circle(0, 0, 1, role="mark"), Circle(0, 0, 1, role="mark" if cart.age < 4 else "goal")]


def draw_more_points_with_age(cart, parameters):
    return [Polygon([(0, 0), (1, 1), (1, 0)] * (1 if cart.age < 4 else 2), role="mark")]


ALIKE = (
    "kinds, roles, labels and numbers of points must be the same in every frame; give what is not there an opacity of 0"
)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda cart, parameters: cart.nothing, "step 0: draw raised AttributeError: .*nothing"),
        (lambda cart, parameters: 3.0, r"step 0: draw returned 3\.0: must be a sequence of Circle, Line and Polygon"),
        (lambda cart, parameters: [(1, 2)], r"draw returned \[\(1, 2\)\]: must be a sequence of Circle, Line and Poly"),
        (
            lambda cart, parameters: [Circle(0, 0, 1, role="enemy", label="lion")],
            "step 0: draw raised ValueError: circle 'lion': role='enemy': must be one of self, friend, foe, ground, ",
        ),
        (
            lambda cart, parameters: [Circle(0, 0, 1.0 if cart.age < 3 else np.nan, role="foe")],
            r"step 3: draw raised ValueError: circle '': .*nan.*: every number must be finite",
        ),
        (draw_more_with_age, f"draw returned 3 shapes where it returned 2 at birth, .* from shape 2 on: {ALIKE}"),
        (draw_another_with_age, f"draw returned 2 shapes where it returned 2 .* others from shape 1 on: {ALIKE}"),
        (draw_more_points_with_age, f"draw returned 1 shapes .* others from shape 0 on: {ALIKE}"),
    ],
)
def test_a_drawing_at_fault_is_named(draw, message):
    where = r"^world cart-pole, life \(seed 31, test, generation 0, life 1\).*"
    with pytest.raises(WorldError, match=where + message):
        replay_of(dataclasses.replace(cart_pole, draw=draw))


def test_frames_that_cannot_be_are_refused():
    for stride, steps in ((0, 10), (11, 10), (0, 0)):
        with pytest.raises(ValueError, match=f"^stride={stride}, steps={steps}: must be 1 <= stride <= steps$"):
            replay_of(cart_pole, steps=steps, stride=stride)
    with pytest.raises(ValueError, match=r"^arms=\(\): must name at least one arm$"):
        replay_of(cart_pole, plans=(), newborn={})
    with pytest.raises(ValueError, match=r"^start=-1: must be >= 0$"):
        replay_of(cart_pole, start=-1)
    with pytest.raises(ValueError, match=r"^score_steps=0: must be >= 1$"):
        replay_of(cart_pole, score_steps=0)


# Other ages, other conditions, pictures -------------------------------------------------------------------------


def test_a_life_that_ended_before_the_replay_begins_stands_still():
    conditions = conditions_for(savannah, window=16)
    driver = FusedDriver(conditions)
    arms = arms_for(conditions, (Plan(50),), learning_rate=3e38)
    (arm,) = record_replay(driver, conditions, arms, KEY, 12, 4, start=60)["arms"]
    (last,) = record_replay(driver, conditions, arms, KEY, 1, start=arm["lived"] - 1)["arms"]
    assert arm["lived"] < 60
    assert arm["frames"] == 3 * last["frames"]


def test_an_arm_with_a_driver_of_its_own_lives_as_it_does_alone():
    slow, quick = conditions_for(savannah, window=20), conditions_for(savannah, window=5)
    drivers = FusedDriver(slow), FusedDriver(quick)
    (one,) = arms_for(slow, (Plan(50),), learning_rate=0.02)
    own = dataclasses.replace(one, own=(drivers[1], quick))
    alone = record_replay(drivers[1], quick, [one], KEY, 120, 4)["arms"]
    both = record_replay(drivers[0], slow, [one, own], KEY, 120, 4)["arms"]
    assert both[1:] == alone
    assert both[0]["frames"] != both[1]["frames"]


def test_an_environment_renders_the_life_that_was_lived():
    world = gymnasium_world("CartPole-v1")
    conditions = conditions_for(world)
    driver = new_driver(conditions)
    arms = arms_for(conditions, (Plan(50, source=FROM_UNIFORM),))
    (arm,) = record_replay(driver, conditions, arms, KEY, 60, 20, render=True)["arms"]
    trace = trace_of(driver, arms[0], 60)
    driver.close()
    assert trace.ends.any(), "an episode must end, or this shows nothing"
    environment = gymnasium.make("CartPole-v1", render_mode="rgb_array").unwrapped
    environment.reset()
    for picture, t in zip(arm["pictures"], (0, 20, 40), strict=True):
        environment.state = trace.observations[t].astype(np.float64)
        assert np.abs(environment.render().astype(int) - unpacked_picture(picture)).mean() < 0.5, t
    environment.close()
    assert arm["frames"] == []
    assert len({picture for picture in arm["pictures"]}) == 3


def test_an_environment_that_renders_nothing_says_so():
    world = gymnasium_world("tests.helpers.toy_environment:evolearn-toy-v0")
    conditions = conditions_for(world)
    driver = new_driver(conditions)
    arms = arms_for(conditions, (Plan(50, source=FROM_UNIFORM),))
    with pytest.raises(NotRendered, match=r"render_mode='rgb_array'"):
        record_replay(driver, conditions, arms, KEY, 10, 5, render=True)
    driver.close()
