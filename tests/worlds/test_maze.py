"""Sutton's mazes: as the book draws them, as long as it says, and changed when they should be."""

import numpy as np
import pytest
from evolearn.worlds.maze import CELLS, FILLED, GOAL, LEADS, STARTS, maze, reborn

from evolearn.numerics import record
from evolearn.rng import SELECTION, life_keys, new_rng
from evolearn.world import MOVES, parameter_dtype
from tests.helpers.probe_worlds import Stage

NORTH, SOUTH, EAST, WEST = range(4)


def walker(life=0, **parameters):
    return Stage(maze, life_keys(71, SELECTION, 0, life + 1)[life], **parameters)


def cell(row, column):
    return 9 * row + column


def episode(stage):
    """Steps of an episode that the oracle walks; the next one has begun."""
    steps, found = 0, False
    while not found:
        fitness, found, truncated, _ = stage.step(stage.ask_oracle()[0])
        assert fitness == float(found)
        assert not truncated
        steps += 1
    stage.begin()
    return steps


def test_the_mazes_are_those_of_the_book():
    first = [(0, 7), (1, 2), (1, 7), (2, 2), (2, 7), (3, 2), (4, 5)]
    east, west, both = ([(3, column) for column in columns] for columns in (range(8), range(1, 9), range(1, 8)))
    for number, filled in enumerate((first, first, east, west, west, both)):
        assert np.flatnonzero(FILLED[number]).tolist() == [cell(*place) for place in filled]
    assert cell(0, 8) == GOAL
    assert STARTS.tolist() == [cell(2, 0)] * 2 + [cell(5, 3)] * 4


def test_moves_lead_to_the_neighbour_but_into_no_wall():
    for leads, filled in zip(LEADS, FILLED, strict=True):
        for here in range(CELLS):
            for move, (down, right) in enumerate(MOVES.values()):
                row, column = here // 9 + down, here % 9 + right
                is_free = 0 <= row < 6 and 0 <= column < 9 and not filled[cell(row, column)]
                assert leads[here, move] == (cell(row, column) if is_free else here)


@pytest.mark.parametrize(("variant", "before", "after"), [(0, 14, 14), (1, 10, 16), (2, 16, 10)])
def test_shortest_ways_before_and_after_the_change(variant, before, after):
    stage = walker(variant=variant, change_at=100)
    steps, walked = 0, []
    while steps < 200:
        walked.append((steps, episode(stage)))
        steps += walked[-1][1]
    assert {length for began, length in walked if began + before <= 100} == {before}
    assert {length for began, length in walked if began >= 100} == {after}
    never = walker(variant=variant)
    assert [episode(never) for _ in range(30)] == [before] * 30


@pytest.mark.parametrize(("change_at", "is_stopped"), [(3, True), (4, False)])
def test_the_change_comes_at_its_age(change_at, is_stopped):
    # Three steps up to below the west end, which is filled until then: the fourth is the first that may pass.
    stage = walker(variant=1, change_at=change_at)
    for action in (WEST, WEST, WEST):
        stage.step(action)
    stage.state["cell"] = cell(4, 0)
    *_, senses = stage.step(NORTH)
    assert senses[0] == float(not is_stopped)


def test_the_wall_waits_for_who_stands_in_its_way():
    stage = walker(variant=1, change_at=7)
    for action in (EAST,) * 5 + (NORTH,) * 2:
        stage.step(action)
    assert stage.state["cell"] == cell(3, 8)
    stage.step(EAST)
    assert stage.state["changed"] == 0
    stage.step(NORTH)
    assert stage.state["changed"] == 0, "the wall waits until the cell is left"
    *_, senses = stage.step(SOUTH)
    assert stage.state["changed"] == 1
    assert senses[0] == 1.0
    assert stage.state["cell"] == cell(2, 8)


def test_a_second_birth_changes_the_maze_and_not_what_actions_do():
    stage = walker(variant=2, redrawn=1)
    moves = stage.state["moves"].tolist()
    assert episode(stage) == 16
    reborn(stage.state, record(stage.compiled.parameters, parameter_dtype(maze)), new_rng())
    stage.begin()
    assert episode(stage) == 10
    assert stage.state["moves"].tolist() == moves


def test_redrawn_moves_are_any_order_and_the_oracle_knows_it():
    drawn = [tuple(walker(life, redrawn=1).state["moves"].tolist()) for life in range(240)]
    assert len(set(drawn)) == 24
    counts = np.array([drawn.count(one) for one in set(drawn)])
    np.testing.assert_allclose(counts, 10, atol=5 * np.sqrt(10))
    assert {episode(walker(life, redrawn=1)) for life in range(20)} == {14}
    assert walker().state["moves"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"variant": 3}, "world.parameters.variant=3: must be 0 to 2 (1)"),
        ({"variant": 0.5}, "world.parameters.variant=0.5: must be a whole number, 0 to 2 (1); take 0 or 1"),
        ({"change_at": -1}, "world.parameters.change_at=-1: must be 0 to 1e+09 (steps)"),
    ],
)
def test_what_no_maze_can_be_is_refused(settings, said):
    with pytest.raises(ValueError, match=r"world\.parameters") as caught:
        maze.resolve(settings)
    assert str(caught.value) == said


def test_walls_come_and_go_in_the_picture():
    stage = walker(variant=1, change_at=1)

    def opacity():
        shapes = maze.draw(stage.state, record(stage.compiled.parameters, parameter_dtype(maze)))
        return {shape.label: shape.opacity for shape in shapes}

    ends = [f"wall {cell(3, 0)}", f"wall {cell(3, 8)}"]
    assert [opacity()[label] for label in ends] == [1.0, 0.0]
    for _ in range(2):
        stage.step(SOUTH)
    assert [opacity()[label] for label in ends] == [0.0, 1.0]
    assert opacity()[f"wall {cell(3, 4)}"] == 1.0
