"""Tiny compiled worlds with known answers, one that fails on demand, and what tests need to live in any world."""

import copy
import dataclasses

import numpy as np

from evolearn.agent import LEARNERS, OF_CHOICES, OF_NUMBERS, BrainSpec, LearnerSettings, ValueSpec
from evolearn.genome import Newborns, initial_distribution
from evolearn.life import Conditions
from evolearn.numerics import COMPILES
from evolearn.rng import WORLD, at_step, new_rng, normal, open_birth, open_stream, uniform
from evolearn.world import Box, Discrete, Parameter, Signal, World, compile_world

STATE = np.dtype([("shown", "f8"), ("secret", "i8"), ("chosen", "i8"), ("age", "i8")], align=True)
COIN = Discrete(2, ("left", "right"))
ONE = Signal("one", "1")


def born_plain(state, parameters, rng):
    state.secret = 1


def born_with_secret(state, parameters, rng):
    state.secret = 1 if uniform(rng) < 0.5 else 0


def begin_shown_one(state, parameters, rng):
    state.shown = 1.0
    state.chosen = 0
    state.age = 0


def begin_shown_sign(state, parameters, rng):
    state.shown = 1.0 if uniform(rng) < 0.5 else -1.0


def observe_shown(state, parameters, observation):
    observation[0] = state.shown


def step_always_one(state, parameters, action, senses, rng):
    return 1.0, False, False


constant_reward = World(
    name="constant-reward",
    doc="Reward 1 in every step, for ever: the value of everything is 1 / (1 - discount).",
    observations=(ONE,),
    actions=COIN,
    state=STATE,
    born=born_plain,
    begin=begin_shown_one,
    observe=observe_shown,
    step=step_always_one,
)


def step_secret_action(state, parameters, action, senses, rng):
    return 1.0 if action == state.secret else 0.0, False, False


def oracle_secret_action(state, parameters, action):
    return state.secret


reward_by_action = World(
    name="reward-by-action",
    doc="Reward 1 for action 1.",
    observations=(ONE,),
    actions=COIN,
    state=STATE,
    born=born_plain,
    begin=begin_shown_one,
    observe=observe_shown,
    step=step_secret_action,
    oracle=oracle_secret_action,
)


def step_shown_is_reward(state, parameters, action, senses, rng):
    return 1.0 if state.shown > 0.0 else 0.0, True, False


reward_by_observation = World(
    name="reward-by-observation",
    doc="Episodes of one step; reward 1 if 1 was shown, 0 if -1 was.",
    observations=(Signal("sign", "1"),),
    actions=COIN,
    state=STATE,
    born=born_plain,
    begin=begin_shown_sign,
    observe=observe_shown,
    step=step_shown_is_reward,
)

DELAY = 4


def observe_age(state, parameters, observation):
    for i in range(DELAY):
        observation[i] = 1.0 if i == state.age else 0.0


def step_delayed(state, parameters, action, senses, rng):
    if state.age == 0:
        state.chosen = action
    state.age += 1
    over = state.age == DELAY
    return 1.0 if over and state.chosen == 1 else 0.0, over, False


delayed_reward = World(
    name="delayed-reward",
    doc="Action 1 in the first step of an episode is rewarded in its last, and nothing shows it in between.",
    observations=tuple(Signal(f"age {i}", "1") for i in range(DELAY)),
    actions=COIN,
    state=STATE,
    born=born_plain,
    begin=begin_shown_one,
    observe=observe_age,
    step=step_delayed,
)


def step_name_the_sign(state, parameters, action, senses, rng):
    right = (action == 1) == (state.shown > 0.0)
    state.shown = 1.0 if uniform(rng) < 0.5 else -1.0
    return 1.0 if right else 0.0, False, False


def oracle_name_the_sign(state, parameters, action):
    return 1 if state.shown > 0.0 else 0


only_evolution = World(
    name="only-evolution",
    doc="Naming the sign is fit, and no drive but fitness itself tells: without that drive nothing can be learned.",
    observations=(Signal("sign", "1"),),
    actions=COIN,
    state=STATE,
    born=born_plain,
    begin=begin_shown_sign,
    observe=observe_shown,
    step=step_name_the_sign,
    oracle=oracle_name_the_sign,
)

only_learning = World(
    name="only-learning",
    doc="One of two actions is fit, redrawn at birth and never shown: whatever is born frozen is at chance.",
    observations=(ONE,),
    actions=COIN,
    state=STATE,
    born=born_with_secret,
    begin=begin_shown_one,
    observe=observe_shown,
    step=step_secret_action,
    oracle=oracle_secret_action,
)

PROBES = (constant_reward, reward_by_action, reward_by_observation, delayed_reward, only_evolution, only_learning)


def step_luck(state, parameters, action, senses, rng):
    senses[0] = uniform(rng)
    # How many more draws a step takes depends on what was done in it.
    for _ in range(int(3.0 + 2.0 * min(max(action[0], -1.0), 1.0))):
        state.shown = uniform(rng)
    return senses[0], False, False


luck = World(
    name="luck",
    doc="The sense is the world's first draw of the step; the action decides how many more are drawn.",
    observations=(ONE,),
    actions=Box(1),
    senses=(Signal("draw", "1"),),
    state=STATE,
    born=born_plain,
    begin=begin_shown_one,
    observe=observe_shown,
    step=step_luck,
)


def begin_shown_anything(state, parameters, rng):
    state.shown = normal(rng)
    state.age = 0


def observe_shown_and_age(state, parameters, observation):
    observation[0] = state.shown
    observation[1] = 0.3 * state.age


def step_restless(state, parameters, action, senses, rng):
    drawn = uniform(rng)
    senses[0] = state.shown * drawn
    senses[1] = state.age
    state.age += 1
    state.shown = 0.5 * state.shown + normal(rng)
    return drawn, drawn < 0.15, drawn > 0.85


def restless_with(name, actions):
    return World(
        name=name,
        doc="Episodes of some three steps: half of them are terminated, half truncated; actions change nothing.",
        observations=(Signal("shown", "1"), Signal("age", "3 steps")),
        actions=actions,
        senses=(Signal("gain", "1"), Signal("age", "steps")),
        state=STATE,
        born=born_plain,
        begin=begin_shown_anything,
        observe=observe_shown_and_age,
        step=step_restless,
    )


restless = restless_with("restless", Discrete(3))
restless_box = restless_with("restless-box", Box(3))


def oracle_restless(state, parameters, action):
    return 2 if state.shown > 0.0 else 1


def oracle_restless_box(state, parameters, action):
    for i in range(3):
        action[i] = state.shown - i


guided = dataclasses.replace(restless, name="guided", oracle=oracle_restless)
guided_box = dataclasses.replace(restless_box, name="guided-box", oracle=oracle_restless_box)

SOUND, RAISES, NAN_FITNESS, NAN_OBSERVATION, NAN_SENSE, OUT_OF_RANGE, HANGS, RAISES_AT_BIRTH = range(8)
FAULTY_STATE = np.dtype([("age", "i8"), ("chosen", "i8"), ("spins", "i8")], align=True)


def born_faulty(state, parameters, rng):
    draw = uniform(rng)
    state.chosen = 1 if parameters.low <= draw <= parameters.high else 0
    if state.chosen == 1 and parameters.kind == RAISES_AT_BIRTH:
        raise ValueError("stillborn")


def begin_faulty(state, parameters, rng):
    state.age = 0


def observe_faulty(state, parameters, observation):
    now = state.chosen == 1 and state.age == parameters.at + 1
    observation[0] = 0.5
    observation[1] = np.nan if now and parameters.kind == NAN_OBSERVATION else 0.5
    if now and parameters.kind == OUT_OF_RANGE:
        observation[state.age] = 0.5


def step_faulty(state, parameters, action, senses, rng):
    now = state.chosen == 1 and state.age == parameters.at
    state.age += 1
    senses[0] = np.nan if now and parameters.kind == NAN_SENSE else 0.5
    if now and parameters.kind == RAISES:
        raise ValueError("the bridge is out")
    while now and parameters.kind == HANGS:
        state.spins += 1
    return np.nan if now and parameters.kind == NAN_FITNESS else 0.5, False, False


faulty = World(
    name="faulty",
    doc="Goes wrong in a chosen way, in the lives whose first draw at birth lies between two bounds.",
    observations=(Signal("calm", "1"), Signal("rough", "1")),
    actions=Box(1),
    senses=(Signal("smell", "1"),),
    parameters=(
        Parameter("kind", 0.0, 0.0, 7.0, "1", "what goes wrong"),
        Parameter("at", 0.0, -1.0, 1e9, "steps", "age at which it does; -1 is before the first step"),
        Parameter("low", 0.0, 0.0, 1.0, "1", "lower bound of the draw"),
        Parameter("high", 1.0, 0.0, 1.0, "1", "upper bound of the draw"),
    ),
    state=FAULTY_STATE,
    born=born_faulty,
    begin=begin_faulty,
    observe=observe_faulty,
    step=step_faulty,
)

CLUMSY_AGES = 60


def born_clumsy(state, parameters, rng):
    state.chosen = int(CLUMSY_AGES * uniform(rng))


def step_clumsy(state, parameters, action, senses, rng):
    if state.age == state.chosen:
        raise ValueError("tripped")
    state.age += 1
    senses[0] = 0.5
    return 0.5, False, False


clumsy = dataclasses.replace(
    faulty,
    name="clumsy",
    doc="Goes wrong in every life, at an age that is drawn at birth.",
    born=born_clumsy,
    step=step_clumsy,
)

SETTINGS = LearnerSettings(epochs=1, clip=0.2, gradient_norm=0.5, first_decay=0.9, second_decay=0.999, epsilon=1e-5)


def conditions_for(
    world,
    hidden=(8,),
    window=16,
    generic_drives=(),
    settings=SETTINGS,
    trunk="mlp",
    learner="actor_critic",
    inputs=("observation",),
    memory="episode",
    readout="plain",
    prediction=False,
    auxiliary=False,
    imagining=None,
    value=None,
    teacher=None,
    lineage=None,
    growth=(),
    grown_life=0,
    **parameters,
):
    policy = LEARNERS[learner].policies["discrete" if world.is_discrete else "box"]
    brain = BrainSpec(trunk, len(world.observations), hidden, world.action_outputs, policy, inputs, memory, readout)
    if prediction:
        kind = OF_CHOICES if world.is_discrete else OF_NUMBERS
        brain = dataclasses.replace(brain, prediction=kind, auxiliary=auxiliary)
    brain = dataclasses.replace(brain, growth=growth)
    value = value and ValueSpec(len(world.observations), **value)
    resolved = world.resolve(parameters)
    more = {"value": value, "teacher": teacher, "lineage": lineage, "grown_life": grown_life, **(imagining or {})}
    return Conditions(world, resolved, brain, learner, settings, window, generic_drives, **more)


def newborns_for(conditions, count=1, seed=0, fresh=False, drives=None, **plasticity):
    """Newborns with standard random weights; fitness is the only drive and plasticity as published unless given."""
    mean, stdev = initial_distribution(conditions.brain)
    draws = np.random.default_rng(seed).standard_normal((count, len(mean)))
    wants = {"fitness": 1.0} if drives is None else drives
    assert set(wants) <= set(conditions.drive_names)
    genes = LEARNERS[conditions.learner].genes(conditions.brain)
    assert set(plasticity) <= {gene.name for gene in genes}
    given = [np.broadcast_to(plasticity.get(gene.name, gene.default), gene.shape) for gene in genes]
    values = np.concatenate([np.float32(numbers).reshape(-1) for numbers in given])
    none = np.zeros(0, np.float32)
    return Newborns(
        weights=np.tile(mean, (count, 1)) if fresh else (mean + stdev * draws).astype(np.float32),
        drives=np.tile(np.array([wants.get(name, 0.0) for name in conditions.drive_names], np.float32), (count, 1)),
        plasticity=np.tile(values, (count, 1)),
        scale=np.full(count, plasticity.get("initial_scale", 1.0), np.float32),
        initial_stdev=stdev if fresh else none,
        value=innate_values(conditions, count, seed),
    )


def innate_values(conditions, count, seed):
    """Random numbers of innate value, [count, 0] where there is none."""
    size = 0 if conditions.value is None else conditions.value.size
    return np.random.default_rng([seed, 1]).standard_normal((count, size)).astype(np.float32)


class Stage:
    """One life in a compiled world, moved on by hand; everything the world must write is NaN before it does."""

    def __init__(self, world, key, **parameters):
        self.world = world
        self.compiled = compile_world(world, world.resolve(parameters), by_hand=True)
        self._key = np.array(key, np.int64)
        self._bytes = np.zeros(self.compiled.state_size, np.uint8)
        self.state = self._bytes.view(world.state).view(np.recarray)[0]
        self.rng = new_rng()
        self.t = 0
        open_birth(self.rng, self._key, 0)
        self.compiled.born(*self._handles(), self.rng)
        open_stream(self.rng, self._key, WORLD)
        self.begin()

    def _handles(self):
        buffers = (self._bytes, self.compiled.parameters)
        return tuple(buffer.ctypes.data for buffer in buffers) if COMPILES else buffers

    def begin(self):
        self.compiled.begin(*self._handles(), self.rng)

    def observe(self):
        observation = np.full(len(self.world.observations), np.nan, np.float32)
        self.compiled.observe(*self._handles(), observation)
        return observation

    def ask_oracle(self):
        action = np.full(self.world.action_size, np.nan, np.float32)
        self.compiled.oracle(*self._handles(), action)
        return action

    def draws(self):
        """A stream that gives what the next step will draw."""
        ahead = copy.copy(self.rng)
        at_step(ahead, self.t + 1)
        return ahead

    def step(self, action):
        senses = np.full(len(self.world.senses), np.nan, np.float32)
        at_step(self.rng, self.t + 1)
        self.t += 1
        action = np.array(action, np.float32).reshape(self.world.action_size)
        fitness, terminated, truncated = self.compiled.step(*self._handles(), action, senses, self.rng)
        return fitness, terminated, truncated, senses


FATED_STATE = np.dtype([("secret", "f8"), ("shown", "f8"), ("age", "i8"), ("births", "i8")], align=True)


def born_fated(state, parameters, rng):
    state.secret = uniform(rng)
    state.births += 1


def reborn_fated(state, parameters, rng):
    state.secret = -state.secret
    state.births += 1


def reborn_the_same(state, parameters, rng):
    state.births += 1


def begin_fated(state, parameters, rng):
    state.shown = uniform(rng)
    state.age = 0


def observe_fated(state, parameters, observation):
    observation[0] = state.secret
    observation[1] = state.shown


def step_fated(state, parameters, action, senses, rng):
    senses[0] = uniform(rng)
    senses[1] = state.births
    state.shown = uniform(rng)
    state.age += 1
    return state.secret * (1.0 + action), False, state.age == 10


fated = World(
    name="fated",
    doc="Shows what was drawn at birth, and luck; fitness is what was drawn, more for later actions; episodes of ten.",
    observations=(Signal("secret", "1"), Signal("shown", "1")),
    actions=Discrete(3),
    senses=(Signal("draw", "1"), Signal("births", "1")),
    state=FATED_STATE,
    born=born_fated,
    begin=begin_fated,
    observe=observe_fated,
    step=step_fated,
)
fated_anew = dataclasses.replace(fated, name="fated-anew", reborn=reborn_fated)
fated_the_same = dataclasses.replace(fated, name="fated-the-same", reborn=reborn_the_same)
