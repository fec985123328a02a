# ruff: noqa: E402  # portable mode is entered before anything else is imported
"""A process that prints hashes of all that it computes, as JSON; with `portable` as argument, in portable mode.

Arguments: `portable` or `native`; `worlds`, or `functions`, which takes a tenth of the time; a folder for run
directories; and optionally the name of a processor that Numba is to believe this host to have.
"""

import sys

import llvmlite.binding

from evolearn.numerics import portable
from tests.helpers.places import HELPERS

PORTABLE = sys.argv[1] == "portable"
if PORTABLE:
    portable.enter()
WORLDS = sys.argv[2] == "worlds"
if len(sys.argv) > 4:
    llvmlite.binding.get_host_cpu_name = lambda: sys.argv[4]

import dataclasses
import hashlib
import json
import math
from pathlib import Path

import numba
import numpy as np

from evolearn.numerics import compiled

CHAOTIC = f"{HELPERS / 'chaotic_world.py'}:chaotic"
DRIVES = {"savannah": ("change", "surprise"), "cart-pole": ("effort",), CHAOTIC: ("effort", "change", "surprise")}


class Silent:
    """A display that shows nothing."""

    def __getattr__(self, name):
        return lambda *about: None


def config(world: str) -> dict:
    generic = DRIVES[world]
    return {
        "seed": 3,
        "portable": PORTABLE,
        "world": {"name": world},
        "brain": {"hidden": [12]},
        "drives": {"generic": generic, "weights": {"fitness": 1.0, **dict.fromkeys(generic, 0.05)}},
        "learner": {"plasticity": {"learning_rate": 0.003}, "epochs": 2},
        "search": {"generations": 2, "population": 6, "lives": 2, "selection_lifetime": 800},
        "evaluation": {"lives": 4, "lifetimes": [800], "birth_steps": 400},
    }


def sha(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def of_a_run(world: str, folder: Path) -> list[str]:
    from evolearn.config import check_config
    from evolearn.life import OwnDrivers
    from evolearn.run import start_run

    start_run(check_config(config(world), "digests"), "digests", folder, OwnDrivers(1), Silent())
    rows = [json.loads(line) for line in (folder / "generations.jsonl").read_text().splitlines()]
    return [row["fitness_sha256"] for row in rows]


def of_lives(world: str) -> list[str]:
    from evolearn.config import check_config
    from evolearn.genome import decode
    from evolearn.life import new_driver
    from evolearn.life.evaluation import live_each
    from evolearn.rng import SELECTION, life_keys
    from evolearn.run import assemble

    setup = assemble(check_config(config(world), "digests"))
    genomes = setup.pool.centre + setup.pool.spread * np.random.default_rng(0).standard_normal((6, setup.pool.size))
    plan = dataclasses.replace(setup.selection, final_weights=True)
    driver = new_driver(setup.conditions, 1)
    keys = life_keys(1, SELECTION, 0, 2)
    outcome = live_each(driver, setup.conditions, setup.pool, genomes.astype(np.float32), keys, plan)
    driver.close()
    wide = decode(setup.pool, (3.0 * genomes).astype(np.float32))
    decoded = [array for array in wide if isinstance(array, np.ndarray)]
    return [sha(outcome.fitness), sha(outcome.drives), sha(outcome.final_weights), sha(*decoded)]


@compiled
def every_kind(values, results):
    for i in range(values.size):
        x = values[i]
        single = np.float32(x)
        results[i] = math.sin(x) + np.tanh(single) + np.power(single * single, single) + math.log(0.3) * x
    total = np.float32(0.0)
    for i in range(values.size):
        single = np.float32(values[i])
        # A sum that the vector width reorders, and a root that fast-math would estimate.
        total += single * np.float32(1.0) / np.sqrt(np.float32(1.0) + single * single)
    results[0] = total


def of_functions() -> str:
    values = np.random.default_rng(1).uniform(-20.0, 20.0, 5000)
    results = np.empty_like(values)
    every_kind(values, results)
    return sha(results)


def of_machine_code() -> str:
    """Hash of the instructions, without the addresses and names in them, which differ from process to process."""
    return hashlib.sha256(" ".join(instructions()).encode()).hexdigest()


def estimates() -> list[str]:
    """Instructions whose results Intel and AMD define differently; fast-math flags invite them where 1 / sqrt(x) is."""
    return [name for name in instructions() if "rsqrt" in name or "rcp" in name]


def instructions() -> list[str]:
    (code,) = every_kind.inspect_asm().values()
    lines = [line for line in code.splitlines() if line.startswith("\t") and not line.startswith("\t.")]
    return [line.split()[0] for line in lines]


def of_libm() -> str:
    values = np.random.default_rng(1).uniform(0.1, 20.0, 20000).tolist()
    names = ("sin", "cos", "exp", "log", "atan", "tan")
    return sha(np.array([[getattr(math, name)(value) for value in values] for name in names]))


def main() -> None:
    folder = Path(sys.argv[3])
    found = {"libm": of_libm(), "functions": of_functions(), "target": numba.config.CPU_NAME}
    found |= {"code": of_machine_code(), "estimates": estimates()}
    for place, world in enumerate(DRIVES if WORLDS else ()):
        found[Path(world).name] = {"run": of_a_run(world, folder / str(place)), "lives": of_lives(world)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
