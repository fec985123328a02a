"""The same bits from every target of the compiler, whatever libm is installed; and what is refused."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest

from evolearn.errors import UserError
from evolearn.numerics import _same_bits as same_bits, adapter, libraries
from evolearn.numerics._same_bits import rewritten
from tests.helpers.places import HELPERS, ROOT

# libm then takes the variants for processors without these, as on an old host.
OTHER_LIBM = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"}
# Vectors of 128, 256 and 512 bits, where this host has them; the first has no fused multiply-add: libm's is as exact.
TARGETS = ["x86-64-v2", "x86-64-v3", "haswell", "skylake-avx512", "znver5"]
CASES = ["cart-pole", "savannah", "chaotic", "q_learning", "rules", "regression"]
WIDE = "skylake-avx512,znver5"


def targets() -> list[str]:
    features = llvm.get_host_cpu_features()
    needs = {"skylake-avx512": "avx512vl", "znver5": "avx512vp2intersect", "x86-64-v3": "avx2", "haswell": "avx2"}
    return [name for name in TARGETS if name not in needs or features.get(needs[name], False)]


def started(folder: Path, name: str, cases: str, processor: str = "", *more: str) -> subprocess.Popen:
    clean = {key: value for key, value in os.environ.items() if key not in libraries.variables()}
    clean |= {"NUMBA_CACHE_DIR": str(folder / f"{name} cache"), "PYTHONPATH": str(ROOT)}
    if processor:
        clean |= {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": "", **OTHER_LIBM}
    command = [sys.executable, str(HELPERS / "digests_by_target.py"), cases, str(folder / name), *more]
    return subprocess.Popen(command, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def printed(process: subprocess.Popen) -> dict:
    out, error = process.communicate(timeout=1800)
    assert process.returncode == 0, error[-3000:]
    return json.loads(out.splitlines()[-1])


pytestmark = pytest.mark.skipif(
    llvm.get_process_triple().split("-")[0] != "x86_64", reason="the targets are those of x86-64"
)


@pytest.fixture(scope="module")
def functions(tmp_path_factory) -> dict[str, dict]:
    """What this host's target and an older one compute, and the second's code."""
    folder = tmp_path_factory.mktemp("functions")
    both = {"": started(folder, "here", ""), "x86-64-v2": started(folder, "there", "", "x86-64-v2", WIDE)}
    return {name: printed(process) for name, process in both.items()}


@pytest.mark.whole
def test_another_target_and_another_libm_change_no_function(functions) -> None:
    here, there = functions.values()
    if here["libm"] == there["libm"]:
        pytest.skip("GLIBC_TUNABLES does not change this C library's math functions")
    assert here["functions"] == there["functions"]


@pytest.mark.whole
def test_no_target_reorders_a_sum_or_estimates_a_root(functions) -> None:
    here, there = functions.values()
    assert here["careless"] == there["careless"]


@pytest.mark.whole
@pytest.mark.parametrize("target", WIDE.split(","))
def test_nothing_is_estimated_as_each_processor_likes(target: str, functions) -> None:
    check_instructions(functions["x86-64-v2"], target)


def check_instructions(found: dict, target: str) -> None:
    instructions = {
        line.split()[0]
        for code in found["assembly"][target]
        for line in code.splitlines()
        if line.startswith("\t") and line.strip() and not line.startswith("\t.")
    }
    assert {name for name in instructions if "zmm" in name or name.startswith("v")}, "it is for such a processor"
    assert [name for name in sorted(instructions) if "rsqrt" in name or "rcp" in name] == []
    for text in found["modules"]:
        assert re.findall(r" (?:fast|nnan|ninf|arcp|contract|afn|reassoc) ", text) == []
        called = re.findall(r'^declare [^@\n]*@"?([\w.]+)', text, re.MULTILINE)
        assert [each for each in called if same_bits._COVERED.fullmatch(each)] == []


@pytest.fixture(scope="module")
def lives(tmp_path_factory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("lives")
    names = ",".join(CASES)
    found = {"": printed(started(folder, "here", names))}
    for target in targets():
        more = [WIDE] if target == "x86-64-v3" else []
        found[target] = printed(started(folder, target, names, target, *more))
    return found


@pytest.mark.whole
@pytest.mark.parametrize("case", CASES)
def test_every_target_gives_the_same_lives(case: str, lives) -> None:
    assert len(lives) >= 3
    for target, found in lives.items():
        assert found[case] == lives[""][case], target


@pytest.mark.whole
@pytest.mark.parametrize("target", WIDE.split(","))
def test_no_life_estimates_anything(target: str, lives) -> None:
    check_instructions(lives["x86-64-v3"], target)


MODULE = """
define double @"f"(double %x, float %y, i32 %n) {
  %1 = call reassoc contract double @"llvm.sin.f64"(double %x)
  %2 = call double @"sin"(double %1)
  %3 = call float @"tanhf"(float %y)
  %4 = fpext float %3 to double
  %5 = call double @"floor"(double %4)
  %6 = fadd fast double %2, %5
  %7 = call double @"llvm.powi.f64.i32"(double %6, i32 %n)
  ret double %7
}

declare double @"llvm.sin.f64"(double)
declare double @"sin"(double)
declare float @"tanhf"(float)
declare double @"floor"(double)
declare double @"llvm.powi.f64.i32"(double, i32)
"""


def test_calls_of_libm_become_calls_of_own_functions_without_flags() -> None:
    module = llvm.parse_assembly(rewritten(MODULE))
    module.verify()
    called = {function.name for function in module.functions if function.is_declaration}
    assert called == {"evolearn.sin", "evolearn.tanh", "evolearn.pow", "floor"}  # floor is exact
    assert not re.search(r"\b(reassoc|contract|fast)\b", str(module))


def test_compiled_code_calls_nothing_for_a_sine_and_a_function_for_a_far_one() -> None:
    @numba.njit("float64(float64)")
    def wave(x):
        return np.sin(x)

    (text,) = wave.inspect_llvm().values()
    called = set(re.findall(r'call [^@\n]*@"?(evolearn[\w.]*)', text))
    assert called == {"evolearn.sin_far"}
    assert wave(1e22) == pytest.approx(-0.8522008497671888, rel=1e-15)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import math\ndef f(x): return math.lgamma(x)", "lgamma"),
        ("def f(x): return abs(complex(x, 1.0) ** complex(0.5, x))", "numba_cpow"),
        ("import numpy as np\ndef f(x): return np.linalg.det(np.full((2, 2), x))", "numba_"),
    ],
)
def test_what_depends_on_the_processor_is_refused_in_lives_by_name(source: str, name: str) -> None:
    names: dict = {}
    exec(source, names)
    signature = numba.types.float64(numba.types.float64)
    assert np.isfinite(numba.njit([signature])(names["f"])(1.5)), "other code of this process may"
    with pytest.raises(UserError, match=rf"compiled code calls {name}\w*, whose result depends on the processor"):
        adapter(names["f"], signature)


def test_libraries_that_are_imported_first_have_chosen(tmp_path: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if key not in libraries.variables()}
    for first, late in (("numpy", "('numpy',)"), ("json", "()")):
        line = (
            f"import {first}, evolearn; from evolearn.numerics import libraries; print(libraries.CHOSEN_BY_PROCESSOR)"
        )
        done = subprocess.run([sys.executable, "-c", line], env=clean, capture_output=True, text=True, timeout=60)
        if libraries.variables():
            assert done.stdout.strip() == late, done.stderr
    line = "import evolearn, warnings; warnings.simplefilter('error'); import numpy; print('quiet')"
    done = subprocess.run([sys.executable, "-c", line], env=clean, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "quiet", done.stderr


@pytest.mark.parametrize(
    ("machine", "flags", "numpy", "named"),
    [
        ("x86_64", "fpu avx2 fma", (2, 4), {"NPY_ENABLE_CPU_FEATURES", "ATEN_CPU_CAPABILITY"}),
        ("x86_64", "fpu avx2 fma", (2, 3), {"ATEN_CPU_CAPABILITY"}),
        ("x86_64", "fpu sse2", (2, 4), set()),
        ("aarch64", "avx2 fma", (2, 4), set()),
    ],
)
def test_only_variables_that_this_processor_understands_are_set(machine, flags, numpy, named, monkeypatch) -> None:
    monkeypatch.setattr(libraries.os, "uname", lambda: type("Uname", (), {"machine": machine}))
    monkeypatch.setattr(libraries, "_features", lambda: set(flags.split()))
    monkeypatch.setattr(libraries, "_numpy_version", lambda: numpy)
    found = set(libraries.variables())
    assert found & {"NPY_ENABLE_CPU_FEATURES", "ATEN_CPU_CAPABILITY"} == named
