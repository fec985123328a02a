"""The page of what lies on disk, written where a reader looks for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evolearn.files import explained, write_whole
from evolearn.overview.seen import RUN, RUNNING, newborn_of
from evolearn.report import Seen, render_overview

PAGE = "overview.html"  # in a run's directory


def write_overview(seen: Sequence[Seen], page: Path, refresh: int | None = None) -> None:
    """Write the page of one run or study, or of several side by side.

    Args:
        seen: at least one.
        page: the file; one that is there is written over.
        refresh: seconds after which a browser reads it again while one of them is under way.
    Raises:
        RunDirectoryError: it cannot be written.
    """
    under_way = any(one.state == RUNNING for one in seen)
    newborn = newborn_of(seen[0].path) if len(seen) == 1 and seen[0].kind == RUN else None
    with explained(page.parent):
        write_whole(page, render_overview(seen, refresh if under_way else None, newborn).encode())
