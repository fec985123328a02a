"""Navigation and the water maze: moves, goals and what they are worth."""

import math

import numpy as np
import pytest
from evolearn.worlds.navigation import navigation, water_maze

from evolearn.rng import SELECTION, TEST, life_keys
from tests.helpers.probe_worlds import Stage

BOTH = pytest.mark.parametrize("world", [navigation, water_maze], ids=["navigation", "water-maze"])


def stage_of(world, life=0, space=SELECTION, **parameters):
    return Stage(world, life_keys(61, space, 0, life + 1)[life], **parameters)


def at(world, x, y, goal=(0.2, -0.3), **parameters):
    stage = stage_of(world, **parameters)
    stage.state["x"], stage.state["y"] = x, y
    stage.state["goal_x"], stage.state["goal_y"] = goal
    return stage


def goal_of(stage):
    return np.array([stage.state["goal_x"], stage.state["goal_y"]])


def test_golden_draws():
    stage = stage_of(water_maze, space=TEST, predictability=0.25)
    np.testing.assert_allclose(
        [*goal_of(stage), stage.state["x"], stage.state["y"]],
        [0.38337541502551176, 0.06476594755076803, -0.5, 0.0],
        rtol=1e-12,
    )


@BOTH
def test_goals_fill_the_square_and_shrink_to_the_usual_one(world):
    goals = np.array([goal_of(stage_of(world, life)) for life in range(600)])
    for coordinate in np.sort(goals, axis=0).T:
        assert np.abs(coordinate - np.linspace(-0.5, 0.5, 600)).max() < 0.08
    assert abs(np.corrcoef(goals.T)[0, 1]) < 0.12
    for life in range(5):
        for share in (0.3, 1.0):
            expected = (1 - share) * goals[life] + share * 0.25
            np.testing.assert_allclose(goal_of(stage_of(world, life, predictability=share)), expected)


@BOTH
def test_a_stride_is_a_tenth_of_the_action_clipped(world):
    stage = at(world, 0.1, 0.0)
    stage.step([0.5, -0.3])
    assert (stage.state["x"], stage.state["y"]) == (pytest.approx(0.15), pytest.approx(-0.03))
    stage.step([7.0, -2.0])
    assert (stage.state["x"], stage.state["y"]) == (pytest.approx(0.25), pytest.approx(-0.13))
    np.testing.assert_allclose(stage.observe(), [0.25, -0.13], rtol=1e-6)


def test_only_the_maze_has_walls():
    for world, beyond in ((navigation, 0.58), (water_maze, 0.5)):
        stage = at(world, 0.48, -0.48)
        stage.step([1.0, -1.0])
        assert (stage.state["x"], stage.state["y"]) == (pytest.approx(beyond), pytest.approx(-beyond))


@pytest.mark.parametrize(("action", "arrives"), [((1.0, 0.0), True), ((0.905, 0.0), True), ((0.89, 0.0), False)])
def test_navigation_costs_the_distance_and_ends_at_the_goal(action, arrives):
    stage = at(navigation, 0.1, -0.3)
    fitness, terminated, truncated, senses = stage.step(action)
    left = abs(0.1 - 0.1 * np.float32(action[0]))
    assert fitness == pytest.approx(-left, abs=1e-7)
    assert (terminated, truncated) == (arrives, False)
    np.testing.assert_allclose(senses, [(0.1 - left) / 0.1, float(arrives)], rtol=1e-5)


def test_an_episode_of_navigation_is_truncated_after_a_hundred_steps_and_arrival_in_the_last_is_termination():
    for last, expected in (((0.0, 0.0), (False, True)), ((1.0, 0.0), (True, False))):
        stage = at(navigation, 0.1, -0.3)
        for _ in range(99):
            assert stage.step([0.0, 0.0])[1:3] == (False, False)
        assert stage.step(last)[1:3] == expected


def test_the_platform_pays_each_step_on_it_and_nothing_else_does():
    stage = at(water_maze, 0.2, 0.0, radius=0.15)
    rows = [stage.step(action) for action in ([0, -1], [0, -1], [0, -1], [1, 0], [1, 0])]
    assert [row[0] for row in rows] == [0.0, 1.0, 1.0, 1.0, 0.0]
    assert [row[3][1] for row in rows] == [0.0, 1.0, 1.0, 1.0, 0.0]
    np.testing.assert_allclose([row[3][0] for row in rows], [1, 1, 1, -1, -1], rtol=1e-5)
    ends = [stage.step([0.0, 0.0])[1:3] for _ in range(95)]
    assert ends == [(False, False)] * 94 + [(False, True)]


def test_the_oracle_of_navigation_earns_the_sum_of_the_distances_on_the_straight_way():
    for life in range(20):
        stage = stage_of(navigation, life)
        goal = goal_of(stage)
        stride = goal / np.abs(goal).max() * 0.1
        steps = math.ceil(np.abs(goal).max() / 0.1 - 0.1)  # within 0.01 is there
        expected, earned, over = [], [], False
        place = np.zeros(2)
        while not over:
            fitness, over, truncated, _ = stage.step(stage.ask_oracle())
            earned.append(fitness)
            left = goal - place
            place += left if np.abs(left).max() <= 0.1 else stride
            expected.append(-np.linalg.norm(goal - place))
            assert not truncated
        np.testing.assert_allclose(earned, expected, atol=1e-6)
        assert abs(len(earned) - steps) <= 1


def test_trials_in_the_maze_start_at_each_side_alike_and_the_platform_stays():
    stage = stage_of(water_maze)
    goal = goal_of(stage)
    starts = []
    for t in range(1200):
        stage.step([0.0, 0.0])
        stage.begin()
        starts.append((float(stage.state["x"]), float(stage.state["y"])))
        assert stage.state["age"] == 0, t
    sides, counts = np.unique(starts, axis=0, return_counts=True)
    assert {tuple(side) for side in sides.tolist()} == {(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)}
    assert counts.min() > 240
    np.testing.assert_array_equal(goal_of(stage), goal)


@BOTH
def test_the_mirrored_world_is_the_same_for_mirrored_moves(world):
    for signs in ([-1, 1], [1, -1], [-1, -1]):
        plain, mirrored = stage_of(world), stage_of(world)
        for names, place in ((("goal_x", "x"), 0), (("goal_y", "y"), 1)):
            for name in names:
                mirrored.state[name] = plain.state[name] * signs[place]
        for action in np.random.default_rng(0).standard_normal((90, 2)):
            np.testing.assert_allclose(mirrored.observe(), plain.observe() * signs, atol=1e-7)
            np.testing.assert_allclose(mirrored.ask_oracle(), plain.ask_oracle() * signs, atol=1e-6)
            one, other = plain.step(action), mirrored.step(action * signs)
            assert one[1:3] == other[1:3]
            assert one[0] == pytest.approx(other[0], abs=1e-12)
            np.testing.assert_allclose(other[3], one[3], atol=1e-6)
            if one[1]:
                break


def test_goal_and_swimmer_are_drawn_where_they_are():
    stage = at(water_maze, 0.1, 0.4)
    radius = np.rec.array([(0.0, 0.2)], names="predictability,radius")[0]
    shapes = {shape.label: shape for shape in water_maze.draw(stage.state, radius)}
    assert (shapes["goal"].x, shapes["goal"].y, shapes["goal"].radius) == (0.2, -0.3, 0.2)
    assert (shapes["swimmer"].x, shapes["swimmer"].y) == (0.1, 0.4)
