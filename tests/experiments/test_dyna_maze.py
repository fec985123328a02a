"""The experiment on imagined steps: what it counts, what it lives, and that its bands can be missed."""

import numpy as np
import pytest

from evolearn.agent import GOES_ON, TERMINATED, TRUNCATED
from evolearn.config import STUDIES, find_config
from evolearn.experiments import _dyna_maze as dyna_maze, read_experiment
from evolearn.report.study.experiment_charts import experiment_charts
from evolearn.study.bands.bands import MISSED, REPRODUCED, SHOWN, UNMEASURED, judge

RATIO, WITHOUT, WITH = range(3)  # bands


def judged(lived):
    return judge(read_experiment(find_config("replicate/dyna-maze", STUDIES)).replication, dyna_maze.MEASURES, lived)


def planted(without, imagined, lives=4):
    """Lives of one long episode, in the steps given, and then short ones."""
    lengths = {
        dyna_maze.NONE: np.tile([without, 20.0, 20.0], (lives, 1)),
        dyna_maze.IMAGINED: np.tile([imagined, 20.0], (lives, 1)),
        dyna_maze.REPEATED: np.tile([without, 30.0, 20.0], (lives, 1)),
    }
    return dyna_maze.Learned(20.0, lengths, 0)


def test_episodes_are_as_long_as_from_end_to_end() -> None:
    ends = np.array([GOES_ON, GOES_ON, TERMINATED, TRUNCATED, GOES_ON, TERMINATED, GOES_ON])
    assert dyna_maze.episode_lengths(ends).tolist() == [3, 1, 2]


def test_steps_are_counted_to_the_first_mean_episode_that_is_short() -> None:
    lengths = np.array([[50.0, 20.0, 10.0, 40.0], [30.0, 22.0, 14.0, 2.0]])  # means 40, 21, 12, 21
    assert dyna_maze.steps_until_known(lengths, 12.0) == 40 + 21 + 12
    assert dyna_maze.steps_until_known(lengths, 21.0) == 40 + 21
    assert dyna_maze.steps_until_known(lengths, 11.0) == np.inf
    assert dyna_maze.steps_until_known(np.stack([lengths, lengths - 2.0]), 12.0).tolist() == [73.0, 67.0]


@pytest.mark.parametrize(
    ("without", "imagined", "judgements"),
    [
        (4500.0, 1000.0, [REPRODUCED, REPRODUCED, REPRODUCED]),
        (4500.0, 1300.0, [MISSED, REPRODUCED, REPRODUCED]),
        (6000.0, 1600.0, [REPRODUCED, MISSED, MISSED]),
    ],
)
def test_bands_hold_what_they_say(without, imagined, judgements) -> None:
    bands = judged(planted(without, imagined))
    assert [band["judgement"] for band in bands] == [*judgements, SHOWN, SHOWN]
    assert bands[RATIO]["value"] == pytest.approx((without + 20) / (imagined + 20))


def test_what_never_becomes_known_is_not_measured() -> None:
    lived = planted(4500.0, 1000.0)
    lived.lengths[dyna_maze.NONE][:] = 21.0
    bands = judged(lived)
    assert bands[RATIO]["judgement"] == bands[WITHOUT]["judgement"] == UNMEASURED
    assert bands[WITHOUT]["note"] == "no mean episode of 20 steps or less; live longer, in settings.steps"
    assert bands[WITH]["judgement"] == REPRODUCED


def test_a_maze_is_known_after_fewer_steps_with_imagined_ones() -> None:
    settings = dyna_maze.Settings(world="evolearn.worlds.maze:maze")
    shares: list[float] = []
    lived = dyna_maze.live(settings, 0, 12, 2, shares.append)
    assert shares[-1] == 1.0
    assert lived.world_steps == 3 * 12 * 20_000
    bands = judged(lived)
    assert bands[RATIO]["judgement"] == REPRODUCED
    assert bands[4]["value"] > 3.0, "as many updates from the step just lived are no substitute"
    record = {"experiment": "dyna_maze", "pictures": dyna_maze.pictures(lived), "bands": bands}
    (chart,) = experiment_charts(record)
    assert [len(series.x) for series in chart.views[0].panels[0].series] == [60, 60, 60]
    again = dyna_maze.live(settings.model_copy(update={"steps": 3000}), 0, 3, 1, shares.append)
    for way, lengths in again.lengths.items():
        np.testing.assert_array_equal(lengths, lived.lengths[way][:3, : lengths.shape[1]])
