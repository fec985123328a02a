"""A part of one life, lived by a newborn beside a blank slate or beside another newborn, to be watched."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

from evolearn.genome import EVOLVED, FRESH
from evolearn.inspection._newborn_lives import learns, newborn
from evolearn.inspection._specimen import FULL, Specimen, lifetime_of
from evolearn.inspection.inspect import InspectionError
from evolearn.inspection.record import name_of
from evolearn.life import empty_trace, new_driver
from evolearn.plugins import named_by_unless_told
from evolearn.run import ARMS, DNA, dna_so_far, ready_arm, setup_of, why_not_over
from evolearn.study import ReplayArm, record_replay

FRAMES = 300  # of a replay, where nothing else is said
MOST_BYTES = 2**31  # of what is kept of every step
MOST_LIVES = 1_000_000
_WEIGHTS = {EVOLVED: "evolved weights", FRESH: "random weights"}


@dataclasses.dataclass(frozen=True)
class Scene:
    """What is to be seen of which life."""

    start: int = 0  # age at which it begins, world steps
    steps: int | None = None  # None: as many as the birth score is of
    stride: int | None = None  # steps per frame; None: so that there are FRAMES
    life: int = 0  # the same number is the same life for all DNA of one seed


def replay_dna(
    path: Path, other: Path | None, scene: Scene, workers: int, *, render: bool = True, trust: bool = False
) -> dict[str, Any]:
    """Let a newborn live a part of a life, learning as its config says, beside somebody in the same life.

    Args:
        path: of a run directory, finished or not, of a DNA file, or a name in the zoo.
        other: of the newborn beside it, in the first one's world; None: a blank slate with published defaults.
        scene: what is to be seen.
        workers: threads or processes; changes speed only.
        render: have Gymnasium environments render themselves.
        trust: run the code that the DNA names, its world's among them, also if you have never used it before.
    Returns:
        See `evolearn.study.record_replay`.
    Raises:
        NotTrusted: it names code that you have not used before.
        DNAError: the DNA cannot be read, or cannot live in that world.
        InspectionError: the scene is out of range, or would not fit into memory.
        LifeFault: the world is at fault in living.
        WorldError: it is at fault in being drawn.
        NotRendered: it is a Gymnasium environment that does not render itself.
    """
    with named_by_unless_told(path if other is None else f"{path} or {other}", trust):
        first = dna_so_far(path)
        both = [first] if other is None else [first, dna_so_far(other)]
        names = [name_of(dna) for dna in both]
        if len(set(names)) < len(names):
            names = [str(path), str(other)]
        setup = setup_of(first)
        usual = min(setup.config.evaluation.birth_steps, first.config.search.selection_lifetime)
        steps = usual if scene.steps is None else scene.steps
        stride = max(-(-steps // FRAMES), 1) if scene.stride is None else scene.stride
        _check(scene, steps, stride, empty_trace(1, setup.conditions))
        with contextlib.ExitStack() as opened:
            specimens = []
            for dna in both:
                own = setup if dna is first else setup_of(dna, first.config.world)
                driver = opened.enter_context(
                    contextlib.closing(new_driver(own.conditions, workers, own.config.hang_seconds))
                )
                specimens.append(Specimen(dna, own, driver, FULL, lifetime_of(dna, FULL, None)))
            cast = [_living(specimen, name, scene.life) for specimen, name in zip(specimens, names, strict=True)]
            if other is None:
                cast.append(_blank_slate(specimens[0], scene.life))
            key = specimens[0].keys(scene.life + 1)[scene.life]
            driver, conditions = specimens[0].driver, setup.conditions
            return record_replay(driver, conditions, cast, key, steps, stride, "", scene.start, render)


def _check(scene: Scene, steps: int, stride: int, of_a_step: Any) -> None:
    for name, value, low, high in (
        ("--from", scene.start, 0, 10**9),
        ("--steps", steps, 1, 10**9),
        ("--every", stride, 1, steps),
        ("--life", scene.life, 0, MOST_LIVES - 1),
    ):
        if not low <= value <= high:
            raise InspectionError(f"{name} {value}: must be {low:,} .. {high:,}")
    needed = (scene.start + steps) * sum(array.nbytes for array in of_a_step)
    if needed > MOST_BYTES:
        raise InspectionError(
            f"--from {scene.start}, --steps {steps}: would keep {needed / 2**30:,.1f} GiB of a life; "
            f"{MOST_BYTES / 2**30:g} GiB at most: look at an earlier age, or at fewer steps"
        )


def _living(specimen: Specimen, name: str, life: int) -> ReplayArm:
    """Somebody, who lives as its config says."""
    keys = specimen.keys(life + 1)[life:]
    arm = newborn(specimen)
    newborns, born_as = arm.born(keys)
    own = specimen.driver, specimen.setup.conditions
    return ReplayArm(name, _told_of(specimen.dna, learns(specimen)), newborns, int(born_as[0]), arm.plan(1), own)


def _blank_slate(specimen: Specimen, life: int) -> ReplayArm:
    """Random weights and published defaults; it learns if the newborn beside it does."""
    dna = specimen.dna
    arm = ready_arm("blank", ARMS["blank"], dna.pool, dna.genome, dna.config.learner)
    arm = arm if learns(specimen) else arm.frozen()
    newborns, born_as = arm.born(specimen.keys(life + 1)[life:])
    label = "random weights, defaults, " + ("learning" if learns(specimen) else "not learning")
    return ReplayArm("blank slate", label, newborns, int(born_as[0]), arm.plan(1))


def _told_of(dna: DNA, is_learning: bool) -> str:
    weights = _WEIGHTS.get(dna.pool.modes["weights"], "given weights")
    told = f"{weights}, {'learning' if is_learning else 'not learning'}"
    if why_not_over(dna):
        told += f", generation {dna.generation + 1:,} of {dna.config.search.generations:,}: not finished"
    return told
