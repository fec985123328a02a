"""What a brain is told of the step before, and what an operation makes of its state and of weights that are held."""

from __future__ import annotations

from typing import Any

import numpy as np

from evolearn.life._views import action_of, seen_by, seen_in, told_to, weights_of
from evolearn.life.records import UNFINISHED, Body, Places, copy
from evolearn.life.surgery import put_back
from evolearn.numerics import floats, inlined_within, integers, octets, within

_ZERO = np.float32(0.0)


@inlined_within
def show_all(team: Any, at: Places, body: Body, first: int, count: int) -> None:
    """Let what the brains of `count` lives from place `first` on are told begin with what their worlds show now."""
    if body.told > body.observations:  # else it is the same memory
        for place in range(first, first + count):
            copy(seen_by(team, at, body, place), floats(team, at.told + place * body.told, body.observations))


@inlined_within
def remember_all(team: Any, at: Places, body: Body, choices: int, row: int, count: int) -> None:
    """Write down what the brains of lives that go on are told of the step before when they come to the next.

    Args:
        team: handle of a team's memory; actions, rewards and the window's row are read.
        at: where everything is there.
        body: how much of it.
        choices: of a discrete world; 0 for a box.
        row: of the window, that this step was seen in.
        count: lives.
    """
    for place in range(count):
        if integers(team, at.status + place, 1)[0] != UNFINISHED:
            continue
        told = told_to(team, at, body, place)
        if body.last_observation >= 0:
            start = at.told + place * body.told + body.last_observation
            copy(seen_in(team, at, body, place, row), floats(team, start, body.observations))
        if body.last_action >= 0:
            action = action_of(team, at, body, place)
            if choices > 0:
                for i in range(choices):
                    told[body.last_action + i] = 1.0 if i == int(action[0]) else 0.0
            else:
                copy(action, floats(team, at.told + place * body.told + body.last_action, action.size))
        if body.last_reward >= 0:
            told[body.last_reward] = floats(team, at.rewards + place * body.window, body.window)[row]
        if body.new_episode >= 0:
            told[body.new_episode] = _ZERO


@within
def forget_step(team: Any, at: Places, body: Body, place: int) -> None:
    """Have one life's brain told of no step before, and that an episode begins."""
    told = told_to(team, at, body, place)
    for i in range(body.observations, body.told):
        told[i] = _ZERO
    if body.new_episode >= 0:
        told[body.new_episode] = 1.0


@within
def recall_elsewhere(team: Any, at: Places, body: Body, count: int) -> None:
    """Give the lives whose memory was operated on the state that they will read next.

    Called once between any two thoughts that change the state. The link is cleared with it: learning takes what comes
    in as given, since it is not what went out.

    Args:
        team: handle of a team's memory.
        at: where everything is there.
        body: how much of it.
        count: lives.
    """
    before = floats(team, at.unmoved, body.recalled)
    for place in range(count):
        if integers(team, at.recalling + place, 1)[0] == 0:
            continue
        carry = floats(team, at.carry + place * body.carry, body.carry)
        recalled = integers(team, at.recalled + place * body.recalled, body.recalled)
        copy(carry, before)
        for i in range(body.recalled):
            carry[i] = before[recalled[i]] if recalled[i] >= 0 else _ZERO
        carry[body.recalled] = _ZERO


@inlined_within
def hold(team: Any, at: Places, body: Body, place: int) -> None:
    """Put back those weights of one life that an operation holds."""
    if integers(team, at.holding + place, 1)[0] > 0:
        put_back(
            octets(team, at.held + place * body.operated, body.operated),
            floats(team, at.operated + place * body.operated, body.operated),
            weights_of(team, at, body, place),
        )
