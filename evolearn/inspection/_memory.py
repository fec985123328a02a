"""What a brain's memory holds: what can be read of the past, and of what its life hides, from the state it carries.

Lives without learning, by the weights that the newborn was born with. The state is what goes from one step into the
next: thought again, from what the brain was told, by the same brain in torch. A linear decoder is fitted on some lives
and scored on others, see `evolearn.inspection._reading`. Beside it stand the same decoder on what the brain is told in
that very step, since what is in sight need not be remembered, and on the states of other lives at the same ages, since
some of everything can be read from a clock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from evolearn.agent import FOR_LIFE, GOES_ON, BrainSpec, TorchBrain, one_thread
from evolearn.errors import UserError
from evolearn.genome import FRESH
from evolearn.inspection._hidden_draws import hidden_draws
from evolearn.inspection._lesion_rows import why_no_memory
from evolearn.inspection._names import action_labels
from evolearn.inspection._newborn_lives import FirstSteps, first_steps, newborn
from evolearn.inspection._reading import Reading, read, target_of
from evolearn.inspection._specimen import IntArray, Json, Specimen
from evolearn.inspection.record import rounded
from evolearn.life import states_of
from evolearn.rng import LifeKey
from evolearn.verdict import FloatArray
from evolearn.world import World

MOST_STEPS = 1000  # of each life
MOST_BYTES = 400_000_000  # of a trace: where worlds show much, less is lived
LAGS = (1, 2, 4, 8, 16)  # steps back
LAG_AGES = 16  # at so many ages, evenly spaced, the past is asked for
WINDOW_AGES = 4  # in each window of age, at most
MOST_OBSERVATIONS, MOST_DRAWS = 24, 12
SHOWN_STEPS, SHOWN_UNITS = 100, 48  # of one life, as a picture

# From what is read: the state, what the brain is told in this step, and the states of others.
SOURCES = ("state", "inputs", "others")


def inspect_memory(specimen: Specimen) -> Json:
    """What the state holds that a brain carries from step to step.

    Args:
        specimen: whose; `extent` says in how many lives.
    Returns:
        - ``lives``, ``steps`` lived of each; ``units`` of the state; ``kept``, for how long, episode or life;
        - ``past``: for each thing that was ``name``, of ``kind`` observation, action or pay: ``at``, for each of LAGS
          ``lag`` and what `_readings` gives;
        - ``hidden``: for each thing that was drawn at birth, and the ``oracle``'s action, ``name``, ``kind`` draw or
          oracle, and ``at``, for each window of age ``first`` and ``last``, steps lived, and what `_readings` gives;
        - ``why_nothing_hidden``: why nothing is asked of what the life hides; empty where it is;
        - ``changing``: names of what was drawn at birth and did not stay; ``constant``: of what never varied;
        - ``left_out``: how many observations and draws were not asked for, being too many;
        - ``example``: one life: ``life``, ``age`` [n], ``states`` [units, n], ``ends``, ages of episodes' ends.
    Raises:
        UserError: the brain carries no state, or another in every life.
        LifeFault: the world is at fault.
    """
    brain = specimen.dna.brain
    if why := why_no_memory(brain):
        raise UserError(why[0].lower() + why[1:].rstrip("."))
    if specimen.dna.pool.modes["weights"] == FRESH:
        raise UserError(
            "weights are drawn afresh in every life (genome.weights.mode=fresh), so that every life's state means "
            "something else: what is read in some lives says nothing of others"
        )
    steps = _steps(specimen)
    met = first_steps(specimen, specimen.extent.memory_lives, steps)
    specimen.progress(1, 4)
    windows = age_windows(steps)
    lag_ages = np.unique(np.linspace(1, steps - 1, min(LAG_AGES, steps - 1)).round().astype(np.int64))
    ages = np.unique(np.concatenate([lag_ages, *(_within(window) for window in windows)]))
    asked = _Asked(specimen, met, ages)
    specimen.progress(2, 4)
    past = list(_past(asked, lag_ages))
    specimen.progress(3, 4)
    hidden, why, changing, left_out = _hidden(asked, windows)
    names = [name for name, _, _ in _things(asked)]
    return {
        "lives": len(met.lived),
        "steps": steps,
        "units": states_of(brain),
        "kept": brain.memory,
        "past": [entry for entry in past if any(asked_of["state"] for asked_of in entry["at"])],
        "hidden": hidden,
        "why_nothing_hidden": why,
        "changing": changing,
        "constant": [name for name in names if name not in {entry["name"] for entry in past}],
        "left_out": left_out + max(0, brain.observations - MOST_OBSERVATIONS),
        "example": _example(asked),
    }


def _steps(specimen: Specimen) -> int:
    """How many steps of each life are lived."""
    brain, world = specimen.dna.brain, specimen.setup.conditions.world
    row = 4 * (brain.told + 2 * brain.observations + world.action_size + len(specimen.dna.drives) + 4)
    most = min(specimen.lifetime, MOST_STEPS, MOST_BYTES // (row * specimen.extent.memory_lives))
    if most < 2:
        raise UserError(f"--lifetime {specimen.lifetime}: must be at least 2 steps, to remember one of them")
    return most


def age_windows(steps: int) -> list[tuple[int, int]]:
    """Windows of age, first and last steps lived, each twice as long as the one before: 0, 1, 2 - 3, 4 - 7, ..

    Args:
        steps: world steps of a life; the last window ends with it, and is not shorter than half of what it would be.
    """
    windows, first = [(0, 0)], 1
    while first < steps:
        last = min(2 * first - 1, steps - 1)
        if last - first + 1 < first // 2:
            windows[-1] = (windows[-1][0], last)
        else:
            windows.append((first, last))
        first *= 2
    return windows


def _within(window: tuple[int, int]) -> IntArray:
    return np.unique(np.linspace(*window, WINDOW_AGES).round().astype(np.int64))


def carried_states(
    brain: BrainSpec, weights: npt.NDArray[Any], told: FloatArray, ends: IntArray, ages: IntArray
) -> FloatArray:
    """What a brain carries on from some of its steps.

    Args:
        brain: what it is made of.
        weights: [W], the same at all ages.
        told: [L, T, I], what it was told.
        ends: [L, T], how each step ended: see `evolearn.agent.GOES_ON`.
        ages: [S], ascending, below T.
    Returns:
        [L, S, H]: the state after each of these steps, before anything is cleared at an episode's end.
    """
    module = TorchBrain(brain).double()
    module.load_flat(np.asarray(weights, np.float64))
    found = np.zeros((len(told), len(ages), module.state_size))
    looked = 0
    with one_thread(), torch.no_grad():
        state = torch.zeros(len(told), module.state_size, dtype=torch.float64)
        for t in range(int(ages[-1]) + 1):
            _, _, state = module.step(torch.from_numpy(told[:, t].astype(np.float64)), state)
            if t == ages[looked]:
                found[:, looked] = state.numpy()
                looked += 1
            if brain.memory != FOR_LIFE:
                state = torch.where(torch.from_numpy(ends[:, t] != GOES_ON)[:, None], torch.zeros(()), state)
    return found


class _Asked:
    """Some lives, and their states at some ages. L lives, S ages."""

    def __init__(self, specimen: Specimen, met: FirstSteps, ages: IntArray) -> None:
        dna = specimen.dna
        self.specimen, self.met, self.ages, self.brain = specimen, met, ages, dna.brain
        self.keys = specimen.keys(len(met.lived))
        self.lived = met.lived.sum(axis=1)
        told = met.trace.met
        self.shown = np.arange(min(SHOWN_STEPS, told.shape[1]))
        every = np.unique(np.concatenate([ages, self.shown]))
        states = carried_states(dna.brain, dna.newborns.weights[0], told, met.trace.ends, every)
        self.states = states[:, np.searchsorted(every, ages)]
        self.example = states[0, np.searchsorted(every, self.shown)]
        self.inputs = told[:, ages].astype(np.float64)
        newborns, born_as = newborn(specimen).born(self.keys)
        self.pay = (met.trace.drives * newborns.drives[born_as][:, None]).sum(axis=-1)
        # Of which episode each step is.
        ended = np.cumsum(met.trace.ends != GOES_ON, axis=1)
        self.episode = np.concatenate([np.zeros((len(ended), 1), np.int64), ended[:, :-1]], axis=1)


def _things(asked: _Asked) -> Iterator[tuple[str, str, FloatArray]]:
    """What may be remembered: name, kind, and what it was in every step, [L, T]."""
    dna, trace = asked.specimen.dna, asked.met.trace
    for place, name in enumerate(dna.observations[:MOST_OBSERVATIONS]):
        yield name, "observation", trace.observations[:, :, place]
    if asked.specimen.setup.conditions.world.is_discrete:
        yield "action", "action", trace.actions[:, :, 0]
    else:
        for place, name in enumerate(action_labels(dna)):
            yield name, "action", trace.actions[:, :, place]
    yield "pay", "pay", asked.pay


def _past(asked: _Asked, ages: IntArray) -> Iterator[Json]:
    """What was so many steps ago; nothing of what never varied."""
    at = np.searchsorted(asked.ages, ages)
    things = list(_things(asked))
    found: dict[str, list[Json]] = {}
    for lag in LAGS:
        some = at[ages >= lag]
        if not len(some):
            continue
        then = asked.ages[some] - lag
        lived = asked.ages[some] < asked.lived[:, None]
        if asked.brain.memory != FOR_LIFE:
            lived &= asked.episode[:, asked.ages[some]] == asked.episode[:, then]
        values = [(name, series[:, then]) for name, _, series in things]
        for name, readings in _readings(asked, values, some, lived).items():
            found.setdefault(name, []).append({"lag": lag, **readings})
    for name, kind, _ in things:
        if name in found:
            yield {"name": name, "kind": kind, "at": found[name]}


def _hidden(asked: _Asked, windows: Sequence[tuple[int, int]]) -> tuple[list[Json], str, list[str], int]:
    """What the life hides: readings, why there are none, what was drawn and did not stay, and how many are left out."""
    conditions = asked.specimen.setup.conditions
    if not isinstance(conditions.world, World):
        return [], "a Gymnasium environment does not show what it draws for a life", [], 0
    draws = hidden_draws(conditions, asked.keys, asked.met.trace, asked.lived, asked.ages)
    fixed = [place for place, yes in enumerate(draws.fixed) if yes]
    changing = [draws.names[place] for place, yes in enumerate(draws.fixed) if not yes]
    values = [(draws.names[place], "draw", draws.values[:, :, place]) for place in fixed[:MOST_DRAWS]]
    if draws.oracle is not None:
        discrete = conditions.world.is_discrete
        labels = ("",) if discrete else tuple(f": {name}" for name in action_labels(asked.specimen.dna))
        values += [
            (f"the oracle's action{label}", "oracle", draws.oracle[:, :, place]) for place, label in enumerate(labels)
        ]
    why = "" if fixed else "its world draws nothing at birth that stays as it is for the life"
    found: dict[str, list[Json]] = {}
    for first, last in windows:
        some = np.flatnonzero(np.isin(asked.ages, _within((first, last))))
        lived = asked.ages[some] < asked.lived[:, None]
        given = [(name, series[:, some]) for name, _, series in values]
        for name, readings in _readings(asked, given, some, lived).items():
            found.setdefault(name, []).append({"first": first, "last": last, **readings})
    hidden = [{"name": name, "kind": kind, "at": found[name]} for name, kind, _ in values if name in found]
    return hidden, why, changing, max(0, len(fixed) - MOST_DRAWS)


def _readings(
    asked: _Asked, values: Sequence[tuple[str, FloatArray]], at: IntArray, lived: npt.NDArray[np.bool_]
) -> dict[str, Json]:
    """How well some things can be read at some ages.

    Args:
        asked: the lives.
        values: names, and what was to be read, [L, S].
        at: [S], places of the ages among those of `asked`.
        lived: [L, S], which of it counts.
    Returns:
        By name, for each of SOURCES ``score``, ``chance`` and ``skill``, see `Reading`; or null where too few
        lives were left. ``is_class`` says which score that is. Nothing of what never varied.
    """
    targets = [target for name, series in values if (target := target_of(name, series[lived])) is not None]
    lives = np.broadcast_to(np.arange(len(lived))[:, None], lived.shape)
    found: dict[str, Json] = {target.name: {"is_class": target.is_class} for target in targets}
    for source in SOURCES:
        features = (asked.inputs if source == "inputs" else asked.states)[:, at]
        counts = lived
        if source == "others":
            features, counts = np.roll(features, 1, axis=0), lived & np.roll(lived, 1, axis=0)
        rows = counts[lived]
        some = [dataclasses.replace(target, values=target.values[rows]) for target in targets]
        for target, reading in zip(some, read(features[counts], some, lives[counts]), strict=True):
            found[target.name][source] = reading and _as_json(reading)
    return found


def _as_json(reading: Reading) -> Json:
    skill = {name: None if value is None else rounded(value) for name, value in reading.skill.as_json().items()}
    return {"score": rounded(reading.score), "chance": rounded(reading.chance), "skill": skill}


def _example(asked: _Asked) -> Json:
    """The state along the first steps of one life."""
    lived = int(min(asked.lived[0], len(asked.shown)))
    ends = np.flatnonzero(asked.met.trace.ends[0, :lived] != GOES_ON)
    return {
        "life": str(LifeKey.of(asked.keys[0])),
        "age": asked.shown[:lived].tolist(),
        "states": rounded(asked.example[:lived, :SHOWN_UNITS].T),
        "ends": ends.tolist(),
    }
