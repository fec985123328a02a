"""Lock: press one key after another, and hear only at the end whether all were right.

Fixed in every life: four keys, how many presses open the lock (`presses`), and that nothing tells how near a guess was.
The right keys of the first presses are those of the standard order, in every life.

Redrawn at birth: the right keys of the last `redrawn` presses, each of the four alike; of all, if there are no more. At
0, the default, all can be inherited and nothing need be found out; where all are redrawn only luck finds them.

An episode is one attempt: so many presses, the last of which ends it. Observed is the number of the press, one-hot, and
nothing else: not what was pressed before, nor whether it was right. Both sizes are the same world, for up to 6
presses and up to 10; a short one has fewer observations.

Fitness: 1 for an attempt whose presses were all right, else 0; mean return per episode, so the share of attempts that
open the lock. Who presses at random opens it with 1/4 to the power of `presses`, whatever else it learns from the rest.

Source: this project.
"""

import math

import numpy as np

from evolearn.rng import integer
from evolearn.world import MEAN_RETURN_PER_EPISODE, Circle, Discrete, Parameter, Signal, World

KEYS = 4
# No key for all: an inherited liking for one key alone opens little.
STANDARD = np.array([2, 0, 3, 1, 0, 2, 1, 3, 3, 1])
MOST = len(STANDARD)  # presses; both locks have one state, since they share their functions
NONE = -1  # not pressed yet

STATE = np.dtype(
    [
        ("right", "i8", (MOST,)),  # key of each press
        ("pressed", "i8", (MOST,)),  # in this attempt
        ("place", "i8"),  # the press that is next
    ],
    align=True,
)


def ever_opened(guessed, attempts, keys=KEYS):
    """Share of lives that ever open the lock where so many presses are guessed at random in each attempt.

    Args:
        guessed: presses; all others are known.
        attempts: in a life.
        keys: to choose from.
    """
    return -math.expm1(attempts * math.log1p(-(float(keys) ** -guessed))) if guessed else 1.0


def ever_opened_at_most(guessed, attempts, keys=KEYS):
    """The same for whoever never tries the same twice: until it is first paid nobody does better, however it learns."""
    return min(1.0, attempts * float(keys) ** -guessed)


def often_opened(guessed, attempts, keys=KEYS):
    """Share of attempts that open it, for whoever guesses so many presses until they were right once, then knows."""
    return 1.0 - ever_opened(guessed, attempts, keys) * (float(keys) ** guessed - 1.0) / attempts


def born(lock, parameters, rng):
    presses = int(parameters.presses)
    for place in range(presses):
        is_redrawn = place >= presses - parameters.redrawn
        lock.right[place] = integer(rng, 0, KEYS) if is_redrawn else STANDARD[place]


def begin(lock, parameters, rng):
    for place in range(MOST):
        lock.pressed[place] = NONE
    lock.place = 0


def observe(lock, parameters, observation):
    observation[:] = 0.0
    observation[lock.place] = 1.0


def step(lock, parameters, action, senses, rng):
    lock.pressed[lock.place] = action
    if lock.place < parameters.presses - 1.0:  # the end is seen as the last press: nobody acts there
        lock.place += 1
        return 0.0, False, False
    for place in range(int(parameters.presses)):
        if lock.pressed[place] != lock.right[place]:
            return 0.0, True, False
    return 1.0, True, False


def oracle(lock, parameters, action):
    """Press the right key."""
    return lock.right[lock.place]


def draw(lock, parameters):
    """Draw a column of keys for each press, the right one marked, and those that were pressed in this attempt."""
    presses = range(int(parameters.presses))
    return (
        *(
            Circle(float(place), float(key), 0.4, role="ground", label=f"press {place} key {key}")
            for place in presses
            for key in range(KEYS)
        ),
        *(
            Circle(float(place), float(lock.right[place]), 0.3, role="goal", label=f"right {place}")
            for place in presses
        ),
        *(
            Circle(
                float(place),
                float(max(lock.pressed[place], 0)),
                0.15,
                role="self",
                label=f"pressed {place}",
                opacity=float(lock.pressed[place] != NONE),
            )
            for place in presses
        ),
    )


def up_to(most, name, first_line):
    """A lock of at most so many presses."""
    return World(
        name=name,
        doc=first_line + __doc__[__doc__.index("\n") :],
        observations=tuple(Signal(f"press {place}", "1", "1 when it is the next") for place in range(most)),
        actions=Discrete(KEYS, tuple(f"key {key}" for key in range(KEYS))),
        state=STATE,
        born=born,
        begin=begin,
        observe=observe,
        step=step,
        oracle=oracle,
        draw=draw,
        parameters=(
            Parameter("presses", 6.0, 1.0, most, "presses", "that open the lock", whole=True),
            Parameter("redrawn", 0.0, 0.0, most, "presses", "the last ones, whose keys are drawn at birth", whole=True),
        ),
        fitness_rule=MEAN_RETURN_PER_EPISODE,
    )


FIRST_LINE = "Lock of up to {} presses: press one key after another, and hear only at the end whether all were right."
lock = up_to(6, "lock", FIRST_LINE.format("six"))
lock_10 = up_to(10, "lock-10", FIRST_LINE.format("ten"))
