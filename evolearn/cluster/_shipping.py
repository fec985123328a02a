"""Which code travels to the workers of a cluster: files and packages of worlds and parts that evolearn does not bring.

It travels as the `working_dir` of Ray's runtime environment, which workers put first on their module path.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import shutil
import site
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from evolearn.agent import DRIVE, LEARNER, POLICY, TRUNK, BrainSpec
from evolearn.config import WorldPart, world_part
from evolearn.errors import UserError
from evolearn.genome import ENCODING, GenePool
from evolearn.life import Conditions
from evolearn.plugins import Kind, Part, find, registered
from evolearn.world import GYMNASIUM, find_world, registered_worlds

LARGEST_MB = 100  # of what is shipped
_OURS = ("evolearn",)
_INSTALLED = {"site-packages", "dist-packages"}
_LEFT_BEHIND = ("__pycache__", "*.pyc", ".git", ".venv", "*.egg-info", ".pytest_cache", ".mypy_cache", "node_modules")


class CannotShip(UserError):
    """Code that workers need and that cannot be sent to them."""


@dataclasses.dataclass(frozen=True)
class Parcel:
    """What travels, and what worlds are called where it arrives."""

    folder: Path | None  # to be the workers' working directory; none if nothing needs to travel
    names: dict[str, str]  # a world's name here -> its name there
    contents: tuple[str, ...]  # top-level modules, for the display
    parts: Mapping[Part, str] = dataclasses.field(default_factory=dict)  # a part here -> its name there


def pack(worlds: Iterable[str], parts: Iterable[Part] = ()) -> Parcel:
    """Copy what the workers need for some worlds and parts into a new folder.

    That is: the file of each, or the top-level package it is in; and every module that was imported from outside the
    folders of installed packages, since they may have imported it. Packages that they import and that are installed
    with pip must be installed on the workers too, or named in a runtime environment.

    Args:
        worlds: names, as a config gives them.
        parts: of others, by names that hold in any folder.
    Raises:
        NotFound: a world or a part is not here either.
        CannotShip: too large, or without a source file.
    """
    names: dict[str, str] = {}
    there: dict[Part, str] = {}
    sources: dict[str, Path] = {}  # by the name that they travel under
    for name in worlds:
        find_world(name)  # imports what it needs
        names[name], needed = _traveller(name)
        for source in needed:
            _add(sources, source)
    for part in parts:
        find(part.kind, part.name)  # likewise
        there[part], its = _attribute(part.name if ":" in part.name else registered(part.kind.group)[part.name])
        if its is not None:
            _add(sources, its)
    if sources:
        for source in _modules_of_users():
            _add(sources, source)
    if not sources:
        return Parcel(None, names, (), there)
    folder = Path(tempfile.mkdtemp(prefix="evolearn-shipped-"))
    for target, source in sources.items():
        _check_size(source)
        if source.is_dir():
            shutil.copytree(source, folder / target, ignore=shutil.ignore_patterns(*_LEFT_BEHIND))
        else:
            shutil.copy(source, folder / target)
    return Parcel(folder, names, tuple(sorted(Path(target).stem for target in sources)), there)


Record = TypeVar("Record")


def renamed(record: Record, parts: Mapping[Part, str]) -> Record:
    """A record with its parts called as the workers find them, also in the records that it holds.

    Args:
        record: a dataclass or a named tuple that travels.
        parts: of a parcel.
    """
    return _renamed(record, parts) if parts else record


def _renamed(record: Any, parts: Mapping[Part, str]) -> Any:
    def there(kind: Kind[Any], name: str) -> str:
        return parts.get(Part(kind, name), name)

    if isinstance(record, BrainSpec):
        return dataclasses.replace(record, trunk=there(TRUNK, record.trunk), policy=there(POLICY, record.policy))
    if isinstance(record, GenePool):
        encoding = there(ENCODING, record.encoding)
        return dataclasses.replace(record, brain=_renamed(record.brain, parts), encoding=encoding)
    if isinstance(record, Conditions):
        return dataclasses.replace(
            record,
            brain=_renamed(record.brain, parts),
            opponent=_renamed(record.opponent, parts),
            learner=there(LEARNER, record.learner),
            generic_drives=tuple(there(DRIVE, name) for name in record.generic_drives),
        )
    if isinstance(record, tuple) and hasattr(record, "_fields"):
        return type(record)(*(_renamed(value, parts) for value in record))
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        held = {field.name: _renamed(getattr(record, field.name), parts) for field in dataclasses.fields(record)}
        return dataclasses.replace(record, **held)
    return record


def _add(sources: dict[str, Path], source: Path) -> None:
    other = sources.setdefault(source.name, source)
    if other != source:
        raise CannotShip(f"{source} and {other}: have one name, and workers would take one for the other; rename one")


def _traveller(name: str) -> tuple[str, list[Path]]:
    """A world's name on the workers, and the files and folders that it needs there, if evolearn does not bring them."""
    if name.startswith(GYMNASIUM):
        return _environment(world_part(name))
    if ":" not in name:
        name = registered_worlds()[name]  # workers know no entry points of a package that was not installed there
    there, source = _attribute(name)
    return there, [source] if source is not None else []


def _environment(world: WorldPart) -> tuple[str, list[Path]]:
    """The same for a Gymnasium environment, its wrappers included."""
    module, colon, _ = world.name.removeprefix(GYMNASIUM).partition(":")
    needed = [_top_level(module) if colon else None]
    wrappers = []
    for wrapper in world.wrappers:
        there, source = _attribute(wrapper.name) if ":" in wrapper.name else (wrapper.name, None)
        needed.append(source)
        wrappers.append(wrapper.model_copy(update={"name": there}))
    world = world.model_copy(update={"wrappers": tuple(wrappers)})
    return world.full_name, [source for source in needed if source is not None]


def _attribute(name: str) -> tuple[str, Path | None]:
    """``module:attribute`` or ``file.py:attribute`` on the workers, and what must be there."""
    source, _, attribute = name.rpartition(":")
    if source.endswith(".py"):
        return f"{Path(source).name}:{attribute}", Path(source).resolve()
    return name, _top_level(source)


def _top_level(module: str) -> Path | None:
    """The folder or file of a module's top-level package; None if evolearn, or Python, brings it."""
    top = module.partition(".")[0]
    if top in _OURS or top in sys.stdlib_module_names:
        return None
    found = importlib.util.find_spec(top)
    if found is None or (found.origin is None and not found.submodule_search_locations):
        raise CannotShip(
            f"module {top}: has no source file that could be sent to the workers; install it on every host"
        )
    if found.submodule_search_locations:
        return Path(next(iter(found.submodule_search_locations))).resolve()
    assert found.origin is not None
    return Path(found.origin).resolve()


def _modules_of_users() -> Iterator[Path]:
    """Top-level modules in use that are not installed and not ours: files beside the config, say."""
    installed = {Path(path).resolve() for path in (*site.getsitepackages(), site.getusersitepackages())}
    installed |= {Path(path).resolve() for path in sysconfig.get_paths().values()}
    # A virtual environment made of another Python's library.
    installed |= {Path(sys.base_prefix).resolve() / "lib", Path(sys.prefix).resolve() / "lib"}
    for name in sorted({name.partition(".")[0] for name in sys.modules}):
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if file is None or name in _OURS or name in ("__main__", "__mp_main__") or name.startswith("evolearn_file_"):
            continue
        path = Path(file).resolve()
        if path.suffix != ".py" or any(folder in path.parents for folder in installed):
            continue
        if _INSTALLED & set(path.parts):  # of another environment, which this one looks into
            continue
        yield path.parent if path.name == "__init__.py" else path


def _check_size(source: Path) -> None:
    files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files if "__pycache__" not in path.parts) / 1e6
    if size > LARGEST_MB:
        raise CannotShip(
            f"{source}: has {size:.0f} MB, and at most {LARGEST_MB} MB are sent to the workers; install the package on "
            "every host, or move its data out of it"
        )
