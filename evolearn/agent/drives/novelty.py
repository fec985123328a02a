"""The count-based novelty bonus: what was seen often in this life is worth little."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.numerics import LANES, compiled, load_part, some

PLACES = 4096  # counts in a life's memory, a power of two
CELLS_PER_UNIT = 32.0  # observations are rounded to the nearest 1/32

_LARGEST = 1e6  # beyond it all observations are in one cell
_WORD = 0xFFFFFFFF


@compiled
def place_of(observation: Any) -> int:
    """Where the count of an observation is kept, 0 .. PLACES - 1, by a hash of its rounded numbers.

    Source: the mixing function fmix32 of MurmurHash3, Appleby 2011, applied number by number.
    """
    mixed = 0
    for first in range(0, observation.size, LANES):
        if not some(load_part(observation, first, observation.size - first)):
            continue  # of what is mostly zeros, only the rest counts
        for i in range(first, min(first + LANES, observation.size)):
            number = min(max(float(observation[i]), -_LARGEST), _LARGEST)
            cell = math.floor(number * CELLS_PER_UNIT + 0.5)
            if cell != 0:
                # A 64-bit product that wraps in int64 still has the right low word once masked.
                mixed = (mixed + cell + (i + 1) * 0x9E3779B9) & _WORD
                mixed = ((mixed ^ (mixed >> 16)) * 0x85EBCA6B) & _WORD
                mixed = ((mixed ^ (mixed >> 13)) * 0xC2B2AE35) & _WORD
                mixed ^= mixed >> 16
    return mixed & (PLACES - 1)


@compiled
def novelty(memory: Any, observation: Any, action: Any, observation_next: Any) -> Any:
    """1 / sqrt(n) at the n-th visit in this life to what the next observation rounds to.

    The memory is the counts, PLACES of them. Two different cells share a count with chance 1 / PLACES; a life that
    sees many more cells than PLACES finds nothing new.
    Source: Strehl and Littman 2008, the bonus of MBIE-EB, eq. 2; Tang et al. 2017, "#Exploration", section 2.2, for
    counting hashes.
    """
    place = place_of(observation_next)
    memory[place] += np.float32(1.0)  # exact up to 2**24 visits, where it stops
    return 1.0 / math.sqrt(memory[place])
