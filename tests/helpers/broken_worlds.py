"""One sound world as text, and the change that breaks each promise of the contract."""

SOUND = '''"""Sound: an animal that tires. Fixed: all. Redrawn at birth: its weight. Fitness: effort per step."""

import random
import time

import numpy as np

from evolearn.rng import uniform
from evolearn.world import Box, Circle, Line, Parameter, Signal, World

STATE = np.dtype([("weight", "f8"), ("tired", "f8"), ("age", "i8")], align=True)
LUCK = 0.5


def born(animal, parameters, rng):
    animal.weight = uniform(rng)


def begin(animal, parameters, rng):
    animal.age = 0
    animal.tired = 0.0


def observe(animal, parameters, observation):
    observation[0] = animal.tired
    observation[1] = 0.1 * animal.age


def step(animal, parameters, action, senses, rng):
    effort = min(max(action[0], -1.0), 1.0)
    animal.tired = 0.5 * (animal.tired + effort) + 0.1 * uniform(rng)
    animal.age += 1
    senses[0] = animal.tired
    return effort, animal.age >= 10, False


def oracle(animal, parameters, action):
    action[0] = 1.0


def draw(animal, parameters):
    return (Circle(animal.tired, 0.0, 0.1, role="self", label="animal"),)


def reborn(animal, parameters, rng):
    animal.weight = 1.0 - animal.weight


world = World(
    name="sound",
    doc=__doc__,
    observations=(Signal("tired", "1"), Signal("age", "10 steps")),
    actions=Box(1, ("effort",)),
    senses=(Signal("ache", "1"),),
    parameters=(Parameter("slope", 1.0, 0.0, 2.0, "1", "of nothing"),),
    state=STATE,
    born=born,
    reborn=reborn,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
)
'''

AGES = "    animal.age += 1\n"
GROWS = "    animal.weight = 1.0 - animal.weight\n"
WEIGHS = "    animal.weight = uniform(rng)\n"

# What breaks -> (text of the sound world, what is put there, check that fails, texts of the failure).
BROKEN = {
    "observation not finite": (
        "observation[0] = animal.tired",
        "observation[0] = np.nan",
        "finite",
        [
            "observation[0] (tired) is nan",
            "expected: a finite number",
            "came:     nan (life 0, at birth)",
            "in observe",
        ],
    ),
    "a division by zero that a comparison hides": (
        AGES,
        AGES + "    if 1.0 / (animal.age - 5.0) > 1e9:\n        animal.tired = 0.0\n",
        "finite",
        [
            "step computes what has no finite result",
            "compiled code goes on with inf or nan where plain Python",
            "divide by zero encountered in scalar divide (life 0, step 5)",
            "in step: if 1.0 / (animal.age - 5.0) > 1e9:",
        ],
    ),
    "a root of a negative number that a comparison hides": (
        AGES,
        AGES + "    if np.sqrt(animal.weight - 2.0) > 1e9:\n        animal.tired = 0.0\n",
        "finite",
        ["step computes what has no finite result", "(life 0, step 1)", "in step: if np.sqrt(animal.weight - 2.0)"],
    ),
    "a state that is none": (
        WEIGHS,
        "    animal.weight = np.nan\n",
        "finite",
        ["step leaves state.weight at nan", "nan (life 0, step 1)"],
    ),
    "fitness not finite": (
        "return effort, animal.age >= 10, False",
        "return np.inf, animal.age >= 10, False",
        "finite",
        ["step returns fitness inf", "inf (life 0, step 1)", "in step"],
    ),
    "observation too short": (
        "    observation[1] = 0.1 * animal.age\n",
        "",
        "written",
        [
            "observe leaves observation[1] (age) as it was",
            "every entry of observation is written in every call: 0 .. 1",
            "entry 1 was not written (life 0, at birth)",
        ],
    ),
    "observation too long": (
        "observation[1] = 0.1 * animal.age",
        "observation[2] = 0.1 * animal.age",
        "runs",
        [
            "observe raises IndexError",
            "(arrays end before that index) (life 0, at birth)",
            "line 26, in observe: observation[2] = 0.1 * animal.age",
        ],
    ),
    "sense sometimes left out": (
        "    senses[0] = animal.tired\n",
        "    if animal.age > 1:\n        senses[0] = animal.tired\n",
        "written",
        ["step leaves senses[0] (ache) as it was", "entry 0 was not written (life 0, step 1)", "in step"],
    ),
    "oracle writes nothing": (
        "    action[0] = 1.0\n",
        "    pass\n",
        "written",
        ["oracle leaves action[0] (effort) as it was"],
    ),
    "step changes parameters": (
        AGES,
        AGES + "    parameters.slope = 0.0\n",
        "read-only",
        ["step changes", "parameters", "step writes state and senses only", "in step: parameters.slope = 0.0"],
    ),
    "step changes the action": (
        AGES,
        AGES + "    action[0] = 0.5\n",
        "read-only",
        ["step changes", "action", "in step: action[0] = 0.5"],
    ),
    "born changes parameters": (
        WEIGHS,
        WEIGHS + "    parameters.slope = 0.5\n",
        "read-only",
        ["born changes parameters", "born writes the state only", "in born: parameters.slope = 0.5"],
    ),
    "a second birth changes parameters": (
        GROWS,
        GROWS + "    parameters.slope = 0.5\n",
        "read-only",
        ["reborn changes parameters", "reborn writes the state only", "in reborn: parameters.slope = 0.5"],
    ),
    "a second birth by chance of its own": (
        GROWS,
        "    animal.weight = random.random()\n",
        "nothing hidden",
        ["reborn uses random", "in reborn"],
    ),
    "observe changes the state": (
        "    observation[0] = animal.tired\n",
        "    observation[0] = animal.tired\n    animal.tired = 0.0\n",
        "read-only",
        ["observe changes", "state", "observe writes observation only", "in observe: animal.tired = 0.0"],
    ),
    "oracle changes the state": (
        "    action[0] = 1.0\n",
        "    action[0] = 1.0\n    animal.age = 0\n",
        "read-only",
        ["oracle changes", "oracle writes action only"],
    ),
    "draw changes the state": (
        "    return (Circle(",
        "    animal.age = 0\n    return (Circle(",
        "read-only",
        ["draw changes", "draw writes nothing only"],
    ),
    "draw returns no shapes": (
        '    return (Circle(animal.tired, 0.0, 0.1, role="self", label="animal"),)',
        "    return 1.0",
        "drawing",
        ["draw returns something else than shapes", "a sequence of Circle, Line and Polygon", "1.0"],
    ),
    "draw returns other shapes": (
        '    return (Circle(animal.tired, 0.0, 0.1, role="self", label="animal"),)',
        '    circle = Circle(animal.tired, 0.0, 0.1, role="self", label="animal")\n'
        '    return (circle,) if animal.age == 0 else (circle, Line(0.0, 0.0, 1.0, 1.0, role="mark"))',
        "drawing",
        ["draw returns other shapes than in the first frame", "1 shapes of the same kind", "2 shapes", "in draw"],
    ),
    "a hidden generator": (
        "0.1 * uniform(rng)",
        "0.1 * np.random.random()",
        "nothing hidden",
        [
            "step uses numpy.random",
            "chance comes from rng, by evolearn.rng",
            "in step",
            "step gives different results from the same arguments",
            "state.tired=",
        ],
    ),
    "a hidden generator of Python's": (
        WEIGHS,
        "    animal.weight = random.random()\n",
        "nothing hidden",
        ["born uses random", "line 16, in born", "born gives different results from the same arguments"],
    ),
    "hidden global state": (
        AGES,
        AGES + "    TALLY[0] += 1.0\n",
        "nothing hidden",
        ["the global TALLY changes while lives go on", "everything that changes is kept in the state", "TALLY is now"],
    ),
    "a clock": (
        "    return (Circle(animal.tired,",
        "    return (Circle(time.time(),",
        "nothing hidden",
        ["draw uses time", "line 42, in draw"],
    ),
    "hashes": (
        "LUCK = 0.5\n",
        'LUCK = hash("sound") % 1000 / 1000.0\n',
        "same key, same life",
        [
            "a life differs when lived in another process",
            "wherever and whenever it is lived",
            "with another PYTHONHASHSEED, in the reverse order",
        ],
    ),
    "never ending": (
        AGES,
        AGES + "    while animal.age > 3:\n        animal.tired += 1.0\n",
        "ends",
        ["step does not return", "every call returns within 1 s", "no end after 1 s (life 0, step 4)", "in step"],
    ),
    "both terminated and truncated": (
        "return effort, animal.age >= 10, False",
        "return effort, animal.age >= 10, animal.age >= 10",
        "ends",
        ["an episode is terminated and truncated in the same step", "True, True (life 0, step 10)"],
    ),
    "not compiling": (
        AGES,
        AGES + "    animal.tired += sum(x for x in {1.0: 2})\n",
        "compiles",
        ["step does not compile", "helpers carry the decorator evolearn.world.world_code"],
    ),
    "raising": (
        AGES,
        AGES + '    if animal.age == 7:\n        raise ValueError("the seventh")\n',
        "runs",
        [
            "step raises ValueError",
            "ValueError: the seventh (life 0, step 7)",
            'in step: raise ValueError("the seventh")',
        ],
    ),
    "raising for extreme actions alone": (
        AGES,
        AGES + '    if action[0] > 100.0:\n        raise ValueError("too strong")\n',
        "runs",
        ["ValueError: too strong (life 2, step"],
    ),
    "compiled and plain Python differ": (
        AGES,
        AGES + "    mixed = 1\n    for _ in range(50):\n        mixed = 3 * mixed + 1\n    animal.tired += mixed % 7\n",
        "as in plain Python",
        ["state.tired differs between compiled code and plain Python", "compiled", "plain Python", "(life 0, step 1)"],
    ),
    "a useless oracle": (
        "    action[0] = 1.0\n",
        "    action[0] = -1.0\n",
        "oracle",
        ["the oracle is worse than uniform actions", "a score not below", "over 64 lives of", "in oracle"],
    ),
    "names for other actions": (
        'Box(1, ("effort",))',
        'Box(1, ("effort", "rest"))',
        "declaration",
        ["the actions have another number of names than there are actions", "1 names, or none", "2: effort, rest"],
    ),
    "no unit": (
        'Signal("ache", "1")',
        'Signal("ache", "")',
        "declaration",
        ["senses: ache has no unit"],
    ),
}

# Further lines that some of them need.
BESIDE = {
    "hidden global state": ("LUCK = 0.5\n", "LUCK = 0.5\nTALLY = [0.0]\n"),
    "hashes": ("0.5 * (animal.tired + effort)", "LUCK * (animal.tired + effort)"),
}


def broken(name: str) -> str:
    """The world that breaks one promise."""
    old, new, _, _ = BROKEN[name]
    text = SOUND
    for before, after in ((old, new), BESIDE.get(name, ("", ""))):
        assert before in text
        text = text.replace(before, after, 1) if before else text
    return text
