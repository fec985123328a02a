"""Looks stated beforehand, and several conditions: the chance of a false finding is kept, planted effects are found."""

import gc

import numpy as np
import pytest
from scipy import stats as distributions

from evolearn.verdict import Look, LookByLook, spent_evenly
from evolearn.verdict._contrasts import Tests as Outcome
from evolearn.verdict.stats import Equivalence

LOOKS = tuple(map(Look, (5, 10, 15, 20), (0.010, 0.012, 0.013, 0.015)))


@pytest.fixture(autouse=True)
def _little_to_collect():
    """statsmodels collects garbage at every Holm, among all that other tests have left: take that out of its sight."""
    gc.freeze()
    yield
    gc.unfreeze()


def outcome(p, within=None):
    return Outcome(p=p, equivalence=Equivalence(within, None))


def p_at_looks(studies, conditions, effect, seed):
    """Two-sided p [studies, conditions, looks] of the mean of normal runs so far, which shift by `effect`."""
    runs = np.random.default_rng(seed).normal(effect, 1.0, (studies, conditions, LOOKS[-1].runs))
    sums = np.cumsum(runs, axis=-1)[..., [look.runs - 1 for look in LOOKS]]
    return 2 * distributions.norm.sf(np.abs(sums) / np.sqrt([look.runs for look in LOOKS]))


def through(p_values, looks=LOOKS, sequence=()):
    """Take every look that is due; p_values: [conditions, looks]."""
    names = [str(place) for place in range(len(p_values))]
    taken = LookByLook(names, looks, sequence)
    for place in range(len(looks)):
        if taken.next_look is None:
            break
        taken.judge({name: outcome(float(p_values[int(name), place])) for name in taken.open})
    return taken


def share_found(p_values, looks=LOOKS):
    """Share of studies with any condition decided."""
    return np.mean([len(through(study, looks).open) < len(study) for study in p_values])


@pytest.mark.parametrize(("conditions", "studies"), [(1, 4000), (6, 500)])
def test_looking_four_times_keeps_the_level(conditions, studies):
    p_values = p_at_looks(studies, conditions, 0.0, seed=conditions)
    assert 0.01 < share_found(p_values) < 0.05
    naive = tuple(Look(look.runs, 0.05) for look in LOOKS)
    assert share_found(p_values, naive) > 0.09  # what the levels are there for


def test_a_planted_effect_is_found_the_sooner_the_larger():
    for effect, runs in ((3.0, 5), (1.0, 10)):
        found = [through(study).seen("0")[-1] for study in p_at_looks(300, 1, effect, seed=7)]
        assert np.mean([one.decided for one in found]) > 0.93
        assert np.median([one.look.runs for one in found]) == runs


def test_a_decided_condition_takes_no_more_looks_and_the_others_go_on():
    taken = through(np.array([[0.001, 1, 1, 1], [0.5, 0.5, 0.5, 0.01]]))
    assert [one.look.runs for one in taken.seen("0")] == [5]
    assert [one.look.runs for one in taken.seen("1")] == [5, 10, 15, 20]
    assert taken.open == []
    assert taken.next_look is None
    # two under Holm at first; alone when the other was found
    assert [one.tests.p_holm for one in taken.seen("1")] == [0.5, 0.5, 0.5, 0.01]
    assert taken.seen("0")[0].tests.p_holm == 0.002


def test_holm_over_conditions_at_one_look():
    taken = through(np.array([[0.012], [0.02], [0.04]]), (Look(10, 0.05),))
    assert [taken.seen(name)[0].tests.p_holm for name in "012"] == pytest.approx([0.036, 0.04, 0.04])
    assert taken.open == []
    lost = through(np.array([[0.02], [0.03], [0.04]]), (Look(10, 0.05),))
    assert lost.open == ["0", "1", "2"]


def test_a_single_condition_is_not_adjusted():
    (seen,) = through(np.array([[0.04]]), (Look(10, 0.05),)).seen("0")
    assert (seen.decided, seen.tests.p_holm) == (True, None)


def test_a_condition_without_a_test_stays_open_and_counts_in_the_family():
    taken = LookByLook(["a", "b"], (Look(5, 0.05),))
    taken.judge({"a": Outcome(withheld="too few"), "b": outcome(0.03)})
    assert taken.open == ["a", "b"]
    assert taken.seen("a")[0].tests.p_holm is None
    assert taken.seen("b")[0].tests.p_holm == 0.06


def test_what_was_found_alike_still_counts_among_the_differences():
    """The two are families of their own: only a difference that was found makes room for another."""
    taken = LookByLook(["a", "b"], (Look(5, 0.02), Look(10, 0.03)))
    taken.judge({"a": outcome(0.9, within=0.001), "b": outcome(0.5, within=0.5)})
    assert taken.open == ["b"]
    taken.judge({"b": outcome(0.02, within=0.029)})
    (_, last) = taken.seen("b")
    assert last.tests.p_holm == 0.04
    assert last.tests.equivalence_p_holm == 0.029  # the other one was found: it stands alone
    assert last.decided


def test_in_a_fixed_sequence_each_has_the_whole_level_if_those_before_were_found():
    looks = (Look(10, 0.05),)
    taken = through(np.array([[0.03], [0.04], [0.2], [0.001]]), looks, sequence=("1", "0", "2", "3"))
    assert taken.open == ["2", "3"]
    assert taken.seen("0")[0].tests.p_holm == 0.04
    assert taken.seen("3")[0].tests.p_holm == 0.2
    assert taken.seen("3")[0].tests.adjustment == "in the fixed sequence of conditions"


def test_a_gate_that_opened_stays_open():
    looks = (Look(5, 0.02), Look(10, 0.03))
    taken = through(np.array([[0.01, 0.9], [0.5, 0.025]]), looks, sequence=("0", "1"))
    assert taken.open == []
    assert taken.seen("1")[-1].tests.p_holm == 0.025


def test_equal_parts_sum_to_the_level():
    assert sum(spent_evenly(0.05, 7)) == pytest.approx(0.05)
