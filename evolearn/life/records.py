"""What a life is lived with and what it leaves behind: the records that drivers hand to compiled code.

The views below count no references, see `evolearn.numerics.compiler.vector`: handing them on costs nothing, where
handing on an array costs an atomic operation for every field of every record.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from evolearn.agent import Window, whole_lines
from evolearn.genome import Newborns
from evolearn.numerics import aligned_zeros, floats, handle_of, inlined_within, integers, matrix, vector
from evolearn.rng import RNG_SIZE

# Where actions come from.
FROM_BRAIN, FROM_UNIFORM, FROM_ORACLE = 0, 1, 2

# How a life stands: the status word, written last.
UNFINISHED, FINISHED, BAD_OBSERVATION, BAD_FITNESS, BAD_SENSE, DIVERGED = 0, 1, 2, 3, 4, 5


class Course(NamedTuple):
    """How lives are to be lived: the same for all lives of a call."""

    steps: int  # world steps in a life
    learn_from: int  # age in steps at which learning starts
    learn_until: int  # age in steps at which it stops; 0 switches learning off
    bin_steps: int  # steps per age bin of the outcome
    operate_at: int  # age in steps at which lives are operated on; -1: never
    switch_at: int  # age in steps at which worlds are born a second time; -1: never
    reset_from: int  # from this weight on weights are as at birth again at the switch; -1: none are
    source: int  # FROM_BRAIN, FROM_UNIFORM or FROM_ORACLE
    choices: int  # of a discrete world; 0 for a box
    teaching: int  # ASKED or WATCHED; NOT_TAUGHT without a teacher
    taught_life: int  # world steps that the shares of life are of by which evolution says when life is taught
    grow_every: int  # world steps from one growth to the next; 0: nothing grows
    grown_life: int  # world steps that the shares of life are of by which evolution says when it grows
    deprived_until: int  # age in steps until which nothing is seen
    episode_at: int  # age in steps at which an episode begins, whatever the world says; -1: at none


class Body(NamedTuple):
    """Sizes that a team's memory is made by."""

    lives: int  # at most in a team, T
    window: int  # steps between two learning updates, N
    layers: int  # 1 + trunk layers
    observations: int  # that a world shows, O
    told: int  # numbers that a brain is told, I; the first are what its world shows
    last_observation: int  # where among them that of the step before begins; -1: a brain is not told
    last_action: int  # the same of what was done then
    last_reward: int  # the same of what was felt then
    new_episode: int  # the same of whether an episode begins
    lasting: int  # 1 if what a brain remembers outlasts its episodes
    units: int  # floats that a trunk keeps of a row of a window, U
    carry: int  # floats that a recurrent trunk carries from step to step
    outputs: int  # length of an output row, Y: policy parameters and the value
    action_size: int  # length of an action, A: 1 for a choice
    senses: int
    drives: int  # D
    genes: int  # numbers of plasticity
    weights: int  # of a brain, W
    thinking: int  # the first of them, which trunk, policy and value read; the others are the prediction head's
    read: int  # numbers that the heads read, H
    outcomes: int  # that the prediction head predicts, Z; 0 without one
    prediction_rate: int  # where among the numbers of plasticity its rate is; -1: nowhere
    foreseen: int  # O if drives read what the prediction head foresees, else 0
    controls: int  # numbers of an action, or choices, if they read how that depends on them; else 0
    trunk: int  # weights of the trunk, if what the prediction head errs by changes them; else 0, as the next
    gradient: int  # floats in which their gradient is worked out
    prediction_weight: int  # where among the numbers of plasticity the weight of that is; -1: nowhere
    imagined: int  # updates from imagined steps for each step of life
    repeated: int  # updates from the window once more for each step of life
    remembered: int  # R, the last steps of a life that imagined ones begin at; 0 without
    stride: int  # floats from one life's weights to the next's; 0 if the lives of a team share them, and do not learn
    operated: int  # W if lives are operated on, else 0
    recalled: int  # numbers of the state that a trunk carries if lives are operated on, else 0
    memory: int  # floats of the learner's memory
    feel_memory: int  # floats of the generic drives' memory
    state_size: int  # bytes of a world's state
    tiled: int  # 1 if the trunk thinks for a team at once, see `evolearn.agent.trunks.tiles`; else 0
    value: int  # numbers of an innate value, V; 0 without one, as the next seven
    value_layers: int  # 2 + its layers of units
    value_scratch: int  # floats that it is reckoned in
    potential: int  # 1 if the reward felt is shaped by it
    acting: int  # 1 if what is predicted to follow from each choice is valued before one is chosen
    critic: int  # 1 if the learner's critic says then what it is worth
    undone: int  # Y if outputs are as they were thought again once there was a choice, else 0
    discount: int  # where in plasticity the learner's discount is; -1: it has none
    lessons: int  # numbers of a lesson, choices or dimensions of an action; 0 without a teacher
    teaching: int  # W if a brain teaches, else 0, as the next
    pupils: int  # lives that it thinks for
    taught_from: int  # where in plasticity the share of life is at which teaching begins; -1: nowhere
    taught_share: int  # the same of the share of life that it lasts
    timetables: int  # K, by which weights grow; 0 if none do
    grown: int  # where in plasticity the extent of growth is; -1: nowhere, as the next three
    grown_weight: int  # the same of where old weights begin
    grown_onset: int  # the same of onsets
    grown_width: int  # the same of widths
    late_rate: int  # the same of how many times as much the learning rate comes to, its onset and its width
    learning_rate: int  # where in plasticity that is; -1: nowhere


class Places(NamedTuple):
    """Where in a team's memory the lives' arrays begin, counted in their own numbers; life after life.

    A team's memory is one block of bytes, so that compiled code is handed one address and not fifty arrays.
    """

    observations: int  # float32 [T, N + 1, I]; this and the next seven are the lives' `Window`
    activations: int  # float32 [T, N + 1, U]
    outputs: int  # float32 [T, N + 1, Y]
    actions: int  # float32 [T, N, A]
    rewards: int  # float32 [T, N]
    ends: int  # int64 [T, N]
    final_outputs: int  # float32 [T, N, Y]
    targets: int  # float32 [T, N, Z], what came of the steps of the window: changes of the observation, reward, end
    errors: int  # float32 [Z], of one life's step while it is learned from
    foreseen: int  # float32 [Z], what one life's step was foreseen to lead to, while it is felt
    control: int  # float32 [O, controls], how that depends on the action
    gradient: int  # float32 [gradient], see `evolearn.life._foreseeing.find_gradient`
    remembered_observations: int  # float32 [T, R, O], what was seen in steps of life, and in the next what was done
    remembered_actions: int  # float32 [T, R, A]
    imagining: int  # int64 [T, RNG_SIZE], the imagination streams, if any step is imagined
    dream: int  # float32 [2 O + 2 U + 3 Y + A + 1], the window of one imagined step but for how it ended, if any is
    dream_end: int  # int64 [1]
    carry: int  # float32 [T, carry]
    weights: int  # float32 [T, stride], W of them used; or [1, ..] if they are shared
    drive_weights: int  # float32 [T, D]
    plasticity: int  # float32 [T, genes]
    operated: int  # float32 [T, operated], weights right after an operation
    held: int  # uint8 [T, operated], which of them are held
    recalled: int  # int64 [T, recalled], from where each number of the state is read, see `Surgeries`
    unmoved: int  # float32 [recalled], the state of one life while it is moved
    memory: int  # float32 [T, memory], the learners'
    feel_memory: int  # float32 [T, feel_memory], the generic drives'
    observation: int  # float32 [T, O], what the worlds show now
    told: int  # float32 [T, I], what brains are told now; the same place if that is what the worlds show
    action: int  # float32 [T, A]
    felt: int  # float32 [T, D], the drives of this step: fitness, then what the worlds' senses write, then generic ones
    scratch: int  # float32 [16 (2 Y + 4)], see `evolearn.agent.policies.together`
    rng: int  # int64 [T, RNG_SIZE], the action streams
    tally: int  # float64 [T, DRIVEN + D], see below
    fitness: int  # float64 [T], of this step
    ended: int  # int64 [T], of this step: GOES_ON, TERMINATED or TRUNCATED
    status: int  # int64 [T]: UNFINISHED while a life goes on
    holding: int  # int64 [T], how many weights are held since an operation
    recalling: int  # int64 [T], how many numbers of the state are read from elsewhere since then
    clock: int  # int64 [4]: ROW, UPDATE, AGE_BIN, BIN_END
    where: int  # int64 [3]: FIRST_LIFE, PLACE, AGE; read by whoever watches
    layers: int  # int64 [layers], the trunk's description
    value: int  # float32 [T, V], innate
    value_layers: int  # int64 [value_layers], see `evolearn.agent.ValueSpec.layers`
    value_scratch: int  # float32 [value_scratch], see `evolearn.agent.value_of`
    thought: int  # float32 [T, undone], outputs without what value added to them
    taught: int  # int64 [T]: NOT_TAUGHT, ASKED or WATCHED in the window under way
    lessons: int  # float32 [T, N, lessons], see `Window`
    lesson: int  # float32 [T, A], what the teacher does, or would do, in this step
    teacher_weights: int  # float32 [pupils, stride]; this and the next five are of a brain that teaches
    teacher_observations: int  # float32 [pupils, 2, I]
    teacher_activations: int  # float32 [pupils, 2, U]
    teacher_outputs: int  # float32 [pupils, 2, Y]
    teacher_carry: int  # float32 [pupils, carry]
    teacher_rng: int  # int64 [pupils, RNG_SIZE], the teaching streams
    timetables: int  # int64 [thinking], which of K each weight grows by, if any does
    grown: int  # float32 [T, K], how far each has come
    moves: int  # float32 [K], how far each comes for one life


# Places in a life's tally: sums over the age bin so far (fitness, returns of finished episodes, how many, deaths among
# their ends), return of the episode so far, updates skipped in this life, steps taught in it, and from DRIVEN on sums
# of drives over it.
FITNESS, FINISHED_RETURN, EPISODES, DEATHS, EPISODE, SKIPPED, TAUGHT, DRIVEN = 0, 1, 2, 3, 4, 5, 6, 7
# Places in a team's clock: filled rows of the window, learning updates so far, age bin, age at which it ends.
ROW, UPDATE, AGE_BIN, BIN_END = 0, 1, 2, 3
# What a team is at: its first life, who among them moves, their age.
FIRST_LIFE, PLACE, AGE = 0, 1, 2


class Outcome(NamedTuple):
    """What lives leave behind. L lives, B age bins, D drives."""

    fitness: Any  # float64 [L, B]: sum over the bin's steps
    finished_return: Any  # float64 [L, B]: sum of the returns of episodes that ended in the bin
    finished: Any  # int64 [L, B]: episodes that ended in the bin
    open_return: Any  # float64 [L, B]: return so far of the episode that goes on at the bin's end
    deaths: Any  # int64 [L, B]: episodes that terminated (were not truncated) in the bin
    drives: Any  # float64 [L, D]: sum over the life
    skipped_updates: Any  # int64 [L]: learning updates with a gradient that was not finite
    taught: Any  # int64 [L]: steps in which a teacher was asked or watched
    age: Any  # int64 [L]: steps begun; the step at fault where a life failed
    status: Any  # int64 [L]
    final_weights: Any  # float32 [L, W], or [0, 0] if not asked for


class Trace(NamedTuple):
    """Step by step record of a life; of the first lives of a call with a leading axis, of length 0 for none."""

    observations: Any  # float32 [T, O], before the step
    told: Any  # float32 [T, I], what the brain was told before the step; [T, 0] where that is the observation alone
    next_observations: Any  # float32 [T, O], after the step, before a new episode begins
    actions: Any  # float32 [T, action size]
    drives: Any  # float32 [T, D]
    fitness: Any  # float64 [T]
    ends: Any  # int64 [T]: GOES_ON, TERMINATED or TRUNCATED

    @property
    def met(self) -> Any:
        """What the brain was told before each step, float32 [.., T, I]."""
        return self.told if self.told.shape[-1] else self.observations

    def of(self, life: int) -> Trace:
        """That of one life, where there are several."""
        return Trace(*(array[life] for array in self))


_I = types.int64
_F1, _F2, _F3 = types.float32[::1], types.float32[:, ::1], types.float32[:, :, ::1]
_D1, _D2 = types.float64[::1], types.float64[:, ::1]
_I1, _I2 = types.int64[::1], types.int64[:, ::1]
COURSE_TYPE = types.NamedUniTuple(_I, len(Course._fields), Course)
BODY_TYPE = types.NamedUniTuple(_I, len(Body._fields), Body)
PLACES_TYPE = types.NamedUniTuple(_I, len(Places._fields), Places)
NEWBORNS_TYPE = types.NamedTuple((_F2, _F2, _F2, _F1, _F1, _F2), Newborns)
OUTCOME_TYPE = types.NamedTuple((_D2, _D2, _I2, _D2, _I2, _D2, _I1, _I1, _I1, _I1, _F2), Outcome)
TRACE_TYPE = types.NamedTuple((_F3, _F3, _F3, _F3, _F3, _D2, _I2), Trace)


class Team:
    """The memory of lives side by side on one thread, all of one age."""

    def __init__(
        self, body: Body, layers: Sequence[int], value_layers: Sequence[int] = (), timetables: Any = ()
    ) -> None:
        """Lay out and allocate.

        Args:
            body: sizes.
            layers: see `evolearn.agent.BrainSpec.layers`.
            value_layers: see `evolearn.agent.ValueSpec.layers`; none without an innate value.
            timetables: see `evolearn.agent.timetables`; none where no weight grows.
        """
        self.body = body
        self._shapes = _shapes(body)
        self._starts: dict[str, int] = {}  # in bytes
        size = 0
        for name, (dtype, *shape) in self._shapes.items():
            if name == "told" and body.told == body.observations:  # nothing has to be copied
                self._starts[name] = self._starts["observation"]
                continue
            self._starts[name] = size
            octets = math.prod(shape) * np.dtype(dtype).itemsize
            size += -(-octets // _LINE) * _LINE
        self.memory = aligned_zeros(size, dtype=np.uint8)
        self.at = Places(*(self._starts[name] // np.dtype(self._shapes[name][0]).itemsize for name in Places._fields))
        self["layers"][:] = layers
        self["value_layers"][:] = value_layers
        self["timetables"][:] = timetables

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A view of one of its arrays, see Places."""
        dtype, *shape = self._shapes[name]
        start = self._starts[name]
        octets = math.prod(shape) * np.dtype(dtype).itemsize
        return self.memory[start : start + octets].view(dtype).reshape(shape)

    @property
    def handle(self) -> Any:
        """By which compiled code finds it."""
        return handle_of(self.memory)


_LINE = 64  # bytes; arrays begin on a cache line


def _shapes(body: Body) -> dict[str, tuple[Any, ...]]:
    """Kind of number and shape of every array of Places."""
    single, double, long = np.float32, np.float64, np.int64
    lives, window, outputs = body.lives, body.window, body.outputs
    dream = 2 * body.observations + 2 * body.units + 3 * outputs + body.action_size + 1
    return {
        "observations": (single, lives, window + 1, body.told),
        "activations": (single, lives, window + 1, body.units),
        "outputs": (single, lives, window + 1, outputs),
        "actions": (single, lives, window, body.action_size),
        "rewards": (single, lives, window),
        "ends": (long, lives, window),
        "final_outputs": (single, lives, window, outputs),
        "targets": (single, lives, window, body.outcomes),
        "errors": (single, body.outcomes),
        "foreseen": (single, body.outcomes),
        "control": (single, body.observations, body.controls),
        "gradient": (single, body.gradient),
        "remembered_observations": (single, lives, body.remembered, body.observations),
        "remembered_actions": (single, lives, body.remembered, body.action_size),
        "imagining": (long, lives if body.imagined else 0, RNG_SIZE),
        "dream": (single, dream if body.imagined or body.critic else 0),
        "dream_end": (long, 1),
        "carry": (single, lives, body.carry),
        "weights": (single, lives, body.stride) if body.stride else (single, 1, whole_lines(body.weights)),
        "drive_weights": (single, lives, body.drives),
        "plasticity": (single, lives, body.genes),
        "operated": (single, lives, body.operated),
        "held": (np.uint8, lives, body.operated),
        "recalled": (long, lives, body.recalled),
        "unmoved": (single, body.recalled),
        "memory": (single, lives, body.memory),
        "feel_memory": (single, lives, body.feel_memory),
        "observation": (single, lives, body.observations),
        "told": (single, lives, body.told),
        "action": (single, lives, body.action_size),
        "felt": (single, lives, body.drives),
        "scratch": (single, 16 * (2 * outputs + 4)),
        "rng": (long, lives, RNG_SIZE),
        "tally": (double, lives, DRIVEN + body.drives),
        "fitness": (double, lives),
        "ended": (long, lives),
        "status": (long, lives),
        "holding": (long, lives),
        "recalling": (long, lives),
        "clock": (long, 4),
        "where": (long, 3),
        "layers": (long, body.layers),
        "value": (single, lives, body.value),
        "value_layers": (long, body.value_layers),
        "value_scratch": (single, body.value_scratch),
        "thought": (single, lives, body.undone),
        "taught": (long, lives),
        "lessons": (single, lives, window, body.lessons),
        "lesson": (single, lives, body.action_size if body.lessons else 0),
        "teacher_weights": (single, body.pupils, whole_lines(body.teaching)),
        "teacher_observations": (single, body.pupils, 2, body.told),
        "teacher_activations": (single, body.pupils, 2, body.units),
        "teacher_outputs": (single, body.pupils, 2, outputs),
        "teacher_carry": (single, body.pupils, body.carry),
        "teacher_rng": (long, body.pupils, RNG_SIZE),
        "timetables": (long, body.thinking if body.timetables else 0),
        "grown": (single, lives, body.timetables),
        "moves": (single, body.timetables),
    }


@inlined_within
def copy(source: Any, target: Any) -> None:
    """Write `source` over `target`, both of one size."""
    for i in range(target.size):
        target[i] = source[i]


@inlined_within
def row_of(array: Any, row: int) -> Any:
    """Row of a matrix as a view that counts no references; see `evolearn.numerics.compiler.vector`."""
    return vector(array, row * array.shape[1], array.shape[1])


@inlined_within
def window_of(team: Any, at: Places, body: Body, place: int) -> Window:
    """The part of a life's memory that brain and learner see."""
    rows = body.window + 1
    return Window(
        _rows(team, at.observations, place, rows, body.told),
        _rows(team, at.activations, place, rows, body.units),
        _rows(team, at.outputs, place, rows, body.outputs),
        _rows(team, at.actions, place, body.window, body.action_size),
        floats(team, at.rewards + place * body.window, body.window),
        integers(team, at.ends + place * body.window, body.window),
        _rows(team, at.final_outputs, place, body.window, body.outputs),
        floats(team, at.carry + place * body.carry, body.carry),
        _rows(team, at.lessons, place, body.window, body.lessons),
        integers(team, at.taught + place, 1),
    )


@inlined_within
def teacher_of(team: Any, at: Places, body: Body, place: int) -> Window:
    """What a brain that teaches a life thinks in, a window of one step."""
    return Window(
        _rows(team, at.teacher_observations, place, 2, body.told),
        _rows(team, at.teacher_activations, place, 2, body.units),
        _rows(team, at.teacher_outputs, place, 2, body.outputs),
        _rows(team, at.lesson, place, 1, body.action_size),
        floats(team, at.rewards + place * body.window, 1),
        integers(team, at.ends + place * body.window, 1),
        _rows(team, at.final_outputs, place, 1, body.outputs),
        floats(team, at.teacher_carry + place * body.carry, body.carry),
        _rows(team, at.lessons, place, 1, body.lessons),
        integers(team, at.taught + place, 1),
    )


@inlined_within
def _rows(team: Any, start: int, place: int, rows: int, columns: int) -> Any:
    return matrix(floats(team, start + place * rows * columns, rows * columns), 0, rows, columns)
