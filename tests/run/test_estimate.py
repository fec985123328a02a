"""What a run will take, beside what it took."""

import numpy as np
import pytest

from evolearn.config import check_config
from evolearn.life import OwnDrivers
from evolearn.run import assemble, closing_steps, start_run
from evolearn.run._memory import run_needs
from evolearn.run.transplant import live_arm, live_births
from tests.helpers.runs import Watcher

TOY = {
    "world": {"name": "cart-pole"},
    "brain": {"hidden": [4]},
    "search": {"population": 6, "generations": 2, "lives": 2, "selection_lifetime": 60},
    "evaluation": {"lives": 4, "lifetimes": [400], "birth_steps": 200},
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A run that is estimated although it is small, and the world steps of its closing table, counted."""
    counted: dict[str, int] = {"long": 0, "births": 0}
    folder = tmp_path_factory.mktemp("estimated")
    with pytest.MonkeyPatch.context() as patch:

        def counting_arm(setup, driver, arm, keys, lifetime, bin_steps):
            counted["long"] += len(keys) * lifetime
            return live_arm(setup, driver, arm, keys, lifetime, bin_steps)

        def counting_births(setup, driver, arm, keys, steps):
            counted["births"] += len(keys) * steps
            return live_births(setup, driver, arm, keys, steps)

        patch.setattr("evolearn.run.closing.live_arm", counting_arm)
        patch.setattr("evolearn.run.closing.live_births", counting_births)
        patch.setattr("evolearn.run.run.HUGE", 1)
        watch = Watcher()
        result = start_run(check_config(TOY, "toy"), "toy", folder / "run", OwnDrivers(1), watch)
    return watch.estimate, result, counted


def test_it_takes_as_many_steps_as_was_said(lived):
    estimate, result, counted = lived
    assert estimate.evolution_steps == result.evolution_steps
    assert (estimate.closing_steps, estimate.birth_steps) == (counted["long"], counted["births"])


def test_the_time_is_steps_over_speed(lived):
    estimate, _, _ = lived
    assert estimate.learning > 0
    assert estimate.frozen > 0
    both = (estimate.evolution_steps + estimate.closing_steps) / estimate.learning
    assert estimate.seconds == pytest.approx(both + estimate.birth_steps / estimate.frozen)
    assert estimate.generation_seconds == pytest.approx(estimate.evolution_steps / 2 / estimate.learning)


def test_genes_genomes_and_bytes_are_those_of_the_run(lived):
    estimate, _, _ = lived
    setup = assemble(check_config(TOY, "toy"))
    assert (estimate.genes, estimate.genomes) == (setup.pool.size, 7)
    larger = assemble(check_config({**TOY, "search": {**TOY["search"], "population": 600}}, "toy"))
    assert sum(need.bytes for need in run_needs(larger)) > estimate.bytes > 7 * setup.pool.size * 4


def test_lives_on_seen_births_are_counted_too():
    plain, seen = (check_config({**TOY, "world": {"name": "cart-pole", **how}}, "toy") for how in ({}, {"set": 2}))
    assert np.array_equal(np.array(closing_steps(assemble(seen))), 2 * np.array(closing_steps(assemble(plain))))


def test_a_dry_run_leaves_nothing_behind(tmp_path):
    watch = Watcher()
    assert start_run(check_config(TOY, "toy"), "toy", tmp_path / "run", OwnDrivers(1), watch, dry_run=True) is None
    assert watch.estimate.genes > 0
    assert list(tmp_path.iterdir()) == []
