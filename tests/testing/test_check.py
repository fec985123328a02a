"""`check_world`: a sound world passes, and the text of every failure of a broken one."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from evolearn.config import check_config
from evolearn.testing import CHECKS, check_world, inspect_world, life_scores
from evolearn.testing._process import Task
from evolearn.testing.check import _check_declaration, name_of
from evolearn.testing.findings import Findings
from evolearn.world import Discrete, WorldError, find_world
from tests.helpers.broken_worlds import BROKEN, SOUND, broken
from tests.helpers.probe_worlds import only_learning, restless_with
from tests.helpers.probes import Probes

# Seen only where code is compiled, or by the processes around it; the rest shows in plain Python, in no time.
WHOLE = (
    "hashes",
    "never ending",
    "not compiling",
    "compiled and plain Python differ",
    "a useless oracle",
    "raising for extreme actions alone",
    "names for other actions",
    "no unit",
    "step changes parameters",
)
DECLARED = ("names for other actions", "no unit")  # without living a life
PLAIN = [name for name in BROKEN if name not in WHOLE[:-1]]


def in_plain_python(path: Path, text: str, probes: Probes) -> Findings:
    """What plain Python alone finds in the world of a text."""
    path.write_text(text)
    return probes.probe(None, Task({"world": {"name": f"{path}:world"}}, 5.0, whole=True), None, 1, False).findings


def assert_found(name: str, failures) -> None:
    _, _, check, texts = BROKEN[name]
    of_check = [str(failure) for failure in failures if failure.check == check]
    assert of_check, [str(failure) for failure in failures]
    for text in texts:
        assert any(text in shown for shown in of_check), (text, of_check)
    for shown in of_check:
        for word in ("expected:", "came:", "look at:"):
            assert word in shown


@pytest.mark.parametrize("name", PLAIN)
def test_plain_python_finds_what_is_broken_and_names_the_line(name, probes, tmp_path):
    findings = in_plain_python(tmp_path / "world.py", broken(name), probes)
    assert_found(name, findings.failures.values())
    assert {failure.check for failure in findings.failures.values()} == {BROKEN[name][2]}


def test_plain_python_finds_nothing_in_a_sound_world(probes, tmp_path):
    assert not in_plain_python(tmp_path / "world.py", SOUND, probes).failures


def config(path: Path):
    return check_config({"world": {"name": f"{path}:world"}}, "test")


@pytest.mark.parametrize("name", DECLARED)
def test_what_is_declared_wrongly_is_found_and_nothing_else(name, probes, tmp_path):
    findings = in_plain_python(tmp_path / "world.py", broken(name), probes)
    assert not findings.failures
    _check_declaration(find_world(f"{tmp_path}/world.py:world"), findings)
    assert_found(name, findings.failures.values())
    assert {failure.check for failure in findings.failures.values()} == {"declaration"}


@pytest.mark.parametrize("name", [name for name in WHOLE if name not in ("never ending", *DECLARED)])
def test_the_whole_check_finds_what_is_broken(name, shared_probes, tmp_path):
    assert_alone_found(name, tmp_path / "world.py")


def test_processes_of_its_own_find_what_never_ends(tmp_path):
    assert_alone_found("never ending", tmp_path / "world.py")


def assert_alone_found(name: str, path: Path) -> None:
    path.write_text(broken(name))
    report = inspect_world(config(path), hang_seconds=1.0)
    assert_found(name, report.failures)
    assert len({failure.check for failure in report.failures}) == 1


def test_failures_are_collected(shared_probes, tmp_path):
    path = tmp_path / "world.py"
    text = broken("fitness not finite").replace('Signal("ache", "1")', 'Signal("ache", "")')
    path.write_text(text.replace("action[0] = 1.0\n", "action[0] = 1.0\n    animal.age = 0\n"))
    report = inspect_world(config(path))
    assert [failure.check for failure in report.failures] == ["declaration", "finite", "read-only"]
    assert str(report).startswith("world sound: 3 failures\n\ndeclaration: senses: ache has no unit")


def test_a_sound_world_passes_every_check_that_applies(shared_probes):
    report = inspect_world(check_config({"world": {"name": "cart-pole"}}, "test"))
    assert not report.failures, str(report)
    assert set(report.checked) == set(CHECKS) - {"gymnasium"}
    assert any(note.startswith("Nothing is redrawn at birth") for note in report.notes)


def test_few_kinds_of_worlds_are_noted_and_so_is_a_life_of_one_episode(shared_probes):
    notes = check_world(only_learning)
    assert any("2 different worlds among 64 training lives" in note for note in notes)
    assert any("No episode ended in 64 random lives" in note for note in notes)
    assert any("does not say what is fixed" in note for note in notes)


def test_an_oracle_that_is_no_better_than_random_is_a_note_where_the_world_is_solved_at_birth(shared_probes):
    coin = {"name": "nature-nurture", "parameters": {"fixity": 0.5, "reliability": 0.5}}
    report = inspect_world(check_config({"world": coin, "search": {"selection_lifetime": 1000}}, "test"))
    assert not report.failures, str(report)
    assert any("oracle is not surely better than uniform actions" in note for note in report.notes)


def test_a_gymnasium_environment_is_given_to_gymnasiums_own_checker_first(shared_probes):
    report = inspect_world(check_config({"world": {"name": "gymnasium:CartPole-v1"}}, "test"))
    assert not report.failures, str(report)
    assert "gymnasium" in report.checked
    assert "nothing hidden" in report.checked


def test_an_environment_with_a_generator_of_its_own_fails_gymnasiums_checker(shared_probes):
    name = "gymnasium:tests.helpers.odd_environments:evolearn-keeping-v0"
    world = {"name": name, "kwargs": {"how": "a generator of its own"}}
    report = inspect_world(check_config({"world": world}, "test"))
    assert [failure.check for failure in report.failures] == ["gymnasium", "nothing hidden"]
    assert "check_env refuses the environment" in str(report)
    assert "odd_environments:evolearn-keeping-v0" in str(report)


def test_a_world_that_no_other_process_finds_is_refused():
    with pytest.raises(WorldError, match=r"must be a name at the top level of a module.*move it out"):
        check_world(restless_with("nowhere", Discrete(2)))
    assert name_of(only_learning) == "tests.helpers.probe_worlds:only_learning"


def test_parameters_out_of_range_are_refused():
    from evolearn.worlds.cart_pole import cart_pole

    with pytest.raises(ValueError, match=r"predictability=2: must be 0 to 1"):
        check_world(cart_pole, {"predictability": 2.0})


def test_life_scores():
    from evolearn.worlds.cart_pole import cart_pole

    random, oracle = (life_scores(cart_pole, who, lives=8) for who in ("random", "oracle"))
    assert random.shape == (8,)
    assert np.all(oracle > 5.0 * random)
    with pytest.raises(ValueError, match="who='nobody': must be one of random, oracle, blank"):
        life_scores(cart_pole, "nobody")


# Asks for a check in plain Python, says by whom it is done, and waits.
ASKING = """
import os, subprocess, sys
program = "import sys; from evolearn.testing._process import main; main(*sys.argv[1:])"
probe = subprocess.Popen([sys.executable, "-W", "ignore", "-c", program, *sys.argv[1:], str(os.getpid())])
print(probe.pid, flush=True)
probe.wait()
"""


def test_a_check_ends_with_whoever_asked_for_it(tmp_path: Path) -> None:
    """Also where the world never comes back; else it would go on after `kill -9` for as long as the machine does."""
    path, job, answer = tmp_path / "endless.py", tmp_path / "job", tmp_path / "answer"
    path.write_text(broken("never ending"))
    job.write_bytes(pickle.dumps(Task({"world": {"name": f"{path}:world"}}, 1000.0, whole=True)))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-c", ASKING, str(job), str(answer)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as asking:
        probe = int(asking.stdout.readline())
        asking.kill()
    for _ in range(600):
        if not Path(f"/proc/{probe}").exists():
            break
        time.sleep(0.1)
    else:
        os.kill(probe, signal.SIGKILL)
        pytest.fail("it goes on")
    assert not answer.exists()
