"""Weights that are as at birth again when a world is born a second time: known answers, in both drivers."""

import dataclasses

import numpy as np
import pytest

from evolearn.life import Plan, traced_lives
from evolearn.life._fused import FusedDriver
from evolearn.life._stepwise import StepwiseDriver
from evolearn.rng import VALIDATION, life_keys
from tests.helpers.compiled_environments import ALWAYS, CompiledEnvironments, assert_same
from tests.helpers.probe_worlds import conditions_for, fated, newborns_for

LIVES, SWITCH = 3, 32  # two windows
KEYS = life_keys(5, VALIDATION, 2, LIVES)
# They stop to learn at the switch, so that nothing but the reset moves weights from there on.
PLAN = Plan(48, learn_until=SWITCH, final_weights=True)
PLAIN = dataclasses.replace(conditions_for(fated), switch_at=SWITCH)
HEADS = PLAIN.brain.heads_from


def lived(reset_from, fresh, plan=PLAN, driver=FusedDriver, more=()):
    conditions = dataclasses.replace(PLAIN, reset_from=reset_from)
    newborns = newborns_for(conditions, LIVES, fresh=fresh, **ALWAYS)
    one = driver(conditions, 1, *more)
    try:
        return traced_lives(one, newborns, np.arange(LIVES), KEYS, plan)
    finally:
        one.close()


def test_the_heads_are_the_last_layer():
    assert PLAIN.brain.tensors[2].name == "policy.weight"
    assert sum(tensor.size for tensor in PLAIN.brain.tensors[2:]) == PLAIN.brain.weights - HEADS


@pytest.mark.parametrize("fresh", [False, True], ids=["inherited", "fresh"])
def test_weights_from_the_first_that_is_reset_on_are_as_at_birth_and_the_others_as_learned(fresh):
    at_birth = lived(None, fresh, Plan(1, learn_until=0, final_weights=True))[0].final_weights
    (learned, kept), (outcome, trace) = lived(None, fresh), lived(HEADS, fresh)
    assert (learned.final_weights != at_birth).mean() > 0.9
    assert outcome.final_weights[:, :HEADS].tobytes() == learned.final_weights[:, :HEADS].tobytes()
    assert outcome.final_weights[:, HEADS:].tobytes() == at_birth[:, HEADS:].tobytes()
    assert lived(0, fresh)[0].final_weights.tobytes() == at_birth.tobytes()
    for before, without in zip(trace, kept, strict=True):
        assert before[:, :SWITCH].tobytes() == without[:, :SWITCH].tobytes()


def test_who_learned_nothing_loses_nothing_and_acts_by_the_same_luck():
    never = dataclasses.replace(PLAN, learn_until=0)
    for one, other in zip(lived(0, True, never), lived(None, True, never), strict=True):
        assert_same(one, other)


def test_the_stepwise_driver_resets_the_same():
    learning = dataclasses.replace(PLAN, learn_until=None)
    for one, other in zip(
        lived(HEADS, True, learning, StepwiseDriver, (2, CompiledEnvironments)),
        lived(HEADS, True, learning),
        strict=True,
    ):
        assert_same(one, other)
