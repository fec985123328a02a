"""The same lives in JAX, in two forms.

The plain form is the one that people write: one life as a scan over steps within a scan over windows, gradients by
`jax.grad`, then `vmap` over lives and `jit`. It streams the weights of every life through memory at every step.

The tuned form, the default, is the fastest of some fifteen that were tried: lives in chunks that stay in the cache
(`lax.map` with a batch size), one XLA device per core (`pmap`), the gradient written by hand so that the window's
activations are not computed again, and a scan unrolled by four.

Either may give an agent several environments, E carts that it steps at once and learns from together: E times as many
samples per update, one epoch over them, one step of Adam. That is other work, with fewer updates per step: products are
of matrices, and Adam and the weights' way through memory are paid once for E steps.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from typing import Any, NamedTuple

CORES = os.cpu_count() or 1
# Before JAX is imported: XLA:CPU is one device unless told otherwise.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={CORES}"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

from benchmarks import work  # noqa: E402

CHUNK = 16  # lives; of 4, 8, 16 and 32 the fastest, beside 8
UNROLL = 4


class Brain(NamedTuple):
    """Weights of one life, or a gradient, or one of Adam's moments; H = 32 hidden units."""

    first: Any  # [4, H]
    first_bias: Any  # [H]
    second: Any  # [H, H]
    second_bias: Any  # [H]
    head: Any  # [H, 3]: two logits and a value
    head_bias: Any  # [3]


class Steps(NamedTuple):
    """What a window leaves behind; N steps, or with several environments N x E."""

    observation: Any  # [N, 4]
    first: Any  # [N, H], activations
    second: Any  # [N, H]
    output: Any  # [N, 3]
    action: Any  # [N], bool
    goes_on: Any  # [N], 0 or 1


class Life(NamedTuple):
    """All that changes in a life."""

    brain: Brain
    first_moment: Brain
    second_moment: Brain
    cart: Any  # [4], or [E, 4]
    age: Any  # steps in this episode; a number, or [E]
    key: Any


def tanh(x: Any) -> Any:
    """The tangent of `work`; XLA's own is a third slower here."""
    return work.rational_tanh(x, jnp.minimum, jnp.maximum)


def think(brain: Brain, observation: Any) -> tuple[Any, Any, Any]:
    """Activations of both layers and the output row, for one observation or several."""
    first = tanh(observation @ brain.first + brain.first_bias)
    second = tanh(first @ brain.second + brain.second_bias)
    return first, second, second @ brain.head + brain.head_bias


def step(cart: Any, age: Any, action: Any) -> tuple[Any, Any]:
    """The cart [.., 4] after a push, and whether the episode is over."""
    _, velocity, angle, angular_velocity = jnp.moveaxis(cart, -1, 0)
    force = jnp.where(action, work.FORCE, -work.FORCE)
    moment = work.POLE_MASS * work.HALF_LENGTH
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    thrust = (force + moment * angular_velocity * angular_velocity * sine) / work.TOTAL_MASS
    inertia = work.HALF_LENGTH * (4.0 / 3.0 - work.POLE_MASS * cosine * cosine / work.TOTAL_MASS)
    angular_acceleration = (work.GRAVITY * sine - cosine * thrust) / inertia
    acceleration = thrust - moment * angular_acceleration * cosine / work.TOTAL_MASS
    cart = cart + work.DT * jnp.stack([velocity, acceleration, angular_velocity, angular_acceleration], -1)
    over = (jnp.abs(cart[..., 0]) > work.CART_LIMIT) | (jnp.abs(cart[..., 2]) > work.POLE_LIMIT)
    return cart, over | (age >= work.STEP_LIMIT)


def live_window(brain: Brain, cart: Any, age: Any, key: Any, unroll: int) -> tuple[Any, Any, Steps]:
    """Act for a window; returns cart, age and the steps."""

    def act(carry: tuple[Any, Any], draws: Any) -> tuple[tuple[Any, Any], Steps]:
        cart, age = carry
        first, second, output = think(brain, cart)
        action = draws[..., 4] < jax.nn.sigmoid(output[..., 1] - output[..., 0])
        moved, over = step(cart, age + 1, action)
        moved = jnp.where(over[..., None], 0.1 * draws[..., :4] - 0.05, moved)
        goes_on = 1.0 - over.astype(jnp.float32)
        return (moved, jnp.where(over, 0, age + 1)), Steps(cart, first, second, output, action, goes_on)

    # All draws of a window at once: a threefry call per step costs more than the step.
    draws = jax.random.uniform(key, (work.WINDOW, *age.shape, 5))
    (cart, age), steps = lax.scan(act, (cart, age), draws, unroll=unroll)
    return cart, age, steps


def advantages_of(values: Any, last_value: Any, goes_on: Any) -> Any:
    """Advantages [N, ..]. Source: Schulman et al. 2016, eq. 16."""

    def before(advantage: Any, row: tuple[Any, Any, Any]) -> tuple[Any, Any]:
        value, value_next, goes_on = row
        error = 1.0 + work.DISCOUNT * value_next * goes_on - value
        advantage = error + work.DISCOUNT * work.GAE_LAMBDA * goes_on * advantage
        return advantage, advantage

    values_next = jnp.concatenate([values[1:], last_value[None]])
    return lax.scan(before, jnp.zeros_like(last_value), (values, values_next, goes_on), reverse=True)[1]


def gradient_by_autograd(brain: Brain, steps: Steps, last_value: Any) -> Brain:
    """Gradient of the mean loss over the window, by `jax.grad`."""

    def loss(brain: Brain) -> Any:
        output = think(brain, steps.observation)[2]
        logs, values = jax.nn.log_softmax(output[..., : work.CHOICES]), output[..., work.CHOICES]
        advantages = lax.stop_gradient(advantages_of(values, last_value, steps.goes_on))
        returns = advantages + lax.stop_gradient(values)
        chosen = jnp.where(steps.action, logs[..., 1], logs[..., 0])
        entropy = -(jnp.exp(logs) * logs).sum(-1)
        return (-chosen * advantages + 0.5 * (values - returns) ** 2 - work.ENTROPY_BONUS * entropy).mean()

    return jax.grad(loss)(brain)


def gradient_by_hand(brain: Brain, steps: Steps, last_value: Any) -> Brain:
    """The same gradient from the activations that acting left behind."""
    advantages = advantages_of(steps.output[..., work.CHOICES], last_value, steps.goes_on).reshape(-1, 1)
    steps = Steps(*(field.reshape(advantages.size, *field.shape[steps.action.ndim :]) for field in steps))
    logs = jax.nn.log_softmax(steps.output[:, : work.CHOICES])
    chances = jnp.exp(logs)
    taken = jnp.stack([~steps.action, steps.action], 1).astype(jnp.float32)
    surprise = logs - (chances * logs).sum(1, keepdims=True)
    logits = advantages * (chances - taken) + work.ENTROPY_BONUS * chances * surprise
    deltas = jnp.concatenate([logits, -advantages], 1) / advantages.size
    second = (deltas @ brain.head.T) * (1.0 - steps.second**2)
    first = (second @ brain.second.T) * (1.0 - steps.first**2)
    return Brain(
        *(steps.observation.T @ first, first.sum(0)),
        *(steps.first.T @ second, second.sum(0)),
        *(steps.second.T @ deltas, deltas.sum(0)),
    )


def adam(life: Life, gradient: Brain, update: Any) -> Life:
    """One step of Adam. Source: Kingma and Ba 2015, algorithm 1."""
    first = jax.tree.map(lambda m, g: work.FIRST_DECAY * m + (1 - work.FIRST_DECAY) * g, life.first_moment, gradient)
    second = jax.tree.map(
        lambda v, g: work.SECOND_DECAY * v + (1 - work.SECOND_DECAY) * g * g, life.second_moment, gradient
    )
    size = work.LEARNING_RATE / (1.0 - work.FIRST_DECAY**update)
    correction = 1.0 / (1.0 - work.SECOND_DECAY**update)
    brain = jax.tree.map(
        lambda w, m, v: w - size * m / (jnp.sqrt(v * correction) + work.EPSILON), life.brain, first, second
    )
    return life._replace(brain=brain, first_moment=first, second_moment=second)


def newborn(key: Any, environments: int) -> Life:
    """A life before its first step, with random weights."""
    keys = jax.random.split(key, 5)
    sizes = ((work.OBSERVATIONS, work.HIDDEN), (work.HIDDEN, work.HIDDEN), (work.HIDDEN, work.CHOICES + 1))
    tensors = []
    for key, (inputs, units) in zip(keys, sizes, strict=False):
        tensors += [jax.random.normal(key, (inputs, units)) / math.sqrt(inputs), jnp.zeros(units)]
    brain = Brain(*tensors)
    still = jax.tree.map(jnp.zeros_like, brain)
    carts = () if environments == 1 else (environments,)
    cart = 0.1 * jax.random.uniform(keys[3], (*carts, 4)) - 0.05
    return Life(brain, still, still, cart, jnp.zeros(carts, jnp.int32), keys[4])


def live(key: Any, updates: int, plain: bool, environments: int) -> Any:
    """One whole life; returns the number of its episodes."""
    gradient_of = gradient_by_autograd if plain else gradient_by_hand

    def window(life: Life, update: Any) -> tuple[Life, Any]:
        key, own = jax.random.split(life.key)
        cart, age, steps = live_window(life.brain, life.cart, life.age, own, 1 if plain else UNROLL)
        last_value = think(life.brain, cart)[2][..., work.CHOICES]
        life = adam(life, gradient_of(life.brain, steps, last_value), update)
        return life._replace(cart=cart, age=age, key=key), (1.0 - steps.goes_on).sum()

    return lax.scan(window, newborn(key, environments), jnp.arange(1, updates + 1, dtype=jnp.float32))[1].sum()


def main() -> None:
    """Compile, then time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=work.LIVES)
    parser.add_argument("--updates", type=int, default=work.UPDATES)
    parser.add_argument("--plain", action="store_true", help="vmap + scan + jit and nothing else")
    parser.add_argument("--environments", type=int, default=1, help="carts of an agent")
    options = parser.parse_args()
    size = work.Size(options.lives, options.updates)
    keys = jax.random.split(jax.random.key(0), size.lives)

    def one(key: Any) -> Any:
        return live(key, size.updates, options.plain, options.environments)

    if options.plain:
        lives = jax.jit(jax.vmap(one))
    else:
        lives = jax.pmap(lambda keys: lax.map(one, keys, batch_size=CHUNK))
        keys = keys.reshape(CORES, -1)
    lives(keys).block_until_ready()
    start = time.perf_counter()
    episodes = lives(keys).block_until_ready().sum()
    work.say(options.environments * size.steps, time.perf_counter() - start, episodes=float(episodes))


if __name__ == "__main__":
    main()
