"""The part of a check that lives lives: `main` is the whole of a program of its own.

A process of its own can be compiled or not, have other hashes, hang or die, and none of it touches who asked.
"""

from __future__ import annotations

import dataclasses
import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.config import RunConfig
from evolearn.life import OwnThread, Watch
from evolearn.numerics import COMPILES
from evolearn.rng import SELECTION, TEST, life_keys
from evolearn.run import Setup, assemble
from evolearn.testing._stage import Broken, Progress, Stage, StepTaken
from evolearn.testing._suspects import Globals, find_hidden_generators
from evolearn.testing._whole_lives import Digests, check_births, check_environment, check_many_lives
from evolearn.testing.findings import Findings, place_in_traceback, place_of
from evolearn.world import Box, CompiledWorld, Declaration, World, WorldError, compile_world, environments_apart

TRACED_LIVES, TRACED_STEPS = 3, 64  # that are lived again uncompiled
LIVES, STEPS = 24, 400  # by hand
PLAIN_LIVES, PLAIN_STEPS = 9, 200  # uncompiled, where arithmetic raises that compiled code passes over
EXTREMES = (1.0, -1.0, 5.0, -5.0, 1e4, -1e4)


@dataclasses.dataclass(frozen=True)
class Task:
    """What a probe is to do."""

    config: dict[str, Any]  # of a run, as JSON
    hang_seconds: float
    whole: bool  # everything; false: only the digests, in the reverse order
    taken: list[list[StepTaken]] = dataclasses.field(default_factory=list)  # by a compiled probe, to be taken again


@dataclasses.dataclass
class Answer:
    """What a probe found."""

    findings: Findings
    digests: Digests  # of lives, by number; of those that came to their end
    taken: list[list[StepTaken]]


class Probe:
    """One probe at work."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.answer = Answer(Findings(), {}, [])
        self.progress = Progress()

    def work(self) -> None:
        """Do all of it; what is found is in `answer`, also if this hangs."""
        with environments_apart():
            self._work(assemble(RunConfig.model_validate(self.task.config)))

    def _work(self, setup: Setup) -> None:
        world = setup.conditions.world
        if isinstance(world, World):
            self._work_compiled(setup, world)
        else:
            check_environment(setup, self.task.whole, self.task.hang_seconds, self.answer.findings, self.answer.digests)

    def _work_compiled(self, setup: Setup, world: World) -> None:
        findings = self.answer.findings
        try:
            compiled = compile_world(world, setup.conditions.parameters, by_hand=True)
        except WorldError as error:
            _, _, reason = str(error).partition("does not compile: ")
            findings.fail(
                "compiles",
                "all",
                str(error).partition(":")[2].partition(" does not")[0].strip() + " does not compile",
                "scalar Python that Numba understands; helpers carry the decorator evolearn.world.world_code",
                reason.partition("\nWorlds are")[0] or str(error),
                place_of(world.step),
            )
            return
        if COMPILES:
            findings.looked_at("compiles")
            self._live_compiled(setup, world, compiled)
        else:
            self._live_plain(setup, world, compiled)

    def _live_compiled(self, setup: Setup, world: World, compiled: CompiledWorld) -> None:
        order = list(range(LIVES))
        self.answer.digests |= self._live_in(order if self.task.whole else order[::-1], world, compiled, setup)
        if not self.task.whole:
            return
        findings = self.answer.findings
        findings.looked_at("runs", "written", "finite", "read-only", "nothing hidden", "ends")
        if world.draw is not None:
            findings.looked_at("drawing")
        check_births(
            world,
            {space: self._births(world, compiled, setup, space) for space in (SELECTION, TEST)},
            findings,
        )
        if not findings.failures:
            check_many_lives(setup, self.task.hang_seconds, findings)

    def _live_plain(self, setup: Setup, world: World, compiled: CompiledWorld) -> None:
        findings = self.answer.findings
        find_hidden_generators(world, findings)
        outside = Globals(world)
        few = list(range(TRACED_LIVES))
        once = self._live_in(few, world, compiled, setup, TRACED_STEPS)
        again = self._live_in(few[::-1], world, compiled, setup, TRACED_STEPS)
        outside.find_changes(findings)
        compare_digests(world, once, again, findings, "nothing hidden", "lived again, in another order", "uncompiled")
        self._live_in(list(range(PLAIN_LIVES)), world, compiled, setup, PLAIN_STEPS)
        if self.task.taken:
            findings.looked_at("as in plain Python")
            self._retake(world, compiled, setup)

    def _births(self, world: World, compiled: CompiledWorld, setup: Setup, space: int) -> list[tuple[bytes, bytes]]:
        """The state after birth and as the first episode begins, of many lives."""
        births = []
        for key in life_keys(setup.config.seed, space, 0, 64):
            try:
                stage = Stage(world, compiled, key, Findings(), self.progress)
            except Broken:
                continue
            births.append((stage.birth, stage.state))
        return births

    def _live_in(
        self, order: list[int], world: World, compiled: CompiledWorld, setup: Setup, steps: int = STEPS
    ) -> Digests:
        """Live some lives by hand, in this order; a digest of each that came to its end, by number."""
        digests: Digests = {}
        keys = life_keys(setup.config.seed, SELECTION, 0, LIVES)
        for life in order:
            try:
                digests[life] = self._live_one(world, compiled, keys[life], steps)
            except Broken:
                continue
        return digests

    def _live_one(
        self, world: World, compiled: CompiledWorld, key: npt.NDArray[np.int64], steps: int
    ) -> tuple[str, ...]:
        life = int(key[3])
        stage = Stage(world, compiled, key, self.answer.findings, self.progress)
        traced: list[StepTaken] = []
        if COMPILES and self.task.whole and life < TRACED_LIVES:
            self.answer.taken.append(traced)
        digest = []
        for t, action in zip(range(steps), actions_of(world, life, stage), strict=False):
            if world.draw is not None and t < TRACED_STEPS and life < TRACED_LIVES:
                stage.draw()
            taken = stage.step(action)
            if t < TRACED_STEPS:
                traced.append(taken)
            digest.append(repr((taken.fitness, taken.terminated, taken.truncated, taken.observation.tobytes().hex())))
            if taken.terminated or taken.truncated:
                stage.begin()
        if world.reborn is not None:
            digest.append(repr((stage.be_reborn().tobytes().hex(), stage.state.hex())))
        return tuple(digest)

    def _retake(self, world: World, compiled: CompiledWorld, setup: Setup) -> None:
        """Take every traced step again from the same state; one step at a time, so that rounding does not grow."""
        keys = life_keys(setup.config.seed, SELECTION, 0, TRACED_LIVES)
        for life, steps in enumerate(self.task.taken):
            try:
                stage = Stage(world, compiled, keys[life], self.answer.findings, self.progress)
                for t, compiled_step in enumerate(steps):
                    compare_steps(world, compiled_step, stage.retake(compiled_step), life, t + 1, self.answer.findings)
            except Broken:
                continue


def actions_of(world: World, life: int, stage: Stage) -> Iterator[npt.NDArray[np.float32]]:
    """Actions for a life, float32 [action size]: of the oracle in every third, extreme ones in every other third."""
    rng = np.random.default_rng([world.action_outputs, life])
    while True:
        if world.oracle is not None and life % 3 == 1:
            yield stage.ask_oracle()
        elif not isinstance(world.actions, Box):
            yield np.array([rng.integers(world.action_outputs)], np.float32)
        elif life % 3 == 2:
            yield rng.choice(np.array(EXTREMES, np.float32), world.action_size).astype(np.float32)
        else:
            yield rng.uniform(-1.0, 1.0, world.action_size).astype(np.float32)


def compare_digests(
    world: Declaration, one: Digests, other: Digests, findings: Findings, check: str, how: str, where: str
) -> None:
    """Report lives that differ."""
    for life in sorted(set(one) & set(other)):
        if one[life] != other[life]:
            steps = [t for t, (a, b) in enumerate(zip(one[life], other[life], strict=False)) if a != b]
            findings.fail(
                check,
                how,
                f"a life differs when {how}",
                "a life depends on its key and its actions alone: the same numbers wherever and whenever it is lived",
                f"life {life} differs from step {steps[0] + 1 if steps else 0} on, {where}",
                _place_of_step(world, steps[0] if steps else 0),
            )
            return


def _place_of_step(world: Declaration, step: int) -> str:
    if not isinstance(world, World):
        return world.name
    return place_of(world.born if step == 0 else world.step)


def compare_steps(world: World, compiled: StepTaken, plain: StepTaken, life: int, t: int, findings: Findings) -> None:
    """Report what compiled code and plain Python made differently of the same step."""
    pairs: list[tuple[str, Any, Any]] = [
        (name, getattr(compiled, name), getattr(plain, name))
        for name in ("fitness", "terminated", "truncated", "senses", "observation")
    ]
    one, other = (np.frombuffer(step.state_after, world.state)[0] for step in (compiled, plain))
    pairs += [(f"state.{name}", one[name], other[name]) for name in world.state.names or ()]
    for name, first, second in pairs:
        if not np.allclose(first, second, rtol=1e-4, atol=1e-5, equal_nan=True):
            findings.fail(
                "as in plain Python",
                name,
                f"{name} differs between compiled code and plain Python",
                "the same to rounding; // and % of negative numbers, integer overflow and mixed types can differ",
                f"compiled {first}, plain Python {second} (life {life}, step {t})",
                place_of(world.observe if name == "observation" else world.step),
            )


def _hang(probe: Probe, thread: OwnThread) -> None:
    """Write down a life that stands still."""
    progress = probe.progress
    config = probe.task.config
    setup = assemble(RunConfig.model_validate(config))
    function = getattr(setup.conditions.world, progress.function, None)
    where = place_of(function) if function is not None else str(config["world"]["name"])
    if function is not None and not COMPILES:
        file = getattr(function, "py_func", function).__code__.co_filename
        where = place_in_traceback(thread.where(), file) or where
    probe.answer.findings.fail(
        "ends",
        "hang",
        f"{progress.function} does not return",
        f"every call returns within {probe.task.hang_seconds:g} s; a step takes microseconds",
        f"no end after {probe.task.hang_seconds:g} s (life {progress.life}, step {progress.t})",
        where,
    )


def main(job: str, answer: str, asked_by: str) -> None:
    """Do the job, watch it, write the answer and end; without an answer once nobody is there who asked.

    Args:
        job: a file with a pickled Task.
        answer: the file to write, with a pickled Answer.
        asked_by: the number of the process that waits for it, this one's parent.
    """
    probe = Probe(pickle.loads(Path(job).read_bytes()))
    thread = OwnThread()
    watch = Watch(probe.task.hang_seconds)
    thread.begin(probe.work)
    while (done := thread.wait(0.1)) is None:
        if os.getppid() != int(asked_by):  # who was killed waits for nothing, and a world may go on for ever
            os._exit(1)
        progress = probe.progress
        # A call's number: compiling, which takes long, is no call.
        if watch.stands_still(0, progress.calls) and progress.function:
            _hang(probe, thread)
            break
    Path(answer).write_bytes(pickle.dumps(probe.answer))
    if done is not None and done.error is not None:
        sys.excepthook(type(done.error), done.error, done.error.__traceback__)
    sys.stderr.flush()
    os._exit(0 if done is None or done.error is None else 1)  # a thread that hangs must not keep the process
