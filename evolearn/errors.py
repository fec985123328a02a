"""What a user can cause: every such error is a UserError, whose text says what is wrong and what to do."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Callable, Iterable


class UserError(Exception):
    """Shown as text, without a traceback; the command ends with code 2."""


class WorldNotFound(UserError, ValueError):
    """No world goes by a name; the message says what was asked, what is wrong and what to do."""


class SettingRefused(UserError, ValueError):
    """A world does not take one of its settings; the message begins with the field."""


def shortened_traceback(error: BaseException, keep: Callable[[str], bool], last: int = 3) -> str:
    """The last few frames of an error in files that `keep` accepts, one per line, and the error itself.

    Args:
        error: as caught.
        keep: from a file's path to whether its frames matter to the reader.
        last: how many frames at most.
    """
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if keep(frame.filename)]
    lines = [f"  {frame.filename}, line {frame.lineno}, in {frame.name}: {frame.line}" for frame in frames[-last:]]
    if isinstance(error, SyntaxError):
        lines.append(f"  {error.filename}, line {error.lineno}: {(error.text or '').strip()}")
        return "\n".join([*lines, f"  {type(error).__name__}: {error.msg}"])
    return "\n".join([*lines, f"  {type(error).__name__}: {error}"])


def nearest(name: str, known: Iterable[str], likeness: float = 0.5) -> str:
    """The known name that `name` was probably meant to be, or an empty string.

    Args:
        name: as given.
        known: what it may be.
        likeness: 0 .. 1, how alike the two must be at least, see `difflib.get_close_matches`.
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)
    return close[0] if close else ""


def offer(name: str, known: Iterable[str]) -> str:
    """What to say after an unknown name: the one probably meant, and all there are.

    >>> offer("savanna", ["cart-pole", "savannah"])
    ' Did you mean savannah? Known: cart-pole, savannah.'
    """
    known = list(known)
    close = nearest(name, known)
    return (f" Did you mean {close}?" if close else "") + f" Known: {', '.join(known) or '(none)'}."


class RunDirectoryError(UserError):
    """A run directory that cannot be made, written or read; the text says which and what to do."""
