"""Where a run stands: the last state on disk that its search can go on from."""

from __future__ import annotations

import dataclasses

from evolearn.run.directory import Passed, RunDirectory
from evolearn.run.evolution import new_search
from evolearn.run.setup import Setup
from evolearn.search import Search, restore


@dataclasses.dataclass(frozen=True)
class Standing:
    """A search as it was after the last generation that can be gone on from."""

    search: Search
    first: int  # generation to make next
    complaints: tuple[str, ...]  # what newer states could not be used for


def standing(setup: Setup, directory: RunDirectory, before: int | None = None) -> Standing:
    """The search of a run after its last whole checkpoint whose rows are whole too; without any, at its start.

    Args:
        setup: of the directory's config.
        directory: of the run.
        before: from checkpoints of earlier generations than this one only.
    Raises:
        FileDamaged: the rows cannot be read.
    """
    complaints = [damage] if (damage := directory.damage_to_rows()) else []
    for found in directory.checkpoints(before):
        if isinstance(found, Passed):
            complaints.append(f"{found.why}; using the one before")
            continue
        search = new_search(setup)
        try:
            restore(search, new_search(setup), dict(found.state), found.generation)
        except ValueError as error:
            complaints.append(f"{found.file}: is not of this search ({error}); using the one before")
            continue
        return Standing(search, found.generation + 1, tuple(complaints))
    if before is None and (complaints or directory.rows()):
        complaints.append("no whole checkpoint is left: starting again from the first generation, which gives the same")
    return Standing(new_search(setup), 0, tuple(complaints))
