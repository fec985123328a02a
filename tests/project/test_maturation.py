"""Growing up: what a body allows, by closed form and by lives; and the tables of a toy study."""

import math

import numpy as np
import pytest

from benchmarks import maturation, pecks
from benchmarks.bandits import markdown
from evolearn.config import STUDIES, check_config, find_config, read_yaml
from evolearn.errors import UserError
from evolearn.life import OwnDrivers
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import Arm, assemble
from evolearn.study.config import check_study
from tests.helpers.claim_cells import cells_without
from tests.helpers.study_watch import lived_without_page

AGE, WINDOW = 400, 100
STILL = -5.0  # log of a standard deviation that moves nothing


def test_pay_of_a_gain_is_the_mean_over_targets_and_offsets():
    rng = np.random.default_rng(0)
    targets, offsets = rng.standard_normal((2, 400_000))
    for strength, gain, offset in ((0.3, 1.0, 0.0), (0.3, 3.0, 0.4), (1.0, 1.2, 0.8)):
        miss = (strength * gain - 1.0) * targets + offset * offsets
        expected = np.exp(-(miss**2) / (2 * 0.25**2)).mean()
        assert pecks.pay(np.array([strength]), gain, offset)[0] == pytest.approx(expected, abs=0.003)


def test_jitter_makes_timetables_worth_less_and_offsets_the_more():
    best = {dials: pecks.by_gain(*dials).max(axis=0).mean() for dials in pecks.DIALS}
    assert best[0.0, 0.0] == pytest.approx(1.0, abs=1e-3)
    assert best[0.4, 0.0] == pytest.approx(math.sqrt(0.25**2 / (0.25**2 + 0.4**2)), abs=1e-3)
    assert best[0.4, 300.0] < best[0.4, 0.0] < best[0.0, 300.0] < best[0.0, 0.0]


@pytest.fixture(scope="module")
def grown():
    """A brain that grows as its body does, written by hand, and a driver for its lives."""
    content = read_yaml(find_config("claims/maturation", STUDIES))["run"]
    content["world"]["parameters"] = {"offset": 0, "jitter": 0}
    content["brain"]["weights"] |= {"policy.weight": 1 / 0.3, "policy.log_stdev": STILL}
    setup = assemble(check_config(content, "by hand"))
    genome, places = setup.pool.centre.copy(), setup.pool.slices()
    genome[places["plasticity", "grown_weight"]] = [1.0, 0.0, 0.0, 0.0, STILL]
    genome[places["plasticity", "grown_onset"]] = 0.337  # a little before the body, since 1 / strength falls at once
    genome[places["plasticity", "grown_width"]] = math.log(0.05)
    drivers = OwnDrivers(1)
    yield setup, setup.driver(drivers), Arm("grown", "", setup.pool, genome), life_keys(5, VALIDATION, 0, 300)
    drivers.close()


def test_a_timetable_that_fits_earns_what_the_closed_form_says(grown):
    setup, driver, arm, keys = grown
    best, one = (pays.mean() for pays in (pecks.by_gain(0.0, 0.0).max(axis=0), pecks.by_gain(0.0, 0.0)[333]))
    lived = maturation.living(arm.frozen().plan(1000), setup, driver, arm, keys).fitness.mean() / 1000
    assert lived == pytest.approx(best, abs=0.02)
    young = maturation.without_growth(arm)
    stays = maturation.living(young.frozen().plan(1000), setup, driver, young, keys).fitness.mean() / 1000
    assert stays == pytest.approx(one, abs=0.02), "of a gain of 3.33 for life"


def test_brains_fit_bodies_of_their_own_age(grown):
    call = grown
    young, old = (maturation.brains_at(age, *call, deprived=True) for age in (0, 800))
    scores = {
        (brain, body): maturation.tested(weights, body, WINDOW, *call)
        for brain, weights in (("young", young), ("old", old))
        for body in (0, 800)
    }
    for (brain, body), found in scores.items():
        gain, strength = {"young": 1 / 0.3, "old": 1.0}[brain], np.array([{0: 0.3, 800: 1.0}[body]])
        assert found == pytest.approx(pecks.pay(strength, gain, 0.0)[0], abs=0.02)


def test_experience_has_no_share_without_any_and_all_where_nothing_grows(grown):
    setup, driver, arm, keys = grown
    newborn, deprived, lived = maturation.share_of_experience(AGE, WINDOW, setup, driver, arm.frozen(), keys)
    assert lived == deprived
    assert deprived > newborn + 0.1
    young = maturation.without_growth(arm)
    newborn, deprived, lived = maturation.share_of_experience(AGE, WINDOW, setup, driver, young, keys)
    assert deprived == newborn
    assert lived != deprived


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    content = read_yaml(find_config("claims/maturation", STUDIES)) | {"runs": 2, "resamples": 100}
    content["conditions"] = content["conditions"][::3]
    content["run"]["search"] |= {"generations": 2, "population": 4, "lives": 1}
    content["run"]["evaluation"] |= {"lives": 2}
    return lived_without_page(check_study(content, "toy"), tmp_path_factory.mktemp("maturation") / "study")


class Asked:
    age, window, lives = AGE, WINDOW, 4


def test_tables_of_a_study_have_a_row_for_each_condition(study):
    whole, adds, shares = maturation.tables(study, Asked)
    assert [row[0] for row in whole.rows] == ["all lives alike", "both differ"]
    assert adds.rows[0][-1] == ""
    assert adds.rows[1][-1].endswith("of 2")
    assert [row[:2] for row in shares.rows] == [
        (condition, arm) for condition in ("all lives alike", "both differ") for arm in ("learning", "both")
    ]
    missing = cells_without("maturation", markdown(shares))
    assert len(missing) == 2, "those of the conditions that were left out"
    assert "where both differ, it has .4 or more, in nine runs of ten" not in missing
    assert len(cells_without("maturation", markdown(whole))) == 4


def test_an_age_after_the_longest_life_is_refused(study):
    late = Asked()
    late.age = 1000
    with pytest.raises(UserError, match="--age 1000: must be at most 900, with --window 100"):
        maturation.tables(study, late)
