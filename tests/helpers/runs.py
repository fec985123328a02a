"""Shared by tests: Watcher, digests, toy, and a toy of every kind of run."""

from pathlib import Path

from evolearn.run import Generation, open_run
from evolearn.search.options import OPTIONS
from tests.helpers.training import CLONING, WEIGHTS_ONLY

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


def toy_with(algorithm: str, search: dict | None = None, **more) -> dict:
    """A toy with other settings of its search."""
    content = toy(algorithm, **more)
    content["search"] |= search or {}
    return content


REMEMBERS = {
    "trunk": "gru",
    "hidden": [3],
    "inputs": ["observation", "last_observation", "last_action", "last_reward", "new_episode"],
    "memory": "life",
}
VALUED = {
    "value": {"hidden": [3], "uses": ["potential", "acting"]},
    "brain": {"hidden": [4], "prediction": True},
}
_WANTED = {
    "generic": ["surprise", "progress", "empowerment"],
    "weights": {"fitness": 1, "surprise": 0.2, "progress": 0.3, "empowerment": 0.1},
}
# All that a prediction head is read by: drives, value in acting, imagined steps; it begins at nothing in every life.
FORESEES = {
    "brain": {"hidden": [4], "prediction": True},
    "learner": {"name": "q_learning", "window": 1, "imagined": 2, "remembered": 20},
    "drives": _WANTED,
    "value": {"uses": ["potential", "acting"]},
    "genome": {"prediction": "learned"},
}
# And by a critic that does so too; predictions shape the trunk.
EXPECTS = {
    "brain": {"hidden": [4], "prediction": True},
    "learner": {"window": 8, "auxiliary": True},
    "drives": _WANTED,
    "value": {"uses": ["acting"], "read": "learned"},
    "genome": {"prediction": "learned", "critic": "learned"},
}
TAUGHT = {
    "learner": {"name": "rewarded_imitation", "window": 8},
    "teacher": {"source": "oracle", "mode": "watched"},
}
LINEAGE = {
    **TAUGHT,
    "teacher": {"source": "parent", "mode": "watched"},
    "lineage": {"generations": 3, "siblings": 2, "inherit": "shrunk"},
}
RULES = {"name": "rewarded_hebbian_connections", "window": 3}
_LAMARCKIAN = {"inheritance": "lamarckian"}
_RIVALS = {
    "world": {"name": "pursuit"},
    "brain": {"hidden": [8]},
    "learner": {"learn_until": 0},
    "opponent": {
        "world": "pursuit-predator",
        "against": "archive",
        "archive": 2,
        "scripted": 0.5,
        "brain": {"hidden": [8]},
        "learner": {"window": 8},
        "search": {"algorithm": "pgpe", "population": 6, "lives": 3},
    },
}
# A toy of every kind of run that keeps another state, or comes by it in another way.
KINDS: dict[str, dict] = {
    **{algorithm: toy(algorithm) for algorithm in OPTIONS},
    "separable": toy_with("cmaes", {"options": {"separable": True}}),
    "no crossover": toy_with("genetic", {"options": {"cross_over": "none"}}),
    "lamarckian": toy("genetic", genome=_LAMARCKIAN),
    "lamarckian, no crossover": toy_with("genetic", {"options": {"cross_over": "none"}}, genome=_LAMARCKIAN),
    "lamarckian, not elitist": toy_with("genetic", {"options": {"elitist": False}}, genome=_LAMARCKIAN),
    "blockwise pgpe": toy_with("pgpe", {"sampling": "blockwise"}),
    "blockwise snes": toy_with("snes", {"sampling": "blockwise"}),
    "blockwise cem": toy_with("cem", {"sampling": "blockwise"}),
    "told, for life": toy("pgpe", brain=REMEMBERS),
    "innate value": toy("pgpe", **VALUED),
    "foreseeing": toy("pgpe", **FORESEES),
    "expecting": toy("snes", **EXPECTS),
    "taught": toy("pgpe", **TAUGHT),
    "lineage": toy("pgpe", **LINEAGE),
    "rules of connections": toy("pgpe", learner=RULES),
    "rules of connections, blockwise": toy_with("snes", {"sampling": "blockwise"}, learner=RULES),
    "code": toy("snes", genome={"encoding": "subspace", "code": {"genes": 5, "bits": 4}, "critic": "learned"}),
    "reptile": toy("reptile", genome=WEIGHTS_ONLY),
    "clone": toy_with("clone", {"options": {**CLONING, "lessons": "ask"}}, genome=WEIGHTS_ONLY),
    "clone through a code": toy_with(
        "clone",
        {"options": {**CLONING, "lessons": "ask"}},
        genome={
            **WEIGHTS_ONLY,
            "encoding": "neuron_codes",
            "code": {"numbers": 1, "units": 1, "bits": 6},
            "critic": "learned",
        },
    ),
    "rivals": toy("snes", **_RIVALS),
    "several rivals": toy("snes", **{**_RIVALS, "opponent": {**_RIVALS["opponent"], "populations": 2}}),
    "maml": toy_with("maml", {"lives": 5}, genome=WEIGHTS_ONLY, learner={"window": 8, "optimiser": "sgd"}),
}


class Watcher:
    """A display that remembers, and can stop a run as a user would."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.rows: list[Generation] = []
        self.arms: list[str] = []
        self.warnings: list[str] = []
        self.chosen: list[tuple[str, int, int]] = []
        self.stop_after = stop_after

    def preparing(self, what) -> None:
        self.prepared = what

    def estimated(self, estimate) -> None:
        self.estimate = estimate

    def starting(self, setup, directory, first) -> None:
        self.first = first

    def warning(self, text) -> None:
        self.warnings.append(text)

    def made(self, generation) -> None:
        self.rows.append(generation)
        if generation.generation == self.stop_after:
            raise KeyboardInterrupt

    def choosing(self, what, number, of) -> None:
        self.chosen.append((what, number, of))

    def judging(self, arm, number, of) -> None:
        self.arms.append(arm)

    def finished(self, setup, directory, result) -> None:
        self.result = result


def digests(path: Path) -> list[str]:
    return [row["fitness_sha256"] for row in open_run(path).rows()]
