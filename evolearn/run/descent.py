"""Who descends from whom in a run of the genetic algorithm: a row for every genome that was lived, in one Parquet file.

Columns:

- ``restart``: of the search, from 0; numbers of genomes begin again at each
- ``genome``: its number, from 0 in the order of birth
- ``parent``, ``other_parent``: their numbers; null at the start, and the second where a genome was only mutated
- ``generation``: in which it was lived first, from 0 over all restarts
- ``fitness``: mean over that generation's lives, float64
- ``drive.NAME``: weight of each evolved drive, in natural units, float32

While the run goes on, each generation's rows are a file of their own in ``descent/``.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evolearn.errors import RunDirectoryError
from evolearn.files import explained, write_whole
from evolearn.genome import TRANSFORMS, GenePool
from evolearn.run.record import Generation
from evolearn.search import Restarting, Rivals, Search

if TYPE_CHECKING:  # importing EvoTorch takes longer than all else
    from evolearn.search import Births

DESCENT = "descent.parquet"
DRIVE = "drive."
_PARTS = "descent"


def births_of(search: Search) -> Births | None:
    """Births in a search's last generation; None: it does not breed genomes from genomes."""
    if isinstance(search, Restarting):
        return births_of(search.under_way)
    if isinstance(search, Rivals):
        return births_of(search.own)
    births = getattr(search, "births", None)
    found: Births | None = None if births is None else births()
    return found


def keep_births(directory: Path, pool: GenePool, generation: Generation, births: Births) -> None:
    """Write the rows of a generation, whole or not at all; those that are there of the same are replaced.

    Args:
        directory: of the run.
        pool: the gene table.
        generation: in which they were born.
        births: whose z are of the drives that evolve, in the order of the pool.
    """
    known = births.parents >= 0
    columns: dict[str, Any] = {
        "restart": np.full(len(births.numbers), generation.restart),
        "genome": births.numbers,
        "parent": pa.array(births.parents[:, 0], mask=~known[:, 0]),
        "other_parent": pa.array(births.parents[:, 1], mask=~known[:, 1]),
        "generation": np.full(len(births.numbers), generation.generation),
        "fitness": births.fitness,
    }
    centre, spread = pool.centre, pool.spread
    of_gene = {gene.name: gene.transform for gene in pool.evolved if gene.group == "drives"}
    for place, (name, where) in enumerate(_drives(pool).items()):
        genes = centre[where] + spread[where] * births.z[:, place : place + 1]
        decode = TRANSFORMS[of_gene[name]].decode
        columns[DRIVE + name] = np.array([decode(gene)[0] for gene in genes.astype(np.float32)], np.float32)
    with explained(directory):
        (directory / _PARTS).mkdir(exist_ok=True)
        write_whole(directory / _PARTS / f"generation_{generation.generation:06d}.parquet", _bytes(pa.table(columns)))


def join_births(directory: Path) -> None:
    """Make one file of the rows of all generations, and remove what it was made of; nothing if there is nothing."""
    parts = sorted((directory / _PARTS).glob("generation_*.parquet"))
    if not parts:
        return
    with explained(directory):
        tables = [_read(path) for path in parts]
        first = tables[0]["generation"][0].as_py()
        if (directory / DESCENT).exists():  # of a run that ended, and whose last generations were made again
            whole = _read(directory / DESCENT)
            tables.insert(0, whole.filter(pc.less(whole["generation"], first)))
        write_whole(directory / DESCENT, _bytes(pa.concat_tables(tables)))
        shutil.rmtree(directory / _PARTS)


def read_descent(directory: Path) -> pa.Table | None:
    """Who descends from whom in a run, finished or not; None if its search breeds no genomes from genomes.

    Raises:
        RunDirectoryError: a file is damaged.
    """
    paths = [path for path in (directory / DESCENT, *sorted((directory / _PARTS).glob("*.parquet"))) if path.exists()]
    return pa.concat_tables([_read(path) for path in paths]) if paths else None


def _drives(pool: GenePool) -> dict[str, slice]:
    return {name: where for (group, name), where in pool.slices().items() if group == "drives"}


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise RunDirectoryError(f"{path}: is damaged: {error}; remove it, or run it again") from error


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()
