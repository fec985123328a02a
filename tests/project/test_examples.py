"""The examples run, and do what they say."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from evolearn.export import export
from tests.helpers.exported import TOLERANCE, config_of, distribution, thoughts, written
from tests.helpers.isolated import folder_with, run_isolated
from tests.helpers.places import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def loading():
    sys.path.insert(0, str(EXAMPLES))
    try:
        import load_exported

        yield load_exported
    finally:
        sys.path.remove(str(EXAMPLES))


@pytest.mark.parametrize(
    ("name", "suffix", "options"),
    [
        ("mlp, choices", ".pt", ["--trunk", "mlp", "--policy", "categorical"]),
        ("relu, choices", ".pth", ["--trunk", "relu", "--policy", "categorical"]),
        ("mlp, box", ".pt", ["--trunk", "mlp"]),
        ("linear, choices", ".pt", ["--policy", "categorical"]),
        ("action values", ".pt", ["--policy", "epsilon_greedy"]),
        ("action values", ".safetensors", []),
        ("mlp, choices", ".SAFETENSORS", []),
        ("relu, box", ".safetensors", []),
        ("no chance", ".safetensors", []),
    ],
)
def test_it_shows_what_a_brain_makes_of_an_observation(loading, tmp_path, monkeypatch, capsys, name, suffix, options):
    dna = written(tmp_path / "dna.safetensors", config_of(name))
    export(dna, tmp_path / f"brain{suffix}")
    seen = np.zeros((1, dna.brain.observations), np.float32)
    seen[0, 0] = 0.5
    observed = [str(number) for number in seen[0]]
    monkeypatch.setattr(sys, "argv", ["load_exported.py", str(tmp_path / f"brain{suffix}"), *observed, *options])
    loading.main()
    *actions, value = capsys.readouterr().out.splitlines()
    parameters, expected_value = thoughts(dna, seen)
    assert value == f"value: {expected_value[0]:.4f}"
    expected = distribution(dna, parameters)[0]
    assert len(actions) == dna.brain.actions
    named = suffix.lower() == ".safetensors"
    meaning = {
        "categorical": "probability",
        "epsilon_greedy": "value",
        "gaussian": "normal,",
        "deterministic": "action",
    }
    for place, line in enumerate(actions):
        assert line.startswith(f"{dna.actions[place]}: " if named else f"{place}: ")
        assert line.split(": ")[1].startswith(f"{meaning[dna.brain.policy]} ")
        first = float(line.replace(",", "").split("mean ")[-1].split()[0 if "mean" in line else -1])
        assert abs(first - expected[place]) < 1e-4
        if "stdev" in line:
            assert abs(float(line.split()[-1]) - expected[dna.brain.actions + place]) < 1e-4


def test_outputs_of_a_policy_that_nobody_named_are_not_called_probabilities(loading, tmp_path, monkeypatch, capsys):
    dna = written(tmp_path / "dna.safetensors", config_of("action values"))
    export(dna, tmp_path / "brain.pt")
    monkeypatch.setattr(sys, "argv", ["load_exported.py", str(tmp_path / "brain.pt")])
    loading.main()
    parameters, _ = thoughts(dna, np.zeros((1, dna.brain.observations), np.float32))
    assert capsys.readouterr().out.splitlines()[0] == f"0: output {parameters[0, 0]:.4f}"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["brain.pt"], "brain.pt: does not say its trunk; give --trunk mlp or relu or linear, as its run had it"),
        (["brain.safetensors", "1", "2", "3", "4", "5"], "5 numbers given: this brain observes 4; give all, or none"),
        (["brain.safetensors", "1"], "1 numbers given: this brain observes 4; give all, or none"),
        (["none.pt"], "none.pt: there is no such file; evolearn export RUN --to none.pt writes one"),
        (["brain.onnx"], "brain.onnx: must end in .pt, .pth or .safetensors; evolearn export writes all of them"),
        (["dna.safetensors"], "dna.safetensors: is no exported brain; evolearn export dna.safetensors --to FILE makes"),
        (["broken.pt"], "broken.pt: cannot be read: "),
        (["broken.safetensors"], "broken.safetensors: cannot be read: "),
    ],
)
def test_what_it_cannot_show_is_refused_in_words(loading, tmp_path, monkeypatch, capsys, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    dna = written(Path("dna.safetensors"), config_of("relu, choices"))
    for suffix in (".pt", ".safetensors", ".onnx"):
        export(dna, Path(f"brain{suffix}"))
        Path(f"broken{suffix}").write_bytes(b"broken")
    monkeypatch.setattr(sys, "argv", ["load_exported.py", *arguments])
    with pytest.raises(SystemExit, match="2"):
        loading.main()
    assert f"error: {complaint}" in capsys.readouterr().err


def test_it_needs_torch_alone(tmp_path):
    export(written(tmp_path / "dna.safetensors", config_of("mlp, choices")), tmp_path / "brain.pt")
    packages = folder_with(["torch"], tmp_path / "packages")
    options = ["brain.pt", "--trunk", "mlp", "--policy", "categorical"]
    done = run_isolated(packages, [str(EXAMPLES / "load_exported.py"), *options], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0: probability 0.")


@pytest.fixture(scope="module")
def example(loading):
    import stable_baselines3_start

    return stable_baselines3_start


@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
@pytest.mark.parametrize(
    ("environment", "trunk", "hidden"),
    [("CartPole-v1", "mlp", [16]), ("Pendulum-v1", "relu", [9, 5]), ("Pendulum-v1", "linear", [])],
)
def test_the_evolved_start_is_the_exported_policy(example, tmp_path, environment, trunk, hidden, algorithm):
    name = f"gymnasium:{environment}"
    config = config_of("mlp, box", world={"name": name}, brain={"trunk": trunk, "hidden": hidden})
    dna = written(tmp_path / "dna.safetensors", config)
    brain = export(dna, tmp_path / "brain.safetensors").path
    weights, description = example.read(brain)
    there = example.make_environment(description["world"])
    learner = example.new_learner(algorithm, there, description, seed=3)
    assert example.largest_difference(weights, description, learner) > 1e-2, "the default start is another"
    example.hand_over(weights, description, learner.policy)
    assert example.largest_difference(weights, description, learner) < TOLERANCE
    # What it does and foretells there is what the kernel would.
    observation, _ = there.reset(seed=1)
    parameters, value = thoughts(dna, np.float32(observation)[None])
    action, _ = learner.predict(observation, deterministic=True)
    expected = distribution(dna, parameters)[0]
    if description["policy"] == "categorical":
        assert action == expected.argmax()
    else:
        np.testing.assert_allclose(action, expected[:1].clip(-1.0, 1.0), atol=TOLERANCE)
        assert there.action_space.low[0] == -1.0
    with torch.no_grad():
        foretold = learner.policy.predict_values(torch.from_numpy(np.float32(observation)[None])).item()
    assert foretold == pytest.approx(value[0] / description["drives"]["fitness"], rel=1e-4)


def test_a_critic_of_other_drives_is_not_taken_over(example, tmp_path):
    config = config_of("mlp, choices", world={"name": "gymnasium:CartPole-v1"}, drives={"generic": ["novelty"]})
    brain = export(written(tmp_path / "dna.safetensors", config), tmp_path / "brain.safetensors").path
    weights, description = example.read(brain)
    assert description["drives"]["novelty"] != 0.0
    learner = example.new_learner("a2c", example.make_environment(description["world"]), description, seed=3)
    before = learner.policy.value_net.weight.clone()
    example.hand_over(weights, description, learner.policy)
    assert torch.equal(learner.policy.value_net.weight, before)
    assert torch.equal(learner.policy.action_net.weight, weights["policy.weight"])


@pytest.mark.parametrize(
    ("name", "given", "complaint"),
    [
        (
            "mlp, choices",
            "brain.safetensors",
            "world cart-pole: this example takes Gymnasium environments without wrappers and variations",
        ),
        (
            "mlp, choices",
            "brain.pt",
            "brain.pt: does not describe itself; evolearn export RUN --to FILE.safetensors makes one that does",
        ),
        (
            "mlp, choices",
            "dna.safetensors",
            "dna.safetensors: is no exported brain; evolearn export dna.safetensors --to FILE makes one of DNA",
        ),
        (
            "mlp, choices",
            "runs/none",
            "runs/none: there is no such file or run directory; leave it out to evolve one in CartPole-v1",
        ),
        ("mlp, choices", "empty", "evolearn export failed, see above"),
    ],
)
def test_what_it_cannot_start_from_is_refused_before_any_learner(
    example, tmp_path, monkeypatch, name, given, complaint
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stable_baselines3_start.py", given])
    monkeypatch.setattr(example, "learn", None)
    dna = written(Path("dna.safetensors"), config_of(name))
    Path("empty").mkdir()
    for suffix in (".pt", ".safetensors"):
        export(dna, Path(f"brain{suffix}"))
    with pytest.raises(SystemExit) as left:
        example.main()
    assert left.value.code == complaint  # Python prints it, and leaves with 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"wrappers": ["ClipAction"]}, "without wrappers and variations"),
        ({"name": "gymnasium:Gone-v0"}, "world gymnasium:Gone-v0: cannot be made here: "),
        ({"kwargs": {"no_such": 1}}, "world gymnasium:CartPole-v1: cannot be made here: "),
    ],
)
def test_an_environment_that_it_cannot_make_is_refused(example, monkeypatch, change, complaint):
    world = {"name": "gymnasium:CartPole-v1", "wrappers": [], "vary": {}, "kwargs": {}} | change
    monkeypatch.setattr(example, "read", lambda path: ({}, {"world": world, "policy": "categorical"}))
    with pytest.raises(SystemExit, match=complaint):
        example.checked(Path("brain.safetensors"))


def test_a_policy_that_the_learner_does_not_have_is_refused(example, monkeypatch):
    world = {"name": "gymnasium:CartPole-v1", "wrappers": [], "vary": {}, "kwargs": {}}
    monkeypatch.setattr(example, "read", lambda path: ({}, {"world": world, "policy": "epsilon_greedy"}))
    with pytest.raises(SystemExit, match="a policy that is epsilon_greedy is none of ppo and a2c"):
        example.checked(Path("brain.safetensors"))


def test_a_run_that_is_there_is_taken_and_one_that_stopped_goes_on(example, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(example, "evolearn", lambda *arguments: asked.append(arguments[:2]))
    run = tmp_path / "run"
    example.evolve(run, quick=True)
    run.mkdir()
    (run / "run.json").touch()
    example.evolve(run, quick=True)
    (run / "result.json").touch()
    example.evolve(run, quick=True)
    assert asked == [("run", "gymnasium-cartpole"), ("resume", str(run))]


def test_the_table_tells_starts_apart_and_is_silent_about_equal_ones(example):
    def row(start, seed, before, after):
        return {"start": start, "seed": seed, "before": before, "curve": [before] * 10 + [after] * 10}

    found = [row("evolved", seed, 100.0 + seed, 200.0) for seed in range(5)]
    found += [row("default", seed, 10.0 + seed, 50.0 if seed else 150.0) for seed in range(5)]
    table = example.summary(found, 2000)
    assert table[1].split()[:4] == ["evolved", "102.0", "±", "2.0"]
    assert table[3].split()[:4] == ["difference", "90.0", "±", "2.3"]
    assert table[4].endswith("return before learning, 102.0, in 1 of 5 seeds, at the median by step 1,100.")
    same = example.summary([row(start, seed, 7.0, 7.0) for start in example.STARTS for seed in range(3)], 2000)
    assert same[3].split()[1:4] == ["0.0", "±", "0.0"]


@pytest.mark.whole
def test_the_whole_example_runs(example, tmp_path):
    command = [sys.executable, "-W", "error", str(EXAMPLES / "stable_baselines3_start.py"), "--quick", "--out", "out"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=500)
    assert done.returncode == 0, done.stderr
    assert "$ evolearn run gymnasium-cartpole" in done.stdout
    assert "world steps of evolution" in done.stdout, "evolution speaks for itself"
    assert (tmp_path / "out" / "quick-run" / "result.json").exists()
    assert "PPO of stable-baselines3 in CartPole-v1: 4,096 steps" in done.stdout
    assert "exploratory, not evidence" in done.stdout
    assert (tmp_path / "out" / "learning.png").read_bytes().startswith(b"\x89PNG")
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [(row["start"], row["seed"]) for row in result["learners"]] == [
        ("evolved", 0),
        ("default", 0),
        ("evolved", 1),
        ("default", 1),
    ]
    assert all(len(row["curve"]) == example.BINS for row in result["learners"])
