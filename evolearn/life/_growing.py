"""What age does to a life: its brain grows, whatever is lived; and its senses may be held at 0 until an age."""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.agent import grow_weights, grown_rate
from evolearn.genome import Newborns
from evolearn.life._remembering import hold
from evolearn.life._views import clear, seen_by, weights_of
from evolearn.life.records import UNFINISHED, Body, Course, Places, row_of
from evolearn.numerics import floats, integers, within


@within
def grow_all(
    newborns: Newborns,
    genomes: Any,
    team: Any,
    at: Places,
    body: Body,
    course: Course,
    first: int,
    count: int,
    t: int,
) -> None:
    """Let every life that goes on grow to age `t`: weights, but for those that an operation holds, and learning rate.

    Args:
        newborns: see Newborns.
        genomes: int64 [L], which of them each life was born as.
        team: handle of a team's memory.
        at: where everything is there.
        body: how much of it.
        course: how to live.
        first: life of the team.
        count: lives in it.
        t: their age, world steps.
    """
    status = integers(team, at.status, count)
    age = np.float32(t) / np.float32(course.grown_life)
    timetables = body.timetables
    for place in range(count):
        start = at.plasticity + place * body.genes
        shared = body.stride == 0  # one copy of the weights, which grows also where the first life is over
        if timetables > 0 and (place == 0 if shared else status[place] == UNFINISHED):
            grow_weights(
                weights_of(team, at, body, place),
                integers(team, at.timetables, body.thinking),
                floats(team, start + body.grown, 1)[0],
                row_of(newborns.weights, genomes[first + place]),
                floats(team, start + body.grown_weight, body.thinking),
                floats(team, start + body.grown_onset, timetables),
                floats(team, start + body.grown_width, timetables),
                floats(team, at.grown + place * timetables, timetables),
                floats(team, at.moves, timetables),
                age,
            )
            hold(team, at, body, place)
        if body.late_rate >= 0:
            genes = floats(team, start, body.genes)
            late = floats(team, start + body.late_rate, 3)
            young = newborns.plasticity[genomes[first + place], body.learning_rate]
            genes[body.learning_rate] = grown_rate(young, late[0], late[1], late[2], age)


@within
def forget_growth(team: Any, at: Places, body: Body, count: int) -> None:
    """Have nothing grown yet, as at birth."""
    clear(floats(team, at.grown, count * body.timetables))


@within
def deprive_all(team: Any, at: Places, body: Body, count: int) -> None:
    """Have no life see anything of what its world shows now."""
    for place in range(count):
        clear(seen_by(team, at, body, place))
