"""Lives with a teacher: when they are taught, what that earns them, and that it depends on nobody else."""

import dataclasses

import numpy as np
import pytest

from evolearn.agent import ASKED, WATCHED
from evolearn.life import FROM_BRAIN, FROM_ORACLE, FROM_UNIFORM, Plan, Teachers, TeacherSpec, lives
from evolearn.life._stepwise import StepwiseDriver
from evolearn.rng import SELECTION, life_keys
from tests.helpers.compiled_environments import CompiledEnvironments
from tests.helpers.probe_worlds import constant_reward, newborns_for, only_evolution, restless

ONE = np.zeros(1, np.int64)
LIFE = 320  # steps that shares are of: twenty windows
KEYS = life_keys(4, SELECTION, 0, 5)
GRU = {"trunk": "gru", "hidden": (3,), "inputs": ("observation", "last_action", "last_reward")}


def oracle(mode, life=LIFE):
    return TeacherSpec(FROM_ORACLE, mode, life)


def live(driver, plan, newborns, keys=KEYS, genomes=None, teachers=None, trace=0):
    genomes = np.zeros(len(keys), np.int64) if genomes is None else genomes
    more = {} if teachers is None else {"teachers": teachers}
    return lives(driver, driver.conditions, newborns, genomes, keys, plan, trace, **more)


def bits(outcome, *without):
    return {name: array.tobytes() for name, array in outcome._asdict().items() if name not in without}


@pytest.mark.parametrize("mode", [ASKED, WATCHED], ids=["asked", "watched"])
@pytest.mark.parametrize("learner", ["imitation", "rewarded_imitation"])
def test_a_pupil_of_the_oracle_becomes_the_oracle(learner, mode, driver_for):
    driver = driver_for(only_evolution, learner=learner, teacher=oracle(mode, 2000))
    # Nothing is felt: whatever it comes to know it has of its teacher.
    newborns = newborns_for(driver.conditions, drives={}, learning_rate=0.03)
    outcome, _ = live(driver, Plan(2000, bin_steps=250), newborns)
    assert (outcome.taught == 1008).all(), "63 windows of 16 begin before the age of 1,000"
    assert (outcome.fitness[:, 4:].sum(axis=1) > 0.95 * 1000).all()
    untaught, _ = live(driver, Plan(2000, bin_steps=250), newborns._replace(plasticity=newborns.plasticity * 0))
    assert not untaught.taught.any()
    assert (untaught.fitness[:, 4:].sum(axis=1) < 0.7 * 1000).all()


def test_watched_steps_earn_nothing_and_are_counted_apart(driver_for):
    def outcomes(mode):
        driver = driver_for(only_evolution, learner="rewarded_imitation", teacher=oracle(mode))
        newborns = newborns_for(driver.conditions, learning_rate=0.0, taught_from=0.25, taught_share=0.5)
        return live(driver, Plan(LIFE, bin_steps=80), newborns, trace=LIFE)

    (asked, seen), (watched, watching) = outcomes(ASKED), outcomes(WATCHED)
    assert asked.taught.tolist() == watched.taught.tolist() == [LIFE // 2] * 5
    np.testing.assert_array_equal(watched.fitness[:, [0, 3]], asked.fitness[:, [0, 3]])
    assert asked.fitness[:, 1:3].all()
    assert not watched.fitness[:, 1:3].any()
    np.testing.assert_array_equal(watched.drives[:, 0], watched.fitness.sum(axis=1))
    np.testing.assert_array_equal(watching.observations, seen.observations)
    np.testing.assert_array_equal(watching.actions[80:240, 0], watching.observations[80:240, 0] > 0.0)
    assert (watching.actions[80:240] != seen.actions[80:240]).any()


def test_what_happens_to_a_body_that_is_led_happens(driver_for):
    driver = driver_for(restless, hidden=(4,))
    taught = driver_for(
        restless,
        hidden=(4,),
        learner="rewarded_imitation",
        teacher=TeacherSpec(FROM_BRAIN, WATCHED, LIFE, newborns_for(driver.conditions).weights.tobytes()),
    )
    newborns = newborns_for(taught.conditions, taught_share=1.0, learning_rate=0.0)
    alone, _ = live(driver, Plan(LIFE), newborns_for(driver.conditions, learning_rate=0.0))
    led, _ = live(taught, Plan(LIFE), newborns)
    assert not led.fitness.any()
    assert not led.drives.any()
    for name in ("deaths", "finished"):  # actions change nothing there
        np.testing.assert_array_equal(getattr(led, name), getattr(alone, name))


def test_lessons_of_no_weight_leave_a_life_as_it_is_without_a_teacher(driver_for):
    how = {"hidden": (6,), "memory": "life", **GRU}
    plain = driver_for(only_evolution, **how)
    plan = Plan(LIFE, bin_steps=80, final_weights=True)
    teachers = [oracle(ASKED), TeacherSpec(FROM_BRAIN, ASKED, LIFE, newborns_for(plain.conditions).weights.tobytes())]
    expected, _ = live(plain, plan, newborns_for(plain.conditions, seed=1, learning_rate=0.01))
    for teacher in teachers:
        driver = driver_for(only_evolution, learner="rewarded_imitation", teacher=teacher, **how)
        found, _ = live(driver, plan, newborns_for(driver.conditions, seed=1, learning_rate=0.01, imitation_weight=0.0))
        assert found.taught.all()
        assert bits(found, "taught") == bits(expected, "taught")


def test_a_longer_life_is_taught_as_a_shorter_one(driver_for):
    driver = driver_for(only_evolution, learner="rewarded_imitation", teacher=oracle(WATCHED))
    newborns = newborns_for(driver.conditions, taught_from=0.1, taught_share=0.6, learning_rate=0.01)
    _, short = live(driver, Plan(200), newborns, trace=200)
    longer, long = live(driver, Plan(900), newborns, trace=200)
    for one, other in zip(short, long, strict=True):
        assert one.tobytes() == other.tobytes()
    assert (longer.taught == 192).all()


@pytest.mark.parametrize(
    "plan",
    [
        Plan(LIFE, learn_until=0),
        Plan(LIFE, source=FROM_UNIFORM),
        Plan(LIFE, source=FROM_ORACLE),
    ],
    ids=["frozen", "uniform", "oracle"],
)
def test_who_does_not_learn_is_not_taught(plan, driver_for):
    taught = driver_for(only_evolution, learner="rewarded_imitation", teacher=oracle(WATCHED))
    plain = driver_for(only_evolution)
    found, _ = live(taught, plan, newborns_for(taught.conditions, taught_share=1.0))
    expected, _ = live(plain, plan, newborns_for(plain.conditions))
    assert bits(found) == bits(expected)
    assert not found.taught.any()


def test_teaching_ends_with_learning(driver_for):
    driver = driver_for(constant_reward, learner="imitation", teacher=brain_for(driver_for, constant_reward, WATCHED))
    newborns = newborns_for(driver.conditions, taught_share=1.0)
    outcome, _ = live(driver, Plan(100, learn_from=10, learn_until=40), newborns)
    assert outcome.taught.tolist() == [30] * 5
    assert outcome.fitness.sum(axis=1).tolist() == [70.0] * 5


def brain_for(driver_for, world, mode):
    return TeacherSpec(FROM_BRAIN, mode, LIFE, newborns_for(driver_for(world).conditions).weights.tobytes())


@pytest.fixture(params=["mlp", "gru"])
def many(request, driver_for):
    """A driver, and lives with teachers, genes and births of their own."""
    how = {"hidden": (4,)} if request.param == "mlp" else GRU
    plain = driver_for(restless, **how)
    firm = np.float32(30.0)  # newborns as they are all act nearly at random, and so alike
    spec = TeacherSpec(FROM_BRAIN, WATCHED, LIFE, (firm * newborns_for(plain.conditions).weights).tobytes())
    driver = driver_for(restless, learner="rewarded_imitation", teacher=spec, **how)
    newborns = newborns_for(driver.conditions, count=4, seed=2, learning_rate=0.01)
    genes = np.random.default_rng(0).uniform(0.0, 0.7, (4, 2))
    newborns.plasticity[:, -2:] = genes
    teachers = Teachers(
        firm * newborns_for(driver.conditions, count=3, seed=3).weights, np.array([[2], [0], [1], [1], [0], [2], [2]])
    )
    return driver, newborns, np.array([0, 3, 1, 2, 2, 0, 3]), life_keys(8, SELECTION, 0, 7), teachers


def test_who_teaches_one_life_changes_no_other(many):
    driver, newborns, genomes, keys, teachers = many
    plan = Plan(LIFE, bin_steps=100, final_weights=True)
    whole, _ = live(driver, plan, newborns, keys, genomes, teachers)
    assert len({row.tobytes() for row in whole.final_weights}) == 7
    for life in range(7):
        only = slice(life, life + 1)
        alone, _ = live(driver, plan, newborns, keys[only], genomes[only], teachers.of_lives(only))
        assert bits(alone) == {name: array[only].tobytes() for name, array in whole._asdict().items()}
    usual, _ = live(driver, plan, newborns, keys, genomes)
    same = Teachers(
        np.frombuffer(driver.conditions.teacher.weights, np.float32)[None].copy(), np.zeros((7, 1), np.int64)
    )
    named, _ = live(driver, plan, newborns, keys, genomes, same)
    assert bits(usual) == bits(named) != bits(whole)


@pytest.mark.parametrize("many", ["mlp"], indirect=True)  # which carries nothing from a window to the next
def test_several_teach_by_turns_a_window_after_another(many):
    driver, newborns, genomes, keys, teachers = many
    newborns.plasticity[:, -2:] = 0.0, 1.0
    window = driver.conditions.window
    both = Teachers(teachers.weights, np.array([[0, 2]] * 7))
    alone = [Teachers(teachers.weights, np.array([[which]] * 7)) for which in (0, 2)]
    traces = [live(driver, Plan(LIFE), newborns, keys, genomes, some, trace=2 * window)[1] for some in (both, *alone)]
    actions = [trace.actions[:, 0] for trace in traces]
    assert (actions[1] != actions[2]).any()
    np.testing.assert_array_equal(actions[0][:window], actions[1][:window])
    np.testing.assert_array_equal(actions[0][window:], actions[2][window:])


@pytest.mark.parametrize(("workers", "chunk"), [(1, 3), (2, 2)])
def test_a_taught_life_is_the_same_step_by_step_and_in_another_process(many, workers, chunk):
    driver, newborns, genomes, keys, teachers = many
    plan = Plan(120, bin_steps=50, final_weights=True)
    two = Teachers(teachers.weights, np.concatenate([teachers.of, teachers.of[::-1]], axis=1))
    stepwise = StepwiseDriver(driver.conditions, workers, chunk, CompiledEnvironments)
    try:
        for some in (teachers, two, None):
            expected, _ = live(driver, plan, newborns, keys, genomes, some)
            found, _ = live(stepwise, plan, newborns, keys, genomes, some)
            assert bits(found) == bits(expected)
    finally:
        stepwise.close()


def test_a_teacher_that_diverges_ends_its_pupils_life(driver_for):
    plain = driver_for(restless, hidden=(4,))
    driver = driver_for(
        restless,
        hidden=(4,),
        learner="rewarded_imitation",
        teacher=TeacherSpec(FROM_BRAIN, WATCHED, LIFE, newborns_for(plain.conditions).weights.tobytes()),
    )
    newborns = newborns_for(driver.conditions, taught_from=0.5, taught_share=0.5)
    mad = Teachers(np.full((1, driver.conditions.brain.weights), 1e38, np.float32), np.zeros((5, 1), np.int64))
    outcome, _ = live(driver, Plan(LIFE), newborns, teachers=mad)
    assert outcome.age.tolist() == [LIFE // 2] * 5
    assert dataclasses.replace(driver.conditions.teacher, weights=b"").teachers(3).weights.size == 0


def test_teachers_that_do_not_fit_are_refused(driver_for):
    driver = driver_for(restless, hidden=(4,))
    newborns, weights = newborns_for(driver.conditions), driver.conditions.brain.weights
    for teachers, text in (
        (
            Teachers(np.zeros((2, weights - 1), np.float32), np.zeros((5, 1), np.int64)),
            f"must be float32 .teachers, {weights}",
        ),
        (Teachers(np.zeros((2, weights)), np.zeros((5, 1), np.int64)), "teachers.weights: float64"),
        (
            Teachers(np.zeros((2, weights), np.float32), np.zeros((4, 1), np.int64)),
            r"teachers.of: int64 \[4, 1\]: must be int64 \[5, elders\]",
        ),
        (Teachers(np.zeros((2, weights), np.float32), np.full((5, 1), 2)), r"teachers.of: .*, 0 .. 1"),
    ):
        with pytest.raises(ValueError, match=text):
            live(driver, Plan(20), newborns, teachers=teachers)
