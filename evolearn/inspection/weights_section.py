"""Innate weights against chance, and which sense moves which muscle: at birth, and after a life."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from evolearn.agent import BrainSpec
from evolearn.errors import UserError
from evolearn.genome import FRESH, decode
from evolearn.inspection.newborn_lives import first_steps, learns, newborn, observations_for, sensitivities
from evolearn.inspection.places import output_labels
from evolearn.inspection.rounded import rounded
from evolearn.inspection.specimen import Specimen
from evolearn.inspection.weights import describe_block
from evolearn.life import DIVERGED, lives
from evolearn.run import DNA

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]

WATCHED_LIVES = 16  # at most, of which observations are taken


def inspect_weights(dna: DNA, specimen: Specimen | None) -> Json:
    """The weights of a newborn, layer by layer and as a whole.

    Args:
        dna: whose.
        specimen: the same in its world; None: the world is not there, and what needs lives is left out.
    Returns:
        - ``mode``, how weights come into a life; ``policy``; ``lifetime`` and ``lives`` after which they were looked at
          again, or null; ``diverged``, lives left out since their brain left the finite numbers;
        - ``blocks``: see `describe_block`;
        - ``sensitivity``: see `_sensitivity`.
    Raises:
        UserError: the weights are drawn afresh in every life.
        LifeFault: the world is at fault.
    """
    mode = dna.pool.modes["weights"]
    if mode == FRESH:
        raise UserError(
            "this DNA holds no weights: they are drawn afresh in every life (genome.weights.mode=fresh); what "
            "evolution wrote is in its drives and its plasticity"
        )
    born = dna.newborns.weights[0].astype(np.float64)
    start = decode(dna.pool, dna.pool.centre[None]).weights[0].astype(np.float64)
    lived, diverged = None, 0
    if specimen is not None and learns(specimen):
        lived, diverged = _after_life(specimen)
        specimen.progress(1, 2)
    blocks, begin = [], 0
    for tensor in dna.brain.tensors:
        part = slice(begin, begin + tensor.size)
        blocks.append(
            describe_block(tensor, born[part], start[part], None if lived is None else lived[:, part], dna.config.seed)
        )
        begin += tensor.size
    return {
        "mode": mode,
        "policy": dna.brain.policy,
        "lifetime": None if lived is None or specimen is None else specimen.lifetime,
        "lives": None if lived is None else len(lived),
        "diverged": diverged,
        "blocks": blocks,
        "sensitivity": _sensitivity(dna, specimen, born, lived),
    }


def _after_life(specimen: Specimen) -> tuple[Floats | None, int]:
    """Weights at the end of lives with learning, [lives, W], and how many lives had none that are finite."""
    arm = newborn(specimen)
    keys = specimen.keys(specimen.extent.lives)
    newborns, born_as = arm.born(keys)
    plan = dataclasses.replace(arm.plan(specimen.lifetime), final_weights=True)
    outcome, _ = lives(specimen.driver, specimen.setup.conditions, newborns, born_as, keys, plan)
    final = outcome.final_weights.astype(np.float64)
    whole = (outcome.status != DIVERGED) & np.isfinite(final).all(axis=1)
    return (final[whole] if whole.any() else None), int((~whole).sum())


def _sensitivity(dna: DNA, specimen: Specimen | None, born: Floats, lived: Floats | None) -> Json:
    """Which sense moves which muscle.

    Returns:
        ``observations``, ``outputs``; ``met``, over how many observations the means are taken, those that the newborn
        met without learning: the same ones for both ages, so that a difference is one of brains; 0: at observation
        zero; ``stdev`` of each observation in those lives, or null; ``born``, ``lived`` and ``learned``, what life
        changed: ``mean`` and ``rms`` [O, outputs], per unit of the observation, over observations and then over lives.
    """
    brain, labels = dna.brain, output_labels(dna)
    if specimen is None:
        sample, spread = np.zeros((1, brain.observations)), None
    else:
        met = first_steps(specimen, min(WATCHED_LIVES, specimen.extent.birth_lives))
        sample, spread = met.sample(observations_for(brain)), met.observations.std(axis=0)
    at_birth = sensitivities(brain, born, sample)[:, : len(labels)]
    return {
        "observations": list(dna.observations),
        "outputs": list(labels),
        "met": 0 if specimen is None else len(sample),
        "stdev": None if spread is None else rounded(spread),
        "born": _averaged([at_birth]),
        **_changes(brain, sample, at_birth, lived),
    }


def _changes(brain: BrainSpec, sample: Floats, at_birth: Floats, lived: Floats | None) -> Json:
    if lived is None:
        return {"lived": None, "learned": None}
    later = [sensitivities(brain, weights, sample)[:, : at_birth.shape[1]] for weights in lived]
    return {"lived": _averaged(later), "learned": _averaged([slopes - at_birth for slopes in later])}


def _averaged(slopes: list[Floats]) -> Json:
    """Mean and root mean square over observations and lives, [O, outputs], of [n, outputs, O] for each life."""
    mean = np.mean([entry.mean(axis=0) for entry in slopes], axis=0)
    square = np.mean([(entry**2).mean(axis=0) for entry in slopes], axis=0)
    return {"mean": rounded(mean.T), "rms": rounded(np.sqrt(square).T)}
