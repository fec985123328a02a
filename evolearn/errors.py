"""What a user can cause: every such error is a UserError, whose text says what is wrong and what to do."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Callable, Iterable

_LONGEST_LINE, _LONGEST = 4000, 20_000  # characters of an error's text


class UserError(Exception):
    """Shown as text, without a traceback; the command ends with code 2.

    However long what it quotes, its text can be read, and however broken, printed.
    """

    def __str__(self) -> str:
        text = super().__str__()
        if text.isascii() and len(text) <= _LONGEST_LINE:
            return text
        lines = text[:_LONGEST].encode(errors="backslashreplace").decode().split("\n")
        cut = "\n".join(line if len(line) <= _LONGEST_LINE else f"{line[:3000]}...{line[-900:]}" for line in lines)
        return cut if len(text) <= _LONGEST else f"{cut}\n... ({len(text):,} characters)"


class NotFound(UserError, ValueError):
    """Nothing goes by a name; the message says what was asked, what is wrong and what to do."""


class WorldNotFound(NotFound):
    """No world goes by a name."""


class PartNotFound(NotFound):
    """No trunk, policy, learner, drive or encoding goes by a name."""


class PartError(UserError, ValueError):
    """A user's part that does not compile, or that does not say what is asked of it; the message names the part."""


def lacking(part: str, name: str, field: str, asked: str, remedy: str) -> PartError:
    """The error of a part whose row leaves out a field that something needs.

    Args:
        part: what it is: "trunk".
        name: as a config gives it.
        field: of its row.
        asked: what cannot be done without.
        remedy: what the field is, and an example.
    """
    return PartError(f"{part} {name!r}: its row has no {field}, without which {asked}; add it: {remedy}")


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
    return visible("\n".join([*lines, f"  {type(error).__name__}: {error}"]))


def visible(text: str) -> str:
    """A text of somebody else's with its control characters spelt out: they could move a cursor, or colour a screen."""
    return "".join(
        sign if sign == "\n" or sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def nearest(name: str, known: Iterable[str], likeness: float = 0.5) -> str:
    """The known name that `name` was probably meant to be, or an empty string.

    Args:
        name: as given.
        known: what it may be.
        likeness: 0 .. 1, how alike the two must be at least, see `difflib.get_close_matches`.
    """
    close = difflib.get_close_matches(name[:200], list(known), n=1, cutoff=likeness)
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
