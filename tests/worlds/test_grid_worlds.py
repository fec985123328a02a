"""Hungry-thirsty, rooms and ABC: walls, draws, oracles, and what permuted actions leave as it is."""

import collections

import numpy as np
import pytest
from evolearn.worlds.abc_grid import abc
from evolearn.worlds.hungry_thirsty import hungry_thirsty
from evolearn.worlds.rooms import rooms

from evolearn.life import FROM_ORACLE, FROM_UNIFORM, Plan, life_fitness, lives
from evolearn.numerics import record
from evolearn.rng import SELECTION, VALIDATION, life_keys, uniform
from evolearn.world import parameter_dtype
from evolearn.worlds import abc_grid, hungry_thirsty as maze, rooms as four_rooms
from tests.helpers.probe_worlds import Stage, newborns_for

NORTH, SOUTH, EAST, WEST, EAT, DRINK = range(6)
NW, NE, SE, SW = 0, 5, 35, 30


def newborns(world, count, seed=51, **parameters):
    return [Stage(world, key, **parameters) for key in life_keys(seed, SELECTION, 0, count)]


def walk(stage, actions):
    """Where the stage's cell is after each action."""
    cells = []
    for action in actions:
        stage.step(action)
        cells.append(int(stage.state["cell"]))
    return cells


def picture(stage):
    shapes = stage.world.draw(stage.state, record(stage.compiled.parameters, parameter_dtype(stage.world)))
    return {shape.label: shape for shape in shapes}


def scores(world, driver_for, source, lifetime, **parameters):
    driver = driver_for(world, **parameters)
    keys, plan = life_keys(13, VALIDATION, 0, 64), Plan(lifetime, source=source, learn_until=0)
    outcome, _ = lives(driver, driver.conditions, newborns_for(driver.conditions), np.zeros(64, int), keys, plan)
    return life_fitness(outcome, world.fitness_rule, plan)


@pytest.mark.parametrize(
    ("world", "parameters", "random_at_most", "oracle_at_least"),
    [
        (hungry_thirsty, {"placements": 0}, 0.001, 0.2),
        (hungry_thirsty, {"placements": 1}, 0.001, 0.2),
        (rooms, {}, 0.02, 0.12),
        (rooms, {"predictability": 1, "permuted": 1}, 0.002, 0.07),
        (rooms, {"permuted": 2}, 0.02, 0.12),
        (abc, {}, -0.05, 0.3),
        (abc, {"permuted": 2}, -0.05, 0.3),
    ],
)
def test_the_oracle_leaves_random_actions_far_behind(world, parameters, random_at_most, oracle_at_least, driver_for):
    assert scores(world, driver_for, FROM_UNIFORM, 5000, **parameters).mean() < random_at_most
    assert scores(world, driver_for, FROM_ORACLE, 5000, **parameters).mean() > oracle_at_least


# Hungry-thirsty -------------------------------------------------------------------------------------------------


def hungry(**fields):
    """An animal with food in the north-west and water in the north-east, and what is said besides."""
    stage = newborns(hungry_thirsty, 1)[0]
    for name, value in ({"food": NW, "water": NE, "cell": NW, "hungry": 1, "thirsty": 0} | fields).items():
        stage.state[name] = value
    return stage


def test_walls_part_rows_2_and_3_but_for_column_5_and_columns_2_and_3_in_rows_1_2_3_and_5():
    for row in range(6):
        for column in range(6):
            cell = 6 * row + column
            blocked = {
                NORTH: row == 0 or (row == 3 and column != 5),
                SOUTH: row == 5 or (row == 2 and column != 5),
                EAST: column == 5 or (column == 2 and row in (1, 2, 3, 5)),
                WEST: column == 0 or (column == 3 and row in (1, 2, 3, 5)),
            }
            for move, step in ((NORTH, -6), (SOUTH, 6), (EAST, 1), (WEST, -1)):
                expected = cell if blocked[move] else cell + step
                assert walk(hungry(cell=cell), [move]) == [expected], (row, column, move)


def test_shortest_ways_between_the_corners():
    expected = {(NW, NE): 5, (NE, SE): 5, (SE, SW): 7, (NW, SE): 10, (NE, SW): 10, (NW, SW): 15}
    for (one, other), steps in expected.items():
        assert maze.DISTANCES[one, other] == maze.DISTANCES[other, one] == steps


def test_placements_are_twelve_of_which_eight_are_for_evolution_and_four_held_out():
    def drawn(placements, count):
        return {(int(s.state["food"]), int(s.state["water"])) for s in newborns(hungry_thirsty, count, **placements)}

    for_evolution, held_out, everything = (drawn({"placements": which}, 300) for which in (0, 1, 2))
    assert (len(for_evolution), len(held_out), len(everything)) == (8, 4, 12)
    assert for_evolution | held_out == everything
    assert not for_evolution & held_out
    assert all(food != water for food, water in everything)
    assert everything == drawn({}, 300)
    for placements, times in ((for_evolution, 2), (held_out, 1)):
        for place in range(2):
            assert collections.Counter(pair[place] for pair in placements) == dict.fromkeys((NW, NE, SE, SW), times)
    # In each set the ways are of the same lengths but for the diagonals, which are all in the first.
    assert sorted(maze.DISTANCES[pair] for pair in held_out) == [5, 5, 7, 15]
    assert sorted(maze.DISTANCES[pair] for pair in for_evolution) == [5, 5, 7, 10, 10, 10, 10, 15]
    singles = [drawn({"placements": 3 + which}, 5) for which in range(12)]
    assert all(len(single) == 1 for single in singles)
    assert set().union(*singles) == everything
    assert set().union(*singles[:4]) == held_out


def test_placements_are_drawn_evenly():
    counts = collections.Counter(
        (int(stage.state["food"]), int(stage.state["water"])) for stage in newborns(hungry_thirsty, 1200)
    )
    assert all(60 <= count <= 140 for count in counts.values()), counts  # 100 expected, 4 standard deviations


@pytest.mark.parametrize(
    ("fields", "action", "eats"),
    [
        ({}, EAT, True),
        ({"hungry": 0}, EAT, True),
        ({"thirsty": 1}, EAT, False),
        ({"cell": NE}, EAT, False),
        ({}, DRINK, False),
        ({}, WEST, False),
    ],
)
def test_food_is_only_for_who_is_there_and_not_thirsty_and_stills_hunger_for_one_step(fields, action, eats):
    stage = hungry(**fields)
    fitness, terminated, truncated, _ = stage.step(action)
    assert (fitness, terminated, truncated) == (1.0 if eats else 0.0, False, False)
    assert stage.state["hungry"] == (0 if eats else 1)
    assert stage.step(NORTH)[0] == 0.0
    assert stage.state["hungry"] == 1


def test_drinking_works_at_the_water_only():
    for cell, thirsty in ((NE, 0), (NW, 1), (SE, 1)):
        stage = hungry(cell=cell, thirsty=1)
        stage.step(DRINK)
        assert stage.state["thirsty"] == thirsty


def test_thirst_returns_in_one_step_of_ten_and_never_in_the_step_of_a_drink():
    returned = 0
    for stage in newborns(hungry_thirsty, 2000):
        stage.state["thirsty"] = 0
        drawn = uniform(stage.draws())
        stage.step(NORTH)
        assert stage.state["thirsty"] == (drawn < 0.1)
        returned += int(stage.state["thirsty"])
        stage.state["cell"] = stage.state["water"]
        stage.step(DRINK)
        assert stage.state["thirsty"] == 0
    assert 146 <= returned <= 254  # 200 expected, 4 standard deviations


def test_senses_tell_hunger_and_thirst_after_the_step():
    seen = set()
    for stage in newborns(hungry_thirsty, 60):
        stage.state["food"], stage.state["cell"], stage.state["thirsty"] = NW, NW, 0
        for action in (EAT, DRINK):
            *_, senses = stage.step(action)
            state = (int(stage.state["hungry"]), int(stage.state["thirsty"]))
            assert senses.tolist() == [float(state == which) for which in ((1, 1), (1, 0), (0, 1), (0, 0))] + [1.0]
            seen.add(state)
    assert len(seen) == 4


def test_an_animal_sees_its_cell_hunger_and_thirst_as_one_of_144():
    names = [signal.name for signal in hungry_thirsty.observations]
    assert len(names) == 144
    for cell, is_hungry, thirsty, name in (
        (NW, 0, 0, "cell 0"),
        (SE, 1, 0, "cell 35 hungry"),
        (7, 0, 1, "cell 7 thirsty"),
        (8, 1, 1, "cell 8 hungry thirsty"),
    ):
        observation = hungry(cell=cell, hungry=is_hungry, thirsty=thirsty).observe()
        assert observation.sum() == 1.0
        assert names[int(observation.argmax())] == name


def test_the_oracle_drinks_and_eats_after_no_more_steps_than_the_way_is_long():
    stage = hungry(cell=SE, food=SW, water=NW, thirsty=1)
    for _ in range(10):
        stage.step(stage.ask_oracle())
    assert stage.state["cell"] == NW
    assert stage.ask_oracle() == DRINK
    stage = hungry(cell=SW, food=SW, thirsty=0)
    assert stage.ask_oracle() == EAT


def test_golden_draws_of_hungry_thirsty():
    expected = {0: [(30, 5, 17), (5, 30, 34), (35, 0, 31)], 2: [(0, 35, 17), (35, 30, 34), (30, 0, 31)]}
    for placements, drawn in expected.items():
        found = newborns(hungry_thirsty, 3, placements=placements)
        assert [tuple(int(s.state[name]) for name in ("food", "water", "cell")) for s in found] == drawn
        assert all(s.state["hungry"] == s.state["thirsty"] == 1 for s in found)


def test_the_maze_is_drawn_with_what_the_animal_needs():
    shapes = picture(hungry(cell=14, thirsty=1))
    assert (shapes["animal"].x, shapes["animal"].y) == (2, -2)
    assert (shapes["thirsty"].opacity, shapes["eats"].opacity) == (1.0, 0.0)
    assert shapes["food"].extent[:2] == (-0.4, 0.4)
    assert shapes["water"].extent[:2] == (4.6, 5.4)
    shapes = picture(hungry(hungry=0))
    assert (shapes["thirsty"].opacity, shapes["eats"].opacity) == (0.0, 1.0)


# Rooms ----------------------------------------------------------------------------------------------------------


def test_rooms_have_a_door_to_each_neighbour():
    crossings = {
        (a, b)
        for a in range(64)
        for b in (int(cell) for cell in four_rooms.LEADS[a])
        if a < b and (a // 8 // 4, a % 8 // 4) != (b // 8 // 4, b % 8 // 4)
    }
    assert crossings == {(19, 20), (43, 44), (26, 34), (30, 38)}
    assert four_rooms.DISTANCES[0, 63] == 14
    assert four_rooms.DISTANCES.max() < 64


def test_a_goal_anywhere_but_at_the_start_and_as_often_as_said_at_the_likely_cell():
    for predictability, share in ((0.0, 1 / 63), (0.5, 0.5 + 0.5 / 63), (1.0, 1.0)):
        goals = [int(stage.state["goal"]) for stage in newborns(rooms, 600, predictability=predictability)]
        assert 0 not in goals
        assert np.mean(np.array(goals) == 63) == pytest.approx(share, abs=0.085)
        assert len(set(goals)) == 1 if predictability == 1.0 else len(set(goals)) > 60


def test_finding_the_goal_is_fit_and_ends_the_episode_but_keeps_the_goal():
    stage = newborns(rooms, 1)[0]
    stage.state["goal"] = 2
    assert stage.step(EAST)[:3] == (0.0, False, False)
    assert stage.step(EAST)[:3] == (1.0, True, False)
    stage.begin()
    assert (stage.state["goal"], stage.state["cell"], stage.state["age"]) == (2, 0, 0)


def test_an_episode_in_the_rooms_is_truncated_after_a_hundred_steps_and_a_wall_is_felt():
    stage = newborns(rooms, 1)[0]
    for t in range(100):
        fitness, terminated, truncated, senses = stage.step(NORTH)
        assert (fitness, terminated, truncated) == (0.0, False, t == 99)
        assert senses.tolist() == [1.0]
    stage = newborns(rooms, 1)[0]
    stage.state["goal"], stage.state["age"] = 1, 99
    assert stage.step(EAST)[:3] == (1.0, True, False)


def test_the_goal_is_never_seen():
    stage = newborns(rooms, 1)[0]
    before = stage.observe()
    assert before.tolist() == [1.0] + [0.0] * 63
    stage.state["goal"] = 1
    np.testing.assert_array_equal(stage.observe(), before)


def test_golden_draws_of_rooms():
    assert [int(stage.state["goal"]) for stage in newborns(rooms, 4)] == [31, 61, 55, 44]
    found = newborns(rooms, 4, permuted=2, predictability=0.5)
    assert [int(stage.state["goal"]) for stage in found] == [63, 63, 63, 44]
    assert found[0].state["moves"].tolist() == [3, 2, 0, 1]
    assert found[3].state["moves"].tolist() == [1, 2, 0, 3]


def test_the_rooms_are_drawn_with_their_goal():
    shapes = picture(newborns(rooms, 1)[0])
    assert (shapes["goal, not seen"].x, shapes["goal, not seen"].y) == (7, -3)
    assert (shapes["walker"].x, shapes["walker"].y) == (0, 0)


# ABC ------------------------------------------------------------------------------------------------------------


def test_things_are_as_far_as_said_and_b_is_not_on_every_way():
    a, b, c = abc_grid.THINGS
    assert [int(abc_grid.DISTANCES[abc_grid.START, thing]) for thing in (a, b, c)] == [5, 2, 5]
    for gamble in (0.9, -0.9):
        stage = newborns(abc, 1)[0]
        stage.state["worth"] = (gamble, -0.2, 0.3)
        steps, over = 0, False
        while not over:
            fitness, over, truncated, senses = stage.step(stage.ask_oracle())
            steps += 1
            assert not truncated
        assert (steps, fitness) == (5, max(gamble, 0.3))
        assert senses.tolist() == [float(gamble > 0), 0.0, float(gamble < 0), 1.0]


def test_each_thing_is_worth_what_was_drawn_and_ends_the_episode():
    for thing, cell in enumerate(abc_grid.THINGS):
        stage = newborns(abc, 1)[0]
        stage.state["cell"] = cell - 1 if cell % 6 else cell - 6
        worth = stage.state["worth"].copy()
        fitness, terminated, truncated, senses = stage.step(EAST if cell % 6 else SOUTH)
        assert (fitness, terminated, truncated) == (worth[thing], True, False)
        assert senses.tolist() == [float(thing == which) for which in range(3)] + [1.0]
        stage.begin()
        np.testing.assert_array_equal(stage.state["worth"], worth)
        assert stage.state["cell"] == abc_grid.START


def test_an_episode_without_a_thing_is_truncated_after_thirty_steps():
    stage = newborns(abc, 1)[0]
    assert [stage.step(NORTH)[2] for _ in range(30)] == [False] * 29 + [True]


def test_worths_are_uniform_in_their_ranges():
    worths = np.array([stage.state["worth"] for stage in newborns(abc, 800)])
    for thing, (low, high) in enumerate(((-1.0, 1.0), (-0.5, 0.0), (0.0, 0.5))):
        drawn = (worths[:, thing] - low) / (high - low)
        assert 0.0 <= drawn.min() <= 0.02
        assert 0.98 <= drawn.max() <= 1.0
        assert np.histogram(drawn, 4, (0, 1))[0] == pytest.approx(200, abs=50)


def test_golden_draws_of_abc():
    found = newborns(abc, 2, permuted=2)
    np.testing.assert_allclose(found[0].state["worth"], [-0.1765576449688524, -0.2394760519382544, 0.04820109467254952])
    np.testing.assert_allclose(found[1].state["worth"], [-0.5996115731541067, -0.4801984108635224, 0.43370790273183957])
    assert [stage.state["moves"].tolist() for stage in found] == [[1, 2, 3, 0], [2, 0, 3, 1]]


def test_abc_is_drawn_with_rings_as_wide_as_worth():
    stage = newborns(abc, 1)[0]
    stage.state["worth"] = (1.0, -0.5, 0.5)
    shapes = picture(stage)
    assert [shapes[f"worth of {name}"].radius for name in "ABC"] == pytest.approx([0.45, 0.05, 0.25])
    assert (shapes["collector"].x, shapes["collector"].y) == (1, -1)


# Permuted actions -----------------------------------------------------------------------------------------------


def life(stage, actions):
    """All that can be seen of a life, but which actions were taken."""
    seen = [stage.observe().tolist()]
    for action in actions:
        fitness, terminated, truncated, senses = stage.step(action)
        seen.append((fitness, terminated, truncated, senses.tolist(), stage.observe().tolist()))
        if terminated or truncated:
            stage.begin()
    return seen


@pytest.mark.parametrize("world", [rooms, abc], ids=["rooms", "abc"])
@pytest.mark.parametrize("permuted", [1, 2])
def test_permuted_actions_live_the_same_life(world, permuted):
    actions = np.random.default_rng(4).integers(4, size=300)
    differ = 0
    twins = (newborns(world, 6), *(newborns(world, 6, permuted=permuted) for _ in range(2)))
    for named, other, same in zip(*twins, strict=True):
        action_for = np.argsort(other.state["moves"])
        expected = life(named, actions)
        assert life(other, action_for[actions]) == expected
        differ += life(same, actions) != expected
    assert differ >= 5, "the same actions are another life, unless the permutation drawn is none"


@pytest.mark.parametrize("world", [rooms, abc], ids=["rooms", "abc"])
def test_the_fixed_permutation_swaps_opposite_moves_and_the_drawn_one_is_any_of_24(world):
    assert all(stage.state["moves"].tolist() == [0, 1, 2, 3] for stage in newborns(world, 20))
    assert all(stage.state["moves"].tolist() == [1, 0, 3, 2] for stage in newborns(world, 20, permuted=1))
    drawn = collections.Counter(tuple(stage.state["moves"].tolist()) for stage in newborns(world, 720, permuted=2))
    assert len(drawn) == 24
    assert all(8 <= count <= 54 for count in drawn.values()), drawn  # 30 expected
