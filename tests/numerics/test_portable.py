"""Portable mode: the same results on every processor, shown by switching libm's variants off; and what it refuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import numba
import pytest
from numba import types

from evolearn.config import ConfigError, check_config, wants_portable_mode
from evolearn.numerics import _portable_target as portable_target
from evolearn.numerics._portable_target import FUNCTIONS, rewritten
from evolearn.numerics.portable import SWITCH, PortableError, disagreement, enter, variables
from evolearn.run import assemble
from tests.helpers.places import HELPERS, ROOT

# libm then takes the variants for processors without these, as on an old host.
OTHER_LIBM = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"}
OTHER_NUMPY = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL"}


def started(folder: Path, name: str, what: str, cache: str, *processor: str, **environment: str) -> subprocess.Popen:
    clean = {key: value for key, value in os.environ.items() if key not in variables()}
    clean |= {"NUMBA_CACHE_DIR": str(folder / cache), "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, str(HELPERS / "portable_digests.py"), "portable", what, str(folder / name), *processor]
    return subprocess.Popen(command, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def printed(process: subprocess.Popen) -> dict:
    out, error = process.communicate(timeout=900)
    assert process.returncode == 0, error[-3000:]
    return json.loads(out.splitlines()[-1])


def three(folder: Path, what: str) -> dict[str, dict]:
    """What three processes compute: as this host is, as another would be, and with code from the first one's cache."""
    here = started(folder, "here", what, "cache")
    there = started(folder, "there", what, "other cache", "znver3", **OTHER_LIBM, **OTHER_NUMPY)
    found = {"here": printed(here), "there": printed(there)}
    return found | {"cached": printed(started(folder, "cached", what, "cache", **OTHER_LIBM))}


def need_another_libm(found: dict[str, dict]) -> None:
    if found["here"]["libm"] == found["there"]["libm"]:
        pytest.skip("GLIBC_TUNABLES does not change this C library's math functions")


@pytest.fixture(scope="module")
def functions(tmp_path_factory) -> dict[str, dict]:
    return three(tmp_path_factory.mktemp("functions"), "functions")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory) -> dict[str, dict]:
    return three(tmp_path_factory.mktemp("worlds"), "worlds")


@pytest.mark.parametrize("other", ["there", "cached"])
def test_another_libm_changes_no_function(other: str, functions) -> None:
    need_another_libm(functions)
    assert functions["here"]["functions"] == functions[other]["functions"]


@pytest.mark.whole
@pytest.mark.parametrize("world", ["savannah", "cart-pole", "chaotic_world.py:chaotic"])
@pytest.mark.parametrize("other", ["there", "cached"])
def test_another_libm_changes_nothing(other: str, world: str, worlds) -> None:
    need_another_libm(worlds)
    assert len(worlds["here"][world]["run"]) == 2
    assert worlds["here"][world] == worlds[other][world]
    assert worlds["here"]["functions"] == worlds[other]["functions"]


def test_the_instructions_do_not_depend_on_the_hosts_name(functions) -> None:
    assert functions["here"]["target"] == functions["there"]["target"] == "x86-64-v3"
    assert functions["here"]["code"] == functions["there"]["code"]


def test_nothing_is_estimated_as_each_processor_likes(functions) -> None:
    assert functions["here"]["estimates"] == []


MODULE = """
define double @"f"(double %x, float %y) {
  %1 = call double @"llvm.sin.f64"(double %x)
  %2 = call double @"sin"(double %1)
  %3 = call float @"tanhf"(float %y)
  %4 = fpext float %3 to double
  %5 = call double @"floor"(double %4)
  %6 = fadd double %2, %5
  ret double %6
}

declare double @"llvm.sin.f64"(double)
declare double @"sin"(double)
declare float @"tanhf"(float)
declare double @"floor"(double)
"""


def test_calls_of_libm_become_calls_of_own_functions() -> None:
    module = llvm.parse_assembly(rewritten(MODULE))
    module.verify()
    called = {function.name for function in module.functions if function.is_declaration}
    assert called == {"evolearn.sin", "evolearn.tanh", "floor"}  # floor is exact


@pytest.mark.parametrize("name", ["lgamma", "numba_gamma", "sincos", "llvm.powi.f64.i32", "numba_xxgemm", "numba_cpow"])
def test_what_depends_on_the_processor_is_refused_by_name(name: str) -> None:
    with pytest.raises(PortableError, match=f"compiled code calls {name}, whose result depends on the processor"):
        rewritten(f'declare double @"{name}"(double)\n')


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_own_functions_call_nothing_that_is_replaced(name: str) -> None:
    signature = types.float64(*[types.float64] * (2 if name in ("pow", "hypot", "atan2") else 1))
    text = numba.cfunc(signature, error_model="numpy")(FUNCTIONS[name]).inspect_llvm()
    assert "define" in text
    called = re.findall(r'^declare [^@\n]*@"?([\w.]+)', text, re.MULTILINE)
    assert [each for each in called if portable_target._COVERED.fullmatch(each)] == []


def config(**changed) -> object:
    return check_config({"world": {"name": "cart-pole"}, **changed}, "test")


def test_a_portable_config_needs_a_portable_process() -> None:
    with pytest.raises(ConfigError, match="portable=True: this process is not in portable mode"):
        assemble(config(portable=True))


def test_a_portable_process_needs_a_portable_config(monkeypatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    assert disagreement(True) is None
    with pytest.raises(ConfigError, match="portable=False: this process is in portable mode"):
        assemble(config())


def test_worlds_that_are_not_compiled_are_refused(monkeypatch) -> None:
    monkeypatch.setattr("evolearn.numerics.portable.disagreement", lambda portable: None)
    with pytest.raises(
        ConfigError, match=r"portable=True: world .*CartPole-v1 is not compiled here.*set portable=false"
    ):
        assemble(config(portable=True, world={"name": "gymnasium:CartPole-v1"}))


def test_it_is_too_late_once_something_that_computes_is_imported(monkeypatch) -> None:
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(PortableError, match=r"portable=True: numpy, numba.* is imported already"):
        enter()
    assert SWITCH not in os.environ


@pytest.mark.parametrize(
    ("machine", "missing", "text"),
    [
        ("aarch64", (), "this machine is aarch64, and portable mode is for x86-64 processors"),
        ("x86_64", ("avx2", "fma"), r"the processor of this host \(Old One\) lacks avx2, fma; .* needs x86-64-v3"),
    ],
)
def test_hosts_that_cannot_are_refused(machine: str, missing: tuple[str, ...], text: str, monkeypatch) -> None:
    features = {name: name not in missing for name in portable_target._NEEDED}
    monkeypatch.setattr(portable_target.llvm, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(portable_target.platform, "machine", lambda: machine)
    monkeypatch.setattr(portable_target, "cpu_model", lambda: "Old One")
    with pytest.raises(PortableError, match=text):
        portable_target.pin()


@pytest.mark.parametrize(
    ("name", "text", "overrides", "asked"),
    [
        ("a.yaml", "portable: true", [], True),
        ("a.yaml", "portable: false", [], False),
        ("a.yaml", "seed: 1", ["portable=True"], True),
        ("a.yaml", "portable: true", ["portable=false"], False),
        ("a.yaml", "run: {portable: true}", [], True),
        ("a.yaml", "run: {seed: 1}", ["run.portable=true"], True),
        ("a.yaml", "portable: [1]", [], False),  # for those to refuse who check it
        ("config.yaml", "portable: true", [], True),
        ("study.yaml", "run: {portable: true}", [], True),
    ],
)
def test_a_config_is_asked_before_anything_is_imported(name, text, overrides, asked, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    directory = name in ("config.yaml", "study.yaml")
    assert wants_portable_mode(tmp_path if directory else tmp_path / name, overrides) is asked


def test_asking_imports_nothing_that_computes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("portable: true")
    lines = [
        "import sys, pathlib, evolearn.cli.app",
        f"evolearn.cli.app.enter_portable_mode_for(pathlib.Path({str(tmp_path / 'a.yaml')!r}))",
        "import os",
        "print(os.environ['EVOLEARN_PORTABLE'], [n for n in ('numpy', 'numba', 'torch') if n in sys.modules])",
    ]
    clean = {key: value for key, value in os.environ.items() if key not in variables()}
    done = subprocess.run(
        [sys.executable, "-c", "; ".join(lines)], env=clean, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "1 []", done.stderr
