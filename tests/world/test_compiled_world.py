"""The cache of compiled worlds: kept while the source is the same, never served after a change."""

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from evolearn.worlds.cart_pole import cart_pole
from evolearn.worlds.savannah import savannah

from evolearn.numerics import address_of, handle_of, source_fingerprint
from evolearn.rng import new_rng
from evolearn.world import compile_world

WORLD = '''
"""A world whose fitness comes from a helper in another file."""
import numpy as np
from evolearn.world import Box, Signal, World
from {helper} import gain

STATE = np.dtype([("age", "i8")], align=True)


def born(state, parameters, rng):
    state.age = 0


def begin(state, parameters, rng):
    state.age = 0


def observe(state, parameters, observation):
    observation[0] = 1.0


def step(state, parameters, action, senses, rng):
    return gain(), False, False


world = World(
    name="helped", doc=__doc__, observations=(Signal("one", "1"),), actions=Box(1), state=STATE,
    born=born, begin=begin, observe=observe, step=step,
)
'''

HELPER = """
from evolearn.world import world_code


@world_code
def gain():
    return {value}
"""

MIDDLE = """

@world_code
def gain():
    return far.VALUE
"""

USE = """
import numpy as np
from evolearn.rng import new_rng
from evolearn.world.compiled import compile_world
from helped import world

compiled = compile_world(world, {}, by_hand=True)
buffers = [np.zeros(64, np.uint8) for _ in range(2)]
handles = [np.uint64(buffer.ctypes.data) for buffer in buffers]
floats = np.zeros(1, np.float32)
print(compiled.step(*handles, floats, np.zeros(0, np.float32), new_rng())[0])
"""


def test_a_helper_edited_in_another_file_is_compiled_again(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "helped.py").write_text(WORLD.format(helper="helper_of_helped"))
    results = []
    for value in ("1.0", "2.0", "1.0"):
        (tmp_path / "helper_of_helped.py").write_text(HELPER.format(value=value))
        command = [sys.executable, "-c", textwrap.dedent(USE)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
        assert done.returncode == 0, done.stderr
        results.append(float(done.stdout))
    assert results == [1.0, 2.0, 1.0]


def test_a_helper_behind_a_module_is_followed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    world = WORLD.replace("from {helper} import gain", "import middle").replace("gain()", "middle.gain()")
    (tmp_path / "helped.py").write_text(world)
    (tmp_path / "middle.py").write_text("from evolearn.world import world_code\nimport far\n" + MIDDLE)
    results = []
    for value in ("1.0", "2.0"):
        (tmp_path / "far.py").write_text(f"VALUE = {value}\n")
        command = [sys.executable, "-c", textwrap.dedent(USE)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
        assert done.returncode == 0, done.stderr
        results.append(float(done.stdout))
    assert results == [1.0, 2.0]


def test_fingerprints_tell_worlds_apart_and_are_stable() -> None:
    first = source_fingerprint([savannah.step, savannah.born], "label")
    assert first == source_fingerprint([savannah.step, savannah.born], "label")
    assert first != source_fingerprint([savannah.step, savannah.born], "another label")
    assert first != source_fingerprint([cart_pole.step, cart_pole.born], "label")


def test_the_code_of_two_worlds_shares_no_symbol() -> None:
    # Numbers that tell functions of one name apart begin anew in every process, and code from disk keeps its own.
    one, other = (
        {
            f"{function.py_func.__module__}.{function.py_func.__qualname__}"
            for by_hand in (False, True)
            for function in compile_world(world, {}, by_hand=by_hand)
            if hasattr(function, "py_func")
        }
        for world in (savannah, cart_pole)
    )
    assert min(len(one), len(other)) >= 7  # 8, unless what lives are lived with was there by hand already
    assert not one & other


def test_by_hand_a_world_is_born_by_the_code_of_lives_and_says_what_is_wrong(tmp_path: Path, monkeypatch) -> None:
    lived, by_hand = compile_world(cart_pole, {}), compile_world(cart_pole, {}, by_hand=True)
    for name in ("born", "reborn", "begin", "oracle"):
        assert getattr(by_hand, name).function is getattr(lived, name)
        assert getattr(by_hand, name).args == (address_of(getattr(lived, name)),)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "helper_of_unborn.py").write_text(HELPER.format(value="1.0"))
    wrong = WORLD.format(helper="helper_of_unborn").replace("state.age = 0", "state.age = (1, 2)[state.age]", 1)
    (tmp_path / "unborn.py").write_text(wrong)
    compiled = compile_world(importlib.import_module("unborn").world, {}, by_hand=True)
    state = np.full(compiled.state_size, 9, np.uint8)
    with pytest.raises(IndexError):
        compiled.born(handle_of(state), handle_of(compiled.parameters), new_rng())


TWINS = """
import math
import sys
import numpy as np
from evolearn.world.compiled import compile_world
from evolearn.rng import new_rng, normal
from evolearn.world import Box, Signal, World, world_code


@world_code
def last(state):
    return state.last


def born(state, parameters, rng):
    # Too long for the compiler to merge it into its caller.
    angle = normal(rng) + 2.0 * normal(rng) + 3.0 * normal(rng) + 4.0 * normal(rng) + 5.0 * normal(rng)
    state.last = 7.0 + math.sin(angle) + math.cos(angle)


def begin(state, parameters, rng):
    pass


def observe(state, parameters, observation):
    observation[0] = last(state)


def step(state, parameters, action, senses, rng):
    return last(state), False, False


def twin(fields):
    state = np.dtype([(name, "f8") for name in fields])
    parts = dict(state=state, born=born, begin=begin, observe=observe, step=step)
    return World(name="twin", doc="", observations=(Signal("last", "1"),), actions=Box(1), **parts)


worlds = {
    "short": twin(["last"]),
    "long": twin(["first", "second", "third", "last"]),
    "more": twin(["last", "and"]),
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        import twins
        compiled = compile_world(twins.worlds[name], {}, by_hand=True)
        state, parameters = np.zeros(64, np.uint8), np.zeros(8, np.uint8)
        handles = [np.uint64(state.ctypes.data), np.uint64(parameters.ctypes.data)]
        compiled.born(*handles, new_rng())
        print(np.flatnonzero(state.view(np.float64)))
"""


def test_worlds_that_share_functions_but_no_state_share_no_code_on_disk(tmp_path: Path, monkeypatch) -> None:
    """Each compiled in a process of its own, then both loaded into one."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "twins.py").write_text(TWINS)
    results = []
    for names in (["short"], ["long"], ["short", "long"]):
        command = [sys.executable, "twins.py", *names]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
        assert done.returncode == 0, done.stderr
        results += done.stdout.split("\n")[:-1]
    assert results == ["[0]", "[3]", "[0]", "[3]"]


def test_a_state_that_begins_as_another_worlds_is_no_warning(tmp_path: Path, monkeypatch) -> None:
    """Numba warns that it might take code of the shorter record for the longer, of which it has compiled its own."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "twins.py").write_text(TWINS)
    command = [sys.executable, "-W", "error", "twins.py", "short", "more"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[0]\n[0]\n"


GLOBAL_TABLE = np.zeros(3)


def reads_table() -> float:
    return GLOBAL_TABLE[0]


def test_a_changed_global_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = source_fingerprint([reads_table], "")
    monkeypatch.setitem(globals(), "GLOBAL_TABLE", np.ones(3))
    assert source_fingerprint([reads_table], "") != before


def test_closures_are_not_kept() -> None:
    hidden = 3.0

    def closure() -> float:
        return hidden

    assert source_fingerprint([closure], "") is None
    assert source_fingerprint([reads_table], "") is not None
