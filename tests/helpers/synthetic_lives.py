"""Made-up test lives with known answers, for tests of statistics, verdicts and pages.

A life's running score rises from the run's birth score to its ceiling as 1 - exp(-age / learn_age). Runs differ in
birth and ceiling (standard deviation `noise`), lives in a run by twice that, windows by a little: what real studies do.
Life i of run r has the same luck in every arm (`luck`), as if it were the same world.
"""

import dataclasses
from types import SimpleNamespace

import numpy as np

from evolearn.verdict import METRICS, ArmLives, ConditionFacts, for_json, judge_condition

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
        "looks": (),
        "level": 0.05,
        "resamples": 200,
        "catch_up_share": 1.0,
        "threshold": SimpleNamespace(share=0.9, of="best"),
        "convergence": SimpleNamespace(tolerance=0.02, stuck_share=0.25, double_budget=False),
        "margins": {
            "head_start": 2000.0,
            "birth": 0.05,
            "catch_up": 500.0,
            "threshold": 500.0,
            "ceiling": 0.05,
            "gain": 0.05,
            "total": 0.05,
        },
        "secondary": (),
    }
    return SimpleNamespace(**{**rules, **different})


# origin, whether it learns, birth score and ceiling in a predictable and in an unpredictable body, learning age
ZOO = {
    "random": ("none", False, (0.18, 0.18), (0.18, 0.18), 1000.0),
    "blank": ("none", True, (0.18, 0.55), (0.18, 0.5), 9000.0),
    "tuned_learner": ("own", True, (0.19, 0.8), (0.18, 0.7), 6000.0),
    "tuned_blank": ("own", True, (0.2, 0.96), (0.2, 0.94), 3000.0),
    "instinct": ("own", False, (0.97, 0.97), (0.21, 0.21), 1000.0),
    "evolved": ("own", True, (0.94, 0.97), (0.24, 0.95), 2500.0),
    "evolved_frozen": ("evolved", False, (0.94, 0.94), (0.24, 0.24), 1000.0),
    "shuffled": ("evolved", True, (0.2, 0.9), (0.2, 0.9), 3500.0),
}
CONDITIONS = {"alpha 0": 0.0, "alpha 70": 0.7, "alpha 90": 1.0}  # share of the way to the unpredictable body


def zoo(unpredictable, runs, lives, seed, **how):
    """ArmLives of all arms of `ZOO` at one setting of the dial."""
    found = {}
    for place, (arm, (_, _, easy, hard, age)) in enumerate(ZOO.items()):
        birth, ceiling = (a + unpredictable * (b - a) for a, b in zip(easy, hard, strict=True))
        how_long = {"learn_age": age, "noise": 0.02, **how}
        found[arm] = synthetic(arm, runs, lives, birth, ceiling, seed=seed + place, luck=seed, **how_long)
    return found


def stand_still(lives, runs, score=0.4):
    """The same lives, but those of some runs score the same at every age."""
    chosen = np.isin(np.arange(lives.runs), runs)

    def still(values):
        return np.where(chosen.reshape(-1, *[1] * (values.ndim - 1)), score, values)

    parts = {name: still(getattr(lives, name)) for name in ("birth", "running", "ceiling", "totals")}
    return dataclasses.replace(lives, **parts)


def evolution_record(run, generations=16, ceiling=0.95, seed=0):
    """What a study knows of one evolution run."""
    rng = np.random.default_rng([3, seed, run])
    centre = ceiling - (ceiling - 0.15) * np.exp(-np.arange(generations) / 2) + 0.005 * rng.normal(size=generations)
    return {
        "run": run,
        "seed": 100 + run,
        "centre": centre.tolist(),
        "best": (centre + 0.03).tolist(),
        "stdev": np.linspace(0.3, 0.1, generations).tolist(),
        "drives": {"fitness": 1.0 + 0.1 * rng.normal(), "uprightness": 0.5, "approach to mother": 0.2},
        "plasticity": {"learning_rate": 0.002, "discount": 0.97, "trace_decay": 0.95, "entropy_bonus": 0.01},
    }


def full_verdict(runs=4, lives=8, conditions=None, primary="catch_up", stuck=(), **rules):
    """A complete verdict.json, with numbers as a real study has them: 3 conditions x 8 arms.

    Args:
        runs: R.
        lives: L.
        conditions: share of the way to the unpredictable body by name; None: `CONDITIONS`.
        primary: metric of the primary contrast.
        stuck: runs of `evolved` that stand still.
        rules: that differ from `study_rules`.
    """
    conditions = conditions or CONDITIONS
    compared = ("birth", "catch_up", "ceiling", "gain", "total", "transfer_ratio")
    secondary = (contrasts("evolved", "tuned_blank", compared), contrasts("evolved", "shuffled", compared))
    config = study_rules(**{"runs": runs, "secondary": secondary, **rules})
    first = contrast("evolved", "tuned_blank", primary)
    own = [arm for arm, about in ZOO.items() if about[0] == "own"]
    evolution = {arm: [evolution_record(run, seed=place) for run in range(runs)] for place, arm in enumerate(own)}
    for run in stuck:
        evolution["evolved"][run] = evolution_record(run, ceiling=0.4)
    judged = [
        judge_condition(
            config,
            ConditionFacts(
                name,
                "savannah",
                {"alpha": 90.0 * share},
                6000,
                None,
                evolutions=("evolved",),
                blank_slates=("blank", "tuned_learner", "tuned_blank"),
            ),
            first,
            _with_stuck(zoo(share, runs, lives, seed=50 * place), stuck),
            dict.fromkeys(own, 7_680_000),
            evolution,
            {"evolved_frozen": "evolved", "shuffled": "evolved"},
        )
        for place, (name, share) in enumerate(conditions.items())
    ]
    return {
        "kind": "verdict",
        "format": 2,
        "study": _study_record(config, lives),
        "key_spaces": {space: {"keys": 96, "sha256": "cd" * 32} for space in ("selection", "validation", "test")}
        | {"disjoint": True},
        "birth_steps": BIRTH_STEPS,
        "lifetimes": [1200, 6000, 20000],
        "metrics": for_json({name: dataclasses.asdict(metric) for name, metric in METRICS.items()}),
        "arms": {arm: _arm_about(arm) for arm in ZOO},
        "conditions": judged,
        "ledger": _ledger(conditions, own, runs),
    }


def _with_stuck(arms, stuck):
    return {arm: stand_still(of_arm, stuck) if arm.startswith("evolved") else of_arm for arm, of_arm in arms.items()}


def _study_record(config, lives):
    return {
        "title": "made-up lives",
        "seed": config.seed,
        "runs": config.runs,
        "test_lives": config.runs * lives,
        "looks": [{"runs": config.runs, "level": config.level}],
        "config_sha256": "ab" * 32,
        "exploratory": config.runs < 10,
        "level": config.level,
        "resamples": config.resamples,
        "extended": [],
    }


def _arm_about(arm):
    origin, learns, *_ = ZOO[arm]
    inherited = "inherited" if origin != "none" else "drawn afresh in each life"
    return {
        "doc": f"what {arm} is",
        "origin": origin,
        "weights": inherited,
        "drives": inherited,
        "plasticity": inherited,
        "learns": learns,
        "actions": "uniform" if arm == "random" else "brain",
    }


def _ledger(conditions, own, runs):
    costs = {
        "outer": 7_680_000 * runs,
        "inner": 0,
        "tuning": 320_000 * runs,
        "evaluation": 160_000 * runs,
        "runs": runs,
    }
    free = {**costs, "outer": 0, "tuning": 0}
    table = {name: {arm: costs if arm in own else free for arm in ZOO} for name in conditions}
    total = sum(sum(row.values()) - row["runs"] for arms in table.values() for row in arms.values())
    columns = {"outer": "selection lives", "inner": "gradient training", "tuning": "validation", "evaluation": "test"}
    return {"conditions": table, "total": total, "columns": columns}
