"""Larder: eat or leave what is met, where reserves save from hunger and their weight draws predators.

Fixed in every life: reserves of 0 to 60, of which each step takes 1 and to which a meal adds 6; an animal begins with
20. In each step a predator takes it with probability .004 (r / 20)^2 at reserves r, before it can eat; at 0 it has
starved. Another animal follows, in the same life. Where meals are rare it pays to be fat, where they abound to be thin:
to eat below 24 is best where one step of five has a meal, below 10 where every other has, below 2 where all have.

Redrawn at birth: how likely a step has a meal: `meals`, or, with `meals_2` or `meals_3` above 0, one of those and it,
all equally likely. At a second birth it is another of them, where there are several.

Observed: reserves, as a multiple of 20, and whether there is a meal. And, times `shown`, how often there was one of
late, in this life, by this animal or those before: .2 at birth, and each step moves it by 1/50 of the way. At 0, the
default, it is hidden.

Fitness: -1 for a death, else 0, mean per step: minus one over the steps that an animal lives. With `relative` at 1 a
death costs the steps that animals live on average who eat as is best where meals are as likely: that makes -1 for
who does so at any abundance, and -1 / s for who lives a share s as long. Where lives differ in abundance, evolution
else attends to the scarce ones, in which most die.

Source: this project, after McNamara and Houston 1990, "The value of fat reserves and the tradeoff between starvation
and predation".
"""

import numpy as np

from evolearn.rng import integer, uniform
from evolearn.world import Circle, Discrete, Parameter, Polygon, Signal, World, world_code

MOST = 60  # reserves
AT_FIRST = 20  # reserves of a newborn, and the unit in which they are observed
MEAL = 6
HAZARD = 0.004  # per step, at reserves AT_FIRST
RATE_AT_BIRTH, RATE_MOVES = 0.2, 0.02
EAT, LEAVE = 0, 1
GRID = 100  # thresholds are known for so many abundances, 1 / GRID apart


def lifetimes(meals, eats):
    """How long animals are going to live on average.

    Args:
        meals: float64 [P, 1], probability of a meal.
        eats: bool [P, MOST], whether who has reserves 1 .. MOST eats a meal.

    Returns:
        float64 [P, MOST], steps from each level of reserves on, that of the death included.
    """
    reserves = np.arange(1, MOST + 1)
    spared = 1.0 - HAZARD * (reserves / AT_FIRST) ** 2
    fed = np.where(eats, np.minimum(reserves + MEAL, MOST), reserves) - 1
    chain = np.zeros((len(meals), MOST + 1, MOST + 1))
    for place, level in enumerate(reserves):
        np.add.at(chain, (np.arange(len(meals)), level, fed[:, place]), meals[:, 0] * spared[place])
        chain[:, level, level - 1] += (1.0 - meals[:, 0]) * spared[place]
    alive = np.eye(MOST) - chain[:, 1:, 1:]
    return np.linalg.solve(alive, np.ones((len(meals), MOST, 1)))[:, :, 0]


def best_thresholds(meals):
    """Reserves from which on a meal is left by whoever lives longest, int64 [P], for probabilities [P] of a meal.

    Source: policy iteration, Howard 1960; that it is a threshold is checked, not assumed.
    """
    meals = np.asarray(meals, np.float64)[:, None]
    eats = np.ones((len(meals), MOST), bool)
    reserves = np.arange(1, MOST + 1)
    settled = False
    while not settled:
        ahead = np.hstack([np.zeros((len(meals), 1)), lifetimes(meals, eats)])
        better = ahead[:, np.minimum(reserves + MEAL, MOST) - 1] > ahead[:, reserves - 1] * (1.0 + 1e-9)
        settled = bool(np.all(better == eats))
        eats = better
    thresholds = eats.sum(axis=1) + 1
    if not np.array_equal(eats, reserves < thresholds[:, None]):
        raise ArithmeticError("the best rule is no threshold")
    return thresholds


ABUNDANCES = np.arange(GRID + 1) / GRID
BEST = best_thresholds(ABUNDANCES)
# Steps of the best, from a newborn's reserves on; contiguous, so that it is a constant of compiled code.
LIFE_OF_BEST = lifetimes(ABUNDANCES[:, None], np.arange(1, MOST + 1) < BEST[:, None])[:, AT_FIRST - 1].copy()

STATE = np.dtype(
    [
        ("meals", "f8"),  # probability of one in a step
        ("rate", "f8"),  # as it was met of late
        ("reserves", "i8"),
        ("meal", "i8"),  # 1 if there is one now
    ],
    align=True,
)


@world_code
def on_grid(animal):
    return int(GRID * animal.meals + 0.5)


@world_code
def kinds(parameters):
    return 1 + (parameters.meals_2 > 0.0) + (parameters.meals_3 > 0.0)


@world_code
def abundance(parameters, kind):
    """The one of that number, from 0."""
    if kind == 0:
        return parameters.meals
    return parameters.meals_2 if kind == 1 and parameters.meals_2 > 0.0 else parameters.meals_3


def born(animal, parameters, rng):
    animal.meals = abundance(parameters, integer(rng, 0, kinds(parameters)))
    animal.rate = RATE_AT_BIRTH


def reborn(animal, parameters, rng):
    """Draw another abundance, if there is one; what was met before is not forgotten."""
    if kinds(parameters) > 1:
        now = 0
        while abundance(parameters, now) != animal.meals:
            now += 1
        animal.meals = abundance(parameters, (now + integer(rng, 1, kinds(parameters))) % kinds(parameters))


def begin(animal, parameters, rng):
    animal.reserves = AT_FIRST
    animal.meal = 1 if uniform(rng) < animal.meals else 0


def observe(animal, parameters, observation):
    observation[0] = animal.reserves / AT_FIRST
    observation[1] = float(animal.meal)
    observation[2] = parameters.shown * animal.rate


def step(animal, parameters, action, senses, rng):
    is_taken = uniform(rng) < HAZARD * (animal.reserves / AT_FIRST) ** 2
    eats = animal.meal == 1 and action == EAT and not is_taken
    animal.rate += RATE_MOVES * (animal.meal - animal.rate)
    animal.reserves = (min(animal.reserves + MEAL, MOST) if eats else animal.reserves) - 1
    has_starved = animal.reserves <= 0 and not is_taken
    animal.meal = 1 if uniform(rng) < animal.meals else 0
    senses[0] = 1.0 if eats else 0.0
    senses[1] = animal.reserves / AT_FIRST
    senses[2] = 1.0 if has_starved else 0.0
    senses[3] = 1.0 if is_taken else 0.0
    dies = is_taken or has_starved
    cost = LIFE_OF_BEST[on_grid(animal)] if parameters.relative > 0.0 else 1.0
    return -cost if dies else 0.0, dies, False


def oracle(animal, parameters, action):
    """Eat below the threshold that is best where meals are as likely as in this life."""
    return EAT if animal.reserves < BEST[on_grid(animal)] else LEAVE


def draw(animal, parameters):
    """Draw the reserves as a bar, the level up to which it is best to eat, and the meal beside it."""
    height = float(animal.reserves) / AT_FIRST
    best = float(BEST[on_grid(animal)]) / AT_FIRST

    def bar(top):
        return (0.0, 0.0), (1.0, 0.0), (1.0, top), (0.0, top)

    return (
        Polygon(bar(MOST / AT_FIRST), role="ground", label="room for reserves", opacity=0.3),
        Polygon(bar(height), role="self", label="reserves"),
        Polygon(((1.0, best), (1.2, best - 0.1), (1.2, best + 0.1)), role="goal", label="best to eat below"),
        Circle(1.8, 0.5, 0.3, role="friend", label="meal", opacity=float(animal.meal)),
    )


larder = World(
    name="larder",
    doc=__doc__,
    observations=(
        Signal("reserves", "20", "1 is what a newborn has"),
        Signal("meal", "1", "1 if there is one to be eaten in this step"),
        Signal("meal rate", "1", "share of the last fifty steps or so that had one, times `shown`"),
    ),
    actions=Discrete(2, ("eat", "leave")),
    state=STATE,
    born=born,
    reborn=reborn,
    begin=begin,
    observe=observe,
    step=step,
    oracle=oracle,
    draw=draw,
    senses=(
        Signal("ate", "1", "1 in a step that ate"),
        Signal("reserves", "20", "after the step"),
        Signal("starved", "1", "1 in a step that starved"),
        Signal("taken", "1", "1 in a step that a predator ended"),
    ),
    parameters=(
        Parameter("meals", 0.2, 1.0 / GRID, 1.0, "1 / step", "probability of a meal"),
        Parameter("meals_2", 0.0, 0.0, 1.0, "1 / step", "another one, that lives may have instead; 0: none"),
        Parameter("meals_3", 0.0, 0.0, 1.0, "1 / step", "a third one; 0: none"),
        Parameter("shown", 0.0, 0.0, 1.0, "1", "how strongly the rate of meals is observed"),
        Parameter("relative", 0.0, 0.0, 1.0, "1", "1: a death costs the mean life of the best", whole=True),
    ),
    able="thriving",
)
