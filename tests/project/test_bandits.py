"""The references of bandits: exact where they can be, by brute force where that ends, and as the worlds are."""

import functools
import itertools
import sys
from fractions import Fraction

import numpy as np
import pytest
from evolearn.worlds.bandit import bandit
from evolearn.worlds.cued_bandit import cued_bandit_2x4

from benchmarks import bandit_players as players, bandits
from evolearn.rng import VALIDATION, life_keys
from tests.helpers.probe_worlds import Stage


def agrees(one, other, floor=0.0):
    """Whether two estimates differ by less than four standard errors."""
    return abs(one.mean - other.mean) <= 4 * np.hypot(one.error, other.error) + floor


@functools.cache
def paid_by(left, counts, is_greedy):
    """What `left` more pulls pay: counts are wins and losses of arm 0, wins and losses of arm 1."""
    if left == 0:
        return Fraction(0)
    of_arms, means = [], []
    for arm in (0, 1):
        wins, losses = counts[2 * arm : 2 * arm + 2]
        mean = Fraction(wins + 1, wins + losses + 2)

        def after(place):
            return tuple(count + (at == place) for at, count in enumerate(counts))

        won = 1 + paid_by(left - 1, after(2 * arm), is_greedy)
        lost = paid_by(left - 1, after(2 * arm + 1), is_greedy)
        of_arms.append(mean * won + (1 - mean) * lost)
        means.append(mean)
    if not is_greedy:
        return max(of_arms)
    if means[0] == means[1]:
        return sum(of_arms) / 2
    return of_arms[0 if means[0] > means[1] else 1]


@pytest.mark.parametrize("is_greedy", [False, True])
@pytest.mark.parametrize("pulls", [1, 2, 5, 9])
def test_the_optimum_and_the_greedy_one_by_brute_force(pulls, is_greedy):
    expected = pulls * Fraction(2, 3) - paid_by(pulls, (0, 0, 0, 0), is_greedy)
    assert players.least_regret(pulls, is_greedy).mean == pytest.approx(float(expected), abs=1e-12)


def test_the_optimum_of_a_hundred_pulls():
    assert players.least_regret().mean == pytest.approx(1.75, abs=0.005)
    assert players.least_regret(20).mean < players.least_regret(20, is_greedy=True).mean


def test_the_filter_without_flips_is_the_greedy_one():
    rng = np.random.default_rng(0)
    lost = players.regrets(players.Filter(4000, 0.0, 0.5), players.born_pairs(4000, 0.5, rng), 0.0, rng, pulls=20)
    assert agrees(players.estimate(lost), players.least_regret(20, is_greedy=True), floor=0.02)


def test_what_a_filter_believes_after_one_pull():
    rng = np.random.default_rng(0)
    won = np.array([True, False])
    for hazard, expected in ((0.0, (2 / 3, 1 / 3)), (0.25, (1 / 2 + 1 / 12, 1 / 2 - 1 / 12)), (0.5, (1 / 2, 1 / 2))):
        player = players.Filter(2, hazard, 0.5)
        player.hear(np.zeros(2, int), won)
        half = player._beliefs.shape[1] // 2
        # The larger of two uniform numbers is 2/3 on average: so likely is it that the arm that won is the better one.
        np.testing.assert_allclose(player._beliefs[:, :half].sum(axis=1), expected, atol=2e-3)
    sure = players.Filter(2, 0.0, 1.0)
    assert sure.choose(0, rng).tolist() == [0, 0]


def test_what_the_prior_free_one_believes_after_one_answer():
    for hazard, expected in ((0.0, 0.75), (0.2, 0.8 * 0.75 + 0.2 / 4), (1.0, 0.25)):
        player = players.PriorFree(2, 3, 4, hazard)
        player.hear(np.array([1, 1]), np.array([2, 2]), np.array([True, False]))
        # It won: .9 against three times .1.
        assert player._beliefs[0, 1, 2] == pytest.approx(expected)
        assert player._beliefs[1, 1, 2] < 0.25 or hazard == 1.0
        np.testing.assert_allclose(player._beliefs[:, [0, 2]], 0.25)


def test_stay_shift_by_its_markov_chain():
    rng = np.random.default_rng(1)
    pairs = np.tile([[0.8, 0.3]], (6000, 1))
    lost = players.regrets(players.StayShift(6000), pairs, 0.0, rng, pulls=30)
    at_second, expected = 0.0, 0.0
    for _ in range(30):
        expected += at_second * 0.5
        at_second = at_second * 0.3 + (1 - at_second) * 0.2
    assert agrees(players.estimate(lost), players.Estimate(expected))


def test_innate_pulls_regret_what_is_known():
    rng = np.random.default_rng(2)
    for fixity, expected in ((1.0, 0.0), (0.5, 100 / 6), (0.8, 100 / 3 * 0.2)):
        lost = players.regrets(players.Innate(4000), players.born_pairs(4000, fixity, rng), 0.0, rng)
        assert agrees(players.estimate(lost), players.Estimate(expected))


def test_learners_by_hand():
    rng = np.random.default_rng(3)
    player = players.PairValues(np.array([[0.5, 0.0, 0.1], [1.0, 0.0, 0.1]]))
    assert player.choose(0, rng).tolist() == [0, 0]
    player.hear(np.array([0, 0]), np.array([True, False]))
    np.testing.assert_allclose(player._values, [[0.8, 0.5], [0.0, 0.5]])
    assert player.choose(1, rng).tolist() == [0, 1]
    logits = players.PairGradient(np.array([[2.0, 0.5, 0.0]]))
    logits.choose(0, rng)
    logits.hear(np.array([1]), np.array([True]))
    # (1 - 1/2) of the baseline times (1 - 1/2) of the chance times 2.
    np.testing.assert_allclose((logits._logit, logits._baseline), [[0.5], [0.75]])


def test_tuned_learners_are_better_than_a_setting_and_settings_that_do_nothing_are_chance():
    rng = np.random.default_rng(4)
    still = (players.PairGradient, ((0.0, 0.0, 0.0),))
    assert agrees(players.tuned_regret(still, 0.5, 0.0, 2000, rng), players.Estimate(100 / 6))
    both = (players.PairGradient, ((0.0, 0.0, 0.0), (2.0, 0.1, 0.0)))
    assert players.tuned_regret(both, 0.5, 0.0, 2000, rng).mean < 4.0
    still = (players.CueValues, ((0.1, 1.0, 0.5),))
    assert agrees(players.tuned_right(still, 4, 4, 40, 0.0, 1000, rng), players.Estimate(0.25))


def test_who_knows_the_only_pair_regrets_nothing_and_mirror_images_ask_for_a_pull():
    rng = np.random.default_rng(5)
    seen, unseen = players.known_pairs_regret(1, False, False, 200, 20, rng)
    assert seen == players.Estimate(0.0, 0.0)
    assert agrees(unseen, players.Estimate(100 / 6))
    mirrored, _ = players.known_pairs_regret(2, True, False, 50, 20, rng)
    assert mirrored.mean > 0.5


@pytest.mark.parametrize(("cues", "actions"), [(1, 4), (4, 4), (4, 2), (2, 4), (6, 2), (3, 4)])
def test_the_cue_blind_ceiling_by_counting_maps(cues, actions):
    maps = itertools.product(range(actions), repeat=cues)
    counted = np.mean([max(one.count(action) for action in range(actions)) / cues for one in maps])
    assert players.cue_blind(cues, actions).mean == pytest.approx(counted, abs=1e-12)


def test_who_knows_one_map_is_right_on_it_and_elsewhere_as_often_as_maps_agree():
    rng = np.random.default_rng(6)
    found = players.known_maps_right(3, 4, 40, 1, False, 100, 20, rng)
    assert found.seen == found.seen_late == players.Estimate(1.0, 0.0)
    # Of 4^3 - 1 other maps 4^2 - 1 agree at a cue.
    assert agrees(found.unseen, players.Estimate(15 / 63))


def test_who_knows_all_maps_is_the_prior_free_one_and_there_is_none_unseen():
    rng = np.random.default_rng(7)
    found = players.known_maps_right(2, 4, 100, 16, False, 20, 40, rng)
    whole, late = players.prior_free_right(2, 4, 100, 0.0, 800, rng)
    assert agrees(found.seen, whole)
    assert whole.mean == pytest.approx(0.953, abs=0.01)
    assert late.mean > 0.99
    assert np.isnan(found.unseen.mean)


def test_a_right_action_that_is_drawn_again_in_every_step_is_right_by_chance():
    rng = np.random.default_rng(8)
    assert agrees(players.prior_free_right(2, 4, 40, 1.0, 2000, rng)[0], players.Estimate(0.25))


@pytest.mark.parametrize("hazard", [0.0, 0.05])
def test_the_world_bandit_is_the_one_that_is_played(hazard):
    lost = []
    for key in life_keys(51, VALIDATION, 0, 250):
        stage, arm, total = Stage(bandit, key, flip=hazard, fixity=0.8), 0, 0.0
        for _ in range(100):
            payoffs = stage.state["payoff"][:2]
            total += payoffs.max() - payoffs[arm]
            arm = arm if stage.step(arm)[0] == 1.0 else 1 - arm
        lost.append(total)
    rng = np.random.default_rng(9)
    expected = players.regrets(players.StayShift(8000), players.born_pairs(8000, 0.8, rng), hazard, rng)
    assert agrees(players.estimate(np.array(lost)), players.estimate(expected))


@pytest.mark.parametrize("hazard", [0.0, 0.05])
def test_the_world_cued_bandit_is_the_one_that_is_played(hazard):
    rng = np.random.default_rng(10)
    shares, oracles = [], []
    for key in life_keys(52, VALIDATION, 0, 100):
        stage, player, right = Stage(cued_bandit_2x4, key, flip=hazard), players.PriorFree(1, 2, 4, hazard), 0
        for _ in range(100):
            cue = np.array([np.argmax(stage.observe())])
            action = player.choose(cue, rng)
            right += action[0] == stage.ask_oracle()[0]
            player.hear(cue, action, np.array([stage.step(action[0])[0] == 1.0]))
        shares.append(right / 100)
        oracles.append(np.mean([stage.step(stage.ask_oracle()[0])[0] for _ in range(100)]))
    assert agrees(players.estimate(np.array(shares)), players.prior_free_right(2, 4, 100, hazard, 4000, rng)[0])
    assert agrees(players.estimate(np.array(oracles)), players.Estimate(players.SURE))


def test_a_table_follows_from_its_name_lives_and_seed(capsys, monkeypatch):
    once, again, other = (bandits.answer("sizes", 400, seed) for seed in (3, 3, 4))
    assert once == again != other
    monkeypatch.setattr(sys, "argv", ["bandits", "--only", "sizes", "--lives", "400", "--seed", "3", "--markdown"])
    bandits.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "| cues x actions x steps | chance | cue-blind | prior-free | its last quarter |"
    assert lines[4].startswith("| 4 x 4 x 200 | 0.25 | 0.531 | 0.95")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lives", "40"], "--lives 40: must be at least 400; with fewer the errors say little"),
        (["--seed", "-1"], "--seed -1: must be at least 0"),
    ],
)
def test_bad_arguments_are_refused(arguments, said, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bandits", *arguments])
    with pytest.raises(SystemExit):
        bandits.main()
    assert said in capsys.readouterr().err
