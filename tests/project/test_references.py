"""The references of corridors, larder, crossroads and maze: where they are exact, where two ways must agree."""

import itertools
import sys

import numpy as np
import pytest
from evolearn.worlds.corridors import corridors

from benchmarks import references
from evolearn.rng import VALIDATION, life_keys
from evolearn.worlds import crossroads, maze
from tests.helpers.probe_worlds import Stage


def steps_to(learner, delay, noise, reliability=1.0, limit=300, seed=5):
    return references.episodes_to_level(learner, delay, noise, reliability, 100, limit, np.random.default_rng(seed))


def test_without_noise_late_pay_costs_monte_carlo_nothing_and_td_much():
    monte_carlo, traced, one_step = (
        references.Learner(references.LEARNED, trace, 2.0, 0.1) for trace in (1.0, 0.9, 0.0)
    )
    for delay in (1, 5, 20):
        assert steps_to(monte_carlo, delay, 0.0) == steps_to(monte_carlo, 1, 0.0)
    ages = [[steps_to(learner, delay, 0.0, limit=150) for delay in (1, 5, 20)] for learner in (traced, one_step)]
    assert ages[0] == sorted(ages[0])
    assert ages[0][2] > 2 * ages[0][0]
    assert ages[1][1] > 2 * ages[1][0]
    assert ages[1][2] == 151, "the last place learns first"


def test_who_is_told_the_truth_needs_the_episodes_that_a_logit_takes():
    # The gradient of a sure advantage of 1/2: by hand for one life and both choices, at a mean step.
    told = references.Learner(references.TOLD, 0.0, 2.0, 0.1)
    logit, count = 0.0, 0
    while 1 / (1 + np.exp(-logit)) <= references.LEVEL:
        likely = 1 / (1 + np.exp(-logit))
        logit += 2 * 0.5 * (likely * (1 - likely) + (1 - likely) * likely)
        count += 1
    assert steps_to(told, 20, 0.3) == pytest.approx(count, abs=1)
    assert steps_to(told, 1, 5.0) == steps_to(told, 80, 0.0)


def test_an_innate_start_is_worth_what_it_is_reliable():
    sure, blank = (references.Learner(references.LEARNED, 0.5, 0.5, 0.1, start) for start in (1.0, 0.0))
    assert steps_to(sure, 20, 0.3) < steps_to(sure, 20, 0.3, reliability=0.75)
    assert steps_to(sure, 20, 0.3) < steps_to(blank, 20, 0.3)
    assert steps_to(sure, 20, 0.3, reliability=0.0) == 301, "it trusts what is always wrong"
    # With lambda 1 and no discount values in a corridor cancel: only what the fork expects remains.
    traced = [references.Learner(references.LEARNED, 1.0, 0.5, 0.1, start) for start in (1.0, 0.5, 0.0)]
    assert len({steps_to(learner, 20, 0.3) for learner in traced}) == 1


def test_a_limit_ends_it_and_changes_nothing_else():
    learner = references.Learner(references.LEARNED, 0.9, 2.0, 0.1)
    count = steps_to(learner, 5, 0.3)
    assert [steps_to(learner, 5, 0.3, limit=limit) for limit in (count - 1, count, count + 1)] == [count] * 3
    assert steps_to(learner, 5, 0.3, limit=count - 2) == count - 1


def test_a_table_in_the_world_learns_as_the_reference_says():
    # Monte Carlo by hand in the world itself, no noise: the same number of episodes to the level.
    stages = [Stage(corridors, key, delay=4, noise=0) for key in life_keys(75, VALIDATION, 0, 100)]
    rng = np.random.default_rng(0)
    logits, values = np.zeros(100), np.zeros(100)
    right = np.array([int(stage.ask_oracle()[0]) for stage in stages])
    count, share = 0, 0.0
    while share <= references.LEVEL:
        for life, stage in enumerate(stages):
            likely = 1 / (1 + np.exp(-logits[life]))
            choice, paid, over = int(rng.random() < likely), 0.0, False
            while not over:
                fitness, over, *_ = stage.step(choice)
                paid += fitness
            stage.begin()
            advantage = paid - values[life]
            values[life] += 0.1 * advantage
            logits[life] += 2.0 * advantage * (choice - likely)
        share = np.mean(1 / (1 + np.exp(-np.where(right == 1, logits, -logits))))
        count += 1
    reference = steps_to(references.Learner(references.LEARNED, 1.0, 2.0, 0.1), 4, 0.0)
    assert count == pytest.approx(reference, abs=1)


def test_hunger_that_is_right_in_scarcity_is_wrong_in_abundance():
    rows = {row[0]: row[1:] for row in references.hunger(0).rows}
    assert [rows[f"best at {meals:g}"][0] for meals in references.ABUNDANCES] == ["24", "16", "10", "6", "2"]
    shares = np.array([rows[f"best at {meals:g}"][1:] for meals in references.ABUNDANCES], float)
    np.testing.assert_array_equal(np.diag(shares), 1.0)
    assert np.all(shares <= 1.0)
    assert rows["best at 0.2"][1:] == ("1.000", "0.652", "0.249", "0.098", "0.024")
    assert float(rows["eats always"][5]) < 0.01


@pytest.mark.parametrize(("doing", "decides"), [("at_random", False), ("never_dodging", True), ("by_oracle", True)])
def test_halves_are_what_lives_at_the_crossroads_come_to(doing, decides):
    expected = references.halves(references.BEST_DECISION if decides else 0.0, getattr(references, doing))
    rng, steps = np.random.default_rng(1), 1500
    earned, told = [], []
    for key in life_keys(76, VALIDATION, 0, 12):
        stage = Stage(crossroads.crossroads, key)
        for _ in range(steps):
            if doing == "at_random":
                action = rng.integers(4)
            else:
                looming = int(stage.state["looming"])
                stage.state["looming"] = 0 if doing == "never_dodging" else looming  # the oracle then takes a door
                action = stage.ask_oracle()[0]
                stage.state["looming"] = looming
            fitness, over, _, senses = stage.step(action)
            earned.append(fitness)
            told.append(senses)
            if over:
                stage.begin()
    told = np.array(told)
    count = len(earned)
    assert np.mean(earned) == pytest.approx(expected.fitness, abs=4 * np.std(earned) / np.sqrt(count))
    rates = told.mean(axis=0)
    assert rates[0] == pytest.approx(expected.choices, abs=0.004)
    assert rates[3] == pytest.approx(expected.struck, abs=0.008)
    assert rates[2] + rates[3] == pytest.approx(expected.loomed, abs=0.008)
    assert rates[2] / (rates[2] + rates[3]) == pytest.approx(expected.reflex, abs=0.08)


def test_what_random_actions_do_at_the_crossroads_by_hand():
    random = references.halves(0.0, references.at_random)
    assert random.reflex == pytest.approx(7 / 16, abs=1e-9)
    assert random.choices == pytest.approx(1 / 10, abs=1e-9), "two steps at the fork and eight in the corridor"
    # Free for 20 steps on average, looming for 1 + 1/2 + 1/4.
    assert random.loomed == pytest.approx(1 / 21.75, abs=1e-9)
    assert random.needless == pytest.approx(0.5 * 20 / 21.75, abs=1e-9)
    best = references.halves(references.BEST_DECISION, references.by_oracle)
    assert best.fitness == pytest.approx(np.pi**-0.5 / 9, abs=1e-9)


def test_a_random_walk_along_a_line():
    # Between a wall and a goal n cells off, two of four moves changing nothing: 2 n (n + 1) steps.
    for n in (1, 2, 5):
        leads = np.array([[cell, cell, min(cell + 1, n), max(cell - 1, 0)] for cell in range(n + 1)])
        assert references.random_walk(leads, 0, n) == pytest.approx(2 * n * (n + 1))


def test_dyna_finds_the_way_sooner_the_more_it_imagines():
    means = {planning: references.dyna_runs(planning, 1, 3) for planning in references.PLANNING}
    steps = {planning: references.until(of, references.SHORT)[1].mean() for planning, of in means.items()}
    assert steps[0] > 2.5 * steps[5]
    assert steps[0] > 2.5 * steps[50]
    walk = references.random_walk(maze.LEADS[0], int(maze.STARTS[0]), maze.GOAL)
    first = np.concatenate([of[:, 0] for of in means.values()])
    # Until the first goal an untaught table walks at random; the mean of 90 walks, of standard deviation about a walk.
    assert first.mean() == pytest.approx(walk, rel=4 / np.sqrt(90))
    for one, other in itertools.pairwise(means.values()):
        assert one[:, 1].mean() > other[:, 1].mean()
    assert all(14 <= of[:, -100:].mean() < 18.5 for of in means.values())


def test_the_first_short_episode_and_the_steps_until_then():
    means = np.array([[30.0, 20.0, 40.0], [50.0, 25.0, 10.0], [21.0, 21.0, 21.0]])
    counts, steps = references.until(means, 20)
    assert (counts.tolist(), steps.tolist()) == ([2.0, 3.0, np.inf], [50.0, 85.0, np.inf])


def test_a_table_is_printed_and_depends_on_nothing_but_its_name_and_seed(capsys, monkeypatch):
    assert references.two_halves(0) == references.two_halves(1), "exact"
    monkeypatch.setattr(sys, "argv", ["references", "--only", "hunger", "two-halves", "--markdown"])
    references.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "| rule | eats below | at 0.2 | at 0.3 | at 0.5 | at 0.8 | at 1 |"
    assert any(line.startswith("| both: the oracle | +0.0627 | 0.5642 | 1.0000 | 111.1 |") for line in lines)


def test_a_seed_that_is_none_is_refused(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["references", "--seed", "-1"])
    with pytest.raises(SystemExit):
        references.main()
    assert "--seed -1: must be at least 0" in capsys.readouterr().err
