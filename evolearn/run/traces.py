"""A life step by step as a table with named columns: CSV, NumPy's .npz or Parquet, by the file's suffix.

The columns, a row per finished step:

- ``step``: age, world steps, from 0
- ``observation.NAME``: what was observed before the step, float32
- ``told.NAME``: what else the brain was told before the step, by `evolearn.agent.input_names`, float32
- ``action.NAME``: what was done, float32; of a discrete world ``action``, the number of the choice, as an
  environment of Gymnasium counts it
- ``drive.NAME``: every drive, float32, not yet weighed
- ``fitness``: of the step, float64
- ``end``: of the episode, by this step: 0 none, 1 terminated, 2 truncated
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from evolearn.agent import input_names
from evolearn.errors import UserError
from evolearn.files import write_whole
from evolearn.life import Conditions, Trace
from evolearn.run.dna import signals_of
from evolearn.world import Box

SUFFIXES = (".csv", ".npz", ".parquet")

Columns = dict[str, npt.NDArray[Any]]


class TraceFileError(UserError, ValueError):
    """A trace cannot be written where it was asked for."""


def check_trace_file(path: Path) -> None:
    """Refuse a file that a trace cannot be written to, before the life is lived.

    Raises:
        TraceFileError: the suffix is none of SUFFIXES, or there is no such folder.
    """
    if path.suffix not in SUFFIXES:
        raise TraceFileError(f"--trace {path}: must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    if not path.parent.is_dir():
        raise TraceFileError(f"--trace {path}: there is no folder {path.parent}; make it, or name another")


def columns_of(trace: Trace, conditions: Conditions) -> Columns:
    """The columns of a trace, [T] each.

    Args:
        trace: of one life.
        conditions: under which it was lived; they name the columns.
    """
    world = conditions.world
    named: Columns = {"step": np.arange(len(trace.fitness))}
    for place, signal in enumerate(world.observations):
        named[f"observation.{signal.name}"] = trace.observations[:, place]
    observations, actions, _ = signals_of(world)
    told = input_names(conditions.brain, observations, actions)
    for place in range(len(observations), len(told)):
        named[f"told.{told[place]}"] = trace.told[:, place]
    if isinstance(world.actions, Box):
        for place in range(world.actions.size):
            named[f"action.{world.actions.names[place] if world.actions.names else place}"] = trace.actions[:, place]
    else:
        named["action"] = trace.actions[:, 0].astype(np.int64) + world.actions.start
    for place, drive in enumerate(conditions.drive_names):
        named[f"drive.{drive}"] = trace.drives[:, place]
    return {**named, "fitness": trace.fitness, "end": trace.ends}


def write_trace(path: Path, trace: Trace, conditions: Conditions) -> None:
    """Write a trace, whole or not at all; an existing file is replaced.

    Args:
        path: its suffix, one of SUFFIXES, says how.
        trace: of one life.
        conditions: under which it was lived.
    Raises:
        TraceFileError: see `check_trace_file`; or the disk refuses.
    """
    check_trace_file(path)
    columns = columns_of(trace, conditions)
    try:
        write_whole(path, {".csv": _csv, ".npz": _npz, ".parquet": _parquet}[path.suffix](columns))
    except OSError as error:
        raise TraceFileError(f"--trace {path}: cannot be written: {error.strerror}; name another") from error


def _csv(columns: Columns) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    # Of a float32, str gives the shortest text that reads back as the same float32.
    writer.writerows(zip(*([str(number) for number in column] for column in columns.values()), strict=True))
    return text.getvalue().encode()


def _npz(columns: Columns) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = columns
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _parquet(columns: Columns) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({name: pa.array(np.ascontiguousarray(column)) for name, column in columns.items()}), sink)
    return sink.getvalue().to_pybytes()
