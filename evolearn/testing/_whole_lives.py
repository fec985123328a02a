"""Checks that take whole lives: are test lives others than training lives, do episodes end, is there headroom."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from evolearn.errors import SettingRefused
from evolearn.life import Driver, KeepsState, LifeFault, Outcome, life_fitness, lives, new_driver
from evolearn.rng import SELECTION, TEST, VALIDATION, life_keys
from evolearn.run import ARMS, Arm, Setup, has_oracle, live_arm, ready_arm
from evolearn.testing.calibration import SOLVED_AT
from evolearn.testing.findings import Findings, place_of
from evolearn.world import MEAN_RETURN_PER_EPISODE, GymnasiumWorld, World, check_environment as look_over

Digests = dict[int, tuple[str, ...]]  # number of a life -> what every step came to
Births = list[tuple[bytes, bytes]]

LIVES = 64
GYMNASIUM_LIVES = 8
GYMNASIUM_STEPS = 300
TRACED_GYMNASIUM_LIVES = 3


def actor(setup: Setup, name: str) -> Arm:
    """An arm of the table that needs no evolution."""
    genome = np.zeros(setup.pool.size, np.float32)
    return ready_arm(name, ARMS[name], setup.pool, genome, setup.config.learner)


def check_births(world: World, births: Mapping[int, Births], findings: Findings) -> None:
    """Are test lives other worlds than training lives?

    Args:
        world: the declaration.
        births: by key space, the state after birth and as the first episode begins, of as many lives in each.
        findings: what is found goes there.
    """
    train, test = births[SELECTION], births[TEST]
    findings.looked_at("train and test")
    born = len({birth for birth, _ in train})
    if born <= 1:
        begun = len({begin for _, begin in train})
        findings.note(
            "Nothing is redrawn at birth: every life is the same world"
            + (", but for how episodes begin." if begun > 1 else ", and episodes begin alike.")
            + " What is good in one life is good in all, so instinct may do."
        )
    elif train == test:
        findings.fail(
            "train and test",
            "births",
            "test lives are born into the worlds of the training lives",
            "births that differ between keys: draws come from rng alone",
            f"the first {len(train)} births of both are the same, one by one",
            place_of(world.born),
        )
    elif seen := sum(birth in {birth for birth, _ in train} for birth, _ in test):
        findings.note(
            f"{born} different worlds among {len(train)} training lives; {seen} of {len(test)} test lives are born "
            "into one that training has seen: what is known by heart and what is general cannot be told apart there."
        )


def check_many_lives(setup: Setup, hang_seconds: float, findings: Findings) -> None:
    """Live whole lives at random and by oracle: do numbers stay finite, do episodes end, is the oracle better?"""
    world = setup.conditions.world
    assert isinstance(world, World)
    lifetime = setup.config.search.selection_lifetime
    keys = life_keys(setup.config.seed, VALIDATION, 0, LIVES)
    driver = new_driver(setup.conditions, 1, hang_seconds)
    with contextlib.closing(driver):
        random = _live(setup, driver, "random", keys, lifetime, findings)
        oracle = _live(setup, driver, "oracle", keys, lifetime, findings) if has_oracle(setup) else None
    if random is None:
        return
    note_episodes(setup, random, lifetime, findings)
    if not has_oracle(setup):
        findings.note("No oracle: how much there is to gain is not known, and the reading of a calibration is weaker.")
    elif oracle is not None:
        findings.looked_at("oracle")
        check_oracle(setup, random, oracle, lifetime, findings)


def check_oracle(setup: Setup, random: Outcome, oracle: Outcome, lifetime: int, findings: Findings) -> None:
    """Report an oracle that is surely and noticeably worse than uniform actions in the same lives.

    One that is not surely better is worth a note: the world may be solved at birth.
    """
    world = setup.conditions.world
    assert isinstance(world, World)
    scores = [
        life_fitness(outcome, world.fitness_rule, actor(setup, name).plan(lifetime))
        for name, outcome in (("random", random), ("oracle", oracle))
    ]
    gain = scores[1] - scores[0]
    error = float(gain.std(ddof=1)) / len(gain) ** 0.5
    came = f"a gain of {gain.mean():.3g} ± {error:.2g} over {LIVES} lives of {lifetime} steps"
    noticeable = SOLVED_AT * max(abs(float(score.mean())) for score in scores)
    if gain.mean() < -max(2.0 * error, noticeable):
        assert world.oracle is not None
        findings.fail(
            "oracle",
            "gain",
            "the oracle is worse than uniform actions",
            f"a score not below that of uniform actions, {scores[0].mean():.4g} ({world.fitness_rule})",
            f"{scores[1].mean():.4g}, {came}",
            place_of(world.oracle),
        )
    elif gain.mean() <= 2.0 * error:
        findings.note(
            f"The oracle is not surely better than uniform actions: {came}. With these parameters the world may be "
            "solved at birth; else the oracle does not play what it knows."
        )


def note_episodes(setup: Setup, outcome: Outcome, lifetime: int, findings: Findings) -> None:
    """Say so if episodes never end, or at once."""
    episodes, steps = int(outcome.finished.sum()), int(outcome.age.sum())
    rule = setup.conditions.world.fitness_rule
    if not episodes:
        grows = (
            f" Its fitness rule is {rule!r}, so life fitness is the return so far, and grows with the lifetime."
            if rule == MEAN_RETURN_PER_EPISODE
            else ""
        )
        findings.note(f"No episode ended in {len(outcome.age)} random lives of {lifetime} steps.{grows}")
    elif steps <= episodes:
        findings.note("Every episode ended with its first step: nothing that is done has a consequence later.")


def check_environment(setup: Setup, whole: bool, hang_seconds: float, findings: Findings, digests: Digests) -> None:
    """Everything that can be asked of a Gymnasium environment.

    Args:
        setup: of a run there.
        whole: everything; false: only `digests`, in the reverse order.
        hang_seconds: for a step.
        findings: what is found goes there.
        digests: likewise, of the first lives.
    """
    world = setup.conditions.world
    assert isinstance(world, GymnasiumWorld)
    if whole:
        findings.looked_at("gymnasium")
        _run_environment_checker(world, hang_seconds, findings)
    numbers = list(range(TRACED_GYMNASIUM_LIVES))
    driver = new_driver(setup.conditions, 1, hang_seconds)
    with contextlib.closing(driver):
        firsts = {}
        for space in (SELECTION, TEST) if whole else (SELECTION,):
            for number in numbers if whole else numbers[::-1]:
                steps = _trace(setup, driver, space, number, findings)
                if steps is None:
                    return
                firsts[space, number] = steps[0]
                if space == SELECTION:
                    digests[number] = steps
        if not whole:
            return
        findings.looked_at("runs", "finite", "nothing hidden", "ends", "train and test")
        _compare_firsts(world, firsts, findings)
        keys = life_keys(setup.config.seed, VALIDATION, 0, GYMNASIUM_LIVES)
        outcome = _live(setup, driver, "random", keys, 4 * GYMNASIUM_STEPS, findings)
        if outcome is not None:
            note_episodes(setup, outcome, 4 * GYMNASIUM_STEPS, findings)


def _compare_firsts(world: GymnasiumWorld, firsts: Mapping[tuple[int, int], str], findings: Findings) -> None:
    train = [first for (space, _), first in firsts.items() if space == SELECTION]
    test = [first for (space, _), first in firsts.items() if space == TEST]
    if len(set(train)) == 1:
        findings.note(
            "Every life begins with the same observation: nothing is seen to be drawn at birth. Variation in the "
            "config (world.vary) gives lives that differ."
        )
    elif train == test:
        findings.fail(
            "train and test",
            "births",
            "test lives begin as the training lives do",
            "reset(seed=..) decides how an episode begins",
            f"the first observations of {len(train)} lives are the same, one by one",
            world.name,
        )


def _trace(setup: Setup, driver: Driver, space: int, number: int, findings: Findings) -> tuple[str, ...] | None:
    """One random life, step by step."""
    arm = actor(setup, "random")
    keys = life_keys(setup.config.seed, space, 0, number + 1)[number:]
    newborns, born_as = arm.born(keys)
    try:
        plan = arm.plan(GYMNASIUM_STEPS)
        _, trace = lives(driver, setup.conditions, newborns, born_as, keys, plan, GYMNASIUM_STEPS)
    except LifeFault as fault:
        _report(fault, findings)
        return None
    return tuple(
        repr((trace.observations[t].tobytes().hex(), float(trace.fitness[t]), int(trace.ends[t])))
        for t in range(GYMNASIUM_STEPS)
    )


def _run_environment_checker(world: GymnasiumWorld, hang_seconds: float, findings: Findings) -> None:
    try:
        for remark in look_over(world, hang_seconds):
            findings.note(remark)
    except SettingRefused as error:
        findings.fail(
            "gymnasium",
            "checker",
            "gymnasium.utils.env_checker.check_env refuses the environment",
            "an environment that keeps to Gymnasium's interface",
            str(error),
            world.name,
        )


def _live(
    setup: Setup, driver: Driver, name: str, keys: npt.NDArray[np.int64], lifetime: int, findings: Findings
) -> Outcome | None:
    try:
        return live_arm(setup, driver, actor(setup, name), keys, lifetime, None)
    except LifeFault as fault:
        _report(fault, findings)
        return None


_EXPECTED = {
    "ends": "every step returns",
    "finite": "finite numbers only",
    "nothing hidden": "the same life from the same newborn and key, whatever an environment was used for before",
}


def _report(fault: LifeFault, findings: Findings) -> None:
    hangs = "no step finished" in fault.reason
    keeps = isinstance(fault, KeepsState)
    check = "nothing hidden" if keeps else "ends" if hangs else "finite" if "finite" in fault.reason else "runs"
    findings.fail(
        check,
        "life",
        f"a life goes wrong at step {fault.step}",
        _EXPECTED.get(check, "no exception"),
        fault.reason,
        f"the world {fault.world}, in life {fault.key}",
    )
