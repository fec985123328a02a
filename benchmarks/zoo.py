"""Evolve the newborns that come with evolearn, and write them to `zoo/`, with a table of what they are.

    python -m benchmarks.zoo [NAME ...] [--workers N]

Each is the first run of an arm of a shipped study, or the run of a shipped config, bit for bit: see `BRED`. What is not
named stays as it is. Its scores are of validation lives that no run and no study uses.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import deque
from pathlib import Path
from typing import NamedTuple

import evolearn
from evolearn.config import STUDIES, RunConfig, find_config, read_config
from evolearn.files import json_text, write_whole
from evolearn.life import OwnDrivers
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import ARMS, DNA, ZOO, live_births, ready_arm, setup_of, write_dna
from evolearn.study import read_study
from evolearn.study.plan import evolution_config

GENERATION = 700  # of the validation key space, which nobody else uses: see `evolearn.api.lived`
LIVES = 256
PLACE = Path(__file__).parent.parent / "zoo"


class Bred(NamedTuple):
    """Where a newborn comes from."""

    doc: str
    config: str  # of a run, or of a study where an arm is named
    condition: str = ""
    arm: str = ""
    run: int = 0

    @property
    def evolved_by(self) -> str:
        """For people."""
        return f"{self.config}, {self.condition}, {self.arm}, run {self.run}" if self.arm else self.config

    def settings(self) -> RunConfig:
        """The config of the run that makes it."""
        if not self.arm:
            return read_config(find_config(self.config), [])
        study = read_study(find_config(self.config, STUDIES), [])
        (condition,) = [one for one in study.conditions if one.name == self.condition]
        return evolution_config(study, condition, self.arm, self.run, {})


BRED = {
    "foal": Bred("runs behind its mother minutes after birth, in a body that is the same in every life",
                 "zebra", "alpha 0", "evolved"),
    "foal-70": Bred("half able at birth, half to be learned: its muscles are turned by 70 degrees in random planes",
                    "dial", "alpha 70", "evolved"),
    "blank-foal": Bred("a tuned blank slate: weights drawn anew in every life, and only how to learn evolved",
                       "zebra", "alpha 0", "tuned_blank"),
    "bandit-player": Bred("remembers which arm paid, in a GRU of 8 units whose weights never change",
                          "replicate/bandit-memory", "no flips", "memory"),
    "navigator": Bred("finds a goal that is elsewhere in every life, by how the distance to it changes", "navigation"),
    "balancer": Bred("balances Gymnasium's CartPole-v1", "gymnasium-cartpole"),
}  # fmt: skip


def breed(name: str, bred: Bred, drivers: OwnDrivers, workers: int | None) -> dict[str, object]:
    """Evolve a newborn, write its DNA, and say what it is."""
    (last,) = deque(evolearn.evolve(bred.settings(), workers=workers), maxlen=1)
    dna = dataclasses.replace(last.dna.record, path=PLACE / f"{name}.safetensors")
    write_dna(dna)
    return {"doc": bred.doc, "evolved_by": bred.evolved_by, **_scores(dna, drivers), "sha256": dna.sha256}


def _scores(dna: DNA, drivers: OwnDrivers) -> dict[str, float]:
    """Birth scores of the newborn and of random actions, in the same lives."""
    setup = setup_of(dna)
    keys = life_keys(setup.config.seed, VALIDATION, GENERATION, LIVES)
    found = {}
    for name, part in (("birth", "evolved"), ("random", "random")):
        arm = ready_arm(part, ARMS[part], dna.pool, dna.genome, dna.config.learner)
        births = live_births(setup, setup.driver(drivers), arm, keys, setup.config.evaluation.birth_steps)
        found[name] = round(float(births.score.mean()), 4)
    return found


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description="Evolve the newborns that come with evolearn.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BRED)}; all if none")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(BRED):
        parser.error(f"NAME={unknown.pop()}: must be one of {', '.join(BRED)}")
    PLACE.mkdir(exist_ok=True)
    table = PLACE / ZOO
    rows = json.loads(table.read_text())["newborns"] if table.exists() else {}
    drivers = OwnDrivers(asked.workers)
    try:
        for name in asked.names or BRED:
            rows[name] = breed(name, BRED[name], drivers, asked.workers)
            print(f"{name}:", *(f"{key} {value}" for key, value in rows[name].items()), sep="; ", flush=True)
    finally:
        drivers.close()
    newborns = {name: rows[name] for name in BRED if name in rows}
    write_whole(table, (json_text({"newborns": newborns}, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
