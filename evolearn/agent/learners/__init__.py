"""Learners: how a window of life changes weights."""
