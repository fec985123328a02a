"""Linear teacher, 16 inputs: a matrix says which of four actions is right, and what one did is told late.

Fixed in every life: that the right action is the one of the highest score, which is linear in what is seen.

Redrawn at birth: the weights of the scores, normal, one for each input and action. Where a config has evolution see one
birth alone (`world.set: 1`), all lives that select genomes have the same teacher, and selection can find it.

Redrawn at every step: the inputs, independent and normal. They are all that is observed.

Fitness: 1 for the right action, else 0, mean per step. It is what is counted and need not be what is felt: who is to
learn from late rewards feels the sense `told` in its place (`drives.weights: {fitness: 0, told: 1}`), at the end of
each episode of `delay` decisions the share of them that were right, before that 0. Which ones were right is not said.
Random actions are right in a quarter of the steps.

Source: this project.
"""

import numpy as np

from evolearn.rng import normal
from evolearn.world import Circle, Discrete, Line, Parameter, Signal, World, world_code

ACTIONS = 4
MOST = 48  # inputs; all linear teachers have one state, since they share their functions
NONE = -1  # nothing was done yet
ROW = 8  # inputs in a row of the picture

STATE = np.dtype(
    [
        ("inputs", "i8"),
        ("weights", "f8", (MOST, ACTIONS)),
        ("seen", "f8", (MOST,)),
        ("right", "i8"),  # action, of what is seen
        ("acted", "i8"),  # in the last step
        ("was_right", "i8"),  # what would have been right then
        ("made", "i8"),  # decisions of this episode
        ("hits", "i8"),  # of them right
    ],
    align=True,
)


@world_code
def ask(exam, rng):
    """Draw inputs, and say what is right: the action of the highest score, of equals the first."""
    for place in range(exam.inputs):
        exam.seen[place] = normal(rng)
    highest = 0.0
    for action in range(ACTIONS):
        score = 0.0
        for place in range(exam.inputs):
            score += exam.seen[place] * exam.weights[place, action]
        if action == 0 or score > highest:
            exam.right = action
            highest = score


@world_code
def hire(exam, inputs, rng):
    exam.inputs = inputs
    for place in range(inputs):
        for action in range(ACTIONS):
            exam.weights[place, action] = normal(rng)
    exam.acted = NONE


def born_with_4(exam, parameters, rng):
    hire(exam, 4, rng)


def born_with_16(exam, parameters, rng):
    hire(exam, 16, rng)


def born_with_48(exam, parameters, rng):
    hire(exam, 48, rng)


def begin(exam, parameters, rng):
    exam.made = 0
    exam.hits = 0
    ask(exam, rng)


def observe(exam, parameters, observation):
    for place in range(observation.size):
        observation[place] = exam.seen[place]


def step(exam, parameters, action, senses, rng):
    exam.acted = action
    exam.was_right = exam.right
    is_right = action == exam.right
    exam.made += 1
    exam.hits += 1 if is_right else 0
    is_over = exam.made >= parameters.delay
    senses[0] = exam.hits / parameters.delay if is_over else 0.0
    if not is_over:
        ask(exam, rng)  # at an episode's end the next one asks
    return 1.0 if is_right else 0.0, is_over, False


def oracle(exam, parameters, action):
    """Do what the teacher says."""
    return exam.right


def draw(exam, parameters):
    """Draw what is seen, a bar an input; below it the actions, the one that is right now, and the last one."""
    inputs = [place for place in range(MOST) if place < exam.inputs]

    def bar(place):
        x, y = float(place % ROW), -1.2 * (place // ROW)
        return Line(x, y, x, y + 0.25 * float(exam.seen[place]), role="mark", label=f"input {place}")

    return (
        *(bar(place) for place in inputs),
        *(Circle(2.0 * action + 1.0, -8.0, 0.4, role="ground", label=f"action {action}") for action in range(ACTIONS)),
        Circle(2.0 * exam.right + 1.0, -8.0, 0.25, role="goal", label="right now"),
        Circle(2.0 * exam.acted + 1.0, -9.0, 0.2, role="self", label="acted", opacity=float(exam.acted != NONE)),
        Circle(
            2.0 * exam.was_right + 1.0, -9.0, 0.1, role="goal", label="was right", opacity=float(exam.acted != NONE)
        ),
    )


FIRST_LINE = "Linear teacher, {} inputs: a matrix says which of four actions is right, and what one did is told late."


def with_inputs(inputs, name, born):
    """A linear teacher, and how it is born."""
    return World(
        name=name,
        doc=FIRST_LINE.format(inputs) + __doc__[__doc__.index("\n") :],
        observations=tuple(Signal(f"input {place}", "1") for place in range(inputs)),
        actions=Discrete(ACTIONS, tuple(f"action {action}" for action in range(ACTIONS))),
        state=STATE,
        born=born,
        begin=begin,
        observe=observe,
        step=step,
        oracle=oracle,
        draw=draw,
        senses=(Signal("told", "1", "share of an episode's decisions that were right, at its end; else 0"),),
        parameters=(
            Parameter("delay", 1.0, 1.0, 1e6, "steps", "decisions of an episode, at whose end one is told", whole=True),
        ),
    )


linear_teacher = with_inputs(16, "linear-teacher", born_with_16)
linear_teacher_4 = with_inputs(4, "linear-teacher-4", born_with_4)
linear_teacher_48 = with_inputs(48, "linear-teacher-48", born_with_48)
