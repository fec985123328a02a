"""Shapes as pixels: where they are, in which colour, and what lies before what."""

import numpy as np
import pytest

from evolearn.world import Circle, Line, Polygon, bounds_of, paint, with_margin

WHITE, ORANGE, INK = (255, 255, 255), (213, 94, 0), (22, 25, 29)
SQUARE = [(2, 2), (8, 2), (8, 8), (2, 8)]
ALL = (0.0, 20.0, 0.0, 10.0)


def painted(*shapes, bounds=ALL, width=200, height=100):
    return paint(shapes, bounds, width, height)


def at(picture, x, y, scale=10):
    """The pixel of a place in the world, y upwards."""
    return tuple(picture[len(picture) - 1 - round(y * scale), round(x * scale)])


def test_a_shape_is_where_the_world_says_upright_and_nowhere_else():
    picture = painted(Polygon([(2, 1), (8, 1), (8, 4), (2, 4)], role="self"))
    assert picture.shape == (100, 200, 3)
    assert picture.dtype == np.uint8
    assert at(picture, 5, 2) == ORANGE
    assert at(picture, 5, 7) == at(picture, 12, 2) == WHITE
    share = (picture != 255).any(axis=2).mean()
    assert share == pytest.approx(6 * 3 / 200, rel=0.1)


def test_later_shapes_lie_before_earlier_ones_and_opacity_lets_them_through():
    square = Polygon(SQUARE, role="self")
    assert at(painted(square, Polygon(SQUARE, role="foe")), 5, 5) == INK
    assert at(painted(Polygon(SQUARE, role="foe"), square), 5, 5) == ORANGE
    half = np.array(at(painted(Polygon(SQUARE, role="foe", opacity=0.5)), 5, 5))
    np.testing.assert_allclose(half, (np.array(WHITE) + INK) / 2, atol=1)
    assert (painted(Polygon(SQUARE, role="foe", opacity=0.0)) == 255).all()


def test_what_is_a_goal_is_an_outline_and_the_least_circle_is_seen():
    assert at(painted(Circle(5, 5, 3, role="goal")), 5, 5) == WHITE
    assert at(painted(Circle(5, 5, 3, role="self")), 5, 5) == ORANGE
    assert at(painted(Circle(5, 5, 0, role="self")), 5, 5) == ORANGE


def test_a_line_and_a_name_are_drawn():
    assert at(painted(Line(0, 5, 20, 5, role="self")), 10, 5) == ORANGE
    without, named = (painted(Circle(10, 2, 1, role="foe", label=label)) for label in ("", "wolf"))
    assert (without[:68] == 255).all()
    assert (named[:68] != 255).any()


def test_a_scene_of_another_form_lies_in_the_middle():
    picture = painted(Polygon([(0, 0), (10, 0), (10, 10), (0, 10)], role="self"), bounds=(0, 10, 0, 10))
    columns = np.flatnonzero((picture != 255).any(axis=(0, 2)))
    assert (columns[0], columns[-1]) == pytest.approx((50, 149), abs=1)


def test_bounds_are_of_what_is_seen():
    shapes = (Circle(1, 2, 1, role="self"), Circle(9, 9, 1, role="foe", opacity=0.0))
    assert bounds_of(shapes) == (0.0, 2.0, 1.0, 3.0)
    assert bounds_of(shapes[1:]) is None
    assert with_margin((0.0, 2.0, 1.0, 3.0)) == (-0.04, 2.04, 0.96, 3.04)
    assert with_margin((1.0, 1.0, 1.0, 1.0)) == (0.0, 2.0, 0.0, 2.0)
