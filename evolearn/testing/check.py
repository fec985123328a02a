"""Does a world keep its contract? `gymnasium.utils.env_checker` for worlds, and more.

Lives are lived in processes of their own (`evolearn.testing._process`): compiled; compiled with other hashes and in
reverse order; and in plain Python, which knows the line at fault. What they find is put together here.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.config import RunConfig, check_config
from evolearn.life import life_fitness, new_driver
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import assemble, live_arm
from evolearn.testing._process import Answer, Task, compare_digests
from evolearn.testing._whole_lives import actor
from evolearn.testing.findings import Findings, Report, place_of
from evolearn.world import Declaration, World, WorldError

HANG_SECONDS = 10.0
WHO = ("random", "oracle", "blank")
_PROGRAM = "import sys; from evolearn.testing._process import main; main(*sys.argv[1:])"
_SPOIL = ("runs", "written", "nothing hidden", "ends")
_DOC_SAYS = {"fixed": "what is fixed", "redrawn": "what is redrawn", "fitness": "what fitness is"}


def check_world(
    world: Declaration, parameters: Mapping[str, float] | None = None, *, hang_seconds: float = HANG_SECONDS
) -> tuple[str, ...]:
    """Check that a world keeps its contract; for its test.

    Lives are lived in processes of their own: compiled, uncompiled, and again with other hashes. A few seconds.

    Args:
        world: at the top level of a module, so that other processes find it.
        parameters: values that differ from the defaults.
        hang_seconds: a call for so long does not come back.
    Returns:
        Notes: worth knowing, and no failures.
    Raises:
        WorldError: all that is wrong; for each failure what was expected, what came, and where to look.
        ValueError: the parameters do not fit.
    """
    report = inspect_world(config_of(world, parameters or {}), hang_seconds)
    if report.failures:
        raise WorldError(str(report))
    return report.notes


def life_scores(
    world: Declaration,
    who: str,
    parameters: Mapping[str, float] | None = None,
    *,
    lifetime: int = 2000,
    lives: int = 32,
) -> npt.NDArray[np.float64]:
    """Fitness of some lives by the world's rule, for tests.

    Args:
        world: where.
        who: "random", for uniform actions, "oracle", or "blank", for a blank slate that learns.
        parameters: values that differ from the defaults.
        lifetime: world steps, >= 1.
        lives: how many, >= 1; the same ones whoever lives them.
    Returns:
        [lives].
    Raises:
        WorldError: the world is at fault, or has no oracle.
        ValueError: the parameters do not fit, or nobody is called so.
    """
    if who not in WHO:
        raise ValueError(f"who={who!r}: must be one of {', '.join(WHO)}")
    if who == "oracle" and (not isinstance(world, World) or world.oracle is None):
        raise WorldError(f"world {world.name}: has no oracle; give it one, or ask for another of {', '.join(WHO)}")
    setup = assemble(config_of(world, parameters or {}))
    keys = life_keys(setup.config.seed, VALIDATION, 0, lives)
    with contextlib.closing(new_driver(setup.conditions, 1, HANG_SECONDS)) as driver:
        arm = actor(setup, who)
        outcome = live_arm(setup, driver, arm, keys, lifetime, None)
    return life_fitness(outcome, world.fitness_rule, arm.plan(lifetime))


def config_of(world: Declaration, parameters: Mapping[str, float]) -> RunConfig:
    """A run in a world that is given as an object.

    Raises:
        WorldError: another process could not find it.
        ConfigError: the parameters do not fit.
    """
    part: dict[str, Any] = {"name": name_of(world), "parameters": dict(parameters)}
    return check_config({"world": part}, f"world {world.name}")


def name_of(world: Declaration) -> str:
    """The name by which another process finds a world.

    Raises:
        WorldError: it is at no module's top level.
    """
    if not isinstance(world, World):
        return str(getattr(world, "full_name", world.name))  # with its settings
    modules = [sys.modules.get(getattr(world.step, "py_func", world.step).__module__), *list(sys.modules.values())]
    for module in modules:
        for attribute, value in list(getattr(module, "__dict__", {}).items()):
            if value is world:
                assert module is not None
                file = getattr(module, "__file__", None)
                in_file = module.__name__ == "__main__" or module.__name__.startswith("evolearn_file_")
                return f"{file if in_file and file else module.__name__}:{attribute}"
    raise WorldError(
        f"world {world.name}: must be a name at the top level of a module, so that other processes find it; "
        "it is made inside a function: move it out"
    )


def inspect_world(
    config: RunConfig, hang_seconds: float = HANG_SECONDS, progress: Callable[[str], None] = lambda text: None
) -> Report:
    """Check the world of a run.

    Args:
        config: of a run there; its parameters, seed and selection lifetime are used.
        hang_seconds: a call of the world's for so long does not come back.
        progress: told what is being done.
    Raises:
        ConfigError: the config does not fit the world.
    """
    world = assemble(config).conditions.world
    findings = Findings()
    findings.looked_at("declaration")
    _check_declaration(world, findings)
    content = config.model_dump(mode="json")
    progress("living by hand, compiled" if isinstance(world, World) else "Gymnasium's checker, and lives")
    whole = _probe(world, Task(content, hang_seconds, whole=True), findings, hash_seed=1)
    taken = whole.taken if whole is not None and not _spoilt(whole.findings) else []
    answers = [whole]
    if isinstance(world, World):
        progress("living in plain Python")
        plain = _probe(world, Task(content, hang_seconds, whole=True, taken=taken), findings, 1, compiled=False)
        answers.insert(0, plain)  # its findings name the line
    for answer in answers:
        if answer is not None:
            findings.join(answer.findings)
    if whole is not None and whole.digests and not _spoilt(findings):
        progress("living in another process, in another order")
        again = _probe(world, Task(content, hang_seconds, whole=False), findings, hash_seed=2)
        if again is not None:
            findings.looked_at("same key, same life")
            _compare(world, whole, again, findings)
    return findings.report(world.name)


def _spoilt(findings: Findings) -> bool:
    """Whether lives differ for a reason that is known."""
    return any(check in _SPOIL for check, _ in findings.failures)


def _compare(world: Declaration, whole: Answer, again: Answer, findings: Findings) -> None:
    where = "with another PYTHONHASHSEED, in the reverse order"
    compare_digests(
        world, whole.digests, again.digests, findings, "same key, same life", "lived in another process", where
    )


def _check_declaration(world: Declaration, findings: Findings) -> None:
    """What the declaration itself could not refuse."""
    where = place_of(world.step) if isinstance(world, World) else world.name
    if world.actions.names and len(world.actions.names) != world.action_outputs:
        findings.fail(
            "declaration",
            "actions",
            "the actions have another number of names than there are actions",
            f"{world.action_outputs} names, or none",
            f"{len(world.actions.names)}: {', '.join(world.actions.names)}",
            where,
        )
    for kind in ("observations", "senses"):
        for signal in getattr(world, kind):
            if not signal.unit:
                findings.fail(
                    "declaration",
                    signal.name,
                    f"{kind}: {signal.name} has no unit",
                    'a unit, "1" for a pure number',
                    "unit=''",
                    where,
                )
    if isinstance(world, World):
        text = inspect.cleandoc(world.doc).lower()
        for word, meaning in _DOC_SAYS.items():
            if word not in text:
                findings.note(f"The description does not say {meaning} (no word of '{word}').")


def _probe(world: Declaration, task: Task, findings: Findings, hash_seed: int, compiled: bool = True) -> Answer | None:
    """Run a probe to its end; None if it died, which is a finding."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    environment.pop("NUMBA_DISABLE_JIT", None)
    if not compiled:
        environment["NUMBA_DISABLE_JIT"] = "1"
    with tempfile.TemporaryDirectory(prefix="evolearn-check-") as folder:
        job, answer = Path(folder) / "job", Path(folder) / "answer"
        job.write_bytes(pickle.dumps(task))
        command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(job), str(answer), str(os.getpid())]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        result: Answer | None = pickle.loads(answer.read_bytes()) if answer.exists() else None
    if result is None or done.returncode:
        _died(world, done, compiled, findings)
    return result


def _died(world: Declaration, done: subprocess.CompletedProcess[str], compiled: bool, findings: Findings) -> None:
    end = "\n".join(done.stderr.strip().splitlines()[-4:]) or "without a word"
    findings.fail(
        "runs",
        "process",
        f"the process that lives in it {'compiled' if compiled else 'uncompiled'} dies",
        "a world that leaves its process alone",
        f"exit code {done.returncode}: {end}",
        place_of(world.step) if isinstance(world, World) else world.name,
    )
