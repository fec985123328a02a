"""Bandits: pull one of k arms again and again, and find out which of them pays best in this life.

Fixed in every life: the number of arms, and that a pull pays 1 or nothing.

Redrawn at birth: how often each arm pays, uniform in 0 .. 1, one independent of the other; and which is the best: arm
0, the modal one, with probability `fixity`, else one of the others, all equally likely. At a fixity of 1 / k, the
default, there is nothing to inherit; at 1 there is nothing to learn.

With `mirrored` at 1, the luck of a life, and not its birth, decides between the arms as they were drawn and the same in
reverse order. So a set of K births of two arms holds K pairs of payoffs and their mirror images, in each of which the
better arm is as often the one as the other; `fixity` then says nothing of two arms.

Within life: after each pull, with probability `flip`, the best arm trades places with one of the others. Every
`rounds` pulls a new episode begins; it changes nothing but that the last pull is forgotten.

Observed: the last pull and what it paid, zeros when there was none, both times `shown`. They are there for brains
with a memory, which find the best arm with weights that never change. A brain without one can at most stay after a
win and shift after a loss; all else that it finds out must go into its weights. With `shown` at 0 it sees a constant.

Fitness: what the pull paid, mean per step. Of two arms and without flips the best pays 2/3; random pulls pay 1/2, so
that they fall behind by 16.7 in 100.

Source: Robbins 1952; uniform prior over Bernoulli arms: Thompson 1933.
"""

import numpy as np

from evolearn.rng import integer, uniform
from evolearn.world import Circle, Discrete, Parameter, Polygon, Signal, World, world_code

NONE = -1  # no arm was pulled yet
MOST = 10  # arms; all bandits have one state, since they share their functions

STATE = np.dtype(
    [
        ("arms", "i8"),
        ("payoff", "f8", (MOST,)),
        ("pulled", "i8"),
        ("paid", "f8"),
        ("age", "i8"),
        ("begun", "i8"),  # 1 once a first episode has
    ],
    align=True,
)


@world_code
def best_arm(bandit):
    best = 0
    for arm in range(1, bandit.arms):
        if bandit.payoff[arm] > bandit.payoff[best]:
            best = arm
    return best


@world_code
def trade_best(bandit, arm):
    best = best_arm(bandit)
    payoff = bandit.payoff[best]
    bandit.payoff[best] = bandit.payoff[arm]
    bandit.payoff[arm] = payoff


@world_code
def deal(bandit, arms, fixity, rng):
    bandit.arms = arms
    for arm in range(arms):
        bandit.payoff[arm] = uniform(rng)
    is_modal = uniform(rng) < fixity
    other = integer(rng, 1, arms)
    trade_best(bandit, 0 if is_modal else other)


def born_with_2(bandit, parameters, rng):
    deal(bandit, 2, parameters.fixity, rng)


def born_with_10(bandit, parameters, rng):
    deal(bandit, 10, parameters.fixity, rng)


@world_code
def reverse(bandit):
    for arm in range(bandit.arms // 2):
        payoff = bandit.payoff[arm]
        bandit.payoff[arm] = bandit.payoff[bandit.arms - 1 - arm]
        bandit.payoff[bandit.arms - 1 - arm] = payoff


def begin(bandit, parameters, rng):
    if parameters.mirrored > 0.0 and bandit.begun == 0 and uniform(rng) < 0.5:
        reverse(bandit)
    bandit.begun = 1
    bandit.pulled = NONE
    bandit.paid = 0.0
    bandit.age = 0


def observe(bandit, parameters, observation):
    for arm in range(bandit.arms):
        observation[arm] = parameters.shown if arm == bandit.pulled else 0.0
    observation[bandit.arms] = parameters.shown * bandit.paid
    observation[bandit.arms + 1] = 1.0


def step(bandit, parameters, action, senses, rng):
    bandit.pulled = action
    bandit.paid = 1.0 if uniform(rng) < bandit.payoff[action] else 0.0
    bandit.age += 1
    flips = uniform(rng) < parameters.flip
    other = integer(rng, 1, bandit.arms)
    if flips:
        trade_best(bandit, (best_arm(bandit) + other) % bandit.arms)
    return bandit.paid, False, bandit.age >= parameters.rounds


def oracle(bandit, parameters, action):
    """Pull the best arm."""
    return best_arm(bandit)


def draw(bandit, parameters):
    """Draw each arm as a bar as high as it pays often, with a point below the one that was pulled last."""

    def bar(arm):
        often = float(bandit.payoff[arm])
        return (arm - 0.4, 0.0), (arm + 0.4, 0.0), (arm + 0.4, often), (arm - 0.4, often)

    return (
        *(Polygon(bar(arm), role="ground", label=f"arm {arm}") for arm in range(bandit.arms)),
        Polygon(bar(best_arm(bandit)), role="goal", label="best arm", opacity=0.6),
        Circle(float(bandit.pulled), -0.15, 0.1, role="self", label="pulled", opacity=float(bandit.pulled != NONE)),
        Circle(float(bandit.pulled), -0.15, 0.05, role="friend", label="paid", opacity=float(bandit.paid)),
    )


def with_arms(arms, name, first_line, born):
    """A bandit, and how it is born."""
    return World(
        name=name,
        doc=first_line + __doc__[__doc__.index("\n") :],
        observations=(
            *(Signal(f"pulled {arm}", "1", "1 if this arm was pulled last") for arm in range(arms)),
            Signal("paid", "1", "what the last pull paid"),
            Signal("constant", "1", "always 1"),
        ),
        actions=Discrete(arms, tuple(f"pull {arm}" for arm in range(arms))),
        state=STATE,
        born=born,
        begin=begin,
        observe=observe,
        step=step,
        oracle=oracle,
        draw=draw,
        parameters=(
            Parameter("fixity", 1.0 / arms, 0.0, 1.0, "1", "probability that arm 0 is the best one of a life"),
            Parameter("flip", 0.0, 0.0, 1.0, "1 / pull", "probability that the best arm trades places after a pull"),
            Parameter("rounds", 100.0, 1.0, 1e6, "pulls", "length of an episode", whole=True),
            Parameter("shown", 1.0, 0.0, 1.0, "1", "how strongly the last pull and its pay are observed"),
            Parameter("mirrored", 0.0, 0.0, 1.0, "1", "1: luck may reverse the order of the arms", whole=True),
        ),
    )


TWO = "Bandit: pull one of two arms again and again, and find out which of them pays best in this life."
TEN = "Bandit with ten arms: pull one of them again and again, and find out which pays best in this life."
bandit = with_arms(2, "bandit", TWO, born_with_2)
bandit_10 = with_arms(10, "bandit-10", TEN, born_with_10)
