"""Weights that a config gives: where evolution starts, and what is refused."""

import numpy as np
import pytest

from evolearn.config import ConfigError, check_config
from evolearn.genome import decode
from evolearn.run import assemble
from evolearn.run.natural import born_weights
from tests.helpers.runs import toy

GIVEN = {"value.bias": 0.25, "policy.weight": tuple(0.1 * place for place in range(8))}


def setup_of(weights=GIVEN, **changes):
    return assemble(check_config(toy(brain={"hidden": [4], "weights": weights}, **changes), "toy"))


@pytest.mark.parametrize("mode", ["evolved", "fixed"])
def test_evolution_starts_at_what_is_given_and_elsewhere_at_the_standard_initialisation(mode: str) -> None:
    setup, standard = (setup_of(weights, genome={"weights": {"mode": mode}}) for weights in (GIVEN, {}))
    born, before = (decode(one.pool, one.pool.centre[None]).weights[0] for one in (setup, standard))
    start = 0
    for tensor in setup.conditions.brain.tensors:
        place = slice(start, start + tensor.size)
        expected = np.float32(GIVEN[tensor.name]) if tensor.name in GIVEN else before[place]
        np.testing.assert_array_equal(born[place], np.broadcast_to(expected, tensor.size))
        start += tensor.size
    assert (born != before).any()


def test_what_a_newborn_is_born_with_can_be_given_to_the_bit() -> None:
    setup = setup_of()
    genome = np.random.default_rng(1).normal(size=setup.pool.size).astype(np.float32)
    weights = born_weights(setup.pool, genome)
    again = assemble(check_config(setup_of(weights).config.model_dump(mode="json"), "kept"))
    born = decode(again.pool, again.pool.centre[None]).weights
    assert born.tobytes() == decode(setup.pool, genome[None]).weights.tobytes()


def test_a_config_that_gives_none_is_written_as_ever() -> None:
    assert "weights" not in check_config(toy(), "toy").model_dump()["brain"]
    assert check_config(toy(brain={"hidden": [4], "weights": GIVEN}), "toy").model_dump()["brain"]["weights"] == GIVEN


@pytest.mark.parametrize(
    ("weights", "changes", "text"),
    [
        ({"policy.wait": 1.0}, {}, "brain.weights: 'policy.wait' is unknown: this brain has hidden1.weight, hidden1.b"),
        ({"policy.bias": (1.0,)}, {}, "brain.weights.policy.bias: has 1 numbers, must have one, or 2"),
        (GIVEN, {"genome": {"weights": {"mode": "fresh"}}}, "brain.weights: must be left out with genome.weights.mode"),
        ({"policy.bias": float("inf")}, {}, "brain.weights.policy.bias"),
    ],
)
def test_what_fits_no_brain_is_refused(weights: dict, changes: dict, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        setup_of(weights, **changes)
    assert text in str(caught.value)
