"""How every command opens DNA, that of a run which is not finished too. No heavy imports at the top."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from evolearn.cli.terminal import warn_of_changes

if TYPE_CHECKING:
    from evolearn.run import DNA


def open_dna(console: Console, *paths: Path | None, admit: bool = True) -> list[DNA]:
    """Read DNA, and say what of the code that it names is not as it was when it was made.

    Args:
        console: to say it on.
        paths: see `evolearn.run.dna_so_far`; None is passed over.
        admit: ask now whether its code may run; else whoever needs it asks.
    Raises:
        DNAError: it cannot be read.
        NotTrusted: its code may not run.
    """
    from evolearn.run import admit_sources, dna_so_far, source_changes

    opened = []
    for path in paths:
        if path is not None:
            opened.append(dna_so_far(path))
            warn_of_changes(console, source_changes(opened[-1].header.get("sources", {})))
            if admit:
                admit_sources([opened[-1].config])
    return opened
