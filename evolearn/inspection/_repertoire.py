"""What a newborn can do before it has learned anything: birth score, response curves, a life to watch."""

from __future__ import annotations

import dataclasses

import numpy as np

from evolearn.agent import find_policy
from evolearn.genome import FRESH
from evolearn.inspection._names import action_labels
from evolearn.inspection._newborn_lives import FirstSteps, first_steps, learns, newborn, outputs_of
from evolearn.inspection._over_lives import LEVEL, RESAMPLES
from evolearn.inspection._specimen import Json, Specimen
from evolearn.inspection.record import rounded
from evolearn.run import ARMS, Arm, has_oracle, live_births, ready_arm
from evolearn.study import ReplayArm, record_replay
from evolearn.verdict import FloatArray, interval

POINTS = 41  # of a response curve
FRAMES = 300  # of the replay


def inspect_repertoire(specimen: Specimen) -> Json:
    """What a newborn does without learning.

    Args:
        specimen: who.
    Returns:
        - ``score``, the rule; ``steps`` and ``lives`` of the birth score; ``arms``: see `_birth_scores`;
        - ``actions``: see `_actions`;
        - ``carries``, whether the brain carries a state from step to step;
        - ``curves``: see `_curves`; null if weights are drawn afresh in every life, or the brain carries a state;
        - ``replays``: one, see `record_replay`: the newborn not learning, the same learning, and a blank slate.
    Raises:
        LifeFault: the world is at fault.
        WorldError: it cannot be drawn.
    """
    met = first_steps(specimen)
    inherited = specimen.dna.pool.modes["weights"] != FRESH
    carried = specimen.dna.brain.carries
    return {
        "score": specimen.setup.conditions.world.fitness_rule,
        "steps": specimen.birth_steps,
        "lives": specimen.extent.birth_lives,
        "arms": _birth_scores(specimen),
        "actions": _actions(specimen, met),
        "carries": carried,
        "curves": _curves(specimen, met) if inherited and not carried else None,
        "replays": [_replay(specimen)],
    }


def _arm(specimen: Specimen, name: str) -> Arm:
    dna = specimen.dna
    return ready_arm(name, ARMS[name], dna.pool, dna.genome, dna.config.learner)


def _birth_scores(specimen: Specimen) -> list[Json]:
    """Scores over the first steps without learning, the same lives for all.

    Returns:
        For the newborn, an untrained brain, random actions and the oracle, if there is one: ``arm``, ``label``,
        ``mean`` over lives, ``low`` and ``high``, its bootstrap interval over lives; likewise ``ahead`` of random
        actions in the same lives, with ``ahead_low`` and ``ahead_high``; and ``share``, (x - random) / (oracle -
        random), with ``share_low`` and ``share_high``, null without an oracle that beats random actions.
    """
    arms = [
        ("newborn", "newborn, not learning", newborn(specimen).frozen()),
        ("blank", "untrained brain", _arm(specimen, "blank").frozen()),
        ("random", "random actions", _arm(specimen, "random")),
        ("oracle", "oracle", _arm(specimen, "oracle")),
    ][: 3 + has_oracle(specimen.setup)]
    keys = specimen.keys(specimen.extent.birth_lives)
    scores = {}
    for place, (name, _, arm) in enumerate(arms):
        specimen.progress(place, len(arms) + 1)
        scores[name] = live_births(specimen.setup, specimen.driver, arm, keys, specimen.birth_steps).score
    resampled = _resampled(scores, specimen.dna.config.seed)
    shares = _shares(scores, resampled)
    return [
        {"arm": name, "label": label, "mean": rounded(scores[name].mean())}
        | dict(zip(("low", "high"), _ends(resampled[name], len(keys)), strict=True))
        | _over_chance(scores, resampled, name)
        | shares.get(name, _NO_SHARE)
        for name, label, _ in arms
    ]


_NO_SHARE: Json = {"share": None, "share_low": None, "share_high": None}


def _resampled(scores: dict[str, FloatArray], seed: int) -> dict[str, FloatArray]:
    """Mean scores [resamples] of lives drawn with replacement; lives stay paired, all arms lived the same ones."""
    count = len(scores["random"])
    drawn = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    return {name: values[drawn].mean(axis=1) for name, values in scores.items()}


def _ends(resamples: FloatArray, lives: int) -> list[float | None]:
    return [rounded(end) for end in interval(resamples, LEVEL, lives)]


def _over_chance(scores: dict[str, FloatArray], resampled: dict[str, FloatArray], name: str) -> Json:
    """How far an arm is ahead of random actions in the same lives, with its interval."""
    low, high = _ends(resampled[name] - resampled["random"], len(scores[name]))
    ahead = rounded((scores[name] - scores["random"]).mean())
    return {"ahead": ahead, "ahead_low": low, "ahead_high": high}


def _shares(scores: dict[str, FloatArray], resampled: dict[str, FloatArray]) -> dict[str, Json]:
    """Where each arm stands from random actions, 0, to the oracle, 1."""
    if "oracle" not in scores or scores["oracle"].mean() <= scores["random"].mean():
        return {}
    lives = len(scores["random"])
    scale = resampled["oracle"] - resampled["random"]
    shares = {}
    for name in ("newborn", "blank"):
        share = (scores[name].mean() - scores["random"].mean()) / (scores["oracle"].mean() - scores["random"].mean())
        draws = (resampled[name] - resampled["random"])[scale > 0.0] / scale[scale > 0.0]
        low, high = _ends(draws, lives)
        shares[name] = {"share": rounded(share), "share_low": low, "share_high": high}
    return shares


def _actions(specimen: Specimen, met: FirstSteps) -> Json:
    """What it does: ``discrete``, ``names``; how often each choice, ``share``; or ``mean`` and ``stdev`` as drawn."""
    actions = met.trace.actions[met.lived].astype(np.float64)
    names = list(action_labels(specimen.dna))
    if specimen.setup.conditions.world.is_discrete:
        counts = np.bincount(actions[:, 0].astype(np.int64), minlength=len(names))
        return {"discrete": True, "names": names, "share": rounded(counts / len(actions)), "mean": None, "stdev": None}
    mean, stdev = actions.mean(axis=0), actions.std(axis=0)
    return {"discrete": False, "names": names, "share": None, "mean": rounded(mean), "stdev": rounded(stdev)}


def _curves(specimen: Specimen, met: FirstSteps) -> Json:
    """The policy along each thing that the brain is told, the others at their median.

    Returns:
        ``kind``, see `Policy.curve`; ``outputs``, names; ``observations``, for each that varies:
        ``name``, ``unit``, ``median``, ``x`` [points] from the 1% to the 99% quantile of what was met, ``y`` [outputs,
        points], ``reach``, the largest range of any output; ``constant``, names of those that hardly vary.
    """
    dna = specimen.dna
    observations, names = met.observations, dna.inputs
    medians = np.median(observations, axis=0)
    lows, highs = np.quantile(observations, (0.01, 0.99), axis=0)
    weights, units = dna.newborns.weights[0], dna.input_units
    kind, curves, constant = "", [], []
    for place, name in enumerate(names):
        if not highs[place] > lows[place]:
            constant.append(name)
            continue
        given = np.tile(medians, (POINTS, 1))
        given[:, place] = np.linspace(lows[place], highs[place], POINTS)
        kind, shown = _policy(specimen, outputs_of(dna.brain, weights, given)[0])
        curves.append(
            {
                "name": name,
                "unit": units[place],
                "median": rounded(medians[place]),
                "x": rounded(given[:, place]),
                "y": rounded(shown.T),
                "reach": rounded(np.ptp(shown, axis=0).max()),
            }
        )
    return {"kind": kind, "outputs": list(action_labels(dna)), "observations": curves, "constant": constant}


def _policy(specimen: Specimen, outputs: FloatArray) -> tuple[str, FloatArray]:
    """What a policy's parameters [n, ..] say, [n, A]."""
    brain = specimen.dna.brain
    policy = find_policy(brain.policy)
    return policy.curve, outputs[:, : brain.actions] if policy.curve_of is None else policy.curve_of(outputs)


def _replay(specimen: Specimen) -> Json:
    """The same first steps of one life: not learning, learning, and a blank slate that learns."""
    key = specimen.keys(1)
    own = newborn(specimen)
    cast = [("evolved_frozen", "the newborn, learning switched off", own.frozen())]
    if learns(specimen):
        cast += [
            ("evolved", "the same newborn, learning", own),
            ("blank", "blank slate: random weights, learning", _arm(specimen, "blank")),
        ]
    else:
        cast.append(("blank", "random weights, learning switched off", _arm(specimen, "blank").frozen()))
    arms = []
    for name, label, arm in cast:
        newborns, born_as = arm.born(key)
        arms.append(ReplayArm(name, label, newborns, int(born_as[0]), dataclasses.replace(arm.plan(1))))
    steps = specimen.birth_steps
    stride = -(-steps // FRAMES)
    return record_replay(specimen.driver, specimen.setup.conditions, arms, key[0], steps, stride, score_steps=steps)
