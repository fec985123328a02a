"""Drives that read the brain's prediction head, see `evolearn.agent.prediction`.

They are felt after the step, from what had been foreseen before it. Their arguments:

- memory: float32, kept through a life, zero at birth.
- foreseen: float32 [O], what the world was expected to show after what was done.
- control: float32 [O, A], its derivative by the action; of choices, each one's prediction less the mean of all. Worked
  out for drives that read it; else [O, 0].
- observation_next: float32 [O], what it shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.numerics import LANES, compiled, load_part, log32, some

SOON, LATER = 30.0, 300.0  # steps that the two running means of `progress` are over
PROGRESS_MEMORY = 3  # floats
NOISE = 0.1  # standard deviation of what an action cannot change, in units of the observations, for `empowerment`

_FAST, _SLOW, _BEGUN = 0, 1, 2  # places in the memory of `progress`


@compiled
def prediction_error(foreseen: Any, observation_next: Any) -> Any:
    """Mean squared error m of a prediction, as m / (1 + m): 0 .. 1."""
    total, size = 0.0, foreseen.size
    for first in range(0, size, LANES):
        if some(load_part(observation_next, first, size - first) - load_part(foreseen, first, size - first)):
            for i in range(first, min(first + LANES, size)):
                error = np.float64(observation_next[i]) - np.float64(foreseen[i])
                total += error * error
    mean = total / size
    return mean / (1.0 + mean)


@compiled
def surprise(memory: Any, foreseen: Any, control: Any, observation_next: Any) -> Any:
    """How wrong the prediction of what is seen was: its mean squared error m as m / (1 + m).

    Source: Schmidhuber 1991, "A possibility for implementing curiosity and boredom", section 2; Pathak et al. 2017,
    eq. 6, likewise on what a network makes of the world.
    """
    return prediction_error(foreseen, observation_next)


@compiled
def progress(memory: Any, foreseen: Any, control: Any, observation_next: Any) -> Any:
    """How fast predictions get better: a slow running mean of the error of `surprise` less a fast one.

    Positive while the error falls, below 0 while it rises, and 0 on average where it stays the same, however large it
    is: noise attracts by its error, and not by its progress. Both means begin at the first error.

    Source: Oudeyer, Kaplan and Hafner 2007, "Intrinsic motivation systems for autonomous mental development", section
    IV, of one region; Kim et al. 2020, "Active world model learning with progress curiosity", eq. 3, for a slow model
    beside a fast one.
    """
    error = prediction_error(foreseen, observation_next)
    if memory[_BEGUN] == 0.0:
        memory[_FAST] = error
        memory[_SLOW] = error
        memory[_BEGUN] = 1.0
    memory[_FAST] += (error - memory[_FAST]) / SOON
    memory[_SLOW] += (error - memory[_SLOW]) / LATER
    return memory[_SLOW] - memory[_FAST]


@compiled
def _rows_with_something(control: Any, rows: Any) -> int:
    """Write down the rows of control that are not all 0, and may be some that are; how many."""
    observations, actions = control.shape
    size, count, row = observations * actions, 0, 0
    for first in range(0, size, LANES):
        if some(load_part(control, first, size - first)):
            row = max(row, first // actions)
            end = min((first + LANES - 1) // actions + 1, observations)
            while row < end:
                rows[count] = row  # exact up to 2**24
                count += 1
                row += 1
    return count


@compiled
def empowerment(memory: Any, foreseen: Any, control: Any, observation_next: Any) -> Any:
    """How much of what is seen next hangs on what is done, in nats: ``1/2 log det(1 + B B' / s^2)``, B being control.

    The information that an action drawn from a Gaussian of variance 1 in each direction leaves in an observation that
    NOISE, s, is added to. Of the two determinants, of observations or of actions, which are equal, the smaller is
    taken, by its Cholesky factor, which is kept in the memory, and behind it which rows of control are not all 0.

    Source: Klyubin, Polani and Nehaniv 2005, "Empowerment: a universal agent-centric measure of control"; for the
    linear Gaussian channel Salge, Glackin and Polani 2014, "Empowerment - an introduction", section 4.5.2.
    """
    observations, actions = control.shape
    by_actions = actions < observations
    size = min(actions, observations)
    rows = size * size
    count = _rows_with_something(control, memory[rows:]) if by_actions else actions
    logs = 0.0
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for row in range(count):
                k = int(memory[rows + row]) if by_actions else row
                if by_actions:
                    total += np.float64(control[k, i]) * np.float64(control[k, j])
                else:
                    total += np.float64(control[i, k]) * np.float64(control[j, k])
            total /= NOISE * NOISE
            for k in range(j):
                total -= np.float64(memory[i * size + k]) * np.float64(memory[j * size + k])
            if i == j:
                # Of 1 and a matrix that is not below 0 no pivot is below 1, but for rounding.
                total = max(total, 0.0)
                memory[i * size + i] = np.sqrt(1.0 + total)
                logs += log32(memory[i * size + i])
            else:
                memory[i * size + j] = total / memory[j * size + j]
    return logs


def empowerment_memory(observations: int, actions: int) -> int:
    """Floats of memory that `empowerment` needs."""
    return min(observations, actions) ** 2 + observations
