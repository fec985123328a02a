"""A made-up study directory with every file that a report reads, for tests of the page."""

import functools
import json

import numpy as np
import yaml

from evolearn.files import sealed, sha256_of
from evolearn.report.study.files import STUDY_FORMAT, VERDICT_FORMAT
from evolearn.study.bands import write_rounded
from tests.helpers.synthetic_lives import CONDITIONS, full_verdict


@functools.cache
def _verdict_text(conditions, runs, stuck):
    """As JSON: judging takes seconds, and every test gets a copy of its own."""
    spread = [place / max(conditions - 1, 1) for place in range(conditions)]
    names = CONDITIONS if conditions == 3 else {f"alpha {90 * share:.0f}": share for share in spread}
    return json.dumps(full_verdict(runs=runs, lives=4, conditions=names, stuck=stuck, resamples=100))


def made_up_verdict(conditions=3, runs=4, rename=None, stuck=()):
    """A verdict.json with all that there is, in some hostile spelling if asked.

    Args:
        conditions: how many.
        runs: per arm and condition.
        rename: from names (of arms, conditions, the title) to others.
        stuck: runs of `evolved` that stand still.
    """
    text = _verdict_text(conditions, runs, stuck)
    for name, other in (rename or {}).items():
        text = text.replace(json.dumps(name)[1:-1], json.dumps(other)[1:-1])
    verdict = json.loads(text)
    verdict["study"]["extended"] = [{"runs_before": 3, "runs_after": runs, "arms_added": [], "verdict_seen": True}]
    for condition in verdict["conditions"]:
        condition["doubled"] = [{**condition["primary"], "sentence": "Twice the budget changes nothing."}]
        effect = {"estimate": 0.3, "low": 0.2, "high": 0.4, "p": 0.03}
        condition["factorial"] = {"metric": "total", "weights": effect, "drives": effect, "interaction": effect}
    return verdict


def write_study(folder, verdict, replays=(), **different):
    """Write the files of a study into `folder`, which is made; `different` are fields of its config."""
    (folder / "replays").mkdir(parents=True)
    search = {"algorithm": "pgpe", "population": 64, "generations": 30, "lives": 4, "selection_lifetime": 6000}
    config = {
        "title": verdict["study"]["title"],
        "seed": 0,
        "runs": verdict["study"]["runs"],
        "run": {"search": search, "brain": {"hidden": [24]}, "learner": {"window": 20}},
        "arms": list(verdict["arms"]),
        "margins": {"catch_up": 500, "birth": 0.05},
        **different,
    }
    environment = {
        "time": "2026-01-01T00:00:00+00:00",
        "python": "3.11.2",
        "packages": {"evolearn": "0.1.0", "numpy": "2.4.6", "ray": None},
        "commit": "0123456789abcdef+",
        "cpu": "a <fast> one",
        "cores": 2,
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    (folder / "environment.json").write_text(json.dumps(environment))
    hashes = {
        "config_sha256": sha256_of(folder / "study.yaml"),
        "environment_sha256": sha256_of(folder / "environment.json"),
    }
    (folder / "study.json").write_text(json.dumps(sealed({"kind": "study", "format": STUDY_FORMAT, **hashes})))
    for number, replay in enumerate(replays):
        (folder / "replays" / f"condition-{number}.json").write_text(json.dumps(sealed(replay)))
    write_verdict(folder, verdict)
    return folder


def write_verdict(folder, verdict):
    """Write verdict.json as a study does: of the config and the replays that lie beside it, and sealed."""
    files = {f"replays/{path.name}": sha256_of(path) for path in sorted((folder / "replays").iterdir())}
    study = {**verdict["study"], "config_sha256": sha256_of(folder / "study.yaml")}
    content = sealed({**verdict, "format": VERDICT_FORMAT, "study": study, "files": files})
    (folder / "verdict.json").write_text(json.dumps(content))


def write_experiment(folder, config_text, replication, cpu="a fast one"):
    """Write the files of an experiment of its own into `folder`, which is there."""
    environment = {"time": "", "python": "", "packages": {}, "commit": None, "cpu": cpu}
    (folder / "experiment.yaml").write_text(config_text)
    (folder / "environment.json").write_text(json.dumps(environment))
    hashes = {
        "config_sha256": sha256_of(folder / "experiment.yaml"),
        "environment_sha256": sha256_of(folder / "environment.json"),
    }
    write_rounded(folder / "replication.json", {**replication, **hashes})


def made_up_replay(condition="alpha 0", arms=("evolved", "tuned_blank"), frames=450, shapes=True, phase=0):
    """A replay of two arms; without shapes, observations stand in for them; `phase` makes it another one."""
    return {
        "world": "savannah",
        "condition": condition,
        "life": "(seed 0, test, generation 0, life 0)",
        "step_stride": 2,
        "score": "mean fitness per step",
        "bounds": [-7.0, 7.0, -7.0, 7.0] if shapes else None,
        "arms": [_lived(arm, place, frames, shapes, phase) for place, arm in enumerate(arms)],
    }


def _lived(arm, place, frames, shapes, phase):
    times = phase + np.arange(frames) / 40
    lived = {
        "arm": arm,
        "label": arm,
        "score": (0.5 + 0.5 * np.sin(times / (place + 1))).round(3).tolist(),
        "drives": {
            "fitness": np.cos(times + place).round(3).tolist(),
            "approach": np.sin((3 + place) * times).round(3).tolist(),
        },
        "observations": {"tilt": np.sin(times).round(3).tolist(), "speed": np.cos(times + place).round(3).tolist()},
        "actions": {"action": (np.arange(frames) % 2).tolist()},
        "choices": ["rest", "run"],
        "senses": {"fitness": np.cos(times + place).round(3).tolist(), "approach": np.sin(3 * times).round(3).tolist()},
        "ends": [frames // 3, 2 * frames // 3],
        "lived": 2 * frames,
        "shapes": [],
        "frames": [],
    }
    if not shapes:
        return lived
    lived["shapes"] = [
        {"kind": "circle", "role": "ground", "label": "savannah"},
        {"kind": "circle", "role": "goal", "label": "fit inside"},
        {"kind": "polygon", "role": "friend", "label": "mother", "points": 3},
        {"kind": "circle", "role": "foe", "label": "predator"},
        {"kind": "circle", "role": "self", "label": "foal"},
        {"kind": "line", "role": "self", "label": "heading"},
    ]
    lived["frames"] = [[round(float(number), 3) for number in _drawn(t, place)] for t in times]
    return lived


def _drawn(t, place):
    x, y = 4 * np.cos(t / 2) + place, 4 * np.sin(t / 2)
    mother = (x - 1, y, x + 1, y, x, y + 1.4, 1.0)
    return (0, 0, 6.5, 0.2, 0, 0, 3, 1.0, *mother, 5 - t, 5, 0.5, float(t > 4), 0, 0, 0.4, 1.0, 0, 0, x / 4, y / 4, 1.0)
