"""An arm's settings, searched before the study and written down with what that cost.

Whoever tunes one side of a comparison by hand and not the other compares diligence. This searches the start of any arm
(the centres of its drives and plasticity) and the settings of its evolution by one rule, on lives of a key space that
no study opens; and every step is counted, for the study to charge.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from evolearn.config import ConfigError
from evolearn.environment import package_versions
from evolearn.errors import offer
from evolearn.genome import EVOLVED
from evolearn.life import Drivers
from evolearn.run import assemble
from evolearn.search import planned_outer_steps
from evolearn.study import StudyConfig, TunedScores, TunedSettings, planned_config
from evolearn.tuning._account import Account, TuningDisplay
from evolearn.tuning._evolutions import check_settings_searchable, search_settings
from evolearn.tuning._sampler import import_optuna
from evolearn.tuning._starts import search_starts, searched_genes
from evolearn.tuning.plan import JUDGING_LIVES, TuningPlan, plan_tuning

DIGITS = 6  # significant, of scores in the file


class Display(TuningDisplay, Protocol):
    """What shows a search."""

    def planned(self, arm: str, condition: str, plan: TuningPlan) -> None:
        """What will be done."""


def tune_arm(
    config: StudyConfig, arm: str, condition: str | None, budget: int, seed: int, drivers: Drivers, display: Display
) -> TunedSettings:
    """Search the start and the settings of an arm of a study.

    First starts, where the arm learns and evolves drives or plasticity: many, each lived from birth for a few lives as
    long as the longest evaluation lifetime; the best again on other lives. Then, if the budget still holds a few whole
    evolutions, settings: algorithm and an option of it, lives and their length, population against generations,
    spreads; each by an evolution that costs what the study's own does. All lives are of the key space TUNING.

    Args:
        config: of the study.
        arm: its name, among the study's arms, with an evolution of its own.
        condition: under which; None: the first.
        budget: world steps; never exceeded.
        seed: of the search.
        drivers: where lives are lived.
        display: shows what happens.
    Returns:
        What was found, with the arm's present settings around it, so that it can stand by itself.
    Raises:
        ConfigError: there is no such arm or condition, it does not evolve, the budget is too small (names the least),
            or its evolution cannot be searched: it begins again, or nothing else spends its steps. Before any step.
        UserError: Optuna is not installed.
    """
    import_optuna()
    name = _known_condition(config, condition)
    if arm not in config.arms:
        raise ConfigError(f"--arm {arm}: is not among the arms of the study.{offer(arm, config.arms)}")
    part = config.arm(arm)
    if not part.evolves:
        able = ", ".join(known for known in config.arms if config.arm(known).evolves)
        raise ConfigError(f"--arm {arm}: has no evolution of its own, so there is nothing to tune; tune one of {able}")
    own = planned_config(config, config.condition(name), arm)
    if own.lineage is not None:
        raise ConfigError(
            f"--arm {arm}: its lives follow one another (section lineage), and settings are searched in lives by "
            "themselves; try settings by evolearn run, and name them in define"
        )
    setup = assemble(own)
    plan = plan_tuning(
        arm,
        budget,
        max(own.evaluation.lifetimes),
        planned_outer_steps(own.search),
        has_starts=part.learns and bool(searched_genes(setup.pool)),
        inherits_weights=setup.pool.modes["weights"] == EVOLVED,
    )
    if plan.evolutions:
        check_settings_searchable(own, arm)
    display.planned(arm, name, plan)
    account = Account(plan.steps, display)
    settings: dict[str, Any] = {}
    found = None
    if plan.starts is not None:
        found = search_starts(setup, drivers, plan.starts, seed, account)
        settings = found.settings
    if plan.evolutions:
        found = search_settings(own, settings, drivers, plan, seed, account)
        settings = found.settings
    assert found is not None, "a plan holds starts or evolutions"
    lives = plan.starts.final_lives if plan.starts is not None and not plan.evolutions else JUDGING_LIVES
    return TunedSettings(
        evolearn=package_versions()["evolearn"],
        arm=arm,
        condition=name,
        seed=seed,
        budget=budget,
        steps=account.steps + part.tuning_steps,
        starts=plan.starts.starts if plan.starts else 0,
        evolutions=plan.evolutions,
        scores=TunedScores(
            **{name: _written(getattr(found, name)) for name in ("tuned", "present", "best", "median")},
            lives=lives,
            lifetime=plan.lifetime,
        ),
        settings={**config.arm_under(config.condition(name), arm).settings, **settings},
    )


def _written(score: float) -> float | None:
    """A score as the file has it; None where a life left the finite numbers."""
    return float(f"{score:.{DIGITS}g}") if math.isfinite(score) else None


def _known_condition(config: StudyConfig, condition: str | None) -> str:
    names = [one.name for one in config.conditions]
    if condition is not None and condition not in names:
        raise ConfigError(f"--condition {condition!r}: is none of the study's.{offer(condition, names)}")
    chosen = config.condition(condition if condition is not None else names[0])
    return chosen.evolved_in or chosen.name
