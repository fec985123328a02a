"""What a claim's study would cost on this machine."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from evolearn.claims.table import Claim
from evolearn.life import Drivers
from evolearn.study import measure_rates, plan_study
from evolearn.verdict import Json


class Cost(NamedTuple):
    """World steps and time of a study."""

    steps: int
    seconds: float  # on this machine if estimated, of evolution over all processes if measured
    measured: bool


def measured(record: Json) -> Cost:
    """What a study cost that is kept as a record."""
    cost = record["cost"]
    return Cost(cost["world_steps"] - cost["settings_steps"], cost["seconds"], True)


def estimated(claim: Claim, drivers: Drivers) -> Cost:
    """What the quick study of a claim would cost, timed by a few lives, as its dry run does.

    Args:
        claim: whose study is shipped.
        drivers: where lives are lived; closed at the end.
    """
    config = claim.config()
    plan = plan_study(config)
    with contextlib.closing(drivers):
        rates = measure_rates(config, plan, drivers)
    return Cost(plan.steps, rates.seconds([*plan.evolutions, *plan.tests]), False)
