"""The benchmark: what is left out says so, peers do the work that lives do."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evolearn.worlds.cart_pole import cart_pole
from numba import types
from rich.console import Console

from benchmarks import __main__ as program, before, budget, evolearn_lives, work
from evolearn.life import Plan, lives, new_driver
from evolearn.numerics import compiled
from evolearn.rng import VALIDATION, life_keys

ROOT = Path(__file__).parents[2]


def test_the_kernel_before_is_left_out_where_git_does_not_know_its_commit(monkeypatch) -> None:
    monkeypatch.setattr(before, "COMMIT", "0" * 40)
    with pytest.raises(SystemExit, match="left out: git does not know commit 0000000"):
        before.times_as_fast("cart-pole", True)
    with pytest.raises(SystemExit, match="left out: git does not know commit abcdef0"):
        before.ratios_since("abcdef0" * 5, "bandit-frozen", 1)


def test_lives_of_an_older_kernel_take_turns_with_those_of_today(monkeypatch) -> None:
    said = {"old": iter(["3.0 2.0", "3.0 8.0"]), "new": iter(["3.0 2.0", "3.0 4.0"])}

    class Kernel(before.Kernel):
        def __init__(self, checkout: Path, *_: Any, **__: Any) -> None:
            self.name = "new" if checkout == before.ROOT else "old"

        def __call__(self) -> str:
            return next(said[self.name])

        def close(self) -> None:
            pass

    monkeypatch.setattr(before, "Kernel", Kernel)
    assert before.ratios_since(before.COMMIT, "cart-pole", rounds=2) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("answer", "met"),
    [
        ("left out: no such commit", "-"),
        ("it broke", "no"),
        ({"value": 2.0, "detail": ""}, "yes"),
        ({"value": 1.9, "detail": ""}, "no"),
    ],
)
def test_a_target_is_met_missed_or_left_out(answer: dict[str, Any] | str, met: str, monkeypatch) -> None:
    monkeypatch.setattr(program, "run", lambda arguments: answer)
    monkeypatch.setattr(program, "PROMISES", {"one": (None, program.Target("", "", at_least=2.0))})
    verdicts = program.verdicts_of({program.SELF: [1.0]}, True, Console(quiet=True))
    assert [verdict.met for verdict in verdicts] == [met]
    assert program.target_table(verdicts).row_count == 1


def test_ratios_are_formed_within_rounds() -> None:
    assert program.ratios_to({program.SELF: [2.0, 30.0, 8.0], "other": [1.0, 10.0, 2.0]}, "other") == 3.0


def test_the_tables_of_the_readme_come_out_of_the_results() -> None:
    rates = {program.SELF: [4e6, 2e6, 3e6], "native": [2e6, 2e6, 2e6]}
    met = program.Verdict("speed", ">= 2", "1.5", "no", "detail")
    assert program.markdown(program.results_of(rates, [met], 0.0)).splitlines() == [
        "| way | M steps/s | evolearn is so many times as fast |",
        "|---|---|---|",
        "| **evolearn** | 3 | 1 |",
        "| native: plain C++, one life at a time, all cores | 2 | 1.5 |",
        "",
        "| what | to reach | measured | |",
        "|---|---|---|---|",
        "| speed | >= 2 | 1.5 | detail |",
    ]


def test_the_gradient_by_hand_of_the_jax_twin_is_that_of_autograd() -> None:
    pytest.importorskip("jax", reason="needs the [bench] extra")
    from benchmarks import jax_twin

    rng = np.random.default_rng(0)
    shape, hidden = (work.WINDOW, 3), work.HIDDEN
    sizes = ((4, hidden), (hidden,), (hidden, hidden), (hidden,), (hidden, 3), (3,))
    brain = jax_twin.Brain(*(rng.normal(0, 0.3, size).astype(np.float32) for size in sizes))
    observation = rng.normal(0, 1, (*shape, 4)).astype(np.float32)
    first, second, output = jax_twin.think(brain, observation)
    goes_on = (rng.random(shape) < 0.8).astype(np.float32)
    steps = jax_twin.Steps(observation, first, second, output, rng.random(shape) < 0.5, goes_on)
    last_value = rng.normal(0, 1, 3).astype(np.float32)
    by_hand = jax_twin.gradient_by_hand(brain, steps, last_value)
    for own, other in zip(by_hand, jax_twin.gradient_by_autograd(brain, steps, last_value), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-5)


def episodes_in_cpp(size: work.Size, *form: str) -> int:
    command = [sys.executable, "-m", "benchmarks.native", *form]
    command += ["--lives", str(size.lives), "--updates", str(size.updates)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return json.loads(done.stdout)["episodes"]


@pytest.mark.whole
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_lives_in_cpp_are_the_same_one_by_one_and_side_by_side_and_learn_as_fast_as_lives() -> None:
    few, many = work.Size(64, 200), work.Size(32, 1500)
    assert episodes_in_cpp(few, "--teams") == pytest.approx(episodes_in_cpp(few), abs=2)  # rounding may end one later
    conditions = evolearn_lives.conditions_of(cart_pole, (work.HIDDEN, work.HIDDEN), work.WINDOW)
    newborns = evolearn_lives.newborns_of(conditions, many.lives)
    keys, plan = life_keys(0, VALIDATION, 0, many.lives), Plan(many.steps // many.lives)
    outcome, _ = lives(new_driver(conditions, 1), conditions, newborns, np.arange(many.lives), keys, plan)
    episodes = episodes_in_cpp(many, "--teams")
    assert many.steps / episodes > 30  # 22 without learning
    assert episodes == pytest.approx(outcome.deaths.sum(), rel=0.1)


@pytest.mark.whole
def test_phases_of_a_step_are_told_apart_and_sum_to_the_whole(monkeypatch) -> None:
    monkeypatch.setattr(budget, "LIFETIME", 64)
    conditions = evolearn_lives.conditions_of(cart_pole, (work.HIDDEN, work.HIDDEN), work.WINDOW)
    spent = budget.budget(conditions, rounds=1)
    assert spent.keys() == {*budget.PHASES, "rest", "whole"}
    whole = spent.pop("whole")
    assert whole > 0.0
    assert sum(spent.values()) == pytest.approx(whole)


@pytest.mark.whole
@pytest.mark.parametrize("signature", [None, types.void(types.float64[::1])])
def test_twice_is_done_twice(signature: Any) -> None:
    count = np.zeros(1)
    budget.twice(compiled(count_up), signature)(count)
    assert count[0] == 2.0


def count_up(count: Any) -> None:
    count[0] += 1.0
