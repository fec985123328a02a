"""Trunks: how a brain gets from observations to what its heads read."""
