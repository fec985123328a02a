"""Foraging: what is eaten, what it is worth, when that changes, what is seen, and what the oracle makes of it."""

import math

import numpy as np
import pytest
from evolearn.worlds.foraging import BLUE, ITEMS, RED, across, foraging, nearest

from evolearn.life import FROM_ORACLE, FROM_UNIFORM, Plan, life_fitness, lives
from evolearn.numerics import record
from evolearn.rng import SELECTION, VALIDATION, life_keys, uniform
from evolearn.world import parameter_dtype
from tests.helpers.probe_worlds import Stage, newborns_for

STILL = np.zeros(2)


def newborns(count, **parameters):
    return [Stage(foraging, key, **parameters) for key in life_keys(51, SELECTION, 0, count)]


def field(blue=(), red=(), x=5.0, y=5.0, wholesome=BLUE, **parameters):
    """A forager in the middle of a field, with items where said, as seen from it, and all others far away."""
    stage = newborns(1, **parameters)[0]
    stage.state["x"], stage.state["y"], stage.state["wholesome"] = x, y, wholesome
    for colour, items in enumerate((blue, red)):
        for i in range(ITEMS):
            dx, dy = items[i] if i < len(items) else (4.9, 4.9)
            stage.state["item_x"][colour, i] = (x + dx) % 10
            stage.state["item_y"][colour, i] = (y + dy) % 10
    return stage


@pytest.mark.parametrize(
    ("parameters", "oracle_at_least"),
    [({}, 0.09), ({"predictability": 1.0}, 0.09), ({"hazard": 0.01}, 0.08)],
    ids=["default", "predictable", "flipping"],
)
def test_the_oracle_leaves_random_actions_far_behind(parameters, oracle_at_least, driver_for):
    driver = driver_for(foraging, **parameters)
    keys = life_keys(13, VALIDATION, 0, 32)
    scores = {}
    for source in (FROM_UNIFORM, FROM_ORACLE):
        plan = Plan(2000, source=source, learn_until=0)
        outcome, _ = lives(driver, driver.conditions, newborns_for(driver.conditions), np.zeros(32, int), keys, plan)
        scores[source] = life_fitness(outcome, foraging.fitness_rule, plan)
    assert abs(scores[FROM_UNIFORM].mean()) < 0.005
    assert scores[FROM_ORACLE].mean() > oracle_at_least
    assert scores[FROM_ORACLE].min() > 0.06, "it gets stuck in no life"


@pytest.mark.parametrize(
    ("there", "here", "expected"),
    [(3.0, 1.0, 2.0), (1.0, 3.0, -2.0), (9.5, 0.5, -1.0), (0.5, 9.5, 1.0), (4.0, 4.0, 0.0)],
)
def test_the_edges_of_the_field_meet(there, here, expected):
    assert across(there, here) == pytest.approx(expected)
    stage = field(x=9.9, y=0.1)
    stage.step(np.array([0.6, -0.8]))
    assert stage.state["x"] == pytest.approx((9.9 + 0.18) % 10)
    assert stage.state["y"] == pytest.approx((0.1 - 0.24) % 10)


@pytest.mark.parametrize(
    ("action", "step"),
    [((1, 0), (0.3, 0)), ((0, -0.5), (0, -0.15)), ((3, 4), (0.18, 0.24)), ((1, 1), (0.2121, 0.2121))],
)
def test_a_step_is_at_most_30_cm_in_any_direction(action, step):
    stage = field()
    stage.step(np.array(action, float))
    assert (stage.state["x"] - 5, stage.state["y"] - 5) == pytest.approx(step, abs=1e-4)


@pytest.mark.parametrize(
    ("blue", "red", "wholesome", "fitness", "senses"),
    [
        ([(0.49, 0)], [], BLUE, 1.0, (1, 0)),
        ([(0.51, 0)], [], BLUE, 0.0, (0, 0)),
        ([], [(0.3, 0.3)], BLUE, -1.0, (0, 1)),
        ([], [(0.3, 0.3)], RED, 1.0, (0, 1)),
        ([(0.1, 0)], [(0, 0.1)], RED, 0.0, (1, 1)),
        ([(0.1, 0), (0, -0.2)], [], RED, -2.0, (2, 0)),
    ],
)
def test_what_is_within_reach_is_eaten_and_worth_what_its_colour_is(blue, red, wholesome, fitness, senses):
    stage = field(blue, red, wholesome=wholesome)
    stage.state["energy"] = 0.5
    gained, terminated, truncated, felt = stage.step(STILL)
    assert (gained, terminated, truncated) == (fitness, False, False)
    assert felt[:2].tolist() == list(senses)
    assert stage.state["energy"] == pytest.approx(0.98 * 0.5 + 0.2 * fitness)
    assert felt[2] == pytest.approx(5 * (stage.state["energy"] - 0.5), abs=1e-6)
    assert stage.step(STILL)[0] == 0.0, "it has grown again elsewhere"


def test_energy_stays_between_minus_one_and_one():
    for energy, wholesome in ((0.99, BLUE), (-0.99, RED)):
        stage = field([(0.1, 0)], wholesome=wholesome)
        stage.state["energy"] = energy
        stage.step(STILL)
        assert abs(stage.state["energy"]) == 1.0


def test_what_the_forager_sees():
    stage = field([(0, 3), (-4, 0)], [(3, -4), (0.0, -9.0)])
    stage.state["energy"] = 0.25
    # The red item 9 m to the south is 1 m to the north.
    np.testing.assert_allclose(stage.observe(), [0, 1, 1 / 4, 0, 1, 1 / 2, 0.25, 1], atol=1e-6)
    assert nearest(stage.state, RED, 0.0, 0.0) == pytest.approx((0.0, 1.0))
    assert nearest(stage.state, RED, 3.0, -3.0) == pytest.approx((0.0, -1.0))


def test_blue_is_wholesome_as_often_as_said():
    for predictability, share in ((0.0, 0.5), (0.5, 0.75), (1.0, 1.0)):
        found = [stage.state["wholesome"] == BLUE for stage in newborns(600, predictability=predictability)]
        assert np.mean(found) == pytest.approx(share, abs=0.0 if share == 1.0 else 0.08)


def test_colours_swap_with_the_hazard_and_never_without():
    swaps = 0
    for stage in newborns(300, hazard=0.3):
        before, drawn = int(stage.state["wholesome"]), uniform(stage.draws())
        stage.step(STILL)
        assert (stage.state["wholesome"] != before) == (drawn < 0.3)
        swaps += int(stage.state["wholesome"] != before)
    assert 58 <= swaps <= 122  # 90 expected, 4 standard deviations
    stage = newborns(1)[0]
    before = int(stage.state["wholesome"])
    for _ in range(500):
        stage.step(STILL)
    assert stage.state["wholesome"] == before


def test_energy_is_hidden_from_whoever_looks_and_not_from_whoever_feels():
    for shown in (1.0, 0.25, 0.0):
        stage = field([(0.4, 0)], shown=shown)
        stage.step(STILL)
        assert stage.state["energy"] == pytest.approx(0.2)
        assert stage.observe()[6] == pytest.approx(0.2 * shown)


def test_nothing_grows_within_reach():
    for stage in newborns(100):
        for colour in (BLUE, RED):
            assert math.hypot(*nearest(stage.state, colour, 0.0, 0.0)) >= 0.8


def test_blue_and_red_are_one_world_in_two_colours():
    """A mirrored life: with the colours' places and worth exchanged, the same steps earn the same."""
    rng = np.random.default_rng(5)
    for stage in newborns(3):
        mirror = Stage(foraging, life_keys(51, SELECTION, 0, 1)[0])
        mirror.state["x"], mirror.state["y"] = stage.state["x"], stage.state["y"]
        mirror.state["item_x"] = stage.state["item_x"][::-1]
        mirror.state["item_y"] = stage.state["item_y"][::-1]
        mirror.state["wholesome"] = 1 - stage.state["wholesome"]
        for _ in range(200):
            action = rng.standard_normal(2)
            gained, _, _, felt = stage.step(action)
            mirrored, _, _, mirror_felt = mirror.step(action)
            assert mirrored == gained
            assert mirror_felt.tolist() == [felt[1], felt[0], felt[2]]
            if gained:
                break  # where things grow again is drawn


def test_the_oracle_walks_straight_to_food_and_around_poison():
    assert field([(2, 0)]).ask_oracle() == pytest.approx([1, 0], abs=1e-6)
    assert field([(2, 0)], [(0, 3)], wholesome=RED).ask_oracle() == pytest.approx([0, 1], abs=1e-6)
    stage, total = field([(3, 0)], [(1.5, 0.1)]), 0.0
    for _ in range(16):
        gained = stage.step(stage.ask_oracle())[0]
        assert gained >= 0.0
        total += gained
        if gained:
            break
    assert total == 1.0


def test_golden_draws_of_foraging():
    found = newborns(2, predictability=0.5)
    assert [int(stage.state["wholesome"]) for stage in found] == [0, 0]
    assert [float(stage.state["x"]) for stage in found] == pytest.approx([4.789521038765088, 9.603968217270449])
    assert [float(stage.state["y"]) for stage in found] == pytest.approx([0.9640218934509903, 8.674158054636791])
    assert float(found[1].state["item_x"][RED, 1]) == pytest.approx(7.092695900937542)
    assert [int(stage.state["wholesome"]) for stage in newborns(6)] == [0, 0, 0, 1, 1, 0]


def test_rings_are_drawn_around_what_is_wholesome_now():
    for wholesome in (BLUE, RED):
        stage = field(wholesome=wholesome)
        shapes = foraging.draw(stage.state, record(stage.compiled.parameters, parameter_dtype(foraging)))
        items = [shape for shape in shapes if shape.role in ("friend", "foe")]
        rings = [shape for shape in shapes if shape.role == "goal"]
        assert [(ring.x, ring.y) for ring in rings] == [(item.x, item.y) for item in items]
        assert [ring.opacity for ring in rings] == [float(wholesome == BLUE)] * ITEMS + [
            float(wholesome == RED)
        ] * ITEMS
