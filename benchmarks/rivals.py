"""PPO and A2C of stable-baselines3 as foals: what learners that many people know make of the same lives.

A rival is born with random weights into a life of the savannah, through `evolearn.gymnasium`, and learns while it
lives: one body after another, one stream of experience, all with the same muscles. Its score is the life's fitness
rate: the share of steps alive, standing and within 3 m of the mother.

First its settings are searched at random, on lives apart from those that count; number 0 is the library's defaults on
fitness alone. Each setting lives one life, the better half two more, and of these the one with the best last quarter of
life is taken. Then it lives test lives, some of them ten times as long. Steps and seconds of all of it are kept.

``python -m benchmarks.rivals`` writes a row for each life as it ends, goes on where it was stopped, and prints tables.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch
from evolearn.worlds.savannah import savannah
from rich.console import Console
from rich.table import Table
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

from benchmarks.__main__ import machine
from benchmarks.evolearn_lives import conditions_of, newborns_of
from evolearn.gymnasium import WorldEnv
from evolearn.life import FROM_ORACLE, Plan, lives, new_driver
from evolearn.rng import SELECTION, TEST, LifeKey, life_keys

RESULTS = Path(__file__).with_name("rivals.json")
RIVALS = {"ppo": PPO, "a2c": A2C}
SEED = 7
LIFETIME, WINDOW = 20_000, 600  # steps
SHARE = 0.95  # of the oracle's score, to be reached
# The savannah's senses, weighed: a reward that somebody designed, as against what evolution selects on.
SHAPED = {"fitness": 1.0, "uprightness": 1.0, "approach": 2.0, "energy change": 0.6, "fall": -1.0, "effort": -0.05}


class Job(NamedTuple):
    """One life to be lived."""

    rival: str
    stage: str  # "search" or "test"
    setting: int
    life: int
    alpha: float  # degrees
    steps: int


def settings_of(rival: str, number: int) -> dict[str, Any]:
    """Setting `number` of a rival; 0 is the library's own."""
    if number == 0:
        return {"reward": "fitness", "normalised": False, "arguments": {}, "policy": {}}
    rng = np.random.default_rng([SEED, list(RIVALS).index(rival), number])
    steps = int(2 ** rng.integers(*((6, 11) if rival == "ppo" else (2, 9))))
    arguments = {
        "learning_rate": float(10 ** rng.uniform(-3.5, -1.7)),
        "gamma": float(1.0 - 10 ** rng.uniform(-2.3, -0.7)),
        "gae_lambda": float(rng.uniform(0.8, 1.0)),
        "ent_coef": float(10 ** rng.uniform(-5.0, -2.0)),
        "n_steps": steps,
    }
    if rival == "ppo":
        arguments["batch_size"] = min(steps, int(2 ** rng.integers(5, 9)))
        arguments["n_epochs"] = int(rng.choice([3, 5, 10, 20]))
        arguments["clip_range"] = float(rng.choice([0.1, 0.2, 0.3]))
    else:
        arguments["use_rms_prop"] = bool(rng.integers(2))
        arguments["normalize_advantage"] = bool(rng.integers(2))
    policy = {
        "net_arch": [[24], [64, 64]][rng.integers(2)],
        "log_std_init": float(rng.uniform(-1.5, 0.0)),
    }
    reward = ["fitness", "shaped"][number % 2]
    return {"reward": reward, "normalised": bool(rng.integers(2)), "arguments": arguments, "policy": policy}


class Diary(gymnasium.Wrapper):
    """Writes down fitness and deaths of a life; its reward may be shaped by the world's senses."""

    def __init__(self, environment: WorldEnv, reward: str) -> None:
        super().__init__(environment)
        self.fitness: list[float] = []
        self.deaths: list[int] = []  # ages, in steps
        self._shaped = reward == "shaped"

    def step(self, action: Any) -> Any:
        """As the environment; fitness is written down whatever the reward is."""
        observation, fitness, terminated, truncated, info = self.env.step(action)
        self.fitness.append(float(fitness))
        if terminated:
            self.deaths.append(len(self.fitness))
        reward = fitness
        if self._shaped:
            felt = {"fitness": fitness, **info["senses"]}
            reward = sum(weight * felt[name] for name, weight in SHAPED.items())
        return observation, reward, terminated, truncated, info


def key_of(job: Job) -> LifeKey:
    """Lives that settings are searched on and lives that count come from key spaces that share none."""
    return LifeKey(SEED, SELECTION if job.stage == "search" else TEST, 0, job.life)


def live(job: Job, oracle: float) -> dict[str, Any]:
    """Live a life and say what came of it; `oracle` is the score to be compared with."""
    torch.set_num_threads(1)
    settings = settings_of(job.rival, job.setting)
    diary = Diary(WorldEnv(savannah, {"alpha": job.alpha}, key=key_of(job), lifetime=None), settings["reward"])
    environment: VecEnv = DummyVecEnv([lambda: diary])
    if settings["normalised"]:
        gamma = settings["arguments"]["gamma"]
        environment = VecNormalize(environment, gamma=gamma)
    # Not the learner's own argument `seed`: it would reset the environment with it, which begins another life.
    set_random_seed(1 + job.life)
    policy = {**settings["policy"]}
    learner = RIVALS[job.rival]("MlpPolicy", environment, device="cpu", policy_kwargs=policy, **settings["arguments"])
    start, processor = time.perf_counter(), time.process_time()
    diverged = False
    try:
        learner.learn(job.steps)
    except ValueError as error:  # torch refuses a distribution that is not finite
        diverged = "nan" in str(error)
        if not diverged:
            raise
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    taken = len(diary.fitness)
    # A rival learns from whole windows, and lives beyond the end; one that diverged keeps what it had earned.
    fitness = np.zeros(job.steps)
    fitness[:taken] = diary.fitness[: job.steps]
    return {
        **job._asdict(),
        "taken": taken,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "diverged": diverged,
        **scores(fitness, diary.deaths, SHARE * oracle),
        "settings": settings,
    }


def scores(fitness: np.ndarray, deaths: list[int], level: float) -> dict[str, Any]:
    """The numbers of a life.

    Args:
        fitness: [T], per step.
        deaths: ages at which a body died, ascending.
        level: score to be reached by a window of WINDOW steps.
    """
    first_body = min([WINDOW, *deaths])
    running = np.convolve(fitness, np.ones(WINDOW) / WINDOW, "valid")
    reached = np.flatnonzero(running >= level - 1e-9)
    return {
        "birth": round(float(fitness[:WINDOW].mean()), 4),
        "birth_first_body": round(float(fitness[:first_body].sum() / WINDOW), 4),
        "last_quarter": round(float(fitness[3 * len(fitness) // 4 :].mean()), 4),
        "reached_at": int(reached[0]) + WINDOW if len(reached) else None,
        "deaths": len([age for age in deaths if age <= len(fitness)]),
    }


def oracle_score(alpha: float, count: int) -> float:
    """Mean fitness of the oracle over the test lives, LIFETIME steps each."""
    conditions = conditions_of(savannah, (24,), 20)
    conditions = dataclasses.replace(conditions, parameters=savannah.resolve({"alpha": alpha}))
    driver = new_driver(conditions, 1)
    newborns, genomes = newborns_of(conditions, 1), np.zeros(count, int)
    plan = Plan(LIFETIME, source=FROM_ORACLE)
    outcome, _ = lives(driver, conditions, newborns, genomes, life_keys(SEED, TEST, 0, count), plan)
    driver.close()
    return float(outcome.fitness.sum(axis=1).mean() / LIFETIME)


def doing_nothing(alpha: float, count: int, steps: int, oracle: float) -> list[dict[str, Any]]:
    """The numbers of the test lives for a foal that never moves a muscle; `oracle` is the score to be compared with."""
    found = []
    for life in range(count):
        key = key_of(Job("", "test", 0, life, alpha, steps))
        diary = Diary(WorldEnv(savannah, {"alpha": alpha}, key=key, lifetime=None), "fitness")
        diary.reset()
        for _ in range(steps):
            _, _, terminated, truncated, _ = diary.step(np.zeros(4))
            if terminated or truncated:
                diary.reset()
        found.append(scores(np.array(diary.fitness), diary.deaths, SHARE * oracle))
    return found


class Book:
    """The rows of all lives, on disk after each."""

    def __init__(self, path: Path, workers: int, console: Console) -> None:
        self._path = path
        self._workers = workers
        self._console = console
        self._machine = machine()
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.oracle: dict[str, float] = found.get("oracle", {})
        self._rows: dict[Job, dict[str, Any]] = {
            Job(*(row[name] for name in Job._fields)): row
            for row in found.get("lives", [])
            if row["settings"] == settings_of(row["rival"], row["setting"])  # else they were drawn from other ranges
        }

    def oracle_of(self, alpha: float, count: int) -> float:
        """The oracle's score, asked for once."""
        if f"{alpha:g}" not in self.oracle:
            self.oracle[f"{alpha:g}"] = round(oracle_score(alpha, count), 4)
        return self.oracle[f"{alpha:g}"]

    def lived(self, jobs: list[Job], oracle: float) -> list[dict[str, Any]]:
        """A row per life; those are lived that were not yet."""
        left = [job for job in jobs if job not in self._rows]
        if self._workers == 1:
            self._write_down((live(job, oracle) for job in left), len(left))
        elif left:
            # Not forked: torch and Numba have threads.
            with multiprocessing.get_context("spawn").Pool(min(self._workers, len(left))) as pool:
                self._write_down(pool.imap_unordered(functools.partial(live, oracle=oracle), left), len(left))
        return [self._rows[job] for job in jobs]

    def _write_down(self, rows: Iterable[dict[str, Any]], count: int) -> None:
        for number, lived in enumerate(rows, 1):
            # With each row and not with the file: lives of one file may come from several machines.
            row = {**lived, "machine": {**self._machine, "load": round(os.getloadavg()[0], 1)}}
            self._rows[Job(*(row[name] for name in Job._fields))] = row
            said = {name: row[name] for name in (*Job._fields, "birth", "last_quarter", "reached_at", "seconds")}
            told = ", ".join(f"{name} {value}" for name, value in said.items())
            self._console.print(f"{number} of {count}: {told}", markup=False, highlight=False, soft_wrap=True)
            head = {"oracle": self.oracle}
            lines = ",\n".join(json.dumps(row) for row in self._rows.values())
            text = json.dumps(head, indent=1).removesuffix("\n}") + f',\n "lives": [\n{lines}\n]\n}}\n'
            part = self._path.with_suffix(".part")
            part.write_text(text, encoding="utf-8")
            part.replace(self._path)


def search(book: Book, rival: str, settings: int, steps: int, oracle: float) -> list[dict[str, Any]]:
    """Search a rival's settings, a row per life."""
    first = book.lived([Job(rival, "search", number, 0, 0.0, steps) for number in range(settings)], oracle)
    # At least two: who alone lives again is taken for one lucky life.
    best = sorted(first, key=lambda row: row["last_quarter"], reverse=True)[: max(2, settings // 2)]
    again = [Job(rival, "search", row["setting"], life, 0.0, steps) for row in best for life in (1, 2)]
    return first + book.lived(again, oracle)


def tests_of(chosen: dict[str, int], lives_of_each: range, alpha: float, steps: int) -> list[Job]:
    """Test lives of every rival with its chosen setting."""
    return [
        Job(rival, "test", setting, life, alpha, steps) for life in lives_of_each for rival, setting in chosen.items()
    ]


def best_of(rows: list[dict[str, Any]]) -> int:
    """The setting with the best last quarter, on average over its lives, among those with the most lives."""
    found: dict[int, list[float]] = {}
    for row in rows:
        found.setdefault(row["setting"], []).append(row["last_quarter"])
    most = max(len(kept) for kept in found.values())
    return max((statistics.mean(kept), number) for number, kept in found.items() if len(kept) == most)[1]


def shown(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} - {max(values):.2f})"


def table_of(rows: list[dict[str, Any]], title: str) -> Table:
    """Test lives, a line per rival, body and lifetime."""
    table = Table(title=title)
    for heading in ("rival", "alpha", "lives", "birth", "first body", "steps", "last quarter", "reached"):
        table.add_column(heading, justify="left" if heading == "rival" else "right")
    table.add_column("steps/s", justify="right")
    kinds = {(row["alpha"], row["steps"], row["rival"]) for row in rows}
    for alpha, steps, rival in sorted(kinds):
        some = [row for row in rows if (row["alpha"], row["steps"], row["rival"]) == (alpha, steps, rival)]
        times = [row["reached_at"] for row in some if row["reached_at"]]
        table.add_row(
            rival,
            f"{alpha:g}",
            str(len(some)),
            shown([row["birth"] for row in some]),
            shown([row["birth_first_body"] for row in some]),
            f"{steps:,}",
            shown([row["last_quarter"] for row in some]),
            f"{len(times)}" + (f", after {min(times):,} - {max(times):,}" if times else ""),
            f"{sum(row['taken'] for row in some) / sum(row['processor_seconds'] for row in some):,.0f}",
        )
    return table


def main() -> None:
    """Search, test, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rivals", description=__doc__)
    parser.add_argument("--settings", type=int, default=12, help="of each rival that are tried")
    parser.add_argument("--lives", type=int, default=10, help="test lives")
    parser.add_argument("--steps", type=int, default=LIFETIME, help="of a life")
    parser.add_argument("--long", type=int, default=2, help="test lives that are lived once more, for --long-steps")
    parser.add_argument("--long-steps", type=int, default=200_000)
    parser.add_argument("--alphas", type=float, nargs="+", default=[0.0, 90.0], help="settings are searched at 0")
    parser.add_argument("--workers", type=int, default=1, help="lives at a time, a process and a thread each")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    console = Console(width=130)
    book = Book(options.out, options.workers, console)
    chosen = {}
    for rival in RIVALS:
        rows = search(book, rival, options.settings, options.steps, book.oracle_of(0.0, options.lives))
        chosen[rival] = best_of(rows)
        cost, seconds = sum(row["taken"] for row in rows), sum(row["processor_seconds"] for row in rows)
        console.print(
            f"{rival}: {options.settings} settings in {cost:,} steps, {seconds:.0f} s of a processor; best is number "
            f"{chosen[rival]}: {settings_of(rival, chosen[rival])}",
            markup=False,
        )
    tests = []
    for alpha in options.alphas:
        oracle = book.oracle_of(alpha, options.lives)
        tests += book.lived(tests_of(chosen, range(options.lives), alpha, options.steps), oracle)
        if alpha == options.alphas[0]:
            tests += book.lived(tests_of(chosen, range(options.long), alpha, options.long_steps), oracle)
    console.print(table_of(tests, "Foals that learn by stable-baselines3: median (range) over lives"))
    alpha = options.alphas[0]
    still = doing_nothing(alpha, options.lives, options.steps, book.oracle_of(alpha, options.lives))
    said = [f"{name} {shown([row[name] for row in still])}" for name in ("birth", "birth_first_body", "last_quarter")]
    console.print(f"Doing nothing, alpha {alpha:g}: {', '.join(said)}", markup=False)
    console.print(f"The oracle: {book.oracle}; reached: {SHARE:g} of it over {WINDOW} steps", markup=False)


if __name__ == "__main__":
    main()
