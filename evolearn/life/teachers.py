"""Who teaches the lives of a job: see `evolearn.life._teaching` for what they do in one."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from evolearn.life.records import FROM_BRAIN


@dataclasses.dataclass(frozen=True)
class TeacherSpec:
    """Who teaches all lives of a run, and how."""

    source: int  # FROM_ORACLE, or FROM_BRAIN: weights
    mode: int  # ASKED or WATCHED
    life: int  # world steps that shares of a life are of, see `evolearn.agent.TAUGHT_SHARE`
    # float32 [W], of a brain, as bytes, so that conditions can be compared; none of an elder: each life has its own
    weights: bytes = b""

    @property
    def of_parent(self) -> bool:
        """Whether an elder of each life teaches it, see `evolearn.life.lineage`."""
        return self.source == FROM_BRAIN and not self.weights

    def teachers(self, lives: int) -> Teachers:
        """Those of so many lives."""
        if not self.weights:
            return NO_TEACHERS
        return Teachers(np.frombuffer(self.weights, np.float32)[None].copy(), np.zeros((lives, 1), np.int64))


class Teachers(NamedTuple):
    """Brains that teach, and whom. M brains, L lives, E of them for each; none where no brain teaches."""

    weights: Any  # float32 [M, W]
    of: Any  # int64 [L, E]: which of them teach each life, a window by turns

    def of_lives(self, which: Any) -> Teachers:
        """Those of some lives, a slice or indices, and no others."""
        if not len(self.weights):
            return self
        rows, own = np.unique(self.of[which], return_inverse=True)
        return Teachers(self.weights[rows].copy(), own.reshape(self.of[which].shape).astype(np.int64))


NO_TEACHERS = Teachers(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.int64))
TEACHERS_TYPE = types.NamedTuple((types.float32[:, ::1], types.int64[:, ::1]), Teachers)


def check_teachers(teachers: Teachers, genomes: npt.NDArray[np.int64], weights: int) -> None:
    """Make sure that teachers fit the lives of a job: compiled code would read beyond their weights.

    Args:
        teachers: to be checked.
        genomes: int64 [L], of the lives.
        weights: of a brain, W.
    Raises:
        ValueError: they do not; says what is wrong.
    """
    count, shape, of = len(teachers.weights), teachers.weights.shape, teachers.of
    if not count:
        return
    if shape != (count, weights) or teachers.weights.dtype != np.float32 or not teachers.weights.flags.carray:
        raise ValueError(
            f"teachers.weights: {teachers.weights.dtype} {list(shape)}: must be float32 [teachers, {weights}], "
            "contiguous and writeable"
        )
    fits = of.ndim == 2 and of.shape[0] == len(genomes) and of.shape[1] > 0 and of.dtype == np.int64
    if not fits or not of.flags.carray or (of.size and not 0 <= of.min() <= of.max() < count):
        raise ValueError(
            f"teachers.of: {of.dtype} {list(of.shape)}: must be int64 [{len(genomes)}, elders], 0 .. {count - 1}, "
            "contiguous and writeable"
        )
