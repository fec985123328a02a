"""What happens in a life, phase by phase over a team: being born, acting, experiencing a step, learning from a window.

A team's lives are of one age and take turns in every phase, so that a processor works on one while it waits for
another. Nothing here depends on who else is in the team: each life's operations keep their order. Both drivers live by
these functions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolearn.agent import GOES_ON, TERMINATED, TRUNCATED
from evolearn.genome import Newborns
from evolearn.life._foreseeing import (
    control_in,
    find_gradient,
    foresee_step,
    learn_to_foresee,
    move_trunk,
    note_outcomes,
)
from evolearn.life._imagining import imagine, remember_steps, repeat_window
from evolearn.life._remembering import forget_step, hold, recall_elsewhere, remember_all, show_all
from evolearn.life._valuing import look_ahead, look_back, shape_all
from evolearn.life._views import (
    action_of,
    all_finite,
    clear,
    finite_rows,
    finite_together,
    seen_by,
    seen_in,
    tally_of,
    thoughts_of,
    told_in,
    told_to,
    weights_of,
)
from evolearn.life.records import (
    AGE_BIN,
    BAD_FITNESS,
    BAD_OBSERVATION,
    BAD_SENSE,
    BIN_END,
    DEATHS,
    DIVERGED,
    DRIVEN,
    EPISODE,
    EPISODES,
    FINISHED,
    FINISHED_RETURN,
    FITNESS,
    FROM_BRAIN,
    FROM_UNIFORM,
    PLACE,
    ROW,
    SKIPPED,
    UNFINISHED,
    UPDATE,
    Body,
    Course,
    Outcome,
    Places,
    Trace,
    copy,
    row_of,
    window_of,
)
from evolearn.life.surgery import Surgeries, note_recall, operate
from evolearn.numerics import (
    doubles,
    floats,
    inlined_within,
    integers,
    locate,
    octets,
    within,
)
from evolearn.rng import ACTION, IMAGINATION, INIT, RNG_SIZE, at_step, integer, normal, open_stream, uniform

_ZERO = np.float32(0.0)


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
    open_stream(rng, key, INIT)
    for i in range(weights.size):
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
        look_ahead(team, at, body, row, count)
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


@inlined_within
def end_episodes(team: Any, at: Places, count: int) -> None:
    """Cut off the episodes under way: what comes next is another world's."""
    ended = integers(team, at.ended, count)
    for place in range(count):
        if ended[place] == GOES_ON:
            ended[place] = TRUNCATED


@inlined_within
def well_together(team: Any, at: Places, body: Body, count: int) -> bool:
    """Whether the worlds of all lives gave fitness and observations that are finite."""
    fitness = doubles(team, at.fitness, count)
    wrong = 0
    for place in range(count):
        wrong += not math.isfinite(fitness[place])
    return wrong == 0 and finite_together(floats(team, at.observation, count * body.observations))


@within
def find_faults(team: Any, at: Places, body: Body, count: int) -> int:
    """Let those fail whose worlds gave what is not finite; how many."""
    status = integers(team, at.status, count)
    faults = 0
    for place in range(count):
        if status[place] == UNFINISHED:
            if not math.isfinite(doubles(team, at.fitness, count)[place]):
                status[place] = BAD_FITNESS
            elif not all_finite(seen_by(team, at, body, place)):
                status[place] = BAD_OBSERVATION
            faults += status[place] != UNFINISHED
    return faults


@inlined_within
def feel_all(feel: Any, team: Any, at: Places, body: Body, row: int, choices: int, count: int) -> int:
    """Let every life that goes on feel its generic drives; how many of them foresaw what is not finite, and end."""
    generic = body.drives - 1 - body.senses
    status = integers(team, at.status, count)
    diverged = 0
    for place in range(count):
        if status[place] == UNFINISHED:
            integers(team, at.where, 3)[PLACE] = place
            if body.foreseen > 0 and not foresee_step(team, at, body, place, row, choices):
                status[place] = DIVERGED
                diverged += 1
                continue
            feel(
                floats(team, at.feel_memory + place * body.feel_memory, body.feel_memory),
                seen_in(team, at, body, place, row),
                action_of(team, at, body, place),
                seen_by(team, at, body, place),
                floats(team, at.foreseen, body.foreseen),
                control_in(team, at, body),
                floats(team, at.felt + place * body.drives + 1 + body.senses, generic),
            )
    return diverged


@inlined_within
def reward(team: Any, at: Places, body: Body, place: int, row: int, learns: bool) -> bool:
    """Weigh what one life felt, and write down what it learns from; False if a drive is not finite."""
    fitness = doubles(team, at.fitness + place, 1)[0]
    drives = floats(team, at.felt + place * body.drives, body.drives)
    drives[0] = fitness
    tally = tally_of(team, at, body, place)
    wanted = floats(team, at.drive_weights + place * body.drives, body.drives)
    # What the newborn was born to want, weighed: all that a learner sees.
    weighed, check = _ZERO, _ZERO
    for i in range(body.drives):
        weighed += wanted[i] * drives[i]
        check += drives[i] * _ZERO  # 0 for a finite number, NaN for any other
        tally[DRIVEN + i] += drives[i]
    if check != _ZERO:
        return False
    tally[FITNESS] += fitness
    tally[EPISODE] += fitness
    floats(team, at.rewards + place * body.window, body.window)[row] = weighed
    if learns:
        start = at.actions + (place * body.window + row) * body.action_size
        copy(action_of(team, at, body, place), floats(team, start, body.action_size))
        end = integers(team, at.ended + place, 1)[0]
        integers(team, at.ends + place * body.window, body.window)[row] = end
    return True


@inlined_within
def end_episode(
    think_all: Any, think: Any, team: Any, at: Places, body: Body, place: int, row: int, learns: bool
) -> None:
    """Count one life's episode, look ahead from where it was cut off, and forget it unless that outlasts it."""
    tally = tally_of(team, at, body, place)
    end = integers(team, at.ended + place, 1)[0]
    if learns and end == TRUNCATED:
        last = body.window
        think_for(think_all, think, team, at, body, place, 1, last)
        outputs = body.outputs
        copy(
            floats(team, at.outputs + (place * (last + 1) + last) * outputs, outputs),
            floats(team, at.final_outputs + (place * last + row) * outputs, outputs),
        )
    tally[FINISHED_RETURN] += tally[EPISODE]
    tally[EPISODES] += 1.0
    if end == TERMINATED:
        tally[DEATHS] += 1.0
    tally[EPISODE] = 0.0
    if body.lasting == 0:
        clear(floats(team, at.carry + place * body.carry, body.carry))
        if body.told > body.observations:
            forget_step(team, at, body, place)
    elif body.new_episode >= 0:
        told_to(team, at, body, place)[body.new_episode] = 1.0


@inlined_within
def any_ended(team: Any, at: Places, count: int) -> bool:
    """Whether an episode ended in this step."""
    ended = integers(team, at.ended, count)
    ends = 0
    for place in range(count):
        ends |= ended[place]
    return ends != GOES_ON


@inlined_within
def experience_all(
    think_all: Any, think: Any, feel: Any, team: Any, at: Places, body: Body, course: Course, count: int, t: int
) -> int:
    """Let every life that goes on take in what its step brought; the number of those at fault here.

    Fitness and ends are of this step, and observations are those after it, before a new episode begins. What is rare
    has loops of its own: beside it, every life would pay for keeping count of where its numbers lie.
    """
    status = integers(team, at.status, count)
    row = integers(team, at.clock, 4)[ROW]
    learns = course.learn_from <= t < course.learn_until
    faults = 0
    if not well_together(team, at, body, count):
        faults = find_faults(team, at, body, count)
    if body.drives > 1 + body.senses:
        faults += feel_all(feel, team, at, body, row, course.choices, count)
    for place in range(count):
        if status[place] == UNFINISHED and not reward(team, at, body, place, row, learns):
            status[place] = BAD_SENSE
            faults += 1
    if body.potential > 0:
        shape_all(team, at, body, row, count)
    if body.told > body.observations:
        remember_all(team, at, body, course.choices, row, count)
    if any_ended(team, at, count):
        for place in range(count):
            if integers(team, at.ended, count)[place] != GOES_ON and status[place] == UNFINISHED:
                end_episode(think_all, think, team, at, body, place, row, learns)
    if learns and body.outcomes > 0:
        note_outcomes(team, at, body, count, row)
        if body.remembered > 0:
            remember_steps(team, at, body, count, row)
    return faults


@within
def record_steps(traces: Trace, team: Any, at: Places, body: Body, row: int, first: int, count: int, t: int) -> None:
    """Write this step of every life that leaves a trace, before a new episode begins.

    Args:
        traces: of the first lives of a call; the others leave none.
        team: handle of a team's memory.
        at: where everything is there.
        body: how much of it.
        row: of the windows, that this step was seen in.
        first: life.
        count: lives.
        t: age of every life, below the traces' length.
    """
    for place in range(min(count, traces.fitness.shape[0] - first)):
        if integers(team, at.status, count)[place] == UNFINISHED:
            life = first + place
            copy(seen_in(team, at, body, place, row), traces.observations[life, t])
            if traces.told.shape[2] > 0:
                copy(told_in(team, at, body, place, row), traces.told[life, t])
            copy(seen_by(team, at, body, place), traces.next_observations[life, t])
            copy(action_of(team, at, body, place), traces.actions[life, t])
            copy(floats(team, at.felt + place * body.drives, body.drives), traces.drives[life, t])
            traces.fitness[life, t] = doubles(team, at.fitness, count)[place]
            traces.ends[life, t] = integers(team, at.ended, count)[place]


@within
def learn_alone(
    think: Any,
    backward: Any,
    deltas: Any,
    learn: Any,
    settings: Any,
    team: Any,
    at: Places,
    body: Body,
    place: int,
) -> None:
    """Let one life learn from its window."""
    integers(team, at.where, 3)[PLACE] = place
    done = learn(
        think,
        backward,
        deltas,
        thoughts_of(team, at, body, place),
        integers(team, at.layers, body.layers),
        floats(team, at.plasticity + place * body.genes, body.genes),
        settings,
        window_of(team, at, body, place),
        floats(team, at.memory + place * body.memory, body.memory),
        integers(team, at.clock, 4)[UPDATE],
    )
    if not done:
        tally_of(team, at, body, place)[SKIPPED] += 1.0
    hold(team, at, body, place)


@within
def learn_with_model(
    think: Any,
    backward: Any,
    backward_trunk: Any,
    deltas: Any,
    learn: Any,
    settings: Any,
    team: Any,
    at: Places,
    body: Body,
    choices: int,
    place: int,
    t: int,
) -> None:
    """Let one life learn from its window to foresee, by what it foresees, and from steps that it imagines."""
    # The window's activations are those that were lived until the learner thinks it again.
    moves = body.trunk > 0 and find_gradient(backward_trunk, settings, team, at, body, choices, place)
    if body.outcomes > 0:
        learn_to_foresee(team, at, body, choices, place)
    learn_alone(think, backward, deltas, learn, settings, team, at, body, place)
    if moves:
        move_trunk(team, at, body, place)
    if body.repeated > 0:
        repeat_window(think, backward, deltas, learn, settings, team, at, body, place)
    if body.imagined > 0:
        imagine(think, backward, deltas, learn, settings, team, at, body, choices, place, t)
    hold(team, at, body, place)


@inlined_within
def learn_when_full(
    think_all: Any,
    think: Any,
    backward: Any,
    backward_trunk: Any,
    deltas: Any,
    learn: Any,
    settings: Any,
    team: Any,
    at: Places,
    body: Body,
    course: Course,
    count: int,
    t: int,
) -> None:
    """Let every life that goes on learn from its window if it is full. Worlds show what the next step will see."""
    clock = integers(team, at.clock, 4)
    if course.learn_from <= t < course.learn_until:
        clock[ROW] += 1
        if clock[ROW] == body.window:
            think_for(think_all, think, team, at, body, 0, count, body.window)
            for place in range(count):
                if integers(team, at.status, count)[place] != UNFINISHED:
                    continue
                if body.outcomes == 0 and body.repeated == 0:
                    learn_alone(think, backward, deltas, learn, settings, team, at, body, place)
                else:
                    choices = course.choices
                    learn_with_model(
                        think, backward, backward_trunk, deltas, learn, settings, team, at, body, choices, place, t
                    )
            clock[UPDATE] += 1
            clock[ROW] = 0


@within
def close_bin(outcome: Outcome, team: Any, at: Places, body: Body, life: int, place: int) -> None:
    """Write down what a life did within the team's age bin, and begin the next."""
    age_bin = integers(team, at.clock, 4)[AGE_BIN]
    tally = tally_of(team, at, body, place)
    outcome.fitness[life, age_bin] = tally[FITNESS]
    outcome.finished_return[life, age_bin] = tally[FINISHED_RETURN]
    outcome.finished[life, age_bin] = int(tally[EPISODES])
    outcome.deaths[life, age_bin] = int(tally[DEATHS])
    outcome.open_return[life, age_bin] = tally[EPISODE]
    tally[FITNESS] = 0.0
    tally[FINISHED_RETURN] = 0.0
    tally[EPISODES] = 0.0
    tally[DEATHS] = 0.0


@within
def turn_bin(outcome: Outcome, course: Course, team: Any, at: Places, body: Body, first: int, count: int) -> None:
    """Go on to the next age bin."""
    for place in range(count):
        if integers(team, at.status, count)[place] == UNFINISHED:
            close_bin(outcome, team, at, body, first + place, place)
    clock = integers(team, at.clock, 4)
    clock[AGE_BIN] += 1
    clock[BIN_END] += course.bin_steps


@within
def close_ended(outcome: Outcome, team: Any, at: Places, body: Body, first: int, count: int, age: int) -> None:
    """Write down how those lives ended that end at this age.

    The status word comes last: a life without one was not lived to its end.
    """
    for place in range(count):
        life = first + place
        status = integers(team, at.status, count)[place]
        if status == UNFINISHED or outcome.status[life] != UNFINISHED:
            continue
        close_bin(outcome, team, at, body, life, place)
        tally = tally_of(team, at, body, place)
        for i in range(body.drives):
            outcome.drives[life, i] = tally[DRIVEN + i]
        outcome.skipped_updates[life] = int(tally[SKIPPED])
        outcome.age[life] = age
        if outcome.final_weights.shape[0] > 0:
            copy(weights_of(team, at, body, place), outcome.final_weights[life])
        outcome.status[life] = status


@within
def close_all(outcome: Outcome, course: Course, team: Any, at: Places, body: Body, first: int, count: int) -> None:
    """Close the lives that have come to their end."""
    status = integers(team, at.status, count)
    for place in range(count):
        if status[place] == UNFINISHED:
            status[place] = FINISHED
    close_ended(outcome, team, at, body, first, count, course.steps)
