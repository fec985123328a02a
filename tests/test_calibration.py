"""The reading of a calibration table: planted tables, and the boundaries between readings."""

import pytest

from evolearn.calibration import config_for, lifetimes_of, quick
from evolearn.calibration_reading import INSTINCT, LEARNING, NOTHING, SOLVED, UNDECIDED, Score, read_scores
from evolearn.config import check_config
from evolearn.config_reading import ConfigError


def reading(random, blank, instinct, evolved, oracle=None, error=0.01):
    means = {"random": random, "blank": blank, "instinct": instinct, "evolved": evolved}
    means |= {} if oracle is None else {"oracle": oracle}
    return read_scores({name: Score(mean, error) for name, mean in means.items()})


@pytest.mark.parametrize(
    ("table", "verdict"),
    [
        ((0.0, 0.1, 0.95, 0.96, 1.0), INSTINCT),
        ((0.0, 0.1, 0.95, 0.6, 1.0), INSTINCT),  # learning even harms
        ((0.0, 0.1, 0.05, 0.9, 1.0), LEARNING),
        ((0.0, 0.8, 0.05, 0.3, 1.0), LEARNING),  # a blank slate does as well
        ((0.0, 0.0, 0.5, 0.95, 1.0), LEARNING),  # instinct gets half, learning the rest
        ((0.0, 0.01, 0.02, 0.0, 1.0), NOTHING),
        ((0.97, 0.97, 0.98, 0.98, 1.0), SOLVED),
        ((1.0, 0.9, 1.0, 0.95, 1.0), SOLVED),
        ((0.0, 0.0, 0.3, 0.3, 1.0), UNDECIDED),  # instinct gets a part, learning adds nothing
        ((0.0, 0.05, 0.9, 0.95), INSTINCT),  # no oracle: the best arm is the measure
        ((0.0, 0.05, 0.1, 0.95), LEARNING),
        ((0.5, 0.5, 0.5, 0.5), UNDECIDED),  # no oracle: solved, or nothing found
        ((-10.0, -9.5, -1.0, -1.0, 0.0), INSTINCT),  # costs
        ((-10.0, -5.0, -9.5, -1.0, 0.0), LEARNING),
    ],
)
def test_planted_tables_are_read_as_what_they_are(table, verdict):
    assert reading(*table).verdict == verdict


def test_the_reading_is_the_same_on_any_scale():
    table = (0.0, 0.1, 0.05, 0.9, 1.0)
    for scale in (1e-3, 1.0, 1e3):
        assert reading(*(scale * value for value in table), error=0.01 * scale) == reading(*table)


def test_a_gain_must_exceed_the_share_that_does_not_count_by_twice_its_error():
    def verdict(gain, error):
        return reading(0.0, 0.0, 0.7, 0.7 + gain, 1.0, error=error).verdict

    assert verdict(0.1001, 0.0) == LEARNING
    assert verdict(0.0999, 0.0) == INSTINCT
    assert verdict(0.12, 0.01) == UNDECIDED  # 2 sqrt(2) * 0.01 is more than 0.02
    assert verdict(0.13, 0.01) == LEARNING
    assert verdict(0.07, 0.01) == INSTINCT


def test_instinct_must_get_more_than_half_to_be_enough():
    assert reading(0.0, 0.0, 0.501, 0.501, 1.0, error=0.0).verdict == INSTINCT
    assert reading(0.0, 0.0, 0.499, 0.499, 1.0, error=0.0).verdict == UNDECIDED


def test_solved_is_what_gains_less_than_a_twentieth_or_less_than_its_error():
    assert reading(0.951, 0.95, 0.95, 0.95, 1.0, error=0.0).verdict == SOLVED
    assert reading(0.949, 0.95, 0.95, 0.95, 1.0, error=0.0).verdict == NOTHING
    assert reading(0.5, 0.5, 0.5, 0.5, 1.0, error=0.2).verdict == SOLVED  # 2 sqrt(2) * 0.2 is more than 0.5


def test_a_brief_search_cannot_say_that_there_is_nothing():
    nothing = {"random": Score(0.0, 0.0), "blank": Score(0.0, 0.0), "instinct": Score(0.0, 0.0)}
    nothing |= {"evolved": Score(0.0, 0.0), "oracle": Score(1.0, 0.0)}
    assert read_scores(nothing).verdict == NOTHING
    assert read_scores(nothing, brief=True).verdict == UNDECIDED


def test_the_reason_gives_the_shares():
    said = reading(0.0, 0.1, 0.05, 0.9, 1.0).because
    assert said == "of what there is to gain, instinct gets 5%, the better learner 90%"
    assert "an oracle would tell" in reading(0.5, 0.5, 0.5, 0.5).because


def test_lifetimes_are_three_shares_of_the_longest_in_whole_age_bins():
    config = check_config({"world": {"name": "cart-pole"}, "evaluation": {"lifetimes": [20_000]}}, "test")
    assert lifetimes_of(config) == (2000, 6700, 20_000)
    config = check_config(
        {"world": {"name": "cart-pole"}, "evaluation": {"lifetimes": [600], "bin_steps": 150}}, "test"
    )
    assert lifetimes_of(config) == (150, 600) or lifetimes_of(config) == (150, 150, 600)


def test_quick_cuts_a_run_short_and_changes_nothing_else():
    config = config_for("cart-pole", None, ["world.parameters.predictability=0"])
    short = quick(config)
    assert short.search.generations == 6
    assert max(short.evaluation.lifetimes) == 3000
    assert short.world == config.world
    assert short.learner == config.learner


def test_a_world_gets_its_shipped_config_or_one_that_suits_its_kind():
    assert config_for("cart-pole", None, []).world.parameters == {"predictability": 0.5}
    assert config_for("savannah", None, []).search.population == 48
    assert config_for("gymnasium:CartPole-v1", None, []).search.population == 24


def test_a_config_of_another_world_is_refused(tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text("world: {name: savannah}\n")
    with pytest.raises(ConfigError, match="is for the world savannah, not for cart-pole; give a config of that world"):
        config_for("cart-pole", path, [])
