"""Rooms of 4 x 4 and of 8 x 8 cells with a television: doors, goals, what is shown where, and the way there."""

import collections

import numpy as np
import pytest
from evolearn.worlds.rooms import LEADS_8, PLAN_8, SYMBOLS, WAYS_4, WAYS_8, rooms, rooms_4x4, rooms_8x8

from evolearn.numerics import record
from evolearn.rng import SELECTION, life_keys
from evolearn.world import parameter_dtype
from evolearn.worlds import rooms as plans
from tests.helpers.probe_worlds import Stage

NORTH, SOUTH, EAST, WEST = range(4)
SIDES = {rooms_4x4: 4, rooms_8x8: 8}
both = pytest.mark.parametrize("world", SIDES, ids=[world.name for world in SIDES])


def newborns(world, count, **parameters):
    return [Stage(world, key, **parameters) for key in life_keys(52, SELECTION, 0, count)]


def test_rooms_of_eight_have_a_door_in_the_middle_of_each_wall():
    crossings = {
        (divmod(a, 16), divmod(b, 16))
        for a in range(256)
        for b in (int(cell) for cell in LEADS_8[a])
        if a < b and (a // 128, a % 16 // 8) != (b // 128, b % 16 // 8)
    }
    assert crossings == {((4, 7), (4, 8)), ((12, 7), (12, 8)), ((7, 4), (8, 4)), ((7, 12), (8, 12))}
    assert PLAN_8.distances[0, 255] == 30
    assert PLAN_8.distances.max() < 256


@pytest.mark.parametrize(("ways", "plan"), [(WAYS_4, plans.PLAN), (WAYS_8, PLAN_8)], ids=["4", "8"])
def test_first_moves_lead_on_shortest_ways(ways, plan):
    here, goal = np.nonzero(~np.eye(plan.cells, dtype=bool))
    ahead = plan.leads[here, ways[here, goal]]
    np.testing.assert_array_equal(plan.distances[ahead, goal], plan.distances[here, goal] - 1)


@both
def test_goals_are_in_the_far_room_or_anywhere_or_in_the_corner(world):
    side = SIDES[world]
    cells = 4 * side * side
    far = [int(stage.state["goal"]) for stage in newborns(world, 400)]
    assert {(goal // (2 * side) >= side, goal % (2 * side) >= side) for goal in far} == {(True, True)}
    assert len(set(far)) > 0.95 * side * side
    anywhere = [int(stage.state["goal"]) for stage in newborns(world, 400, far=0)]
    assert 0 not in anywhere
    rooms_hit = collections.Counter((goal // (2 * side) >= side, goal % (2 * side) >= side) for goal in anywhere)
    assert all(70 <= count <= 135 for count in rooms_hit.values()), rooms_hit
    assert {int(stage.state["goal"]) for stage in newborns(world, 50, predictability=1)} == {cells - 1}


@both
@pytest.mark.parametrize("tv", [0, 1, 2, 4])
def test_symbols_are_shown_at_the_television_and_nowhere_else(world, tv):
    side = SIDES[world]
    width = 2 * side
    stage = newborns(world, 1, tv=tv)[0]
    stage.state["goal"] = width * width - 1
    shown = collections.Counter()
    for cell in range(width * width):
        for move in (NORTH, EAST) * 4:
            stage.state["cell"], stage.state["age"] = cell, 0
            *_, senses = stage.step(move)
            there = int(stage.state["cell"])
            at_tv = there // width < tv and there % width >= width - tv
            assert senses[1] == at_tv
            seen = stage.observe()
            assert seen[: width * width].sum() == seen[there] == 1.0
            assert seen[width * width :].sum() == at_tv
            shown.update(np.flatnonzero(seen[width * width :]).tolist())
    assert len(shown) == SYMBOLS if tv > 1 else bool(shown) == bool(tv)


def test_each_symbol_is_as_likely_as_any_other_and_a_new_episode_shows_none():
    stage = newborns(rooms_8x8, 1, tv=1)[0]
    shown = collections.Counter()
    for _ in range(1600):
        stage.state["cell"], stage.state["age"] = 15, 0
        stage.step(EAST)
        shown[int(stage.observe()[256:].argmax())] += 1
    assert len(shown) == SYMBOLS
    assert all(150 <= count <= 250 for count in shown.values()), shown
    stage.begin()
    assert stage.observe().tolist() == [1.0] + [0.0] * (255 + SYMBOLS)


def test_without_a_television_rooms_of_four_are_lived_as_plain_ones():
    sized, plain = newborns(rooms_4x4, 3, far=0), newborns(rooms, 3)
    for one, other in zip(sized, plain, strict=True):
        assert one.state["goal"] == other.state["goal"]
        for action in np.random.default_rng(1).integers(4, size=250):
            *ended, senses = one.step(action)
            *expected, bump = other.step(action)
            assert (ended, senses.tolist()) == (expected, [bump[0], 0.0])
            assert one.observe().tolist() == [*other.observe().tolist(), *[0.0] * SYMBOLS]
            if ended[1] or ended[2]:
                one.begin()
                other.begin()


@both
@pytest.mark.parametrize("permuted", [0, 2])
def test_the_oracle_takes_a_shortest_way(world, permuted):
    distances = {rooms_4x4: plans.DISTANCES, rooms_8x8: PLAN_8.distances}[world]
    for stage in newborns(world, 5, permuted=permuted, tv=2):
        steps, over = 0, False
        while not over:
            fitness, over, truncated, _ = stage.step(stage.ask_oracle())
            steps += 1
            assert not truncated
        assert (steps, fitness) == (distances[0, int(stage.state["goal"])], 1.0)


@both
def test_an_episode_is_truncated_at_its_limit(world):
    stage = newborns(world, 1, limit=3)[0]
    assert [stage.step(NORTH)[2] for _ in range(3)] == [False, False, True]


@both
def test_the_television_and_its_symbol_are_drawn(world):
    def picture(stage):
        shapes = world.draw(stage.state, record(stage.compiled.parameters, parameter_dtype(world)))
        return {shape.label: shape for shape in shapes}

    corner = 2 * SIDES[world] - 1
    stage = newborns(world, 1, tv=2)[0]
    stage.state["cell"] = corner
    stage.step(NORTH)
    shapes = picture(stage)
    assert shapes["television"].extent == (corner - 1.5, corner + 0.5, -1.5, 0.5)
    assert shapes["television"].opacity > 0.0
    lit = [symbol for symbol in range(SYMBOLS) if shapes[f"symbol {symbol}"].opacity == 1.0]
    assert lit == [int(stage.state["shown"])]
    assert picture(newborns(world, 1)[0])["television"].opacity == 0.0
