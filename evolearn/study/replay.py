"""Replays: the same life lived by newborns of several arms, frame by frame, for somebody to watch.

A life is lived by a driver, as any life, and leaves its actions in a trace. The world is then led through those actions
once more, with a look at its state, or at what it renders, before every step. What the newborn saw there must be, bit
for bit, what the trace says it saw: a replay shows the life that was lived.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.agent import GOES_ON
from evolearn.genome import Newborns
from evolearn.life import Conditions, Driver, Outcome, Plan, Trace, Walk, lives
from evolearn.rng import LifeKey
from evolearn.run import signals_of
from evolearn.verdict import Json
from evolearn.world import (
    MEAN_PER_STEP,
    Discrete,
    GymnasiumWorld,
    Polygon,
    Shape,
    World,
    WorldError,
    bounds_of,
    rendered,
    shapes_of,
    with_margin,
)

MOST_NAMED = 24  # observations, actions and senses of an arm that are written down
FRAMES = 600  # of a life that a page shows
DECIMALS = 3


@dataclasses.dataclass(frozen=True)
class ReplayArm:
    """Who lives the life of a replay, and how."""

    name: str
    label: str  # for people
    newborns: Newborns
    row: int  # of newborns: who is born
    plan: Plan  # learning ages and source of actions; its lifetime and bins play no part
    own: tuple[Driver, Conditions] | None = None  # under which it lives, in the same world; None: those of the replay


@dataclasses.dataclass(frozen=True)
class _Film:
    """One arm's life. T steps."""

    outcome: Outcome
    trace: Trace  # [T, ..]
    ages: npt.NDArray[np.int64]  # by frame: what is shown of it, world steps; a life that ended early stands still
    drawings: list[tuple[Shape, ...]]  # by frame; empty for a world that is not drawn
    pictures: list[str]  # by frame, see `rendered`; empty for a world that does not render itself


def replay_scenes(steps: int, lifetime: int) -> tuple[range, ...]:
    """Which parts of a life a page shows: half of the steps from birth on, a sixth at each of three later ages.

    Args:
        steps: world steps that are shown of it, >= 1.
        lifetime: world steps that it lasts.
    Returns:
        Ages, in order, none twice: from birth, from a tenth of the life, from its middle, and its end. A frame of
        each; all of a life that is no longer than `steps` in one.

    >>> replay_scenes(1800, 20_000)
    (range(0, 900, 3), range(2000, 2300, 3), range(10000, 10300, 3), range(19700, 20000, 3))
    >>> replay_scenes(900, 600)
    (range(0, 600),)
    """
    steps = min(steps, lifetime)
    stride = -(-steps // FRAMES)
    if steps == lifetime:
        return (range(0, lifetime, stride),)
    scenes, part = [range(0, -(-steps // 2), stride)], max(steps // 6, 1)
    for start in (lifetime // 10, lifetime // 2, lifetime - part):
        first = max(start, scenes[-1].stop)
        if first < min(first + part, lifetime):
            scenes.append(range(first, min(first + part, lifetime), stride))
    return tuple(scenes)


def record_replay(
    driver: Driver,
    conditions: Conditions,
    arms: Sequence[ReplayArm],
    key: npt.NDArray[np.int64],
    steps: int,
    stride: int = 1,
    condition: str = "",
    start: int = 0,
    render: bool = False,
    *,
    score_steps: int | None = None,
) -> Json:
    """Let the newborn of every arm live the same life, and write down what there is to see of a part of it.

    Args:
        driver: from `new_driver`, for the same conditions.
        conditions: what all lives share.
        arms: who lives; one at least.
        key: int64 [4], names the life, see `evolearn.rng.life_keys`.
        steps: world steps to see, >= 1.
        stride: world steps per frame, 1 .. steps; the last frame may stand for fewer.
        condition: the study's name for the conditions, passed on.
        start: age at which they begin, world steps, >= 0; what comes before is lived and not shown.
        render: have Gymnasium environments render themselves.
        score_steps: world steps that a score per step is the mean over, the last ones; None: those of the frame.
    Returns:
        What JSON can hold, all numbers finite and rounded to 3 decimals; frame f stands for the steps start + f *
        stride .. start + (f + 1) * stride - 1 and shows the world before the first of them:

        - ``world``, ``condition``, ``life``, ``start``, ``step_stride``; ``score``, what the arms' score is;
        - ``bounds``: x from, x to, y from, y to, around all that is seen in any frame of any arm; null if not drawn;
        - ``arms``, for each: ``arm``, ``label``; ``score`` by frame; ``drives``, weighted reward by drive and frame,
          summed over the frame's steps, of fitness and of every drive that any arm gives weight; ``ends``, the frames
          in which an episode ended; ``lived``, the age at which the brain diverged, start + steps if it never did:
          later frames repeat the last one with nothing earned; ``shapes``: ``kind``, ``role``, ``label``, and
          ``points`` of a polygon; ``frames``: all numbers of all shapes, see `evolearn.world.drawing`, both empty for
          a world without `draw`; ``pictures``, if any were rendered, as `evolearn.world.rendered` packs them;
        - and by name and frame, the first 24 of them each: ``observations`` and ``actions`` of the frame's first step
          (of a discrete world ``action``, a place in its ``choices``); ``senses``, what every drive reads before it is
          weighed, mean over the frame's steps.
    Raises:
        WorldError: the world is at fault: in living; in `draw`; in rendering itself; or it keeps something outside its
            state, so that the life cannot be seen again.
        ValueError: `steps`, `stride`, `start`, `score_steps` or `arms` out of range.
    """
    if not arms:
        raise ValueError("arms=(): must name at least one arm")
    if not 1 <= stride <= steps:
        raise ValueError(f"stride={stride}, steps={steps}: must be 1 <= stride <= steps")
    if start < 0:
        raise ValueError(f"start={start}: must be >= 0")
    if score_steps is not None and score_steps < 1:
        raise ValueError(f"score_steps={score_steps}: must be >= 1")
    under = [arm.own or (driver, conditions) for arm in arms]
    films = [
        _live(*own, arm, key, range(start, start + steps, stride), start + steps, render)
        for own, arm in zip(under, arms, strict=True)
    ]
    _check_alike(conditions, [drawing for film in films for drawing in film.drawings], key)
    shown = {"fitness"}
    for (_, own), arm in zip(under, arms, strict=True):
        shown |= {name for place, name in enumerate(own.drive_names) if arm.newborns.drives[arm.row, place] != 0.0}
    by_step = conditions.world.fitness_rule == MEAN_PER_STEP
    return {
        "world": conditions.world.name,
        "condition": condition,
        "life": str(LifeKey.of(key)),
        "start": start,
        "step_stride": stride,
        "score": _score_words(score_steps or stride) if by_step else "return of the episode so far",
        "bounds": _bounds([shape for film in films for drawing in film.drawings for shape in drawing]),
        "arms": [
            _arm_record(own, arm, film, shown, start, stride, score_steps)
            for (_, own), arm, film in zip(under, arms, films, strict=True)
        ],
    }


def _score_words(steps: int) -> str:
    return "fitness of the step" if steps == 1 else f"mean fitness of the last {steps:,} steps"


def _live(
    driver: Driver,
    conditions: Conditions,
    arm: ReplayArm,
    key: npt.NDArray[np.int64],
    frames: range,
    end: int,
    render: bool,
) -> _Film:
    plan = dataclasses.replace(arm.plan, lifetime=end, bin_steps=None, final_weights=False)
    outcome, trace = lives(driver, conditions, arm.newborns, np.array([arm.row]), key[None].copy(), plan, end)
    world, lived = conditions.world, int(outcome.age[0])
    last = max(lived - 1, 0)
    ages = np.minimum(frames, max((last - frames.start) // frames.step * frames.step + frames.start, 0))
    film = _Film(outcome, trace, np.minimum(ages, last), [], [])
    wanted = set(film.ages.tolist())
    if isinstance(world, World) and world.draw is not None:
        walk = Walk(conditions, key)
        drawn = {
            t: shapes_of(world, walk.state, walk.parameters, f"world {world.name}, life {LifeKey.of(key)}, step {t}")
            for t in walk.along(trace, lived)
            if t in wanted
        }
        return dataclasses.replace(film, drawings=[drawn[t] for t in film.ages.tolist()])
    if isinstance(world, GymnasiumWorld) and render:
        seen = trace.observations, trace.actions, max(lived, 1)
        pictures = rendered(world, key, *seen, conditions.switch_at, wanted)
        return dataclasses.replace(film, pictures=[pictures[t] for t in film.ages.tolist()])
    return film


def _head(shape: Shape) -> Json:
    """What of a shape must be the same in every frame."""
    head = {"kind": shape.kind, "role": shape.role, "label": shape.label}
    return head | ({"points": len(shape.points)} if isinstance(shape, Polygon) else {})


def _check_alike(conditions: Conditions, drawings: list[tuple[Shape, ...]], key: npt.NDArray[np.int64]) -> None:
    for drawing in drawings[1:]:
        before, now = ([tuple(_head(shape).values()) for shape in shapes] for shapes in (drawings[0], drawing))
        if before != now:
            place = next((n for n, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), len(before))
            raise WorldError(
                f"world {conditions.world.name}, life {LifeKey.of(key)}: draw returned {len(now)} shapes where it "
                f"returned {len(before)} at birth, or others from shape {place} on: kinds, roles, labels and numbers "
                "of points must be the same in every frame; give what is not there an opacity of 0"
            )


def _bounds(shapes: list[Shape]) -> list[float | None] | None:
    """What is seen, and a little more; None if nothing is."""
    bounds = bounds_of(shapes)
    return None if bounds is None else _rounded(with_margin(bounds))


def _arm_record(
    conditions: Conditions,
    arm: ReplayArm,
    film: _Film,
    shown: set[str],
    start: int,
    stride: int,
    score_steps: int | None,
) -> Json:
    trace, lived = film.trace, int(film.outcome.age[0])
    first_steps = np.arange(start, len(trace.fitness), stride)
    steps_of = np.diff(first_steps, append=len(trace.fitness))
    weights = arm.newborns.drives[arm.row].astype(np.float64)
    rewards = np.add.reduceat(trace.drives * weights, first_steps)
    senses = np.add.reduceat(trace.drives.astype(np.float64), first_steps) / steps_of[:, None]
    at = np.minimum(first_steps, max(lived - 1, 0))
    world = conditions.world
    observed, acts, _ = signals_of(world)
    discrete = isinstance(world.actions, Discrete)
    return {
        "arm": arm.name,
        "label": arm.label,
        "score": _rounded(_score(world.fitness_rule, trace, first_steps, score_steps)),
        "drives": {name: _rounded(rewards[:, n]) for n, name in enumerate(conditions.drive_names) if name in shown},
        "ends": sorted({int(t) // stride for t in np.flatnonzero(trace.ends[start:] != GOES_ON)}),
        "lived": lived,
        "shapes": [_head(shape) for shape in film.drawings[0]] if film.drawings else [],
        "frames": [_rounded([n for shape in drawing for n in shape.numbers]) for drawing in film.drawings],
        "observations": _named(observed, trace.observations[at]),
        "actions": _named(["action"] if discrete else acts, trace.actions[at]),
        "choices": list(acts) if discrete else [],
        "senses": _named(conditions.drive_names, senses),
        **({"pictures": film.pictures} if film.pictures else {}),
    }


def _named(names: Sequence[str], columns: npt.NDArray[Any]) -> dict[str, list[float | None]]:
    """The first of some columns [frames, ..], by name."""
    return {name: _rounded(columns[:, place]) for place, name in enumerate(names[:MOST_NAMED])}


def _score(
    rule: str, trace: Trace, first_steps: npt.NDArray[np.int64], score_steps: int | None
) -> npt.NDArray[np.float64]:
    """By frame: mean fitness of the last steps, or what the episode under way at its last step had earned by then."""
    fitness = trace.fitness
    steps = len(fitness)
    after = np.append(first_steps[1:], steps)
    if rule == MEAN_PER_STEP:
        earned = np.concatenate([[0.0], np.cumsum(fitness)])
        since = first_steps if score_steps is None else np.maximum(after - score_steps, 0)
        return (earned[after] - earned[since]) / (after - since)
    earned = np.zeros(steps)
    total = 0.0
    for t in range(steps):
        total += fitness[t]
        earned[t] = total
        if trace.ends[t] != GOES_ON:
            total = 0.0
    return earned[after - 1]


def _rounded(numbers: npt.ArrayLike) -> list[float | None]:
    """Numbers as JSON should hold them: no -0.0, whole ones without a point, none for what is not finite."""
    rounded = np.round(np.asarray(numbers, np.float64), DECIMALS).tolist()
    return [_compact(number) for number in rounded]


def _compact(number: float) -> float | None:
    if not math.isfinite(number):
        return None
    return int(number) if number == int(number) else number
