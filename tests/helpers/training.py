"""Shared by tests: WEIGHTS_ONLY, CLONING."""

WEIGHTS_ONLY = {"drives": {"mode": "fixed"}, "plasticity": {"mode": "fixed"}}
CLONING = {"teacher": "oracle", "privileged": True}  # options of a search that clones the world's oracle
