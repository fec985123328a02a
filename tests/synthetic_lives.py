"""Made-up test lives with known answers, for tests of statistics, verdicts and pages.

A life's running score rises from the run's birth score to its ceiling as 1 - exp(-age / learn_age). Runs differ in
birth and ceiling (standard deviation `noise`), lives in a run by twice that, windows by a little: what real studies do.
Life i of run r has the same luck in every arm (`luck`), as if it were the same world.
"""

from types import SimpleNamespace

import numpy as np

from evolearn.metrics import ArmLives

BIRTH_STEPS = 600
BIN_STEPS = 100


def synthetic(
    arm,
    runs=4,
    lives=8,
    birth=0.2,
    ceiling=0.9,
    learn_age=3000.0,
    noise=0.02,
    seed=0,
    lifetimes=(1200, 6000, 20000),
    luck=0,
):
    """ArmLives of one arm.

    Args:
        arm: name.
        runs, lives: R, L.
        birth, ceiling: mean scores; equal ones never learn.
        learn_age: world steps in which 63% of the way is learned; 0 is at once.
        noise: standard deviation between runs; 0 makes all runs and lives equal, to the last bit.
        seed: of this arm's runs.
        lifetimes: world steps.
        luck: seed of the lives, the same for all arms of a condition.
    """
    runs_rng, lives_rng = np.random.default_rng([1, seed]), np.random.default_rng([2, luck])
    start = birth + noise * runs_rng.normal(size=(runs, 1)) + noise * lives_rng.normal(size=(runs, lives))
    end = ceiling + noise * runs_rng.normal(size=(runs, 1)) + noise * lives_rng.normal(size=(runs, lives))
    start, end = start + noise * runs_rng.normal(size=start.shape), end + noise * runs_rng.normal(size=end.shape)
    ages = np.arange(BIRTH_STEPS, lifetimes[-1] + 1, BIN_STEPS)
    learned = 1.0 - np.exp(-(ages - BIRTH_STEPS) / learn_age) if learn_age else np.where(ages > BIRTH_STEPS, 1.0, 0.0)
    running = start[..., None] + learned * (end - start)[..., None]
    running = running + 0.5 * noise * runs_rng.normal(size=running.shape)
    return ArmLives(
        arm=arm,
        birth=start,
        running=running,
        ages=ages,
        ceiling=running[..., ages > 0.75 * lifetimes[-1]].mean(axis=-1),
        totals=np.stack([running[..., ages <= lifetime].mean(axis=-1) for lifetime in lifetimes], axis=-1),
        lifetimes=tuple(lifetimes),
        deaths=runs_rng.poisson(3.0, size=start.shape).astype(float),
    )


def contrast(arm, against, metric):
    """A primary contrast, as the config has it."""
    return SimpleNamespace(arm=arm, against=against, metric=metric)


def contrasts(arm, against, metrics):
    """Secondary contrasts, as the config has them."""
    return SimpleNamespace(arm=arm, against=against, metrics=tuple(metrics))


def study_rules(**different):
    """What a verdict reads of a study config."""
    rules = {
        "seed": 7,
        "runs": 4,
        "level": 0.05,
        "resamples": 200,
        "catch_up_share": 1.0,
        "threshold": SimpleNamespace(share=0.9, of="best"),
        "convergence": SimpleNamespace(tolerance=0.02, double_budget=False),
        "margins": {"birth": 0.05, "catch_up": 500.0, "threshold": 500.0, "ceiling": 0.05, "gain": 0.05, "total": 0.05},
        "secondary": (),
    }
    return SimpleNamespace(**{**rules, **different})
