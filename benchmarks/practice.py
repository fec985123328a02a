"""What practice does to a brain: its policy's entropy, weights and units before and after a switch of worlds.

    python -m benchmarks.practice STUDY [--arms NAME ...] [--lives N] [--markdown]

STUDY is a directory of a study on cued bandits with a switch, such as that of `claims/over-practice`. Every evolution
run's DNA lives `--lives` validation lives under every condition; a row has the means over all of them: at birth, at the
switch before anything is reset, right after that, and at the end of the window that is scored. Brains are of one hidden
layer, and cues are one-hot. *Right* is the share of right actions: before the switch since birth, later since then.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from evolearn.worlds.cued_bandit import RARE, SURE
from rich.console import Console
from rich.table import Table

from evolearn.agent import BrainSpec, find_policy
from evolearn.genome import decode, draw_fresh
from evolearn.life import Driver, Plan, lives, new_driver
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import Setup, assemble
from evolearn.study import open_study, planned_config

GENERATION = 700  # of the validation key space
SAME = 0.05  # a unit whose activation has a smaller standard deviation over cues is dead: it tells none from another
HEADS = ("condition", "arm", "when", "entropy", "trunk norm", "head norm", "dead units", "class share", "right")

Floats = npt.NDArray[np.floating[Any]]


class State(NamedTuple):
    """What a brain is like at an age, for each of L lives."""

    entropy: Floats  # [L] of the policy, mean over cues, nats; NaN for policies that are no softmax
    trunk_norm: Floats  # [L] root of the summed squares of the hidden layer's weights
    head_norm: Floats  # [L] the same of the policy head's
    dead: Floats  # [L] share of the hidden units that say the same whatever the cue
    class_share: Floats  # [L] share of the variance of activations over cues that is between classes of cues


def state_of(brain: BrainSpec, weights: Floats, cues: int, classes: int) -> State:
    """What brains are like.

    Args:
        brain: what they are made of; one hidden layer of tanh units.
        weights: float [L, W].
        cues: in use.
        classes: of cues, neighbours.
    """
    blocks, start = {}, 0
    for tensor in brain.tensors:
        blocks[tensor.name] = weights[:, start : start + tensor.size].reshape(-1, *tensor.shape).astype(np.float64)
        start += tensor.size
    trunk, head = blocks["hidden1.weight"], blocks["policy.weight"]
    units = np.tanh(trunk[:, :cues] + blocks["hidden1.bias"][:, None])  # [L, cues, H]
    outputs = np.einsum("lch,lah->lca", units, head) + blocks["policy.bias"][:, None]
    outputs -= outputs.max(axis=2, keepdims=True)
    chances = np.exp(outputs) / np.exp(outputs).sum(axis=2, keepdims=True)
    logs = np.log(np.maximum(chances, np.finfo(np.float64).tiny))
    entropy = -(chances * logs).sum(axis=2).mean(axis=1)
    of_class = np.arange(cues) * classes // cues
    means = np.stack([units[:, of_class == n].mean(axis=1) for n in range(classes)], axis=1)[:, of_class]
    total = units.var(axis=1).sum(axis=1)
    return State(
        entropy=entropy if find_policy(brain.policy).is_relative else np.full(len(weights), np.nan),
        trunk_norm=np.sqrt((trunk**2).sum(axis=(1, 2))),
        head_norm=np.sqrt((head**2).sum(axis=(1, 2))),
        dead=(units.std(axis=1) < SAME).mean(axis=1),
        class_share=np.divide(means.var(axis=1).sum(axis=1), total, out=np.zeros_like(total), where=total > 0),
    )


def moments(switch: int, window: int) -> Iterator[tuple[str, Plan]]:
    """When brains are looked at, and how they live until then: a shorter life is the beginning of a longer one.

    Args:
        switch: age in steps at which worlds are born a second time.
        window: steps that are scored from there on.
    """
    yield "at birth", Plan(1, learn_until=0, final_weights=True)
    yield "before", Plan(switch, final_weights=True)
    yield "after", Plan(switch + 1, learn_until=switch, final_weights=True)
    yield f"{window} later", Plan(switch + window, final_weights=True)


def lived(
    setup: Setup, driver: Driver, genome: Floats, keys: npt.NDArray[np.int64], plan: Plan
) -> tuple[Floats, Floats]:
    """Weights [L, W] of an evolved newborn at the end of its lives, and what these earned, [L]."""
    newborns = decode(setup.pool, genome[None])
    newborns, born_as = draw_fresh(setup.pool, newborns, np.zeros(len(keys), np.int64), keys)
    outcome, _ = lives(driver, setup.conditions, newborns, born_as, keys, plan)
    return outcome.final_weights, outcome.fitness.sum(axis=1)


def practised(path: Path, arms: Sequence[str], count: int) -> Iterator[tuple[str, ...]]:
    """The rows of a study, in the order of its conditions and of `arms`."""
    study = open_study(path)
    config = study.read_config()
    for condition in config.conditions:
        for arm in arms:
            setup = assemble(planned_config(config, condition, arm))
            window = setup.config.window_after
            switch, parameters = setup.conditions.switch_at, setup.conditions.parameters
            if window is None or switch is None:
                raise SystemExit(f"condition {condition.name}: has no world.switch_at, so nothing to compare")
            driver = new_driver(setup.conditions)
            cues, classes = int(parameters["cues"]), int(parameters["classes"])
            earned, begun = 0.0, 0
            for when, plan in moments(switch, window.width):
                found, sums = [], []
                for run in range(config.runs):
                    genome = study.evolved(condition, arm, run).load_dna().genome
                    keys = life_keys(config.seed, VALIDATION, GENERATION + run, count)
                    weights, fitness = lived(setup, driver, genome, keys, plan)
                    found.append(state_of(setup.conditions.brain, weights, cues, classes))
                    sums.append(fitness.mean())
                values = [float(np.mean(column)) for column in zip(*found, strict=True)]
                right = float("nan")
                if plan.learn_until is None:  # what was lived as the arm lives
                    pay = (float(np.mean(sums)) - earned) / (plan.lifetime - begun)
                    right, earned, begun = (pay - RARE) / (SURE - RARE), float(np.mean(sums)), plan.lifetime
                shown = ("" if np.isnan(value) else f"{value:.3g}" for value in (*values, right))
                yield (condition.name, arm, when, *shown)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--arms", nargs="+", default=["gradient", "head_reset"])
    parser.add_argument("--lives", type=int, default=16, help="per evolution run")
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    rows = list(practised(asked.study, asked.arms, asked.lives))
    if asked.markdown:
        print("| " + " | ".join(HEADS) + " |\n|" + "---|" * len(HEADS))
        for row in rows:
            print("| " + " | ".join(row) + " |")
        return
    table = Table(*HEADS)
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
