"""The table that says whether searches had stopped gaining: planted curves, and what is refused."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from benchmarks import gains
from evolearn.errors import UserError


def entry(gain, centre):
    return {"gain": None if gain is None else {"value": gain}, "climbing": False, "centre": centre}


def verdict_of(**arms):
    arms = {name: {"evolution": {"runs": runs}} for name, runs in arms.items()} | {"random": {}}
    return {"conditions": [{"name": "one", "runs": 3, "arms": arms}]}


def test_small_gains_of_all_runs_are_seen_where_no_run_shows_one():
    rising = [entry(gain, np.arange(16.0) + run) for run, gain in enumerate((0.04, 0.05, 0.06))]
    flat = [entry(gain, np.full(16, 2.0)) for gain in (-0.05, 0.0, 0.06)]
    rows = gains.searches(verdict_of(rising=rising, flat=flat)).rows
    # Two generations each: 0.5, 2.5, .. of the first run, one more of the second, two of the third.
    assert rows[0][:4] == ("one", "rising", "1.5", "3.5")
    assert rows[0][9] == "15.5"
    assert rows[0][10] == "+0.050 [+0.025, +0.075], gaining"
    assert rows[0][11] == "0 of 3"
    assert rows[1][10] == "+0.003 [-0.133, +0.140]"


def test_its_interval_is_students():
    values = np.random.default_rng(1).normal(0.1, 1.0, 9)
    low, high = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert gains.with_interval(values).endswith(f"[{low:+.3f}, {high:+.3f}]")


def test_what_tells_nothing_is_left_out_or_refused():
    short = [entry(0.1, np.zeros(7)), entry(0.1, np.zeros(7))]
    unscaled = [entry(None, np.zeros(16)), entry(0.1, np.zeros(16))]
    with pytest.raises(UserError, match="no arm of it evolved for 8 generations"):
        gains.searches(verdict_of(short=short, unscaled=unscaled))
    single = verdict_of(short=short)
    single["conditions"][0]["runs"] = 1
    with pytest.raises(UserError, match="must have at least 2"):
        gains.searches(single)
