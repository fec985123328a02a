"""What teachers do in a life, and what that is to their pupils.

A teacher acts as it sees fit, and its pupil learns to do the same. *Asked*, it says what it would do where the pupil
is, while the pupil acts. *Watched*, it acts in the pupil's world in the pupil's place: that step is the teacher's, and
earns the pupil neither fitness nor anything that it feels.
Source: Ross, Gordon and Bagnell 2011, "A reduction of imitation learning and structured prediction to no-regret online
learning" (DAgger), for the first; Pomerleau 1989, "ALVINN", for the second.

A brain that teaches never learns. It is told what its pupil is told, carries a state of its own, which is empty when
its teaching begins, and draws its actions from a stream of its own. Genes of the pupil say, in shares of a life of so
many steps, when teaching begins and how long it lasts. A window is taught in all of its steps, or in none.
"""

from __future__ import annotations

from typing import Any

from evolearn.agent import NOT_TAUGHT, WATCHED
from evolearn.life._views import action_of, all_finite, clear, tally_of, told_to
from evolearn.life.records import (
    DIVERGED,
    PLACE,
    ROW,
    TAUGHT,
    UNFINISHED,
    Body,
    Course,
    Places,
    copy,
    row_of,
    teacher_of,
)
from evolearn.numerics import doubles, floats, inlined_within, integers, locate, vector, within
from evolearn.rng import RNG_SIZE, TEACHING, open_stream


@inlined_within
def lesson_of(team: Any, at: Places, body: Body, place: int) -> Any:
    """What a life's teacher does, or would do, in this step; as an action."""
    return floats(team, at.lesson + place * body.action_size, body.action_size)


@within
def get_teachers(teachers: Any, keys: Any, team: Any, at: Places, body: Body, first: int, count: int) -> None:
    """Bring the teachers of the lives `first` .. `first + count` - 1, which were just born, into a team.

    Args:
        teachers: see `evolearn.life.teachers.Teachers`.
        keys: int64 [L, 4] or [L, 12].
        team: handle of a team's memory.
        at: where everything is there.
        body: how much of it.
        first: life.
        count: lives.
    """
    taught = integers(team, at.taught, count)
    for place in range(count):
        taught[place] = NOT_TAUGHT
        if body.pupils > 0:
            start = at.teacher_weights + place * body.stride
            copy(row_of(teachers.weights, teachers.of[first + place, 0]), floats(team, start, body.teaching))
            open_stream(integers(team, at.teacher_rng + place * RNG_SIZE, RNG_SIZE), keys[first + place], TEACHING)


@within
def begin_lessons(
    teachers: Any, team: Any, at: Places, body: Body, course: Course, first: int, count: int, t: int
) -> None:
    """Say of every life whether the window that begins at age `t` is taught; of several brains the next one teaches it.

    A brain that takes over carries nothing of what another one saw.
    """
    taught = integers(team, at.taught, count)
    several = teachers.of.shape[1]
    for place in range(count):
        genes = floats(team, at.plasticity + place * body.genes, body.genes)
        begins = float(genes[body.taught_from]) * course.taught_life
        ends = begins + float(genes[body.taught_share]) * course.taught_life
        # Half a step off: neither a share nor its product is exact.
        if begins < t + 0.5 and t + 0.5 < ends:
            if several > 1 and body.pupils > 0:
                start = at.teacher_weights + place * body.stride
                which = teachers.of[first + place, t // body.window % several]
                copy(row_of(teachers.weights, which), floats(team, start, body.teaching))
            if (taught[place] == NOT_TAUGHT or several > 1) and body.pupils > 0:
                clear(floats(team, at.teacher_carry + place * body.carry, body.carry))
            taught[place] = course.teaching
        else:
            taught[place] = NOT_TAUGHT


@inlined_within
def teach(
    think_all: Any, think: Any, choose_all: Any, team: Any, at: Places, body: Body, course: Course, count: int, t: int
) -> int:
    """Let brains that teach decide what their pupils should do; how many pupils end since their teacher diverged.

    They think about what their pupils are told in this step, which was shown when these acted.
    """
    taught = integers(team, at.taught, count)
    status = integers(team, at.status, count)
    pupils = 0
    for place in range(count):
        pupils += taught[place] != NOT_TAUGHT
    if pupils == 0:
        return 0
    outputs = floats(team, at.teacher_outputs, count * 2 * body.outputs)
    if body.tiled:  # for those not taught as well: it is forgotten before they are
        think_all(
            locate(floats(team, at.told, count * body.told)),
            locate(floats(team, at.teacher_weights, count * body.stride)),
            locate(floats(team, at.teacher_observations, count * 2 * body.told)),
            locate(floats(team, at.teacher_activations, count * 2 * body.units)),
            locate(outputs),
            locate(floats(team, at.teacher_carry, count * body.carry)),
            2,
            count,
            0,
        )
    else:
        layers = integers(team, at.layers, body.layers)
        for place in range(count):
            if taught[place] != NOT_TAUGHT and status[place] == UNFINISHED:
                integers(team, at.where, 3)[PLACE] = place
                window = teacher_of(team, at, body, place)
                copy(told_to(team, at, body, place), vector(window.observations, 0, body.told))
                think(floats(team, at.teacher_weights + place * body.stride, body.thinking), layers, window, 0)
    diverged = 0
    for place in range(count):
        output = floats(team, at.teacher_outputs + place * 2 * body.outputs, body.outputs)
        if taught[place] != NOT_TAUGHT and status[place] == UNFINISHED and not all_finite(output):
            status[place] = DIVERGED
            diverged += 1
    choose_all(
        locate(outputs),
        locate(floats(team, at.plasticity, count * body.genes)),
        locate(integers(team, at.teacher_rng, count * RNG_SIZE)),
        locate(floats(team, at.lesson, count * body.action_size)),
        locate(status),
        locate(integers(team, at.where, 3)),
        locate(floats(team, at.scratch, 16)),
        2,
        0,
        body.outputs,
        body.genes,
        body.action_size,
        count,
        t + 1,  # as the pupils' own draws
    )
    return diverged


@within
def give_lessons(team: Any, at: Places, body: Body, course: Course, count: int) -> None:
    """Write down what teachers do, or would do, in this step, and let those act who are watched."""
    row = integers(team, at.clock, 4)[ROW]
    for place in range(count):
        taught = integers(team, at.taught, count)[place]
        if taught == NOT_TAUGHT or integers(team, at.status, count)[place] != UNFINISHED:
            continue
        done = lesson_of(team, at, body, place)
        lesson = floats(team, at.lessons + (place * body.window + row) * body.lessons, body.lessons)
        if course.choices > 0:
            for choice in range(body.lessons):
                lesson[choice] = 1.0 if choice == int(done[0]) else 0.0
        else:
            copy(done, lesson)
        if taught == WATCHED:
            copy(done, action_of(team, at, body, place))
        tally_of(team, at, body, place)[TAUGHT] += 1.0


@within
def earn_nothing(team: Any, at: Places, body: Body, count: int) -> None:
    """Take from those who watch what this step would have earned them, and all that they would have felt."""
    for place in range(count):
        if integers(team, at.taught, count)[place] == WATCHED:
            doubles(team, at.fitness, count)[place] = 0.0
            clear(floats(team, at.felt + place * body.drives, body.drives))


@within
def feel_no_reward(team: Any, at: Places, body: Body, row: int, count: int) -> None:
    """Take from those who watch what their potential made of this step."""
    for place in range(count):
        if integers(team, at.taught, count)[place] == WATCHED:
            floats(team, at.rewards + place * body.window, body.window)[row] = 0.0


@inlined_within
def end_lesson(team: Any, at: Places, body: Body, place: int) -> None:
    """Let a life's teacher forget an episode that is over, as its pupil does."""
    if body.pupils > 0:
        clear(floats(team, at.teacher_carry + place * body.carry, body.carry))
