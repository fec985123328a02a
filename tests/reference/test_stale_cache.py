"""An edit of the source must reach compiled code that was kept on disk."""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import evolearn

# The cheapest of the kernel's parts with a callee in another file: the draw of an action, which calls rng.py.
DRAW = """
import sys
import numpy as np
import evolearn
from evolearn.numerics.compiler import plug
from evolearn.agent.policies.gaussian import choose_gaussian
from evolearn.agent.policies.policy import CHOOSE_TYPE
from evolearn.rng import new_rng

assert evolearn.__file__.startswith(sys.argv[1]), evolearn.__file__
choose = plug(choose_gaussian, CHOOSE_TYPE)
action = np.zeros(1, np.float32)
rng = new_rng()
rng[10] = 4
choose(np.zeros(3, np.float32), np.zeros(0, np.float32), rng, action)
print(float(action[0]), sum(choose.stats.cache_hits.values()))
"""


# A rectified unit for each observation, of weights 1 and biases 0, and a head that adds them up.
THINK = """
import sys
import numpy as np
import evolearn
from evolearn.agent.trunks.tiles import dense_functions
from evolearn.agent.trunks.trunk import THINK_TYPE, Window
from evolearn.numerics import adapter
from numba import types

assert evolearn.__file__.startswith(sys.argv[1]), evolearn.__file__
think = dense_functions((2, 2), 2, 0, "relu").think
weights = np.array([1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0], np.float32)
rows = [np.zeros((2, width), np.float32) for width in (2, 2, 2)]
rows[0][:] = [-3.0, 2.0]
none = np.zeros((1, 1), np.float32)
window = Window(*rows, none, none[0], np.zeros(1, np.int64), none, none[0])
# Only the kernel calls it: this is a way in for Python.
door = adapter(lambda code, a, b, c, d: code(a, b, c, d), types.void(types.FunctionType(THINK_TYPE), *THINK_TYPE.args))
door(think, weights, np.array([2, 2]), window, 0)
print(float(rows[2][0, 0]), sum(think.stats.cache_hits.values()))
"""


def copied_to(folder):
    """A copy of the package that may be edited."""
    package = folder / "evolearn"
    shutil.copytree(Path(evolearn.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def run(script, package):
    """What a script prints in a process of its own with a cache of its own: a number, and hits of the cache."""
    folder = package.parent
    child = subprocess.run(
        [sys.executable, "-c", script, str(package)],
        env={**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    number, hits = child.stdout.split()
    return float(number), int(hits)


@pytest.mark.whole
def test_an_edited_tile_changes_what_the_cached_brain_does(tmp_path):
    package = copied_to(tmp_path)
    edited = package / "agent" / "trunks" / "_tile_think.py"
    assert run(THINK, package) == (2.0, 0)
    assert run(THINK, package) == (2.0, 1), "the second run must come from the cache, or this test shows nothing"
    rectified = "    return code.at_least(x, 0.0)"
    assert edited.read_text().count(rectified) == 1
    edited.write_text(edited.read_text().replace(rectified, "    return x"))
    assert run(THINK, package) == (-1.0, 0)


def test_an_edited_callee_in_another_file_changes_what_the_cached_caller_does_and_an_edited_docstring_does_not(
    tmp_path,
):
    package = copied_to(tmp_path)
    edited, caller = package / "rng.py", package / "agent" / "policies" / "gaussian.py"
    original = edited.read_text()

    def draw():
        return run(DRAW, package)

    first, hits = draw()
    assert hits == 0
    assert draw() == (first, 1), "the second run must come from the cache, or this test shows nothing"
    # The lines of the caller and of its callee move.
    for file, sentence in ((edited, '"""One draw from the open'), (caller, '"""The diagonal Gaussian')):
        assert file.read_text().count(sentence) == 1
        file.write_text(file.read_text().replace(sentence, sentence + " again, and\n\n    again,"))
    assert draw() == (first, 1), "words changed, and no code"
    # Every draw becomes 1/e: of the normal distribution, sqrt(2) cos(2 pi / e) x exp(0).
    word = "(word + 0.5) * (1.0 / 4294967296.0)"
    assert original.count(word) == 1
    edited.write_text(original.replace(word, "math.exp(-1.0) + 0.0 * word"))
    expected = math.sqrt(2.0) * math.cos(2.0 * math.pi / math.e)
    assert draw() == (pytest.approx(expected, rel=1e-5), 0)
    assert first != pytest.approx(expected, rel=1e-3)
    edited.write_text(original)
    assert draw() == (first, 1), "the first sources find what was compiled for them"
