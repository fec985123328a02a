"""Do a user's drive, learner and trunk do what they say? Small checks for their tests.

Compiled code is held against the same functions in plain Python, which know the line at fault; a gradient against
finite differences; and beyond the memory that a part asked for, nothing may be written.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.agent import (
    ASKED,
    BACKWARD_TYPE,
    DELTAS_TYPE,
    GOES_ON,
    LEARN_TYPE,
    OPTIMISERS,
    TERMINATED,
    THINK_TYPE,
    TRUNKS,
    BrainSpec,
    Drive,
    Learner,
    LearnerSettings,
    Trunk,
    Window,
    find_policy,
    plain,
    plugged,
    ready_drive,
)
from evolearn.errors import PartError, shortened_traceback

Floats = npt.NDArray[np.float32]

STEPS = 40
TOLERANCE = 1e-3  # between compiled and plain Python, relative to 1 and to the number
DIFFERENCE = 1e-2  # of a weight, for finite differences in float32
SHARE = 0.02  # of a gradient's norm, that finite differences may be off
_BEYOND = 1 << 20  # floats behind a memory that must stay as they are; what writes past them too ends the process
_GUARDS = (12345.0, -54321.0)  # what stands there: what is never read makes no difference


def check_drive(drive: Drive, observations: int = 4, actions: int = 2) -> None:
    """Check a drive over steps of random numbers.

    Args:
        drive: which.
        observations: of the world.
        actions: length of an action; of a drive that reads how what is foreseen depends on it, columns of control.
    Raises:
        PartError: it is not finite, writes beyond its memory, or differs from plain Python.
    """
    rng = np.random.default_rng(0)
    columns = actions if drive.reads_control or not drive.reads_prediction else 0
    size = drive.memory(observations, columns)
    compiled_memory, plain_memory = _memory(size), _memory(size)
    feel, felt = ready_drive(drive), np.zeros(1, np.float32)
    before = rng.standard_normal(observations).astype(np.float32)
    for step in range(STEPS):
        action = rng.standard_normal(actions).astype(np.float32)
        after = rng.standard_normal(observations).astype(np.float32)
        foreseen = rng.standard_normal(observations).astype(np.float32)
        control = rng.standard_normal((observations, columns)).astype(np.float32)
        read = (foreseen, control) if drive.reads_prediction else (before, action)
        # Plain Python first: there a step beyond the memory is an error, and not the end of the process.
        with _within("drive", size, plain(drive.feel)):
            expected = plain(drive.feel)(plain_memory[:size], *read, after)
        _untouched("drive", plain_memory, size)
        feel(compiled_memory[:size], before, action, after, foreseen, control, felt)
        if not np.isfinite(felt[0]):
            raise PartError(f"drive: {felt[0]} at step {step} of random observations: must be finite")
        _agree("drive", felt[0], expected, f"at step {step} of random observations")
        before = after
    _untouched("drive", compiled_memory, size)


def check_trunk(trunk: Trunk, hidden: Sequence[int] = (5,), observations: int = 4) -> None:
    """Check a trunk's gradient against finite differences, and what it computes against torch if it has a torch_module.

    Of a trunk that carries a state, also that it keeps to what `evolearn.agent.trunks.trunk` says of it.

    Args:
        trunk: which.
        hidden: units per layer; empty for a trunk without any.
        observations: of the world.
    Raises:
        PartError: the gradient is another than the outputs', torch computes another brain, or what it carries is not
            where it must be.
    """
    layers = (observations, *hidden)
    spec = BrainSpec("linear", hidden[-1] if hidden else observations, (), 2, "categorical")  # for the heads' blocks
    blocks = (*trunk.tensors(layers), *spec.tensors)
    weights = _drawn(blocks)
    units = sum(hidden) if trunk.units is None else trunk.units(layers)
    window = _window(observations, units, 2, 1, trunk.carry(layers))
    sizes = np.array(layers, np.int64)
    think = plugged(trunk.think, THINK_TYPE, "brain.trunk", "think")
    backward = plugged(trunk.backward, BACKWARD_TYPE, "brain.trunk", "backward")
    rows = len(window.rewards)
    weighed = np.random.default_rng(1).standard_normal((rows, 3)).astype(np.float32)

    def loss(of: Floats) -> float:
        window.carry[:] = 0.0
        for row in range(rows):
            think(of, sizes, window, row)
            if window.ends[row] != GOES_ON:
                window.carry[:] = 0.0
        return float((window.outputs[:rows].astype(np.float64) * weighed).sum())

    if window.carry.size:
        _check_carry(window, lambda row: think(weights, sizes, window, row))
    loss(weights)
    gradient = np.zeros(weights.size, np.float32)
    size = trunk.scratch(layers, rows)
    scratch = _memory(size)
    with _within("trunk: scratch", size, plain(trunk.backward)):
        plain(trunk.backward)(weights, sizes, window, weighed, gradient.copy(), scratch[:size])
    _untouched("trunk: scratch", scratch, size)
    scratch = _memory(size)
    backward(weights, sizes, window, weighed, gradient, scratch[:size])
    _untouched("trunk: scratch", scratch, size)
    found = np.zeros(weights.size)
    for place in range(weights.size):
        step = np.zeros(weights.size, np.float32)
        step[place] = DIFFERENCE
        found[place] = (loss(weights + step) - loss(weights - step)) / (2.0 * DIFFERENCE)
    if np.linalg.norm(gradient - found) > SHARE * np.linalg.norm(found):
        place = int(np.abs(gradient - found).argmax())
        raise PartError(
            f"trunk: backward gives {gradient[place]:.4g} for weight {place}, finite differences {found[place]:.4g}: "
            "the two must agree; correct backward, or think"
        )
    if trunk.torch_module is not None:
        _check_torch(trunk, layers, weights, window, think)


def check_learner(learner: Learner, actions: str = "discrete", rewarded: int | None = None) -> Floats:
    """Check a learner on a window of random numbers, with a small brain of tanh units.

    Args:
        learner: which.
        actions: discrete or box.
        rewarded: the choice that pays 1 in every step, where it is taken; None: rewards are random.
    Returns:
        How much each output but the value changed, mean over the window, [policy parameters].
    Raises:
        PartError: weights that are not finite, a write beyond its memory, or a difference from plain Python.
    """
    if actions not in learner.policies:
        raise PartError(f"learner: policies has no {actions!r}; it teaches {', '.join(learner.policies)}")
    policy = find_policy(learner.policies[actions])
    # Two layers of one width: with them a trunk's backward pass uses its scratch to the last float.
    spec = BrainSpec("mlp", 4, (5, 5), 2 if actions == "discrete" else 1, learner.policies[actions])
    trunk = TRUNKS[spec.trunk]
    window = _window(4, sum(spec.hidden), spec.outputs - 1, 1, 0)
    rows = len(window.rewards)
    rng = np.random.default_rng(2)
    if actions == "discrete":
        window.actions[:, 0] = rng.integers(spec.actions, size=rows)
    if learner.imitates:
        lessons = (
            np.eye(spec.actions)[rng.integers(spec.actions, size=rows)] if actions == "discrete" else window.actions
        )
        window = window._replace(lessons=lessons.astype(np.float32), taught=np.full(1, ASKED, np.int64))
    if rewarded is not None:
        window.rewards[:] = window.actions[:, 0] == rewarded
    sizes = np.array(spec.layers, np.int64)
    think = plugged(trunk.think, THINK_TYPE, "brain.trunk", spec.trunk)
    backward = plugged(trunk.backward, BACKWARD_TYPE, "brain.trunk", spec.trunk)
    deltas = plugged(policy.deltas, DELTAS_TYPE, "policy", spec.policy)
    learn = plugged(learner.learn, LEARN_TYPE, "learner.name", "learn")
    settings = LearnerSettings(1, 0.2, 0.5, 0.9, 0.999, 1e-5, OPTIMISERS["adam"])
    plasticity = np.concatenate([np.full(gene.size, gene.default, np.float32) for gene in learner.genes(spec)])
    born = _drawn(spec.tensors)
    size = learner.memory(spec, rows)

    def outputs(weights: Floats) -> Floats:
        for row in range(rows + 1):
            think(weights, sizes, window, row)
        return window.outputs[:rows, :-1].copy()

    before = outputs(born)

    def learned(function: Callable[..., bool], guard: float) -> Floats:
        outputs(born)
        weights, memory = born.copy(), _memory(size, guard)
        well = function(think, backward, deltas, weights, sizes, plasticity, settings, window, memory[:size], 0)
        _untouched("learner", memory, size, guard)
        if not well or not np.isfinite(weights).all():
            raise PartError("learner: no finite update from a window of ordinary numbers; correct its arithmetic")
        return weights

    # Plain Python first: there a step beyond the memory is an error, and not the end of the process.
    with _within("learner", size, plain(learner.learn)):
        expected = learned(plain(learner.learn), _GUARDS[0])
    results = [learned(learn, guard) for guard in _GUARDS]
    if (results[0] != results[1]).any():
        raise _beyond("learner", "reads", size)
    place = int(np.abs(results[0] - expected).argmax())
    _agree("learner", results[0][place], expected[place], f"for weight {place}")
    return np.asarray((outputs(results[0]) - before).mean(axis=0))


def _check_carry(window: Window, think: Callable[[int], None]) -> None:
    """Whether rows begin with what came in, a thought leaves its link, and row N only looks ahead."""
    size, last = window.carry.size, len(window.rewards)
    for row in (0, 1, last):
        came_in = window.carry.copy()
        think(row)
        if (window.activations[row, :size] != came_in).any():
            raise PartError(
                f"trunk: row {row} of the activations does not begin with the {size} numbers of carry as they came in; "
                "copy them there before anything else"
            )
        if row < last and window.carry[-1] != 1.0:
            raise PartError("trunk: the last number of carry must be 1 after a thought; set it, but in row N")
    if (window.carry != came_in).any():
        raise PartError("trunk: thinking in row N changes carry; it must not: that row only looks ahead")


def _check_torch(trunk: Trunk, layers: tuple[int, ...], weights: Floats, window: Window, think: Any) -> None:
    import torch

    from evolearn.agent import torch_activation

    sizes = np.array(layers, np.int64)
    active = torch.from_numpy(window.observations)
    activation = torch_activation("trunk", str(trunk.torch_module))
    start = 0
    for inputs, units in itertools.pairwise(layers):
        matrix = torch.from_numpy(weights[start : start + inputs * units].reshape(inputs, units))
        bias = torch.from_numpy(weights[start + inputs * units : start + (inputs + 1) * units])
        active = activation(active @ matrix + bias)
        start += (inputs + 1) * units
    think(weights, sizes, window, 0)
    found = window.activations[0, window.activations.shape[1] - layers[-1] :] if len(layers) > 1 else active[0].numpy()
    if not np.allclose(found, active[0].numpy(), rtol=TOLERANCE, atol=TOLERANCE):
        raise PartError(
            f"trunk: torch.nn.{trunk.torch_module} gives {active[0].numpy()} in the last layer, think {found}: the two "
            "must agree; correct think, or torch_module"
        )


def _window(observations: int, units: int, parameters: int, actions: int, carry: int) -> Window:
    """A window of STEPS steps of random numbers, two episodes, with nothing thought yet."""
    rng = np.random.default_rng(3)
    ends = np.full(STEPS, GOES_ON, np.int64)
    ends[STEPS // 2] = TERMINATED
    return Window(
        observations=rng.standard_normal((STEPS + 1, observations)).astype(np.float32),
        activations=np.zeros((STEPS + 1, units), np.float32),
        outputs=np.zeros((STEPS + 1, parameters + 1), np.float32),
        actions=rng.standard_normal((STEPS, actions)).astype(np.float32),
        rewards=rng.standard_normal(STEPS).astype(np.float32),
        ends=ends,
        final_outputs=np.zeros((STEPS, parameters + 1), np.float32),
        carry=np.zeros(carry, np.float32),
    )


def _drawn(blocks: Sequence[Any]) -> Floats:
    """Weights, normal with standard deviation 0.5: wide enough for units to bend, heads included."""
    rng = np.random.default_rng(4)
    drawn = [0.5 * rng.standard_normal(block.size) for block in blocks]
    return np.concatenate(drawn).astype(np.float32)


def _memory(size: int, guard: float = _GUARDS[0]) -> Floats:
    """Zeros, and behind them what must stay as it is."""
    memory = np.zeros(size + _BEYOND, np.float32)
    memory[size:] = guard
    return memory


def _untouched(what: str, memory: Floats, size: int, guard: float = _GUARDS[0]) -> None:
    if (memory[size:] != guard).any():
        raise _beyond(what, "writes", size)


@contextlib.contextmanager
def _within(what: str, size: int, function: Callable[..., Any]) -> Iterator[None]:
    """What plain Python says of a place that is not there, as an error of the part's, with its line."""
    try:
        yield
    except IndexError as error:
        shown = shortened_traceback(error, lambda file: file == function.__code__.co_filename)
        raise PartError(f"{_beyond(what, 'reads or writes', size)}. Or another array is too short:\n{shown}") from error


def _beyond(what: str, does: str, size: int) -> PartError:
    return PartError(f"{what}: {does} beyond the {size} floats of memory that it asked for; ask for more")


def _agree(what: str, compiled: Any, expected: Any, where: str) -> None:
    if not np.isclose(compiled, expected, rtol=TOLERANCE, atol=TOLERANCE):
        raise PartError(f"{what}: compiled {compiled:.6g}, in plain Python {expected:.6g} {where}: the two must agree")
