"""Blocks of weights against their random initialisation: distribution, norm, spectrum, way gone, signs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from evolearn.inspection.rounded import rounded
from evolearn.trunk import Tensor

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]

DRAWS = 32  # of the random initialisation
FEWEST_BINS, MOST_BINS = 9, 31
FEWEST = 8  # numbers in a block with a histogram


def effective_rank(singular: npt.ArrayLike) -> Floats:
    """In how many directions a matrix works: the exponential of the entropy of its normalised singular values.

    Args:
        singular: [.., r] singular values.
    Returns:
        [..] 1 .. r; NaN for a matrix of zeros.
    Source: Roy and Vetterli 2007, The effective rank: a measure of effective dimensionality, definition 1.
    """
    values = np.asarray(singular, np.float64)
    total = values.sum(axis=-1, keepdims=True)
    shares = np.divide(values, total, out=np.full_like(values, np.nan), where=total > 0.0)
    terms = np.where(shares > 0.0, shares * np.log(np.where(shares > 0.0, shares, 1.0)), shares)
    return np.asarray(np.exp(-terms.sum(axis=-1)))


def describe_block(tensor: Tensor, born: Floats, start: Floats, lived: Floats | None, seed: int) -> Json:
    """One block of weights.

    Args:
        tensor: which.
        born: [size], at birth.
        start: [size], where evolution started.
        lived: [lives, size], each at the end of a life; None: nobody learned.
        seed: of the draws of the random initialisation.
    Returns:
        - ``name``, ``shape``, ``initial_mean``, ``initial_stdev``;
        - ``norm`` (Frobenius), ``effective_rank`` (matrices only, else null): ``born``, ``start``, ``random``, mean
          over draws, with ``low`` and ``high`` (5% and 95%), ``lived``, mean over lives or null;
        - ``singular``: the same of every singular value; null for what has fewer than two;
        - ``moved`` from the start, ``moved_share`` of the start's norm, ``signs_kept`` of the start, ``positive``;
        - ``lived``: ``moved`` since birth and ``signs_kept`` of birth, means over lives; or null;
        - ``histogram``: ``centres``, ``width``, counts ``born``, expected counts ``initial``, mean counts ``lived``;
          null for few numbers.
    """
    rng = np.random.default_rng([seed, *tensor.name.encode()])
    drawn = tensor.initial_mean + tensor.initial_stdev * rng.standard_normal((DRAWS, tensor.size))
    kinds = {"born": born[None], "start": start[None], "random": drawn} | ({} if lived is None else {"lived": lived})
    way = born - start
    found = {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "initial_mean": rounded(tensor.initial_mean),
        "initial_stdev": rounded(tensor.initial_stdev),
        "norm": _compared({kind: np.sqrt((values**2).sum(axis=1)) for kind, values in kinds.items()}),
        "effective_rank": None,
        "singular": None,
        "moved": rounded(np.linalg.norm(way)),
        "moved_share": rounded(_share(np.linalg.norm(way), np.linalg.norm(start))),
        "signs_kept": rounded(_signs_kept(born[None], start)),
        "positive": rounded((born > 0.0).mean()),
        "lived": None,
        "histogram": _histogram(tensor, born, lived) if tensor.size >= FEWEST else None,
    }
    if len(tensor.shape) == 2 and min(tensor.shape) > 1:
        spectra = {kind: _singular(values.reshape(-1, *tensor.shape)) for kind, values in kinds.items()}
        found["singular"] = _compared(spectra)
        found["effective_rank"] = _compared({kind: effective_rank(values) for kind, values in spectra.items()})
    if lived is not None:
        found["lived"] = {
            "moved": rounded(np.linalg.norm(lived - born, axis=1).mean()),
            "signs_kept": rounded(_signs_kept(lived, born)),
        }
    return found


def _compared(values: dict[str, Floats]) -> Json:
    """Each kind's mean over its first axis; of the random ones, how far they scatter as well."""
    low, high = np.quantile(values["random"], (0.05, 0.95), axis=0)
    means = {kind: rounded(entry.mean(axis=0)) for kind, entry in values.items()}
    return {"lived": None, **means, "low": rounded(low), "high": rounded(high)}


def _singular(matrices: Floats) -> Floats:
    return np.linalg.svd(matrices, compute_uv=False).astype(np.float64)


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole > 0.0 else float("nan")


def _signs_kept(now: Floats, before: Floats) -> float:
    """Share of the entries [.., size] that have the sign that they had; those that were 0 do not count."""
    signed = before != 0.0
    return float((np.sign(now[:, signed]) == np.sign(before[signed])).mean()) if signed.any() else float("nan")


def _histogram(tensor: Tensor, born: Floats, lived: Floats | None) -> Json:
    reach = 3.0 * tensor.initial_stdev
    ends = [born.min(), born.max(), tensor.initial_mean - reach, tensor.initial_mean + reach]
    # What single lives learn far out must not press all the rest into one bin.
    ends += [] if lived is None else np.quantile(lived, (0.005, 0.995)).tolist()
    low, high = min(ends), max(ends)
    if low == high:
        return {"centres": [rounded(low)], "width": 1.0, "born": [born.size], "initial": [born.size], "lived": None}
    bins = int(np.clip(1.5 * born.size**0.5, FEWEST_BINS, MOST_BINS))
    edges = np.linspace(low, high, bins + 1)
    below = stats.norm.cdf(edges, tensor.initial_mean, max(tensor.initial_stdev, 1e-12))
    return {
        "centres": rounded((edges[1:] + edges[:-1]) / 2.0),
        "width": rounded(edges[1] - edges[0]),
        "born": rounded(np.histogram(born, edges)[0]),
        "initial": rounded(born.size * np.diff(below)),
        "lived": None if lived is None else rounded(np.histogram(lived, edges)[0] / len(lived)),
    }
