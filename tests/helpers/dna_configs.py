"""Shared by tests: config."""

from evolearn.config import check_config


def config(**changes):
    content = {
        "seed": 3,
        "world": {"name": "cart-pole", "parameters": {"predictability": 0.5}},
        "brain": {"hidden": [4]},
        "drives": {"generic": ["novelty"], "weights": {"novelty": 0.1}},
        "search": {"generations": 7, "population": 6, "lives": 1, "selection_lifetime": 40},
        "evaluation": {"lives": 2, "lifetimes": [40], "birth_steps": 20, "bin_steps": 10},
    }
    return check_config(content | changes, "toy")
