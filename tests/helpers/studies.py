"""Shared by tests: toy_study, TOY, is_own_experiment."""

import copy
import re
from pathlib import Path
from typing import Any

from evolearn.config import override
from evolearn.study import StudyConfig
from evolearn.study.config import check_study

TOY: dict[str, Any] = {
    "seed": 3,
    "runs": 2,
    "run": {
        "world": {"name": "cart-pole"},
        "brain": {"hidden": [4]},
        "learner": {"window": 10, "plasticity": {"learning_rate": 0.01}},
        "drives": {"weights": {"fitness": 1.0, "uprightness": 0.3}},
        "search": {"population": 4, "generations": 2, "lives": 2, "selection_lifetime": 40},
        "evaluation": {"lives": 3, "lifetimes": [80, 160], "birth_steps": 40, "bin_steps": 20},
    },
    "conditions": [{"name": "as it is"}],
    "arms": ["random", "tuned_blank", "evolved", "oracle"],
    "primary": {"arm": "evolved", "against": "tuned_blank", "metric": "catch_up"},
    "margins": {"catch_up": 100},
    "resamples": 100,
    "replay": {"steps": 20},
}


def toy_study(*overrides: str, **fields: Any) -> StudyConfig:
    """A study of seconds; overrides as on the command line, then whole fields."""
    return check_study({**override(copy.deepcopy(TOY), overrides), **fields}, "toy")


def is_own_experiment(path: Path) -> bool:
    """`is_experiment` for shipped configs, by their text: while tests are collected, reading YAML takes seconds."""
    return re.search("^experiment:", path.read_text(encoding="utf-8"), re.MULTILINE) is not None
