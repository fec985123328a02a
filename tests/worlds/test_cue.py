"""Nature and nurture: what each policy earns is what the theory says."""

import numpy as np
import pytest
from evolearn.worlds.cue import nature_nurture

from evolearn.rng import SELECTION, TEST, life_keys
from tests.helpers.probe_worlds import Stage


def earned(policy, decisions=3000, life=0, **parameters):
    """Mean fitness of a policy, a function of the cue, in one long life."""
    stage = Stage(nature_nurture, life_keys(31, SELECTION, 0, life + 1)[life], **parameters)
    total = 0.0
    for _ in range(decisions):
        fitness, terminated, truncated, _ = stage.step(policy(stage.observe()[0]))
        assert (terminated, truncated) == (True, False)
        total += fitness
        stage.begin()
    return total / decisions


def follow(cue):
    return int(cue > 0)


def defy(cue):
    return int(cue < 0)


def test_golden_draws():
    stage = Stage(nature_nurture, life_keys(31, TEST, 3, 1)[0], meaning_fixed=0.5)
    seen = []
    for _ in range(8):
        seen.append((int(stage.state["best"]), int(stage.observe()[0])))
        stage.step(1)
        stage.begin()
    assert (int(stage.state["meaning"]), seen) == (
        1,
        [(1, -1), (1, 1), (0, -1), (0, -1), (1, 1), (1, 1), (1, 1), (1, -1)],
    )


@pytest.mark.parametrize(("fixity", "reliability"), [(0.55, 0.95), (0.75, 0.75), (0.95, 0.55), (0.6, 0.7)])
def test_following_earns_the_reliability_and_the_modal_action_the_fixity(fixity, reliability):
    how = {"fixity": fixity, "reliability": reliability}
    assert earned(follow, **how) == pytest.approx(reliability, abs=0.03)
    assert earned(defy, **how) == pytest.approx(1 - reliability, abs=0.03)
    assert earned(lambda cue: 1, **how) == pytest.approx(fixity, abs=0.03)


def test_certain_things_are_certain():
    assert earned(follow, reliability=1.0) == 1.0
    assert earned(lambda cue: 1, fixity=1.0) == 1.0


def test_a_decision_tells_nothing_about_the_next():
    stage = Stage(nature_nurture, life_keys(31, SELECTION, 0, 1)[0], fixity=0.5, reliability=0.5)
    rows = []
    for _ in range(3000):
        rows.append((int(stage.state["best"]), stage.observe()[0] > 0))
        stage.step(0)
        stage.begin()
    best, cue = np.array(rows, float).T
    assert abs(np.corrcoef(best[:-1], best[1:])[0, 1]) < 0.06
    assert abs(np.corrcoef(cue[:-1], cue[1:])[0, 1]) < 0.06
    assert abs(np.corrcoef(best, cue)[0, 1]) < 0.06, "at a reliability of 1/2 the cue says nothing"


def test_the_oracle_earns_the_larger_of_the_two_whatever_the_cue_means():
    for reliability, fixity in ((0.9, 0.6), (0.6, 0.9)):
        for key in life_keys(32, SELECTION, 0, 4):
            stage = Stage(nature_nurture, key, fixity=fixity, reliability=reliability, meaning_fixed=0.5)
            right = []
            for _ in range(800):
                right.append(stage.step(stage.ask_oracle())[0])
                stage.begin()
            assert np.mean(right) == pytest.approx(0.9, abs=0.05)


def test_the_meaning_is_drawn_at_birth_and_stays():
    def meaning(key, share):
        return float(Stage(nature_nurture, key, meaning_fixed=share).state["meaning"])

    keys = life_keys(33, SELECTION, 0, 1000)
    assert {meaning(key, 1.0) for key in keys} == {1.0}
    for share in (0.5, 0.8):
        assert np.mean([meaning(key, share) == 1.0 for key in keys]) == pytest.approx(share, abs=0.05)
    backwards = next(life for life, key in enumerate(keys) if meaning(key, 0.5) == -1.0)
    assert earned(defy, life=0, meaning_fixed=1.0, reliability=0.9) == pytest.approx(0.1, abs=0.03)
    stage = Stage(nature_nurture, keys[backwards], meaning_fixed=0.5, reliability=0.9)
    right = []
    for _ in range(1000):
        right.append(stage.step(defy(stage.observe()[0]))[0])
        stage.begin()
    assert np.mean(right) == pytest.approx(0.9, abs=0.04)


def test_a_cue_of_the_opposite_meaning_is_the_mirrored_life():
    key = life_keys(34, SELECTION, 0, 1)[0]
    plain, mirrored = Stage(nature_nurture, key), Stage(nature_nurture, key)
    mirrored.state["meaning"] = -plain.state["meaning"]
    for stage in (plain, mirrored):
        stage.begin()
    for action in np.random.default_rng(0).integers(2, size=100):
        assert mirrored.observe()[0] == -plain.observe()[0]
        assert mirrored.step(action)[0] == plain.step(action)[0]
        for stage in (plain, mirrored):
            stage.begin()


def test_the_cue_is_drawn_over_the_action_that_it_usually_means():
    stage = Stage(nature_nurture, life_keys(35, SELECTION, 0, 1)[0])
    for chosen in (0, 1, 0):
        cue = stage.observe()[0]
        stage.step(chosen)
        shapes = {shape.label: shape for shape in nature_nurture.draw(stage.state, None)}
        assert shapes["cue"].x == follow(cue)
        assert shapes["best action"].x == stage.state["best"]
        assert (shapes["chosen last"].x, shapes["chosen last"].opacity) == (chosen, 1)
        stage.begin()
