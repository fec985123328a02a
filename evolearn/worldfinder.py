"""From a world's name, as a config or a command gives it, to the world.

A name is one of

- ``savannah``: registered, by this package or any other, under the entry point group ``evolearn.worlds``;
- ``package.module:attribute``: anything that Python can import;
- ``path/to/file.py:attribute``: a file, relative to the current folder;
- ``gymnasium:CartPole-v1``: a Gymnasium environment; ``gymnasium:module:ID`` imports the module that registers it.

Importing this module is cheap: compiler and environments are imported when a world is.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from evolearn.errors import WorldNotFound, nearest, shortened_traceback

if TYPE_CHECKING:
    from evolearn.world import Declaration

GROUP = "evolearn.worlds"
GYMNASIUM = "gymnasium:"
_FORMS = "a registered name, package.module:attribute, path/to/file.py:attribute or gymnasium:ID"


def from_anywhere(name: str) -> str:
    """The same world's name, with the path of a file made absolute, so that it holds in any folder."""
    source, colon, attribute = name.rpartition(":")
    if colon and not name.startswith(GYMNASIUM) and source.endswith(".py"):
        return f"{Path(source).resolve()}:{attribute}"
    return name


@functools.cache  # looking through all installed packages takes 20 ms, and a study asks thousands of times
def registered_worlds() -> dict[str, str]:
    """Entry point value of every registered world by name, sorted; nothing is imported."""
    found = importlib.metadata.entry_points(group=GROUP)
    return {entry.name: entry.value for entry in sorted(found, key=lambda entry: entry.name)}


def find_world(name: str) -> Declaration:
    """Load the world called `name`; see the module's description for the forms of a name.

    Raises:
        WorldNotFound: there is no such world, or it does not load.
    """
    if name.startswith(GYMNASIUM):
        return _from_gymnasium(name)
    source, colon, attribute = name.rpartition(":")
    if not colon:
        return _from_registry(name)
    if not source or not attribute:
        raise WorldNotFound(f"world {name!r}: must be {_FORMS}")
    if source.endswith(".py") or "/" in source or "\\" in source:
        return _attribute(name, _file_module(name, Path(source)), attribute)
    return _attribute(name, _module(name, source), attribute)


def _from_registry(name: str) -> Declaration:
    known = registered_worlds()
    if name in known:
        source, _, attribute = known[name].partition(":")
        return _attribute(name, _module(name, source), attribute)
    if name.endswith(".py"):
        raise WorldNotFound(f"world {name!r}: which world in the file? Must be {name}:attribute")
    raise WorldNotFound(
        f"world {name!r}: not registered{_nearest(name, list(known))}; "
        f"registered are {', '.join(known) or '(none)'}. Or give package.module:attribute, path/to/file.py:attribute "
        "or gymnasium:ID"
    )


def _from_gymnasium(name: str) -> Declaration:
    from evolearn.gymnasium_world import gymnasium_world
    from evolearn.world import WorldError

    try:
        return gymnasium_world(name.removeprefix(GYMNASIUM))
    except WorldError as error:
        raise WorldNotFound(str(error)) from error


def _module(name: str, source: str) -> ModuleType:
    if source.startswith(".") or not all(part.isidentifier() for part in source.split(".")):
        raise WorldNotFound(f"world {name!r}: {source!r} is not a module's name; must be {_FORMS}")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # as `python -m` has it: a module beside the config is found
    try:
        return importlib.import_module(source)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if source != missing and not source.startswith(f"{missing}."):
            raise _import_failure(name, error, source) from error
        raise WorldNotFound(
            f"world {name!r}: there is no module {missing}. Install its package, or give the file: "
            "path/to/file.py:attribute"
        ) from error
    except (Exception, SystemExit) as error:
        raise _import_failure(name, error, source) from error


def _file_module(name: str, path: Path) -> ModuleType:
    resolved = path.resolve()
    if not resolved.is_file():
        raise WorldNotFound(f"world {name!r}: there is no file {path} in {Path.cwd()}; give a path from there")
    if resolved.suffix != ".py":
        raise WorldNotFound(f"world {name!r}: {path} is not a Python file; its name must end in .py")
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
        raise _import_failure(name, error, str(path)) from error
    return module


def _import_failure(name: str, error: BaseException, source: str) -> WorldNotFound:
    importers = (str(Path(__file__)), str(Path(importlib.__file__)))

    def is_theirs(file: str) -> bool:
        return file not in importers and not file.startswith("<frozen importlib")

    if source.endswith(".py"):
        theirs = str(Path(source).resolve())
        shown = shortened_traceback(error, lambda file: file == theirs)
    else:
        shown = shortened_traceback(error, is_theirs)
    return WorldNotFound(f"world {name!r}: {source} fails to import; correct it:\n{shown}")


def _attribute(name: str, module: ModuleType, attribute: str) -> Declaration:
    from evolearn.world import Declaration

    worlds = [key for key, value in vars(module).items() if isinstance(value, Declaration)]
    offer = f"worlds in there: {', '.join(worlds) or '(none)'}"
    where = module.__file__ or module.__name__
    if not hasattr(module, attribute):
        raise WorldNotFound(f"world {name!r}: {where} has no {attribute!r}{_nearest(attribute, worlds)}; {offer}")
    value = getattr(module, attribute)
    if not isinstance(value, Declaration):
        raise WorldNotFound(
            f"world {name!r}: {attribute!r} in {where} is of type {type(value).__name__}, not a World; {offer}"
        )
    return value


def _nearest(name: str, known: list[str]) -> str:
    close = nearest(name, known, likeness=0.6)
    return f" (did you mean {close}?)" if close else ""
