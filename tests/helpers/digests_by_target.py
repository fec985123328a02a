"""A process that prints hashes of what it computes, as JSON; started with another target of the compiler's each time.

Arguments: names of cases, of `CASES`, joined by commas; a folder for run directories; and optionally targets for which
everything that is compiled here is to be translated too, joined by commas, to look at the instructions.
"""

import dataclasses
import hashlib
import json
import math
import sys
from pathlib import Path

import llvmlite.binding as llvm
import numba
import numpy as np
from numba.core.codegen import JITCodeLibrary

from evolearn.config import check_config
from evolearn.genome import decode
from evolearn.life import OwnDrivers
from evolearn.life.evaluation import live_each
from evolearn.numerics import compiled
from evolearn.rng import SELECTION, life_keys
from evolearn.run import assemble, start_run
from tests.helpers.places import HELPERS

CHAOTIC = f"{HELPERS / 'chaotic_world.py'}:chaotic"
EVERYTHING = ("effort", "change", "linear_surprise")
CASES = {
    "cart-pole": {"world": {"name": "cart-pole"}, "drives": {"generic": ("effort",)}},
    "savannah": {"world": {"name": "savannah"}, "drives": {"generic": ("change", "linear_surprise")}},
    "chaotic": {"world": {"name": CHAOTIC}, "drives": {"generic": EVERYTHING}, "brain": {"hidden": [12]}},
    "q_learning": {"world": {"name": "cart-pole"}, "learner": {"name": "q_learning", "epochs": 1}},
    "rules": {
        "world": {"name": "cart-pole"},
        "learner": {"name": "rewarded_hebbian_connections", "epochs": 1, "plasticity": {"hidden1 rate": 0.05}},
    },
    "regression": {
        "world": {"name": "sinusoid"},
        "learner": {"name": "regression", "epochs": 1},
        "drives": {"weights": {"fitness": 0.0, "target": 1.0}},
        "genome": {"drives": {"mode": "fixed"}},
    },
}
QUICK = {"generations": 1, "population": 4, "lives": 1, "selection_lifetime": 200}


class Silent:
    """A display that shows nothing."""

    def __getattr__(self, name):
        return lambda *about: None


def config(case: str) -> object:
    wanted = CASES[case]
    drives = wanted.get("drives", {})
    generic = drives.get("generic", ())
    return check_config(
        {
            "seed": 3,
            "world": wanted["world"],
            "brain": wanted.get("brain", {"hidden": [12, 9]}),
            "drives": {
                "generic": generic,
                "weights": {"fitness": 1.0, **dict.fromkeys(generic, 0.05), **drives.get("weights", {})},
            },
            "learner": {"epochs": 2, "plasticity": {"learning_rate": 0.003}, **wanted.get("learner", {})},
            "genome": wanted.get("genome", {}),
            "search": QUICK,
            "evaluation": {"lives": 2, "lifetimes": [400], "birth_steps": 100, "bin_steps": 100},
        },
        "digests",
    )


def sha(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def of_a_run(case: str, folder: Path) -> list[str]:
    start_run(config(case), "digests", folder, OwnDrivers(1), Silent())
    rows = [json.loads(line) for line in (folder / "generations.jsonl").read_text().splitlines()]
    return [row["fitness_sha256"] for row in rows]


def of_lives(case: str) -> list[str]:
    setup = assemble(config(case))
    genomes = setup.pool.centre + setup.pool.spread * np.random.default_rng(0).standard_normal((3, setup.pool.size))
    plan = dataclasses.replace(setup.selection, final_weights=True)
    drivers = OwnDrivers(1)
    keys = life_keys(1, SELECTION, 0, 2)
    outcome = live_each(setup.driver(drivers), setup.conditions, setup.pool, genomes.astype(np.float32), keys, plan)
    drivers.close()
    wide = decode(setup.pool, (3.0 * genomes).astype(np.float32))
    decoded = [array for array in wide if isinstance(array, np.ndarray)]
    return [sha(outcome.fitness), sha(outcome.drives), sha(outcome.final_weights), sha(*decoded)]


@compiled
def every_kind(values, results):
    for i in range(values.size):
        x = values[i]
        results[0, i] = math.sin(x)
        results[1, i] = math.exp(x)
        results[2, i] = math.log(x)
        results[3, i] = math.tan(x)
        results[4, i] = math.atan(x)
        results[5, i] = math.pow(x, 0.3) + np.tanh(np.float32(x)) + math.log(0.3) * x


@numba.njit(fastmath=True)
def careless(values):
    """A sum that the vector width reorders, and a root that is estimated, unless the flags are taken off."""
    total = np.float32(0.0)
    for i in range(values.size):
        single = np.float32(values[i])
        total += single * np.float32(1.0) / np.sqrt(np.float32(1.0) + single * single)
    return total


def of_functions() -> str:
    values = np.random.default_rng(1).uniform(0.1, 20.0, 20000)
    results = np.empty((6, values.size))
    every_kind(values, results)
    return sha(results)


def of_a_careless_sum() -> float:
    return float(careless(np.random.default_rng(1).uniform(-20.0, 20.0, 20000)))


def of_libm() -> str:
    values = np.random.default_rng(1).uniform(0.1, 20.0, 20000).tolist()
    names = ("sin", "cos", "exp", "log", "atan", "tan")
    return sha(np.array([[getattr(math, name)(value) for value in values] for name in names]))


def keep_modules() -> list[str]:
    """A list that fills with the LLVM code of all that this process compiles, as it is handed to the code generator."""
    texts = []
    finalize = JITCodeLibrary._finalize_final_module

    def finalize_and_keep(library):
        texts.append(str(library._final_module))
        finalize(library)

    JITCodeLibrary._finalize_final_module = finalize_and_keep
    return texts


def assembly(text: str, processor: str) -> str:
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(cpu=processor, opt=3, reloc="static").emit_assembly(llvm.parse_assembly(text))


def main() -> None:
    cases, folder = [name for name in sys.argv[1].split(",") if name], Path(sys.argv[2])
    targets = sys.argv[3].split(",") if len(sys.argv) > 3 else []
    texts = keep_modules() if targets else []
    found = {"libm": of_libm(), "functions": of_functions(), "careless": of_a_careless_sum()}
    found |= {case: {"run": of_a_run(case, folder / case), "lives": of_lives(case)} for case in cases}
    if targets:
        found["modules"] = texts
        found["assembly"] = {name: [assembly(text, name) for text in texts] for name in targets}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
