"""Lives before a lock that gives no hint, compiled: see `evolearn.experiments._lock`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.numerics import compiled, within
from evolearn.rng import ACTION, BIRTH, RNG_SIZE, open_stream, uniform

_BASELINE_RATE = 0.02


@compiled
def live_once(scores: Any, step: float, bonus: float, redrawn: int, attempts: int, key: Any, chance: Any) -> int:
    """Live one life.

    Args:
        scores: [n, K] of keys at each press; written.
        step: size of the learner's steps; 0: learns nothing.
        bonus: for entropy.
        redrawn: presses whose key is drawn at birth; that of the others is 0.
        attempts: of n presses each.
        key: of the life, int64 [4].
        chance: [n, K] for work.
    Returns:
        Attempts that opened the lock.
    """
    presses, keys = scores.shape
    rng = np.zeros(RNG_SIZE, np.int64)
    open_stream(rng, key, BIRTH)
    secret, pressed = np.zeros(presses, np.int64), np.zeros(presses, np.int64)
    for place in range(presses - redrawn, presses):
        secret[place] = int(uniform(rng) * keys)
    open_stream(rng, key, ACTION)
    baseline, opened, stale = 0.0, 0, True
    for _ in range(attempts):
        right = True
        for place in range(presses):
            if stale:
                softmax(scores[place], chance[place])
            drawn, below = 0, chance[place, 0]
            draw = uniform(rng)
            while below <= draw and drawn < keys - 1:
                drawn += 1
                below += chance[place, drawn]
            pressed[place] = drawn
            right = right and drawn == secret[place]
        opened += right
        stale = False
        if step > 0.0:
            advantage = (1.0 if right else 0.0) - baseline
            baseline += _BASELINE_RATE * advantage
            for place in range(presses):
                for one in range(keys):
                    slope = (1.0 if one == pressed[place] else 0.0) - chance[place, one]
                    moved = step * advantage * slope + bonus * (1.0 / keys - chance[place, one])
                    scores[place, one] += moved
                    stale = stale or moved != 0.0  # blank and never paid, nothing moves
    return opened


@within
def softmax(scores: Any, into: Any) -> None:
    """Probabilities of keys [K] from their scores [K]."""
    highest, total = scores.max(), 0.0
    for one in range(scores.size):
        into[one] = math.exp(scores[one] - highest)
        total += into[one]
    for one in range(scores.size):
        into[one] /= total


@compiled
def live_all(
    scores: Any, steps: Any, bonuses: Any, redrawn: int, attempts: int, key: Any, lives: int, opened: Any
) -> None:
    """Live `lives` lives, numbered from 0, with each genome; the same lives for all.

    Args:
        scores: [P, n, K] at birth.
        steps: [P].
        bonuses: [P].
        redrawn: see `live_once`.
        attempts: in a life.
        key: int64 [4] of life 0; written.
        lives: L.
        opened: int64 [P, L] attempts that opened the lock; written.
    """
    own, chance = np.empty(scores.shape[1:]), np.empty(scores.shape[1:])
    for genome in range(len(scores)):
        for life in range(lives):
            key[3] = life
            own[:] = scores[genome]
            opened[genome, life] = live_once(own, steps[genome], bonuses[genome], redrawn, attempts, key, chance)
