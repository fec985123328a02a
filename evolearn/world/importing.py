"""Modules of users, by dotted name or by file, and the texts of what can go wrong with them."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from evolearn.errors import WorldNotFound, shortened_traceback


def is_file(source: str) -> bool:
    """Whether a source is meant as a file, not as a module's dotted name."""
    return source.endswith(".py") or "/" in source or "\\" in source


def absolute(name: str) -> str:
    """``path/to/file.py:attribute`` with the path made absolute, so that it holds in any folder; else as it is."""
    source, colon, attribute = name.rpartition(":")
    return f"{Path(source).resolve()}:{attribute}" if colon and source.endswith(".py") else name


_INSTEAD = "give the file: path/to/file.py:attribute"


def module_of(asked: str, source: str, forms: str, instead: str = _INSTEAD) -> ModuleType:
    """Import a module.

    Args:
        asked: what was asked for, to begin the text of an error with.
        source: dotted name, or path of a Python file.
        forms: what a user may write, for errors.
        instead: what a user may do about a missing module that is in no package, for errors.
    Raises:
        WorldNotFound: there is none, or it does not import.
    """
    return _from_file(asked, Path(source)) if is_file(source) else _from_name(asked, source, forms, instead)


def _from_name(asked: str, source: str, forms: str, instead: str) -> ModuleType:
    if source.startswith(".") or not all(part.isidentifier() for part in source.split(".")):
        raise WorldNotFound(f"{asked}: {source!r} is not a module's name; must be {forms}")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # as `python -m` has it: a module beside the config is found
    try:
        return importlib.import_module(source)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if source != missing and not source.startswith(f"{missing}."):
            raise _failure(asked, error, source) from error
        raise WorldNotFound(f"{asked}: there is no module {missing}. Install its package, or {instead}") from error
    except (Exception, SystemExit) as error:
        raise _failure(asked, error, source) from error


def _from_file(asked: str, path: Path) -> ModuleType:
    resolved = path.resolve()
    if not resolved.is_file():
        raise WorldNotFound(f"{asked}: there is no file {path} in {Path.cwd()}; give a path from there")
    if resolved.suffix != ".py":
        raise WorldNotFound(f"{asked}: {path} is not a Python file; its name must end in .py")
    # A name of its own per path: two files of one name are two modules, one file is one module.
    module_name = f"evolearn_file_{hashlib.sha256(str(resolved).encode()).hexdigest()[:12]}_{resolved.stem}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, resolved)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # before it runs: dataclasses and the compiler look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise _failure(asked, error, str(path)) from error
    return module


def _failure(asked: str, error: BaseException, source: str) -> WorldNotFound:
    importers = (str(Path(__file__)), str(Path(importlib.__file__)))

    def is_theirs(file: str) -> bool:
        return file not in importers and not file.startswith("<frozen importlib")

    if source.endswith(".py"):
        theirs = str(Path(source).resolve())
        shown = shortened_traceback(error, lambda file: file == theirs)
    else:
        shown = shortened_traceback(error, is_theirs)
    return WorldNotFound(f"{asked}: {source} fails to import; correct it:\n{shown}")
