"""Compiled code on disk: where it lies, whom it is taken from, and what is done about files that are not whole.

Numba keeps code as pickles with object code in them, and takes them as they are: to read one is to run it, and a
truncated one ends the process. So this looks before it reads. The folder must be this user's, and nobody else may be
able to write there; every file begins with a checksum, and holds for what it was made. What does not fit is compiled
again, with a word on it, and so is all that a disk does not take or give.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import pickle
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import caching, types
from numba.core.serialize import dumps

from evolearn.files import FileMissing, danger_in, make_private, read_bytes
from evolearn.numerics.fingerprint import identity_of

FORMAT = 1  # of the files
FINGERPRINT = "evolearn_fingerprint"  # attribute of a function that is kept by what it depends on
_OPENING = b"evolearn compiled code\0"
_DIGEST = hashlib.sha256().digest_size
_LARGEST = 1 << 28  # bytes of a file; of the kernel it has a few million
_PACKAGE = Path(__file__).parents[1]


class CacheWarning(UserWarning):
    """Compiled code that cannot be kept, or cannot be used; it is compiled again, and results are the same."""


def base_folder() -> Path:
    """Where compiled code of all versions is to lie: NUMBA_CACHE_DIR, or evolearn/numba in the user's folder for that.

    Where there is no such folder, as for a user without a home, it is the one of `temporary_folder`.
    """
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen).absolute()
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not caches.is_absolute():  # as its specification says
        try:
            caches = Path.home() / ".cache"
        except RuntimeError:
            return temporary_folder()
    return caches / "evolearn" / "numba"


def temporary_folder() -> Path:
    """A folder of this user's in the temporary directory, the same for all processes."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()).absolute() / f"evolearn-{user}" / "numba"


def open_folder(name_in: Callable[[Path], str]) -> Path | None:
    """The folder in which code is kept, made if it is not there.

    Args:
        name_in: of what its code depends on, for a folder to remember in.
    Returns:
        A folder of that name in `base_folder`; in `temporary_folder` where that cannot be written, or others could
        write to it; None where there is no such folder at all, and nothing is kept.
    """
    refused = []
    for base in (base_folder(), temporary_folder()):
        try:
            make_private(base)
            if not os.access(base, os.W_OK):
                continue
            folder = base / name_in(base)
            make_private(folder)
            danger = danger_in(folder)
        except OSError:
            continue  # read-only, full, or a file is in the way
        if danger:
            refused.append(danger)
        elif os.access(folder, os.W_OK):
            _refuse(refused, f"compiled code is kept in {folder}")
            return folder
    if not refused:
        warn(base_folder(), f"cannot be written, nor can {temporary_folder()}: {_NOT_KEPT}")
    _refuse(refused, _NOT_KEPT)
    return None


_NOT_KEPT = "compiled code is not kept, and every command compiles anew"


def _refuse(refused: list[tuple[Path, str]], instead: str) -> None:
    for place, danger in refused:
        warn(place, f"{danger}, and whoever can write there could run code as you: it is not used; {instead}")


_said: set[str] = set()  # Numba changes the filters of warnings all the time, and Python then forgets what it showed


def warn(place: Path, text: str) -> None:
    """Say something of a file or a folder of the cache; of several that have the same wrong, of the first one."""
    if text not in _said:
        _said.add(text)
        warnings.warn_explicit(text, CacheWarning, str(place), 1)


class KeptCode(caching.IndexDataCacheFile):  # type: ignore[misc]  # Numba is not typed
    """The files of one function: an index from signatures to files, and a file of code for each.

    In front of what Numba writes stands a checksum of it and of the file's place, so that no other function's file
    passes; with the code lies its key, since two processes may give one number to two signatures.
    """

    def load(self, key: Any) -> Any:
        """What is kept for a signature and a processor; None if nothing is, or it is not whole."""
        name = self._load_index().get(key)
        kept = None if name is None else self._read(Path(self._data_path(name)))
        return kept[1] if kept is not None and kept[0] == key else None

    def save(self, key: Any, data: Any) -> None:
        """Keep code; where the disk refuses, say so and go on.

        Not where a signature names a function of others: who has not their module could not even read the index.
        """
        if not numba.config.CACHE_DIR or _names_strangers(key[0]):
            return
        try:
            Path(self._cache_path).mkdir(mode=0o700, parents=True, exist_ok=True)
            overloads = self._load_index()
            taken = set(overloads.values())
            free = (name for name in map(self._data_name, itertools.count(1)) if name not in taken)
            name = overloads.get(key) or next(free)
            self._write(Path(self._data_path(name)), (key, data))
            self._save_index({**overloads, key: name})
        except OSError as error:
            warn(Path(numba.config.CACHE_DIR), f"cannot be written ({error.strerror}): code is compiled, and not kept")

    def _load_index(self) -> dict[Any, str]:
        kept = self._read(Path(self._index_path))
        return kept[1] if kept is not None and kept[0] == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._write(Path(self._index_path), ((self._version, self._source_stamp), overloads))

    def _read(self, path: Path) -> Any:
        """What `_write` wrote; None, with a warning, if that is not what is there."""
        if not numba.config.CACHE_DIR:
            return None
        try:
            payload = read_bytes(path, most=_LARGEST)
            start = len(_OPENING) + _DIGEST
            if payload[:start] != _OPENING + _checksum(path, payload[start:]):
                raise ValueError("is not whole, or of another function")
            return pickle.loads(payload[start:])
        except FileMissing:
            return None
        except Exception as error:  # of what a pickle names too: a module that is no longer there, say
            reason = str(error).removeprefix(f"{path}: ")
            warn(
                path, f"{reason}: its code is compiled again, as is that of all other files here of which this is true"
            )
            with contextlib.suppress(OSError):
                path.unlink()
            return None

    def _write(self, path: Path, content: Any) -> None:
        payload = dumps(content)
        with self._open_for_write(str(path)) as file:
            file.write(_OPENING + _checksum(path, payload) + payload)


def _names_strangers(signature: Any) -> bool:
    """Whether a compiled function that is not this package's is among the arguments, Numba's or a tuple of types."""
    arguments = getattr(signature, "args", signature)
    return any(isinstance(kind, types.Dispatcher) and not is_ours(kind.dispatcher.py_func) for kind in arguments)


def _checksum(path: Path, payload: bytes) -> bytes:
    place = "/".join(path.parts[-3:])  # below the base, which may be moved
    return hashlib.sha256(place.encode() + b"\0" + payload).digest()


class _Locator(caching.UserProvidedCacheLocator):  # type: ignore[misc]
    """Where Numba is to keep a function: in the folder, and nowhere else if there is none."""

    def ensure_cache_path(self) -> None:
        """Leave it to `KeptCode`, which explains what a disk refuses."""

    @classmethod
    def from_function(cls, function: Any, file: str) -> Any:
        return cls(function, file) if cls._is_for(function) and os.path.exists(file) else None

    @classmethod
    def _is_for(cls, function: Any) -> bool:
        return True


class _OwnSource(_Locator):
    """Where compiled functions of this package are kept: their folder says all about sources, so no file's date does.

    Nor does a function's line, so that an edited docstring costs nobody a compilation. Functions of others, worlds
    among them, are kept as Numba keeps them: an error's line must be that of the file as it is.
    """

    def __init__(self, function: Any, file: str) -> None:
        super().__init__(function, file)
        self._disambiguator = hashlib.sha256(repr(identity_of(function.__code__)).encode()).hexdigest()[:8]

    def get_source_stamp(self) -> str:
        return ""

    def get_disambiguator(self) -> str:
        return self._disambiguator

    @classmethod
    def _is_for(cls, function: Any) -> bool:
        return is_ours(function)


class _Fingerprinted(_Locator):
    """Where compiled parts of users are kept: good while nothing that they depend on has changed, in whatever file."""

    def __init__(self, function: Any, file: str) -> None:
        super().__init__(function, file)
        self._stamp = getattr(function, FINGERPRINT)

    def get_source_stamp(self) -> str:
        return str(self._stamp)

    @classmethod
    def _is_for(cls, function: Any) -> bool:
        return hasattr(function, FINGERPRINT)


def is_ours(function: Any) -> bool:
    """Whether a function is this package's."""
    return _PACKAGE in Path(function.__code__.co_filename).parents


def use(folder: Path | None) -> None:
    """Let Numba keep compiled code in a folder, or nowhere, in this process."""
    # Before it compiles, Numba reads its variables again if one has changed, as `numerics.libraries` changes one, and
    # would put its own folder in the place of this one. It may do so now.
    numba.core.config.reload_config()
    numba.config.CACHE_DIR = str(folder or "")
    if caching.IndexDataCacheFile is not KeptCode:
        caching.IndexDataCacheFile = KeptCode
        caching.CacheImpl._locator_classes[:0] = [_OwnSource, _Fingerprinted, _Locator]
