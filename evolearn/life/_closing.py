"""Writing down what lives did: at the end of an age bin, and at their own."""

from __future__ import annotations

from typing import Any

from evolearn.life._views import tally_of, weights_of
from evolearn.life.records import (
    AGE_BIN,
    BIN_END,
    DEATHS,
    DRIVEN,
    EPISODE,
    EPISODES,
    FINISHED,
    FINISHED_RETURN,
    FITNESS,
    SKIPPED,
    TAUGHT,
    UNFINISHED,
    Body,
    Course,
    Outcome,
    Places,
    copy,
)
from evolearn.numerics import integers, within


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
        outcome.taught[life] = int(tally[TAUGHT])
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
