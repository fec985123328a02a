"""The reading of a calibration table: planted tables, and the boundaries between readings."""

import io

import numpy as np
import pytest
from rich.console import Console

from evolearn.cli.worlds import print_calibration, what_is_calibrated
from evolearn.config import ConfigError, check_config, read_config, shipped_configs
from evolearn.testing import Calibration, calibration_config, calibration_file, cut_short, shares_of_oracle
from evolearn.testing.calibration import (
    INSTINCT,
    LEARNING,
    NOTHING,
    SOLVED,
    UNDECIDED,
    Reading,
    Row,
    Score,
    evolution_of,
    lifetimes_of,
    read_scores,
)
from evolearn.world import find_world, gymnasium_world, registered_worlds

LIVES = 64


def noise(arm, error):
    """[LIVES] of mean 0 whose standard error is `error`, unlike those of any other arm."""
    if error == 0.0:
        return np.zeros(LIVES)
    basis, _ = np.linalg.qr(np.column_stack([np.ones(LIVES), np.random.default_rng(0).normal(size=(LIVES, 5))]))
    return error * np.sqrt(LIVES * (LIVES - 1)) * basis[:, 1 + arm]


def reading(random, blank, instinct, evolved, oracle=None, error=0.01, shared=0.0):
    """What is read of planted means; `error` of each arm on its own, `shared` of what lives do to all arms alike."""
    means = {"random": random, "blank": blank, "instinct": instinct, "evolved": evolved}
    means |= {} if oracle is None else {"oracle": oracle}
    alike = np.linspace(-1.0, 1.0, LIVES) * shared
    return read_scores(
        {name: Score(mean + noise(arm, error) + alike) for arm, (name, mean) in enumerate(means.items())}
    )


@pytest.mark.parametrize(
    ("table", "verdict"),
    [
        ((0.0, 0.1, 0.95, 0.96, 1.0), INSTINCT),
        ((0.0, 0.1, 0.95, 0.6, 1.0), INSTINCT),  # learning even harms
        ((0.0, 0.1, 0.05, 0.9, 1.0), LEARNING),
        ((0.0, 0.8, 0.05, 0.3, 1.0), LEARNING),  # a blank slate does as well
        ((0.0, 0.0, 0.5, 0.95, 1.0), LEARNING),  # instinct gets half, learning the rest
        ((0.0, 0.01, 0.02, 0.0, 1.0), NOTHING),
        ((0.97, 0.97, 0.98, 0.98, 0.985), SOLVED),
        ((1.0, 0.9, 1.0, 0.95, 1.0), SOLVED),
        ((0.0, 0.0, 0.3, 0.3, 1.0), UNDECIDED),  # instinct gets a part, learning adds nothing
        ((0.0, 0.05, 0.9, 0.95), UNDECIDED),  # no oracle: nobody knows how much more there is
        ((0.0, 0.05, 0.1, 0.95), LEARNING),
        ((0.5, 0.5, 0.5, 0.5), UNDECIDED),  # no oracle: solved, or nothing found
        ((-10.0, -9.5, -1.0, -1.0, 0.0), INSTINCT),  # costs
        ((-10.0, -5.0, -9.5, -1.0, 0.0), LEARNING),
    ],
)
def test_planted_tables_are_read_as_what_they_are(table, verdict):
    assert reading(*table).verdict == verdict


CART_POLE = {"random": 22.0, "blank": 24.0, "instinct": 75.0, "evolved": 74.0}


@pytest.mark.parametrize(
    ("instinct", "ceiling", "verdict", "because"),
    [
        (75.0, None, UNDECIDED, "how much there is to gain is not known: the world has no oracle"),
        (75.0, 475.0, UNDECIDED, "of what there is to gain up to 475, which counts as solved, instinct gets 12%"),
        (470.0, 475.0, INSTINCT, "instinct gets 99%"),
        (500.0, 475.0, INSTINCT, "instinct gets 100%"),  # more than enough: the best arm is the measure
    ],
)
def test_what_an_environment_counts_as_solved_is_the_measure(instinct, ceiling, verdict, because):
    table = {**CART_POLE, "instinct": instinct, "evolved": instinct - 1.0}
    scores = {name: Score(mean + noise(arm, 0.5)) for arm, (name, mean) in enumerate(table.items())}
    read = read_scores(scores, ceiling=ceiling)
    assert read.verdict == verdict
    assert because in read.because


def test_what_is_solved_by_chance_is_said_to_be():
    scores = {name: Score(np.full(LIVES, 474.0)) for name in CART_POLE}
    read = read_scores(scores, ceiling=475.0)
    assert (read.verdict, read.because) == (
        SOLVED,
        "nobody does noticeably better than uniform actions, and 475 counts as solved",
    )


def test_an_environment_is_solved_where_its_registration_says_so_and_it_is_that_one():
    assert find_world("gymnasium:CartPole-v1").solved_at == 475.0
    assert find_world("gymnasium:Pendulum-v1").solved_at is None
    assert gymnasium_world("CartPole-v1", max_episode_steps=60).solved_at is None


def test_planted_errors_are_what_they_are_said_to_be():
    one, other = noise(0, 0.01), noise(1, 0.01)
    assert Score(one).error == pytest.approx(0.01)
    assert Score(one - other).error == pytest.approx(0.01 * 2**0.5)


def test_the_reading_is_the_same_on_any_scale():
    table = (0.0, 0.1, 0.05, 0.9, 1.0)
    for scale in (1e-3, 1.0, 1e3):
        assert reading(*(scale * value for value in table), error=0.01 * scale) == reading(*table)


def test_what_lives_do_to_all_arms_alike_is_no_error_of_their_differences():
    table = (0.0, 0.0, 0.7, 0.85, 1.0)
    assert reading(*table, error=0.01).verdict == LEARNING
    assert reading(*table, error=0.01, shared=30.0) == reading(*table, error=0.01)
    assert reading(*table, error=0.3).verdict == UNDECIDED


def test_a_gain_must_exceed_the_share_that_does_not_count_by_twice_its_error():
    def verdict(gain, error):
        return reading(0.0, 0.0, 0.7, 0.7 + gain, 1.0, error=error).verdict

    assert verdict(0.1001, 0.0) == LEARNING
    assert verdict(0.0999, 0.0) == INSTINCT
    assert verdict(0.12, 0.01) == UNDECIDED  # 2 sqrt(2) * 0.01 is more than 0.02
    assert verdict(0.13, 0.01) == LEARNING
    assert verdict(0.07, 0.01) == INSTINCT


def test_an_uncertain_scale_makes_gains_uncertain_too():
    """In half of all lives there is twice as much to gain; the gain itself is the same in all."""
    headroom = np.tile([0.5, 1.5], LIVES // 2)
    lives = {"random": np.zeros(LIVES), "blank": np.zeros(LIVES), "instinct": np.zeros(LIVES)}
    lives |= {"evolved": np.full(LIVES, 0.105), "oracle": headroom}
    assert read_scores({name: Score(values) for name, values in lives.items()}).verdict == UNDECIDED
    lives["oracle"] = np.ones(LIVES)
    assert read_scores({name: Score(values) for name, values in lives.items()}).verdict == LEARNING


def test_instinct_must_get_more_than_half_to_be_enough():
    assert reading(0.0, 0.0, 0.501, 0.501, 1.0, error=0.0).verdict == INSTINCT
    assert reading(0.0, 0.0, 0.499, 0.499, 1.0, error=0.0).verdict == UNDECIDED


def test_solved_is_what_surely_gains_less_than_a_twentieth():
    assert reading(0.951, 0.95, 0.95, 0.95, 1.0, error=0.0).verdict == SOLVED
    assert reading(0.949, 0.95, 0.95, 0.95, 1.0, error=0.0).verdict == NOTHING
    assert reading(0.5, 0.5, 0.5, 0.5, 0.5, error=0.008).verdict == SOLVED  # 2 sqrt(2) * 0.008 is less than 0.025
    assert reading(0.5, 0.5, 0.5, 0.5, 0.5, error=0.01).verdict == UNDECIDED  # 2 sqrt(2) * 0.01 is more


def test_too_few_lives_are_not_said_to_solve_anything():
    for oracle in (1.0, None):
        read = reading(0.5, 0.5, 0.5, 0.6, oracle, error=0.2)  # 2 sqrt(2) * 0.2 is more than 0.5
        assert read.verdict == UNDECIDED
        assert "too few lives to tell" in read.because
    single = {name: Score(np.ones(1)) for name in ("random", "blank", "instinct", "evolved", "oracle")}
    assert read_scores(single).verdict == UNDECIDED


def test_a_brief_search_cannot_say_that_there_is_nothing():
    nothing = {name: Score(np.zeros(4)) for name in ("random", "blank", "instinct", "evolved")}
    nothing |= {"oracle": Score(np.ones(4))}
    assert read_scores(nothing).verdict == NOTHING
    assert read_scores(nothing, brief=True).verdict == UNDECIDED


def test_the_reason_gives_the_shares():
    said = reading(0.0, 0.1, 0.05, 0.9, 1.0).because
    assert said == "of what there is to gain, instinct gets 5%, the better learner gets 90%"
    assert "an oracle would tell" in reading(0.5, 0.5, 0.5, 0.5, error=0.0).because


def test_how_far_below_random_is_not_a_share():
    said = reading(0.0, -30.0, -50.0, 0.9, 1.0).because
    assert said == "of what there is to gain, instinct is worse than random, the better learner gets 90%"
    assert "instinct gets 0%" in reading(0.0, 0.1, -0.02, 0.9, 1.0, error=0.02).because  # within its error


def test_shares_in_the_table_are_never_minus_nothing():
    def row(arm, mean):
        return Row(arm, "", (Score(np.full(4, mean)),))

    rows = (row("random", 0.0), row("blank", -0.001), row("instinct", -35.0), row("evolved", 0.5), row("oracle", 1.0))
    calibration = Calibration("w", "mean per step", (600,), 4, False, rows, 1, Reading(LEARNING, "so"))
    console = Console(width=100, record=True, file=io.StringIO())
    print_calibration(console, calibration)
    shown = console.export_text()
    ends = [line.split()[-1] for line in shown.splitlines() if " ± " in line and "half" not in line]
    assert ends == ["0.00", "0.00", "0", "0.50", "1.00"]
    assert "< 0: worse than random" in " ".join(shown.split())


def test_lifetimes_are_three_shares_of_the_longest_in_whole_age_bins():
    config = check_config({"world": {"name": "cart-pole"}, "evaluation": {"lifetimes": [20_000]}}, "test")
    assert lifetimes_of(config) == (2000, 6700, 20_000)
    config = check_config(
        {"world": {"name": "cart-pole"}, "evaluation": {"lifetimes": [600], "bin_steps": 150}}, "test"
    )
    assert lifetimes_of(config) == (150, 600) or lifetimes_of(config) == (150, 150, 600)


def test_quick_cuts_a_run_short_and_changes_nothing_else():
    config = calibration_config("cart-pole", None, ["world.parameters.predictability=0"])
    short = cut_short(config)
    assert short.search.generations == 6
    assert max(short.evaluation.lifetimes) == 3000
    assert short.world == config.world
    assert short.learner == config.learner


def test_a_world_gets_its_shipped_config_or_one_that_suits_its_kind():
    assert calibration_config("cart-pole", None, []).world.parameters == {"predictability": 0.5}
    assert calibration_config("savannah", None, []).search.population == 48
    assert calibration_config("gymnasium:CartPole-v1", None, []).search.population == 24


def test_what_is_calibrated_is_said_with_the_parameters_that_are_not_the_defaults(tmp_path):
    def said(name, file, *settings):
        return what_is_calibrated(calibration_config(name, file, list(settings)), calibration_file(name, file))

    assert said("bandit", None) == "World bandit, fixity = 0.8, settings from configs/bandit.yaml"
    assert said("bandit", None, "world.parameters.fixity=0.5", "world.parameters.flip=0.01") == (
        "World bandit, flip = 0.01, settings from configs/bandit.yaml"
    )
    assert said("savannah", None) == "World savannah, settings suited to any world of its kind"
    path = tmp_path / "mine.yaml"
    path.write_text("world: {name: savannah, parameters: {alpha: 90}}\n")
    assert said("savannah", path) == f"World savannah, alpha = 90, settings from {path}"


def test_without_an_oracle_ahead_of_random_there_are_no_shares():
    rows = tuple(Row(arm, "", (Score(np.full(4, mean)),)) for arm, mean in (("random", 0.5), ("oracle", 0.4)))
    assert not shares_of_oracle(Calibration("w", "mean per step", (600,), 4, False, rows, 1, Reading(SOLVED, "so")))


@pytest.mark.parametrize("name", sorted({*shipped_configs(), *registered_worlds()}))
def test_the_arms_of_a_calibration_can_be_assembled_for_every_shipped_config(name):
    file = shipped_configs().get(name)
    config = read_config(file) if file else calibration_config(name, None, [])
    for run in (config, cut_short(config)):
        instinct, evolved = (evolution_of(run, arm) for arm in ("instinct", "evolved"))
        assert instinct.config.learner.learn_until == 0
        assert instinct.pool.modes["weights"] == "evolved"
        assert evolved.pool.size > 0
        assert lifetimes_of(run)


def test_a_config_of_another_world_is_refused(tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text("world: {name: savannah}\n")
    with pytest.raises(ConfigError, match="is for the world savannah, not for cart-pole; give a config of that world"):
        calibration_config("cart-pole", path, [])
