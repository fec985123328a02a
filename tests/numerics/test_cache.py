"""Compiled code on disk: what is not whole is compiled again, and nobody else's folder is used."""

import contextlib
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numba
import numpy as np
import pytest

from evolearn.agent.trunks.dense import tanh
from evolearn.files import danger_in
from evolearn.numerics import _cache as module
from evolearn.numerics._cache import CacheWarning, open_folder
from tests.helpers.places import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders belong to users")


def tripled(x):
    return 3 * x


def doubled(x):
    return 2 * x


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.setattr(module, "_said", set())
    return tmp_path / "kept"


def hits(function=tripled, value=2):
    """Call a function as a new process would, and say whether its code came from the disk."""
    compiled = numba.njit(cache=True)(function)
    assert compiled(value) == function(value)
    return sum(compiled.stats.cache_hits.values())


def kept(folder, suffix):
    (found,) = folder.rglob(f"*tripled*{suffix}")
    return found


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-200 if len(content) > 200 else -9] ^= 1
    path.write_bytes(content)


def swap(path):
    (other,) = path.parent.glob(f"*doubled*{path.suffix}")
    shutil.copy(other, path)


def pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "random": lambda path: path.write_bytes(os.urandom(300)),
    "pickled": lambda path: path.write_bytes(b"cos\n_exit\n(I1\ntR."),
    "cut": cut,
    "flipped": flip,
    "swapped": swap,
    "pipe": pipe,
}


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_files_that_are_not_whole_are_named_and_compiled_again(folder, damage, suffix):
    assert hits() == 0
    hits(doubled)
    assert hits() == 1
    damaged = kept(folder, suffix)
    DAMAGES[damage](damaged)
    with pytest.warns(CacheWarning, match="compiled again") as said:
        assert hits() == 0
    assert {warning.filename for warning in said} == {str(damaged)}
    assert hits() == 1


def test_code_of_another_signature_under_a_number_is_not_taken(folder):
    hits(value=2)
    first = kept(folder, ".nbc").read_bytes()
    hits(value=2.5)
    index = kept(folder, ".nbi")
    # Two processes that compile at once give one number to two signatures: here the index of the second is lost.
    (second,) = set(folder.rglob("*tripled*.nbc")) - {Path(str(index).replace(".nbi", ".1.nbc"))}
    index.with_suffix(".1.nbc").write_bytes(second.read_bytes())
    assert first != second.read_bytes()
    with pytest.warns(CacheWarning):  # its place is in its checksum
        assert hits(value=2) == 0
    assert hits(value=2) == 1
    file = numba.njit(cache=True)(tripled)._cache._cache_file
    file._write(index.with_suffix(".1.nbc"), ("another key", "its code"))
    assert hits(value=2) == 0


def test_code_for_a_function_of_others_is_not_kept_among_that_of_all(folder):
    twice = numba.njit(cache=True)(lambda function, x: function(function(x)))
    assert twice(numba.njit(doubled), 2) == 8
    assert not list(folder.rglob("*lambda*"))
    ours = numba.njit(cache=True)(lambda function, x: function(x))
    assert ours(tanh, np.float32(0.0)) == 0.0
    assert list(folder.rglob("*lambda*.nbi"))


def test_a_full_disk_costs_a_warning_and_nothing_else(folder, monkeypatch):
    @contextlib.contextmanager
    def full(self, path):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr(module.KeptCode, "_open_for_write", full)
    with pytest.warns(CacheWarning, match=r"No space left on device.*not kept") as said:
        assert hits() == hits(doubled) == hits() == 0
    assert len(said) == 1


def test_without_a_folder_nothing_is_kept_and_nothing_is_said(folder, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    assert hits() == 0
    assert hits() == 0


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Home and temporary directory of a user, and how `open_folder` is asked."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    monkeypatch.setattr(module, "_said", set())
    (tmp_path / "temporary").mkdir(mode=0o777)
    (tmp_path / "temporary").chmod(0o1777)
    return tmp_path


def opened():
    return open_folder(lambda base: "sources")


def test_the_folder_lies_at_home_and_is_for_its_user_alone(places):
    folder = opened()
    assert folder == places / "home/.cache/evolearn/numba/sources"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700


NUMBA_FIRST = """
import numba
from evolearn.numerics import cache_folder

folder = cache_folder()
numba.njit(lambda x: x + 1)(1)
print(cache_folder() == folder)
"""


def test_the_folder_stays_where_numba_was_imported_first(tmp_path):
    """Variables that are set after that make Numba read all of them again, and it has a folder of its own there."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    environment |= {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", NUMBA_FIRST], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr


@pytest.mark.parametrize("relative", ["", "caches"])
def test_a_relative_folder_for_caches_does_not_count(places, monkeypatch, relative):
    monkeypatch.setenv("XDG_CACHE_HOME", relative)
    assert opened().is_relative_to(places / "home")


def test_a_home_that_cannot_be_written_gives_one_private_folder_to_all_processes(places):
    (places / "home").write_text("no folder")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folder = opened()
        assert folder == opened() == places / f"temporary/evolearn-{os.getuid()}/numba/sources"
    assert folder.parent.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("level", ["sources", "numba", "evolearn"])
def test_a_folder_that_others_can_write_to_is_not_used(places, level):
    folder = opened()
    wide = next(path for path in (folder, *folder.parents) if path.name == level)
    wide.chmod(0o777)
    with pytest.warns(
        CacheWarning, match=r"can be written by other users \(chmod go-w .*could run code as you"
    ) as said:
        assert opened().is_relative_to(places / "temporary")
    assert {warning.filename for warning in said} == {str(wide)}


def test_a_folder_of_another_user_is_not_used(places, monkeypatch):
    folder = opened()
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert danger_in(folder) == (folder, "belongs to another user")


@pytest.mark.parametrize(("owner", "of_all", "harmless"), [(0, 0, True), (7, 0, False), (65534, 65534, True)])
def test_whoever_owns_a_folder_above_can_put_another_in_its_place(places, monkeypatch, owner, of_all, harmless):
    folder, above, stat = opened(), places / "home", os.stat
    owners = {places / "home": owner, Path(os.sep): of_all}

    def owned(path, **how):
        about = list(stat(path, **how))
        about[4] = owners.get(Path(path), 4242 if Path(path).is_relative_to(above) else of_all)
        return os.stat_result(about)

    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 4242)
        patch.setattr(os, "stat", owned)
        found = danger_in(folder)
    assert found == (None if harmless else (above, "belongs to another user"))


def test_where_no_folder_is_safe_nothing_is_kept(places):
    planted = places / f"temporary/evolearn-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    (places / "home").write_text("no folder")
    with pytest.warns(CacheWarning, match="every command compiles anew"):
        assert opened() is None
