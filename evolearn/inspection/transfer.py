"""Two DNAs, each in the world of both, beside a blank slate: what of it works elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evolearn.errors import UserError
from evolearn.inspection.scoring import birth_scores, learned_scores, over_lives
from evolearn.inspection.specimen import FIRST_GENERATION, Extent, Json
from evolearn.life import LifeFault, OwnDrivers
from evolearn.rng import VALIDATION, life_keys
from evolearn.run import ARMS, DNA, Setup, ready_arm, setup_of

WHO = ("first", "second", "blank")


def transfer_table(
    pair: Mapping[str, DNA], drivers: OwnDrivers, extent: Extent, lifetime: int, done: Callable[[], None]
) -> Json:
    """Scores of two DNAs and of a blank slate in the world of each, or in the one that they share.

    Lives are those of the world's own DNA, so that it scores here what it scores in its own inspection.

    Args:
        pair: "first" and "second".
        drivers: where lives are lived.
        extent: how many.
        lifetime: world steps of a life with learning.
        done: called after each cell.
    Returns:
        "worlds": each "of" (whose), "name", "parameters", "birth_steps" and "cells": who -> "birth" and "learned",
        "diverged" lives of both and "note" (what to heed), or "missing": why it cannot live there.
    """
    owners = ["first"] if same_world(pair["first"], pair["second"]) else ["first", "second"]
    return {
        "lifetime": lifetime,
        "birth_lives": extent.birth_lives,
        "lives": extent.lives,
        "worlds": [_world(owner, pair, drivers, extent, lifetime, done) for owner in owners],
    }


def same_world(first: DNA, second: DNA) -> bool:
    """Whether two DNAs evolved in the same world with the same settings."""
    return _settings(first) == _settings(second)


def _settings(dna: DNA) -> Any:
    return dna.header["world"], dna.config.world.model_dump(exclude={"parameters"})


def _world(
    owner: str,
    pair: Mapping[str, DNA],
    drivers: OwnDrivers,
    extent: Extent,
    lifetime: int,
    done: Callable[[], None],
) -> Json:
    host = pair[owner]
    birth_steps = min(host.config.evaluation.birth_steps, lifetime)
    cells = {}
    for who in WHO:
        try:
            cells[who] = _cell(pair.get(who, host), host, who, drivers, extent, birth_steps, lifetime)
        except (UserError, LifeFault) as error:
            cells[who] = {"missing": str(error)}
        done()
    world = host.header["world"]
    return {
        "of": owner,
        "name": world["name"],
        "parameters": world["parameters"],
        "birth_steps": birth_steps,
        "cells": cells,
    }


def _cell(
    guest: DNA, host: DNA, who: str, drivers: OwnDrivers, extent: Extent, birth_steps: int, lifetime: int
) -> Json:
    setup = setup_of(guest, None if same_world(guest, host) else host.config.world)
    driver = setup.driver(drivers)
    name = "blank" if who == "blank" else "evolved"
    arm = ready_arm(name, ARMS[name], guest.pool, guest.genome, guest.config.learner)
    birth_keys, keys = (
        life_keys(host.config.seed, VALIDATION, FIRST_GENERATION, count) for count in (extent.birth_lives, extent.lives)
    )
    birth = birth_scores(setup, driver, arm, birth_keys, birth_steps)
    learned = learned_scores(setup, driver, arm, keys, lifetime)
    return {
        "birth": over_lives(birth.values),
        "learned": over_lives(learned.values),
        "diverged": birth.diverged + learned.diverged,
        "note": _other_names(guest, setup),
    }


def _other_names(guest: DNA, setup: Setup) -> str:
    """What the guest's brain takes for something else here."""
    here = tuple(signal.name for signal in setup.conditions.world.observations)
    unlike = [f"{here} for {own}" for own, here in zip(guest.observations, here, strict=True) if own != here]
    return f"observations by place, not by name: {', '.join(unlike)}" if unlike else ""
