"""The cued bandit pays, is drawn and is drawn again as it says."""

import itertools

import numpy as np
import pytest
from evolearn.worlds.cued_bandit import cued_bandit, cued_bandit_2x4, cued_bandit_4x2, cued_bandit_16x4, reborn

from evolearn.numerics import record
from evolearn.rng import BIRTH, SELECTION, TEST, life_keys, new_rng, open_stream
from evolearn.world import parameter_dtype
from tests.helpers.probe_worlds import Stage

SIZES = (cued_bandit, cued_bandit_2x4, cued_bandit_4x2, cued_bandit_16x4)


def newborns(world, count, **parameters):
    return [Stage(world, key, **parameters) for key in life_keys(41, SELECTION, 0, count)]


def map_of(stage):
    return stage.state["right"][: int(stage.state["cues"])].tolist()


def shown_by(stage):
    observation = stage.observe()
    assert sorted(observation.tolist()) == [0.0] * (observation.size - 1) + [1.0]
    return int(np.argmax(observation))


def test_golden_draws():
    stage = Stage(cued_bandit, life_keys(41, TEST, 3, 1)[0], flip=0.1)
    before = map_of(stage)
    seen = [(shown_by(stage), int(stage.step(t % 4)[0])) for t in range(12)]
    assert (before, map_of(stage)) == ([2, 0, 2, 1], [2, 2, 2, 1])
    assert [cue for cue, _ in seen] == [0, 2, 2, 3, 1, 2, 0, 3, 3, 0, 3, 1]
    assert [paid for _, paid in seen] == [0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("world", SIZES, ids=[world.name for world in SIZES])
def test_the_right_action_pays_nine_times_in_ten_and_others_once(world):
    paid = {True: [], False: []}
    actions = world.actions.choices
    for stage in newborns(world, 4):
        right = map_of(stage)
        for t in range(1000):
            cue = shown_by(stage)
            action = t % actions
            assert int(stage.ask_oracle()[0]) == right[cue]
            paid[action == right[cue]].append(stage.step(action)[0])
        assert map_of(stage) == right
    assert np.mean(paid[True]) == pytest.approx(0.9, abs=0.03)
    assert np.mean(paid[False]) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("world", [cued_bandit_2x4, cued_bandit_4x2], ids=["2 x 4", "4 x 2"])
def test_all_maps_are_equally_likely(world):
    cues, actions = len(world.observations), world.actions.choices
    births = [tuple(map_of(stage)) for stage in newborns(world, 3200)]
    maps = list(itertools.product(range(actions), repeat=cues))
    counts = np.array([births.count(one) for one in maps])
    assert counts.sum() == 3200
    # Five standard deviations of a binomial count; 16 maps.
    np.testing.assert_allclose(counts, 200, atol=5 * np.sqrt(200))


@pytest.mark.parametrize("fixity", [0.0, 0.7, 1.0])
def test_the_modal_actions_are_as_frequent_as_the_fixity_says_and_the_others_alike(fixity):
    births = np.array([map_of(stage) for stage in newborns(cued_bandit, 600, fixity=fixity)])
    ahead = (births - np.arange(4)) % 4
    assert np.mean(ahead == 0) == pytest.approx(fixity, abs=0.04)
    for other in (1, 2, 3):
        assert np.mean(ahead == other) == pytest.approx((1 - fixity) / 3, abs=0.04)


@pytest.mark.parametrize(
    ("cues", "classes", "kin"),
    [
        (16, 4, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]),
        (4, 16, [[0], [1], [2], [3]]),
        (5, 2, [[0, 1, 2], [3, 4]]),
        (16, 1, [list(range(16))]),
    ],
)
def test_cues_of_a_class_share_their_right_action_and_classes_differ(cues, classes, kin):
    how = {"cues": cues, "classes": classes, "flip": 0.3}
    maps = []
    for stage in newborns(cued_bandit_16x4, 30, **how):
        for _ in range(10):
            assert shown_by(stage) < cues
            maps.append(map_of(stage))
            stage.step(0)
    maps = np.array(maps)
    assert maps.shape[1] == cues
    for one in kin:
        assert np.all(maps[:, one] == maps[:, one[:1]])
    for one, other in itertools.pairwise(kin):
        assert 0.15 < np.mean(maps[:, one[0]] == maps[:, other[0]]) < 0.35


def test_cues_are_uniform_over_those_in_use_whatever_was_done():
    stage = newborns(cued_bandit_16x4, 1, cues=3)[0]
    seen = []
    for _ in range(3000):
        seen.append(shown_by(stage))
        stage.step(seen[-1])
    np.testing.assert_allclose(np.bincount(seen, minlength=16)[:3] / 3000, 1 / 3, atol=0.04)
    assert np.mean(np.diff(seen) == 0) == pytest.approx(1 / 3, abs=0.04)


def test_right_actions_are_drawn_again_by_the_hazard_each_class_by_itself():
    stage = newborns(cued_bandit, 1, flip=0.2)[0]
    maps = [map_of(stage)]
    for _ in range(3000):
        stage.step(0)
        maps.append(map_of(stage))
    changed = np.diff(maps, axis=0) != 0
    # A redraw gives the same action in one case of four.
    np.testing.assert_allclose(changed.mean(axis=0), 0.2 * 3 / 4, atol=0.03)
    assert np.abs(np.corrcoef(changed.T) - np.eye(4)).max() < 0.08
    np.testing.assert_allclose(np.bincount(np.ravel(maps)) / np.size(maps), 0.25, atol=0.04)


def test_an_episode_changes_the_cue_alone():
    stage = newborns(cued_bandit, 1, rounds=3)[0]
    right = map_of(stage)
    ends = []
    for _ in range(3):
        _, terminated, truncated, _ = stage.step(0)
        ends.append((terminated, truncated))
    assert ends == [(False, False), (False, False), (False, True)]
    cues = set()
    for _ in range(60):
        stage.begin()
        stage.step(1)
        cues.add(shown_by(stage))
    assert cues == {0, 1, 2, 3}
    assert map_of(stage) == right


@pytest.mark.parametrize(("world", "classes"), [(cued_bandit_16x4, 4), (cued_bandit_4x2, 4)], ids=["16 x 4", "4 x 2"])
def test_at_a_second_birth_every_class_has_another_right_action(world, classes):
    rng, seen = new_rng(), set()
    for key in life_keys(43, SELECTION, 0, 40):
        stage = Stage(world, key, classes=classes)
        before = np.array(map_of(stage))
        open_stream(rng, key, BIRTH)
        reborn(stage.state, record(stage.compiled.parameters, parameter_dtype(world)), rng)
        further = (np.array(map_of(stage)) - before) % world.actions.choices
        assert np.all(further > 0)
        per_class = further.reshape(classes, -1)
        assert np.all(per_class == per_class[:, :1])
        seen |= set(further.tolist())
    assert seen == set(range(1, world.actions.choices))


def test_cues_their_right_actions_and_the_last_action_are_drawn():
    stage = newborns(cued_bandit, 1)[0]

    def drawn():
        return {shape.label: shape for shape in cued_bandit.draw(stage.state, stage.compiled.parameters)}

    assert drawn()["acted"].opacity == 0.0
    before = shown_by(stage)
    paid = stage.step(3)[0]
    shapes = drawn()
    assert (shapes["acted"].x, shapes["acted"].y, shapes["paid"].opacity) == (3, -before, paid)
    assert [shapes[f"right for cue {cue}"].x for cue in range(4)] == map_of(stage)
    assert shapes["cue"].points[1][1] == -shown_by(stage)
