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


def test_an_edited_callee_in_another_file_changes_what_the_cached_caller_does_and_an_edited_docstring_does_not(
    tmp_path,
):
    package = tmp_path / "evolearn"
    shutil.copytree(Path(evolearn.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    edited, caller = package / "rng.py", package / "agent" / "policies" / "gaussian.py"
    original = edited.read_text()

    def draw():
        child = subprocess.run(
            [sys.executable, "-c", DRAW, str(package)],
            env={**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        action, hits = child.stdout.split()
        return float(action), int(hits)

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
