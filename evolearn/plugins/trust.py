"""Whose code is run: what somebody's files name is code of theirs, and is imported only where its user says so.

A config, a run directory and DNA name worlds and parts by the file or the module that they are in. What a user's own
command names is that user's choice, and its path is remembered. What a directory names (of a colleague, from a paper)
is imported without a question only if it is installed, comes with evolearn, or lies where an own command found it; else
its user is asked, and the answer holds while its sources stay the same, or the import is refused.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
import hashlib
import importlib.machinery
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import site
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from evolearn.errors import UserError

_KEPT = 16  # versions of a source that are remembered
_SOURCES = (".py", ".so", ".pyd", ".pyc")  # what is imported
_MOST_ENTRIES = 50_000  # of the folders of a package
_MOST_BYTES = 1 << 28  # of the sources of a package
_MOST_BYTES_OF_FILE = 1 << 24


class NotTrusted(UserError):
    """Code that a directory names, and that nobody said may run; the text says what it is, and how to say so."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Python that somebody brings: a file, or the package at the top of a module's name."""

    name: str  # as a config gives it, without the attribute
    path: Path
    sha256: str

    @property
    def is_folder(self) -> bool:
        """Whether it is a package."""
        return self.path.is_dir()


@dataclasses.dataclass(frozen=True)
class _Gate:
    """Who is asked about code that a directory names."""

    directory: str
    trust: bool  # all of it
    ask: Callable[[str], bool] | None  # None: nobody is there to be asked
    is_worker: bool = False  # of a process that has decided


_gate: contextvars.ContextVar[_Gate | None] = contextvars.ContextVar("gate", default=None)


@contextlib.contextmanager
def named_by(directory: object, trust: bool, ask: Callable[[str], bool] | None = None) -> Iterator[None]:
    """What is imported within is named by files that may be somebody else's.

    Args:
        directory: run, study or DNA, for the question.
        trust: whether to import all that it names.
        ask: whether to import something, by a text that says what it is; None: nobody can be asked.
    """
    token = _gate.set(_Gate(str(directory), trust, ask))
    try:
        yield
    finally:
        _gate.reset(token)


def named_by_unless_told(directory: object, trust: bool) -> contextlib.AbstractContextManager[None]:
    """The same for a call, unless whoever calls has said already who is asked: a command has."""
    return named_by(directory, trust) if _gate.get() is None else contextlib.nullcontext()


@contextlib.contextmanager
def named_by_user() -> Iterator[None]:
    """What is imported within is named by the user's own command or call, also inside of `named_by`."""
    token = _gate.set(None)
    try:
        yield
    finally:
        _gate.reset(token)


@contextlib.contextmanager
def as_told() -> Iterator[None]:
    """What is imported within is named by the process that this one works for: it has asked, and remembers."""
    token = _gate.set(_Gate("", trust=True, ask=None, is_worker=True))
    try:
        yield
    finally:
        _gate.reset(token)


def admit(asked: str, name: str) -> None:
    """Let a source be imported, or not; what this process has imported has run, and is not asked about again.

    Args:
        asked: what was asked for, to begin the text of an error with.
        name: of a module, or the path of a file.
    Raises:
        NotTrusted: it is named by a directory, and nobody said that it may be.
    """
    gate = _gate.get()
    if (gate is not None and gate.is_worker) or module_name(name) in sys.modules:
        return
    if gate is None:
        _note_use(name, os.getcwd(), trusted_file())
        return
    from evolearn.files import FileUnfit  # here, as below: it takes long to import

    try:
        source = source_of(name)
    except FileUnfit as error:
        raise NotTrusted(f"{asked}: cannot be looked at before it is imported: {error}") from error
    if source is None:
        return  # installed, or not there at all
    path = str(source.path)
    trusted = _trusted(trusted_file())
    if path in trusted.named or source.sha256 in trusted.answered.get(path, []):
        return
    if not gate.trust:
        _ask(
            gate,
            asked,
            source,
            "was changed since you were asked" if path in trusted.answered else "you have not used before",
        )
    answered = [*(one for one in trusted.answered.pop(path, []) if one != source.sha256), source.sha256]
    _remember(trusted._replace(answered={**trusted.answered, path: answered[-_KEPT:]}), trusted_file())


def _ask(gate: _Gate, asked: str, source: Source, how: str) -> None:
    what = "the files in" if source.is_folder else "the code in"
    text = f"{asked}: {gate.directory} names {what} {source.path}, which {how}; to import it is to run it as you"
    if gate.ask is None:
        raise NotTrusted(f"{text}. Read it, and if you trust it, give --trust (in Python: trust=True)")
    if not gate.ask(text):
        raise NotTrusted(f"{asked}: {source.path} is not imported, as you said, and nothing of it was run")


@functools.lru_cache(maxsize=256)
def _note_use(name: str, folder: str, file: Path | None) -> None:
    """Remember what a user's own command or call names, once in a process."""
    if multiprocessing.parent_process() is None and (path := _place_of(name)) is not None:  # a worker is told to
        trusted = _trusted(file)
        if str(path) not in trusted.named:
            _remember(trusted._replace(named=[*trusted.named, str(path)]), file)


def source_of(name: str) -> Source | None:
    """Where a source lies that is not installed, and what it holds.

    Args:
        name: of a module, or the path of a file.
    Returns:
        None: it is installed, comes with evolearn, or is no Python that could be imported.
    Raises:
        FileUnfit: it is too large to be looked at, or cannot be read.
    """
    path = _place_of(name)
    return None if path is None else Source(name, path, _checksum(path))


def _place_of(name: str) -> Path | None:
    """See `source_of`."""
    try:
        if is_file(name) and not name.endswith(".py"):  # nothing else is imported as a file
            return None
        path = Path(name).resolve() if is_file(name) else _top_level(name)
        return path if path is not None and path.exists() and not _is_installed(path) else None
    except (OSError, ValueError):  # no name of a file
        return None


def is_file(source: str) -> bool:
    """Whether a source is meant as a file, not as a module's dotted name."""
    return source.endswith(".py") or "/" in source or "\\" in source


def module_name(source: str) -> str:
    """What a source is called among the modules of this process.

    A file has a name of its own per path: two files of one name are two modules, one file is one module.
    """
    if not is_file(source):
        return source
    path = os.path.realpath(source.replace("\0", "?"))
    return f"evolearn_file_{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}_{Path(path).stem}"


def look_beside() -> None:
    """Let modules beside the command be found, as `python -m` has it: before it is asked where a module lies."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


def _top_level(module: str) -> Path | None:
    """File or folder of the package at the top of a module's name; none of its code is run. None: there is none.

    Of a namespace package, which has portions in several places, it is the one that holds the module.
    """
    look_beside()
    importlib.invalidate_caches()  # it may have been written just now
    names = module.split(".")
    spec = _spec_of(names[0])
    if spec is None or (names[0] in _registered() and not _is_namespace(spec)):
        return None
    top, depth = _places(spec), 1
    looked_in: list[str] = []
    while spec is not None and _is_namespace(spec) and depth < len(names):
        looked_in += [spec.name] * (spec.name not in sys.modules)
        depth += 1
        spec = _spec_of(".".join(names[:depth]))  # imports the namespace above, in which is no code
    theirs = [place for place in _places(spec) if not _is_installed(place)] if spec is not None else []
    for name in looked_in:
        sys.modules.pop(name, None)
    if not theirs:
        return None
    return next((portion for portion in top if portion in (theirs[0], *theirs[0].parents)), theirs[0])


def _spec_of(module: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(module) if module else None
    except (ImportError, ValueError):  # ValueError: of __main__
        return None


def _is_namespace(spec: importlib.machinery.ModuleSpec) -> bool:
    return spec.origin is None and spec.submodule_search_locations is not None


def _places(spec: importlib.machinery.ModuleSpec) -> list[Path]:
    if spec.submodule_search_locations is not None:
        return [Path(place).resolve() for place in spec.submodule_search_locations]
    return [Path(spec.origin).resolve()] if spec.has_location and spec.origin else []


@functools.cache
def _registered() -> frozenset[str]:
    """Top-level modules of what installed packages register with evolearn, and of itself."""
    found = importlib.metadata.entry_points()
    ours = [entry for group in found.groups if group.startswith("evolearn.") for entry in found.select(group=group)]
    return frozenset({"evolearn", *(entry.value.partition(":")[0].partition(".")[0] for entry in ours)})


def comes_with_python(path: Path) -> bool:
    """Whether a file is of its standard library, or of what is installed."""
    return _is_installed(path) or Path(os.__file__).resolve().parent in path.parents


def _is_installed(path: Path) -> bool:
    return any(folder in (path, *path.parents) for folder in _installed_folders())


@functools.cache
def _installed_folders() -> tuple[Path, ...]:
    """Where packages are installed, and evolearn; not the standard library, which no world is in."""
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    folders.append(site.getusersitepackages())
    folders += [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    package = Path(__file__).resolve().parents[1]
    return (*(Path(folder).resolve() for folder in folders), package, package.parent / "worlds")  # that of a checkout


def _checksum(path: Path) -> str:
    from evolearn.files import read_bytes

    if not path.is_dir():
        return hashlib.sha256(read_bytes(path, most=_MOST_BYTES_OF_FILE)).hexdigest()
    digest, left = hashlib.sha256(), _MOST_BYTES
    for file in sorted(_sources_in(path)):
        content = read_bytes(file, f"it is of {path}, which is too large to be looked at", left)
        left -= len(content)
        name = os.fsencode(file.relative_to(path).as_posix())
        digest.update(b"%s %s\n" % (name, hashlib.sha256(content).hexdigest().encode()))
    return digest.hexdigest()


def _sources_in(package: Path) -> list[Path]:
    """What can be imported from a package. Where names have a dot, nothing can: hidden folders, lib/python3.11."""
    from evolearn.files import FileDamaged

    found: list[Path] = []
    seen: set[str] = set()
    entries = 0
    for folder, folders, files in os.walk(package, followlinks=True):
        entries += len(folders) + len(files)
        if entries > _MOST_ENTRIES:
            raise FileDamaged(f"{package}: has more than {_MOST_ENTRIES:,} files, too many to look at")
        real = os.path.realpath(folder)
        folders[:] = [name for name in folders if "." not in name] if real not in seen else []
        files = files if real not in seen else []
        seen.add(real)
        names = (name for name in files if name.count(".") == 1 or not name.endswith(".pyc"))
        paths = (Path(folder, name) for name in names if name.endswith(_SOURCES))
        found += [path for path in paths if path.is_file()]
    return found


class _Trusted(NamedTuple):
    """What is remembered."""

    named: list[str]  # paths that own commands and calls named
    answered: dict[str, list[str]]  # checksums that a user said yes to, the latest last, by path


def trusted_file() -> Path | None:
    """Where it is remembered what its user trusts; None for a user without a home."""
    states = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not states.is_absolute():  # as its specification says
        try:
            states = Path.home() / ".local" / "state"
        except RuntimeError:
            return None
    return states / "evolearn" / "trusted.json"


def _trusted(file: Path | None) -> _Trusted:
    from evolearn.files import FileMissing, FileUnfit, danger_in, read_json

    nothing = _Trusted([], {})
    if file is None:
        return nothing
    try:
        if danger := danger_in(file.parent) if file.parent.exists() else None:
            warnings.warn(f"{danger[0]}: {danger[1]}: what you trusted before is not taken from there", stacklevel=2)
            return nothing
        content = read_json(file)
    except (FileMissing, OSError):
        return nothing
    except FileUnfit as error:
        warnings.warn(f"{error}: you are asked again about what you trusted before", stacklevel=2)
        return nothing
    named: Any = content.get("named")
    answered: Any = content.get("answered")
    if not _are_texts(named) or not isinstance(answered, dict) or not all(map(_are_texts, answered.values())):
        warnings.warn(f"{file}: is damaged: you are asked again about what you trusted before", stacklevel=2)
        return nothing
    return _Trusted(named, answered)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _remember(trusted: _Trusted, file: Path | None) -> None:
    from evolearn.files import make_private, write_whole

    if file is None:
        return
    with contextlib.suppress(OSError):  # a disk that takes nothing: asked again
        make_private(file.parent)
        write_whole(file, json.dumps(trusted._asdict(), indent=1).encode())
