"""Where the time of a step goes: nanoseconds of each phase of a life, on one core.

A phase is measured inside whole lives: they are lived with a function that does its work twice, and what that adds is
what it costs, with caches as they are there. All forms take turns, and each is worth its least time on
the processor. What is left when the phases are taken off is bookkeeping: drives, tallies, episodes that begin and end,
and the loop itself.

``python -m benchmarks.budget [SHAPE ..]`` prints a table. Shapes are those of `benchmarks.turns`, and brains that
remember by the names of `benchmarks.memory_work` after `gru-`.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import time
from typing import Any

import numpy as np

from benchmarks.evolearn_lives import conditions_of, newborns_of
from benchmarks.memory_lives import conditions_for
from benchmarks.memory_work import WORKLOADS
from benchmarks.turns import SHAPES
from evolearn.agent import (
    BACKWARD_TYPE,
    CHOOSE_ALL_TYPE,
    LEARN_TYPE,
    THINK_ALL_TYPE,
    find_learner,
    find_policy,
    plain,
)
from evolearn.life import Conditions, Plan, lives, new_driver
from evolearn.life._machinery import thought_shared
from evolearn.numerics import adapter, compiled, specialised
from evolearn.rng import VALIDATION, life_keys
from evolearn.world import STEP_ALL_TYPE
from evolearn.worlds import bandit, cart_pole, savannah

LIFETIME = 16_000  # world steps; birth, and what begins and ends a call, should not show
ROUNDS = 40
WORLDS = {"bandit": bandit, "cart_pole": cart_pole, "savannah": savannah}
PHASES = {  # in the order of a step
    "think": "think: the brain's products and tangents, one row of every life",
    "choose": "choose: the policy, its draws included",
    "world": "world: step and observe, its draws included",
    "slopes": "learn: advantages, slopes of the loss",
    "products": "learn: the gradient's products, a window at once",
    "optimiser": "learn: norm and Adam",
}
REMEMBERING = "gru-"  # before the names of workloads of brains that remember
REST = "bookkeeping: drives, tallies, episodes, the loop"


def twice(function: Any, signature: Any = None) -> Any:
    """A compiled function that does the work of `function` twice; of a signature, or of any."""
    if signature is None:

        def again(*arguments: Any) -> Any:
            function(*arguments)
            return function(*arguments)

        return compiled(again)
    names = ", ".join(f"a{place}" for place in range(len(signature.args)))
    # Compiled for a signature ahead of any call, a function must have its arguments one by one.
    return adapter(
        eval(f"lambda {names}: (function({names}), function({names}))[1]", {"function": function}), signature
    )


def learning_twice(conditions: Conditions, *names: str) -> Any:
    """The learner with some of the functions that it calls doing their work twice."""
    learn = plain(find_learner(conditions.learner).learn)
    parts = {"slopes_of_window": find_policy(conditions.brain.policy).slopes}
    for name in names:
        parts[name] = twice(parts.get(name) or learn.__globals__[name])
    return specialised(learn, LEARN_TYPE, f"twice {names} {conditions.brain}", False, **parts)


def forms(conditions: Conditions, shared: bool) -> dict[str, Any]:
    """A driver as it is, and one for each phase that does this twice; one thread each, for lives that share or not."""
    driver: Any = new_driver(conditions, 1)
    parts, world = driver._parts, driver._world
    changes: dict[str, dict[str, Any]] = {
        "think": {},
        "choose": {"choose_all": twice(parts.choose_all, CHOOSE_ALL_TYPE)},
        "slopes": {"learn": learning_twice(conditions, "estimate_advantages", "slopes_of_window")},
        "products": {"backward": twice(parts.backward, BACKWARD_TYPE)},
        "optimiser": {"learn": learning_twice(conditions, "shortening", "descend")},
    }
    made = {"whole": driver, "world": copy.copy(driver)}
    made["world"]._world = world._replace(step_all=twice(world.step_all, STEP_ALL_TYPE))
    for phase, change in changes.items():
        made[phase] = copy.copy(driver)
        made[phase]._parts = dataclasses.replace(parts, **change)
    thinking = twice(driver._thought(shared), THINK_ALL_TYPE)
    made["think"]._thought = lambda shared: thinking
    return made


def budget(conditions: Conditions, rounds: int = ROUNDS, learns: bool = True) -> dict[str, float]:
    """Nanoseconds per step of every phase, of the rest, and of the whole."""
    shared = not learns and thought_shared(conditions) is not None
    made = forms(conditions, shared)
    count = made["whole"].sharing if shared else made["whole"].team
    newborns = newborns_of(conditions, count)
    # As in evaluations, lives of one genome stand side by side; weights are copied if they learn.
    genomes, keys = np.zeros(count, int) if shared else np.arange(count), life_keys(0, VALIDATION, 0, count)

    seconds = {name: np.inf for name in made}
    for _ in range(rounds):
        for name, driver in made.items():
            start = time.process_time()
            lives(driver, conditions, newborns, genomes, keys, Plan(LIFETIME, learn_until=None if learns else 0))
            seconds[name] = min(seconds[name], time.process_time() - start)
    per_step = {name: 1e9 * least / (count * LIFETIME) for name, least in seconds.items()}
    whole = per_step["whole"]
    phases = {phase: per_step[phase] - whole for phase in PHASES}
    return {**phases, "rest": whole - sum(phases.values()), "whole": whole}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = [*SHAPES, *(REMEMBERING + name for name in WORKLOADS)]
    parser.add_argument("shapes", nargs="*", default=list(SHAPES), metavar="SHAPE", help=", ".join(known))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    if unknown := set(options.shapes) - set(known):
        parser.error(f"{', '.join(sorted(unknown))}: must be of {', '.join(known)}")
    columns = {}
    for shape in options.shapes:
        if shape in SHAPES:
            world, hidden, window = SHAPES[shape]
            columns[shape] = budget(conditions_of(getattr(WORLDS[world], world), hidden, window), options.rounds)
        else:
            workload = WORKLOADS[shape.removeprefix(REMEMBERING)]
            columns[shape] = budget(conditions_for(workload), options.rounds, workload.learns)
    print(f"| ns per step | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, text in {**PHASES, "rest": REST, "whole": "**all**"}.items():
        print(f"| {text} | {' | '.join(f'{column[name]:.0f}' for column in columns.values())} |")


if __name__ == "__main__":
    main()
