"""Corridors pay late, are drawn anew in every life, and smell as they say."""

import math

import numpy as np
import pytest
from evolearn.worlds.corridors import corridors, corridors_80, reborn

from evolearn.numerics import record
from evolearn.rng import BIRTH, SELECTION, life_keys, new_rng, open_stream
from evolearn.world import parameter_dtype
from tests.helpers.probe_worlds import Stage


def walkers(count, world=corridors, **parameters):
    return [Stage(world, key, **parameters) for key in life_keys(72, SELECTION, 0, count)]


def episode(stage, action):
    """What was paid in each step of an episode in which `action` is done throughout, and what was seen in it."""
    seen, paid, over = [], [], False
    while not over:
        seen.append(stage.observe())
        fitness, over, truncated, _ = stage.step(action)
        assert not truncated
        paid.append(fitness)
    stage.begin()
    return np.array(paid), np.array(seen)


@pytest.mark.parametrize(("world", "delay"), [(corridors, 1), (corridors, 20), (corridors_80, 80), (corridors_80, 3)])
def test_one_is_carried_and_paid_at_the_end(world, delay):
    for stage in walkers(6, world, delay=delay, noise=0.0):
        right = stage.ask_oracle()[0]
        for corridor in (0, 1):
            paid, seen = episode(stage, corridor)
            assert paid.tolist() == [0.0] * delay + [float(corridor == right)]
            longest = (len(world.observations) - 2) // 2
            smell = 1.0 if corridor == right else -1.0
            assert seen[0].tolist() == [1.0] + [0.0] * (1 + 2 * longest)
            assert seen[1:, :2].tolist() == [[0.0, smell]] * delay
            assert seen[1:, 2:].argmax(axis=1).tolist() == [corridor * longest + place for place in range(delay)]
            assert np.all(seen[1:, 2:].sum(axis=1) == 1.0)


def test_each_step_in_a_corridor_pays_noise_and_the_choice_none():
    stage = walkers(1, delay=10, noise=0.5)[0]
    right = stage.ask_oracle()[0]
    paid = np.array([episode(stage, right)[0] for _ in range(400)])
    assert np.all(paid[:, 0] == 0.0)
    np.testing.assert_allclose(paid[:, 1:].mean(axis=0), [0.0] * 9 + [1.0], atol=5 * 0.5 / math.sqrt(400))
    np.testing.assert_allclose(paid[:, 1:].std(axis=0), 0.5, rtol=0.2)
    assert np.abs(np.corrcoef(paid[:, 1:].T) - np.eye(10)).max() < 0.25


@pytest.mark.parametrize("reliability", [0.0, 0.5, 0.75, 1.0])
def test_each_corridor_is_right_in_half_of_all_lives_and_the_smell_as_often_as_it_says(reliability):
    stages = walkers(1000, reliability=reliability)
    right = np.array([int(stage.state["right"]) for stage in stages])
    sweet = np.array([int(stage.state["sweet"]) for stage in stages])
    assert right.mean() == pytest.approx(0.5, abs=0.06)
    assert np.mean(right == sweet) == pytest.approx(reliability, abs=0.06)
    if 0.0 < reliability < 1.0:
        assert abs(np.corrcoef(right, right == sweet)[0, 1]) < 0.12
    for stage, corridor in zip(stages[:20], sweet, strict=False):
        assert [episode(stage, way)[1][1:, 1].tolist() for way in (0, 1)] == [
            [1.0 if way == corridor else -1.0] * 5 for way in (0, 1)
        ]


def test_a_second_birth_makes_the_other_corridor_right_and_draws_the_smell_again():
    truthful = []
    for key in life_keys(72, SELECTION, 0, 400):
        stage = Stage(corridors, key, reliability=0.75)
        before, rng = int(stage.state["right"]), new_rng()
        open_stream(rng, np.array([*key[:3], key[3] + 1000]), BIRTH)
        reborn(stage.state, record(stage.compiled.parameters, parameter_dtype(corridors)), rng)
        assert stage.state["right"] == 1 - before
        truthful.append(stage.state["sweet"] == stage.state["right"])
    assert np.mean(truthful) == pytest.approx(0.75, abs=0.08)


@pytest.mark.parametrize("smell", [0.0, 0.25])
def test_a_weaker_smell_is_seen_less_and_changes_nothing_else(smell):
    for plain, weak in zip(walkers(6), walkers(6, smell=smell), strict=True):
        (paid, seen), (paid_too, faint) = episode(plain, 1), episode(weak, 1)
        assert paid.tolist() == paid_too.tolist()
        assert faint[:, 1].tolist() == (smell * seen[:, 1]).tolist()
        assert np.delete(faint, 1, axis=1).tolist() == np.delete(seen, 1, axis=1).tolist()


def test_senses_count_choices_and_right_ones():
    for stage in walkers(4, delay=3):
        right = int(stage.ask_oracle()[0])
        for action in (right, 1 - right):
            senses = [stage.step(action)[3].tolist() for _ in range(4)]
            stage.begin()
            assert senses == [[1.0, float(action == right)], *[[0.0, 0.0]] * 3]


@pytest.mark.parametrize(
    ("world", "settings", "said"),
    [
        (corridors, {"delay": 80}, "world.parameters.delay=80: must be 1 to 20 (steps)"),
        (corridors_80, {"delay": 0}, "world.parameters.delay=0: must be 1 to 80 (steps)"),
        (corridors, {"delay": 2.5}, "world.parameters.delay=2.5: must be a whole number, 1 to 20 (steps); take 2 or 3"),
        (corridors, {"reliability": 75}, "world.parameters.reliability=75: must be 0 to 1 (1)"),
        (corridors, {"smell": 2}, "world.parameters.smell=2: must be 0 to 1 (1)"),
        (corridors, {"noise": -1}, "world.parameters.noise=-1: must be 0 to 100 (1)"),
    ],
)
def test_what_no_corridors_can_be_is_refused(world, settings, said):
    with pytest.raises(ValueError, match=r"world\.parameters") as caught:
        world.resolve(settings)
    assert str(caught.value) == said
