"""Locks and chains beside what is exact: references by hand, bands that can be missed, a study counted as it counts."""

import json
import sys

import numpy as np
import pytest
from evolearn.worlds.chain import chain
from evolearn.worlds.lock import ever_opened, lock, lock_10

from benchmarks import locks
from evolearn.config import STUDIES, find_config, read_yaml
from evolearn.errors import UserError
from evolearn.rng import VALIDATION, life_keys
from evolearn.study import open_study
from evolearn.study.config import check_study
from tests.helpers.probe_worlds import Stage
from tests.helpers.study_watch import lived_without_page


def planted(**ever):
    """A study of the claim in which runs of an arm ever open the lock in so many lives, under two conditions."""
    content = read_yaml(find_config("claims/kick-start", STUDIES)) | {"runs": 5}
    content["conditions"] = [{"name": f"{m} redrawn", "set": {"world.parameters.redrawn": m}} for m in (2, 4)]
    luck = 0.004 * np.array([-1, 0, 1, 1, -1])
    arms = {
        arm: {"runs": [{"ever": level + one, "total": 0.1} for one in luck * scatter]}
        for arm, (level, scatter) in ever.items()
    }
    verdict = {"lifetimes": [996], "conditions": [{"name": one["name"], "arms": arms} for one in content["conditions"]]}
    return check_study(content, "planted"), verdict


def met(**ever):
    """By condition and arm, whether the band was met."""
    return {row[:2]: row[-1] for row in locks.tables(*planted(**ever))[1].rows}


def test_a_blank_learner_is_held_to_guessing_and_an_evolved_one_to_its_prior():
    found = met(random=(0.04, 1), tuned_blank=(0.045, 1), evolved=(0.97, 1), evolved_frozen=(0.5, 1), oracle=(1.0, 0))
    assert found == {
        ("2 redrawn", "tuned_blank"): "yes",
        ("2 redrawn", "evolved"): "yes",
        ("4 redrawn", "tuned_blank"): "yes",
        ("4 redrawn", "evolved"): "no",  # more than who knows the rest and guesses
    }
    assert ever_opened(4, 166) + 0.15 < 0.97


def test_bands_can_be_missed_and_left_undecided():
    found = met(tuned_blank=(0.09, 1), tuned_learner=(0.06, 3), evolved=(0.40, 1))
    assert [found["2 redrawn", arm] for arm in ("tuned_blank", "tuned_learner", "evolved")] == ["no", "undecided", "no"]
    assert found["4 redrawn", "evolved"] == "yes"


def test_what_is_exact_is_beside_what_was_found():
    table, _ = locks.tables(*planted(random=(0.04, 1), evolved=(0.9, 0)))
    by_name = {row[:2]: row[2:] for row in table.rows}
    assert by_name["4 redrawn", "random"] == ("0.040 ± 0.002", "0.040", "0.041", "0.478", "0.1 ± 0.000", "0 of 5")
    assert by_name["2 redrawn", "evolved"] == ("0.900 ± 0.000", "0.040", "0.041", "1.000", "0.1 ± 0.000", "5 of 5")


def test_what_did_not_ask_for_ever_is_refused():
    config, verdict = planted(random=(0.04, 1))
    for run in verdict["conditions"][1]["arms"]["random"]["runs"]:  # both conditions are of the same runs
        run.pop("ever", None)
    with pytest.raises(UserError, match="metric ever: no contrast asked for it"):
        locks.tables(config, verdict)


def test_worlds_in_which_pay_says_nothing_are_refused():
    for world, parameters in ((chain, {"noise": 0.2}), (chain, {"each": 1}), (chain, {"hazard": 0.1})):
        with pytest.raises(UserError, match="chain with each, noise and hazard at 0"):
            locks.known(world.name, world.resolve(parameters), 100)
    with pytest.raises(UserError, match="world maze: must be lock or lock-10, or chain"):
        locks.known("maze", {}, 100)
    assert locks.known("lock-10", lock_10.resolve({"presses": 8}), 1000).prior == 1.0
    assert locks.known("lock", lock.resolve({"presses": 2, "redrawn": 6}), 20).prior == ever_opened(2, 10)


def test_a_table_passes_chains_in_the_world_as_the_reference_says():
    rng, links, steps, lives = np.random.default_rng(3), 3, 120, 12
    passed = []
    for key in life_keys(91, VALIDATION, 0, lives):
        stage, values, count = Stage(chain, key, links=links), np.ones((links, 4)), 0
        for _ in range(steps):
            place = int(stage.observe().argmax())
            action = int(rng.choice(np.flatnonzero(values[place] == values[place].max())))
            paid, over, *_ = stage.step(action)
            ahead = 1.0 if over else locks.DISCOUNT * values[int(stage.observe().argmax())].max()
            values[place, action] += 0.5 * (ahead - values[place, action])
            if over:
                stage.begin()
            count += paid
        passed.append(count)
    reference = locks.chained(links, steps, 1.0, 0.5, 0.0, 200, np.random.default_rng(0))
    # Who believes every way to be the best until it was tried takes as long for any secret, in whatever order.
    assert set(passed) == set(reference.tolist()) == {28}


def test_values_that_start_high_pass_a_chain_that_values_from_0_do_not():
    assert locks.optimism(8, 1000, 1.0, 5)[0] == 1.0
    assert locks.optimism(8, 1000, 0.0, 5)[0] < 0.05


def test_the_references_are_in_their_table(capsys, monkeypatch):
    rows = locks.lock(0).rows
    assert rows == locks.lock(1).rows, "exact"
    assert rows[6] == ("6", "6", "166", "0.040", "0.041", "0.00024", "0.020", "10")
    monkeypatch.setattr(sys, "argv", ["locks", "nowhere"])
    with pytest.raises(SystemExit):
        locks.main()
    assert "nowhere" in capsys.readouterr().err


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The claim with a lock of two presses, which a small search opens."""
    content = read_yaml(find_config("claims/kick-start", STUDIES)) | {"runs": 2, "resamples": 100}
    content["conditions"] = content["conditions"][:1]
    content["run"]["world"] = {"name": "lock-10", "parameters": {"presses": 2}}  # redrawn is left at its default
    content["conditions"][0]["set"] = {}
    content["run"]["learner"]["window"] = 2
    content["run"]["search"] |= {"generations": 25, "population": 12, "lives": 4, "selection_lifetime": 20}
    content["run"]["evaluation"] = {"lives": 300, "birth_steps": 10, "bin_steps": 2, "lifetimes": [20]}
    content["arms"] = ["random", "tuned_blank", "evolved", "oracle"]
    content["secondary"] = []
    return lived_without_page(check_study(content, "toy"), tmp_path_factory.mktemp("locks") / "study", 2)


def test_a_study_of_two_presses_comes_to_what_is_exact(study, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["locks", str(study), "--markdown"])
    locks.main()
    out = capsys.readouterr().out
    found = {
        one.arm: one
        for one in locks.solved(open_study(study).read_config(), json.loads((study / "verdict.json").read_text()))
    }
    exact = 1 - (15 / 16) ** 10
    for arm in ("random", "tuned_blank"):
        assert found[arm].ever.mean() == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 600))
        assert f"| {arm} | {found[arm].ever.mean():.3f} ± " in out
    assert found["evolved"].ever.mean() > 0.95
    assert found["oracle"].total.tolist() == [1.0, 1.0]
    assert [found[arm].is_blank for arm in found] == [False, True, False, False]
    assert [found[arm].is_claimed for arm in found] == [False, False, True, False]
