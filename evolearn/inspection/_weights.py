"""Innate weights: which sense moves which muscle, and each block against its random initialisation."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from evolearn.agent import BrainSpec, Tensor, find_policy
from evolearn.errors import UserError
from evolearn.genome import FRESH, decode
from evolearn.inspection._names import output_labels
from evolearn.inspection._newborn_lives import first_steps, learns, newborn, observations_for, sensitivities
from evolearn.inspection._specimen import Json, Specimen
from evolearn.inspection.record import rounded
from evolearn.life import DIVERGED, lives
from evolearn.run import DNA
from evolearn.verdict import FloatArray

DRAWS, FEWEST_DRAWS = 400, 20  # of the random initialisation, for small and for the largest blocks
DRAWING_WORK = 200_000_000  # multiplications, about, that singular values of all draws of a block may take
AT_ONCE = 1_000_000  # numbers drawn at a time, to bound memory
BAND = 0.99  # share of random initialisations within ``low`` and ``high``
COUNTED_DRAWS = 200  # as many have quantiles of their own so far out
MOST_FOR_SPECTRUM = 300_000  # numbers in a block with singular values
FEWEST_BINS, MOST_BINS = 9, 31
FEWEST = 8  # numbers in a block with a histogram


def inspect_weights(dna: DNA, specimen: Specimen | None) -> Json:
    """The weights of a newborn, layer by layer and as a whole.

    Args:
        dna: whose.
        specimen: the same in its world; None: the world is not there, and what needs lives is left out.
    Returns:
        - ``mode``, how weights come into a life; ``policy``; ``lifetime`` and ``lives`` after which they were looked at
          again, or null; ``diverged``, lives left out since their brain left the finite numbers;
        - ``blocks``: see `describe_block`;
        - ``sensitivity``: see `_sensitivity`; null where the brain carries a state, by which its answers differ.
    Raises:
        UserError: the weights are drawn afresh in every life.
        LifeFault: the world is at fault.
    """
    mode = dna.pool.modes["weights"]
    if mode == FRESH:
        raise UserError(
            "this DNA holds no weights: they are drawn afresh in every life (genome.weights.mode=fresh); what "
            "evolution wrote is in its drives and its plasticity"
        )
    born = dna.newborns.weights[0].astype(np.float64)
    start = decode(dna.pool, dna.pool.centre[None]).weights[0].astype(np.float64)
    lived, diverged = None, 0
    if specimen is not None and learns(specimen):
        lived, diverged = _after_life(specimen)
        specimen.progress(1, 2)
    blocks, begin = [], 0
    for tensor in dna.brain.tensors:
        part = slice(begin, begin + tensor.size)
        blocks.append(
            describe_block(tensor, born[part], start[part], None if lived is None else lived[:, part], dna.config.seed)
        )
        begin += tensor.size
    return {
        "mode": mode,
        "policy": dna.brain.policy,
        "output": find_policy(dna.brain.policy).output,
        "lifetime": None if lived is None or specimen is None else specimen.lifetime,
        "lives": None if lived is None else len(lived),
        "diverged": diverged,
        "blocks": blocks,
        "sensitivity": None if dna.brain.carries else _sensitivity(dna, specimen, born, lived),
    }


def _after_life(specimen: Specimen) -> tuple[FloatArray | None, int]:
    """Weights at the end of lives with learning, [lives, W], and how many lives had none that are finite."""
    arm = newborn(specimen)
    keys = specimen.keys(specimen.extent.lives)
    newborns, born_as = arm.born(keys)
    plan = dataclasses.replace(arm.plan(specimen.lifetime), final_weights=True)
    outcome, _ = lives(specimen.driver, specimen.setup.conditions, newborns, born_as, keys, plan)
    final = outcome.final_weights.astype(np.float64)
    whole = (outcome.status != DIVERGED) & np.isfinite(final).all(axis=1)
    return (final[whole] if whole.any() else None), int((~whole).sum())


def _sensitivity(dna: DNA, specimen: Specimen | None, born: FloatArray, lived: FloatArray | None) -> Json:
    """Which sense moves which muscle.

    Returns:
        ``observations``, all that the brain is told, and ``outputs``; ``met``, over how many of them the means are
        taken, those that the newborn met without learning: the same ones for both ages, so that a difference is one of
        brains; 0: at observation zero; ``stdev`` of each observation in those lives, or null; ``born``, ``lived`` and
        ``learned``, what life changed: ``mean`` and ``rms`` [I, outputs], per unit of the observation, over
        observations and then over lives.
    """
    brain, labels = dna.brain, output_labels(dna)
    if specimen is None:
        sample, spread = np.zeros((1, brain.told)), None
    else:
        met = first_steps(specimen)
        sample, spread = met.sample(observations_for(brain)), met.observations.std(axis=0)
    at_birth = sensitivities(brain, born, sample)[:, : len(labels)]
    return {
        "observations": list(dna.inputs),
        "outputs": list(labels),
        "met": 0 if specimen is None else len(sample),
        "stdev": None if spread is None else rounded(spread),
        "born": _averaged([at_birth]),
        **_changes(brain, sample, at_birth, lived),
    }


def _changes(brain: BrainSpec, sample: FloatArray, at_birth: FloatArray, lived: FloatArray | None) -> Json:
    if lived is None:
        return {"lived": None, "learned": None}
    later = [sensitivities(brain, weights, sample)[:, : at_birth.shape[1]] for weights in lived]
    return {"lived": _averaged(later), "learned": _averaged([slopes - at_birth for slopes in later])}


def _averaged(slopes: list[FloatArray]) -> Json:
    """Mean and root mean square over observations and lives, [O, outputs], of [n, outputs, O] for each life."""
    mean = np.mean([entry.mean(axis=0) for entry in slopes], axis=0)
    square = np.mean([(entry**2).mean(axis=0) for entry in slopes], axis=0)
    return {"mean": rounded(mean.T), "rms": rounded(np.sqrt(square).T)}


# --- layer by layer, against chance ---


def effective_rank(singular: npt.ArrayLike) -> FloatArray:
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


def describe_block(tensor: Tensor, born: FloatArray, start: FloatArray, lived: FloatArray | None, seed: int) -> Json:
    """One block of weights.

    Args:
        tensor: which.
        born: [size], at birth.
        start: [size], where evolution started.
        lived: [lives, size], each at the end of a life; None: nobody learned.
        seed: of the draws of the random initialisation.
    Returns:
        - ``name``, ``shape``, ``initial_mean``, ``initial_stdev``;
        - ``draws`` of the random initialisation;
        - ``norm`` (Frobenius), ``effective_rank`` (matrices only, else null): ``born``, ``start``, ``random``, mean
          over draws, with ``low`` and ``high`` (see `_band`), ``lived``, mean over lives or null;
        - ``singular``: the same of every singular value; null for what has fewer than two, and, as the rank, for
          blocks above `MOST_FOR_SPECTRUM` numbers, which is ``too_large``;
        - ``moved`` from the start, ``moved_share`` of the start's norm, ``signs_kept`` of the start, ``positive``;
        - ``lived``: ``moved`` since birth and ``signs_kept`` of birth, means over lives; or null;
        - ``histogram``: ``centres``, ``width``, counts ``born``, expected counts ``initial``, mean counts ``lived``;
          null for few numbers.
    """
    is_matrix = len(tensor.shape) == 2 and min(tensor.shape) > 1
    has_spectrum = is_matrix and tensor.size <= MOST_FOR_SPECTRUM
    norms, spectra = _drawn(tensor, has_spectrum, seed)
    kinds = {"born": born[None], "start": start[None]} | ({} if lived is None else {"lived": lived})
    way = born - start
    found = {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "initial_mean": rounded(tensor.initial_mean),
        "initial_stdev": rounded(tensor.initial_stdev),
        "draws": len(norms),
        "too_large": is_matrix and not has_spectrum,
        "norm": _compared({kind: np.linalg.norm(values, axis=1) for kind, values in kinds.items()}, norms),
        "effective_rank": None,
        "singular": None,
        "moved": rounded(np.linalg.norm(way)),
        "moved_share": rounded(_share(np.linalg.norm(way), np.linalg.norm(start))),
        "signs_kept": rounded(_signs_kept(born[None], start)),
        "positive": rounded((born > 0.0).mean()),
        "lived": None,
        "histogram": _histogram(tensor, born, lived) if tensor.size >= FEWEST else None,
    }
    if has_spectrum:
        own = {kind: _singular(values, tensor) for kind, values in kinds.items()}
        found["singular"] = _compared(own, spectra)
        ranks = {kind: effective_rank(values) for kind, values in own.items()}
        found["effective_rank"] = _compared(ranks, effective_rank(spectra))
    if lived is not None:
        found["lived"] = {
            "moved": rounded(np.linalg.norm(lived - born, axis=1).mean()),
            "signs_kept": rounded(_signs_kept(lived, born)),
        }
    return found


def _drawn(tensor: Tensor, has_spectrum: bool, seed: int) -> tuple[FloatArray, FloatArray]:
    """Norms [draws] and singular values [draws, r] of random initialisations; fewer draws of what takes long."""
    work = tensor.size * (min(tensor.shape) if has_spectrum else 1)
    draws = int(np.clip(DRAWING_WORK // work, FEWEST_DRAWS, DRAWS))
    rng = np.random.default_rng([seed, *tensor.name.encode()])
    norms, spectra = [], []
    for begin in range(0, draws, at_once := max(1, AT_ONCE // tensor.size)):
        values = rng.standard_normal((min(at_once, draws - begin), tensor.size))
        values = tensor.initial_mean + tensor.initial_stdev * values
        norms.append(np.linalg.norm(values, axis=1))
        spectra.append(_singular(values, tensor) if has_spectrum else np.zeros((len(values), 0)))
    return np.concatenate(norms), np.concatenate(spectra)


def _compared(values: dict[str, FloatArray], random: FloatArray) -> Json:
    """Each kind's mean over its first axis, and beside them random initialisations with their band."""
    low, high = _band(random)
    means = {kind: rounded(entry.mean(axis=0)) for kind, entry in values.items()}
    return {"lived": None, **means, "random": rounded(random.mean(axis=0)), "low": rounded(low), "high": rounded(high)}


def _band(random: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Between what `BAND` of random initialisations lie.

    Quantiles of many draws; of few, where Student's t puts one more draw: what large matrices have is near normal.
    """
    count, outside = len(random), (1.0 - BAND) / 2.0
    if count >= COUNTED_DRAWS:
        low, high = np.quantile(random, (outside, 1.0 - outside), axis=0)
        return low, high
    reach = stats.t.ppf(1.0 - outside, count - 1) * random.std(axis=0, ddof=1) * np.sqrt(1.0 + 1.0 / count)
    return random.mean(axis=0) - reach, random.mean(axis=0) + reach


def _singular(values: FloatArray, tensor: Tensor) -> FloatArray:
    """Of blocks [n, size], [n, r]."""
    return np.linalg.svd(values.reshape(-1, *tensor.shape), compute_uv=False).astype(np.float64)


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole > 0.0 else float("nan")


def _signs_kept(now: FloatArray, before: FloatArray) -> float:
    """Share of the entries [.., size] that have the sign that they had; those that were 0 do not count."""
    signed = before != 0.0
    return float((np.sign(now[:, signed]) == np.sign(before[signed])).mean()) if signed.any() else float("nan")


def _histogram(tensor: Tensor, born: FloatArray, lived: FloatArray | None) -> Json:
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
