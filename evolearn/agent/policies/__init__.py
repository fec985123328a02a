"""Policies: how an action is drawn from an output row."""
