"""An evolved brain as the starting policy of somebody else's learner: PPO or A2C of stable-baselines3.

    python examples/stable_baselines3_start.py                 # evolves in CartPole-v1 first, with configs' own run
    python examples/stable_baselines3_start.py runs/my-run     # a run in a Gymnasium environment
    python examples/stable_baselines3_start.py brain.safetensors --algorithm a2c --seeds 20

Two starts of one learner with its default hyperparameters, in one environment, with networks of one shape:

- evolved: the weights that `evolearn export` wrote;
- default: those that stable-baselines3 draws itself.

Before anything is learned, the evolved start's distribution over actions is checked to be the exported one. What comes
out: a table, ``learning.png`` and ``results.json`` in the folder --out. A seed is a seed of the learner; there is one
evolved brain, so nothing here speaks of evolution in general.

Needs: pip install 'evolearn[examples]'
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import matplotlib
import numpy as np
import stable_baselines3
import torch
from load_exported import ACTIVATIONS, network, read
from scipy import stats
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from torch import nn

ALGORITHMS = {"ppo": stable_baselines3.PPO, "a2c": stable_baselines3.A2C}
STARTS = ("evolved", "default")
BINS = 20  # of the learning curve
DPI = 200  # of the picture, 7 inches wide
AT_START = 20  # episodes that judge a start before it learns
QUICK_RUN = [
    "search.generations=2",
    "search.population=8",
    "search.selection_lifetime=200",
    "evaluation.lives=2",
    "evaluation.lifetimes=[600]",
]


def make_environment(world: dict[str, Any]) -> gymnasium.Env:
    """The environment that a brain evolved in; actions of a Box come in -1 .. 1, as the brain gives them."""
    environment = gymnasium.make(world["name"].removeprefix("gymnasium:"), **world["kwargs"])
    if isinstance(environment.action_space, gymnasium.spaces.Box):
        one = np.ones(environment.action_space.shape, np.float32)
        environment = gymnasium.wrappers.RescaleAction(environment, -one, one)
    return Monitor(environment)


def new_learner(algorithm: str, environment: gymnasium.Env, description: dict[str, Any], seed: int) -> Any:
    """A learner whose actor and critic have the brain's shape; all else is its default."""
    shape = {"net_arch": description["hidden"], "activation_fn": ACTIVATIONS[description["trunk"]]}
    return ALGORITHMS[algorithm]("MlpPolicy", environment, policy_kwargs=shape, seed=seed, device="cpu")


def hand_over(weights: dict[str, torch.Tensor], description: dict[str, Any], policy: Any) -> None:
    """Write a brain into a policy of stable-baselines3, whose actor and critic have a trunk each."""

    def copy(layer: nn.Linear, name: str, factor: float = 1.0) -> None:
        layer.weight.copy_(weights[f"{name}.weight"] * factor)
        layer.bias.copy_(weights[f"{name}.bias"] * factor)

    # The critic foretells drives x signals; where fitness is the only drive, that is the return times its weight.
    drives = {name: weight for name, weight in description["drives"].items() if weight}
    critic_fits = list(drives) == ["fitness"] and description["learner"] == "actor_critic"
    with torch.no_grad():
        for trunk in (policy.mlp_extractor.policy_net, policy.mlp_extractor.value_net):
            for number, layer in enumerate((part for part in trunk if isinstance(part, nn.Linear)), start=1):
                copy(layer, f"hidden{number}")
        copy(policy.action_net, "policy")
        if critic_fits:
            copy(policy.value_net, "value", 1.0 / drives["fitness"])
        if "policy.log_stdev" in weights:
            policy.log_std.copy_(weights["policy.log_stdev"])


def largest_difference(weights: dict[str, torch.Tensor], description: dict[str, Any], learner: Any) -> float:
    """Between the learner's distribution over actions and the exported one, over observations of all kinds."""
    space = learner.observation_space
    observations, _ = learner.policy.obs_to_tensor(np.stack([space.sample() for _ in range(256)]))
    with torch.no_grad():
        there = learner.policy.get_distribution(observations).distribution
        features = learner.policy.extract_features(observations, learner.policy.pi_features_extractor)
        here = network(weights, "policy", description["trunk"])(features)
        if description["policy"] == "categorical":
            return float((here.softmax(-1) - there.probs).abs().max())
        spread = weights["policy.log_stdev"].exp() - there.stddev
        return float(max((here - there.mean).abs().max(), spread.abs().max()))


def learn(work: tuple[str, int], brain: Path, algorithm: str, steps: int) -> dict[str, Any]:
    """One learner from one start and seed: its score before it learns, and its curve.

    Returns:
        ``start``, ``seed``, ``before`` (mean return of AT_START episodes, actions sampled) and ``curve`` [BINS]: mean
        return of the episodes that ended in each share of `steps`.
    """
    start, seed = work
    torch.set_num_threads(1)
    weights, description = read(brain)
    environment = make_environment(description["world"])
    learner = new_learner(algorithm, environment, description, seed)
    if start == "evolved":
        hand_over(weights, description, learner.policy)
        difference = largest_difference(weights, description, learner)
        assert difference < 1e-5, f"the start is not the exported policy: {difference}"
    before, _ = evaluate_policy(learner, make_environment(description["world"]), AT_START, deterministic=False)
    learner.learn(steps)
    ended = np.cumsum(environment.get_episode_lengths())
    returns = np.array(environment.get_episode_rewards())
    curve = [float(before)]
    for share in range(BINS):
        inside = (ended > share * steps / BINS) & (ended <= (share + 1) * steps / BINS)
        curve.append(float(returns[inside].mean()) if inside.any() else curve[-1])  # no episode ended: as before
    return {"start": start, "seed": seed, "before": float(before), "curve": curve[1:]}


def interval(values: np.ndarray) -> tuple[float, float]:
    """Mean and half of its 95 % interval over seeds, by Student's t."""
    return float(values.mean()), _half(len(values) - 1, values.var(ddof=1) / len(values))


def difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Difference of means of two equally large groups and half of its 95 % interval, by Welch's t."""
    shares = np.array([first.var(ddof=1), second.var(ddof=1)]) / len(first)
    freedom = (len(first) - 1) * shares.sum() ** 2 / (shares**2).sum() if shares.any() else 1.0
    return float(first.mean() - second.mean()), _half(freedom, shares.sum())


def _half(freedom: float, variance: float) -> float:
    return float(stats.t.ppf(0.975, freedom) * np.sqrt(variance))


def summary(found: list[dict[str, Any]], steps: int) -> list[str]:
    """The table, and what may be said of it."""
    curves = {start: np.array([row["curve"] for row in found if row["start"] == start]) for start in STARTS}
    before = {start: np.array([row["before"] for row in found if row["start"] == start]) for start in STARTS}
    quarter = BINS // 4
    columns = {
        "before learning": before,
        "first quarter": {start: curve[:, :quarter].mean(1) for start, curve in curves.items()},
        "whole": {start: curve.mean(1) for start, curve in curves.items()},
        "last quarter": {start: curve[:, -quarter:].mean(1) for start, curve in curves.items()},
    }
    rows = {start: [interval(values[start]) for values in columns.values()] for start in STARTS}
    rows["difference"] = [difference(values["evolved"], values["default"]) for values in columns.values()]
    lines = [f"{'mean episode return':<20}" + "".join(f"{name:>18}" for name in columns)]
    lines += [f"{name:<20}" + "".join(f"{m:>10.1f} ± {e:5.1f}" for m, e in row) for name, row in rows.items()]
    level = before["evolved"].mean()
    reached = [int(np.argmax(curve >= level)) for curve in curves["default"] if (curve >= level).any()]
    lines.append(
        f"The default start reaches the evolved start's return before learning, {level:.1f}, in {len(reached)} of "
        f"{len(curves['default'])} seeds" + (f", at the median by step {_by(reached, steps):,}." if reached else ".")
    )
    lines.append(f"±: half of a 95 % interval over {len(before['default'])} seeds of the learner; one evolved brain:")
    lines.append("exploratory, not evidence for a claim about evolution.")
    return lines


def _by(bins: list[int], steps: int) -> int:
    return int((np.median(bins) + 1) * steps / BINS)


def draw(found: list[dict[str, Any]], steps: int, title: str, path: Path) -> None:
    """Return against steps: every seed, the mean and its interval."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    at = (np.arange(BINS + 1)) * steps / BINS
    for start, colour in zip(STARTS, ("#d55e00", "#0072b2"), strict=True):
        rows = np.array([[row["before"], *row["curve"]] for row in found if row["start"] == start])
        mean, half = np.array([interval(column) for column in rows.T]).T
        axes.plot(at, rows.T, color=colour, alpha=0.2, linewidth=0.7)
        axes.plot(at, mean, color=colour, label=f"{start} start")
        axes.fill_between(at, mean - np.nan_to_num(half), mean + np.nan_to_num(half), color=colour, alpha=0.2, lw=0)
    returns = [score for row in found for score in (row["before"], *row["curve"])]
    margin = 0.05 * (max(returns) - min(returns)) + 1e-9
    axes.set_ylim(min(returns) - margin, max(returns) + margin)  # intervals of few seeds reach far
    axes.set(xlabel="environment steps of the learner", ylabel="mean episode return", title=title)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e9ec")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=DPI)


def exported(given: Path | None, out: Path, quick: bool) -> tuple[Path, int | None]:
    """The brain's file, and the world steps that evolution took, where that is known."""
    if given is not None and given.is_file():
        return given, None
    if given is not None and not given.is_dir():
        sys.exit(f"{given}: there is no such file or run directory; leave it out to evolve one in CartPole-v1")
    run = given or out / ("quick-run" if quick else "run")
    if given is None:
        evolve(run, quick)
    brain = out / "brain.safetensors"
    evolearn("export", str(run), "--to", str(brain), "--force")
    rows = (run / "generations.jsonl").read_text(encoding="utf-8").splitlines()
    return brain, sum(json.loads(row)["world_steps"] for row in rows)


def evolve(run: Path, quick: bool) -> None:
    """Evolve in CartPole-v1, go on with a run that was interrupted, or do nothing if there is a finished one."""
    if (run / "result.json").exists():
        print(f"{run} is there: its brain is taken")
    elif (run / "run.json").exists():
        evolearn("resume", str(run))
    else:
        evolearn("run", "gymnasium-cartpole", *(QUICK_RUN if quick else []), "--out", str(run))


def evolearn(*arguments: str) -> None:
    """Run one of evolearn's commands, which shows its progress itself."""
    print("$ evolearn", *arguments, flush=True)
    done = subprocess.run([sys.executable, "-m", "evolearn.cli.app", *arguments])
    if done.returncode != 0:
        sys.exit(f"evolearn {arguments[0]} failed, see above")


def checked(brain: Path) -> dict[str, Any]:
    """The description of a brain that this example can use; leaves with a text if it cannot."""
    try:
        _, description = read(brain)
    except ValueError as error:
        sys.exit(str(error))
    if not description:
        sys.exit(f"{brain}: does not describe itself; evolearn export RUN --to FILE.safetensors makes one that does")
    world = description["world"]
    if not world["name"].startswith("gymnasium:") or world["wrappers"] or world["vary"]:
        sys.exit(f"world {world['name']}: this example takes Gymnasium environments without wrappers and variations")
    if description["policy"] not in ("categorical", "gaussian"):
        sys.exit(f"{brain}: a policy that is {description['policy']} is none of {' and '.join(ALGORITHMS)}")
    try:
        make_environment(world).close()
    except Exception as error:  # somebody else's constructor, or not installed here
        sys.exit(f"world {world['name']}: cannot be made here: {error}")
    return description


def main() -> None:
    """Evolve if need be, learn from both starts, and say what came of it."""
    parser = argparse.ArgumentParser(description="Compare an evolved start with the default one in stable-baselines3.")
    parser.add_argument("brain", type=Path, nargs="?", help="an exported .safetensors, or a run; evolves if left out")
    parser.add_argument("--algorithm", choices=list(ALGORITHMS), default="ppo")
    parser.add_argument("--seeds", type=int, default=10, help="of the learner, per start")
    parser.add_argument("--steps", type=int, default=40_960, help="that each learner takes")
    parser.add_argument("--out", type=Path, default=Path("runs/stable-baselines3-start"))
    parser.add_argument("--quick", action="store_true", help="see that it works: 2 seeds, 4,096 steps, hardly evolved")
    given = parser.parse_args()
    seeds, steps = (2, 4096) if given.quick else (given.seeds, given.steps)
    if seeds < 2 or steps < BINS:
        parser.error(f"--seeds {seeds} --steps {steps}: must be at least 2 seeds, for an interval, and {BINS} steps")
    given.out.mkdir(parents=True, exist_ok=True)
    brain, charged = exported(given.brain, given.out, given.quick)
    description = checked(brain)
    work = [(start, seed) for seed in range(seeds) for start in STARTS]
    one = partial(learn, brain=brain, algorithm=given.algorithm, steps=steps)
    with multiprocessing.get_context("spawn").Pool(min(os.cpu_count() or 1, len(work))) as pool:
        found = []
        for row in pool.imap(one, work):
            found.append(row)
            print(
                f"{row['start']} start, seed {row['seed']}: {row['before']:.1f}, then {row['curve'][-1]:.1f}",
                flush=True,
            )
    title = (
        f"{given.algorithm.upper()} of stable-baselines3 in {description['world']['name'].removeprefix('gymnasium:')}"
    )
    lines = [
        f"{title}: {steps:,} steps, default hyperparameters, networks {description['hidden']}",
        "",
        *summary(found, steps),
    ]
    if charged is not None:
        lines.append(
            f"Before that, evolution took {charged:,} steps of this environment, {charged / steps:.0f} times as many."
        )
    print("\n" + "\n".join(lines))
    draw(found, steps, title, given.out / "learning.png")
    result = {
        "algorithm": given.algorithm,
        "steps": steps,
        "evolution_steps": charged,
        "brain": description,
        "learners": found,
    }
    (given.out / "results.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(f"Wrote {given.out / 'learning.png'} and {given.out / 'results.json'}")


if __name__ == "__main__":
    main()
