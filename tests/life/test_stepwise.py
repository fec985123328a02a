"""The stepwise driver against the fused one, and lives in Gymnasium environments: keys, chunks, workers, faults."""

import contextlib
import dataclasses
import multiprocessing
import os
import re
import select
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.savannah import savannah

from evolearn.agent import GOES_ON
from evolearn.config import WorldPart
from evolearn.life import (
    DIVERGED,
    FROM_ORACLE,
    FROM_UNIFORM,
    Job,
    LifeFault,
    LifeLost,
    OwnDrivers,
    OwnThread,
    Plan,
    WorkerDied,
    empty_outcome,
    empty_trace,
    lives,
    new_driver,
    traced_lives,
)
from evolearn.life._stepwise import StepwiseDriver
from evolearn.life.processes import Worker
from evolearn.life.records import BAD_FITNESS, FINISHED
from evolearn.rng import SELECTION, life_keys
from evolearn.world import GymnasiumWorld, WorldError, gymnasium_world
from evolearn.world.gymnasium.world import declare_here
from tests.helpers.compiled_environments import ALWAYS, CompiledEnvironments, assert_same, live_toys, toy
from tests.helpers.places import ROOT
from tests.helpers.probe_worlds import conditions_for, newborns_for, restless_box

HERE = {"cart-pole": (cart_pole, {"predictability": 0.3}), "savannah": (savannah, {"alpha": 60.0})}


@pytest.fixture(scope="module")
def stepwise_for():
    drivers = {}

    def make(conditions, workers=1, chunk=64, make_environments=None):
        asked = (conditions.world.name, conditions.generic_drives, workers, chunk, make_environments)
        if asked not in drivers:
            drivers[asked] = StepwiseDriver(conditions, workers, chunk, make_environments)
        return drivers[asked]

    yield make
    for driver in drivers.values():
        driver.close()


@pytest.mark.parametrize("name", ["cart-pole", "savannah"])
@pytest.mark.parametrize(
    "plan",
    [
        Plan(700, bin_steps=100, final_weights=True),
        Plan(130, learn_until=0, final_weights=True),
        Plan(130, learn_from=21, learn_until=90, bin_steps=60, final_weights=True),
        Plan(130, source=FROM_UNIFORM),
    ],
    ids=["learning", "fixed", "learning for a while", "uniform"],
)
def test_fused_and_stepwise_lives_are_bitwise_the_same(name, plan, driver_for, stepwise_for):
    world, parameters = HERE[name]
    how = {"generic_drives": ("effort", "linear_surprise"), **parameters}
    fused = driver_for(world, **how)
    stepwise = stepwise_for(fused.conditions, make_environments=CompiledEnvironments, chunk=3)
    wants = {drive: 0.5 for drive in fused.conditions.drive_names}
    newborns = newborns_for(fused.conditions, 3, fresh=plan.lifetime == 700, drives=wants, **ALWAYS)
    call = (fused.conditions, newborns, np.array([0, 2, 1, 1, 0]), life_keys(3, SELECTION, 7, 5), plan)
    expected, _ = lives(fused, *call)
    outcome, _ = lives(stepwise, *call)
    assert_same(outcome, expected)
    assert outcome.status.tolist() == [FINISHED] * 5
    assert outcome.fitness.any()
    if plan.final_weights:  # else two drivers that do nothing would agree as well
        learned = np.abs(outcome.final_weights - newborns.weights[[0, 2, 1, 1, 0]]).max(axis=1) > 0.0
        assert (learned == (plan.learn_until != 0)).all()


def test_the_trace_is_the_first_lifes_and_bitwise_the_fused_one(driver_for, stepwise_for):
    fused = driver_for(cart_pole, generic_drives=("effort", "linear_surprise"), predictability=0.3)
    stepwise = stepwise_for(fused.conditions, make_environments=CompiledEnvironments, chunk=3)
    newborns = newborns_for(fused.conditions, 1, **ALWAYS)
    keys = life_keys(3, SELECTION, 7, 5)
    _, expected = lives(fused, fused.conditions, newborns, np.zeros(1, np.int64), keys[:1], Plan(90), trace_steps=80)
    _, trace = lives(stepwise, fused.conditions, newborns, np.zeros(5, np.int64), keys, Plan(90), trace_steps=80)
    assert_same(trace, expected)
    assert trace.ends.any()


def test_every_life_of_a_job_can_leave_a_trace_whatever_lives_it(driver_for, stepwise_for):
    fused = driver_for(restless_box, workers=2)
    stepwise = stepwise_for(fused.conditions, make_environments=CompiledEnvironments, chunk=3)
    newborns, born_as = newborns_for(fused.conditions, 2, **ALWAYS), np.array([0, 1, 1, 0, 1])
    keys = life_keys(3, SELECTION, 7, 5)
    outcome, traces = traced_lives(fused, newborns, born_as, keys, Plan(40))
    stepwise_outcome, stepwise_traces = traced_lives(stepwise, newborns, born_as, keys, Plan(40))
    assert_same(stepwise_outcome, outcome)
    assert_same(stepwise_traces, traces)
    for life in range(5):
        own = slice(life, life + 1)
        alone, trace = lives(fused, fused.conditions, newborns, born_as[own], keys[own], Plan(40), trace_steps=40)
        assert_same(traces.of(life), trace)
        assert alone.fitness[0, 0] == trace.fitness.sum() == outcome.fitness[life, 0]
        goes_on = trace.ends[:-1] == GOES_ON
        np.testing.assert_array_equal(trace.next_observations[:-1][goes_on], trace.observations[1:][goes_on])
        assert (trace.next_observations[:-1][~goes_on, 1] > 0.0).all(), "that of the episode that ends"
        assert (trace.observations[1:][~goes_on, 1] == 0.0).all(), "that of the next one"


def test_a_diverged_brain_ends_its_life_alone_and_as_in_the_fused_driver(driver_for, stepwise_for):
    fused = driver_for(cart_pole, generic_drives=("effort", "linear_surprise"), predictability=0.3)
    stepwise = stepwise_for(fused.conditions, make_environments=CompiledEnvironments, chunk=3)
    newborns = newborns_for(fused.conditions, 3, **ALWAYS)
    newborns.weights[1] = np.nan
    newborns.plasticity[2, 0] = 3e38  # the learning rate: diverges after the first update
    plan = Plan(60, final_weights=True)
    call = (fused.conditions, newborns, np.array([0, 1, 2, 0]), life_keys(3, SELECTION, 7, 4), plan)
    expected, _ = lives(fused, *call)
    outcome, _ = lives(stepwise, *call)
    assert outcome.status.tolist() == [FINISHED, DIVERGED, DIVERGED, FINISHED]
    assert outcome.age.tolist() == [60, 0, 16, 60]
    assert_same(outcome, expected)


LEAVING = "tests.helpers.odd_environments:evolearn-leaving-v0"
TOY = "world gymnasium:tests.helpers.toy_environment:evolearn-toy-v0"


@pytest.fixture
def toy_driver():
    drivers = []

    def make(workers=1, chunk=64, apart=False, **arguments):
        drivers.append(StepwiseDriver(toy(**arguments), workers, chunk, apart=apart))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.close()


def rows(outcome, some):
    return type(outcome)(*(array[some] for array in outcome))


def test_new_driver_lives_gymnasium_worlds_stepwise():
    driver = new_driver(toy())
    assert isinstance(driver, StepwiseDriver)
    driver.close()


def test_one_key_is_one_life_and_another_is_another(toy_driver):
    driver = toy_driver()
    once = live_toys(driver, final_weights=True)
    assert_same(live_toys(driver, final_weights=True), once)
    assert_same(live_toys(toy_driver(), final_weights=True), once)
    assert np.unique(once.fitness[::2]).size == 4
    assert not np.isin(live_toys(driver, seed=9).fitness, once.fitness).any()


def test_episodes_of_a_life_differ(toy_driver):
    returns = live_toys(toy_driver(), steps=50, bin_steps=5).finished_return
    assert np.unique(returns).size == returns.size


@pytest.mark.parametrize("chunk", [1, 3])
def test_a_life_does_not_depend_on_its_neighbours(chunk, toy_driver):
    whole = live_toys(toy_driver(), final_weights=True)
    driver = toy_driver(chunk=chunk)
    assert_same(live_toys(driver, final_weights=True), whole)
    # The environments are used, and at other places than before.
    assert_same(live_toys(driver, count=4, first=2, final_weights=True), rows(whole, slice(2, 6)))


def test_fewer_lives_go_together_where_steps_take_long(monkeypatch):
    monkeypatch.setattr("evolearn.life._stepwise.SLOW_STEP", 1.0)
    driver = StepwiseDriver(toy())
    expected = live_toys(driver, count=20)
    assert driver.chunk == 64
    monkeypatch.setattr("evolearn.life._stepwise.SLOW_STEP", 0.0)
    assert driver.chunk == 16
    assert_same(live_toys(driver, count=20), expected)
    driver.close()


def test_a_shorter_life_is_the_beginning_of_a_longer_one(toy_driver):
    driver = toy_driver()
    longer = live_toys(driver, steps=60, bin_steps=20)
    shorter = live_toys(driver, steps=40, bin_steps=20)
    for name in ("fitness", "finished_return", "finished", "open_return", "deaths"):
        assert getattr(shorter, name).tobytes() == np.ascontiguousarray(getattr(longer, name)[:, :2]).tobytes()


def test_workers_change_nothing_and_serve_job_after_job(toy_driver):
    alone, crew = toy_driver(chunk=2), toy_driver(workers=2, chunk=2)
    for seed in (8, 9):
        assert_same(live_toys(crew, seed=seed, final_weights=True), live_toys(alone, seed=seed, final_weights=True))
        for process in multiprocessing.active_children():
            os.kill(process.pid, signal.SIGINT)  # Ctrl-C is the parent's to answer
    newborns = newborns_for(alone.conditions)
    call = (newborns, np.zeros(5, np.int64), life_keys(3, SELECTION, 0, 5), Plan(20))
    (outcome, trace), (expected, expected_trace) = (
        lives(driver, driver.conditions, *call, trace_steps=9) for driver in (crew, alone)
    )
    assert_same(outcome, expected)
    assert_same(trace, expected_trace)
    assert trace.ends.any()
    processes = multiprocessing.active_children()
    assert len(processes) == 2
    crew.close()
    assert not multiprocessing.active_children()


def test_truncation_is_bootstrapped_and_termination_is_not(toy_driver):
    ended = {}
    for truncates in (False, True):
        outcome = live_toys(toy_driver(truncates=truncates), steps=16, final_weights=True)
        assert (outcome.finished == 3).all()
        assert (outcome.deaths == (0 if truncates else 3)).all()
        ended[truncates] = outcome
    assert ended[False].fitness.tobytes() == ended[True].fitness.tobytes()
    assert (ended[False].final_weights != ended[True].final_weights).any(axis=1).all()


def first_doomed(unlucky, count=7, seed=8):
    """The first life whose first episode goes wrong."""
    conditions = toy(unlucky=unlucky, fails="observation", length=1000)
    driver = StepwiseDriver(conditions, chunk=1)
    for life in range(count):
        try:
            live_toys(driver, count=1, first=life, steps=6, seed=seed)
        except WorldError:
            return life
    raise AssertionError("no life goes wrong")


@pytest.mark.parametrize(
    ("fails", "step", "text"),
    [
        ("observation", 2, "observation observation 0=nan: must be finite"),
        ("reward", 2, "fitness is not finite; the world's step must return a finite number"),
    ],
)
@pytest.mark.parametrize("chunk", [2, 64])
def test_numbers_that_are_not_finite_are_the_worlds_fault(fails, step, text, chunk, toy_driver):
    doomed = first_doomed(0.4)
    assert doomed > 0
    with pytest.raises(WorldError) as caught:
        live_toys(toy_driver(chunk=chunk, fails=fails, unlucky=0.4, length=1000))
    assert str(caught.value).startswith(
        f"{TOY}, life (seed 8, selection, generation 0, life {doomed}), genome {doomed % 2}, step {step}: {text}"
    )


def test_a_fault_ends_no_other_life(toy_driver):
    driver = toy_driver(fails="reward", unlucky=0.4, length=1000)
    newborns = newborns_for(driver.conditions, 2, **ALWAYS)
    outcome = empty_outcome(7, Plan(20), 1, driver.conditions.brain.weights)
    keys = life_keys(8, SELECTION, 0, 7)
    with pytest.raises(WorldError):
        driver.live(Job(newborns, np.arange(7) % 2, keys, Plan(20), outcome, empty_trace(0, driver.conditions)))
    assert set(outcome.status) == {FINISHED, BAD_FITNESS}
    assert set(outcome.age[outcome.status == FINISHED]) == {20}
    assert set(outcome.age[outcome.status == BAD_FITNESS]) == {2}


@pytest.mark.parametrize("apart", [False, True])
def test_an_environment_that_raises_is_named_with_life_step_and_line(apart, toy_driver):
    driver = toy_driver(apart=apart, fails="raise", unlucky=1.0)
    with pytest.raises(WorldError) as caught:
        live_toys(driver, count=1)
    where, line, error = str(caught.value).splitlines()
    assert where == f"{TOY}, life (seed 8, selection, generation 0, life 0), genome 0, step 2: the environment raised:"
    assert re.fullmatch(r'  .*toy_environment.py, line \d+, in step: raise RuntimeError\("the bridge is out"\)', line)
    assert error == "  RuntimeError: the bridge is out"


def test_an_environment_that_cannot_begin_is_named_too(toy_driver):
    where = "genome 0, step 0: the environment raised:\n.*\n.* no way to begin"
    with pytest.raises(WorldError, match=where):
        live_toys(toy_driver(fails="reset", unlucky=1.0))
    where = "genome 1, step [1-9]*[49]: the environment raised:\n.*\n.* no way to begin"
    with pytest.raises(WorldError, match=where):
        live_toys(toy_driver(fails="reset", unlucky=0.2), count=1, first=1, steps=200)


@pytest.mark.parametrize("apart", [False, True])
def test_an_environment_that_hangs_is_named_with_life_step_and_line(apart, capfd):
    conditions = toy(fails="hang", unlucky=0.4, length=1000)
    driver = StepwiseDriver(conditions, 1, chunk=64, hang_seconds=0.5, apart=apart)
    doomed = first_doomed(0.4)
    try:
        with pytest.raises(LifeFault) as caught:
            live_toys(driver, count=1, first=doomed)
        where, line = str(caught.value).splitlines()
        assert where == (
            f"{TOY}, life (seed 8, selection, generation 0, life {doomed}), genome {doomed % 2}, step 2: no step "
            "finished for 0.5 s; look for a loop without end in the environment's code, or raise hang_seconds if it is "
            "only slow"
        )
        assert re.fullmatch(r"  .*toy_environment.py, line \d+, in step: time.sleep\(600.0\)", line)
        # What hangs is left alone, and the driver goes on with environments of its own.
        whole = live_toys(StepwiseDriver(toy(unlucky=0.4, length=1000)), count=doomed)
        assert_same(live_toys(driver, count=doomed), whole)
    finally:
        driver.close()
    assert capfd.readouterr().out == "in the environment\n", "that life was rehearsed, and none went on"


def test_ctrl_c_waits_for_the_step_under_way_and_the_driver_goes_on(monkeypatch):
    driver = StepwiseDriver(toy())
    expected = live_toys(driver)
    wait = OwnThread.wait
    monkeypatch.setattr(OwnThread, "wait", interrupted_once(wait))
    with pytest.raises(KeyboardInterrupt):
        live_toys(driver, steps=1_000_000)
    assert_same(live_toys(driver), expected)
    driver.close()


def interrupted_once(wait):
    """`wait` that is interrupted as by Ctrl-C the first time."""
    waits = []

    def first_interrupted(thread, seconds):
        waits.append(seconds)
        if len(waits) == 1:
            raise KeyboardInterrupt
        return wait(thread, seconds)

    return first_interrupted


def test_environments_are_made_stepped_and_closed_by_one_thread():
    used = set()

    class Noting(CompiledEnvironments):
        def begin_all(self, keys, observations):
            used.add(threading.get_ident())
            super().begin_all(keys, observations)

        def step_all(self, *arguments):
            used.add(threading.get_ident())
            return super().step_all(*arguments)

        def close(self):
            used.add(threading.get_ident())

    driver = StepwiseDriver(conditions_for(cart_pole), chunk=2, make_environments=Noting)
    live_toys(driver)
    live_toys(driver)
    driver.close()
    assert len(used) == 1


def test_what_survives_a_raising_environment_is_a_working_driver(toy_driver):
    driver = toy_driver(fails="raise", unlucky=0.4, length=1000)
    doomed = first_doomed(0.4)
    with pytest.raises(WorldError):
        live_toys(driver, count=1, first=doomed)
    expected = live_toys(toy_driver(unlucky=0.4, length=1000), count=doomed)
    assert_same(live_toys(driver, count=doomed), expected)


def test_a_life_in_which_processes_die_is_at_fault_and_the_next_job_gets_new_ones():
    driver = StepwiseDriver(toy(fails="crash", unlucky=0.4, length=1000), 1, chunk=7, apart=True)
    doomed = first_doomed(0.4)
    try:
        with pytest.raises(LifeLost) as caught:
            live_toys(driver, count=1, first=doomed)
        assert str(caught.value) == (
            f"{TOY}, life (seed 8, selection, generation 0, life {doomed}), genome {doomed % 2}, step 2: the process "
            "that lived it ended with exit code 3, and so did another: os._exit, or a crash in the environment's own "
            "code (C); it must raise an exception instead"
        )
        assert not multiprocessing.active_children()
        whole = live_toys(StepwiseDriver(toy(unlucky=0.4, length=1000)), count=doomed)
        assert_same(live_toys(driver, count=doomed), whole)
    finally:
        driver.close()


def test_lives_that_somebody_kills_once_are_lived_again_and_twice_are_nobodys_fault(toy_driver):
    expected = live_toys(toy_driver(), steps=3000)
    driver = StepwiseDriver(toy(), apart=True)
    live_toys(driver, count=1, steps=1)
    answer, left = Worker.answer, [1]

    def killed(worker):
        if left[0]:
            left[0] -= 1
            worker.end_now()
            worker.connection.close()
        return answer(worker)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "answer", killed)
        assert_same(live_toys(driver, steps=3000), expected)
        left[0] = 2
        with pytest.raises(WorkerDied, match=r"ended by signal 9 while it lived its lives: out of memory"):
            live_toys(driver, steps=3000)
    driver.close()


def test_an_environment_may_rearrange_its_process_which_is_its_own(capfd):
    driver = StepwiseDriver(conditions_for(gymnasium_world(f"{LEAVING}", how="soundly")), apart=False)
    expected = live_toys(driver, count=2, steps=20)
    driver.close()
    world = GymnasiumWorld(
        **{field.name: getattr(driver.conditions.world, field.name) for field in dataclasses.fields(GymnasiumWorld)}
        | {"full_name": WorldPart(name=f"gymnasium:{LEAVING}", kwargs={"how": "rearranges its process"}).full_name}
    )
    before = os.getcwd(), signal.getsignal(signal.SIGINT), np.geterr()
    driver = StepwiseDriver(dataclasses.replace(driver.conditions, world=world), apart=True)
    assert_same(live_toys(driver, count=2, steps=20), expected)
    assert (os.getcwd(), signal.getsignal(signal.SIGINT), np.geterr()) == before
    driver.close()
    children = [int(line.split()[1]) for line in capfd.readouterr().out.splitlines() if line.startswith("child")]
    assert len(children) >= 2
    for child in children:
        with contextlib.suppress(ProcessLookupError):  # gone already
            wait_for_end(child)


def wait_for_end(process):
    """Return when a process that is no child of this one has ended; it is killed already, but may not know yet."""
    handle = os.pidfd_open(process)
    try:
        ended, _, _ = select.select([handle], [], [], 30.0)
        assert ended, f"process {process} lives on"
    finally:
        os.close(handle)


@pytest.mark.parametrize("how", ["exits by sys.exit", "raises KeyboardInterrupt"])
@pytest.mark.parametrize("apart", [False, True])
def test_an_environment_that_ends_the_program_is_at_fault(how, apart):
    driver = StepwiseDriver(conditions_for(gymnasium_world(LEAVING, how=how)), apart=apart)
    said = {"exits by sys.exit": "the environment ended the program by sys.exit; it must raise an exception instead"}
    with pytest.raises(LifeFault, match=rf"life 0\).*step 2: {said.get(how, 'the environment raised')}") as caught:
        live_toys(driver, count=1)
    assert "in reward: " in str(caught.value)
    driver.close()


def test_no_more_environments_are_made_than_there_may_be():
    name = "gymnasium:tests.helpers.odd_environments:evolearn-alone-v0"
    driver = StepwiseDriver(conditions_for(declare_here(WorldPart(name=name, instances=1))), workers=2)
    assert (driver.workers, driver.chunk) == (1, 1)
    assert live_toys(driver, count=3).fitness.any()
    driver.close()
    unaware = StepwiseDriver(conditions_for(declare_here(WorldPart(name=name))))
    with pytest.raises(LifeFault, match=r"OSError: the port is taken\nIt was number 2 at once .*: world.instances=1"):
        live_toys(unaware, count=3)
    unaware.close()


def test_there_is_one_environment_also_where_lives_and_drivers_differ():
    name = "gymnasium:tests.helpers.odd_environments:evolearn-alone-v0"
    vary = {"kwargs.size": {"distribution": "choice", "values": [1, 2, 3]}}
    one = conditions_for(declare_here(WorldPart(name=name, instances=1, vary=vary)))
    drivers = OwnDrivers(1)
    with contextlib.closing(drivers):
        for conditions in (one, dataclasses.replace(one, window=one.window + 1)) * 2:
            assert live_toys(drivers.of(conditions, 60.0), count=4, steps=20).fitness.any()


@pytest.mark.parametrize(("ends", "killed"), [("SIGKILL", True), ("SIGTERM", True), ("SIGSEGV", False)])
def test_what_a_scheduler_ends_is_no_fault_of_a_life(ends, killed, monkeypatch):
    monkeypatch.setattr(Worker, "exit_code", -getattr(signal, ends))
    assert Worker.__new__(Worker).was_killed == killed


def test_most_instances_are_shared_among_workers():
    world = declare_here(WorldPart(name="gymnasium:CartPole-v1", instances=5))
    driver = StepwiseDriver(conditions_for(world), workers=2)
    assert (driver.workers, driver.chunk) == (2, 2)


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_no_worker_outlives_its_parent(name):
    script = """
        from evolearn.life._stepwise import StepwiseDriver
        from tests.helpers.compiled_environments import live_toys, toy

        if __name__ == "__main__":
            live_toys(StepwiseDriver(toy(fails="hang", unlucky=1.0), apart=True))
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout.readline() == "in the environment\n"
    if name == "SIGINT":
        os.killpg(parent.pid, signal.SIGINT)  # as Ctrl-C does: the workers get it too, and leave the word to the parent
    else:
        parent.kill()
    # The workers hold the output open: it ends when the last of them does.
    _, errors = parent.communicate(timeout=120)
    assert parent.returncode != 0
    assert errors.count("Traceback") == errors.count("KeyboardInterrupt") == (name == "SIGINT")


def test_c_code_that_lets_nobody_else_run_does_not_outlive_the_parent(tmp_path):
    script = """
        import ctypes, multiprocessing, time
        from evolearn.world import begin_child

        def stuck(asked):
            begin_child(asked)
            print("stuck", flush=True)
            ctypes.PyDLL(None).sleep(300)  # and keeps Python's lock

        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            context.Process(target=stuck, args=(theirs,), daemon=True).start()
            time.sleep(300)
    """
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(script))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, file], env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "stuck\n"
        parent.kill()
        # The child holds the output open: it ends when that does.
        assert parent.communicate(timeout=120)[0] == ""


def test_a_gymnasium_world_has_no_oracle(toy_driver):
    with pytest.raises(WorldError, match=r"world gymnasium:.* has no oracle; choose another source of actions"):
        live_toys(toy_driver(), source=FROM_ORACLE)
