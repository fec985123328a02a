"""Exported brains: they do what the kernel does, without evolearn."""

import dataclasses
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import gymnasium
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from evolearn.agent import (
    CHOOSE_TYPE,
    MAX_LOG_STDEV,
    MIN_LOG_STDEV,
    POLICIES,
    TRUNKS,
    TorchBrain,
)
from evolearn.cli.worlds import print_world
from evolearn.config import find_config, read_config
from evolearn.export import export, loading_code
from evolearn.export.brains import (
    DESCRIPTION,
    FORMATS,
    IR_VERSION,
    OPSET,
    ExportError,
    describe,
    description_of,
)
from evolearn.export.loading import _listed, choice_in_environment
from evolearn.files import FileDamaged
from evolearn.inspection._names import action_labels
from evolearn.life import Plan, Trace, empty_trace, traced_lives
from evolearn.life._fused import FusedDriver
from evolearn.numerics import plug
from evolearn.rng import ACTION, TEST, at_step, life_keys, new_rng, open_stream
from evolearn.run import DNAError, assemble, columns_of, load_dna, setup_of, write_dna
from evolearn.world import find_world
from evolearn.world.gymnasium.apart import Looked
from evolearn.world.gymnasium.environments import action_converter
from evolearn.world.names import environments_apart, looked_at
from tests.helpers.command import evolearn
from tests.helpers.exported import BRAINS, TOLERANCE, config_of, distribution, thoughts, written
from tests.helpers.isolated import folder_with, run_isolated
from tests.helpers.places import ROOT

EXAMPLE = ROOT / "examples" / "load_exported.py"
HEADS = ("policy", "value")
QUIET = ["-W", "error", "-W", "ignore:Failed to initialize NumPy"]  # torch, where NumPy is not installed


@pytest.fixture(scope="module")
def dna_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dna")
    made = {}

    def make(name):
        if name not in made:
            made[name] = written(folder / f"{len(made)}.safetensors", config_of(name))
        return made[name]

    return make


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("load_exported", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def observations_for(dna, rows=64):
    return (2.0 * np.random.default_rng(8).standard_normal((rows, dna.brain.told))).astype(np.float32)


def unbounded(dna, parameters):
    """The same by somebody who knows nothing of bounds."""
    found = np.asarray(parameters, np.float64)
    if dna.brain.policy == "gaussian":
        means, log_stdevs = np.split(found, 2, axis=1)
        return np.concatenate([means, np.exp(log_stdevs)], axis=1)
    return distribution(dna, parameters)


def run_torch(example, path, dna, observations):
    weights, _ = example.read(path)
    with torch.no_grad():
        rows = torch.from_numpy(observations)
        policy, value = (in_turn(example.network(weights, head, dna.brain.trunk), rows) for head in HEADS)
        value = value[:, 0]
    if "policy.log_stdev" in weights:
        policy = torch.cat([policy, weights["policy.log_stdev"].expand_as(policy)], dim=1)
    return policy.numpy(), value.numpy()


def in_turn(network, rows):
    """Outputs row by row, as a life goes, which is all the same to a brain without a state."""
    return torch.stack([network(row) for row in rows])


def run_onnx(path, observations):
    session = onnxruntime.InferenceSession(path.read_bytes())
    if "state" in (given.name for given in session.get_inputs()):
        state = np.zeros((1, session.get_inputs()[1].shape[1]), np.float32)
        thoughts = []
        for row in observations:
            policy, value, state = session.run(None, {"observation": row[None], "state": state})
            thoughts.append((policy[0], value[0]))
        return [np.array(part) for part in zip(*thoughts, strict=True)]
    return session.run(["policy", "value"], {"observation": observations})


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", BRAINS)
def test_it_puts_out_what_the_kernel_does(dna_of, example, tmp_path, name, suffix):
    dna = dna_of(name)
    path = tmp_path / f"brain{suffix}"
    export(dna, path)
    observations = observations_for(dna)
    policy, value = run_onnx(path, observations) if suffix == ".onnx" else run_torch(example, path, dna, observations)
    expected, expected_value = thoughts(dna, observations)
    assert policy.shape == expected.shape
    assert np.ptp(expected, axis=0)[: dna.brain.actions].min() > 0.1, "observations must matter"
    assert np.abs(unbounded(dna, policy) - distribution(dna, expected)).max() < TOLERANCE
    assert value.shape == expected_value.shape
    np.testing.assert_allclose(value, expected_value, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", ["mlp, choices", "mlp, box"])
def test_with_the_luck_of_a_life_it_does_what_was_done_in_that_life(dna_of, example, tmp_path, name):
    dna = dna_of(name)
    setup = setup_of(dna)
    keys = life_keys(0, TEST, 0, 3)
    plan = Plan(lifetime=60, learn_until=0)
    _, trace = traced_lives(FusedDriver(setup.conditions), dna.newborns, np.zeros(3, np.int64), keys, plan)
    export(dna, tmp_path / "brain.pt")
    choose = plug(POLICIES[dna.brain.policy].choose, CHOOSE_TYPE)
    for life, key in enumerate(keys):
        policy, value = run_torch(example, tmp_path / "brain.pt", dna, trace.observations[life])
        outputs = np.concatenate([policy, value[:, None]], axis=1)
        rng, action = new_rng(), np.zeros_like(trace.actions[0, 0])
        open_stream(rng, key, ACTION)
        for t in range(plan.lifetime):
            at_step(rng, t + 1)
            choose(np.ascontiguousarray(outputs[t]), dna.newborns.plasticity[0], rng, action)
            assert np.abs(action - trace.actions[life, t]).max() < TOLERANCE
    assert np.unique(trace.actions).size > 1


def test_the_same_dna_gives_the_same_bytes_in_any_process(dna_of, tmp_path):
    dna = dna_of("mlp, box")
    code = (
        "import sys; from pathlib import Path; from evolearn.run import load_dna; from evolearn.export import export\n"
        "for name in sys.argv[2:]: export(load_dna(Path(sys.argv[1])), Path(name))"
    )
    command = [sys.executable, "-c", code, str(dna.path), *(f"there{suffix}" for suffix in FORMATS)]
    subprocess.run(command, check=True, cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": "5"}, timeout=120)
    for suffix in FORMATS:
        export(dna, tmp_path / f"here{suffix}")
        assert (tmp_path / f"here{suffix}").read_bytes() == (tmp_path / f"there{suffix}").read_bytes()


@pytest.mark.parametrize("name", BRAINS)
def test_weights_are_those_of_the_newborn_by_name(dna_of, tmp_path, name):
    dna = dna_of(name)
    found = export(dna, tmp_path / "brain.safetensors").tensors
    state = torch.load(export(dna, tmp_path / "brain.pt").path, weights_only=True)
    assert type(state) is dict
    read = load_file(tmp_path / "brain.safetensors")
    start = 0
    assert set(found) == set(state) == set(read)
    if dna.brain.trunk == "gru":  # torch's names
        assert {"hidden1.weight_ih", "hidden1.weight_hh", "hidden1.bias_ih", "hidden1.bias_hh"} < set(found)
    else:
        assert set(found) == {tensor.name for tensor in dna.brain.tensors}
    for tensor in dna.brain.tensors:
        block = dna.newborns.weights[0, start : start + tensor.size].reshape(tensor.shape)
        start += tensor.size
        if tensor.name not in found:
            continue
        if tensor.name.startswith(("hidden", "readout")):
            block = block.T
        if tensor.name == "policy.log_stdev":
            assert block.min() < MIN_LOG_STDEV
            assert block.max() > MAX_LOG_STDEV
            block = block.clip(MIN_LOG_STDEV, MAX_LOG_STDEV)
        for tensors in (found, state, read):
            assert np.array_equal(tensors[tensor.name].numpy(), block), tensor.name
    TorchBrain(dna.brain).load_state_dict(state)


def test_the_description_says_how_to_use_it_and_where_it_is_from(dna_of, tmp_path):
    dna = dna_of("mlp, box")
    export(dna, tmp_path / "brain.safetensors")
    told = description_of(tmp_path / "brain.safetensors")
    assert told == describe(dna) == json.loads(json.dumps(told, allow_nan=False))
    assert (told["observations"], told["actions"]) == (list(dna.observations), list(dna.actions))
    assert (told["trunk"], told["hidden"], told["policy"]) == ("mlp", [24], "gaussian")
    assert told["world"]["name"] == "savannah"
    assert told["world"]["parameters"]["alpha"] == dna.header["world"]["parameters"]["alpha"]
    assert list(told["drives"]) == list(dna.drives)
    assert list(told["drives"].values()) == dna.newborns.drives[0].tolist()
    assert told["plasticity"]["discount"] == float(dna.newborns.plasticity[0, 1])
    assert (told["role"], told["lineage"], told["seed"]) == ("best", {"run": "toy", "generation": 1}, 4)
    assert told["dna_sha256"] == dna.header["sha256"]
    with pytest.raises(ExportError, match="is not a brain that evolearn exported as"):
        description_of(dna.path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_where_the_standard_deviations_are_is_said_of_each_format(dna_of, tmp_path, suffix):
    dna = dna_of("mlp, box")
    exported = export(dna, tmp_path / f"brain{suffix}")
    told = exported.description["outputs"]["policy"]
    assert exported.description == describe(dna, suffix)
    if suffix == ".onnx":
        policy, _ = run_onnx(exported.path, observations_for(dna, 1))
        assert policy.shape[1] == 2 * dna.brain.actions
        assert told.startswith("policy holds a mean per action, then a log standard deviation per action")
    else:
        assert len(exported.tensors["policy.weight"]) == dna.brain.actions == len(exported.tensors["policy.log_stdev"])
        assert told.startswith("policy holds a mean per action, and the tensor policy.log_stdev a log standard dev")


def test_every_trunk_and_policy_can_leave(example):
    assert set(example.ACTIVATIONS) == {name for name, row in TRUNKS.items() if row.torch_cell is None}
    for row in TRUNKS.values():
        assert not row.has_hidden or row.torch_cell or (row.torch_module and row.onnx_operator)
    assert {**example.MEANINGS, "gaussian": ""}.keys() == set(POLICIES)
    for row in POLICIES.values():
        assert row.how_to_act
        assert row.torch_code
    brains = [assemble(config_of(name)).pool.brain for name in BRAINS]
    assert {brain.trunk for brain in brains} == set(TRUNKS)
    assert {brain.policy for brain in brains} == set(POLICIES)


def test_what_is_drawn_in_every_life_is_described_as_null(tmp_path):
    config = config_of("mlp, choices", genome={"plasticity": {"mode": "fresh"}})
    told = describe(written(tmp_path / "dna.safetensors", config))
    assert set(told["plasticity"].values()) == {None}
    assert None not in told["drives"].values()


@pytest.mark.parametrize("name", ["mlp, choices", "linear, box"])
def test_the_graph_is_valid_and_takes_any_batch(dna_of, tmp_path, name):
    dna = dna_of(name)
    path = export(dna, tmp_path / "brain.onnx").path
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [(domain.domain, domain.version) for domain in model.opset_import] == [("", OPSET)]
    assert model.ir_version == IR_VERSION
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert told == {DESCRIPTION: describe(dna, ".onnx")}
    session = onnxruntime.InferenceSession(path)
    (observation,) = session.get_inputs()
    assert (observation.name, observation.shape) == ("observation", ["batch", dna.brain.observations])
    assert [output.name for output in session.get_outputs()] == ["policy", "value"]
    rows = observations_for(dna, 7)
    whole = run_onnx(path, rows)
    for row in range(7):
        for output, single in zip(whole, run_onnx(path, rows[row : row + 1]), strict=True):
            np.testing.assert_allclose(output[row : row + 1], single, rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def torch_alone(tmp_path_factory):
    return folder_with(["torch"], tmp_path_factory.mktemp("torch") / "packages")


@pytest.fixture(scope="module")
def torch_and_safetensors(tmp_path_factory):
    return folder_with(["torch", "safetensors"], tmp_path_factory.mktemp("safe") / "packages")


@pytest.fixture(scope="module")
def onnx_runtime_alone(tmp_path_factory):
    return folder_with(["onnxruntime"], tmp_path_factory.mktemp("onnx") / "packages")


@pytest.mark.parametrize(
    ("suffix", "packages"),
    [(".pt", "torch_alone"), (".safetensors", "torch_and_safetensors"), (".onnx", "onnx_runtime_alone")],
)
def test_the_printed_lines_load_it_where_there_is_no_evolearn(request, dna_of, tmp_path, suffix, packages):
    names = ("mlp, choices", "relu, box", "two grus, product, box")
    lines = ["try:\n    import evolearn\nexcept ModuleNotFoundError:\n    print('no evolearn')"]
    for place, name in enumerate(names):
        path = export(dna_of(name), tmp_path / f"brain{place}{suffix}").path
        lines.append(loading_code(dna_of(name), Path(path.name)))
        lines.append("print(*policy[0])" if suffix == ".onnx" else "print(*brain(observation).tolist(), *action.shape)")
    (tmp_path / "load.py").write_text("\n".join(lines))
    done = run_isolated(request.getfixturevalue(packages), [*QUIET, "load.py"], tmp_path)
    assert done.returncode == 0, done.stderr
    refused, *printed = done.stdout.splitlines()
    assert refused == "no evolearn"
    for name, line in zip(names, printed, strict=True):
        brain = dna_of(name).brain
        expected, _ = thoughts(dna_of(name), np.zeros((2, brain.told), np.float32))
        numbers = [float(number) for number in line.split()][: brain.actions]
        thought = 0 if suffix == ".onnx" else 1  # the printed lines had it think once before
        assert np.abs(np.array(numbers) - expected[thought, : brain.actions]).max() < TOLERANCE


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", ["gru, choices", "two grus, product, box", "product, told more"])
def test_the_printed_lines_carry_the_state_on(dna_of, tmp_path, monkeypatch, name, suffix):
    monkeypatch.chdir(tmp_path)
    dna = dna_of(name)
    path = export(dna, Path(f"brain{suffix}")).path
    found = {}
    exec(loading_code(dna, path).partition("action = ")[0], found)
    rows = observations_for(dna, 5)
    zeros = np.zeros((1, dna.brain.told), np.float32)
    expected, _ = thoughts(dna, np.concatenate([zeros, rows]) if suffix == ".onnx" else rows)
    for row, policy in zip(rows, expected[-5:], strict=True):
        if suffix == ".onnx":
            given = {"observation": row[None], **({"state": found["state"]} if "state" in found else {})}
            spoken, _, *state = found["session"].run(None, given)
            found["state"] = state[0] if state else None
            if not state:
                del found["state"]
        else:
            spoken = found["brain"](torch.from_numpy(row)).detach().numpy()
        np.testing.assert_allclose(spoken.ravel()[: dna.brain.actions], policy[: dna.brain.actions], atol=TOLERANCE)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_an_example_lives_a_life_with_torch_alone(dna_of, tmp_path, suffix, torch_alone, torch_and_safetensors):
    dna = dna_of("gru, choices")
    path = export(dna, tmp_path / f"brain{suffix}").path
    packages = torch_alone if suffix == ".pt" else torch_and_safetensors
    script = ROOT / "examples" / "live_exported.py"
    done = run_isolated(packages, [*QUIET, str(script), path.name, "--pulls", "30", "--lives", "50"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.match(r"paid per pull: 0\.\d{3}; the better arm: 0\.\d{3}; regret: \d", done.stdout)


def test_its_brain_is_the_kernels(dna_of, tmp_path):
    dna = dna_of("gru, choices")
    path = export(dna, tmp_path / "brain.pt").path
    spec = importlib.util.spec_from_file_location("live_exported", ROOT / "examples" / "live_exported.py")
    live_exported = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(live_exported)
    weights = live_exported.read(path)
    torch.manual_seed(1)
    seen, pulled, paid = live_exported.live(live_exported.Brain(weights, 3), torch.tensor([[0.0, 1.0]] * 3), 20)
    assert torch.equal(pulled.float(), paid)  # arm 1 always pays, arm 0 never
    again = live_exported.Brain(weights, 3)
    for life in range(3):
        expected, _ = thoughts(dna, np.ascontiguousarray(seen[:, life].numpy()))
        again.states = [torch.zeros(1, 8)]
        with torch.no_grad():
            found = torch.cat([again(row[None]) for row in seen[:, life]]).numpy()
        np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    export(dna_of("mlp, choices"), tmp_path / "other.pt")
    with pytest.raises(ValueError, match="is no brain that remembers; evolve one with"):
        live_exported.read(tmp_path / "other.pt")


@pytest.mark.parametrize("name", BRAINS)
def test_the_printed_lines_of_every_brain_run(dna_of, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    dna = dna_of(name)
    for suffix in FORMATS:
        export(dna, Path(f"brain{suffix}"))
        found = {}
        exec(loading_code(dna, Path(f"brain{suffix}")), found)
        if suffix != ".onnx":
            shape = () if dna.brain.policy in ("categorical", "epsilon_greedy") else (dna.brain.actions,)
            assert tuple(found["action"].shape) == shape


def box_dna(path, world):
    return written(path, config_of("mlp, box", world=world))


SPACES = {
    "both bounds": gymnasium.spaces.Box(np.float32([-3.0, 0.1]), np.float32([1.0, 7.3])),
    "some": gymnasium.spaces.Box(np.float32([-3.0, -np.inf, 0.5]), np.float32([1.0, 0.5, np.inf])),
    "none": gymnasium.spaces.Box(-np.inf, np.inf, (2,)),
    "none but in writing": gymnasium.spaces.Box(np.finfo(np.float32).min, np.finfo(np.float32).max, (2,)),
}


class Bounded(gymnasium.Env):
    """An environment of nothing but its spaces."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,))

    def __init__(self, actions):
        self.action_space = SPACES[actions]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        return np.zeros(2, np.float32), 0.0, False, False, {}


gymnasium.register("evolearn-tests/Bounded-v0", entry_point=Bounded)


@pytest.mark.parametrize("actions", SPACES)
def test_the_printed_lines_act_within_the_bounds_of_a_box_as_a_life_does(tmp_path, monkeypatch, actions):
    monkeypatch.chdir(tmp_path)
    world = {"name": "gymnasium:evolearn-tests/Bounded-v0", "kwargs": {"actions": actions}}
    dna = box_dna(tmp_path / "dna.safetensors", world)
    export(dna, Path("brain.pt"))
    lines = loading_code(dna, Path("brain.pt")).splitlines()
    assert any(".clamp(low, high)" in line for line in lines) == (actions != "none")
    place = next(place for place, line in enumerate(lines) if line.startswith("action = "))
    convert = action_converter(SPACES[actions])
    for seed in range(20):
        found = {}
        exec("\n".join(lines[:place]), found)
        torch.manual_seed(seed)
        exec(lines[place], found)
        drawn = found["action"].numpy().astype(np.float32)
        exec("\n".join(lines[place + 1 :]), found)
        np.testing.assert_allclose(found["action"].numpy(), convert(drawn[None])[0], rtol=1e-6, atol=1e-6)


class Counted(gymnasium.Env):
    """An environment that counts what is seen and done from a number of its own."""

    def __init__(self, first):
        self.observation_space = gymnasium.spaces.Discrete(3, start=first)
        self.action_space = gymnasium.spaces.Discrete(3, start=first)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.start, {}

    def step(self, action):
        assert self.action_space.contains(action), action
        return action, float(action == self.action_space.start + 2), False, False, {}


gymnasium.register("evolearn-tests/Counted-v0", entry_point=Counted)


@pytest.mark.parametrize("first", [-1, 0, 4])
@pytest.mark.parametrize("learner", ["actor_critic", "q_learning"])
def test_the_printed_lines_do_what_an_environment_with_a_start_of_its_own_takes(tmp_path, monkeypatch, first, learner):
    monkeypatch.chdir(tmp_path)
    world = {"name": "gymnasium:evolearn-tests/Counted-v0", "kwargs": {"first": first}}
    dna = written(tmp_path / "dna.safetensors", config_of("mlp, choices", world=world, learner={"name": learner}))
    numbers = [str(first), str(first + 1), str(first + 2)]
    assert list(dna.actions) == numbers
    assert list(dna.observations) == [f"observation {number}" for number in numbers]
    assert action_labels(dna) == tuple(f"action {number}" for number in numbers)
    description = export(dna, Path("brain.pt")).description
    assert description["actions"] == numbers
    plus = {-1: " - 1", 0: "", 4: " + 4"}[first]
    assert description["conversion"].endswith(
        f"An action is the number of the choice, from 0{plus}, of the environment's Discrete, {first} .. {first + 2}"
    )
    lines = loading_code(dna, Path("brain.pt")).splitlines()
    assert lines[-1] == f"action = int(action){plus}  # of the environment's Discrete, {first} .. {first + 2}"
    environment = gymnasium.make("evolearn-tests/Counted-v0", first=first)
    environment.reset()
    for seed in range(10):
        found = {}
        torch.manual_seed(seed)
        exec("\n".join(lines[:-1]), found)
        choice = found["action"].item()
        exec(lines[-1], found)
        assert found["action"] == first + choice
        environment.step(found["action"])
    assert f"the number of the choice, from 0{plus}" in loading_code(dna, Path("brain.onnx"))
    console = Console(record=True, file=io.StringIO())
    print_world(console, "counted", find_world(dna.config.world.full_name))
    assert f"one of: action {first}, action {first + 1}, action {first + 2}" in console.export_text()


def test_a_trace_counts_choices_as_the_environment_does():
    world = {"name": "gymnasium:evolearn-tests/Counted-v0", "kwargs": {"first": -1}}
    conditions = assemble(config_of("mlp, choices", world=world)).conditions
    trace = Trace(*(array[0] for array in empty_trace(3, conditions)))
    trace.actions[:, 0] = [0, 1, 2]
    assert columns_of(trace, conditions)["action"].tolist() == [-1, 0, 1]


class Closing(Bounded):
    """One that cannot be closed."""

    def close(self):
        raise RuntimeError("not now")


class Leaving(Bounded):
    """One that leaves when it is made."""

    def __init__(self, **arguments):
        if Leaving.leaves:
            raise SystemExit(7)
        super().__init__(**arguments)

    leaves = False


gymnasium.register("evolearn-tests/Closing-v0", entry_point=Closing)
gymnasium.register("evolearn-tests/Leaving-v0", entry_point=Leaving)


@pytest.mark.parametrize(("kind", "bounded"), [("Closing", True), ("Leaving", False)])
def test_an_environment_that_misbehaves_keeps_nobody_from_a_brain(tmp_path, monkeypatch, kind, bounded):
    world = {"name": f"gymnasium:evolearn-tests/{kind}-v0", "kwargs": {"actions": "both bounds"}}
    dna = box_dna(tmp_path / "dna.safetensors", world)
    monkeypatch.setattr(Leaving, "leaves", True)
    assert (".clamp(low, high)" in loading_code(dna, Path("brain.pt"))) == bounded


def test_bounds_are_looked_up_apart_as_for_a_run(tmp_path, monkeypatch):
    dna = box_dna(tmp_path / "dna.safetensors", {"name": "gymnasium:Pendulum-v1"})
    found = Looked(dataclasses.replace(find_world("gymnasium:Pendulum-v1"), bounds=((-5.0,), (5.0,))))
    with environments_apart():
        looked_at()[dna.config.world.full_name] = found  # by another process; none is made here
        assert "low, high = torch.tensor([-5.0]), torch.tensor([5.0])" in loading_code(dna, Path("brain.pt"))


@pytest.mark.parametrize("names", [["push left", "push right"], ["0", "2"], ["-0", "1"], ["0", "x"], ["9" * 900, "1"]])
def test_choices_of_an_environment_that_are_no_numbers_are_refused(tmp_path, names):
    dna = written(tmp_path / "dna.safetensors", config_of("mlp, choices", world={"name": "gymnasium:CartPole-v1"}))
    header = {**dna.header, "brain": {**dna.header["brain"], "action_names": names}}
    write_dna(dataclasses.replace(dna, header=header))
    with pytest.raises(DNAError, match=r"brain\.action_names=.*: must be numbers, each one more than"):
        load_dna(dna.path)


def test_where_the_environment_is_gone_the_lines_say_what_to_do(tmp_path, monkeypatch):
    dna = box_dna(tmp_path / "dna.safetensors", {"name": "gymnasium:Pendulum-v1"})
    assert "low, high = torch.tensor([-2.0]), torch.tensor([2.0])" in loading_code(dna, Path("brain.pt"))
    monkeypatch.delitem(gymnasium.registry, "Pendulum-v1")
    last = loading_code(dna, Path("brain.pt")).splitlines()[-1]
    assert last == (
        "# then, with the bounds of the environment's actions: clip(action * (high - low) / 2 + (high + low) / 2, low, "
        "high), where both bounds are finite"
    )


def test_the_command_says_what_it_wrote_and_how_to_load_it(dna_of, tmp_path):
    dna = dna_of("mlp, box")
    done = evolearn("export", dna.path, "--to", "brain.pt", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first == (
        f"Wrote brain.pt: the brain that {dna.path} is born with (best, generation 1, world savannah), "
        f"{dna.brain.weights} weights"
    )
    assert f"  {'hidden1.weight':<16} [24, 13]" in rest
    assert f"An action of it: {POLICIES['gaussian'].how_to_act}." in rest
    assert f"Between it and its world: {describe(dna)['conversion']}." in rest
    assert loading_code(dna, Path("brain.pt")) in done.stdout
    again = evolearn("export", dna.path, "--to", "brain.pt", folder=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "Error: --to brain.pt: exists already; give --force to replace it, or name another\n"


def test_what_is_there_is_replaced_only_if_asked_and_dna_never(dna_of, tmp_path):
    dna = dna_of("mlp, choices")
    path = tmp_path / "brain.pt"
    path.write_bytes(b"mine")
    with pytest.raises(ExportError, match=r"brain\.pt: exists already; give --force to replace it"):
        export(dna, path)
    assert path.read_bytes() == b"mine"
    assert export(dna, path, force=True).replaced
    assert path.read_bytes() != b"mine"
    before = dna.path.read_bytes()
    with pytest.raises(ExportError, match="is DNA, which an export never replaces; name another file"):
        export(dna, dna.path, force=True)
    assert dna.path.read_bytes() == before


@pytest.mark.parametrize(
    ("to", "complaint"),
    [
        ("brain.ptt", r"must end in one of \.safetensors, \.pt, \.pth, \.onnx\. Did you mean \.pt"),
        ("brain", r"must end in one of \.safetensors, \.pt, \.pth, \.onnx\.$"),
        ("none/brain.pt", r"there is no folder .*none; make it, or name another"),
        ("folder.pt", r"is a folder; name a file"),
    ],
)
def test_files_that_cannot_be_are_refused(dna_of, tmp_path, to, complaint):
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(ExportError, match=complaint):
        export(dna_of("mlp, choices"), tmp_path / to, force=True)


def test_dna_without_weights_says_what_it_carries(tmp_path):
    config = config_of("mlp, choices", genome={"weights": {"mode": "fresh"}})
    dna = written(tmp_path / "dna.safetensors", config)
    with pytest.raises(
        ExportError, match=r"carries no weights .*drawn afresh in every life.*: drives\.fitness, .*plas"
    ):
        export(dna, tmp_path / "brain.pt")
    assert not (tmp_path / "brain.pt").exists()


def test_weights_that_are_the_same_in_every_life_are_exported(tmp_path):
    config = config_of("mlp, choices", genome={"weights": {"mode": "fixed"}})
    dna = written(tmp_path / "dna.safetensors", config)
    exported = export(dna, tmp_path / "brain.pt")
    assert np.array_equal(exported.tensors["hidden1.weight"].numpy().T.ravel(), dna.newborns.weights[0, :64])


def test_without_onnx_it_says_what_to_install(dna_of, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "evolearn.export._onnx_graph", raising=False)
    with pytest.raises(
        ExportError, match=r"needs the package onnx, which is not installed: pip install 'evolearn\[onn"
    ):
        export(dna_of("mlp, choices"), tmp_path / "brain.onnx")
    assert not list(tmp_path.iterdir())


PAGE = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")


def python_blocks(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


def test_the_pages_lines_are_those_that_are_printed(dna_of):
    (block,) = [block for block in python_blocks(PAGE) if "torch.load(" in block]
    shipped = read_config(find_config("cart-pole"))
    dna = dna_of("mlp, choices")
    assert (shipped.world.name, shipped.brain.trunk, shipped.brain.hidden) == ("cart-pole", "mlp", dna.brain.hidden)
    assert block == loading_code(dna, Path("brain.pt")) + "\n"
    assert len([line for line in block.splitlines() if line]) <= 12


def test_the_lines_for_others_run(dna_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dna = dna_of("mlp, choices")
    for suffix in FORMATS:
        export(dna, Path(f"brain{suffix}"))
    expected, value = thoughts(dna, np.zeros((1, 4), np.float32))
    _, with_numpy, with_onnx = python_blocks(PAGE)
    found = {}
    exec(with_numpy, found)
    np.testing.assert_allclose(found["logits"], expected[0], atol=TOLERANCE)
    found = {}
    exec(with_onnx, found)
    np.testing.assert_allclose(found["policy"], expected, atol=TOLERANCE)
    np.testing.assert_allclose(found["value"], value, atol=TOLERANCE)


def test_names_of_others_stay_in_their_comment():
    assert _listed(("a\nimport os\r", "b\x1b[31m\u2028")) == "a import os , b [31m "


def test_choices_that_are_not_numbered_are_damage():
    config = SimpleNamespace(learner=SimpleNamespace(name="actor_critic"))
    brain = SimpleNamespace(policy="categorical")
    dna = SimpleNamespace(path="a", world="gymnasium:A-v0", config=config, brain=brain, actions=("left", "right"))
    with pytest.raises(FileDamaged, match="a: its actions are not numbered, as those of gymnasium:A-v0 are; copy it"):
        choice_in_environment(dna, "action")
