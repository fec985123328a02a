"""What happens in a life, phase by phase over a team: being born, being operated on, thinking and acting.

A team's lives are of one age and take turns in every phase, so that a processor works on one while it waits for
another. Nothing here depends on who else is in the team: each life's operations keep their order. Both drivers live by
these functions. What a step brought is taken in by `evolearn.life._experiencing`, learned from by
`evolearn.life._learning`, and a life's end is written down by `evolearn.life._closing`.
"""

from __future__ import annotations

from typing import Any

from evolearn.genome import Newborns
from evolearn.life._growing import forget_growth
from evolearn.life._remembering import forget_step, hold, recall_elsewhere, show_all
from evolearn.life._valuing import look_ahead, look_back
from evolearn.life._views import (
    action_of,
    all_finite,
    clear,
    finite_rows,
    tally_of,
    thoughts_of,
    told_in,
    told_to,
    weights_of,
)
from evolearn.life.records import (
    AGE_BIN,
    BIN_END,
    DIVERGED,
    FROM_BRAIN,
    FROM_UNIFORM,
    PLACE,
    ROW,
    UNFINISHED,
    UPDATE,
    Body,
    Course,
    Places,
    copy,
    row_of,
    window_of,
)
from evolearn.life.surgery import Surgeries, note_recall, operate
from evolearn.numerics import floats, inlined_within, integers, locate, octets, within
from evolearn.rng import ACTION, IMAGINATION, INIT, RNG_SIZE, at_step, integer, normal, open_stream, uniform


@within
def draw_weights(newborns: Newborns, genome: int, key: Any, rng: Any, weights: Any, start: int) -> None:
    """Write a newborn's weights: inherited, or drawn afresh from the life's own init stream.

    Args:
        newborns: see Newborns.
        genome: row of it.
        key: int64 [4], the life's key.
        rng: overwritten.
        weights: float32 [W], written from `start` on.
        start: first weight to write; those before it are drawn as well, so that the others are the same.
    """
    if newborns.initial_stdev.size == 0:
        for i in range(start, weights.size):
            weights[i] = newborns.weights[genome, i]
        return
    drawn_until = weights.size
    while drawn_until > 0 and newborns.initial_stdev[drawn_until - 1] == 0.0:  # as a prediction head's
        drawn_until -= 1
    for i in range(max(start, drawn_until), weights.size):
        weights[i] = newborns.weights[genome, i]
    open_stream(rng, key, INIT)
    for i in range(drawn_until):
        spread = newborns.scale[genome] * newborns.initial_stdev[i]
        drawn = newborns.weights[genome, i] + spread * normal(rng)
        if i >= start:
            weights[i] = drawn


@within
def act_uniformly(choices: int, rng: Any, action: Any) -> None:
    """Draw an action from the uniform distribution: over the choices, or over -1 .. 1 in each dimension."""
    if choices > 0:
        action[0] = integer(rng, 0, choices)
    else:
        for i in range(action.size):
            action[i] = 2.0 * uniform(rng) - 1.0


@within
def be_born(
    newborns: Newborns,
    genomes: Any,
    keys: Any,
    course: Course,
    team: Any,
    at: Places,
    body: Body,
    first: int,
    count: int,
) -> None:
    """Make a team ready for the lives `first` .. `first + count` - 1.

    Weights are as inherited or drawn, drive weights and plasticity inherited, everything else is empty.
    """
    status = integers(team, at.status, count)
    holding = integers(team, at.holding, count)
    recalling = integers(team, at.recalling, count)
    for place in range(count):
        genome = genomes[first + place]
        rng = integers(team, at.rng + place * RNG_SIZE, RNG_SIZE)
        if place == 0 or body.stride > 0:
            draw_weights(newborns, genome, keys[first + place], rng, weights_of(team, at, body, place), 0)
        copy(row_of(newborns.drives, genome), floats(team, at.drive_weights + place * body.drives, body.drives))
        copy(row_of(newborns.plasticity, genome), floats(team, at.plasticity + place * body.genes, body.genes))
        clear(floats(team, at.memory + place * body.memory, body.memory))
        clear(floats(team, at.feel_memory + place * body.feel_memory, body.feel_memory))
        clear(floats(team, at.carry + place * body.carry, body.carry))
        clear(tally_of(team, at, body, place))
        copy(row_of(newborns.value, genome), floats(team, at.value + place * body.value, body.value))
        forget_step(team, at, body, place)
        if body.imagined > 0:
            imagining = integers(team, at.imagining + place * RNG_SIZE, RNG_SIZE)
            open_stream(imagining, keys[first + place], IMAGINATION)
        open_stream(rng, keys[first + place], ACTION)
        status[place] = UNFINISHED
        holding[place] = 0
        recalling[place] = 0
    if body.timetables > 0:
        forget_growth(team, at, body, count)
    clock = integers(team, at.clock, 4)
    clock[ROW] = 0
    clock[UPDATE] = 0
    clock[AGE_BIN] = 0
    clock[BIN_END] = course.bin_steps


@within
def operate_on_all(
    surgeries: Surgeries, genomes: Any, team: Any, at: Places, body: Body, first: int, count: int
) -> None:
    """Operate on every life that goes on: see `evolearn.life.surgery.operate`."""
    status = integers(team, at.status, count)
    holding = integers(team, at.holding, count)
    recalling = integers(team, at.recalling, count)
    for place in range(count):
        if status[place] == UNFINISHED:
            genome = genomes[first + place]
            holding[place] = operate(
                surgeries,
                genome,
                weights_of(team, at, body, place),
                floats(team, at.drive_weights + place * body.drives, body.drives),
                floats(team, at.value + place * body.value, body.value),
                floats(team, at.operated + place * body.operated, body.operated),
                octets(team, at.held + place * body.operated, body.operated),
            )
            if body.recalled > 0 and surgeries.recalled.shape[1] == body.recalled:
                recalled = integers(team, at.recalled + place * body.recalled, body.recalled)
                recalling[place] = note_recall(surgeries, genome, recalled)
    if body.recalled > 0:
        recall_elsewhere(team, at, body, count)


@within
def reset_all(
    newborns: Newborns,
    genomes: Any,
    keys: Any,
    course: Course,
    team: Any,
    at: Places,
    body: Body,
    first: int,
    count: int,
) -> None:
    """Give every life that goes on the weights from `course.reset_from` on that it was born with.

    The optimiser's memory stays, and so does what an operation holds.
    """
    status = integers(team, at.status, count)
    for place in range(count):
        if status[place] == UNFINISHED:
            rng = integers(team, at.rng + place * RNG_SIZE, RNG_SIZE)
            weights = weights_of(team, at, body, place)
            draw_weights(newborns, genomes[first + place], keys[first + place], rng, weights, course.reset_from)
            open_stream(rng, keys[first + place], ACTION)
            hold(team, at, body, place)


@within
def think_alone(think: Any, team: Any, at: Places, body: Body, place: int, row: int) -> None:
    """Let one life think about what it observes, in row `row` of its window, by a trunk without tiles."""
    integers(team, at.where, 3)[PLACE] = place
    copy(told_to(team, at, body, place), told_in(team, at, body, place, row))
    layers = integers(team, at.layers, body.layers)
    think(thoughts_of(team, at, body, place), layers, window_of(team, at, body, place), row)


@inlined_within
def think_for(think_all: Any, think: Any, team: Any, at: Places, body: Body, first: int, count: int, row: int) -> None:
    """Let `count` lives from place `first` on think about what they observe, in row `row` of their windows."""
    show_all(team, at, body, first, count)
    if body.tiled:  # about those that are over too: that harms nobody
        rows = body.window + 1
        think_all(
            locate(floats(team, at.told + first * body.told, count * body.told)),
            locate(floats(team, at.weights + first * body.stride, count * body.stride)),
            locate(floats(team, at.observations + first * rows * body.told, count * rows * body.told)),
            locate(floats(team, at.activations + first * rows * body.units, count * rows * body.units)),
            locate(floats(team, at.outputs + first * rows * body.outputs, count * rows * body.outputs)),
            locate(floats(team, at.carry + first * body.carry, count * body.carry)),
            rows,
            count,
            row,
        )
        return
    for place in range(first, first + count):
        if integers(team, at.status + place, 1)[0] == UNFINISHED:
            think_alone(think, team, at, body, place, row)


@within
def find_diverged(team: Any, at: Places, body: Body, row: int, count: int) -> int:
    """Let those end whose brains answer with what is not finite; how many."""
    status = integers(team, at.status, count)
    diverged = 0
    for place in range(count):
        outputs = floats(team, at.outputs + (place * (body.window + 1) + row) * body.outputs, body.outputs)
        if status[place] == UNFINISHED and not all_finite(outputs):
            status[place] = DIVERGED
            diverged += 1
    return diverged


@inlined_within
def act(
    think_all: Any,
    think: Any,
    choose_all: Any,
    team: Any,
    at: Places,
    body: Body,
    course: Course,
    count: int,
    t: int,
) -> int:
    """Let every life that goes on decide what to do about its observation; the number of those that diverge here.

    An oracle's actions are the world's, and are written by whoever has the world.
    """
    row = integers(team, at.clock, 4)[ROW]
    if course.source != FROM_BRAIN:
        if body.foreseen > 0:  # drives read what the brain makes of what it is told
            think_for(think_all, think, team, at, body, 0, count, row)
        act_without_brain(team, at, body, course, count, row, t)
        return 0
    think_for(think_all, think, team, at, body, 0, count, row)
    if body.recalled > 0:
        recall_elsewhere(team, at, body, count)
    if body.acting > 0:
        look_ahead(think, team, at, body, row, count)
    rows = body.window + 1
    status = integers(team, at.status, count)
    diverged = 0
    if not finite_rows(floats(team, at.outputs, count * rows * body.outputs), row, rows, body.outputs, count):
        diverged = find_diverged(team, at, body, row, count)
    choose_all(
        locate(floats(team, at.outputs, count * rows * body.outputs)),
        locate(floats(team, at.plasticity, count * body.genes)),
        locate(integers(team, at.rng, count * RNG_SIZE)),
        locate(floats(team, at.action, count * body.action_size)),
        locate(status),
        locate(integers(team, at.where, 3)),
        locate(floats(team, at.scratch, 16)),
        rows,
        row,
        body.outputs,
        body.genes,
        body.action_size,
        count,
        t + 1,  # step 0 of the streams belongs to birth, so that a life's first step has draws of its own
    )
    if body.undone > 0:
        look_back(team, at, body, row, count)
    return diverged


@within
def act_without_brain(team: Any, at: Places, body: Body, course: Course, count: int, row: int, t: int) -> None:
    """Draw every life's action from the uniform distribution, or leave it to an oracle."""
    show_all(team, at, body, 0, count)
    for place in range(count):
        if integers(team, at.status, count)[place] == UNFINISHED:
            copy(told_to(team, at, body, place), told_in(team, at, body, place, row))
            if course.source == FROM_UNIFORM:
                rng = integers(team, at.rng + place * RNG_SIZE, RNG_SIZE)
                # Step 0 of the streams belongs to birth, so that a life's first step has draws of its own.
                at_step(rng, t + 1)
                act_uniformly(course.choices, rng, action_of(team, at, body, place))
