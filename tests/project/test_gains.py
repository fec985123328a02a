"""The table that says whether searches had stopped gaining: planted curves, and what is refused."""

import numpy as np
import pytest

from benchmarks import gains
from evolearn.errors import UserError


def arm(gain, *centres):
    runs = [{"climbing": False, "centre": centre} for centre in centres]
    gain = None if gain is None else dict(zip(("value", "low", "high"), gain, strict=True))
    return {"evolution": {"gain": gain, "runs": runs}}


def verdict_of(**arms):
    return {"conditions": [{"name": "one", "runs": 3, "arms": arms | {"random": {"evolution": None}}}]}


def test_scores_by_eighth_and_what_the_verdict_says_of_the_end():
    rising = arm((0.05, 0.025, 0.075), *(np.arange(16.0) + run for run in range(3)))
    flat = arm((0.003, -0.133, 0.14), *[np.full(16, 2.0)] * 3)
    rows = gains.searches(verdict_of(rising=rising, flat=flat)).rows
    # Two generations each: 0.5, 2.5, .. of the first run, one more of the second, two of the third.
    assert rows[0][:4] == ("one", "rising", "1.5", "3.5")
    assert rows[0][9] == "15.5"
    assert rows[0][10] == "+0.050 [+0.025, +0.075], gaining"
    assert rows[0][11] == "0 of 3"
    assert rows[1][10] == "+0.003 [-0.133, +0.140]"


def test_what_tells_nothing_is_left_out_or_refused():
    short = arm((0.1, 0.1, 0.1), np.zeros(7), np.zeros(7))
    unscaled = arm(None, np.zeros(16), np.zeros(16))
    with pytest.raises(UserError, match="no arm of it evolved for 8 generations"):
        gains.searches(verdict_of(short=short, unscaled=unscaled))
    older = arm((0.1, 0.1, 0.1), np.zeros(16), np.zeros(16))
    del older["evolution"]["gain"]
    with pytest.raises(UserError, match="older than this table; delete it, and evolearn resume STUDY"):
        gains.searches(verdict_of(older=older))
    single = verdict_of(short=short)
    single["conditions"][0]["runs"] = 1
    with pytest.raises(UserError, match="must have at least 2"):
        gains.searches(single)
