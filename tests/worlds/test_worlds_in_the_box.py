"""The contract, over every world that comes with the project and every probe; and each world's own constants."""

import math

import gymnasium
import numpy as np
import pytest
from evolearn.worlds.bandit import bandit, bandit_10
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.chain import chain
from evolearn.worlds.cue import nature_nurture
from evolearn.worlds.lock import lock, lock_10
from evolearn.worlds.navigation import navigation, water_maze
from evolearn.worlds.needle import needle
from evolearn.worlds.savannah import savannah
from evolearn.worlds.sinusoid import sinusoid

from evolearn.life import FROM_ORACLE, FROM_UNIFORM, Plan, life_fitness, lives
from evolearn.life.records import FINISHED
from evolearn.numerics import record
from evolearn.rng import SELECTION, TEST, VALIDATION, life_keys, normal_pair, uniform
from evolearn.world import find_world, parameter_dtype, registered_worlds
from tests.helpers.box import EXTREMES, IN_THE_BOX, WORLDS, declared_entry_points, differs_by_life
from tests.helpers.probe_worlds import (
    PROBES,
    Stage,
    luck,
    newborns_for,
    only_evolution,
    only_learning,
    restless,
    reward_by_observation,
)

LIVES = 64

OF_TESTS = (*PROBES, luck, restless)
# The other probes have nothing to draw.
PROBES_THAT_DIFFER = (reward_by_observation, only_evolution, only_learning, luck, restless)
each_world = pytest.mark.parametrize("world", WORLDS, ids=[world.name for world in WORLDS])
world_or_probe = pytest.mark.parametrize("world", [*WORLDS, *OF_TESTS], ids=lambda world: world.name)


def cases_of(world):
    """Parameters to live with: the defaults, and each parameter at both ends; a test for each would cost seconds."""
    return [{}, *(parameters for one, parameters in EXTREMES if one is world)]


def stages(world, parameters, count=3):
    return [Stage(world, key, **parameters) for key in life_keys(11, SELECTION, 0, count)]


def random_action(world, rng):
    # Beyond -1 .. 1 too: a Gaussian policy gives anything.
    return rng.integers(world.action_outputs) if world.is_discrete else 2.0 * rng.standard_normal(world.action_size)


def test_every_world_in_the_box_is_registered_by_its_name():
    assert {"savannah", "cart-pole"} <= {world.name for world in WORLDS}
    assert declared_entry_points() == {world.name: where for where, world in IN_THE_BOX.items()}
    for where, world in IN_THE_BOX.items():
        assert where.endswith(f":{world.name.replace('-', '_')}")


def test_what_termination_is_and_what_the_able_are_is_said_by_each_world():
    assert {world.name for world in WORLDS if world.termination_is_death} == {
        "savannah",
        "cart-pole",
        "hunted",
        "hunted-predator",
    }
    able = {world.name: world.able for world in WORLDS if world.able != "able"}
    assert able == {
        "savannah": "running",
        "cart-pole": "balancing",
        "larder": "thriving",
        "pursuit": "escaping",
        "pursuit-predator": "catching",
        "hunted": "running",
        "hunted-predator": "biting",
    }


def test_worlds_that_share_a_function_have_one_kind_of_state_and_of_parameters():
    # A shared function is named by neither in compiled code, so that one kept on disk would be taken for the other.
    kinds = {}
    for world in WORLDS:
        for part in ("born", "begin", "observe", "step", "oracle"):
            function = getattr(world, part)
            kind = (world.state, parameter_dtype(world))
            assert kinds.setdefault(function, kind) == kind, f"{world.name}: {function}"


@world_or_probe
def test_every_observation_and_sense_is_written_and_finite(world):
    for parameters in cases_of(world):
        rng = np.random.default_rng(0)
        for stage in stages(world, parameters):
            for _ in range(300):
                observation = stage.observe()
                assert np.all(np.isfinite(observation)), (parameters, observation)
                fitness, terminated, truncated, senses = stage.step(random_action(world, rng))
                assert np.all(np.isfinite(senses)), (parameters, senses)
                assert math.isfinite(fitness), parameters
                assert not (terminated and truncated), (parameters, "what terminates is not truncated as well")
                assert np.all(np.isfinite(stage.observe())), parameters
                if terminated or truncated:
                    stage.begin()


@world_or_probe
def test_observing_draws_nothing_and_changes_nothing(world):
    for parameters in cases_of(world):
        stage = stages(world, parameters, 1)[0]
        first = stage.observe()
        drawn, state = stage.rng.copy(), stage.state.tobytes()
        np.testing.assert_array_equal(stage.observe(), first, str(parameters))
        np.testing.assert_array_equal(stage.rng, drawn, str(parameters))
        assert stage.state.tobytes() == state, parameters


@world_or_probe
def test_a_key_names_one_life_whatever_was_lived_before(world):
    def some_steps(stage):
        rng = np.random.default_rng(1)
        return [
            (stage.observe().tolist(), *stage.step(random_action(world, rng))[:3], stage.state.tobytes())
            for _ in range(50)
        ]

    for parameters in cases_of(world):
        once, *others = (some_steps(stage) for stage in stages(world, parameters, 6))
        assert some_steps(stages(world, parameters, 1)[0]) == once, parameters
        assert any(other != once for other in others) == (
            world in PROBES_THAT_DIFFER or (world in WORLDS and differs_by_life(world, parameters))
        ), parameters


@world_or_probe
def test_long_random_lives_stay_finite(world, driver_for):
    keys = life_keys(12, SELECTION, 0, 4)
    plan = Plan(5000, source=FROM_UNIFORM, learn_until=0)
    for parameters in cases_of(world):
        driver = driver_for(world, **parameters)
        outcome, _ = lives(driver, driver.conditions, newborns_for(driver.conditions), np.zeros(4, int), keys, plan)
        assert np.all(outcome.status == FINISHED), parameters
        assert np.all(np.isfinite(outcome.drives)), parameters
        np.testing.assert_allclose(outcome.drives[:, 0], outcome.fitness[:, 0], err_msg=str(parameters))


@each_world
def test_train_and_test_lives_are_different_worlds(world):
    # Many lives: a world may draw no more than one bit of each.
    drawn = {"redrawn": 1.0} if world.name in ("maze", "lock", "lock-10") else {"predictability": 0.0}
    parameters = {} if differs_by_life(world, {}) else drawn
    spaces = [
        b"".join(Stage(world, key, **parameters).state.tobytes() for key in life_keys(1, space, 0, 64))
        for space in (SELECTION, VALIDATION, TEST)
    ]
    assert len(set(spaces)) == 3


@each_world
def test_a_world_describes_itself(world):
    assert len(world.summary) > 40
    for word in ("Redrawn", "Fitness", "Source"):
        assert word in world.doc
    assert all(signal.unit for signal in (*world.observations, *world.senses))
    assert all(parameter.low <= parameter.default <= parameter.high for parameter in world.parameters)
    assert len(world.actions.names) == world.action_outputs
    assert world.oracle is not None


@pytest.mark.parametrize(
    ("world", "parameters", "random_at_most", "oracle_at_least"),
    [
        (savannah, {"alpha": 0.0}, 0.3, 0.9),
        (savannah, {"alpha": 90.0}, 0.3, 0.9),
        (savannah, {"alpha": 180.0}, 0.3, 0.9),
        (cart_pole, {"predictability": 1.0}, 40.0, 450.0),
        (cart_pole, {"predictability": 0.0}, 60.0, 400.0),
        (bandit, {}, 0.56, 0.6),
        (bandit, {"flip": 0.2}, 0.56, 0.6),
        (bandit_10, {}, 0.55, 0.85),
        (nature_nurture, {"meaning_fixed": 0.5}, 0.52, 0.88),
        (needle, {"predictability": 1.0}, 2.0, 20.0),
        (needle, {"predictability": 0.0}, 2.0, 20.0),
        (sinusoid, {}, -3.0, -1e-9),
        (navigation, {"predictability": 0.0}, -20.0, -3.0),
        (navigation, {"predictability": 1.0}, -20.0, -1.0),
        (water_maze, {}, 15.0, 90.0),
        (lock, {}, 0.001, 1.0),
        (lock_10, {"presses": 10, "redrawn": 10}, 0.001, 1.0),
        (chain, {}, 0.001, 0.125),
        (chain, {"each": 1, "hazard": 0.01, "noise": 0.2}, 0.4, 0.79),
    ],
    ids=lambda value: getattr(value, "name", None) or str(value),
)
def test_the_oracle_leaves_random_actions_far_behind(world, parameters, random_at_most, oracle_at_least, driver_for):
    driver = driver_for(world, **parameters)
    keys = life_keys(13, VALIDATION, 0, LIVES)
    scores = {}
    for source in (FROM_UNIFORM, FROM_ORACLE):
        plan = Plan(2000, source=source, learn_until=0)
        outcome, _ = lives(driver, driver.conditions, newborns_for(driver.conditions), np.zeros(LIVES, int), keys, plan)
        scores[source] = life_fitness(outcome, world.fitness_rule, plan).mean()
    assert scores[FROM_UNIFORM] < random_at_most
    assert scores[FROM_ORACLE] >= oracle_at_least


def picture(stage):
    """What a world draws of a stage, by label."""
    shapes = stage.world.draw(stage.state, record(stage.compiled.parameters, parameter_dtype(stage.world)))
    return {shape.label: shape for shape in shapes}


@each_world
def test_what_comes_with_the_project_is_drawn_in_every_step_with_the_same_kinds_of_shapes(world):
    for parameters in cases_of(world)[1:]:
        rng = np.random.default_rng(3)
        stage = stages(world, parameters, 1)[0]
        seen, before = set(), stage.state.tobytes()
        for _ in range(600):
            shapes = world.draw(stage.state, record(stage.compiled.parameters, parameter_dtype(world)))
            assert stage.state.tobytes() == before, (parameters, "drawing changes nothing")
            seen.add(tuple((shape.kind, shape.role, shape.label, len(shape.numbers)) for shape in shapes))
            _, terminated, truncated, _ = stage.step(random_action(world, rng))
            if terminated or truncated:
                stage.begin()
            before = stage.state.tobytes()
        assert len(seen) == 1, parameters
        assert any(role == "self" for _, role, *_ in seen.pop()), parameters


# Savannah -------------------------------------------------------------------------------------------------------

AT_REST = {
    "age": 500,
    "tilt": 0.0,
    "tilt_rate": 0.0,
    "speed": 0.0,
    "heading": 0.0,
    "x": 0.0,
    "y": 0.0,
    "down": 0,
    "energy": 0.5,
    "mother_x": 2.0,
    "mother_y": 0.0,
    "mother_heading": 0.0,
    "predator": 0,
    "predator_x": 0.0,
    "predator_y": 0.0,
}
NOTHING = np.zeros(4)
# Columns of the nominal map are orthonormal, so that M0^T makes a wish for balance, speed and turn into muscles.
MUSCLES_FOR = 0.5 * np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1]])


def foal(life=0, **fields):
    """A foal with the nominal map, at rest 2 m from its mother but for what is said; and its next draws."""
    stage = Stage(savannah, life_keys(14, SELECTION, 0, life + 1)[life], alpha=0.0)
    for name, value in (AT_REST | fields).items():
        stage.state[name] = value
    wobble, wander = normal_pair(draws := stage.draws())
    return stage, wobble, wander, uniform(draws)


def test_one_step_of_the_body():
    tilt, rate, speed, heading = 0.2, -0.3, 0.7, 1.1
    action = np.array([0.9, -0.4, 0.3, -2.0])  # the last counts as -1
    stage, xi, _, _ = foal(tilt=tilt, tilt_rate=rate, speed=speed, heading=heading)
    *_, senses = stage.step(action)
    a = np.float32([0.9, -0.4, 0.3, -1.0]).astype(float)
    u = np.clip(1.5 * MUSCLES_FOR @ a, -1, 1)
    dt = 0.1
    rate += dt * (6 * math.sin(tilt) - rate + 8 * u[0]) + math.sqrt(dt) * (0.4 + 0.6 * speed) * xi
    tilt += dt * rate
    speed = min(max(speed + dt * (3 * u[1] - speed), 0), 2)
    heading += dt * 1.5 * u[2]
    assert stage.state["tilt_rate"] == pytest.approx(rate, rel=1e-9)
    assert stage.state["tilt"] == pytest.approx(tilt, rel=1e-9)
    assert stage.state["speed"] == pytest.approx(speed, rel=1e-9)
    assert stage.state["heading"] == pytest.approx(heading, rel=1e-9)
    assert stage.state["x"] == pytest.approx(dt * speed * math.cos(heading), rel=1e-9)
    assert stage.state["y"] == pytest.approx(dt * speed * math.sin(heading), rel=1e-9)
    assert stage.state["energy"] == pytest.approx(0.5 - 0.0008 - 0.001 * np.mean(a**2), rel=1e-9)
    assert senses[5] == pytest.approx(np.mean(a**2))
    assert senses[2] == pytest.approx(20 * (stage.state["energy"] - 0.5), rel=1e-5)
    assert senses[0] == pytest.approx(1 - abs(tilt) / 0.7)


def test_muscle_commands_saturate_after_one_and_a_half():
    # Balance 2/3 asks for u = 1 exactly; all muscles at full give M a = 2 and no more than u = 1.
    for effort in (1 / 3, 1.0):
        stage, xi, _, _ = foal()
        stage.step(np.full(4, effort))
        assert stage.state["tilt_rate"] == pytest.approx(0.1 * 8 * 1.0 + math.sqrt(0.1) * 0.4 * xi, rel=1e-6)


def test_a_fall_costs_energy_speed_and_fifteen_steps():
    stage, *_ = foal(tilt=0.69, tilt_rate=5.0, speed=1.0, age=0)
    fitness, *_, senses = stage.step(NOTHING)
    assert fitness == 0.0
    assert stage.state["down"] == 15
    assert stage.state["speed"] == 0.0
    assert stage.state["energy"] == pytest.approx(0.5 - 0.02 - 0.0008)
    assert senses[4] == pytest.approx(0.1)
    assert senses[0] == 0.0
    for _ in range(14):
        assert stage.observe()[3] == 1.0
        fitness, *_, senses = stage.step(np.ones(4))
        assert fitness == 0.0
        assert senses[4] == 0.0
    assert stage.state["down"] == 1
    xi = normal_pair(stage.draws())[0]
    fitness, *_ = stage.step(NOTHING)
    assert stage.state["down"] == 0
    assert stage.state["tilt"] == pytest.approx(0.1 * xi)
    assert stage.state["tilt_rate"] == 0.0
    assert fitness == 1.0


def test_a_tilt_below_the_limit_is_no_fall():
    for tilt, falls in ((0.6999, False), (0.7001, True)):
        stage, xi, *_ = foal(tilt=tilt)
        # Set the rate so that the tilt stays what it is: what the step adds is undone beforehand.
        added = 0.1 * 6 * math.sin(tilt) + math.sqrt(0.1) * 0.4 * xi
        stage.state["tilt_rate"] = -added / 0.9
        stage.step(NOTHING)
        assert (stage.state["down"] > 0) == falls


@pytest.mark.parametrize(("age", "moves"), [(98, False), (99, False), (100, True), (101, True)])
def test_the_mother_waits_a_hundred_steps_then_walks(age, moves):
    stage, _, wander, _ = foal(age=age, mother_heading=0.5)
    stage.step(NOTHING)
    heading = 0.5 + 0.05 * wander if moves else 0.5
    step = 0.08 if moves else 0.0
    assert stage.state["mother_heading"] == pytest.approx(heading)
    assert stage.state["mother_x"] == pytest.approx(2.0 + step * math.cos(heading))
    assert stage.state["mother_y"] == pytest.approx(step * math.sin(heading))


def test_a_foal_starts_two_metres_from_its_mother_full_and_nearly_upright():
    tilts = []
    for life in range(100):
        stage = Stage(savannah, life_keys(15, SELECTION, 0, life + 1)[life])
        state = stage.state
        assert math.hypot(state["mother_x"] - state["x"], state["mother_y"] - state["y"]) == pytest.approx(2.0)
        assert state["energy"] == 1.0
        assert state["speed"] == state["tilt_rate"] == 0.0
        tilts.append(float(state["tilt"]))
    assert np.std(tilts) == pytest.approx(0.1, rel=0.25)


def test_the_predator_appears_once_in_a_hundred_and_fifty_steps_ten_metres_off():
    came = []
    for life in range(600):
        stage, *_, drawn = foal(life=life, age=100)
        stage.step(NOTHING)
        assert (stage.state["predator"] == 1) == (drawn < 1 / 150)
        if stage.state["predator"] == 1:
            x, y = stage.state["predator_x"] - stage.state["x"], stage.state["predator_y"] - stage.state["y"]
            came.append(math.hypot(x, y))
    assert 1 <= len(came) <= 12
    np.testing.assert_allclose(came, 10.0)


def test_no_predator_in_the_first_hundred_steps():
    for life in range(300):
        stage, *_ = foal(life=life, age=99)
        stage.step(NOTHING)
        assert stage.state["predator"] == 0


def test_the_predator_runs_towards_the_foal():
    stage, *_ = foal(predator=1, predator_x=6.0, predator_y=8.0)
    stage.step(NOTHING)
    assert math.hypot(stage.state["predator_x"], stage.state["predator_y"]) == pytest.approx(10 - 0.13)
    assert stage.state["predator_x"] / stage.state["predator_y"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("predator_x", "mother_x", "stays", "bite"),
    [
        (0.4, 2.0, False, 1.0),
        (0.6, 2.0, True, 0.0),
        (2.9, 1.4, False, 0.0),
        (2.9, 1.7, True, 0.0),
        (3.2, 1.4, True, 0.0),
        (0.4, 1.4, False, 0.0),
    ],
)
def test_the_predator_bites_within_half_a_metre_and_flees_the_mother(predator_x, mother_x, stays, bite):
    stage, *_ = foal(predator=1, predator_x=predator_x, mother_x=mother_x, age=0)
    *_, senses = stage.step(NOTHING)
    assert (stage.state["predator"] == 1) == stays
    assert senses[3] == bite
    assert stage.state["energy"] == pytest.approx(0.5 - 0.3 * bite - 0.0008)


@pytest.mark.parametrize(
    ("mother_x", "down", "energy", "fitness"),
    [
        (0.9, 0, 0.5 + 0.01 - 0.0008, 1.0),
        (1.1, 0, 0.5 - 0.0008, 1.0),
        (2.9, 0, 0.5 - 0.0008, 1.0),
        (3.1, 0, 0.5 - 0.0008, 0.0),
        (0.9, 9, 0.5 - 0.0008, 0.0),
    ],
)
def test_milk_and_fitness_by_distance_and_posture(mother_x, down, energy, fitness):
    stage, *_ = foal(mother_x=mother_x, down=down, age=0)
    found, terminated, truncated, _ = stage.step(NOTHING)
    assert stage.state["energy"] == pytest.approx(energy)
    assert (found, terminated, truncated) == (fitness, False, False)


def test_energy_is_capped_at_one_and_death_ends_the_episode_but_not_the_motor_map():
    stage, *_ = foal(mother_x=0.5, age=0, energy=0.999)
    stage.step(NOTHING)
    assert stage.state["energy"] == 1.0
    stage = Stage(savannah, life_keys(14, SELECTION, 0, 1)[0], alpha=90.0)
    motor = stage.state["motor"].copy()
    stage.state["energy"] = 0.0005
    fitness, terminated, truncated, _ = stage.step(NOTHING)
    assert (fitness, terminated, truncated) == (0.0, True, False)
    stage.begin()
    np.testing.assert_array_equal(stage.state["motor"], motor)
    assert stage.state["energy"] == 1.0
    assert stage.state["age"] == 0


def test_what_the_foal_sees():
    # Heading north, mother 3 m to the west of it and predator 4 m to the north.
    stage, *_ = foal(heading=math.pi / 2, mother_x=-3.0, tilt=0.1, tilt_rate=0.2, speed=0.3, predator=1, predator_y=4.0)
    expected = [0.3, 0.2, 0.3, 0.0, 1.0, 0.0, 0.9, 1.0, 0.0, 1.0, 0.4, 0.5, 1.0]
    np.testing.assert_allclose(stage.observe(), expected, atol=1e-6)
    stage.state["predator"] = 0
    stage.state["mother_x"] = -50.0
    np.testing.assert_allclose(stage.observe()[6:11], [3.0, 0.0, 0.0, 0.0, 0.0], atol=1e-6)


def test_approach_is_the_distance_won_over_the_mother():
    stage, *_ = foal(speed=2.0, age=0)
    *_, senses = stage.step(NOTHING)
    moved = 0.1 * 2.0 * 0.9  # the step's friction first
    assert senses[1] == pytest.approx(5 * moved, rel=1e-5)


def centre(shape):
    x_from, x_to, y_from, y_to = shape.extent
    return (x_from + x_to) / 2, (y_from + y_to) / 2


def test_a_foal_is_drawn_standing_leaning_and_on_its_back():
    upright = picture(foal(tilt=0.0)[0])["foal"].points
    hooves = [point for point in upright if point[1] == 0]
    assert len(hooves) == 2
    assert min(y for _, y in upright) == 0
    leaning = picture(foal(tilt=0.5)[0])["foal"].points
    for (x, y), (x_leaning, y_leaning) in zip(upright, leaning, strict=True):
        # Forwards, which is to the right for a heading of 0: clockwise.
        assert x_leaning == pytest.approx(x * math.cos(0.5) + y * math.sin(0.5), abs=0.5)
        assert y_leaning == pytest.approx(y * math.cos(0.5) - x * math.sin(0.5), abs=0.5)
    mirrored = picture(foal(tilt=0.5, heading=3.0)[0])["foal"].points
    assert mirrored == [(-x, y) for x, y in leaning]
    down = picture(foal(down=7, tilt=0.9)[0])["foal"].points
    assert max(y for _, y in down) == max(down[upright.index(hoof)][1] for hoof in hooves)


def test_mother_and_predator_are_drawn_where_they_are_as_seen_from_the_foal():
    def at(**fields):
        places = {"mother_x": 12.0, "mother_y": 4.0, "predator_x": 13.0, "predator_y": 6.0}
        return picture(foal(x=10.0, y=5.0, **(places | {"predator": 1} | fields))[0])

    near, moved = at(), at(mother_x=11.0, predator_y=7.0)
    gone = at(mother_x=110.0, mother_y=5.0, predator_x=10.001, predator_y=-395.0)
    for name, by in (("mother", (-100, 0)), ("predator", (0, 100))):
        assert near[name].opacity == moved[name].opacity == 1.0
        expected = np.array(centre(near[name])) + by
        np.testing.assert_allclose(centre(moved[name]), expected, atol=1)
        assert gone[name].opacity == pytest.approx(0.4), "further off than it is drawn"
    # 5 m to the right, and 5 m down.
    assert centre(gone["mother"])[0] - centre(near["mother"])[0] == pytest.approx(500 - 200, abs=1)
    assert centre(gone["predator"])[1] - centre(near["predator"])[1] == pytest.approx(-500 - 100, abs=1)
    assert at(predator=0)["predator"].opacity == 0.0


def test_the_disc_around_the_foal_is_strong_while_it_is_fit():
    for fields, strong in (({}, True), ({"mother_x": 2.9}, True), ({"mother_x": 3.1}, False), ({"down": 3}, False)):
        disc = picture(foal(**fields)[0])["fit with the mother inside"]
        assert disc.opacity == (0.4 if strong else 0.1)
        assert (disc.x, disc.y, disc.radius) == (0, 0, 300)


def test_the_grass_goes_by_as_the_foal_walks_and_fades_at_the_edge():
    before, after = (picture(foal(x=x, y=5.0)[0])["grass"] for x in (12.0, 12.5))
    assert (after.x - before.x, after.y - before.y) == (-50, 0)
    assert before.opacity == 1.0
    for x in (9.96, 10.04):
        assert picture(foal(x=x, y=5.0)[0])["grass"].opacity == 0.0


# Cart-pole ------------------------------------------------------------------------------------------------------


def test_the_classical_cart_moves_as_gymnasiums():
    reference = gymnasium.make("CartPole-v1").unwrapped
    rng = np.random.default_rng(2)
    for life in range(5):
        stage = Stage(cart_pole, life_keys(16, SELECTION, 0, life + 1)[life])
        reference.reset(seed=0)
        fields = ("position", "velocity", "angle", "angular_velocity")
        start = np.array([float(stage.state[field]) for field in fields])
        assert np.all(np.abs(start) <= 0.05)
        reference.state = start.copy()
        for _ in range(200):
            action = int(rng.integers(2))
            expected, reward, terminated, _, _ = reference.step(action)
            fitness, fell, truncated, senses = stage.step(action)
            np.testing.assert_allclose(stage.observe(), expected, rtol=1e-5, atol=1e-6)
            assert (fitness, fell, truncated) == (reward, terminated, False)
            assert senses[0] == pytest.approx(1 - abs(stage.state["angle"]) / math.radians(12), rel=1e-5, abs=1e-6)
            assert senses[1] == pytest.approx(1 - abs(stage.state["position"]) / 2.4, rel=1e-5, abs=1e-6)
            if fell:
                break
        assert fell


def test_an_episode_of_five_hundred_steps_is_truncated_and_not_terminated():
    stage = Stage(cart_pole, life_keys(16, SELECTION, 0, 1)[0])
    for t in range(500):
        _, fell, truncated, _ = stage.step(stage.ask_oracle())
        assert not fell
        assert truncated == (t == 499)


def test_falling_in_the_last_step_is_termination():
    stage = Stage(cart_pole, life_keys(16, SELECTION, 0, 1)[0])
    stage.state["age"] = 499
    stage.state["angle"] = 1.0
    _, fell, truncated, _ = stage.step(0)
    assert (fell, truncated) == (True, False)


def test_the_cart_and_its_pole_are_drawn_to_scale():
    stage = Stage(cart_pole, life_keys(16, SELECTION, 0, 1)[0])
    stage.state["position"], stage.state["angle"], stage.state["half_length"] = 1.5, 0.2, 0.7
    shapes = picture(stage)
    assert centre(shapes["cart"])[0] == pytest.approx(1.5)
    pole = shapes["pole"]
    assert math.dist((pole.x1, pole.y1), (pole.x2, pole.y2)) == pytest.approx(1.4)
    assert math.atan2(pole.x2 - pole.x1, pole.y2 - pole.y1) == pytest.approx(0.2)
    assert pole.x1 == pytest.approx(1.5)
    assert (shapes["track"].x1, shapes["track"].x2) == (-2.4, 2.4)
    limit = shapes["limit of the pole"]
    assert math.atan2(limit.x2 - pole.x1, limit.y2 - pole.y1) == pytest.approx(math.radians(12))


WHOLE_PARAMETERS = {
    "abc": ["permuted"],
    "bandit": ["rounds", "mirrored"],
    "bandit-10": ["rounds", "mirrored"],
    "chain": ["links", "each", "scattered"],
    "corridors": ["delay"],
    "corridors-80": ["delay"],
    "cued-bandit": ["cues", "classes", "rounds"],
    "cued-bandit-16x4": ["cues", "classes", "rounds"],
    "cued-bandit-2x4": ["cues", "classes", "rounds"],
    "cued-bandit-4x2": ["cues", "classes", "rounds"],
    "hungry-thirsty": ["placements"],
    "hunted": ["hurt"],
    "hunted-predator": ["hurt"],
    "larder": ["relative"],
    "linear-teacher": ["delay"],
    "linear-teacher-4": ["delay"],
    "linear-teacher-48": ["delay"],
    "lock": ["presses", "redrawn"],
    "lock-10": ["presses", "redrawn"],
    "match": ["delay", "redrawn"],
    "maze": ["variant", "change_at", "redrawn"],
    "needle": ["switches"],
    "pursuit": ["drawn"],
    "pursuit-predator": ["drawn"],
    "rooms": ["permuted"],
    "rooms-4x4": ["permuted", "far", "tv", "limit"],
    "rooms-8x8": ["permuted", "far", "tv", "limit"],
    "sinusoid": ["shots", "queries"],
}


def test_parameters_that_count_something_are_whole():
    worlds = {name: find_world(name) for name in registered_worlds()}
    found = {name: [one.name for one in world.parameters if one.whole] for name, world in worlds.items()}
    assert {name: whole for name, whole in found.items() if whole} == WHOLE_PARAMETERS


def test_worlds_of_one_file_say_what_each_of_them_is():
    summaries = [find_world(name).summary for name in registered_worlds()]
    assert len(set(summaries)) == len(summaries)
    assert all(len(summary) <= 120 and summary.endswith(".") for summary in summaries)
