"""Shared by tests: WEIGHTS_ONLY."""

WEIGHTS_ONLY = {"drives": {"mode": "fixed"}, "plasticity": {"mode": "fixed"}}
