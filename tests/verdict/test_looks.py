"""Looks stated beforehand, and several conditions: the chance of a false finding is kept, planted effects are found."""

import dataclasses

import numpy as np
import pytest
from scipy import stats as distributions

from evolearn.verdict import Look, LookByLook, judge_primary, spent_evenly
from evolearn.verdict._contrasts import Tests as Outcome
from evolearn.verdict.stats import Equivalence
from tests.helpers.synthetic_lives import contrast, study_rules, synthetic

LOOKS = tuple(map(Look, (5, 10, 15, 20), (0.010, 0.012, 0.013, 0.015)))


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


def test_a_condition_withheld_for_good_is_closed_and_counts_in_the_family():
    taken = LookByLook(["a", "b"], (Look(5, 0.03), Look(10, 0.02)))
    taken.judge({"a": Outcome(withheld="no DNA", for_good=True), "b": outcome(0.5)})
    assert (taken.open, taken.seen("a")[0].decided) == (["b"], True)
    taken.judge({"b": outcome(0.009)})
    assert taken.seen("b")[1].tests.p_holm == 0.018
    assert taken.next_look is None
    assert len(taken.seen("a")) == 1


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


# --- from lives to the last look, as a study does it


def lived_through(ends, metric, margin, seed):
    """The looks at a made-up study, `ends` being birth score and ceiling of its two arms."""
    arms = {"random": (0.18, 0.18), **ends}
    lives = {
        arm: synthetic(arm, LOOKS[-1].runs, 2, birth, ceiling, noise=0.05, seed=7 * seed + place, luck=seed)
        for place, (arm, (birth, ceiling)) in enumerate(arms.items())
    }
    rules = study_rules(seed=seed, catch_up_share=0.9, margins={metric: margin})
    primary = contrast("evolved", "rival", metric)
    taken = LookByLook(["only"], LOOKS)
    while (look := taken.next_look) is not None:
        until = {arm: first_runs(of_arm, look.runs) for arm, of_arm in lives.items()}
        taken.judge({"only": judge_primary(rules, primary, until, look.level)})
    return taken.seen("only")


def first_runs(lives, count):
    parts = {name: getattr(lives, name)[:count] for name in ("birth", "running", "ceiling", "totals", "deaths")}
    return dataclasses.replace(lives, **parts)


def shows_a_difference(seen):
    p = seen[-1].tests.p
    return p is not None and p < seen[-1].look.level


def test_an_arm_against_itself_is_rarely_found_different_at_any_of_four_looks():
    found = [lived_through({"evolved": (0.5, 0.9), "rival": (0.5, 0.9)}, "birth", 1e-6, seed) for seed in range(40)]
    assert sum(map(shows_a_difference, found)) <= 4  # of 40: more has a chance below .02 at a rate of .035
    assert all(seen[-1].look.runs == 20 for seen in found if not seen[-1].decided)


@pytest.mark.parametrize(("metric", "margin", "runs"), [("birth", 0.05, 5), ("head_start", 1000.0, 10)])
def test_a_planted_head_start_is_found_at_the_first_look_that_can(metric, margin, runs):
    """Five paired signs cannot come out at .010; five runs per arm, permuted, can."""
    for seed in range(5):
        seen = lived_through({"evolved": (0.9, 0.9), "rival": (0.2, 0.9)}, metric, margin, seed)
        assert shows_a_difference(seen)
        assert seen[-1].look.runs == runs


def test_no_head_start_is_found_between_arms_that_are_born_alike():
    """Neither has one: what is found is that there is none that matters."""
    for seed in range(5):
        seen = lived_through({"evolved": (0.2, 0.9), "rival": (0.2, 0.9)}, "head_start", 1500.0, seed)
        assert not shows_a_difference(seen)
        assert seen[-1].decided
        assert seen[-1].tests.equivalence.p < seen[-1].look.level
