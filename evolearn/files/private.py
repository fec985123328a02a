"""Folders of one user alone: what lies there is taken without a question, so nobody else may put it there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are not there, for this user alone.

    Raises:
        OSError: it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)


def danger_in(folder: Path) -> tuple[Path, str] | None:
    """Where others could put files into a folder, or another in its place, and what is wrong there; None: nowhere.

    Raises:
        OSError: the folder is not there.
    """
    if not hasattr(os, "getuid"):
        return None  # Windows gives a user's folders to nobody else
    real = folder.resolve()
    # Root, by its number or, where a container gives it another, as the owner of all.
    harmless_owners = {0, os.geteuid(), os.stat(os.sep).st_uid}
    for path in (real, *real.parents):
        about = path.stat()
        if about.st_uid not in (harmless_owners if path != real else {os.geteuid()}):
            return path, "belongs to another user"  # who can put another folder in the place of what is in it
        # A folder in a sticky one, such as /tmp, is replaced by its owner alone.
        harmless = path != real and about.st_mode & stat.S_ISVTX
        if about.st_mode & _OTHERS and not harmless and not _only_own_group(about):
            return path, f"can be written by other users (chmod go-w {path} ends that)"
    return None


def _only_own_group(about: os.stat_result) -> bool:
    """Whether those who may write are one user's own group, as many systems give to each."""
    import grp
    import pwd

    if about.st_mode & stat.S_IWOTH:
        return False
    try:
        group = grp.getgrgid(about.st_gid)
        return group.gr_name == pwd.getpwuid(os.geteuid()).pw_name and set(group.gr_mem) <= {group.gr_name}
    except KeyError:
        return False
