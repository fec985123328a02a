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
from typing import Annotated, Any, Literal

import numpy as np
import safetensors.numpy
from pydantic import Field

from evolearn.agent import find_learner
from evolearn.config import RunConfig, check_kept_config, shown
from evolearn.errors import RunDirectoryError
from evolearn.files import (
    FileDamaged,
    FileMissing,
    FileUnfit,
    Record,
    check_record,
    explained,
    parse_json,
    read_tensors,
    write_whole,
)
from evolearn.genome import Newborns
from evolearn.life import FROM_BRAIN, FROM_ORACLE, FROM_UNIFORM, LifeFault, Plan
from evolearn.rng import TUNING, LifeKey

FORMAT = 2  # of the file; a change that old code cannot read raises it
FILE = "faulty_life.safetensors"


_LARGEST = 1 << 29  # bytes of the file: the weights of a newborn, how they are drawn, and a header
_Word = Annotated[int, Field(ge=0, lt=2**32)]
_Eight = tuple[_Word, _Word, _Word, _Word, _Word, _Word, _Word, _Word]
_Steps = Annotated[int, Field(ge=0, lt=2**62)]
_Text = Annotated[str, Field(max_length=100_000)]


class _Plan(Record):
    lifetime: Annotated[int, Field(ge=1, le=10**15)]
    learn_from: _Steps
    learn_until: _Steps | None
    bin_steps: Annotated[int, Field(ge=1, le=10**15)] | None
    source: Literal[FROM_BRAIN, FROM_UNIFORM, FROM_ORACLE]  # type: ignore[valid-type]
    final_weights: bool


class _Header(Record):
    format: Literal[2]
    world: _Text
    key: tuple[_Word, Annotated[int, Field(ge=0, le=TUNING)], _Word, _Word]
    births: (
        tuple[()] | _Eight | tuple[_Word, _Word, _Word, _Word, _Word, _Word, _Word, _Word, _Word]
    ) = ()  # see `LifeFault`
    life: _Steps
    genome: _Steps
    step: _Steps
    reason: _Text
    plan: _Plan
    doing: dict[_Text, Any]
    config: dict[str, Any]


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
        **({"births": list(fault.births)} if fault.births else {}),
        "life": fault.life,
        "genome": fault.genome,
        "step": fault.step,
        "reason": fault.reason,
        "plan": {name: value for name, value in dataclasses.asdict(fault.plan).items() if name in _Plan.model_fields},
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
    remedy = "name a life with --generation, --genome and --life"
    try:
        labels, tensors = read_tensors(path, remedy, _LARGEST)
    except FileMissing:
        return None
    except FileUnfit as error:
        raise FileDamaged(f"{path}: is damaged: {str(error).removeprefix(f'{path}: ')}") from error
    try:
        content = parse_json(labels["evolearn"])
        written = content["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise FileDamaged(f"{path}: is damaged: its header lacks {error}; {remedy}") from error
    if written != FORMAT and isinstance(written, int) and not isinstance(written, bool):
        remedy = "update it" if written > FORMAT else f"use the evolearn that made it, or {remedy}"
        raise RunDirectoryError(f"{path}: has format {shown(written)}, this evolearn reads {FORMAT}; {remedy}")
    header = check_record(_Header, content, path, remedy)
    tensors.setdefault("value", np.zeros((1, 0), np.float32))  # of a file from before there were innate values
    config = check_kept_config(header.config, str(path))
    if problem := _unfit(tensors, config):
        raise FileDamaged(f"{path}: is damaged: {problem}; {remedy}")
    fault = LifeFault(
        header.world,
        LifeKey(*header.key),
        header.life,
        header.genome,
        header.step,
        header.reason,
        Newborns(*(tensors[name] for name in Newborns._fields)),
        Plan(**header.plan.model_dump()),
        births=header.births,
    )
    return FaultyLife(fault, config, header.doing)


def _unfit(tensors: Mapping[str, np.ndarray], config: RunConfig) -> str:
    """What is wrong with the tensors of a newborn; empty: nothing that can be told without its world."""
    two = ("weights", "drives", "plasticity", "value")
    dimensions = {name: 2 if name in two else 1 for name in Newborns._fields}
    for name, count in dimensions.items():
        tensor = tensors.get(name)
        if tensor is None or tensor.dtype != np.float32 or tensor.ndim != count:
            return f"{name} must be float32 of {count} dimension(s)"
        if count == 2 and len(tensor) != 1:
            return f"{name} must be that of one newborn"
    weights = tensors["weights"].shape[1]
    if tensors["scale"].shape != (1,):
        return "scale must be that of one newborn"
    if tensors["initial_stdev"].size not in (0, weights):
        return f"initial_stdev must be of {weights} weights, or of none"
    learner, found = find_learner(config.learner.name), tensors["plasticity"].shape[1]
    genes = len(learner.plasticity)
    if found != genes and (learner.rules is None or found < genes):  # how many rules there are, only its brain says
        return f"plasticity must have {genes} values{'' if learner.rules is None else ' or more'}, as its learner"
    return ""
