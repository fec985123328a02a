"""Episodes at the fork: learners of whom it is known when they are right; planted slopes; a study's tables."""

import math
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import delay
from benchmarks.bandits import markdown
from benchmarks.delay import Cell, Group
from evolearn.config import STUDIES, check_config, find_config, read_yaml
from evolearn.errors import UserError
from evolearn.life import new_driver
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import assemble
from evolearn.study.config import check_study
from evolearn.study.plan import plan_study
from tests.helpers.claim_cells import cells_without
from tests.helpers.study_watch import lived_without_page

CLAIMS = ("claims/delay", "claims/delay-full")
LIVES = 600


def test_an_episode_is_counted_from_where_the_smoothed_mean_passes_on():
    assert delay.first_above(np.array([0.5, 0.8, 0.9])) == 3
    assert delay.first_above(np.array([0.5, 0.96, 0.6, 0.7, 0.9])) == 5, "a lucky episode is none"
    assert delay.first_above(np.array([0.9, 0.9])) == 1
    assert delay.first_above(np.array([0.5, 0.85])) == 3, "never"


def test_who_is_told_returns_knows_as_much_as_they_say():
    """Against counting: which of two corridors has the larger likelihood, by its returns so far."""
    random = np.random.default_rng(0)
    for noise, steps in ((0.0, 80), (0.3, 1), (0.3, 5), (0.3, 20), (1.0, 3)):
        taken_is_right = random.random((20_000, 60)) < 0.5
        returns = taken_is_right + noise * math.sqrt(steps) * random.standard_normal(taken_is_right.shape)
        evidence = np.cumsum((returns - 0.5) * np.where(taken_is_right, 1.0, -1.0), axis=1)
        found = np.r_[0.5, (evidence > 0).mean(axis=0)]
        assert abs(delay.known_from_returns(noise, steps) - delay.first_above(found)) <= 1
    assert [delay.known_from_returns(0.3, steps) for steps in (1, 5, 20, 80)] == [2, 3, 9, 32]


def lived(reliability=1.0, noise=0.0, steps=4, value=0.0, **plasticity):
    """The share of right choices in six episodes of lives with these genes."""
    run = read_yaml(find_config("claims/delay", STUDIES))["run"]
    run["world"]["parameters"] = {"delay": steps, "noise": noise, "reliability": reliability}
    run["learner"]["window"] = steps + 1
    # A step so large that the first thing learned decides, from exactly nothing on; a critic that stays at nothing.
    none = dict.fromkeys(("entropy_bonus", "value_weight", "initial_scale"), 1e-12)
    run["learner"]["plasticity"] |= {"learning_rate": 100.0} | none | plasticity
    setup = assemble(check_config(run, "toy"))
    genome = setup.pool.centre.copy()
    start = sum(math.prod(gene.shape) for gene in setup.pool.evolved if gene.group != "value")
    assert [gene.name for gene in setup.pool.evolved][-2:] == ["value.0.weight", "value.0.bias"]
    genome[start + 1] = value  # of the smell
    with closing(new_driver(setup.conditions, 1)) as driver:
        keys = life_keys(5, VALIDATION, 0, LIVES)
        return delay.right_choices(setup, driver, SimpleNamespace(genome=genome), keys, 6)


SURE = {"discount": 0.999999, "gae_lambda": 0.999999}


def test_without_noise_who_waits_for_the_pay_halves_its_doubt_with_every_choice():
    """A wrong choice pays nothing and teaches nothing, the first right one decides."""
    halving = 1.0 - 0.5 ** np.arange(1, 7)
    for steps in (1, 4):
        shares = lived(steps=steps, **SURE)
        np.testing.assert_allclose(shares, halving, atol=4 * 0.5 / math.sqrt(LIVES))
    assert delay.first_above(halving) == 3


def test_a_value_decides_after_one_choice_for_good_or_bad():
    near = {"discount": 0.9999, "gae_lambda": 0.01}
    for reliability, share in ((1.0, 1.0), (0.75, 0.75), (0.0, 0.0)):
        shares = lived(reliability, noise=0.1, value=3.0, **near)
        assert shares[0] == pytest.approx(0.5, abs=0.07)
        np.testing.assert_allclose(shares[1:], share, atol=0.06)


def test_a_potential_telescopes_to_nothing_at_discount_and_lambda_1():
    np.testing.assert_allclose(lived(value=3.0, **SURE), lived(**SURE), atol=0.02)


def planted(noise, factor, power, reliability=1.0, runs=10):
    """Conditions in which one arm needs 2 episodes and the other so many at every delay, more or less."""
    jitter = np.exp(np.linspace(-0.05, 0.05, runs))
    return [
        Cell(
            Group(noise, reliability, 1.0),
            steps,
            300,
            {"innate": np.full(runs, 2.0), "learned": factor * steps**power * jitter},
            {"innate": np.full(runs, 1.0), "learned": np.full(runs, 9.0)},
        )
        for steps in (20, 1, 5)
    ]


def test_planted_slopes_are_found_and_none_where_none_is():
    cells = planted(0.3, 4.0, 0.5) + planted(0.0, 2.8, 0.0)
    rising, flat = delay.groups_of(cells).values()
    slope, ratios = delay.estimated(rising, "learned", "innate")
    assert slope.value == pytest.approx(0.5)
    assert 0.4 < slope.low < 0.5 < slope.high < 0.6
    assert [one.value for one in ratios] == pytest.approx([2.0, 2.0 * 5**0.5, 2.0 * 20**0.5])
    assert delay.estimated(flat, "learned", "innate")[0].value == pytest.approx(0.0)
    rows = delay.slopes("innate", cells).rows
    assert [row[-1].rsplit(": ")[1] for row in rows] == ["rises", "flat"]
    assert rows[0][2:5] == ("1, 5, 20", "0.00 [0.00, 0.00]", rows[0][4])
    assert delay.mistakes(cells).rows[0] == ("0.3", "1", "1", "300", "1.0 ± 0.0", "9.0 ± 0.0")


def test_bars_are_met_or_missed_or_undecided():
    met = {row[2]: row[4] for row in delay.bars("innate", planted(0.3, 4.0, 0.5) + planted(0.0, 2.8, 0.0)).rows}
    assert met == {
        "innate: at most 3 episodes at any delay": "yes",
        "innate: slope within ± 0.1": "yes",
        "learned: slope above 0": "yes",
        "learned / innate: slope above 0": "yes",
        "learned / innate: at most 1.5 at any delay": "yes",
        "learned / innate: slope within ± 0.1": "yes",
    }
    missed = {row[2]: row[4] for row in delay.bars("innate", planted(0.3, 4.0, -0.5) + planted(0.0, 8.0, 0.4)).rows}
    assert missed["learned: slope above 0"] == missed["learned / innate: slope above 0"] == "**no**"
    assert missed["learned / innate: at most 1.5 at any delay"] == "**no**"
    assert missed["learned / innate: slope within ± 0.1"] == "**no**"
    other_way = {row[2]: row[4] for row in delay.bars("learned", planted(0.3, 2.99, 0.0)).rows}
    assert other_way["learned: at most 3 episodes at any delay"] == "undecided"
    assert not delay.bars("innate", planted(0.3, 4.0, 0.5, reliability=0.9)).rows


def test_the_claim_is_decided_by_these_bars():
    bars = delay.bars("innate", planted(0.3, 4.0, 0.5) + planted(0.0, 2.8, 0.0))
    assert cells_without("delay", markdown(bars)) == []
    assert cells_without("delay", markdown(delay.bars("innate", planted(0.3, 4.0, 0.5)))) != []


def test_who_never_gets_there_is_said_to(capsys):
    counts = np.array([5.0, 301.0, 301.0, 301.0])
    assert delay._with_error(counts, 300) == "> 300"
    assert delay._with_error(counts[:3] - [0, 296, 0], 300).endswith(", 1 never")
    assert delay._with_error(np.array([2.0]), 300) == "2.0"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    content = read_yaml(find_config("claims/delay", STUDIES)) | {"runs": 2, "resamples": 100, "replay": {"steps": 20}}
    content["conditions"] = [
        {
            "name": f"delay {steps}",
            "set": {"world.parameters": {"delay": steps, "noise": 0.3}, "learner.window": steps + 1},
        }
        for steps in (3, 1)
    ]
    content["run"]["search"] |= {"population": 2, "generations": 1, "lives": 1, "selection_lifetime": 40}
    content["run"]["evaluation"] |= {"lives": 2, "lifetimes": [40], "birth_steps": 10, "bin_steps": 10}
    return lived_without_page(check_study(content, "toy"), tmp_path_factory.mktemp("delay") / "study")


def test_a_study_gives_all_tables(study, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["delay", str(study), "--lives", "4", "--markdown"])
    delay.main()
    out = capsys.readouterr().out
    rows = [line.split(" | ") for line in out.splitlines() if line.startswith("| 0.3 |")]
    assert [row[2] for row in rows[:2]] == ["1", "3"], "in the order of delays"
    assert rows[2][2] == "1, 3"
    assert out.count("**episodes until more than 0.85 of choices are right**") == 1
    assert [row[3] for row in rows[-2:]] == ["20", "10"], "as many as evolution selected on"
    _, cells = delay.counted(study, 4, 2, 1)
    assert [cell.limit for cell in cells] == [2, 2]
    assert [cell.delay for cell in delay.together([study, study], 4, 2, 1)[1]] == [1, 1, 3, 3]


def test_what_cannot_be_counted_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["delay", str(tmp_path), "--lives", "0"])
    with pytest.raises(SystemExit):
        delay.main()
    assert "--lives 0: must be at least 1" in capsys.readouterr().err
    content = {
        "run": {"world": {"name": "bandit"}, "brain": {"hidden": [2]}},
        "conditions": [{"name": "as it is"}],
        "arms": ["random", "evolved", "tuned_blank", "oracle"],
        "primary": {"arm": "evolved", "against": "tuned_blank", "metric": "total"},
        "margins": {"total": 0.05},
    }
    for against, said in (
        ("evolved", "is of world bandit, must be of corridors"),
        ("random", "primary.arm=random: must"),
    ):
        content["primary"] = {"arm": against, "against": "tuned_blank", "metric": "total"}
        config = check_study(content, "toy")
        monkeypatch.setattr(
            delay, "open_study", lambda path, config=config: SimpleNamespace(read_config=lambda: config)
        )
        with pytest.raises(UserError, match=said):
            delay.counted(tmp_path, 2, None, 1)
    found = iter([("innate", planted(0.3, 4.0, 0.5)), ("learned", planted(0.0, 4.0, 0.5))])
    monkeypatch.setattr(delay, "counted", lambda *asked: next(found))
    with pytest.raises(UserError, match=r"STUDY=b: must have the arms of a, and the same primary\.arm"):
        delay.together([Path("a"), Path("b")], 2, None, 1)


@pytest.mark.parametrize("name", CLAIMS)
def test_every_condition_learns_from_whole_episodes_and_selects_on_them(name):
    config = check_study(read_yaml(find_config(name, STUDIES)), name)
    for condition in config.conditions:
        run = config.run_of(condition)
        length = int(run.world.parameters["delay"]) + 1
        assert run.learner.window == length, condition.name
        assert run.search.selection_lifetime % length == 0, condition.name
        assert run.learner.plasticity["learning_rate"] == pytest.approx(0.6 * length), condition.name
        said = {"noise": run.world.parameters["noise"], "delay": length - 1}
        assert all(f"{word} {value:g}".replace(" 0.", " .") in condition.name for word, value in said.items())
    assert config.arm("innate").tuning_steps == config.arm("learned").tuning_steps > 0
    assert plan_study(config).steps > 1e8
