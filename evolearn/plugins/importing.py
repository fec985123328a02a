"""What users bring, found by its name: worlds, drives, learners, ..; and the texts of what can go wrong with them.

A name is one of

- ``effort``: of what comes in the box, or registered by any package under the kind's group of entry points, such as
  ``evolearn.drives``;
- ``package.module:attribute``: anything that Python can import;
- ``path/to/file.py:attribute``: a file, relative to the current folder.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from evolearn.errors import NotFound, PartNotFound, WorldNotFound, nearest, offer, shortened_traceback
from evolearn.plugins.trust import admit, comes_with_python, is_file, look_beside, module_name

Row = TypeVar("Row")

FORMS = "a registered name, package.module:attribute or path/to/file.py:attribute"


@dataclasses.dataclass(frozen=True, eq=False)
class Kind(Generic[Row]):
    """A kind of thing that users bring; each is made once, and is nothing but itself."""

    word: str  # what one is called: "drive"
    title: str  # what its type is called: "Drive"
    group: str  # of entry points
    row: Callable[[], type[Row]]  # its type, which may take long to import
    box: Mapping[str, Row] = dataclasses.field(default_factory=dict)  # what comes in the box, by name
    not_found: type[NotFound] = PartNotFound
    forms: str = FORMS  # what a name may be, for errors


class Part(NamedTuple):
    """Something that somebody brings, named."""

    kind: Kind[Any]
    name: str


def find(kind: Kind[Row], name: str, asked: str = "") -> Row:
    """What goes by a name; see the module's description for the forms of a name.

    Args:
        kind: of what.
        name: as a config or a command gives it.
        asked: what to begin the text of an error with: ``drives.generic: 'boredom'``.
    Raises:
        NotFound: there is none, it does not import, or is of another type; of the class that the kind says.
    """
    if name in kind.box:
        return kind.box[name]
    asked = asked or f"{kind.word} {name!r}"
    source, colon, attribute = name.rpartition(":")
    if not colon:
        known = registered(kind.group)
        if name.endswith(".py"):
            raise kind.not_found(f"{asked}: which {kind.word} in the file? Must be {name}:attribute")
        if name not in known:
            raise kind.not_found(
                f"{asked} is unknown.{offer(name, [*kind.box, *known])} Or give package.module:attribute or "
                "path/to/file.py:attribute"
            )
        source, _, attribute = known[name].partition(":")
    if not source or not attribute:
        raise kind.not_found(f"{asked}: must be {kind.forms}")
    return attribute_of(kind, module_of(asked, source, kind.forms, failure=kind.not_found), attribute, asked)


def attribute_of(kind: Kind[Row], module: types.ModuleType, attribute: str, asked: str) -> Row:
    """One of a kind in a module, by the name that it has there; `asked` as in `find`.

    Raises:
        NotFound: it has none of that name, or it is of another type.
    """
    row = kind.row()
    there = [key for key, value in vars(module).items() if isinstance(value, row)]
    others = f"{kind.word}s in there: {', '.join(there) or '(none)'}"
    where = (
        getattr(module, "__file__", None) or module.__name__
    )  # of a namespace, or what is built in, there is no file
    if not hasattr(module, attribute):
        close = nearest(attribute, there, likeness=0.6)
        meant = f" (did you mean {close}?)" if close else ""
        raise kind.not_found(f"{asked}: {where} has no {attribute!r}{meant}; {others}")
    value: Any = getattr(module, attribute)
    if not isinstance(value, row):
        raise kind.not_found(
            f"{asked}: {attribute!r} in {where} is of type {type(value).__name__}, not a {kind.title}; {others}"
        )
    return value


def entries(group: str) -> dict[str, str]:
    """Entry point value of everything registered in a group by name, sorted; nothing is imported."""
    found = importlib.metadata.entry_points(group=group)
    return {entry.name: entry.value for entry in sorted(found, key=lambda entry: entry.name)}


registered = functools.cache(entries)  # to look through all installed packages takes 20 ms


def referred(reference: str | Callable[..., Any]) -> Callable[..., Any]:
    """What a row holds, or refers to by ``module:attribute``, so that what is heavy is imported when it is used."""
    if callable(reference):
        return reference
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def short(name: str) -> str:
    """What a thing is called among others: the attribute, of a name with a file or a module.

    >>> short("path/to/mine.py:boredom"), short("effort")
    ('boredom', 'effort')
    """
    return name.rpartition(":")[2]


def absolute(name: str) -> str:
    """``path/to/file.py:attribute`` with the path made absolute, so that it holds in any folder; else as it is."""
    source, colon, attribute = name.rpartition(":")
    return f"{Path(source).resolve()}:{attribute}" if colon and source.endswith(".py") else name


_INSTEAD = "give the file: path/to/file.py:attribute"


def module_of(
    asked: str, source: str, forms: str, instead: str = _INSTEAD, failure: type[NotFound] = WorldNotFound
) -> types.ModuleType:
    """Import a module.

    Args:
        asked: what was asked for, to begin the text of an error with.
        source: dotted name, or path of a Python file.
        forms: what a user may write, for errors.
        instead: what a user may do about a missing module that is in no package, for errors.
        failure: class of what is raised.
    Raises:
        NotFound: there is none, or it does not import.
        NotTrusted: see `admit`.
    """
    if is_file(source):
        return _from_file(asked, Path(source), failure)
    return _from_name(asked, source, forms, instead, failure)


def _from_name(asked: str, source: str, forms: str, instead: str, failure: type[NotFound]) -> types.ModuleType:
    if source.startswith(".") or not all(part.isidentifier() for part in source.split(".")):
        raise failure(f"{asked}: {source!r} is not a module's name; must be {forms}")
    look_beside()
    admit(asked, source)
    _SourcesAsTheyAre.install()
    try:
        return importlib.import_module(source)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if source != missing and not source.startswith(f"{missing}."):
            raise failure(_reason(asked, error, source)) from error
        raise failure(f"{asked}: there is no module {missing}. Install its package, or {instead}") from error
    except (Exception, SystemExit) as error:
        raise failure(_reason(asked, error, source)) from error


def _from_file(asked: str, path: Path, failure: type[NotFound]) -> types.ModuleType:
    resolved = path.resolve()
    if not resolved.is_file():
        if path.is_absolute():
            raise failure(f"{asked}: there is no file {path}; put it back, or correct the path")
        raise failure(
            f"{asked}: there is no file {path} in {Path.cwd()}; paths are taken from the current folder, those in a "
            "config too; give a path from there"
        )
    if resolved.suffix != ".py":
        raise failure(f"{asked}: {path} is not a Python file; its name must end in .py")
    name = module_name(str(resolved))
    admit(asked, str(resolved))
    if name in sys.modules:
        return sys.modules[name]
    _SourcesAsTheyAre.install()
    spec = importlib.util.spec_from_file_location(name, resolved, loader=_AsItIs(name, str(resolved)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses and the compiler look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise failure(_reason(asked, error, str(path))) from error
    return module


class _AsItIs(importlib.machinery.SourceFileLoader):
    """Runs what a file says, not what bytecode beside it says: that may be of another file."""

    def get_code(self, fullname: str) -> types.CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


class _SourcesAsTheyAre:
    """Finds modules that are not installed as `_AsItIs`, whoever imports them, and when."""

    @classmethod
    def install(cls) -> None:
        """Look for modules before Python itself does, from now on."""
        if cls not in sys.meta_path:
            finder = importlib.machinery.PathFinder
            sys.meta_path.insert(sys.meta_path.index(finder) if finder in sys.meta_path else 0, cls)

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """As Python finds it."""
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
            file = spec.loader.path
            if not comes_with_python(Path(file).resolve()):
                spec.loader, spec.cached = _AsItIs(fullname, file), None
        return spec


def _reason(asked: str, error: BaseException, source: str) -> str:
    importers = (str(Path(__file__)), str(Path(importlib.__file__)))

    def is_theirs(file: str) -> bool:
        return file not in importers and not file.startswith("<frozen importlib")

    if source.endswith(".py"):
        theirs = str(Path(source).resolve())
        shown = shortened_traceback(error, lambda file: file == theirs)
    else:
        shown = shortened_traceback(error, is_theirs)
    return f"{asked}: {source} fails to import; correct it:\n{shown}"
