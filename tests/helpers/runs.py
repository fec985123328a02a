"""Shared by tests: Watcher, digests, toy."""

from pathlib import Path

from evolearn.run import (
    Generation,
    open_run,
)

GENERATIONS = 4


def toy(algorithm: str = "pgpe", **more) -> dict:
    return {
        "seed": 5,
        "world": {"name": "cart-pole"},
        "brain": {"hidden": [4]},
        "learner": {"window": 8},
        "search": {
            "algorithm": algorithm,
            "population": 8,
            "generations": GENERATIONS,
            "lives": 2,
            "selection_lifetime": 60,
        },
        "evaluation": {"lives": 4, "lifetimes": [400], "birth_steps": 200, "bin_steps": 100},
        **more,
    }


class Watcher:
    """A display that remembers, and can stop a run as a user would."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.rows: list[Generation] = []
        self.arms: list[str] = []
        self.warnings: list[str] = []
        self.stop_after = stop_after

    def starting(self, setup, directory, first) -> None:
        self.first = first

    def warning(self, text) -> None:
        self.warnings.append(text)

    def made(self, generation) -> None:
        self.rows.append(generation)
        if generation.generation == self.stop_after:
            raise KeyboardInterrupt

    def judging(self, arm, number, of) -> None:
        self.arms.append(arm)

    def finished(self, setup, directory, result) -> None:
        self.result = result


def digests(path: Path) -> list[str]:
    return [row["fitness_sha256"] for row in open_run(path).rows()]
