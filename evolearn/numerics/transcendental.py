"""Exponentials and logarithms outside of kernels, by compiled code: the same on every processor, unlike NumPy's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.numerics.compiler import compiled

Floats = npt.NDArray[np.floating]


@compiled
def _exp_each(values: Any, results: Any) -> None:
    for i in range(values.size):
        results[i] = math.exp(values[i])


@compiled
def _expm1_each(values: Any, results: Any) -> None:
    for i in range(values.size):
        results[i] = math.expm1(values[i])


@compiled
def _log(value: float) -> float:
    return math.log(value)


@compiled
def _log1p(value: float) -> float:
    return math.log1p(value)


def exp_of(values: Any) -> Any:
    """E to the power of every value."""
    return _each(_exp_each, values)


def expm1_of(values: Any) -> Any:
    """E to the power of every value, minus 1."""
    return _each(_expm1_each, values)


def log_of(value: float) -> float:
    """Natural logarithm of one number; raises ValueError if it is not positive."""
    return float(_log(float(value))) if value > 0.0 else math.log(value)


def log1p_of(value: float) -> float:
    """Natural logarithm of 1 + `value`; raises ValueError if that is not positive."""
    return float(_log1p(float(value))) if value > -1.0 else math.log1p(value)


def _each(function: Any, values: Any) -> Any:
    flat = np.ascontiguousarray(values)
    results = np.empty_like(flat)
    function(flat.reshape(-1), results.reshape(-1))
    return results.reshape(np.shape(values))
