"""Match asks for memory: what is seen at the choice says nothing of the cue, and the rule is as it says."""

import numpy as np
import pytest
from evolearn.worlds.match import match

from evolearn.numerics import record
from evolearn.rng import SELECTION, TEST, life_keys
from evolearn.world import parameter_dtype
from tests.helpers.probe_worlds import Stage


def episode(stage, choose):
    """What an episode paid in all, what was seen in its steps, and how it ended; `choose` is told the cue."""
    seen, total, ended = [], 0.0, False
    cue = int(np.argmax(stage.observe()[:2]))
    while not ended:
        seen.append(stage.observe().tolist())
        paid, ended, truncated, _ = stage.step(choose(cue))
        assert not truncated
        total += paid
    stage.begin()
    return total, seen


def test_golden_draws():
    stage = Stage(match, life_keys(44, TEST, 3, 1)[0], delay=1, redrawn=1)
    rows = []
    for _ in range(8):
        total, seen = episode(stage, lambda cue: cue)
        rows.append((int(seen[0][1]), int(total)))
    assert stage.state["turned"] == 1
    assert rows == [(1, 0), (1, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (1, 0)]


@pytest.mark.parametrize("delay", [0, 1, 5])
def test_the_cue_is_seen_once_then_it_is_dark_then_it_is_time(delay):
    for key in life_keys(45, SELECTION, 0, 5):
        stage = Stage(match, key, delay=delay)
        for _ in range(10):
            _, seen = episode(stage, lambda cue: 0)
            cue = int(seen[0][1])
            assert seen == [[1.0 - cue, cue, 0.0], *[[0.0, 0.0, 0.0]] * delay, [0.0, 0.0, 1.0]]


@pytest.mark.parametrize("redrawn", [0, 1])
def test_only_the_choice_counts_and_without_the_cue_it_is_chance(redrawn):
    rng = np.random.default_rng(0)
    earned = {"same": [], "other": [], "always 1": []}
    for key in life_keys(46, SELECTION, 0, 200):
        stage = Stage(match, key, delay=2, redrawn=redrawn)
        for policy, choose in (("same", lambda cue: cue), ("other", lambda cue: 1 - cue), ("always 1", lambda cue: 1)):
            earned[policy].append(np.mean([episode(stage, choose)[0] for _ in range(10)]))

        def oracle_at_last(cue):
            # Any action in the dark, the oracle's at the choice.
            return stage.ask_oracle()[0] if stage.observe()[2] == 1.0 else rng.integers(2)  # noqa: B023  # called at once

        assert [episode(stage, oracle_at_last)[0] for _ in range(5)] == [1.0] * 5
    assert np.mean(earned["always 1"]) == pytest.approx(0.5, abs=0.04)
    same = np.array(earned["same"])
    assert set(same) == ({0.0, 1.0} if redrawn else {1.0}), "a rule holds for a whole life"
    np.testing.assert_array_equal(np.array(earned["other"]), 1.0 - same)
    if redrawn:
        assert np.mean(same) == pytest.approx(0.5, abs=0.12)


def test_cues_of_episodes_follow_no_order():
    stage = Stage(match, life_keys(47, SELECTION, 0, 1)[0], delay=0)
    cues = np.array([episode(stage, lambda cue: 0)[1][0][1] for _ in range(2000)])
    assert cues.mean() == pytest.approx(0.5, abs=0.05)
    assert abs(np.corrcoef(cues[:-1], cues[1:])[0, 1]) < 0.07


def test_the_cue_fades_and_the_right_choice_is_drawn():
    for key in life_keys(48, SELECTION, 0, 8):
        stage = Stage(match, key, delay=1, redrawn=1)

        def drawn():
            shapes = match.draw(stage.state, record(stage.compiled.parameters, parameter_dtype(match)))  # noqa: B023
            return {shape.label: shape for shape in shapes}

        assert drawn()["cue"].opacity == 1.0
        assert drawn()["chosen last"].opacity == 0.0
        assert drawn()["right choice"].x == stage.ask_oracle()[0]
        stage.step(0)
        assert drawn()["cue"].opacity < 1.0
        stage.step(0)
        assert drawn()["time to choose"].opacity == 1.0
        stage.step(1)
        assert (drawn()["chosen last"].x, drawn()["chosen last"].opacity) == (1.0, 1.0)
