"""MAML: meta-updates, what they cost, and that learning becomes fast."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch

import evolearn.search.meta_gradients
from evolearn.config import ConfigError, check_config
from evolearn.life import DIVERGED, LifeFault, Plan, evaluate, life_fitness, new_driver, traced_lives
from evolearn.life.evaluation import live_each
from evolearn.life.records import FINISHED
from evolearn.rng import SELECTION, VALIDATION, life_keys
from evolearn.run import (
    assemble,
    evolve,
    new_search,
    to_genomes,
)
from evolearn.run._generation import meta_lives, selection_keys
from evolearn.search import MAML, MAMLOptions, differentiate
from evolearn.search.meta_gradients import gradients_of
from evolearn.world import MEAN_RETURN_PER_EPISODE
from tests.helpers.runs import toy
from tests.helpers.training import WEIGHTS_ONLY

SGD = {"window": 8, "optimiser": "sgd"}


def maml(search=None, **changes) -> dict:
    content = toy("maml", genome=WEIGHTS_ONLY, learner=SGD)
    for section, values in changes.items():
        if isinstance(values, dict):
            content[section] = {**content.get(section, {}), **values}
        else:
            content[section] = values
    content["search"].update(search or {})
    return content


def setup_of(search=None, **changes):
    return assemble(check_config(maml(search, **changes), "toy"))


def on_lines(search=None, **learner) -> dict:
    """Regression on lines: five shots, then five guesses that are judged."""
    content = maml({"selection_lifetime": 10, **(search or {})})
    content["world"] = {"name": "tests.helpers.teaching_worlds:lines"}
    content["brain"] = {"hidden": [16]}
    content["drives"] = {"weights": {"target": 1.0}}
    content["learner"] = {
        "name": "regression",
        "optimiser": "sgd",
        "window": 5,
        "learn_until": 5,
        "gradient_norm": 100.0,
        "plasticity": {"learning_rate": 0.05},
        **learner,
    }
    return content


class Sloping:
    """A trial whose gradient is the same everywhere, and which remembers what it was asked."""

    def __init__(self, *gradient: float) -> None:
        self.gradient = np.array(gradient, np.float32)
        self.asked: list[tuple[int, bool]] = []
        self.judged: list[tuple[np.ndarray, int]] = []

    def differentiate(self, z: np.ndarray, batch: int, first_order: bool) -> np.ndarray:
        self.asked.append((batch, first_order))
        return self.gradient.copy()

    def judge_centre(self, z: np.ndarray, batch: int) -> None:
        self.judged.append((z.copy(), batch))


def test_adam_goes_against_the_gradient_by_its_step() -> None:
    search = MAML(MAMLOptions(step_size=0.25), genes=3, population=2)
    trial = Sloping(2.0, -3.0, 0.0)
    search.step(trial)
    np.testing.assert_allclose(search.centre(), [-0.5, 0.5, 0.0], rtol=1e-6)
    assert trial.asked == [(0, False), (1, False)]
    ((judged, batch),) = trial.judged
    assert batch == 2
    np.testing.assert_array_equal(judged, search.centre())
    np.testing.assert_array_equal(search.best(8), search.centre()[None])
    np.testing.assert_array_equal(search.stdev(), np.zeros(3))


def test_its_steps_are_those_of_adam_in_torch() -> None:
    search = MAML(MAMLOptions(step_size=0.02), genes=40, population=1)
    z = torch.zeros(40)
    adam = torch.optim.Adam([z], lr=0.02)
    for gradient in np.random.default_rng(1).standard_normal((60, 40)).astype(np.float32) ** 3:
        search.step(Sloping(*gradient))
        z.grad = torch.tensor(gradient)
        adam.step()
    np.testing.assert_allclose(search.centre(), z.numpy(), rtol=1e-5, atol=1e-6)


def test_a_gradient_that_is_not_finite_changes_nothing() -> None:
    search = MAML(MAMLOptions(first_order=True), genes=2, population=1)
    search.step(Sloping(1.0, 1.0))
    before, state = search.centre(), search.state()
    trial = Sloping(1.0, np.nan)
    search.step(trial)
    assert trial.asked == [(0, True)]
    np.testing.assert_array_equal(search.centre(), before)
    assert all(torch.equal(value, state[name]) for name, value in search.state().items())


def test_the_gradient_of_a_batch_is_the_mean_over_its_lives_whatever_the_blocks_and_workers(monkeypatch) -> None:
    setup = setup_of({"lives": 7})
    drivers = [new_driver(setup.conditions, workers, 30.0) for workers in (1, 3)]
    lives = meta_lives(setup, np.zeros(setup.pool.size, np.float32), 0, 2, False, 0)
    np.testing.assert_array_equal(lives.keys, selection_keys(setup.config, 0, 2))
    assert setup.selection == Plan(60, learn_until=8)
    newborns, born_as = evolearn.search.meta_gradients.decode(setup.pool, lives.genome[None]), np.zeros(7, np.int64)
    outcome, traces = traced_lives(drivers[0], newborns, born_as, lives.keys, setup.selection)
    each, _ = gradients_of(setup.conditions, setup.selection, False, newborns, born_as, traces)
    assert np.linalg.matrix_rank(each) > 1, "lives differ"
    monkeypatch.setattr(evolearn.search.meta_gradients, "LIVES_AT_ONCE", 3)
    lives = pickle.loads(pickle.dumps(lives))
    for array in (lives.genome, lives.keys):
        array.flags.writeable = False  # as Ray hands them to workers
    found = [differentiate(driver, lives) for driver in drivers]
    for evaluation, gradient in found:
        np.testing.assert_allclose(gradient, each.mean(axis=0), rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(evaluation.fitness, found[0][0].fitness)
        np.testing.assert_array_equal(
            evaluation.fitness[0], life_fitness(outcome, MEAN_RETURN_PER_EPISODE, setup.selection)
        )
        assert evaluation.world_steps == 7 * 60
        assert gradient.tobytes() == found[0][1].tobytes()


def test_an_update_is_one_step_of_adam_along_the_gradient_and_the_result_is_judged() -> None:
    setup = setup_of({"population": 2, "generations": 1, "lives": 3, "options": {"step_size": 0.1}})
    driver = new_driver(setup.conditions, 2, 30.0)
    search = new_search(setup)
    (row,) = evolve(setup, driver, search)
    again = MAML(MAMLOptions(step_size=0.1), setup.pool.size, 1)
    for batch in range(2):
        lives = meta_lives(setup, again.centre(), 0, batch, False, 0)
        np.testing.assert_array_equal(lives.keys, life_keys(5, SELECTION, 0, 9)[3 * batch : 3 * batch + 3])
        again.step(Sloping(*(differentiate(driver, lives)[1] * setup.pool.spread).astype(np.float32)))
    assert np.abs(again.centre()).max() > 0.1
    np.testing.assert_array_equal(search.centre(), again.centre())
    result = to_genomes(setup, search.centre()[None])
    judged = evaluate(driver, setup.conditions, setup.pool, result, life_keys(5, SELECTION, 0, 9)[6:], setup.selection)
    assert row.fitness_centre == judged.fitness.mean()
    assert row.paired_correlation is None, "no two genomes share a life"
    driver.close()


def test_every_step_is_charged_and_no_life_is_used_twice(monkeypatch) -> None:
    setup = setup_of({"population": 3, "generations": 2})
    driver = new_driver(setup.conditions, 1, 30.0)
    used, live = [], driver.live

    def watched(job):
        used.append(job.keys.copy())
        live(job)

    monkeypatch.setattr(driver, "live", watched)
    rows = list(evolve(setup, driver, new_search(setup)))
    keys = np.concatenate(used)
    assert len(np.unique(keys, axis=0)) == len(keys) == 2 * (3 + 1) * 2
    assert [row.world_steps for row in rows] == [(3 + 1) * 2 * 60] * 2
    assert [row.evaluations for row in rows] == [4, 4]
    assert len({row.fitness_sha256 for row in rows}) == 2


@pytest.mark.parametrize("lost", ["one gradient", "one update", "one brain"])
def test_lives_that_came_to_nothing_are_left_out(lost: str, monkeypatch) -> None:
    setup = assemble(check_config(on_lines({"lives": 4}), "toy"))
    driver = new_driver(setup.conditions, 1, 30.0)
    lives = meta_lives(setup, np.zeros(setup.pool.size, np.float32), 0, 0, False, 0)
    others = dataclasses.replace(lives, keys=lives.keys[[0, 1, 3]])
    _, expected = differentiate(driver, others)

    def live(*arguments):
        outcome, traces = traced_lives(*arguments)
        outcome.skipped_updates[2] = lost == "one update"
        outcome.status[2] = DIVERGED if lost == "one brain" else FINISHED
        if lost == "one gradient":
            traces.drives[2, -1] = 3e38
        return outcome, traces

    monkeypatch.setattr(evolearn.search.meta_gradients, "traced_lives", live)
    evaluation, gradient = differentiate(driver, lives)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)
    assert (evaluation.diverged, evaluation.skipped_updates) == (lost == "one brain", lost == "one update")
    assert evaluation.fitness.shape == (1, 4)


def test_an_update_of_which_nothing_is_left_changes_nothing() -> None:
    content = on_lines({"population": 2, "generations": 1, "lives": 3}, plasticity={"learning_rate": 1e25})
    setup = assemble(check_config(content, "toy"))
    driver = new_driver(setup.conditions, 1, 30.0)
    search = new_search(setup)
    (row,) = evolve(setup, driver, search)
    assert row.fitness_mean < -100.0
    np.testing.assert_array_equal(search.centre(), np.zeros(setup.pool.size))


@pytest.mark.parametrize("first_order", [False, True])
def test_one_update_on_five_points_finds_the_line(first_order: bool) -> None:
    options = {"step_size": 0.05, "first_order": first_order}
    content = on_lines({"population": 150, "generations": 2, "lives": 16, "options": options})
    setup = assemble(check_config(content, "toy"))
    driver = new_driver(setup.conditions, 2, 30.0)
    search = new_search(setup)
    start = search.centre()
    list(evolve(setup, driver, search))
    genomes = to_genomes(setup, np.stack([start, search.centre()]))
    keys = life_keys(5, VALIDATION, 0, 200)
    plans = {"learning": Plan(25, learn_until=5, bin_steps=5), "frozen": Plan(25, learn_until=0, bin_steps=5)}
    errors = {}
    for name, plan in plans.items():
        outcome = live_each(driver, setup.conditions, setup.pool, genomes, keys, plan)
        errors[name] = -outcome.fitness[:, 1:].mean(axis=1).reshape(2, 200).mean(axis=1) / 5.0
    driver.close()
    assert errors["learning"][0] > 0.25, "a standard initialisation learns little from five points"
    assert errors["learning"][1] < 0.12
    assert errors["frozen"][1] > 0.35, "what is known at birth is no line"


def test_a_fault_names_the_life_and_the_genome_of_the_generation() -> None:
    content = maml({"lives": 3}, drives={"weights": {"fitness": 1.0}})
    content["world"] = {"name": "tests.helpers.probe_worlds:faulty", "parameters": {"kind": 1, "at": 7, "low": 0.9}}
    setup = assemble(check_config(content, "toy"))
    driver = new_driver(setup.conditions, 1, 30.0)
    with pytest.raises(LifeFault) as caught:
        list(evolve(setup, driver, new_search(setup)))
    fault = caught.value
    keys = selection_keys(setup.config, fault.key.generation, fault.genome)
    assert tuple(keys[fault.life]) == tuple(fault.key)
    assert fault.step == 7


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"genome": {"drives": {"mode": "evolved"}}},
            "genome.drives.mode='evolved': must be 'fixed' or 'fresh' with search.algorithm='maml', which trains "
            "weights only; set genome.drives.mode=fixed",
        ),
        (
            {"genome": {"plasticity": {"mode": "evolved"}}},
            "genome.plasticity.mode='evolved': must be 'fixed' or 'fresh' with search.algorithm='maml'",
        ),
        (
            {"genome": {"weights": {"mode": "fresh"}}},
            "genome.weights.mode='fresh': must be 'evolved' with search.algorithm='maml', which changes weights that "
            "are genes; set genome.weights.mode=evolved",
        ),
        (
            {"learner": {"learn_until": 0}},
            "learner.learn_until=0: must be at least 1, or null, with search.algorithm='maml': nothing would be "
            "learned; leave learner.learn_until out",
        ),
        (
            {"learner": {"optimiser": "adam"}},
            "learner.optimiser='adam': must be 'sgd' with search.algorithm='maml': its inner update is a step along "
            "the gradient; set learner.optimiser=sgd, or search.algorithm=reptile",
        ),
        (
            {"learner": {"epochs": 3}},
            "learner.epochs=3: must be 1 with search.algorithm='maml': its inner update is one step along the gradient",
        ),
        (
            {"search": {"selection_lifetime": 16, "options": {"inner_updates": 2}}},
            "search.selection_lifetime=16: must be more than 16 with search.algorithm='maml': what a life does after 2 "
            "update(s) of search.options.inner_updates, of learner.window=8 steps each from age learner.learn_from=0 "
            "is judged; live longer, or make the window or the number of updates smaller",
        ),
        (
            {"learner": {"learn_until": 20}, "search": {"options": {"inner_updates": 3}}},
            "learner.learn_until=20: must be at least 24, or null, with search.algorithm='maml': it takes 3 update(s)",
        ),
        ({"search": {"options": {"inner_updates": 0}}}, "search.options.inner_updates=0: must be 1 or more"),
        ({"search": {"options": {"step_size": 0}}}, "search.options.step_size=0: must be"),
        (
            {"search": {"sampling": "blockwise"}},
            "search.sampling='blockwise': must be 'whole' with search.algorithm='maml', which has no population to "
            "sample",
        ),
    ],
)
def test_what_maml_cannot_train_is_refused(changes: dict, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        setup_of(**changes)
    assert text in str(caught.value)


def test_a_learner_without_a_gradient_through_its_update_is_refused() -> None:
    content = maml()
    content["learner"] = {"name": "q_learning", "window": 1}
    with pytest.raises(ConfigError) as caught:
        assemble(check_config(content, "toy"))
    assert (
        "learner.name='q_learning': must be 'actor_critic' or 'regression' with search.algorithm='maml', which takes "
        "the gradient through its update; set one of these, or search.algorithm=reptile"
    ) in str(caught.value)
