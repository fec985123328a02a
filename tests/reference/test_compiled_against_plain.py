"""The compiled life against the same source in plain Python, and against itself in another process."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.reference.live_everywhere import CASES, live_everywhere

# The other process takes their code from the cache on disk.
LIVED_TWICE = ("cart-pole", "savannah", "only-learning", "luck")
SCRIPT = Path(__file__).with_name("live_everywhere.py")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What was lived here, in another process, and in plain Python, where a warning is an error."""
    folder = tmp_path_factory.mktemp("lived")
    children = []
    for name, plain, cases in (("plain", "1", CASES), ("elsewhere", "0", LIVED_TWICE)):
        command = [sys.executable, "-W", "error", str(SCRIPT), str(folder / f"{name}.npz"), *cases]
        environment = {**os.environ, "NUMBA_DISABLE_JIT": plain}
        children.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    lived = {"here": live_everywhere()}
    for name, child in zip(("plain", "elsewhere"), children, strict=True):
        _, complaints = child.communicate(timeout=300)
        assert child.returncode == 0, complaints
        lived[name] = dict(np.load(folder / f"{name}.npz"))
    return lived


def of_case(run, case):
    return {name: array for name, array in run.items() if name.startswith(f"{case}: ")}


@pytest.mark.parametrize("case", CASES)
def test_plain_python_lives_the_same_life(runs, case):
    expected = of_case(runs["plain"], case)
    for name, array in of_case(runs["here"], case).items():
        if array.dtype.kind == "i":
            np.testing.assert_array_equal(array, expected[name], err_msg=name)
        else:
            np.testing.assert_allclose(array, expected[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("case", LIVED_TWICE)
def test_another_process_lives_the_same_life_to_the_bit(runs, case):
    expected = of_case(runs["elsewhere"], case)
    found = of_case(runs["here"], case)
    assert found.keys() == expected.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
