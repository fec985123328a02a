"""Shared by tests of lives: five that are lived by both drivers, and in company, to the same bits."""

from unittest import mock

import numpy as np

from evolearn.life._stepwise import StepwiseDriver
from evolearn.life.live import traced_lives
from evolearn.life.records import FINISHED
from evolearn.rng import SELECTION, life_keys
from tests.helpers.compiled_environments import CompiledEnvironments, assert_same

KEYS = life_keys(3, SELECTION, 7, 5)
BORN_AS = np.array([0, 1, 2, 1, 0])  # of three newborns
CHOSEN = [4, 0, 2, 2, 1, 3, 0]  # of the lives, in company


def lived_by_both_drivers(driver, newborns, plan):
    """The outcome of lives that the fused driver and the stepwise one agree on, each step of them."""
    expected, expected_traces = traced_lives(driver, newborns, BORN_AS, KEYS, plan)
    stepwise = StepwiseDriver(driver.conditions, chunk=3, make_environments=CompiledEnvironments)
    outcome, traces = traced_lives(stepwise, newborns, BORN_AS, KEYS, plan)
    assert_same(outcome, expected)
    assert_same(traces, expected_traces)
    assert outcome.status.tolist() == [FINISHED] * len(KEYS)
    return outcome


def lived_in_company(alone, together, newborns, plan, team):
    """The outcome of lives that are the same in teams of a size and in pieces, beside others and twice over.

    Args:
        alone: a driver of one worker.
        together: one of several, for the same conditions.
        newborns: three.
        plan: of their lives.
        team: how many lives `together` lives at once.
    """
    expected, expected_traces = traced_lives(alone, newborns, BORN_AS, KEYS, plan)
    with mock.patch("evolearn.life._fused.PIECE_STEPS", 300), mock.patch.object(together, "team", team):
        outcome, traces = traced_lives(together, newborns, BORN_AS[CHOSEN], np.ascontiguousarray(KEYS[CHOSEN]), plan)
    for found, first in ((outcome, expected), (traces, expected_traces)):
        assert_same(found, type(first)(*(array[CHOSEN] for array in first)))
    return expected
