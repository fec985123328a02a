"""Floor plans: where moves lead, how far it is, and what is drawn."""

import numpy as np
import pytest

from evolearn.world import MOVES, FloorPlan

# 0 1|2
# -----   and no wall between 1 and 4
# 3 4 5
PLAN = FloorPlan((". .|.", "-   -", ". . ."))


def test_a_move_leads_to_the_next_cell_or_nowhere_where_a_wall_is():
    north, south, east, west = PLAN.leads.T.tolist()
    assert list(MOVES) == ["north", "south", "east", "west"]
    assert north == [0, 1, 2, 3, 1, 5]
    assert south == [0, 4, 2, 3, 4, 5]
    assert east == [1, 1, 2, 4, 5, 5]
    assert west == [0, 0, 2, 3, 3, 4]


def test_distances_are_those_of_shortest_ways_and_as_many_as_the_cells_where_there_is_none():
    assert PLAN.distances.tolist() == [
        [0, 1, 6, 3, 2, 3],
        [1, 0, 6, 2, 1, 2],
        [6, 6, 0, 6, 6, 6],
        [3, 2, 6, 0, 1, 2],
        [2, 1, 6, 1, 0, 1],
        [3, 2, 6, 2, 1, 0],
    ]


def test_without_walls_distances_are_sums_of_rows_and_columns():
    plan = FloorPlan((". . . .", "", ". . . .", "", ". . . ."))
    rows, columns = np.divmod(np.arange(12), 4)
    expected = np.abs(rows[:, None] - rows) + np.abs(columns[:, None] - columns)
    np.testing.assert_array_equal(plan.distances, expected)


def test_walls_are_drawn_around_and_between_the_cells_that_they_part():
    strokes = {((wall.x1, wall.y1), (wall.x2, wall.y2)) for wall in PLAN.walls()}
    around = {
        ((-0.5, 0.5), (2.5, 0.5)),
        ((2.5, 0.5), (2.5, -1.5)),
        ((2.5, -1.5), (-0.5, -1.5)),
        ((-0.5, -1.5), (-0.5, 0.5)),
    }
    inside = {((1.5, -0.5), (1.5, 0.5)), ((-0.5, -0.5), (0.5, -0.5)), ((1.5, -0.5), (2.5, -0.5))}
    assert strokes == around | inside
    assert [PLAN.at(cell) for cell in (0, 2, 5)] == [(0, 0), (2, 0), (2, -1)]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ((". .", ""), "floor plan of 2 lines: must be odd: rows of cells with one line between"),
        ((), "floor plan of 0 lines: must be odd"),
        ((". . .", "", ". ."), r"line 2 '\. \.': 3 characters: every row of cells must have the same odd number"),
        ((". ",), r"line 0 '\. ': 2 characters"),
        ((". .", "- - -", ". ."), r"line 1 '- - -': 5 characters: must be at most as long as a row of cells, 3"),
    ],
)
def test_lines_that_make_no_grid_are_refused(lines, complaint):
    with pytest.raises(ValueError, match=complaint):
        FloorPlan(lines)
