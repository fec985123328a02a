"""A drive along the tree of descent: who bred whom in a run of the genetic algorithm, and what each wanted."""

from __future__ import annotations

import numpy as np

from evolearn.genome import decode
from evolearn.inspection._specimen import IntArray, Json
from evolearn.run import DNA, DRIVE, read_descent
from evolearn.verdict import FloatArray

MARKS = 1_200  # genomes that are drawn by themselves, evenly over the run
LINES = 24  # of the genomes born last, whose lines of descent are drawn
NEAR = 1e-5  # of a weight: a genome is this DNA if its drives are as near


def inspect_descent(dna: DNA) -> Json | None:
    """Who bred the genomes of some DNA's run.

    Args:
        dna: of a run.
    Returns:
        None if its search breeds no genomes from genomes, or no drive evolves. Else "genomes" lived, "start" those of
        the start, "own" number of this DNA, or None; "born", its generation; "ancestors" of it, and how many of
        them are of the start as "founders"; "drives", their names; "marks" and "lines" by drive: generations "x" and
        weights "y", of genomes, and of lines of descent, this DNA's first. A line goes from each genome to the parent
        whose weight is nearer: the one that it probably has it from.
    """
    assert dna.run is not None
    table = read_descent(dna.run)
    if table is None:
        return None
    names = [name.removeprefix(DRIVE) for name in table.column_names if name.startswith(DRIVE)]
    columns = {name: table[name].to_numpy() for name in ("restart", "genome", "generation")}
    ours = (columns["restart"] == int(dna.header["lineage"].get("restart", 0))) & (
        columns["generation"] <= dna.generation
    )
    if not names or not ours.any():
        return None
    parents = np.stack([table[name].fill_null(-1).to_numpy()[ours] for name in ("parent", "other_parent")], axis=1)
    generation = columns["generation"][ours]
    weights = np.stack([table[DRIVE + name].to_numpy()[ours] for name in names], axis=1).astype(np.float64)  # [N, D]
    own = _place_of(dna, names, weights)
    tips = list(range(max(0, len(weights) - LINES), len(weights)))
    tips = tips if own is None else [own, *(tip for tip in tips if tip != own)]
    marked = sorted({round(place) for place in np.linspace(0, len(weights) - 1, min(len(weights), MARKS))})
    ancestors = [] if own is None else _ancestors(own, parents)
    return {
        "genomes": len(weights),
        "start": int((parents[:, 0] < 0).sum()),
        "own": own,
        "born": None if own is None else int(generation[own]),
        "ancestors": len(ancestors),
        "founders": sum(parents[place, 0] < 0 for place in ancestors),
        "drives": names,
        "marks": {
            name: {"x": generation[marked].tolist(), "y": weights[marked, place].tolist()}
            for place, name in enumerate(names)
        },
        "lines": {
            name: [
                {"x": generation[line].tolist(), "y": weights[line, place].tolist()}
                for line in (line_of(tip, parents, weights[:, place]) for tip in tips)
            ]
            for place, name in enumerate(names)
        },
    }


def line_of(genome: int, parents: IntArray, weights: FloatArray) -> list[int]:
    """Numbers from the start to a genome, along the parents whose weight is nearer, the first of two as near.

    Args:
        genome: its number.
        parents: [N, 2], -1: none.
        weights: [N].
    """
    line = [genome]
    while (known := [parent for parent in parents[line[-1]] if parent >= 0]) != []:
        line.append(int(min(known, key=lambda parent: abs(weights[parent] - weights[line[-1]]))))
    return line[::-1]


def _ancestors(genome: int, parents: IntArray) -> list[int]:
    """All from whom a genome descends."""
    found: set[int] = set()
    left = [genome]
    while left:
        fresh = {int(parent) for parent in parents[left.pop()] if parent >= 0} - found
        found |= fresh
        left += fresh
    return sorted(found)


def _place_of(dna: DNA, names: list[str], weights: FloatArray) -> int | None:
    """The youngest genome with the drives of a DNA; None: it was not lived as it is, as a mean over some."""
    drives = decode(dna.pool, dna.genome[None]).drives[0]
    own = np.array([drives[dna.drives.index(name)] for name in names])
    alike = np.flatnonzero((np.abs(weights - own) <= NEAR * (1 + np.abs(own))).all(axis=1))
    return int(alike[-1]) if alike.size else None
