"""Peers of brains that remember live the worlds and brains that this project lives, and learn by the same gradient."""

from typing import Any

import numpy as np
import pytest
import torch
from evolearn.worlds.savannah import STILL_STEPS

from benchmarks import memory, memory_lives, memory_torch, memory_work, memory_worlds
from evolearn.agent import brain_of
from evolearn.life import Plan, lives, new_driver
from evolearn.rng import (
    VALIDATION,
    WORLD,
    at_step,
    life_keys,
    new_rng,
    normal,
    normal_pair,
    open_birth,
    open_stream,
    uniform,
)

STEPS = 500
KEYS = life_keys(3, VALIDATION, 0, 1)
SMALL = {
    name: workload._replace(genomes=3, keys=2, steps=2 * workload.window)
    for name, workload in memory_work.WORKLOADS.items()
}


def lived(workload: memory_work.Workload) -> Any:
    """A traced life of the first genome."""
    conditions = memory_lives.conditions_for(workload)
    newborns = memory_lives.newborns_for(workload, conditions)
    plan = Plan(STEPS, learn_until=0)
    return lives(new_driver(conditions, 1), conditions, newborns, np.zeros(1, np.int64), KEYS, plan, STEPS)[1]


def test_the_bandit_out_of_arrays_is_the_bandit() -> None:
    trace, rng = lived(SMALL["bandit"]), new_rng()
    open_birth(rng, KEYS[0], 0)
    payoffs = sorted([uniform(rng), uniform(rng)], reverse=uniform(rng) < 0.5)
    bandit = memory_worlds.bandit_born(np, tuple(map(np.array, payoffs)))
    open_stream(rng, KEYS[0], WORLD)
    for t in range(STEPS):  # five episodes
        np.testing.assert_array_equal(memory_worlds.bandit_shows(np, bandit), trace.observations[t])
        at_step(rng, t + 1)
        bandit, fitness = memory_worlds.bandit_step(np, bandit, np.array(trace.actions[t, 0]), uniform(rng))
        assert fitness == trace.fitness[t]
    assert 0.0 < trace.fitness.mean() < 1.0
    assert len(np.unique(trace.actions)) == 2


def test_the_savannah_out_of_arrays_is_the_savannah() -> None:
    def draws() -> tuple[Any, ...]:
        return tuple(np.array(draw(rng)) for draw in (normal, uniform, uniform, uniform))

    trace, rng = lived(SMALL["savannah"]), new_rng()
    open_stream(rng, KEYS[0], WORLD)
    foal, predators = memory_worlds.foal_begins(np, draws()), 0
    for t in range(STEPS):
        np.testing.assert_allclose(memory_worlds.foal_shows(np, foal), trace.observations[t], atol=1e-5)
        at_step(rng, t + 1)
        luck = (*normal_pair(rng), uniform(rng))
        comes = foal.predator == 0.0 and foal.age + 1.0 > STILL_STEPS and luck[2] < 1.0 / 150.0
        bearing = uniform(rng) if comes else 0.0
        foal, fitness, dead = memory_worlds.foal_step(np, foal, trace.actions[t], (*luck, bearing))
        assert (fitness, dead) == (trace.fitness[t], trace.ends[t] != 0)
        foal = memory_worlds.foal_begins(np, draws()) if dead else foal
        predators += comes
    assert predators > 0
    assert trace.ends.any()
    assert 0.0 < trace.fitness.mean() < 1.0


@pytest.mark.parametrize("name", ["bandit", "savannah"])
def test_brains_of_torch_and_jax_think_as_those_of_this_project(name: str) -> None:
    workload = SMALL[name]
    rng, shape = np.random.default_rng(0), (workload.genomes, 2)
    met = [rng.standard_normal((5, *shape)).astype(np.float32) for _ in range(workload.told)]
    spec = memory_lives.conditions_for(workload).brain
    brains = [brain_of(spec, flat) for flat in memory_work.flat_weights(workload)]
    states = [torch.zeros(2, brain.state_size) for brain in brains]
    peers = memory_torch.brains_of(workload)
    state = torch.zeros(workload.genomes, workload.hidden, 2)
    for row in range(5):
        shown = [torch.from_numpy(column[row]) for column in met]
        told = memory_torch.Told(torch.stack(shown[workload.shown : -1], 1), shown[-1], state)
        state, output = memory_torch.think(peers, shown[: workload.shown], told)
        for genome, brain in enumerate(brains):
            seen = torch.stack([column[genome] for column in shown], 1)
            policy, value, states[genome] = brain.step(seen, states[genome])
            expected = torch.cat([policy[:, : workload.actions], value.reshape(2, 1)], 1)
            torch.testing.assert_close(output[genome].T, expected, atol=1e-5, rtol=1e-5)
    check_jax(workload, met, state.numpy(), output.numpy())


def check_jax(workload: memory_work.Workload, met: list[Any], state: Any, output: Any) -> None:
    jax = pytest.importorskip("jax", reason="needs the [bench] extra")
    from benchmarks import memory_jax

    weights = memory_work.weights_of(workload)
    for genome in range(workload.genomes):
        own = {tensor: value[genome] for tensor, value in weights.items()}
        remembered = jax.numpy.zeros((workload.hidden, 2))
        for row in range(5):
            shown = [jax.numpy.asarray(column[row, genome]) for column in met]
            told = memory_jax.Told(jax.numpy.stack(shown[workload.shown : -1]), shown[-1], remembered)
            remembered, said = memory_jax.think(own, shown[: workload.shown], told)
        np.testing.assert_allclose(remembered, state[genome], atol=1e-5)
        np.testing.assert_allclose(said, output[genome], atol=2e-5)


def test_a_window_of_jax_has_the_gradient_of_that_of_torch() -> None:
    jax = pytest.importorskip("jax", reason="needs the [bench] extra")
    from benchmarks import memory_jax

    workload, rng = SMALL["bandit-learning"], np.random.default_rng(0)
    genomes, hidden = workload.genomes, workload.hidden
    luck = rng.random((workload.window, 2, genomes), np.float32)
    payoffs = rng.random((2, genomes), np.float32)
    state = rng.standard_normal((genomes, hidden)).astype(np.float32)
    peers = memory_torch.brains_of(workload)
    for tensor in peers:
        tensor.requires_grad_()
    nothing = memory_torch.nothing_yet(workload, genomes, 1)._replace(state=torch.from_numpy(state).unsqueeze(2))
    bandit = memory_worlds.bandit_born(torch, torch.from_numpy(payoffs).unsqueeze(2))
    loss, _, _, fitness = memory_torch.window_loss(peers, bandit, nothing, torch.from_numpy(luck).unsqueeze(3))
    loss.backward()
    by_torch = [tensor.grad.numpy() for tensor in peers[:-1]]  # no spreads of actions
    weights, losses = memory_work.weights_of(workload), []
    gradient_of = jax.jit(jax.value_and_grad(memory_jax.window_loss, has_aux=True), static_argnums=4)
    for genome in range(genomes):
        own = {tensor: jax.numpy.asarray(value[genome]) for tensor, value in weights.items()}
        told = memory_jax.Told(jax.numpy.zeros(2), jax.numpy.zeros(()), jax.numpy.asarray(state[genome]))
        bandit = memory_worlds.bandit_born(jax.numpy, jax.numpy.asarray(payoffs[:, genome]))
        (loss_of_one, (_, _, earned)), gradient = gradient_of(own, bandit, told, luck[:, :, genome], 1)
        losses.append(float(loss_of_one))
        assert float(earned) == float(fitness[genome])
        inputs, inputs_bias, recall, recall_bias, heads, heads_bias = (array[genome] for array in by_torch)
        for name, expected in {
            "inputs": inputs.T,
            "state": recall.T,
            "bias": np.concatenate([inputs_bias[:, 0], recall_bias[2 * hidden :, 0]]),
            "heads": heads,
            "heads_bias": heads_bias[:, 0],
        }.items():
            np.testing.assert_allclose(gradient[name], expected, rtol=1e-3, atol=1e-5)
            assert np.abs(gradient[name]).max() > 1e-3
    assert loss.item() == pytest.approx(sum(losses), rel=1e-4)


def rounds_of(rng: np.random.Generator, worth: Any) -> list[memory.Round]:
    luck = 0.5 + 0.05 * rng.standard_normal((5, 1)) + 0.02 * rng.standard_normal((5, len(worth)))
    return [memory.Round(2.0, 1.0, row.tolist()) for row in luck + worth]


def test_other_work_is_told_from_other_luck() -> None:
    rng = np.random.default_rng(0)
    worth = 0.1 * rng.standard_normal(64)
    own = rounds_of(rng, worth)
    assert memory.likeness(own, rounds_of(rng, worth)) > 0.01
    other = worth.copy()
    other[3] += 0.2  # one genome of 64
    assert memory.likeness(own, rounds_of(rng, other)) < memory.UNLIKELY
    assert memory.likeness(own, rounds_of(rng, worth + 0.5)) < memory.UNLIKELY


def test_a_peer_that_does_other_work_has_no_ratio(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    found = {memory.SELF: rounds_of(rng, np.zeros(4)), "jax": rounds_of(rng, np.full(4, 0.5))}
    monkeypatch.setattr(memory, "race", lambda *_: found)
    with pytest.raises(SystemExit, match="jax does other work than evolearn"):
        memory.times_as_fast_as("bandit", "jax", quick=True)


def test_the_table_has_ratios_of_rounds_the_fastest_first() -> None:
    own = [memory.Round(1.0, seconds, [0.5, 0.5 + seconds / 10]) for seconds in (0.1, 0.2, 0.4)]
    peer = [memory.Round(1.0, seconds, [0.5, 0.5 + seconds / 20]) for seconds in (0.2, 0.8, 1.6)]
    table = memory.shown(memory.rows_of("bandit", {"torch": peer, memory.SELF: own}), as_markdown=True)
    lines = [line.split(" | ")[:4] for line in str(table).splitlines()]
    assert lines[2:] == [["| bandit", "**evolearn**", "2.05", "1.00"], ["| bandit", "torch", "0.51", "4.00"]]
