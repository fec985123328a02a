"""What functions of the API check of their arguments."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
import pydantic

from evolearn.config import ConfigError, Part
from evolearn.errors import RunDirectoryError
from evolearn.life import WorkerDied
from evolearn.world import Declaration, World

MOST_WORKERS = 4096
MOST_LIVES = 100_000
LONGEST = 100_000_000  # world steps
_GUARD = 'if __name__ == "__main__":'


def _plain(value: Any) -> Any:
    """NumPy's numbers and truth values as Python's."""
    return value.item() if isinstance(value, np.generic) else value


Whole = Annotated[int, pydantic.Strict(), pydantic.BeforeValidator(_plain)]
Truth = Annotated[bool, pydantic.Strict(), pydantic.BeforeValidator(_plain)]


def _within(low: int, high: int, what: str = "") -> Any:
    """What a whole number must be, in bounds and in words."""
    return pydantic.Field(ge=low, le=high, description=f"{what}{low:,} to {high:,}")


class Evolving(Part):
    """Arguments of `evolearn.evolve`, beside its config."""

    workers: Whole | None = _within(1, MOST_WORKERS)


class Living(Evolving):
    """Arguments of `evolearn.live`, beside whose life it is and where."""

    lives: Whole = _within(1, MOST_LIVES)
    learning: Truth = pydantic.Field(description="True or False")
    parameters: Mapping[Any, Any] = pydantic.Field(description='a mapping from names, such as {"gravity": 9.8}')
    lifetime: Whole = _within(1, LONGEST, "world steps, ")
    trace: int  # steps from birth on
    seed: Whole = _within(0, 2**32 - 1)

    @pydantic.field_validator("trace", mode="before")
    @classmethod
    def _steps(cls, value: Any, others: pydantic.ValidationInfo) -> int:
        longest, steps = others.data.get("lifetime", LONGEST), _plain(value)
        if isinstance(steps, bool):
            return longest if steps else 0
        if not isinstance(steps, int) or not 0 <= steps <= longest:
            raise ValueError(
                f"trace={value!r}: must be a whole number, 0 to {longest:,} (steps from birth on), or True for all "
                "steps, or False for none"
            )
        return steps


def workers_for(world: Declaration, workers: int | None) -> int:
    """How many threads, or of a Gymnasium environment processes, live a world.

    Args:
        world: the one to be lived in.
        workers: as many as asked for. None: threads for all cores; and no process but this one, since a script that
            starts others must be written for it.
    Raises:
        ConfigError: this process is one that a script without the guard has just started, to run the script again.
    """
    if isinstance(world, World):
        return workers or os.cpu_count() or 1
    if workers is None or workers == 1:
        return 1
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ConfigError(
            f"workers={workers}: the world {world.name} is lived in processes of its own, and each of them runs this "
            f"script from its beginning; put what the script does under `{_GUARD}`, or give workers=1"
        )
    return workers


@contextlib.contextmanager
def deaths_explained() -> Iterator[None]:
    """Say what a process that died may have died of, in a script.

    Raises:
        WorkerDied: as before, with one more cause to look at.
    """
    try:
        yield
    except WorkerDied as died:
        raise WorkerDied(
            f"{died}. A script that asks for more must do so under `{_GUARD}`, or each process runs it from its "
            "beginning, and ends so"
        ) from died


@contextlib.contextmanager
def refusals_in_python(what: str, remedy: str) -> Iterator[None]:
    """Say what to do, with the words of this API, when the disk refuses.

    Args:
        what: was to be written; begins the text.
        remedy: ends it.
    Raises:
        RunDirectoryError: in place of one that names options of the command line.
    """
    try:
        yield
    except RunDirectoryError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        reason = error.__cause__.strerror or error.__cause__
        raise RunDirectoryError(f"{what}: cannot be written: {reason}; {remedy}") from error.__cause__
