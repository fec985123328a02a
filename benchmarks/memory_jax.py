"""Brains that remember in JAX: the work of `benchmarks.memory_work`, a life as a `lax.scan`, jitted, on one core.

The plain form is `vmap` over lives, each with weights and luck of its own, as lives that learn must have them. The
tuned form, the default, uses what a generation of frozen brains offers: the luck of a key is drawn once for all
genomes, and the lives of a genome are columns of one product with its weights. All draws of a life are made at once,
since a call of threefry per step costs more than the step.

Of what was tried for the tuned form, not all of it for every workload, the fastest is here: scans unrolled by 1, 2, 4,
8 and 16; lives in chunks that stay in the cache (`lax.map` with a batch size) or all at once; one product for inputs
and state with zeros between, or two; products written as sums, for loops over lives; XLA's tanh or the rational one.
The gradient goes back through the steps as they were lived, so that none is computed twice.
"""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"  # one core

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks import memory_work, memory_worlds as worlds, work
from benchmarks.memory_work import Workload

UNROLL = {"bandit": 4, "savannah": 1, "bandit-learning": 16}  # steps; of 1, 2, 4, 8 and 16 the fastest
CHUNK = 64  # lives that learn, each with weights of its own; of 64, 256 and all of them the fastest
Weights = dict[str, Any]  # by name, see `Workload.tensors`, of one brain


class Told(NamedTuple):
    """What a brain is told of the step before, and what it remembers. A number per life, or none of that axis."""

    action: Any  # [A, ..], one-hot for choices
    reward: Any  # [..]
    state: Any  # [H, ..]


def tanh(x: Any) -> Any:
    """The tangent of `work`."""
    return work.rational_tanh(x, jnp.minimum, jnp.maximum)


def sigmoid(x: Any) -> Any:
    """The logistic function, by `tanh`."""
    return 0.5 + 0.5 * tanh(0.5 * x)


def think(weights: Weights, shown: list[Any], told: Told) -> tuple[Any, Any]:
    """State [H, ..] and outputs [A + 1, ..] after an observation. Source: Cho et al. 2014, eqs. 5 - 8."""
    met = jnp.concatenate([jnp.stack(shown), told.action, told.reward[None]])
    hidden, ones = told.state.shape[0], (1,) * (met.ndim - 1)
    bias = weights["bias"].reshape(-1, *ones)
    fed = weights["inputs"].T @ met + bias[: 3 * hidden]
    recalled = weights["state"].T @ told.state
    reset = sigmoid(fed[hidden : 2 * hidden] + recalled[:hidden])
    update = sigmoid(fed[2 * hidden :] + recalled[hidden : 2 * hidden])
    candidate = tanh(fed[:hidden] + reset * (recalled[2 * hidden :] + bias[3 * hidden :]))
    state = candidate + update * (told.state - candidate)
    return state, weights["heads"] @ state + weights["heads_bias"].reshape(-1, *ones)


def pull(weights: Weights, bandit: worlds.Bandit, told: Told, luck: Any) -> tuple[worlds.Bandit, Told, Any]:
    """One step in the bandit with two uniform draws; returns the outputs too."""
    state, output = think(weights, worlds.bandit_shows(jnp, bandit), told)
    action = jnp.where(luck[0] < sigmoid(lax.stop_gradient(output[1] - output[0])), 1.0, 0.0)
    bandit, paid = worlds.bandit_step(jnp, bandit, action, luck[1])
    return bandit, Told(jnp.stack([1.0 - action, action]), paid, state), output


def run_about(weights: Weights, foal: worlds.Foal, told: Told, luck: tuple[Any, Any]) -> tuple[worlds.Foal, Told, Any]:
    """One step in the savannah with seven normal draws and five uniform ones; returns the outputs too."""
    normal, uniform = luck
    state, output = think(weights, worlds.foal_shows(jnp, foal), told)
    stdev = jnp.exp(jnp.clip(weights["log_stdev"], -5.0, 2.0)).reshape(-1, *(1,) * (output.ndim - 1))
    action = output[:-1] + stdev * normal[:4]
    foal, fitness, dead = worlds.foal_step(jnp, foal, action, (normal[4], normal[5], uniform[0], uniform[1]))
    reborn = worlds.foal_begins(jnp, (normal[6], *uniform[2:]))
    foal = jax.tree.map(functools.partial(jnp.where, dead), reborn, foal)
    return foal, Told(action, fitness, state), output


def live(workload: Workload, weights: Weights, key: Any, lives: tuple[int, ...], unroll: int) -> Any:
    """Fitness of frozen lives with the same weights, mean per step, [L]; or of one life, with `lives` empty."""
    births, luck = jax.random.split(key)
    if workload.world == "bandit":
        world = worlds.bandit_born(jnp, jax.random.uniform(births, (2, *lives)))
        luck, act = jax.random.uniform(luck, (workload.steps, 2, *lives)), pull
    else:
        tilt, others = jax.random.split(births)
        world = worlds.foal_begins(jnp, (jax.random.normal(tilt, lives), *jax.random.uniform(others, (3, *lives))))
        normal, uniform = jax.random.split(luck)
        luck = (
            jax.random.normal(normal, (workload.steps, 7, *lives)),
            jax.random.uniform(uniform, (workload.steps, 5, *lives)),
        )
        act = run_about
    told = Told(*(jnp.zeros((*size, *lives)) for size in ((workload.actions,), (), (workload.hidden,))))

    def step(carry: Any, luck: Any) -> tuple[Any, None]:
        world, told, fitness = carry
        world, told, _ = act(weights, world, told, luck)
        return (world, told, fitness + told.reward), None

    return lax.scan(step, (world, told, jnp.zeros(lives)), luck, unroll=unroll)[0][2] / workload.steps


def advantages_of(values: Any, last_value: Any, rewards: Any) -> Any:
    """Advantages [N]. Source: Schulman et al. 2016, eq. 16."""

    def before(advantage: Any, error: Any) -> tuple[Any, Any]:
        advantage = error + work.DISCOUNT * work.GAE_LAMBDA * advantage
        return advantage, advantage

    errors = rewards + work.DISCOUNT * jnp.append(values[1:], last_value) - values
    return lax.scan(before, jnp.zeros_like(last_value), errors, reverse=True, unroll=len(errors))[1]


def window_loss(
    weights: Weights, bandit: worlds.Bandit, told: Told, luck: Any, unroll: int
) -> tuple[Any, tuple[worlds.Bandit, Told, Any]]:
    """Live a window [N] of one life; the mean loss, and the bandit, what is told and the fitness after it."""

    def step(carry: tuple[Any, Any], luck: Any) -> tuple[tuple[Any, Any], Any]:
        bandit, told, output = pull(weights, *carry, luck)
        return (bandit, told), (output, told.action, told.reward)

    (bandit, told), (output, actions, rewards) = lax.scan(step, (bandit, told), luck, unroll=unroll)
    logs, values = jax.nn.log_softmax(output[:, :2]), output[:, 2]
    last_value = think(weights, worlds.bandit_shows(jnp, bandit), told)[1][2]
    advantages = lax.stop_gradient(advantages_of(values, last_value, rewards))
    returns = advantages + lax.stop_gradient(values)
    entropy = -(jnp.exp(logs) * logs).sum(-1)
    chosen = (logs * actions).sum(-1)
    loss = (-chosen * advantages + 0.5 * (values - returns) ** 2 - work.ENTROPY_BONUS * entropy).mean()
    return loss, (bandit, told, rewards.sum())


def adam(weights: Weights, first: Weights, second: Weights, gradient: Weights, update: Any) -> tuple[Weights, ...]:
    """One step of Adam. Source: Kingma and Ba 2015, algorithm 1."""
    first = jax.tree.map(lambda m, g: work.FIRST_DECAY * m + (1 - work.FIRST_DECAY) * g, first, gradient)
    second = jax.tree.map(lambda v, g: work.SECOND_DECAY * v + (1 - work.SECOND_DECAY) * g * g, second, gradient)
    size = memory_work.LEARNING_RATE / (1.0 - work.FIRST_DECAY**update)
    correction = 1.0 / (1.0 - work.SECOND_DECAY**update)

    def moved(w: Any, m: Any, v: Any) -> Any:
        return w - size * m / (jnp.sqrt(v * correction) + work.EPSILON)

    return jax.tree.map(moved, weights, first, second), first, second


def live_and_learn(workload: Workload, weights: Weights, key: Any, unroll: int) -> Any:
    """Fitness of one life that learns, mean per step."""
    births, luck = jax.random.split(key)
    bandit = worlds.bandit_born(jnp, jax.random.uniform(births, (2,)))
    told = Told(jnp.zeros(workload.actions), jnp.zeros(()), jnp.zeros(workload.hidden))
    updates = workload.steps // workload.window
    luck = jax.random.uniform(luck, (updates, workload.window, 2))
    still = jax.tree.map(jnp.zeros_like, weights)

    def window(carry: Any, row: tuple[Any, Any]) -> tuple[Any, Any]:
        weights, first, second, bandit, told = carry
        luck, update = row
        gradient, (bandit, told, fitness) = jax.grad(window_loss, has_aux=True)(weights, bandit, told, luck, unroll)
        return (*adam(weights, first, second, gradient, update), bandit, told), fitness

    start = (weights, still, still, bandit, told)
    return lax.scan(window, start, (luck, 1.0 + jnp.arange(updates)))[1].sum() / workload.steps


def prepare(workload: Workload, plain: bool) -> Callable[[int], Any]:
    """Compiled on the first call; see `benchmarks.memory_work.main`."""
    brains = {name: jnp.asarray(tensor) for name, tensor in memory_work.weights_of(workload).items()}
    genomes, keys = workload.genomes, workload.keys

    unroll = 1 if plain else UNROLL[next(name for name, row in memory_work.WORKLOADS.items() if row == workload)]

    def one(life: tuple[Weights, Any]) -> Any:
        weights, key = life
        if workload.learns:
            return live_and_learn(workload, weights, key, unroll)
        return live(workload, weights, key, (), unroll)

    @jax.jit
    def evaluation(brains: Weights, key: Any) -> Any:
        if not (plain or workload.learns):
            return jax.vmap(lambda weights: live(workload, weights, key, (keys,), unroll))(brains)
        own = jax.tree.map(lambda tensor: jnp.repeat(tensor, keys, axis=0), brains)
        lives = own, jnp.tile(jax.random.split(key, keys), genomes)
        fitness = jax.vmap(one)(lives) if plain else lax.map(one, lives, batch_size=CHUNK)
        return fitness.reshape(genomes, keys)

    return lambda number: evaluation(brains, jax.random.key(number)).block_until_ready()


def main() -> None:
    """Compile, then live when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=memory_work.WORKLOADS)
    parser.add_argument("--plain", action="store_true", help="vmap over lives")
    options = parser.parse_args()
    memory_work.main(options.workload, functools.partial(prepare, plain=options.plain))


if __name__ == "__main__":
    main()
