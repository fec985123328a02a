"""A made-up study directory with every file that a report reads, for tests of the page."""

import json

import numpy as np
import yaml

ARMS = {  # origin, learns, birth score, ceiling, learning age in steps at predictability 1
    "random": ("none", False, 0.18, 0.18, 1.0),
    "blank": ("none", True, 0.18, 0.62, 9000.0),
    "tuned_learner": ("own", True, 0.19, 0.80, 6000.0),
    "tuned_blank": ("own", True, 0.20, 0.93, 3000.0),
    "instinct": ("own", False, 0.97, 0.97, 1.0),
    "evolved": ("own", True, 0.95, 0.98, 2000.0),
    "evolved_frozen": ("evolved", False, 0.95, 0.95, 1.0),
    "shuffled": ("evolved", True, 0.22, 0.90, 3500.0),
}
METRICS = {
    "birth": ("score", False, False),
    "catch_up": ("world steps", True, True),
    "threshold": ("world steps", True, True),
    "ceiling": ("score", False, False),
    "gain": ("score", False, False),
    "total": ("score", False, False),
    "transfer_ratio": ("ratio", False, False),
}
DRIVES = ("fitness", "uprightness", "approach", "energy change", "bite", "fall", "effort")
PLASTICITY = {"learning_rate": 0.002, "discount": 0.97, "trace_decay": 0.9, "entropy_bonus": 0.003}
LIFETIMES = (1200, 6000, 20000)
AGES = [600 + 400 * place for place in range(49)]


def write_study(folder, verdict, replays=(), title="zebra"):
    """Write the files of a study into `folder`, which is made."""
    (folder / "replays").mkdir(parents=True)
    config = {"title": title, "seed": 0, "runs": verdict["study"]["runs"], "arms": list(verdict["arms"]),
              "run": {"search": {"algorithm": "pgpe", "population": 64, "generations": 30, "lives": 4,
                                 "selection_lifetime": 6000}, "brain": {"hidden": [24]}}}  # fmt: skip
    environment = {"time": "2026-01-01T00:00:00+00:00", "python": "3.11.2", "commit": "0123456789abcdef+",
                   "packages": {"evolearn": "0.1.0", "numpy": "2.4.6", "ray": None}, "cpu": "a <fast> one",
                   "cores": 2, "workers": 2, "platform": "Linux"}  # fmt: skip
    files = {"verdict.json": verdict, "environment.json": environment, "study.json": {"kind": "study", "format": 1}}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "study.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    for number, replay in enumerate(replays):
        (folder / "replays" / f"condition-{number}.json").write_text(json.dumps(replay))
    return folder


def made_up_verdict(
    conditions=("alpha 0", "alpha 45", "alpha 90"), arms=tuple(ARMS), runs=4, title="zebra", rename=None
):
    """A verdict.json with all that there is; `rename` maps arms to other names."""
    rename = rename or {}
    verdict = {
        "kind": "verdict", "format": 1,
        "study": {"title": title, "seed": 0, "runs": runs, "test_lives": 128, "config_sha256": "ab" * 32,
                  "exploratory": runs < 10, "level": 0.05, "resamples": 2000,
                  "extended": [{"runs_before": 3, "runs_after": runs, "arms_added": [], "verdict_seen": True}]},
        "key_spaces": {space: {"keys": 512, "sha256": "cd" * 32} for space in ("selection", "validation", "test")}
        | {"disjoint": True},
        "birth_steps": 600, "lifetimes": list(LIFETIMES),
        "metrics": {name: {"doc": f"what {name} is", "unit": unit, "lower_is_better": low, "censored": censored}
                    for name, (unit, low, censored) in METRICS.items()},
        "arms": {rename.get(arm, arm): _arm_about(arm) for arm in arms},
        "conditions": [_condition(name, place / max(len(conditions) - 1, 1), arms, runs, rename)
                       for place, name in enumerate(conditions)],
        "ledger": _ledger(conditions, [rename.get(arm, arm) for arm in arms], runs),
    }  # fmt: skip
    return json.loads(json.dumps(verdict))


def _arm_about(arm):
    origin, learns = ARMS[arm][:2]
    return {"doc": f"what {arm} inherits", "origin": origin, "weights": "inherited", "drives": "inherited",
            "plasticity": "evolved", "learns": learns, "actions": "brain"}  # fmt: skip


def _ledger(conditions, arms, runs):
    row = {"outer": 46_080_000, "inner": 0, "tuning": 1_536_000, "evaluation": 10_240_000, "runs": runs}
    table = {
        name: {arm: dict(row, inner=9_000_000 * (place % 2)) for place, arm in enumerate(arms)} for name in conditions
    }
    total = sum(sum(entry.values()) - entry["runs"] for arms in table.values() for entry in arms.values())
    columns = {"outer": "steps of selection lives", "inner": "steps of gradient training", "tuning": "validation lives",
               "evaluation": "test lives", "runs": "evolution runs"}  # fmt: skip
    return {"conditions": table, "total": total, "columns": columns}


def _condition(name, unpredictable, arms, runs, rename):
    rng = np.random.default_rng(int(unpredictable * 100))
    entries = {rename.get(arm, arm): _arm(arm, unpredictable, runs, rng) for arm in arms}
    own = [rename.get(arm, arm) for arm in ("evolved", "tuned_blank", "blank", "instinct")]
    evolved, tuned, blank, instinct = own
    never = 0.95 * (1 - unpredictable) > 0.9
    return {
        "name": name, "world": "savannah", "parameters": {"alpha": 90.0 * unpredictable}, "selection_lifetime": 6000,
        "evolved_in": None, "remarks": ["Four runs are exploratory: ten or more make a claim.",
                                        "evolved: the search had not converged."],
        "sentence": f"evolved is better than tuned_blank in catch-up time in {name}: 600 against 9,400 steps, from 4 "
                    "against 4 runs, selected on lives of 6,000 steps; brains are memoryless.",
        "floor": 0.18, "target": 0.95 - 0.7 * unpredictable, "catch_up_level": 0.95 - 0.7 * unpredictable,
        "threshold_level": 0.85, "top": 1.0, "arms": entries,
        "primary": _contrast(evolved, tuned, "catch_up", runs, "better" if never else "inconclusive"),
        "secondary": [_contrast(evolved, other, metric, runs, verdict, holm=True)
                      for other in (tuned, blank, instinct)
                      for metric, verdict in (("birth", "better"), ("ceiling", "equivalent"), ("total", "worse"))],
        "by_lifetime": [{"lifetime": lifetime, "arm": evolved, "against": other, "equivalence_p": 0.01,
                         "difference": {"iqm": 0.5 - 0.2 * place - 0.3 * unpredictable, "low": -0.1, "high": 0.6},
                         "verdict": ("better", "inconclusive", "equivalent")[place]}
                        for other in (tuned, instinct) for place, lifetime in enumerate(LIFETIMES)],
        "catch_up_by_lifetime": [{"lifetime": lifetime, "arms": {arm: _cut_off(entry, lifetime, runs)
                                                                 for arm, entry in entries.items()}}
                                 for lifetime in LIFETIMES],
        "factorial": {"metric": "total"} | {effect: {"estimate": size, "low": size - 0.1, "high": size + 0.1, "p": 0.03}
                      for effect, size in (("weights", 0.4 - unpredictable / 3), ("drives", 0.1), ("interaction", -0.05))},
        "break_even": [{"arm": evolved, "against": blank, "descendants": 2600 if never else None,
                        "bound": "exact" if never else "never", "evolution_steps": 46_080_000,
                        "steps_each": 600 if never else 20_000, "steps_each_against": 18_000,
                        "formula": "N* = evolution_steps / (steps_each_against - steps_each)",
                        "sentence": "evolved pays for itself against blank after 2,600 descendants."}],
        "doubled": [_contrast(evolved, evolved, "total", runs, "equivalent") | {"sentence": "Twice the budget: no change."}],
    }  # fmt: skip


def _cut_off(entry, lifetime, runs):
    times = [min(run["catch_up"] or 10**9, lifetime) for run in entry["runs"]]
    censored = sum(time == lifetime for time in times)
    return {"iqm": float(np.median(times)), "low": min(times), "high": max(times), "censored": censored, "runs": runs}


def _contrast(arm, against, metric, runs, verdict, holm=False):
    withheld = None if runs > 3 else "too few runs for a test at .05"
    contrast = {
        "arm": arm, "against": against, "metric": metric, "verdict": verdict, "p": None if withheld else 0.0286,
        "withheld": withheld, "test": "permutation of run means, exact, 70 partitions",
        "difference": {"iqm": -8800.0 if metric == "catch_up" else 0.41, "low": -0.1, "high": 0.6},
        "improvement": {"probability": 0.9, "low": 0.6, "high": 1.0}, "margin": 0.05, "equivalence_p": 0.2,
        "smallest_margin": 0.08, "runs": [runs, runs], "censored": [0, runs],
        "sentence": f"{arm} is {verdict} than {against} in {metric}.",
    }  # fmt: skip
    return contrast | ({"p_holm": 0.0571} if holm else {})


def _arm(arm, unpredictable, runs, rng):
    origin, learns, birth, ceiling, age = ARMS[arm]
    birth = 0.18 + (birth - 0.18) * (1 - unpredictable)
    values = []
    for run in range(runs):
        start, end = birth + rng.normal(0, 0.02), max(ceiling, birth) + rng.normal(0, 0.01)
        caught = (
            600 if arm.startswith(("evolved", "instinct")) else None if not learns else float(2 * age + 600 + 90 * run)
        )
        values.append({"run": run, "seed": 100 + run if origin == "own" else None, "birth": start, "catch_up": caught,
                       "threshold": caught, "ceiling": end, "gain": end - start, "total": (start + end) / 2,
                       "totals": [start, (start + end) / 2, end], "deaths": 2.0})  # fmt: skip
    rise = [birth + (max(ceiling, birth) - birth) * (1 - np.exp(-(x - 600) / age)) for x in AGES]
    return {
        "runs": values,
        "metrics": {metric: _summary([run[metric] for run in values]) for metric in METRICS if metric in values[0]},
        "totals": [{"lifetime": lifetime, "iqm": 0.5, "low": 0.4, "high": 0.6} for lifetime in LIFETIMES],
        "curve": {"age": AGES, "score": rise, "low": [y - 0.03 for y in rise], "high": [y + 0.03 for y in rise]},
        "evolution": _evolution(runs, rng, ceiling) if origin == "own" else None,
        "dna": [{"run": run, "drives": {name: rng.normal() for name in DRIVES},
                 "plasticity": {name: value * np.exp(rng.normal(0, 0.05)) for name, value in PLASTICITY.items()}}
                for run in range(runs)] if arm in ("evolved", "tuned_blank") else None,
    }  # fmt: skip


def _evolution(runs, rng, ceiling):
    rises = [0.18 + (ceiling - 0.18) * (1 - np.exp(-np.arange(30) / 8)) + rng.normal(0, 0.01, 30) for _ in range(runs)]
    return {"converged": bool(ceiling > 0.9), "gain_last_quarter": 0.003,
            "runs": [{"run": run, "centre": rise.tolist(), "best": (rise + 0.05).tolist(), "stdev": [0.1] * 30}
                     for run, rise in enumerate(rises)]}  # fmt: skip


def _summary(values):
    reached = [20_000.0 if value is None else value for value in values]
    censored = sum(value is None for value in values)
    return {"iqm": float(np.median(reached)), "mean": float(np.mean(reached)), "low": min(reached), "high": max(reached),
            "runs": len(values), "censored": censored, "at_least": censored > 0}  # fmt: skip


def made_up_replay(condition="alpha 0", arms=("evolved", "tuned_blank"), frames=450, shapes=True):
    """A replay of two arms; without shapes, observations stand in for them."""
    return {"world": "savannah", "condition": condition, "life": "(seed 0, test, generation 0, life 0)",
            "step_stride": 2, "bounds": [-12.0, 12.0, -10.0, 10.0] if shapes else None,
            "arms": [_lived(arm, place, frames, shapes) for place, arm in enumerate(arms)]}  # fmt: skip


def _lived(arm, place, frames, shapes):
    times = np.arange(frames) / 40
    lived = {"arm": arm, "label": arm, "score": (0.5 + 0.5 * np.sin(times / (place + 1))).round(3).tolist(),
             "drives": {"fitness": np.cos(times).round(3).tolist(), "approach": np.sin(3 * times).round(3).tolist()},
             "ends": [frames // 3, 2 * frames // 3], "shapes": [], "frames": []}  # fmt: skip
    if not shapes:
        return lived | {"observations": {"tilt": np.sin(times).tolist(), "speed": np.cos(times).tolist()}}
    lived["shapes"] = [
        {"kind": "polygon", "role": "ground", "label": "meadow", "points": 4},
        {"kind": "circle", "role": "friend", "label": "mother"}, {"kind": "circle", "role": "self", "label": "foal"},
        {"kind": "line", "role": "self", "label": "heading"}, {"kind": "circle", "role": "foe", "label": "predator"},
        {"kind": "text", "role": "mark", "label": "down"},
    ]  # fmt: skip
    for t in times:
        x, y = 3 * np.cos(t) + place, 3 * np.sin(t)
        numbers = [-11, -9, 11, -9, 11, 9, -11, 9, 0.3, 4 * np.cos(t / 2), 4 * np.sin(t / 2), 0.6, 1.0, x, y, 0.35, 1.0,
                   x, y, x + np.cos(3 * t), y + np.sin(3 * t), 1.0, 8 - t, 5, 0.5, float(t > 4), x, y + 1,
                   float(place)]  # fmt: skip
        lived["frames"].append([round(float(number), 3) for number in numbers])
    return lived
