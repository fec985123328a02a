"""The evolved reward: what it is made of, how much each drive weighs in the newborn's own lives, and when."""

from __future__ import annotations

import dataclasses

import numpy as np

from evolearn.agent import GOES_ON, find_learner
from evolearn.genome import TRANSFORMS, Gene
from evolearn.inspection._newborn_lives import FirstSteps, first_steps, learns, newborn
from evolearn.inspection._specimen import Json, Specimen
from evolearn.inspection.record import rounded
from evolearn.life import Trace, lives
from evolearn.rng import LifeKey
from evolearn.verdict import FloatArray

POINTS = 120  # along the replayed life
SMOOTHING = 20  # of a life's steps, one window of the running mean in so many


def inspect_drives(specimen: Specimen) -> Json:
    """The reward of a newborn.

    Args:
        specimen: whose.
    Returns:
        - ``mode`` of the group; ``taught``, whether the reward is a teacher's signal; ``learns``;
        - ``drives``: ``name``, ``kind`` (fitness, sense or generic), ``evolved``; ``weight`` and ``start``, natural;
          ``weight_low`` .. ``start_high``: one standard deviation of the search to either side, natural, null where
          there is none; ``transform``; and of the weighted drive per step, over the first steps of lives without
          learning: ``mean``, ``stdev``; ``share_mean``, of the sum of absolute means; ``share_variance``,
          covariance with the reward over the reward's variance: the shares sum to 1, single ones may be negative;
        - ``lives``, ``steps`` of those lives; ``reward_mean``, ``reward_stdev``;
        - ``along``: see `_along`.
    Raises:
        LifeFault: the world is at fault.
    """
    dna = specimen.dna
    steps = first_steps(specimen)
    weighted = _weighted(specimen, steps)
    reward = weighted.sum(axis=1)
    genes = [gene for gene in dna.pool.genes if gene.group == "drives"]
    shares = _shares(weighted, reward)
    return {
        "mode": dna.pool.modes["drives"],
        "taught": find_learner(dna.config.learner.name).taught,
        "learns": learns(specimen),
        "drives": [
            _drive(specimen, place, gene) | {name: rounded(values[place]) for name, values in shares.items()}
            for place, gene in enumerate(genes)
        ],
        "lives": len(steps.lived),
        "steps": specimen.birth_steps,
        "reward_mean": rounded(reward.mean()),
        "reward_stdev": rounded(reward.std()),
        "along": _along(specimen),
    }


def _weighted(specimen: Specimen, steps: FirstSteps) -> FloatArray:
    """Reward by drive, [n, D], over all steps lived; every life with the drives that it was born with."""
    arm = newborn(specimen)
    newborns, born_as = arm.born(specimen.keys(len(steps.lived)))
    weights = np.asarray(newborns.drives, np.float64)[born_as]
    weighted = steps.trace.drives.astype(np.float64) * weights[:, None]
    return np.asarray(weighted[steps.lived])


def _shares(weighted: FloatArray, reward: FloatArray) -> dict[str, FloatArray]:
    mean, variance = weighted.mean(axis=0), reward.var()
    total = np.abs(mean).sum()
    covariance = ((weighted - mean) * (reward - reward.mean())[:, None]).mean(axis=0)
    unknown = np.full(len(mean), np.nan)
    # A constant reward has the variance of its rounding.
    varies = variance > 1e-12 * max(float((reward**2).mean()), 1e-300)
    return {
        "mean": mean,
        "stdev": weighted.std(axis=0),
        "share_mean": np.abs(mean) / total if total > 0.0 else unknown,
        "share_variance": covariance / variance if varies else unknown,
    }


def _drive(specimen: Specimen, place: int, gene: Gene) -> Json:
    """One drive's weight, at the start of evolution and now."""
    dna = specimen.dna
    where = dna.pool.slices().get(("drives", gene.name))
    decode = TRANSFORMS[gene.transform].decode
    senses = len(specimen.setup.conditions.world.senses)
    value = gene.centre if where is None else dna.genome[where]
    ends: Json = dict.fromkeys(("weight_low", "weight_high", "start_low", "start_high"))
    if where is not None:
        left = dna.stdev[where]
        for name, centre, spread in (("weight", value, left), ("start", gene.centre, gene.spread)):
            if spread.any():
                ends |= {f"{name}_{side}": rounded(decode(centre + sign * spread)[0])
                         for side, sign in (("low", -1), ("high", 1))}  # fmt: skip
    return {
        "name": gene.name,
        "kind": "fitness" if place == 0 else "sense" if place <= senses else "generic",
        "evolved": where is not None,
        "transform": gene.transform,
        "weight": rounded(decode(value)[0]),
        "start": rounded(decode(gene.centre)[0]),
        **ends,
    }


def _along(specimen: Specimen) -> Json:
    """Reward along the beginning of one life, that of the replay.

    Returns:
        ``life``; ``window``, steps of the running mean; ``views``, for the newborn not learning and, if it ever does,
        learning: ``name``, ``age`` at the end of each window, ``drives``, the mean weighted drive per step by name of
        those with a weight, ``reward``, their sum, and ``ends``, ages at which episodes ended.
    """
    arm, keys = newborn(specimen), specimen.keys(1)
    steps = specimen.birth_steps
    window = max(1, steps // SMOOTHING)
    newborns, born_as = arm.born(keys)
    weights = np.asarray(newborns.drives[born_as[0]], np.float64)
    views = []
    for name, who in (("not learning", arm.frozen()), ("learning", arm))[: 1 + learns(specimen)]:
        plan = dataclasses.replace(who.plan(steps), bin_steps=None)
        outcome, trace = lives(specimen.driver, specimen.setup.conditions, newborns, born_as, keys, plan, steps)
        lived = max(int(outcome.age[0]), window)
        views.append({"name": name, **_smoothed(specimen.dna.drives, trace, weights, lived, window)})
    return {"life": str(LifeKey.of(keys[0])), "window": window, "views": views}


def _smoothed(names: tuple[str, ...], trace: Trace, weights: FloatArray, lived: int, window: int) -> Json:
    weighted = trace.drives[:lived].astype(np.float64) * weights
    sums = np.concatenate([np.zeros((1, len(names))), weighted.cumsum(axis=0)])
    ages = np.unique(np.linspace(window, lived, min(POINTS, lived - window + 1)).round().astype(np.int64))
    means = (sums[ages] - sums[ages - window]) / window
    return {
        "age": ages.tolist(),
        "drives": {name: rounded(means[:, place]) for place, name in enumerate(names) if weights[place] != 0.0},
        "reward": rounded(means.sum(axis=1)),
        "ends": np.flatnonzero(trace.ends[:lived] != GOES_ON).tolist(),
    }
