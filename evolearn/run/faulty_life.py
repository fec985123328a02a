"""The file in which a run or a study keeps the life at which it ended by its world's fault, to be lived again.

`faulty_life.safetensors` holds the newborn and, in its header, the life's key, how it was lived, under which config,
what was going on, and what went wrong at which step. A surgery is not kept: runs and studies do none. A run that gets
past it removes nothing; a later fault writes over it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from evolearn.config import RunConfig, check_config
from evolearn.errors import RunDirectoryError
from evolearn.files import explained, write_whole
from evolearn.genome import Newborns
from evolearn.life import LifeFault, Plan
from evolearn.rng import LifeKey

FORMAT = 1  # of the file; a change that old code cannot read raises it
FILE = "faulty_life.safetensors"


@dataclasses.dataclass(frozen=True)
class FaultyLife:
    """A life at which a run or a study ended by its world's fault: all that is needed to live it again."""

    fault: LifeFault
    config: RunConfig  # of the conditions under which it was lived
    doing: Mapping[str, Any]  # what was going on, in words: arm, condition; empty in an evolution run


@contextlib.contextmanager
def keeping_faulty_life(directory: Path, config: RunConfig, **doing: Any) -> Iterator[None]:
    """Keep the life at which what is done within ends by the world's fault, and say how to live it again.

    Args:
        directory: of the run or the study; a life kept there before is written over.
        config: of the conditions under which lives are lived within.
        doing: what is going on, see `FaultyLife`.
    Raises:
        LifeFault: the same, with the command to type.
    """
    try:
        yield
    except LifeFault as fault:
        try:
            _save_faulty_life(directory, FaultyLife(fault, config, doing))
            remedy = f"Live it again: evolearn replay-life {shlex.quote(str(directory))}"
        except RunDirectoryError as error:
            remedy = f"That life was not kept, to be lived again: {error}"
        raise fault.altered(remedy=remedy) from fault.__cause__


def _save_faulty_life(directory: Path, life: FaultyLife) -> None:
    fault = life.fault
    header = {
        "format": FORMAT,
        "world": fault.world,
        "key": list(fault.key),
        "life": fault.life,
        "genome": fault.genome,
        "step": fault.step,
        "reason": fault.reason,
        "plan": {name: value for name, value in dataclasses.asdict(fault.plan).items() if name != "operate_at"},
        "doing": dict(life.doing),
        "config": life.config.model_dump(mode="json"),
    }
    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in fault.newborn._asdict().items()}
    with explained(directory):
        payload = safetensors.numpy.save(arrays, metadata={"evolearn": json.dumps(header)})
        write_whole(directory / FILE, payload)


def load_faulty_life(directory: Path) -> FaultyLife | None:
    """The life at which a run or a study last ended by its world's fault; None if none ever did.

    Args:
        directory: of the run or the study.
    Raises:
        RunDirectoryError: the file is damaged, or of a newer format.
    """
    path = directory / FILE
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})["evolearn"])
            if header["format"] > FORMAT:
                raise RunDirectoryError(
                    f"{path}: has format {header['format']}, this evolearn reads up to {FORMAT}; update it"
                )
            newborn = Newborns(*(file.get_tensor(name).copy() for name in Newborns._fields))
        fault = LifeFault(
            header["world"],
            LifeKey(*header["key"]),
            header["life"],
            header["genome"],
            header["step"],
            header["reason"],
            newborn,
            Plan(**header["plan"]),
        )
        return FaultyLife(fault, check_config(header["config"], str(path)), header["doing"])
    except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise RunDirectoryError(
            f"{path}: is damaged: {error}; name a life with --generation, --genome and --life"
        ) from error
