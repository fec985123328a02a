"""Brains that remember in this project's fused kernel, on one thread: the work of `benchmarks.memory_work`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from evolearn.worlds.bandit import bandit
from evolearn.worlds.savannah import savannah

from benchmarks import memory_work, work
from benchmarks.evolearn_lives import conditions_of
from benchmarks.memory_work import Workload
from evolearn.genome import Newborns
from evolearn.life import Conditions, Plan, lives, new_driver
from evolearn.rng import VALIDATION, life_keys


def conditions_for(workload: Workload) -> Conditions:
    """What the lives of a workload share."""
    world = {"bandit": bandit, "savannah": savannah}[workload.world]
    conditions = conditions_of(world, (workload.hidden,), workload.window)
    told = ("observation", "last_action", "last_reward")
    brain = dataclasses.replace(conditions.brain, trunk="gru", inputs=told, memory="life")
    return dataclasses.replace(conditions, brain=brain)


def newborns_for(workload: Workload, conditions: Conditions) -> Newborns:
    """The workload's genomes, decoded; fitness is all that they feel."""
    genomes = workload.genomes
    drives = np.array([name == "fitness" for name in conditions.drive_names], np.float32)
    plasticity = [memory_work.LEARNING_RATE, work.DISCOUNT, work.GAE_LAMBDA, work.ENTROPY_BONUS, 1.0, 1.0]
    return Newborns(
        weights=memory_work.flat_weights(workload),
        drives=np.tile(drives, (genomes, 1)),
        plasticity=np.tile(np.array(plasticity, np.float32), (genomes, 1)),
        scale=np.ones(genomes, np.float32),
        initial_stdev=np.zeros(0, np.float32),
        value=np.zeros((genomes, 0), np.float32),
    )


def prepare(workload: Workload) -> Callable[[int], Any]:
    """See `benchmarks.memory_work.main`."""
    conditions = conditions_for(workload)
    driver, newborns = new_driver(conditions, workers=1), newborns_for(workload, conditions)
    genomes = np.repeat(np.arange(workload.genomes), workload.keys)
    plan = Plan(workload.steps, learn_until=None if workload.learns else 0)

    def evaluation(number: int) -> Any:
        keys = np.tile(life_keys(0, VALIDATION, number, workload.keys), (workload.genomes, 1))
        outcome, _ = lives(driver, conditions, newborns, genomes, keys, plan)
        return outcome.fitness.reshape(workload.genomes, workload.keys) / workload.steps

    return evaluation


def main() -> None:
    """Compile, then live when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=memory_work.WORKLOADS)
    memory_work.main(parser.parse_args().workload, prepare)


if __name__ == "__main__":
    main()
