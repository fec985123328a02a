"""Cloning before birth: what is fitted to what, who lives and answers for it, what it costs, and that it teaches."""

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

import evolearn.search.lessons
from evolearn.agent import GOES_ON, TorchBrain, answers_of, brain_of, imitation_loss, imitation_loss_along
from evolearn.config import ConfigError, check_config
from evolearn.genome import decode
from evolearn.life import FROM_ORACLE, OwnDrivers, Plan, evaluate, lives, new_driver, traced_lives
from evolearn.rng import SELECTION, life_keys
from evolearn.run import assemble, evolve, load_dna, new_search, start_run, to_genomes
from evolearn.run._cloning import lesson_lives, newborn_of
from evolearn.run._generation import selection_keys
from evolearn.run.directory import open_run
from evolearn.run.natural import born_weights
from evolearn.run.relive import Wanted, relive_selection
from evolearn.search import Clone, Lessons, check_search, lessons_of, planned_outer_steps
from tests.helpers.lessons import lessons_in
from tests.helpers.runs import Watcher, toy_with
from tests.helpers.training import CLONING, WEIGHTS_ONLY


def clone(options: dict | None = None, search: dict | None = None, **changes) -> dict:
    content = toy_with("clone", {"options": {**CLONING, **(options or {})}, **(search or {})}, genome=WEIGHTS_ONLY)
    for section, values in changes.items():
        content[section] = {**content.get(section, {}), **values} if isinstance(values, dict) else values
    return content


def setup_of(options: dict | None = None, search: dict | None = None, **changes):
    return assemble(check_config(clone(options, search, **changes), "toy"))


def of_newborn(teacher: str, **options) -> dict:
    return {"teacher": teacher, "privileged": "age" in options, **options}


ON_LINES = {
    "world": {"name": "tests.helpers.teaching_worlds:lines"},
    "brain": {"hidden": [5]},
    "drives": {"weights": {"fitness": 1.0}},
}


@pytest.fixture(scope="module")
def taught(tmp_path_factory) -> dict[str, str]:
    """DNA of one generation in two worlds, by world."""
    folder = tmp_path_factory.mktemp("teachers")
    more = {"cart-pole": {}, "lines": ON_LINES}
    for name, changes in more.items():
        content = toy_with("pgpe", {"generations": 1}) | changes
        content["genome"] = {"weights": {"spread": 1.0}}
        start_run(check_config(content, "toy"), "teacher", folder / name, OwnDrivers(1), Watcher())
    return {name: str(folder / name) for name in more}


def batch_of(setup, number: int = 0, pupil=None):
    z = np.zeros(setup.pool.size, np.float32) if pupil is None else pupil
    return lesson_lives(setup, to_genomes(setup, z), selection_keys(setup.config, 0, number), 0)


class Giving:
    """A trial whose lessons are given, and which remembers what it was asked."""

    def __init__(self, told: np.ndarray, answers: np.ndarray) -> None:
        self.given = lessons_in(told, answers)
        self.asked: list[tuple[np.ndarray, int]] = []
        self.judged: list[tuple[np.ndarray, int]] = []

    def lessons(self, z: np.ndarray, batch: int) -> Lessons:
        self.asked.append((z.copy(), batch))
        return self.given

    def judge_centre(self, z: np.ndarray, batch: int) -> None:
        self.judged.append((z.copy(), batch))


def random_lessons(setup, steps: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random, spec = np.random.default_rng(seed), setup.conditions.brain
    told = random.standard_normal((steps, spec.told)).astype(np.float32)
    answers = random.dirichlet(np.ones(spec.actions), steps) if spec.actions > 1 else random.normal(size=(steps, 1))
    return told, answers.astype(np.float32)


def by_hand(setup, brain: TorchBrain, told: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """The loss in torch's own words."""
    parameters, _ = brain(told)
    if setup.conditions.world.is_discrete:
        return functional.cross_entropy(parameters, answers)
    return functional.mse_loss(parameters[:, :1], answers)


# What is fitted -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_lines(taught) -> dict:
    return {"options": of_newborn(taught["lines"]), **ON_LINES}


@pytest.mark.parametrize("world", ["cart-pole", "lines"])
def test_the_gradient_is_that_of_a_module_in_torch(world: str, on_lines: dict) -> None:
    setup = setup_of() if world == "cart-pole" else setup_of(**on_lines)
    told, answers = map(torch.from_numpy, random_lessons(setup, 40))
    flat = np.random.default_rng(2).normal(0.0, 0.7, setup.pool.size).astype(np.float32)
    brain = brain_of(setup.conditions.brain, flat)
    by_hand(setup, brain, told, answers).backward()
    expected = brain.flat(lambda parameter: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
    weights = torch.tensor(flat, requires_grad=True)
    imitation_loss(setup.conditions.brain, weights, told, answers).backward()
    assert np.count_nonzero(expected) > setup.pool.size / 2
    np.testing.assert_allclose(weights.grad.numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("world", ["cart-pole", "lines"])
def test_a_fit_is_a_loop_of_adam_in_torch(world: str, on_lines: dict) -> None:
    setup = setup_of() if world == "cart-pole" else setup_of(**on_lines)
    options = setup.options.model_copy(update={"minibatch": 16, "epochs": 3, "step_size": 0.02})
    search = Clone(options, setup.pool, population=2, generations=4, seed=7)
    told, answers = random_lessons(setup, 20)
    trial = Giving(told, answers)
    brain = TorchBrain(setup.conditions.brain)
    brain.load_flat(setup.pool.centre)
    adam = torch.optim.Adam(brain.parameters(), lr=0.02)
    twice = [torch.from_numpy(np.concatenate([part, part])) for part in (told, answers)]
    done = 0
    for generation in range(3):
        search.step(trial)
        order = torch.Generator().manual_seed(int(np.random.SeedSequence([7, generation]).generate_state(1)[0]))
        for _ in range(3):
            rows = torch.randperm(40, generator=order)
            for start in range(0, 40, 16):
                adam.param_groups[0]["lr"] = 0.02 * (1.0 - done / 36)  # 4 generations of 3 epochs of 3 minibatches
                adam.zero_grad()
                some = rows[start : start + 16]
                by_hand(setup, brain, twice[0][some], twice[1][some]).backward()
                adam.step()
                done += 1
    born = brain.flat()
    if world == "lines":
        born[setup.pool.slices()["weights", "policy.log_stdev"]] = np.log(0.05)
    np.testing.assert_allclose(to_genomes(setup, search.centre()), born, rtol=1e-3, atol=1e-5)
    assert [batch for _, batch in trial.asked] == [0, 1] * 3
    assert [batch for _, batch in trial.judged] == [2] * 3
    np.testing.assert_array_equal(trial.judged[-1][0], search.centre())
    np.testing.assert_array_equal(search.best(8), search.centre()[None])


def test_a_linear_pupil_recovers_a_linear_teacher() -> None:
    linear = assemble(check_config(clone(brain={"trunk": "linear", "hidden": []}), "toy"))
    options = linear.options.model_copy(update={"step_size": 0.05, "epochs": 20, "minibatch": 64})
    random = np.random.default_rng(3)
    told = random.standard_normal((512, 4)).astype(np.float32)
    matrix = random.standard_normal((4, 2)).astype(np.float32)
    logits = told @ matrix + np.float32([0.3, -0.2])
    answers = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    search = Clone(options, linear.pool, 1, 10, seed=1)
    for _ in range(10):
        search.step(Giving(told, answers))
    brain = brain_of(linear.conditions.brain, to_genomes(linear, search.centre()))
    found = brain.policy.weight.detach().numpy()
    np.testing.assert_allclose(found[0] - found[1], matrix[:, 0] - matrix[:, 1], atol=0.01)
    bias = brain.policy.bias.detach().numpy()
    assert bias[0] - bias[1] == pytest.approx(0.5, abs=0.01)


def test_gain_multiplies_the_policys_layer_alone(on_lines: dict) -> None:
    setup = setup_of(**on_lines)
    told, answers = random_lessons(setup, 30)
    born = {}
    for gain, stdev in ((1.0, None), (8.0, 0.5)):
        options = setup.options.model_copy(update={"gain": gain, "stdev": stdev})
        search = Clone(options, setup.pool, 1, 2, seed=1)
        search.step(Giving(told, answers))
        genome = to_genomes(setup, search.centre())
        born[gain] = {name: genome[place] for (_, name), place in setup.pool.slices().items()}
    for name, plain in born[1.0].items():
        if name == "policy.log_stdev":
            np.testing.assert_allclose(np.exp(plain), 0.05, rtol=1e-5)
            np.testing.assert_allclose(np.exp(born[8.0][name]), 0.5, rtol=1e-5)
        else:
            gain = 8.0 if name.startswith("policy.") else 1.0
            np.testing.assert_allclose(born[8.0][name], gain * plain, rtol=1e-4, atol=1e-6)


# A pupil that remembers -------------------------------------------------------------------------------------------

REMEMBERS = {"trunk": "gru", "hidden": [3, 2], "inputs": ["observation", "last_action"]}


def stepping(brain: TorchBrain, told: torch.Tensor, begins: torch.Tensor) -> torch.Tensor:
    """Policy parameters [L, N, P], thought step by step by torch's own cells."""
    state, said = torch.zeros(len(told), brain.state_size), []
    for step in range(told.shape[1]):
        parameters, _, state = brain.step(told[:, step], torch.where(begins[:, step, None], 0.0, state))
        said.append(parameters)
    return torch.stack(said, dim=1)


@pytest.mark.parametrize("readout", ["plain", "product"])
def test_the_gradient_along_lives_is_that_of_cells_in_torch(readout: str) -> None:
    setup = setup_of(brain={**REMEMBERS, "readout": readout})
    spec, random = setup.conditions.brain, np.random.default_rng(4)
    told = torch.from_numpy(random.standard_normal((5, 9, spec.told)).astype(np.float32))
    answers = torch.from_numpy(random.dirichlet(np.ones(2), (5, 9)).astype(np.float32))
    begins = torch.from_numpy(random.random((5, 9)) < 0.2)
    begins[:, 0] = True
    flat = random.normal(0.0, 0.7, setup.pool.size).astype(np.float32)
    brain = brain_of(spec, flat)
    functional.cross_entropy(stepping(brain, told, begins).flatten(0, 1), answers.flatten(0, 1)).backward()
    expected = brain.flat(lambda parameter: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
    weights = torch.tensor(flat, requires_grad=True)
    imitation_loss_along(spec, weights, told, answers, begins, torch.zeros(5, 5))[0].backward()
    assert np.count_nonzero(expected) > setup.pool.size / 2
    np.testing.assert_allclose(weights.grad.numpy(), expected, rtol=1e-4, atol=1e-6)


def test_a_fit_along_lives_is_a_loop_of_adam_whose_gradient_ends_where_windows_begin() -> None:
    setup = setup_of(brain=REMEMBERS)
    spec, random = setup.conditions.brain, np.random.default_rng(5)
    options = setup.options.model_copy(update={"minibatch": 8, "window": 4, "epochs": 2, "step_size": 0.02})
    search = Clone(options, setup.pool, population=1, generations=2, seed=7)
    told = random.standard_normal((3, 10, spec.told)).astype(np.float32)
    answers = random.dirichlet(np.ones(2), (3, 10)).astype(np.float32)
    brain = TorchBrain(spec)
    brain.load_flat(setup.pool.centre)
    adam, done = torch.optim.Adam(brain.parameters(), lr=0.02), 0
    search.step(Giving(told, answers))
    order = torch.Generator().manual_seed(int(np.random.SeedSequence([7, 0]).generate_state(1)[0]))
    for _ in range(2):
        for some in torch.randperm(3, generator=order).split(2):  # 8 steps are 4 of two lives
            state = torch.zeros(len(some), brain.state_size)
            for start in (0, 4, 8):
                adam.param_groups[0]["lr"] = 0.02 * (1.0 - done / 24)  # 2 generations of 2 epochs of 2 times 3 windows
                adam.zero_grad()
                losses, state = [], state.detach()
                for step in range(start, min(start + 4, 10)):
                    parameters, _, state = brain.step(torch.from_numpy(told)[some, step], state)
                    losses.append(functional.cross_entropy(parameters, torch.from_numpy(answers)[some, step]))
                torch.stack(losses).mean().backward()
                adam.step()
                done += 1
    np.testing.assert_allclose(to_genomes(setup, search.centre()), brain.flat(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("memory", ["episode", "life"])
def test_lessons_say_when_a_brain_remembers_nothing_as_its_life_had_it(memory: str) -> None:
    setup = setup_of({"lessons": "ask"}, brain={**REMEMBERS, "memory": memory}, learner={"learn_until": 0})
    pupil = np.random.default_rng(6).normal(0.0, 2.0, setup.pool.size).astype(np.float32)
    pupil[setup.pool.slices()["weights", "policy.weight"]] *= 100.0  # it is sure of what it does
    driver = new_driver(setup.conditions)
    _, lessons = lessons_of(driver, batch_of(setup, pupil=pupil))
    newborn = decode(setup.pool, to_genomes(setup, pupil)[None])
    keys = selection_keys(setup.config, 0, 0)
    _, traces = traced_lives(driver, newborn, np.zeros(len(keys), np.int64), keys, Plan(60, learn_until=0))
    np.testing.assert_array_equal(lessons.told, traces.met)
    over = traces.ends[:, :-1] != GOES_ON
    assert over.any(), "the pole fell"
    assert lessons.begins[:, 0].all()
    np.testing.assert_array_equal(lessons.begins[:, 1:], over if memory == "episode" else False)
    # What was done is likelier by that than if it had been the other way round.
    others = lessons.begins.copy()
    others[:, 1:] = False if memory == "episode" else over
    brain = brain_of(setup.conditions.brain, newborn.weights[0])
    done = torch.from_numpy(traces.actions[..., 0]).long()
    odds = [
        torch.log_softmax(stepping(brain, torch.from_numpy(lessons.told), torch.from_numpy(begins)), dim=-1)
        for begins in (lessons.begins, others)
    ]
    known, otherwise = (logs.gather(-1, done[..., None]).sum().item() for logs in odds)
    assert known > otherwise + 2.0


def test_a_newborn_that_remembers_answers_along_its_pupils_life() -> None:
    setup = setup_of(brain=REMEMBERS)
    spec, random = setup.conditions.brain, np.random.default_rng(8)
    told = torch.from_numpy(random.standard_normal((3, 12, spec.told)).astype(np.float32))
    begins = torch.from_numpy(random.random((3, 12)) < 0.3)
    begins[:, 0] = True
    flat = random.normal(0.0, 0.7, (3, setup.pool.size)).astype(np.float32)
    found = answers_of(spec, torch.from_numpy(flat), told, begins)
    for life in range(3):
        said = stepping(brain_of(spec, flat[life]), told[life : life + 1], begins[life : life + 1])
        expected = torch.softmax(said, dim=-1)[0].detach().numpy()
        np.testing.assert_allclose(found[life].numpy(), expected, rtol=1e-4, atol=1e-6)


# Who lives, and who answers ---------------------------------------------------------------------------------------


def test_who_watches_the_oracle_sees_its_lives() -> None:
    setup = setup_of()
    driver = new_driver(setup.conditions)
    lessons_lives = batch_of(setup, 1)
    evaluation, lessons = lessons_of(driver, lessons_lives)
    newborns = decode(setup.pool, setup.pool.centre[None])
    plan = Plan(60, learn_until=0, source=FROM_ORACLE)
    outcome, traces = traced_lives(driver, newborns, np.zeros(2, np.int64), lessons_lives.keys, plan)
    np.testing.assert_array_equal(lessons.told, traces.observations)
    np.testing.assert_array_equal(lessons.answers.argmax(axis=2), traces.actions[..., 0])
    assert set(np.unique(lessons.answers)) == {0.0, 1.0}
    assert evaluation.world_steps == outcome.age.sum() == 120


def test_the_oracle_answers_what_it_would_do_where_the_pupil_comes_to() -> None:
    """Along the oracle's own life that is what it did; along a pupil's it is something else than the pupil did."""
    setup = setup_of({"lessons": "ask"})
    driver = new_driver(setup.conditions)
    keys = selection_keys(setup.config, 0, 0)
    newborns = decode(setup.pool, setup.pool.centre[None])
    plan = Plan(60, learn_until=0, source=FROM_ORACLE)
    _, traces = traced_lives(driver, newborns, np.zeros(2, np.int64), keys, plan)
    own = evolearn.search.lessons._asked_of_oracle(setup.conditions, keys, traces)
    np.testing.assert_array_equal(own, traces.actions)
    pupils = traced_lives(driver, newborns, np.zeros(2, np.int64), keys, dataclasses.replace(plan, source=0))[1]
    _, lessons = lessons_of(driver, batch_of(setup))
    np.testing.assert_array_equal(lessons.told, pupils.observations)
    assert 0.1 < np.mean(lessons.answers.argmax(axis=2) != pupils.actions[..., 0]) < 0.9


@pytest.mark.parametrize("world", ["cart-pole", "lines"])
def test_a_newborn_is_asked_for_what_it_thinks(world: str, taught) -> None:
    changes = {} if world == "cart-pole" else ON_LINES
    setup = setup_of(of_newborn(taught[world], lessons="ask"), **changes)
    driver = new_driver(setup.conditions)
    _, lessons = lessons_of(driver, batch_of(setup))
    weights = load_dna(Path(taught[world])).newborns.weights[0]
    parameters, _ = brain_of(setup.conditions.brain, weights)(torch.from_numpy(lessons.told))
    expected = torch.softmax(parameters, dim=-1) if world == "cart-pole" else parameters[..., :1]
    np.testing.assert_allclose(lessons.answers, expected.detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("way", ["watch", "ask"])
def test_an_adult_teaches_what_it_learned_in_the_same_life(way: str, taught) -> None:
    setup = setup_of(of_newborn(taught["cart-pole"], age=40, lessons=way))
    driver = new_driver(setup.conditions)
    shared = batch_of(setup)
    evaluation, lessons = lessons_of(driver, shared)
    assert evaluation.world_steps == 2 * 60, "childhood and lessons"
    assert lessons.told.shape[:2] == (2, 20)
    one = np.zeros(2, np.int64)
    if way == "watch":
        _, traces = traced_lives(driver, shared.teacher, one, shared.keys, Plan(60))
        np.testing.assert_array_equal(lessons.told, traces.observations[:, 40:])
        np.testing.assert_array_equal(lessons.answers.argmax(axis=2), traces.actions[:, 40:, 0])
        return
    grown, _ = lives(driver, setup.conditions, shared.teacher, one, shared.keys, Plan(40, final_weights=True))
    assert not np.array_equal(grown.final_weights[0], grown.final_weights[1]), "each has learned in its own life"
    for life, weights in enumerate(grown.final_weights):
        told = torch.from_numpy(lessons.told[life])
        parameters, _ = brain_of(setup.conditions.brain, weights)(told)
        expected = torch.softmax(parameters, dim=1).detach().numpy()
        np.testing.assert_allclose(lessons.answers[life], expected, rtol=1e-4, atol=1e-5)


def test_lessons_are_the_same_whatever_the_blocks_and_workers(monkeypatch, taught) -> None:
    found = []
    for options in (CLONING, {**CLONING, "lessons": "ask"}, of_newborn(taught["cart-pole"], age=10, lessons="ask")):
        setup = setup_of(options, {"lives": 7})
        shared = batch_of(setup)
        found.append((lessons_of(new_driver(setup.conditions, 1), shared), shared, setup))
    monkeypatch.setattr(evolearn.search.lessons, "LIVES_AT_ONCE", 3)
    for (evaluation, lessons), shared, setup in found:
        shared = pickle.loads(pickle.dumps(shared))
        shared.keys.flags.writeable = False  # as Ray hands it to workers
        driver = new_driver(setup.conditions, 3)
        again, same = lessons_of(driver, shared)
        driver.close()
        np.testing.assert_array_equal(same.told, lessons.told)
        np.testing.assert_allclose(same.answers, lessons.answers, rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(again.fitness, evaluation.fitness)
        assert again.world_steps == evaluation.world_steps == 7 * 60


@pytest.mark.parametrize(
    "options", [CLONING, {**CLONING, "lessons": "ask"}, {"age": 25}, {"age": 25, "lessons": "ask"}]
)
def test_every_step_is_charged_the_teachers_too_and_no_life_is_used_twice(options: dict, taught, monkeypatch) -> None:
    if "teacher" not in options:
        options = of_newborn(taught["cart-pole"], **options)
    setup = setup_of(options, {"population": 3, "generations": 2})
    driver = new_driver(setup.conditions)
    used, live, steps = [], driver.live, []

    def watched(job):
        live(job)
        used.append(job.keys.copy())
        steps.append(int(job.outcome.age.sum()))

    monkeypatch.setattr(driver, "live", watched)
    rows = list(evolve(setup, driver, new_search(setup)))
    times = (
        2 if options.get("age") and options.get("lessons") == "ask" else 1
    )  # the pupil lives where its teacher grew up
    keys, counts = np.unique(np.concatenate(used), axis=0, return_counts=True)
    assert len(keys) == 2 * (3 + 1) * 2
    assert sorted(set(counts.tolist())) == sorted({1, times})
    assert sum(row.world_steps for row in rows) == sum(steps) == planned_outer_steps(setup.config.search)
    assert len({row.fitness_sha256 for row in rows}) == 2


@pytest.mark.parametrize("way", ["watch", "ask"])
def test_the_pole_is_balanced_by_who_was_cloned_from_the_oracle(way: str) -> None:
    search = {"selection_lifetime": 200, "generations": 5, "population": 6}
    setup = setup_of({"lessons": way, "step_size": 0.03, "gain": 2.0}, search, learner={"learn_until": 0})
    driver = new_driver(setup.conditions, 2)
    rows = list(evolve(setup, driver, new_search(setup)))
    driver.close()
    assert rows[-1].fitness_centre > 150.0
    start = setup_of(search={"selection_lifetime": 200}, learner={"learn_until": 0})
    untaught = evaluate(
        new_driver(start.conditions),
        start.conditions,
        start.pool,
        start.pool.centre[None],
        life_keys(5, SELECTION, 0, 8),
        start.selection,
    )
    assert untaught.means[0] < 60.0


# What a run keeps of its teacher ----------------------------------------------------------------------------------


def test_a_run_keeps_its_teacher_and_needs_no_file_of_another(taught) -> None:
    setup = setup_of(of_newborn(taught["cart-pole"]))
    kept = setup.config.search.options["teacher"]
    dna = load_dna(Path(taught["cart-pole"]))
    assert (kept["weights"], kept["steps"]) == (
        born_weights(dna.pool, dna.genome),
        planned_outer_steps(dna.config.search),
    )
    again = assemble(check_config(setup.config.model_dump(mode="json"), "kept"))
    newborn = newborn_of(again.pool, again.options.teacher)
    for group in ("weights", "drives", "plasticity"):
        np.testing.assert_array_equal(getattr(newborn, group), getattr(dna.newborns, group))


def test_lessons_are_not_lived_again_and_the_clone_is(tmp_path) -> None:
    start_run(check_config(clone(), "toy"), "clone", tmp_path / "run", OwnDrivers(1), Watcher())
    run = open_run(tmp_path / "run")

    class Silent:
        def remaking(self, *_): ...
        def made(self, *_): ...
        def warning(self, text):
            raise AssertionError(text)

    lived = relive_selection(run, Wanted(2, 8, 1), False, 1, Silent())
    keys = selection_keys(lived.setup.config, 2, 8)
    assert tuple(keys[1]) == tuple(lived.key)
    with pytest.raises(ConfigError, match="--genome 3: must be 8, the clone, with"):
        relive_selection(run, Wanted(2, 3, 1), False, 1, Silent())


# What is refused --------------------------------------------------------------------------------------------------

REFUSED = [
    (
        {"options": {"privileged": False}},
        "search.options.privileged=False: must be True with the teacher 'oracle', which knows what each life has "
        "drawn; set search.options.privileged=true",
    ),
    ({"options": {"age": 10}}, "search.options.age=10: must be 0 with teacher='oracle', which has nothing to learn"),
    ({"options": {"teacher": "nowhere"}}, "search.options.teacher='nowhere': must be oracle, or DNA: "),
    ({"options": {"stdev": 0.1}}, "search.options.stdev=0.1: must be left out in world cart-pole, whose actions are"),
    ({"options": {"gain": 0.0}}, "search.options.gain=0.0: must be greater than 0"),
    ({"options": {"lessons": "read"}}, "search.options.lessons='read': must be"),
    (
        {"world": {"name": "tests.helpers.probe_worlds:constant_reward"}},
        "search.options.teacher='oracle': world tests.helpers.probe_worlds:constant_reward has no oracle; name DNA",
    ),
    (
        {"search": {"selection_lifetime": 1_000_000, "lives": 100}},
        "search.population=8: makes lessons of 4,800,000,000",
    ),
    (
        {"options": {"window": 8}},
        "search.options.window=8: must be left out with brain.trunk='mlp', which carries no state, so that each step",
    ),
    (
        {"learner": {"name": "q_learning", "window": 1}},
        "learner.name='q_learning': must be 'actor_critic'",
    ),
    (
        {"value": {"uses": ["potential"]}, "genome": {"value": {"mode": "fixed"}}},
        "value.uses=['potential']: must be left out with search.algorithm='clone'",
    ),
    (
        {"genome": {"drives": {"mode": "evolved"}}},
        "genome.drives.mode='evolved': must be 'fixed' or 'fresh' with search.algorithm='clone', which trains weights",
    ),
    ({"genome": {"weights": {"mode": "fresh"}}}, "genome.weights.mode='fresh': must be 'evolved' with search.algor"),
]


@pytest.mark.parametrize(("changes", "text"), REFUSED)
def test_what_cannot_be_cloned_is_refused(changes: dict, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        setup_of(**changes)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("world", "options", "changes", "text"),
    [
        ("lines", {}, {}, "is of another world than cart-pole: its observations are x, and here "),
        ("cart-pole", {}, {"brain": {"hidden": [7]}}, "has another brain than its pupil: hidden (4,), and here (7,)"),
        (
            "cart-pole",
            {"privileged": True},
            {},
            "privileged=True: must be False with the teacher a newborn, which sees",
        ),
        (
            "cart-pole",
            {"age": 60, "privileged": True},
            {},
            "search.options.age=60: must be less than search.selection_",
        ),
        ("cart-pole", {"age": 9}, {}, "privileged=False: must be True with the teacher an adult, age=9, which has"),
        (
            "cart-pole",
            {"age": 9, "privileged": True},
            {"learner": {"learn_until": 0}},
            "search.options.age=9: must be 0 with learner.learn_until=0, with which a teacher learns nothing",
        ),
        ("cart-pole", {}, {"drives": {"generic": ["effort"]}}, "is of another world than cart-pole: its drives are"),
    ],
)
def test_a_teacher_that_cannot_teach_here_is_refused(world, options, changes, text, taught) -> None:
    with pytest.raises(ConfigError) as caught:
        setup_of({"teacher": taught[world], "privileged": False, **options}, **changes)
    assert text in str(caught.value)


def test_a_kept_teacher_of_another_body_is_refused(taught) -> None:
    kept = setup_of(of_newborn(taught["cart-pole"])).config.search.options["teacher"]
    for changed, text in (
        ({"drives": {"fitness": 1.0}}, "search.options.teacher.drives: is of another body: has fitness, must have fit"),
        (
            {"weights": {**kept["weights"], "value.bias": (1.0, 2.0)}},
            "search.options.teacher.weights.value.bias: is of another body: has 2 numbers, must have 1",
        ),
    ):
        with pytest.raises(ConfigError) as caught:
            setup_of({"teacher": {**kept, **changed}, "privileged": False})
        assert text in str(caught.value)


def test_options_have_no_teacher_of_their_own() -> None:
    with pytest.raises(ConfigError, match=r"search\.options\.teacher: missing"):
        check_search("clone", {}, 8, 10)
