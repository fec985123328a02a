"""What a body that grows allows: the references of the world `peck`, exact.

A miss is ``(g w - 1) x + phi`` for a target x and an act w x by a body of strength g, normal but for g. So its mean pay
has a closed form, and what is left is an integral over the age at which bodies grow.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from benchmarks.bandits import Answer
from evolearn.worlds import peck

Floats = npt.NDArray[np.float64]

LIFE = 1000  # steps
DIALS = ((0.0, 0.0), (0.0, 300.0), (0.4, 0.0), (0.4, 300.0))  # offset, jitter
GROWN_AT, WITHIN = 400.0, 50.0
GAINS = np.linspace(0.0, 4.0, 401)  # of acts that are tried
AGES = 81  # of bodies that stand for all


def pay(strength: Floats, gain: Floats, offset: float) -> Floats:
    """Mean pay of acts ``gain x`` over targets and offsets: that of a normal miss of mean 0, in a bell."""
    reach = peck.REACH**2
    variance = (strength * gain - 1.0) ** 2 + offset**2
    return np.sqrt(reach / (reach + variance))


def strengths(jitter: float) -> tuple[Floats, Floats]:
    """Strengths at every age of bodies that grow at different ages, [ages, LIFE], and how often each is met, [ages]."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(AGES if jitter else 1)
    late = (np.arange(LIFE) - GROWN_AT - jitter * nodes[:, None]) / WITHIN
    grown = 1.0 / (1.0 + np.exp(-np.clip(late, -30.0, 30.0)))
    return peck.WEAK + (1.0 - peck.WEAK) * grown, weights / weights.sum()


def by_gain(offset: float, jitter: float) -> Floats:
    """Mean pay of every gain at every age, [gains, LIFE]."""
    bodies, often = strengths(jitter)
    return np.array([often @ pay(bodies, gain, offset) for gain in GAINS])


def peck_references(seed: int) -> Answer:
    """The best that can be written beforehand, by dial: with one gain for life, and with one for every age."""
    rows = []
    for offset, jitter in DIALS:
        pays = by_gain(offset, jitter)
        one, each = int(pays.mean(axis=1).argmax()), pays.argmax(axis=0)
        ends = (f"{GAINS[each[age]]:.2f}" for age in (0, LIFE - 1))
        knows_body = float(pay(np.ones(1), np.ones(1), offset)[0])
        knows_offset = float(by_gain(0.0, jitter).max(axis=0).mean())
        values = (pays[:, :].mean(axis=1)[one], pays.max(axis=0).mean(), knows_body, knows_offset, 1.0)
        rows.append((f"{offset:g}", f"{jitter:g}", f"{GAINS[one]:.2f}", *ends, *(f"{value:.3f}" for value in values)))
    heads = (
        *("offset", "jitter", "the best gain", "at birth", f"at {LIFE:,}"),
        *("one gain", "a gain for every age", "knows the body", "a gain for every age, knows the offset", "oracle"),
    )
    still = math.sqrt(peck.REACH**2 / (peck.REACH**2 + 1.0))
    return Answer(f"peck, mean pay of {LIFE:,} steps; without any act {still:.3f} at offset 0; exact", heads, rows)
