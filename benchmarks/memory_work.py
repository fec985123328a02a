"""The work of brains that remember, that every contender of `benchmarks.memory` does, and how it says what it took.

A gated recurrent unit is told what its world shows, what it did last and what it felt then, and keeps its state for
life. 64 genomes live the same 64 or 16 keys, as in a generation of evolution: luck is shared among genomes, and lives
of one genome share its weights, until they learn. All of it is in float32 on one core.

| workload | brain | world | lives | learns |
|---|---|---|---|---|
| `bandit` | 7-8-(2+1) | bandit, two arms, no flips | 64 x 64 of 100 pulls | no |
| `savannah` | 18-24-(4+1) and four spreads | savannah, alpha 0 | 64 x 16 of 600 steps | no |
| `bandit-learning` | 7-8-(2+1) | as above | 64 x 64 of 96 pulls | every 16 steps, back through these |

Learning is one step of Adam on the actor-critic loss with GAE of `benchmarks.work`, the state at a window's beginning a
constant. What peers leave out, to their advantage: they clip no gradient, do not look beyond a truncation, check
nothing for being finite, keep no tallies but of fitness, have worlds in float32, and do without what these parameters
never ask of a world: an arm that trades places, a motor map that is drawn.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

LEARNING_RATE = 0.05  # large, so that 96 steps of learning show in what is earned
PROBES = 2  # evaluations before the clock matters: the first compiles
SPREAD = 1.5  # of weights about zero: brains that act, each in its own way, and are moved by what they remember
SPREAD_OF_HEADS = 4.0


class Workload(NamedTuple):
    """What is lived."""

    world: str
    shown: int  # numbers that the world shows
    actions: int  # choices, or numbers of an action
    hidden: int
    genomes: int
    keys: int  # lives of each
    steps: int  # of a life
    window: int
    learns: bool

    @property
    def told(self) -> int:
        """Numbers that a brain is told: what the world shows, the last action, the last reward."""
        return self.shown + self.actions + 1

    @property
    def all_steps(self) -> int:
        """World steps of an evaluation."""
        return self.genomes * self.keys * self.steps

    @property
    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Shapes of a brain's tensors, in the order of `evolearn.agent.trunks.gru` and its heads."""
        sizes = {
            "inputs": (self.told, 3 * self.hidden),
            "state": (self.hidden, 3 * self.hidden),
            "bias": (4 * self.hidden,),
            "heads": (self.actions + 1, self.hidden),
            "heads_bias": (self.actions + 1,),
        }
        return sizes | ({"log_stdev": (self.actions,)} if self.world == "savannah" else {})


WORKLOADS = {
    "bandit": Workload("bandit", 4, 2, 8, 64, 64, 100, 16, learns=False),
    "savannah": Workload("savannah", 13, 4, 24, 64, 16, 600, 16, learns=False),
    "bandit-learning": Workload("bandit", 4, 2, 8, 64, 64, 96, 16, learns=True),
}


def flat_weights(workload: Workload) -> Any:
    """Weights of every genome, float32 [G, W], as `evolearn` has them: matrices of variance `SPREAD`^2 / inputs."""
    rng = np.random.default_rng(1)
    blocks = []
    for name, shape in workload.tensors.items():
        spread = {"inputs": SPREAD / np.sqrt(shape[0]), "state": SPREAD / np.sqrt(shape[0])}.get(name, 0.5)
        spread = SPREAD_OF_HEADS / np.sqrt(workload.hidden) if name == "heads" else spread
        blocks.append(spread * rng.standard_normal((workload.genomes, math.prod(shape))))
    return np.concatenate(blocks, axis=1).astype(np.float32)


def weights_of(workload: Workload) -> dict[str, Any]:
    """The same by name, float32 [G, ..]."""
    flat, tensors, start = flat_weights(workload), {}, 0
    for name, shape in workload.tensors.items():
        size = math.prod(shape)
        tensors[name] = flat[:, start : start + size].reshape(workload.genomes, *shape)
        start += size
    return tensors


def main(name: str, prepare: Callable[[Workload], Callable[[int], Any]]) -> None:
    """Run a contender as a program: for every line that is read it lives an evaluation and prints a line of JSON.

    That line has the seconds by the clock and of the processor, and the fitness of every genome, mean per step.

    Args:
        name: of the workload.
        prepare: takes the workload, and returns a function that lives the evaluation of a number, with luck of its own,
            and returns the fitness of every life, float [G, L], mean per step.
    """
    live = prepare(WORKLOADS[name])
    for number in range(PROBES):
        live(number)
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin, start=PROBES):
        start, processor = time.perf_counter(), time.process_time()
        fitness = np.asarray(live(number))
        took = time.perf_counter() - start, time.process_time() - processor
        print(json.dumps([*took, fitness.mean(axis=1, dtype=np.float64).tolist()]), flush=True)
